//! Readers and writers that know what every object has to be.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::{Duration, Instant};

use bytes::Bytes;
use des::{Stream, Streams};
use live::store::{BackingStore, FileStore};
use twox_hash::XxHash3_64;

use crate::door::{Answered, Door};

/// What all clients of a load have in common.
pub(crate) struct Load {
    pub(crate) store: FileStore,
    /// Objects that never change, which all read.
    pub(crate) n_shared: u64,
    /// Objects of each client, which it alone reads and writes.
    pub(crate) n_owned: u64,
    pub(crate) object_bytes_max: usize,
    /// How long a client rests on average after each request.
    pub(crate) pause_mean: Duration,
    /// How long a GET may take, the store's part of it included.
    pub(crate) deadline: Duration,
    pub(crate) is_over: AtomicBool,
    pub(crate) seed: u64,
}

/// What a client met with.
#[derive(Debug, Default)]
pub(crate) struct Tally {
    pub(crate) n_whole: u64,
    pub(crate) n_recovered: u64,
    pub(crate) n_misses: u64,
    pub(crate) n_resets: u64,
    pub(crate) n_puts: u64,
    /// Those that said they failed.
    pub(crate) n_puts_failed: u64,
    pub(crate) n_deletes: u64,
    pub(crate) read_bytes: u64,
    /// How long each GET took.
    pub(crate) latencies: Vec<Duration>,
    /// What must not have been: wrong bytes, and deadlines that passed.
    pub(crate) faults: Vec<String>,
}

/// A client's own objects, by what is in the store of each: its version.
type Versions = BTreeMap<u64, u64>;

impl Load {
    /// Puts what all share in its place.
    pub(crate) async fn prepare(&self, door: &mut Door) -> Result<(), String> {
        for number in 0..self.n_shared {
            let name = format!("shared {number}");
            let object = object(&name, 0, self.size(&name));
            door.put(&self.store, name.as_bytes(), object).await?;
        }
        Ok(())
    }

    /// Reads and writes until the load is over.
    pub(crate) async fn run(self: Arc<Load>, client: u64, mut door: Door) -> Tally {
        let mut random = Streams::new(self.seed).named(&format!("client {client}"));
        let mut versions = Versions::new();
        let mut tally = Tally::default();
        while !self.is_over.load(Ordering::Relaxed) {
            self.step(client, &mut door, &mut random, &mut versions, &mut tally).await;
            tokio::time::sleep(self.pause_mean.mul_f64(random.exponential())).await;
        }
        tally
    }

    async fn step(
        &self,
        client: u64,
        door: &mut Door,
        random: &mut Stream,
        versions: &mut Versions,
        tally: &mut Tally,
    ) {
        let pick = |random: &mut Stream, n: u64| random.bits() % n;
        let owned = pick(random, self.n_owned);
        let owned_name = format!("client {client} object {owned}");
        match random.below(20) {
            0..10 => {
                let name = format!("shared {}", pick(random, self.n_shared));
                self.get(door, &name, Some(0), tally).await;
            }
            10..14 => {
                self.get(door, &owned_name, versions.get(&owned).copied(), tally).await;
            }
            14..18 => {
                let version = versions.get(&owned).map_or(1, |it| it + 1);
                let object = object(&owned_name, version, self.size(&owned_name));
                let key = owned_name.as_bytes();
                tally.n_puts += 1;
                let is_stored = door.put(&self.store, key, object.clone()).await.is_ok();
                tally.n_puts_failed += u64::from(!is_stored);
                // The store is the truth.
                if is_stored || self.store.get(key).await.ok().flatten() == Some(object) {
                    versions.insert(owned, version);
                }
            }
            18 => {
                tally.n_deletes += 1;
                // It is gone from the cache, or not: the object is the same.
                door.delete(owned_name.as_bytes()).await.ok();
            }
            _ => self.get(door, "never stored", None, tally).await,
        }
    }

    /// Gets an object, and sees that it is the one it should be, in time.
    async fn get(&self, door: &mut Door, name: &str, version: Option<u64>, tally: &mut Tally) {
        let began = Instant::now();
        let outcome = door.get(&self.store, name.as_bytes()).await;
        let took = began.elapsed();
        tally.latencies.push(took);
        if self.deadline < took {
            tally.faults.push(format!("{name}: took {took:?}"));
        }
        let (found, answered) = match outcome {
            Ok(found) => found,
            Err(why) => return tally.faults.push(format!("{name}: {why}")),
        };
        match answered {
            Answered::Whole => tally.n_whole += 1,
            Answered::Recovered => tally.n_recovered += 1,
            Answered::Miss => tally.n_misses += 1,
            Answered::Reset => tally.n_resets += 1,
        }
        tally.read_bytes += found.as_ref().map_or(0, |it| it.len() as u64);
        let sum = |object: &Bytes| (object.len(), XxHash3_64::oneshot(object));
        let expect = version.map(|it| sum(&object(name, it, self.size(name))));
        let found = found.as_ref().map(sum);
        if found != expect {
            let what = format!("{name}, version {version:?}: {found:?}, not {expect:?}");
            tally.faults.push(format!("{what}, by {answered:?}"));
        }
    }

    /// How large an object is: from 1 kB up, each doubling as often as the others.
    fn size(&self, name: &str) -> usize {
        let hash = XxHash3_64::oneshot(name.as_bytes());
        let n_doublings = (self.object_bytes_max / 1000).max(1).ilog2() + 1;
        let doublings = u32::try_from(hash % u64::from(n_doublings)).expect("at most 64");
        // Not all even.
        (1000 << doublings) - usize::from(hash.to_le_bytes()[7])
    }
}

impl Tally {
    pub(crate) fn add(&mut self, other: Tally) {
        self.n_whole += other.n_whole;
        self.n_recovered += other.n_recovered;
        self.n_misses += other.n_misses;
        self.n_resets += other.n_resets;
        self.n_puts += other.n_puts;
        self.n_puts_failed += other.n_puts_failed;
        self.n_deletes += other.n_deletes;
        self.read_bytes += other.read_bytes;
        self.latencies.extend(other.latencies);
        self.faults.extend(other.faults);
    }
}

/// An object whose bytes follow from its name and version.
pub(crate) fn object(name: &str, version: u64, n_bytes: usize) -> Bytes {
    let mut state = XxHash3_64::oneshot_with_seed(version, name.as_bytes());
    let mut bytes = Vec::with_capacity(n_bytes + 8);
    while bytes.len() < n_bytes {
        state = state.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1);
        bytes.extend_from_slice(&state.rotate_left(23).to_le_bytes());
    }
    bytes.truncate(n_bytes);
    bytes.into()
}
