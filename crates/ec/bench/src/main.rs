//! Compares erasure coders: GB/s of object by code and size, all in one run.
//!
//! The machine may be busy and its clock may vary, so the coders take short turns within each
//! round. A rate is the median of all rounds; a ratio is the median of the rounds' ratios, and
//! is what to compare. Between runs, and even between rows, the machine may have changed.
//!
//! Usage: `ec-bench [--paths] [CODE...]`. With `--paths`, all paths of our own kernel take part.

mod coders;
mod isal;

use std::time::Instant;

use ec::{Code, Codec, CpuPath, Native};
use reed_solomon_erasure::galois_8::ReedSolomon;

use crate::coders::{Chunks, Coder, Erasure, IsalCoder, Memcpy, Ours, Simd};
use crate::isal::Isal;

const CODES: [&str; 6] = ["10+1", "10+2", "10+4", "4+2", "5+1", "20+4"];
const SIZES: [(&str, usize); 4] =
    [("64 kB", 64_000), ("1 MB", 1_000_000), ("10 MB", 10_000_000), ("100 MB", 100_000_000)];
const N_ROUNDS: usize = 31;
/// About how long a turn lasts, if that is enough for one object: less than what the system
/// leaves a process at a time.
const TURN_SECONDS: f64 = 0.002;

fn main() {
    let args: Vec<String> = std::env::args().skip(1).collect();
    let all_paths = args.iter().any(|it| it == "--paths");
    let mut codes: Vec<&str> =
        args.iter().map(String::as_str).filter(|it| !it.starts_with("--")).collect();
    if codes.is_empty() {
        codes = CODES.to_vec();
    }
    let isal = Isal::load();
    if isal.is_none() {
        println!("libisal.so.2 is not installed (Debian: libisal2): going on without ISA-L");
    }
    println!("GB/s of object (medians of {N_ROUNDS} rounds); in brackets, the ratio to ISA-L");
    for code in codes {
        let code: Code = code.parse().unwrap_or_else(|err| panic!("{err}"));
        for (size, n_bytes) in SIZES {
            compare(code, size, n_bytes, isal, all_paths);
        }
    }
}

fn compare(code: Code, size: &str, n_bytes: usize, isal: Option<Isal>, all_paths: bool) {
    let chunk_len = code.chunk_len(n_bytes);
    let n_bytes = chunk_len * code.n_data();
    let mut coders: Vec<Box<dyn Coder>> = Vec::new();
    if let Some(isal) = isal {
        coders.push(Box::new(IsalCoder::new(isal, code)));
    }
    let paths = CpuPath::available();
    for path in if all_paths { &paths[..] } else { &paths[..1] } {
        coders.push(Box::new(Ours(Codec::with_engine(Native::on(*path, code)))));
    }
    let erasure = ReedSolomon::new(code.n_data(), code.n_parity()).expect("a good code");
    coders.push(Box::new(Erasure(erasure)));
    coders.push(Box::new(Simd::new(code, chunk_len)));
    coders.push(Box::new(Memcpy(vec![1; n_bytes])));

    let mut room = aligned(n_bytes);
    let stride = chunk_len.next_multiple_of(64);
    let mut parity_room = aligned(stride * code.n_parity());
    let parity = parity_room.bytes().chunks_mut(stride).map(|it| &mut it[..chunk_len]).collect();
    let mut chunks = Chunks { object: room.bytes(), parity };
    for (i, byte) in chunks.object.iter_mut().enumerate() {
        *byte = (i.wrapping_mul(0x9E37_79B9) >> 11).to_le_bytes()[0];
    }
    check(&mut coders, &mut chunks, code.n_parity());

    let mut lost: Vec<usize> = vec![0, 1, code.n_parity()];
    lost.dedup();
    for n_lost in lost {
        let n_times: Vec<usize> = coders
            .iter_mut()
            .map(|it| {
                let seconds = turn(it.as_mut(), &mut chunks, n_lost, 3) / 3.0;
                ((TURN_SECONDS / seconds) as usize).max(1)
            })
            .collect();
        let mut rates = vec![Vec::new(); coders.len()];
        for _ in 0..N_ROUNDS {
            for ((coder, n_times), rates) in coders.iter_mut().zip(&n_times).zip(&mut rates) {
                let seconds = turn(coder.as_mut(), &mut chunks, n_lost, *n_times);
                rates.push((n_bytes * n_times) as f64 / seconds / 1e9);
            }
        }
        let what = if n_lost == 0 { "encode".to_owned() } else { format!("decode {n_lost}") };
        report(&format!("{:<5} {size:>6} {what:<8}", code.to_string()), &coders, &rates);
    }
}

/// How many seconds it takes to encode, or to decode so many lost chunks, so many times.
fn turn(coder: &mut dyn Coder, chunks: &mut Chunks<'_>, n_lost: usize, n_times: usize) -> f64 {
    if n_lost != 0 {
        // What it decodes must be its own, if it makes other parity.
        coder.encode(chunks);
    }
    let start = Instant::now();
    for _ in 0..n_times {
        match n_lost {
            0 => coder.encode(chunks),
            _ => coder.decode(chunks, n_lost),
        }
    }
    start.elapsed().as_secs_f64()
}

/// All coders must restore the object, and those of the same matrix make the same parity.
fn check(coders: &mut [Box<dyn Coder>], chunks: &mut Chunks<'_>, n_parity: usize) {
    let object = chunks.object.to_vec();
    let mut parity = Vec::new();
    for coder in coders {
        coder.encode(chunks);
        let made: Vec<Vec<u8>> = chunks.parity.iter().map(|it| it.to_vec()).collect();
        if parity.is_empty() {
            parity = made;
        } else if !["reed-solomon-simd", "memcpy"].contains(&coder.name().as_str()) {
            assert!(made == parity, "{} makes other parity", coder.name());
        }
        if coder.name() != "memcpy" {
            let n_lost_bytes = n_parity * chunks.parity[0].len();
            chunks.object[..n_lost_bytes].fill(0);
            coder.decode(chunks, n_parity);
            assert!(chunks.object == object, "{} restores something else", coder.name());
        }
    }
}

fn report(row: &str, coders: &[Box<dyn Coder>], rates: &[Vec<f64>]) {
    let isal = coders.iter().position(|it| it.name() == "ISA-L").map(|it| &rates[it]);
    let cells: Vec<String> = coders
        .iter()
        .zip(rates)
        .map(|(coder, rates)| {
            let ratio = isal.map_or(String::new(), |isal| {
                let ratios = rates.iter().zip(isal).map(|(ours, isal)| ours / isal);
                format!(" ({:.2})", median(ratios.collect()))
            });
            format!("{} {:.1}{ratio}", coder.name(), median(rates.clone()))
        })
        .collect();
    println!("{row} {}", cells.join("  "));
}

fn median(mut numbers: Vec<f64>) -> f64 {
    numbers.sort_by(f64::total_cmp);
    numbers[numbers.len() / 2]
}

/// Memory whose bytes from `start` on lie at a page.
struct Aligned {
    room: Vec<u8>,
    start: usize,
    len: usize,
}

fn aligned(len: usize) -> Aligned {
    const PAGE: usize = 4096;
    let room = vec![1; len + PAGE];
    let start = room.as_ptr().align_offset(PAGE);
    Aligned { room, start, len }
}

impl Aligned {
    fn bytes(&mut self) -> &mut [u8] {
        &mut self.room[self.start..][..self.len]
    }
}
