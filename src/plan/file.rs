//! The saved plan: a versioned envelope around the plan's data.

use keyless_state::credential_text;
use serde::{Deserialize, Serialize};

use super::plan_data::Plan;

/// The format version that this program writes.
const FORMAT: &str = "keyless.plan/1";

#[derive(Serialize, Deserialize)]
struct Envelope {
    format: String,
    keyless_version: String,
    digest: String,
    plan: serde_json::Value,
}

/// Why a file is no plan that can be applied.
#[derive(Debug, thiserror::Error)]
pub enum PlanFileError {
    /// It is not a saved plan at all.
    #[error("it is not a saved plan: {0}")]
    NotAPlan(String),
    /// It was written by another version.
    #[error(
        "it has the format `{format}`, written by keyless {version}; this version reads {FORMAT}. Make a new plan"
    )]
    OtherFormat {
        /// Its format.
        format: String,
        /// Who wrote it.
        version: String,
    },
    /// Its content does not fit its digest.
    #[error(
        "it was damaged or edited after it was saved, so what was reviewed is not what it says. Make a new plan"
    )]
    Altered,
}

/// A plan may be shown, saved and recorded, so that it holds no secret.
#[derive(Debug, thiserror::Error)]
#[error(
    "the plan holds what looks like a key, a token or a private key in `{place}`, and no secret is shown or recorded. It \
     came from the API, the state or a consumer, since the configuration was searched. Take it out of the place it came \
     from, treat it as leaked, and make a new plan"
)]
pub struct SecretInPlan {
    /// The path in the plan's data, without the text.
    place: String,
}

/// Refuses a plan that holds a secret, wherever it is.
pub fn refuse_secrets(plan: &Plan) -> Result<(), SecretInPlan> {
    searched(plan).map(|_| ())
}

fn searched(plan: &Plan) -> Result<serde_json::Value, SecretInPlan> {
    let plan = serde_json::to_value(plan).expect("a plan is plain data");
    match credential_text::place_in(&plan) {
        Some(place) => Err(SecretInPlan { place }),
        None => Ok(plan),
    }
}

/// Writes a plan as text.
///
/// # Errors
/// When a secret is in it.
pub fn encode(plan: &Plan) -> Result<String, SecretInPlan> {
    let plan = searched(plan)?;
    let envelope = Envelope {
        format: FORMAT.to_owned(),
        keyless_version: env!("CARGO_PKG_VERSION").to_owned(),
        digest: digest(&plan),
        plan,
    };
    let mut text = serde_json::to_string_pretty(&envelope).expect("a plan is plain data");
    text.push('\n');
    Ok(text)
}

/// Reads a plan back.
pub fn decode(text: &str) -> Result<Plan, PlanFileError> {
    let not = |error: serde_json::Error| PlanFileError::NotAPlan(error.to_string());
    let envelope: Envelope = serde_json::from_str(text).map_err(not)?;
    if envelope.format != FORMAT {
        return Err(PlanFileError::OtherFormat {
            format: envelope.format,
            version: envelope.keyless_version,
        });
    }
    if digest(&envelope.plan) != envelope.digest {
        return Err(PlanFileError::Altered);
    }
    serde_json::from_value(envelope.plan).map_err(not)
}

/// Objects of `serde_json` keep their keys sorted, so equal plans give equal bytes.
fn digest(plan: &serde_json::Value) -> String {
    use sha2::{Digest, Sha256};
    Sha256::digest(plan.to_string().as_bytes()).iter().map(|byte| format!("{byte:02x}")).collect()
}

#[cfg(test)]
mod tests;
