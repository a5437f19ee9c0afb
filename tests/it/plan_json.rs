//! A plan as JSON, for those who read Terraform's.

use serde_json::{Value, json};

use super::support::Environment;
use super::support::plan_document::problems;

fn resource<'p>(list: &'p Value, address: &str) -> &'p Value {
    let found = list.as_array().unwrap().iter().find(|it| it["address"] == address);
    found.unwrap_or_else(|| panic!("no {address} in {list:#}"))
}

/// An environment with a sensitive variable, one of each kind of expression, and outputs.
fn written() -> Environment {
    let environment = Environment::one_lane();
    environment.write(
        "more.keyless.hcl",
        r#"
variable "who" {
  default     = "nobody"
  description = "Who asked."
}

variable "hidden" {
  sensitive = true
  default   = "canary-default"
}

locals {
  words = { account = service_account.ci, text = "asked by ${var.who}" }
}

service_account "more" {
  description = local.words.text
}

output "account" {
  value = local.words.account.id
}

output "hidden" {
  value     = var.hidden
  sensitive = true
}

output "joined" {
  value = join("-", ["a", "b"])
}

output "number" {
  value = 1 + 2
}
"#,
    );
    environment
}

#[test]
fn a_saved_plan_has_all_that_the_document_needs() {
    let environment = written();
    environment.keyless("plan -out=first.plan -var=hidden=canary-given").exits(0).lacks("canary");
    for name in ["main.keyless.hcl", "more.keyless.hcl", "acme.json"] {
        std::fs::remove_file(environment.path(name)).unwrap();
    }
    assert!(!environment.read("first.plan").contains("canary"));
    let shown = environment.keyless("show -json first.plan").exits(0).lacks("canary").json();

    assert_eq!(shown["variables"]["who"], json!({ "value": "nobody" }));
    assert_eq!(shown["variables"]["hidden"], json!({}));
    let module = &shown["configuration"]["root_module"];
    let who = json!({ "default": "nobody", "description": "Who asked." });
    assert_eq!(module["variables"]["who"], who);
    assert_eq!(module["variables"]["hidden"], json!({ "sensitive": true }));
    let outputs = &module["outputs"];
    let mentions = ["local.words.account.id", "local.words.account", "local.words"];
    assert_eq!(outputs["account"]["expression"], json!({ "references": mentions }));
    assert_eq!(outputs["joined"]["expression"], json!({}));
    assert_eq!(outputs["number"]["expression"], json!({ "constant_value": 3 }));
    assert_eq!(
        outputs["hidden"],
        json!({ "expression": { "references": ["var.hidden"] }, "sensitive": true })
    );

    let rule = resource(&module["resources"], "federation_rule.ci");
    let account = json!({ "references": ["service_account.ci"] });
    assert_eq!(rule["expressions"]["service_account_id"], account);
    assert!(rule["expressions"]["match"][0].is_object(), "{rule:#}");
    let key = resource(&module["resources"], "api_key.ci");
    assert_eq!(key["expressions"]["consumer"][0]["labels"]["constant_value"][0], "dotenv");

    let changes = &shown["output_changes"];
    assert_eq!(changes["account"]["actions"], json!(["create"]));
    assert_eq!(changes["account"]["after_unknown"], true);
    assert_eq!(changes["number"]["after"], 3);
    assert_eq!(changes["hidden"]["after"], Value::Null);
    assert_eq!(changes["hidden"]["after_sensitive"], true);
    assert_eq!(shown["planned_values"]["outputs"]["hidden"], json!({ "sensitive": true }));
    let relevant = json!({ "resource": "service_account.ci", "attribute": [] });
    assert!(shown["relevant_attributes"].as_array().unwrap().contains(&relevant));
    assert_eq!(shown.get("prior_state"), None);
}

#[test]
fn a_later_plan_has_the_state_it_starts_from() {
    let environment = written();
    environment.keyless("apply -auto-approve -var=hidden=canary-given").exits(0);
    environment.edit("more.keyless.hcl", "\"asked by ${var.who}\"", "\"changed\"");
    environment.edit("more.keyless.hcl", "1 + 2", "4");
    let run = environment.keyless("plan -out=second.plan").exits(0);
    let text = run.stdout;
    assert!(text.contains("Changes to Outputs:\n  ~ number = 3 -> 4\n"), "{text}");
    let shown = environment.keyless("show -json second.plan").exits(0).lacks("canary").json();
    let prior = &shown["prior_state"]["values"];
    let account = resource(&prior["root_module"]["resources"], "service_account.ci");
    assert_eq!(account["values"]["id"], prior["outputs"]["account"]["value"]);
    assert_eq!(prior["outputs"]["hidden"], json!({ "sensitive": true }));
    let rule = resource(&prior["root_module"]["resources"], "federation_rule.ci");
    assert!(rule["depends_on"].as_array().unwrap().contains(&json!("service_account.ci")));
    let number = &shown["output_changes"]["number"];
    assert_eq!((&number["before"], &number["after"]), (&json!(3), &json!(4)));
    assert_eq!(shown["output_changes"]["account"]["actions"], json!(["no-op"]));

    environment.keyless("apply second.plan").exits(0);
    let run = environment.keyless("plan -json").exits(0);
    assert_eq!(run.json()["applyable"], false);
}

#[test]
fn outputs_alone_are_a_change_that_is_told() {
    let environment = written();
    environment.apply();
    environment.edit("more.keyless.hcl", "1 + 2", "[3]");
    let run = environment.keyless("plan -detailed-exitcode").exits(2);
    run.says("No changes at the API.").says("  ~ number = 3 -> [").says("records these outputs");
}

#[test]
fn every_kind_of_plan_is_as_its_schema_says() {
    let environment = written();
    environment.apply();
    for line in ["plan -json", "plan -json -refresh-only", "plan -json -destroy"] {
        let shown = environment.keyless(line).exits(0).json();
        assert_eq!(problems(&shown), [""; 0], "{line}");
        assert!(shown["prior_state"].is_object(), "{line}");
    }
}

#[test]
fn a_damaged_document_is_not_as_its_schema_says() {
    let environment = written();
    let whole = environment.keyless("plan -json").exits(0).json();
    assert_eq!(problems(&whole), [""; 0]);
    let damages: [(&str, Value); 9] = [
        ("/format_version", json!("2.0")),
        ("/resource_changes/0/change/actions", json!(["destroy"])),
        ("/resource_changes/0/address", json!("unheard_of.ci")),
        ("/configuration/root_module/resources/0/expressions", json!({ "a": { "references": [] } })),
        ("/output_changes/hidden/after", json!("canary")),
        ("/keyless/steps/0/operation/operation", json!("delete_everything")),
        ("/keyless/base/serial", json!(-1)),
        ("/keyless/lanes/0/standing", json!({ "state": "finished" })),
        ("/timestamp", json!("today")),
    ];
    for (place, damage) in damages {
        let mut plan = whole.clone();
        *plan.pointer_mut(place).unwrap_or_else(|| panic!("no {place} in {whole:#}")) = damage;
        assert!(!problems(&plan).is_empty(), "{place}");
    }
    for (place, name) in [("", "extra"), ("/keyless", "extra"), ("/keyless/steps/0", "extra")] {
        let mut plan = whole.clone();
        plan.pointer_mut(place).unwrap()[name] = json!(1);
        assert!(!problems(&plan).is_empty(), "{place}/{name}");
    }
    let mut plan = whole.clone();
    plan.as_object_mut().unwrap().remove("configuration");
    assert!(!problems(&plan).is_empty());
}
