//! Text out of plain data: nothing here decides, opens or prints.

pub mod apply;
pub mod attributes;
pub mod back;
pub mod console;
pub mod diagnostic;
pub mod doctor;
pub mod inert;
pub mod lanes;
pub mod markdown;
pub mod outputs;
pub mod plan_json;
pub mod plan_text;
pub mod state;
pub mod status;
pub mod style;
