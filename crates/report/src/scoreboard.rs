//! The scoreboard: every published number beside ours, and whether ours is near enough.

use std::collections::BTreeMap;

use crate::grid::Grid;
use crate::number::signed;

/// One published number and ours.
#[derive(Clone, Debug, PartialEq)]
pub struct Row {
    /// A short name that no other row has, such as `fig13_all_usd`.
    pub id: String,
    /// The figure, table or section of the paper.
    pub figure: String,
    /// What is measured, in words.
    pub quantity: String,
    /// The unit of both numbers; empty for a plain count.
    pub unit: String,
    /// What the paper says.
    pub paper: f64,
    /// What we find.
    pub ours: f64,
    /// How far apart they may be.
    pub tolerance: Tolerance,
    /// What our number owes to the paper's.
    pub kind: Kind,
}

/// How far our number may be from the paper's.
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum Tolerance {
    /// At most this part of the paper's number: 0.05 for 5 %.
    Relative(f64),
    /// At most so many percentage points. Both numbers are percentages, from 0 to 100.
    PercentagePoints(f64),
    /// Ours is to be the paper's number or more, which it gives as a bound.
    AtLeast,
    /// Ours is to be the paper's number or less.
    AtMost,
}

/// What a number of ours owes to the paper's.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Kind {
    /// A parameter was fitted to it.
    Calibrated,
    /// Nothing was fitted to it.
    Predicted,
    /// It follows from a formula or a price, without a model.
    Exact,
}

/// Whether our number is near enough.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Verdict {
    /// It is within the tolerance.
    Pass,
    /// It is not.
    Miss,
}

impl Row {
    /// How far our number is from the paper's, as a signed part of the paper's; nothing where
    /// the paper's is 0.
    pub fn rel_error(&self) -> Option<f64> {
        let is_zero = self.paper.abs() < f64::MIN_POSITIVE;
        if is_zero { None } else { Some((self.ours - self.paper) / self.paper.abs()) }
    }

    /// Whether our number is within the tolerance, the tolerance itself included; a number that
    /// is not one never is.
    pub fn verdict(&self) -> Verdict {
        let difference = self.ours - self.paper;
        let (beyond, allowed) = match self.tolerance {
            Tolerance::Relative(part) => (difference.abs(), part * self.paper.abs()),
            Tolerance::PercentagePoints(points) => (difference.abs(), points),
            Tolerance::AtLeast => (-difference, 0.0),
            Tolerance::AtMost => (difference, 0.0),
        };
        // The numbers are decimal, and their difference may come out a last binary digit too
        // large: 1.1 - 1 is more than 0.1.
        let rounding = 4.0 * f64::EPSILON * self.paper.abs().max(self.ours.abs());
        let is_within = beyond <= allowed + rounding;
        if is_within { Verdict::Pass } else { Verdict::Miss }
    }
}

impl Tolerance {
    /// The tolerance as the scoreboard shows it: `5%`, or `2pp` for percentage points.
    pub fn text(self) -> String {
        match self {
            // Rounded, so that 0.07 shows as 7 % and not as 7.000000000000001 %.
            Tolerance::Relative(part) => format!("{}%", (part * 1e8).round() / 1e6),
            Tolerance::PercentagePoints(points) => format!("{points}pp"),
            Tolerance::AtLeast => "at least".to_owned(),
            Tolerance::AtMost => "at most".to_owned(),
        }
    }
}

impl Kind {
    /// The name that the scoreboard gives it.
    pub const fn name(self) -> &'static str {
        match self {
            Kind::Calibrated => "calibrated",
            Kind::Predicted => "predicted",
            Kind::Exact => "exact",
        }
    }
}

impl Verdict {
    /// The name that the scoreboard gives it.
    pub const fn name(self) -> &'static str {
        match self {
            Verdict::Pass => "pass",
            Verdict::Miss => "miss",
        }
    }
}

/// The scoreboard as CSV: columns `id,figure,quantity,unit,paper,ours,rel_error,tolerance,
/// kind,verdict`. The relative error is a part, not a percentage, and empty where the paper's
/// number is 0.
pub fn to_csv(rows: &[Row]) -> String {
    let header = vec![
        "id",
        "figure",
        "quantity",
        "unit",
        "paper",
        "ours",
        "rel_error",
        "tolerance",
        "kind",
        "verdict",
    ];
    let cells = |row: &Row| {
        vec![
            row.id.clone(),
            row.figure.clone(),
            row.quantity.clone(),
            row.unit.clone(),
            row.paper.to_string(),
            row.ours.to_string(),
            row.rel_error().map_or(String::new(), |it| format!("{it:.6}")),
            row.tolerance.text(),
            row.kind.name().to_owned(),
            row.verdict().name().to_owned(),
        ]
    };
    Grid { header, rows: rows.iter().map(cells).collect() }.to_csv()
}

