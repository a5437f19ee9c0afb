//! What of the record becomes a fact of the lane.

use jiff::Timestamp;

use super::*;
use crate::sample::{
    ACCOUNT, CONSUMER, ISSUER, KEY, RULE, address, api_key, built, command, consumer_id, evidence, hour,
    id_of, lane, manual, report, rule, settings_statement, sightings, statement, with_driver,
};

struct World {
    configuration: Configuration,
    state: State,
    observed: Observed,
    sightings: Sightings,
}

fn world() -> World {
    let (configuration, state, observed) = built();
    let sightings = sightings(&configuration, &Presence::Absent);
    World { configuration, state, observed, sightings }
}

impl World {
    fn facts(&self) -> LaneFacts {
        let key = &self.configuration.api_keys[&address(KEY)];
        gather(&address(KEY), key, &self.configuration, &self.state, &self.observed, &self.sightings)
    }
}

#[track_caller]
fn check<T: PartialEq + std::fmt::Debug>(
    change: impl FnOnce(&mut World),
    pick: impl FnOnce(LaneFacts) -> T,
    expected: T,
) {
    let mut world = world();
    change(&mut world);
    assert_eq!(pick(world.facts()), expected);
}

fn exchange(at: Timestamp, digest: Option<String>, accepted: bool) -> Evidence {
    let fact = Fact::Exchange {
        rule: address(RULE),
        rule_id: id_of(&address(RULE)),
        rule_digest: digest.unwrap(),
        accepted,
        subject: "repo:acme/app".to_owned(),
        expires_in_seconds: 60,
        refusal: String::new(),
    };
    evidence("exchange", at, fact)
}

#[test]
fn an_exchange_counts_as_long_as_rule_issuer_and_account_stay() {
    let proven = |w: &mut World| {
        let digest = rule_digest(&address(RULE), &w.state);
        w.state.evidence.push(exchange(hour(1), digest.clone(), false));
        w.state.evidence.push(exchange(hour(2), digest, true));
    };
    let pick = |f: LaneFacts| f.rules[0].exchange.as_ref().map(|e| (e.at, e.accepted));
    check(|_| {}, pick, None);
    check(proven, pick, Some((hour(2), true)));
    for part in [RULE, ISSUER, ACCOUNT] {
        let changed = |attribute: &'static str| {
            move |w: &mut World| {
                proven(w);
                let record = w.state.records.get_mut(&address(part)).unwrap();
                record.attributes.insert(attribute.to_owned(), "other".into());
            }
        };
        check(changed("match"), pick, None);
        // What it is called changes nothing.
        check(changed("name"), pick, Some((hour(2), true)));
        check(changed("description"), pick, Some((hour(2), true)));
    }
    let gone = |w: &mut World| {
        proven(w);
        w.state.records.remove(&address(RULE));
    };
    check(gone, pick, None);
}

#[test]
fn keys_and_traffic_are_those_of_the_rule_s_own_issuer_and_account() {
    let keys = |provider: &'static str| {
        move |w: &mut World| {
            let provider = address(provider);
            let fact = Fact::IssuerKeys { provider, issuer_url: String::new(), key_ids: Vec::new() };
            w.state.evidence.push(evidence("keys", hour(1), fact));
        }
    };
    check(|_| {}, |f| f.rules[0].issuer_keys_seen, false);
    check(keys(ISSUER), |f| f.rules[0].issuer_keys_seen, true);
    check(keys("provider.oidc.other"), |f| f.rules[0].issuer_keys_seen, false);
    let traffic = |account: &'static str| {
        move |w: &mut World| {
            let fact = Fact::AccountTraffic { service_account: address(account), last_seen: hour(3) };
            w.state.evidence.push(evidence("traffic", hour(4), fact));
        }
    };
    check(traffic(ACCOUNT), |f| f.rules[0].traffic_at, Some(hour(3)));
    check(traffic("service_account.other"), |f| f.rules[0].traffic_at, None);
}

#[test]
fn what_is_unconfigured_in_any_part_is_so_for_the_rule() {
    for part in [RULE, ISSUER, ACCOUNT] {
        let note = |w: &mut World| {
            w.sightings.unconfigured.insert(address(part), part.to_owned());
        };
        check(note, |f| f.rules[0].unconfigured.clone(), Some(part.to_owned()));
    }
    let other = |w: &mut World| {
        w.sightings.unconfigured.insert(address("service_account.other"), "x".to_owned());
    };
    check(other, |f| f.rules[0].unconfigured.clone(), None);
}

