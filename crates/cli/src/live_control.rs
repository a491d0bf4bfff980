//! How a live cache that runs is found, asked and stopped: over a socket in a directory that is
//! its user's alone.

use std::io;
use std::os::unix::fs::{DirBuilderExt, MetadataExt};
use std::path::{Path, PathBuf};
use std::time::Duration;

use anyhow::{Context, bail};
use serde::{Deserialize, Serialize};
use tokio::io::{AsyncBufReadExt, AsyncReadExt, AsyncWriteExt, BufReader};
use tokio::net::{UnixListener, UnixStream};
use tokio::sync::watch;

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
    /// What has been billed since an earlier one; nothing where that is of another cache, which
    /// had billed more.
    pub(crate) fn since(&self, before: &Bill) -> Option<Bill> {
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
}

impl Control {
    /// Takes the name.
    pub(crate) async fn open(name: &str) -> anyhow::Result<Control> {
        let path = directory()?.join(format!("{name}.sock"));
        if UnixStream::connect(&path).await.is_ok() {
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
        Ok(Control { path, listener })
    }

    /// Answers until it is told to stop, and tells `stop` then. Who told it so hears nothing
    /// until this process has ended.
    pub(crate) async fn serve(
        &self,
        description: &Description,
        bill: impl Fn() -> Bill,
        stop: &watch::Sender<bool>,
    ) -> UnixStream {
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
            let answer = match word.trim() {
                "stop" => {
                    stop.send_replace(true);
                    return stream.into_inner();
                }
                "describe" => serde_json::to_string(description),
                "bill" => serde_json::to_string(&bill()),
                _ => continue,
            };
            let Ok(answer) = answer else { continue };
            // One that does not listen to the answer does not want it.
            let sent = stream.get_mut().write_all(answer.as_bytes());
            let _ = tokio::time::timeout(ANSWER_LIMIT, sent).await;
        }
    }
}

impl Drop for Control {
    fn drop(&mut self) {
        // It may be gone already.
        let _ = std::fs::remove_file(&self.path);
    }
}

/// What the running cache of this name is.
pub(crate) async fn describe(name: &str) -> anyhow::Result<Description> {
    let answer = ask(name, "describe", ANSWER_LIMIT).await?;
    serde_json::from_str(&answer).context("the running cache is of another version")
}

/// What the running cache of this name has billed so far.
pub(crate) async fn bill(name: &str) -> anyhow::Result<Bill> {
    let answer = ask(name, "bill", ANSWER_LIMIT).await?;
    serde_json::from_str(&answer).context("the running cache is of another version")
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
        // A cache that was started anew meanwhile.
        check(&second, &first, None);
        check(&first, &none, None);
        check(&first, &bill(&[("serve", 3)], 0), None);
    }
}
