//! What can happen to the process of an instance, one thing after the other.

use std::io;
use std::os::unix::process::CommandExt;
use std::process::{ExitStatus, Stdio};
use std::sync::Arc;
use std::time::Duration;

use tokio::sync::{mpsc, oneshot};
use tokio::time::{Instant, Interval, MissedTickBehavior};
use units::Bytes;

use super::function::FunctionSpec;
use super::invocation::Invocation;
use super::log::FunctionLog;
use super::process::Process;
use super::runtime_api::{FunctionError, RuntimeCall, RuntimeServer, Work};
use super::service::Service;

/// How often the memory of a running function is looked at.
const MEMORY_CHECK_INTERVAL: Duration = Duration::from_millis(100);

/// A process, with all that comes from it.
#[derive(Debug)]
pub(super) struct Running {
    pub(super) process: Arc<Process>,
    pub(super) started_at: Instant,
    pub(super) logs: FunctionLog,
    /// The most memory it was seen to hold.
    pub(super) memory_max: Bytes,
    memory_limit: Bytes,
    memory_check: Interval,
    server: RuntimeServer,
}

/// What an instance waits for while its process runs.
#[derive(Debug)]
pub(super) enum Happening {
    /// The process has asked for something.
    Call(RuntimeCall),
    /// The process is no more.
    Ended(ExitStatus),
    /// The time is up.
    Expired,
    /// The process holds more memory than its function has.
    OutOfMemory,
}

impl Running {
    /// Starts a process for a function.
    pub(super) async fn start(service: &Service, spec: &FunctionSpec) -> io::Result<Running> {
        let started_at = Instant::now();
        let server = RuntimeServer::start().await?;
        let (read, write) = io::pipe()?;
        let mut command = service.config.sandbox.running(&spec.code.program);
        command
            .process_group(0)
            .current_dir(spec.code.root())
            .env_clear()
            .envs(service.environment(spec, server.address))
            .stdin(Stdio::null())
            .stdout(write.try_clone()?)
            .stderr(write);
        let process = Arc::new(service.keeper.start(command).await?);
        let mut memory_check = tokio::time::interval(MEMORY_CHECK_INTERVAL);
        memory_check.set_missed_tick_behavior(MissedTickBehavior::Delay);
        Ok(Running {
            process,
            started_at,
            logs: FunctionLog::new(&spec.name, read)?,
            memory_max: Bytes::ZERO,
            memory_limit: Bytes::mebibytes(u64::from(spec.memory_mb)),
            memory_check,
            server,
        })
    }

    /// Waits until the process has asked for its first invocation.
    pub(super) async fn init(
        &mut self,
        request_id: &str,
        ends_at: Instant,
    ) -> Result<oneshot::Sender<Work>, FunctionError> {
        let failed =
            |error_type, what: &str| Err(FunctionError::of_platform(request_id, error_type, what));
        loop {
            return match self.happening(ends_at).await {
                Happening::Call(RuntimeCall::Next { reply }) => Ok(reply),
                Happening::Call(RuntimeCall::Answer { reply, .. }) => {
                    let _ = reply.send(false);
                    continue;
                }
                Happening::Call(RuntimeCall::InitError { error, reply }) => {
                    let _ = reply.send(true);
                    Err(error)
                }
                Happening::Ended(status) => {
                    failed("Runtime.ExitError", &format!("Runtime exited with error: {status}"))
                }
                Happening::Expired => {
                    failed("Sandbox.Timedout", "the function did not start in time")
                }
                Happening::OutOfMemory => {
                    failed("Runtime.OutOfMemory", "Runtime exited with error: signal: killed")
                }
            };
        }
    }

    /// Waits for an invocation, frozen. `None` once the process has ended.
    pub(super) async fn idle(
        &mut self,
        orders: &mut mpsc::Receiver<Invocation>,
        waiting: oneshot::Sender<Work>,
    ) -> Option<(Invocation, oneshot::Sender<Work>)> {
        tokio::select! {
            order = orders.recv() => order.map(|it| (it, waiting)),
            _ = self.process.ended() => None,
        }
    }

    /// The next thing that happens. What the process said comes before what became of it.
    pub(super) async fn happening(&mut self, ends_at: Instant) -> Happening {
        loop {
            tokio::select! {
                biased;
                Some(call) = self.server.calls.recv() => return Happening::Call(call),
                status = self.process.ended() => return Happening::Ended(status),
                () = tokio::time::sleep_until(ends_at) => return Happening::Expired,
                _ = self.memory_check.tick() => {
                    let memory = self.look_at_memory();
                    if self.memory_limit < memory {
                        return Happening::OutOfMemory;
                    }
                }
                () = self.logs.readable() => self.logs.drain(),
            }
        }
    }

    /// The memory the process holds now.
    pub(super) fn look_at_memory(&mut self) -> Bytes {
        let memory = self.process.memory().unwrap_or(Bytes::ZERO);
        self.memory_max = self.memory_max.max(memory);
        memory
    }
}
