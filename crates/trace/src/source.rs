//! What was understood of where a trace comes from.

use std::fmt;

use jiff::Timestamp;

use crate::input::Compression;
use crate::time::{KnownBy, TimeScale};

/// Where a trace comes from and how it was understood, for the user to check.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Source {
    /// The name under which it was read or generated.
    pub name: String,
    /// How many files it was read from.
    pub n_files: usize,
    /// The name of its format.
    pub format_name: &'static str,
    /// How the bytes were compressed.
    pub compression: Compression,
    /// The columns as understood, where the format has any.
    pub columns: Option<Columns>,
    /// How times are written.
    pub time_scale: TimeScale,
    /// How that is known.
    pub time_known_by: KnownBy,
    /// What of the trace the format keeps, where that is not all.
    pub selection: Option<String>,
    /// The date of the first request, where the trace has dates.
    pub start: Option<Timestamp>,
}

/// The names of the columns that hold the parts of a request.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Columns {
    /// When.
    pub time: String,
    /// Which object.
    pub key: String,
    /// How large.
    pub size: String,
    /// What is asked for; without it every row is a GET.
    pub op: Option<String>,
}

impl fmt::Display for Source {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.format_name)?;
        if 1 < self.n_files {
            write!(f, " in {} files", self.n_files)?;
        }
        if self.compression != Compression::None {
            write!(f, " in {}", self.compression)?;
        }
        if let Some(Columns { time, key, size, op }) = &self.columns {
            write!(f, "; columns: time `{time}`, key `{key}`, size `{size}`")?;
            match op {
                Some(op) => write!(f, ", operation `{op}`")?,
                None => f.write_str(", no operation (every row is a GET)")?,
            }
        }
        write!(f, "; time in {} ({})", self.time_scale, self.time_known_by)?;
        if let Some(selection) = &self.selection {
            write!(f, "; {selection}")?;
        }
        match self.start {
            Some(start) => write!(f, "; starts {start}"),
            None => Ok(()),
        }
    }
}
