use super::*;
use crate::lane::Sightings;
use crate::plan::build;
use crate::sample::{bare, configuration, plan_input};

fn plan() -> Plan {
    let state = keyless_state::State::default();
    build(plan_input(&configuration(), &state, &bare(), Sightings::default())).unwrap()
}

#[test]
fn a_plan_reads_back_as_it_was_written() {
    let plan = plan();
    assert!(!plan.steps.is_empty() && !plan.lanes.is_empty());
    assert_eq!(decode(&encode(&plan).unwrap()).unwrap(), plan);
    assert_eq!(encode(&plan).unwrap(), encode(&plan).unwrap());
}

#[test]
fn an_altered_file_is_no_plan() {
    let text = encode(&plan()).unwrap();
    let check = |from: &str, to: &str, expected: &str| {
        assert!(text.contains(from), "{from}");
        let error = decode(&text.replacen(from, to, 1)).unwrap_err().to_string();
        assert!(error.starts_with(expected), "{error}");
    };
    check("apikey_1", "apikey_2", "it was damaged or edited");
    check("\"serial\": 0", "\"serial\": 1", "it was damaged or edited");
    check("\"digest\": \"", "\"digest\": \"0", "it was damaged or edited");
    check("keyless.plan/1", "keyless.plan/2", "it has the format `keyless.plan/2`");
    check("{", "", "it is not a saved plan");
    check("\"plan\"", "\"plans\"", "it is not a saved plan");
    let blank = text.replace("\n", " \n");
    assert_eq!(decode(&blank).unwrap(), plan(), "space between values means nothing");
    let cut = decode(&text[..text.len() / 2]).unwrap_err();
    assert!(matches!(cut, PlanFileError::NotAPlan(_)));
}

#[test]
fn a_plan_saved_before_there_was_more_to_keep_is_a_plan_and_no_document() {
    let old = Plan { made_from: None, ..plan() };
    let text = encode(&old).unwrap();
    assert!(!text.contains("made_from"));
    let read = decode(&text).unwrap();
    assert_eq!(read, old);
    let refused = crate::render::plan_json::plan(&read).unwrap_err().to_string();
    assert!(refused.contains("Make a new plan"), "{refused}");
}

#[test]
fn a_plan_with_a_secret_is_refused_with_its_place() {
    let key = ["sk-ant-", "api03-canaryCANARY"].concat();
    let mut plan = plan();
    plan.changes[0].after =
        Some([("description".to_owned(), serde_json::Value::from(key))].into_iter().collect());
    let refused = encode(&plan).unwrap_err().to_string();
    assert!(refused.contains("`changes.0.after.description`") && !refused.contains("canary"), "{refused}");
    assert_eq!(refuse_secrets(&plan).unwrap_err().to_string(), refused);
}
