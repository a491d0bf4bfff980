//! Makes a trace that is like a profile, from random numbers that the caller hands in.

mod draw;
mod order;

use units::{Bytes, ObjectId, Op, Request, Time};

use self::draw::Lives;
use self::order::{Buckets, Spreading, Window};
use crate::asides::Asides;
use crate::builder::NO_ID;
use crate::input::Compression;
use crate::keys::{KeyText, Keys};
use crate::number::DecimalText;
use crate::profile::{Profile, ProfileError};
use crate::source::Source;
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
/// [`ProfileError::TotalTooLarge`] where the requests add up to more than a trace may ask for,
/// [`ProfileError::WorkingSet`] or [`ProfileError::ObjectTooLarge`] where the objects cannot be
/// stretched to the working set.
pub fn generate(
    profile: &Profile,
    draw: impl FnMut() -> u64 + Clone,
) -> Result<Trace, ProfileError> {
    Ok(Draft::new(profile, draw)?.into_trace())
}

/// A generated workload that is no trace yet: what is known of its objects, whose reads are drawn
/// again, a stretch of time after the other, so that memory does not grow with their number.
#[derive(Clone, Debug)]
pub struct Draft<D> {
    profile: Profile,
    /// Before any number was drawn.
    draw: D,
    /// By index.
    sizes: Vec<Bytes>,
    /// By index.
    n_reads: Vec<u32>,
    stretches: Stretches,
}

/// A read of an object: when, in nanoseconds, and of which.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
struct Read {
    nanos: u64,
    index: u32,
}

/// How the reads come by in the order of time.
#[derive(Clone, Debug)]
enum Stretches {
    /// All at once, drawn already.
    One(Window),
    /// So many of them at a time, which are drawn when it is their turn.
    Many(Buckets),
}

impl<D: FnMut() -> u64 + Clone> Draft<D> {
    /// Reads held at a time: a quarter of a gigabyte.
    const N_READS_MAX: usize = 1 << 24;

    /// The workload of which [`generate`] makes a trace.
    ///
    /// # Errors
    ///
    /// As those of [`generate`].
    pub fn new(profile: &Profile, draw: D) -> Result<Draft<D>, ProfileError> {
        Draft::within(Self::N_READS_MAX, profile, draw)
    }

    /// [`Draft::new`] with as many reads held, for which a test need not have millions.
    pub(crate) fn within(
        n_reads_max: usize,
        profile: &Profile,
        draw: D,
    ) -> Result<Draft<D>, ProfileError> {
        let n_requests = usize::try_from(profile.n_requests()).expect("at most a billion");
        let mut sizes = Vec::new();
        let mut n_reads = Vec::new();
        let mut stretches = if n_requests <= n_reads_max {
            Stretches::One(Window::of_all(n_requests))
        } else {
            Stretches::Many(Buckets::new(profile.span, n_reads_max))
        };
        let mut drawing = draw.clone();
        let mut lives = Lives::new(profile);
        for class in &profile.classes {
            let counts = draw::access_counts(class);
            let first = sizes.len();
            sizes.extend(draw::paired_sizes(class, &mut drawing));
            for (index, n) in (first..).zip(counts) {
                let index = u32::try_from(index).expect("at most 4e9 objects");
                let n = u32::try_from(n).expect("at most 1e9 requests");
                n_reads.push(n);
                lives.draw(class, n, index, &mut drawing, &mut |read| match &mut stretches {
                    Stretches::One(window) => window.push(read),
                    Stretches::Many(buckets) => buckets.count(&read),
                });
            }
        }
        draw::stretch(&mut sizes, profile.working_set)?;
        let all = sizes.iter().zip(&n_reads);
        let total: u128 = all.map(|(size, n)| u128::from(size.get()) * u128::from(*n)).sum();
        if u128::from(Bytes::TOTAL_MAX.get()) < total {
            return Err(ProfileError::TotalTooLarge { limit: Bytes::TOTAL_MAX });
        }
        if let Stretches::One(window) = &mut stretches {
            window.sort();
        }
        Ok(Draft { profile: profile.clone(), draw, sizes, n_reads, stretches })
    }

    /// How many requests there are.
    pub fn n_requests(&self) -> usize {
        usize::try_from(self.profile.n_requests()).expect("at most a billion")
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
        self.each(|at, index| {
            let (id, _) = ids.of(index);
            name(id, &mut key);
            let (size, ttl_s, range) = (self.sizes[index as usize], None, None);
            writer.row(&Row { at, key: KeyText::from(&key[..]), size, op: Op::Get, ttl_s, range })
        })?;
        writer.finish()
    }

