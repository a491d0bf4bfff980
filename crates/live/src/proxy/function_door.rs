//! Where functions dial in: to be given orders, or to be joined to each other.

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex};
use std::time::Duration;

use nodefn::{Connection, ConnectionError};
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::oneshot;
use tokio::task::JoinSet;
use tokio::time::timeout;
use tracing::{debug, warn};
use units::NodeId;
use wire::{Limits, Message, Refusal, Role};

use super::admission::{Admission, Arrival};
use super::shared::Shared;

/// How the other end of a relay is handed to the one that waits for it.
type Waiting = Arc<Mutex<BTreeMap<u64, oneshot::Sender<Connection>>>>;

/// How long an end of a relay waits.
const WAITING_LIMIT: Duration = Duration::from_mins(1);

/// Functions have nothing to send before they are asked that is longer than this.
const LIMITS: Limits = Limits { body_len_max: 16 << 30 };

/// Handshakes and relays at once: each function has one, and a backup two more.
const N_CALLERS_MAX: usize = 4096;

/// Takes in functions until the proxy stops.
pub(super) async fn listen(shared: Arc<Shared>, listener: TcpListener) {
    let waiting = Waiting::default();
    let mut callers = JoinSet::new();
    loop {
        let accepted = tokio::select! {
            () = shared.halted() => return,
            Some(_) = callers.join_next() => continue,
            accepted = listener.accept() => accepted,
        };
        let Ok((stream, peer)) = accepted else {
            // Out of descriptors, most likely: others may close some.
            tokio::time::sleep(Duration::from_millis(50)).await;
            continue;
        };
        if N_CALLERS_MAX <= callers.len() {
            warn!(%peer, "too many callers at the door of functions");
            continue;
        }
        let (shared, waiting) = (Arc::clone(&shared), Arc::clone(&waiting));
        // All end with this task.
        callers.spawn(async move {
            if let Err(error) = greet(&shared, &waiting, stream).await {
                shared.metrics.n_bad_peers.one();
                warn!(%peer, %error, "a caller at the door of functions was not let in");
            }
        });
    }
}

/// Finds out who calls, and hands the connection to who waits for it.
async fn greet(
    shared: &Arc<Shared>,
    waiting: &Waiting,
    stream: TcpStream,
) -> Result<(), ConnectionError> {
    let limit = shared.config.rest_limit;
    let mut connection = Connection::new(stream, LIMITS)?;
    let hello = connection.reader.frame_within(limit).await?;
    let Message::Hello { role, node, session, token } = hello.message else {
        return refuse(connection, Refusal::OutOfPlace, shared).await;
    };
    let admission = shared.admissions().take(&token);
    match (admission, role) {
        (Some(Admission::Function { node: of, is_replica }), Role::Function) if of == node => {
            welcome(shared, connection, node, session, is_replica).await
        }
        (Some(Admission::Relay { relay, node: of }), Role::RelaySource | Role::RelayReplica)
            if of == node =>
        {
            join(shared, waiting, connection, relay).await;
            Ok(())
        }
        _ => {
            warn!(node = node.0, ?role, "a caller with a wrong token");
            refuse(connection, Refusal::Token, shared).await
        }
    }
}

async fn refuse(
    mut connection: Connection,
    why: Refusal,
    shared: &Shared,
) -> Result<(), ConnectionError> {
    shared.metrics.n_bad_peers.one();
    let refused = Message::Refused { request: 0, chunk: 0, version: 0, why };
    connection.writer.send_within(&refused, shared.config.rest_limit).await
}

async fn welcome(
    shared: &Shared,
    mut connection: Connection,
    node: NodeId,
    session: u64,
    is_replica: bool,
) -> Result<(), ConnectionError> {
    let limit = shared.config.rest_limit;
    connection.writer.send_within(&shared.welcome(), limit).await?;
    let pong = connection.reader.frame_within(limit).await?;
    if !matches!(pong.message, Message::Pong { node: of, .. } if of == node) {
        return refuse(connection, Refusal::OutOfPlace, shared).await;
    }
    // Chunks are handed on at once.
    let connection = connection.reading_ahead();
    let arrivals = &shared.functions[node.index()].arrivals;
    // Where the actor does not take it in time, the function finds its connection closed.
    let _ = timeout(limit, arrivals.send(Arrival { connection, session, is_replica })).await;
    Ok(())
}

/// Joins the two ends of a relay, once both are here.
async fn join(shared: &Shared, waiting: &Waiting, connection: Connection, relay: u64) {
    let lock = || waiting.lock().expect("nothing panics while it holds the lock");
    let first = lock().remove(&relay);
    if let Some(first) = first {
        // Where the first end has given up, its function has, too.
        drop(first.send(connection));
        return;
    }
    let (sender, other) = oneshot::channel();
    lock().insert(relay, sender);
    let Ok(Ok(other)) = timeout(WAITING_LIMIT, other).await else {
        lock().remove(&relay);
        debug!(relay, "one end of a relay never came");
        return;
    };
    let Connection { reader: mut one_reader, writer: mut one_writer } = connection;
    let Connection { reader: mut other_reader, writer: mut other_writer } = other;
    let under_way = shared.metrics.n_relays.enter();
    // The one that ends first ends the other.
    tokio::select! {
        _ = one_reader.relay(&mut other_writer, WAITING_LIMIT) => {}
        _ = other_reader.relay(&mut one_writer, WAITING_LIMIT) => {}
    }
    drop(under_way);
    debug!(relay, "a relay has ended");
}

impl Shared {
    /// What a caller is told of the pool.
    pub(super) fn welcome(&self) -> Message {
        let small = |it: usize| u8::try_from(it).expect("a code has at most 255 chunks");
        Message::Welcome {
            n_data: small(self.config.code.n_data()),
            n_parity: small(self.config.code.n_parity()),
            n_nodes: self.config.n_nodes,
        }
    }
}
