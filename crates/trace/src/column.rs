//! Which column of a trace holds what: named by the user, or recognised by its usual name.

use std::convert::Infallible;
use std::{fmt, str};

use crate::error::{ErrorKind, shown};
use crate::op;
use crate::read::ReadOptions;
use crate::source::Columns;
use crate::time::TimeUnit;

/// A column as a user names it: by its name in the header, or by its number, from 1.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Column {
    /// The column with this name, exactly or but for case.
    Name(String),
    /// The column at this place, counted from 1.
    Number(usize),
}

impl str::FromStr for Column {
    type Err = Infallible;

    /// Reads `3` as a number and everything else as a name.
    fn from_str(text: &str) -> Result<Column, Infallible> {
        Ok(match text.parse() {
            Ok(number) => Column::Number(number),
            Err(_) => Column::Name(text.to_owned()),
        })
    }
}

impl fmt::Display for Column {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Column::Name(name) => write!(f, "`{name}`"),
            Column::Number(number) => write!(f, "number {number}"),
        }
    }
}

/// What a column holds.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Role {
    /// When the request came.
    Time,
    /// Which object it asks for.
    Key,
    /// How large the object is.
    Size,
    /// What is asked for.
    Op,
}

impl Role {
    /// The word for it in messages.
    pub const fn name(self) -> &'static str {
        match self {
            Role::Time => "time",
            Role::Key => "key",
            Role::Size => "size",
            Role::Op => "operation",
        }
    }

    /// The flag by which a user names its column.
    pub const fn flag(self) -> &'static str {
        match self {
            Role::Time => "`--time-column`",
            Role::Key => "`--key-column`",
            Role::Size => "`--size-column`",
            Role::Op => "`--op-column`",
        }
    }

    /// The usual names, the surest first, as [`normal`] writes them.
    const fn usual_names(self) -> &'static [&'static str] {
        match self {
            Role::Time => &["timestamp", "time", "ts", "datetime", "date_time", "date"],
            Role::Key => &[
                "key",
                "cache_key",
                "cachekey",
                "object",
                "object_id",
                "objectid",
                "obj_id",
                "objid",
                "obj",
                "uri",
                "url",
                "path",
                "id",
                "name",
            ],
            Role::Size => &[
                "size",
                "size_bytes",
                "bytes",
                "obj_size",
                "objsize",
                "object_size",
                "objectsize",
                "length",
                "content_length",
                "contentlength",
                "response_size",
                "responsesize",
                "response_bytes",
            ],
            Role::Op => &["op", "operation", "op_type", "optype", "method", "verb", "type"],
        }
    }
}

/// Where the parts of a request stand in a row, by index from 0.
#[derive(Clone, Debug)]
pub(crate) struct Layout {
    /// The names of all columns.
    pub(crate) header: Vec<String>,
    pub(crate) time: usize,
    pub(crate) key: usize,
    pub(crate) size: usize,
    pub(crate) op: Option<usize>,
    pub(crate) ttl: Option<usize>,
    /// Of the first and of the last byte that is read.
    pub(crate) range: Option<(usize, usize)>,
    /// The unit of time that the time column's name ends in.
    pub(crate) time_unit_by_name: Option<TimeUnit>,
    /// The columns as messages name them.
    pub(crate) names: Columns,
}

impl Layout {
    /// The layout under a header of these names, for this user.
    pub(crate) fn of_header(header: &[String], options: &ReadOptions) -> Result<Layout, ErrorKind> {
        let mut missing = Vec::new();
        let mut place = |role: Role, wanted: Option<&Column>| -> Result<usize, ErrorKind> {
            let found = match wanted {
                Some(wanted) => Some(index_of(header, role, wanted)?),
                None => recognise(header, role)?,
            };
            Ok(found.unwrap_or_else(|| {
                missing.push(role);
                0
            }))
        };
        let time = place(Role::Time, options.time_column.as_ref())?;
        let key = place(Role::Key, options.key_column.as_ref())?;
        let size = place(Role::Size, options.size_column.as_ref())?;
        if !missing.is_empty() {
            let columns = quoted_list(header);
            return Err(ErrorKind::ColumnsNotRecognised { missing, columns });
        }
        let op = match &options.op_column {
            Some(wanted) => Some(index_of(header, Role::Op, wanted)?),
            None => recognise(header, Role::Op)?,
        };
        let find = |name: &str| header.iter().position(|it| normal(it) == name);
        let (ttl, range) = (find("ttl_s").or(find("ttl")), find("range_first"));
        let range = range.zip(find("range_last"));
        Ok(Layout { ttl, range, ..Layout::new(header, time, key, size, op) })
    }

    /// The layout with each part at the given index into `header`.
    pub(crate) fn new(
        header: &[String],
        time: usize,
        key: usize,
        size: usize,
        op: Option<usize>,
    ) -> Layout {
        let names = Columns {
            time: header[time].clone(),
            key: header[key].clone(),
            size: header[size].clone(),
            op: op.map(|it| header[it].clone()),
        };
        let (_, time_unit_by_name) = split_unit(&normal(&header[time]));
        let (header, ttl, range) = (header.to_vec(), None, None);
        Layout { header, time, key, size, op, ttl, range, time_unit_by_name, names }
    }

