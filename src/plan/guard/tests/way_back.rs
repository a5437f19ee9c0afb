//! Ways back against bindings.

use super::*;
use crate::lane::Stage;
use crate::plan::plan_data::Step;
use crate::plan::undo::Undo;

#[test]
fn a_way_back_gives_keys_back_before_it_takes_rules_away() {
    let (configuration, state, observed) = bound();
    let scene = Scene { configuration: &configuration, state: &state, observed: &observed, now: hour(1) };
    let step = |operation: Operation| Step {
        id: operation.word().to_owned(),
        stage: Stage::Revoke,
        lane: None,
        operation,
        after: Vec::new(),
        undo: Undo::Nothing,
    };
    let archive = step(Operation::Archive { address: address(RULE) });
    assert_eq!(cut_off(std::slice::from_ref(&archive), &[], &scene).len(), 1);
    let restore =
        Operation::Restore { address: address(KEY), consumer: consumer_id(CONSUMER), receipt: None };
    assert_eq!(cut_off(&[step(restore), archive], &[], &scene), Vec::<String>::new());
}

#[test]
fn what_a_workload_may_live_off_waits_until_it_uses_its_key_again() {
    let (configuration, mut state, observed) = bound();
    let archive = Operation::Archive { address: address(RULE) };
    let forget = Operation::Forget { address: address(KEY) };
    let check = |state: &State, unused: usize, cut: usize| {
        let scene = Scene { configuration: &configuration, state, observed: &observed, now: hour(3) };
        for operation in [&archive, &forget] {
            assert_eq!(not_used_yet(operation, &scene).len(), unused, "{}", operation.word());
        }
        let other = Operation::Forget { address: address("api_key.other") };
        assert_eq!(not_used_yet(&other, &scene).len(), 0);
        let step = Step {
            id: "archive".to_owned(),
            stage: Stage::Revoke,
            lane: None,
            operation: archive.clone(),
            after: Vec::new(),
            undo: Undo::Nothing,
        };
        assert_eq!(cut_off(std::slice::from_ref(&step), &[], &scene).len(), cut);
        assert_eq!(until_used(&[step], &scene).len(), usize::from(unused + cut > 0));
    };
    // The key is out: nothing is there to be used.
    check(&state, 0, 1);
    let mut back = binding(grant());
    back.write(Grant::Key, hour(2));
    state.apply(&back.clone().put());
    check(&state, 1, 0);
    // An apply does not take it away either.
    let mut world = (configuration.clone(), state.clone(), observed.clone());
    emptied(&mut world);
    assert!(refused(&world).contains("would be cut off"));
    back.settle(Grant::Key, hour(3));
    state.apply(&back.put());
    check(&state, 0, 0);
}