#[test]
fn settings_that_are_ours_to_write_must_read_back_equal() {
    let found = |wanted: Option<&'static str>, there: Option<&'static str>| {
        move |w: &mut World| {
            let place = (address(KEY), consumer_id(CONSUMER));
            w.sightings.wanted_settings.extend(wanted.map(|digest| (place.clone(), digest.to_owned())));
            w.sightings.settings.extend(there.map(|digest| (place, digest.to_owned())));
        }
    };
    let pick = |f: LaneFacts| f.consumers[0].unconfigured.is_some();
    let by_hand = |w: &mut World| {
        let key = w.configuration.api_keys.get_mut(&address(KEY)).unwrap();
        key.consumers.get_mut(&consumer_id(CONSUMER)).unwrap().driver = command(true);
    };
    check(by_hand, pick, false);
    check(found(None, None), pick, true);
    check(found(Some("a"), None), pick, true);
    check(found(Some("a"), Some("b")), pick, true);
    check(found(Some("a"), Some("a")), pick, false);
}

#[test]
fn a_report_belongs_to_the_lane_when_it_names_one_of_its_rules() {
    let reported = |rule_id: Option<String>| {
        move |w: &mut World| {
            w.state.evidence.push(report(hour(1), Winner::Federation, rule_id.as_deref()));
        }
    };
    let pick = |f: LaneFacts| f.consumers[0].report.as_ref().map(|r| (r.at, r.through_our_rule, r.weight));
    check(|_| {}, pick, None);
    check(reported(Some(id_of(&address(RULE)))), pick, Some((hour(1), true, Weight::Signed)));
    check(reported(Some("fdrl_other".into())), pick, Some((hour(1), false, Weight::Signed)));
    check(reported(None), pick, Some((hour(1), false, Weight::Signed)));
    // No statement stands against a newer report.
    let both = |w: &mut World| {
        w.state.evidence.push(report(hour(2), Winner::ApiKey, None));
        w.state.evidence.push(statement(KEY, CONSUMER, hour(1)));
    };
    check(both, |f| f.consumers[0].report.as_ref().map(|r| r.winner), Some(Winner::ApiKey));
}

#[test]
fn a_removal_is_recorded_or_stated_and_never_merely_reported() {
    let by_hand = |w: &mut World| {
        let key = w.configuration.api_keys.get_mut(&address(KEY)).unwrap();
        key.consumers = [(consumer_id(CONSUMER), with_driver(RULE, manual()))].into();
    };
    let pick = |f: LaneFacts| f.consumers[0].removed_at;
    let removed = |w: &mut World| {
        w.state.lanes.insert(address(KEY), lane("apikey_1", &[(CONSUMER, hour(5))]));
    };
    check(removed, pick, Some(hour(5)));
    check(|w| w.state.evidence.push(statement(KEY, CONSUMER, hour(1))), pick, None);
    let stated = move |w: &mut World| {
        by_hand(w);
        w.state.evidence.push(statement(KEY, CONSUMER, hour(1)));
    };
    check(stated, pick, Some(hour(1)));
    let reported = move |winner: Winner| {
        move |w: &mut World| {
            by_hand(w);
            w.state.evidence.push(report(hour(9), winner, Some("federation_rule_bot")));
        }
    };
    check(reported(Winner::ApiKey), pick, None);
    check(reported(Winner::Federation), pick, None);
    // A report after the statement is newer evidence, and no newer removal.
    let both = move |w: &mut World| {
        stated(w);
        reported(Winner::Federation)(w);
    };
    check(both, pick, Some(hour(1)));
    check(both, |f| f.consumers[0].report.as_ref().map(|r| r.at), Some(hour(9)));
    let elsewhere = move |w: &mut World| {
        by_hand(w);
        w.state.evidence.push(statement("api_key.other", CONSUMER, hour(1)));
        w.state.evidence.push(statement(KEY, "manual.other", hour(1)));
    };
    check(elsewhere, pick, None);
    check(
        |w| w.sightings.presence.clear(),
        |f| matches!(f.consumers[0].presence, Presence::Unknown(_)),
        true,
    );
}

#[test]
fn the_key_is_as_the_api_says_and_disabled_by_us_only_while_inactive() {
    let disabled = |status: KeyStatus| {
        move |w: &mut World| {
            let mut lane = lane("apikey_1", &[]);
            lane.disabled_at = Some(hour(1));
            w.state.lanes.insert(address(KEY), lane);
            w.observed.api_keys.insert("apikey_1".into(), api_key("apikey_1", status));
        }
    };
    let pick = |f: LaneFacts| (f.key.status, f.key.disabled_at);
    check(disabled(KeyStatus::Inactive), pick, (Some(KeyStatus::Inactive), Some(hour(1))));
    check(disabled(KeyStatus::Active), pick, (Some(KeyStatus::Active), None));
    check(|w| w.observed.api_keys.clear(), pick, (None, None));
    let approved = |w: &mut World| {
        for (key, at) in [(KEY, 1), (KEY, 2), ("api_key.other", 3)] {
            let fact = Fact::ArchiveApproval { key: address(key), by: "Ada".into() };
            w.state.evidence.push(evidence("approval", hour(at), fact));
        }
    };
    check(approved, |f| f.key.approval, Some(("Ada".into(), hour(2))));
}

