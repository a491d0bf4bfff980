//! `infinisim reprice`: other prices on a finished result, without running it again.

use std::io::Read;
use std::path::Path;

use anyhow::Context;
use pricing::{Accounting, PriceBook, cost};
use report::comparison::{self, Comparison};

use crate::args::{OutputArgs, RepriceArgs, UsageError};
use crate::commands::compare::overcommitted;
use crate::experiment::{price_book, price_note};
use crate::{output, own_page};

/// Prices what a result says was used, and shows the result as the run would have.
pub(crate) fn reprice(args: &RepriceArgs) -> anyhow::Result<()> {
    let (prices, _) = price_book(&args.prices.prices)?;
    let accounting = args.prices.accounting.unwrap_or(prices.accounting());
    let text = read(&args.result)?;
    let origin = args.result.display();
    let comparisons = comparison::from_json(&text);
    let mut comparisons = comparisons.with_context(|| format!("`{origin}` is no result"))?;
    let mut notes = vec![price_note(&prices, accounting)];
    if let Some(first) = comparisons.first() {
        notes.push(format!("priced again; the result was made with {}", first.receipt.prices));
        notes.extend(overcommitted(first));
    }
    for comparison in &mut comparisons {
        price(comparison, &prices, accounting)
            .with_context(|| format!("cannot price `{origin}`"))?;
    }
    output::print(&shown(&comparisons, &notes, &args.form))
}

fn read(path: &Path) -> anyhow::Result<String> {
    if path == Path::new("-") {
        let mut text = String::new();
        std::io::stdin().read_to_string(&mut text).context("cannot read standard input")?;
        return Ok(text);
    }
    let file = if path.is_dir() { path.join("results.json") } else { path.to_owned() };
    Ok(fs_err::read_to_string(file)?)
}

fn price(
    comparison: &mut Comparison,
    prices: &PriceBook,
    accounting: Accounting,
) -> Result<(), UsageError> {
    let cost = |usage| cost(prices, usage, accounting).map_err(|err| UsageError::from(&err));
    prices.name().clone_into(&mut comparison.receipt.prices);
    for system in &mut comparison.systems {
        system.cost = cost(&system.usage)?;
        for hour in &mut system.hours {
            hour.cost = cost(&hour.usage)?;
        }
    }
    Ok(())
}

fn shown(comparisons: &[Comparison], notes: &[String], form: &OutputArgs) -> String {
    let has_hours = |it: &Comparison| it.systems.iter().any(|it| !it.hours.is_empty());
    match comparisons {
        all if form.json => comparison::to_json_of_seeds(all, all.iter().any(has_hours)),
        all if form.csv => comparison::to_csv(all),
        [one] => comparison::to_table(one, notes),
        several => own_page::to_text(several, notes),
    }
}
