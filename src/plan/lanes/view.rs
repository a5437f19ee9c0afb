//! Lanes as a plan or `status` shows them.

use jiff::Timestamp;
use keyless_state::{Address, Weight};

use super::super::console::ConsoleTask;
use super::super::diff::Diff;
use super::super::plan_data::{FileView, LaneView, NeedView, ParkedView, RefusalView, Standing, Step};
use crate::lane::{self, Assessment, ConsumerFacts, Gate, LaneFacts, Stage, Supplier};
use crate::limits;
use crate::resource::KeyStatus;

/// What is held back is not for the next apply to see to.
pub(super) fn by_hand(need: &mut NeedView, diff: &Diff) {
    let is_it = |task: &&ConsoleTask| diff.unconfigured.get(&task.address) == Some(&need.what);
    if let Some(task) = diff.console.iter().find(is_it) {
        need.supplier = "person".to_owned();
        need.remedy = Some(format!("{} {}", task.why, task.how));
    }
}

/// A lane as a plan or `status` shows it.
pub(super) fn view(facts: &LaneFacts, assessment: &Assessment, steps: &[Step], now: Timestamp) -> LaneView {
    let mut moves: Vec<Stage> = steps.iter().map(|step| step.stage).collect();
    moves.dedup();
    let (standing, needs, refusals) = match &assessment.gate {
        Gate::Open => (Standing::Ready, Vec::new(), Vec::new()),
        Gate::Waiting(needs) => {
            // What others have to do is told before the lane gets there.
            let ahead = lane::asked_of_others(facts, now).into_iter().filter(|need| !needs.contains(need));
            (
                if steps.is_empty() { Standing::Waiting } else { Standing::Ready },
                needs.iter().cloned().chain(ahead).map(|need| NeedView::from(&need)).collect(),
                Vec::new(),
            )
        }
        Gate::Refused(refusals) => {
            (Standing::Refused, Vec::new(), refusals.iter().map(RefusalView::from).collect())
        }
        Gate::Held(since) => (Standing::Held, vec![resumption(&facts.address, *since)], Vec::new()),
        Gate::Finished(reason) => (Standing::Finished(reason.clone()), Vec::new(), Vec::new()),
    };
    LaneView {
        address: facts.address.clone(),
        key_id: facts.key.id.clone(),
        replaced_by: facts.rules.iter().map(|rule| rule.address.clone()).collect(),
        key_status: facts.key.status.as_ref().map_or("unknown", KeyStatus::word).to_owned(),
        stage: assessment.stage,
        standing,
        needs,
        refusals,
        moves,
        parked: facts.consumers.iter().filter_map(parked).collect(),
        files: facts.consumers.iter().filter_map(file).collect(),
        bare: facts.held && facts.consumers.iter().any(|consumer| consumer.bare),
        seen: facts.rules.iter().flat_map(seen).chain(approved(facts)).chain(missed(facts, now)).collect(),
    }
}

fn parked(consumer: &ConsumerFacts) -> Option<ParkedView> {
    let (path, lines) = (consumer.place.clone(), consumer.parked.clone());
    (!lines.is_empty()).then(|| ParkedView { consumer: consumer.id.clone(), path, lines })
}

fn file(consumer: &ConsumerFacts) -> Option<FileView> {
    let format = consumer.format?.name().to_owned();
    Some(FileView { consumer: consumer.id.clone(), path: consumer.place.clone(), format })
}

/// What a lane waits for that was rolled back.
fn resumption(lane: &Address, since: Timestamp) -> NeedView {
    NeedView {
        what: format!("a word that it goes on: it was taken back at {since}"),
        supplier: "person".to_owned(),
        earliest: None,
        consumer: None,
        remedy: Some(format!("keyless apply -resume={lane}")),
    }
}

/// Who approved the archive of a key.
fn approved(facts: &LaneFacts) -> Option<String> {
    let (by, at) = facts.key.approval.as_ref()?;
    Some(format!("the archive of the key, approved by {by} at {at}"))
}

/// Workloads without their key whose programs have not reported for long. That one never did is no news.
fn missed(facts: &LaneFacts, now: Timestamp) -> Vec<String> {
    let out = facts.consumers.iter().filter(|it| it.removed_at.is_some());
    let reported = out.filter_map(|it| Some((&it.id, it.report.as_ref()?)));
    let by_program = reported.filter(|(_, report)| report.weight != Weight::Stated);
    let old = by_program.filter(|(_, report)| now.duration_since(report.at) > limits::REPORT_MISSED_AFTER);
    let told = old.map(|(id, report)| {
        format!(
            "no credential report of {id} since {}, so that it is not known off what it lives by now",
            report.at
        )
    });
    told.collect()
}

/// What the Activity Feed says of a rule.
fn seen(rule: &lane::RuleFacts) -> Vec<String> {
    let Some(feed) = &rule.feed else { return Vec::new() };
    let accepted = feed
        .accepted_at
        .map(|at| format!("the Activity Feed: an exchange through {} was accepted at {at}", rule.address));
    let refused = feed.refused_at.map(|at| {
        let reason = if feed.reason.is_empty() { "no reason given" } else { &feed.reason };
        format!("the Activity Feed: an exchange through {} was refused at {at} ({reason})", rule.address)
    });
    accepted.into_iter().chain(refused).collect()
}

impl From<&lane::Need> for NeedView {
    fn from(need: &lane::Need) -> NeedView {
        let supplier = match need.supplier {
            Supplier::Engine => "engine",
            Supplier::Workload => "workload",
            Supplier::Person => "person",
            Supplier::Time => "time",
        };
        NeedView {
            what: need.what.clone(),
            supplier: supplier.to_owned(),
            earliest: need.earliest,
            consumer: need.consumer.clone(),
            remedy: need.remedy.clone(),
        }
    }
}

impl From<&lane::Refusal> for RefusalView {
    fn from(refusal: &lane::Refusal) -> RefusalView {
        RefusalView { why: refusal.why.clone(), place: refusal.place.clone(), fix: refusal.fix.clone() }
    }
}
