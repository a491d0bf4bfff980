//! A part of a trace's objects, drawn by the hash of their keys (SHARDS).

use std::io::{self, Read};

use twox_hash::XxHash3_64;
use units::{Bytes, Nanos, ObjectId, Op, Time};

use crate::builder::{Builder, Key};
use crate::error::{ErrorKind, TraceError};
use crate::keys::{Keys, NUMBER_MAX, number_of};
use crate::note::Note;
use crate::number::DecimalText;
use crate::read::{ReadOptions, read_into};
use crate::select::{Selecting, Selection, SelectionError};
use crate::trace::{Parts, Trace};

/// How many objects are drawn (SHARDS: Waldspurger et al., FAST'15).
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum SampleSize {
    /// Each with this probability, above 0 and at most 1.
    Rate(f64),
    /// At most so many: those of the lowest hashes.
    Objects(u64),
}

/// A part of a trace, and how large a part it is.
#[derive(Clone, Debug)]
pub struct Sample {
    /// All requests of the objects that were drawn, at the times of the whole trace.
    pub trace: Trace,
    /// The share of all hashes that was drawn: what a cache of the whole trace is to be scaled
    /// by for the sample.
    pub rate: f64,
    /// What it was drawn from.
    pub whole: Whole,
}

impl Sample {
    /// The whole trace, as the sample that leaves nothing out.
    pub fn all(trace: Trace) -> Sample {
        let mut whole = Whole { span: trace.span(), ..Whole::default() };
        for request in trace.requests() {
            whole.count(request.op, request.size);
        }
        Sample { trace, rate: 1.0, whole }
    }
}

/// What is known of a trace of which a sample was drawn.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Whole {
    /// How many requests it has.
    pub n_requests: u64,
    /// How many of them are GETs.
    pub n_gets: u64,
    /// The size of all GETs.
    pub requested_bytes: Bytes,
    /// From its first request to its last.
    pub span: Nanos,
}

impl Whole {
    fn count(&mut self, op: Op, size: Bytes) {
        self.n_requests += 1;
        if op == Op::Get {
            self.n_gets += 1;
            self.requested_bytes += size;
        }
    }
}

/// Draws objects by the hash of their keys under `seed`. An object is in or out with all its
/// requests, so that reuse is as in the whole trace; and of the same seed a smaller sample is a
/// part of a larger one.
///
/// # Errors
///
/// [`SelectionError::NothingLeft`] where no object is drawn.
pub fn sample(trace: Trace, size: SampleSize, seed: u64) -> Result<Sample, SelectionError> {
    let Sample { trace, rate: _, whole } = Sample::all(trace);
    draw(trace, size, seed, whole)
}

/// Reads as [`crate::read_files`] does, selects, and draws objects as [`sample`] does, keeping
/// nothing of the others: memory grows with the sample, not with the trace.
///
/// # Errors
///
/// As of [`crate::read_files`]; [`ErrorKind::Selection`] where nothing is left.
///
/// # Panics
///
/// If only some hours are selected: when they end is known only once all is read.
pub fn read_sample<R: Read>(
    name: &str,
    files: impl IntoIterator<Item = (String, io::Result<R>)>,
    options: &ReadOptions,
    selection: &Selection,
    size: SampleSize,
    seed: u64,
    progress: &mut dyn FnMut(u64),
) -> Result<Sample, TraceError> {
    assert!(selection.hours.is_none(), "a sample of some hours is drawn of a trace that is held");
    let selected = |it| TraceError::new(name, ErrorKind::Selection(it).into());
    let selecting = Selecting::new(*selection).map_err(selected)?;
    let mut builder = Builder::drawing(options.n_bad_max, Drawing::new(size, seed, selecting));
    let read = read_into(&mut builder, name, files, options, progress)?;
    let drawn = builder.finish_drawing(|start| read.source(name, start), read.keeps());
    let (mut trace, drawing) = drawn.map_err(|it| TraceError::new(name, read.with_remedy(it)))?;
    drawing.selecting.check().map_err(selected)?;
    trace.add_notes(read.notes);
    trace.add_notes(drawing.selecting.notes());
    draw(trace, size, seed, drawing.whole()).map_err(selected)
}

fn draw(trace: Trace, size: SampleSize, seed: u64, whole: Whole) -> Result<Sample, SelectionError> {
    let hashes = hashes(trace.keys(), seed);
    let below = limit(&hashes, size);
    let rate = below.map_or(1.0, |it| it as f64 / HASHES);
    let mut parts = trace.into_parts();
    parts.retain(|it| below.is_none_or(|limit| hashes[it.object.index()] < limit));
    if parts.requests.is_empty() {
        let why = format!("no object is drawn at a rate of {rate:.6}");
        return Err(SelectionError::NothingLeft { n_requests: whole.n_requests, why });
    }
    let Parts { requests, keys, asides, source, mut notes } = parts;
    let mut sampled = Trace::renumbered(requests, &keys, asides, source, Vec::new());
    let n_kept = sampled.n_objects() as u64;
    notes.push(Note::Sampled { n_kept, rate: format!("{rate:.6}") });
    sampled.add_notes(notes);
    Ok(Sample { trace: sampled, rate, whole })
}

