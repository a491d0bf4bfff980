//! Makes a trace that is like a profile, from random numbers that the caller hands in.

use units::{Bytes, ObjectId, Op, Request, Time};
use xxhash_rust::xxh64::xxh64;

use crate::builder::NO_ID;
use crate::input::Compression;
use crate::keys::Keys;
use crate::profile::{Profile, ProfileError, ReuseInterval};
use crate::source::Source;
use crate::statistics::Statistics;
use crate::time::{KnownBy, TimeScale, TimeUnit};
use crate::trace::Trace;

/// A trace of GETs like `profile`. `draw` yields uniform 64-bit random numbers; the same numbers
/// give the same trace.
///
/// Sizes and read counts follow the profile's curves exactly, at evenly spaced shares; random
/// are which object has which, when it is read, and when requests come within an hour. The span,
/// the requests and the objects are as many as the profile says, so the infinite-cache hit ratio
/// is too.
///
/// # Errors
///
/// [`ProfileError::TotalTooLarge`] where the requests add up to more than a trace may ask for.
pub fn generate(profile: &Profile, draw: &mut dyn FnMut() -> u64) -> Result<Trace, ProfileError> {
    let n_accesses = access_counts(profile);
    let sizes = object_sizes(profile);
    let sizes = pair(profile, &n_accesses, &sizes, draw);
    let total: u128 =
        sizes.iter().zip(&n_accesses).map(|(it, n)| u128::from(it.get()) * u128::from(*n)).sum();
    if u128::from(Bytes::TOTAL_MAX.get()) < total {
        return Err(ProfileError::TotalTooLarge { limit: Bytes::TOTAL_MAX });
    }
    let order = access_order(profile, &n_accesses, draw);
    let times = arrival_times(profile, draw);

    let mut ids = vec![NO_ID; n_accesses.len()];
    let mut keys = Keys::default();
    let requests = order.into_iter().zip(times).map(|(index, at)| {
        if ids[index] == NO_ID {
            ids[index] = ObjectId(u32::try_from(keys.len()).expect("n_objects is a u32"));
            let key = format!("object-{:08}", keys.len());
            keys.push(key.as_bytes(), xxh64(key.as_bytes(), 0));
        }
        Request { at, size: sizes[index], object: ids[index], op: Op::Get }
    });
    let requests = requests.collect();
    let source = Source {
        name: format!("synthetic:{}", profile.name),
        n_files: 0,
        format_name: "synthetic",
        compression: Compression::None,
        columns: None,
        time_scale: TimeScale::Count(TimeUnit::Nanos),
        time_known_by: KnownBy::Format,
        selection: None,
        start: None,
    };
    Ok(Trace::new(requests, keys, source, Vec::new()))
}

/// How often each object is read, most first: the curve at evenly spaced shares, scaled so that
/// the sum is the number of requests. Objects read once stay so.
fn access_counts(profile: &Profile) -> Vec<u64> {
    let shares = even_shares(profile.n_objects);
    // What is read beyond the first time.
    let more: Vec<f64> =
        shares.rev().map(|it| (profile.n_accesses.at(it).round() - 1.0).max(0.0)).collect();
    let n_more = profile.n_requests - u64::from(profile.n_objects);
    let sum: f64 = more.iter().sum();
    let mut n_given = 0;
    let mut sum_so_far = 0.0;
    let mut counts: Vec<u64> = more
        .iter()
        .map(|it| {
            // The rounding is carried on, so that it does not add up.
            sum_so_far += it;
            let due = if 0.0 < sum { n_more as f64 * (sum_so_far / sum) } else { 0.0 };
            let n = whole(due).saturating_sub(n_given);
            n_given += n;
            1 + n
        })
        .collect();
    // A curve of ones leaves all that is beyond to the first object.
    counts[0] += n_more - n_given.min(n_more);
    counts.sort_unstable_by(|a, b| b.cmp(a));
    counts
}

/// The size of each object, smallest first: the curve at evenly spaced shares, with what is
/// large stretched by one factor so that the sum is the working set.
fn object_sizes(profile: &Profile) -> Vec<Bytes> {
    let large = Statistics::LARGE.get() as f64;
    let curve: Vec<f64> =
        even_shares(profile.n_objects).map(|it| profile.object_sizes.at(it).max(1.0)).collect();
    let sum_small: f64 = curve.iter().filter(|it| **it <= large).sum();
    let sum_large: f64 = curve.iter().filter(|it| large < **it).sum();
    let rest = (profile.working_set.get() as f64 - sum_small).max(0.0);
    let factor = if 0.0 < sum_large { rest / sum_large } else { 1.0 };
    // What is large stays large, so that the share of requests over the limit stays too.
    let stretched = |size: f64| if large < size { (size * factor).max(large + 1.0) } else { size };
    curve.into_iter().map(|it| Bytes::new(whole(stretched(it)))).collect()
}

