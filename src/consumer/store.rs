//! What a driver of a store can do.

use serde_json::Value;

use super::call_error::CallError;

/// A place in a store that holds a key or not. Everything is safe to repeat.
pub(super) trait Store: Sync {
    /// Tells whether the key is there, without its value ever being read.
    fn holds_key(&self) -> impl Future<Output = Result<bool, CallError>> + Send;

    /// Takes the key out and returns what is good to know for putting it back.
    fn take_out(&self) -> impl Future<Output = Result<Option<Value>, CallError>> + Send;

    /// Puts the key back. The receipt is what taking it out returned, unless that was lost.
    fn put_back(&self, receipt: Option<&Value>) -> impl Future<Output = Result<(), CallError>> + Send;
}
