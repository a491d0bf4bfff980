//! `infinisim run`: one experiment, all its systems and seeds, or the figure that is made of it.

use std::path::Path;

use anyhow::bail;
use report::comparison::{self, Comparison};
use report::page::{self, Page, Section};

use crate::args::{ReadArgs, RunArgs};
use crate::commands::compare::{notes, shown};
use crate::commands::figures::{self, Ask, Drawn, Entry, Made, Planned, Runs, Shown};
use crate::experiment::Experiment;
use crate::experiment_file::{ExperimentFile, Named};
use crate::leftovers::Writer;
use crate::{output, own_page, replay};

/// Runs the experiment of a file.
pub(crate) fn run(args: &RunArgs) -> anyhow::Result<()> {
    let origin = args.experiment.display();
    let (file, text) = ExperimentFile::open(&args.experiment)?;
    let in_file = |err: anyhow::Error| err.context(format!("cannot run `{origin}`"));
    if let Some(name) = &file.figure {
        let entry = Entry::find(name).map_err(|err| in_file(err.into()))?;
        file.check_paths_of_world().map_err(|err| in_file(err.into()))?;
        file.check_path_of_trace(args.trace.as_deref()).map_err(in_file)?;
        output::note(&format!("{origin}: {}", file.question));
        return run_figure(args, entry, file, text).map_err(in_file);
    }
    // Nothing is shown beside them, but who names a file wants it read.
    figures::reference_texts(&file, args.experiment.parent()).map_err(in_file)?;
    let workloads = file.experiments_to_run(args.trace.as_deref()).map_err(in_file)?;
    if let Some(dir) = &args.result.output_dir {
        check_dir(Writer::Comparison, dir, &workloads, &args.read)?;
        output::prepare_dir(dir)?;
    }
    output::note(&format!("{origin}: {}", file.question));
    let inputs = replay::inputs(&workloads, &args.read)?;
    let threads = replay::thread_pool(args.result.jobs.jobs)?;
    let mut results = Vec::new();
    for (Named { experiment, .. }, input) in workloads.into_iter().zip(inputs) {
        let comparisons = replay::replay(&experiment, &input, &threads, None)?;
        if let Some(dir) = &args.result.output_dir {
            let dir = dir.join(&experiment.workload);
            output::prepare_dir(&dir)?;
            Writer::Comparison.remove_others(&dir, &experiment.files_read(&args.read)?)?;
            figures::write_comparisons(&dir, "results", &comparisons)?;
            let json = comparison::to_json_of_seeds(&comparisons, true);
            output::write_text(&dir.join("results.json"), &json)?;
            let notes = comparisons.first().map(|it| notes(it, &experiment)).unwrap_or_default();
            own_page::write(&dir, &comparisons, &file.question, &text, &notes)?;
        }
        results.push((experiment, comparisons));
    }
    output::print(&printed(args, &results))
}

/// Refuses to write results of workloads over what any of them is read from.
pub(crate) fn check_dir(
    writer: Writer,
    dir: &Path,
    workloads: &[Named],
    read: &ReadArgs,
) -> anyhow::Result<()> {
    let files = workloads.iter().map(|it| it.experiment.files_read(read));
    let files = files.collect::<anyhow::Result<Vec<_>>>()?.concat();
    workloads.iter().try_for_each(|it| writer.check(&dir.join(&it.experiment.workload), &files))
}

fn printed(args: &RunArgs, results: &[(Experiment, Vec<Comparison>)]) -> String {
    let all = || results.iter().flat_map(|(_, comparisons)| comparisons.iter().cloned());
    if args.result.form.json {
        comparison::to_json_of_seeds(&all().collect::<Vec<_>>(), false)
    } else if args.result.form.csv {
        comparison::to_csv(&all().collect::<Vec<_>>())
    } else {
        let tables = results.iter().map(|(experiment, comparisons)| match comparisons.as_slice() {
            [one] => shown(one, experiment, &args.result.form),
            several => {
                let notes = several.first().map(|it| notes(it, experiment)).unwrap_or_default();
                own_page::to_text(several, &notes)
            }
        });
        tables.collect::<Vec<_>>().join("\n")
    }
}

/// Makes the figure of an experiment as the file has it, and prints its numbers.
fn run_figure(
    args: &RunArgs,
    entry: &'static Entry,
    file: ExperimentFile,
    text: String,
) -> anyhow::Result<()> {
    let (trace, read, jobs) = (args.trace.as_deref(), &args.read, &args.result.jobs);
    let ask = Ask { trace, read, seeds: None, is_quick: false, jobs };
    let origin = args.experiment.display().to_string();
    let planned = Planned::of_file(entry, origin, file, text, args.experiment.parent(), &ask)?;
    if let Some(dir) = &args.result.output_dir {
        output::prepare_dir(&dir.join("data"))?;
    }
    let made = figures::make(vec![planned], &ask, None)?;
    if made.iter().all(|it| it.is_replay() && it.workloads().is_empty()) {
        bail!("the trace has nothing for figure `{}`", entry.name);
    }
    if let Some(dir) = &args.result.output_dir {
        let shown = figures::draw(&made, dir, jobs, None)?;
        for it in made.iter().filter(|it| it.is_replay()) {
            for name in it.file.workload_names() {
                let joint = if name.is_empty() { "" } else { "_" };
                let stem = format!("results{joint}{name}");
                figures::write_comparisons(dir, &stem, it.runs_of(name))?;
            }
        }
        output::write_text(&dir.join("index.html"), &page::to_html(&page_of(&made, &shown)))?;
    }
    let printed: Vec<String> =
        made.iter().map(|it| it.printed(&args.result.form)).collect::<anyhow::Result<_>>()?;
    output::print(&printed.join("\n"))
}

fn page_of(made: &[Made], shown: &[Shown<'_>]) -> Page {
    let title = made.first().map_or(String::new(), |it| it.file.question.clone());
    let tables = shown.iter().filter_map(|it| match &it.drawn {
        Drawn::Table(table) => Some((**table).clone()),
        Drawn::Figure(_) => None,
    });
    let side_by_side = made.iter().flat_map(Made::workloads).filter_map(Runs::table);
    let figures = shown.iter().filter_map(Shown::figure).collect();
    Page {
        title,
        tables: tables.chain(side_by_side).collect(),
        sections: vec![Section { title: "Figures".to_owned(), figures }],
        receipts: made.iter().flat_map(Made::receipts).collect(),
        ..Page::default()
    }
}
