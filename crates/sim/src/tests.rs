//! Laws that hold for every system on every workload, and small runs worked out by hand.

mod rewritten;

use std::collections::BTreeSet;

use policy::EvictionPolicy;
use pricing::{Accounting, FunctionUsage, PriceBook, cost};
use proptest::prelude::*;
use units::{Bytes, Nanos, ObjectId, Op, Request, Time};

use crate::{
    Counts, Distribution, Hour, Latencies, Profile, Record, Surroundings, System, Workload, run,
};

const N_OBJECTS: u32 = 24;

/// A request in short: seconds after the one before, object, size in MB, operation.
type Short = (u64, u32, u64, Op);

fn requests(shorts: &[Short]) -> Vec<Request> {
    let mut at = Time::START;
    let request = |(after, object, megabytes, op): &Short| {
        at = at + Nanos::seconds(*after);
        let size = Bytes::megabytes(*megabytes);
        Request { at, size, object: ObjectId(*object), op: *op }
    };
    shorts.iter().map(request).collect()
}

fn replay(system: &str, requests: &[Request], seed: u64) -> Record {
    replay_under(&Profile::aws_2019_fast20(), "", system, requests, seed)
}

/// A replay in which `lost.csv` is a log of what the platform took back.
fn replay_under(
    profile: &Profile,
    log: &str,
    system: &str,
    requests: &[Request],
    seed: u64,
) -> Record {
    let prices = prices_of(system);
    let around = Surroundings {
        prices: &prices,
        profile,
        policy: EvictionPolicy::Lru,
        read_file: &|name| match name {
            "lost.csv" => Ok(log.to_owned()),
            _ => Err("no such file here".to_owned()),
        },
    };
    let system = System::parse(system, around).unwrap();
    let key_hashes: Vec<u64> =
        (0..u64::from(N_OBJECTS)).map(|it| it.wrapping_mul(0x9e37_79b9_7f4a_7c15)).collect();
    let span = requests.last().map_or(Nanos::ZERO, |it| it.at.since(Time::START));
    run(&system, &Workload::new(requests, &key_hashes, span), seed)
}

/// The paper's prices, or those of our days for what did not exist.
fn prices_of(system: &str) -> PriceBook {
    let is_new = system.contains("serverless");
    PriceBook::builtin(if is_new { "aws-us-east-1-2026-09" } else { "aws-us-east-1-2019-12" })
        .unwrap()
}

/// Small pools under a heavy hand, so that everything happens in a short run.
const SYSTEMS: [&str; 16] = [
    "s3",
    "elasticache:cache.r5.large",
    "elasticache:3xcache.r5.large,reserved=99%,policy=s3-fifo",
    "elasticache:2xcache.r5.large,reserved=99%,policy=belady",
    "elasticache:serverless-valkey",
    "elasticache:serverless-redis,max=100MB,policy=fifo",
    "tiers:20MB;elasticache:serverless-redis;infinicache:nodes=6,code=4+2,memory=128MB",
    "infinicache:nodes=8,code=4+2,memory=128MB,reclaim=none",
    "infinicache:nodes=8,code=4+2,memory=128MB,reclaim=poisson:3/min",
    "infinicache:nodes=6,code=4+2,memory=128MB,backup=off,reclaim=poisson:2/min,first_d=code",
    "infinicache:nodes=5,code=1+0,memory=128MB,reclaim=poisson:1/min,warmup=off",
    "infinicache:nodes=7,proxies=3,code=3+1,memory=256MB,reclaim=fig9:2019-12-26",
    "infinicache:nodes=6,code=4+2,memory=128MB,reclaim=idle:2min",
    "infinicache:nodes=7,code=4+2,memory=128MB,reclaim=fig14:large,instance=lru,clients=2",
    "infinicache:nodes=6,code=4+2,memory=128MB,reclaim=poisson:3/min,instance=random,older=drop",
    "infinicache:nodes=6,code=4+2,memory=128MB,reclaim=poisson:1/min,eviction=enough",
];

fn shorts() -> impl Strategy<Value = Vec<Short>> {
    let op = prop_oneof![8 => Just(Op::Get), 1 => Just(Op::Put), 1 => Just(Op::Delete)];
    prop::collection::vec((0..90_u64, 0..N_OBJECTS, 0..60_u64, op), 1..120)
}