/// The scoreboard as a Markdown table, without the ids, every miss in bold; above it how many
/// rows pass, kind by kind. `half_widths` are those of our 95 % confidence intervals, by id,
/// where ours is a mean.
pub fn to_markdown(rows: &[Row], half_widths: &BTreeMap<String, f64>) -> String {
    let header =
        vec!["figure", "quantity", "kind", "paper", "ours", "error", "tolerance", "verdict"];
    let cells = |row: &Row| {
        let with_unit_after = |number: &str| format!("{number} {}", row.unit).trim_end().to_owned();
        let with_unit = |number: f64| with_unit_after(&decimals(number));
        let error = match (row.tolerance, row.rel_error()) {
            (Tolerance::PercentagePoints(_), _) => {
                format!("{} pp", signed(row.ours - row.paper, 2))
            }
            (_, Some(part)) => format!("{} %", signed(100.0 * part, 2)),
            (_, None) => crate::number::NONE.to_owned(),
        };
        let verdict = match row.verdict() {
            Verdict::Pass => "pass".to_owned(),
            Verdict::Miss => "**miss**".to_owned(),
        };
        vec![
            row.figure.clone(),
            row.quantity.clone(),
            row.kind.name().to_owned(),
            with_unit(row.paper),
            match half_widths.get(&row.id) {
                Some(half_width) => with_unit_after(&format!(
                    "{} ± {}",
                    decimals(row.ours),
                    two_digits(*half_width)
                )),
                None => with_unit(row.ours),
            },
            error,
            row.tolerance.text(),
            verdict,
        ]
    };
    let grid = Grid { header, rows: rows.iter().map(cells).collect() };
    format!("{}\n\n{}", summary(rows), grid.to_markdown(3))
}

/// How many rows of each kind are within their tolerance, in a sentence.
pub fn summary(rows: &[Row]) -> String {
    let mut parts = Vec::new();
    for kind in [Kind::Exact, Kind::Calibrated, Kind::Predicted] {
        let of_kind: Vec<&Row> = rows.iter().filter(|it| it.kind == kind).collect();
        let n_passed = of_kind.iter().filter(|it| it.verdict() == Verdict::Pass).count();
        if !of_kind.is_empty() {
            parts.push(format!("{n_passed} of {} {}", of_kind.len(), kind.name()));
        }
    }
    format!(
        "Within tolerance: {}.",
        if parts.is_empty() { "no rows".to_owned() } else { parts.join(", ") }
    )
}

/// A half-width to two significant digits, all those before the point kept.
pub fn two_digits(number: f64) -> String {
    let n_decimals = (0..6).find(|it| 10.0 <= number * 10_f64.powi(*it)).unwrap_or(6);
    format!("{number:.*}", usize::try_from(n_decimals).expect("at most 6"))
}

