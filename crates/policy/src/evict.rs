//! Which object leaves a full cache: the contract, and one file per policy.

mod belady;
mod chain;
mod clock;
mod fifo;
mod lfu;
mod lru;
mod s3_fifo;
mod sieve;

use std::{fmt, str};

use units::{Bytes, ObjectId};

pub use self::belady::{Belady, next_uses};
pub use self::clock::Clock;
pub use self::fifo::Fifo;
pub use self::lfu::Lfu;
pub use self::lru::Lru;
pub use self::s3_fifo::S3Fifo;
pub use self::sieve::Sieve;

/// One access to an object, as a policy may see it.
#[derive(Clone, Copy, Debug)]
pub struct Access {
    /// Which object.
    pub object: ObjectId,
    /// Its size.
    pub size: Bytes,
    /// When it is read next, as the number of a later request, or [`Access::NEVER`].
    ///
    /// Only [`Belady`], which is a bound and not a policy one could run, looks at it; see
    /// [`next_uses`]. Everyone else passes and gets `NEVER`.
    pub next_use: u32,
}

impl Access {
    /// No later request reads the object, or none that anyone has told us of.
    pub const NEVER: u32 = u32::MAX;
}

/// Chooses what leaves a full cache.
///
/// The cache reports every insertion, hit and removal; the policy keeps only what it needs to
/// choose. It does no capacity arithmetic: how much must go is the cache's concern, which
/// object goes next is the policy's. Ids are dense and below the count given at construction.
pub trait Evict {
    /// The object entered the cache. THE CALLER GUARANTEES that it was not there before.
    fn insert(&mut self, access: Access);

    /// The object, WHICH IS IN THE CACHE, was read.
    fn touch(&mut self, access: Access);

    /// The object, WHICH IS IN THE CACHE, left it for a reason that was not the policy's.
    fn remove(&mut self, object: ObjectId);

    /// Takes out the object to evict next, or `None` where the cache is empty.
    fn evict(&mut self) -> Option<ObjectId>;
}

impl<P: Evict + ?Sized> Evict for Box<P> {
    fn insert(&mut self, access: Access) {
        (**self).insert(access);
    }

    fn touch(&mut self, access: Access) {
        (**self).touch(access);
    }

    fn remove(&mut self, object: ObjectId) {
        (**self).remove(object);
    }

    fn evict(&mut self) -> Option<ObjectId> {
        (**self).evict()
    }
}

/// The policies by name.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum EvictionPolicy {
    /// Least recently used.
    Lru,
    /// First in, first out.
    Fifo,
    /// FIFO with a second chance for what was read meanwhile.
    Clock,
    /// Least frequently used since it entered; among equals the least recently used.
    Lfu,
    /// SIEVE (Zhang et al., NSDI'24).
    Sieve,
    /// S3-FIFO (Yang et al., SOSP'23).
    S3Fifo,
    /// The object read furthest in the future: a bound that no real cache can reach.
    Belady,
}

impl EvictionPolicy {
    /// Every policy, in the order in which help texts name them.
    pub const ALL: [EvictionPolicy; 7] = [
        EvictionPolicy::Lru,
        EvictionPolicy::Fifo,
        EvictionPolicy::Clock,
        EvictionPolicy::Lfu,
        EvictionPolicy::Sieve,
        EvictionPolicy::S3Fifo,
        EvictionPolicy::Belady,
    ];

    /// The name that [`str::parse`] reads.
    pub const fn name(self) -> &'static str {
        match self {
            EvictionPolicy::Lru => "lru",
            EvictionPolicy::Fifo => "fifo",
            EvictionPolicy::Clock => "clock",
            EvictionPolicy::Lfu => "lfu",
            EvictionPolicy::Sieve => "sieve",
            EvictionPolicy::S3Fifo => "s3-fifo",
            EvictionPolicy::Belady => "belady",
        }
    }

    /// A fresh policy of this kind for a cache of `capacity` over `n_objects` ids.
    pub fn build(self, n_objects: usize, capacity: Bytes) -> Box<dyn Evict> {
        match self {
            EvictionPolicy::Lru => Box::new(Lru::new(n_objects)),
            EvictionPolicy::Fifo => Box::new(Fifo::new(n_objects)),
            EvictionPolicy::Clock => Box::new(Clock::new(n_objects)),
            EvictionPolicy::Lfu => Box::new(Lfu::new(n_objects)),
            EvictionPolicy::Sieve => Box::new(Sieve::new(n_objects)),
            EvictionPolicy::S3Fifo => Box::new(S3Fifo::new(n_objects, capacity)),
            EvictionPolicy::Belady => Box::new(Belady::new(n_objects)),
        }
    }
}

/// A name that is no policy's.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error(
    "no eviction policy is called `{0}`; write one of lru, fifo, clock, lfu, sieve, s3-fifo, belady"
)]
pub struct UnknownPolicy(String);

impl str::FromStr for EvictionPolicy {
    type Err = UnknownPolicy;

    fn from_str(text: &str) -> Result<EvictionPolicy, UnknownPolicy> {
        let lower = text.trim().to_ascii_lowercase();
        let name = if lower == "s3fifo" { "s3-fifo" } else { lower.as_str() };
        let found = EvictionPolicy::ALL.into_iter().find(|it| it.name() == name);
        found.ok_or_else(|| UnknownPolicy(text.to_owned()))
    }
}

impl fmt::Display for EvictionPolicy {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(self.name())
    }
}

#[cfg(test)]
mod tests;
