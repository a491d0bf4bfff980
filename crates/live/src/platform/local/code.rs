//! The code of functions: a program where it lies, or what came in a zip archive.

use std::collections::BTreeMap;
use std::io::{self, Cursor, Read};
use std::os::unix::fs::PermissionsExt;
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, PoisonError, Weak};

use base64::Engine;
use base64::prelude::BASE64_STANDARD;
use sha2::{Digest, Sha256};
use tempfile::TempDir;
use zip::ZipArchive;

use super::error::ApiError;

/// The limits of AWS on a deployment package: in the archive, out of it, and in files.
pub(super) const ZIPPED_BYTES_MAX: usize = 50 * 1024 * 1024;
const UNZIPPED_BYTES_MAX: u64 = 250 * 1024 * 1024;
const N_FILES_MAX: usize = 10_000;

/// The program that a custom runtime has to bring.
const PROGRAM: &str = "bootstrap";

/// The code of a function. What was unpacked is removed with the last function that uses it.
#[derive(Debug)]
pub(super) struct Code {
    /// The program that is run, in its own directory.
    pub(super) program: PathBuf,
    /// The SHA-256 of the package (of the program, if it came without one), in base64.
    pub(super) sha256: String,
    /// How long the package is.
    pub(super) n_bytes: u64,
    _unpacked: Option<TempDir>,
}

/// The archives that were unpacked and are still in use, so that a pool of functions with one
/// code holds it once.
#[derive(Debug, Default)]
pub(super) struct CodeStore {
    unpacked: Mutex<BTreeMap<String, Weak<Code>>>,
}

impl Code {
    /// A program of this machine, run where it lies.
    pub(super) fn program(path: PathBuf) -> Result<Code, ApiError> {
        let failed = |err: io::Error| {
            ApiError::InvalidParameter(format!("the program {}: {err}", path.display()))
        };
        if !path.is_absolute() {
            return Err(ApiError::InvalidParameter(format!(
                "the program {} has to be named by its whole path",
                path.display()
            )));
        }
        let mut file = std::fs::File::open(&path).map_err(failed)?;
        let metadata = file.metadata().map_err(failed)?;
        if !metadata.is_file() || metadata.permissions().mode() & 0o111 == 0 {
            return Err(failed(io::Error::other("it is not a file that can be executed")));
        }
        let mut hasher = Sha256::new();
        let mut buffer = vec![0; 64 * 1024];
        loop {
            match file.read(&mut buffer).map_err(failed)? {
                0 => break,
                n_bytes => hasher.update(&buffer[..n_bytes]),
            }
        }
        let sha256 = BASE64_STANDARD.encode(hasher.finalize());
        Ok(Code { program: path, sha256, n_bytes: metadata.len(), _unpacked: None })
    }

    fn unpack(archive: &[u8], sha256: String) -> Result<Code, ApiError> {
        let failed = |err: &dyn std::fmt::Display| {
            ApiError::InvalidParameter(format!("Could not unzip uploaded file: {err}"))
        };
        let mut archive_files = ZipArchive::new(Cursor::new(archive)).map_err(|it| failed(&it))?;
        if N_FILES_MAX < archive_files.len() {
            return Err(failed(&format!("it has more than {N_FILES_MAX} files")));
        }
        let directory = TempDir::with_prefix("infinisim-code-")
            .map_err(|err| ApiError::Service(format!("cannot make a directory for code: {err}")))?;
        let mut room = UNZIPPED_BYTES_MAX;
        for index in 0..archive_files.len() {
            let mut entry = archive_files.by_index(index).map_err(|it| failed(&it))?;
            let shown = String::from_utf8_lossy(entry.name_raw()).into_owned();
            let Some(name) = entry.enclosed_name() else {
                return Err(failed(&format!("`{shown}` lies outside of it")));
            };
            let path = directory.path().join(name);
            if entry.is_dir() {
                std::fs::create_dir_all(&path).map_err(|it| failed(&it))?;
                continue;
            }
            if !entry.is_file() {
                return Err(failed(&format!("`{shown}` is not a plain file")));
            }
            let mode = entry.unix_mode();
            room -= write(&mut entry, &path, mode, room).map_err(|it| failed(&it))?;
        }
        let program = directory.path().join(PROGRAM);
        if !program.is_file() {
            return Err(failed(&format!("there is no `{PROGRAM}` at its top")));
        }
        let n_bytes = archive.len() as u64;
        Ok(Code { program, sha256, n_bytes, _unpacked: Some(directory) })
    }

