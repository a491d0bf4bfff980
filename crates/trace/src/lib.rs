//! Traces of object requests: read, selected, measured, generated and written.
//!
//! [`read`] and [`read_files`] turn bytes in any known [`Format`], compressed or not, into a
//! [`Trace`]: requests in time order over dense object ids, what was understood of the files
//! ([`Source`]) and what a reader of the figures should know ([`Note`]). A [`Selection`] keeps a
//! part of it and [`sample`] a part of its objects, [`Statistics`] describe it, [`miss_counts`]
//! and [`LruStack`] replay it through caches, [`generate`] makes one from a [`Profile`], [`fit`] a
//! profile from one, [`Likeness`] tells how near that comes, and a [`RowWriter`], [`write_lcs`]
//! and their like write it out.
//!
//! The crate opens no file and holds no random generator: bytes, numbers and a progress
//! callback come in as arguments. A format is one file in `format/`.

mod asides;
mod builder;
mod cache_size;
mod column;
mod columns;
mod convert;
mod error;
mod fit;
mod format;
mod generate;
mod input;
mod json;
mod keys;
mod likeness;
mod lru_stack;
mod mrc;
mod note;
mod number;
mod op;
mod profile;
mod read;
mod registry;
mod rows;
mod sample;
mod select;
mod source;
mod statistics;
mod tally;
mod time;
mod trace;
mod window;
mod write;

pub use crate::asides::{AsideKinds, Asides, ByteRange};
pub use crate::cache_size::{CacheSize, CacheSizeError};
pub use crate::column::{Column, Role};
pub use crate::columns::{read_columns, write_columns};
pub use crate::convert::{Converted, convert};
pub use crate::error::{ErrorKind, Position, TraceError, ValueProblem};
pub use crate::fit::{FitError, fit};
pub use crate::format::{Format, UnknownFormat, quiet_caught_panics};
pub use crate::generate::{Draft, generate};
pub use crate::input::Compression;
pub use crate::keys::{KeyText, Keys};
pub use crate::likeness::{Likeness, Unit};
pub use crate::lru_stack::LruStack;
pub use crate::mrc::{MissCounts, miss_counts};
pub use crate::note::{Note, Place};
pub use crate::profile::{Profile, ProfileError};
pub use crate::read::{ReadOptions, read, read_files};
pub use crate::registry::{Method, RegistryFilter, Resources, UnknownWord};
pub use crate::sample::{Sample, SampleSize, Whole, read_sample, sample};
pub use crate::select::{ScaleSize, Selection, SelectionError};
pub use crate::source::{Columns, Source};
pub use crate::statistics::{Hour, Percentiles, Statistics};
pub use crate::time::{KnownBy, TimeScale, TimeUnit, UnknownTimeUnit};
pub use crate::trace::{Row, Trace, TraceHash};
pub use crate::write::{
    About, CsvWriter, IbmJsonWriter, LcsVersion, PackedCounts, ParquetWriter, RowWriter,
    WriteError, write_lcs, write_oracle_general, write_rows,
};
