//! A Lambda service for one machine: functions as processes, behind the APIs of AWS Lambda.
//!
//! A [`Platform`] speaks the Lambda API over HTTP as aws-sdk-lambda and the aws CLI do (create,
//! get, list, update, delete, invoke), and the Runtime API towards the processes of functions,
//! so that the very program that AWS would run runs here. A busy function gets a second
//! instance; of several idle ones the last used is taken; an idle one is frozen (SIGSTOP) as AWS
//! freezes sandboxes. Instances are reclaimed by a [`ReclaimPlan`], or one by one. What the
//! invocations took is in [`PlatformUsage`] and [`InvocationRecord`].
//!
//! Where it differs from AWS:
//! - Signatures are asked for, so that no web page can send a request, but not checked.
//! - Memory is the resident set of the process, looked at ten times a second while it runs, and
//!   once more at the end of each invocation. A limit of the address space (RLIMIT_AS) would
//!   refuse programs that reserve much and use little, as every threaded allocator does, and a
//!   control group needs rights that a user of this machine need not have.
//! - Bandwidth is told to the function ([`BANDWIDTH_VARIABLE`]), which has to keep to it. To
//!   shape it from outside needs root; a relay would put one more copy of every byte into what
//!   is to be measured, and would have to find addresses in payloads it does not know.
//! - The start of an instance is not billed, unless it failed.
//! - There are no versions, aliases, layers, extensions or streamed answers.

mod code;
mod control;
mod error;
mod function;
mod http;
mod instance;
mod invocation;
mod keeper;
mod log;
mod pool;
mod process;
mod reclaim;
mod running;
mod runtime_api;
pub mod sandbox;
mod service;
mod usage;

use std::io;
use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;

use aws_sdk_lambda::config::retry::RetryConfig;
use aws_sdk_lambda::config::{BehaviorVersion, Credentials, Region};
use pricing::Quantum;
use tokio::net::TcpListener;
use tokio::sync::mpsc;
use units::{Nanos, Time};

use self::code::Code;
pub use self::error::ApiError;
pub use self::function::NewFunction;
use self::function::{FunctionSpec, Settings};
use self::http::AbortOnDrop;
use self::keeper::Keeper;
pub use self::pool::{InstanceStatus, Reclaimed};
pub use self::reclaim::{PlannedReclaim, ReclaimPlan};
pub use self::sandbox::SandboxCommand;
use self::service::Service;
pub use self::usage::{InvocationRecord, PlatformUsage, ReclaimRecord};
use crate::open_files;

/// The environment variable that tells a function how many bytes it may send in a second, and
/// how many receive. Not set where there is no limit, as on AWS, which has its own.
pub use nodefn::BANDWIDTH_VARIABLE;

/// How long a platform that is told to stop waits for its tasks. All processes are dead by then.
const STOP_TIMEOUT: Duration = Duration::from_secs(10);

/// How a platform behaves.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct PlatformConfig {
    /// Where the Lambda API listens; port 0 takes a free one. The Runtime API is always on
    /// loopback.
    pub listen: SocketAddr,
    /// Whether `listen` may be other than loopback. Whoever reaches it can run programs here.
    pub may_listen_beyond_loopback: bool,
    /// The program that becomes the functions.
    pub sandbox: SandboxCommand,
    /// From an invocation until a new instance is handed it, at least.
    pub cold_start: Nanos,
    /// From an invocation until an idle instance is handed it, at least.
    pub warm_start: Nanos,
    /// What each instance may send in a second, and receive; see [`BANDWIDTH_VARIABLE`].
    pub bandwidth_bytes_per_second: Option<u64>,
    /// The step that billed durations are rounded up to.
    pub quantum: Quantum,
    /// How long a process may take until it asks for its first invocation.
    pub init_timeout: Nanos,
    /// How many instances there may be of all functions. Beyond, invocations are refused.
    pub n_instances_max: u32,
    /// How many invocations of type Event may be under way or wait. Beyond, they are refused.
    pub n_events_max: u32,
    /// How long after each failure an event is tried again. On AWS: after 1 min, and 2 min.
    pub event_retry_delays: Vec<Nanos>,
    /// The field of a payload that tells the kind of an invocation, for [`PlatformUsage`].
    pub kind_field: String,
}

impl PlatformConfig {
    /// On a free port of loopback, with no delays, by AWS's limits and today's billing; events
    /// are not tried again.
    pub fn on_loopback(sandbox: SandboxCommand) -> PlatformConfig {
        PlatformConfig {
            listen: SocketAddr::from(([127, 0, 0, 1], 0)),
            may_listen_beyond_loopback: false,
            sandbox,
            cold_start: Nanos::ZERO,
            warm_start: Nanos::ZERO,
            bandwidth_bytes_per_second: None,
            quantum: Quantum::OneMillisecond,
            init_timeout: Nanos::seconds(10),
            n_instances_max: 1_000,
            n_events_max: 10_000,
            event_retry_delays: Vec::new(),
            kind_field: "command".to_owned(),
        }
    }
}

/// A running Lambda service.
///
/// All its processes end with it. When it is dropped, it waits until they have, some
/// milliseconds; when this process is killed, the kernel kills them.
#[derive(Debug)]
pub struct Platform {
    service: Arc<Service>,
    /// The only thing that keeps connections open.
    server: Option<AbortOnDrop>,
    /// Closed when the last task has ended.
    alive: mpsc::Receiver<std::convert::Infallible>,
}

