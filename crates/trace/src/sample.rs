//! A part of a trace's objects, drawn by the hash of their keys (SHARDS).

use twox_hash::XxHash3_64;
use units::ObjectId;

use crate::note::Note;
use crate::select::SelectionError;
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
}

/// Draws objects by the hash of their keys under `seed`. An object is in or out with all its
/// requests, so that reuse is as in the whole trace; and of the same seed a smaller sample is a
/// part of a larger one.
pub fn sample(trace: Trace, size: SampleSize, seed: u64) -> Result<Sample, SelectionError> {
    let hashes: Vec<u64> = (0..)
        .map(ObjectId)
        .take(trace.n_objects())
        .map(|object| XxHash3_64::oneshot_with_seed(seed, &trace.key(object)))
        .collect();
    let n_objects = hashes.len() as u64;
    let below = limit(&hashes, size);
    let rate = below.map_or(1.0, |it| it as f64 / HASHES);
    let mut parts = trace.into_parts();
    let n_requests = parts.requests.len();
    parts.retain(|it| below.is_none_or(|limit| hashes[it.object.index()] < limit));
    if parts.requests.is_empty() {
        let why = format!("no object is drawn at a rate of {rate:.6}");
        return Err(SelectionError::NothingLeft { n_requests, why });
    }
    let Parts { requests, keys, asides, source, mut notes } = parts;
    let mut sampled = Trace::renumbered(requests, &keys, asides, source, Vec::new());
    let n_kept = sampled.n_objects() as u64;
    notes.push(Note::Sampled { n_objects, n_kept, rate: format!("{rate:.6}") });
    sampled.add_notes(notes);
    Ok(Sample { trace: sampled, rate })
}

/// As many as there are.
const HASHES: f64 = 18_446_744_073_709_551_616.0;

/// The hash below which objects are drawn; none: all are.
fn limit(hashes: &[u64], size: SampleSize) -> Option<u64> {
    match size {
        SampleSize::Rate(rate) if 1.0 <= rate => None,
        #[expect(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "below 2^64")]
        SampleSize::Rate(rate) => Some((rate.max(0.0) * HASHES) as u64),
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
