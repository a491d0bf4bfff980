//! Functions in this process, which can be taken back and held up, behind a real proxy.

use std::collections::{BTreeMap, BTreeSet};
use std::future::Future;
use std::pin::Pin;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::sync::{Arc, Mutex};
use std::time::Duration;

use bytes::Bytes;
use ec::Code;
use live::client::{Client, ClientConfig};
use live::proxy::{Invoke, InvokeError, Proxy, ProxyConfig};
use nodefn::{Connection, Instance, Invocation, Report};
use tokio::task::AbortHandle;
use units::{Bytes as Amount, Nanos, NodeId};
use wire::{ChunkId, Limits, Message, Role};

pub(crate) use crate::load::object;

/// A platform of tasks: a busy function gets a second instance, as on Lambda.
#[derive(Default)]
pub(crate) struct Pool {
    idle: Mutex<BTreeMap<u32, Vec<Instance>>>,
    running: Mutex<BTreeMap<u64, (u32, AbortHandle)>>,
    n_invocations: AtomicU64,
    /// Whether functions run that do not dial in for as long as this is so.
    pub(crate) is_mute: AtomicBool,
    /// The functions of which that is so alone.
    pub(crate) mute: Mutex<BTreeSet<u32>>,
    /// Whether functions run that dial in, and then answer nothing.
    pub(crate) is_deaf: AtomicBool,
    /// How long the platform lets an invocation last, if that is not as long as AWS does.
    pub(crate) limit_ms: AtomicU64,
}

impl Pool {
    /// Takes back every instance of a function, in the middle of what it does.
    pub(crate) fn kill(&self, node: u32) {
        self.idle.lock().unwrap().remove(&node);
        for (of, handle) in self.running.lock().unwrap().values() {
            if *of == node {
                handle.abort();
            }
        }
    }

    /// How many instances have returned, and wait.
    pub(crate) fn n_idle(&self) -> usize {
        self.idle.lock().unwrap().values().map(Vec::len).sum()
    }

    async fn run(&self, invocation: Invocation) -> Result<Report, InvokeError> {
        let node = invocation.node;
        let failed = |why: String| InvokeError::Function { function: node.to_string(), why };
        while self.is_mute.load(Ordering::Relaxed) || self.mute.lock().unwrap().contains(&node) {
            tokio::time::sleep(Duration::from_millis(10)).await;
        }
        if self.is_deaf.load(Ordering::Relaxed) {
            return Err(failed(deaf(&invocation).await));
        }
        let idle = self.idle.lock().unwrap().get_mut(&node).and_then(Vec::pop);
        let mut instance = idle.unwrap_or_else(|| Instance::new().unwrap());
        let number = self.n_invocations.fetch_add(1, Ordering::Relaxed);
        let limit = match self.limit_ms.load(Ordering::Relaxed) {
            0 => Nanos::seconds(900),
            limit_ms => Nanos::millis(limit_ms),
        };
        let task = tokio::spawn(async move {
            let outcome = instance.handle(&invocation, limit).await;
            (instance, outcome)
        });
        self.running.lock().unwrap().insert(number, (node, task.abort_handle()));
        let joined = task.await;
        self.running.lock().unwrap().remove(&number);
        let (instance, outcome) = joined.map_err(|error| failed(error.to_string()))?;
        self.idle.lock().unwrap().entry(node).or_default().push(instance);
        outcome.map_err(|error| failed(error.to_string()))
    }
}

impl Invoke for Pool {
    fn invoke(
        &self,
        invocation: Invocation,
    ) -> Pin<Box<dyn Future<Output = Result<Report, InvokeError>> + Send + '_>> {
        Box::pin(self.run(invocation))
    }
}

