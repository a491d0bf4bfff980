//! How this machine behaves as a platform: a short measurement of the parts, from which the
//! simulator's profile of it is made.

use std::sync::Arc;
use std::time::{Duration, Instant};

use anyhow::{Context, bail};
use bytes::Bytes;
use ec::Codec;
use live::client::{Client, Outcome};
use live::made;
use live::platform::local::InvocationRecord;
use live::proxy::ProxyConfig;
use live::replay::{Pace, ReplayPlan};
use policy::lease::{Invoked, Lease, LeaseTerms};
use pricing::Quantum;
use sim::Profile;
use units::{Nanos, ObjectId, Op, Request, Time};

use crate::live_args::{Interval, PoolArgs, StoreChoice};
use crate::live_pool::{self, FUNCTION_TIMEOUT, Interrupt, Interrupted, LivePool, PREFIX, Ports};
use crate::live_run::{self, BYTES_AT_ONCE_MAX};

/// What was measured, in milliseconds and MB per second.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Calibration {
    /// A client's question that the proxy can answer by itself.
    pub(crate) round_trip_ms: f64,
    /// What a small GET takes beyond the round trips of its ping and its chunks.
    pub(crate) client_overhead_ms: f64,
    /// From an invocation of an idle function to its PONG: the least, and the mean beyond.
    pub(crate) warm_floor_ms: f64,
    pub(crate) warm_tail_ms_mean: f64,
    /// The same of a function without an instance.
    pub(crate) cold_start_ms: f64,
    /// What all functions of an object move together.
    pub(crate) link_mb_per_s: f64,
    pub(crate) encode_ms_per_mb: f64,
    pub(crate) decode_ms_per_mb: f64,
    /// From the end of a lease until the platform sees the function return: evenly spaced
    /// quantiles.
    pub(crate) return_ms: [f64; N_QUANTILES],
    /// How long a request holds up those that come at the same time.
    pub(crate) proxy_request_ms: f64,
}

/// How often each thing is measured; medians count.
const N_ROUNDS: usize = 25;
const N_COLD_ROUNDS: usize = 6;
/// One for every twentieth.
const N_QUANTILES: usize = 21;
const SMALL: usize = 1_000;
const LARGE: usize = 16_000_000;

/// How long nothing is asked before the functions are, as between the requests of a trace.
const REST: Duration = Duration::from_millis(400);
/// How many reads come at once, to see how they hold each other up: the most of them, and the
/// fewest whose mean says something.
const N_AT_ONCE_MAX: u64 = 250;
const N_AT_ONCE_MIN: u64 = 10;

/// What is asked of a pool that is measured.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Asked {
    pub(crate) quantum: Quantum,
    pub(crate) store: StoreChoice,
    /// How large the objects of the trace are on average.
    pub(crate) size_mean: units::Bytes,
}

/// Measures a pool of its own. Takes about half a minute.
pub(crate) async fn calibrate(
    args: &PoolArgs,
    asked: Asked,
    interrupt: &Interrupt,
) -> anyhow::Result<Calibration> {
    let never = Interval(None);
    let args = PoolArgs { warmup: never, backup: never, ..args.clone() };
    let pool = LivePool::start(&args, asked.quantum, Ports::Any, interrupt).await?;
    let measured = tokio::select! {
        measured = measure(&args, asked, &pool) => measured,
        () = interrupt.heard() => Err(Interrupted.into()),
    };
    pool.stop().await;
    measured.context("cannot measure this machine")
}

