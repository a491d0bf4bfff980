//! `infinisim reprice`: other prices on a finished result, without running it again.

use std::io::Read;
use std::path::Path;

use anyhow::{Context, bail};
use pricing::{Accounting, PriceBook, Usage, cost};
use report::comparison::{self, Comparison, Receipt, SystemSummary};

use crate::args::{OutputArgs, UsageError};
use crate::commands::compare::overcommitted;
use crate::experiment::{price_book, price_note, quantum_ms};
use crate::reprice_args::RepriceArgs;
use crate::{output, own_page};

/// What is put on a result.
struct NewPrices {
    book: PriceBook,
    /// Of the book.
    hash: String,
    accounting: Accounting,
}

/// Prices what a result says was used, and shows the result as the run would have.
pub(crate) fn reprice(args: &RepriceArgs) -> anyhow::Result<()> {
    let text = read(&args.result)?;
    let origin = args.result.display();
    let comparisons = comparison::from_json(&text);
    let mut comparisons = comparisons.with_context(|| format!("`{origin}` is no result"))?;
    let ((book, text), accounting) = match &args.prices {
        Some(name) => (price_book(name)?, None),
        None => of_results(&comparisons).with_context(|| format!("cannot price `{origin}`"))?,
    };
    let accounting = args.accounting.or(accounting).unwrap_or(book.accounting());
    let prices = NewPrices { book, hash: PriceBook::hash(&text), accounting };
    for comparison in &mut comparisons {
        price(comparison, &prices).with_context(|| format!("cannot price `{origin}`"))?;
    }
    let workloads = by_workload(comparisons).with_context(|| format!("cannot price `{origin}`"))?;
    output::print(&shown(&workloads, &prices, &args.form))
}

