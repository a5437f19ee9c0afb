//! Google service accounts. The issuer is shared by all of Google, so the account is pinned by
//! its unique id.

use crate::matching::DEFAULT_AUDIENCE;
use crate::resource::Match;

use super::Holds::Text;
use super::arguments::{Reader, discovered, is_digits, optional, required};
use super::{Arguments, Checked, IssuerPreset, ProviderKind, profile};

pub(super) const KIND: ProviderKind = ProviderKind {
    name: "gcp",
    arguments: &[],
    match_arguments: &[
        required(
            "service_account_unique_id",
            Text,
            "The service account's numeric id, which is never used again.",
        ),
        optional("service_account_email", Text, "Its e-mail address, for tokens that carry it."),
    ],
    profile: Some(&profile::GOOGLE),
    issuer,
    compile_match,
};

/// Google sends no `jti`, so there is nothing to check for reuse.
fn issuer(_given: &Arguments) -> Checked<IssuerPreset> {
    Ok(discovered("https://accounts.google.com".to_owned(), false, 3_600))
}

fn compile_match(_provider: &Arguments, given: &Arguments) -> Checked<Match> {
    let mut reader = Reader::new(given);
    let id = reader.checked(
        "service_account_unique_id",
        is_digits,
        "is no unique id; it has digits only. An e-mail address can be used again by another account.",
        "Ask `gcloud iam service-accounts describe EMAIL --format='value(uniqueId)'`.",
    );
    let email = reader.checked(
        "service_account_email",
        |text| text.contains('@') && text.ends_with(".gserviceaccount.com"),
        "is no address of a service account.",
        "Write \"NAME@PROJECT.iam.gserviceaccount.com\".",
    );
    let matching = id.map(|id| {
        let mut claims =
            [("sub", id), ("azp", id)].map(|(name, value)| (name.to_owned(), value.to_owned())).to_vec();
        claims.extend(email.map(|email| ("email".to_owned(), email.to_owned())));
        Match {
            audience: Some(DEFAULT_AUDIENCE.to_owned()),
            claims: claims.into_iter().collect(),
            // A boolean, which `claims` cannot compare.
            condition: email.map(|_| "claims.email_verified == true".to_owned()),
            ..Match::default()
        }
    });
    reader.finish(matching)
}
