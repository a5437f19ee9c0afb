//! Which source the engine's credential comes from: a pure function of variables and files.
//!
//! The order is that of the vendor's clients, so that whoever knows one of them is not surprised:
//! a token in a variable, a profile that was named, the federation variables, the active profile.
//! The first source that is there is used; one that was asked for by name and does not work is an
//! error and never skipped.

use std::path::{Path, PathBuf};

use super::environment::{self as variable, Environment};
use super::profile::{Authentication, ProfileConfiguration, check_name};
use super::{ReportKeys, check, refusal};
use crate::platform::ApiError;
use crate::resource::Caller;
use crate::secret::Secret;

/// Reads a file of a profile: its text, none when there is none, or what is wrong with it.
type Read<'a> = &'a dyn Fn(&Path) -> Result<Option<String>, String>;

/// Where a token comes from and how it is renewed. It cannot be printed.
#[derive(Clone)]
pub struct Credential {
    pub(super) proof: Proof,
    /// The source in words, such as `ANTHROPIC_AUTH_TOKEN`.
    pub origin: String,
    /// Who stands behind it.
    pub caller: Caller,
    /// Where tokens are renewed; none: where the API is.
    pub(crate) token_base_url: Option<String>,
}

#[derive(Clone)]
pub(super) enum Proof {
    /// A token that is used as it is.
    Fixed(Secret),
    /// A person's login.
    Login(Login),
    /// Identity tokens that are exchanged.
    Federation(Federation),
}

/// A profile that a person logged in to.
#[derive(Clone)]
pub(super) struct Login {
    pub(super) tokens: PathBuf,
    pub(super) client_id: Option<String>,
    pub(super) scope: Option<String>,
}

/// What an exchange sends.
#[derive(Clone)]
pub(super) struct Federation {
    pub(super) rule_id: String,
    pub(super) organization_id: String,
    pub(super) service_account_id: Option<String>,
    pub(super) workspace_id: Option<String>,
    pub(super) identity_token: IdentityToken,
    /// Where a profile keeps the minted token between processes.
    pub(super) cache: Option<PathBuf>,
}

#[derive(Clone)]
pub(super) enum IdentityToken {
    File(PathBuf),
    Literal(Secret),
}

/// The credentials of a process, chosen.
pub struct Selection {
    /// The OAuth token for everything.
    pub credential: Credential,
    /// The keys for reports.
    pub report_keys: ReportKeys,
    /// Where the API is, if a variable or the profile says so.
    pub base_url: Option<String>,
    /// What the user should know, in whole sentences.
    pub warnings: Vec<String>,
}

impl std::fmt::Debug for Selection {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "{} {:?}", self.credential.origin, self.warnings)
    }
}

impl From<Secret> for Credential {
    fn from(token: Secret) -> Credential {
        Credential {
            proof: Proof::Fixed(token),
            origin: "the given token".to_owned(),
            caller: Caller::Unknown,
            token_base_url: None,
        }
    }
}

/// The places that were looked at, with what was found in each.
#[derive(Default)]
struct Looked(Vec<(String, String)>);

impl Looked {
    fn note(&mut self, place: impl Into<String>, found: impl Into<String>) {
        self.0.push((place.into(), found.into()));
    }

    /// The error that ends the search here.
    fn end(&self, why: &str) -> ApiError {
        let mut text = format!("{why}. Looked at, in this order:");
        for (at, (place, found)) in self.0.iter().enumerate() {
            text.push_str(&format!("\n  {}. {place} {found}", at + 1));
        }
        refusal(text)
    }
}

/// Chooses the credentials; `read` gives a file of a profile.
///
/// # Errors
/// [`ErrorKind::Credential`](crate::platform::ErrorKind::Credential) when nothing usable is found,
/// or when the first source that is there cannot work.
pub fn choose(environment: &Environment, read: Read<'_>) -> Result<Selection, ApiError> {
    let mut looked = Looked::default();
    let mut warnings = Vec::new();
    let (credential, profile_base_url) = first(environment, read, &mut looked, &mut warnings)?;
    if environment.given(variable::API_KEY).is_some() {
        warnings.push(
            "ANTHROPIC_API_KEY is set. keyless does not use it, because an API key cannot manage federation; other clients started here use it before any federation, so unset it once it is not needed."
                .to_owned(),
        );
    }
    let (report_keys, unused) = ReportKeys::of(environment);
    warnings.extend(unused);
    let base_url = environment.given(variable::BASE_URL).map(str::to_owned).or(profile_base_url);
    Ok(Selection { credential, report_keys, base_url, warnings })
}

