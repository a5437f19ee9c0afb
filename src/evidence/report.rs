//! Credential reports: what a workload says of the credential that it sends, signed by its identity
//! provider.

use jiff::{SignedDuration, Timestamp};
use keyless_state::{Address, Binding, ConsumerId, Evidence, Fact, Grant, Shadow, Weight, Winner};
use serde::Deserialize;
use serde_json::{Map, Value};
use sha2::{Digest, Sha256};

use super::hex;
use crate::limits;
use crate::matching;
use crate::resource::{IssuerArguments, Match, Observed};
use crate::token::{self, Expected, IssuerKeys};

/// The format of the reports that this program reads.
const REPORT_FORMAT: &str = "keyless.credential-report/1";

#[derive(Deserialize)]
struct SignedReport {
    report: String,
    proof: String,
}

#[derive(Deserialize)]
struct Report {
    format: String,
    key: String,
    consumer: String,
    observed_at: Timestamp,
    winner: Winner,
    winner_source: String,
    rule_id: Option<String>,
    #[serde(default)]
    shadows: Vec<Shadow>,
}

/// Whose signature counts for a report: tokens of an issuer that a rule lets in.
#[derive(Clone, Copy, Debug)]
pub struct Signer<'a> {
    /// The issuer.
    pub issuer: &'a IssuerArguments,
    /// Whom the rule lets in.
    pub matching: &'a Match,
}

/// Whose signature counts for a report that names a rule: the rule and its issuer as they are at the API,
/// where the consumer is known to use that rule, else those of `declared`, the id of the rule that its block
/// names. None while that is not at the API: what a block asks for by now says nothing of a token of before.
pub fn signer<'a>(
    named: Option<&str>,
    declared: Option<&'a str>,
    binding: Option<&'a Binding>,
    observed: &'a Observed,
) -> Option<Signer<'a>> {
    let bound = binding.into_iter().flat_map(Binding::grants).filter_map(|grant| match grant {
        Grant::Rule { rule_id, .. } => Some(rule_id.as_str()),
        Grant::Key | Grant::Unresolved => None,
    });
    let known = bound.chain(declared).find(|id| Some(*id) == named);
    let rule = observed.rules.get(known.or(declared)?)?;
    let issuer = observed.issuers.get(&rule.arguments.issuer_id)?;
    Some(Signer { issuer: &issuer.arguments, matching: &rule.arguments.matching })
}

/// Where a report belongs.
pub struct ReportPlace<'a> {
    /// The lane.
    pub key: &'a Address,
    /// The id of its key.
    pub key_id: &'a str,
    /// The consumer.
    pub consumer: &'a ConsumerId,
    /// The lane and the consumer as they were called when its settings were written, which is how the
    /// workload may know them.
    pub tag: &'a str,
    /// Whose signature counts.
    pub signer: Signer<'a>,
    /// The issuer's published keys.
    pub keys: &'a IssuerKeys,
}

/// A report of which nothing is believed yet.
pub struct UncheckedReport {
    signed: SignedReport,
    report: Report,
}

impl UncheckedReport {
    /// Reads a report.
    ///
    /// # Errors
    /// Why it is none that this version reads, as a sentence.
    pub fn parse(text: &str) -> Result<UncheckedReport, String> {
        let told = |error: serde_json::Error| format!("it is not a credential report: {error}");
        let signed: SignedReport = serde_json::from_str(text).map_err(told)?;
        let report: Report = serde_json::from_str(&signed.report).map_err(told)?;
        match report.format.as_str() {
            REPORT_FORMAT => Ok(UncheckedReport { signed, report }),
            other => Err(format!("it has the format `{other}`; this version reads `{REPORT_FORMAT}`")),
        }
    }

    /// The rule through which it says that its workload federates.
    pub fn rule_id(&self) -> Option<&str> {
        self.report.rule_id.as_deref()
    }

