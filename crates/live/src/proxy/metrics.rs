//! What a proxy counts, in the text format of Prometheus.

use std::sync::atomic::{AtomicU64, Ordering};

use tokio::runtime::Handle;

/// What a proxy counts.
#[derive(Debug, Default)]
pub struct Metrics {
    /// Chunks handed to clients.
    pub n_chunks_sent: Counter,
    /// Chunks that came after their read was settled.
    pub n_chunks_late: Counter,
    /// Chunks that their functions had lost.
    pub n_chunks_lost: Counter,
    /// Chunks stored on functions.
    pub n_chunks_stored: Counter,
    /// Chunks deleted from functions.
    pub n_chunks_deleted: Counter,
    /// Lost chunks that clients put back.
    pub n_chunks_recovered: Counter,
    /// Bytes of chunks handed to clients.
    pub sent_bytes: Counter,
    /// Bytes of chunks stored on functions.
    pub stored_bytes: Counter,
    /// Reads of objects that were not cached.
    pub n_misses: Counter,
    /// Reads of objects that were.
    pub n_hits: Counter,
    /// Objects that made way for others.
    pub n_evictions: Counter,
    /// Invocations made for requests.
    pub n_invocations_serve: Counter,
    /// Invocations made to keep functions warm.
    pub n_invocations_warm_up: Counter,
    /// Invocations made for backups.
    pub n_invocations_backup: Counter,
    /// Invocations that failed.
    pub n_invocations_failed: Counter,
    /// Pings sent to functions.
    pub n_pings: Counter,
    /// Pings that were not answered in time.
    pub n_pings_expired: Counter,
    /// Connections refused or closed for what the peer sent.
    pub n_bad_peers: Counter,
    /// Peers that were given up, since they rested for longer than they may, or held up others.
    pub n_slow_peers: Counter,
    /// Chunk requests that were refused, deadlines included.
    pub n_refused: Counter,
    /// Writes that came to nothing on the way, as where their client vanished.
    pub n_puts_broken_off: Counter,
    /// Orders that no answer of their function came for in time.
    pub n_unanswered: Counter,
    /// Relays between two instances, each a backup under way.
    pub n_relays: Gauge,
}

/// A number that only grows.
#[derive(Debug, Default)]
pub struct Counter(AtomicU64);

/// A number of things that are so now.
#[derive(Debug, Default)]
pub struct Gauge(AtomicU64);

/// One of them, until this is dropped.
#[derive(Debug)]
pub struct Entered<'a>(&'a Gauge);

impl Gauge {
    /// One more is so.
    pub(super) fn enter(&self) -> Entered<'_> {
        self.0.fetch_add(1, Ordering::Relaxed);
        Entered(self)
    }

    /// How many there are.
    pub fn get(&self) -> u64 {
        self.0.load(Ordering::Relaxed)
    }
}

impl Drop for Entered<'_> {
    fn drop(&mut self) {
        self.0.0.fetch_sub(1, Ordering::Relaxed);
    }
}

impl Counter {
    /// Counts one more.
    pub fn one(&self) {
        self.add(1);
    }

    /// Counts so many more.
    pub fn add(&self, n: u64) {
        self.0.fetch_add(n, Ordering::Relaxed);
    }

    /// How many there are.
    pub fn get(&self) -> u64 {
        self.0.load(Ordering::Relaxed)
    }
}

impl Metrics {
    /// All counters, the number of objects, and that of the tasks of the runtime, as Prometheus
    /// reads them. To be called from a task.
    pub fn render(&self, n_objects: usize) -> String {
        let rows: [(&str, &str, &Counter); 22] = [
            ("chunks_sent", "chunks handed to clients", &self.n_chunks_sent),
            ("chunks_late", "chunks after their read was settled", &self.n_chunks_late),
            ("chunks_lost", "chunks that functions had lost", &self.n_chunks_lost),
            ("chunks_stored", "chunks stored on functions", &self.n_chunks_stored),
            ("chunks_deleted", "chunks deleted from functions", &self.n_chunks_deleted),
            ("chunks_recovered", "lost chunks put back", &self.n_chunks_recovered),
            ("sent_bytes", "bytes handed to clients", &self.sent_bytes),
            ("stored_bytes", "bytes stored on functions", &self.stored_bytes),
            ("misses", "reads of objects that are not cached", &self.n_misses),
            ("hits", "reads of cached objects", &self.n_hits),
            ("evictions", "objects that made way", &self.n_evictions),
            ("invocations_serve", "invocations for requests", &self.n_invocations_serve),
            ("invocations_warm_up", "invocations to warm", &self.n_invocations_warm_up),
            ("invocations_backup", "invocations for backups", &self.n_invocations_backup),
            ("invocations_failed", "invocations that failed", &self.n_invocations_failed),
            ("pings", "pings sent", &self.n_pings),
            ("pings_expired", "pings not answered in time", &self.n_pings_expired),
            ("bad_peers", "connections closed for what came", &self.n_bad_peers),
            ("slow_peers", "peers given up as too slow", &self.n_slow_peers),
            ("refused", "chunk requests refused", &self.n_refused),
            ("puts_broken_off", "writes that came to nothing", &self.n_puts_broken_off),
            ("unanswered", "orders not answered in time", &self.n_unanswered),
        ];
        let mut text = String::new();
        for (name, help, counter) in rows {
            let value = counter.get();
            text.push_str(&format!(
                "# HELP infinisim_{name}_total {help}\n# TYPE infinisim_{name}_total counter\n\
                 infinisim_{name}_total {value}\n"
            ));
        }
        let gauges = [
            ("objects", "objects in the metadata", n_objects as u64),
            ("relays", "backups under way", self.n_relays.get()),
            ("tasks", "tasks of the runtime", Handle::current().metrics().num_alive_tasks() as u64),
        ];
        for (name, help, value) in gauges {
            text.push_str(&format!(
                "# HELP infinisim_{name} {help}\n# TYPE infinisim_{name} gauge\n\
                 infinisim_{name} {value}\n"
            ));
        }
        text
    }
}
