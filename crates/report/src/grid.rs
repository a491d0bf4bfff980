//! A table of texts, written as CSV or as Markdown.

/// A header and rows of as many cells.
#[derive(Clone, Debug)]
pub(crate) struct Grid<'a> {
    pub(crate) header: Vec<&'a str>,
    pub(crate) rows: Vec<Vec<String>>,
}

impl Grid<'_> {
    /// One line for each row, quoted where a reader would need it.
    pub(crate) fn to_csv(&self) -> String {
        let mut writer = csv::Writer::from_writer(Vec::new());
        writer.write_record(&self.header).expect("memory takes all that is written");
        for row in &self.rows {
            writer.write_record(row).expect("a row has as many cells as the header");
        }
        let bytes = writer.into_inner().expect("memory takes all that is written");
        String::from_utf8(bytes).expect("CSV of texts is text")
    }

    /// A table whose first `n_words` columns are words and the others numbers, which stand on
    /// the right.
    pub(crate) fn to_markdown(&self, n_words: usize) -> String {
        let mut text = markdown_row(self.header.iter().copied());
        let rules =
            (0..self.header.len()).map(|index| if index < n_words { "---" } else { "---:" });
        text.push_str(&markdown_row(rules));
        for row in &self.rows {
            text.push_str(&markdown_row(row.iter().map(String::as_str)));
        }
        text
    }
}

fn markdown_row<'a>(cells: impl Iterator<Item = &'a str>) -> String {
    let cells: Vec<String> = cells.map(|it| it.replace('|', "\\|")).collect();
    format!("| {} |\n", cells.join(" | "))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_cell_cannot_break_out_of_its_column() {
        let grid = Grid {
            header: vec!["what", "n"],
            rows: vec![
                vec!["a,b".to_owned(), "1".to_owned()],
                vec!["c|d".to_owned(), String::new()],
            ],
        };
        insta::assert_snapshot!(grid.to_csv(), @r#"
        what,n
        "a,b",1
        c|d,
        "#);
        insta::assert_snapshot!(grid.to_markdown(1), @r"
        | what | n |
        | --- | ---: |
        | a,b | 1 |
        | c\|d |  |
        ");
    }
}