/// Requests at most a second apart, many of them at once, for objects of which few fit.
fn rush() -> impl Strategy<Value = Vec<Short>> {
    let op = prop_oneof![8 => Just(Op::Get), 3 => Just(Op::Put)];
    let size = prop_oneof![0..2_u64, 10..27_u64];
    prop::collection::vec((0..2_u64, 0..5_u32, size, op), 1..120)
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(48))]

    #[test]
    fn every_get_settles_exactly_once(shorts in shorts(), seed in 0..1000_u64) {
        let requests = requests(&shorts);
        for system in SYSTEMS {
            let total = replay(system, &requests, seed).total();
            let Counts { n_gets, n_puts, n_deletes, .. } = total.counts;
            let n_seen = |op| requests.iter().filter(|it| it.op == op).count() as u64;
            prop_assert_eq!(n_gets, n_seen(Op::Get), "{}", system);
            prop_assert_eq!(n_puts, n_seen(Op::Put), "{}", system);
            prop_assert_eq!(n_deletes, n_seen(Op::Delete), "{}", system);
        }
    }

    #[test]
    fn every_get_is_a_hit_or_one_kind_of_miss(shorts in shorts(), seed in 0..1000_u64) {
        let requests = requests(&shorts);
        for system in SYSTEMS {
            let record = replay(system, &requests, seed);
            let counts = record.total().counts;
            let n_misses =
                counts.n_compulsory_misses + counts.n_capacity_misses + counts.n_resets;
            prop_assert_eq!(counts.n_gets, counts.n_hits + n_misses, "{}", system);
            prop_assert_eq!(record.latencies.all.n_recorded(), counts.n_gets);
            prop_assert_eq!(record.latencies.hits.n_recorded(), counts.n_hits);
            let Latencies { hits, misses, hit_phases, miss_phases, .. } = &record.latencies;
            for (whole, phases) in [(hits, hit_phases), (misses, miss_phases)] {
                let parts: f64 = phases.iter().map(Distribution::mean_ms).sum();
                prop_assert!((whole.mean_ms() - parts).abs() < 1e-6, "{}: {}", system, parts);
            }
            let known = counts.hit_bytes + counts.compulsory_bytes;
            prop_assert!(known <= counts.requested_bytes, "{}", system);
            let asked = requests.iter().filter(|it| it.op == Op::Get).map(|it| it.size);
            prop_assert_eq!(counts.requested_bytes, asked.sum());
        }
    }

    #[test]
    fn what_is_billed_is_no_less_than_what_was_done(shorts in shorts(), seed in 0..1000_u64) {
        let requests = requests(&shorts);
        for system in SYSTEMS.iter().filter(|it| it.starts_with("infinicache")) {
            let Hour { counts, usage } = replay(system, &requests, seed).total();
            let used = [usage.serving, usage.warm_up, usage.backup];
            let memory_mb = if system.contains("memory=256MB") { 256_u128 } else { 128 };
            let billed_ms = |of: fn(&FunctionUsage) -> u128| {
                used.iter().map(of).sum::<u128>() / memory_mb
            };
            let by_1ms = billed_ms(|it| it.billed_mb_ms_by_1ms);
            let by_100ms = billed_ms(|it| it.billed_mb_ms_by_100ms);
            prop_assert!(u128::from(counts.busy.get()) <= by_1ms * 1_000_000, "{}", system);
            prop_assert!(by_1ms <= by_100ms, "{}", system);
            prop_assert_eq!(by_100ms % 100, 0, "{}", system);
        }
    }

    /// The same functions are taken back at the same times, whatever the code: while nothing is
    /// written or read, since a busy one is taken back later. Each function holds a chunk of
    /// each object, so that no placement is luckier than another; and each object is read once,
    /// so that no repair of one code hides a loss that another shows.
    #[test]
    fn more_parity_never_loses_more(
        gaps in prop::collection::vec(0..20_u64, 1..20),
        lost in prop::collection::btree_set((0..600_u64, 0..6_u32), 0..12),
        seed in 0..1000_u64,
    ) {
        const QUIET_S: u64 = 100;
        let put = |(object, after): (u32, &u64)| (*after, object, 3, Op::Put);
        let written_s: u64 = gaps.iter().sum();
        let read_s = QUIET_S + 600 + QUIET_S;
        let get = |object: u32| (if object == 0 { read_s } else { 1 }, object, 3, Op::Get);
        let n_objects = u32::try_from(gaps.len()).unwrap();
        let mut shorts: Vec<Short> = (0..).zip(&gaps).map(put).collect();
        shorts.extend((0..n_objects).map(get));
        let requests = requests(&shorts);
        let row = |(after, function): &(u64, u32)| {
            format!("{},{function},0\n", written_s + QUIET_S + after)
        };
        let profile = Profile::aws_2019_fast20();
        let n_resets = |n_parity: u32| {
            let n_nodes = 4 + n_parity;
            let here = lost.iter().filter(|(_, function)| *function < n_nodes);
            let n_lost = here.clone().map(|(_, function)| function).collect::<BTreeSet<_>>().len();
            // A log has at least one row: this one is of the time after everything.
            let log: String = here.map(row).chain(["90000,0,0\n".to_owned()]).collect();
            let system = format!(
                "infinicache:nodes={n_nodes},code=4+{n_parity},memory=128MB,backup=off,\
                 reclaim=schedule:lost.csv"
            );
            let counts = replay_under(&profile, &log, &system, &requests, seed).total().counts;
            (counts.n_resets, n_parity as usize, n_lost)
        };
        let resets = [0, 1, 2].map(n_resets);
        for (n_resets, n_parity, n_lost) in resets {
            prop_assert_eq!(n_resets != 0, n_parity < n_lost, "4+{} of {:?}", n_parity, lost);
        }
        prop_assert!(resets[2].0 <= resets[1].0 && resets[1].0 <= resets[0].0, "{:?}", resets);
    }

    #[test]
    fn the_bill_is_the_sum_of_its_items_and_hours(shorts in shorts(), seed in 0..1000_u64) {
        let requests = requests(&shorts);
        for system in SYSTEMS {
            let prices = prices_of(system);
            let record = replay(system, &requests, seed);
            let total = record.total();
            let used = [total.usage.serving, total.usage.warm_up, total.usage.backup];
            let n_billed: u64 = used.iter().map(|it| it.n_invocations).sum();
            prop_assert_eq!(total.counts.n_invocations, n_billed, "{}", system);
            let bill = cost(&prices, &total.usage, Accounting::Full).unwrap();
            let hours = record.hours.iter();
            let by_hour: u128 = hours
                .map(|it| cost(&prices, &it.usage, Accounting::Full).unwrap().total().get())
                .sum();
            // Each item of each hour is rounded up to a picodollar of its own.
            let slack = 12 * record.hours.len() as u128;
            prop_assert!(bill.total().get() <= by_hour, "{}", system);
            prop_assert!(by_hour <= bill.total().get() + slack, "{}", system);
        }
    }

    #[test]
    fn without_reclaims_nothing_is_lost(shorts in shorts(), seed in 0..1000_u64) {
        let requests = requests(&shorts);
        for option in ["", ",backup=off", ",warmup=off", ",proxies=2,first_d=code"] {
            let system = format!("infinicache:nodes=8,code=4+2,memory=128MB,reclaim=none{option}");
            let counts = replay(&system, &requests, seed).total().counts;
            prop_assert_eq!((counts.n_resets, counts.n_recoveries, counts.n_reclaims), (0, 0, 0));
        }
    }

    /// Second for second, as many traces have it: what is written and read in one instant is read
    /// as it was written, and so is what is fetched again while others still wait for it.
    #[test]
    fn nothing_is_lost_in_a_rush(rush in rush(), seed in 0..1000_u64) {
        for pool in ["nodes=6,code=4+0", "nodes=6,code=4+2,codec=ec-native", "nodes=1,code=1+0"] {
            let system = format!("infinicache:{pool},memory=128MB,backup=off,reclaim=none");
            let counts = replay(&system, &requests(&rush), seed).total().counts;
            prop_assert_eq!((counts.n_resets, counts.n_recoveries), (0, 0), "{}", system);
        }
    }

    #[test]
    fn where_enough_make_way_no_function_holds_more_than_its_memory(
        shorts in shorts(),
        seed in 0..1000_u64,
    ) {
        let system = "infinicache:nodes=7,code=4+2,memory=128MB,eviction=enough";
        let counts = replay(system, &requests(&shorts), seed).total().counts;
        prop_assert_eq!(counts.overcommitted_max, Bytes::ZERO);
    }

    #[test]
    fn one_seed_gives_one_result(shorts in shorts(), seed in 0..1000_u64) {
        let requests = requests(&shorts);
        for system in SYSTEMS {
            let [once, again] = [0, 1].map(|_| replay(system, &requests, seed));
            prop_assert_eq!(&once.hours, &again.hours, "{}", system);
            let latencies = |it: &Record| it.latencies.all.cumulative();
            prop_assert_eq!(latencies(&once), latencies(&again), "{}", system);
        }
    }
}