async fn measure(args: &PoolArgs, asked: Asked, pool: &LivePool) -> anyhow::Result<Calibration> {
    let client = pool.client(16).await?;
    for (key, n_bytes) in [("small", SMALL), ("large", LARGE)] {
        client.put(key.as_bytes(), made::object(key.as_bytes(), n_bytes)).await?;
    }
    let mut unknown = Vec::new();
    let mut small = Vec::new();
    let mut large = Vec::new();
    for _ in 0..N_ROUNDS {
        unknown.push(timed_get(&client, "unknown", Outcome::Miss).await?);
    }
    // The first one brings the functions up.
    timed_get(&client, "small", Outcome::Hit).await?;
    for _ in 0..N_ROUNDS {
        small.push(timed_get(&client, "small", Outcome::Hit).await?);
    }
    for _ in 0..N_ROUNDS.div_ceil(3) {
        large.push(timed_get(&client, "large", Outcome::Hit).await?);
    }
    let round_trip_ms = median(&mut unknown);
    let small_ms = median(&mut small);
    let client_overhead_ms = (small_ms - 2.0 * round_trip_ms).max(0.001);
    let (encode_ms_per_mb, decode_ms_per_mb) = coding(args)?;
    let large_mb = LARGE as f64 / 1e6;
    let moving_ms = median(&mut large) - small_ms - large_mb * decode_ms_per_mb;
    let n_moved_mb = large_mb * args.code.n_chunks() as f64 / args.code.n_data() as f64;
    let known_ms = round_trip_ms + client_overhead_ms;
    let proxy_request_ms = at_once(args, pool, asked, round_trip_ms).await?;
    let warm = warm_starts(args, asked.quantum, pool, &client, known_ms).await?;
    let cold_start_ms = cold_start(args, pool, &client, warm.after_ms).await?;
    Ok(Calibration {
        round_trip_ms,
        client_overhead_ms,
        warm_floor_ms: warm.floor_ms,
        warm_tail_ms_mean: warm.tail_ms_mean,
        cold_start_ms,
        link_mb_per_s: n_moved_mb / moving_ms.max(0.01) * 1e3,
        encode_ms_per_mb,
        decode_ms_per_mb,
        return_ms: warm.return_ms,
        proxy_request_ms,
    })
}

/// Reads objects that are not cached, all at once, and caches them, each as large as those of
/// the trace are on average: one waits for those before it, which is for half of all on average.
async fn at_once(
    args: &PoolArgs,
    pool: &LivePool,
    asked: Asked,
    round_trip_ms: f64,
) -> anyhow::Result<f64> {
    let (n_reads, size) = burst(asked.size_mean, room(args)?);
    let client = pool.client(2 * n_reads).await?;
    live_pool::prepare(&client, n_reads).await?;
    let store = live_run::store(asked.store)?;
    let (at, op) = (Time::START, Op::Get);
    let request = |object| Request { at, size, object: ObjectId(object), op };
    let plan = ReplayPlan {
        requests: (0_u32..).take(n_reads).map(request).collect(),
        keys: (0..n_reads).map(|it| Bytes::from(format!("at once {it}"))).collect(),
        pace: Pace::Open,
        n_at_once_max: n_reads,
        bytes_at_once_max: BYTES_AT_ONCE_MAX,
        n_done: Arc::default(),
    };
    let replayed = live::replay::replay(&client, &store, plan).await;
    let terms = live_run::terms(asked.store)?;
    let moved_ms = size.get() as f64 * terms.seconds_per_byte * 1e3;
    let alone_ms = round_trip_ms + terms.first_byte.as_millis_f64() + moved_ms;
    let n_reads = replayed.reads.len().max(1) as f64;
    let total_ms: f64 = replayed.reads.iter().map(|it| it.latency.as_millis_f64()).sum();
    Ok((2.0 * (total_ms / n_reads - alone_ms) / n_reads).max(0.001))
}

/// How much of objects a pool has room for.
fn room(args: &PoolArgs) -> anyhow::Result<units::Bytes> {
    let memory_mb = live_pool::memory_mb(args.memory)?;
    let config = ProxyConfig::local(args.code, args.nodes, memory_mb, String::new());
    let of_function = (config.node_memory - config.node_overhead).get();
    let chunks = u128::from(of_function) * u128::from(args.nodes);
    let objects = chunks * args.code.n_data() as u128 / args.code.n_chunks() as u128;
    Ok(units::Bytes::new(u64::try_from(objects).unwrap_or(u64::MAX)))
}

/// How many objects are read at once, and how large: as those of the trace are on average, or as
/// fit a quarter of the pool's room and what may be under way in this process.
fn burst(size_mean: units::Bytes, room: units::Bytes) -> (usize, units::Bytes) {
    let most = (room.get() / 4).min(BYTES_AT_ONCE_MAX.get());
    let size = size_mean.get().min(most / N_AT_ONCE_MIN).max(1);
    let n_reads = (most / size).min(N_AT_ONCE_MAX);
    (usize::try_from(n_reads).expect("some hundreds"), units::Bytes::new(size))
}