/// The price book that all of these were made with and its text, and what it charged as far as they
/// say so.
fn of_results(
    comparisons: &[Comparison],
) -> anyhow::Result<((PriceBook, String), Option<Accounting>)> {
    let Some(first) = comparisons.first() else { bail!("there is no result in it") };
    let Receipt { prices: name, accounting, prices_hash: hash, .. } = &first.receipt;
    let of = |it: &Receipt| (it.prices.clone(), it.accounting.clone(), it.prices_hash.clone());
    let mut receipts = comparisons.iter().map(|it| &it.receipt);
    let called = first.receipt.price_book();
    if let Some(other) = receipts.find(|it| of(it) != of(&first.receipt)) {
        return Err(UsageError(format!(
            "its results are of different prices, {called} ({accounting}) and {} ({}); name a \
             book with --prices",
            other.price_book(),
            other.accounting
        ))
        .into());
    }
    // Older results have no hash.
    let is_theirs = |text: &&str| hash.is_empty() || *hash == PriceBook::hash(text);
    let Some(text) = PriceBook::builtin_text(name).ok().filter(is_theirs) else {
        return Err(UsageError(format!(
            "it is priced by `{called}`, which does not come with the program; name its file with \
             --prices"
        ))
        .into());
    };
    // Nor do they say what was charged.
    Ok(((PriceBook::builtin(name)?, text.to_owned()), accounting.parse().ok()))
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

fn price(comparison: &mut Comparison, prices: &NewPrices) -> Result<(), UsageError> {
    let NewPrices { book, hash, accounting } = prices;
    let cost = |usage: &Usage| cost(book, usage, *accounting).map_err(|err| UsageError::from(&err));
    let is_same = prices.made(&comparison.receipt) && !is_of_own_book(comparison);
    let receipt = &mut comparison.receipt;
    let (name, its_hash) = made_with(receipt);
    let (name, its_hash) = if is_same { ("", "") } else { (name, its_hash) };
    (receipt.repriced_from, receipt.repriced_from_hash) = (name.to_owned(), its_hash.to_owned());
    book.name().clone_into(&mut receipt.prices);
    hash.clone_into(&mut receipt.prices_hash);
    accounting.name().clone_into(&mut receipt.accounting);
    for system in &mut comparison.systems {
        system.cost = cost(&system.usage)?;
        for hour in &mut system.hours {
            hour.cost = cost(&hour.usage)?;
        }
    }
    Ok(())
}

impl NewPrices {
    /// What to call the book.
    fn name(&self) -> String {
        PriceBook::told_apart(self.book.name(), &self.hash)
    }

    /// Whether they are those of the run, as far as its result says so.
    fn made(&self, receipt: &Receipt) -> bool {
        let (name, hash) = made_with(receipt);
        // A book without a hash is taken for the one that comes with the program.
        let is_likely = hash.is_empty() && self.name() == name;
        name == self.book.name() && (hash == self.hash || is_likely)
    }
}

/// The name and hash of the price book of the run.
fn made_with(receipt: &Receipt) -> (&str, &str) {
    let Receipt { prices, prices_hash, repriced_from, repriced_from_hash, .. } = receipt;
    if repriced_from.is_empty() {
        (prices, prices_hash)
    } else {
        (repriced_from, repriced_from_hash)
    }
}

/// What to call the price book of the run.
fn name_made_with(receipt: &Receipt) -> String {
    let (name, hash) = made_with(receipt);
    PriceBook::told_apart(name, hash)
}

/// Whether its usage holds the least that is paid for of a serverless cache by the run's book, as
/// that of versions which gave no hash of the book did.
fn is_of_own_book(comparison: &Comparison) -> bool {
    let is_old = made_with(&comparison.receipt).1.is_empty();
    is_old && comparison.systems.iter().any(|it| !it.usage.serverless.is_empty())
}

/// What `run` prints of several workloads, workload by workload: each the seeds of one.
fn by_workload(comparisons: Vec<Comparison>) -> anyhow::Result<Vec<Vec<Comparison>>> {
    let mut workloads: Vec<Vec<Comparison>> = Vec::new();
    for it in comparisons {
        let is_same = |other: &Receipt| {
            let it = &it.receipt;
            (&it.workload, &it.experiment_hash, &it.trace_hash)
                == (&other.workload, &other.experiment_hash, &other.trace_hash)
        };
        match workloads.iter_mut().find(|other| is_same(&other[0].receipt)) {
            Some(seeds) => seeds.push(it),
            None => workloads.push(vec![it]),
        }
    }
    let names =
        |it: &Comparison| -> Vec<String> { it.systems.iter().map(|it| it.name.clone()).collect() };
    for seeds in &workloads {
        if let Some(other) = seeds.iter().find(|it| names(it) != names(&seeds[0])) {
            bail!(
                "the seeds {} and {} of experiment {} are of different systems, {} and {}; price \
                 them one by one",
                seeds[0].receipt.seed,
                other.receipt.seed,
                other.receipt.experiment_hash,
                names(&seeds[0]).join(" "),
                names(other).join(" ")
            );
        }
    }
    if workloads.is_empty() {
        bail!("there is no result in it");
    }
    Ok(workloads)
}

fn shown(workloads: &[Vec<Comparison>], prices: &NewPrices, form: &OutputArgs) -> String {
    let all = workloads.concat();
    // A table has it among its notes.
    if form.json || form.csv {
        let notes = lease_note(&all, prices).into_iter().chain(minimum_note(&all, prices));
        notes.for_each(|it| output::note(&it));
    }
    let has_hours = |it: &Comparison| it.systems.iter().any(|it| !it.hours.is_empty());
    if form.json {
        return comparison::to_json_of_seeds(&all, all.iter().any(has_hours));
    }
    if form.csv {
        return comparison::to_csv(&all);
    }
    let table = |seeds: &Vec<Comparison>| {
        let first = &seeds[0];
        let mut notes: Vec<String> = lease_note(seeds, prices).into_iter().collect();
        notes.extend(minimum_note(seeds, prices));
        notes.push(price_note(&prices.name(), prices.accounting));
        let name = name_made_with(&first.receipt);
        notes.push(format!("priced again; the result was made with {name}"));
        notes.extend(overcommitted(first));
        match seeds.as_slice() {
            [one] => comparison::to_table(one, &notes),
            several => own_page::to_text(several, &notes),
        }
    };
    workloads.iter().map(table).collect::<Vec<_>>().join("\n")
}

/// That functions would have returned at other times, where the run's book bills by another step:
/// they stay up to its end, in case that something else is asked of them.
fn lease_note(comparisons: &[Comparison], prices: &NewPrices) -> Option<String> {
    let has_functions = |SystemSummary { usage, .. }: &SystemSummary| {
        [usage.serving, usage.warm_up, usage.backup].iter().any(|it| 0 < it.n_invocations)
    };
    let new_ms = quantum_ms(prices.book.function().quantum.value);
    let name = prices.name();
    let is_other =
        |it: &Receipt| it.quantum_ms.map_or_else(|| !prices.made(it), |old_ms| old_ms != new_ms);
    let with = comparisons
        .iter()
        .find(|it| it.systems.iter().any(has_functions) && is_other(&it.receipt))?;
    let anew = format!("run it anew with {name} for what functions would have cost");
    let stay = "functions stay up to the end of what is billed";
    Some(match with.receipt.quantum_ms {
        Some(old_ms) => {
            let when = if new_ms < old_ms { "earlier" } else { "later" };
            format!(
                "NOT what functions would have cost under {name}: {stay}, in this run by steps of \
                 {old_ms} ms, and with steps of {new_ms} ms they would have returned {when}; {anew}"
            )
        }
        None => format!(
            "{stay}, and the result does not say by which steps that was; if not by {new_ms} ms, \
             as with {name}, {anew}"
        ),
    })
}

/// That a serverless cache may have held less, where the result has all its hours in one, as
/// earlier versions wrote it: in that is the least that the run's book has paid for.
fn minimum_note(comparisons: &[Comparison], prices: &NewPrices) -> Option<String> {
    let is_other = |it: &&Comparison| !prices.made(&it.receipt) && is_of_own_book(it);
    let with = name_made_with(&comparisons.iter().find(is_other)?.receipt);
    let name = prices.name();
    Some(format!(
        "the least that is paid for of a serverless cache is that of {with} hour by hour, and that \
         of {name} over the whole run: the result is of an earlier version; run it anew with {name}"
    ))
}
