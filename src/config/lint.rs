//! Turns the findings of the trust lints into diagnostics at the place they come from.

use keyless_state::Address;

use super::configuration::Configuration;
use super::decode::Decoded;
use crate::diagnostic::{Diagnostic, Diagnostics};
use crate::lint::{Field, Finding, Gravity, LintedRule};

/// Lints every rule.
pub(super) fn check(
    decoded: &Decoded,
    check_rule: fn(LintedRule<'_>) -> Vec<Finding>,
    found: &mut Diagnostics,
) {
    for (address, places) in &decoded.places {
        let Some(linted) = linted(&decoded.configuration, address) else { continue };
        for finding in check_rule(linted) {
            let span = places.span(&finding.field, &finding.value, finding.caret);
            if let Some(diagnostic) = diagnostic(address, &finding) {
                found.push(diagnostic.label(span, finding.remark));
            }
        }
    }
}

fn linted<'c>(configuration: &'c Configuration, address: &Address) -> Option<LintedRule<'c>> {
    let rule = configuration.federation_rules.get(address)?;
    let provider = configuration.providers.get(&rule.provider)?;
    Some(LintedRule {
        provider_kind: rule.provider.label().unwrap_or("oidc"),
        issuer_url: &provider.issuer_url,
        matching: &rule.matching,
    })
}

/// The finding as a problem, without its place; none for what nobody can fix.
fn diagnostic(address: &Address, finding: &Finding) -> Option<Diagnostic> {
    let diagnostic = match finding.gravity {
        Gravity::Error | Gravity::High => Diagnostic::error(summary(finding.id)),
        Gravity::Warning => Diagnostic::warning(summary(finding.id)),
        Gravity::Info => return None,
    };
    let field = match &finding.field {
        Field::Match => "match".to_owned(),
        Field::SubjectPrefix => "match.subject_prefix".to_owned(),
        Field::Audience => "match.audience".to_owned(),
        Field::Claim(name) => format!("match.claims.{name}"),
        Field::Condition => "match.condition".to_owned(),
    };
    let value = if finding.value.is_empty() { String::new() } else { format!(" = {:?}", finding.value) };
    let mut detail = format!("{field}{value}: {}.", finding.remark.trim_end_matches('.'));
    if !finding.consequence.is_empty() {
        detail += &format!(" {}.", consequence(finding));
    }
    let diagnostic = diagnostic.code(finding.id).address(address).detail(detail);
    Some(if finding.fix.is_empty() { diagnostic } else { diagnostic.hint(format!("write {}", finding.fix)) })
}

/// The consequence as a sentence. It is a subject by itself, or begins with what the rule does, or
/// is a sentence already.
fn consequence(finding: &Finding) -> String {
    let text = finding.consequence.trim_end_matches('.');
    let begins_with_verb =
        ["accepts ", "also accepts ", "refuses "].iter().any(|verb| text.starts_with(verb));
    if begins_with_verb {
        return format!("It {text}");
    }
    if text.contains(' ') {
        let mut letters = text.chars();
        let first: String = letters.next().into_iter().flat_map(char::to_uppercase).collect();
        return first + letters.as_str();
    }
    let verb = if is_dead(finding.id) { "refuses" } else { "also accepts" };
    format!("It {verb} {text}")
}

/// Findings about rules that nobody, not even the intended workload, passes.
fn is_dead(id: &str) -> bool {
    matches!(id, "WIF-S10" | "WIF-C05" | "WIF-C06" | "WIF-T01")
}

