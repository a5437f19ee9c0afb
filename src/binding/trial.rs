//! Whose own identity token a trial exchange is made with.
//!
//! Where an issuer takes each token once (`check_jti`), a trial uses up the token that lies there, and the
//! workload that reads the same file is refused until that is rotated.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

use keyless_state::{Address, Binding, ConsumerId, Grant, State};

use crate::config::{Configuration, Consumer, ConsumerDriver, FederationRule, IdentityTokenSource};
use crate::resource::Observed;

/// A consumer of a lane.
pub type Reader = (Address, ConsumerId);

/// The file of the token with which a rule is tried, and the consumers that read it too.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct SharedToken {
    /// Relative to the configuration directory, or absolute.
    pub path: PathBuf,
    /// Who reads it, by lane.
    pub readers: Vec<Reader>,
}

/// Rules whose trial would use up a token that a consumer reads, if the token is one to be used once.
pub fn shared_tokens(configuration: &Configuration) -> BTreeMap<Address, SharedToken> {
    let mut readers: BTreeMap<PathBuf, Vec<Reader>> = BTreeMap::new();
    for (lane, key) in &configuration.api_keys {
        for (id, consumer) in &key.consumers {
            if let Some(file) = token_file(consumer) {
                readers.entry(plain(file)).or_default().push((lane.clone(), id.clone()));
            }
        }
    }
    let is_single_use = |rule: &FederationRule| {
        configuration.providers.get(&rule.provider).is_none_or(|provider| provider.check_jti)
    };
    let rules = configuration.federation_rules.iter().filter(|(_, rule)| is_single_use(rule));
    let shared = rules.filter_map(|(address, rule)| {
        let path = trial_file(rule)?;
        let readers = readers.get(&plain(path))?.clone();
        Some((address.clone(), SharedToken { path: path.to_owned(), readers }))
    });
    shared.collect()
}

/// Whether the trial exchange of a rule is made with the very file that a workload reads.
pub(super) fn is_tried(consumer: &Consumer, rule: &FederationRule) -> bool {
    token_file(consumer).is_some_and(|own| trial_file(rule) == Some(own))
}

/// A path of the configuration directory without `.` in it.
fn plain(path: &Path) -> PathBuf {
    Path::new("configuration").join(path).components().collect()
}

fn token_file(consumer: &Consumer) -> Option<&Path> {
    match &consumer.driver {
        ConsumerDriver::Dotenv { identity_token_file: Some(file), .. } => Some(Path::new(file)),
        _ => None,
    }
}

fn trial_file(rule: &FederationRule) -> Option<&Path> {
    match &rule.identity_token {
        Some(IdentityTokenSource::File(path)) => Some(path),
        _ => None,
    }
}

/// The workload among these that lives off its own token. One whose rule somebody archived is let in by nobody, so
/// that nothing is taken from it.
pub fn living_reader<'a>(
    readers: &[Reader],
    configuration: &Configuration,
    state: &'a State,
    observed: &Observed,
) -> Option<&'a Binding> {
    readers.iter().find_map(|reader| {
        let key = configuration.api_keys.get(&reader.0)?;
        let binding = state.binding(&key.id, &reader.1).filter(|binding| binding.ended.is_none())?;
        let lives = |grant: &Grant| match grant {
            Grant::Key => false,
            Grant::Unresolved => true,
            Grant::Rule { rule_id, service_account_id, issuer_id, .. } => {
                ![rule_id, service_account_id, issuer_id].into_iter().any(|id| observed.is_lost(id))
            }
        };
        binding.grants().any(lives).then_some(binding)
    })
}

/// Whether a workload may live off a rule.
pub fn lives_off(binding: &Binding, rule_id: &str) -> bool {
    binding.grants().any(|grant| matches!(grant, Grant::Rule { rule_id: id, .. } if id == rule_id))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::sample::{CONSUMER, ISSUER, KEY, RULE, address, built, consumer_id, hour, id_of};

    /// A rule that is tried with the file that its consumer reads.
    fn shared() -> (Configuration, State) {
        let (mut configuration, state, _) = built();
        let rule = configuration.federation_rules.get_mut(&address(RULE)).unwrap();
        rule.identity_token = Some(IdentityTokenSource::File("app/token".into()));
        let key = configuration.api_keys.get_mut(&address(KEY)).unwrap();
        let consumer = key.consumers.get_mut(&consumer_id(CONSUMER)).unwrap();
        let ConsumerDriver::Dotenv { identity_token_file, .. } = &mut consumer.driver else { unreachable!() };
        *identity_token_file = Some("app/token".to_owned());
        (configuration, state)
    }

    #[test]
    fn a_token_is_shared_where_both_read_one_file_and_it_works_once() {
        let rules = |bend: &dyn Fn(&mut Configuration)| {
            let (mut configuration, _) = shared();
            bend(&mut configuration);
            shared_tokens(&configuration).into_iter().map(|(rule, it)| (rule, it.readers)).collect::<Vec<_>>()
        };
        let reader = (address(KEY), consumer_id(CONSUMER));
        assert_eq!(rules(&|_| {}), [(address(RULE), vec![reader])]);
        assert_eq!(rules(&|c| c.providers.get_mut(&address(ISSUER)).unwrap().check_jti = false), []);
        let own = |path: &'static str| {
            move |c: &mut Configuration| {
                let rule = c.federation_rules.get_mut(&address(RULE)).unwrap();
                rule.identity_token = Some(IdentityTokenSource::File(path.into()));
            }
        };
        assert_eq!(rules(&own("keyless/token")), []);
        assert_eq!(rules(&own("./app/./token")).len(), 1);
        let minted = |c: &mut Configuration| {
            let rule = c.federation_rules.get_mut(&address(RULE)).unwrap();
            rule.identity_token = Some(IdentityTokenSource::Command(vec!["mint".to_owned()]));
        };
        assert_eq!(rules(&minted), []);
    }

    #[test]
    fn whoever_has_its_key_lives_off_no_token() {
        let (configuration, mut state) = shared();
        let mut observed = built().2;
        let readers = [(address(KEY), consumer_id(CONSUMER))];
        let mut bind = |grant: Grant, observed: &Observed| {
            let bound = Binding::new("apikey_1", &address(KEY), &consumer_id(CONSUMER), grant, hour(0));
            state.apply(&bound.put());
            let reader = living_reader(&readers, &configuration, &state, observed);
            reader.map(|binding| lives_off(binding, &id_of(&address(RULE))))
        };
        assert_eq!(bind(Grant::Key, &observed), None);
        assert_eq!(bind(Grant::Unresolved, &observed), Some(false));
        let grant = crate::binding::grant(&built().1.records[&address(RULE)], None);
        assert_eq!(bind(grant.clone(), &observed), Some(true));
        let rule = observed.rules.get_mut(&id_of(&address(RULE))).unwrap();
        rule.provenance.archived_at = Some(hour(1));
        assert_eq!(bind(grant, &observed), None, "nothing is left to be taken from it");
    }
}
