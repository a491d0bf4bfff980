//! A replay on the real cache, and its result in the simulator's own form.

use std::collections::BTreeSet;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use anyhow::bail;
use bytes::Bytes;
use live::client::Client;
use live::made::{MadeStore, StoreTerms};
use live::platform::local::InvocationRecord;
use live::replay::{Pace, ReadOutcome, ReplayPlan, Replayed};
use pricing::{FunctionUsage, Usage};
use report::comparison::{Comparison, SystemSummary, TraceSummary};
use sim::{ObjectStoreProfile, Outcome, Profile, Record, Workload, charge_storage};
use trace::Trace;
use units::{Nanos, Op, Request, Time};

use crate::args::{DEFAULT_PROFILE, TraceArgs};
use crate::experiment::{Experiment, hash_of, profile_of};
use crate::live_args::{PaceArgs, StoreChoice};
use crate::live_control::Bill;
use crate::live_pool::Interrupt;
use crate::{progress, replay, trace_input};

/// How many requests may be under way at once, each on connections of its own.
pub(crate) const N_AT_ONCE_MAX: usize = 256;

/// How much the objects of requests that are under way may have together. This process holds an
/// object about three times: as it is made, in chunks, and as the proxy hands these on.
pub(crate) const BYTES_AT_ONCE_MAX: units::Bytes = units::Bytes::megabytes(500);

/// The requests that are made, with what a replay must know of their objects.
pub(crate) struct LiveInput {
    pub(crate) requests: Vec<Request>,
    pub(crate) keys: Vec<Bytes>,
    pub(crate) key_hashes: Vec<u64>,
    /// How long the run lasts: to the last request, or as long as was asked for.
    pub(crate) span: Nanos,
    pub(crate) hash: String,
}

impl LiveInput {
    /// The part of a trace that is replayed, at the times that it is.
    pub(crate) fn load(
        args: &TraceArgs,
        pace: &PaceArgs,
        experiment: &Experiment,
    ) -> anyhow::Result<LiveInput> {
        let input = trace_input::load(&experiment.trace, &args.read, &experiment.selection)?;
        trace_input::say_of_replay(&experiment.trace, &input.trace);
        let mut live = LiveInput::of(&input.trace, input.span);
        if let Some(limit) = pace.limit
            && limit.get() < live.requests.len()
        {
            live.requests.truncate(limit.get());
            live.span = live.requests.last().map_or(Nanos::ZERO, |it| Time::START.until(it.at));
        }
        let faster = |it: Nanos| Nanos::from_seconds_f64(it.as_seconds_f64() / pace.speed);
        for request in &mut live.requests {
            request.at = Time::START + faster(Time::START.until(request.at));
        }
        live.span = faster(live.span);
        Ok(live)
    }

    fn of(trace: &Trace, span: Nanos) -> LiveInput {
        let objects = || (0_u32..).take(trace.n_objects()).map(units::ObjectId);
        LiveInput {
            requests: trace.requests().to_vec(),
            keys: objects().map(|it| Bytes::copy_from_slice(&trace.key(it))).collect(),
            key_hashes: replay::key_hashes(trace),
            span,
            hash: trace.hash().to_string(),
        }
    }

    /// The same as what a model is asked.
    pub(crate) fn workload(&self) -> Workload<'_> {
        let LiveInput { requests, key_hashes, span, .. } = self;
        Workload::new(requests, key_hashes, *span)
    }

    /// How large the objects that are asked for are on average.
    pub(crate) fn size_mean(&self) -> units::Bytes {
        let total: units::Bytes = self.requests.iter().map(|it| it.size).sum();
        units::Bytes::new(total.get() / (self.requests.len() as u64).max(1))
    }

    /// The same on a clock that began so much earlier.
    pub(crate) fn later(mut self, lead: Nanos) -> LiveInput {
        for request in &mut self.requests {
            request.at = request.at + lead;
        }
        self.span += lead;
        self
    }

    fn summary(&self) -> TraceSummary {
        let objects: BTreeSet<_> = self.requests.iter().map(|it| it.object).collect();
        let gets = self.requests.iter().filter(|it| it.op == Op::Get);
        TraceSummary {
            n_requests: self.requests.len() as u64,
            n_objects: objects.len() as u64,
            requested_bytes: gets.map(|it| it.size).sum(),
            unique_bytes: self.workload().unique_bytes(),
            span: self.span,
        }
    }
}

