//! Functions are killed and backed up, connections cut and delayed, and the proxy is killed, while
//! objects are read and written: every read has the right bytes, or is a clean miss that the
//! store then answers. `make chaos` is the long form, with processes.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use live::client::{Client, ClientConfig};
use live::proxy::{Invoke, Proxy, ProxyConfig};
use live::store::FileStore;
use tokio::runtime::Handle;
use tokio::task::JoinSet;
use units::Nanos;

use crate::door::{Door, RespClient};
use crate::load::{Load, Tally};
use crate::pool::{Pool, TOKEN, config, run};
use crate::relay::{Faults, Relay};

const N_NODES: u32 = 12;
const OBJECT_LIMIT: Duration = Duration::from_secs(6);

/// Relays before the doors of clients, functions and clients of Redis.
async fn relays() -> [Relay; 3] {
    let faults = Faults {
        life_mean: Duration::from_secs(2),
        one_delayed_in: 40,
        delay_max: Duration::from_millis(40),
    };
    [
        Relay::start(faults, "clients", 1).await.unwrap(),
        Relay::start(faults, "functions", 1).await.unwrap(),
        Relay::start(faults, "clients of Redis", 1).await.unwrap(),
    ]
}

async fn proxy(pool: &Arc<Pool>, relays: &[Relay; 3]) -> Proxy {
    let config = ProxyConfig {
        n_nodes: N_NODES,
        warm_up: Some(Nanos::millis(300)),
        backup: Some(Nanos::millis(200)),
        function_endpoint: Some(relays[1].address.to_string()),
        ..config()
    };
    let proxy = Proxy::start(config, Arc::clone(pool) as Arc<dyn Invoke>).await.unwrap();
    let at = proxy.addresses;
    let addresses = [at.client, at.function, at.resp.unwrap()];
    for (relay, address) in relays.iter().zip(addresses) {
        relay.turn_to(address);
    }
    proxy
}

async fn door(relays: &[Relay; 3], client: u64) -> Door {
    if client % 3 == 2 {
        return Door::Resp(RespClient::new(relays[2].address.to_string(), OBJECT_LIMIT));
    }
    let mut config = ClientConfig::new(vec![relays[0].address.to_string()], TOKEN);
    (config.request_limit, config.object_limit) = (OBJECT_LIMIT / 2, OBJECT_LIMIT);
    loop {
        // The relay may cut the call itself.
        if let Ok(client) = Client::connect(config.clone()).await {
            return Door::Library(client);
        }
    }
}

/// Kills functions until enough of everything has happened to this proxy.
async fn kill(pool: &Pool, proxy: &Proxy, relays: &[Relay; 3]) {
    let n_cut = || relays.iter().map(|it| it.done.n_cut.load(Ordering::Relaxed)).sum::<u64>();
    let metrics = proxy.metrics();
    let n_cut_before = n_cut();
    let mut node = 0;
    while metrics.n_chunks_lost.get() < 5
        || metrics.n_chunks_sent.get() < 200
        || metrics.n_invocations_backup.get() < 5
        || n_cut() < n_cut_before + 10
    {
        node = (node * 5 + 7) % N_NODES;
        pool.kill(node);
        tokio::time::sleep(Duration::from_millis(150)).await;
    }
}

#[test]
fn no_read_is_ever_wrong_late_or_left_over() {
    run(async {
        let n_tasks = || Handle::current().metrics().num_alive_tasks();
        let n_tasks_before = n_tasks();
        let pool = Arc::new(Pool::default());
        let relays = relays().await;
        let first = proxy(&pool, &relays).await;
        let directory = tempfile::tempdir().unwrap();
        let load = Arc::new(Load {
            store: FileStore::open(directory.path()).unwrap(),
            n_shared: 16,
            n_owned: 6,
            object_bytes_max: 1_000_000,
            // Long enough that a function is now and then left alone, returns, and is backed up.
            pause_mean: Duration::from_millis(200),
            // From the cache, and then into it again, with what a machine in trouble adds.
            deadline: OBJECT_LIMIT * 3 + OBJECT_LIMIT,
            is_over: AtomicBool::new(false),
            seed: 1,
        });
        load.prepare(&mut door(&relays, 0).await).await.unwrap();
        let mut clients = JoinSet::new();
        for client in 0..4 {
            clients.spawn(Arc::clone(&load).run(client, door(&relays, client).await));
        }
        kill(&pool, &first, &relays).await;
        // Without a word to anyone.
        drop(first);
        let second = proxy(&pool, &relays).await;
        kill(&pool, &second, &relays).await;
        load.is_over.store(true, Ordering::Relaxed);
        let mut tally = Tally::default();
        while let Some(done) = clients.join_next().await {
            tally.add(done.unwrap());
        }
        assert!(tally.faults.is_empty(), "{:#?}", tally.faults);
        let (n_cached, n_not) =
            (tally.n_whole + tally.n_recovered, tally.n_misses + tally.n_resets);
        assert!(0 < n_cached && 0 < n_not && 0 < tally.n_puts, "{tally:?}");
        second.stop().await;
        drop(relays);
        // Nothing is left but what is told to end at this moment.
        while n_tasks_before < n_tasks() {
            tokio::time::sleep(Duration::from_millis(20)).await;
        }
    });
}