#[test]
fn what_the_feed_says_counts_as_long_as_rule_issuer_and_account_stay() {
    let said = |digest: fn(&World) -> Option<String>| {
        move |w: &mut World| {
            let fact = Fact::FederatedAuthentication {
                rule: address(RULE),
                rule_id: id_of(&address(RULE)),
                rule_digest: digest(w).unwrap(),
                last_accepted: Some(hour(2)),
                last_refused: Some(hour(1)),
                reason: "jti_reused".to_owned(),
            };
            w.state.evidence.push(evidence("feed", hour(3), fact));
        }
    };
    let now = |w: &World| rule_digest(&address(RULE), &w.state);
    let pick =
        |f: LaneFacts| f.rules[0].feed.clone().map(|feed| (feed.accepted_at, feed.refused_at, feed.reason));
    check(said(now), pick, Some((Some(hour(2)), Some(hour(1)), "jti_reused".to_owned())));
    check(said(|_| Some("another".to_owned())), pick, None);
    check(|_| {}, pick, None);
}

/// A report and a word about the one consumer, whose settings keyless does not write: each with its hour.
fn told_by_hand(reported: Option<(i64, Option<&str>)>, stated: Option<(i64, &str)>) -> World {
    let mut w = world();
    let key = w.configuration.api_keys.get_mut(&address(KEY)).unwrap();
    key.consumers.get_mut(&consumer_id(CONSUMER)).unwrap().driver = command(true);
    if let Some((at, rule_id)) = stated {
        w.state.evidence.push(settings_statement(hour(at), rule_id));
    }
    if let Some((at, rule_id)) = reported {
        w.state.evidence.push(report(hour(at), Winner::ApiKey, rule_id));
    }
    w
}

#[test]
fn what_settings_name_is_told_by_the_newest_report_or_word() {
    let ours = id_of(&address(RULE));
    let names = |w: World| w.facts().consumers[0].names.clone();
    let check = |reported: Option<(i64, Option<&str>)>, stated: Option<(i64, &str)>, expected: NamedRule| {
        assert_eq!(names(told_by_hand(reported, stated)), expected, "{reported:?} {stated:?}");
    };
    let own = |at: i64, is_stated: bool| NamedRule::Own { at: hour(at), is_stated };
    let other = || NamedRule::Other(OtherRule { id: "fdrl_9".to_owned(), is_live: false });
    assert_eq!(names(world()), NamedRule::Written);
    check(None, None, NamedRule::Unknown);
    check(Some((1, None)), None, NamedRule::Unknown);
    check(Some((1, Some(&ours))), None, own(1, false));
    check(None, Some((1, &ours)), own(1, true));
    check(Some((1, Some("fdrl_9"))), None, other());
    check(Some((1, Some("fdrl_9"))), Some((2, &ours)), own(2, true));
    check(Some((2, Some("fdrl_9"))), Some((2, &ours)), own(2, true));
    check(Some((3, Some("fdrl_9"))), Some((2, &ours)), other());
    check(Some((3, None)), Some((2, &ours)), NamedRule::Unknown);
    // A word about a rule that is not there any more says nothing of the one that is.
    check(None, Some((1, "fdrl_9")), NamedRule::Unknown);
    check(Some((1, Some(&ours))), Some((2, "fdrl_9")), own(1, false));
    let back = |reported, stated, at: i64| {
        let mut w = told_by_hand(reported, stated);
        let lane = LaneRecord { rolled_back_at: Some(hour(at)), ..lane("apikey_1", &[]) };
        w.state.lanes.insert(address(KEY), lane);
        names(w)
    };
    assert_eq!(back(None, Some((1, &ours)), 0), own(1, true));
    assert_eq!(back(None, Some((1, &ours)), 1), own(1, true), "who speaks in that moment has seen it");
    assert_eq!(back(None, Some((1, &ours)), 2), NamedRule::Unknown);
    assert_eq!(back(Some((1, Some(&ours))), None, 1), NamedRule::Unknown);
}

