//! Where results go: to standard output, or whole into files.

use std::io::{self, Write};
use std::path::{Path, PathBuf};
use std::sync::{Mutex, PoisonError};

use anyhow::Context;
use tempfile::NamedTempFile;

/// Prints a result to standard output, ending in a line break.
pub(crate) fn print(text: &str) -> anyhow::Result<()> {
    let mut out = io::stdout().lock();
    let mut print = || {
        out.write_all(text.as_bytes())?;
        if !text.ends_with('\n') {
            out.write_all(b"\n")?;
        }
        out.flush()
    };
    print().context("standard output cannot be written")
}

/// Says something that is not a result, on standard error.
pub(crate) fn note(text: &str) {
    // A note that cannot be written is no reason to lose a result.
    let _ = writeln!(io::stderr(), "note: {text}");
}

/// Makes `dir`, where results will be put. Done before a long run, so that it does not fail
/// at the end.
pub(crate) fn prepare_dir(dir: &Path) -> anyhow::Result<()> {
    fs_err::create_dir_all(dir)?;
    // Shows that files can be made there; it goes when it is dropped.
    temporary_in(dir).map(drop)
}

/// Writes a file whole or not at all: beside its place first, and then into it. A link is
/// followed, be there a file or not; and what is there and is no file (a pipe, a device) is written
/// to as it is.
pub(crate) fn write_file(
    path: &Path,
    write: impl FnOnce(&mut dyn Write) -> anyhow::Result<()>,
) -> anyhow::Result<()> {
    if path.metadata().is_ok_and(|it| !it.is_file()) {
        let mut out = io::BufWriter::new(fs_err::OpenOptions::new().write(true).open(path)?);
        write(&mut out)?;
        return Ok(out.flush()?);
    }
    let path = &followed(path);
    let mut file = temporary_for(path)?;
    let mut buffered = io::BufWriter::new(&mut file);
    write(&mut buffered)?;
    buffered.flush().with_context(|| format!("cannot write `{}`", path.display()))?;
    drop(buffered);
    keep(file, path)
}

/// Where a link leads, link by link: nothing may be there yet.
fn followed(path: &Path) -> PathBuf {
    /// As many as Linux follows.
    const N_LINKS_MAX: usize = 40;
    let mut path = path.to_owned();
    for _ in 0..N_LINKS_MAX {
        let Ok(target) = path.read_link() else { break };
        // A relative one starts where the link is.
        path.pop();
        path.push(target);
    }
    path
}

/// Puts a file that is whole into its place.
pub(crate) fn keep(file: NamedTempFile, path: &Path) -> anyhow::Result<()> {
    file.persist(path).with_context(|| format!("cannot write `{}`", path.display()))?;
    Ok(())
}

/// Writes a text file whole or not at all.
pub(crate) fn write_text(path: &Path, text: &str) -> anyhow::Result<()> {
    write_file(path, |out| Ok(out.write_all(text.as_bytes())?))
}

/// The temporary files made so far. One that was kept has another name since.
static TEMPORARY: Mutex<Vec<PathBuf>> = Mutex::new(Vec::new());

/// A file beside `path` that goes unless it is [`keep`]t there. It may be read by whom a file that
/// is there already may, else by whom the user lets read new files.
pub(crate) fn temporary_for(path: &Path) -> anyhow::Result<NamedTempFile> {
    let dir = path.parent().filter(|it| !it.as_os_str().is_empty()).unwrap_or(Path::new("."));
    let file = temporary_in(dir)?;
    if let Ok(there) = path.metadata() {
        file.as_file()
            .set_permissions(there.permissions())
            .with_context(|| format!("cannot write `{}`", path.display()))?;
    }
    Ok(file)
}

/// A file in `dir` that goes unless it is [`keep`]t.
fn temporary_in(dir: &Path) -> anyhow::Result<NamedTempFile> {
    let mut builder = tempfile::Builder::new();
    make_readable(builder.prefix(".infinisim-"));
    let file = builder.tempfile_in(dir);
    let file = file.with_context(|| format!("cannot write into `{}`", dir.display()))?;
    let mut made = TEMPORARY.lock().unwrap_or_else(PoisonError::into_inner);
    made.push(file.path().to_owned());
    Ok(file)
}

/// The exit code that a shell gives a program that an interrupt has ended.
pub(crate) const INTERRUPTED: u8 = 130;

/// Has an interrupt (Ctrl-C, or a request to end) take half-written files along.
pub(crate) fn clean_up_on_interrupt() -> anyhow::Result<()> {
    let clean_up = || {
        let made = TEMPORARY.lock().unwrap_or_else(PoisonError::into_inner);
        for path in made.iter() {
            // It may be gone already.
            let _ = fs_err::remove_file(path);
        }
        std::process::exit(i32::from(INTERRUPTED));
    };
    ctrlc::set_handler(clean_up).context("cannot listen for interrupts")
}

/// A temporary file is its owner's alone, as a rule; a result is like any other file, of which the
/// umask says who may read it.
#[cfg(unix)]
fn make_readable(builder: &mut tempfile::Builder<'_, '_>) {
    use std::os::unix::fs::PermissionsExt;
    builder.permissions(std::fs::Permissions::from_mode(0o666));
}

#[cfg(not(unix))]
fn make_readable(_builder: &mut tempfile::Builder<'_, '_>) {}

/// Rows as text in columns, the first row a header: words to the left, numbers to the right.
pub(crate) fn columns(rows: &[Vec<String>]) -> String {
    let n_columns = rows.iter().map(Vec::len).max().unwrap_or(0);
    let width = |column: usize| {
        rows.iter().filter_map(|it| it.get(column)).map(|it| it.chars().count()).max().unwrap_or(0)
    };
    let widths: Vec<usize> = (0..n_columns).map(width).collect();
    let is_number = |column: usize| {
        let cells = rows.iter().skip(1).filter_map(|it| it.get(column));
        cells.clone().count() > 0
            && cells.clone().all(|it| it.starts_with(|c: char| c.is_ascii_digit() || c == '$'))
    };
    let mut text = String::new();
    for row in rows {
        let mut line = String::new();
        for (column, cell) in row.iter().enumerate() {
            let pad = " ".repeat(widths[column] - cell.chars().count());
            let gap = if column == 0 { "" } else { "  " };
            let (before, after) =
                if is_number(column) { (pad, String::new()) } else { (String::new(), pad) };
            line.push_str(&format!("{gap}{before}{cell}{after}"));
        }
        text.push_str(line.trim_end());
        text.push('\n');
    }
    text
}

/// A text in lines of at most 80 columns, those after the first indented.
pub(crate) fn wrapped(text: &str, indent: usize) -> String {
    let mut lines = vec![String::new()];
    for word in text.split_whitespace() {
        let line = lines.last_mut().expect("there is one from the start");
        if line.trim().is_empty() {
            line.push_str(word);
        } else if line.chars().count() + 1 + word.chars().count() <= 80 {
            line.push(' ');
            line.push_str(word);
        } else {
            lines.push(format!("{}{word}", " ".repeat(indent)));
        }
    }
    lines.join("\n")
}

/// Rows as CSV, the first row a header.
pub(crate) fn csv(rows: &[Vec<String>]) -> anyhow::Result<String> {
    let mut writer = csv::Writer::from_writer(Vec::new());
    for row in rows {
        writer.write_record(row)?;
    }
    Ok(String::from_utf8(writer.into_inner()?)?)
}
