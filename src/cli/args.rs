//! What can be typed. Terraform's single-dash flags and the usual double-dash ones are alike.

use std::ffi::OsString;
use std::net::SocketAddr;
use std::path::PathBuf;

use clap::{Args, Parser, Subcommand};
use keyless_state::Address;

use super::command::Choices;

/// Plan and apply the move from static Claude API keys to Workload Identity Federation.
#[derive(Debug, Parser)]
#[command(name = "keyless", version, disable_version_flag = true, max_term_width = 100)]
pub(super) struct Arguments {
    /// Switch to this directory first
    #[arg(long, global = true, value_name = "DIR")]
    pub(super) chdir: Option<PathBuf>,
    /// No colors
    #[arg(long, global = true)]
    pub(super) no_color: bool,
    #[command(subcommand)]
    pub(super) command: Command,
}

#[derive(Debug, Subcommand)]
pub(super) enum Command {
    /// Check the configuration
    Validate(Validate),
    /// Show what apply would do
    Plan(Plan),
    /// Carry out a plan, and go on where evidence has come in
    Apply(Apply),
    /// Put the keys back and archive what was created
    Destroy(Destroy),
    /// Show the recorded state, or a saved plan
    Show(Show),
    /// Show all lanes and what each waits for
    Status(Status),
    /// Show outputs
    Output(Output),
    /// Show what others changed, who and when; alters nothing
    Drift(Drift),
    /// Show which credential each Claude client sends from here, and what to change
    Doctor(super::command::Doctor),
    /// Return to a checkpoint
    Rollback(Rollback),
    /// List checkpoints
    Checkpoint(Checkpoint),
    /// Record or list evidence
    Evidence(Evidence),
    /// Serve the embedded API of this configuration
    Simulate(Simulate),
    /// Show the version
    Version(Version),
}

#[derive(Clone, Debug, Default, Args)]
pub(super) struct Variables {
    /// Set a variable
    #[arg(long = "var", value_name = "NAME=VALUE")]
    pub(super) var: Vec<String>,
    /// Read variables from a file
    #[arg(long = "var-file", value_name = "FILE")]
    pub(super) var_file: Vec<PathBuf>,
}

fn parallelism(text: &str) -> Result<usize, String> {
    let most = crate::limits::PARALLELISM_MAX;
    let number = text.parse().ok().filter(|number| (1..=most).contains(number));
    number.ok_or_else(|| format!("the number of calls in flight is a whole number from 1 to {most}"))
}

#[derive(Clone, Debug, Args)]
pub(super) struct Remote {
    /// Calls in flight
    #[arg(long, default_value_t = crate::limits::PARALLELISM_DEFAULT, value_name = "N", value_parser = parallelism)]
    pub(super) parallelism: usize,
    /// PEM file with the only certificate authorities to trust
    #[arg(long, value_name = "FILE")]
    pub(super) ca_file: Option<PathBuf>,
    /// Ask where approval is needed; with -input=false fail there instead
    #[arg(long, value_name = "BOOL", hide_possible_values = true, default_value_t = true, action = clap::ArgAction::Set, num_args = 0..=1, require_equals = true, default_missing_value = "true")]
    pub(super) input: bool,
}

#[derive(Debug, Args)]
pub(super) struct Validate {
    #[command(flatten)]
    pub(super) variables: Variables,
    /// As JSON
    #[arg(long)]
    pub(super) json: bool,
}

#[derive(Debug, Args)]
pub(super) struct Plan {
    #[command(flatten)]
    pub(super) variables: Variables,
    #[command(flatten)]
    pub(super) remote: Remote,
    /// Save the plan
    #[arg(long, value_name = "FILE")]
    pub(super) out: Option<PathBuf>,
    /// Exit with 2 when something would be done
    #[arg(long)]
    pub(super) detailed_exitcode: bool,
    /// Show what others changed and nothing else
    #[arg(long)]
    pub(super) refresh_only: bool,
    /// Plan the way back: restore keys, archive what was created
    #[arg(long)]
    pub(super) destroy: bool,
    /// As JSON
    #[arg(long)]
    pub(super) json: bool,
    #[command(flatten)]
    pub(super) choices: Choices,
}