#[test]
fn a_sign_counts_for_one_key_one_place_and_the_rule_of_the_block() {
    let ours = id_of(&address(RULE));
    let counts = |change: &dyn Fn(&mut World), expected: bool| {
        for reported in [true, false] {
            let mut w =
                told_by_hand(reported.then_some((1, Some(&*ours))), (!reported).then_some((1, &*ours)));
            if let Some(evidence) = w.state.evidence.first_mut()
                && let Fact::CredentialReport { key_id, .. } = &mut evidence.fact
            {
                *key_id = Some("apikey_1".to_owned());
            }
            change(&mut w);
            let is_known = matches!(w.facts().consumers[0].names, NamedRule::Own { .. });
            assert_eq!(is_known, expected, "reported: {reported}");
        }
    };
    counts(&|_| {}, true);
    let other_key =
        |w: &mut World| w.configuration.api_keys.get_mut(&address(KEY)).unwrap().id = "k2".to_owned();
    counts(&other_key, false);
    // Both rules replace the key, and the consumer uses one of them.
    let other_rule = |w: &mut World| {
        let second = address("federation_rule.second");
        w.configuration.federation_rules.insert(second.clone(), rule("second", ISSUER, ACCOUNT));
        let record = w.state.records[&address(RULE)].clone();
        w.state.records.insert(second.clone(), keyless_state::Record { id: "fdrl_2".to_owned(), ..record });
        let key = w.configuration.api_keys.get_mut(&address(KEY)).unwrap();
        key.replaced_by.insert(second.clone());
        key.consumers.get_mut(&consumer_id(CONSUMER)).unwrap().rule = second;
    };
    counts(&other_rule, false);
    let mut moved = told_by_hand(None, Some((1, &ours)));
    let key = moved.configuration.api_keys.get_mut(&address(KEY)).unwrap();
    let ConsumerDriver::Command { check, .. } =
        &mut key.consumers.get_mut(&consumer_id(CONSUMER)).unwrap().driver
    else {
        panic!("a command")
    };
    check.push("elsewhere".to_owned());
    assert_eq!(moved.facts().consumers[0].names, NamedRule::Unknown);
}

#[test]
fn a_rule_is_not_tried_with_a_token_off_which_a_workload_lives() {
    let shared = |w: &mut World| {
        let rule = w.configuration.federation_rules.get_mut(&address(RULE)).unwrap();
        rule.identity_token = Some(crate::config::IdentityTokenSource::File("token".into()));
        w.sightings.single_use.insert(address(RULE), vec![(address(KEY), consumer_id(CONSUMER))]);
    };
    let bind = |w: &mut World, grant: Grant| {
        w.state.apply(&Binding::new("apikey_1", &address(KEY), &consumer_id(CONSUMER), grant, hour(0)).put());
    };
    let pick = |facts: LaneFacts| {
        let rule = &facts.rules[0];
        (rule.can_exchange, rule.spared.as_ref().map(|spared| spared.lives_off_it))
    };
    check(shared, pick, (true, None));
    let key = |w: &mut World| {
        shared(w);
        bind(w, Grant::Key);
    };
    check(key, pick, (true, None));
    let here = |w: &mut World| {
        shared(w);
        let grant = binding::grant(&w.state.records[&address(RULE)], None);
        bind(w, grant);
    };
    check(here, pick, (false, Some(true)));
    let somewhere = |w: &mut World| {
        shared(w);
        bind(w, Grant::Unresolved);
    };
    check(somewhere, pick, (false, Some(false)));
}

#[test]
fn a_signed_report_shows_a_rule_as_it_was_then() {
    let rule_id = id_of(&address(RULE));
    let reported = |at: i64, weight: Weight, winner: Winner| {
        let rule_id = rule_id.clone();
        move |w: &mut World| {
            let said = report(hour(at), winner, Some(&rule_id));
            w.state.evidence.push(Evidence { weight, ..said });
            w.sightings.single_use.insert(address(RULE), vec![(address(KEY), consumer_id(CONSUMER))]);
            w.observed.rules.get_mut(&rule_id).unwrap().provenance.updated_at = Some(hour(5));
        }
    };
    let pick = |facts: LaneFacts| facts.rules[0].reported_at;
    check(reported(5, Weight::Signed, Winner::Federation), pick, Some(hour(5)));
    check(reported(4, Weight::Signed, Winner::Federation), pick, None);
    check(reported(5, Weight::Reported, Winner::Federation), pick, None);
    check(reported(5, Weight::Signed, Winner::Nothing), pick, None);
    let account = |w: &mut World| {
        reported(6, Weight::Signed, Winner::Federation)(w);
        let account = w.observed.service_accounts.get_mut(&id_of(&address(ACCOUNT))).unwrap();
        account.provenance.updated_at = Some(hour(7));
    };
    check(account, pick, None);
    // Whoever does not read that token shows nothing of it.
    let another = |w: &mut World| {
        reported(6, Weight::Signed, Winner::Federation)(w);
        w.sightings.single_use.insert(address(RULE), vec![(address(KEY), consumer_id("dotenv.other"))]);
    };
    check(another, pick, None);
}
