//! The published curves, read from the text of their CSV files (experiments/reference).

use csv::{ReaderBuilder, StringRecord, Trim};

use crate::chart::{CostAtRate, HourlyCost, Panel, Spread};

/// The three panels of Fig 13 (b) to (d) of the paper (FAST 2020).
#[derive(Clone, Debug, PartialEq)]
pub struct HourlyCosts {
    panels: [HourlyCost; 3],
}

/// Why a text is not such a file.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum ReferenceError {
    /// A row cannot be read.
    #[error("cannot read: {message}")]
    Row {
        /// What the reader said, with the line.
        message: String,
    },
    /// A column is not there.
    #[error(
        "no column `{column}`; the header is `{header}`: name the column, or take another file"
    )]
    MissingColumn {
        /// The column as it must be called.
        column: &'static str,
        /// The header as it is.
        header: String,
    },
    /// A cell does not hold what its column is for.
    #[error("line {line}, column `{column}`: `{text}` is not {expected}")]
    Value {
        /// Counted from 1.
        line: u64,
        /// The column's name.
        column: &'static str,
        /// The cell.
        text: String,
        /// What it may hold.
        expected: &'static str,
    },
    /// A curve has fewer points than it needs.
    #[error("{curve} has {n_found} points, but needs {n_needed}: complete the file")]
    TooFewPoints {
        /// Which curve.
        curve: String,
        /// How many it has.
        n_found: usize,
        /// How many it should have.
        n_needed: usize,
    },
}

impl HourlyCosts {
    /// The curves of one panel.
    pub const fn get(&self, panel: Panel) -> &HourlyCost {
        &self.panels[panel as usize]
    }
}

/// Reads `fig13_hourly_cost.csv`: columns `panel`, `component`, `hour`, `usd`, in any order;
/// the hours of a curve in theirs, from 1. A component without a row, such as the backup where
/// there was none, cost nothing.
pub fn hourly_costs(text: &str) -> Result<HourlyCosts, ReferenceError> {
    const COMPONENTS: [&str; 3] = ["PUT/GET", "Backup", "Warm-up"];
    let mut curves: [[Vec<f64>; 3]; 3] = Default::default();
    let rows = Rows::read(text, ["panel", "component", "hour", "usd"])?;
    for index in 0..rows.records.len() {
        let panel = rows.one_of(index, 0, &Panel::ALL.map(Panel::key), "a panel of the figure")?;
        let component = rows.one_of(index, 1, &COMPONENTS, "`PUT/GET`, `Backup` or `Warm-up`")?;
        let curve = &mut curves[panel][component];
        let hour = rows.number(index, 2)?;
        if 0.01 < (hour - (curve.len() + 1) as f64).abs() {
            return Err(rows.wrong(index, 2, "the hour after the last one of its curve"));
        }
        curve.push(rows.number(index, 3)?);
    }

    let n_hours = curves.iter().flatten().map(Vec::len).max().unwrap_or(0).max(1);
    for (panel, curves) in Panel::ALL.into_iter().zip(&mut curves) {
        for (component, curve) in COMPONENTS.into_iter().zip(curves) {
            // Only the backup may be missing, and only as a whole.
            if curve.is_empty() && component == "Backup" {
                curve.resize(n_hours, 0.0);
            }
            check_points(&format!("{component} of panel {}", panel.key()), curve.len(), n_hours)?;
        }
    }
    let panels = curves.map(|[serving_usd, backup_usd, warm_up_usd]| HourlyCost {
        serving_usd,
        backup_usd,
        warm_up_usd,
    });
    Ok(HourlyCosts { panels })
}

/// Reads `fig17_infinicache.csv` or `fig17_elasticache.csv`: columns `Kreq_per_hr` (thousand
/// object requests an hour) and `usd_per_hr`, in any order.
pub fn cost_at_rates(text: &str) -> Result<Vec<CostAtRate>, ReferenceError> {
    let rows = Rows::read(text, ["Kreq_per_hr", "usd_per_hr"])?;
    let mut curve: Vec<CostAtRate> = Vec::with_capacity(rows.records.len());
    for index in 0..rows.records.len() {
        let requests_per_hour = 1e3 * rows.number(index, 0)?;
        if curve.last().is_some_and(|last| requests_per_hour <= last.requests_per_hour) {
            return Err(rows.wrong(index, 0, "more than the rate in the line before"));
        }
        curve.push(CostAtRate { requests_per_hour, usd_per_hour: rows.number(index, 1)? });
    }
    check_points("the curve", curve.len().min(2), 2)?;
    Ok(curve)
}

/// Curves by what their rows are of.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct NamedCurves(Vec<NamedCurve>);

type NamedCurve = (Vec<String>, Vec<(f64, f64)>);