/// As many as there are.
const HASHES: f64 = 18_446_744_073_709_551_616.0;

/// The hash below which objects are drawn; none: all are.
fn limit(hashes: &[u64], size: SampleSize) -> Option<u64> {
    match size {
        SampleSize::Rate(rate) => limit_of_rate(rate),
        SampleSize::Objects(n) => {
            let n = usize::try_from(n).unwrap_or(usize::MAX);
            if hashes.len() <= n {
                return None;
            }
            let mut sorted = hashes.to_vec();
            let (_, first_out, _) = sorted.select_nth_unstable(n);
            Some(*first_out)
        }
    }
}

fn limit_of_rate(rate: f64) -> Option<u64> {
    #[expect(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "below 2^64")]
    (rate < 1.0).then(|| (rate.max(0.0) * HASHES) as u64)
}

/// The hash of each key.
fn hashes(keys: &Keys, seed: u64) -> Vec<u64> {
    (0..).map(ObjectId).take(keys.len()).map(|it| hash(Key::Text(&keys.get(it)), seed)).collect()
}

/// The hash by which an object is in or out: of its number, where its key is one, which is a third
/// of the work.
#[inline]
fn hash(key: Key<'_>, seed: u64) -> u64 {
    let number = match key {
        Key::Text(text) => number_of(text),
        Key::Number(number) => Some(number).filter(|it| *it <= NUMBER_MAX),
    };
    match (number, key) {
        (Some(number), _) => XxHash3_64::oneshot_with_seed(seed, &number.to_le_bytes()),
        (None, Key::Text(text)) => XxHash3_64::oneshot_with_seed(seed, text),
        (None, Key::Number(number)) => {
            XxHash3_64::oneshot_with_seed(seed, DecimalText::of(number).as_bytes())
        }
    }
}

/// What a trace in the making keeps for a sample of it: never less than [`draw`] will.
#[derive(Debug)]
pub(crate) struct Drawing {
    selecting: Selecting,
    seed: u64,
    /// Only objects of hashes below are kept; none: all.
    below: Option<u64>,
    /// How many objects there are to be, if not any number.
    n_objects: Option<usize>,
    counts: Whole,
    /// The earliest and latest time of what is selected.
    range: Option<(u64, u64)>,
}

impl Drawing {
    fn new(size: SampleSize, seed: u64, selecting: Selecting) -> Drawing {
        let (below, n_objects) = match size {
            SampleSize::Rate(rate) => (limit_of_rate(rate), None),
            SampleSize::Objects(n) => (None, usize::try_from(n).ok()),
        };
        Drawing { selecting, seed, below, n_objects, counts: Whole::default(), range: None }
    }

    /// Whether a request is kept; its size is what the selection makes of it.
    #[inline]
    pub(crate) fn keeps(&mut self, nanos: u64, key: Key<'_>, size: &mut Bytes, op: Op) -> bool {
        // No hours are selected, so that it does not matter when.
        if !self.selecting.keeps(Time::START, size, op) {
            return false;
        }
        let (earliest, latest) = self.range.unwrap_or((nanos, nanos));
        self.range = Some((earliest.min(nanos), latest.max(nanos)));
        self.counts.count(op, *size);
        self.below.is_none_or(|below| hash(key, self.seed) < below)
    }

    /// Whether so many objects are twice as many as there are to be, and more: time to let go.
    pub(crate) fn is_full(&self, n_objects: usize) -> bool {
        const N_LEAST: usize = 16;
        self.n_objects.is_some_and(|it| it.max(N_LEAST).saturating_mul(2) < n_objects)
    }

    /// Which of these objects can still be in the sample; no other will be kept from now on.
    pub(crate) fn narrow(&mut self, keys: &Keys) -> impl Fn(ObjectId) -> bool + use<> {
        let hashes = hashes(keys, self.seed);
        let n = self.n_objects.unwrap_or(usize::MAX) as u64;
        // The first that is out tells the rate, so it stays.
        let below = limit(&hashes, SampleSize::Objects(n)).and_then(|it| it.checked_add(1));
        self.below = below.or(self.below);
        move |object| below.is_none_or(|it| hashes[object.index()] < it)
    }

    fn whole(&self) -> Whole {
        let span = self.range.map_or(Nanos::ZERO, |(from, to)| Nanos::new(to - from));
        Whole { span, ..self.counts }
    }
}
