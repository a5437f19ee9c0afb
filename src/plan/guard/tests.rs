//! Operations against bindings.

use keyless_state::{ConsumerId, Fact, Identity, Mutation};
use serde_json::json;

use super::*;
use crate::config::{FederationRule, Provider, WorkspaceChoice};
use crate::plan::{diff, diff::diff as compare};
use crate::resource::Jwks;
use crate::sample::{
    ACCOUNT, CONSUMER, ISSUER, KEY, RULE, address, built, consumer_id, evidence, hour, id_of, lane, these,
};

mod way_back;

type World = (Configuration, State, Observed);

fn grant() -> Grant {
    Grant::Rule {
        rule_id: id_of(&address(RULE)),
        service_account_id: id_of(&address(ACCOUNT)),
        issuer_id: id_of(&address(ISSUER)),
        workspace_id: Some("wrkspc_a".to_owned()),
    }
}

fn binding(grant: Grant) -> Binding {
    let consumer: ConsumerId = consumer_id(CONSUMER);
    Binding::new("apikey_1", &address(KEY), &consumer, grant, hour(0))
}

/// A finished lane whose workload lives off the rule.
fn bound() -> World {
    let mut world = built();
    world.1.lanes.insert(address(KEY), lane("apikey_1", &[(CONSUMER, hour(0))]));
    world.1.apply(&binding(grant()).put());
    world
}

fn guarded(world: &World) -> diff::Diff {
    let (configuration, state, observed) = world;
    let mut diff = compare(configuration, state, observed);
    guard(&Scene { configuration, state, observed, now: hour(1) }, &mut diff);
    diff
}

fn refused(world: &World) -> String {
    let refused = guarded(world).refused;
    refused.iter().map(|it| format!("{} {:?}\n", it.summary, it.why)).collect()
}

/// An edit of what a workload lives off, and what it is refused for; nothing: it is harmless.
#[track_caller]
fn check(edit: impl Fn(&mut World), expected: &str) {
    let mut world = bound();
    edit(&mut world);
    let told = refused(&world);
    match expected {
        "" => assert_eq!(told, ""),
        words => assert!(told.contains(words), "{words:?} in {told:?}"),
    }
    // Nobody lives off it: nothing is refused.
    world.1.apply(&binding(Grant::Key).put());
    assert_eq!(refused(&world), "");
}

fn rule(world: &mut World) -> &mut FederationRule {
    world.0.federation_rules.get_mut(&address(RULE)).unwrap()
}

fn provider(world: &mut World) -> &mut Provider {
    world.0.providers.get_mut(&address(ISSUER)).unwrap()
}

fn show(world: &mut World, subject: &str) {
    let mut bound = world.1.bindings[&format!("apikey_1/{CONSUMER}")].clone();
    let claims = json!({ "sub": subject }).as_object().unwrap().clone();
    bound.identities.push(Identity { claims, seen_at: hour(0) });
    world.1.apply(&bound.put());
}

#[test]
fn a_match_may_change_as_long_as_it_lets_everyone_in_who_was_seen() {
    let to =
        |subject: &'static str| move |w: &mut World| rule(w).matching.subject_prefix = Some(subject.into());
    check(to("repo:acme/app:main"), "as whom it shows itself is not known");
    check(to("repo:acme/*"), "");
    let seen = |subject: &'static str, shown: &'static [&'static str]| {
        move |w: &mut World| {
            shown.iter().for_each(|it| show(w, it));
            to(subject)(w);
        }
    };
    check(seen("repo:acme/other", &["repo:acme/other"]), "");
    check(seen("repo:acme/other", &["repo:acme/app"]), "would not let it in any more");
    check(seen("repo:acme/other", &["repo:acme/other", "repo:acme/app"]), "would not let it in any more");
    check(|w| rule(w).matching.audience = Some("other".into()), "another audience");
}