/// A function that says that it is there, and no more, until the proxy has enough of it.
async fn deaf(invocation: &Invocation) -> String {
    let limit = Duration::from_secs(5);
    let (node, session) = (units::NodeId(invocation.node), u64::MAX);
    let token = bytes::Bytes::copy_from_slice(invocation.token.as_bytes());
    let pong = Message::Pong { request: 0, node, session, token: token.clone() };
    let hello = Message::Hello { role: Role::Function, node, session, token };
    let limits = Limits { body_len_max: 1 << 30 };
    let dialled = Connection::dial(&invocation.proxy, limits, &hello, limit).await;
    let Ok(mut connection) = dialled else { return "nobody answers".to_owned() };
    let _ = connection.reader.frame_within(limit).await;
    let _ = connection.writer.send_within(&pong, limit).await;
    while let Ok(Some(frame)) = connection.reader.frame().await {
        let _ = connection.reader.skip(frame.n_bytes_following(), limit).await;
    }
    "it was deaf".to_owned()
}

/// A proxy with its functions and a client.
pub(crate) struct Cache {
    pub(crate) proxy: Proxy,
    pub(crate) pool: Arc<Pool>,
    pub(crate) client: Client,
}

pub(crate) const TOKEN: &str = "clients' token";

/// The settings of most tests: 6 functions, 4+2, short limits.
pub(crate) fn config() -> ProxyConfig {
    let code = Code::new(4, 2).unwrap();
    let mut config = ProxyConfig::local(code, 6, 2048, TOKEN.to_owned()).on_any_port();
    config.request_limit = Duration::from_secs(3);
    config.rest_limit = Duration::from_secs(1);
    config.warm_up = Some(Nanos::seconds(30));
    // Time enough on a machine that is busy with other tests.
    config.link.ping_timeout = Nanos::seconds(1);
    config.node_memory = Amount::megabytes(256);
    config
}

/// Starts a proxy, and waits until its functions are up.
pub(crate) async fn start(config: ProxyConfig) -> Cache {
    let pool = Arc::new(Pool::default());
    let proxy = Proxy::start(config, Arc::clone(&pool) as Arc<dyn Invoke>).await.unwrap();
    assert!(proxy.ready(Duration::from_secs(20)).await, "functions come up");
    let client = connect(&proxy).await;
    Cache { proxy, pool, client }
}

pub(crate) async fn connect(proxy: &Proxy) -> Client {
    let proxies = vec![proxy.addresses.client.to_string()];
    let mut config = ClientConfig::new(proxies, TOKEN);
    config.request_limit = Duration::from_secs(5);
    Client::connect(config).await.unwrap()
}

/// What raw connections take.
pub(crate) const LIMITS: Limits = Limits { body_len_max: 1 << 30 };
/// How long they wait.
pub(crate) const LIMIT: Duration = Duration::from_secs(10);

/// How a peer of this role names itself.
pub(crate) fn hello(role: Role, token: &str) -> Message {
    let token = Bytes::copy_from_slice(token.as_bytes());
    Message::Hello { role, node: NodeId(0), session: 77, token }
}

/// A client's connection, let in.
pub(crate) async fn dial(cache: &Cache) -> Connection {
    let hello = hello(Role::Client, TOKEN);
    let address = cache.proxy.addresses.client;
    let mut connection = Connection::dial(address, LIMITS, &hello, LIMIT).await.unwrap();
    let welcome = connection.reader.frame_within(LIMIT).await.unwrap();
    assert!(matches!(welcome.message, Message::Welcome { n_data: 4, n_parity: 2, .. }));
    connection
}

/// A chunk of an object in whatever version.
pub(crate) fn id(key: &'static str, chunk: u8) -> ChunkId {
    ChunkId { key: Bytes::from_static(key.as_bytes()), chunk, version: 0 }
}

/// Runs a test on two threads, as the proxy runs.
pub(crate) fn run(test: impl Future<Output = ()>) {
    let runtime =
        tokio::runtime::Builder::new_multi_thread().worker_threads(2).enable_all().build().unwrap();
    runtime.block_on(async {
        tokio::time::timeout(Duration::from_secs(90), test).await.expect("the test ends");
    });
    runtime.shutdown_timeout(Duration::from_millis(100));
}
