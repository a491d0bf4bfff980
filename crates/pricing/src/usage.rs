//! What a run used, by kind, with nothing lost that a price book could ask for.

use std::collections::BTreeMap;
use std::{iter, ops};

use serde::{Deserialize, Serialize};
use units::{Bytes, Nanos};

/// The step to which a function service rounds up the length of each invocation.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Quantum {
    /// AWS Lambda since December 2020.
    OneMillisecond,
    /// AWS Lambda before.
    HundredMilliseconds,
}

/// The invocations of functions, as they would be billed under each [`Quantum`].
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct FunctionUsage {
    /// How many invocations there were.
    pub n_invocations: u64,
    /// Memory times billed time, in MB-milliseconds, each invocation rounded up to 1 ms.
    pub billed_mb_ms_by_1ms: u128,
    /// The same with each invocation rounded up to 100 ms.
    pub billed_mb_ms_by_100ms: u128,
}

/// The requests to an object store, and what it kept for how long.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct StoreUsage {
    /// Reads.
    pub n_gets: u64,
    /// Writes.
    pub n_puts: u64,
    /// Removals.
    pub n_deletes: u64,
    /// Bytes kept times how long, in byte-nanoseconds.
    pub stored_byte_ns: u128,
}

/// The use of a serverless cache, which is billed for what it holds and what it is asked.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(try_from = "ServerlessObject")]
pub struct ServerlessUsage {
    /// What it held in each hour, apart since the least that is paid for is set by the hour; of
    /// several caches, those of each.
    pub hours: Vec<CacheHour>,
    /// Request units, rounded up for each request.
    pub n_ecpus: u64,
}

/// An hour of a serverless cache.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct CacheHour {
    /// Bytes held times how long, in byte-nanoseconds.
    pub held_byte_ns: u128,
    /// How long of the hour the cache existed, in nanoseconds, whether it held anything or not.
    pub existed_ns: u128,
}

/// The use of a serverless cache as it is read, be it as earlier versions wrote it: all hours in
/// one, and in what was held the least that was paid for by the price book of the run.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct ServerlessObject {
    hours: Option<Vec<CacheHour>>,
    stored_byte_ns: Option<u128>,
    existed_ns: Option<u128>,
    n_ecpus: u64,
}

/// All that a run used, by the purpose it was used for. Written out, it keeps its names and whole
/// numbers, so that a result can be priced again to the last digit.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Usage {
    /// Invocations of functions that answered requests.
    pub serving: FunctionUsage,
    /// Invocations that only kept functions from being reclaimed.
    pub warm_up: FunctionUsage,
    /// Invocations of replicas for the sync. The function that is copied goes on with what it was
    /// invoked for, most often a warm-up, and is billed for the sync there.
    pub backup: FunctionUsage,
    /// Rented cache nodes: billed node-hours by node type.
    pub node_hours: BTreeMap<String, u64>,
    /// Serverless caches by engine, `redis` or `valkey`.
    pub serverless: BTreeMap<String, ServerlessUsage>,
    /// The object store as the system that answers requests.
    pub store_serving: StoreUsage,
    /// The object store behind a cache: what it was asked on misses and writes.
    pub store_backing: StoreUsage,
    /// Rented virtual machines for proxies: billed seconds by machine type.
    pub virtual_machine_seconds: BTreeMap<String, u64>,
}

impl Quantum {
    /// How long it is.
    pub const fn length(self) -> Nanos {
        match self {
            Quantum::OneMillisecond => Nanos::MILLISECOND,
            Quantum::HundredMilliseconds => Nanos::millis(100),
        }
    }

    /// What an invocation that ran for `duration` is billed for, in milliseconds: a whole
    /// number of quanta, and at least one.
    pub const fn billed_ms(self, duration: Nanos) -> u64 {
        let n_quanta = duration.div_ceil(self.length());
        let least = if n_quanta == 0 { 1 } else { n_quanta };
        least * (self.length().get() / Nanos::MILLISECOND.get())
    }
}

impl FunctionUsage {
    /// Adds an invocation of a function of `memory_mb` (MB as the service counts them, 1024 to
    /// the GB) that ran for `duration`.
    pub fn record(&mut self, memory_mb: u32, duration: Nanos) {
        let mb_ms = |it: Quantum| u128::from(memory_mb) * u128::from(it.billed_ms(duration));
        self.n_invocations += 1;
        self.billed_mb_ms_by_1ms += mb_ms(Quantum::OneMillisecond);
        self.billed_mb_ms_by_100ms += mb_ms(Quantum::HundredMilliseconds);
    }

