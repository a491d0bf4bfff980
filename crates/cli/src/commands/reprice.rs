//! `infinisim reprice`: other prices on a finished result, without running it again.

use std::io::Read;
use std::path::Path;

use anyhow::{Context, bail};
use pricing::{Accounting, PriceBook, cost};
use report::comparison::{self, Comparison, Receipt, SystemSummary};
use units::Nanos;

use crate::args::{OutputArgs, UsageError};
use crate::commands::compare::overcommitted;
use crate::experiment::{hash_of, price_book, price_note, quantum_ms};
use crate::reprice_args::RepriceArgs;
use crate::{output, own_page};

/// Prices what a result says was used, and shows the result as the run would have.
pub(crate) fn reprice(args: &RepriceArgs) -> anyhow::Result<()> {
    let text = read(&args.result)?;
    let origin = args.result.display();
    let comparisons = comparison::from_json(&text);
    let mut comparisons = comparisons.with_context(|| format!("`{origin}` is no result"))?;
    let ((prices, price_text), accounting) = match &args.prices {
        Some(name) => (price_book(name)?, None),
        None => of_results(&comparisons).with_context(|| format!("cannot price `{origin}`"))?,
    };
    let accounting = args.accounting.or(accounting).unwrap_or(prices.accounting());
    for comparison in &mut comparisons {
        comparison.receipt.prices_hash = hash_of(&price_text);
        price(comparison, &prices, accounting)
            .with_context(|| format!("cannot price `{origin}`"))?;
    }
    let workloads = by_workload(comparisons).with_context(|| format!("cannot price `{origin}`"))?;
    output::print(&shown(&workloads, &prices, accounting, &args.form))
}

/// The price book that all of these were made with and its text, and what it charged as far as they
/// say so.
fn of_results(
    comparisons: &[Comparison],
) -> anyhow::Result<((PriceBook, String), Option<Accounting>)> {
    let of = |it: &Comparison| {
        let Receipt { prices, accounting, prices_hash, .. } = it.receipt.clone();
        (prices, accounting, prices_hash)
    };
    let Some(first) = comparisons.first().map(of) else { bail!("there is no result in it") };
    let (name, accounting, hash) = &first;
    if let Some(other) = comparisons.iter().map(of).find(|it| *it != first) {
        return Err(UsageError(format!(
            "its results are of different prices, {name} ({accounting}) and {} ({}); name a book \
             with --prices",
            other.0, other.1
        ))
        .into());
    }
    // Older results have no hash.
    let is_theirs = |text: &&str| hash.is_empty() || *hash == hash_of(text);
    let Some(text) = PriceBook::builtin_text(name).ok().filter(is_theirs) else {
        return Err(UsageError(format!(
            "it was made with price book `{name}`, which does not come with the program as it was \
             then; name its file with --prices"
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

fn price(
    comparison: &mut Comparison,
    prices: &PriceBook,
    accounting: Accounting,
) -> Result<(), UsageError> {
    let cost = |usage| cost(prices, usage, accounting).map_err(|err| UsageError::from(&err));
    let receipt = &mut comparison.receipt;
    let made_with = made_with(receipt).to_owned();
    prices.name().clone_into(&mut receipt.prices);
    accounting.name().clone_into(&mut receipt.accounting);
    receipt.repriced_from = if made_with == receipt.prices { String::new() } else { made_with };
    for system in &mut comparison.systems {
        system.cost = cost(&system.usage)?;
        for hour in &mut system.hours {
            hour.cost = cost(&hour.usage)?;
        }
    }
    Ok(())
}

/// The price book of the run.
fn made_with(receipt: &Receipt) -> &str {
    let Receipt { repriced_from, prices, .. } = receipt;
    if repriced_from.is_empty() { prices } else { repriced_from }
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

fn shown(
    workloads: &[Vec<Comparison>],
    prices: &PriceBook,
    accounting: Accounting,
    form: &OutputArgs,
) -> String {
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
        notes.push(price_note(prices.name(), accounting));
        notes.push(format!("priced again; the result was made with {}", made_with(&first.receipt)));
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
fn lease_note(comparisons: &[Comparison], prices: &PriceBook) -> Option<String> {
    let has_functions = |SystemSummary { usage, .. }: &SystemSummary| {
        [usage.serving, usage.warm_up, usage.backup].iter().any(|it| 0 < it.n_invocations)
    };
    let new_ms = quantum_ms(prices.function().quantum.value);
    let name = prices.name();
    let is_other = |it: &Receipt| {
        it.quantum_ms.map_or_else(|| made_with(it) != name, |old_ms| old_ms != new_ms)
    };
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
fn minimum_note(comparisons: &[Comparison], prices: &PriceBook) -> Option<String> {
    let is_summed = |SystemSummary { usage, .. }: &SystemSummary| {
        let mut hours = usage.serverless.values().flat_map(|it| &it.hours);
        hours.any(|it| u128::from(Nanos::HOUR.get()) < it.existed_ns)
    };
    let name = prices.name();
    let is_other =
        |it: &&Comparison| made_with(&it.receipt) != name && it.systems.iter().any(is_summed);
    let with = made_with(&comparisons.iter().find(is_other)?.receipt);
    Some(format!(
        "the least that is paid for of a serverless cache is that of {with} hour by hour, and that \
         of {name} over the whole run: the result is of an earlier version; run it anew with {name}"
    ))
}