/// What invocations were billed.
pub(crate) enum Billed {
    /// One by one, on a clock that began with the run; and what else happened in it.
    Each { invocations: Vec<InvocationRecord>, reclaims: Vec<Nanos>, n_evictions: u64 },
    /// Hour by hour from the beginning of the run, as a cache that goes on running says.
    ByHour(Vec<Bill>),
}

/// A store whose objects are made from their keys, and which answers as the profile says.
pub(crate) fn store(choice: StoreChoice) -> anyhow::Result<Arc<MadeStore>> {
    Ok(Arc::new(MadeStore::new(terms(choice)?)))
}

/// How the store answers.
pub(crate) fn terms(choice: StoreChoice) -> anyhow::Result<StoreTerms> {
    let (profile, _) = profile_of(DEFAULT_PROFILE)?;
    Ok(match choice {
        StoreChoice::Instant => StoreTerms::INSTANT,
        StoreChoice::Measured => terms_of(&profile, "measured"),
        StoreChoice::Fast20 => terms_of(&profile, "fast20"),
    })
}

fn terms_of(profile: &Profile, name: &str) -> StoreTerms {
    let found = profile.object_stores.iter().find(|it| it.name == name);
    let ObjectStoreProfile { first_byte_s_p50, transfer, .. } =
        found.expect("the embedded profile has both");
    let gigabyte = units::Bytes::megabytes(1_000);
    StoreTerms {
        first_byte: Nanos::from_seconds_f64(*first_byte_s_p50),
        seconds_per_byte: transfer.time(gigabyte).as_seconds_f64() / gigabyte.get() as f64,
    }
}

/// Makes the requests; nothing if that was interrupted.
pub(crate) async fn drive(
    client: &Client,
    store: &Arc<MadeStore>,
    input: &LiveInput,
    pace: Pace,
    interrupt: &Interrupt,
) -> Option<Replayed> {
    let n_done = Arc::new(AtomicU64::new(0));
    let bar = progress::requests_bar(input.requests.len(), "replaying");
    let plan = ReplayPlan {
        requests: input.requests.clone(),
        keys: input.keys.clone(),
        pace,
        n_at_once_max: N_AT_ONCE_MAX,
        bytes_at_once_max: BYTES_AT_ONCE_MAX,
        n_done: Arc::clone(&n_done),
    };
    let watched = async {
        loop {
            bar.set_position(n_done.load(Ordering::Relaxed));
            tokio::time::sleep(Duration::from_millis(200)).await;
        }
    };
    let replayed = tokio::select! {
        replayed = live::replay::replay(client, store, plan) => Some(replayed),
        () = interrupt.heard() => None,
        () = watched => None,
    };
    bar.finish_and_clear();
    replayed
}

