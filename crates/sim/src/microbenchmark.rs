//! The microbenchmarks of FAST'20: one GET after the other, GETs by how many hosts they touch,
//! and the throughput of many clients.

use policy::EvictionPolicy;
use pricing::PriceBook;
use units::{Bytes, Nanos, ObjectId, Op, Request, Time};

use crate::elasticache;
use crate::infinicache::{self, InfiniCacheConfig};
use crate::latency::Distribution;
use crate::profile::Profile;
use crate::system::{Surroundings, System, SystemError, SystemKind};
use crate::workload::Workload;

/// The world in which a microbenchmark is run, and with which randomness.
#[derive(Clone, Copy, Debug)]
pub struct Laboratory<'a> {
    /// The billing quantum, and node types.
    pub prices: &'a PriceBook,
    /// How platform and network behave.
    pub profile: &'a Profile,
    /// How often each thing is measured.
    pub n_gets: u32,
    /// Names the randomness.
    pub seed: u64,
}

/// Latencies of GETs by how many hosts the functions were on.
#[derive(Clone, Debug, Default)]
pub struct ByHosts {
    /// How many hosts.
    pub n_hosts: u32,
    /// How long a function took to send its chunk, on average over the chunks of a GET.
    pub function_side: Distribution,
    /// What the client saw.
    pub client: Distribution,
}

/// Between two requests that are not to meet: longer than a function holds on for more.
const APART: Nanos = Nanos::seconds(11);

/// When the first request is made: every function has been warmed by then.
const WARMED: Time = Time::from_nanos(5_000_000_000);

