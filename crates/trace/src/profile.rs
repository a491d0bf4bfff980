//! What a generated workload is to be like: read from TOML, checked once, then trusted.

use serde::{Deserialize, Serialize};
use units::{Bytes, Nanos};

use crate::statistics::Statistics;

/// The statistics that a generated trace imitates. See `traces/profiles/template.toml` for the
/// fields as a file spells them, and for what they mean.
#[derive(Clone, Debug)]
pub struct Profile {
    pub(crate) name: String,
    pub(crate) span: Nanos,
    /// What the largest sizes of all objects add up to, if large ones are to be stretched to it.
    pub(crate) working_set: Option<Bytes>,
    /// The share of requests in each of so many equal parts of the span; the sum is above 0.
    pub(crate) weights: Vec<f64>,
    /// Never empty.
    pub(crate) classes: Vec<Class>,
}

/// Objects that are alike: of a range of sizes and of popularities, as a rule.
#[derive(Clone, Debug)]
pub(crate) struct Class {
    pub(crate) n_objects: u32,
    /// At least `n_objects`.
    pub(crate) n_requests: u64,
    pub(crate) sizes_bytes: Quantiles,
    pub(crate) n_accesses: Quantiles,
    /// Seconds from one read of an object to the next, on a clock by which requests come evenly.
    pub(crate) reuse_s: Quantiles,
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
    /// The objects cannot be stretched to the working set.
    #[error(
        "the objects of the profile come to {found} at the nearest, and not to the {asked} of \
         `working_set_gb`: only sizes over {} are stretched, and none to less; change it, or \
         `class.size_bytes`",
        Statistics::LARGE
    )]
    WorkingSet {
        /// What the profile says.
        asked: Bytes,
        /// What they add up to.
        found: Bytes,
    },
    /// An object that is stretched to the working set becomes larger than a trace may hold.
    #[error(
        "the largest object of the profile is to be of {size}, and {limit} is the most; lower \
         `working_set_gb`, or write more objects"
    )]
    ObjectTooLarge {
        /// Its size.
        size: Bytes,
        /// The largest size.
        limit: Bytes,
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
#[derive(Deserialize, Serialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct ProfileFile {
    pub(crate) span_h: u64,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) working_set_gb: Option<f64>,
    pub(crate) hourly_weight: Vec<f64>,
    pub(crate) class: Vec<ClassFile>,
}

#[derive(Deserialize, Serialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct ClassFile {
    pub(crate) n_objects: u32,
    pub(crate) n_requests: u64,
    pub(crate) size_bytes: Vec<(f64, f64)>,
    pub(crate) n_accesses: Vec<(f64, f64)>,
    /// A class of objects that are read once needs none.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub(crate) reuse_s: Vec<(f64, f64)>,
}

const BUILTIN: [(&str, &str); 4] = [
    ("dallas-50h", include_str!("../../../traces/profiles/dallas-50h.toml")),
    ("dallas-50h-large", include_str!("../../../traces/profiles/dallas-50h-large.toml")),
    ("london-50h", include_str!("../../../traces/profiles/london-50h.toml")),
    ("dallas-75d", include_str!("../../../traces/profiles/dallas-75d.toml")),
];

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

    /// How many requests a trace of it has.
    pub fn n_requests(&self) -> u64 {
        self.classes.iter().map(|it| it.n_requests).sum()
    }

    fn checked(name: &str, file: ProfileFile) -> Result<Profile, ProfileError> {
        // Taken apart without `..`, so that a new field cannot go unchecked.
        let ProfileFile { span_h, working_set_gb, hourly_weight, class } = file;
        require("span_h", "from 1 to 8766", (1..=SPAN_H_MAX).contains(&span_h))?;
        let is_amount = working_set_gb.is_none_or(|it| (1e-9..=1e9).contains(&it));
        require("working_set_gb", "from 1e-9 to 1e9", is_amount)?;
        let weights = weights_of_hours(hourly_weight, span_h)?;
        let classes: Vec<Class> =
            class.into_iter().map(Class::checked).collect::<Result<_, _>>()?;
        require("class", "there at least once", !classes.is_empty())?;
        let n_objects: u64 = classes.iter().map(|it| u64::from(it.n_objects)).sum();
        require("class.n_objects", "at most 4e9 in all", n_objects <= 4_000_000_000)?;
        let n_requests: u64 = classes.iter().map(|it| it.n_requests).sum();
        require("class.n_requests", "at most 1e9 in all", n_requests <= N_REQUESTS_MAX)?;
        #[expect(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "checked")]
        let bytes = |gigabytes: f64| Bytes::new((gigabytes * 1e9).round() as u64);
        Ok(Profile {
            name: name.to_owned(),
            span: Nanos::HOUR * span_h,
            working_set: working_set_gb.map(bytes),
            weights,
            classes,
        })
    }
}

