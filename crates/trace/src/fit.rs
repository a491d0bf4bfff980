//! The profile of a trace: what it is like, without a row of it.

use std::borrow::Cow;

use units::{Nanos, Op, Request};

use crate::profile::{ClassFile, ProfileFile, SPAN_H_MAX};
use crate::statistics::Statistics;
use crate::trace::{Parts, Trace};

/// Objects are classed by how often they are read: at most so often.
const N_ACCESSES_MAX: [u64; 8] = [1, 2, 5, 20, 100, 400, 1_600, u64::MAX];

/// Why there is no profile of a trace.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum FitError {
    /// It reads nothing.
    #[error("a profile is of GETs, and none of the {n_requests} requests is one")]
    NoGets {
        /// PUTs and DELETEs.
        n_requests: usize,
    },
    /// It lasts longer than a generated trace may.
    #[error(
        "the trace lasts {span}, and a profile at most {SPAN_H_MAX} hours; select as many \
             with `--hours {SPAN_H_MAX}`"
    )]
    TooLong {
        /// How long.
        span: Nanos,
    },
}

impl Trace {
    /// The GETs of it alone, which a profile is of.
    pub(crate) fn gets(&self) -> Cow<'_, Trace> {
        if self.requests().iter().all(|it| it.op == Op::Get) {
            return Cow::Borrowed(self);
        }
        let mut parts = self.clone().into_parts();
        parts.retain(|it| it.op == Op::Get);
        let Parts { requests, keys, asides, source, notes } = parts;
        Cow::Owned(Trace::renumbered(requests, &keys, asides, source, notes))
    }
}

/// The profile, as TOML, of which [`crate::generate`] makes a likeness of the GETs of `trace`,
/// which lasts `span`.
///
/// Kept are requests by hour; and, of objects of at most and of more than 10 MB, by how often they
/// are read, how many there are, and the distributions of their sizes, read counts and reuse
/// intervals. Which object, which client, and in which order is not.
///
/// # Errors
///
/// [`FitError`] where no profile could say what the trace is like.
pub fn fit(trace: &Trace, span: Nanos) -> Result<String, FitError> {
    let gets = trace.gets();
    if gets.requests().is_empty() {
        return Err(FitError::NoGets { n_requests: trace.requests().len() });
    }
    let span_h = span.get().max(1).div_ceil(Nanos::HOUR.get());
    if SPAN_H_MAX < span_h {
        return Err(FitError::TooLong { span });
    }
    let n_hours = usize::try_from(span_h).expect("at most 8766");
    let mut hourly = vec![0_u64; n_hours];
    let hour_of = |it: &Request| {
        let hour = it.at.as_nanos() / Nanos::HOUR.get();
        usize::try_from(hour).expect("a trace spans at most 100 years").min(n_hours - 1)
    };
    for get in gets.requests() {
        hourly[hour_of(get)] += 1;
    }
    let file = ProfileFile {
        span_h,
        working_set_gb: None,
        hourly_weight: hourly.iter().map(|it| *it as f64).collect(),
        class: classes(&gets, &even_clock(gets.requests(), &hourly)),
    };
    let head = "# The likeness of a trace: made by `infinisim trace fit`; no row of it is here.\n";
    Ok(head.to_owned() + &toml(&file))
}

/// The time of each request in seconds on a clock that runs faster in busy hours, so that
/// requests come evenly.
fn even_clock(gets: &[Request], hourly: &[u64]) -> Vec<f64> {
    let seconds_per_request = hourly.len() as f64 * 3_600.0 / gets.len() as f64;
    let mut before = vec![0];
    for n in hourly {
        before.push(before[before.len() - 1] + n);
    }
    let hour_nanos = Nanos::HOUR.get();
    let at = |get: &Request| {
        let nanos = get.at.as_nanos();
        let hour = usize::try_from(nanos / hour_nanos).unwrap_or(usize::MAX).min(hourly.len() - 1);
        let part = (nanos - hour as u64 * hour_nanos) as f64 / hour_nanos as f64;
        (before[hour] as f64 + part * hourly[hour] as f64) * seconds_per_request
    };
    gets.iter().map(at).collect()
}

/// What is known of the objects of one class.
#[derive(Default)]
struct Members {
    sizes: Vec<f64>,
    n_accesses: Vec<f64>,
    reuse_s: Vec<f64>,
}