/// A number to five significant digits, without closing zeros; a very small one by its power of
/// ten.
pub(crate) fn decimals(number: f64) -> String {
    let size = number.abs();
    if 0.0 < size && size < 1e-3 {
        return format!("{number:.4e}");
    }
    let n_decimals = [1e4, 1e3, 1e2, 1e1, 1.0].iter().filter(|it| size < **it).count();
    let text = format!("{number:.n_decimals$}");
    if n_decimals == 0 {
        return text;
    }
    text.trim_end_matches('0').trim_end_matches('.').to_owned()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn row(id: &str, paper: f64, ours: f64, tolerance: Tolerance, kind: Kind) -> Row {
        let (quantity, unit) = match tolerance {
            Tolerance::PercentagePoints(_) => ("hit ratio, all", "%"),
            _ => ("cost of 50 h, all", "US$"),
        };
        Row {
            id: id.to_owned(),
            figure: "Fig 13".to_owned(),
            quantity: quantity.to_owned(),
            unit: unit.to_owned(),
            paper,
            ours,
            tolerance,
            kind,
        }
    }

    #[track_caller]
    fn check(paper: f64, ours: f64, tolerance: Tolerance, expect: Verdict) {
        assert_eq!(row("id", paper, ours, tolerance, Kind::Predicted).verdict(), expect);
    }

    #[test]
    fn the_tolerance_itself_is_near_enough() {
        check(100.0, 105.0, Tolerance::Relative(0.05), Verdict::Pass);
        check(100.0, 95.0, Tolerance::Relative(0.05), Verdict::Pass);
        check(100.0, 105.1, Tolerance::Relative(0.05), Verdict::Miss);
        check(1.0, 1.1, Tolerance::PercentagePoints(0.1), Verdict::Pass);
        check(64.7, 64.81, Tolerance::PercentagePoints(0.1), Verdict::Miss);
        check(64.7, 63.7, Tolerance::PercentagePoints(1.0), Verdict::Pass);
        check(0.0, 0.0, Tolerance::Relative(0.0), Verdict::Pass);
        check(0.0, 0.1, Tolerance::Relative(0.5), Verdict::Miss);
        check(1.0, f64::NAN, Tolerance::Relative(0.5), Verdict::Miss);
        check(-10.0, -10.4, Tolerance::Relative(0.05), Verdict::Pass);
        check(9.0, 10.2, Tolerance::AtLeast, Verdict::Pass);
        check(9.0, 9.0, Tolerance::AtLeast, Verdict::Pass);
        check(9.0, 8.9, Tolerance::AtLeast, Verdict::Miss);
        check(9.0, 8.9, Tolerance::AtMost, Verdict::Pass);
        check(9.0, 9.1, Tolerance::AtMost, Verdict::Miss);
        check(9.0, f64::NAN, Tolerance::AtMost, Verdict::Miss);
    }

    #[test]
    fn every_row_shows_what_it_owes_and_whether_it_passes() {
        let rows = [
            row("ec_usd", 518.4, 518.4, Tolerance::Relative(0.0), Kind::Exact),
            row("all_usd", 20.52, 19.17, Tolerance::Relative(0.07), Kind::Predicted),
            row("large_usd", 16.51, 18.02, Tolerance::Relative(0.05), Kind::Predicted),
            row("hits", 64.7, 64.124, Tolerance::PercentagePoints(2.0), Kind::Predicted),
            row("no_usd", 0.0, 0.0, Tolerance::Relative(0.05), Kind::Calibrated),
        ];
        insta::assert_snapshot!(to_csv(&rows), @r#"
        id,figure,quantity,unit,paper,ours,rel_error,tolerance,kind,verdict
        ec_usd,Fig 13,"cost of 50 h, all",US$,518.4,518.4,0.000000,0%,exact,pass
        all_usd,Fig 13,"cost of 50 h, all",US$,20.52,19.17,-0.065789,7%,predicted,pass
        large_usd,Fig 13,"cost of 50 h, all",US$,16.51,18.02,0.091460,5%,predicted,miss
        hits,Fig 13,"hit ratio, all",%,64.7,64.124,-0.008903,2pp,predicted,pass
        no_usd,Fig 13,"cost of 50 h, all",US$,0,0,,5%,calibrated,pass
        "#);
        let half_widths = BTreeMap::from([(rows[0].id.clone(), 0.25)]);
        insta::assert_snapshot!(to_markdown(&rows, &half_widths), @"
        Within tolerance: 1 of 1 exact, 1 of 1 calibrated, 2 of 3 predicted.

        | figure | quantity | kind | paper | ours | error | tolerance | verdict |
        | --- | --- | --- | ---: | ---: | ---: | ---: | ---: |
        | Fig 13 | cost of 50 h, all | exact | 518.4 US$ | 518.4 ± 0.25 US$ | ±0.00 % | 0% | pass |
        | Fig 13 | cost of 50 h, all | predicted | 20.52 US$ | 19.17 US$ | −6.58 % | 7% | pass |
        | Fig 13 | cost of 50 h, all | predicted | 16.51 US$ | 18.02 US$ | +9.15 % | 5% | **miss** |
        | Fig 13 | hit ratio, all | predicted | 64.7 % | 64.124 % | −0.58 pp | 2pp | pass |
        | Fig 13 | cost of 50 h, all | calibrated | 0 US$ | 0 US$ | – | 5% | pass |
        ");
        insta::assert_snapshot!(summary(&[]), @"Within tolerance: no rows.");
    }
}
