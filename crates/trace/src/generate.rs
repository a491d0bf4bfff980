//! Makes a trace that is like a profile, from random numbers that the caller hands in.

use units::{Bytes, Nanos, ObjectId, Op, Request, Time};
use xxhash_rust::xxh64::xxh64;

use crate::asides::Asides;
use crate::builder::NO_ID;
use crate::input::Compression;
use crate::keys::Keys;
use crate::number::DecimalText;
use crate::profile::{Class, Profile, ProfileError};
use crate::source::Source;
use crate::statistics::Statistics;
use crate::time::{KnownBy, TimeScale, TimeUnit};
use crate::trace::{Row, Trace};
use crate::write::{About, RowWriter, WriteError};

/// A trace of GETs like `profile`. `draw` yields uniform 64-bit random numbers; the same numbers
/// give the same trace.
///
/// Sizes and read counts follow the profile's curves exactly, at evenly spaced shares; random
/// are which object has which, and when it is read. The span, the requests of each hour and the
/// objects are as many as the profile says, so the infinite-cache hit ratio is too.
///
/// # Errors
///
/// [`ProfileError::TotalTooLarge`] where the requests add up to more than a trace may ask for.
pub fn generate(profile: &Profile, draw: &mut dyn FnMut() -> u64) -> Result<Trace, ProfileError> {
    Ok(Draft::new(profile, draw)?.into_trace())
}

/// A generated workload that is no trace yet: half as large, and can be written row by row.
#[derive(Clone, Debug)]
pub struct Draft {
    name: String,
    /// In the order of time.
    reads: Vec<Read>,
    /// By index.
    sizes: Vec<Bytes>,
}

/// A read of an object: when, in nanoseconds, and of which.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
struct Read {
    nanos: u64,
    index: u32,
}

impl Draft {
    /// The workload of which [`generate`] makes a trace.
    ///
    /// # Errors
    ///
    /// As those of [`generate`].
    pub fn new(profile: &Profile, draw: &mut dyn FnMut() -> u64) -> Result<Draft, ProfileError> {
        let n_requests = usize::try_from(profile.n_requests()).expect("at most a billion");
        let mut sizes = Vec::new();
        let mut reads = Vec::with_capacity(n_requests);
        let mut total = 0;
        for class in &profile.classes {
            let counts = access_counts(class);
            let first = sizes.len();
            sizes.extend(paired_sizes(class, draw));
            for (index, n) in (first..).zip(counts) {
                let index = u32::try_from(index).expect("at most 4e9 objects");
                live(class, profile.span, n, index, &mut reads, draw);
            }
        }
        stretch(&mut sizes, profile.working_set);
        for read in &reads {
            total += u128::from(sizes[read.index as usize].get());
        }
        if u128::from(Bytes::TOTAL_MAX.get()) < total {
            return Err(ProfileError::TotalTooLarge { limit: Bytes::TOTAL_MAX });
        }
        reads.sort_unstable();
        spread_over_hours(profile, &mut reads);
        Ok(Draft { name: profile.name.clone(), reads, sizes })
    }

    /// How many requests there are.
    pub fn n_requests(&self) -> usize {
        self.reads.len()
    }

    /// Writes what [`crate::write_rows`] would of the trace, without making it.
    ///
    /// # Errors
    ///
    /// Those of the writer.
    pub fn write(&self, writer: &mut dyn RowWriter) -> Result<(), WriteError> {
        writer.begin(About::default())?;
        let mut ids = Ids::new(self.sizes.len());
        let mut key = Vec::new();
        for read in &self.reads {
            let (id, _) = ids.of(read.index);
            name(id, &mut key);
            let (at, size) = (self.at(read), self.sizes[read.index as usize]);
            let (ttl_s, range) = (None, None);
            writer.row(&Row { at, key: &key, size, op: Op::Get, ttl_s, range })?;
        }
        writer.finish()
    }

    /// The trace.
    pub fn into_trace(self) -> Trace {
        let mut ids = Ids::new(self.sizes.len());
        let mut keys = Keys::default();
        let mut key = Vec::new();
        let requests = self.reads.iter().map(|read| {
            let (object, is_new) = ids.of(read.index);
            if is_new {
                name(object, &mut key);
                keys.push(&key, xxh64(&key, 0));
            }
            Request {
                at: self.at(read),
                size: self.sizes[read.index as usize],
                object,
                op: Op::Get,
            }
        });
        let requests = requests.collect();
        let source = Source {
            name: format!("synthetic:{}", self.name),
            n_files: 0,
            format_name: "synthetic",
            compression: Compression::None,
            columns: None,
            time_scale: TimeScale::Count(TimeUnit::Nanos),
            time_known_by: KnownBy::Format,
            selection: None,
            start: None,
        };
        Trace::new(requests, keys, Asides::default(), source, Vec::new())
    }

    /// The time of a read, counted from the first.
    fn at(&self, read: &Read) -> Time {
        let first = self.reads.first().map_or(0, |it| it.nanos);
        Time::from_nanos(read.nanos - first)
    }
}

/// Gives the objects ids in the order of first appearance.
struct Ids {
    /// By index.
    ids: Vec<ObjectId>,
    n_given: u32,
}

impl Ids {
    fn new(n_objects: usize) -> Ids {
        Ids { ids: vec![NO_ID; n_objects], n_given: 0 }
    }