const N_REQUESTS_MAX: u64 = 1_000_000_000;

/// A year.
pub(crate) const SPAN_H_MAX: u64 = 8_766;

impl Class {
    fn checked(file: ClassFile) -> Result<Class, ProfileError> {
        let ClassFile { n_objects, n_requests, size_bytes, n_accesses, reuse_s } = file;
        let is_countable = (1..=N_REQUESTS_MAX).contains(&n_requests);
        require("class.n_requests", "from 1 to 1e9", is_countable)?;
        let is_covered = 1 <= n_objects && u64::from(n_objects) <= n_requests;
        require("class.n_objects", "at least 1 and at most `n_requests`", is_covered)?;
        let are_read_once = u64::from(n_objects) == n_requests && reuse_s.is_empty();
        let reuse_s = if are_read_once { vec![(0.0, 1.0), (1.0, 1.0)] } else { reuse_s };
        Ok(Class {
            n_objects,
            n_requests,
            sizes_bytes: Quantiles::new("class.size_bytes", size_bytes)?,
            n_accesses: Quantiles::new("class.n_accesses", n_accesses)?,
            reuse_s: Quantiles::new("class.reuse_s", reuse_s)?,
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

/// The weight of each hour of the span: the list over and over, or its beginning.
fn weights_of_hours(list: Vec<f64>, span_h: u64) -> Result<Vec<f64>, ProfileError> {
    let are_weights = list.iter().all(|it| it.is_finite() && 0.0 <= *it);
    let n_hours = usize::try_from(span_h).expect("at most 8766");
    let weights: Vec<f64> = list.into_iter().cycle().take(n_hours).collect();
    // Of the hours there are: by their sum reads are dealt out.
    let sum: f64 = weights.iter().sum();
    let must_be = "a list of weights that are not all zero within the span, and of which a sum \
                   can be held";
    require("hourly_weight", must_be, are_weights && 0.0 < sum && sum.is_finite())?;
    Ok(weights)
}

fn require(field: &'static str, must_be: &'static str, is_so: bool) -> Result<(), ProfileError> {
    if is_so { Ok(()) } else { Err(ProfileError::Field { field, must_be }) }
}

#[cfg(test)]
mod tests {
    use super::*;

    const GOOD: &str = "
span_h = 2
working_set_gb = 1.5
hourly_weight = [1]
[[class]]
n_objects = 40
n_requests = 100
size_bytes = [[0, 10], [0.5, 1000], [1, 1e9]]
n_accesses = [[0, 1], [0.5, 1], [0.5, 2], [1, 10]]
reuse_s = [[0, 1], [1, 100]]
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
        check(&profile.classes[0].sizes_bytes, 0.0, 10.0);
        check(&profile.classes[0].sizes_bytes, 0.25, 100.0);
        check(&profile.classes[0].sizes_bytes, 0.5, 1_000.0);
        check(&profile.classes[0].sizes_bytes, 1.0, 1e9);
        check(&profile.classes[0].n_accesses, 0.49, 1.0);
        check(&profile.classes[0].n_accesses, 0.5, 2.0);
    }

    #[test]
    fn a_bad_profile_says_what_to_change() {
        check("span_h = 2", "span_h = 0", "`span_h` in the profile must be from 1 to 8766");
        check("span_h = 2", "span_hours = 2", "unknown field `span_hours`");
        check("span_h = 2", "", "missing field `span_h`");
        check("span_h = 2", "span_h = \"2h\"", "invalid type: string");
        check("n_requests = 100", "n_requests = 30", "at least 1 and at most `n_requests`");
        check("n_objects = 40", "n_objects = 0", "at least 1 and at most `n_requests`");
        check("set_gb = 1.5", "set_gb = 0", "`working_set_gb` in the profile must be from 1e-9");
        check("[1]\n", "[0, 0]\n", "`hourly_weight` in the profile must be a list of weights");
        check("[1]\n", "[0, 0, 1]\n", "weights that are not all zero within the span, and");
        check("[1]\n", "[1, -1]\n", "`hourly_weight` in the profile must be a list of weights");
        check("[1]\n", "[1e308, 1e308]\n", "and of which a sum can be held");
        check("[1]\n", "[]\n", "`hourly_weight` in the profile must be a list of weights");
        check("[0.5, 1000]", "[0.5, 5]", "shares rise from 0 to 1, and values");
        check("[1, 1e9]", "[0.9, 1e9]", "`class.size_bytes` in the profile must be pairs");
        check("[[0, 1], [1, 100]]", "[[0, 0], [1, 100]]", "`class.reuse_s` in the");
        check("reuse_s = [[0, 1], [1, 100]]", "", "`class.reuse_s` in the profile must be");
    }
}
