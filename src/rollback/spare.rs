//! What a way back leaves alone, since somebody unknown lives off it.

use std::collections::BTreeSet;

use keyless_state::{Address, State};

use super::WayBack;
use crate::binding::UnrecordedUse;

/// Takes out of a way back whatever it does to rules that somebody unknown uses, and to what these stand on;
/// that stays behind. The keys come back all the same.
pub fn spare(back: &mut WayBack, state: &State, used: &[UnrecordedUse]) {
    for UnrecordedUse { rule, account, last_seen } in used {
        let record = state.records.get(rule);
        let parts = record.into_iter().flat_map(|record| &record.depends_on);
        let spared: BTreeSet<&Address> = parts.chain([rule]).collect();
        let is_spared = |address: &Address| spared.contains(address);
        let left: BTreeSet<String> = back
            .steps
            .iter()
            .filter(|step| is_spared(step.operation.target().address))
            .map(|step| step.id.clone())
            .collect();
        if left.is_empty() {
            continue;
        }
        back.steps.retain(|step| !left.contains(&step.id));
        back.steps.iter_mut().for_each(|step| step.after.retain(|id| !left.contains(id)));
        back.changes.retain(|change| !is_spared(&change.address));
        back.residue.push(format!(
            "{rule} and what it stands on: {account} used tokens without a key, last in the hour from {last_seen}, and no workload is recorded that lives off it; if nobody needs it any more: keyless evidence add -manual -retire={rule} -by=\"YOUR NAME\" -statement=\"…\""
        ));
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::plan::Reason;
    use crate::rollback::way_back;
    use crate::sample::{ACCOUNT, ISSUER, RULE, address, built, hour};

    #[test]
    fn what_somebody_unknown_uses_stays_with_what_it_stands_on() {
        let (mut configuration, mut state, _) = built();
        // Another rule on the same issuer, which nobody uses.
        let (second, second_account) = (address("federation_rule.second"), address("service_account.second"));
        configuration.federation_rules.insert(second.clone(), crate::sample::rule("second", ISSUER, ACCOUNT));
        let account =
            keyless_state::Record { id: "svac_2".to_owned(), ..state.records[&address(ACCOUNT)].clone() };
        state.records.insert(second_account.clone(), account);
        let rule = keyless_state::Record {
            id: "fdrl_2".to_owned(),
            depends_on: vec![address(ISSUER), second_account.clone()],
            ..state.records[&address(RULE)].clone()
        };
        state.records.insert(second.clone(), rule);
        let whole = way_back(
            &state,
            &State::default(),
            &configuration,
            &std::collections::BTreeMap::new(),
            Reason::Rollback,
        );
        let mut back = whole.clone();
        spare(&mut back, &state, &[]);
        assert_eq!(back, whole);
        let used = UnrecordedUse { rule: address(RULE), account: address(ACCOUNT), last_seen: hour(1) };
        spare(&mut back, &state, std::slice::from_ref(&used));
        let left: Vec<&Address> = back.steps.iter().map(|step| step.operation.target().address).collect();
        assert_eq!(left, [&second, &second_account]);
        assert!(
            back.steps
                .iter()
                .all(|step| step.after.iter().all(|id| back.steps.iter().any(|it| it.id == *id)))
        );
        let changed: Vec<&Address> = back.changes.iter().map(|change| &change.address).collect();
        assert_eq!(changed, [&second, &second_account]);
        assert_eq!(back.residue.len(), 1, "{:?}", back.residue);
        assert!(
            back.residue[0]
                .starts_with("federation_rule.bot and what it stands on: service_account.bot used")
        );
        let mut again = back.clone();
        spare(&mut again, &state, &[used]);
        assert_eq!(again, back, "nothing more is left");
    }
}
