//! What a generated workload is to be like: read from TOML, checked once, then trusted.

use serde::Deserialize;
use units::{Bytes, Nanos};

/// The statistics that a generated trace imitates. See `traces/profiles/` for the fields as a
/// file spells them, and for what they mean.
#[derive(Clone, Debug)]
pub struct Profile {
    pub(crate) name: String,
    pub(crate) span: Nanos,
    pub(crate) n_requests: u64,
    pub(crate) n_objects: u32,
    pub(crate) working_set: Bytes,
    pub(crate) large_request_ratio: f64,
    /// The share of requests in each of so many equal parts of the span; the sum is above 0.
    pub(crate) weights: Vec<f64>,
    pub(crate) object_sizes: Quantiles,
    pub(crate) n_accesses: Quantiles,
    pub(crate) hot: Hot,
    /// By rising `n_accesses_max`; never empty, and the last holds for all that are above too.
    pub(crate) reuse_intervals: Vec<ReuseInterval>,
}

/// Objects that are read often, and how large they can be.
#[derive(Clone, Copy, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Hot {
    /// Read more often than this.
    pub(crate) n_accesses: u64,
    /// Their sizes lie below this share of all objects' sizes.
    pub(crate) size_share_max: f64,
}

/// The time between reads of an object, for objects of some popularity.
#[derive(Clone, Debug)]
pub(crate) struct ReuseInterval {
    /// Read at most so often.
    pub(crate) n_accesses_max: u64,
    pub(crate) seconds: Quantiles,
}

/// A distribution as a curve through its quantiles, straight over the logarithm of the value.
#[derive(Clone, Debug)]
pub(crate) struct Quantiles {
    /// Share and value; shares rise from 0 to 1, values are above 0 and do not fall.
    points: Vec<(f64, f64)>,
}

/// Why a text is no profile.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum ProfileError {
    /// It is no TOML, or has other fields than a profile.
    #[error("the profile is not as it should be: {0}")]
    Toml(String),
    /// A field is out of range.
    #[error("`{field}` in the profile must be {must_be}")]
    Field {
        /// The field, as the file spells it.
        field: &'static str,
        /// Its range.
        must_be: &'static str,
    },
    /// The sizes of all requests add up to too much.
    #[error(
        "the requests of the profile add up to more than {limit}; lower `working_set_gb`, or \
         `n_requests`"
    )]
    TotalTooLarge {
        /// The most that a trace may ask for.
        limit: Bytes,
    },
}

/// A profile as its file spells it. Nothing is checked but its shape.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct ProfileFile {
    span_h: u64,
    n_requests: u64,
    n_objects: u32,
    working_set_gb: u64,
    large_request_ratio: f64,
    hourly_weight: Vec<f64>,
    object_size_bytes: Vec<(f64, f64)>,
    n_accesses: Vec<(f64, f64)>,
    hot: Hot,
    reuse_interval: Vec<ReuseIntervalFile>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct ReuseIntervalFile {
    n_accesses_max: u64,
    seconds: Vec<(f64, f64)>,
}

const BUILTIN: [(&str, &str); 1] =
    [("dallas-50h", include_str!("../../../traces/profiles/dallas-50h.toml"))];

impl Profile {
    /// The names of the profiles that come with the program.
    pub fn builtin_names() -> impl Iterator<Item = &'static str> {
        BUILTIN.iter().map(|(name, _)| *name)
    }

    /// The profile of this name that comes with the program.
    pub fn builtin(name: &str) -> Option<Profile> {
        let (_, text) = BUILTIN.iter().find(|(builtin, _)| *builtin == name)?;
        Some(Profile::from_toml(name, text).expect("a profile that comes with us is right"))
    }

    /// The profile that a TOML text spells, under a name of the caller's choice.
    pub fn from_toml(name: &str, text: &str) -> Result<Profile, ProfileError> {
        let file: ProfileFile =
            toml::from_str(text).map_err(|err| ProfileError::Toml(err.to_string()))?;
        Profile::checked(name, file)
    }

    /// The name under which it was read.
    pub fn name(&self) -> &str {
        &self.name
    }

    fn checked(name: &str, file: ProfileFile) -> Result<Profile, ProfileError> {
        // Taken apart without `..`, so that a new field cannot go unchecked.
        let ProfileFile {
            span_h,
            n_requests,
            n_objects,
            working_set_gb,
            large_request_ratio,
            hourly_weight,
            object_size_bytes,
            n_accesses,
            hot,
            reuse_interval,
        } = file;
        require("span_h", "from 1 to 8766", (1..=8_766).contains(&span_h))?;
        let is_countable = (1..=1_000_000_000).contains(&n_requests);
        require("n_requests", "from 1 to 1000000000", is_countable)?;
        let is_covered = 1 <= n_objects && u64::from(n_objects) <= n_requests;
        require("n_objects", "at least 1 and at most `n_requests`", is_covered)?;
        let is_amount = (1..=1_000_000_000).contains(&working_set_gb);
        require("working_set_gb", "from 1 to 1000000000", is_amount)?;
        let is_share = |share: f64| (0.0..=1.0).contains(&share);
        require("large_request_ratio", "from 0 to 1", is_share(large_request_ratio))?;
        let is_weight = |weight: &f64| weight.is_finite() && 0.0 <= *weight;
        let are_weights = hourly_weight.iter().all(is_weight) && 0.0 < hourly_weight.iter().sum();
        require("hourly_weight", "a list of weights that are not all zero", are_weights)?;
        require("hot.size_share_max", "from 0 to 1", is_share(hot.size_share_max))?;
        let n_hours = usize::try_from(span_h).expect("at most 8766");
        let reuse_intervals: Vec<ReuseInterval> = reuse_interval
            .into_iter()
            .map(|ReuseIntervalFile { n_accesses_max, seconds }| {
                let seconds = Quantiles::new("reuse_interval.seconds", seconds)?;
                Ok(ReuseInterval { n_accesses_max, seconds })
            })
            .collect::<Result<_, ProfileError>>()?;
        let is_rising = !reuse_intervals.is_empty()
            && reuse_intervals.is_sorted_by(|a, b| a.n_accesses_max < b.n_accesses_max);
        require("reuse_interval", "a list by rising `n_accesses_max`", is_rising)?;
        Ok(Profile {
            name: name.to_owned(),
            span: Nanos::HOUR * span_h,
            n_requests,
            n_objects,
            working_set: Bytes::megabytes(1_000) * working_set_gb,
            large_request_ratio,
            weights: hourly_weight.into_iter().cycle().take(n_hours).collect(),
            object_sizes: Quantiles::new("object_size_bytes", object_size_bytes)?,
            n_accesses: Quantiles::new("n_accesses", n_accesses)?,
            hot,
            reuse_intervals,
        })
    }
}

