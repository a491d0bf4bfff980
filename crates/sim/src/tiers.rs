//! Tiers: objects below a size in one system, the others in another.

use units::{Bytes, Request};

use crate::record::Record;
use crate::run;
use crate::system::System;
use crate::workload::Workload;

/// Two systems side by side.
#[derive(Clone, Debug)]
pub struct TiersConfig {
    /// Objects whose largest request is below this are small.
    pub threshold: Bytes,
    /// Where small objects are.
    pub small: Box<System>,
    /// Where all others are.
    pub large: Box<System>,
}

/// Replays a workload on both systems, each object on one of them throughout, and adds up what
/// they did.
pub(crate) fn run_both(config: &TiersConfig, workload: &Workload<'_>, seed: u64) -> Record {
    let sizes = workload.largest_sizes();
    let is_small = |it: &&Request| sizes[it.object.index()] < config.threshold;
    let (small, large): (Vec<Request>, Vec<Request>) = workload.requests.iter().partition(is_small);
    let part = |requests| Workload::new(requests, workload.key_hashes, workload.span);
    let mut record = run(&config.small, &part(&small), seed);
    record += run(&config.large, &part(&large), seed);
    record
}
