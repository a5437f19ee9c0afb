//! Names are unique among the objects of one kind.

use super::assumptions::Permission;
use super::collection::{Collection, Object};
use super::error::Refusal;
use super::organization::World;

/// Checks that a name is free.
pub(super) fn claim<T: Object>(world: &World, objects: &Collection<T>, name: &str) -> Result<(), Refusal> {
    for (_, object) in objects.named(name) {
        if object.provenance().is_live() {
            return Err(Refusal::conflict(format!("The name {name} is already in use")));
        }
        if world.assumptions.name_reuse == Permission::Refused {
            return Err(Refusal::conflict(format!("The name {name} belongs to an archived object")));
        }
    }
    Ok(())
}