impl Platform {
    /// Starts to listen. Raises the number of files this process may open to the most it is
    /// allowed, since each instance takes four.
    pub async fn start(config: PlatformConfig) -> io::Result<Platform> {
        if !config.listen.ip().is_loopback() && !config.may_listen_beyond_loopback {
            let why = format!(
                "{} can be reached from other machines, and whoever reaches the platform can run \
                 programs here; listen on 127.0.0.1, or say that it may be reached",
                config.listen
            );
            return Err(io::Error::new(io::ErrorKind::PermissionDenied, why));
        }
        open_files::raise_limit()?;
        let listener = TcpListener::bind(config.listen).await?;
        let address = listener.local_addr()?;
        let (sender, alive) = mpsc::channel(1);
        let service = Arc::new(Service::new(config, address, Keeper::new()?, sender));
        let task = tokio::spawn(control::serve(listener, Arc::clone(&service)));
        tracing::info!(%address, "the Lambda API listens");
        Ok(Platform { service, server: Some(AbortOnDrop(task)), alive })
    }

    /// Where the Lambda API listens.
    pub fn address(&self) -> SocketAddr {
        self.service.address
    }

    /// The URL for an SDK or the aws CLI (`--endpoint-url`).
    pub fn endpoint_url(&self) -> String {
        format!("http://{}", self.service.address)
    }

    /// A client of the SDK for this platform, without TLS. It does not try again by itself.
    pub fn client(&self) -> aws_sdk_lambda::Client {
        let config = aws_sdk_lambda::Config::builder()
            .behavior_version(BehaviorVersion::v2026_01_12())
            .region(Region::new(function::REGION))
            .credentials_provider(Credentials::new("local", "local", None, None, "local"))
            .retry_config(RetryConfig::disabled())
            .http_client(aws_smithy_http_client::Builder::new().build_http())
            .endpoint_url(self.endpoint_url())
            .build();
        aws_sdk_lambda::Client::from_conf(config)
    }

    /// Creates a function, as CreateFunction does, of a program of this machine.
    pub fn create_function(&self, new: NewFunction) -> Result<(), ApiError> {
        let NewFunction { name, program, memory_mb, timeout, environment } = new;
        let seconds = timeout.div_ceil(Nanos::SECOND);
        let settings = Settings {
            memory_mb: Some(memory_mb),
            timeout_seconds: Some(u32::try_from(seconds).unwrap_or(u32::MAX)),
            environment: Some(environment),
            ..Settings::default()
        };
        let code = Arc::new(Code::program(program)?);
        self.service.pool.create(FunctionSpec::new(&name, code, settings)?)?;
        Ok(())
    }

    /// The instances of a function by recency: those that run, in order of their starts, then
    /// the one in use last, and so on.
    pub fn instances(&self, function: &str) -> Result<Vec<InstanceStatus>, ApiError> {
        self.service.pool.instances(function)
    }

    /// Takes back the instance of this rank in [`Platform::instances`], as soon as it is idle.
    /// `None` if there is no such instance, or it is about to go already.
    pub fn reclaim(&self, function: &str, rank: usize) -> Option<Reclaimed> {
        self.service.reclaim(function, rank)
    }

    /// Takes instances back by a plan, from now until the platform stops.
    pub fn start_reclaims(&self, plan: ReclaimPlan) {
        let service = Arc::clone(&self.service);
        self.service.spawn(reclaim::run(service, plan));
    }

    /// Kills the instance of this rank in [`Platform::instances`], whatever it is doing. False
    /// if there is none, or it has no process yet.
    pub fn kill(&self, function: &str, rank: usize) -> bool {
        self.service.pool.kill(function, rank)
    }

    /// What all invocations took so far.
    pub fn usage(&self) -> PlatformUsage {
        self.service.usage.total()
    }

    /// The invocations that ended since this was last called, in the order they did. At most a
    /// million are kept.
    pub fn take_records(&self) -> Vec<InvocationRecord> {
        self.service.usage.take_records()
    }

    /// The instances that were taken back since this was last called, in order of time. At most a
    /// million are kept.
    pub fn take_reclaims(&self) -> Vec<ReclaimRecord> {
        self.service.usage.take_reclaims()
    }

    /// The time on the clock that records go by.
    pub fn now(&self) -> Time {
        self.service.time(tokio::time::Instant::now())
    }

    /// Ends all processes and tasks. Invocations under way fail.
    pub async fn stop(mut self) {
        self.server.take();
        // Fails only where nothing listens for it.
        let _ = self.service.stop.send(true);
        for process in self.service.pool.close() {
            process.kill();
        }
        self.service.finish();
        // Nothing is ever sent: this is the end of the last task.
        if tokio::time::timeout(STOP_TIMEOUT, self.alive.recv()).await.is_err() {
            tracing::warn!("some tasks of the platform did not end in time");
        }
    }
}

impl Drop for Platform {
    fn drop(&mut self) {
        let _ = self.service.stop.send(true);
        let processes = self.service.pool.close();
        for process in &processes {
            process.kill();
        }
        for process in &processes {
            process.kill_and_wait();
        }
    }
}
