use super::*;
use crate::resource::{Jwks, RuleWorkspaces, Unreadable};
use crate::sample::{ACCOUNT, ISSUER, KEY, RULE, address, built, hour, id_of};

fn stake(name: &str) -> Stake {
    match name {
        KEY => Stake { kind: Kind::ApiKey, id: "apikey_1".to_owned(), address: Some(address(KEY)) },
        "wrkspc_a" => Stake { kind: Kind::Data, id: name.to_owned(), address: None },
        name => {
            let address = address(name);
            Stake { kind: address.kind(), id: id_of(&address), address: Some(address) }
        }
    }
}

fn rule(observed: &mut Observed) -> &mut RuleObject {
    observed.rules.get_mut(&id_of(&address(RULE))).unwrap()
}

fn issuer(observed: &mut Observed) -> &mut IssuerObject {
    observed.issuers.get_mut(&id_of(&address(ISSUER))).unwrap()
}

fn account(observed: &mut Observed) -> &mut ServiceAccountObject {
    observed.service_accounts.get_mut(&id_of(&address(ACCOUNT))).unwrap()
}

#[track_caller]
fn check(name: &str, change: impl FnOnce(&mut Observed), expected: Option<Moved>) {
    let (_, _, believed) = built();
    let mut seen = believed.clone();
    change(&mut seen);
    assert_eq!(moved(&stake(name), &believed, &seen), expected);
    if let Some(moved) = expected {
        let told = moved.told(&stake(name));
        assert!(told.contains(&stake(name).id) && told.contains("Nothing was taken away"), "{told}");
    }
}

fn changed(names: &[&str]) -> Option<Moved> {
    Some(Moved::Changed(names.iter().map(|name| (*name).to_owned()).collect()))
}

#[test]
fn nothing_moved() {
    for name in [RULE, ISSUER, ACCOUNT, KEY, "wrkspc_a"] {
        check(name, |_| {}, None);
    }
}

#[test]
fn what_things_are_called_does_not_matter() {
    check(RULE, |it| rule(it).arguments.description = "New.".to_owned(), None);
    check(RULE, |it| rule(it).provenance.updated_at = Some(hour(1)), None);
    check(ISSUER, |it| issuer(it).arguments.name = "new".to_owned(), None);
    check(ISSUER, |it| issuer(it).health.consecutive_failures = 3, None);
    check(ACCOUNT, |it| account(it).arguments.description = "New.".to_owned(), None);
    check(KEY, |it| it.api_keys.get_mut("apikey_1").unwrap().name = "new".to_owned(), None);
}

#[test]
fn what_was_archived_is_seen() {
    let archived = || Some(Moved::Archived);
    check(RULE, |it| rule(it).provenance.archived_at = Some(hour(1)), archived());
    check(ISSUER, |it| issuer(it).provenance.archived_at = Some(hour(1)), archived());
    check(ACCOUNT, |it| account(it).provenance.archived_at = Some(hour(1)), archived());
    check(
        "wrkspc_a",
        |it| it.workspaces.get_mut("wrkspc_a").unwrap().archived_at = Some(hour(1)),
        archived(),
    );
}

#[test]
fn what_was_changed_is_named() {
    check(
        RULE,
        |it| rule(it).arguments.matching.subject_prefix = Some("repo:acme/other".to_owned()),
        changed(&["match"]),
    );
    check(
        RULE,
        |it| rule(it).arguments.service_account_id = "svac_2".to_owned(),
        changed(&["service_account_id"]),
    );
    check(RULE, |it| rule(it).arguments.oauth_scope = "other".to_owned(), changed(&["oauth_scope"]));
    check(RULE, |it| rule(it).target_type = "user".to_owned(), changed(&["target_type"]));
    check(
        RULE,
        |it| rule(it).arguments.workspaces = RuleWorkspaces::These(BTreeSet::new()),
        changed(&["workspace_ids"]),
    );
    check(
        RULE,
        |it| rule(it).arguments.workspaces = RuleWorkspaces::All,
        changed(&["applies_to_all_workspaces", "workspace_ids"]),
    );
    check(
        ISSUER,
        |it| issuer(it).arguments.issuer_url = "https://other.example.com".to_owned(),
        changed(&["issuer_url"]),
    );
    check(ISSUER, |it| issuer(it).arguments.jwks = Jwks::Inline { keys: Vec::new() }, changed(&["jwks"]));
    check(ACCOUNT, |it| account(it).memberships.clear(), changed(&["memberships"]));
    check(
        KEY,
        |it| it.api_keys.get_mut("apikey_1").unwrap().status = KeyStatus::Inactive,
        Some(Moved::Status(KeyStatus::Inactive)),
    );
}

#[test]
fn what_is_not_understood_is_never_taken_for_harmless() {
    let unreadable = Unreadable { noun: "federation rule", name: None, why: "it is odd".to_owned() };
    let why = Some(Moved::Unreadable("it is odd".to_owned()));
    check(RULE, |it| drop(it.unreadable.insert(id_of(&address(RULE)), unreadable)), why);
    check(RULE, |it| it.rules.clear(), Some(Moved::Missing));
    check(ISSUER, |it| it.issuers.clear(), Some(Moved::Missing));
    check(ACCOUNT, |it| it.service_accounts.clear(), Some(Moved::Missing));
    check(KEY, |it| it.api_keys.clear(), Some(Moved::Missing));
    check("wrkspc_a", |it| it.workspaces.clear(), Some(Moved::Missing));
    let (_, _, seen) = built();
    let mut believed = seen.clone();
    believed.rules.clear();
    assert_eq!(moved(&stake(RULE), &believed, &seen), Some(Moved::Unknown));
}

#[test]
fn what_was_read_is_believed_from_then_on() {
    let (_, _, before) = built();
    let (mut believed, mut seen) = (before.clone(), before);
    rule(&mut seen).provenance.archived_at = Some(hour(1));
    account(&mut seen).memberships.clear();
    seen.workspaces.get_mut("wrkspc_a").unwrap().archived_at = Some(hour(1));
    for name in [RULE, ISSUER, ACCOUNT, KEY, "wrkspc_a"] {
        believe(&stake(name), &mut believed, &seen);
    }
    assert_eq!(believed, seen);
}