fn first(
    environment: &Environment,
    read: Read<'_>,
    looked: &mut Looked,
    warnings: &mut Vec<String>,
) -> Result<(Credential, Option<String>), ApiError> {
    if let Some(token) = environment.given(variable::AUTH_TOKEN) {
        let origin = variable::AUTH_TOKEN;
        let token = Secret::new(token);
        check(&token, origin)?;
        let shadowed = [variable::PROFILE, variable::RULE_ID].into_iter();
        let shadowed: Vec<&str> = shadowed.filter(|name| environment.given(name).is_some()).collect();
        if !shadowed.is_empty() {
            let shadowed = shadowed.join(" and ");
            warnings.push(format!(
                "{origin} is used, and {shadowed} beside it is not; unset the one you do not mean."
            ));
        }
        return Ok((Credential { origin: origin.to_owned(), ..token.into() }, None));
    }
    looked.note(variable::AUTH_TOKEN, environment.lack(variable::AUTH_TOKEN));
    if let Some(name) = environment.given(variable::PROFILE) {
        return match profile(name, environment, read) {
            Ok(found) => Ok(found),
            Err(why) => {
                looked.note(format!("{} names the profile `{name}`:", variable::PROFILE), why);
                Err(looked.end("the profile that was asked for cannot be used"))
            }
        };
    }
    looked.note(variable::PROFILE, environment.lack(variable::PROFILE));
    match federation_variables(environment) {
        Ok(credential) => return Ok((credential, None)),
        Err(why) => {
            if environment.given(variable::RULE_ID).is_some() {
                warnings.push(format!("{} is set and cannot be used: {why}.", variable::RULE_ID));
            }
            looked.note("federation variables:", why);
        }
    }
    match active_profile(environment, read) {
        Ok(found) => Ok(found),
        Err((place, why)) => {
            looked.note(place, why);
            if environment.given(variable::API_KEY).is_some() {
                looked.note(
                    variable::API_KEY,
                    "is set, but an API key cannot manage federation, so it is not used",
                );
            }
            Err(looked.end("no usable credential was found"))
        }
    }
}

/// The federation variables, complete, or what is missing.
fn federation_variables(environment: &Environment) -> Result<Credential, String> {
    let rule_id = environment.given(variable::RULE_ID);
    let organization_id = environment.given(variable::ORGANIZATION_ID);
    let identity_token = identity_token_variable(environment);
    let missing: Vec<String> = [
        (rule_id.is_some(), variable::RULE_ID),
        (organization_id.is_some(), variable::ORGANIZATION_ID),
        (identity_token.is_some(), variable::TOKEN_FILE),
    ]
    .into_iter()
    .filter(|(there, _)| !there)
    .map(|(_, name)| format!("{name} {}", environment.lack(name)))
    .collect();
    let (Some(rule_id), Some(organization_id), Some(identity_token)) =
        (rule_id, organization_id, identity_token)
    else {
        return Err(missing.join(", "));
    };
    let text = |name| environment.given(name).map(str::to_owned);
    Ok(Credential {
        origin: format!("the federation variables (rule {rule_id})"),
        caller: Caller::Workload,
        token_base_url: None,
        proof: Proof::Federation(Federation {
            rule_id: rule_id.to_owned(),
            organization_id: organization_id.to_owned(),
            service_account_id: text(variable::SERVICE_ACCOUNT_ID),
            workspace_id: text(variable::WORKSPACE_ID),
            identity_token,
            cache: None,
        }),
    })
}

/// The file wins over the literal token, as in the vendor's clients.
fn identity_token_variable(environment: &Environment) -> Option<IdentityToken> {
    let file = environment.given(variable::TOKEN_FILE).map(|path| IdentityToken::File(PathBuf::from(path)));
    file.or_else(|| {
        environment.given(variable::TOKEN).map(|token| IdentityToken::Literal(Secret::new(token)))
    })
}

