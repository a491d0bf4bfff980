//! `infinisim sweep`: an experiment at every combination of the values of its `sweep`.

mod charts;
mod swept;

use report::comparison::{Comparison, SystemSummary};
use units::Bytes;

use self::swept::{Row, Swept, to_csv};
use crate::args::{RunArgs, UsageError};
use crate::commands::figures::reference_texts;
use crate::commands::run::check_dir;
use crate::experiment_file::{ExperimentFile, Named};
use crate::leftovers::Writer;
use crate::run_store::Store;
use crate::{output, replay};

/// Runs the experiment of a file at all its points.
pub(crate) fn sweep(args: &RunArgs) -> anyhow::Result<()> {
    let (file, text) = ExperimentFile::open(&args.experiment)?;
    let origin = args.experiment.display();
    let in_file = |err: anyhow::Error| err.context(format!("cannot sweep `{origin}`"));
    if file.sweep.is_empty() {
        let missing = "`sweep` is missing; write a table [sweep] with the values to try, such as \
                       nodes = [200, 400], and {nodes} where they go in `systems`";
        return Err(in_file(UsageError(missing.to_owned()).into()));
    }
    if let Some(axis) = file.sweep.names().find(|it| swept::is_column(it)) {
        let taken = "is the name of a column of the results; call it something else";
        return Err(in_file(UsageError(format!("`sweep.{axis}` {taken}")).into()));
    }
    reference_texts(&file, args.experiment.parent()).map_err(in_file)?;
    let workloads = file.experiments_to_run(args.trace.as_deref()).map_err(in_file)?;
    let dir = args.result.output_dir.as_deref();
    if let Some(dir) = dir {
        check_dir(Writer::Sweep, dir, &workloads, &args.read)?;
    }
    let store = dir.map(|it| {
        output::prepare_dir(it)?;
        Store::open(&it.join(".cache"))
    });
    let store = store.transpose()?.flatten();
    output::note(&format!("{origin}: {}", file.question));
    let inputs = replay::inputs(&workloads, &args.read)?;
    let threads = replay::thread_pool(args.result.jobs.jobs)?;
    let mut all = Vec::new();
    for (Named { experiment, points }, input) in workloads.into_iter().zip(inputs) {
        let read = experiment.files_read(&args.read)?;
        let comparisons = replay::replay(&experiment, &input, &threads, store.as_ref())?;
        let mut notes = experiment.notes();
        notes.extend(overcommitted(&comparisons));
        let swept = Swept::of(experiment.workload, points, comparisons, notes);
        if let Some(dir) = dir {
            let dir = dir.join(&swept.workload);
            Writer::Sweep.remove_others(&dir, &read)?;
            swept.write(&dir, &file.question, &text)?;
        }
        all.push(swept);
    }
    let form = &args.result.form;
    output::print(&if form.json {
        let rows: Vec<Row<'_>> = all.iter().flat_map(Swept::rows).collect();
        serde_json::to_string_pretty(&rows)?
    } else if form.csv {
        to_csv(&all)
    } else {
        all.iter().map(Swept::to_text).collect::<Vec<_>>().join("\n")
    })
}

/// How many systems put more on a function than it holds.
fn overcommitted(comparisons: &[Comparison]) -> Option<String> {
    let over = |it: &SystemSummary| it.counts.overcommitted_max;
    let max = comparisons.iter().flat_map(|it| &it.systems).map(over).max()?;
    let is_over =
        |index: &usize| comparisons.iter().any(|it| Bytes::ZERO < over(&it.systems[*index]));
    let n_over = (0..comparisons.first()?.systems.len()).filter(is_over).count();
    (0 < n_over).then(|| {
        format!(
            "{n_over} of them put up to {max} more on a function than it holds, as the reference \
             does"
        )
    })
}
