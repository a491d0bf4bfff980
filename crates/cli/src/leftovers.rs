//! What is in a directory of results before a run: what the run reads, which stays, and what an
//! earlier one wrote and this one has nothing to put into the place of, which goes.

use std::io::ErrorKind;
use std::path::{Path, PathBuf};

use crate::trace_input;

/// Who writes into a directory of results, and which files.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Writer {
    /// `compare` and `run`.
    Comparison,
    Sweep,
    LiveReplay,
    LiveValidation,
}

const COMPARISON: &[&str] =
    &["index.html", "results.csv", "results.parquet", "results_hours.parquet", "results.json"];
const SWEEP: &[&str] = &["sweep.csv"];
const LIVE_LOGS: &[&str] = &["reclaims.csv", "invocations.jsonl"];
const VALIDATION: &[&str] =
    &["profile.toml", "validation.svg", "validation.png", "validation.json"];

/// Files that are written together. They are another's leftovers where the last is there: a file of
/// one's own that is only called like one of the others is let be.
const TOGETHER: [&[&str]; 4] = [COMPARISON, SWEEP, LIVE_LOGS, VALIDATION];

impl Writer {
    fn files(self) -> Vec<&'static str> {
        match self {
            Writer::Comparison => COMPARISON.to_vec(),
            Writer::Sweep => [COMPARISON, SWEEP].concat(),
            Writer::LiveReplay => [&["results.json", "results.csv"], LIVE_LOGS].concat(),
            Writer::LiveValidation => [&["results.json"], VALIDATION, LIVE_LOGS].concat(),
        }
    }

    /// Refuses to write into `dir`, if a file that is `read` lies where one would go.
    pub(crate) fn check(self, dir: &Path, read: &[PathBuf]) -> anyhow::Result<()> {
        self.files().iter().try_for_each(|it| trace_input::check_written(read, &dir.join(it)))
    }

    /// Removes what others wrote into `dir`: beside new results it would pass for one of them.
    /// What was `read` stays.
    pub(crate) fn remove_others(self, dir: &Path, read: &[PathBuf]) -> anyhow::Result<()> {
        for files in TOGETHER {
            if !files.last().is_some_and(|it| dir.join(it).exists()) {
                continue;
            }
            let others = files.iter().filter(|it| !self.files().contains(it));
            for path in others.map(|it| dir.join(it)) {
                if trace_input::check_written(read, &path).is_ok() {
                    remove(&path)?;
                }
            }
        }
        Ok(())
    }
}

/// Removes a file, if it is there.
pub(crate) fn remove(path: &Path) -> anyhow::Result<()> {
    match fs_err::remove_file(path) {
        Err(err) if err.kind() != ErrorKind::NotFound => Err(err.into()),
        _ => Ok(()),
    }
}
