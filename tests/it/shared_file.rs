//! Files that somebody else works on, too: another lane at the same time, or a run that was killed.

use super::support::Environment;

/// The second lane's key is another variable of the first one's file.
fn two_in_one_file() -> Environment {
    let environment = Environment::two_lanes();
    let text = environment.read("batch.keyless.hcl");
    let (before, _) = text.split_once("  consumer \"command\"").unwrap();
    let consumer = "  consumer \"dotenv\" \"shared\" {\n    path     = \"ci/../ci/.env\"\n    \
                    variable = \"CLAUDE_API_KEY\"\n    report   = \"batch/credential-report.json\"\n  }\n}\n";
    environment.write("batch.keyless.hcl", &format!("{before}{consumer}"));
    environment.edit("acme.json", "command.vault", "dotenv.shared");
    environment.edit(
        "acme.json",
        "{{key:apikey_01Ci}}\\n",
        "{{key:apikey_01Ci}}\\nCLAUDE_API_KEY={{key:apikey_01Batch}}\\nEND=1",
    );
    environment.edit("acme.json", "        \"batch/key.env\",\n", "");
    environment
}

#[test]
fn two_lanes_that_share_a_file_leave_it_as_it_was() {
    for _ in 0..2 {
        let environment = two_in_one_file();
        environment.keyless("plan").exits(0);
        let before = environment.read("ci/.env");
        environment.keyless("apply -auto-approve").exits(0).says("2 revoked");
        let lines = environment.read("ci/.env");
        assert!(
            !lines.lines().any(|line| line.starts_with("ANTHROPIC_API_KEY=") || line.starts_with("CLAUDE_"))
        );
        environment.keyless("plan -detailed-exitcode").exits(0);
        // The simulated workload knows its key by another name only, so that it federates for good: no clock
        // that is moved on ends that.
        environment.keyless("destroy -auto-approve").exits(0).says("Destroy waits: 8 of 12 steps done");
        assert_eq!(environment.read("ci/.env"), before);
        let left = std::fs::read_dir(environment.path("ci")).unwrap().map(|it| it.unwrap().file_name());
        assert!(left.into_iter().all(|name| !name.to_string_lossy().contains(".keyless-")));
    }
}

#[test]
fn an_edit_that_cannot_be_finished_is_told_and_holds_its_lane() {
    let environment = Environment::one_lane();
    environment.keyless("plan").exits(0);
    let before = environment.read("ci/.env");
    // Others can read it, so that it is none that keyless would believe.
    environment.write("ci/.env.keyless-0123456789abcdef.edit", "");
    for line in ["plan", "status", "drift"] {
        environment.keyless(line).exits(0).says("(ci/.env): was being edited when keyless was killed");
    }
    environment.keyless("apply -auto-approve").exits(1).says("was being edited when keyless was killed");
    assert_eq!(environment.read("ci/.env"), before);
    std::fs::remove_file(environment.path("ci/.env.keyless-0123456789abcdef.edit")).unwrap();
    environment.keyless("apply -auto-approve").exits(0).says("1 revoked").lacks("was being edited");
}

#[test]
fn what_a_killed_run_left_is_swept_by_the_next() {
    let environment = Environment::one_lane();
    environment.keyless("plan").exits(0);
    environment.write("ci/.env.keyless-0123456789abcdef", "ANTHROPIC_API_KEY=a copy of the key");
    environment.keyless("plan").exits(0);
    assert!(!environment.path("ci/.env.keyless-0123456789abcdef").exists());
}