    /// Memory times billed time under `quantum`, in MB-milliseconds.
    pub const fn billed_mb_ms(&self, quantum: Quantum) -> u128 {
        match quantum {
            Quantum::OneMillisecond => self.billed_mb_ms_by_1ms,
            Quantum::HundredMilliseconds => self.billed_mb_ms_by_100ms,
        }
    }
}

impl ServerlessUsage {
    /// Adds that the cache existed for `span` and held `bytes` all that time, within the hour that
    /// this is the use of.
    pub fn record_held(&mut self, bytes: Bytes, span: Nanos) {
        if self.hours.is_empty() {
            self.hours.push(CacheHour::default());
        }
        if let Some(hour) = self.hours.last_mut() {
            hour.held_byte_ns += byte_ns(bytes, span);
            hour.existed_ns += u128::from(span.get());
        }
    }

    /// What is paid for where `minimum` is the least, in byte-nanoseconds.
    pub fn paid_byte_ns(&self, minimum: Bytes) -> u128 {
        let least = |existed_ns: u128| u128::from(minimum.get()) * existed_ns;
        self.hours.iter().map(|it| it.held_byte_ns.max(least(it.existed_ns))).sum()
    }

    /// Whether it is one that some trace could come to, as [`Usage::can_be_priced`] has it.
    fn can_be_priced(&self) -> bool {
        let is_below = |bits: u32, of: fn(&CacheHour) -> u128| {
            let total = self.hours.iter().try_fold(0, |sum: u128, it| sum.checked_add(of(it)));
            total.is_some_and(|it| it >> bits == 0)
        };
        is_below(124, |it| it.held_byte_ns) && is_below(64, |it| it.existed_ns)
    }

    /// Adds a read or write of `bytes`: one unit for each kilobyte (1024 bytes), the last one
    /// in part, and at least one.
    pub fn record_request(&mut self, bytes: Bytes) {
        self.n_ecpus += bytes.get().div_ceil(1_024).max(1);
    }
}

impl TryFrom<ServerlessObject> for ServerlessUsage {
    type Error = &'static str;

    fn try_from(object: ServerlessObject) -> Result<ServerlessUsage, &'static str> {
        let ServerlessObject { hours, stored_byte_ns, existed_ns, n_ecpus } = object;
        let hours = match (hours, stored_byte_ns, existed_ns) {
            (Some(hours), None, None) => hours,
            (None, Some(held_byte_ns), Some(existed_ns)) => {
                vec![CacheHour { held_byte_ns, existed_ns }]
            }
            _ => return Err("a serverless cache needs `hours`"),
        };
        Ok(ServerlessUsage { hours, n_ecpus })
    }
}

impl Usage {
    /// Adds `n_nodes` cache nodes rented for `span`. A node-hour begun is billed as a full one.
    pub fn rent_nodes(&mut self, node_type: &str, n_nodes: u64, span: Nanos) {
        let n_hours = span.div_ceil(Nanos::HOUR).max(1);
        add(&mut self.node_hours, node_type, n_nodes * n_hours);
    }

    /// Whether every amount is one that some trace could come to, so that its cost can be held by
    /// any prices: no trace is longer than a hundred years, and none asks for more than 2^62
    /// bytes.
    pub fn can_be_priced(&self) -> bool {
        let functions = [self.serving, self.warm_up, self.backup];
        let stores = [self.store_serving, self.store_backing];
        functions.iter().all(|it| it.billed_mb_ms_by_1ms.max(it.billed_mb_ms_by_100ms) >> 80 == 0)
            && stores.iter().all(|it| it.stored_byte_ns >> 124 == 0)
            && self.serverless.values().all(ServerlessUsage::can_be_priced)
    }

    /// Adds `part` of the `span` for which `n_machines` virtual machines are rented. They are
    /// billed by the second, and for at least a minute of the whole span.
    pub fn rent_virtual_machines(
        &mut self,
        machine_type: &str,
        n_machines: u64,
        part: Nanos,
        span: Nanos,
    ) {
        let billed = if span < Nanos::MINUTE { Nanos::MINUTE } else { part };
        let n_seconds = billed.div_ceil(Nanos::SECOND);
        add(&mut self.virtual_machine_seconds, machine_type, n_machines * n_seconds);
    }
}

