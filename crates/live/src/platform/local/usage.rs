//! What the invocations of a platform took, for whoever prices them.

use std::collections::BTreeMap;
use std::fmt::Write;
use std::sync::{Mutex, MutexGuard, PoisonError};

use pricing::FunctionUsage;
use serde_json::{Value, json};
use units::{Bytes, Nanos, Time};

/// Kinds are the callers' words; past this many, all others are counted as one.
const N_KINDS_MAX: usize = 32;
/// The kind of invocations beyond [`N_KINDS_MAX`] kinds.
const OTHER: &str = "other";
/// How many single invocations are kept until they are taken, and how many reclaims.
const N_RECORDS_MAX: usize = 1_000_000;

/// One invocation, once it is over.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct InvocationRecord {
    /// The name of the function.
    pub function: String,
    /// Which instance of the function it was, counted from 0 in order of their starts.
    pub instance: u32,
    /// The id the platform gave the invocation.
    pub request_id: String,
    /// What the payload says it was for; see `PlatformConfig::kind_field`. Empty if it does not.
    pub kind: String,
    /// When it was asked for, on the platform's clock.
    pub received_at: Time,
    /// From then until the function was handed it: a start or a thaw, and the set delays.
    pub start_delay: Nanos,
    /// How long the instance took to start; `None` if it was there already.
    pub init: Option<Nanos>,
    /// How long it ran: from being handed the payload to asking for the next one.
    pub duration: Nanos,
    /// What that is billed as, in milliseconds.
    pub billed_ms: u64,
    /// The memory of the function, in MB as the service counts them (1024 to the GB).
    pub memory_mb: u32,
    /// The most memory the instance was seen to hold since it started.
    pub memory_used_max: Bytes,
    /// Why it failed, as the type of the error; `None` if it did not.
    pub error_type: Option<String>,
}

/// One instance that was taken back.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ReclaimRecord {
    /// When, on the platform's clock.
    pub at: Time,
    /// The name of its function.
    pub function: String,
    /// Which of the function's instances it was at that time: its place by recency, the one in
    /// use last first.
    pub rank: usize,
}

/// What all invocations of a platform took so far.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct PlatformUsage {
    /// Invocations and billed time by kind.
    pub by_kind: BTreeMap<String, FunctionUsage>,
    /// How many instances were started.
    pub n_starts: u64,
    /// How many instances were taken back.
    pub n_reclaims: u64,
    /// How many records were dropped because no one took them.
    pub n_records_dropped: u64,
}

#[derive(Debug, Default)]
pub(super) struct UsageLog {
    kept: Mutex<Kept>,
}

#[derive(Debug, Default)]
struct Kept {
    usage: PlatformUsage,
    records: Vec<InvocationRecord>,
    reclaims: Vec<ReclaimRecord>,
}

impl InvocationRecord {
    /// The line AWS writes to a function's log after each invocation.
    pub fn report(&self) -> String {
        let mut line = format!(
            "REPORT RequestId: {}\tDuration: {:.2} ms\tBilled Duration: {} ms\t\
             Memory Size: {} MB\tMax Memory Used: {} MB\t",
            self.request_id,
            self.duration.as_millis_f64(),
            self.billed_ms,
            self.memory_mb,
            self.memory_used_max.get().div_ceil(1 << 20),
        );
        // Writing to a string cannot fail.
        if let Some(init) = self.init {
            let _ = write!(line, "Init Duration: {:.2} ms\t", init.as_millis_f64());
        }
        if let Some(error_type) = &self.error_type {
            let _ = write!(line, "Status: error\tError Type: {error_type}");
        }
        line
    }

    /// The record as a JSON object.
    pub fn to_json(&self) -> Value {
        json!({
            "function": self.function,
            "instance": self.instance,
            "request_id": self.request_id,
            "kind": self.kind,
            "received_at_ms": Time::START.until(self.received_at).as_millis_f64(),
            "start_delay_ms": self.start_delay.as_millis_f64(),
            "init_ms": self.init.map(Nanos::as_millis_f64),
            "duration_ms": self.duration.as_millis_f64(),
            "billed_ms": self.billed_ms,
            "memory_mb": self.memory_mb,
            "memory_used_bytes_max": self.memory_used_max.get(),
            "error_type": self.error_type,
        })
    }
}

impl PlatformUsage {
    /// The usage as a JSON object.
    pub fn to_json(&self) -> Value {
        let kinds: serde_json::Map<String, Value> = self
            .by_kind
            .iter()
            .map(|(kind, usage)| {
                let text = |it: u128| Value::String(it.to_string());
                // Beyond 2^53 a number in JSON is no longer the one that was written.
                let usage = json!({
                    "n_invocations": usage.n_invocations,
                    "billed_mb_ms_by_1ms": text(usage.billed_mb_ms_by_1ms),
                    "billed_mb_ms_by_100ms": text(usage.billed_mb_ms_by_100ms),
                });
                (kind.clone(), usage)
            })
            .collect();
        json!({
            "by_kind": kinds,
            "n_starts": self.n_starts,
            "n_reclaims": self.n_reclaims,
            "n_records_dropped": self.n_records_dropped,
        })
    }
}

