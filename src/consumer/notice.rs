//! Saying what is waited for, so that no run looks as if it hung.

use std::sync::OnceLock;

use crate::limits::RETRY_TOLD;

/// Who is told. There is one terminal for a process, and drivers are made for each look anew.
static LISTENER: OnceLock<fn(&str)> = OnceLock::new();

/// Lets this function tell the user what is waited for.
pub(crate) fn tell_waits(listener: fn(&str)) {
    let _ = LISTENER.set(listener);
}

pub(super) fn tell(text: &str) {
    if let Some(listener) = LISTENER.get() {
        listener(text);
    }
}

/// Does some work, and says what it waits for when it takes long enough to be noticed.
pub(super) async fn told<T>(what: impl FnOnce() -> String, work: impl Future<Output = T>) -> T {
    tokio::pin!(work);
    match tokio::time::timeout(RETRY_TOLD, &mut work).await {
        Ok(done) => done,
        Err(_) => {
            tell(&what());
            work.await
        }
    }
}
