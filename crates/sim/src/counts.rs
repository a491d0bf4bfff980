//! What a run counts.

use std::ops;

use units::{Bytes, Nanos, Ratio};

/// The events of a run, or of one hour of it.
///
/// Every GET is exactly one of hit, compulsory miss, capacity miss and RESET.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Counts {
    /// Reads.
    pub n_gets: u64,
    /// Writes that the trace asks for; those that follow a miss are not among them.
    pub n_puts: u64,
    /// Removals that the trace asks for.
    pub n_deletes: u64,
    /// GETs served by the cache; for the object store alone, all GETs.
    pub n_hits: u64,
    /// GETs of an object that was not written or read before, or was deleted since.
    pub n_compulsory_misses: u64,
    /// GETs of an object that was evicted before, or that never fitted into the cache.
    pub n_capacity_misses: u64,
    /// GETs of an object that was cached, and of which more chunks were lost to reclamation
    /// than the parity makes up for (FAST'20 section 5.2).
    pub n_resets: u64,
    /// GETs that found some chunks lost, and could be served by the others. The lost chunks are
    /// stored again.
    pub n_recoveries: u64,
    /// The chunks that were stored again.
    pub n_recovered_chunks: u64,
    /// Objects evicted to make room.
    pub n_evictions: u64,
    /// Function instances taken back by the platform.
    pub n_reclaims: u64,
    /// Function invocations.
    pub n_invocations: u64,
    /// Requests that the cache failed, which no model does; reads among them are RESETs, too.
    pub n_failed: u64,
    /// Invocations that the platform ended because they ran for as long as one may.
    pub n_timeouts: u64,
    /// Cached objects of which too many chunks were lost, whether or not anyone asked for them.
    pub n_objects_lost: u64,
    /// How long cached objects could be decoded, in object-seconds.
    pub intact_object_s: u64,
    /// How long functions were busy with orders, together.
    pub busy: Nanos,
    /// What backups copied to peer replicas.
    pub synced_bytes: Bytes,
    /// What the writes of the trace brought.
    pub written_bytes: Bytes,
    /// What the GETs asked for.
    pub requested_bytes: Bytes,
    /// What of it the cache served.
    pub hit_bytes: Bytes,
    /// What of it the compulsory misses asked for.
    pub compulsory_bytes: Bytes,
    /// The most by which the chunks placed on a function ever were more than its memory, so far.
    /// The reference does not look at sizes where one object makes way for another, nor where one
    /// is written again; a real function would have failed.
    pub overcommitted_max: Bytes,
}

impl Counts {
    /// Hits among all GETs, compulsory misses included.
    pub fn hit_ratio(&self) -> Ratio {
        Ratio::new(self.n_hits, self.n_gets)
    }

    /// The same by bytes.
    pub fn byte_hit_ratio(&self) -> Ratio {
        Ratio::new(self.hit_bytes.get(), self.requested_bytes.get())
    }

    /// Hits among the GETs that any cache could have served: compulsory misses are left out.
    pub fn hit_ratio_without_compulsory(&self) -> Ratio {
        Ratio::new(self.n_hits, self.n_gets - self.n_compulsory_misses)
    }

    /// The same by bytes.
    pub fn byte_hit_ratio_without_compulsory(&self) -> Ratio {
        let bytes = self.requested_bytes - self.compulsory_bytes;
        Ratio::new(self.hit_bytes.get(), bytes.get())
    }

    /// GETs of objects that were cached before and are no longer, be it that too many chunks
    /// were lost or that they were evicted: what the RESETs of FAST'20 Fig 14 count, whose
    /// number is all that its Table 1 has between the hits and the first reads (MODEL.md).
    pub fn n_reads_again(&self) -> u64 {
        self.n_resets + self.n_capacity_misses
    }

    /// How long a cached object lasts on average until too many of its chunks are lost, in
    /// hours; `None` if none was lost.
    pub fn time_to_object_loss_h_mean(&self) -> Option<f64> {
        let hours = self.intact_object_s as f64 / 3600.0;
        (self.n_objects_lost != 0).then(|| hours / self.n_objects_lost as f64)
    }

    /// Hits among the GETs that would have been hits if nothing were ever reclaimed
    /// (FAST'20 section 5.2: 1 - RESETs / hits, up to the base).
    pub fn availability(&self) -> Ratio {
        Ratio::new(self.n_hits, self.n_hits + self.n_resets)
    }
}

impl ops::AddAssign for Counts {
    fn add_assign(&mut self, rhs: Counts) {
        let Counts {
            n_gets,
            n_puts,
            n_deletes,
            n_hits,
            n_compulsory_misses,
            n_capacity_misses,
            n_resets,
            n_recoveries,
            n_recovered_chunks,
            n_evictions,
            n_reclaims,
            n_invocations,
            n_failed,
            n_timeouts,
            n_objects_lost,
            intact_object_s,
            busy,
            synced_bytes,
            written_bytes,
            requested_bytes,
            hit_bytes,
            compulsory_bytes,
            overcommitted_max,
        } = rhs;
        self.n_gets += n_gets;
        self.n_puts += n_puts;
        self.n_deletes += n_deletes;
        self.n_hits += n_hits;
        self.n_compulsory_misses += n_compulsory_misses;
        self.n_capacity_misses += n_capacity_misses;
        self.n_resets += n_resets;
        self.n_recoveries += n_recoveries;
        self.n_recovered_chunks += n_recovered_chunks;
        self.n_evictions += n_evictions;
        self.n_reclaims += n_reclaims;
        self.n_invocations += n_invocations;
        self.n_failed += n_failed;
        self.n_timeouts += n_timeouts;
        self.n_objects_lost += n_objects_lost;
        self.intact_object_s += intact_object_s;
        self.busy += busy;
        self.synced_bytes += synced_bytes;
        self.written_bytes += written_bytes;
        self.requested_bytes += requested_bytes;
        self.hit_bytes += hit_bytes;
        self.compulsory_bytes += compulsory_bytes;
        self.overcommitted_max = self.overcommitted_max.max(overcommitted_max);
    }
}
