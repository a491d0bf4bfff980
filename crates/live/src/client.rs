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

mod lanes;

use std::io;
use std::sync::{Arc, Mutex};
use std::time::Duration;

use bytes::Bytes;
use ec::{Code, Codec};
use policy::Ring;
use thiserror::Error;
use tokio::sync::Semaphore;
use tokio::time::timeout;
use wire::{NAME_LEN_MAX, Refusal};

use self::lanes::{Answer, LaneSet};
use crate::object::{Gathered, encode, off_the_async_threads};
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
    permits: Semaphore,
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
    /// How many of its chunks were lost.
    pub n_lost: usize,
}

/// How a GET ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Outcome {
    /// The object was decoded; what was lost of it has been put back.
    Hit,
    /// The object was not cached.
    Miss,
    /// It was cached, and too many of its chunks are lost.
    Reset,
}

/// Why a request failed.
#[derive(Debug, Error)]
#[non_exhaustive]
pub enum ClientError {
    /// A proxy cannot be reached.
    #[error("the proxy at {proxy} cannot be reached: {why}")]
    Unreachable {
        /// Its address.
        proxy: String,
        /// What happened.
        why: String,
    },
    /// A proxy does not let the client in, or do what it asks.
    #[error("the proxy at {proxy} refuses: {why}")]
    Refused {
        /// Its address.
        proxy: String,
        /// Why.
        why: Refusal,
    },
    /// The request took longer than it may.
    #[error("the proxy at {proxy} has not answered in full within {limit:?}")]
    Deadline {
        /// Its address.
        proxy: String,
        /// How long it had.
        limit: Duration,
    },
    /// The proxies disagree, or their code cannot be.
    #[error("the proxy at {proxy} has the code {theirs}, and the first one {ours}")]
    Code {
        /// Its address.
        proxy: String,
        /// Its code.
        theirs: String,
        /// That of the first proxy.
        ours: String,
    },
    /// The number of proxies is out of range.
    #[error("{n_proxies} proxies: give 1 to {}", Ring::N_MEMBERS_MAX)]
    Proxies {
        /// How many were given.
        n_proxies: usize,
    },
    /// The key is too long.
    #[error("a key of {n_bytes} bytes: the longest has {NAME_LEN_MAX}")]
    KeyTooLong {
        /// How long it is.
        n_bytes: usize,
    },
    /// The backing store failed.
    #[error("the backing store: {0}")]
    Store(#[from] io::Error),
    /// The system has no random numbers.
    #[error("the system has no random numbers: {0}")]
    Random(#[from] getrandom::Error),
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
        let permits = Semaphore::new(config.n_requests_max.max(1));
        let codec = Arc::new(Codec::new(code));
        Ok(Client { inner: Arc::new(Inner { config, ring, codec, idle, permits }) })
    }

    /// The code of the proxies.
    pub fn code(&self) -> Code {
        self.inner.codec.code()
    }

    /// Gets an object. Lost chunks of one that can be decoded are put back before this returns,
    /// for which there is as much time again as for the object.
    ///
    /// # Errors
    /// If the proxy cannot be reached, or refuses.
    pub async fn get(&self, key: &[u8]) -> Result<Fetched, ClientError> {
        let key = checked(key)?;
        let (fetched, version, lost) = self.fetch(&key).await?;
        if let Some(object) = fetched.object.clone().filter(|_| !lost.is_empty()) {
            // Where that fails, the next reader finds them lost, too.
            self.recover(&key, version, object, &lost).await.ok();
        }
        Ok(fetched)
    }

    /// Gets an object; also its version, and which of its chunks are lost.
    async fn fetch(&self, key: &Bytes) -> Result<(Fetched, u64, Vec<usize>), ClientError> {
        self.with_lanes(key, async |lanes| {
            let config = &self.inner.config;
            let n_chunks = self.code().n_chunks();
            let mut answers = lanes.get(config, key, (0..n_chunks).collect(), false).await?;
            let late = |it: &(usize, Answer)| matches!(it.1, Answer::Late).then_some(it.0);
            let n_here = answers.iter().filter(|it| matches!(it.1, Answer::Body(..))).count();
            let late: Vec<usize> = answers.iter().filter_map(late).collect();
            if n_here < self.code().n_data() && n_here + late.len() >= self.code().n_data() {
                // One of the first d was broken off: the late ones are needed after all.
                answers.extend(lanes.get(config, key, late, true).await?);
            }
            self.decode(lanes, answers).await
        })
        .await
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

    async fn decode(
        &self,
        lanes: &mut LaneSet,
        answers: Vec<(usize, Answer)>,
    ) -> Result<(Fetched, u64, Vec<usize>), ClientError> {
        let mut bodies = Vec::new();
        let mut lost = Vec::new();
        let mut version_read = 0;
        let mut refused = None;
        for (index, answer) in answers {
            match answer {
                Answer::Body(version, body) => {
                    version_read = version;
                    bodies.push(body);
                }
                Answer::Refused(Refusal::NotCached) => {
                    let miss = Fetched { object: None, outcome: Outcome::Miss, n_lost: 0 };
                    return Ok((miss, 0, Vec::new()));
                }
                Answer::Refused(Refusal::ChunkLost) => lost.push(index),
                Answer::Refused(why) => refused = Some(why),
                Answer::Late | Answer::Broken => {}
            }
        }
        let n_bytes = bodies.iter().map(Bytes::len).sum();
        let codec = Arc::clone(&self.inner.codec);
        let object = off_the_async_threads(n_bytes, move || {
            let mut gathered = Gathered::default();
            for body in &bodies {
                // A damaged chunk is as good as none.
                gathered.add(body).ok();
            }
            gathered.is_decodable().then(|| gathered.decode(&codec))?.ok().map(|it| it.to_bytes())
        });
        let n_lost = lost.len();
        match (object.await, refused) {
            (Some(object), _) => {
                let hit = Fetched { object: Some(object), outcome: Outcome::Hit, n_lost };
                Ok((hit, version_read, lost))
            }
            (None, Some(why)) if lost.is_empty() => {
                let proxy = lanes.proxy().to_owned();
                Err(ClientError::Refused { proxy, why })
            }
            (None, _) => {
                let reset = Fetched { object: None, outcome: Outcome::Reset, n_lost };
                Ok((reset, 0, Vec::new()))
            }
        }
    }

    /// Puts lost chunks back.
    async fn recover(
        &self,
        key: &Bytes,
        version: u64,
        object: Bytes,
        lost: &[usize],
    ) -> Result<(), ClientError> {
        let codec = Arc::clone(&self.inner.codec);
        let chunks = off_the_async_threads(object.len(), move || encode(&codec, &object)).await;
        let bodies = chunks.into_iter().enumerate().filter(|(index, _)| lost.contains(index));
        let bodies = bodies.collect();
        self.with_lanes(key, async |lanes| {
            lanes.set(&self.inner.config, key, version, bodies).await
        })
        .await
    }

    /// Lends a set of connections to the key's proxy to a request.
    async fn with_lanes<T>(
        &self,
        key: &Bytes,
        request: impl AsyncFnOnce(&mut LaneSet) -> Result<T, ClientError>,
    ) -> Result<T, ClientError> {
        let inner = &self.inner;
        let owner = inner.ring.owner(Ring::hash(key));
        let proxy = &inner.config.proxies[owner];
        let lock = || inner.idle[owner].lock().expect("nothing panics while it holds the lock");
        let asked = async {
            let _permit = inner.permits.acquire().await.expect("it is never closed");
            let idle = lock().pop();
            let mut lanes = match idle {
                Some(lanes) => lanes,
                None => LaneSet::new(proxy, self.code())?,
            };
            let outcome = request(&mut lanes).await;
            lock().push(lanes);
            outcome
        };
        let limit = inner.config.object_limit;
        let is_over = || Err(ClientError::Deadline { proxy: proxy.clone(), limit });
        timeout(limit, asked).await.unwrap_or_else(|_| is_over())
    }
}

fn checked(key: &[u8]) -> Result<Bytes, ClientError> {
    if NAME_LEN_MAX < key.len() {
        return Err(ClientError::KeyTooLong { n_bytes: key.len() });
    }
    Ok(Bytes::copy_from_slice(key))
}