impl UsageLog {
    pub(super) fn record(&self, record: InvocationRecord) {
        let mut kept = self.lock();
        let by_kind = &mut kept.usage.by_kind;
        let is_known = by_kind.contains_key(&record.kind) || by_kind.len() < N_KINDS_MAX;
        let kind = if is_known { &record.kind } else { OTHER };
        by_kind.entry(kind.to_owned()).or_default().record(record.memory_mb, record.duration);
        if kept.records.len() < N_RECORDS_MAX {
            kept.records.push(record);
        } else {
            kept.usage.n_records_dropped += 1;
        }
    }

    pub(super) fn count_start(&self) {
        self.lock().usage.n_starts += 1;
    }

    pub(super) fn record_reclaim(&self, record: ReclaimRecord) {
        let mut kept = self.lock();
        kept.usage.n_reclaims += 1;
        if kept.reclaims.len() < N_RECORDS_MAX {
            kept.reclaims.push(record);
        } else {
            kept.usage.n_records_dropped += 1;
        }
    }

    pub(super) fn total(&self) -> PlatformUsage {
        self.lock().usage.clone()
    }

    pub(super) fn take_records(&self) -> Vec<InvocationRecord> {
        std::mem::take(&mut self.lock().records)
    }

    pub(super) fn take_reclaims(&self) -> Vec<ReclaimRecord> {
        std::mem::take(&mut self.lock().reclaims)
    }

    fn lock(&self) -> MutexGuard<'_, Kept> {
        self.kept.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

#[cfg(test)]
mod tests {
    use pricing::Quantum;

    use super::*;

    fn record(kind: &str, duration: Nanos) -> InvocationRecord {
        InvocationRecord {
            function: "node-0".to_owned(),
            instance: 0,
            request_id: "8476a536-e9f4-11e8-9739-2dfe598c3fcd".to_owned(),
            kind: kind.to_owned(),
            received_at: Time::from_nanos(1_500_000_000),
            start_delay: Nanos::millis(13),
            init: None,
            duration,
            billed_ms: Quantum::OneMillisecond.billed_ms(duration),
            memory_mb: 1_536,
            memory_used_max: Bytes::mebibytes(40) + Bytes::new(1),
            error_type: None,
        }
    }

    #[test]
    fn a_report_reads_as_the_one_of_aws() {
        #[track_caller]
        fn check(record: &InvocationRecord, expect: &str) {
            let id = "REPORT RequestId: 8476a536-e9f4-11e8-9739-2dfe598c3fcd\t";
            assert_eq!(record.report().strip_prefix(id), Some(expect));
        }
        let warm = record("", Nanos::new(2_341_234));
        let warm_text = "Duration: 2.34 ms\tBilled Duration: 3 ms\tMemory Size: 1536 MB\t\
                         Max Memory Used: 41 MB\t";
        check(&warm, warm_text);
        let cold = InvocationRecord { init: Some(Nanos::millis(120)), ..warm.clone() };
        check(&cold, &format!("{warm_text}Init Duration: 120.00 ms\t"));
        let error_type = Some("Runtime.ExitError".to_owned());
        let failed = InvocationRecord { error_type, ..warm };
        check(&failed, &format!("{warm_text}Status: error\tError Type: Runtime.ExitError"));
    }

    #[test]
    fn usage_is_what_pricing_counts_of_the_same_invocations() {
        let log = UsageLog::default();
        let mut expect = FunctionUsage::default();
        for duration in [Nanos::millis(3), Nanos::millis(101), Nanos::ZERO] {
            log.record(record("serve", duration));
            expect.record(1_536, duration);
        }
        log.record(record("warmup", Nanos::millis(2)));
        let total = log.total();
        assert_eq!(total.by_kind["serve"], expect);
        assert_eq!(total.by_kind["warmup"].n_invocations, 1);
        assert_eq!(log.take_records().len(), 4);
        assert_eq!(log.take_records(), []);
        // Taking the records leaves the sums.
        assert_eq!(log.total(), total);
    }

    #[test]
    fn kinds_are_bounded() {
        let log = UsageLog::default();
        for index in 0..100 {
            log.record(record(&format!("kind {index}"), Nanos::ZERO));
        }
        let total = log.total();
        assert_eq!(total.by_kind.len(), N_KINDS_MAX + 1);
        assert_eq!(total.by_kind[OTHER].n_invocations, 68);
    }
}
