//! How like a workload is to what it imitates: each target, what was found, and the error.

mod cdf;
mod quantity;

use serde::Deserialize;

use self::quantity::{Measured, Quantity};
use crate::profile::Profile;
use crate::trace::Trace;

/// One figure that a workload is held against.
#[derive(Clone, Debug, PartialEq)]
pub struct Likeness {
    /// What is counted or measured.
    pub quantity: &'static str,
    /// In what.
    pub unit: Unit,
    /// What it should be.
    pub target: f64,
    /// What it is.
    pub found: f64,
    /// How far off it may be, as [`Likeness::error`] counts, where there is a limit.
    pub within: Option<f64>,
    /// Whether the workload was made to have it; otherwise it is a check.
    pub is_fitted: bool,
    /// Who says so.
    pub source: String,
}

/// What a figure is in.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Unit {
    /// A number of things.
    Count,
    /// Bytes.
    Bytes,
    /// Seconds.
    Seconds,
    /// A part of a whole, in percent.
    Percent,
    /// The largest distance between two cumulative distributions, from 0 to 1; its target is 0.
    Distance,
}

impl Likeness {
    /// How far off it is: in points of percents, in distances as they are, else in percent of the
    /// target.
    pub fn error(&self) -> f64 {
        match self.unit {
            Unit::Percent | Unit::Distance => self.found - self.target,
            // Both are nothing, as a rule: the reuse of what is read once.
            _ if (self.found - self.target).abs() <= 0.0 => 0.0,
            Unit::Count | Unit::Bytes | Unit::Seconds => 100.0 * (self.found / self.target - 1.0),
        }
    }

    /// Whether it is no further off than it may be.
    pub fn is_within(&self) -> bool {
        self.within.is_none_or(|it| self.error().abs() <= it)
    }

    /// How the trace of a profile that comes with the program compares to what is published of
    /// the workload that it imitates. Empty for another profile.
    pub fn to_published(profile: &Profile, trace: &Trace) -> Vec<Likeness> {
        let targets = Target::all().into_iter().filter(|it| it.profile == profile.name());
        let measured = Measured::of(trace);
        let likeness = |it: Target| {
            let quantity = Quantity::called(&it.quantity).expect("a quantity of the table above");
            Likeness {
                quantity: quantity.shown,
                unit: quantity.unit,
                target: it.target,
                found: (quantity.measure)(&measured),
                within: it.within,
                is_fitted: it.is_fitted,
                source: it.source,
            }
        };
        targets.map(likeness).collect()
    }

    /// How a trace that was made from the profile of another compares to the GETs of that other,
    /// which are all that a profile knows of.
    pub fn to_trace(of: &Trace, like: &Trace) -> Vec<Likeness> {
        let gets = of.gets();
        let (of, like) = (Measured::of(&gets), Measured::of(like));
        let source = "the trace".to_owned();
        let likeness = |(name, is_fitted): &(&str, bool)| {
            let quantity = Quantity::called(name).expect("a quantity of the table above");
            Likeness {
                quantity: quantity.shown,
                unit: quantity.unit,
                target: (quantity.measure)(&of),
                found: (quantity.measure)(&like),
                within: None,
                is_fitted: *is_fitted,
                source: source.clone(),
            }
        };
        let mut all: Vec<Likeness> = OF_A_TRACE.iter().map(likeness).collect();
        let distances = [
            ("sizes, distance", of.sizes.distance(&like.sizes)),
            ("bytes, distance", of.bytes.distance(&like.bytes)),
            ("reads, distance", of.n_reads.distance(&like.n_reads)),
            ("reuse, distance", of.reuse_s.distance(&like.reuse_s)),
        ];
        all.extend(distances.map(|(quantity, found)| Likeness {
            quantity,
            unit: Unit::Distance,
            target: 0.0,
            found,
            within: None,
            is_fitted: true,
            source: source.clone(),
        }));
        all
    }
}

/// A row of the table of what is published, traces/targets.csv.
#[derive(Deserialize)]
struct Target {
    profile: String,
    quantity: String,
    target: f64,
    within: Option<f64>,
    #[serde(rename = "fitted")]
    is_fitted: bool,
    source: String,
}

impl Target {
    fn all() -> Vec<Target> {
        let text = include_str!("../../../traces/targets.csv");
        let rows = csv::Reader::from_reader(text.as_bytes()).into_deserialize().collect();
        let rows: Result<Vec<Target>, _> = rows;
        rows.expect("a table that comes with us is right")
    }
}

/// What is compared where the target is a trace, and whether a profile of it is made to have it.
const OF_A_TRACE: [(&str, bool); 15] = [
    ("requests", true),
    ("objects", true),
    ("working-set", true),
    ("requested-bytes", false),
    ("infinite-hit-ratio", true),
    ("objects-once", true),
    ("hottest-object", true),
    ("busiest-hour", true),
    ("large-requests", true),
    ("reuse-p10", false),
    ("reuse-p50", false),
    ("reuse-p90", false),
    ("lru-1%", false),
    ("lru-10%", false),
    ("lru-50%", false),
];