/// A request a minute for one object of 40 MB, for an hour.
fn steady() -> Vec<Request> {
    requests(&[(60, 0, 40, Op::Get); 60])
}

/// A replica that takes longer to copy than an invocation may last is ended once it has all.
#[test]
fn a_sync_that_outlasts_an_invocation_ends() {
    let mut profile = Profile::aws_2019_fast20();
    profile.function.execution_limit = Nanos::seconds(10);
    let system = "infinicache:nodes=1,code=1+0,memory=3008MB,backup=10min,reclaim=none";
    let mut shorts: Vec<Short> = (0..24).map(|it| (20, it, 100, Op::Put)).collect();
    shorts.extend([(300, 0, 100, Op::Get), (300, 1, 100, Op::Get)]);
    let counts = replay_under(&profile, "", system, &requests(&shorts), 1).total().counts;
    assert!(0 < counts.n_timeouts, "{counts:?}");
}

#[test]
fn another_seed_gives_another_result() {
    let system = "infinicache:nodes=12,reclaim=poisson:6/min,backup=off";
    let [one, other] = [1, 2].map(|seed| replay(system, &steady(), seed).total().counts);
    assert_ne!(one, other);
}

#[test]
fn reclaims_cost_hits_and_backups_save_them() {
    let check = |system: &str, least: u64, most: u64| {
        let n_hits = replay(system, &steady(), 1).total().counts.n_hits;
        assert!((least..=most).contains(&n_hits), "{system}: {n_hits} hits");
    };
    check("infinicache:nodes=12,reclaim=none", 59, 59);
    // One of the 12 functions a minute on average: two lost chunks are made up for and stored
    // again at the next read, three in one minute (one minute in twelve) are not.
    check("infinicache:nodes=12,reclaim=poisson:1/min,backup=off", 45, 58);
    check("infinicache:nodes=12,reclaim=poisson:1/min,backup=1min", 58, 59);
    check("infinicache:nodes=12,reclaim=poisson:1/min,backup=off,code=12+0", 10, 35);
}