/// What happened and what was used, as a model would have noted it. What a proxy does not see
/// (objects lost that nobody asks for) is not in it.
pub(crate) fn record(
    experiment: &Experiment,
    input: &LiveInput,
    replayed: &Replayed,
    billed: &Billed,
) -> Record {
    let mut record = Record::new(input.span);
    for read in &replayed.reads {
        let request = Request { at: Time::START + read.at, ..input.requests[read.number] };
        let outcome = match read.outcome {
            ReadOutcome::Hit => Outcome::Hit,
            ReadOutcome::CompulsoryMiss => Outcome::CompulsoryMiss,
            ReadOutcome::CapacityMiss => Outcome::CapacityMiss,
            ReadOutcome::Reset => Outcome::Reset,
        };
        record.settle(&request, outcome, read.latency);
        let is_hit = outcome == Outcome::Hit;
        record.hour(request.at).usage.store_backing.n_gets += u64::from(!is_hit);
    }
    for write in &replayed.writes {
        let size = input.requests[write.number].size;
        let hour = record.note_put(Time::START + write.at, size);
        hour.usage.store_backing.n_puts += 1;
    }
    let last = record.hour(Time::START + input.span);
    last.counts.n_deletes = replayed.n_deletes;
    last.counts.n_failed = replayed.n_failures;
    last.usage.store_backing.n_deletes = replayed.n_deletes;
    last.counts.n_recoveries = replayed.recoveries.n_objects;
    last.counts.n_recovered_chunks = replayed.recoveries.n_chunks;
    note_bill(&mut record, billed, input.span);
    if let Some(system) = experiment.systems.first()
        && let sim::SystemKind::InfiniCache(config) = &system.kind
    {
        record.for_each_hour(|hour, part| {
            hour.usage.rent_virtual_machines(&config.proxy_machine, 1, part, input.span);
        });
    }
    charge_storage(&mut record, &input.workload(), |usage| &mut usage.store_backing);
    record
}

fn note_bill(record: &mut Record, billed: &Billed, span: Nanos) {
    match billed {
        Billed::Each { invocations, reclaims, n_evictions } => {
            for it in invocations {
                let hour = record.hour(it.received_at);
                hour.counts.n_invocations += 1;
                usage_of(&mut hour.usage, &it.kind).record(it.memory_mb, it.duration);
            }
            for after in reclaims {
                record.hour(Time::START + *after).counts.n_reclaims += 1;
            }
            record.hour(Time::START + span).counts.n_evictions += n_evictions;
        }
        Billed::ByHour(bills) => {
            for (number, bill) in (0..).zip(bills) {
                let hour = record.hour(Time::START + Nanos::HOUR * number);
                hour.counts.n_reclaims += bill.n_reclaims;
                hour.counts.n_evictions += bill.n_evictions;
                for (kind, it) in &bill.kinds {
                    hour.counts.n_invocations += it.n_invocations;
                    *usage_of(&mut hour.usage, kind) += FunctionUsage {
                        n_invocations: it.n_invocations,
                        billed_mb_ms_by_1ms: it.billed_mb_ms_by_1ms.into(),
                        billed_mb_ms_by_100ms: it.billed_mb_ms_by_100ms.into(),
                    };
                }
            }
        }
    }
}

/// Where invocations of this kind are counted, by what the proxy writes into their payload.
pub(crate) fn usage_of<'a>(usage: &'a mut Usage, kind: &str) -> &'a mut FunctionUsage {
    match kind {
        "warm_up" => &mut usage.warm_up,
        "back_up" => &mut usage.backup,
        _ => &mut usage.serving,
    }
}

/// One or more systems on what was replayed, with the receipt of the experiment.
pub(crate) fn comparison(
    experiment: &Experiment,
    input: &LiveInput,
    pace: &PaceArgs,
    systems: Vec<SystemSummary>,
) -> Comparison {
    let seed = experiment.seeds.first().copied().unwrap_or_default();
    let mut receipt = experiment.receipt(seed, input.hash.clone());
    receipt.experiment_hash = hash_at_pace(&receipt.experiment_hash, pace);
    Comparison { receipt, trace: input.summary(), systems }
}

/// The hash of an experiment that is made at such a pace, which only live ones have.
fn hash_at_pace(hash: &str, pace: &PaceArgs) -> String {
    let PaceArgs { speed, limit, store } = pace;
    let described = format!("{hash}\nspeed {speed}\nlimit {limit:?}\nstore {store:?}");
    hash_of(&described)
}

/// The summary of a record under another name than that of its system.
pub(crate) fn summarise(
    experiment: &Experiment,
    name: &str,
    record: &Record,
) -> anyhow::Result<SystemSummary> {
    let Some(system) = experiment.systems.first() else { bail!("an experiment has a system") };
    let summary = replay::summarise(experiment, system, record)?;
    Ok(SystemSummary { name: name.to_owned(), ..summary })
}

