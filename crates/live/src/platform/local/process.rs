//! The process of an instance: started, stopped, continued, killed, and always waited for.

use std::os::unix::process::ExitStatusExt;
use std::process::{Child, ExitStatus};
use std::sync::{Mutex, MutexGuard, PoisonError};

use rustix::process::{Pid, Signal, kill_process_group};
use tokio::sync::watch;
use units::Bytes;

/// A running process, the leader of a group. Killed and waited for when dropped, if not before.
///
/// It keeps to `std`'s child where tokio has one of its own, because it has to be possible to
/// kill and wait without an executor, in a `drop`.
#[derive(Debug)]
pub(super) struct Process {
    held: Mutex<Held>,
    pid: Pid,
    /// Whether it has ended by itself, or by a signal.
    ended: watch::Receiver<bool>,
}

#[derive(Debug)]
struct Held {
    /// Its id is not another's before it was waited for, which happens under this lock.
    child: Child,
    /// How it ended, once it was waited for.
    status: Option<ExitStatus>,
}

impl Process {
    pub(super) fn new(child: Child, pid: Pid, ended: watch::Receiver<bool>) -> Process {
        Process { held: Mutex::new(Held { child, status: None }), pid, ended }
    }

    /// The id of the process, which is that of its group.
    pub(super) fn id(&self) -> i32 {
        self.pid.as_raw_pid()
    }

    /// Stops the process and all it started, as a sandbox is frozen.
    pub(super) fn freeze(&self) {
        self.signal(Signal::STOP);
    }

    /// Lets them go on.
    pub(super) fn thaw(&self) {
        self.signal(Signal::CONT);
    }

    /// Ends the process and all it started. Nothing waits: see [`Process::ended`].
    pub(super) fn kill(&self) {
        self.signal(Signal::KILL);
    }

    /// Ends the process and all it started, and waits until it has: some milliseconds, in which
    /// the kernel takes back its memory.
    pub(super) fn kill_and_wait(&self) {
        self.lock().end(self.pid);
    }

    /// Waits until the process has ended, by itself or not. What it started ends with it.
    pub(super) async fn ended(&self) -> ExitStatus {
        // Fails only if no one listens for its end any more, and then it is killed.
        let _ = self.ended.clone().wait_for(|it| *it).await;
        self.lock().end(self.pid)
    }

    /// The memory it holds now; `None` once it has ended.
    pub(super) fn memory(&self) -> Option<Bytes> {
        let text = std::fs::read_to_string(format!("/proc/{}/statm", self.pid)).ok()?;
        let n_pages: u64 = text.split(' ').nth(1)?.parse().ok()?;
        Some(Bytes::new(n_pages * rustix::param::page_size() as u64))
    }

    fn signal(&self, signal: Signal) {
        self.lock().signal(self.pid, signal);
    }

    fn lock(&self) -> MutexGuard<'_, Held> {
        self.held.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Held {
    fn signal(&self, pid: Pid, signal: Signal) {
        if self.status.is_none() {
            // Fails only if all of the group has ended already.
            let _ = kill_process_group(pid, signal);
        }
    }

    fn end(&mut self, pid: Pid) -> ExitStatus {
        self.signal(pid, Signal::KILL);
        let Held { child, status } = self;
        *status.get_or_insert_with(|| {
            // Cannot fail: the child is ours, and was not waited for.
            child.wait().unwrap_or_else(|_| ExitStatus::from_raw(Signal::KILL.as_raw()))
        })
    }
}

impl Drop for Process {
    fn drop(&mut self) {
        self.kill_and_wait();
    }
}
