//! `infinisim compare`: the systems side by side on one trace.

use report::comparison::{self, Comparison};
use units::Bytes;

use crate::args::{CompareArgs, OutputArgs};
use crate::commands::figures::write_comparisons;
use crate::experiment::{Experiment, price_note};
use crate::leftovers::Writer;
use crate::{output, own_page, replay, trace_input};

/// Replays the trace on each system and shows what each cost, hit, lost, and how fast it was.
pub(crate) fn compare(args: &CompareArgs) -> anyhow::Result<()> {
    let experiment = Experiment::of_compare(args)?;
    let read = experiment.files_read(&args.trace.read)?;
    if let Some(dir) = &args.result.output_dir {
        Writer::Comparison.check(dir, &read)?;
        output::prepare_dir(dir)?;
    }
    let input = trace_input::load(&experiment.trace, &args.trace.read, &experiment.selection)?;
    trace_input::say_of_replay(&experiment.trace, &input.trace);
    let pool = replay::thread_pool(args.result.jobs.jobs)?;
    let comparisons = replay::replay(&experiment, &input, &pool, None)?;
    let [comparison] = comparisons.as_slice() else { panic!("one seed makes one comparison") };
    if let Some(dir) = &args.result.output_dir {
        Writer::Comparison.remove_others(dir, &read)?;
        let json = comparison::to_json_with_hours(comparison);
        write_comparisons(dir, "results", &comparisons)?;
        output::write_text(&dir.join("results.json"), &json)?;
        let question = format!("What would {} cost, hit and lose?", args.trace.trace);
        let words = std::env::args_os().skip(1).map(|it| it.to_string_lossy().into_owned());
        let notes = notes(comparison, &experiment);
        own_page::write(dir, &comparisons, &question, &as_typed(words), &notes)?;
    }
    output::print(&shown(comparison, &experiment, &args.result.form))
}

/// The command of these words, without those on which no result depends.
fn as_typed(mut words: impl Iterator<Item = String>) -> String {
    const WITH_VALUE: [&str; 4] = ["-o", "--output-dir", "-j", "--jobs"];
    let mut command = "infinisim".to_owned();
    while let Some(word) = words.next() {
        let is_short = |it: &&str| !it.starts_with("--") && word.starts_with(*it);
        let is_long = |it: &&str| it.starts_with("--") && word.starts_with(&format!("{it}="));
        if WITH_VALUE.contains(&&*word) {
            words.next();
        } else if !WITH_VALUE.iter().any(|it| is_short(it) || is_long(it))
            && !["--json", "--csv"].contains(&&*word)
        {
            command.push(' ');
            command.push_str(&quoted(&word));
        }
    }
    command
}

/// A word as a shell takes it for one.
fn quoted(word: &str) -> String {
    let is_plain = |it: char| it.is_alphanumeric() || "-_./:=,+%@".contains(it);
    if !word.is_empty() && word.chars().all(is_plain) {
        word.to_owned()
    } else {
        format!("'{}'", word.replace('\'', r"'\''"))
    }
}

/// A comparison in the form that was asked for.
pub(crate) fn shown(comparison: &Comparison, experiment: &Experiment, form: &OutputArgs) -> String {
    if form.json {
        comparison::to_json(comparison)
    } else if form.csv {
        comparison::to_csv(std::slice::from_ref(comparison))
    } else {
        comparison::to_table(comparison, &notes(comparison, experiment))
    }
}

/// What a reader of the results should know.
pub(crate) fn notes(comparison: &Comparison, experiment: &Experiment) -> Vec<String> {
    let mut notes = experiment.notes();
    notes.extend(overcommitted(comparison));
    notes
}

/// The same, as far as the comparison itself tells.
pub(crate) fn notes_of_receipt(comparison: &Comparison) -> Vec<String> {
    let receipt = &comparison.receipt;
    let charged = receipt.accounting.parse().ok().map(|it| price_note(&receipt.price_book(), it));
    charged.into_iter().chain(overcommitted(comparison)).collect()
}

/// Which systems put more on a function than it holds.
pub(crate) fn overcommitted(comparison: &Comparison) -> Vec<String> {
    let mut notes = Vec::new();
    for system in &comparison.systems {
        let over = system.counts.overcommitted_max;
        if Bytes::ZERO < over {
            notes.push(format!(
                "{} put up to {over} more on a function than it holds, as the reference does",
                system.name
            ));
        }
    }
    notes
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_command_is_shown_as_typed_but_for_where_its_result_goes() {
        let check = |typed: &[&str], expect: &str| {
            assert_eq!(as_typed(typed.iter().map(|it| (*it).to_owned())), expect);
        };
        check(
            &["compare", "t.csv", "--system", "s3", "-o", "out", "--json", "--seed=7"],
            "infinisim compare t.csv --system s3 --seed=7",
        );
        check(&["compare", "-j2", "--jobs=3", "--output-dir=a b", "t"], "infinisim compare t");
        check(&["compare", "it's *.json"], r"infinisim compare 'it'\''s *.json'");
    }
}
