//! The client library: objects in, chunks over the wire, and objects back.
//!
//! [`Client::connect`] takes the proxies' addresses; the ring of `policy` says which of them
//! has a key. Each request uses a set of connections, one for each chunk of the code, so that a
//! slow chunk holds up no other; sets are opened as they are needed and used again.
//!
//! `examples/objects.rs` stores and gets an object by way of one proxy or several:
//!
//! ```no_run
//! # use live::client::{Client, ClientConfig};
//! # async fn example() -> Result<(), live::client::ClientError> {
//! let proxies = vec!["127.0.0.1:6378".to_owned(), "127.0.0.1:7378".to_owned()];
//! let client = Client::connect(ClientConfig::new(proxies, "token")).await?;
//! client.put(b"song", "la la".into()).await?;
//! assert_eq!(client.get(b"song").await?.object.as_deref(), Some(&b"la la"[..]));
//! # Ok(())
//! # }
//! ```

mod error;
mod gathering;
mod lanes;

use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex};
use std::time::Duration;

use bytes::Bytes;
use ec::{Code, Codec};
use policy::Ring;
use tokio::sync::{OwnedSemaphorePermit, Semaphore, watch};
use tokio::time::timeout;
use wire::{NAME_LEN_MAX, Refusal};

pub use self::error::ClientError;
use self::gathering::Gathering;
use self::lanes::{LaneSet, Round};
use crate::object::{encode, off_the_async_threads};
use crate::store::BackingStore;

/// A client of one or more proxies. Clones share their connections.
#[derive(Clone, Debug)]
pub struct Client {
    inner: Arc<Inner>,
}

#[derive(Debug)]
struct Inner {
    config: ClientConfig,
    ring: Ring,
    codec: Arc<Codec>,
    /// By proxy: sets of connections that nobody uses now.
    idle: Vec<Mutex<Vec<LaneSet>>>,
    permits: Arc<Semaphore>,
    /// Reads that were answered, and whose last chunks have not been heard of.
    n_unsettled: watch::Sender<usize>,
    n_recoveries: AtomicU64,
    n_recovered_chunks: AtomicU64,
}

/// What was found lost of objects that could be decoded all the same.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Recoveries {
    /// How often an object was found so.
    pub n_objects: u64,
    /// The chunks of them, each of which was put back, or superseded meanwhile.
    pub n_chunks: u64,
}

/// What a client goes by.
#[derive(Clone, Debug)]
pub struct ClientConfig {
    /// The proxies, as `address:port`, in an order that all clients agree on.
    pub proxies: Vec<String>,
    /// What lets it in.
    pub token: String,
    /// How long a chunk may take.
    pub request_limit: Duration,
    /// How long a request for an object may take in all, waiting for its turn included.
    pub object_limit: Duration,
    /// Requests at once; further ones wait.
    pub n_requests_max: usize,
}

/// What a GET found, and what it took.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Fetched {
    /// The object, unless it has to be fetched from where it is for good.
    pub object: Option<Bytes>,
    /// How it was found.
    pub outcome: Outcome,
    /// How many of its chunks were known to be lost by then; later ones are put back, too.
    pub n_lost: usize,
}

/// How a GET ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Outcome {
    /// The object was decoded; what is lost of it is put back.
    Hit,
    /// The object was not cached.
    Miss,
    /// It was cached, and too many of its chunks are lost.
    Reset,
}

impl ClientConfig {
    /// A client of these proxies, with the usual limits.
    pub fn new(proxies: Vec<String>, token: impl Into<String>) -> ClientConfig {
        ClientConfig {
            proxies,
            token: token.into(),
            request_limit: Duration::from_secs(15),
            object_limit: Duration::from_mins(1),
            n_requests_max: 64,
        }
    }
}

