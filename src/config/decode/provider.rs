//! `provider` blocks: identity providers.

use keyless_state::Address;

use super::fields::Fields;
use super::{Context, ProviderParts, api_name, jwks, kind_arguments};
use crate::config::configuration::Provider;
use crate::config::nearest;
use crate::config::section::Section;
use crate::diagnostic::Diagnostic;
use crate::limits;

pub(super) fn decode(
    context: &Context<'_>,
    address: &Address,
    section: &Section,
) -> Option<(Provider, ProviderParts)> {
    let mut fields = Fields::of(context, section, address);
    let label = address.label().unwrap_or_default();
    let Some(kind) = context.kind(label) else {
        let known = context.kinds.iter().map(|kind| kind.name).collect::<Vec<_>>();
        let span = section.labels.first().map_or(section.header, |label| label.span);
        fields.report(
            Diagnostic::error("Unknown provider kind")
                .detail(format!("There is no provider kind `{label}`."))
                .label(span, "")
                .hint(format!(
                    "{}; any other OpenID Connect issuer is `oidc`",
                    nearest::suggest(label, "there is", known)
                )),
        );
        return None;
    };
    // An argument that the kind's own table has is the kind's to judge.
    let common = |name: &str| kind.arguments.iter().all(|argument| argument.name != name);
    let name = api_name::name(&mut fields, address);
    let arguments = kind_arguments::read(&mut fields, kind.arguments, true);
    let issuer_url = if common("issuer_url") { fields.text("issuer_url") } else { None };
    let keys = if common("jwks") { jwks::decode(&mut fields) } else { None };
    let check_jti = if common("check_jti") { fields.bool("check_jti") } else { None };
    let lifetime = if common("max_jwt_lifetime_seconds") { lifetime(&mut fields) } else { None };
    fields.finish(&[]);
    if !fields.is_sound() {
        return None;
    }
    let preset = match (kind.issuer)(&arguments) {
        Ok(preset) => preset,
        Err(problems) => {
            kind_arguments::report(&mut fields, problems);
            return None;
        }
    };
    let provider = Provider {
        location: context.location(section.header),
        name: name?,
        issuer_url: issuer_url.map_or(preset.issuer_url, |given| given.value),
        jwks: keys.unwrap_or(preset.jwks),
        check_jti: check_jti.map_or(preset.check_jti, |given| given.value),
        max_jwt_lifetime_seconds: lifetime.unwrap_or(preset.max_jwt_lifetime_seconds),
    };
    Some((provider, ProviderParts { kind, arguments }))
}

fn lifetime(fields: &mut Fields<'_>) -> Option<i64> {
    let given = fields.whole("max_jwt_lifetime_seconds")?;
    if limits::JWT_LIFETIME_SECONDS.contains(&given.value) {
        return Some(given.value);
    }
    let (least, most) = limits::JWT_LIFETIME_SECONDS.into_inner();
    fields.refuse(
        "Number out of range",
        format!("`max_jwt_lifetime_seconds` is {}, and the API takes {least} to {most}.", given.value),
        given.span,
        "write how long the provider's tokens live, in seconds",
    );
    None
}
