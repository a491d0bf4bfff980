//! `infinisim prices`: the price books, and every price in one.

use pricing::PriceBook;
use serde_json::json;

use crate::args::{OutputArgs, PricesCommand};
use crate::experiment::price_book;
use crate::output;

/// Lists the books, or shows one.
pub(crate) fn prices(command: &PricesCommand) -> anyhow::Result<()> {
    match command {
        PricesCommand::List => list(),
        // In the bytes of the file, so that it is the same book.
        PricesCommand::Show { book, toml: true, .. } => output::print(&price_book(book)?.1),
        PricesCommand::Show { book, output, .. } => show(book, output),
    }
}

fn list() -> anyhow::Result<()> {
    let mut text = String::new();
    for name in PriceBook::builtin_names() {
        let book = PriceBook::builtin(name)?;
        text.push_str(&format!("{name}\n    {}\n", book.description()));
    }
    output::print(&text)
}

fn show(name: &str, form: &OutputArgs) -> anyhow::Result<()> {
    let (book, _) = price_book(name)?;
    let rows = book.rows();
    if form.json {
        let row = |it: &pricing::Row<'_>| {
            json!({
                "section": it.section, "name": it.name, "value": it.value, "unit": it.unit,
                "source": it.source, "date": it.date,
            })
        };
        let values: Vec<_> = rows.iter().map(row).collect();
        let book = json!({
            "name": book.name(), "region": book.region(), "date": book.date(),
            "accounting": book.accounting().name(), "values": values,
        });
        return output::print(&serde_json::to_string_pretty(&book)?);
    }
    let head = ["section", "name", "value", "unit", "date", "source"].map(str::to_owned);
    let cells = |it: &pricing::Row<'_>| {
        [it.section, it.name, &it.value, it.unit, it.date, it.source].map(str::to_owned).to_vec()
    };
    let mut table: Vec<Vec<String>> = vec![head.to_vec()];
    table.extend(rows.iter().map(cells));
    if form.csv {
        return output::print(&output::csv(&table)?);
    }
    let sources = sources(&mut table);
    let about =
        format!("{}: {} ({}, {})", book.name(), book.description(), book.region(), book.date());
    let about = output::wrapped(&about, 0);
    output::print(&format!("{about}\n\n{}\n{sources}", output::columns(&table)))
}

/// Replaces each source in the last column by a number, and lists them, so that rows stay short.
fn sources(table: &mut [Vec<String>]) -> String {
    let mut listed: Vec<String> = Vec::new();
    for row in table.iter_mut().skip(1) {
        let source = row.pop().unwrap_or_default();
        let index = listed.iter().position(|it| *it == source).unwrap_or_else(|| {
            listed.push(source);
            listed.len() - 1
        });
        row.push(format!("[{}]", index + 1));
    }
    let line = |(index, source): (usize, &String)| {
        output::wrapped(&format!("[{}] {source}", index + 1), 4) + "\n"
    };
    listed.iter().enumerate().map(line).collect()
}
