//! The readers and the edits, case by case.

mod edits;
mod faults;
mod generate;
mod loaders;
mod values;

use std::collections::BTreeSet;

use super::{EnvFileFault, Format, Reading, park, unpark};

pub(super) const TAG: &str = "api_key.ci/dotenv.app";

pub(super) fn parked(text: &str, format: Format) -> Result<String, EnvFileFault> {
    park(text, format, "KEY", &BTreeSet::new(), TAG).map(|text| text.to_string())
}

/// Parks, and checks that this is undone byte for byte.
#[track_caller]
pub(super) fn round_trip(text: &str, format: Format) -> String {
    let out = parked(text, format).unwrap_or_else(|fault| panic!("{text:?}: {fault}"));
    assert!(Reading::of(&out, format).settings_of("KEY").is_empty(), "{out:?}");
    assert_eq!(parked(&out, format).expect("twice"), out);
    assert_eq!(*unpark(&out, format, "KEY", TAG).expect("back"), text);
    out
}

/// The numbers of lines that parking turns into comments.
#[track_caller]
pub(super) fn check_parked(text: &str, format: Format, lines: &[usize]) {
    let out = round_trip(text, format);
    assert_eq!(super::parked_lines(&out, TAG), lines, "{text:?}");
}

#[track_caller]
pub(super) fn check_refused(text: &str, format: Format, line: usize) {
    let fault = parked(text, format).expect_err(text);
    let told = fault.to_string();
    assert!(told.starts_with(&format!("line {line} ")), "{text:?}: {told}");
}
