//! Runs `infinisim` in a directory of its own.

use std::path::{Path, PathBuf};
use std::process::Output;

use assert_cmd::Command;
use tempfile::TempDir;

/// A directory to run in, which goes with the test.
pub(crate) struct Workplace(TempDir);

/// What a run of the program did.
pub(crate) struct Ran {
    pub(crate) exit_code: i32,
    pub(crate) stdout: String,
    pub(crate) stderr: String,
}

impl Workplace {
    pub(crate) fn new() -> Workplace {
        Workplace(TempDir::new().expect("a temporary directory"))
    }

    pub(crate) fn path(&self) -> &Path {
        self.0.path()
    }

    /// Puts a file into the directory.
    pub(crate) fn file(self, name: &str, content: impl AsRef<[u8]>) -> Workplace {
        std::fs::write(self.0.path().join(name), content).expect("a file can be written");
        self
    }

    /// Runs `infinisim` with these arguments, split at blanks.
    pub(crate) fn run(&self, arguments: &str) -> Ran {
        self.run_with_input(arguments, "")
    }

    /// The same with something on standard input.
    pub(crate) fn run_with_input(&self, arguments: &str, input: &str) -> Ran {
        let mut command = Command::cargo_bin("infinisim").expect("the program is built");
        command.current_dir(self.0.path()).args(arguments.split_whitespace());
        let Output { status, stdout, stderr } =
            command.write_stdin(input.to_owned()).output().expect("the program runs");
        Ran {
            exit_code: status.code().expect("the program ends by itself"),
            stdout: String::from_utf8(stdout).expect("text"),
            stderr: String::from_utf8(stderr).expect("text"),
        }
    }
}

impl Ran {
    /// The standard output of a run that went well.
    #[track_caller]
    pub(crate) fn ok(self) -> String {
        assert_eq!(self.exit_code, 0, "{}", self.stderr);
        self.stdout
    }

    /// The JSON of a run that went well.
    #[track_caller]
    pub(crate) fn json(self) -> serde_json::Value {
        serde_json::from_str(&self.ok()).expect("JSON")
    }
}

/// A file of the shared data, which is not part of the project; says so where it is absent.
pub(crate) fn shared(name: &str) -> Option<PathBuf> {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../../shared").join(name);
    if path.exists() {
        return Some(path.canonicalize().expect("it exists"));
    }
    println!("SKIPPED: {name} is not in the shared data beside the project");
    None
}

/// A trace of `n_requests` requests over 40 objects of 1 to 40 MB, one every ten seconds.
pub(crate) fn small_trace(n_requests: u64) -> String {
    let mut text = "time_s,key,size,op\n".to_owned();
    for number in 0..n_requests {
        let object = (number * number + number / 7) % 40;
        let line = format!("{},key-{object},{},GET\n", number * 10, (object + 1) * 1_000_000);
        text.push_str(&line);
    }
    text
}