#[derive(Debug, Args)]
pub(super) struct Apply {
    #[command(flatten)]
    pub(super) variables: Variables,
    #[command(flatten)]
    pub(super) remote: Remote,
    /// A saved plan to carry out exactly as it was shown
    pub(super) plan_file: Option<PathBuf>,
    /// Do not ask for approval
    #[arg(long)]
    pub(super) auto_approve: bool,
    /// Record what others changed and alter nothing
    #[arg(long)]
    pub(super) refresh_only: bool,
    #[command(flatten)]
    pub(super) choices: Choices,
}

#[derive(Debug, Args)]
pub(super) struct Destroy {
    #[command(flatten)]
    pub(super) variables: Variables,
    #[command(flatten)]
    pub(super) remote: Remote,
    /// Do not ask for approval
    #[arg(long)]
    pub(super) auto_approve: bool,
}

#[derive(Debug, Args)]
pub(super) struct Show {
    /// A saved plan; the recorded state when left out
    pub(super) plan_file: Option<PathBuf>,
    /// As JSON; a plan in Terraform's plan format 1.2
    #[arg(long, conflicts_with = "format")]
    pub(super) json: bool,
    /// text, json or markdown
    #[arg(long, value_parser = ["text", "json", "markdown"])]
    pub(super) format: Option<String>,
}

#[derive(Debug, Args)]
pub(super) struct Status {
    #[command(flatten)]
    pub(super) variables: Variables,
    #[command(flatten)]
    pub(super) remote: Remote,
    /// As JSON
    #[arg(long)]
    pub(super) json: bool,
}

#[derive(Debug, Args)]
pub(super) struct Output {
    /// One output only
    pub(super) name: Option<String>,
    /// As JSON
    #[arg(long)]
    pub(super) json: bool,
    /// The bare text of one output
    #[arg(long, conflicts_with = "json")]
    pub(super) raw: bool,
}

#[derive(Debug, Args)]
pub(super) struct Drift {
    #[command(flatten)]
    pub(super) variables: Variables,
    #[command(flatten)]
    pub(super) remote: Remote,
    /// Exit with 2 when there is drift
    #[arg(long)]
    pub(super) detailed_exitcode: bool,
    /// As JSON
    #[arg(long)]
    pub(super) json: bool,
}

#[derive(Debug, Args)]
pub(super) struct Rollback {
    #[command(flatten)]
    pub(super) variables: Variables,
    #[command(flatten)]
    pub(super) remote: Remote,
    /// The checkpoint; the last one when left out
    #[arg(long, value_name = "NAME")]
    pub(super) to: Option<String>,
    /// Do not ask for approval
    #[arg(long)]
    pub(super) auto_approve: bool,
}

#[derive(Debug, Args)]
pub(super) struct Checkpoint {
    #[command(subcommand)]
    pub(super) command: CheckpointCommand,
}

#[derive(Debug, Subcommand)]
pub(super) enum CheckpointCommand {
    /// List checkpoints, oldest first
    List,
}

#[derive(Debug, Args)]
pub(super) struct Evidence {
    #[command(subcommand)]
    pub(super) command: EvidenceCommand,
}

#[derive(Debug, Subcommand)]
pub(super) enum EvidenceCommand {
    /// Record what a named person says about a consumer that no program can look into
    Add(Box<EvidenceAdd>),
    /// List the evidence that counts now
    List(EvidenceList),
}

