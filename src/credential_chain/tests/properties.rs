//! What holds for all sources.

use proptest::prelude::*;

use crate::credential_chain::{Place, Product, Remedy};

use super::*;

const VARIABLES: [&str; 12] = [
    "ANTHROPIC_API_KEY",
    "ANTHROPIC_AUTH_TOKEN",
    "ANTHROPIC_PROFILE",
    "ANTHROPIC_CONFIG_DIR",
    "ANTHROPIC_FEDERATION_RULE_ID",
    "ANTHROPIC_ORGANIZATION_ID",
    "ANTHROPIC_IDENTITY_TOKEN_FILE",
    "ANTHROPIC_IDENTITY_TOKEN",
    "ANTHROPIC_SERVICE_ACCOUNT_ID",
    "ANTHROPIC_CUSTOM_HEADERS",
    "CLAUDE_CODE_OAUTH_TOKEN",
    "ANTHROPIC_BASE_URL",
];

const VALUES: [&str; 11] = [
    "",
    "  ",
    "sk-ant-api03-CANARY",
    "sk-ant-oat01-CANARY ",
    "/run/token",
    "me",
    "x-api-key: sk-ant-api03-CANARY\nAuthorization: Bearer sk-ant-oat01-CANARY",
    "https://me:CANARY@gateway.example.com/",
    "https://me:CA/CANARY@gateway.example.com",
    "me:CANARY@gateway.example.com",
    "https://gateway.example.com/?key=CANARY",
];

fn client() -> impl Strategy<Value = Client> {
    let newest = Product::ALL.into_iter().map(Client::latest);
    let older = Product::ALL
        .into_iter()
        .flat_map(|product| product.older().iter().map(move |&version| Client { product, version }));
    proptest::sample::select(newest.chain(older).collect::<Vec<_>>())
}

fn any_sources() -> impl Strategy<Value = Sources> {
    let variables = proptest::collection::vec(
        (proptest::sample::select(&VARIABLES), proptest::sample::select(&VALUES)),
        0..8,
    );
    (variables, any::<bool>(), any::<bool>(), proptest::option::of(0..2usize)).prop_map(
        |(variables, me, default, argument)| {
            let mut sources = sources(&[]);
            variables.iter().for_each(|(name, value)| set(&mut sources, &format!("{name}={value}")));
            [(me, "me"), (default, "default")]
                .iter()
                .filter(|(on, _)| *on)
                .for_each(|(_, name)| login(&mut sources, name));
            match argument {
                Some(0) => sources.arguments.api_key = Some(Secret::new(KEY)),
                Some(_) => sources.arguments.profile = Some("me".to_owned()),
                None => {}
            }
            sources
        },
    )
}

/// Does what a remedy asks for, as far as a program can.
fn follow(remedy: &Remedy, sources: &mut Sources) {
    match remedy.trap {
        "T5" => drop(sources.variables.remove("ANTHROPIC_CUSTOM_HEADERS")),
        "T6" => sources.arguments = Default::default(),
        "T7" => drop(sources.variables.remove("ANTHROPIC_PROFILE")),
        "T8" => {
            sources.variables.remove("ANTHROPIC_CONFIG_DIR");
            sources.files.retain(|path, _| !path.starts_with("/home/me/.config/anthropic"));
        }
        "T9" => drop(sources.files.remove(std::path::Path::new(remedy.place.split(':').next().unwrap()))),
        "T10" => sources.files.retain(|path, _| {
            !path.starts_with("/home/me/.claude.json") && !path.starts_with("/home/me/.claude")
        }),
        _ => drop(sources.variables.remove(&remedy.name)),
    }
}

proptest! {
    #[test]
    fn no_secret_is_kept(client in client(), sources in any_sources()) {
        let outcome = resolve(&client, &sources);
        let told = format!("{} {outcome:?} {:?} {}", serde_json::to_string(&outcome).unwrap(), outcome.shadows(), outcome.winner_source());
        prop_assert!(!told.contains("CANARY"), "{told}");
    }

    #[test]
    fn a_request_or_a_reason(client in client(), sources in any_sources()) {
        let outcome = resolve(&client, &sources);
        prop_assert!(outcome.failure.is_none() || outcome.headers.is_empty() && outcome.exchange.is_none());
        let from_exchange = outcome.headers.iter().any(|carried| carried.origin.place == Place::Exchange);
        prop_assert!(!from_exchange || outcome.exchange.is_some());
    }

    #[test]
    fn following_the_remedies_ends_on_federation(
        client in client(),
        statics in proptest::collection::vec((0..6usize, 2..4usize), 0..5),
        files in proptest::collection::vec(0..4usize, 0..3),
        argument in any::<bool>(),
    ) {
        let mut sources = federated(&[]);
        for (name, value) in statics {
            let name = ["ANTHROPIC_API_KEY", "ANTHROPIC_AUTH_TOKEN", "ANTHROPIC_CUSTOM_HEADERS", "CLAUDE_CODE_OAUTH_TOKEN", "ANTHROPIC_PROFILE", "ANTHROPIC_API_KEY"][name];
            let value = match name {
                "ANTHROPIC_CUSTOM_HEADERS" => VALUES[6],
                "ANTHROPIC_PROFILE" => "me",
                _ => VALUES[value],
            };
            set(&mut sources, &format!("{name}={value}"));
        }
        for file in files {
            match file {
                0 => login(&mut sources, "me"),
                1 => { login(&mut sources, "default"); put(&mut sources, "/home/me/.config/anthropic/active_config", "default") }
                2 => put(&mut sources, "/project/.claude/settings.json", r#"{"apiKeyHelper":"print"}"#),
                _ => put(&mut sources, "/home/me/.claude.json", r#"{"primaryApiKey":"sk-ant-api03-CANARY"}"#),
            }
        }
        if argument {
            sources.arguments.api_key = Some(Secret::new(KEY));
        }
        for _ in 0..12 {
            let outcome = resolve(&client, &sources);
            if outcome.federates() {
                break;
            }
            let remedy = outcome.remedies.first();
            prop_assert!(remedy.is_some(), "no way out of {outcome:#?}");
            follow(remedy.unwrap(), &mut sources);
        }
        let outcome = resolve(&client, &sources);
        prop_assert!(outcome.federates(), "{outcome:#?}");
    }
}
