//! What happens when keyless is asked to end: by Ctrl-C, by the system, by a terminal that goes away.
//!
//! Signals are waited for in a thread of their own, so that one is heard whatever the others wait for.
//! A run that changes something says so with [`settle`]: the first signal lets it end what it began,
//! the second ends it at once. Everything else ends at the first. Programs that were started lead
//! process groups that no signal of the terminal reaches; they end here too.

use std::sync::{Mutex, PoisonError};

use tokio_util::sync::CancellationToken;

#[cfg(unix)]
use crate::{limits::PROCESS_STATUS_BYTES_MAX, regular_file};

/// What a run that changes something looks at. There is one run in a process, as there is one
/// process that a signal reaches.
static SETTLING: Mutex<Option<CancellationToken>> = Mutex::new(None);

/// The exit code of a run that is ended, by whichever signal.
const INTERRUPTED: i32 = 130;

/// Who asks for an end.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Signal {
    Interrupt,
    #[cfg(unix)]
    Terminate,
    #[cfg(unix)]
    HangUp,
}

impl Signal {
    fn received(self) -> &'static str {
        match self {
            Signal::Interrupt => "Interrupt received",
            #[cfg(unix)]
            Signal::Terminate => "Termination asked for (SIGTERM)",
            #[cfg(unix)]
            Signal::HangUp => "The terminal went away (SIGHUP)",
        }
    }
}

/// While it lives, the first signal cancels it instead of ending the program.
pub(super) struct Settling(CancellationToken);

/// Lets the first signal end cleanly what begins now.
pub(super) fn settle() -> Settling {
    let stop = CancellationToken::new();
    *settling() = Some(stop.clone());
    Settling(stop)
}

impl Settling {
    /// Cancelled by the first signal.
    pub(super) fn stop(&self) -> &CancellationToken {
        &self.0
    }
}

impl Drop for Settling {
    fn drop(&mut self) {
        *settling() = None;
    }
}

fn settling() -> std::sync::MutexGuard<'static, Option<CancellationToken>> {
    SETTLING.lock().unwrap_or_else(PoisonError::into_inner)
}

/// Begins to listen. Without, signals do what they do to any program.
pub(super) fn listen() {
    let (ready, is_ready) = std::sync::mpsc::channel();
    let thread = std::thread::Builder::new().name("signals".to_owned());
    let started = thread.spawn(move || {
        let runtime = tokio::runtime::Builder::new_current_thread().enable_io().build();
        match runtime {
            Ok(runtime) => runtime.block_on(hear(ready)),
            Err(error) => tracing::warn!(%error, "signals cannot be listened for"),
        }
    });
    if started.is_ok() {
        // From here on none is missed; an error means that there is nothing to wait for.
        let _ = is_ready.recv();
    }
}

fn on(signal: Signal) {
    let run = settling().clone().filter(|stop| !stop.is_cancelled());
    let Some(stop) = run else {
        crate::consumer::end_all();
        std::process::exit(INTERRUPTED);
    };
    stop.cancel();
    // Whoever reads the other end may have stopped reading; the next signal must be heard all the same.
    std::thread::spawn(move || {
        let told = signal.received();
        super::ui::tell(&format!(
            "\n{told}. Waiting for the calls and commands in flight; interrupt again to stop at once."
        ));
    });
}

#[cfg(unix)]
async fn hear(ready: std::sync::mpsc::Sender<()>) {
    use tokio::signal::unix::{SignalKind, signal};
    let listener = |kind| signal(kind).ok();
    let mut interrupt = listener(SignalKind::interrupt());
    let mut terminate = listener(SignalKind::terminate());
    // Under `nohup` the run is to outlive the terminal.
    let mut hang_up = if is_hang_up_ignored() { None } else { listener(SignalKind::hangup()) };
    let _ = ready.send(());
    drop(ready);
    loop {
        let signal = tokio::select! {
            Some(_) = next(&mut interrupt) => Signal::Interrupt,
            Some(_) = next(&mut terminate) => Signal::Terminate,
            Some(_) = next(&mut hang_up) => Signal::HangUp,
            else => return,
        };
        on(signal);
    }
}

#[cfg(unix)]
async fn next(listener: &mut Option<tokio::signal::unix::Signal>) -> Option<()> {
    match listener {
        Some(listener) => listener.recv().await,
        None => None,
    }
}

#[cfg(not(unix))]
async fn hear(ready: std::sync::mpsc::Sender<()>) {
    let _ = ready.send(());
    while tokio::signal::ctrl_c().await.is_ok() {
        on(Signal::Interrupt);
    }
}

/// Linux tells it in a file; elsewhere a hang-up is always heard.
#[cfg(unix)]
fn is_hang_up_ignored() -> bool {
    let status = regular_file::read_text("/proc/self/status".as_ref(), PROCESS_STATUS_BYTES_MAX);
    status.is_ok_and(|status| ignores_hang_up(&status))
}

/// SIGHUP is signal 1, the lowest bit of the mask.
#[cfg(unix)]
fn ignores_hang_up(status: &str) -> bool {
    let mask = status.lines().find_map(|line| line.strip_prefix("SigIgn:"));
    mask.and_then(|mask| u64::from_str_radix(mask.trim(), 16).ok()).is_some_and(|mask| mask & 1 == 1)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[cfg(unix)]
    #[test]
    fn nohup_is_seen() {
        assert!(ignores_hang_up("Name:\tkeyless\nSigIgn:\t0000000000001001\n"));
        assert!(!ignores_hang_up("Name:\tkeyless\nSigIgn:\t0000000000001000\n"));
        assert!(!ignores_hang_up("Name:\tkeyless\nSigIgn:\t?\n"));
        assert!(!ignores_hang_up(""));
    }

    #[test]
    fn only_what_lives_is_settled() {
        let settling = settle();
        assert!(!settling.stop().is_cancelled());
        assert!(super::settling().is_some());
        drop(settling);
        assert!(super::settling().is_none());
    }
}