impl Client {
    /// Calls at every proxy, and learns the code.
    ///
    /// # Errors
    /// If one cannot be reached or refuses, or they have different codes.
    pub async fn connect(config: ClientConfig) -> Result<Client, ClientError> {
        let n_proxies = config.proxies.len();
        let is_possible = (1..=Ring::N_MEMBERS_MAX as usize).contains(&n_proxies);
        if !is_possible {
            return Err(ClientError::Proxies { n_proxies });
        }
        let mut code: Option<Code> = None;
        let mut idle = Vec::new();
        for proxy in &config.proxies {
            let (lanes, theirs) = LaneSet::call(proxy, &config).await?;
            let ours = *code.get_or_insert(theirs);
            if ours != theirs {
                let (theirs, ours) = (theirs.to_string(), ours.to_string());
                return Err(ClientError::Code { proxy: proxy.clone(), theirs, ours });
            }
            idle.push(Mutex::new(vec![lanes]));
        }
        let members: Vec<&str> = config.proxies.iter().map(String::as_str).collect();
        let ring = Ring::new(&members);
        let code = code.expect("there is a proxy");
        let permits = Arc::new(Semaphore::new(config.n_requests_max.max(1)));
        let codec = Arc::new(Codec::new(code));
        let inner = Inner {
            config,
            ring,
            codec,
            idle,
            permits,
            n_unsettled: watch::Sender::new(0),
            n_recoveries: AtomicU64::new(0),
            n_recovered_chunks: AtomicU64::new(0),
        };
        Ok(Client { inner: Arc::new(inner) })
    }

    /// The code of the proxies.
    pub fn code(&self) -> Code {
        self.inner.codec.code()
    }

    /// Opens connections to every proxy, so that so many requests at once find theirs open.
    ///
    /// # Errors
    /// If a proxy cannot be reached, or refuses.
    pub async fn prepare(&self, n_requests: usize) -> Result<(), ClientError> {
        let inner = &self.inner;
        for (owner, proxy) in inner.config.proxies.iter().enumerate() {
            let n_idle = inner.idle(owner).len();
            for _ in n_idle..n_requests {
                let mut lanes = LaneSet::new(proxy, self.code())?;
                lanes.open(&inner.config).await?;
                inner.give_back(owner, lanes);
            }
        }
        Ok(())
    }

    /// What was found lost so far, of objects that could be decoded.
    pub fn recoveries(&self) -> Recoveries {
        let get = |it: &AtomicU64| it.load(Ordering::Relaxed);
        let Inner { n_recoveries, n_recovered_chunks, .. } = &*self.inner;
        Recoveries { n_objects: get(n_recoveries), n_chunks: get(n_recovered_chunks) }
    }

    /// Waits until all chunks of the reads so far have been heard of, and what was found lost of
    /// them is put back.
    pub async fn settled(&self) {
        let mut n_unsettled = self.inner.n_unsettled.subscribe();
        // The sender lives in the client.
        let _ = n_unsettled.wait_for(|it| *it == 0).await;
    }

    /// Gets an object: the first d chunks to come settle it. Those that come later are heard of
    /// behind the caller's back, and lost ones put back there, for each of which there is as much
    /// time again as for the object. What is written over meanwhile is asked for anew.
    ///
    /// # Errors
    /// If the proxy cannot be reached, or refuses.
    pub async fn get(&self, key: &[u8]) -> Result<Fetched, ClientError> {
        let key = checked(key)?;
        self.within(&key, self.fetch(key.clone())).await
    }

    async fn fetch(&self, key: Bytes) -> Result<Fetched, ClientError> {
        let (permit, owner, mut lanes) = self.lend(&key).await?;
        let (mut round, gathering, object) = loop {
            let gathered = self.gather(&mut lanes, &key).await;
            let (_, gathering, object) = &gathered;
            // What was written over while it was asked for is there, and asked for anew.
            if object.is_some() || !gathering.is_superseded() {
                break gathered;
            }
        };
        let n_lost = gathering.n_lost();
        let outcome = if object.is_some() {
            Ok(Fetched { object: object.clone(), outcome: Outcome::Hit, n_lost })
        } else if gathering.is_miss() {
            Ok(Fetched { object: None, outcome: Outcome::Miss, n_lost: 0 })
        } else if let Some(why) = gathering.refusal() {
            Err(ClientError::Refused { proxy: lanes.proxy().to_owned(), why })
        } else if gathering.is_all_broken()
            && let Some(error) = round.take_failure(&lanes)
        {
            Err(error)
        } else {
            Ok(Fetched { object: None, outcome: Outcome::Reset, n_lost })
        };
        let rest = Rest { key, lanes, owner, round, gathering, object, _permit: permit };
        if rest.is_over() {
            self.inner.give_back(rest.owner, rest.lanes);
        } else {
            self.settle(rest);
        }
        outcome
    }

