//! Any other issuer. Its platform is told from its URL where that is known.

use crate::matching::DEFAULT_AUDIENCE;
use crate::resource::Match;

use super::Holds::Text;
use super::arguments::{Reader, discovered, optional, required};
use super::{Arguments, Checked, IssuerPreset, ProviderKind, issuer_url};

pub(super) const KIND: ProviderKind = ProviderKind {
    name: "oidc",
    arguments: &[required("issuer_url", Text, "The exact `iss` of the issuer's tokens.")],
    match_arguments: &[optional("subject", Text, "The exact `sub` of the workload's tokens.")],
    profile: None,
    issuer,
    compile_match,
};

fn issuer(given: &Arguments) -> Checked<IssuerPreset> {
    let mut reader = Reader::new(given);
    let url = issuer_url::read(&mut reader, "issuer_url");
    reader.finish(url.map(|url| discovered(url.to_owned(), true, 3_600)))
}

fn compile_match(_provider: &Arguments, given: &Arguments) -> Checked<Match> {
    let mut reader = Reader::new(given);
    let subject = reader.exact("subject").map(str::to_owned);
    let audience = Some(DEFAULT_AUDIENCE.to_owned());
    reader.finish(Some(Match { subject_prefix: subject, audience, ..Match::default() }))
}