#[test]
fn what_else_a_rule_gives_stays() {
    check(|w| rule(w).oauth_scope = "workspace:developer".into(), "would lose the scope workspace:inference");
    check(|w| rule(w).oauth_scope = "workspace:inference workspace:developer".into(), "");
    check(|w| rule(w).token_lifetime_seconds = 60, "");
    check(|w| rule(w).description = "Another".into(), "");
    check(|w| rule(w).workspaces = these(&["wrkspc_b"]), "the rule would leave its workspace");
    check(|w| rule(w).workspaces = these(&["wrkspc_a", "wrkspc_b"]), "");
    check(|w| rule(w).workspaces = WorkspaceChoice::All, "");
    let other_account = |w: &mut World| {
        let account = crate::sample::account("other", &[("wrkspc_a", "workspace_developer")]);
        w.0.service_accounts.insert(address("service_account.other"), account);
        rule(w).service_account = address("service_account.other");
    };
    check(other_account, "another service account");
}

#[test]
fn a_rule_for_all_workspaces_keeps_that_of_its_workload() {
    let to = |ids: &'static [&'static str]| {
        move |w: &mut World| {
            let id = id_of(&address(RULE));
            let object = w.2.rules.get_mut(&id).unwrap();
            object.arguments.workspaces = crate::resource::RuleWorkspaces::All;
            w.1.records.get_mut(&address(RULE)).unwrap().attributes =
                crate::plan::attributes::rule(&object.arguments);
            rule(w).workspaces = these(ids);
        }
    };
    check(to(&["wrkspc_a"]), "");
    check(to(&["wrkspc_b"]), "the rule would leave its workspace");
    let default = |w: &mut World| {
        let mut bound = binding(grant());
        if let Grant::Rule { workspace_id, .. } = &mut bound.grant {
            *workspace_id = Some("default".to_owned());
        }
        w.1.apply(&bound.put());
        w.2.workspaces.get_mut("wrkspc_b").unwrap().is_default = true;
    };
    check(
        |w| {
            default(w);
            to(&["wrkspc_b"])(w);
        },
        "",
    );
    check(
        |w| {
            default(w);
            to(&["wrkspc_a"])(w);
        },
        "the rule would leave its workspace",
    );
}

#[test]
fn what_a_rule_stands_on_stays() {
    let memberships = |ids: &'static [(&'static str, &'static str)]| {
        move |w: &mut World| {
            w.0.service_accounts.insert(address(ACCOUNT), crate::sample::account("bot", ids));
        }
    };
    check(memberships(&[("wrkspc_b", "workspace_developer")]), "account would leave its workspace");
    check(memberships(&[("wrkspc_a", "workspace_user")]), "");
    check(|w| provider(w).issuer_url = "https://other.example.com".into(), "the issuer's present URL");
    check(|w| provider(w).max_jwt_lifetime_seconds = 60, "may live longer");
    check(|w| provider(w).max_jwt_lifetime_seconds = 86_400, "");
    let other = Jwks::ExplicitUrl { url: "https://other.example.com/jwks".into(), ca_cert_pem: None };
    check(move |w| provider(w).jwks = other.clone(), "keys that would not be known");
    let lenient = |w: &mut World| {
        let object = w.2.issuers.get_mut(&id_of(&address(ISSUER))).unwrap();
        object.arguments.check_jti = false;
        w.1.records.get_mut(&address(ISSUER)).unwrap().attributes =
            crate::plan::attributes::issuer(&object.arguments);
    };
    check(lenient, "uses twice would be refused");
}

#[test]
fn keys_of_an_issuer_may_be_added_and_not_taken_away() {
    let key = |kid: &str| json!({ "kty": "RSA", "kid": kid, "n": "AQAB", "e": "AQAB" });
    let inline = move |kids: &[&str]| Jwks::Inline { keys: kids.iter().map(|kid| key(kid)).collect() };
    let from_to = |before: &'static [&'static str], after: &'static [&'static str]| {
        move |w: &mut World| {
            let object = w.2.issuers.get_mut(&id_of(&address(ISSUER))).unwrap();
            object.arguments.jwks = inline(before);
            provider(w).jwks = inline(after);
        }
    };
    check(from_to(&["1"], &["1", "2"]), "");
    check(from_to(&["1", "2"], &["2"]), "keys that would not be known");
}

/// Takes the blocks away.
fn emptied(w: &mut World) {
    w.0 = Configuration::default();
}

