//! The published numbers, read from the text of their CSV file, and the scoreboard they make.

use std::collections::BTreeMap;

use serde::Deserialize;

use crate::reference::ReferenceError;
use crate::scoreboard::{Kind, Row, Tolerance};

/// The numbers that the paper prints, in the order of their file.
#[derive(Clone, Debug, PartialEq)]
pub struct Published(Vec<Number>);

#[derive(Clone, Debug, PartialEq)]
struct Number {
    id: String,
    figure: String,
    quantity: String,
    unit: String,
    paper: f64,
    tolerance: Tolerance,
    kind: Kind,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct NumberFile {
    id: String,
    figure: String,
    quantity: String,
    unit: String,
    paper: f64,
    tolerance: String,
    kind: String,
}

impl Published {
    /// Reads `published.csv`: columns `id,figure,quantity,unit,paper,tolerance,kind`.
    pub fn parse(text: &str) -> Result<Published, ReferenceError> {
        let mut reader = csv::Reader::from_reader(text.as_bytes());
        let mut numbers = Vec::new();
        for (row, line) in reader.deserialize::<NumberFile>().zip(2..) {
            let file = row.map_err(|err| ReferenceError::Row { message: err.to_string() })?;
            let NumberFile { id, figure, quantity, unit, paper, tolerance, kind } = file;
            let wrong = |column, text: &str, expected| ReferenceError::Value {
                line,
                column,
                text: text.to_owned(),
                expected,
            };
            let checked_tolerance = parse_tolerance(&tolerance).ok_or_else(|| {
                wrong(
                    "tolerance",
                    &tolerance,
                    "a tolerance such as 10% or 1pp, `at least` or `at most`",
                )
            })?;
            let checked_kind = [Kind::Calibrated, Kind::Predicted, Kind::Exact]
                .into_iter()
                .find(|it| it.name() == kind)
                .ok_or_else(|| wrong("kind", &kind, "calibrated, predicted or exact"))?;
            numbers.push(Number {
                id,
                figure,
                quantity,
                unit,
                paper,
                tolerance: checked_tolerance,
                kind: checked_kind,
            });
        }
        Ok(Published(numbers))
    }

    /// What the paper says under this id, if it does.
    pub fn get(&self, id: &str) -> Option<f64> {
        self.0.iter().find(|it| it.id == id).map(|it| it.paper)
    }

    /// The scoreboard of ours, by id. A published number of which we have none has no row.
    pub fn scoreboard(&self, ours: &BTreeMap<String, f64>) -> Vec<Row> {
        let row = |it: &Number| {
            let Number { id, figure, quantity, unit, paper, tolerance, kind } = it.clone();
            let ours = *ours.get(&id)?;
            Some(Row { id, figure, quantity, unit, paper, ours, tolerance, kind })
        };
        self.0.iter().filter_map(row).collect()
    }

    /// The ids of published numbers of which we have none.
    pub fn without_ours<'a>(
        &'a self,
        ours: &BTreeMap<String, f64>,
    ) -> impl Iterator<Item = &'a str> {
        self.0.iter().map(|it| it.id.as_str()).filter(|it| !ours.contains_key(*it))
    }
}

fn parse_tolerance(text: &str) -> Option<Tolerance> {
    let number = |text: &str| text.parse::<f64>().ok().filter(|it| 0.0 <= *it);
    match text {
        "at least" => return Some(Tolerance::AtLeast),
        "at most" => return Some(Tolerance::AtMost),
        _ => {}
    }
    match (text.strip_suffix('%'), text.strip_suffix("pp")) {
        (Some(percent), _) => Some(Tolerance::Relative(number(percent)? / 100.0)),
        (_, Some(points)) => Some(Tolerance::PercentagePoints(number(points)?)),
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const HEADER: &str = "id,figure,quantity,unit,paper,tolerance,kind\n";

    #[test]
    fn the_papers_numbers_read() {
        let text = include_str!("../../../experiments/reference/published.csv");
        let published = Published::parse(text).unwrap();
        assert_eq!(published.get("fig13_large_total").map(f64::to_bits), Some(16.51_f64.to_bits()));
        let ids: std::collections::BTreeSet<&str> =
            published.0.iter().map(|it| it.id.as_str()).collect();
        assert_eq!(ids.len(), published.0.len(), "an id stands for one number");
    }

    #[test]
    fn a_scoreboard_has_the_rows_of_which_there_are_two_numbers() {
        let text = format!("{HEADER}a,Fig 1,this,%,50,1pp,predicted\nb,Fig 2,that,,7,5%,exact\n");
        let published = Published::parse(&text).unwrap();
        let ours = BTreeMap::from([("a".to_owned(), 50.5), ("c".to_owned(), 1.0)]);
        let rows = published.scoreboard(&ours);
        assert_eq!(rows.len(), 1);
        assert_eq!((rows[0].id.as_str(), rows[0].verdict().name()), ("a", "pass"));
        assert_eq!(published.without_ours(&ours).collect::<Vec<_>>(), ["b"]);
    }

    #[test]
    fn a_bad_file_says_where() {
        let check = |row: &str, expect: &str| {
            let err = Published::parse(&format!("{HEADER}{row}\n")).unwrap_err().to_string();
            assert!(err.contains(expect), "{err}");
        };
        check("a,Fig 1,this,%,50,one,predicted", "line 2, column `tolerance`: `one`");
        check("a,Fig 1,this,%,50,1%,guessed", "line 2, column `kind`: `guessed`");
        check("a,Fig 1,this,%,fifty,1%,exact", "line: 2");
    }
}
