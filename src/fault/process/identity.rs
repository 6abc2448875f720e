//! Which process is meant, so that a reused pid never hits another one.

use std::fs;
use std::os::fd::OwnedFd;

use rustix::io::Errno;
use rustix::process::{Pid, PidfdFlags, Signal, pidfd_open, pidfd_send_signal};
use serde::{Deserialize, Serialize};

use crate::fault::Trouble;

/// A process of this boot and pid namespace.
#[derive(Debug, Clone, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub struct Identity {
    /// Its pid in the agent's pid namespace.
    pub pid: i32,
    /// When it started, in clock ticks since boot: field 22 of `/proc/PID/stat`.
    pub start: u64,
    /// The pid namespace that the pid belongs to: `pid:[4026531836]`.
    pub namespace: String,
}

impl Identity {
    /// Whoever has this pid now.
    ///
    /// # Errors
    ///
    /// [`Trouble::Precondition`]: nobody.
    pub fn of(pid: i32) -> Result<Self, Trouble> {
        let start = stat(pid)
            .map(|stat| stat.start)
            .ok_or_else(|| Trouble::Precondition(format!("there is no process {pid}")))?;
        Ok(Self {
            pid,
            start,
            namespace: own_namespace(),
        })
    }

    /// Whether that very process is still there. A zombie is not, unless threads of it are left: they still hold
    /// its memory, descriptors and sockets.
    #[must_use]
    pub fn alive(&self) -> bool {
        self.namespace == own_namespace()
            && stat(self.pid).is_some_and(|stat| stat.start == self.start && !stat.over())
    }

    /// Its state as `/proc/PID/stat` shows it (`T` is stopped); `None` when it is gone.
    #[must_use]
    pub fn state(&self) -> Option<char> {
        let stat = stat(self.pid).filter(|stat| stat.start == self.start)?;
        (!stat.over()).then_some(stat.state)
    }

    /// A descriptor of that very process; `None` when it is gone.
    ///
    /// # Errors
    ///
    /// The system has no descriptors left, or no pidfds.
    pub fn open(&self) -> Result<Option<OwnedFd>, Trouble> {
        let Some(pid) = Pid::from_raw(self.pid) else {
            return Ok(None);
        };
        match pidfd_open(pid, PidfdFlags::empty()) {
            // The descriptor names whoever has the pid now; if that is the one that was meant, it
            // stays so.
            Ok(fd) => Ok(self.alive().then_some(fd)),
            Err(Errno::SRCH) => Ok(None),
            Err(error) => Err(Trouble::system(format!("pid {}", self.pid), error)),
        }
    }

    /// Sends it a signal; `false` when it is gone.
    ///
    /// # Errors
    ///
    /// It belongs to somebody else.
    pub fn signal(&self, signal: Signal) -> Result<bool, Trouble> {
        let Some(fd) = self.open()? else {
            return Ok(false);
        };
        match pidfd_send_signal(fd, signal) {
            Ok(()) => Ok(true),
            Err(Errno::SRCH) => Ok(false),
            Err(error) => {
                let what = format!("cannot signal process {}", self.pid);
                Err(Trouble::system(what, error))
            }
        }
    }
}

/// What `/proc/PID/stat` says.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Stat {
    pub(super) name: String,
    pub(super) state: char,
    pub(super) parent: i32,
    pub(super) threads: u64,
    pub(super) start: u64,
}

impl Stat {
    /// Whether nothing of it runs any more, nor holds anything.
    pub(super) fn over(&self) -> bool {
        matches!(self.state, 'Z' | 'X') && self.threads <= 1
    }
}

/// Reads `/proc/PID/stat`; `None` when there is no such process.
pub(super) fn stat(pid: i32) -> Option<Stat> {
    let text = fs::read(format!("/proc/{pid}/stat")).ok()?;
    let text = String::from_utf8_lossy(&text);
    // The name is in parentheses and may hold any character, parentheses too.
    let (open, close) = (text.find('(')?, text.rfind(')')?);
    let name = text.get(open + 1..close)?.to_owned();
    let mut rest = text.get(close + 1..)?.split_ascii_whitespace();
    let state = rest.next()?.chars().next()?;
    let parent = rest.next()?.parse().ok()?;
    let threads = rest.nth(15)?.parse().ok()?;
    let start = rest.nth(1)?.parse().ok()?;
    Some(Stat {
        name,
        state,
        parent,
        threads,
        start,
    })
}

fn own_namespace() -> String {
    fs::read_link("/proc/self/ns/pid")
        .map(|link| link.to_string_lossy().into_owned())
        .unwrap_or_default()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_process_without_its_first_thread_is_there_still() {
        let whole = stat(i32::try_from(std::process::id()).unwrap()).unwrap();
        assert!(whole.threads > 1 && !whole.over());
        let zombie = |threads| Stat {
            state: 'Z',
            threads,
            ..whole.clone()
        };
        assert!(!zombie(2).over());
        assert!(zombie(1).over());
    }

    #[test]
    fn a_process_is_told_from_one_that_has_its_pid_later() {
        let me = Identity::of(i32::try_from(std::process::id()).unwrap()).unwrap();
        assert!(me.alive());
        assert!(me.open().unwrap().is_some());
        let other = Identity {
            start: me.start + 1,
            ..me
        };
        assert!(!other.alive());
        assert!(other.open().unwrap().is_none());
        assert_eq!(other.state(), None);
    }
}