/// A few fixed words for each lint.
fn summary(id: &str) -> &'static str {
    match id {
        "WIF-S01" => "Rule does not say who",
        "WIF-S02" => "Rule matches everybody",
        "WIF-S03" => "Rule on a shared issuer without a tenant",
        "WIF-S04" => "Star inside of a name",
        "WIF-S05" => "Rule matches a whole tenant",
        "WIF-S06" => "Part of an opaque id",
        "WIF-S07" => "Trigger or ref left open",
        "WIF-S08" => "Rule admits pull requests",
        "WIF-S09" => "Branch without trigger",
        "WIF-S10" | "WIF-T01" => "Rule that nothing passes",
        "WIF-S11" => "Names without ids",
        "WIF-S12" => "Subject format does not fit",
        "WIF-S13" => "Pin on a value that the requester chooses",
        "WIF-S14" => "Reusable workflow without its caller",
        "WIF-S15" => "Rule matches a namespace or a system account",
        "WIF-S16" => "Loose AWS role",
        "WIF-S17" => "Loose Google identity",
        "WIF-S18" => "Loose Entra identity",
        "WIF-S19" => "Loose Okta identity",
        "WIF-S20" => "Loose SPIFFE identity",
        "WIF-S21" => "Plan phase admitted",
        "WIF-S22" => "Loose GitLab identity",
        "WIF-S23" => "Loose CircleCI identity",
        "WIF-S24" => "Loose Buildkite identity",
        "WIF-S25" => "Environment left open",
        "WIF-S26" => "Runner not pinned",
        "WIF-A01" => "Audience missing",
        "WIF-A02" => "Audience of somebody else",
        "WIF-A03" => "Several audiences",
        "WIF-C01" => "Condition with an open branch",
        "WIF-C02" => "Partial comparison as identity",
        "WIF-C03" => "Pattern without its ends",
        "WIF-C04" => "Condition of exclusions only",
        "WIF-C05" => "Comparison that can never hold",
        "WIF-C06" => "Claim that may be absent",
        "WIF-T02" => "Rule accepts a look-alike",
        _ => "Weak trust",
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn finding(id: &'static str, gravity: Gravity) -> Finding {
        Finding {
            id,
            gravity,
            field: Field::SubjectPrefix,
            value: "repo:acme/app*".to_owned(),
            caret: 13,
            remark: "the star follows an unfinished repository name".to_owned(),
            consequence: "repo:acme/app-evil:ref:refs/heads/main".to_owned(),
            fix: "repo:acme/app:ref:refs/heads/main".to_owned(),
        }
    }

    #[test]
    fn a_finding_says_what_it_admits_and_what_to_write() {
        let address: Address = "federation_rule.r".parse().expect("an address");
        let found = diagnostic(&address, &finding("WIF-S04", Gravity::High)).expect("a diagnostic");
        assert_eq!(found.severity, crate::diagnostic::Severity::Error);
        assert_eq!((found.code, &*found.summary), (Some("WIF-S04"), "Star inside of a name"));
        assert_eq!(
            found.detail,
            "match.subject_prefix = \"repo:acme/app*\": the star follows an unfinished repository name. \
             It also accepts repo:acme/app-evil:ref:refs/heads/main."
        );
        assert_eq!(found.hint.as_deref(), Some("write repo:acme/app:ref:refs/heads/main"));
        let dead = diagnostic(&address, &finding("WIF-S10", Gravity::Warning)).expect("a diagnostic");
        assert!(
            dead.detail.contains("It refuses repo:") && dead.severity == crate::diagnostic::Severity::Warning
        );
        assert_eq!(diagnostic(&address, &finding("WIF-S11", Gravity::Info)), None);
    }
    #[test]
    fn a_consequence_becomes_one_sentence() {
        for (id, text, sentence) in [
            ("WIF-S04", "repo:acme/x", "It also accepts repo:acme/x"),
            ("WIF-S04", "also accepts repo:acme/x.", "It also accepts repo:acme/x"),
            ("WIF-S10", "repo:acme/x", "It refuses repo:acme/x"),
            ("WIF-S10", "refuses every token", "It refuses every token"),
            ("WIF-A01", "a token of another service may pass", "A token of another service may pass"),
        ] {
            let finding = Finding { consequence: text.to_owned(), ..finding(id, Gravity::Error) };
            assert_eq!(consequence(&finding), sentence);
        }
    }
}
