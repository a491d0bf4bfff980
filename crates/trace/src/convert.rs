//! From one format to another, row by row, without holding the trace.

use std::io::{self, Read};

use units::Nanos;

use crate::builder::Builder;
use crate::error::{ErrorKind, TraceError};
use crate::note::Note;
use crate::read::{ReadOptions, read_into};
use crate::select::{Selecting, Selection};
use crate::source::Source;
use crate::window::Window;
use crate::write::RowWriter;

/// What was converted.
#[derive(Clone, Debug)]
pub struct Converted {
    /// How many requests were written.
    pub n_requests: u64,
    /// Where they come from and how that was understood.
    pub source: Source,
    /// What was done to them, or is peculiar about them.
    pub notes: Vec<Note>,
    /// From the first request that was read to the last.
    pub span: Nanos,
}

/// Reads as [`crate::read_files`] does, selects, and writes each row at once, so that memory does
/// not grow with the trace.
///
/// What is written is, to the byte, what [`crate::write_rows`] would write of the trace.
///
/// # Errors
///
/// [`ErrorKind::NotInOrder`] where a row is earlier than one that had to be written already, or is
/// the first to have a time to live or a range when the columns are written: such a trace has to
/// be held. [`ErrorKind::Write`] where the writer fails, and what else a trace may be refused for.
pub fn convert<R: Read>(
    name: &str,
    files: impl IntoIterator<Item = (String, io::Result<R>)>,
    options: &ReadOptions,
    selection: &Selection,
    writer: &mut dyn RowWriter,
    progress: &mut dyn FnMut(u64),
) -> Result<Converted, TraceError> {
    /// Rows held: about a hundred megabytes, and days of the registry.
    const N_ROWS_MAX: usize = 1 << 20;
    convert_within(N_ROWS_MAX, name, files, options, selection, writer, progress)
}

/// [`convert`] with a window of `n_rows_max`, for which a test need not have a million rows.
pub(crate) fn convert_within<R: Read>(
    n_rows_max: usize,
    name: &str,
    files: impl IntoIterator<Item = (String, io::Result<R>)>,
    options: &ReadOptions,
    selection: &Selection,
    writer: &mut dyn RowWriter,
    progress: &mut dyn FnMut(u64),
) -> Result<Converted, TraceError> {
    let whole = |kind: ErrorKind| TraceError::new(name, kind.into());
    let selecting = Selecting::new(*selection).map_err(|it| whole(ErrorKind::Selection(it)))?;
    let window = Window::new(writer, selecting, n_rows_max);
    let mut builder = Builder::passing(options.n_bad_max, window);
    let read = read_into(&mut builder, name, files, options, progress)?;
    let keeps = read.keeps().map(str::to_owned);
    let passed = builder.finish_passing(|start| read.source(name, start), keeps.as_deref());
    let passed = passed.map_err(|it| TraceError::new(name, read.with_remedy(it)));
    let (passed, source, mut notes) = passed?;
    passed.selecting.check().map_err(|it| whole(ErrorKind::Selection(it)))?;
    notes.extend(read.notes);
    notes.extend(passed.selecting.notes());
    Ok(Converted { n_requests: passed.n_written, source, notes, span: passed.span })
}

#[cfg(test)]
mod tests {
    use units::Bytes;

    use super::*;
    use crate::write::{CsvWriter, write_rows};

    const DETECT: ReadOptions = ReadOptions::DETECT;

    /// What is written row by row through a window of four rows, and at once.
    fn both(text: &str, selection: &Selection) -> (Result<String, String>, String) {
        let mut out = Vec::new();
        let files = [("t".to_owned(), Ok(text.as_bytes()))];
        let mut writer = CsvWriter::new(&mut out);
        let passed = convert_within(4, "t", files, &DETECT, selection, &mut writer, &mut |_| ());
        drop(writer);
        let passed = passed.map(|it| {
            let notes: Vec<String> = it.notes.iter().map(ToString::to_string).collect();
            format!("{}{} {}", String::from_utf8_lossy(&out), it.n_requests, notes.join("; "))
        });
        let trace = crate::read("t", text.as_bytes(), &DETECT, &mut |_| ());
        let trace = trace.and_then(|it| {
            selection.apply(it).map_err(|it| TraceError::new("t", ErrorKind::Selection(it).into()))
        });
        let held = trace.map(|trace| {
            let mut out = Vec::new();
            write_rows(&trace, &mut CsvWriter::new(&mut out)).expect("memory takes all");
            let notes: Vec<String> = trace.notes().iter().map(ToString::to_string).collect();
            let n_requests = trace.requests().len();
            format!("{}{} {}", String::from_utf8_lossy(&out), n_requests, notes.join("; "))
        });
        (passed.map_err(|it| it.to_string()), held.unwrap_or_else(|it| it.to_string()))
    }

    #[track_caller]
    fn check(text: &str, selection: &Selection) {
        let (passed, held) = both(text, selection);
        assert_eq!(passed.unwrap_or_else(|it| it), held);
    }

    #[test]
    fn what_is_passed_on_is_what_would_be_held() {
        let rows = |times: &[u32]| {
            let row = |(n, time): (usize, &u32)| format!("{time},key {},{n}\n", n % 3);
            times.iter().enumerate().map(row).collect::<String>()
        };
        let all = &Selection::ALL;
        check(&format!("time,key,size\n{}", rows(&[5, 6, 6, 7, 9, 9, 12, 20, 21])), all);
        check(&format!("time,key,size\n{}", rows(&[7, 6, 5, 6, 9, 8, 8, 12, 10])), all);
        check("time,key,size,op\n1,a,5,put\n2,b,,delete\n3,c,0,get\n4,d,1,head\n", all);
        check("time,key,size,ttl\n1,a,5,\n2,b,6,7\n3,c,0,\n4,d,1,8\n5,d,1,9\n6,d,1,9\n", all);
        check(&format!("time,key,size\n{}", rows(&[5, 6, 8, 9, 7, 9_000_000, 9_000_009])), all);
        check("time,key,size\n", all);
        check("time,key,size\n1,a,x\n", all);
        let selection = Selection {
            hours: Some(Nanos::seconds(10)),
            min_size: Some(Bytes::new(1)),
            clamp_size: Some(Bytes::new(3)),
            ..*all
        };
        check(&format!("time,key,size\n{}", rows(&[5, 6, 6, 7, 9, 9, 12, 20, 21])), &selection);
        check("time,key,size\n1,a,0\n", &selection);
        let none = Selection { max_size: Some(Bytes::ZERO), ..selection };
        check("time,key,size\n1,a,0\n", &none);
        let deletes = "time,key,size,op\n1,a,5,get\n2,a,0,delete\n3,a,5,get\n4,b,9,delete\n";
        check(deletes, &selection);
        check(deletes, &Selection { min_size: Some(Bytes::new(6)), ..*all });
    }

    #[test]
    fn what_the_window_does_not_reach_has_to_be_held() {
        let text = "time,key,size\n5,a,1\n6,a,1\n7,a,1\n8,a,1\n9,a,1\n1,a,1\n";
        let err = both(text, &Selection::ALL).0.unwrap_err();
        assert_eq!(err, "t, line 7: the row is too late to be sorted on the way");
        let text = "time,key,size,ttl\n5,a,1,\n6,a,1,\n7,a,1,\n8,a,1,\n9,a,1,3\n";
        assert!(both(text, &Selection::ALL).0.is_err());
    }
}
