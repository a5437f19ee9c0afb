//! Whether a workload is known to be let in by the rule that its block names.

use jiff::Timestamp;
use keyless_state::{Binding, Grant, Identity};

use super::trial::is_tried;
use crate::config::{Configuration, Consumer, FederationRule};
use crate::matching;
use crate::resource::Observed;

/// Why it is not known that a workload is let in by the rule of its block.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Doubt {
    /// The rule would not let it in as somebody as whom it showed itself lately.
    Denied {
        /// When it last did.
        seen_at: Timestamp,
        /// Why that one would not be let in.
        why: String,
    },
    /// It never showed itself, and the rule lets in others than the one that it lives off.
    Unknown,
}

/// Why it is not known that a workload without its key is let in by the rule of its block; none where it is.
///
/// A workload that runs in several places shows itself as several, so that all of them count.
pub fn doubt(
    binding: &Binding,
    consumer: &Consumer,
    configuration: &Configuration,
    observed: &Observed,
) -> Option<Doubt> {
    if binding.ended.is_some() || binding.grant == Grant::Key {
        return None;
    }
    let rule = configuration.federation_rules.get(&consumer.rule)?;
    let url = &configuration.providers.get(&rule.provider)?.issuer_url;
    if binding.identities.is_empty() {
        let is_known = is_tried(consumer, rule) || admits_as_before(&binding.grant, rule, url, observed);
        return (!is_known).then_some(Doubt::Unknown);
    }
    let why = |shown: &Identity| match shown.claims.get("iss") {
        Some(issuer) if issuer.as_str() != Some(url) => {
            Some(format!("its tokens come from {issuer} and not from {url}"))
        }
        _ => matching::matches_claims(&rule.matching, &shown.claims, false)
            .err()
            .map(|denial| denial.to_string()),
    };
    let denied = binding.identities.iter().filter_map(|shown| Some((shown.seen_at, why(shown)?)));
    let (seen_at, why) = denied.max_by_key(|(seen_at, _)| *seen_at)?;
    Some(Doubt::Denied { seen_at, why })
}

/// Whether a rule lets in all that the one lets in off which a workload lives.
fn admits_as_before(grant: &Grant, rule: &FederationRule, url: &str, observed: &Observed) -> bool {
    let Grant::Rule { rule_id, issuer_id, .. } = grant else { return false };
    let before = observed.rules.get(rule_id).map(|it| &it.arguments.matching);
    let issuer = observed.issuers.get(issuer_id).map(|it| it.arguments.issuer_url.as_str());
    issuer == Some(url)
        && before.is_some_and(|before| *before == rule.matching || matching::is_wider(before, &rule.matching))
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;
    use crate::binding::grant;
    use crate::config::{ConsumerDriver, IdentityTokenSource};
    use crate::sample::{CONSUMER, ISSUER, KEY, RULE, address, built, consumer_id, hour, id_of};

    const URL: &str = "https://a";

    struct World {
        configuration: Configuration,
        observed: Observed,
        binding: Binding,
    }

    /// A workload that lives off the rule, which asks for `me` of `https://a`.
    fn world() -> World {
        let (mut configuration, state, mut observed) = built();
        let id = consumer_id(CONSUMER);
        let grant = grant(&state.records[&address(RULE)], None);
        let binding = Binding::new("apikey_1", &address(KEY), &id, grant, hour(0));
        let rule = configuration.federation_rules.get_mut(&address(RULE)).unwrap();
        rule.matching.subject_prefix = Some("me".to_owned());
        rule.identity_token = None;
        let provider = configuration.providers.get_mut(&address(ISSUER)).unwrap();
        provider.issuer_url = URL.to_owned();
        let object = observed.rules.get_mut(&id_of(&address(RULE))).unwrap();
        object.arguments.matching = rule.matching.clone();
        observed.issuers.get_mut(&id_of(&address(ISSUER))).unwrap().arguments.issuer_url = URL.to_owned();
        World { configuration, observed, binding }
    }

    impl World {
        fn rule(&mut self) -> &mut FederationRule {
            self.configuration.federation_rules.get_mut(&address(RULE)).unwrap()
        }

        fn doubt(&self) -> Option<Doubt> {
            let consumer = &self.configuration.api_keys[&address(KEY)].consumers[&self.binding.consumer];
            doubt(&self.binding, consumer, &self.configuration, &self.observed)
        }
    }

    /// Subjects of tokens with their issuers, oldest first, and what of the last that is denied is told.
    #[track_caller]
    fn check(shown: &[(&str, &str)], grant: Grant, expected: Option<(i64, &str)>) {
        let mut world = world();
        world.binding.grant = grant;
        let identity = |(at, (issuer, subject)): (usize, &(&str, &str))| Identity {
            claims: json!({ "iss": issuer, "sub": subject }).as_object().unwrap().clone(),
            seen_at: hour(i64::try_from(at).unwrap()),
        };
        world.binding.identities = shown.iter().enumerate().map(identity).collect();
        match (world.doubt(), expected) {
            (None, None) => {}
            (Some(Doubt::Denied { seen_at, why }), Some((at, words))) => {
                assert!(seen_at == hour(at) && why.contains(words), "{seen_at} {why}");
            }
            (told, _) => panic!("{told:?} where {expected:?} is expected"),
        }
    }

    #[test]
    fn each_as_whom_it_showed_itself_lately_counts() {
        check(&[(URL, "me")], Grant::Unresolved, None);
        check(&[(URL, "other"), (URL, "me")], Grant::Unresolved, Some((0, "other")));
        check(&[(URL, "me"), (URL, "other")], Grant::Unresolved, Some((1, "other")));
        check(&[("https://b", "me")], Grant::Unresolved, Some((0, "its tokens come from")));
        check(&[(URL, "other")], Grant::Key, None);
    }

    #[test]
    fn who_never_showed_itself_is_let_in_by_what_lets_in_as_before_or_was_tried_with_its_token() {
        #[track_caller]
        fn check(change: impl FnOnce(&mut World), is_known: bool) {
            let mut world = world();
            change(&mut world);
            assert_eq!(world.doubt(), (!is_known).then_some(Doubt::Unknown));
        }
        check(|_| (), true);
        check(|world| world.rule().matching.subject_prefix = Some("m*".to_owned()), true);
        let other = |world: &mut World| world.rule().matching.subject_prefix = Some("other".to_owned());
        check(other, false);
        check(|world| world.binding.grant = Grant::Unresolved, false);
        check(|world| world.observed.rules.clear(), false);
        let elsewhere = |world: &mut World| {
            let provider = world.configuration.providers.get_mut(&address(ISSUER)).unwrap();
            provider.issuer_url = "https://b".to_owned();
        };
        check(elsewhere, false);
        let tried = |file: &'static str| {
            move |world: &mut World| {
                other(world);
                world.rule().identity_token = Some(IdentityTokenSource::File("token".into()));
                let key = world.configuration.api_keys.get_mut(&address(KEY)).unwrap();
                let consumer = key.consumers.get_mut(&consumer_id(CONSUMER)).unwrap();
                let ConsumerDriver::Dotenv { identity_token_file, .. } = &mut consumer.driver else {
                    panic!()
                };
                *identity_token_file = Some(file.to_owned());
            }
        };
        check(tried("token"), true);
        check(tried("another"), false);
    }
}
