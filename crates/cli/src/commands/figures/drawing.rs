//! Draws what was made, and writes it: pictures, tables, and the numbers behind both.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

use anyhow::Context as _;
use rayon::prelude::*;
use report::chart::{Chart, Figure};
use report::comparison::{self, Comparison};
use report::page::{PageFigure, Table};
use serde::{Deserialize, Serialize};
use serde_json::{Value, json};

use super::catalogue::Shows;
use super::made::{Made, Runs};
use crate::args::{JobsArgs, OutputArgs};
use crate::run_store::Store;
use crate::{leftovers, output, parquet_file, progress, replay};

/// A figure or a table, and what it was drawn from.
pub(crate) struct Shown<'a> {
    /// What was made for it.
    pub(crate) made: &'a Made,
    /// What was drawn of that.
    pub(crate) drawn: Drawn,
}

/// What is shown to a reader.
pub(crate) enum Drawn {
    /// A figure.
    Figure(Figure),
    /// A table.
    Table(Box<Table>),
}

impl Made {
    /// What a program or a person reads of it on standard output.
    pub(crate) fn printed(&self, form: &OutputArgs) -> anyhow::Result<String> {
        if !self.workloads().is_empty() {
            let all: Vec<Comparison> =
                self.workloads().iter().flat_map(|it| it.comparisons.iter().cloned()).collect();
            return Ok(match (form.json, form.csv) {
                (true, _) => comparison::to_json_of_seeds(&all, false),
                (_, true) => comparison::to_csv(&all),
                _ => {
                    let tables = self.workloads().iter().map(Runs::printed);
                    tables.filter(|it| !it.is_empty()).collect::<Vec<_>>().join("\n")
                }
            });
        }
        match self.entry.shows {
            Shows::Chart(chart) => {
                let Some(chart) = chart(self)? else { return Ok(String::new()) };
                let rows = chart.to_rows();
                Ok(if form.json { chart.to_json() } else { rows.to_csv() })
            }
            Shows::Table(table) => {
                let csv = table(self)?.map_or(String::new(), |(_, csv)| csv);
                if form.json { table_to_json(&csv) } else { Ok(csv) }
            }
            Shows::Rows => Ok(String::new()),
        }
    }
}

/// The two pictures of a figure, as they are kept.
#[derive(Serialize, Deserialize)]
struct Files {
    svg: String,
    png: Vec<u8>,
}

impl Shown<'_> {
    /// The figure as a page shows it, if it is one.
    pub(crate) fn figure(&self) -> Option<PageFigure> {
        match &self.drawn {
            Drawn::Figure(figure) => {
                let (name, made) = (self.made.entry.name.to_owned(), self.made.making());
                Some(PageFigure { name, figure: figure.clone(), made })
            }
            Drawn::Table(_) => None,
        }
    }
}

/// Draws all of it and writes the files, several at once. What the trace has nothing for is left
/// out, as are its files of another run.
pub(crate) fn draw<'a>(
    made: &'a [Made],
    dir: &Path,
    jobs: &JobsArgs,
    store: Option<&Store>,
) -> anyhow::Result<Vec<Shown<'a>>> {
    let bar = progress::steps_bar(made.len(), "drawing");
    let draw_one = |made: &'a Made| -> anyhow::Result<Option<Shown<'a>>> {
        let of_figure = || made.origin.clone();
        let drawn = match made.entry.shows {
            Shows::Chart(chart) => match chart(made).with_context(of_figure)? {
                Some(chart) => Some(Drawn::Figure(write_figure(made, &chart, dir, store)?)),
                None => None,
            },
            Shows::Table(table) => match table(made).with_context(of_figure)? {
                Some((table, csv)) => {
                    output::write_text(&table_file(made, dir), &csv)?;
                    Some(Drawn::Table(Box::new(table)))
                }
                None => None,
            },
            Shows::Rows => None,
        };
        if drawn.is_none() {
            let files = match made.entry.shows {
                Shows::Chart(_) => figure_files(made, dir).to_vec(),
                Shows::Table(_) => vec![table_file(made, dir)],
                Shows::Rows => Vec::new(),
            };
            files.iter().try_for_each(|it| leftovers::remove(it))?;
        }
        bar.inc(1);
        Ok(drawn.map(|drawn| Shown { made, drawn }))
    };
    let threads = replay::thread_pool(jobs.jobs)?;
    let shown: anyhow::Result<Vec<Option<Shown<'a>>>> =
        threads.install(|| made.par_iter().map(draw_one).collect());
    bar.finish_and_clear();
    Ok(shown?.into_iter().flatten().collect())
}

fn write_figure(
    made: &Made,
    chart: &Chart,
    dir: &Path,
    store: Option<&Store>,
) -> anyhow::Result<Figure> {
    // Drawn from its file's numbers, so that the file can be drawn again to the same bytes.
    let json = chart.to_json();
    let chart = Chart::from_json(&json)?;
    let figure = chart.draw();
    let Files { svg, png } = Store::find_or(store, &format!("drawn {json}"), || {
        Ok(Files { svg: figure.svg(), png: figure.png() })
    })?;
    let [json_path, parquet_path, svg_path, png_path] = figure_files(made, dir);
    output::write_text(&json_path, &json)?;
    parquet_file::write(&parquet_path, &chart.to_rows())?;
    output::write_text(&svg_path, &svg)?;
    output::write_file(&png_path, |out| Ok(out.write_all(&png)?))?;
    Ok(figure)
}

fn table_file(made: &Made, dir: &Path) -> PathBuf {
    dir.join(format!("{}.csv", made.entry.name))
}

/// The numbers of a figure, twice, and its pictures.
fn figure_files(made: &Made, dir: &Path) -> [PathBuf; 4] {
    let name = made.entry.name;
    let files = [format!("data/{name}.json"), format!("data/{name}.parquet")];
    let [json, parquet] = files.map(|it| dir.join(it));
    [json, parquet, dir.join(format!("{name}.svg")), dir.join(format!("{name}.png"))]
}

/// Writes the comparisons of all seeds as `STEM.csv`, `.json` and `.parquet`, and their hours as
/// `STEM_hours.parquet`. Without a comparison there are no such files.
pub(crate) fn write_comparisons(
    dir: &Path,
    stem: &str,
    comparisons: &[Comparison],
) -> anyhow::Result<()> {
    let [csv, parquet, hours, json] =
        [".csv", ".parquet", "_hours.parquet", ".json"].map(|end| dir.join(format!("{stem}{end}")));
    if comparisons.is_empty() {
        return [csv, parquet, hours, json].iter().try_for_each(|it| leftovers::remove(it));
    }
    let rows = comparison::to_rows(comparisons);
    output::write_text(&csv, &rows.to_csv())?;
    parquet_file::write(&parquet, &rows)?;
    parquet_file::write(&hours, &comparison::to_hourly_rows(comparisons))?;
    output::write_text(&json, &comparison::to_json_of_seeds(comparisons, false))
}

/// A table, which is CSV, as JSON: an object for each row, with numbers where they are such.
fn table_to_json(csv: &str) -> anyhow::Result<String> {
    let value = |cell: String| cell.parse::<f64>().map_or_else(|_| json!(cell), |it| json!(it));
    let rows: Vec<BTreeMap<String, Value>> = csv::Reader::from_reader(csv.as_bytes())
        .into_deserialize::<BTreeMap<String, String>>()
        .map(|row| Ok(row?.into_iter().map(|(name, cell)| (name, value(cell))).collect()))
        .collect::<anyhow::Result<_>>()?;
    Ok(serde_json::to_string_pretty(&rows)?)
}
