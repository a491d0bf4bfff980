//! How a live cache that runs is found, asked and stopped: over a socket in a directory that is
//! its user's alone.

use std::fs::TryLockError;
use std::io;
use std::os::unix::fs::{DirBuilderExt, MetadataExt};
use std::path::{Path, PathBuf};
use std::time::Duration;

use anyhow::{Context, bail};
use serde::de::DeserializeOwned;
use serde::{Deserialize, Serialize};
use tokio::io::{AsyncBufReadExt, AsyncReadExt, AsyncWriteExt, BufReader};
use tokio::net::{UnixListener, UnixStream};

/// What a cache that runs says of itself.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub(crate) struct Description {
    /// Where clients are listened for.
    pub(crate) client: String,
    /// What lets them in.
    pub(crate) token: String,
    /// What it is, as the simulator's own system.
    pub(crate) system: String,
    /// The memory of a function, in MB as the platform counts it.
    pub(crate) memory_mb: u32,
}

/// What has been billed so far, by the kind of invocation, and what else happened.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Bill {
    /// Which cache it is of: another each time that one is started.
    pub(crate) cache: String,
    pub(crate) kinds: std::collections::BTreeMap<String, BilledKind>,
    pub(crate) n_reclaims: u64,
    pub(crate) n_evictions: u64,
    /// How many functions run now: what that takes is billed when they return.
    pub(crate) n_running: usize,
}

/// The invocations of one kind.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct BilledKind {
    pub(crate) n_invocations: u64,
    // JSON keeps no whole numbers above 2^53 everywhere, and serde_json keeps these.
    pub(crate) billed_mb_ms_by_1ms: u64,
    pub(crate) billed_mb_ms_by_100ms: u64,
}

impl Bill {
    /// What has been billed since an earlier one; nothing where that is of another cache.
    pub(crate) fn since(&self, before: &Bill) -> Option<Bill> {
        if self.cache != before.cache {
            return None;
        }
        let mut kinds = self.kinds.clone();
        for (kind, earlier) in &before.kinds {
            let now = kinds.get_mut(kind)?;
            *now = BilledKind {
                n_invocations: now.n_invocations.checked_sub(earlier.n_invocations)?,
                billed_mb_ms_by_1ms: now
                    .billed_mb_ms_by_1ms
                    .checked_sub(earlier.billed_mb_ms_by_1ms)?,
                billed_mb_ms_by_100ms: now
                    .billed_mb_ms_by_100ms
                    .checked_sub(earlier.billed_mb_ms_by_100ms)?,
            };
        }
        Some(Bill {
            cache: self.cache.clone(),
            kinds,
            n_reclaims: self.n_reclaims.checked_sub(before.n_reclaims)?,
            n_evictions: self.n_evictions.checked_sub(before.n_evictions)?,
            n_running: self.n_running,
        })
    }
}

/// How long a cache that was told to stop may take.
const STOP_LIMIT: Duration = Duration::from_secs(30);
/// How long another answer may take.
const ANSWER_LIMIT: Duration = Duration::from_secs(5);

/// A socket that others find a cache by. It goes with this.
pub(crate) struct Control {
    path: PathBuf,
    listener: UnixListener,
    /// Locked as long as this is there, however it ends.
    _lock: std::fs::File,
}

impl Control {
    /// Takes the name.
    pub(crate) async fn open(name: &str) -> anyhow::Result<Control> {
        let directory = directory()?;
        let path = directory.join(format!("{name}.sock"));
        // Of two that start at the same time one alone may go on. The file stays: one who removed
        // it would leave another with a lock on nothing.
        let lock_path = directory.join(format!("{name}.lock"));
        let lock = std::fs::File::create(&lock_path);
        let lock = lock.with_context(|| format!("cannot write {}", lock_path.display()))?;
        let is_taken = match lock.try_lock() {
            Err(TryLockError::WouldBlock) => true,
            Err(TryLockError::Error(err)) => {
                return Err(err).with_context(|| format!("cannot lock {}", lock_path.display()));
            }
            Ok(()) => UnixStream::connect(&path).await.is_ok(),
        };
        if is_taken {
            bail!(
                "a live cache called `{name}` is running; `infinisim live down --name {name}` \
                 stops it, and --name gives this one another name"
            );
        }
        // What one that did not end by itself left behind.
        match std::fs::remove_file(&path) {
            Err(err) if err.kind() != io::ErrorKind::NotFound => {
                return Err(err).with_context(|| format!("cannot remove {}", path.display()));
            }
            _ => {}
        }
        let listener = UnixListener::bind(&path);
        let listener = listener.with_context(|| format!("cannot listen on {}", path.display()))?;
        Ok(Control { path, listener, _lock: lock })
    }