/// An error if a read gave wrong bytes, or a request failed: for when the results are written.
pub(crate) fn check(replayed: &Replayed) -> anyhow::Result<()> {
    let Replayed { n_failures, failure, n_wrong, .. } = replayed;
    if 0 < *n_wrong {
        bail!("{n_wrong} reads gave other bytes than they should: that is a bug of the cache");
    }
    if let Some(failure) = failure {
        bail!("{n_failures} requests failed, the first one so: {failure}");
    }
    Ok(())
}

/// An error if the cache held what this replay had not put there, at which it ended: that is no
/// measurement. On a cache of its own nobody else can have.
pub(crate) fn check_whole(replayed: &Replayed, is_shared: bool) -> anyhow::Result<()> {
    let Some(key) = &replayed.foreign else { return Ok(()) };
    if !is_shared {
        bail!(
            "a read of `{}` gave bytes that nobody had written: that is a bug of the cache",
            key.escape_ascii()
        );
    }
    bail!(
        "the cache already had other bytes for `{}`; replay on one that nobody else has used: \
         `infinisim live down` and `up` empty it, and without --running it is a new one",
        key.escape_ascii()
    )
}

/// What a reader of a live result should know.
pub(crate) fn notes(replayed: &Replayed, pace: Option<&PaceArgs>) -> Vec<String> {
    let mut notes = Vec::new();
    if let Some(pace) = pace {
        let store = match pace.store {
            StoreChoice::Instant => "the store behind the cache answers at once",
            StoreChoice::Measured => "the store behind the cache answers as S3 was measured",
            StoreChoice::Fast20 => "the store behind the cache answers as the paper saw it",
        };
        notes.push(store.to_owned());
        if (pace.speed - 1.0).abs() > f64::EPSILON {
            notes.push(format!("the trace's time passed {} times as fast", pace.speed));
        }
    }
    notes.push(format!(
        "latencies are from when a request was to be made; the latest was made {:.1} ms after that",
        replayed.lateness_max.as_millis_f64()
    ));
    if 0 < replayed.n_failures {
        notes.push(format!("{} requests failed", replayed.n_failures));
    }
    notes.push("a live cache does not see losses that nobody asks for".to_owned());
    notes
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::live_control::BilledKind;

    #[test]
    fn an_experiment_is_another_at_another_pace() {
        let store = StoreChoice::Instant;
        let pace = PaceArgs { speed: 1.0, limit: None, store };
        let faster = PaceArgs { speed: 2.0, ..pace };
        let shorter = PaceArgs { limit: std::num::NonZeroUsize::new(5), ..pace };
        let slower = PaceArgs { store: StoreChoice::Measured, ..pace };
        let paces = [&pace, &faster, &shorter, &slower];
        let hashes: BTreeSet<String> = paces.iter().map(|it| hash_at_pace("a1", it)).collect();
        assert_eq!(hashes.len(), paces.len());
        assert!(hashes.contains(&hash_at_pace("a1", &pace)));
    }

    #[test]
    fn a_bill_by_the_hour_is_of_its_hours() {
        let bill = |n_invocations: u64| {
            let kind = BilledKind { n_invocations, ..BilledKind::default() };
            Bill {
                cache: "a1".to_owned(),
                kinds: [("warm_up".to_owned(), kind)].into(),
                n_reclaims: 2 * n_invocations,
                n_evictions: 3 * n_invocations,
                n_running: 0,
            }
        };
        let span = Nanos::HOUR * 2;
        let mut record = Record::new(span);
        // What comes after the last request belongs to the last hour.
        note_bill(&mut record, &Billed::ByHour(vec![bill(1), bill(20), bill(300)]), span);
        let of = |hour: &sim::Hour| {
            let usage = &hour.usage.warm_up;
            let counts = &hour.counts;
            let all = [usage.n_invocations, counts.n_invocations, counts.n_reclaims];
            (all, counts.n_evictions)
        };
        let hours: Vec<_> = record.hours.iter().map(of).collect();
        assert_eq!(hours, [([1, 1, 2], 3), ([320, 320, 640], 960)]);
    }
}
