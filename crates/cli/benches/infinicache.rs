//! How fast InfiniCache is simulated: a busy warm pool, and the paper's 50 hours.
//!
//! `make bench` runs it, on one thread. There is no peer to measure beside: the reference's own
//! replayer decides hits alone, without time, functions or money. Times are on the processor.

#![expect(clippy::print_stdout, reason = "a benchmark prints its figures")]

#[path = "clock/processor.rs"]
mod clock;

use std::path::Path;

use des::Streams;
use policy::EvictionPolicy;
use pricing::PriceBook;
use sim::{Profile, Record, Surroundings, System, Workload};
use trace::{ReadOptions, Trace};
use units::{Bytes, Nanos, ObjectId, Op, Request, Time};

const N_TURNS: usize = 5;

/// Where the paper's workload is, for whoever has it; a likeness of it serves else.
const REAL: &str = "../shared/data/dal09_10mb_50h.csv.gz";
const LIKENESS: &str = "dallas-50h-large";

fn main() {
    println!("medians of {N_TURNS} turns, one thread, time on the processor\n");
    println!("{:<46}{:>9}{:>13}{:>13}", "", "seconds", "GETs/s", "events/s");
    warm_pool();
    fifty_hours();
}

/// Everything stays in memory, and functions are busy: what one chunk request costs.
fn warm_pool() {
    const N_OBJECTS: u32 = 2_000;
    const N_GETS: u64 = 200_000;
    const GETS_PER_SECOND: u64 = 200;
    let mut stream = Streams::new(1).named("warm pool");
    let size = Bytes::megabytes(1);
    let put = |object: u32| {
        let at = Time::START + Nanos::millis(100) * u64::from(object);
        Request { at, size, object: ObjectId(object), op: Op::Put }
    };
    let mut requests: Vec<Request> = (0..N_OBJECTS).map(put).collect();
    let begins_at = Time::START + Nanos::seconds(300);
    requests.extend((0..N_GETS).map(|number| {
        let at = begins_at + Nanos::new(number * 1_000_000_000 / GETS_PER_SECOND);
        Request { at, size, object: ObjectId(stream.below(N_OBJECTS)), op: Op::Get }
    }));
    measure("warm pool, 1 MB objects, 200 GETs/s", "infinicache:reclaim=none", &requests, N_GETS);
}

/// The paper's replay of large objects, with warm-ups, backups and reclaims.
fn fifty_hours() {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("../..").join(REAL);
    let (trace, what) = match std::fs::File::open(path) {
        Ok(file) => {
            let text = flate2::read::GzDecoder::new(file);
            let trace = trace::read("dal09", text, &ReadOptions::DETECT, &mut |_| ());
            let trace = trace.expect("it is a trace");
            (trace, "50 h of Dallas over 10 MB")
        }
        Err(_) => (likeness(), "50 h of synthetic:dallas-50h-large"),
    };
    let n_gets = trace.requests().len() as u64;
    for (system, how) in [("infinicache", "with backups"), ("infinicache:backup=off", "without")] {
        measure(&format!("{what}, {how}"), system, trace.requests(), n_gets);
    }
}

fn likeness() -> Trace {
    let profile = trace::Profile::builtin(LIKENESS).expect("it is embedded");
    let mut stream = Streams::new(1).named("trace");
    trace::generate(&profile, move || stream.bits()).expect("it is well formed")
}

fn measure(what: &str, system: &str, requests: &[Request], n_gets: u64) {
    let n_objects = requests.iter().map(|it| it.object.index() + 1).max().unwrap_or(0) as u64;
    let key_hashes: Vec<u64> =
        (0..n_objects).map(|it| it.wrapping_mul(0x9e37_79b9_7f4a_7c15)).collect();
    let span = requests.last().map_or(Nanos::ZERO, |it| it.at.since(Time::START));
    let workload = Workload::new(requests, &key_hashes, span);
    let prices = PriceBook::builtin("aws-us-east-1-2019-12").expect("it is embedded");
    let profile = Profile::aws_2019_fast20();
    let around = Surroundings {
        prices: &prices,
        profile: &profile,
        policy: EvictionPolicy::Lru,
        read_file: &|_| Err("no files".to_owned()),
    };
    let system = System::parse(system, around).expect("it can be modelled");
    let mut seconds = Vec::new();
    let mut record = Record::default();
    for _ in 0..N_TURNS {
        let (took, one) = clock::timed(|| sim::run(&system, &workload, 1));
        seconds.push(took);
        record = one;
    }
    let median = clock::median(seconds);
    let (gets, events) = (n_gets as f64 / median, record.n_events as f64 / median);
    println!("{what:<46}{median:>9.2}{gets:>13.0}{events:>13.0}");
}
