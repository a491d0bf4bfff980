//! Killing, looking on, and judging what was seen.

use std::collections::BTreeMap;
use std::time::{Duration, Instant};

use des::{Stream, Streams};
use live::platform::local::Platform;
use tokio::runtime::Handle;
use tokio::time::sleep;

use crate::proxy::{PREFIX, ProxyProcess};
use crate::watch::{descendants, median, memory_kb, metrics, n_descriptors};
use crate::{KILLS_PER_INSTANCE_HOUR, Options};

/// What was seen while it went on.
pub(crate) struct Seen {
    random: Stream,
    pub(crate) n_kills: u64,
    pub(crate) instance_hours: f64,
    /// Looks at the proxy, and those at which a backup was under way.
    pub(crate) n_looks: u64,
    pub(crate) n_looks_at_backups: u64,
    /// One a second, of the proxy that ran last.
    pub(crate) samples: Vec<Sample>,
}

/// What was taken at some time.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Sample {
    pub(crate) proxy_kb: u64,
    pub(crate) proxy_descriptors: u64,
    pub(crate) proxy_tasks: u64,
    pub(crate) n_processes: u64,
    pub(crate) functions_kb: u64,
    pub(crate) here_kb: u64,
}

/// How often it looks.
const LOOK_EVERY: Duration = Duration::from_millis(50);

/// How long things may take to end.
const END_LIMIT: Duration = Duration::from_secs(20);

impl Seen {
    pub(crate) fn new(seed: u64) -> Seen {
        Seen {
            random: Streams::new(seed).named("kills"),
            n_kills: 0,
            instance_hours: 0.0,
            n_looks: 0,
            n_looks_at_backups: 0,
            samples: Vec::new(),
        }
    }

    /// Looks on, and kills instances, for so long.
    pub(crate) async fn look(
        &mut self,
        platform: &Platform,
        options: &Options,
        proxy: &ProxyProcess,
        lasts: Duration,
    ) {
        self.samples.clear();
        let began = Instant::now();
        let mut looked = began;
        let mut sampled = began;
        while began.elapsed() < lasts {
            sleep(LOOK_EVERY).await;
            let now = Instant::now();
            self.kill(platform, options, now - looked);
            looked = now;
            let metrics = self.metrics(proxy).await;
            self.n_looks += 1;
            self.n_looks_at_backups += u64::from(metrics.get("relays").is_some_and(|it| *it != 0));
            if Duration::from_secs(1) <= now - sampled {
                sampled = now;
                let tasks = metrics.get("tasks").copied().unwrap_or(0);
                self.samples.push(sample(proxy, tasks));
            }
        }
    }

    /// Kills each instance, whatever it does, with the chance that it has in this time.
    fn kill(&mut self, platform: &Platform, options: &Options, passed: Duration) {
        let hours = passed.as_secs_f64() / 3600.0;
        for node in 0..options.n_nodes {
            let function = format!("{PREFIX}{node}");
            let n_instances = platform.instances(&function).map_or(0, |it| it.len());
            self.instance_hours += hours * n_instances as f64;
            for rank in (0..n_instances).rev() {
                if self.random.unit() < hours * KILLS_PER_INSTANCE_HOUR
                    && platform.kill(&function, rank)
                {
                    self.n_kills += 1;
                }
            }
        }
    }

    pub(crate) async fn metrics(&self, proxy: &ProxyProcess) -> BTreeMap<String, u64> {
        let [.., address] = proxy.addresses;
        metrics(address).await
    }

    /// What the proxy should no longer have, its clients being gone.
    pub(crate) async fn left(&self, options: &Options, proxy: &ProxyProcess) -> Vec<String> {
        // Doors and runtime; each function's connection, and those of its invocations.
        let n_most = 32 + 4 * options.n_nodes as usize;
        let mut left = Vec::new();
        let until = Instant::now() + END_LIMIT;
        loop {
            let n_descriptors = n_descriptors(proxy.id);
            let n_tasks = self.metrics(proxy).await.get("tasks").copied().unwrap_or(u64::MAX);
            if n_descriptors <= n_most && n_tasks <= n_most as u64 {
                return left;
            }
            if until < Instant::now() {
                left.push(format!(
                    "the proxy keeps {n_descriptors} descriptors and {n_tasks} tasks of {n_most}"
                ));
                return left;
            }
            sleep(LOOK_EVERY).await;
        }
    }

    /// Whether memory, descriptors and tasks stayed as they were: the last third of the time is
    /// held against the one before.
    pub(crate) fn judge(&self, left: &mut Vec<String>) {
        let third = self.samples.len() / 3;
        let mut check = |what: &str, of: &dyn Fn(&Sample) -> u64, slack: u64| {
            let part = |from| self.samples.iter().skip(from).take(third).map(of).collect();
            let (middle, last) = (median(part(third)), median(part(2 * third)));
            if middle + middle / 5 + slack < last {
                left.push(format!("{what} grows: {middle}, and {last} in the last third"));
            }
        };
        check("the proxy's memory in kB", &|it| it.proxy_kb, 16_000);
        check("the functions' memory in kB", &|it| it.functions_kb, 64_000);
        check("the platform's and clients' memory in kB", &|it| it.here_kb, 16_000);
        check("the proxy's descriptors", &|it| it.proxy_descriptors, 24);
        check("the proxy's tasks", &|it| it.proxy_tasks, 24);
        check("the number of processes", &|it| it.n_processes, 8);
    }
}

fn sample(proxy: &ProxyProcess, proxy_tasks: u64) -> Sample {
    let this = std::process::id();
    let below = descendants(this);
    let functions = below.iter().filter(|it| **it != proxy.id);
    Sample {
        proxy_kb: memory_kb(proxy.id),
        proxy_descriptors: n_descriptors(proxy.id) as u64,
        proxy_tasks,
        n_processes: below.len() as u64,
        functions_kb: functions.map(|it| memory_kb(*it)).sum(),
        here_kb: memory_kb(this),
    }
}

/// What this process should no longer have: its children, and more descriptors and tasks than
/// before.
pub(crate) async fn left_here(before: (usize, usize)) -> Vec<String> {
    let this = std::process::id();
    // The runtime keeps a pair to hear of the ends of processes by.
    let n_descriptors_most = before.0 + 2;
    let until = Instant::now() + END_LIMIT;
    loop {
        let n_children = descendants(this).len();
        let n_descriptors = n_descriptors(this);
        let n_tasks = Handle::current().metrics().num_alive_tasks();
        let is_clean =
            n_children == 0 && n_descriptors <= n_descriptors_most && n_tasks <= before.1;
        if is_clean {
            return Vec::new();
        }
        if until < Instant::now() {
            return vec![format!(
                "left over: {n_children} processes, {n_descriptors} descriptors of \
                 {n_descriptors_most}, {n_tasks} tasks of {}",
                before.1
            )];
        }
        sleep(LOOK_EVERY).await;
    }
}