/// The profile that `active_config` names, else `default`; or where was looked and what was found.
fn active_profile(
    environment: &Environment,
    read: Read<'_>,
) -> Result<(Credential, Option<String>), (String, String)> {
    let Some(directory) = environment.profile_directory() else {
        let why = "none, because neither ANTHROPIC_CONFIG_DIR nor a home directory is known";
        return Err(("active profile:".to_owned(), why.to_owned()));
    };
    let pointer = directory.join("active_config");
    let named = match read(&pointer) {
        Ok(named) => named,
        Err(why) => return Err(("active profile:".to_owned(), format!("{} {why}", pointer.display()))),
    };
    let named = named.as_deref().map(str::trim).filter(|name| !name.is_empty());
    let place = match named {
        Some(name) => format!("active profile `{name}` (named by {}):", pointer.display()),
        None => "active profile `default`:".to_owned(),
    };
    profile(named.unwrap_or("default"), environment, read).map_err(|why| (place, why))
}

fn profile(
    name: &str,
    environment: &Environment,
    read: Read<'_>,
) -> Result<(Credential, Option<String>), String> {
    check_name(name)?;
    let directory = environment
        .profile_directory()
        .ok_or("neither ANTHROPIC_CONFIG_DIR nor a home directory is known")?;
    let path = directory.join("configs").join(format!("{name}.json"));
    let shown = path.display();
    let text = read(&path).map_err(|why| format!("{shown} {why}"))?;
    let text = text.ok_or_else(|| format!("{shown} does not exist"))?;
    let configuration = ProfileConfiguration::parse(&text)
        .map_err(|error| format!("{shown} is not a profile that can be read: {error}"))?;
    let tokens = |path: Option<String>| match path.filter(|path| !path.trim().is_empty()) {
        Some(path) => directory.join(path),
        None => directory.join("credentials").join(format!("{name}.json")),
    };
    let base_url = configuration.base_url.filter(|url| !url.trim().is_empty());
    let origin = format!("the profile `{name}` ({shown})");
    // What the file leaves empty is filled from the variables.
    let fill = |value: Option<String>, name: &str| {
        value.filter(|text| !text.trim().is_empty()).or_else(|| environment.given(name).map(str::to_owned))
    };
    let (proof, caller) = match configuration.authentication {
        Authentication::UserOauth { client_id, scope, credentials_path } => {
            let client_id = client_id.filter(|id| !id.is_empty());
            (Proof::Login(Login { tokens: tokens(credentials_path), client_id, scope }), Caller::Person)
        }
        Authentication::OidcFederation {
            federation_rule_id,
            service_account_id,
            identity_token,
            credentials_path,
        } => {
            let identity_token = match identity_token {
                Some(place) if place.source != "file" => {
                    return Err(format!(
                        "{shown} takes its identity token from `{}`, which is not known here; `file` is",
                        place.source
                    ));
                }
                Some(place) if place.path.is_some() => {
                    place.path.map(|path| IdentityToken::File(path.into()))
                }
                _ => identity_token_variable(environment),
            };
            let lacks = |what: &str, name: &str| {
                format!("{shown} names no {what}, and {name} {}", environment.lack(name))
            };
            let federation = Federation {
                rule_id: fill(federation_rule_id, variable::RULE_ID)
                    .ok_or_else(|| lacks("`federation_rule_id`", variable::RULE_ID))?,
                organization_id: fill(configuration.organization_id, variable::ORGANIZATION_ID)
                    .ok_or_else(|| lacks("`organization_id`", variable::ORGANIZATION_ID))?,
                service_account_id: fill(service_account_id, variable::SERVICE_ACCOUNT_ID),
                workspace_id: fill(configuration.workspace_id, variable::WORKSPACE_ID),
                identity_token: identity_token
                    .ok_or_else(|| lacks("`identity_token`", variable::TOKEN_FILE))?,
                cache: Some(tokens(credentials_path)),
            };
            (Proof::Federation(federation), Caller::Workload)
        }
    };
    // Tokens are renewed where the profile belongs, wherever a variable sends the other calls.
    Ok((Credential { proof, origin, caller, token_base_url: base_url.clone() }, base_url))
}

#[cfg(test)]
mod tests;
