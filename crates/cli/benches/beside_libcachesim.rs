//! Our reading and replay beside libCacheSim's: one file, one run, one thread each.
//!
//! `make bench` runs it. The trace is 20 million requests, Zipf 1.0 over a million objects, written
//! as CSV and as oracleGeneral, plain and by zstd; libCacheSim (Python package, C core) and we take
//! turns, and the medians of five turns are compared. Both must miss as often, or the figures are
//! void. Time is time on the processor, so that other work on the machine does not count. Of a
//! miss-ratio curve, whose sizes two threads share, half of it counts but for what one thread does
//! before.

#![expect(clippy::print_stdout, reason = "a benchmark prints its figures")]

#[path = "clock/processor.rs"]
mod clock;

use std::fs::File;
use std::io::{BufWriter, Write};
use std::path::{Path, PathBuf};
use std::process::Command;

use des::{Stream, Streams};
use policy::EvictionPolicy;
use trace::{Format, LruStack, ReadOptions, SampleSize, Selection, Trace};
use units::Bytes;

const N_REQUESTS: usize = 20_000_000;
const N_OBJECTS: usize = 1_000_000;
const N_TURNS: usize = 5;

/// A tenth of the working set, about: sizes are from 1 to 100 kB.
const CACHE: Bytes = Bytes::megabytes(5_000);

/// The sizes of a miss-ratio curve, in megabytes.
const CURVE: [u64; 8] = [500, 1_000, 2_000, 5_000, 10_000, 20_000, 30_000, 40_000];
const N_THREADS: f64 = 2.0;

fn main() {
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("../..");
    let python = root.join(".venv/bin/python");
    assert!(python.exists(), "`make bench` installs the peer first");
    let dir = tempfile::tempdir().expect("a temporary directory");
    let files = make_trace(dir.path());
    println!("{N_REQUESTS} requests, Zipf 1.0 over {N_OBJECTS} objects, LRU of {CACHE}");
    println!("medians of {N_TURNS} turns; million requests per second\n");
    let csv = Race::run(&python, &files.csv, "csv", None);
    let oracle = Some(Format::OracleGeneral);
    let binary = Race::run(&python, &files.oracle_general, "binary", oracle);
    let zstd = Race::run(&python, &files.zstd, "binary", oracle);
    let curve = curve(&files.oracle_general);
    let sampling = sampling(&files.oracle_general);
    println!("{:<44}{:>8}{:>14}{:>8}", "", "ours", "libCacheSim", "ratio");
    let line = |what: &str, ours: f64, theirs: f64| {
        let rate = |seconds: f64| N_REQUESTS as f64 / 1e6 / seconds;
        println!("{what:<44}{:>8.1}{:>14.1}{:>8.2}", rate(ours), rate(theirs), theirs / ours);
    };
    line("CSV: read", csv.read, csv.peer_read);
    line("CSV: read and replay", csv.read + csv.replay, csv.peer);
    line("oracleGeneral: read", binary.read, binary.peer_read);
    line("oracleGeneral: read, and 1 % of it kept", sampling, binary.peer_read);
    line("oracleGeneral: read and replay", binary.read + binary.replay, binary.peer);
    line("oracleGeneral by zstd: read", zstd.read, zstd.peer_read);
    line("oracleGeneral by zstd: read and replay", zstd.read + zstd.replay, zstd.peer);
    line("LRU replay of a trace in memory (theirs: mapped)", binary.replay, binary.peer);
    let n_sizes = CURVE.len() as f64;
    let both = |seconds: f64| seconds / n_sizes;
    line("8 sizes of LRU on 2 threads, read once", both(curve), both(peer_curve(&python, &files)));
}

/// Seconds for a whole miss-ratio curve, as `trace mrc` makes it.
fn curve(path: &Path) -> f64 {
    let seconds = (0..N_TURNS).map(|_| {
        let options = ReadOptions { format: Some(Format::OracleGeneral), ..ReadOptions::DETECT };
        let (reading, trace) = clock::timed(|| read(path, &options));
        let (looking, stack) = clock::timed(|| LruStack::new(&trace));
        let (replaying, n_misses) = clock::timed(|| {
            CURVE.map(|it| stack.miss_counts(Bytes::megabytes(it)).n_misses).iter().sum::<u64>()
        });
        assert!(0 < n_misses, "the first requests miss");
        reading + looking + replaying / N_THREADS
    });
    clock::median(seconds.collect())
}

/// Seconds to read the trace and hold a sample of it.
fn sampling(path: &Path) -> f64 {
    let seconds = (0..N_TURNS).map(|_| {
        let options = ReadOptions { format: Some(Format::OracleGeneral), ..ReadOptions::DETECT };
        let files = || [("trace".to_owned(), File::open(path))];
        let (size, all) = (SampleSize::Rate(0.01), Selection::ALL);
        let (reading, sample) = clock::timed(|| {
            trace::read_sample("trace", files(), &options, &all, size, 1, &mut |_| ())
        });
        let sample = sample.expect("made by ourselves");
        assert_eq!(sample.whole.n_gets, N_REQUESTS as u64);
        reading
    });
    clock::median(seconds.collect())
}

