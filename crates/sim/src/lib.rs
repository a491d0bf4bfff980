//! The models (ElastiCache, the object store, InfiniCache, tiers of them) and the run of one on a
//! workload.
//!
//! A [`System`] is what to model, checked; [`run`] replays a [`Workload`] on it and yields a
//! [`Record`]: counts, usage and latencies, hour by hour. A record holds no dollars: `pricing`
//! makes them from its usage, so that it can be priced again. [`availability`] is the paper's
//! closed form for the loss of objects.
//!
//! A run is single-threaded, draws only from streams named after their purpose, and cannot
//! fail: whatever can be wrong with a system is found when it is read.

pub mod availability;
mod counts;
mod elasticache;
mod faas;
mod infinicache;
mod latency;
pub mod microbenchmark;
mod network;
mod objstore;
mod profile;
mod record;
mod system;
mod tiers;
mod workload;

pub use crate::counts::Counts;
pub use crate::elasticache::{ElastiCacheConfig, Serving};
pub use crate::faas::InstancePick;
pub use crate::infinicache::{InfiniCacheConfig, OlderCopies};
pub use crate::latency::{Distribution, Latencies, N_PHASES, Phases, SIZE_CLASSES};
pub use crate::objstore::{ObjectStoreConfig, charge_storage};
pub use crate::profile::{
    Burst, CodecProfile, FunctionProfile, NetworkProfile, ObjectStoreProfile, Profile,
    ProfileError, Rate, Returning, ServerProfile,
};
pub use crate::record::{Hour, Outcome, Record};
pub use crate::system::{Surroundings, System, SystemError, SystemKind, parse_code};
pub use crate::tiers::TiersConfig;
pub use crate::workload::Workload;

/// Replays `workload` on `system`, with the randomness that `seed` names.
pub fn run(system: &System, workload: &Workload<'_>, seed: u64) -> Record {
    match &system.kind {
        SystemKind::ElastiCache(config) => elasticache::run(config, workload, seed),
        SystemKind::InfiniCache(config) => infinicache::run(config, workload, seed),
        SystemKind::ObjectStore(config) => objstore::run(config, workload, seed),
        SystemKind::Tiers(config) => tiers::run_both(config, workload, seed),
    }
}

#[cfg(test)]
mod tests;
