//! Functions that read files of the configuration directory.

use super::{Function, FunctionFault, seen};
use crate::config::value::Value;

pub(super) const TABLE: &[Function] = &[
    seen("file", 1, 1, |arguments| {
        let path = arguments.text(0)?;
        let text = (arguments.read_file)(&path)
            .map_err(|reason| FunctionFault::at(0, format!("The file {path:?} {reason}.")))?;
        Ok(Value::text(text))
    }),
    seen("basename", 1, 1, |arguments| {
        let path = arguments.text(0)?;
        Ok(Value::text(path.trim_end_matches('/').rsplit('/').next().unwrap_or_default()))
    }),
];
