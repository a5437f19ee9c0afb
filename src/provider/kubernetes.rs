//! Kubernetes service accounts, of any cluster.

use crate::matching::DEFAULT_AUDIENCE;
use crate::resource::Match;

use super::Holds::{Bool, Text};
use super::arguments::{Reader, all_of, cel_text, discovered, is_guid, optional, required};
use super::{Arguments, Checked, IssuerPreset, ProviderKind, issuer_url, profile};

pub(super) const KIND: ProviderKind = ProviderKind {
    name: "kubernetes",
    arguments: &[required(
        "issuer_url",
        Text,
        "The cluster's issuer, as `kubectl get --raw /.well-known/openid-configuration` shows it.",
    )],
    match_arguments: &[
        required("namespace", Text, "The namespace."),
        required("service_account", Text, "The service account."),
        optional("service_account_uid", Text, "Its uid; a service account made anew has another."),
        optional(
            "require_pod",
            Bool,
            "Whether the token must belong to a pod, and not to a person with kubectl.",
        ),
    ],
    profile: Some(&profile::KUBERNETES),
    issuer,
    compile_match,
};

/// A cluster whose issuer is not public needs `jwks` beside it; that argument is common to all kinds.
fn issuer(given: &Arguments) -> Checked<IssuerPreset> {
    let mut reader = Reader::new(given);
    let url = issuer_url::read(&mut reader, "issuer_url");
    reader.finish(url.map(|url| discovered(url.to_owned(), true, 3_600)))
}

fn compile_match(_provider: &Arguments, given: &Arguments) -> Checked<Match> {
    let mut reader = Reader::new(given);
    let label = |text: &str| {
        text.len() <= 63 && text.bytes().all(|b| b.is_ascii_lowercase() || b.is_ascii_digit() || b == b'-')
    };
    let name =
        |text: &str| text.len() <= 253 && text.split('.').all(|piece| !piece.is_empty() && label(piece));
    let detail = "is no name that a cluster allows: small letters, digits and dashes.";
    let hint = "Copy the name from `kubectl get serviceaccounts --all-namespaces`.";
    let namespace = reader.checked("namespace", label, detail, hint);
    let account = reader.checked("service_account", name, detail, hint);
    let uid = reader.checked(
        "service_account_uid",
        is_guid,
        "is no uid; a cluster writes uids as GUIDs in small letters.",
        "Ask `kubectl get serviceaccount NAME -o jsonpath={.metadata.uid}`.",
    );
    let nested = r#"claims["kubernetes.io"]"#;
    let mut conditions = Vec::new();
    if let Some(uid) = uid {
        conditions.push(format!("{nested}.serviceaccount.uid == {}", cel_text(uid)));
    }
    if reader.flag("require_pod") {
        conditions.push(format!("\"pod\" in {nested}"));
    }
    let matching = namespace.zip(account).map(|(namespace, account)| Match {
        subject_prefix: Some(format!("system:serviceaccount:{namespace}:{account}")),
        audience: Some(DEFAULT_AUDIENCE.to_owned()),
        condition: all_of(&conditions),
        ..Match::default()
    });
    reader.finish(matching)
}
