//! How fast traces are read and made, and how much memory a large one takes.
//!
//! `make bench-traces` runs it: registry JSON beside serde_json (which libCacheSim does not read),
//! copies of memory for scale, the generator, and the memory of 40 million requests over 10 million
//! keys. Time is time on the processor, so that other work on the machine does not count.

#![expect(clippy::print_stdout, reason = "a benchmark prints its figures")]

#[path = "clock/processor.rs"]
mod clock;

use std::collections::HashMap;
use std::fmt::Write as _;
use std::io::{self, Write};
use std::path::Path;
use std::process::{Command, Stdio};
use std::time::Duration;

use des::Streams;
use serde::Deserialize;
use trace::{Draft, Format, IbmJsonWriter, LruStack, Profile, ReadOptions};
use units::Bytes;

const N_TURNS: usize = 5;
/// Enough for a large number of distinct keys, and for memory.
const N_RECORDS: u64 = 2_000_000;

fn main() {
    println!("on one core; medians of {N_TURNS} turns\n");
    let json = registry_json();
    reading_json(&json);
    reading_packed(&json);
    drop(json);
    generating();
    memory();
}

/// A profile of so many requests over so many objects.
fn profile(n_requests: u64, n_objects: u64) -> Profile {
    let text = format!(
        "span_h = 50\nhourly_weight = [1, 2, 3, 2]\n[[class]]\nn_objects = {n_objects}\n\
         n_requests = {n_requests}\nsize_bytes = [[0, 100], [0.5, 5e4], [1, 5e6]]\n\
         n_accesses = [[0, 1], [0.8, 2], [0.99, 30], [1, 3000]]\n\
         reuse_s = [[0, 1], [0.5, 300], [1, 1e5]]\n"
    );
    Profile::from_toml("bench", &text).expect("it is well formed")
}

fn draft(profile: &Profile) -> Draft<impl FnMut() -> u64 + Clone + use<>> {
    let mut stream = Streams::new(1).named("trace");
    Draft::new(profile, move || stream.bits()).expect("sizes are small")
}

/// A file of the registry's archive.
fn registry_json() -> Vec<u8> {
    let mut json = Vec::new();
    let mut writer = IbmJsonWriter::new(&mut json);
    draft(&profile(N_RECORDS, N_RECORDS / 4)).write(&mut writer).expect("memory takes all");
    drop(writer);
    json
}

/// What our reader looks at, for one that parses every field.
#[derive(Deserialize)]
struct Record<'a> {
    #[serde(rename = "http.request.method")]
    method: &'a str,
    #[serde(rename = "http.request.uri")]
    uri: &'a str,
    #[serde(rename = "http.response.status")]
    status: u16,
    #[serde(rename = "http.response.written")]
    written: u64,
    timestamp: &'a str,
}

fn reading_json(json: &[u8]) {
    let mut seconds: [Vec<f64>; 3] = Default::default();
    for _ in 0..N_TURNS {
        let (ours, trace) = clock::timed(|| {
            trace::read("t", json, &ReadOptions::DETECT, &mut |_| ()).expect("made by ourselves")
        });
        let (theirs, n_keys) = clock::timed(|| {
            let records: Vec<Record<'_>> = serde_json::from_slice(json).expect("it is JSON");
            let is_kept = |it: &&Record<'_>| {
                it.method == "GET" && it.status < 300 && 0 < it.written && !it.timestamp.is_empty()
            };
            let mut ids = HashMap::new();
            for record in records.iter().filter(is_kept) {
                let n_ids = ids.len();
                ids.entry(record.uri).or_insert(n_ids);
            }
            ids.len()
        });
        let (copying, copy) = clock::timed(|| json.to_vec());
        assert_eq!(trace.requests().len() as u64, N_RECORDS);
        assert_eq!((n_keys, copy.len()), (trace.n_objects(), json.len()));
        for (all, one) in seconds.iter_mut().zip([ours, theirs, copying]) {
            all.push(one);
        }
    }
    let [ours, theirs, copying] = seconds.map(clock::median);
    let rate = |seconds: f64| json.len() as f64 / 1e6 / seconds;
    println!("registry JSON, {N_RECORDS} records of {} bytes", json.len() as u64 / N_RECORDS);
    println!("  to a trace, MB/s                 {:>9.0}", rate(ours));
    println!("  serde_json and a hash map, MB/s  {:>9.0}{:>8.2}", rate(theirs), theirs / ours);
    println!("  a copy in memory, MB/s           {:>9.0}\n", rate(copying));
}

