//! What is known of the key itself.

use super::*;

#[test]
fn the_status_of_the_key_comes_first() {
    let status = |status: Option<KeyStatus>| move |f: &mut LaneFacts| f.key.status = status;
    check_ready(status(None), "configure refused: the API lists no key with the id apikey_1");
    check_ready(status(Some(KeyStatus::Archived)), "revoke finished: the key is archived");
    check_ready(status(Some(KeyStatus::Expired)), "revoke finished: the key has expired");
    let odd = "configure refused: the key has the status `paused`, which this version does not know";
    check_ready(status(Some(KeyStatus::Other("paused".to_owned()))), odd);
    let other = "revoke finished: somebody else set the key inactive, and it is left as it is";
    check_ready(status(Some(KeyStatus::Inactive)), other);
    check_ready(|_| {}, "confirm open");
}

#[test]
fn a_key_that_cannot_be_read_stops_its_lane() {
    let mut facts = ready();
    facts.key.unreadable = Some("no one knows".to_owned());
    let gate = assess(&facts, hour(20)).gate;
    assert!(matches!(&gate, Gate::Refused(why) if why[0].why.contains("no one knows")), "{gate:?}");
}
