//! Another organization in place of the one that is served.

use std::path::Path;

use jiff::Timestamp;
use serde_json::Value;

use super::control;
use super::error::{Refusal, SimulatorError};
use super::organization::World;
use super::persist;
use super::seed;
use super::workload;

/// Replaces the organization by that of a seed. The credentials that the control told of every one
/// before go on working for the same people, so that whoever is connected stays so.
pub(super) fn replace(
    world: &mut World,
    base: &Path,
    body: &[u8],
    real: Timestamp,
) -> Result<Value, Refusal> {
    let text = std::str::from_utf8(body).map_err(|_| Refusal::invalid("The request body is not UTF-8"))?;
    let built = persist::build(base, "the request", text, real).map_err(refused)?;
    persist::lay_out(base, &built).map_err(refused)?;
    let mut new = built.world;
    new.earlier_seeds = std::mem::take(&mut world.earlier_seeds);
    new.earlier_seeds.insert(world.seed);
    for purpose in [seed::OPERATOR, seed::PERSON] {
        let login = new.tokens.get(&seed::login_token(new.seed, purpose)).cloned();
        for before in &new.earlier_seeds {
            let token = seed::login_token(*before, purpose);
            new.tokens.extend(login.clone().map(|login| (token, login)));
        }
    }
    new.admin_key = world.admin_key.clone();
    (new.starts, new.changes) = (world.starts, world.changes);
    new.told = world.told.clone();
    new.assume();
    *world = new;
    let now = world.clock.now(real);
    workload::run_all(world, base, now);
    Ok(control::dump(world, now))
}

fn refused(error: SimulatorError) -> Refusal {
    Refusal::invalid(error.to_string())
}