fn reading_packed(json: &[u8]) {
    let trace = trace::read("t", json, &ReadOptions::DETECT, &mut |_| ()).expect("ours");
    let mut packed = Vec::new();
    trace::write_oracle_general(&trace, &mut packed).expect("sizes are small");
    let mut columns = Vec::new();
    trace::write_columns(&trace, &mut columns).expect("memory takes all");
    let options = ReadOptions { format: Some(Format::OracleGeneral), ..ReadOptions::DETECT };
    let million = N_RECORDS as f64 / 1e6;
    let show = |what: &str, n_times: f64, work: &dyn Fn()| {
        let seconds = clock::median((0..N_TURNS).map(|_| clock::timed(work).0).collect());
        println!("  {what:<33}{:>9.1}", n_times * million / seconds);
    };
    println!("{N_RECORDS} requests, million/s");
    show("oracleGeneral to a trace", 1.0, &|| {
        trace::read("t", &packed[..], &options, &mut |_| ()).map(drop).expect("ours");
    });
    show("a converted copy to a trace", 1.0, &|| {
        trace::read_columns("t", &columns[..]).map(drop).expect("ours");
    });
    show("simulated by 8 sizes of LRU", 8.0, &|| {
        let stack = LruStack::new(&trace);
        for percent in [1, 2, 5, 10, 20, 30, 50, 80] {
            let capacity = Bytes::new(trace.unique_bytes().get() / 100 * percent);
            assert!(0 < stack.miss_counts(capacity).n_misses, "first requests miss");
        }
    });
    println!();
}

fn generating() {
    println!("10000000 generated requests, seconds");
    let profile = profile(10_000_000, 2_500_000);
    let (drawing, draft) = clock::timed(|| draft(&profile));
    let (writing, done) =
        clock::timed(|| draft.write(&mut IbmJsonWriter::new(io::BufWriter::new(io::sink()))));
    done.expect("a sink takes all");
    println!("  drawn                            {drawing:>9.2}");
    println!("  drawn and written as JSON        {:>9.2}\n", drawing + writing);
}

/// The most memory that the program takes for a large trace.
fn memory() {
    let dir = tempfile::tempdir().expect("a temporary directory");
    let (n_requests, n_keys) = (40_000_000_u64, 10_000_000);
    let path = dir.path().join("large.csv");
    let file = io::BufWriter::new(std::fs::File::create(&path).expect("a file"));
    let mut writer = trace::CsvWriter::new(file);
    draft(&profile(n_requests, n_keys)).write(&mut writer).expect("room on the disk");
    drop(writer);
    println!("{n_requests} requests over {n_keys} keys, most memory in MB");
    let path = path.to_string_lossy();
    for arguments in [
        format!("trace info {path}"),
        format!("trace mrc {path} --size 1%wss,2%wss,5%wss,10%wss,20%wss,30%wss,50%wss,80%wss"),
        format!("trace convert {path} -o {}", dir.path().join("t.lcs").display()),
        format!("trace convert {path} -o {}", dir.path().join("t.parquet").display()),
        format!("compare {path} --system infinicache"),
    ] {
        let words: Vec<&str> = arguments.split_whitespace().collect();
        let mut shown = match words[0] {
            "trace" => words[..2].join(" "),
            _ => "replay on InfiniCache".to_owned(),
        };
        let to = Path::new(&arguments).extension().unwrap_or_default().to_string_lossy();
        if arguments.contains("convert") {
            write!(shown, " to {to}").expect("a string takes all text");
        }
        println!("  {shown:<33}{:>9.0}", memory_of(&arguments));
    }
    io::stdout().flush().expect("someone reads this");
}

/// In megabytes, as Linux tells it of a process that is still there.
fn memory_of(arguments: &str) -> f64 {
    let mut running = Command::new(env!("CARGO_BIN_EXE_infinisim"))
        .args(arguments.split_whitespace())
        .stdout(Stdio::null())
        .stderr(Stdio::null())
        .spawn()
        .expect("the program runs");
    let status = format!("/proc/{}/status", running.id());
    let mut most_kb = 0.0_f64;
    loop {
        let text = std::fs::read_to_string(&status).unwrap_or_default();
        let line = text.lines().find_map(|it| it.strip_prefix("VmHWM:"));
        let kb = line.and_then(|it| it.split_whitespace().next()?.parse().ok());
        most_kb = most_kb.max(kb.unwrap_or(0.0));
        if let Some(ended) = running.try_wait().expect("it is ours") {
            assert!(ended.success(), "infinisim {arguments}: {ended}");
            return most_kb * 1_024.0 / 1e6;
        }
        std::thread::sleep(Duration::from_millis(10));
    }
}
