//! The gate of the removal.

use super::*;

#[test]
fn remove_wants_every_consumer_free_of_the_key() {
    let free = "remove waits for Engine: dotenv.app free of the key";
    check_ready(|f| f.consumers[0].presence = Presence::Present, free);
    check_ready(|f| f.consumers[0].removed_at = None, free);
    let nowhere = |f: &mut LaneFacts| {
        (f.consumers[0].removed_at, f.consumers[0].not_found) = (None, true);
    };
    let words = "the key, which is not found in dotenv.app (app/.env): correct the consumer block, or have a named person say that it never was there";
    check_ready(nowhere, &format!("remove waits for Person: {words}"));
    let hidden = |f: &mut LaneFacts| f.consumers[0].presence = Presence::Unknown("no such file".to_owned());
    check_ready(hidden, "remove refused: it cannot be told whether the key is in dotenv.app: no such file");
    check_ready(by_hand, "confirm open");
    let unstated = |f: &mut LaneFacts| {
        by_hand(f);
        f.consumers[0].removed_at = None;
    };
    let person = "remove waits for Person: a named person who took the key out of dotenv.app (app/.env)";
    check_ready(unstated, person);
    // While only a person is missing, an aged proof is no news; one that never was is.
    let aged = |f: &mut LaneFacts| {
        unstated(f);
        exchanged(f, hour(0), true);
    };
    check_ready(aged, person);
    let never = |f: &mut LaneFacts| {
        unstated(f);
        f.rules[0].exchange = None;
    };
    check_ready(never, "verify waits for Engine: an accepted token exchange through federation_rule.bot");
}
