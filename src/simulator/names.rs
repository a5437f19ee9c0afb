//! Names are unique among the objects of one kind.

use super::assumptions::Permission;
use super::error::Refusal;
use super::organization::{Provenance, World};

/// Checks that a name is free.
pub(super) fn claim<'a>(
    world: &World,
    objects: impl Iterator<Item = (&'a String, &'a Provenance)>,
    name: &str,
) -> Result<(), Refusal> {
    for (_, provenance) in objects.filter(|(taken, _)| *taken == name) {
        if provenance.is_live() {
            return Err(Refusal::conflict(format!("The name {name} is already in use")));
        }
        if world.assumptions.name_reuse == Permission::Refused {
            return Err(Refusal::conflict(format!("The name {name} belongs to an archived object")));
        }
    }
    Ok(())
}