fn classes(gets: &Trace, times_s: &[f64]) -> Vec<ClassFile> {
    let sizes = gets.largest_sizes();
    let mut n_accesses = vec![0_u64; gets.n_objects()];
    for get in gets.requests() {
        n_accesses[get.object.index()] += 1;
    }
    let class_of = |object: usize| {
        let by_count = N_ACCESSES_MAX.partition_point(|it| *it < n_accesses[object]);
        2 * by_count + usize::from(Statistics::LARGE < sizes[object])
    };
    let mut classes: Vec<Members> = Vec::new();
    classes.resize_with(2 * N_ACCESSES_MAX.len(), Members::default);
    for (object, n) in n_accesses.iter().enumerate() {
        let class = &mut classes[class_of(object)];
        class.sizes.push(sizes[object].get() as f64);
        class.n_accesses.push(*n as f64);
    }
    let mut last_s: Vec<Option<f64>> = vec![None; gets.n_objects()];
    for (get, at_s) in gets.requests().iter().zip(times_s) {
        let object = get.object.index();
        if let Some(last_s) = last_s[object].replace(*at_s) {
            classes[class_of(object)].reuse_s.push(at_s - last_s);
        }
    }
    classes.into_iter().filter(|it| !it.sizes.is_empty()).map(Members::into_file).collect()
}

impl Members {
    fn into_file(self) -> ClassFile {
        let Members { sizes, n_accesses, reuse_s } = self;
        let n_objects = u32::try_from(n_accesses.len()).expect("objects have ids of 32 bits");
        #[expect(
            clippy::cast_possible_truncation,
            clippy::cast_sign_loss,
            reason = "a sum of counts"
        )]
        let n_requests = n_accesses.iter().sum::<f64>() as u64;
        let reuse_s = if reuse_s.is_empty() { Vec::new() } else { quantiles(reuse_s) };
        ClassFile {
            n_objects,
            n_requests,
            size_bytes: quantiles(sizes),
            n_accesses: quantiles(n_accesses),
            reuse_s,
        }
    }
}

/// The curve through some quantiles of `values`: in the middle of each step where they are few.
fn quantiles(mut values: Vec<f64>) -> Vec<(f64, f64)> {
    const N_POINTS: usize = 50;
    values.sort_unstable_by(f64::total_cmp);
    let n = values.len();
    let n_points = n.min(N_POINTS);
    let mut shares: Vec<f64> =
        (0..n_points).map(|it| (it as f64 + 0.5) / n_points as f64).collect();
    if N_POINTS < n {
        // Tails are where the bytes are.
        shares.extend([0.001, 0.995, 0.998, 0.999, 0.9995, 0.9999]);
    }
    shares.extend([0.0, 1.0]);
    shares.sort_unstable_by(f64::total_cmp);
    let value = |share: f64| {
        #[expect(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "an index")]
        let index = (share * n as f64) as usize;
        // A curve is straight over the logarithm, and has no zero.
        values[index.min(n - 1)].clamp(1e-3, 1e15)
    };
    let rounded = |it: f64| (it * 1e4).round() / 1e4;
    shares.into_iter().map(|it| (rounded(it), value(it))).collect()
}

/// The file as text, each curve on one line. (The toml crate would give a line to every number.)
fn toml(file: &ProfileFile) -> String {
    use std::fmt::Write as _;
    let number = |it: f64| {
        if it.fract() == 0.0 && it < 1e15 { format!("{it:.0}") } else { format!("{it:.6}") }
    };
    let curve = |points: &[(f64, f64)]| {
        let short = |it: f64| if 100.0 <= it { it.round() } else { it };
        let points: Vec<String> =
            points.iter().map(|(share, it)| format!("[{share}, {}]", number(short(*it)))).collect();
        points.join(", ")
    };
    let weights: Vec<String> = file.hourly_weight.iter().map(|it| number(*it)).collect();
    let mut text = format!("span_h = {}\n", file.span_h);
    let mut line = |arguments: std::fmt::Arguments<'_>| {
        text.write_fmt(arguments).expect("a string takes all text");
    };
    line(format_args!("hourly_weight = [{}]\n", weights.join(", ")));
    for class in &file.class {
        line(format_args!("\n[[class]]\nn_objects = {}\n", class.n_objects));
        line(format_args!("n_requests = {}\n", class.n_requests));
        line(format_args!("size_bytes = [{}]\n", curve(&class.size_bytes)));
        line(format_args!("n_accesses = [{}]\n", curve(&class.n_accesses)));
        if !class.reuse_s.is_empty() {
            line(format_args!("reuse_s = [{}]\n", curve(&class.reuse_s)));
        }
    }
    text
}