#[test]
fn a_platform_that_takes_back_what_is_idle_takes_what_is_not_warmed() {
    let check = |options: &str, n_hits: u64, least: u64, most: u64| {
        let requests =
            requests(&[(0, 0, 40, Op::Get), (2_400, 0, 40, Op::Get), (60, 0, 40, Op::Get)]);
        let system = format!("infinicache:nodes=12,{options}");
        let counts = replay(&system, &requests, 1).total().counts;
        assert_eq!(counts.n_hits, n_hits, "{options}");
        assert!((least..=most).contains(&counts.n_reclaims), "{options}: {}", counts.n_reclaims);
    };
    check("backup=off,reclaim=idle:27min", 2, 0, 0);
    check("backup=off,warmup=off,reclaim=idle:27min", 1, 12, 12);
    // Replicas are idle between backups, for 5 minutes and a little.
    check("reclaim=idle:27min", 2, 0, 0);
    check("reclaim=idle:3min", 2, 12, 12 * 9);
    check("backup=off,reclaim=mass:30min", 1, 12, 24);
}

#[test]
fn tiers_do_what_their_systems_do_apart() {
    let mixed: Vec<Short> =
        (0..40_u32).map(|it| (30, it % 6, if it % 2 == 0 { 1 } else { 40 }, Op::Get)).collect();
    let mixed = requests(&mixed);
    let (small, large) = ("elasticache:cache.r5.large", "infinicache:nodes=12,reclaim=none");
    let both = replay(&format!("tiers:10MB;{small};{large}"), &mixed, 1);
    let of = |is_small: bool| -> Vec<Request> {
        mixed.iter().copied().filter(|it| (it.size < Bytes::megabytes(10)) == is_small).collect()
    };
    // The last request is a large one, so that the span of those is that of all.
    let apart = replay(large, &of(false), 1);
    let rest = replay(small, &of(true), 1);
    let (both_total, large_total, small_total) = (both.total(), apart.total(), rest.total());
    assert_eq!(both_total.counts.n_hits, large_total.counts.n_hits + small_total.counts.n_hits);
    assert_eq!(both_total.usage.serving, large_total.usage.serving);
    assert_eq!(both_total.usage.node_hours, small_total.usage.node_hours);
    let slowest = apart.latencies.all.max_ms().max(rest.latencies.all.max_ms());
    assert!((both.latencies.all.max_ms() - slowest).abs() < 1e-9);
    assert_eq!(both.latencies.all.n_recorded(), 40);
}

