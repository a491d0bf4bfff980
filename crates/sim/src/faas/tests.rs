//! The platform as a pool of instances, held against an independent simulator's published run.

use des::{Agenda, Model, Stream, Streams};
use units::Nanos;

use super::*;

const NODE: NodeId = NodeId(0);

/// Plays `script` on one function: `i` invokes, a digit returns that instance, `x` and a digit
/// takes it back. Checks which instances the invocations met, cold ones in capitals (`A` is 0).
#[track_caller]
fn check(pick: InstancePick, script: &str, met: &str) {
    let mut platform = Platform::new(1, 1536, 3008, pick);
    let mut seen = String::new();
    for (milli, word) in (0..).zip(script.split_whitespace()) {
        let slot = |text: &str| text.parse().unwrap();
        match word.strip_prefix('x') {
            Some(gone) => platform.take_back(NODE, slot(gone)),
            None if word == "i" => {
                let Met { slot, is_cold } = platform.invoke(NODE, || u64::MAX);
                seen.push(char::from(if is_cold { b'A' } else { b'a' } + slot));
            }
            None => platform.returned(Time::START + Nanos::millis(milli), NODE, slot(word)),
        }
    }
    assert_eq!(seen, met, "{script}");
}

#[test]
fn an_invocation_meets_an_idle_instance_or_a_new_one() {
    use InstancePick::{LeastRecent, MostRecent, Random};
    check(MostRecent, "i 0 i", "Aa");
    check(MostRecent, "i i", "AB");
    check(MostRecent, "i i 0 1 i", "ABb");
    check(MostRecent, "i i 1 0 i i", "ABab");
    check(LeastRecent, "i i 1 0 i i", "ABba");
    check(Random, "i i 1 0 i", "ABb");
    check(MostRecent, "i i 0 1 x1 i i", "ABaB");
    check(MostRecent, "i 0 x0 i", "AA");
}

#[test]
fn recency_ranks_what_is_there() {
    let mut platform = Platform::new(1, 1536, 3008, InstancePick::MostRecent);
    for _ in 0..3 {
        platform.invoke(NODE, || 0);
    }
    platform.returned(Time::START, NODE, 1);
    platform.returned(Time::START, NODE, 2);
    let ranks: Vec<Option<Slot>> = (0..4).map(|it| platform.by_recency(NODE, it)).collect();
    assert_eq!(ranks, [Some(0), Some(2), Some(1), None]);
    platform.take_back(NODE, 2);
    assert_eq!(platform.by_recency(NODE, 1), Some(1));
}

#[test]
fn hosts_are_filled_one_after_the_other() {
    let check = |memory_mb: u32, expect: &[HostId]| {
        let mut platform = Platform::new(5, memory_mb, 3008, InstancePick::MostRecent);
        let hosts = (0..5).map(NodeId).map(|node| {
            let Met { slot, .. } = platform.invoke(node, || 0);
            platform.host(node, slot)
        });
        assert_eq!(hosts.collect::<Vec<HostId>>(), expect, "{memory_mb} MB");
    };
    check(1024, &[0, 0, 1, 1, 2]);
    check(512, &[0, 0, 0, 0, 0]);
    // FAST'20 section 4.2: functions of 1.5 GB and more have a host each.
    check(1536, &[0, 1, 2, 3, 4]);
    check(10_240, &[0, 1, 2, 3, 4]);
}

/// One function under Poisson arrivals, whose idle instances expire.
struct WarmPool {
    platform: Platform,
    stream: Stream,
    n_invocations: u64,
    n_cold: u64,
    /// Running and existing instances, integrated over time, in instance-seconds.
    running_seconds: f64,
    instance_seconds: f64,
    n_running: u32,
    last: Time,
    ends_at: Time,
}

enum Event {
    Arrive,
    Return(Slot),
    Expire(Slot),
}

/// The case of SimFaaS's README (Mahmoudi and Khazaei, arXiv 2102.08904).
const ARRIVALS_PER_SECOND: f64 = 0.9;
const WARM_SERVICE_SECONDS: f64 = 1.991;
const COLD_SERVICE_SECONDS: f64 = 2.244;
const IDLE_MAX: Nanos = Nanos::seconds(600);

impl Model for WarmPool {
    type Event = Event;

    fn handle(&mut self, now: Time, event: Event, agenda: &mut Agenda<Event>) {
        let passed = now.since(self.last).as_seconds_f64();
        self.running_seconds += passed * f64::from(self.n_running);
        self.instance_seconds += passed * self.platform.n_instances(NODE) as f64;
        self.last = now;
        let mut exponential = |mean: f64| Nanos::from_seconds_f64(mean * self.stream.exponential());
        match event {
            Event::Arrive => {
                let Met { slot, is_cold } = self.platform.invoke(NODE, || 0);
                self.n_invocations += 1;
                self.n_cold += u64::from(is_cold);
                self.n_running += 1;
                let mean = if is_cold { COLD_SERVICE_SECONDS } else { WARM_SERVICE_SECONDS };
                agenda.after(exponential(mean), Event::Return(slot));
                let next = exponential(1.0 / ARRIVALS_PER_SECOND);
                if now + next <= self.ends_at {
                    agenda.after(next, Event::Arrive);
                }
            }
            Event::Return(slot) => {
                self.n_running -= 1;
                self.platform.returned(now, NODE, slot);
                agenda.after(IDLE_MAX, Event::Expire(slot));
            }
            Event::Expire(slot) => {
                let idle_since = self.platform.idle_since(NODE, slot);
                if idle_since.is_some_and(|it| IDLE_MAX <= now.since(it)) {
                    self.platform.take_back(NODE, slot);
                }
            }
        }
    }
}

#[test]
fn a_warm_pool_is_that_of_simfaas() {
    let seconds = 1_000_000;
    let mut pool = WarmPool {
        platform: Platform::new(1, 128, 3008, InstancePick::MostRecent),
        stream: Streams::new(1).named("warm pool"),
        n_invocations: 0,
        n_cold: 0,
        running_seconds: 0.0,
        instance_seconds: 0.0,
        n_running: 0,
        last: Time::START,
        ends_at: Time::START + Nanos::seconds(seconds),
    };
    let mut agenda = Agenda::default();
    agenda.at(Time::START, Event::Arrive);
    des::run(&mut pool, agenda, std::iter::empty());
    let seconds = pool.last.since(Time::START).as_seconds_f64();
    let running = pool.running_seconds / seconds;
    let instances = pool.instance_seconds / seconds;
    let check = |what: &str, seen: f64, expect: f64, tolerance: f64| {
        assert!((seen - expect).abs() <= tolerance, "{what}: {seen}, not {expect}");
    };
    check("instances", instances, 7.66, 7.66 * 0.03);
    check("running", running, 1.79, 1.79 * 0.03);
    check("idle", instances - running, 5.87, 5.87 * 0.03);
    // Printed as 0.0014: half a unit of its last digit, and 3 %.
    let cold = pool.n_cold as f64 / pool.n_invocations as f64;
    check("cold", cold, 0.0014, 0.00005 + 0.0014 * 0.03);
}
