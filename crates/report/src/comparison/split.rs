//! The latency of GETs by how they ended, by what they consisted of, and by size.

use serde::{Deserialize, Serialize};
use sim::{Distribution, Latencies, N_PHASES, SIZE_CLASSES};

use super::LatencySummary;

/// How long GETs took, split; nothing of what there was none, or is not known.
#[derive(Clone, Copy, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct LatencySplit {
    /// Those that the cache served.
    pub hits: Option<LatencySummary>,
    /// Those that went to the backing store.
    pub misses: Option<LatencySummary>,
    /// What the hits consisted of, in the order of [`sim::Phases::NAMES`]. The means of the phases
    /// add up to the mean of the hits. Nothing where nobody saw the phases, as in a live run.
    pub hit_phases: Option<[LatencySummary; N_PHASES]>,
    /// The same of those that went to the backing store.
    pub miss_phases: Option<[LatencySummary; N_PHASES]>,
    /// All of them by size of the object, as [`SIZE_CLASSES`] has it.
    pub by_size: [Option<LatencySummary>; SIZE_CLASSES.len()],
}

impl From<&Latencies> for LatencySplit {
    fn from(latencies: &Latencies) -> LatencySplit {
        let Latencies { all: _, hits, misses, by_size, hits_by_size: _, hit_phases, miss_phases } =
            latencies;
        LatencySplit {
            hits: summary(hits),
            misses: summary(misses),
            hit_phases: summaries(hit_phases),
            miss_phases: summaries(miss_phases),
            by_size: by_size.each_ref().map(summary),
        }
    }
}

fn summary(distribution: &Distribution) -> Option<LatencySummary> {
    (0 < distribution.n_recorded()).then(|| LatencySummary::from(distribution))
}

fn summaries(phases: &[Distribution; N_PHASES]) -> Option<[LatencySummary; N_PHASES]> {
    let is_known = phases.iter().all(|it| 0 < it.n_recorded());
    is_known.then(|| phases.each_ref().map(LatencySummary::from))
}
