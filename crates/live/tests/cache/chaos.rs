//! Functions are killed and backed up while objects are read and written: every read has the
//! right bytes, or is a clean miss.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::time::Duration;

use live::client::Outcome;
use live::store::{BackingStore, FileStore};
use tokio::task::JoinSet;
use units::Nanos;

use crate::pool::{config, object, run, start};

const N_OBJECTS: u64 = 24;
const LASTS: Duration = Duration::from_secs(8);

#[test]
fn no_read_is_ever_wrong_while_functions_are_killed() {
    run(async {
        let mut config = config();
        config.n_nodes = 12;
        config.warm_up = Some(Nanos::millis(300));
        config.backup = Some(Nanos::millis(700));
        let cache = start(config).await;
        let directory = tempfile::tempdir().unwrap();
        let store = Arc::new(FileStore::open(directory.path()).unwrap());
        let is_over = Arc::new(AtomicBool::new(false));
        let (n_hits, n_resets) = (Arc::new(AtomicU64::new(0)), Arc::new(AtomicU64::new(0)));
        for name in 0..N_OBJECTS {
            let bytes = object(&name.to_string(), 0, size(name));
            cache.client.put_through(&*store, &name.to_le_bytes(), bytes).await.unwrap();
        }
        let mut tasks = JoinSet::new();
        for reader in 0..4_u64 {
            let (client, store, is_over) = (cache.client.clone(), store.clone(), is_over.clone());
            let (n_hits, n_resets) = (n_hits.clone(), n_resets.clone());
            tasks.spawn(async move {
                for step in 0_u64.. {
                    if is_over.load(Ordering::Relaxed) {
                        return;
                    }
                    if step % 100 == 99 {
                        // Functions return, and are backed up, when nobody asks for them.
                        tokio::time::sleep(Duration::from_millis(1_500)).await;
                    }
                    // Each object is written by one task, so that it knows what is right.
                    let name = (step * 7 + reader * 5) % N_OBJECTS / 4 * 4 + reader;
                    let expect = object(&name.to_string(), 0, size(name));
                    let key = name.to_le_bytes();
                    if step % 16 == 3 {
                        client.put_through(&*store, &key, expect.clone()).await.unwrap();
                    }
                    let fetched = client.get_through(&*store, &key).await.unwrap();
                    assert!(fetched.object == Some(expect), "object {name} has the right bytes");
                    let count = if fetched.outcome == Outcome::Hit { &n_hits } else { &n_resets };
                    count.fetch_add(1, Ordering::Relaxed);
                }
            });
        }
        let (pool, killer_is_over) = (cache.pool.clone(), is_over.clone());
        tasks.spawn(async move {
            let mut node = 0;
            while !killer_is_over.load(Ordering::Relaxed) {
                node = (node * 5 + 7) % 12;
                pool.kill(node);
                tokio::time::sleep(Duration::from_millis(150)).await;
            }
        });
        tokio::time::sleep(LASTS).await;
        is_over.store(true, Ordering::Relaxed);
        while let Some(done) = tasks.join_next().await {
            done.unwrap();
        }
        let hits = n_hits.load(Ordering::Relaxed);
        assert!(0 < hits && 0 < cache.proxy.metrics().n_chunks_lost.get());
        assert!(0 < cache.proxy.metrics().n_invocations_backup.get());
        assert_eq!(store.get(&0_u64.to_le_bytes()).await.unwrap(), Some(object("0", 0, size(0))));
        cache.proxy.stop().await;
    });
}

/// From 1 kB to 1.2 MB, so that bodies go both ways through the proxy.
fn size(name: u64) -> usize {
    1_000 + usize::try_from(name * name).unwrap() * 2_200
}