impl Quantiles {
    fn new(field: &'static str, points: Vec<(f64, f64)>) -> Result<Quantiles, ProfileError> {
        let starts = points.first().is_some_and(|(share, _)| share.abs() <= 0.0);
        let ends = points.last().is_some_and(|(share, _)| (share - 1.0).abs() <= 0.0);
        let rises = points.is_sorted_by(|a, b| a.0 <= b.0 && a.1 <= b.1);
        let is_held = points.iter().all(|(_, value)| (1e-3..=1e15).contains(value));
        let is_good = starts && ends && rises && is_held;
        let must_be = "pairs of a share and a value: shares rise from 0 to 1, and values, from \
                       0.001 to 1e15, do not fall";
        require(field, must_be, is_good)?;
        Ok(Quantiles { points })
    }

    /// The value below which a `share` of all lies.
    pub(crate) fn at(&self, share: f64) -> f64 {
        let after = self.points.partition_point(|it| it.0 <= share);
        let after = after.clamp(1, self.points.len() - 1);
        let ((share0, value0), (share1, value1)) = (self.points[after - 1], self.points[after]);
        if share1 <= share0 {
            return value1;
        }
        let part = ((share - share0) / (share1 - share0)).clamp(0.0, 1.0);
        value0 * libm::pow(value1 / value0, part)
    }
}

fn require(field: &'static str, must_be: &'static str, is_so: bool) -> Result<(), ProfileError> {
    if is_so { Ok(()) } else { Err(ProfileError::Field { field, must_be }) }
}

#[cfg(test)]
mod tests {
    use super::*;

    const GOOD: &str = "
span_h = 2
n_requests = 100
n_objects = 40
working_set_gb = 1
large_request_ratio = 0.2
hourly_weight = [1]
object_size_bytes = [[0, 10], [0.5, 1000], [1, 1e9]]
n_accesses = [[0, 1], [0.5, 1], [0.5, 2], [1, 10]]
hot = { n_accesses = 5, size_share_max = 0.9 }
reuse_interval = [{ n_accesses_max = 10, seconds = [[0, 1], [1, 100]] }]
";

    #[track_caller]
    fn check(from: &str, to: &str, expect: &str) {
        assert!(GOOD.contains(from));
        let err = Profile::from_toml("test", &GOOD.replace(from, to)).unwrap_err();
        assert!(err.to_string().contains(expect), "{err}");
    }

    #[test]
    fn a_curve_goes_through_its_points() {
        let profile = Profile::from_toml("test", GOOD).unwrap();
        let check = |quantiles: &Quantiles, share: f64, expect: f64| {
            let value = quantiles.at(share);
            assert!((value - expect).abs() < 1e-9 * expect, "{value} at {share}");
        };
        check(&profile.object_sizes, 0.0, 10.0);
        check(&profile.object_sizes, 0.25, 100.0);
        check(&profile.object_sizes, 0.5, 1_000.0);
        check(&profile.object_sizes, 1.0, 1e9);
        check(&profile.n_accesses, 0.49, 1.0);
        check(&profile.n_accesses, 0.5, 2.0);
    }

    #[test]
    fn a_bad_profile_says_what_to_change() {
        check("span_h = 2", "span_h = 0", "`span_h` in the profile must be from 1 to 8766");
        check("span_h = 2", "span_hours = 2", "unknown field `span_hours`");
        check("span_h = 2", "", "missing field `span_h`");
        check("span_h = 2", "span_h = \"2h\"", "invalid type: string");
        check("n_requests = 100", "n_requests = 30", "at least 1 and at most `n_requests`");
        check("n_objects = 40", "n_objects = 0", "at least 1 and at most `n_requests`");
        check("set_gb = 1", "set_gb = 0", "`working_set_gb` in the profile must be from 1");
        check("= 0.2", "= 1.2", "`large_request_ratio` in the profile must be from 0 to 1");
        check("[1]", "[0, 0]", "`hourly_weight` in the profile must be a list of weights");
        check("[1]", "[]", "`hourly_weight` in the profile must be a list of weights");
        check("[0.5, 1000]", "[0.5, 5]", "shares rise from 0 to 1, and values");
        check("[1, 1e9]", "[0.9, 1e9]", "`object_size_bytes` in the profile must be pairs");
        check("[[0, 1], [1, 100]]", "[[0, 0], [1, 100]]", "`reuse_interval.seconds` in the");
        check("= 0.9", "= nan", "`hot.size_share_max` in the profile must be from 0 to 1");
        check("= [{ n_accesses_max = 10, seconds = [[0, 1], [1, 100]] }]", "= []", "a list by");
    }
}
