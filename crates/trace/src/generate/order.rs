//! Reads in the order of time, a stretch after the other, moved into the busy hours.

use std::ops::Range;

use units::Nanos;

use super::Read;
use super::draw::whole;
use crate::profile::Profile;

/// How many reads fall into each of very many equal parts of the span.
#[derive(Clone, Debug)]
pub(super) struct Buckets {
    /// Of a bucket, in nanoseconds.
    width: u64,
    n_reads: Vec<u32>,
    /// The most that are held at a time, if a bucket has not more by itself.
    n_reads_max: usize,
}

impl Buckets {
    const N: u64 = 1 << 20;

    pub(super) fn new(span: Nanos, n_reads_max: usize) -> Buckets {
        Buckets { width: span.get() / Self::N + 1, n_reads: vec![0; 1 << 20], n_reads_max }
    }

    fn of(&self, read: &Read) -> usize {
        usize::try_from(read.nanos / self.width).expect("there are 2^20")
    }

    pub(super) fn count(&mut self, read: &Read) {
        let bucket = self.of(read);
        self.n_reads[bucket] += 1;
    }

    /// The buckets, in stretches of which each has no more reads than are held.
    pub(super) fn stretches(&self) -> Vec<Range<usize>> {
        let mut stretches = Vec::new();
        let (mut start, mut n_held) = (0, 0);
        for (bucket, n) in self.n_reads.iter().enumerate() {
            if start < bucket && self.n_reads_max < n_held + *n as usize {
                stretches.push(start..bucket);
                (start, n_held) = (bucket, 0);
            }
            n_held += *n as usize;
        }
        stretches.push(start..self.n_reads.len());
        stretches
    }

    /// How many reads lie in the buckets before this one.
    fn n_before(&self, bucket: usize) -> usize {
        self.n_reads[..bucket].iter().map(|it| *it as usize).sum()
    }

    /// The bucket of the read at this place in the order of time.
    fn of_rank(&self, rank: usize) -> usize {
        let mut n_before = 0;
        let found = self.n_reads.iter().position(|n| {
            n_before += *n as usize;
            rank < n_before
        });
        found.expect("there are more reads than that")
    }

    /// A window for the reads of these buckets, and for the one read behind them that has to be
    /// known: at which the part of the span ends that the last of them is in. `ends` are those of
    /// all parts, by rank.
    pub(super) fn window(&self, stretch: Range<usize>, ends: &[usize]) -> Window {
        let start = self.n_before(stretch.start);
        let end = self.n_before(stretch.end);
        let after = ends.iter().copied().find(|it| end <= *it);
        let n_all = self.n_before(self.n_reads.len());
        let behind = after.filter(|it| *it < n_all).map(|rank| {
            let bucket = self.of_rank(rank);
            Behind { bucket, start: self.n_before(bucket), reads: Vec::new() }
        });
        Window {
            start,
            reads: Vec::with_capacity(end - start),
            behind,
            buckets: Some((self.width, stretch)),
        }
    }
}

/// Reads that follow one another in time.
#[derive(Clone, Debug)]
pub(super) struct Window {
    /// How many come before them.
    pub(super) start: usize,
    pub(super) reads: Vec<Read>,
    behind: Option<Behind>,
    /// How wide a bucket is, and the buckets whose reads they are.
    buckets: Option<(u64, Range<usize>)>,
}

/// The reads of one later bucket, for one of them.
#[derive(Clone, Debug)]
struct Behind {
    bucket: usize,
    /// How many come before them.
    start: usize,
    reads: Vec<Read>,
}

impl Window {
    /// For all reads there are, so many.
    pub(super) fn of_all(n_reads: usize) -> Window {
        Window { start: 0, reads: Vec::with_capacity(n_reads), behind: None, buckets: None }
    }

    /// Takes a read if it is one of those.
    pub(super) fn push(&mut self, read: Read) {
        let Some((width, stretch)) = &self.buckets else {
            self.reads.push(read);
            return;
        };
        let bucket = usize::try_from(read.nanos / width).expect("there are 2^20");
        if stretch.contains(&bucket) {
            self.reads.push(read);
        } else if let Some(behind) = &mut self.behind
            && behind.bucket == bucket
        {
            behind.reads.push(read);
        }
    }

    pub(super) fn sort(&mut self) {
        self.reads.sort_unstable();
        if let Some(behind) = &mut self.behind {
            behind.reads.sort_unstable();
        }
    }

    /// The time of the read at this place in the order of all, if it is there.
    fn nanos_at(&self, rank: usize) -> Option<u64> {
        let here = rank.checked_sub(self.start).and_then(|it| self.reads.get(it));
        let behind = self.behind.as_ref();
        let behind = behind.and_then(|it| it.reads.get(rank.checked_sub(it.start)?));
        here.or(behind).map(|it| it.nanos)
    }
}

/// By rank, where each of the parts of the span ends, so that as many reads fall into it as its
/// weight says.
pub(super) fn ends(profile: &Profile, n_reads: usize) -> Vec<usize> {
    let total: f64 = profile.weights.iter().sum();
    let mut weight_so_far = 0.0;
    let end = |weight: &f64| {
        weight_so_far += weight;
        let due = whole(n_reads as f64 * (weight_so_far / total));
        usize::try_from(due).unwrap_or(n_reads).min(n_reads)
    };
    profile.weights.iter().map(end).collect()
}

/// Moves the reads, which come evenly, so that as many fall into each part of the span as its
/// weight says. Order is kept, and so is what lies close together.
pub(super) struct Spreading {
    ends: Vec<usize>,
    /// In nanoseconds, and so are those below.
    span: f64,
    part: f64,
    /// Of the part that the last read was in.
    number: usize,
    end: usize,
    low: f64,
    high: f64,
}

impl Spreading {
    pub(super) fn new(profile: &Profile, n_reads: usize) -> Spreading {
        let span = profile.span.get() as f64;
        let ends = ends(profile, n_reads);
        let part = span / ends.len() as f64;
        Spreading { ends, span, part, number: 0, end: 0, low: 0.0, high: 0.0 }
    }

    /// Where the read at this place in the order of all goes, which comes after the one before.
    pub(super) fn moved(&mut self, rank: usize, nanos: u64, window: &Window) -> u64 {
        if self.end <= rank {
            self.number = self.ends.partition_point(|it| *it <= rank);
            self.end = self.ends[self.number];
            self.low = self.high;
            self.high = window.nanos_at(self.end).map_or(self.span, |it| it as f64);
        }
        let scale = if self.low < self.high { self.part / (self.high - self.low) } else { 0.0 };
        let moved = self.number as f64 * self.part + (nanos as f64 - self.low) * scale;
        whole(moved.max(0.0))
    }
}