    /// Asks for the chunks of an object until they are enough, or cannot be.
    async fn gather(&self, lanes: &mut LaneSet, key: &Bytes) -> (Round, Gathering, Option<Bytes>) {
        let config = &self.inner.config;
        let code = self.code();
        let mut round = lanes.ask(config, key, (0..code.n_chunks()).collect(), false);
        let mut gathering = Gathering::new(code);
        let mut object = None;
        loop {
            while !gathering.is_decided()
                && let Some((index, answer)) = round.next(lanes).await
            {
                gathering.add(index, answer);
            }
            if gathering.is_miss() {
                break;
            }
            object = gathering.decode(&self.inner.codec).await;
            if object.is_some() || round.is_over() || gathering.is_reset() {
                break;
            }
            // A damaged chunk was among the first d.
            gathering.wants_one_more();
        }
        if object.is_none() && round.is_over() && gathering.can_use_late() {
            // One of the first d was broken off: the late ones are needed after all.
            round = lanes.ask(config, key, gathering.take_late(), true);
            while let Some((index, answer)) = round.next(lanes).await {
                gathering.add(index, answer);
            }
            object = gathering.decode(&self.inner.codec).await;
        }
        (round, gathering, object)
    }

    /// Hears of the chunks that are still to come, and puts back what is lost. What does not end
    /// in time is given up, with its connections: the next reader finds the same lost.
    fn settle(&self, rest: Rest) {
        let inner = Arc::clone(&self.inner);
        inner.n_unsettled.send_modify(|it| *it += 1);
        tokio::spawn(async move {
            let limit = inner.config.object_limit;
            timeout(limit * 2, inner.hear(rest)).await.ok();
            inner.n_unsettled.send_modify(|it| *it -= 1);
        });
    }

    /// Stores an object, whole or not at all. Of several at once of one key, one stays.
    ///
    /// # Errors
    /// If the proxy cannot be reached, or refuses; the object is then not cached.
    pub async fn put(&self, key: &[u8], object: Bytes) -> Result<(), ClientError> {
        let key = checked(key)?;
        let codec = Arc::clone(&self.inner.codec);
        let chunks = off_the_async_threads(object.len(), move || encode(&codec, &object)).await;
        self.with_lanes(&key, async |lanes| {
            let bodies = chunks.into_iter().enumerate().collect();
            match lanes.set(&self.inner.config, &key, 0, bodies).await {
                // Superseded: as if this write had been done just before the newer one.
                Ok(()) | Err(ClientError::Refused { why: Refusal::Superseded, .. }) => Ok(()),
                Err(error) => {
                    // What the proxy has of it is not to wait for what will not come.
                    lanes.delete(&self.inner.config, &key).await.ok();
                    Err(error)
                }
            }
        })
        .await
    }

    /// Deletes an object. Whether it was cached.
    ///
    /// # Errors
    /// If the proxy cannot be reached, or refuses.
    pub async fn delete(&self, key: &[u8]) -> Result<bool, ClientError> {
        let key = checked(key)?;
        self.with_lanes(&key, async |lanes| lanes.delete(&self.inner.config, &key).await).await
    }

    /// Gets an object, from the backing store where the cache has it not, or has lost it; it
    /// is then cached (again). A cache that fails is done without.
    ///
    /// # Errors
    /// If the backing store fails.
    pub async fn get_through(
        &self,
        store: &impl BackingStore,
        key: &[u8],
    ) -> Result<Fetched, ClientError> {
        let fetched = match self.get(key).await {
            Ok(fetched @ Fetched { object: Some(_), .. }) => return Ok(fetched),
            Ok(fetched) => fetched,
            Err(error @ ClientError::KeyTooLong { .. }) => return Err(error),
            Err(_) => Fetched { object: None, outcome: Outcome::Reset, n_lost: 0 },
        };
        let object = store.get(key).await?;
        if let Some(object) = &object {
            // The object is there for the caller, whether or not the cache takes it.
            self.put(key, object.clone()).await.ok();
        }
        Ok(Fetched { object, ..fetched })
    }

    /// Stores an object in the backing store, and then in the cache.
    ///
    /// What the cache had of it is deleted before. Two who do this at once with one key, or one
    /// who does while another fetches it through, have to take turns by themselves: the cache
    /// keeps what came last to it, which need not be what came last to the store.
    ///
    /// # Errors
    /// If the backing store fails, or the cache cannot be told that what it has is old. The object
    /// may be stored then, or not; this may be done again.
    pub async fn put_through(
        &self,
        store: &impl BackingStore,
        key: &[u8],
        object: Bytes,
    ) -> Result<(), ClientError> {
        // A reader in between finds what the store has, not what the cache still had; and one
        // that comes later must not find it, either, should the cache not take the new one.
        self.delete(key).await?;
        store.put(key, object.clone()).await?;
        if self.put(key, object).await.is_err() {
            self.delete(key).await?;
        }
        Ok(())
    }

