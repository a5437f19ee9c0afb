//! Okta service applications.

use crate::matching::DEFAULT_AUDIENCE;
use crate::resource::Match;

use super::Holds::{Text, TextList};
use super::arguments::{Reader, all_of, cel_text, discovered, is_host, optional, required};
use super::{Arguments, Checked, IssuerPreset, ProviderKind, profile};

pub(super) const KIND: ProviderKind = ProviderKind {
    name: "okta",
    arguments: &[
        required("domain", Text, "The Okta domain, such as acme.okta.com."),
        required(
            "authorization_server",
            Text,
            "Id of a custom authorization server, such as aus1a2b3c4d5e6f7g8h9.",
        ),
    ],
    match_arguments: &[
        required("client_id", Text, "Client id of the service application."),
        optional("scopes", TextList, "Scopes that the token must have."),
    ],
    profile: Some(&profile::OKTA),
    issuer,
    compile_match,
};

fn issuer(given: &Arguments) -> Checked<IssuerPreset> {
    let mut reader = Reader::new(given);
    let domain = reader.checked(
        "domain",
        |text| is_host(text) && !text.contains("-admin."),
        "is no Okta domain: it is compared with `iss`, which has the bare host of the sign-in pages.",
        "Write the host alone, such as \"acme.okta.com\", without https:// and without -admin.",
    );
    let plain = |text: &str| text.bytes().all(|byte| byte.is_ascii_alphanumeric());
    let server = reader.checked(
        "authorization_server",
        plain,
        "is no id of an authorization server. Tokens of the org server itself are not meant for others to check.",
        "Copy the id from Security, API, Authorization Servers; it begins with \"aus\".",
    );
    let url = domain.zip(server).map(|(domain, server)| format!("https://{domain}/oauth2/{server}"));
    reader.finish(url.map(|url| discovered(url, true, 3_600)))
}

fn compile_match(_provider: &Arguments, given: &Arguments) -> Checked<Match> {
    let mut reader = Reader::new(given);
    let client = reader.checked(
        "client_id",
        |text| text.bytes().all(|byte| byte.is_ascii_alphanumeric()),
        "is no client id: letters and digits only.",
        "Copy the client id of the service application; it begins with \"0oa\".",
    );
    let mut conditions: Vec<String> =
        reader.texts("scopes").iter().map(|scope| format!("{} in claims.scp", cel_text(scope))).collect();
    // Tokens of people have a `uid`; those of a service application do not.
    conditions.push(r#"!("uid" in claims)"#.to_owned());
    let matching = client.map(|client| Match {
        subject_prefix: Some(client.to_owned()),
        audience: Some(DEFAULT_AUDIENCE.to_owned()),
        claims: [("cid".to_owned(), client.to_owned())].into(),
        condition: all_of(&conditions),
    });
    reader.finish(matching)
}
