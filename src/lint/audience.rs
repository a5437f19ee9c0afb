//! WIF-A01: a rule names the audience it expects.

use crate::matching::DEFAULT_AUDIENCE;

use super::{Field, Finding, Gravity, Subject};

pub(super) fn check(rule: &Subject<'_>, found: &mut Vec<Finding>) {
    if rule.matching.audience.as_deref().is_some_and(|audience| !audience.trim().is_empty()) {
        return;
    }
    let fix = match rule.profile.title {
        "Microsoft Entra ID" => r#"audience = "CLIENT_ID_OF_THE_AUDIENCE_APPLICATION""#.to_owned(),
        _ => format!("audience = {DEFAULT_AUDIENCE:?}"),
    };
    found.push(Finding {
        id: "WIF-A01",
        gravity: Gravity::Error,
        field: Field::Audience,
        value: rule.matching.audience.clone().unwrap_or_default(),
        caret: 0,
        remark: "no audience is given".to_owned(),
        consequence:
            "a token that the workload requested for another service, such as aud \"sts.amazonaws.com\", \
                      may be accepted here: the documentation disagrees on whether a default is enforced"
                .to_owned(),
        fix,
    });
}
