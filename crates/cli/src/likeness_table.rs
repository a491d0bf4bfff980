//! The report of fit: each target, what was found, and how far off that is, as a table.

use trace::{Likeness, Unit};
use units::{Bytes, Nanos};

use crate::output;

/// The table, and what its marks mean.
pub(crate) fn shown(all: &[Likeness]) -> String {
    let head = ["quantity", "target", "ours", "error", "limit", "source"];
    let mut table = vec![head.map(str::to_owned).to_vec()];
    table.extend(all.iter().map(row));
    let has = |is_so: fn(&Likeness) -> bool| all.iter().any(is_so);
    let mut text = output::columns(&table);
    if has(|it| !it.is_fitted) {
        text.push_str("* nothing is fitted to it\n");
    }
    if has(|it| !it.is_within()) {
        text.push_str("! further off than it may be\n");
    }
    text
}

fn row(it: &Likeness) -> Vec<String> {
    let star = if it.is_fitted { "" } else { " *" };
    let mark = if it.is_within() { "" } else { " !" };
    let limit = it.within.map_or(String::new(), |limit| match it.unit {
        Unit::Percent => format!("{limit} pt"),
        Unit::Distance => format!("{limit}"),
        Unit::Count | Unit::Bytes | Unit::Seconds => format!("{limit} %"),
    });
    vec![
        format!("{}{star}", it.quantity),
        value(it.target, it.unit),
        value(it.found, it.unit),
        format!("{}{mark}", error(it)),
        limit,
        it.source.clone(),
    ]
}

fn value(value: f64, unit: Unit) -> String {
    #[expect(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "a size")]
    let bytes = || Bytes::new(value.round() as u64);
    match unit {
        Unit::Count => format!("{value:.0}"),
        Unit::Bytes => bytes().to_string(),
        // Hours are told apart better by their number than by minutes and seconds.
        Unit::Seconds if 7_200.0 <= value => format!("{:.1}h", value / 3_600.0),
        Unit::Seconds => Nanos::from_seconds_f64((value * 10.0).round() / 10.0).to_string(),
        Unit::Percent => format!("{value:.2} %"),
        Unit::Distance => format!("{value:.3}"),
    }
}

fn error(it: &Likeness) -> String {
    let error = it.error();
    match it.unit {
        Unit::Percent => format!("{error:+.2} pt"),
        Unit::Distance => format!("{error:.3}"),
        Unit::Count | Unit::Bytes | Unit::Seconds => format!("{error:+.1} %"),
    }
}