#[test]
fn a_store_is_paid_for_what_is_there_whatever_is_before_it() {
    // Twelve minutes of 30 MB, and an object of 10 MB for the 98 minutes from its PUT on.
    let asked = [(600, 0, 30, Op::Put), (120, 1, 10, Op::Put), (600, 0, 0, Op::Delete)];
    let requests = requests(&[&asked[..], &[(5_280, 1, 10, Op::Get)]].concat());
    for system in ["s3", "elasticache:cache.r5.large", "infinicache:nodes=12", "tiers:20MB;s3;s3"] {
        let used = replay(system, &requests, 1).total().usage;
        let stored = used.store_serving.stored_byte_ns + used.store_backing.stored_byte_ns;
        let megabyte_minutes = stored / (1_000_000 * u128::from(Nanos::MINUTE.get()));
        assert_eq!(megabyte_minutes, 12 * 30 + 98 * 10, "{system}");
    }
}

#[test]
fn a_serverless_cache_is_paid_for_what_it_holds_and_is_asked() {
    const GB: u128 = 1_000_000_000;
    // Of a kilobyte each.
    const UNITS: u64 = 976_563;
    // Two objects of 1 GB, read at once and after an hour; the second read of both hits.
    let reads = [(0, 0, 1_000, Op::Get), (0, 1, 1_000, Op::Get), (3_600, 0, 1_000, Op::Get)];
    let check = |system: &str, n_hits: u64, held: u128, n_kb: u64| {
        let Hour { counts, usage } = replay(system, &requests(&reads), 1).total();
        assert_eq!(counts.n_hits, n_hits, "{system}");
        let used = usage.serverless.values().next().expect("it was used");
        assert_eq!(
            used.paid_byte_ns(Bytes::ZERO),
            held * u128::from(Nanos::HOUR.get()),
            "{system}"
        );
        assert_eq!(used.n_ecpus, n_kb, "{system}");
    };
    // Two lookups, two writes, and a read.
    check("elasticache:serverless-valkey", 1, 2 * GB, 2 + 2 * UNITS + UNITS);
    // Of two that do not fit together the first makes way for the second, and so again.
    check("elasticache:serverless-valkey,max=1GB", 0, GB, 3 + 3 * UNITS);
}

#[test]
fn a_mass_reclaim_leaves_no_time_for_repairs() {
    // Read once a minute for three hours: two mass reclaims within, each within 9 minutes.
    let steady: Vec<Short> = (0..180).map(|it| (60 * u64::from(0 < it), 0, 40, Op::Get)).collect();
    let system = "infinicache:nodes=40,backup=off,reclaim=mass:1h";
    let counts = replay(system, &requests(&steady), 1).total().counts;
    assert!((1..=8).contains(&counts.n_resets), "{} RESETs", counts.n_resets);
}

#[test]
fn a_delete_stands_against_a_read_that_is_under_way() {
    // Deleted a millisecond after each GET, so that no later GET may find the object.
    let mut requests = requests(&[(200, 0, 40, Op::Get); 60]);
    for number in (0..60).rev() {
        let mut delete = requests[number];
        delete.op = Op::Delete;
        delete.at = delete.at + Nanos::MILLISECOND;
        requests.insert(number + 1, delete);
    }
    let system = "infinicache:nodes=12,backup=off,reclaim=poisson:4/min";
    let counts = replay(system, &requests, 1).total().counts;
    assert_eq!((counts.n_compulsory_misses, counts.n_resets), (60, 0));
}

#[test]
fn an_idle_pool_costs_its_warm_ups() {
    // One GET to begin with, and one to end the hour: the rest is warm-ups, one a minute.
    let requests = requests(&[(0, 0, 1, Op::Get), (3_600, 1, 1, Op::Get)]);
    let usage = replay("infinicache:backup=off,reclaim=none", &requests, 1).total().usage;
    let n_warm_ups = usage.warm_up.n_invocations;
    // At the start, and then once a minute after the one before has answered.
    assert!((400 * 59..=400 * 61).contains(&n_warm_ups), "{n_warm_ups}");
    let one_cycle = usage.warm_up.billed_mb_ms_by_100ms / u128::from(n_warm_ups);
    assert_eq!(one_cycle, 1_536 * 100);
}