    /// The id of the object with this index, and whether it is new.
    fn of(&mut self, index: u32) -> (ObjectId, bool) {
        let id = &mut self.ids[index as usize];
        let is_new = *id == NO_ID;
        if is_new {
            *id = ObjectId(self.n_given);
            self.n_given += 1;
        }
        (*id, is_new)
    }
}

/// Puts `object-` and at least eight digits into `key`.
fn name(object: ObjectId, key: &mut Vec<u8>) {
    const N_DIGITS: usize = 8;
    let mut digits = DecimalText::default();
    let digits = digits.text(u64::from(object.0));
    key.clear();
    key.extend_from_slice(b"object-");
    key.extend(std::iter::repeat_n(b'0', N_DIGITS.saturating_sub(digits.len())));
    key.extend_from_slice(digits);
}

/// How often each object of a class is read, most first: the curve at evenly spaced shares,
/// scaled so that the sum is the number of requests. Objects read once stay so.
fn access_counts(class: &Class) -> Vec<u64> {
    // What is read beyond the first time.
    let beyond = |share: f64| (class.n_accesses.at(share).round() - 1.0).max(0.0);
    let more: Vec<f64> = even_shares(class.n_objects).rev().map(beyond).collect();
    let n_more = class.n_requests - u64::from(class.n_objects);
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

/// A size for each object of a class, most read first: the curve at evenly spaced shares, dealt
/// out in steps of the golden ratio, which spread the sizes evenly over every popularity. A heavy
/// tail times a heavy tail would else give another trace for each seed.
fn paired_sizes(class: &Class, draw: &mut dyn FnMut() -> u64) -> Vec<Bytes> {
    const GOLDEN_RATIO: f64 = 0.618_033_988_749_894_8;
    let start = uniform(draw);
    let n_objects = class.n_objects as usize;
    let share_of = |index: usize| (start + index as f64 * GOLDEN_RATIO).fract();
    // By rank, so that each size is given once.
    let mut by_share: Vec<(f64, usize)> = (0..n_objects).map(|it| (share_of(it), it)).collect();
    by_share.sort_unstable_by(|a, b| a.0.total_cmp(&b.0).then(a.1.cmp(&b.1)));
    let mut sizes = vec![Bytes::ZERO; n_objects];
    for ((_, index), share) in by_share.into_iter().zip(even_shares(class.n_objects)) {
        sizes[index] = Bytes::new(whole(class.sizes_bytes.at(share)));
    }
    sizes
}

/// Stretches what is large by one factor, so that the sum is the working set.
fn stretch(sizes: &mut [Bytes], working_set: Option<Bytes>) {
    let Some(working_set) = working_set else { return };
    let large = Statistics::LARGE;
    let sum = |is_large: bool| -> u128 {
        let these = sizes.iter().filter(|it| (large < **it) == is_large);
        these.map(|it| u128::from(it.get())).sum()
    };
    let (small, most) = (sum(false), sum(true));
    if most == 0 {
        return;
    }
    let factor = u128::from(working_set.get()).saturating_sub(small) as f64 / most as f64;
    for size in sizes.iter_mut().filter(|it| large < **it) {
        // What is large stays large, so that the share of requests over the limit stays too.
        let stretched = (size.get() as f64 * factor).max(large.get() as f64 + 1.0);
        *size = Bytes::new(whole(stretched));
    }
}

/// Adds the reads of an object, which lives somewhere in the span: apart by intervals of its
/// class, drawn together where they would not fit.
fn live(
    class: &Class,
    span: Nanos,
    n_reads: u64,
    index: u32,
    reads: &mut Vec<Read>,
    draw: &mut dyn FnMut() -> u64,
) {
    let span_s = span.as_seconds_f64();
    let first = reads.len();
    let mut life_s = 0.0;
    reads.push(Read { nanos: 0, index });
    for _ in 1..n_reads {
        life_s += class.reuse_s.at(uniform(draw));
        // The sum may be longer than any trace until it is drawn together.
        reads.push(Read { nanos: (life_s).to_bits(), index });
    }
    let factor = if span_s < life_s { span_s / life_s } else { 1.0 };
    let birth_s = uniform(draw) * (span_s - life_s * factor);
    for read in &mut reads[first..] {
        let offset_s = f64::from_bits(read.nanos);
        read.nanos = whole((birth_s + offset_s * factor) * 1e9).min(span.get() - 1);
    }
}

/// Moves the reads, which come evenly, so that as many fall into each part of the span as its
/// weight says. Order is kept, and so is what lies close together.
fn spread_over_hours(profile: &Profile, reads: &mut [Read]) {
    let n_reads = reads.len();
    let part = profile.span.get() as f64 / profile.weights.len() as f64;
    let total: f64 = profile.weights.iter().sum();
    let mut weight_so_far = 0.0;
    let mut first = 0;
    let mut low = 0.0;
    for (number, weight) in profile.weights.iter().enumerate() {
        weight_so_far += weight;
        let due = whole(n_reads as f64 * (weight_so_far / total));
        let end = usize::try_from(due).unwrap_or(n_reads).min(n_reads);
        let high = reads.get(end).map_or(profile.span.get() as f64, |it| it.nanos as f64);
        let scale = if low < high { part / (high - low) } else { 0.0 };
        for read in &mut reads[first..end] {
            let moved = number as f64 * part + (read.nanos as f64 - low) * scale;
            read.nanos = whole(moved.max(0.0));
        }
        if first < end {
            (first, low) = (end, high);
        }
    }
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
