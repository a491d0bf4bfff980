//! What a proxy counts, in the text format of Prometheus.

use std::sync::atomic::{AtomicU64, Ordering};

/// The counters of a proxy. Each only grows.
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
    /// Chunk requests that were refused, deadlines included.
    pub n_refused: Counter,
}

/// A number that only grows.
#[derive(Debug, Default)]
pub struct Counter(AtomicU64);

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
    /// All counters, and the number of objects, as Prometheus reads them.
    pub fn render(&self, n_objects: usize) -> String {
        let rows: [(&str, &str, &Counter); 19] = [
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
            ("refused", "chunk requests refused", &self.n_refused),
        ];
        let mut text = String::new();
        for (name, help, counter) in rows {
            let value = counter.get();
            text.push_str(&format!(
                "# HELP infinisim_{name}_total {help}\n# TYPE infinisim_{name}_total counter\n\
                 infinisim_{name}_total {value}\n"
            ));
        }
        text.push_str(&format!(
            "# HELP infinisim_objects objects in the metadata\n# TYPE infinisim_objects gauge\n\
             infinisim_objects {n_objects}\n"
        ));
        text
    }
}
