//! The proxy: clients on one side, functions on the other, and chunks passing through.
//!
//! [`Proxy::start`] opens its doors and warms its functions. Each function has a task, which
//! the link machine of `policy` drives; each connection of a client has one, which asks those
//! for chunks. The body of a chunk goes from socket to socket while it comes. What is queued is
//! bounded, but for deletions, and each wait for a peer has a deadline.

mod actor;
mod admission;
pub(crate) mod answers;
mod client_door;
mod config;
mod deletions;
mod exchange;
mod function_door;
mod invocations;
mod invoke;
mod lent;
mod metadata;
mod metrics;
mod metrics_door;
pub(crate) mod order;
mod queue;
mod read;
mod sessions;
pub(crate) mod shared;
mod turns;

use std::net::SocketAddr;
use std::sync::Arc;
use std::time::{Duration, SystemTime, UNIX_EPOCH};

use tokio::net::TcpListener;
use tokio::sync::{Semaphore, mpsc};
use tokio::task::JoinSet;
use tokio::time::timeout;
use tracing::{info, warn};
use units::NodeId;

use self::actor::Actor;
pub use self::admission::random_token;
pub use self::config::{Picks, ProxyConfig, ProxyError};
pub use self::invoke::{Invoke, InvokeError, LambdaInvoker};
pub use self::metrics::{Counter, Entered, Gauge, Metrics};
use self::queue::Queue;
use self::shared::{FunctionHandle, Shared};
use crate::resp;

/// A proxy that runs.
#[derive(Debug)]
pub struct Proxy {
    shared: Arc<Shared>,
    /// The doors of clients, each with what it has let in.
    doors: JoinSet<()>,
    /// Functions, their door, and that of metrics.
    tasks: JoinSet<()>,
    /// Where its doors are.
    pub addresses: Addresses,
}

/// Where the doors of a proxy are.
#[derive(Clone, Copy, Debug)]
pub struct Addresses {
    /// For clients.
    pub client: SocketAddr,
    /// For functions.
    pub function: SocketAddr,
    /// For clients of Redis.
    pub resp: Option<SocketAddr>,
    /// For Prometheus.
    pub metrics: Option<SocketAddr>,
}

/// How long a proxy that stops waits for what is under way, and for its functions.
const DRAIN_LIMIT: Duration = Duration::from_secs(5);

impl Proxy {
    /// Opens the doors, and has every function invoked once.
    ///
    /// # Errors
    /// If an address is taken, or the configuration cannot be.
    pub async fn start(config: ProxyConfig, invoker: Arc<dyn Invoke>) -> Result<Proxy, ProxyError> {
        config.check()?;
        let (client_listener, client) = listen("clients", Some(config.client_address)).await?;
        let (function_listener, function) =
            listen("functions", Some(config.function_address)).await?;
        let (resp_listener, resp) = listen("clients of Redis", config.resp_address).await?;
        let (metrics_listener, metrics) = listen("Prometheus", config.metrics_address).await?;
        let (Some(client), Some(function)) = (client, function) else {
            unreachable!("an address was given");
        };
        let addresses = Addresses { client, function, resp, metrics };
        let endpoint = config.function_endpoint.clone().unwrap_or_else(|| function.to_string());

        let mut handles = Vec::new();
        let mut queues = Vec::new();
        for _ in 0..config.n_nodes {
            let (orders, order_queue) = Queue::new();
            let (arrivals, arrival_queue) = mpsc::channel(4);
            handles.push(FunctionHandle { orders, arrivals });
            queues.push((order_queue, arrival_queue));
        }
        let permits = Arc::new(Semaphore::new(config.n_connections_max));
        let shared = Arc::new(Shared::new(config, handles, endpoint, version_min()));

        let (mut doors, mut tasks) = (JoinSet::new(), JoinSet::new());
        for (node, (orders, arrivals)) in (0..).map(NodeId).zip(queues) {
            let invoker = Arc::clone(&invoker);
            let actor = Actor::new(Arc::clone(&shared), node, invoker, orders, arrivals);
            tasks.spawn(actor.run());
        }
        if let Some(listener) = client_listener {
            let permits = Arc::clone(&permits);
            doors.spawn(client_door::listen(Arc::clone(&shared), listener, permits));
        }
        if let Some(listener) = function_listener {
            tasks.spawn(function_door::listen(Arc::clone(&shared), listener));
        }
        if let Some(listener) = resp_listener {
            doors.spawn(resp::listen(Arc::clone(&shared), listener, permits));
        }
        if let Some(listener) = metrics_listener {
            tasks.spawn(metrics_door::listen(Arc::clone(&shared), listener));
        }
        info!(?addresses, n_nodes = shared.config.n_nodes, "the proxy listens");
        Ok(Proxy { shared, doors, tasks, addresses })
    }

    /// Waits until every function has been up once. Whether that was within the limit.
    pub async fn ready(&self, limit: Duration) -> bool {
        let n_nodes = self.shared.functions.len();
        let mut n_up = self.shared.n_up.subscribe();
        timeout(limit, n_up.wait_for(|it| n_nodes <= *it)).await.is_ok()
    }

    /// What it has counted.
    pub fn metrics(&self) -> &Metrics {
        &self.shared.metrics
    }

    /// How many objects are in its metadata.
    pub fn n_objects(&self) -> usize {
        self.shared.metadata().n_objects()
    }

    /// Takes no more requests, ends those under way, lets the functions go, and closes the
    /// doors. No task of it is left then.
    pub async fn stop(mut self) {
        info!("the proxy stops");
        self.shared.stop.send_replace(true);
        end(&mut self.doors, "requests").await;
        self.shared.halt.send_replace(true);
        end(&mut self.tasks, "functions").await;
        info!("the proxy has stopped");
    }
}

/// Waits for tasks to end, and ends those that do not in time.
async fn end(tasks: &mut JoinSet<()>, what: &'static str) {
    let ended = async { while tasks.join_next().await.is_some() {} };
    if timeout(DRAIN_LIMIT, ended).await.is_err() {
        warn!(what, "not all ended in time");
        tasks.shutdown().await;
    }
}

/// The first version that this proxy gives: later than any of one that ran here before.
fn version_min() -> u64 {
    let now = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default();
    u64::try_from(now.as_micros()).unwrap_or(u64::MAX / 2).max(1)
}

async fn listen(
    whom: &'static str,
    address: Option<SocketAddr>,
) -> Result<(Option<TcpListener>, Option<SocketAddr>), ProxyError> {
    let Some(address) = address else { return Ok((None, None)) };
    let failed = |source| ProxyError::Listen { whom, address, source };
    let listener = TcpListener::bind(address).await.map_err(failed)?;
    let bound = listener.local_addr().map_err(failed)?;
    Ok((Some(listener), Some(bound)))
}
