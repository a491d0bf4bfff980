//! A TCP relay on loopback that delays what goes through it, and cuts connections.

use std::io;
use std::net::SocketAddr;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use des::{Stream, Streams};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::tcp::{OwnedReadHalf, OwnedWriteHalf};
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::watch;
use tokio::task::{AbortHandle, JoinSet};
use tokio::time::sleep;

/// How a relay mistreats connections.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Faults {
    /// How long a connection lives on average until it is cut, in the middle of whatever.
    pub(crate) life_mean: Duration,
    /// One piece in so many is held up.
    pub(crate) one_delayed_in: u32,
    /// For at most this long.
    pub(crate) delay_max: Duration,
}

/// What a relay did.
#[derive(Debug, Default)]
pub(crate) struct Done {
    pub(crate) n_connections: AtomicU64,
    pub(crate) n_cut: AtomicU64,
    pub(crate) n_delayed: AtomicU64,
}

/// A relay. All its connections end when it is dropped.
pub(crate) struct Relay {
    /// Where it listens.
    pub(crate) address: SocketAddr,
    pub(crate) done: Arc<Done>,
    upstream: watch::Sender<Option<SocketAddr>>,
    task: AbortHandle,
}

/// Pieces are small, so that cuts and delays come within bodies.
const PIECE_BYTES: usize = 64 << 10;

impl Relay {
    /// Relays to wherever [`Relay::turn_to`] says.
    pub(crate) async fn start(faults: Faults, name: &str, seed: u64) -> io::Result<Relay> {
        let listener = TcpListener::bind(("127.0.0.1", 0)).await?;
        let address = listener.local_addr()?;
        let upstream = watch::Sender::new(None);
        let done = Arc::new(Done::default());
        let stream = Streams::new(seed).named(name);
        let upstreams = upstream.subscribe();
        let task = tokio::spawn(accept(listener, faults, stream, upstreams, Arc::clone(&done)));
        Ok(Relay { address, done, upstream, task: task.abort_handle() })
    }

    /// New connections go there.
    pub(crate) fn turn_to(&self, upstream: SocketAddr) {
        self.upstream.send_replace(Some(upstream));
    }
}

impl Drop for Relay {
    fn drop(&mut self) {
        self.task.abort();
    }
}

async fn accept(
    listener: TcpListener,
    faults: Faults,
    mut random: Stream,
    upstream: watch::Receiver<Option<SocketAddr>>,
    done: Arc<Done>,
) {
    let mut connections = JoinSet::new();
    loop {
        let accepted = tokio::select! {
            Some(_) = connections.join_next() => continue,
            accepted = listener.accept() => accepted,
        };
        let Ok((stream, _)) = accepted else {
            sleep(Duration::from_millis(10)).await;
            continue;
        };
        let Some(upstream) = *upstream.borrow() else { continue };
        let seed = random.bits();
        let life = faults.life_mean.mul_f64(random.exponential());
        let done = Arc::clone(&done);
        connections.spawn(async move {
            let Ok(other) = TcpStream::connect(upstream).await else { return };
            done.n_connections.fetch_add(1, Ordering::Relaxed);
            // Neither end is to wait for the other's acknowledgements.
            if stream.set_nodelay(true).and(other.set_nodelay(true)).is_err() {
                return;
            }
            let (near_reader, near_writer) = stream.into_split();
            let (far_reader, far_writer) = other.into_split();
            let streams = Streams::new(seed);
            let (up, down) = (streams.named("up"), streams.named("down"));
            let moved = async {
                tokio::join!(
                    forward(near_reader, far_writer, faults, up, &done),
                    forward(far_reader, near_writer, faults, down, &done),
                )
            };
            tokio::select! {
                _ = moved => {}
                () = sleep(life) => { done.n_cut.fetch_add(1, Ordering::Relaxed); }
            }
        });
    }
}

/// Hands on what comes, until that ends or nobody takes it.
async fn forward(
    mut from: OwnedReadHalf,
    mut to: OwnedWriteHalf,
    faults: Faults,
    mut random: Stream,
    done: &Done,
) -> io::Result<()> {
    let mut piece = vec![0; PIECE_BYTES];
    loop {
        let n_bytes = from.read(&mut piece).await?;
        if n_bytes == 0 {
            return to.shutdown().await;
        }
        if random.below(faults.one_delayed_in) == 0 {
            done.n_delayed.fetch_add(1, Ordering::Relaxed);
            sleep(faults.delay_max.mul_f64(random.unit())).await;
        }
        to.write_all(&piece[..n_bytes]).await?;
    }
}