#[derive(Debug, Args)]
#[command(group = clap::ArgGroup::new("meant").required(true))]
pub(super) struct EvidenceAdd {
    #[command(flatten)]
    pub(super) variables: Variables,
    #[command(flatten)]
    pub(super) remote: Remote,
    /// A person's statement
    #[arg(long, required = true)]
    pub(super) manual: bool,
    /// The lane, such as api_key.partner
    #[arg(long, value_name = "ADDRESS", requires = "consumer", group = "meant")]
    pub(super) key: Option<Address>,
    /// The consumer inside the lane, such as manual.partner
    #[arg(long, value_name = "KIND.NAME")]
    pub(super) consumer: Option<keyless_state::ConsumerId>,
    /// The settings of that consumer, which keyless does not write, name this rule (fdrl_…)
    #[arg(long, value_name = "ID", requires = "key")]
    pub(super) rule: Option<String>,
    /// The key never was in the file of that consumer, where it is not found
    #[arg(long, requires = "key", conflicts_with = "rule")]
    pub(super) absent: bool,
    /// Instead of -key: the workloads of this key, or the one of -consumer, are gone; or nothing lives
    /// off this rule any more, which counts for 7 days
    #[arg(long, value_name = "ADDRESS", group = "meant")]
    pub(super) retire: Option<Address>,
    /// Who says so
    #[arg(long, value_name = "NAME")]
    pub(super) by: String,
    /// What was done and seen, in their words
    #[arg(long, value_name = "TEXT")]
    pub(super) statement: String,
}

#[derive(Debug, Args)]
pub(super) struct EvidenceList {
    /// As JSON
    #[arg(long)]
    pub(super) json: bool,
}

#[derive(Debug, Args)]
pub(super) struct Simulate {
    #[command(flatten)]
    pub(super) variables: Variables,
    /// Where to listen; loopback only
    #[arg(long, default_value = "127.0.0.1:0", value_name = "ADDRESS:PORT")]
    pub(super) listen: SocketAddr,
    /// Simulate the organization of this file; no configuration is read
    #[arg(long, value_name = "FILE")]
    pub(super) organization: Option<PathBuf>,
    /// Keep the organization in this directory instead of .keyless/simulator; no configuration is read
    #[arg(long, value_name = "DIR")]
    pub(super) data: Option<PathBuf>,
    /// Print what clients need, fake credentials included, as export lines for a shell
    #[arg(long)]
    pub(super) export: bool,
    /// Switch an undocumented behaviour, such as name-reuse=allowed; may be repeated
    #[arg(long, value_name = "NAME=VALUE")]
    pub(super) assume: Vec<String>,
}

#[derive(Debug, Args)]
pub(super) struct Version {
    /// As JSON
    #[arg(long)]
    pub(super) json: bool,
}

/// Turns `-flag` into `--flag`, as Terraform's users type it. Single letters stay as they are.
pub(super) fn long_flags(arguments: impl IntoIterator<Item = OsString>) -> Vec<OsString> {
    let mut literal = false;
    let lengthen = |(at, argument): (usize, OsString)| {
        let Some(text) = argument.to_str() else { return argument };
        literal |= text == "--";
        let short = text.starts_with('-') && !text.starts_with("--");
        let word = text.len() > 2 && text[1..].starts_with(|c: char| c.is_ascii_alphabetic());
        match at > 0 && !literal && short && word {
            true => OsString::from(format!("-{text}")),
            false => argument,
        }
    };
    arguments.into_iter().enumerate().map(lengthen).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn flags_of_one_dash_become_flags_of_two() {
        let check = |given: &[&str], expected: &[&str]| {
            assert_eq!(long_flags(given.iter().map(OsString::from)), expected);
        };
        check(&["keyless", "-chdir=a", "plan", "-out=b"], &["keyless", "--chdir=a", "plan", "--out=b"]);
        check(&["keyless", "-h", "--json", "-"], &["keyless", "-h", "--json", "-"]);
        check(&["-keyless", "--", "-raw"], &["-keyless", "--", "-raw"]);
    }

    #[test]
    fn the_arguments_are_well_formed() {
        use clap::CommandFactory;
        Arguments::command().debug_assert();
    }
}
