//! The object store: first byte plus throughput, alone or behind a cache.

pub(crate) mod stored;

use des::{Stream, Streams};
use pricing::StoreUsage;
use units::{Bytes, Nanos, Op};

use crate::latency::Phases;
use crate::profile::ObjectStoreProfile;
use crate::record::{Outcome, Record};
use crate::workload::Workload;

/// The object store as a system of its own: no cache at all.
#[derive(Clone, Debug)]
pub struct ObjectStoreConfig {
    /// How it answers.
    pub profile: ObjectStoreProfile,
}

/// An object store that answers reads.
#[derive(Clone, Debug)]
pub(crate) struct ObjectStore {
    profile: ObjectStoreProfile,
    stream: Stream,
}

impl ObjectStore {
    /// The store of a run. Every system of one seed meets the same sequence of delays.
    pub(crate) fn new(profile: &ObjectStoreProfile, streams: Streams) -> ObjectStore {
        ObjectStore { profile: profile.clone(), stream: streams.named("object-store") }
    }

    /// How long the next read takes: a log-normal time to the first byte, and the transfer.
    pub(crate) fn read(&mut self, size: Bytes) -> Nanos {
        let ObjectStoreProfile { first_byte_s_p50, first_byte_log_deviation, transfer, .. } =
            &self.profile;
        let deviation = first_byte_log_deviation * self.stream.normal();
        let first_byte = Nanos::from_seconds_f64(first_byte_s_p50 * libm::exp(deviation));
        first_byte + transfer.time(size)
    }
}

/// Replays a workload without a cache. Nothing queues in the store, so that no event has to
/// wait for another.
pub(crate) fn run(config: &ObjectStoreConfig, workload: &Workload<'_>, seed: u64) -> Record {
    let mut record = Record::new(workload.span);
    let mut store = ObjectStore::new(&config.profile, Streams::new(seed));
    for request in workload.requests {
        match request.op {
            Op::Get => {
                let object_store = store.read(request.size);
                let phases = Phases { object_store, ..Phases::default() };
                record.settle_phases(request, Outcome::Hit, &phases);
                record.hour(request.at).usage.store_serving.n_gets += 1;
            }
            Op::Put => {
                record.note_put(request.at, request.size).usage.store_serving.n_puts += 1;
            }
            Op::Delete => {
                record.hour(request.at).counts.n_deletes += 1;
                record.hour(request.at).usage.store_serving.n_deletes += 1;
            }
        }
    }
    charge_storage(&mut record, workload, |usage| &mut usage.store_serving);
    record
}

/// Adds what the store keeps, hour by hour: each object from when it is first written, or from the
/// start of the trace where it is read before that, until it is deleted.
pub fn charge_storage(
    record: &mut Record,
    workload: &Workload<'_>,
    purpose: impl Fn(&mut pricing::Usage) -> &mut StoreUsage,
) {
    let stored = workload.stored_byte_ns();
    assert_eq!(record.hours.len(), stored.len(), "the spans differ");
    for (hour, byte_ns) in record.hours.iter_mut().zip(stored) {
        purpose(&mut hour.usage).stored_byte_ns += byte_ns;
    }
}