    /// Gives up an operation column recognised by the name `type` alone, if what stands in it is
    /// no operation: a content type has that name too.
    pub(crate) fn doubt_type_column(&mut self, options: &ReadOptions, first_value: &[u8]) {
        let is_doubtful = options.op_column.is_none()
            && self.names.op.as_ref().is_some_and(|it| normal(it) == "type");
        if is_doubtful && !op::is_operation(first_value) {
            self.op = None;
            self.names.op = None;
        }
    }
}

/// The column that `wanted` names.
fn index_of(header: &[String], role: Role, wanted: &Column) -> Result<usize, ErrorKind> {
    let index = match wanted {
        Column::Number(number) => number.checked_sub(1).filter(|it| *it < header.len()),
        Column::Name(name) => header
            .iter()
            .position(|it| it == name)
            .or_else(|| header.iter().position(|it| it.eq_ignore_ascii_case(name))),
    };
    let index = index.ok_or_else(|| ErrorKind::NoSuchColumn {
        role,
        wanted: wanted.clone(),
        columns: quoted_list(header),
    })?;
    match wanted {
        Column::Number(_) => Ok(index),
        Column::Name(_) => only_one(header, role, index),
    }
}

/// The column at `index`, where no other has the same name: which of two is meant, no one knows.
fn only_one(header: &[String], role: Role, index: usize) -> Result<usize, ErrorKind> {
    let name = &header[index];
    let second = header.iter().skip(index + 1).position(|it| it == name);
    match second {
        None => Ok(index),
        Some(after) => Err(ErrorKind::ColumnTwice {
            name: shown(name.as_bytes()),
            role,
            numbers: [index + 1, index + 2 + after],
        }),
    }
}

/// The column that has one of the usual names, the surest name first.
fn recognise(header: &[String], role: Role) -> Result<Option<usize>, ErrorKind> {
    let normal: Vec<String> = header.iter().map(|it| normal(it)).collect();
    let found = role.usual_names().iter().find_map(|usual| {
        normal.iter().position(|name| match role {
            Role::Time => split_unit(name).0 == *usual,
            Role::Key | Role::Size | Role::Op => name == usual,
        })
    });
    found.map(|index| only_one(header, role, index)).transpose()
}

/// A name in lower case, with `_` for what else may separate its words.
fn normal(name: &str) -> String {
    name.trim().to_ascii_lowercase().replace([' ', '-'], "_")
}

/// A normal name without the unit of time that it ends in, and the unit.
fn split_unit(normal: &str) -> (&str, Option<TimeUnit>) {
    const ENDINGS: [(TimeUnit, &[&str]); 4] = [
        (TimeUnit::Seconds, &["s", "sec", "secs", "seconds"]),
        (TimeUnit::Millis, &["ms", "msec", "millis", "milliseconds"]),
        (TimeUnit::Micros, &["us", "usec", "micros", "microseconds"]),
        (TimeUnit::Nanos, &["ns", "nsec", "nanos", "nanoseconds"]),
    ];
    let bracketed = [('(', ')'), ('[', ']')]
        .iter()
        .find_map(|(open, close)| normal.strip_suffix(*close).and_then(|it| it.rsplit_once(*open)));
    let Some((base, ending)) = bracketed.or_else(|| normal.rsplit_once('_')) else {
        return (normal, None);
    };
    let unit = ENDINGS.iter().find(|(_, endings)| endings.contains(&ending)).map(|it| it.0);
    if unit.is_some() { (base.trim_end_matches('_'), unit) } else { (normal, None) }
}

/// The columns as a message lists them.
fn quoted_list(header: &[String]) -> String {
    const N_NAMES_MAX: usize = 30;
    let mut names: Vec<String> =
        header.iter().take(N_NAMES_MAX).map(|it| format!("`{}`", shown(it.as_bytes()))).collect();
    if N_NAMES_MAX < header.len() {
        names.push(format!("and {} more", header.len() - N_NAMES_MAX));
    }
    names.join(", ")
}

#[cfg(test)]
mod tests {
    use super::*;

    const ANY: ReadOptions = ReadOptions::DETECT;

    /// The layout as `time key size op unit`.
    fn layout(header: &str, options: &ReadOptions) -> String {
        let header: Vec<String> = header.split(',').map(str::to_owned).collect();
        let it = Layout::of_header(&header, options).unwrap();
        let unit = it.time_unit_by_name.map_or("?", TimeUnit::symbol);
        format!("{} {} {} {:?} {unit}", it.time, it.key, it.size, it.op)
    }

    #[test]
    fn usual_names_are_recognised() {
        let check = |header: &str, expect: &str| assert_eq!(layout(header, &ANY), expect);
        check("time,key,size", "0 1 2 None ?");
        check("op,size,key,timestamp", "3 2 1 Some(0) ?");
        check("Timestamp,Object ID,Object-Size,Method", "0 1 2 Some(3) ?");
        check("time_ms,obj_id,obj_size", "0 1 2 None ms");
        check("Time (us),url,Content-Length", "0 1 2 None us");
        check("ts[ns],path,bytes,type", "0 1 2 Some(3) ns");
        check("date,uri,response_size", "0 1 2 None ?");
        check("time_s,id,key,size", "0 2 3 None s");
    }

    #[test]
    fn the_user_has_the_last_word() {
        let options = ReadOptions {
            key_column: Some(Column::Name("ID".to_owned())),
            size_column: Some(Column::Number(4)),
            ..ANY
        };
        assert_eq!(layout("time_s,id,key,size_kb", &options), "0 1 3 None s");
    }
}
