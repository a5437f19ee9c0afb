//! How the plan checker bears many lanes: time for a check, for holding a saved plan against a fresh one, and
//! for building that.
//!
//! `cargo bench --bench plan_check_scale` judges plans of 1,000 and 10,000 lanes, each with a service
//! account, a rule and a consumer of its own behind one issuer; other sizes can be given after `--`. The time
//! per lane should not grow, and a plan of 10,000 lanes should take no more than 0.3 s.

mod world;

use std::time::{Duration, Instant};

use keyless::plan::Plan;
use keyless::plan_check;
use serde_json::Value;

use world::{Stage, World, label};

const SIZES: [usize; 2] = [1_000, 10_000];
/// Stands for the number of a lane in the plan of one lane, from which the others are made.
const ONE: &str = "l00000";

fn main() {
    let given: Vec<usize> = std::env::args().filter_map(|argument| argument.parse().ok()).collect();
    let sizes = if given.is_empty() { SIZES.to_vec() } else { given };
    println!(
        "{:>8}  {:<10}  {:>8}  {:>10}  {:>10}  {:>10}",
        "lanes", "plan", "steps", "check", "contained", "build"
    );
    for size in sizes {
        for (name, stage) in [("first", Stage::First), ("confirmed", Stage::Confirmed)] {
            let world = World::new(size, stage);
            let plan = many(&World::new(1, stage).plan(), size);
            let (checked, found) = timed(|| plan_check::check(&plan, Some(&world.moment())));
            assert!(found.is_empty(), "{found:#?}");
            let (held, found) = timed(|| plan_check::contained(&plan, &plan));
            assert!(found.is_empty(), "{found:#?}");
            let (built, fresh) = timed(|| world.plan());
            assert_eq!(fresh.steps.len(), plan.steps.len());
            let (checked, held, built) = (millis(checked), millis(held), millis(built));
            println!(
                "{size:>8}  {name:<10}  {:>8}  {checked:>10}  {held:>10}  {built:>10}",
                plan.steps.len()
            );
        }
    }
}

fn timed<T>(work: impl FnOnce() -> T) -> (Duration, T) {
    let began = Instant::now();
    let done = work();
    (began.elapsed(), done)
}

fn millis(time: Duration) -> String {
    format!("{:.1} ms", time.as_secs_f64() * 1_000.0)
}

/// The plan of one lane for each of many, with what they share once.
fn many(one: &Plan, size: usize) -> Plan {
    let text = serde_json::to_string(one).expect("a plan is plain data");
    let mut whole = Plan { steps: Vec::new(), changes: Vec::new(), lanes: Vec::new(), ..one.clone() };
    for number in 0..size {
        let value: Value = serde_json::from_str(&text.replace(ONE, &label(number))).expect("it was JSON");
        let own: Plan = serde_json::from_value(value).expect("it was a plan");
        let shared = number > 0;
        let is_own = |text: String| !shared || text.contains(&label(number));
        whole.steps.extend(own.steps.into_iter().filter(|step| is_own(step.id.clone())));
        whole.changes.extend(own.changes.into_iter().filter(|it| is_own(it.address.to_string())));
        whole.lanes.extend(own.lanes);
    }
    whole
}