    /// Checks it and turns it into evidence.
    ///
    /// # Errors
    /// The first reason not to believe it, as a sentence.
    pub fn check(self, place: &ReportPlace<'_>, now: Timestamp) -> Result<Evidence, String> {
        let UncheckedReport { signed, report } = self;
        let about = format!("{}/{}", report.key, report.consumer);
        if about != keyless_state::tag(place.key, place.consumer) && about != place.tag {
            return Err(format!("it is about {} of {}", report.consumer, report.key));
        }
        let digest = hex(&Sha256::digest(signed.report.as_bytes()));
        let expected = Expected {
            issuer_url: &place.signer.issuer.issuer_url,
            audience: &format!("keyless-report:sha256:{digest}"),
            // The signature has to have been good when the report was made, not for ever.
            now: report.observed_at,
            leeway_seconds: limits::CLOCK_LEEWAY_SECONDS,
            max_lifetime_seconds: place.signer.issuer.max_jwt_lifetime_seconds,
        };
        let verified = token::verify(&signed.proof, place.keys, &expected)
            .map_err(|refusal| format!("its signature does not hold: {refusal}"))?;
        matching::matches_claims(place.signer.matching, &verified.claims, false)
            .map_err(|denial| format!("it is signed for another workload: {denial}"))?;
        let leeway = SignedDuration::from_secs(limits::CLOCK_LEEWAY_SECONDS.cast_signed());
        if report.observed_at.duration_since(now) > leeway {
            return Err(format!("it comes from the future ({})", report.observed_at));
        }
        Ok(Evidence {
            id: format!("report/{}/{}", place.key, place.consumer),
            observed_at: report.observed_at,
            weight: Weight::Signed,
            source: "credential report, signed by the identity provider".to_owned(),
            digest: Some(digest),
            fact: Fact::CredentialReport {
                key: place.key.clone(),
                consumer: place.consumer.clone(),
                key_id: Some(place.key_id.to_owned()),
                winner: report.winner,
                winner_source: report.winner_source,
                rule_id: report.rule_id,
                shadows: report.shadows,
                identity: lasting(&verified.claims),
            },
        })
    }
}

/// The claims of a token that are the same in the next one. The audience of a report's token is the
/// report's own.
fn lasting(claims: &Map<String, Value>) -> Map<String, Value> {
    let mut lasting = claims.clone();
    lasting.retain(|name, _| !["aud", "exp", "iat", "jti", "nbf"].contains(&name.as_str()));
    lasting
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::sample::{
        ACCOUNT, CONSUMER, ISSUER, KEY, address, build, configuration, consumer_id, hour, id_of,
    };

    #[test]
    fn a_report_is_held_against_the_rule_that_it_names_where_its_consumer_is_known_to_use_it() {
        let mut configuration = configuration();
        for name in ["second", "third"] {
            let mut rule = crate::sample::rule(name, ISSUER, ACCOUNT);
            rule.matching.subject_prefix = Some(name.to_owned());
            configuration.federation_rules.insert(address(&format!("federation_rule.{name}")), rule);
        }
        let observed = build(&configuration);
        let [first, second, third] =
            ["bot", "second", "third"].map(|name| id_of(&address(&format!("federation_rule.{name}"))));
        let rule = |rule_id: &str| Grant::Rule {
            rule_id: rule_id.to_owned(),
            service_account_id: id_of(&address(ACCOUNT)),
            issuer_id: id_of(&address(ISSUER)),
            workspace_id: None,
        };
        let mut binding =
            Binding::new("apikey_1", &address(KEY), &consumer_id(CONSUMER), rule(&first), hour(0));
        binding.write(rule(&second), hour(1));
        let subject = |named: Option<&str>, declared: Option<&str>| {
            let found = signer(named, declared, Some(&binding), &observed)?;
            found.matching.subject_prefix.clone()
        };
        let repository = Some("repo:acme/app".to_owned());
        assert_eq!(subject(Some(&second), Some(&first)), Some("second".to_owned()));
        assert_eq!(subject(Some(&first), Some(&third)), repository);
        // Anybody whom another rule of the issuer lets in could name that one.
        assert_eq!(subject(Some(&third), Some(&first)), repository);
        assert_eq!(subject(None, Some(&first)), repository);
        assert_eq!(subject(Some(&third), Some(&third)), Some("third".to_owned()));
        assert_eq!(subject(Some(&third), None), None);
        assert_eq!(subject(None, Some("fdrl_gone")), None);
    }
}