/// Gives each object, most read first, one of the `sizes`, smallest first.
///
/// Steps of the golden ratio spread the sizes evenly over every popularity, since a heavy tail
/// times a heavy tail would else give another trace for each seed. Of many starts of the steps
/// the one is taken that comes closest to the profile's share of large requests.
fn pair(
    profile: &Profile,
    n_accesses: &[u64],
    sizes: &[Bytes],
    draw: &mut dyn FnMut() -> u64,
) -> Vec<Bytes> {
    const N_STARTS: usize = 64;
    const GOLDEN_RATIO: f64 = 0.618_033_988_749_894_8;
    let share_of = |start: f64, index: usize| {
        let share = (start + index as f64 * GOLDEN_RATIO).fract();
        let is_hot = profile.hot.n_accesses < n_accesses[index];
        if is_hot { share * profile.hot.size_share_max } else { share }
    };
    let miss = |start: f64| {
        let n_small = sizes.partition_point(|it| *it <= Statistics::LARGE);
        let share_small = n_small as f64 / sizes.len() as f64;
        let is_large = |index: &usize| share_small <= share_of(start, *index);
        let n_large: u64 = (0..n_accesses.len()).filter(is_large).map(|it| n_accesses[it]).sum();
        (n_large as f64 / profile.n_requests as f64 - profile.large_request_ratio).abs()
    };
    let starts: Vec<f64> = (0..N_STARTS).map(|_| uniform(draw)).collect();
    let best = starts
        .into_iter()
        .map(|start| (miss(start), start))
        .min_by(|a, b| a.0.total_cmp(&b.0))
        .map_or(0.0, |(_, start)| start);
    // By rank, so that each size is given once.
    let mut by_share: Vec<(f64, usize)> =
        (0..n_accesses.len()).map(|index| (share_of(best, index), index)).collect();
    by_share.sort_unstable_by(|a, b| a.0.total_cmp(&b.0).then(a.1.cmp(&b.1)));
    let mut paired = vec![Bytes::ZERO; sizes.len()];
    for ((_, index), size) in by_share.into_iter().zip(sizes) {
        paired[index] = *size;
    }
    paired
}

/// The objects in the order in which they are read.
///
/// Each object lives somewhere in the span, its reads apart by intervals of the profile, drawn
/// together where they would not fit. Only the order counts: [`arrival_times`] has the times.
fn access_order(
    profile: &Profile,
    n_accesses: &[u64],
    draw: &mut dyn FnMut() -> u64,
) -> Vec<usize> {
    let span_s = profile.span.as_seconds_f64();
    let n_requests = usize::try_from(profile.n_requests).expect("at most a billion");
    let mut reads: Vec<(f64, usize)> = Vec::with_capacity(n_requests);
    let mut offsets = Vec::new();
    for (index, n) in n_accesses.iter().enumerate() {
        let intervals = &reuse_interval(profile, *n).seconds;
        offsets.clear();
        let mut life_s = 0.0;
        offsets.push(life_s);
        for _ in 1..*n {
            life_s += intervals.at(uniform(draw));
            offsets.push(life_s);
        }
        let factor = if span_s < life_s { span_s / life_s } else { 1.0 };
        let birth_s = uniform(draw) * (span_s - life_s * factor);
        reads.extend(offsets.iter().map(|it| (birth_s + it * factor, index)));
    }
    reads.sort_unstable_by(|a, b| a.0.total_cmp(&b.0).then(a.1.cmp(&b.1)));
    reads.into_iter().map(|(_, index)| index).collect()
}

/// The intervals of objects that are read `n_accesses` times.
fn reuse_interval(profile: &Profile, n_accesses: u64) -> &ReuseInterval {
    let intervals = &profile.reuse_intervals;
    let index = intervals.partition_point(|it| it.n_accesses_max < n_accesses);
    &intervals[index.min(intervals.len() - 1)]
}

/// When requests come: at random within each part of the span, as many as its weight says; the
/// first at the start.
fn arrival_times(profile: &Profile, draw: &mut dyn FnMut() -> u64) -> Vec<Time> {
    let part_nanos = profile.span.get() as f64 / profile.weights.len() as f64;
    let total: f64 = profile.weights.iter().sum();
    let mut nanos = Vec::new();
    let mut weight_so_far = 0.0;
    for (part, weight) in profile.weights.iter().enumerate() {
        weight_so_far += weight;
        let due = whole(profile.n_requests as f64 * (weight_so_far / total));
        while (nanos.len() as u64) < due.min(profile.n_requests) {
            nanos.push(whole((part as f64 + uniform(draw)) * part_nanos));
        }
    }
    nanos.sort_unstable();
    let first = nanos.first().copied().unwrap_or_default();
    nanos.into_iter().map(|it| Time::from_nanos(it - first)).collect()
}

/// `n` shares from 0 to 1, each in the middle of one of `n` equal parts.
fn even_shares(n: u32) -> impl DoubleEndedIterator<Item = f64> {
    (0..n).map(move |it| (f64::from(it) + 0.5) / f64::from(n))
}

/// A number in `[0, 1)`.
fn uniform(draw: &mut dyn FnMut() -> u64) -> f64 {
    const STEPS: u64 = 1 << 53;
    (draw() >> 11) as f64 / STEPS as f64
}

/// The nearest whole number to one that is not negative.
fn whole(number: f64) -> u64 {
    #[expect(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "it is rounded")]
    let whole = number.round() as u64;
    whole
}