struct WarmStarts {
    floor_ms: f64,
    tail_ms_mean: f64,
    /// From being handed the invocation to the PONG.
    after_ms: f64,
    return_ms: [f64; N_QUANTILES],
}

/// Lets all functions fall asleep, and reads an object, again and again. The platform says when
/// each was handed its invocation; what a read takes beyond that is the same for all.
async fn warm_starts(
    args: &PoolArgs,
    quantum: Quantum,
    pool: &LivePool,
    client: &Client,
    known_ms: f64,
) -> anyhow::Result<WarmStarts> {
    let mut starts = Vec::new();
    let mut after = Vec::new();
    let mut durations = Vec::new();
    for _ in 0..N_ROUNDS {
        put_small(client).await?;
        pool.wait_until_idle().await;
        tokio::time::sleep(REST).await;
        pool.platform.take_records();
        let latency_ms = timed_get(client, "small", Outcome::Hit).await?;
        tokio::time::sleep(REST).await;
        pool.wait_until_idle().await;
        let records = pool.platform.take_records();
        durations.extend(records.iter().map(|it| it.duration.as_millis_f64()));
        let mut delays: Vec<f64> = records.iter().map(start_delay_ms).collect();
        delays.sort_by(f64::total_cmp);
        // The read was settled by the first d.
        let Some(last) = delays.get(args.code.n_data() - 1) else { continue };
        after.push(latency_ms - known_ms - last);
        starts.extend(delays);
    }
    if after.is_empty() {
        bail!("no function was invoked");
    }
    let after_ms = median(&mut after).max(0.0);
    let (floor_ms, tail_ms_mean) = floor_and_tail(&mut starts);
    let due_ms = lease_ms(args, quantum, after_ms);
    let cycle_ms = quantum.length().as_millis_f64();
    // A request that was served late may have had its function wait for another cycle.
    let mut returns: Vec<f64> = durations.iter().map(|it| (it - due_ms).max(0.0)).collect();
    if 10.0 <= cycle_ms {
        for it in &mut returns {
            *it %= cycle_ms;
        }
    }
    let floor_ms = floor_ms + after_ms;
    Ok(WarmStarts { floor_ms, tail_ms_mean, after_ms, return_ms: quantiles(&mut returns) })
}

/// Evenly spaced from the least to the most.
fn quantiles(of: &mut [f64]) -> [f64; N_QUANTILES] {
    of.sort_by(f64::total_cmp);
    let last = of.len() - 1;
    std::array::from_fn(|it| of[it * last / (N_QUANTILES - 1)].max(0.001))
}

/// When the lease of a function ends that was invoked for one small request.
fn lease_ms(args: &PoolArgs, quantum: Quantum, after_ms: f64) -> f64 {
    let memory_mb = live_pool::memory_mb(args.memory).unwrap_or_default();
    let terms = LeaseTerms::of(memory_mb, quantum.length());
    let mut lease = Lease::start(terms, Time::START, Invoked::Request, FUNCTION_TIMEOUT);
    lease.request_began();
    lease.request_ended(Time::START + Nanos::from_seconds_f64(after_ms / 1e3));
    Time::START.until(lease.due()).as_millis_f64()
}

/// A floor that one in twenty is below, and the mean beyond.
fn floor_and_tail(of: &mut [f64]) -> (f64, f64) {
    of.sort_by(f64::total_cmp);
    let floor = of[of.len() / 20].max(0.001);
    let mean = of.iter().sum::<f64>() / of.len() as f64;
    (floor, (mean - floor).max(0.001))
}

