//! Consumers whose blocks or settings have changed since.

use super::*;

#[test]
fn a_block_of_another_place_stops_its_lane() {
    let displace = |f: &mut LaneFacts| f.consumers[0].displaced = Some("dotenv old/.env KEY".to_owned());
    let why = "refused: dotenv.app names another place by now; under that name is recorded what keyless changed in `dotenv old/.env KEY`";
    check_ready(displace, &format!("configure {why}"));
    check_disabled(displace, &format!("revoke {why}"));
}

#[test]
fn a_report_from_before_settings_were_written_anew_says_nothing() {
    let written = |at: i64| move |f: &mut LaneFacts| f.consumers[0].configured_at = Some(hour(at));
    check_ready(written(0), "confirm open");
    let waits =
        "confirm waits for Workload: a credential report from dotenv.app, newer than the removal of the key";
    check_ready(written(1), waits);
}
