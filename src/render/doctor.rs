//! What `doctor` tells a person.

use std::collections::BTreeMap;
use std::fmt::Write;

use crate::credential_chain::{Carried, Fate, Outcome, Place, Remedy, Tier};

use super::style::{BOLD, DIM, GREEN, RED, YELLOW, paint};

/// The whole report: who sends what, what is passed over, what to change.
pub fn report(outcomes: &[Outcome], older: &[Outcome], set_in: &BTreeMap<String, Vec<String>>) -> String {
    let mut text = table(outcomes);
    text += &passed_over(outcomes);
    text += &remedies(outcomes, set_in);
    if !older.is_empty() {
        let _ = write!(text, "\n{}\n\n{}", paint(BOLD, "Older versions that act differently"), table(older));
    }
    let losing = outcomes.iter().filter(|outcome| !outcome.federates()).count();
    let clients = |n: usize| if n == 1 { "1 client".to_owned() } else { format!("{n} clients") };
    let verdict = match losing {
        0 => paint(GREEN.bold(), format!("Federation wins for {}.", clients(outcomes.len()))),
        n => paint(RED.bold(), format!("Federation does not win for {n} of {}.", clients(outcomes.len()))),
    };
    let _ = writeln!(text, "\n{verdict}");
    text
}

fn table(outcomes: &[Outcome]) -> String {
    let mut rows = vec![["Client", "Sends", "Header", "From"].map(str::to_owned)];
    for outcome in outcomes {
        rows.extend(rows_of(outcome));
    }
    let width = |column: usize| rows.iter().map(|row| row[column].chars().count()).max().unwrap_or_default();
    let widths = [width(0), width(1), width(2)];
    let mut text = String::new();
    for (at, row) in rows.iter().enumerate() {
        let cell = |column: usize| format!("{:<1$}", row[column], widths[column]);
        let line = format!("{}  {}  {}  {}", cell(0), cell(1), cell(2), row[3]);
        let _ = match at {
            0 => writeln!(text, "{}", paint(BOLD, line.trim_end())),
            _ => writeln!(text, "{}", line.trim_end()),
        };
    }
    text
}

fn rows_of(outcome: &Outcome) -> Vec<[String; 4]> {
    let client = outcome.client.to_string();
    if let Some(failure) = &outcome.failure {
        return vec![[client, "fails".to_owned(), "no request".to_owned(), failure.summary.clone()]];
    }
    if outcome.headers.is_empty() {
        let why = match outcome.tier {
            Tier::OtherProvider => "another provider is chosen",
            _ => "nothing is set",
        };
        return vec![[client, "no credential".to_owned(), String::new(), why.to_owned()]];
    }
    let row = |(at, carried): (usize, &Carried)| {
        let client = if at == 0 { client.clone() } else { String::new() };
        let rule = outcome.rule_id().filter(|_| carried.origin.place == Place::Exchange);
        let rule = rule.map(|rule| format!(" through {rule}")).unwrap_or_default();
        let from = format!("{}{rule}", carried.origin);
        [client, carried.kind.title().to_owned(), carried.header.to_string(), from]
    };
    outcome.headers.iter().enumerate().map(row).collect()
}

/// One line for each source that does not count, with the clients for which it does not.
fn passed_over(outcomes: &[Outcome]) -> String {
    let mut lines: Vec<(String, Vec<&'static str>)> = Vec::new();
    for outcome in outcomes {
        for found in outcome.found.iter().filter(|found| found.fate != Fate::Used) {
            let kind = found.kind.map(|kind| format!(", a {}", kind.title())).unwrap_or_default();
            let kind = kind.replace("a empty", "an empty");
            let fate = if found.fate == Fate::Shadowed { "shadowed" } else { "not looked at" };
            let line = match (found.kind, found.origin.place, found.fate) {
                (None, Place::Variable, Fate::Shadowed) => format!("federation by {}: {fate}", found.origin),
                _ => format!("{}{kind}: {fate}", found.origin),
            };
            add(&mut lines, line, outcome);
        }
    }
    section("Passed over", &lines, |line| line.clone())
}

fn remedies(outcomes: &[Outcome], set_in: &BTreeMap<String, Vec<String>>) -> String {
    let mut lines: Vec<(Remedy, Vec<&'static str>)> = Vec::new();
    for outcome in outcomes {
        for remedy in &outcome.remedies {
            add(&mut lines, remedy.clone(), outcome);
        }
    }
    section("What to change", &lines, |remedy| {
        let mark = if remedy.stands_in_the_way() { RED } else { YELLOW };
        let places = set_in.get(&remedy.name).map(|places| format!("; set in {}", places.join(", ")));
        let place = format!("{}{}", remedy.place, places.unwrap_or_default());
        let trap = paint(mark.bold(), format!("{:<3}", remedy.trap));
        format!("{trap} {} [{place}]\n      {}", remedy.name, remedy.fix)
    })
}

fn add<T: PartialEq>(lines: &mut Vec<(T, Vec<&'static str>)>, line: T, outcome: &Outcome) {
    let client = outcome.client.product.title();
    match lines.iter_mut().find(|(known, _)| *known == line) {
        Some((_, clients)) => clients.push(client),
        None => lines.push((line, vec![client])),
    }
}

fn section<T>(title: &str, lines: &[(T, Vec<&'static str>)], shown: impl Fn(&T) -> String) -> String {
    if lines.is_empty() {
        return String::new();
    }
    let mut text = format!("\n{}\n\n", paint(BOLD, title));
    for (line, clients) in lines {
        let mut clients = clients.clone();
        clients.dedup();
        let _ = writeln!(text, "  {} {}", shown(line), paint(DIM, format!("({})", clients.join(", "))));
    }
    text
}
