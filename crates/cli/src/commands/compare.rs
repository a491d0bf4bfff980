//! `infinisim compare`: the systems side by side on one trace.

use report::comparison::{self, Comparison};
use units::Bytes;

use crate::args::{CompareArgs, OutputArgs};
use crate::commands::figures::write_comparisons;
use crate::experiment::Experiment;
use crate::{output, own_page, replay, trace_input};

/// Replays the trace on each system and shows what each cost, hit, lost, and how fast it was.
pub(crate) fn compare(args: &CompareArgs) -> anyhow::Result<()> {
    let experiment = Experiment::of_compare(args)?;
    if let Some(dir) = &args.result.output_dir {
        output::prepare_dir(dir)?;
    }
    let input = trace_input::load(&experiment.trace, &args.trace.read, &experiment.selection)?;
    let pool = replay::thread_pool(args.result.jobs.jobs)?;
    let comparisons = replay::replay(&experiment, &input, &pool, None)?;
    let [comparison] = comparisons.as_slice() else { panic!("one seed makes one comparison") };
    if let Some(dir) = &args.result.output_dir {
        let json = comparison::to_json_with_hours(comparison);
        write_comparisons(dir, "results", &comparisons)?;
        output::write_text(&dir.join("results.json"), &json)?;
        let question = format!("What would {} cost, hit and lose?", args.trace.trace);
        let systems = experiment.systems.iter().map(|it| format!(" --system {}", it.name));
        let configuration =
            format!("infinisim compare {}{}", args.trace.trace, systems.collect::<String>());
        let notes = notes(comparison, &experiment);
        own_page::write(dir, &comparisons, &question, &configuration, &notes)?;
    }
    output::print(&shown(comparison, &experiment, &args.result.form))
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
