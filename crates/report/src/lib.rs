//! Results in; tables, files' contents and charts out.
//!
//! [`comparison`] shows the systems of a run side by side, for a person, a program and a
//! spreadsheet. [`chart`] draws the figures of the paper, ours over theirs, [`table1`] its
//! Table 1, and [`scoreboard`] lists every published number beside ours. [`mod@reference`] reads
//! the published curves and [`published`] the published numbers. [`page`] puts all of it on one
//! page, and [`rows`] are for those who compute with it. [`validation`] shows a live run beside
//! the simulator's.
//!
//! Nothing here computes a metric or touches a file: every function takes plain data and gives
//! the text or the bytes of a file, the same for the same data.

pub mod chart;
pub mod comparison;
mod grid;
mod number;
pub mod page;
pub mod published;
pub mod reference;
pub mod rows;
pub mod scoreboard;
pub mod table1;
pub mod validation;
