//! The `keyless` block.

use std::ops::RangeInclusive;
use std::path::PathBuf;
use std::time::Duration;

use super::fields::{Fields, Given};
use super::{Context, duration};
use crate::config::configuration::{
    BackendSettings, Patience, PlatformSettings, Settings, SimulatorSettings,
};
use crate::config::nearest;
use crate::config::section::Section;
use crate::config::version;
use crate::limits;
use crate::provider::is_guid;

const BACKENDS_LATER: [&str; 8] = ["pg", "s3", "gcs", "azurerm", "http", "consul", "remote", "cloud"];

pub(super) fn decode(context: &Context<'_>, section: &Section) -> Settings {
    let mut fields = Fields::new(context, section, None, "the `keyless` block");
    let version = fields.text("required_version");
    if let Some(given) = version {
        check_version(&mut fields, &given);
    }
    let organization_id = organization_id(&mut fields);
    let (platform, patience) = match fields.section("platform") {
        Some(section) => platform(&mut fields, section),
        None => (PlatformSettings::default(), Patience::default()),
    };
    let backend = match fields.section("backend") {
        Some(section) => backend(&mut fields, section),
        None => BackendSettings::default(),
    };
    fields.finish(&["platform", "backend"]);
    Settings { organization_id, platform, patience, backend }
}

/// Capitals mean the same in it; small letters are how the API writes it.
fn organization_id(fields: &mut Fields<'_>) -> Option<String> {
    let given = fields.text("organization_id")?;
    let id = given.value.to_ascii_lowercase();
    if !is_guid(&id) {
        let detail = format!("The id of an organization is a UUID, and {:?} is none.", given.value);
        let hint = "copy it from the settings of the organization in the Console, or leave it out";
        fields.refuse("Invalid organization id", detail, given.span, hint);
    }
    Some(id)
}

fn check_version(fields: &mut Fields<'_>, given: &Given<String>) {
    const THIS: &str = env!("CARGO_PKG_VERSION");
    match version::allows(&given.value, THIS) {
        Ok(true) => {}
        Ok(false) => fields.refuse(
            "Unsupported keyless version",
            format!("This configuration asks for keyless {}, and this is keyless {THIS}.", given.value),
            given.span,
            "use a fitting version of keyless, or widen the constraint",
        ),
        Err(reason) => fields.refuse(
            "Invalid version constraint",
            reason,
            given.span,
            "write for example \">= 0.1\", \"~> 0.1.0\" or \">= 0.1, < 2.0\"",
        ),
    }
}

/// The label of a `platform` or `backend` block.
fn label<'s>(fields: &mut Fields<'_>, section: &'s Section, example: &str) -> Option<&'s str> {
    match &section.labels[..] {
        [label] => Some(&label.text),
        labels => {
            fields.refuse(
                "Wrong number of labels",
                format!("The block `{}` takes 1 label, but here are {}.", section.keyword.text, labels.len()),
                section.header,
                format!("write `{example}`"),
            );
            None
        }
    }
}

fn platform(fields: &mut Fields<'_>, section: &Section) -> (PlatformSettings, Patience) {
    let nothing = (PlatformSettings::Claude, Patience::default());
    match label(fields, section, "platform \"claude\" {}") {
        None => nothing,
        Some("claude") => {
            let mut inner = Fields::new(fields.context, section, None, "the block `platform \"claude\"`");
            let patience = patience(&mut inner);
            inner.finish(&[]);
            (PlatformSettings::Claude, patience)
        }
        Some("simulator") => {
            let mut inner = Fields::new(fields.context, section, None, "the block `platform \"simulator\"`");
            let settings = SimulatorSettings {
                organization: inner.text("organization").map(|given| PathBuf::from(given.value)),
                skip_waits: inner.bool("skip_waits").is_some_and(|given| given.value),
            };
            let patience = patience(&mut inner);
            inner.finish(&[]);
            (PlatformSettings::Simulator(settings), patience)
        }
        Some(other) => {
            let detail = format!("There is no platform `{other}`.");
            let hint = nearest::suggest(other, "there is", ["claude", "simulator"]);
            fields.refuse("Unknown platform", detail, section.labels[0].span, hint);
            nothing
        }
    }
}

fn patience(fields: &mut Fields<'_>) -> Patience {
    let mut within = |name, bounds: RangeInclusive<Duration>| {
        let given = duration::field(fields, name)?;
        let found = Duration::try_from(given.value).ok().filter(|found| bounds.contains(found));
        if found.is_none() {
            let (least, most) = (bounds.start(), bounds.end());
            let detail = format!("`{name}` is a time from {least:?} to {most:?}.");
            fields.refuse("Duration out of range", detail, given.span, "leave it out for the usual time");
        }
        found
    };
    Patience {
        call_timeout: within("call_timeout", limits::CALL_TIMEOUT_GIVEN),
        retry_wait: within("retry_wait", limits::RETRY_WAIT_GIVEN),
    }
}

fn backend(fields: &mut Fields<'_>, section: &Section) -> BackendSettings {
    match label(fields, section, "backend \"local\" {}") {
        None => BackendSettings::Local,
        Some("local") => {
            let mut inner = Fields::new(fields.context, section, None, "the block `backend \"local\"`");
            let path = inner.text("path");
            inner.finish(&[]);
            path.map_or(BackendSettings::Local, |given| {
                BackendSettings::LocalPath(PathBuf::from(given.value))
            })
        }
        Some(other) => {
            let span = section.labels[0].span;
            let hint = nearest::suggest(other, "there is", ["local"]);
            if BACKENDS_LATER.contains(&other) {
                let detail = format!(
                    "This version keeps state on the local disk only; the backend `{other}` is not there yet."
                );
                fields.refuse("Not available in this version", detail, span, hint);
            } else {
                fields.refuse("Unknown backend", format!("There is no backend `{other}`."), span, hint);
            }
            BackendSettings::Local
        }
    }
}
