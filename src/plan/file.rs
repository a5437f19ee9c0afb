//! The saved plan: a versioned envelope around the plan's data.

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

/// Writes a plan as text.
pub fn encode(plan: &Plan) -> String {
    let plan = serde_json::to_value(plan).expect("a plan is plain data");
    let envelope = Envelope {
        format: FORMAT.to_owned(),
        keyless_version: env!("CARGO_PKG_VERSION").to_owned(),
        digest: digest(&plan),
        plan,
    };
    let mut text = serde_json::to_string_pretty(&envelope).expect("a plan is plain data");
    text.push('\n');
    text
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
