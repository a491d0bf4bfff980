//! Converted copies of traces, found by the content of their sources.

use std::io::Read;
use std::path::{Path, PathBuf};

use trace::{Format, ReadOptions, Trace};
use twox_hash::XxHash3_128;

use crate::output;

/// Where in `dir` the copy of these files is kept, read like this: named by what they hold, so
/// that it is never the copy of something else.
pub(crate) fn place(
    dir: &Path,
    sources: &[PathBuf],
    options: &ReadOptions,
) -> anyhow::Result<PathBuf> {
    let mut hasher = XxHash3_128::new();
    // A format may be read differently by another version.
    hasher.write(env!("CARGO_PKG_VERSION").as_bytes());
    hasher.write(format!("{options:?}").as_bytes());
    let mut block = vec![0; 1 << 20];
    for source in sources {
        // A name may tell the format.
        let by_name = Format::from_file_name(&source.to_string_lossy());
        hasher.write(format!("{by_name:?}").as_bytes());
        let mut file = fs_err::File::open(source)?;
        let mut n_bytes = 0_u64;
        loop {
            let n_read = file.read(&mut block)?;
            if n_read == 0 {
                break;
            }
            n_bytes += n_read as u64;
            hasher.write(&block[..n_read]);
        }
        // Where one file ends matters too.
        hasher.write(&n_bytes.to_le_bytes());
    }
    Ok(dir.join(format!("{:032x}.infinisim", hasher.finish_128())))
}

/// The copy, if there is one that is well.
pub(crate) fn find(name: &str, kept: &Path) -> Option<Trace> {
    let file = std::fs::File::open(kept).ok()?;
    match trace::read_columns(name, file) {
        Ok(trace) => Some(trace),
        Err(err) => {
            output::note(&format!("`{}` is not used: {err}", kept.display()));
            None
        }
    }
}

/// Keeps a copy.
pub(crate) fn keep(trace: &Trace, kept: &Path) -> anyhow::Result<()> {
    if let Some(dir) = kept.parent() {
        fs_err::create_dir_all(dir)?;
    }
    output::write_file(kept, |out| Ok(trace::write_columns(trace, out)?))?;
    output::note(&format!("kept as `{}`", kept.display()));
    Ok(())
}
