//! A way back that waits until workloads are seen to use their keys again.

use std::fmt::Write;

use keyless_state::Binding;

use super::style::{BOLD, paint};
use crate::binding::Lack;
use crate::plan::Mode;

/// What is missing of each workload, and what helps.
pub fn waits(unused: &[(&Binding, Vec<Lack>)]) -> String {
    if unused.is_empty() {
        return String::new();
    }
    let mut out =
        "What these workloads may live off stays until they are seen to use their keys:\n".to_owned();
    for (binding, lacks) in unused {
        let _ = writeln!(out, "  {} of {}, which lacks", binding.consumer, binding.lane);
        for lack in lacks {
            let _ = writeln!(out, "    {lack}");
        }
    }
    if unused.iter().flat_map(|(_, lacks)| lacks).any(|lack| matches!(lack, Lack::Sign(_))) {
        out.push_str("Restart those that lack use of their key, so that they read it. ");
    }
    if unused.iter().flat_map(|(_, lacks)| lacks).any(|lack| matches!(lack, Lack::Report(_))) {
        out.push_str("A report comes from where `report` in the consumer block says; without one, a person's word is needed. ");
    }
    out.push_str("If nothing lives off a rule any more, say so: keyless evidence add -manual -retire=federation_rule.NAME -by=\"YOUR NAME\" -statement=\"…\"; where a workload is gone:\n");
    for (binding, _) in unused {
        let which = format!("-retire={} -consumer={}", binding.lane, binding.consumer);
        let _ = writeln!(out, "  keyless evidence add -manual {which} -by=\"YOUR NAME\" -statement=\"…\"");
    }
    out.push('\n');
    out
}

/// The closing line.
pub fn waiting(mode: Mode, done: usize, steps: usize) -> String {
    let again = match mode {
        Mode::Destroy => "`keyless destroy`",
        _ => "`keyless rollback -to=CHECKPOINT` with this checkpoint",
    };
    let what = format!("{} waits:", name(mode));
    format!("{} {done} of {steps} steps done; run {again} again later for the rest.\n", paint(BOLD, what))
}

/// What a run is called in its closing line.
pub fn name(mode: Mode) -> &'static str {
    match mode {
        Mode::Destroy => "Destroy",
        Mode::Rollback => "Rollback",
        Mode::Apply | Mode::RefreshOnly => "Apply",
    }
}