/// What somebody did to the rule by hand, and plans take back.
fn by_hand(w: &mut World, change: impl FnOnce(&mut crate::resource::RuleArguments)) {
    change(&mut w.2.rules.get_mut(&id_of(&address(RULE))).unwrap().arguments);
}

#[test]
fn what_somebody_widened_by_hand_may_be_taken_back() {
    let any = |w: &mut World| by_hand(w, |rule| rule.matching = Default::default());
    check(any, "");
    let more = |w: &mut World| by_hand(w, |rule| rule.oauth_scope = "workspace:inference org:admin".into());
    check(more, "");
    let everywhere = |w: &mut World| {
        let mut bound = binding(grant());
        if let Grant::Rule { workspace_id, .. } = &mut bound.grant {
            *workspace_id = None;
        }
        w.1.apply(&bound.put());
        by_hand(w, |rule| {
            rule.workspaces =
                crate::resource::RuleWorkspaces::These(["wrkspc_a", "wrkspc_b"].map(String::from).into());
        });
    };
    check(everywhere, "");
    let member = |w: &mut World| {
        let account = w.2.service_accounts.get_mut(&id_of(&address(ACCOUNT))).unwrap();
        account.memberships.insert("wrkspc_b".into(), "workspace_developer".into());
    };
    check(member, "");
    let keys = |w: &mut World| {
        let url = "https://other.example.com/jwks".into();
        let issuer = w.2.issuers.get_mut(&id_of(&address(ISSUER))).unwrap();
        issuer.arguments.jwks = Jwks::ExplicitUrl { url, ca_cert_pem: None };
    };
    check(keys, "");
    // A return to what it never was is an edit.
    let and_edited = |w: &mut World| {
        by_hand(w, |rule| rule.matching = Default::default());
        rule(w).matching.subject_prefix = Some("repo:acme/other".into());
    };
    check(and_edited, "as whom it shows itself is not known");
}

#[test]
fn what_takes_nothing_is_harmless_to_those_of_whom_nothing_is_known() {
    let unresolved = |edit: fn(&mut World)| {
        move |w: &mut World| {
            w.1.apply(&binding(Grant::Unresolved).put());
            edit(w);
        }
    };
    check(unresolved(|w| rule(w).description = "Another".into()), "");
    check(unresolved(|w| rule(w).workspaces = these(&["wrkspc_a", "wrkspc_b"])), "");
    check(
        unresolved(|w| rule(w).workspaces = these(&["wrkspc_b"])),
        "what it lives off instead is not recorded",
    );
    check(unresolved(|w| rule(w).matching.audience = Some("other".into())), "is not recorded");
    check(unresolved(|w| provider(w).max_jwt_lifetime_seconds = 60), "is not recorded");
}

#[test]
fn blocks_that_are_gone_end_no_binding() {
    check(emptied, "would be archived");
    check(|w| w.0.federation_rules.clear(), "would be archived");
    // What it lives off is not known: nothing goes.
    let unresolved = |w: &mut World| {
        w.1.apply(&binding(Grant::Unresolved).put());
        emptied(w);
    };
    check(unresolved, "is not recorded");
}

fn word(w: &mut World, object: &str, at: i64) {
    let fact = Fact::Retirement {
        grant: address(RULE),
        object_id: object.to_owned(),
        consumer: None,
        by: "Ada".to_owned(),
        statement: "Switched off".to_owned(),
    };
    w.1.apply(&Mutation::PutEvidence { evidence: evidence("retirement", hour(at), fact) });
}

#[test]
fn a_persons_word_ends_a_binding_for_a_week() {
    let stated = |object: &'static str, at: i64| {
        move |w: &mut World| {
            emptied(w);
            word(w, object, at);
        }
    };
    check(stated("federation_rule_bot", 0), "");
    check(stated("fdrl_older", 0), "would be archived");
    check(stated("apikey_1", 0), "would be archived");
    // It was given before the workload came to live off the rule.
    let older = |w: &mut World| {
        emptied(w);
        word(w, "federation_rule_bot", -1);
    };
    check(older, "would be archived");
    let edited = |w: &mut World| {
        word(w, "federation_rule_bot", 0);
        rule(w).matching.subject_prefix = Some("other".into());
    };
    check(edited, "as whom it shows itself is not known");
}