    /// Answers until it is told to stop. Who told it so hears nothing until this process has
    /// ended; who asks what cannot be answered, nothing either.
    pub(crate) async fn serve(&self, answer: impl Fn(Question) -> Option<String>) -> UnixStream {
        loop {
            let Ok((stream, _)) = self.listener.accept().await else {
                tokio::time::sleep(Duration::from_millis(50)).await;
                continue;
            };
            let mut stream = BufReader::new(stream);
            let mut word = String::new();
            let asked = tokio::time::timeout(ANSWER_LIMIT, stream.read_line(&mut word)).await;
            if !matches!(asked, Ok(Ok(_))) {
                continue;
            }
            let question = match word.trim() {
                "stop" => return stream.into_inner(),
                "describe" => Question::Describe,
                "bill" => Question::Bill,
                _ => continue,
            };
            let Some(answer) = answer(question) else { continue };
            // One that does not listen to the answer does not want it.
            let sent = stream.get_mut().write_all(answer.as_bytes());
            let _ = tokio::time::timeout(ANSWER_LIMIT, sent).await;
        }
    }
}

/// What a cache is asked.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Question {
    /// Its [`Description`].
    Describe,
    /// Its [`Bill`].
    Bill,
}

impl Drop for Control {
    fn drop(&mut self) {
        // It may be gone already.
        let _ = std::fs::remove_file(&self.path);
    }
}

/// What the running cache of this name is.
pub(crate) async fn describe(name: &str) -> anyhow::Result<Description> {
    parse(name, &ask(name, "describe", ANSWER_LIMIT).await?)
}

/// What the running cache of this name has billed so far.
pub(crate) async fn bill(name: &str) -> anyhow::Result<Bill> {
    parse(name, &ask(name, "bill", ANSWER_LIMIT).await?)
}

fn parse<T: DeserializeOwned>(name: &str, answer: &str) -> anyhow::Result<T> {
    if answer.is_empty() {
        bail!("the live cache called `{name}` is only starting, or ending");
    }
    serde_json::from_str(answer).context("the running cache is of another version")
}

/// Stops the running cache of this name, and waits until it has ended.
pub(crate) async fn stop(name: &str) -> anyhow::Result<()> {
    ask(name, "stop", STOP_LIMIT).await.map(drop)
}

async fn ask(name: &str, word: &str, limit: Duration) -> anyhow::Result<String> {
    let path = directory()?.join(format!("{name}.sock"));
    let Ok(mut stream) = UnixStream::connect(&path).await else {
        bail!("no live cache called `{name}` is running; `infinisim live up` starts one");
    };
    stream.write_all(format!("{word}\n").as_bytes()).await?;
    let mut answer = String::new();
    let read = tokio::time::timeout(limit, stream.read_to_string(&mut answer)).await;
    read.with_context(|| format!("`{name}` does not answer within {limit:?}"))??;
    Ok(answer)
}

/// Where the sockets are: in the user's runtime directory, or in a directory of ours in the
/// temporary one, which nobody else may look into.
fn directory() -> anyhow::Result<PathBuf> {
    let user = std::fs::metadata("/proc/self").context("cannot tell who this is")?.uid();
    let path = match std::env::var_os("XDG_RUNTIME_DIR") {
        Some(runtime) if !runtime.is_empty() => Path::new(&runtime).join("infinisim"),
        _ => std::env::temp_dir().join(format!("infinisim-{user}")),
    };
    let made = std::fs::DirBuilder::new().mode(0o700).create(&path);
    match made {
        Err(err) if err.kind() != io::ErrorKind::AlreadyExists => {
            return Err(err).with_context(|| format!("cannot make {}", path.display()));
        }
        _ => {}
    }
    let found = std::fs::symlink_metadata(&path)?;
    if !found.is_dir() || found.uid() != user || found.mode() & 0o077 != 0 {
        bail!("{} is not a directory of this user alone; remove it", path.display());
    }
    Ok(path)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn bill(kinds: &[(&str, u64)], n_reclaims: u64) -> Bill {
        let kind = |it: &(&str, u64)| {
            let (kind, n) = *it;
            let (billed_mb_ms_by_1ms, billed_mb_ms_by_100ms) = (10 * n, 100 * n);
            let billed =
                BilledKind { n_invocations: n, billed_mb_ms_by_1ms, billed_mb_ms_by_100ms };
            (kind.to_owned(), billed)
        };
        let kinds = kinds.iter().map(kind).collect();
        Bill { kinds, n_reclaims, ..Bill::default() }
    }

    #[test]
    fn a_bill_since_another_is_what_came_in_between() {
        #[track_caller]
        fn check(before: &Bill, now: &Bill, expect: Option<&Bill>) {
            assert_eq!(now.since(before).as_ref(), expect);
        }
        let none = bill(&[], 0);
        let first = bill(&[("serve", 3)], 1);
        let second = bill(&[("serve", 5), ("warm_up", 4)], 1);
        check(&none, &first, Some(&first));
        check(&first, &second, Some(&bill(&[("serve", 2), ("warm_up", 4)], 0)));
        // A cache that was started anew meanwhile, whether or not it has billed less.
        let another = Bill { cache: "another".to_owned(), ..bill(&[("serve", 9)], 9) };
        check(&first, &another, None);
        check(&second, &first, None);
        check(&first, &none, None);
        check(&first, &bill(&[("serve", 3)], 0), None);
    }
}