    /// Where the program lies, and what it finds as its working directory.
    pub(super) fn root(&self) -> &Path {
        self.program.parent().unwrap_or(Path::new("/"))
    }
}

impl CodeStore {
    /// The code in a zip archive.
    pub(super) fn unpack(&self, archive: &[u8]) -> Result<Arc<Code>, ApiError> {
        if ZIPPED_BYTES_MAX < archive.len() {
            return Err(ApiError::InvalidParameter(format!(
                "the package takes {} bytes; at most {ZIPPED_BYTES_MAX} are allowed",
                archive.len()
            )));
        }
        let sha256 = BASE64_STANDARD.encode(Sha256::digest(archive));
        let mut unpacked = self.unpacked.lock().unwrap_or_else(PoisonError::into_inner);
        unpacked.retain(|_, code| 0 < code.strong_count());
        if let Some(code) = unpacked.get(&sha256).and_then(Weak::upgrade) {
            return Ok(code);
        }
        let code = Arc::new(Code::unpack(archive, sha256.clone())?);
        unpacked.insert(sha256, Arc::downgrade(&code));
        Ok(code)
    }
}

/// Writes one file of an archive; as many bytes as it has, which may be `room` at the most.
fn write(
    entry: &mut impl Read,
    path: &Path,
    mode: Option<u32>,
    room: u64,
) -> Result<u64, io::Error> {
    if let Some(directory) = path.parent() {
        std::fs::create_dir_all(directory)?;
    }
    let mut file = std::fs::File::create(path)?;
    // One byte more than there is room for tells that it does not fit.
    let n_bytes = io::copy(&mut entry.take(room + 1), &mut file)?;
    if room < n_bytes {
        let why = format!("unzipped it is larger than {UNZIPPED_BYTES_MAX} bytes");
        return Err(io::Error::other(why));
    }
    // An archive made elsewhere may say nothing of modes; a program has to be executable.
    let mode = mode.unwrap_or(0o755) & 0o777 | 0o400;
    file.set_permissions(std::fs::Permissions::from_mode(mode))?;
    Ok(n_bytes)
}

#[cfg(test)]
mod tests {
    use std::io::Write;

    use zip::ZipWriter;
    use zip::write::SimpleFileOptions;

    use super::*;

    fn archive(files: &[(&str, &[u8])]) -> Vec<u8> {
        let mut writer = ZipWriter::new(Cursor::new(Vec::new()));
        for (name, content) in files {
            let options = SimpleFileOptions::default().unix_permissions(0o755);
            writer.start_file(*name, options).unwrap();
            writer.write_all(content).unwrap();
        }
        writer.finish().unwrap().into_inner()
    }

    #[test]
    fn one_archive_is_unpacked_once_and_removed_with_its_last_use() {
        let store = CodeStore::default();
        let bytes = archive(&[("bootstrap", b"#!/bin/sh\n"), ("data/table", b"1")]);
        let (first, second) = (store.unpack(&bytes).unwrap(), store.unpack(&bytes).unwrap());
        assert!(Arc::ptr_eq(&first, &second));
        let root = first.root().to_owned();
        assert_eq!(std::fs::read(root.join("data/table")).unwrap(), b"1");
        let mode = std::fs::metadata(root.join("bootstrap")).unwrap().permissions().mode();
        assert_eq!(mode & 0o777, 0o755);
        drop((first, second));
        assert!(!root.exists());
    }

    #[test]
    fn an_archive_that_cannot_be_run_is_refused_with_the_reason() {
        #[track_caller]
        fn check(bytes: &[u8], expect: &str) {
            let err = CodeStore::default().unpack(bytes).unwrap_err();
            assert!(err.to_string().contains(expect), "{err}");
        }
        check(b"not a zip", "Could not unzip");
        check(&archive(&[("boot", b"x")]), "no `bootstrap`");
        check(&archive(&[("bootstrap", b"x"), ("../../etc/cron.d/x", b"x")]), "outside");
        // Zeros shrink to a thousandth: the bound has to be on what comes out.
        let bomb = vec![0; usize::try_from(UNZIPPED_BYTES_MAX).unwrap() + 1];
        check(&archive(&[("bootstrap", &bomb)]), "larger than");
    }

    #[test]
    fn a_program_is_a_file_that_can_be_executed() {
        #[track_caller]
        fn check(path: &str, is_fine: bool) {
            assert_eq!(Code::program(path.into()).is_ok(), is_fine, "{path}");
        }
        check("/bin/sh", true);
        check("bin/sh", false);
        check("/bin", false);
        check("/etc/passwd", false);
        check("/no/such/file", false);
    }
}