impl ops::AddAssign for FunctionUsage {
    fn add_assign(&mut self, rhs: FunctionUsage) {
        let FunctionUsage { n_invocations, billed_mb_ms_by_1ms, billed_mb_ms_by_100ms } = rhs;
        self.n_invocations += n_invocations;
        self.billed_mb_ms_by_1ms += billed_mb_ms_by_1ms;
        self.billed_mb_ms_by_100ms += billed_mb_ms_by_100ms;
    }
}

impl iter::Sum for FunctionUsage {
    fn sum<I: Iterator<Item = FunctionUsage>>(usages: I) -> FunctionUsage {
        total(usages)
    }
}

impl ops::AddAssign for StoreUsage {
    fn add_assign(&mut self, rhs: StoreUsage) {
        let StoreUsage { n_gets, n_puts, n_deletes, stored_byte_ns } = rhs;
        self.n_gets += n_gets;
        self.n_puts += n_puts;
        self.n_deletes += n_deletes;
        self.stored_byte_ns += stored_byte_ns;
    }
}

impl ops::AddAssign for ServerlessUsage {
    fn add_assign(&mut self, rhs: ServerlessUsage) {
        let ServerlessUsage { hours, n_ecpus } = rhs;
        self.hours.extend(hours);
        self.n_ecpus += n_ecpus;
    }
}

impl ops::AddAssign for Usage {
    fn add_assign(&mut self, rhs: Usage) {
        let Usage {
            serving,
            warm_up,
            backup,
            node_hours,
            serverless,
            store_serving,
            store_backing,
            virtual_machine_seconds,
        } = rhs;
        self.serving += serving;
        self.warm_up += warm_up;
        self.backup += backup;
        add_all(&mut self.node_hours, node_hours);
        add_all(&mut self.serverless, serverless);
        self.store_serving += store_serving;
        self.store_backing += store_backing;
        add_all(&mut self.virtual_machine_seconds, virtual_machine_seconds);
    }
}

impl iter::Sum for Usage {
    fn sum<I: Iterator<Item = Usage>>(usages: I) -> Usage {
        total(usages)
    }
}

pub(crate) fn byte_ns(bytes: Bytes, span: Nanos) -> u128 {
    u128::from(bytes.get()) * u128::from(span.get())
}

fn add_all<T: Default + ops::AddAssign>(
    amounts: &mut BTreeMap<String, T>,
    more: BTreeMap<String, T>,
) {
    for (name, it) in more {
        add(amounts, &name, it);
    }
}

fn add<T: Default + ops::AddAssign>(amounts: &mut BTreeMap<String, T>, name: &str, more: T) {
    match amounts.get_mut(name) {
        Some(amount) => *amount += more,
        None => drop(amounts.insert(name.to_owned(), more)),
    }
}