/// Takes one function after the other back, and reads an object of which it has a chunk.
async fn cold_start(
    args: &PoolArgs,
    pool: &LivePool,
    client: &Client,
    after_ms: f64,
) -> anyhow::Result<f64> {
    let mut delays = Vec::new();
    for round in 0..N_COLD_ROUNDS {
        put_small(client).await?;
        pool.wait_until_idle().await;
        pool.platform.take_records();
        let node = u32::try_from(round).expect("few rounds") % args.nodes;
        pool.platform.reclaim(&format!("{PREFIX}{node}"), 0);
        timed_get(client, "small", Outcome::Hit).await?;
        // The function need not have a chunk of that object: it is asked for one of its own.
        let key = format!("cold {round}");
        client.put(key.as_bytes(), made::object(key.as_bytes(), SMALL)).await?;
        pool.wait_until_idle().await;
        let records = pool.platform.take_records();
        delays.extend(records.iter().filter(|it| it.init.is_some()).map(start_delay_ms));
    }
    if delays.is_empty() {
        bail!("no function was started");
    }
    Ok(median(&mut delays) + after_ms)
}

/// Writes the small object again: it may have made way for others.
async fn put_small(client: &Client) -> anyhow::Result<()> {
    client.put(b"small", made::object(b"small", SMALL)).await?;
    Ok(())
}

fn start_delay_ms(record: &InvocationRecord) -> f64 {
    record.start_delay.as_millis_f64()
}

/// How long a read takes, whose last chunks are then waited for.
async fn timed_get(client: &Client, key: &str, expect: Outcome) -> anyhow::Result<f64> {
    let began = Instant::now();
    let fetched = client.get(key.as_bytes()).await?;
    let latency_ms = began.elapsed().as_secs_f64() * 1e3;
    if fetched.outcome != expect {
        bail!("a read of `{key}` ended with {:?}", fetched.outcome);
    }
    client.settled().await;
    // So that functions are asked, and not caught on their way out.
    tokio::time::sleep(Duration::from_millis(2)).await;
    Ok(latency_ms)
}

/// How long a megabyte takes to encode, and to decode with as many chunks lost as there is
/// parity.
fn coding(args: &PoolArgs) -> anyhow::Result<(f64, f64)> {
    const N_BYTES: usize = 4_000_000;
    let codec = Codec::new(args.code);
    let mut object = made::object(b"coded", N_BYTES).to_vec();
    let (n_data, n_parity) = (args.code.n_data(), args.code.n_parity());
    let lost: Vec<usize> = (0..n_parity.min(n_data)).collect();
    let (mut encoding, mut decoding) = (Vec::new(), Vec::new());
    for _ in 0..N_ROUNDS {
        let whole = Bytes::copy_from_slice(&object);
        let began = Instant::now();
        let chunks = codec.encode_bytes(&whole);
        encoding.push(began.elapsed().as_secs_f64() * 1e3);
        let given: Vec<(usize, &[u8])> =
            (n_data..).zip(chunks.iter().skip(n_data).map(|it| &it[..])).take(lost.len()).collect();
        let began = Instant::now();
        codec.recover(&mut object, &lost, &given)?;
        decoding.push(began.elapsed().as_secs_f64() * 1e3);
    }
    let mb = N_BYTES as f64 / 1e6;
    Ok((median(&mut encoding) / mb, median(&mut decoding) / mb))
}

fn median(of: &mut [f64]) -> f64 {
    of.sort_by(f64::total_cmp);
    of.get(of.len() / 2).copied().unwrap_or_default()
}

impl Calibration {
    /// The middle of this one and another: what was so before a run and after it.
    pub(crate) fn and(&self, other: &Calibration) -> Calibration {
        let middle = |of: fn(&Calibration) -> f64| of(self).midpoint(of(other));
        Calibration {
            round_trip_ms: middle(|it| it.round_trip_ms),
            client_overhead_ms: middle(|it| it.client_overhead_ms),
            warm_floor_ms: middle(|it| it.warm_floor_ms),
            warm_tail_ms_mean: middle(|it| it.warm_tail_ms_mean),
            cold_start_ms: middle(|it| it.cold_start_ms),
            link_mb_per_s: middle(|it| it.link_mb_per_s),
            encode_ms_per_mb: middle(|it| it.encode_ms_per_mb),
            decode_ms_per_mb: middle(|it| it.decode_ms_per_mb),
            return_ms: std::array::from_fn(|it| self.return_ms[it].midpoint(other.return_ms[it])),
            proxy_request_ms: middle(|it| it.proxy_request_ms),
        }
    }