impl NamedCurves {
    /// The curve of this name; empty where there is none.
    pub fn get(&self, name: &[&str]) -> &[(f64, f64)] {
        self.0.iter().find(|(it, _)| it == name).map_or(&[], |(_, points)| points)
    }

    /// The names, in the order of the file.
    pub fn names(&self) -> impl Iterator<Item = &[String]> {
        self.0.iter().map(|(name, _)| name.as_slice())
    }
}

/// Reads curves: the last two of `columns` are across and up, those before say which curve.
pub fn curves<const N: usize>(
    text: &str,
    columns: [&'static str; N],
) -> Result<NamedCurves, ReferenceError> {
    let rows = Rows::read(text, columns)?;
    let mut curves: Vec<NamedCurve> = Vec::new();
    for index in 0..rows.records.len() {
        let name = rows.name(index, N - 2);
        let point = (rows.number(index, N - 2)?, rows.number(index, N - 1)?);
        match curves.iter_mut().find(|(it, _)| *it == name) {
            Some((_, points)) => points.push(point),
            None => curves.push((name, vec![point])),
        }
    }
    check_points("the file", curves.len().min(1), 1)?;
    Ok(NamedCurves(curves))
}

/// Reads spreads: the last five of `columns` are the lower whisker, the first quartile, the
/// median, the third quartile and the upper whisker; those before say of what.
pub fn spreads<const N: usize>(
    text: &str,
    columns: [&'static str; N],
) -> Result<Vec<(Vec<String>, Spread)>, ReferenceError> {
    let rows = Rows::read(text, columns)?;
    let spread = |row: usize| {
        let at = |place: usize| rows.number(row, N - 5 + place);
        let (low, q1, median, q3, high) = (at(0)?, at(1)?, at(2)?, at(3)?, at(4)?);
        Ok((rows.name(row, N - 5), Spread { low, q1, median, q3, high }))
    };
    (0..rows.records.len()).map(spread).collect()
}

/// The rows of a file, and where in them the `N` columns are that are asked for.
struct Rows<const N: usize> {
    records: Vec<StringRecord>,
    columns: [(&'static str, usize); N],
}

impl<const N: usize> Rows<N> {
    fn read(text: &str, names: [&'static str; N]) -> Result<Rows<N>, ReferenceError> {
        // A cell that a row lacks reads as an empty one, which no column may hold.
        let mut reader =
            ReaderBuilder::new().flexible(true).trim(Trim::All).from_reader(text.as_bytes());
        let header = reader.headers().expect("a text in memory is read").clone();
        let mut columns = names.map(|name| (name, 0));
        for (column, place) in &mut columns {
            *place = header.iter().position(|it| it == *column).ok_or_else(|| {
                let header = header.iter().collect::<Vec<_>>().join(",");
                ReferenceError::MissingColumn { column, header }
            })?;
        }
        let records = reader.records().collect::<Result<_, _>>().expect("a text in memory is read");
        Ok(Rows { records, columns })
    }

    fn text(&self, row: usize, column: usize) -> &str {
        self.records[row].get(self.columns[column].1).unwrap_or_default()
    }

    /// The first `n_columns` cells, which name what the row is of.
    fn name(&self, row: usize, n_columns: usize) -> Vec<String> {
        (0..n_columns).map(|it| self.text(row, it).to_owned()).collect()
    }

    /// A number that is finite and at least 0.
    fn number(&self, row: usize, column: usize) -> Result<f64, ReferenceError> {
        let number = self.text(row, column).parse().ok();
        let in_range = number.filter(|it: &f64| it.is_finite() && 0.0 <= *it);
        // A digitised axis starts at -0.
        in_range.map(f64::abs).ok_or_else(|| self.wrong(row, column, "a number of at least 0"))
    }

    /// Which of `names` a cell holds.
    fn one_of(
        &self,
        row: usize,
        column: usize,
        names: &[&str],
        expected: &'static str,
    ) -> Result<usize, ReferenceError> {
        let text = self.text(row, column);
        let found = names.iter().position(|it| *it == text);
        found.ok_or_else(|| self.wrong(row, column, expected))
    }

    fn wrong(&self, row: usize, column: usize, expected: &'static str) -> ReferenceError {
        ReferenceError::Value {
            line: self.records[row].position().map_or(0, csv::Position::line),
            column: self.columns[column].0,
            text: self.text(row, column).to_owned(),
            expected,
        }
    }
}

fn check_points(curve: &str, n_found: usize, n_needed: usize) -> Result<(), ReferenceError> {
    if n_found == n_needed {
        return Ok(());
    }
    Err(ReferenceError::TooFewPoints { curve: curve.to_owned(), n_found, n_needed })
}

#[cfg(test)]
mod tests {
    use super::*;

    const FIG13: &str = include_str!("../../../experiments/reference/fig13_hourly_cost.csv");
    const FIG17: [&str; 2] = [
        include_str!("../../../experiments/reference/fig17_elasticache.csv"),
        include_str!("../../../experiments/reference/fig17_infinicache.csv"),
    ];

    #[test]
    fn the_hours_of_fig_13_add_up_to_its_totals() {
        let costs = hourly_costs(FIG13).unwrap();
        let check = |panel: Panel, expect: [f64; 3]| {
            let cost = costs.get(panel);
            let sums = [&cost.serving_usd, &cost.backup_usd, &cost.warm_up_usd].map(|it| {
                assert_eq!(it.len(), 50, "{panel:?}");
                it.iter().sum::<f64>()
            });
            let is_near = sums.iter().zip(expect).all(|(sum, it)| (sum - it).abs() < 0.001);
            assert!(is_near, "{panel:?}: {sums:?}");
        };
        check(Panel::All, [8.421, 8.590, 3.517]);
        check(Panel::Large, [1.925, 8.402, 6.189]);
        check(Panel::LargeWithoutBackup, [1.576, 0.0, 3.838]);
    }

    #[test]
    fn the_lines_of_fig_17_start_and_end_where_the_paper_s_do() {
        let check = |text: &str, expect: [[f64; 2]; 2]| {
            let curve = cost_at_rates(text).unwrap();
            let ends = [curve[0], curve[curve.len() - 1]];
            for (point, [rate, usd]) in ends.into_iter().zip(expect) {
                assert!((point.requests_per_hour - rate).abs() < 1e-6, "{point:?}");
                assert!(point.requests_per_hour.is_sign_positive(), "{point:?}");
                assert!((point.usd_per_hour - usd).abs() < 1e-9, "{point:?}");
            }
        };
        check(FIG17[0], [[0.0, 10.3681], [349_990.0, 10.3681]]);
        check(FIG17[1], [[0.0, 0.2533], [349_990.0, 11.5954]]);
    }

    #[test]
    fn curves_and_spreads_are_found_by_name() {
        let text = "of,part,x,y\na,b,1,2\na,c,1,3\na,b,2,4\n";
        let read = curves(text, ["of", "part", "x", "y"]).unwrap();
        assert_eq!(read.get(&["a", "b"]), [(1.0, 2.0), (2.0, 4.0)]);
        assert_eq!(read.get(&["a", "d"]), []);
        assert_eq!(read.names().count(), 2);
        let text = "of,q1,median,q3,lo,hi\na,2,3,4,1,5\n";
        let spread = Spread { low: 1.0, q1: 2.0, median: 3.0, q3: 4.0, high: 5.0 };
        let read = spreads(text, ["of", "lo", "q1", "median", "q3", "hi"]).unwrap();
        assert_eq!(read, [(vec!["a".to_owned()], spread)]);
        let read = curves("of,x,y\na,1,no\n", ["of", "x", "y"]).unwrap_err().to_string();
        assert_eq!(read, "line 2, column `y`: `no` is not a number of at least 0");
    }

    #[test]
    fn a_wrong_file_says_where_and_what() {
        let hourly = |rows: &str| {
            hourly_costs(&format!("panel,component,hour,usd\n{rows}")).unwrap_err().to_string()
        };
        let rates = |rows: &str| {
            cost_at_rates(&format!("usd_per_hr,Kreq_per_hr\n{rows}")).unwrap_err().to_string()
        };
        let messages = [
            hourly_costs("panel,hour,usd\n").unwrap_err().to_string(),
            hourly("tiny,Backup,1,2\n"),
            hourly("all,Backup,1,two\n"),
            hourly("all,Backup,1,2\nall,Backup,3,2\n"),
            hourly("all,Backup,1,2\n"),
            hourly("all,Backup,1\n"),
            rates("1,1\n2,1\n"),
            rates("1,1\n"),
            rates("1,inf\n"),
        ];
        insta::assert_snapshot!(messages.join("\n"), @"
        no column `component`; the header is `panel,hour,usd`: name the column, or take another file
        line 2, column `panel`: `tiny` is not a panel of the figure
        line 2, column `usd`: `two` is not a number of at least 0
        line 3, column `hour`: `3` is not the hour after the last one of its curve
        PUT/GET of panel all has 0 points, but needs 1: complete the file
        line 2, column `usd`: `` is not a number of at least 0
        line 3, column `Kreq_per_hr`: `1` is not more than the rate in the line before
        the curve has 1 points, but needs 2: complete the file
        line 2, column `Kreq_per_hr`: `inf` is not a number of at least 0
        ");
    }
}