#[test]
fn what_the_settings_name_counts_as_well() {
    let written = |w: &mut World| {
        let second = crate::sample::rule("second", ISSUER, ACCOUNT);
        w.0.federation_rules.insert(address("federation_rule.second"), second);
        w.2 = crate::sample::build(&w.0);
        let bindings = std::mem::take(&mut w.1.bindings);
        w.1 = crate::sample::recorded(&w.0, &w.2);
        w.1.bindings = bindings;
        let mut bound = binding(grant());
        let mut next = grant();
        if let Grant::Rule { rule_id, .. } = &mut next {
            *rule_id = id_of(&address("federation_rule.second"));
        }
        bound.write(next, hour(1));
        w.1.apply(&bound.put());
    };
    let edited = |w: &mut World| {
        written(w);
        let second = w.0.federation_rules.get_mut(&address("federation_rule.second")).unwrap();
        second.matching.subject_prefix = Some("other".into());
    };
    check(edited, "has had federation_rule.second in its settings");
    let gone = |w: &mut World| {
        written(w);
        w.0.federation_rules.remove(&address("federation_rule.second"));
        w.0.api_keys.clear();
    };
    check(gone, "has had federation_rule.second in its settings");
}

#[test]
fn what_a_workload_is_leaving_waits_for_it() {
    let mut world = bound();
    let second = crate::sample::rule("second", ISSUER, ACCOUNT);
    world.0.federation_rules = [(address("federation_rule.second"), second)].into();
    let key = world.0.api_keys.get_mut(&address(KEY)).unwrap();
    key.replaced_by = [address("federation_rule.second")].into();
    key.consumers.values_mut().for_each(|consumer| consumer.rule = address("federation_rule.second"));
    let diff = guarded(&world);
    assert_eq!(diff.refused, []);
    let kept: Vec<String> = diff.kept.iter().map(|kept| kept.address.to_string()).collect();
    assert_eq!(kept, [RULE]);
    let archives = diff.work.iter().filter(|(operation, _)| matches!(operation, Operation::Archive { .. }));
    assert_eq!(archives.count(), 0);
}

#[test]
fn what_somebody_unknown_uses_is_neither_archived_nor_narrowed() {
    let used = |edit: &dyn Fn(&mut World), expected: &str| {
        let mut world = built();
        let fact = Fact::AccountTraffic { service_account: address(ACCOUNT), last_seen: hour(0) };
        world.1.evidence.push(evidence("traffic", hour(1), fact));
        edit(&mut world);
        let told = refused(&world);
        match expected {
            "" => assert_eq!(told, ""),
            words => assert!(told.contains(words), "{words:?} in {told:?}"),
        }
    };
    let gone = |world: &mut World| {
        world.0.api_keys.clear();
        world.0.federation_rules.clear();
    };
    used(&gone, "Somebody would be cut off");
    used(&gone, "federation_rule.bot would be archived");
    used(&|world| rule(world).matching.subject_prefix = Some("repo:acme/other".into()), "is not known");
    used(&|world| rule(world).description = "new".into(), "");
    used(
        &|world| {
            gone(world);
            world.1.evidence.clear();
        },
        "",
    );
    // The hint names whoever may have moved it.
    let mut world = built();
    let fact = Fact::AccountTraffic { service_account: address(ACCOUNT), last_seen: hour(0) };
    world.1.evidence.push(evidence("traffic", hour(1), fact));
    rule(&mut world).matching.subject_prefix = Some("repo:acme/other".into());
    let hint = |world: &World| guarded(world).refused[0].fix.clone();
    assert!(hint(&world).starts_with("find out who uses the account"), "{}", hint(&world));
    let key = world.0.api_keys.get_mut(&address(KEY)).unwrap();
    key.consumers
        .insert(consumer_id("manual.desk"), crate::sample::with_driver(RULE, crate::sample::manual()));
    let command = "keyless evidence add -manual -key=api_key.old -consumer=manual.desk ";
    assert!(hint(&world).contains(command), "{}", hint(&world));
}