#[test]
fn a_backup_moves_what_is_new_and_bills_both_ends() {
    let requests = requests(&[(0, 0, 100, Op::Get), (1_800, 0, 100, Op::Get)]);
    let run = |backup| {
        let system = format!("infinicache:nodes=12,reclaim=none,backup={backup}");
        replay(&system, &requests, 1).total().usage
    };
    let (without, with) = (run("off"), run("5min"));
    assert_eq!(without.backup.n_invocations, 0);
    // Twelve functions hold a chunk each, and back up about every five minutes.
    let n_backups = with.backup.n_invocations;
    assert!((12 * 4..=12 * 6).contains(&n_backups), "{n_backups}");
    // The warm-ups at whose end a backup begins last longer.
    assert!(without.warm_up.billed_mb_ms_by_100ms < with.warm_up.billed_mb_ms_by_100ms);
}

#[test]
fn large_objects_queue_on_the_one_thread() {
    // Two objects of 488 MB at once on one node take a second each: the second waits.
    let twice = requests(&[
        (0, 0, 488, Op::Get),
        (0, 1, 488, Op::Get),
        (600, 0, 488, Op::Get),
        (0, 1, 488, Op::Get),
    ]);
    let check = |system: &str, longest_ms: f64| {
        let seen = replay(system, &twice, 1).latencies.hits.max_ms();
        assert!((seen - longest_ms).abs() < 10.0, "{system}: {seen} ms");
    };
    check("elasticache:cache.r5.24xlarge", 2_000.0);
    check("elasticache:2xcache.r5.2xlarge", 1_000.0);
}

#[test]
fn instances_that_are_listed_are_taken_back_then() {
    let requests = requests(&[
        (0, 0, 10, Op::Get),
        (20, 0, 10, Op::Get),
        (20, 0, 10, Op::Get),
        (20, 0, 10, Op::Get),
    ]);
    let pool = "infinicache:nodes=6,memory=128MB,overhead=20MB,reclaim=schedule:lost.csv";
    let check = |code: &str, n_resets: u64, n_recoveries: u64| {
        let log = "30,0,0\n30.5,4,0\n31,5,0\n31,5,1\n";
        let profile = Profile::aws_2019_fast20();
        let system = format!("{pool},code={code}");
        let counts = replay_under(&profile, log, &system, &requests, 1).total().counts;
        // There is no second instance of the last one.
        assert_eq!(counts.n_reclaims, 3, "{code}");
        assert_eq!((counts.n_resets, counts.n_recoveries), (n_resets, n_recoveries), "{code}");
    };
    check("4+2", 1, 0);
    check("3+3", 0, 1);
}

/// The profile of the paper with a line more under this heading.
fn profile_with(heading: &str, line: &str) -> Profile {
    let text = Profile::AWS_2019_FAST20_TEXT;
    assert!(text.contains(heading));
    Profile::from_toml(&text.replacen(heading, &format!("{heading}\n{line}"), 1)).unwrap()
}

#[test]
fn what_a_function_takes_to_return_is_billed() {
    let requests = requests(&[(5, 0, 1, Op::Get), (5, 0, 1, Op::Get)]);
    let pool = "infinicache:nodes=6,code=4+2,reclaim=none,warmup=off,backup=off";
    let billed_ms = |profile: &Profile| {
        let Hour { counts, usage } = replay_under(profile, "", pool, &requests, 1).total();
        assert_eq!(counts.n_invocations, 12);
        usage.serving.billed_mb_ms_by_100ms / 1_536
    };
    assert_eq!(billed_ms(&Profile::aws_2019_fast20()), 1_200);
    let check = |line: &str, expect: u128| {
        assert_eq!(billed_ms(&profile_with("[function]", line)), expect, "{line}");
    };
    // Within the margin of 10 ms, and beyond it.
    check("returning = { quantiles_ms = [1.0, 5.0, 9.9] }", 1_200);
    check("returning = { quantiles_ms = [10.1, 15.0] }", 2_400);
}

#[test]
fn requests_that_come_at_once_wait_for_a_busy_proxy() {
    let requests = requests(&[(5, 0, 1, Op::Get), (0, 1, 1, Op::Get), (60, 2, 1, Op::Get)]);
    let profile = profile_with("[network]", "proxy_request_ms = 10000.0");
    let pool = "infinicache:nodes=6,code=4+2,reclaim=none";
    let total_ms = |record: &Record| record.latencies.misses.mean_ms() * 3.0;
    let waited_ms = total_ms(&replay_under(&profile, "", pool, &requests, 1))
        - total_ms(&replay(pool, &requests, 1));
    assert!((waited_ms - 10_000.0).abs() < 1.0, "{waited_ms}");
}