impl Laboratory<'_> {
    /// GETs of objects of one size, one after the other, from functions of which none is busy
    /// and each is warm (FAST'20 section 5.1 and Fig 11). `options` are those of an
    /// `infinicache:` system.
    pub fn latency(&self, options: &str, size: Bytes) -> Result<Distribution, SystemError> {
        let config = self.infinicache(options)?;
        let requests = put_then_get(self.n_gets, size);
        let key_hashes = key_hashes(self.n_gets);
        let record = infinicache::run(&config, &workload(&requests, &key_hashes), self.seed);
        Ok(record.latencies.hits)
    }

    /// The same on a cluster, such as `10xcache.r5.xlarge`.
    pub fn cluster_latency(&self, nodes: &str, size: Bytes) -> Result<Distribution, SystemError> {
        let text = format!("elasticache:{nodes}");
        let SystemKind::ElastiCache(config) = self.system(&text)? else {
            unreachable!("that is what was written");
        };
        let requests = put_then_get(self.n_gets, size);
        let key_hashes = key_hashes(self.n_gets);
        let record = elasticache::run(&config, &workload(&requests, &key_hashes), self.seed);
        Ok(record.latencies.hits)
    }

    /// GETs of objects of 100 MB in 10+1 chunks on functions of 256 MB, by how many hosts they
    /// touch (FAST'20 section 4.2 and Fig 4). Pools of several sizes are read, since a large one
    /// hardly ever answers from few hosts.
    pub fn by_hosts(&self) -> Result<Vec<ByHosts>, SystemError> {
        const N_CHUNKS: u32 = 11;
        let size = Bytes::megabytes(100);
        let mut found: Vec<ByHosts> =
            (1..=N_CHUNKS).map(|n_hosts| ByHosts { n_hosts, ..ByHosts::default() }).collect();
        for n_nodes in [22, 33, 44, 66, 88, 132, 220, 440] {
            let options = format!("nodes={n_nodes},memory=256MB,code=10+1");
            let config = self.infinicache(&options)?;
            let buffered = self.profile.function.send_buffer.get() as f64;
            let chunk_size = size.split(u64::from(config.n_data)).get() as f64;
            let sent_part = (1.0 - buffered / chunk_size).max(0.0);
            let requests = put_then_get(self.n_gets, size);
            let key_hashes = key_hashes(self.n_gets);
            let workload = workload(&requests, &key_hashes);
            for read in infinicache::observe(&config, &workload, self.seed) {
                let point = &mut found[read.n_hosts as usize - 1];
                let sending = read.sending_mean.as_seconds_f64() * sent_part;
                point.function_side.record(Nanos::from_seconds_f64(sending));
                point.client.record(read.latency);
            }
        }
        found.retain(|it| it.client.n_recorded() != 0);
        Ok(found)
    }

    /// What this many clients read together, in bytes per second, each from as many streams as
    /// there are proxies: five with fifty functions of 1024 MB (FAST'20 section 5.1 and Fig 12).
    pub fn throughput(&self, n_clients: u32) -> Result<f64, SystemError> {
        const N_PROXIES: u32 = 5;
        const N_OBJECTS: u32 = 200;
        let options =
            format!("nodes=50,proxies={N_PROXIES},memory=1024MB,code=10+1,clients={n_clients}");
        let config = self.infinicache(&options)?;
        let size = Bytes::megabytes(100);
        let put = |number: u32| Request {
            at: WARMED + APART * u64::from(number),
            size,
            object: ObjectId(number),
            op: Op::Put,
        };
        let mut requests: Vec<Request> = (0..N_OBJECTS).map(put).collect();
        let begins_at = WARMED + APART * u64::from(N_OBJECTS);
        let n_streams = n_clients * N_PROXIES;
        // Each stream reads the objects in an order of its own.
        let get = |number: u32| {
            let (turn, stream) = (number / n_streams, number % n_streams);
            let object = ObjectId((stream * 61 + turn * (2 * stream + 1)) % N_OBJECTS);
            Request { at: begins_at, size, object, op: Op::Get }
        };
        requests.extend((0..n_streams * self.n_gets).map(get));
        let key_hashes = key_hashes(N_OBJECTS);
        let workload = workload(&requests, &key_hashes);
        let made_at = infinicache::closed_loop(&config, &workload, n_streams, self.seed);
        let per_stream = (0..n_streams).map(|stream| {
            let first = made_at[(N_OBJECTS + stream) as usize];
            let last = made_at[(N_OBJECTS + stream + n_streams * (self.n_gets - 1)) as usize];
            let n_bytes = size.get() as f64 * f64::from(self.n_gets - 1);
            n_bytes / last.since(first).as_seconds_f64()
        });
        Ok(per_stream.sum())
    }

    fn infinicache(&self, options: &str) -> Result<Box<InfiniCacheConfig>, SystemError> {
        let text = format!("infinicache:{options},overhead=1MB,backup=off,reclaim=none");
        let SystemKind::InfiniCache(config) = self.system(&text)? else {
            unreachable!("that is what was written");
        };
        Ok(config)
    }

    fn system(&self, text: &str) -> Result<SystemKind, SystemError> {
        let around = Surroundings {
            prices: self.prices,
            profile: self.profile,
            policy: EvictionPolicy::Lru,
            read_file: &|_| Err("a microbenchmark reads no files".to_owned()),
        };
        System::parse(text, around).map(|it| it.kind)
    }
}

/// Objects of one size, each written, and read once nothing of the write is left.
fn put_then_get(n_gets: u32, size: Bytes) -> Vec<Request> {
    let mut at = WARMED;
    let mut request = |object: u32, op| {
        at = at + APART;
        Request { at, size, object: ObjectId(object), op }
    };
    (0..n_gets).flat_map(|object| [Op::Put, Op::Get].map(|op| request(object, op))).collect()
}

fn key_hashes(n_objects: u32) -> Vec<u64> {
    (0..u64::from(n_objects)).map(|it| it.wrapping_mul(0x9e37_79b9_7f4a_7c15)).collect()
}

fn workload<'a>(requests: &'a [Request], key_hashes: &'a [u64]) -> Workload<'a> {
    let span = requests.last().map_or(Nanos::ZERO, |it| it.at.since(Time::START));
    Workload::new(requests, key_hashes, span)
}

#[cfg(test)]
mod tests;
