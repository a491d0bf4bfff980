//! What the readers of rows and records share: taking each, and refusing a field.

use std::io::Read;

use units::{Bytes, Op};

use crate::builder::{Builder, N_AT_ONCE, Numbered};
use crate::error::{ErrorKind, Failure, Position, ValueProblem, shown};
use crate::input::Input;
use crate::number::size;
use crate::rows::{Row, Rows};

/// Takes every row that is left, passing over as many bad ones as the user allows.
pub(super) fn each_row<R: Read>(
    rows: &mut Rows<R>,
    builder: &mut Builder<'_>,
    mut take: impl FnMut(&Row<'_>, &mut Builder<'_>) -> Result<(), Failure>,
) -> Result<(), Failure> {
    while let Some(row) = rows.next()? {
        if let Err(failure) = take(&row, builder) {
            builder.skip(failure)?;
        }
    }
    Ok(())
}

/// Takes every record of `N` bytes that is left, passing over as many bad ones as the user
/// allows. `plain` is what a record says that only names a numbered object, its time and its
/// size: such records are taken many at once.
pub(super) fn each_record<const N: usize>(
    input: &mut Input<'_>,
    format: &'static str,
    builder: &mut Builder<'_>,
    plain: impl Fn(&[u8; N]) -> Numbered,
    mut take: impl FnMut(&[u8; N], Position, &mut Builder<'_>) -> Result<(), Failure>,
) -> Result<(), Failure> {
    const N_RECORDS: usize = 4 << 10;
    const NONE: Numbered =
        Numbered { is_plain: false, nanos: 0, number: 0, size: Bytes::ZERO, op: Op::Get };
    let mut block = Vec::with_capacity(N_RECORDS * N);
    let mut all = [NONE; N_AT_ONCE];
    let mut n_records = 0;
    loop {
        block.clear();
        input.by_ref().take((N_RECORDS * N) as u64).read_to_end(&mut block)?;
        if block.is_empty() {
            return Ok(());
        }
        let (records, rest) = block.as_chunks::<N>();
        for some in records.chunks(N_AT_ONCE) {
            for (to, record) in all.iter_mut().zip(some) {
                *to = plain(record);
            }
            let all = &all[..some.len()];
            builder.look_ahead(all.iter().map(|it| it.number));
            if builder.push_all(all, n_records + 1) {
                n_records += all.len() as u64;
                continue;
            }
            for record in some {
                n_records += 1;
                if let Err(failure) = take(record, Position::Record(n_records), builder) {
                    builder.skip(failure)?;
                }
            }
        }
        if !rest.is_empty() {
            let kind = ErrorKind::PartialRecord { n_bytes: rest.len(), n_expected: N, format };
            return Err(kind.at(Position::Record(n_records + 1)));
        }
    }
}

/// The bytes of `record` from `at` on.
pub(super) fn part<const N: usize>(record: &[u8], at: usize) -> [u8; N] {
    *record[at..].first_chunk().expect("the record is long enough")
}

/// The row must have this many fields.
pub(super) fn require_fields(row: &Row<'_>, n_expected: usize) -> Result<(), Failure> {
    let n_fields = row.n_fields();
    if n_fields == n_expected {
        return Ok(());
    }
    Err(ErrorKind::RowLength { n_fields, n_expected }.at(row.position()))
}

/// The error of a field that does not say what its column should, of a format that fixes them.
#[cold]
pub(super) fn refused(
    field: &[u8],
    column: &str,
    position: Position,
    problem: ValueProblem,
) -> Failure {
    let (column, value) = (column.to_owned(), shown(field));
    ErrorKind::Value { column, value, problem, is_fixed: true }.at(position)
}

/// For how many seconds the object may be kept, where the field says so: zero, -1 and nothing
/// are no limit.
pub(super) fn ttl_s(
    field: &[u8],
    column: &str,
    position: Position,
) -> Result<Option<u32>, Failure> {
    let field = field.trim_ascii();
    if matches!(field, b"" | b"0" | b"-1") {
        return Ok(None);
    }
    let seconds = size(field).ok().and_then(|it| u32::try_from(it.get()).ok());
    let problem = ValueProblem::NotATimeToLive;
    let seconds = seconds.ok_or_else(|| refused(field, column, position, problem))?;
    Ok(Some(seconds).filter(|it| 0 < *it))
}

/// The names of the columns, for a format that finds its own among them.
pub(super) struct Header(Vec<String>);

impl Header {
    /// The header that this row is.
    pub(super) fn of(row: &Row<'_>) -> Header {
        Header(super::delimited::texts(row))
    }

    pub(super) fn names(&self) -> &[String] {
        &self.0
    }

    pub(super) fn n_columns(&self) -> usize {
        self.0.len()
    }

    /// Where the column is, if it is there, which the format may be without. Of two with the same
    /// name the first counts.
    pub(super) fn find(&self, column: &str) -> Option<usize> {
        self.0.iter().position(|it| it == column)
    }

    /// Where the column is, which the format has.
    pub(super) fn index(
        &self,
        format: &'static str,
        column: &'static str,
    ) -> Result<usize, ErrorKind> {
        let index = self.find(column).ok_or(ErrorKind::NotThisFormat { format, column })?;
        let second = self.0.iter().skip(index + 1).position(|it| it == column);
        match second {
            None => Ok(index),
            Some(after) => Err(ErrorKind::FixedColumnTwice {
                format,
                column,
                numbers: [index + 1, index + 2 + after],
            }),
        }
    }
}

/// Whether the first line of a CSV has all these columns.
pub(super) fn has_columns(input: &Input<'_>, columns: &[&str]) -> bool {
    let header = String::from_utf8_lossy(input.first_line());
    let names: Vec<&str> = header.split(',').map(|it| it.trim_matches('"')).collect();
    columns.iter().all(|it| names.contains(it))
}