fn total<T: Default + ops::AddAssign>(items: impl Iterator<Item = T>) -> T {
    items.fold(T::default(), |mut acc, it| {
        acc += it;
        acc
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_invocation_is_billed_by_the_whole_quantum_under_both_quanta() {
        #[track_caller]
        fn check(duration: Nanos, ms_by_1ms: u128, ms_by_100ms: u128) {
            let mut usage = FunctionUsage::default();
            usage.record(1_536, duration);
            assert_eq!(usage.n_invocations, 1);
            assert_eq!(usage.billed_mb_ms(Quantum::OneMillisecond), 1_536 * ms_by_1ms);
            assert_eq!(usage.billed_mb_ms(Quantum::HundredMilliseconds), 1_536 * ms_by_100ms);
        }
        check(Nanos::ZERO, 1, 100);
        check(Nanos::new(1), 1, 100);
        check(Nanos::millis(5), 5, 100);
        check(Nanos::millis(100), 100, 100);
        check(Nanos::millis(100) + Nanos::new(1), 101, 200);
        check(Nanos::seconds(900), 900_000, 900_000);
    }

    #[test]
    fn a_node_hour_begun_is_a_full_one() {
        #[track_caller]
        fn check(n_nodes: u64, span: Nanos, n_hours: u64) {
            let mut usage = Usage::default();
            usage.rent_nodes("cache.r5.24xlarge", n_nodes, span);
            assert_eq!(usage.node_hours["cache.r5.24xlarge"], n_hours);
        }
        check(1, Nanos::HOUR * 50, 50);
        check(1, Nanos::HOUR * 50 + Nanos::new(1), 51);
        check(10, Nanos::MINUTE, 10);
        check(2, Nanos::ZERO, 2);
    }

    #[test]
    fn a_virtual_machine_is_billed_by_the_second_from_a_minute_on() {
        #[track_caller]
        fn check(span: Nanos, n_seconds: u64) {
            let mut usage = Usage::default();
            usage.rent_virtual_machines("c5n.4xlarge", 2, span, span);
            assert_eq!(usage.virtual_machine_seconds["c5n.4xlarge"], 2 * n_seconds);
        }
        check(Nanos::SECOND, 60);
        check(Nanos::millis(60_001), 61);
        // The last second of an hour and a second is no minute.
        let mut usage = Usage::default();
        for part in [Nanos::HOUR, Nanos::SECOND] {
            usage.rent_virtual_machines("c5n.4xlarge", 1, part, Nanos::HOUR + Nanos::SECOND);
        }
        assert_eq!(usage.virtual_machine_seconds["c5n.4xlarge"], 3_601);
        check(Nanos::HOUR, 3_600);
    }

    #[test]
    fn a_serverless_request_takes_one_unit_per_kilobyte() {
        #[track_caller]
        fn check(bytes: u64, n_ecpus: u64) {
            let mut usage = ServerlessUsage::default();
            usage.record_request(Bytes::new(bytes));
            assert_eq!(usage.n_ecpus, n_ecpus);
        }
        check(0, 1);
        check(1_024, 1);
        check(1_025, 2);
        check(10_485_760, 10_240);
    }

    #[test]
    fn a_serverless_cache_is_paid_for_the_least_of_each_hour() {
        #[track_caller]
        fn check(held: &[(u64, u64)], minimum: u64, paid_byte_minutes: u128) {
            let hour = |&(bytes, minutes): &(u64, u64)| {
                let mut usage = ServerlessUsage::default();
                usage.record_held(Bytes::new(bytes), Nanos::MINUTE * minutes);
                usage.record_held(Bytes::ZERO, Nanos::MINUTE * (60 - minutes));
                usage
            };
            let total = total(held.iter().map(hour));
            let paid = total.paid_byte_ns(Bytes::new(minimum));
            assert_eq!(paid, paid_byte_minutes * u128::from(Nanos::MINUTE.get()));
        }
        check(&[], 5, 0);
        check(&[(4, 60), (9, 20)], 0, 240 + 180);
        check(&[(4, 60), (9, 20)], 3, 240 + 180);
        check(&[(4, 60), (9, 20)], 5, 300 + 300);
        check(&[(4, 60), (90, 20)], 5, 300 + 1_800);
    }

    #[test]
    fn usages_add_up_field_by_field() {
        let mut usage = Usage::default();
        usage.serving.record(1_536, Nanos::millis(20));
        usage.warm_up.record(1_536, Nanos::millis(5));
        usage.backup.record(1_536, Nanos::SECOND);
        usage.rent_nodes("a", 1, Nanos::HOUR);
        usage.rent_virtual_machines("b", 1, Nanos::HOUR, Nanos::HOUR);
        let hour = CacheHour { held_byte_ns: 1, existed_ns: 2 };
        usage
            .serverless
            .insert("valkey".to_owned(), ServerlessUsage { hours: vec![hour], n_ecpus: 3 });
        usage.store_serving = StoreUsage { n_gets: 1, n_puts: 2, n_deletes: 3, stored_byte_ns: 4 };
        usage.store_backing.n_gets = 5;

        let sum: Usage = [usage.clone(), usage, Usage::default()].into_iter().sum();
        assert_eq!(sum.serving.n_invocations, 2);
        assert_eq!(sum.serving.billed_mb_ms_by_1ms, 2 * 20 * 1_536);
        assert_eq!(sum.warm_up.billed_mb_ms_by_100ms, 2 * 100 * 1_536);
        assert_eq!(sum.backup.n_invocations, 2);
        assert_eq!(sum.node_hours["a"], 2);
        assert_eq!(sum.virtual_machine_seconds["b"], 7_200);
        let serverless = ServerlessUsage { hours: vec![hour, hour], n_ecpus: 6 };
        assert_eq!(sum.serverless["valkey"], serverless);
        let store = StoreUsage { n_gets: 2, n_puts: 4, n_deletes: 6, stored_byte_ns: 8 };
        assert_eq!(sum.store_serving, store);
        assert_eq!(sum.store_backing.n_gets, 10);
    }
}