    /// The profile of this machine for the simulator, as a file. What no cache in functions has
    /// is as in the paper's.
    pub(crate) fn profile(&self, args: &PoolArgs, store: StoreChoice) -> anyhow::Result<String> {
        // All functions of an object move at once, and have a part each.
        let function_mb_per_s = self.link_mb_per_s / args.code.n_chunks() as f64;
        // What no link of this machine reaches: functions share its processor, nothing else.
        let unlimited_mb_per_s = 1e6;
        let terms = live_run::terms(store)?;
        let first_byte_ms = terms.first_byte.as_millis_f64().max(0.001);
        let mut profile: toml::Table = Profile::AWS_2019_FAST20_TEXT.parse()?;
        let mut set = |table: &str, values: &[(&str, f64)]| {
            let entry = match profile.get_mut(table) {
                Some(toml::Value::Array(entries)) => {
                    entries.truncate(1);
                    entries.first_mut()
                }
                it => it,
            };
            let table = entry.and_then(toml::Value::as_table_mut).expect("it is in the profile");
            for (key, value) in values {
                table.insert((*key).to_owned(), toml::Value::Float(*value));
            }
        };
        set(
            "function",
            &[
                ("warm_invoke_floor_ms", self.warm_floor_ms),
                ("warm_invoke_tail_ms_mean", self.warm_tail_ms_mean),
                ("cold_start_ms", self.cold_start_ms),
                ("round_trip_ms", self.round_trip_ms),
                ("client_overhead_ms", self.client_overhead_ms),
                // Small, and no less: what is slow now and then is in what was measured.
                ("straggler_slowdown_mean", 1e-6),
                ("execution_limit_s", FUNCTION_TIMEOUT.as_seconds_f64()),
            ],
        );
        set(
            "network",
            &[
                ("host_mb_per_s", unlimited_mb_per_s),
                ("proxy_mb_per_s", self.link_mb_per_s),
                ("client_mb_per_s", unlimited_mb_per_s),
                ("proxy_request_ms", self.proxy_request_ms),
            ],
        );
        let (encode, decode) = (self.encode_ms_per_mb, self.decode_ms_per_mb);
        set("codec", &[("encode_ms_per_mb", encode), ("decode_ms_per_mb", decode)]);
        let store_mb_per_s = 1e-6 / terms.seconds_per_byte.max(1e-14);
        set(
            "object_store",
            &[
                ("first_byte_ms_p50", first_byte_ms),
                ("first_byte_ms_p95", first_byte_ms),
                ("mb_per_s", store_mb_per_s),
            ],
        );
        let mut bandwidth = toml::Table::new();
        bandwidth.insert("memory_mb".to_owned(), 128.into());
        bandwidth.insert("mb_per_s".to_owned(), function_mb_per_s.into());
        let mut returning = toml::Table::new();
        returning.insert("quantiles_ms".to_owned(), self.return_ms.to_vec().into());
        if let Some(function) = profile.get_mut("function").and_then(toml::Value::as_table_mut) {
            function.insert("bandwidth".to_owned(), vec![toml::Value::from(bandwidth)].into());
            function.insert("returning".to_owned(), returning.into());
        }
        profile.insert("name".to_owned(), "this-machine".into());
        profile.insert("date".to_owned(), "measured by infinisim live validate".into());
        Ok(toml::to_string(&profile)?)
    }
}

#[cfg(test)]
mod tests {
    use units::Bytes;

    use super::*;

    #[test]
    fn what_is_read_at_once_fits_the_pool_and_this_process() {
        #[track_caller]
        fn check(size_mean: u64, room_mb: u64, expect: (usize, u64)) {
            let (n_reads, size) = burst(Bytes::new(size_mean), Bytes::megabytes(room_mb));
            assert_eq!((n_reads, size.get()), expect);
        }
        check(1_000, 8_000, (250, 1_000));
        check(0, 8_000, (250, 1));
        check(2_000_000, 8_000, (250, 2_000_000));
        check(10_000_000, 8_000, (50, 10_000_000));
        check(10_000_000, 800, (20, 10_000_000));
        // Of larger ones too few would fit.
        check(13_000_000, 200, (10, 5_000_000));
        check(5_000_000_000, 100_000, (10, 50_000_000));
    }
}
