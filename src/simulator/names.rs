//! Names are unique among the objects of one kind.

use super::assumptions::Permission;
use super::error::Refusal;
use super::organization::{Provenance, World};

/// Checks that a name is free and tells how many objects of the kind had it before.
pub(super) fn claim<'a>(
    world: &World,
    objects: impl Iterator<Item = (&'a String, &'a Provenance)>,
    name: &str,
) -> Result<usize, Refusal> {
    let mut earlier = 0;
    for (_, provenance) in objects.filter(|(taken, _)| *taken == name) {
        if provenance.is_live() {
            return Err(Refusal::conflict(format!("The name {name} is already in use")));
        }
        if world.assumptions.name_reuse == Permission::Refused {
            return Err(Refusal::conflict(format!("The name {name} belongs to an archived object")));
        }
        earlier += 1;
    }
    Ok(earlier)
}
