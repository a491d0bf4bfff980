//! The thread that starts all processes of a platform and hears when they end.
//!
//! The kernel ties a child to the thread that started it (see `sandbox`), so that thread has to
//! live as long as the platform, which a worker of an executor may not. It waits with an epoll
//! of its own because process descriptors cannot be given to tokio without unsafe code.

use std::collections::BTreeMap;
use std::io;
use std::os::fd::OwnedFd;
use std::process::{Child, Command};
use std::sync::{Arc, mpsc};

use rustix::buffer::spare_capacity;
use rustix::event::epoll::{self, EventData, EventFlags};
use rustix::event::{EventfdFlags, eventfd};
use rustix::io::Errno;
use rustix::process::{Pid, PidfdFlags, pidfd_open};
use tokio::sync::{oneshot, watch};

use super::process::Process;

/// What the descriptor that wakes the thread is known by. Processes are counted from 1.
const WAKE: u64 = 0;
/// How many ends are heard of at once.
const N_EVENTS_MAX: usize = 256;

/// Starts processes. Its thread ends with it, and then the kernel kills what still runs.
#[derive(Debug)]
pub(super) struct Keeper {
    requests: mpsc::Sender<Request>,
    wake: Arc<OwnedFd>,
}

enum Request {
    Start { command: Box<Command>, reply: oneshot::Sender<io::Result<Process>> },
    End,
}

/// What the thread has.
struct Kept {
    received: mpsc::Receiver<Request>,
    wake: Arc<OwnedFd>,
    epoll: OwnedFd,
    /// The descriptor of each running process, and where to say that it has ended.
    running: BTreeMap<u64, (OwnedFd, watch::Sender<bool>)>,
    n_started: u64,
}

impl Keeper {
    pub(super) fn new() -> io::Result<Keeper> {
        let (requests, received) = mpsc::channel();
        let wake = Arc::new(eventfd(0, EventfdFlags::CLOEXEC | EventfdFlags::NONBLOCK)?);
        let epoll = epoll::create(epoll::CreateFlags::CLOEXEC)?;
        epoll::add(&epoll, &wake, EventData::new_u64(WAKE), EventFlags::IN)?;
        let own = Arc::clone(&wake);
        let kept = Kept { received, wake: own, epoll, running: BTreeMap::new(), n_started: 0 };
        std::thread::Builder::new().name("process-keeper".to_owned()).spawn(|| kept.run())?;
        Ok(Keeper { requests, wake })
    }

    /// Starts `command` as the leader of a new process group.
    pub(super) async fn start(&self, command: Command) -> io::Result<Process> {
        let (reply, started) = oneshot::channel();
        let ended = || io::Error::other("the thread that starts processes has ended");
        self.requests
            .send(Request::Start { command: Box::new(command), reply })
            .map_err(|_| ended())?;
        self.wake();
        started.await.map_err(|_| ended())?
    }

    fn wake(&self) {
        // Fails only if there were 2^64 - 1 wakes that the thread has not seen.
        let _ = rustix::io::write(&self.wake, &1_u64.to_ne_bytes());
    }
}

impl Drop for Keeper {
    fn drop(&mut self) {
        // Fails only if the thread has ended.
        let _ = self.requests.send(Request::End);
        self.wake();
    }
}

impl Kept {
    fn run(mut self) {
        let mut events = Vec::with_capacity(N_EVENTS_MAX);
        loop {
            match epoll::wait(&self.epoll, spare_capacity(&mut events), None) {
                Ok(_) | Err(Errno::INTR) => {}
                Err(err) => {
                    tracing::error!(%err, "cannot wait for processes");
                    return;
                }
            }
            for event in events.drain(..) {
                let which = event.data.u64();
                if which != WAKE {
                    // Dropping the descriptor takes it out of the epoll.
                    if let Some((_, ended)) = self.running.remove(&which) {
                        ended.send_replace(true);
                    }
                    continue;
                }
                let mut n_wakes = [0; 8];
                // Fails only if there was none after all.
                let _ = rustix::io::read(&self.wake, &mut n_wakes);
                while let Ok(request) = self.received.try_recv() {
                    match request {
                        // One that is no longer asked for is dropped, and with that killed.
                        Request::Start { mut command, reply } => {
                            drop(reply.send(self.start(&mut command)));
                        }
                        Request::End => return,
                    }
                }
            }
        }
    }

    fn start(&mut self, command: &mut Command) -> io::Result<Process> {
        let mut child = command.spawn()?;
        match self.keep(&child) {
            Ok((pid, ended)) => Ok(Process::new(child, pid, ended)),
            Err(err) => {
                child.kill()?;
                child.wait()?;
                Err(err)
            }
        }
    }

    fn keep(&mut self, child: &Child) -> io::Result<(Pid, watch::Receiver<bool>)> {
        let pid = i32::try_from(child.id()).ok().and_then(Pid::from_raw);
        let pid = pid.ok_or_else(|| io::Error::other("a child without an id"))?;
        let descriptor = pidfd_open(pid, PidfdFlags::empty())?;
        self.n_started += 1;
        epoll::add(&self.epoll, &descriptor, EventData::new_u64(self.n_started), EventFlags::IN)?;
        let (sender, ended) = watch::channel(false);
        self.running.insert(self.n_started, (descriptor, sender));
        Ok((pid, ended))
    }
}
