//! Federation issuers on the wire.

use jiff::Timestamp;
use serde::Deserialize;
use serde_json::{Map, Value, json};

use super::{ProvenanceWire, Wire};
use crate::resource::{IssuerArguments, IssuerHealth, IssuerObject, Jwks};

#[derive(Deserialize)]
pub(crate) struct IssuerWire {
    id: String,
    name: String,
    issuer_url: String,
    jwks: Map<String, Value>,
    check_jti: bool,
    max_jwt_lifetime_seconds: i64,
    #[serde(default)]
    jwks_polling_disabled_at: Option<Timestamp>,
    #[serde(default)]
    poll_status: Option<PollStatusWire>,
    #[serde(flatten)]
    provenance: ProvenanceWire,
}

#[derive(Deserialize)]
struct PollStatusWire {
    #[serde(default)]
    consecutive_failures: Option<u64>,
}

impl Wire for IssuerWire {
    type Object = IssuerObject;
    const NOUN: &'static str = "federation issuer";

    fn into_object(self) -> Result<IssuerObject, String> {
        Ok(IssuerObject {
            id: self.id,
            arguments: IssuerArguments {
                name: self.name,
                issuer_url: self.issuer_url,
                jwks: read_jwks(&self.jwks)?,
                check_jti: self.check_jti,
                max_jwt_lifetime_seconds: self.max_jwt_lifetime_seconds,
            },
            health: IssuerHealth {
                consecutive_failures: self
                    .poll_status
                    .and_then(|status| status.consecutive_failures)
                    .unwrap_or(0),
                polling_disabled_at: self.jwks_polling_disabled_at,
            },
            provenance: self.provenance.into(),
        })
    }
}

fn read_jwks(jwks: &Map<String, Value>) -> Result<Jwks, String> {
    let text = |name: &str| jwks.get(name).and_then(Value::as_str).map(str::to_owned);
    let kind = text("type").ok_or("missing field `jwks.type`")?;
    match kind.as_str() {
        "discovery" => {
            Ok(Jwks::Discovery { discovery_base: text("discovery_base"), ca_cert_pem: text("ca_cert_pem") })
        }
        "explicit_url" => Ok(Jwks::ExplicitUrl {
            url: text("url").ok_or("missing field `jwks.url`")?,
            ca_cert_pem: text("ca_cert_pem"),
        }),
        "inline" => match jwks.get("keys") {
            Some(Value::Array(keys)) => Ok(Jwks::Inline { keys: keys.clone() }),
            _ => Err("missing field `jwks.keys`".to_owned()),
        },
        _ => Ok(Jwks::Other { kind }),
    }
}

/// The body of a create and, because every field is given, of an update.
pub(crate) fn issuer_body(arguments: &IssuerArguments) -> Result<Value, String> {
    Ok(json!({
        "name": arguments.name,
        "issuer_url": arguments.issuer_url,
        "jwks": jwks_body(&arguments.jwks)?,
        "check_jti": arguments.check_jti,
        "max_jwt_lifetime_seconds": arguments.max_jwt_lifetime_seconds,
    }))
}

fn jwks_body(jwks: &Jwks) -> Result<Value, String> {
    let (mut body, ca_cert_pem) = match jwks {
        Jwks::Discovery { discovery_base, ca_cert_pem } => {
            let mut body = json!({ "type": "discovery" });
            if let Some(base) = discovery_base {
                body["discovery_base"] = json!(base);
            }
            (body, ca_cert_pem.as_ref())
        }
        Jwks::ExplicitUrl { url, ca_cert_pem } => {
            (json!({ "type": "explicit_url", "url": url }), ca_cert_pem.as_ref())
        }
        Jwks::Inline { keys } => (json!({ "type": "inline", "keys": keys }), None),
        Jwks::Other { kind } => return Err(format!("keys of the kind `{kind}` cannot be written")),
    };
    if let Some(pem) = ca_cert_pem {
        body["ca_cert_pem"] = json!(pem);
    }
    Ok(body)
}