    /// Lends a set of connections to the key's proxy to a request.
    async fn with_lanes<T>(
        &self,
        key: &Bytes,
        request: impl AsyncFnOnce(&mut LaneSet) -> Result<T, ClientError>,
    ) -> Result<T, ClientError> {
        let asked = async {
            let (_permit, owner, mut lanes) = self.lend(key).await?;
            let outcome = request(&mut lanes).await;
            self.inner.give_back(owner, lanes);
            outcome
        };
        self.within(key, asked).await
    }

    /// Gives a request for an object as long as one may take in all.
    async fn within<T>(
        &self,
        key: &Bytes,
        request: impl Future<Output = Result<T, ClientError>>,
    ) -> Result<T, ClientError> {
        let ClientConfig { object_limit: limit, proxies, .. } = &self.inner.config;
        timeout(*limit, request).await.unwrap_or_else(|_| {
            let proxy = proxies[self.inner.ring.owner(Ring::hash(key))].clone();
            Err(ClientError::Deadline { proxy, limit: *limit })
        })
    }

    /// A set of connections to the key's proxy, and which that is.
    async fn lend(
        &self,
        key: &Bytes,
    ) -> Result<(OwnedSemaphorePermit, usize, LaneSet), ClientError> {
        let inner = &self.inner;
        let permits = Arc::clone(&inner.permits);
        let permit = permits.acquire_owned().await.expect("it is never closed");
        let owner = inner.ring.owner(Ring::hash(key));
        let idle = inner.idle(owner).pop();
        let lanes = match idle {
            Some(lanes) => lanes,
            None => LaneSet::new(&inner.config.proxies[owner], self.code())?,
        };
        Ok((permit, owner, lanes))
    }
}

/// A read that was answered, and what it still has under way.
struct Rest {
    key: Bytes,
    lanes: LaneSet,
    owner: usize,
    round: Round,
    gathering: Gathering,
    object: Option<Bytes>,
    /// So that what is left of reads counts among the requests at once.
    _permit: OwnedSemaphorePermit,
}

impl Rest {
    /// Whether nothing is to come, and nothing to be put back.
    fn is_over(&self) -> bool {
        self.round.is_over() && (self.object.is_none() || self.gathering.n_lost() == 0)
    }
}

impl Inner {
    fn idle(&self, owner: usize) -> std::sync::MutexGuard<'_, Vec<LaneSet>> {
        self.idle[owner].lock().expect("nothing panics while it holds the lock")
    }

    fn give_back(&self, owner: usize, lanes: LaneSet) {
        self.idle(owner).push(lanes);
    }

    /// Hears of what a read still has under way, and puts back what is lost of its object.
    async fn hear(&self, rest: Rest) {
        let Rest { key, mut lanes, owner, mut round, mut gathering, object, _permit } = rest;
        while let Some((index, answer)) = round.next(&mut lanes).await {
            gathering.add(index, answer);
        }
        if let Some(object) = object {
            self.recover(&mut lanes, &key, &gathering, object).await;
        }
        self.give_back(owner, lanes);
    }

    /// Puts lost chunks back.
    async fn recover(
        &self,
        lanes: &mut LaneSet,
        key: &Bytes,
        gathering: &Gathering,
        object: Bytes,
    ) {
        let lost = gathering.lost();
        if lost.is_empty() {
            return;
        }
        self.n_recoveries.fetch_add(1, Ordering::Relaxed);
        self.n_recovered_chunks.fetch_add(lost.len() as u64, Ordering::Relaxed);
        let codec = Arc::clone(&self.codec);
        let chunks = off_the_async_threads(object.len(), move || encode(&codec, &object)).await;
        let bodies = chunks.into_iter().enumerate().filter(|(index, _)| lost.contains(index));
        lanes.set(&self.config, key, gathering.version(), bodies.collect()).await.ok();
    }
}

fn checked(key: &[u8]) -> Result<Bytes, ClientError> {
    if NAME_LEN_MAX < key.len() {
        return Err(ClientError::KeyTooLong { n_bytes: key.len() });
    }
    Ok(Bytes::copy_from_slice(key))
}
