//! What a proxy goes by.

use std::fmt;
use std::net::SocketAddr;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use ec::Code;
use policy::fetch::FirstD;
use policy::link::LinkTerms;
use policy::placer::{Placement, keyed_picks};
use thiserror::Error;
use units::{Bytes, Nanos};

/// What a proxy goes by. [`ProxyConfig::local`] has the usual values.
#[derive(Clone, Debug)]
pub struct ProxyConfig {
    /// Where clients are listened for; port 0 for any.
    pub client_address: SocketAddr,
    /// Where functions are listened for.
    pub function_address: SocketAddr,
    /// Where the RESP door is, if it is open.
    pub resp_address: Option<SocketAddr>,
    /// Where metrics are served, if they are.
    pub metrics_address: Option<SocketAddr>,
    /// What functions dial, where that is not the address above.
    pub function_endpoint: Option<String>,
    /// What lets a client in.
    pub client_token: String,
    /// What lets a client of Redis in; without one, anyone who reaches the door.
    pub resp_password: Option<String>,
    /// Chunks per object.
    pub code: Code,
    /// Functions in the pool.
    pub n_nodes: u32,
    /// The memory that functions were created with, in MB as the platform counts it.
    pub memory_mb: u32,
    /// The same, as the placer counts.
    pub node_memory: Bytes,
    /// How much of that is not for chunks.
    pub node_overhead: Bytes,
    /// Which answers settle a read.
    pub first_d: FirstD,
    /// Which functions an object asks for.
    pub placement: Placement,
    /// Ping time-out, and attempts per request.
    pub link: LinkTerms,
    /// After how long an idle function is warmed, if it is.
    pub warm_up: Option<Nanos>,
    /// How old an instance grows before it is backed up, if it is.
    pub backup: Option<Nanos>,
    /// The billing cycle that functions end with.
    pub cycle: Nanos,
    /// How long a chunk request may take, its invocation and queueing included, and up to half of
    /// it that a read waits for a write of its object, or a write for such reads.
    pub request_limit: Duration,
    /// How long a peer may rest within a message or a body.
    pub rest_limit: Duration,
    /// How long a body may take in all.
    pub body_limit: Duration,
    /// How long an invocation may take, before its function is taken to have returned.
    pub invocation_limit: Duration,
    /// How long a client may be silent between requests.
    pub idle_limit: Duration,
    /// Connections of clients at once, of both doors together.
    pub n_connections_max: usize,
    /// The largest chunk, its header included, and the largest value at the RESP door, which also
    /// takes in so much ahead on each of its connections.
    pub body_len_max: u64,
    /// Where placement takes its random numbers from.
    pub picks: Picks,
}

/// Uniformly random numbers, in the order they are drawn. Clones draw from the same sequence.
#[derive(Clone)]
pub struct Picks(Arc<Mutex<dyn FnMut() -> u64 + Send>>);

impl Picks {
    /// Those that `draw` gives; from the simulator's stream of a placement it is the same
    /// placement.
    pub fn new(draw: impl FnMut() -> u64 + Send + 'static) -> Picks {
        Picks(Arc::new(Mutex::new(draw)))
    }

    /// Numbers that follow from a seed: placement needs picks that are spread evenly, and nothing
    /// of them is secret.
    pub fn of_seed(seed: u64) -> Picks {
        let mut picks = keyed_picks(seed, 0);
        Picks::new(move || picks.next().expect("it goes on for ever"))
    }

    /// The next one.
    pub(crate) fn draw(&self) -> u64 {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)()
    }
}

impl fmt::Debug for Picks {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Picks")
    }
}

/// Why a proxy cannot start.
#[derive(Debug, Error)]
#[non_exhaustive]
pub enum ProxyError {
    /// An address cannot be listened on.
    #[error("cannot listen for {whom} on {address}: {source}; is another proxy running there?")]
    Listen {
        /// Who was to be served.
        whom: &'static str,
        /// Where.
        address: SocketAddr,
        /// What the system says.
        source: std::io::Error,
    },
    /// The pool cannot hold an object.
    #[error(
        "{n_nodes} functions cannot hold an object of {code}: give at least {}",
        code.n_chunks()
    )]
    TooFewNodes {
        /// How many there are.
        n_nodes: u32,
        /// The code.
        code: Code,
    },
    /// A function would have no room.
    #[error(
        "functions of {memory} have no room beside {overhead} for themselves: give more memory"
    )]
    TooLittleMemory {
        /// The memory.
        memory: Bytes,
        /// What they need.
        overhead: Bytes,
    },
    /// The system has no random numbers for tokens.
    #[error("the system has no random numbers: {0}")]
    Random(#[from] getrandom::Error),
}

impl ProxyConfig {
    /// A proxy on loopback, on the usual ports, with the reference's margins and time-outs; but
    /// a PONG has 200 ms instead of 20, since all functions share the cores of one machine, and
    /// one that is taken for gone is invoked a second time, without its chunks.
    pub fn local(code: Code, n_nodes: u32, memory_mb: u32, client_token: String) -> ProxyConfig {
        let at = |port| SocketAddr::from(([127, 0, 0, 1], port));
        let memory = u64::from(memory_mb);
        ProxyConfig {
            client_address: at(6378),
            function_address: at(6377),
            resp_address: Some(at(6376)),
            metrics_address: Some(at(6375)),
            function_endpoint: None,
            client_token,
            resp_password: None,
            code,
            n_nodes,
            memory_mb,
            node_memory: Bytes::megabytes(memory),
            node_overhead: Bytes::megabytes(100.min(memory / 4)),
            first_d: FirstD::Paper,
            placement: Placement::Random,
            link: LinkTerms { ping_timeout: Nanos::millis(200), ..LinkTerms::default() },
            warm_up: Some(Nanos::MINUTE),
            backup: Some(Nanos::MINUTE * 5),
            cycle: Nanos::millis(100),
            request_limit: Duration::from_secs(10),
            rest_limit: Duration::from_secs(10),
            body_limit: Duration::from_mins(2),
            invocation_limit: Duration::from_secs(15 * 60 + 5),
            idle_limit: Duration::from_mins(10),
            n_connections_max: 4096,
            body_len_max: 512 << 20,
            picks: Picks::of_seed(0),
        }
    }

    /// Lets the system pick all ports, as tests want it.
    #[must_use]
    pub fn on_any_port(mut self) -> ProxyConfig {
        let any = SocketAddr::from(([127, 0, 0, 1], 0));
        (self.client_address, self.function_address) = (any, any);
        (self.resp_address, self.metrics_address) = (Some(any), Some(any));
        self
    }

    pub(super) fn check(&self) -> Result<(), ProxyError> {
        let code = self.code;
        if usize::try_from(self.n_nodes).is_ok_and(|it| it < code.n_chunks()) {
            return Err(ProxyError::TooFewNodes { n_nodes: self.n_nodes, code });
        }
        if self.node_memory <= self.node_overhead {
            let (memory, overhead) = (self.node_memory, self.node_overhead);
            return Err(ProxyError::TooLittleMemory { memory, overhead });
        }
        Ok(())
    }
}