    /// The trace.
    pub fn into_trace(self) -> Trace {
        let mut ids = Ids::new(self.sizes.len());
        let mut keys = Keys::default();
        let mut key = Vec::new();
        let mut requests = Vec::with_capacity(self.n_requests());
        let all: Result<(), std::convert::Infallible> = self.each(|at, index| {
            let (object, is_new) = ids.of(index);
            if is_new {
                name(object, &mut key);
                keys.push(&key);
            }
            let size = self.sizes[index as usize];
            requests.push(Request { at, size, object, op: Op::Get });
            Ok(())
        });
        let Ok(()) = all;
        let source = Source {
            name: format!("synthetic:{}", self.profile.name),
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

    /// Hands over every read in the order of time: when, counted from the first, and of which
    /// object, by index.
    fn each<E>(&self, mut take: impl FnMut(Time, u32) -> Result<(), E>) -> Result<(), E> {
        let mut spreading = Spreading::new(&self.profile, self.n_requests());
        let mut first = None;
        let mut take_all = |window: &Window| {
            for (rank, read) in (window.start..).zip(&window.reads) {
                let nanos = spreading.moved(rank, read.nanos, window);
                let first = *first.get_or_insert(nanos);
                take(Time::from_nanos(nanos - first), read.index)?;
            }
            Ok(())
        };
        match &self.stretches {
            Stretches::One(window) => take_all(window),
            Stretches::Many(buckets) => {
                let ends = order::ends(&self.profile, self.n_requests());
                for stretch in buckets.stretches() {
                    let mut window = buckets.window(stretch, &ends);
                    self.draw_again(&mut |read| window.push(read));
                    window.sort();
                    take_all(&window)?;
                }
                Ok(())
            }
        }
    }

    /// Draws all reads as they were drawn before.
    fn draw_again(&self, visit: &mut impl FnMut(Read)) {
        let mut draw = self.draw.clone();
        let mut lives = Lives::new(&self.profile);
        let mut objects = (0_u32..).zip(&self.n_reads);
        for class in &self.profile.classes {
            draw::pass_over_sizes(&mut draw);
            for (index, n) in objects.by_ref().take(class.n_objects as usize) {
                lives.draw(class, *n, index, &mut draw, visit);
            }
        }
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
    let digits = DecimalText::of(u64::from(object.0));
    let digits = digits.as_bytes();
    key.clear();
    key.extend_from_slice(b"object-");
    key.extend(std::iter::repeat_n(b'0', N_DIGITS.saturating_sub(digits.len())));
    key.extend_from_slice(digits);
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::write::CsvWriter;

    /// Steps of the golden ratio, which spread evenly.
    fn numbers() -> impl FnMut() -> u64 + Clone {
        let mut number = 7_u64;
        move || {
            number = number.wrapping_mul(0x9e37_79b9_7f4a_7c15).wrapping_add(0x1234_5678_9abc_def1);
            number ^ (number >> 29)
        }
    }

    fn csv(draft: &Draft<impl FnMut() -> u64 + Clone>) -> String {
        let mut out = Vec::new();
        draft.write(&mut CsvWriter::new(&mut out)).expect("memory takes all");
        String::from_utf8(out).expect("text")
    }

    #[test]
    fn a_stretch_after_the_other_gives_what_all_at_once_does() {
        let text = "
span_h = 7
hourly_weight = [0, 5, 1, 0, 0, 3, 1]
[[class]]
n_objects = 40
n_requests = 300
size_bytes = [[0, 10], [1, 1e8]]
n_accesses = [[0, 1], [0.5, 3], [1, 90]]
reuse_s = [[0, 1], [1, 20000]]
[[class]]
n_objects = 30
n_requests = 30
size_bytes = [[0, 10], [1, 1000]]
n_accesses = [[0, 1], [1, 1]]
";
        let profile = Profile::from_toml("test", text).unwrap();
        let whole = Draft::within(1_000, &profile, numbers()).unwrap();
        let expect = csv(&whole);
        assert_eq!(expect.lines().count(), 331);
        for n_reads_max in [1, 7, 50, 329] {
            let draft = Draft::within(n_reads_max, &profile, numbers()).unwrap();
            assert!(matches!(draft.stretches, Stretches::Many(_)));
            assert_eq!(csv(&draft), expect, "{n_reads_max} at a time");
            assert_eq!(draft.into_trace().requests().len(), 330);
        }
    }
}
