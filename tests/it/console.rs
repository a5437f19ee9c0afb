//! What only the Console can do: planned around, told, and taken under care once it is done.

use super::support::Environment;

fn with_scope(scope: &str) -> Environment {
    let environment = Environment::one_lane();
    let workspaces = "workspaces      = [data.workspace.production]";
    environment.edit(
        "main.keyless.hcl",
        workspaces,
        &format!("{workspaces}\n  oauth_scope     = \"{scope}\""),
    );
    environment
}

#[test]
fn a_rule_that_only_the_console_can_make() {
    let environment = with_scope("org:admin");
    told!("console_rule_plan", environment.keyless("plan"));
    told!("console_rule_apply", environment.keyless("apply -auto-approve -parallelism=1").exits(0));
    // Everything but the rule is there, and the plan still says what is missing.
    told!("console_rule_left", environment.keyless("plan -detailed-exitcode").exits(2));
    environment.keyless("status").exits(0).says("The API lets only the Console");
    let json = environment.keyless("plan -json").exits(0).json();
    assert_eq!(json["complete"], false);
    assert_eq!(json["keyless"]["console_only"][0]["address"], "federation_rule.ci");
    assert_eq!(json["keyless"]["console_only"][0]["after"]["oauth_scope"], "org:admin");
}
