//! AWS Signature Version 4, for requests whose body is at hand.

use aws_lc_rs::hmac;
use jiff::Timestamp;
use reqwest::Url;
use sha2::{Digest, Sha256};

use super::credentials::Credentials;
use crate::secret::Secret;

/// What is signed.
pub(super) struct Signed<'a> {
    pub(super) method: &'a str,
    pub(super) url: &'a Url,
    /// Headers to sign beside host, date and session token; names in lower case.
    pub(super) headers: &'a [(&'a str, &'a str)],
    pub(super) body: &'a [u8],
    pub(super) region: &'a str,
    pub(super) service: &'a str,
    pub(super) at: Timestamp,
}

/// The headers that carry a signature.
pub(super) struct Signature {
    /// For `x-amz-date`.
    pub(super) date: String,
    /// For `authorization`.
    pub(super) authorization: Secret,
}

/// Signs a request.
pub(super) fn sign(credentials: &Credentials, signed: &Signed<'_>) -> Signature {
    let date = signed.at.strftime("%Y%m%dT%H%M%SZ").to_string();
    let day = &date[..8];
    let host = match (signed.url.host_str().unwrap_or_default(), signed.url.port()) {
        (host, Some(port)) => format!("{host}:{port}"),
        (host, None) => host.to_owned(),
    };
    let token = credentials.session_token.as_ref().map(|token| ("x-amz-security-token", token.expose()));
    let mut headers: Vec<(&str, &str)> = vec![("host", &host), ("x-amz-date", &date)];
    headers.extend(signed.headers.iter().copied().chain(token));
    headers.sort_unstable();
    let names = headers.iter().map(|(name, _)| *name).collect::<Vec<_>>().join(";");
    let lines: String = headers.iter().map(|(name, value)| format!("{name}:{}\n", value.trim())).collect();
    let canonical = format!(
        "{}\n{}\n{}\n{lines}\n{names}\n{}",
        signed.method,
        signed.url.path(),
        canonical_query(signed.url),
        hex(&Sha256::digest(signed.body)),
    );
    let scope = format!("{day}/{}/{}/aws4_request", signed.region, signed.service);
    let digest = hex(&Sha256::digest(canonical.as_bytes()));
    let to_sign = format!("AWS4-HMAC-SHA256\n{date}\n{scope}\n{digest}");
    let mut key = mac(format!("AWS4{}", credentials.secret_key.expose()).as_bytes(), day);
    for part in [signed.region, signed.service, "aws4_request"] {
        key = mac(key.as_ref(), part);
    }
    let authorization = format!(
        "AWS4-HMAC-SHA256 Credential={}/{scope}, SignedHeaders={names}, Signature={}",
        credentials.access_key_id,
        hex(mac(key.as_ref(), &to_sign).as_ref()),
    );
    Signature { date, authorization: Secret::new(authorization) }
}

fn mac(key: &[u8], text: &str) -> hmac::Tag {
    hmac::sign(&hmac::Key::new(hmac::HMAC_SHA256, key), text.as_bytes())
}

/// The pairs of the query, encoded as it stands there, in order of their names.
fn canonical_query(url: &Url) -> String {
    let mut pairs: Vec<&str> = url.query().unwrap_or_default().split('&').filter(|p| !p.is_empty()).collect();
    pairs.sort_unstable();
    pairs.join("&")
}

fn hex(bytes: &[u8]) -> String {
    bytes.iter().map(|byte| format!("{byte:02x}")).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The documented test suite of Signature Version 4 and the example of its guide.
    #[track_caller]
    fn check(method: &str, url: &str, headers: &[(&str, &str)], service: &str, expected: &str) {
        let credentials = Credentials {
            access_key_id: "AKIDEXAMPLE".to_owned(),
            secret_key: Secret::new("wJalrXUtnFEMI/K7MDENG+bPxRfiCYEXAMPLEKEY"),
            session_token: None,
        };
        let url = Url::parse(url).unwrap();
        let at = "2015-08-30T12:36:00Z".parse().unwrap();
        let signed = Signed { method, url: &url, headers, body: b"", region: "us-east-1", service, at };
        let signature = sign(&credentials, &signed);
        assert_eq!(signature.date, "20150830T123600Z");
        let text = signature.authorization.expose();
        assert!(text.starts_with("AWS4-HMAC-SHA256 Credential=AKIDEXAMPLE/20150830/us-east-1/"), "{text}");
        assert!(text.ends_with(&format!("Signature={expected}")), "{url}: {text}");
    }

    #[test]
    fn signatures_are_those_of_the_documented_examples() {
        check(
            "GET",
            "https://example.amazonaws.com/",
            &[],
            "service",
            "5fa00fa31553b73ebf1942676e86291e8372ff2a2260956d9b8aae1d763fbf31",
        );
        check(
            "POST",
            "https://example.amazonaws.com/",
            &[],
            "service",
            "5da7c1a2acd57cee7505fc6676e4e544621c30862966e37dddb68e92efbe5d6b",
        );
        check(
            "GET",
            "https://iam.amazonaws.com/?Action=ListUsers&Version=2010-05-08",
            &[("content-type", "application/x-www-form-urlencoded; charset=utf-8")],
            "iam",
            "5d672d79c15b13162d9279b0855cfba6789a8edb4c82c400e06b5924a6f2b5d7",
        );
    }
}
