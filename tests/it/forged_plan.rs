//! Saved plans that somebody wrote with care, the digest with them: none of it is believed.

mod first;
mod later;

use serde_json::{Value, json};
use sha2::{Digest, Sha256};

use super::support::Environment;

/// Writes the plan of a file anew with a digest that fits, as an editor with bad intent would.
pub(crate) fn forge(environment: &Environment, from: &str, to: &str, edit: impl FnOnce(&mut Value)) {
    let mut envelope: Value = serde_json::from_str(&environment.read(from)).unwrap();
    let before = envelope["plan"].clone();
    edit(&mut envelope["plan"]);
    assert_ne!(before, envelope["plan"], "nothing was edited");
    let digest = Sha256::digest(envelope["plan"].to_string().as_bytes());
    envelope["digest"] = digest.iter().map(|byte| format!("{byte:02x}")).collect::<String>().into();
    environment.write(to, &envelope.to_string());
}

/// All that an apply could change: the organization, the record, and the consumer. The workloads of a
/// simulated organization work on whoever looks.
fn all(environment: &Environment) -> Value {
    let world = environment.world();
    let objects = ["api_keys", "issuers", "service_accounts", "rules", "workspaces"];
    let file = |name: &str| std::fs::read_to_string(environment.path(name)).ok();
    json!({
        "objects": objects.map(|kind| world[kind].clone()),
        "state": file(".keyless/state.json"),
        "consumer": file("ci/.env"),
    })
}

struct Forger<'a> {
    environment: &'a Environment,
    plan: &'a str,
    count: usize,
}

impl Forger<'_> {
    /// A forged file is refused with these words, and nothing is sent or changed.
    #[track_caller]
    fn refused(&mut self, edit: impl FnOnce(&mut Value), words: &[&str]) {
        let file = format!("forged-{}.plan", self.count);
        self.count += 1;
        forge(self.environment, self.plan, &file, edit);
        let before = all(self.environment);
        let said = self.environment.traffic().lines().count();
        let mut run = self.environment.keyless(&format!("apply {file}")).exits(1).says("Nothing was changed");
        for words in words {
            run = run.says(words);
        }
        assert_eq!(all(self.environment), before, "{words:?}");
        let traffic = self.environment.traffic();
        let sent: Vec<&str> = traffic.lines().skip(said).filter(|line| !is_look(line)).collect();
        assert!(sent.is_empty(), "{sent:#?}");
    }
}

/// Whether a call only reads.
fn is_look(line: &str) -> bool {
    let call: Value = serde_json::from_str(line).unwrap();
    call["method"] == "GET"
}

#[track_caller]
pub(crate) fn step<'a>(plan: &'a mut Value, id: &str) -> &'a mut Value {
    let steps = plan["steps"].as_array_mut().unwrap();
    steps.iter_mut().find(|step| step["id"] == id).unwrap_or_else(|| panic!("no step {id}"))
}

#[track_caller]
fn of<'a>(plan: &'a mut Value, list: &str, address: &str) -> &'a mut Value {
    let items = plan[list].as_array_mut().unwrap();
    items.iter_mut().find(|item| item["address"] == address).unwrap_or_else(|| panic!("no {address}"))
}

/// Leaves a step out, and with it every trace of it.
fn without(plan: &mut Value, id: &str) {
    let steps = plan["steps"].as_array_mut().unwrap();
    steps.retain(|step| step["id"] != id);
    for step in steps {
        step["after"].as_array_mut().unwrap().retain(|before| before != id);
    }
}

/// A step as the program would write it.
fn made(id: &str, stage: &str, lane: Value, operation: Value, undo: Value) -> Value {
    json!({ "id": id, "stage": stage, "lane": lane, "operation": operation, "after": [], "undo": undo })
}

fn add(plan: &mut Value, step: Value) {
    plan["steps"].as_array_mut().unwrap().push(step);
}

const CONFIRM: &str = "confirm/api_key.ci";
const DISABLE: &str = "disable/api_key.ci";
