//! The recorded state as text.

use std::fmt::Write;

use keyless_state::State;

use super::attributes;
use super::style::{BOLD, paint};

/// Every record and every lane.
pub fn text(state: &State) -> String {
    let mut out = String::new();
    for (address, record) in &state.records {
        let label = address.label().map_or(String::new(), |label| format!(" \"{label}\""));
        let _ = writeln!(out, "{}", paint(BOLD, format_args!("# {address}:")));
        let _ = writeln!(out, "{}{label} \"{}\" {{", address.kind().word(), address.name());
        let mut shown = record.attributes.clone();
        shown.insert("id".to_owned(), record.id.clone().into());
        out.push_str(&attributes::plain(&shown));
        out.push_str("}\n\n");
    }
    for (address, lane) in &state.lanes {
        let _ = writeln!(out, "{}", paint(BOLD, format_args!("# {address}:")));
        let _ = writeln!(out, "    key {}", lane.key_id);
        for (id, consumer) in &lane.consumers {
            if let Some(at) = consumer.configured_at {
                let _ = writeln!(out, "    {id}: federation settings written at {at}");
            }
            if let Some(at) = consumer.removed_at {
                let _ = writeln!(out, "    {id}: key taken out at {at}");
            }
        }
        for (at, what) in [(lane.disabled_at, "disabled"), (lane.archived_at, "archived")] {
            if let Some(at) = at {
                let _ = writeln!(out, "    {what} at {at}");
            }
        }
        out.push('\n');
    }
    out
}
