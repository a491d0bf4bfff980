//! `infinisim run`: one experiment, all its systems and seeds.

use report::comparison::{self, Comparison};

use crate::args::RunArgs;
use crate::commands::compare::{notes, shown};
use crate::experiment::Experiment;
use crate::{output, own_page, replay, trace_input};

/// Runs the experiment of a file.
pub(crate) fn run(args: &RunArgs) -> anyhow::Result<()> {
    let origin = args.experiment.display().to_string();
    let text = fs_err::read_to_string(&args.experiment)?;
    let (file, experiment) = Experiment::of_file(&origin, &text, args.trace.as_deref())?;
    if let Some(dir) = &args.result.output_dir {
        output::prepare_dir(dir)?;
    }
    output::note(&format!("{origin}: {}", file.question));
    let input = trace_input::load(&experiment.trace, &args.read, &experiment.selection)?;
    let pool = replay::thread_pool(args.result.jobs.jobs)?;
    let comparisons = replay::replay(&experiment, &input, &pool)?;
    if let Some(dir) = &args.result.output_dir {
        let json = json_of(&comparisons, comparison::to_json_with_hours);
        output::write_text(&dir.join("results.json"), &json)?;
        output::write_text(&dir.join("results.csv"), &comparison::to_csv(&comparisons))?;
        let notes = comparisons.first().map(|it| notes(it, &experiment)).unwrap_or_default();
        own_page::write(dir, &comparisons, &file.question, &text, &notes)?;
    }
    let text = if args.result.form.json {
        json_of(&comparisons, comparison::to_json)
    } else if args.result.form.csv {
        comparison::to_csv(&comparisons)
    } else {
        let tables = comparisons.iter().map(|it| shown(it, &experiment, &args.result.form));
        tables.collect::<Vec<_>>().join("\n")
    };
    output::print(&text)
}

/// The comparisons of all seeds: one alone as it is, several as an array.
fn json_of(comparisons: &[Comparison], to_json: fn(&Comparison) -> String) -> String {
    match comparisons {
        [one] => to_json(one),
        several => {
            let items: Vec<String> =
                several.iter().map(|it| to_json(it).trim_end().to_owned()).collect();
            format!("[\n{}\n]\n", items.join(",\n"))
        }
    }
}
