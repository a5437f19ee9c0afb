//! The process groups of running programs, so that none outlives keyless.

use std::collections::BTreeSet;
use std::sync::{Mutex, PoisonError};
use std::time::Instant;

use crate::limits::CHILD_END_AT_ONCE;

/// Signals come to the process, so this is the process's too.
static RUNNING: Mutex<Running> = Mutex::new(Running { leaders: BTreeSet::new(), is_over: false });

struct Running {
    leaders: BTreeSet<i32>,
    /// Keyless ends, and nothing that is started now may go on.
    is_over: bool,
}

/// A group that is killed when it is dropped, unless it was let go.
pub(super) struct Group {
    leader: Option<i32>,
}

impl Group {
    /// The group of a program that was just started as its leader.
    pub(super) fn led_by(process: Option<u32>) -> Group {
        let leader = process.and_then(|id| i32::try_from(id).ok());
        let is_over = running(|running| {
            running.leaders.extend(leader);
            running.is_over
        });
        let mut group = Group { leader };
        if is_over {
            group.kill();
        }
        group
    }

    /// Its program has ended; what it left in the background was meant to stay.
    pub(super) fn let_go(&mut self) {
        if let Some(leader) = self.leader.take() {
            running(|running| running.leaders.remove(&leader));
        }
    }

    pub(super) fn ask_to_end(&self) {
        self.leader.into_iter().for_each(signal::ask_to_end);
    }

    pub(super) fn is_alive(&self) -> bool {
        self.leader.is_some_and(signal::is_alive)
    }

    pub(super) fn kill(&mut self) {
        self.leader.into_iter().for_each(signal::kill);
        self.let_go();
    }
}

impl Drop for Group {
    fn drop(&mut self) {
        self.kill();
    }
}

/// Ends every program that runs, before keyless ends itself: asks, waits a moment, and kills.
pub(crate) fn end_all() {
    let groups = running(|running| {
        running.is_over = true;
        std::mem::take(&mut running.leaders)
    });
    groups.iter().copied().for_each(signal::ask_to_end);
    let begun = Instant::now();
    while groups.iter().copied().any(signal::is_alive) && begun.elapsed() < CHILD_END_AT_ONCE {
        std::thread::sleep(std::time::Duration::from_millis(5));
    }
    groups.into_iter().for_each(signal::kill);
}

fn running<T>(change: impl FnOnce(&mut Running) -> T) -> T {
    change(&mut RUNNING.lock().unwrap_or_else(PoisonError::into_inner))
}

#[cfg(unix)]
mod signal {
    use rustix::process::{Pid, Signal, kill_process_group, test_kill_process_group};

    /// A group that is gone cannot be sent anything, which is as well.
    fn send(leader: i32, signal: Signal) {
        if let Some(leader) = Pid::from_raw(leader) {
            let _ = kill_process_group(leader, signal);
        }
    }

    /// One that was stopped, for example by reading from the terminal, has to go on to end.
    pub(super) fn ask_to_end(leader: i32) {
        send(leader, Signal::TERM);
        send(leader, Signal::CONT);
    }

    pub(super) fn kill(leader: i32) {
        send(leader, Signal::KILL);
    }

    pub(super) fn is_alive(leader: i32) -> bool {
        // One of another user's processes may not be asked, and lives.
        let asked = |leader| test_kill_process_group(leader);
        Pid::from_raw(leader).is_some_and(|leader| asked(leader) != Err(rustix::io::Errno::SRCH))
    }
}

/// Elsewhere a program alone is killed, when it is dropped.
#[cfg(not(unix))]
mod signal {
    pub(super) fn ask_to_end(_: i32) {}
    pub(super) fn kill(_: i32) {}
    pub(super) fn is_alive(_: i32) -> bool {
        true
    }
}
