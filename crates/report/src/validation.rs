//! A run of the real cache beside the simulator's of the same requests.

use serde_json::{Value, json};

use crate::number::{NONE, grouped, signed, three_digits};

/// One quantity, measured and simulated.
#[derive(Clone, Debug, PartialEq)]
pub struct Row {
    /// Its name in JSON, the unit last.
    pub id: String,
    /// What it is, in words.
    pub quantity: String,
    /// What was measured live.
    pub live: f64,
    /// What the simulator has.
    pub simulated: f64,
    /// How far the simulator's may be off, as a part of the live one; nothing where it is shown
    /// for itself.
    pub tolerance: Option<f64>,
    /// Whether it counts things.
    pub is_count: bool,
}

impl Row {
    /// How far the simulator's number is from the live one, as a signed part of that; nothing
    /// where that is 0 and the other is not.
    pub fn rel_error(&self) -> Option<f64> {
        if self.live.abs() < f64::MIN_POSITIVE {
            return (self.simulated.abs() < f64::MIN_POSITIVE).then_some(0.0);
        }
        Some((self.simulated - self.live) / self.live.abs())
    }

    /// Whether that is within the tolerance; nothing where there is none.
    pub fn is_within(&self) -> Option<bool> {
        let tolerance = self.tolerance?;
        // The numbers are decimal, and their difference may come out a last digit too large.
        Some(self.rel_error().is_some_and(|it| it.abs() <= tolerance + 1e-12))
    }

    fn cell(&self, number: f64) -> String {
        #[expect(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "a count")]
        if self.is_count { grouped(number as u64) } else { three_digits(number) }
    }
}

/// The rows as a table for a terminal.
pub fn to_table(rows: &[Row]) -> String {
    let mut cells = vec![["", "live", "simulated", "error", "allowed", ""].map(str::to_owned)];
    for row in rows {
        let percent = |it: f64| format!("{} %", signed(100.0 * it, 1));
        let verdict = match row.is_within() {
            Some(true) => "ok",
            Some(false) => "MISS",
            None => "",
        };
        cells.push([
            row.quantity.clone(),
            row.cell(row.live),
            row.cell(row.simulated),
            row.rel_error().map_or_else(|| NONE.to_owned(), percent),
            row.tolerance.map_or_else(String::new, |it| format!("{} %", (100.0 * it).round())),
            verdict.to_owned(),
        ]);
    }
    let width = |column: usize| cells.iter().map(|it| it[column].chars().count()).max();
    let widths: Vec<usize> = (0..6).map(|it| width(it).unwrap_or(0)).collect();
    let mut text = String::new();
    for row in &cells {
        let mut line = format!("{:<width$}", row[0], width = widths[0]);
        for (cell, width) in row.iter().zip(&widths).skip(1) {
            line = format!("{line}  {cell:>width$}");
        }
        text.push_str(line.trim_end());
        text.push('\n');
    }
    text
}

/// The rows as JSON, with what else is to be known of them.
pub fn to_json(rows: &[Row], around: &Value) -> String {
    let row = |it: &Row| {
        json!({
            "id": it.id,
            "live": it.live,
            "simulated": it.simulated,
            "rel_error": it.rel_error(),
            "tolerance": it.tolerance,
            "is_within": it.is_within(),
        })
    };
    let rows: Vec<Value> = rows.iter().map(row).collect();
    let document = json!({ "run": around, "rows": rows });
    let mut text = serde_json::to_string_pretty(&document).expect("every key is a text");
    text.push('\n');
    text
}

#[cfg(test)]
mod tests {
    use super::*;

    fn row(live: f64, simulated: f64, tolerance: Option<f64>) -> Row {
        let (id, quantity) = ("n_hits".to_owned(), "hits".to_owned());
        Row { id, quantity, live, simulated, tolerance, is_count: true }
    }

    #[test]
    fn errors_are_parts_of_what_was_measured() {
        let check = |live, simulated, error: Option<f64>, is_within| {
            let row = row(live, simulated, Some(0.02));
            assert_eq!(row.rel_error().map(|it| (it * 1e6).round() / 1e6), error);
            assert_eq!(row.is_within(), Some(is_within), "{live} {simulated}");
        };
        check(100.0, 102.0, Some(0.02), true);
        check(100.0, 97.0, Some(-0.03), false);
        check(0.0, 0.0, Some(0.0), true);
        check(0.0, 1.0, None, false);
        assert_eq!(row(1.0, 2.0, None).is_within(), None);
    }

    #[test]
    fn the_table_lines_up() {
        let rows =
            [row(1234.0, 1210.0, Some(0.02)), row(0.0, 3.0, Some(0.02)), row(7.0, 7.0, None)];
        insta::assert_snapshot!(to_table(&rows), @r"
               live  simulated   error  allowed
        hits  1,234      1,210  −1.9 %      2 %    ok
        hits      0          3       –      2 %  MISS
        hits      7          7  ±0.0 %
        ");
    }
}