/// The same by libCacheSim, which reads the trace for each size.
fn peer_curve(python: &Path, files: &Files) -> f64 {
    let of_size = |it: &u64| peer(python, &files.oracle_general, "binary", Bytes::megabytes(*it)).0;
    CURVE.iter().map(of_size).sum::<f64>() / N_THREADS
}

/// Median seconds of each side.
struct Race {
    read: f64,
    replay: f64,
    peer: f64,
    /// The peer with a cache that admits nothing: its reading, and little else.
    peer_read: f64,
}

impl Race {
    fn run(python: &Path, path: &Path, kind: &str, format: Option<Format>) -> Race {
        let mut seconds: [Vec<f64>; 4] = Default::default();
        for _ in 0..N_TURNS {
            let options = ReadOptions { format, ..ReadOptions::DETECT };
            let (read, trace) = clock::timed(|| read(path, &options));
            let (replay, counts) =
                clock::timed(|| trace::miss_counts(&trace, EvictionPolicy::Lru, CACHE));
            drop(trace);
            let (peer, n_misses) = peer(python, path, kind, CACHE);
            let (peer_read, _) = peer_of_nothing(python, path, kind);
            let off = n_misses.abs_diff(counts.n_misses);
            assert!(off <= 1, "they miss {n_misses}, we {}", counts.n_misses);
            for (all, one) in seconds.iter_mut().zip([read, replay, peer, peer_read]) {
                all.push(one);
            }
        }
        let [read, replay, peer, peer_read] = seconds.map(clock::median);
        Race { read, replay, peer, peer_read }
    }
}

fn read(path: &Path, options: &ReadOptions) -> Trace {
    let file = File::open(path).expect("made before");
    trace::read("trace", file, options, &mut |_| ()).expect("made by ourselves")
}

/// Seconds and misses of libCacheSim on the same file.
fn peer(python: &Path, path: &Path, kind: &str, cache: Bytes) -> (f64, u64) {
    let script = Path::new(env!("CARGO_MANIFEST_DIR")).join("benches/libcachesim_peer.py");
    let arguments = [cache.get().to_string(), N_REQUESTS.to_string()];
    let output = Command::new(python).arg(script).arg(path).arg(kind).args(arguments).output();
    let output = output.expect("python runs");
    let said = String::from_utf8_lossy(&output.stderr);
    assert!(output.status.success(), "{said}");
    let result: serde_json::Value = serde_json::from_slice(&output.stdout).expect("JSON");
    (result["seconds"].as_f64().expect("seconds"), result["n_misses"].as_u64().expect("misses"))
}

fn peer_of_nothing(python: &Path, path: &Path, kind: &str) -> (f64, u64) {
    // Smaller than every object: each request is looked up, refused, and forgotten.
    peer(python, path, kind, Bytes::new(1))
}

struct Files {
    csv: PathBuf,
    oracle_general: PathBuf,
    zstd: PathBuf,
}

/// Writes the trace in both formats.
fn make_trace(dir: &Path) -> Files {
    let files = Files {
        csv: dir.join("zipf.csv"),
        oracle_general: dir.join("zipf.oracleGeneral"),
        zstd: dir.join("zipf.oracleGeneral.zst"),
    };
    let mut stream = Streams::new(1).named("zipf");
    let zipf = Zipf::new(N_OBJECTS);
    let mut out = BufWriter::new(File::create(&files.csv).expect("a file"));
    writeln!(out, "time,key,size").expect("room on the disk");
    for number in 0..N_REQUESTS {
        let object = zipf.draw(&mut stream);
        // Popularity says nothing of size, and ids nothing of popularity.
        let id = (object as u64).wrapping_mul(0x9e37_79b9_7f4a_7c15) >> 16;
        let size = 1_000 + id % 99_000;
        writeln!(out, "{},{id},{size}", number / 1_000).expect("room on the disk");
    }
    out.flush().expect("room on the disk");
    let trace = read(&files.csv, &ReadOptions::DETECT);
    let out = BufWriter::new(File::create(&files.oracle_general).expect("a file"));
    trace::write_oracle_general(&trace, out).expect("sizes are small");
    let out = File::create(&files.zstd).expect("a file");
    let mut out = zstd::Encoder::new(out, zstd::DEFAULT_COMPRESSION_LEVEL).expect("memory");
    trace::write_oracle_general(&trace, BufWriter::new(&mut out)).expect("sizes are small");
    out.finish().expect("room on the disk");
    files
}

/// Draws ranks with probability proportional to their inverse.
struct Zipf {
    cumulative: Vec<f64>,
}

impl Zipf {
    fn new(n_ranks: usize) -> Zipf {
        let mut total = 0.0;
        let add = |rank: usize| {
            total += 1.0 / rank as f64;
            total
        };
        Zipf { cumulative: (1..=n_ranks).map(add).collect() }
    }

    fn draw(&self, stream: &mut Stream) -> usize {
        let total = self.cumulative.last().expect("at least one rank");
        let level = stream.unit() * total;
        self.cumulative.partition_point(|it| *it < level).min(self.cumulative.len() - 1)
    }
}
