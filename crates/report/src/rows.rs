//! A table of results with typed columns, for those who compute with it: as CSV here, and for
//! other formats by whoever writes them.

use crate::grid::Grid;

/// A table of results.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Rows {
    /// The columns from left to right.
    pub columns: Vec<Column>,
    /// The rows, each with a cell for every column, of its kind or nothing.
    pub rows: Vec<Vec<Cell>>,
}

/// A column of a table.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Column {
    /// Its name, the unit last.
    pub name: String,
    /// What its cells hold.
    pub kind: ColumnKind,
}

/// What the cells of a column hold.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum ColumnKind {
    /// Words.
    Text,
    /// Whole numbers from 0.
    Count,
    /// Numbers.
    Number,
}

/// One cell.
#[derive(Clone, Debug, PartialEq)]
pub enum Cell {
    /// Words.
    Text(String),
    /// A whole number.
    Count(u64),
    /// A number.
    Number(f64),
    /// There is none.
    Nothing,
}

impl Cell {
    /// Words.
    pub fn text(text: &str) -> Cell {
        Cell::Text(text.to_owned())
    }

    /// A number that may be missing.
    pub fn number(number: Option<f64>) -> Cell {
        number.map_or(Cell::Nothing, Cell::Number)
    }

    fn shown(&self) -> String {
        match self {
            Cell::Text(text) => text.clone(),
            Cell::Count(count) => count.to_string(),
            Cell::Number(number) => number.to_string(),
            Cell::Nothing => String::new(),
        }
    }
}

impl Rows {
    /// A table of these columns, without rows.
    pub fn new(columns: &[(&str, ColumnKind)]) -> Rows {
        let column =
            |(name, kind): &(&str, ColumnKind)| Column { name: (*name).to_owned(), kind: *kind };
        Rows { columns: columns.iter().map(column).collect(), rows: Vec::new() }
    }

    /// A table of rows that name their columns, all the same ones; without rows it has none.
    pub(crate) fn named(rows: Vec<Vec<(String, ColumnKind, Cell)>>) -> Rows {
        let column = |(name, kind, _): &(String, ColumnKind, Cell)| Column {
            name: name.clone(),
            kind: *kind,
        };
        let columns = rows.first().map(|it| it.iter().map(column).collect()).unwrap_or_default();
        let cells = |row: Vec<(String, ColumnKind, Cell)>| row.into_iter().map(|it| it.2).collect();
        Rows { columns, rows: rows.into_iter().map(cells).collect() }
    }

    /// The table as CSV: a line for the names, one for each row, nothing where there is nothing;
    /// empty without columns.
    pub fn to_csv(&self) -> String {
        if self.columns.is_empty() {
            return String::new();
        }
        let grid = Grid {
            header: self.columns.iter().map(|it| it.name.as_str()).collect(),
            rows: self.rows.iter().map(|row| row.iter().map(Cell::shown).collect()).collect(),
        };
        grid.to_csv()
    }
}
