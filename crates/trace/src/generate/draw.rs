//! The objects of a profile, and their reads in the order of objects, by random numbers.

use units::{Bytes, Nanos};

use super::Read;
use crate::profile::{Class, Profile, ProfileError};
use crate::statistics::Statistics;

/// How often each object of a class is read, most first: the curve at evenly spaced shares,
/// scaled so that the sum is the number of requests. Objects read once stay so.
pub(super) fn access_counts(class: &Class) -> Vec<u64> {
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
pub(super) fn paired_sizes(class: &Class, draw: &mut impl FnMut() -> u64) -> Vec<Bytes> {
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
///
/// # Errors
///
/// [`ProfileError::WorkingSet`] where it cannot be, [`ProfileError::ObjectTooLarge`] where an
/// object would be larger than a trace may hold.
pub(super) fn stretch(sizes: &mut [Bytes], working_set: Option<Bytes>) -> Result<(), ProfileError> {
    let Some(asked) = working_set else { return Ok(()) };
    let large = Statistics::LARGE;
    let total = |sizes: &[Bytes]| sizes.iter().map(|it| u128::from(it.get())).sum::<u128>();
    let most: u128 = sizes.iter().filter(|it| large < **it).map(|it| u128::from(it.get())).sum();
    let small = total(sizes) - most;
    let factor = u128::from(asked.get()).saturating_sub(small) as f64 / most as f64;
    for size in sizes.iter_mut().filter(|it| large < **it) {
        // What is large stays large, so that the share of requests over the limit stays too.
        let stretched = (size.get() as f64 * factor).max(large.get() as f64 + 1.0);
        *size = Bytes::new(whole(stretched));
    }
    let limit = Bytes::SIZE_MAX;
    if let Some(size) = sizes.iter().copied().max().filter(|it| limit < *it) {
        return Err(ProfileError::ObjectTooLarge { size, limit });
    }
    // A few that stay just large are no matter.
    let found = total(sizes);
    if u128::from(asked.get() / 1_000) < found.abs_diff(u128::from(asked.get())) {
        let found = Bytes::new(u64::try_from(found).unwrap_or(u64::MAX));
        return Err(ProfileError::WorkingSet { asked, found });
    }
    Ok(())
}

/// Draws again what [`paired_sizes`] has drawn of a class, whose sizes are known.
pub(super) fn pass_over_sizes(draw: &mut impl FnMut() -> u64) {
    let _ = uniform(draw);
}

/// The reads of objects, which live somewhere in the span: apart by intervals of their class,
/// drawn together where they would not fit.
pub(super) struct Lives {
    span: Nanos,
    /// Of one object: seconds from its first read.
    offsets_s: Vec<f64>,
}

impl Lives {
    pub(super) fn new(profile: &Profile) -> Lives {
        Lives { span: profile.span, offsets_s: Vec::new() }
    }

    /// Draws the `n_reads` of the object with this index, and hands each to `visit`.
    pub(super) fn draw(
        &mut self,
        class: &Class,
        n_reads: u32,
        index: u32,
        draw: &mut impl FnMut() -> u64,
        visit: &mut impl FnMut(Read),
    ) {
        let span_s = self.span.as_seconds_f64();
        let mut life_s = 0.0;
        self.offsets_s.clear();
        self.offsets_s.push(0.0);
        for _ in 1..n_reads {
            life_s += class.reuse_s.at(uniform(draw));
            self.offsets_s.push(life_s);
        }
        // What does not fit leaves room for one more of its mean intervals: filled to both ends,
        // the span would begin with a read of every such object in its first instant.
        let room_s = span_s * f64::from(n_reads - 1) / f64::from(n_reads);
        let factor = if room_s < life_s { room_s / life_s } else { 1.0 };
        let birth_s = uniform(draw) * (span_s - life_s * factor);
        for offset_s in &self.offsets_s {
            let nanos = whole((birth_s + offset_s * factor) * 1e9).min(self.span.get() - 1);
            visit(Read { nanos, index });
        }
    }
}

/// `n` shares from 0 to 1, each in the middle of one of `n` equal parts.
fn even_shares(n: u32) -> impl DoubleEndedIterator<Item = f64> {
    (0..n).map(move |it| (f64::from(it) + 0.5) / f64::from(n))
}

/// A number in `[0, 1)`.
fn uniform(draw: &mut impl FnMut() -> u64) -> f64 {
    const STEPS: u64 = 1 << 53;
    (draw() >> 11) as f64 / STEPS as f64
}

/// The nearest whole number to one that is not negative.
pub(super) fn whole(number: f64) -> u64 {
    #[expect(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "it is rounded")]
    let whole = number.round() as u64;
    whole
}
