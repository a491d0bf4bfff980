//! `infinisim ec`: the erasure codec on files, and how fast it is here.

use std::hint::black_box;
use std::io::{self, BufReader, BufWriter, Read};
use std::path::PathBuf;
use std::time::Instant;

use anyhow::Context;
use ec::{ChunkHeader, Code, Codec, CpuPath, Engine, Leopard, Native, StreamReport};
use tempfile::NamedTempFile;
use units::Bytes;

use crate::args::UsageError;
use crate::ec_args::{EcBenchArgs, EcCommand, EcDecodeArgs, EcEncodeArgs};
use crate::output;
use crate::trace_input::check_written;

/// Stripes of a file: large enough to code at full speed, small enough to stay in memory.
const STRIPE: Bytes = Bytes::mebibytes(4);

/// Files that are open at once: more chunks than this in one command are a mistake.
const N_INPUTS_MAX: usize = 255;

/// Encodes, decodes, or measures.
pub(crate) fn ec(command: &EcCommand) -> anyhow::Result<()> {
    match command {
        EcCommand::Encode(args) => encode(args),
        EcCommand::Decode(args) => decode(args),
        EcCommand::Bench(args) => bench(args),
    }
}

fn encode(args: &EcEncodeArgs) -> anyhow::Result<()> {
    let mut input = BufReader::new(fs_err::File::open(&args.file)?);
    output::prepare_dir(&args.output_dir)?;
    let codec = Codec::new(args.code);
    let name = args.file.file_name().context("the file has no name")?.to_string_lossy();
    let paths: Vec<PathBuf> = (0..args.code.n_chunks())
        .map(|index| args.output_dir.join(format!("{name}.{index:03}")))
        .collect();
    let mut chunks: Vec<BufWriter<NamedTempFile>> = paths
        .iter()
        .map(|path| Ok(BufWriter::new(output::temporary_for(path)?)))
        .collect::<anyhow::Result<_>>()?;
    let stripe_len = usize::try_from(STRIPE.get()).expect("a few megabytes");
    let n_bytes = ec::encode_stream(&codec, stripe_len, &mut input, &mut chunks)
        .with_context(|| format!("cannot encode `{}`", args.file.display()))?;
    for (chunk, path) in chunks.into_iter().zip(&paths) {
        let file = chunk.into_inner().map_err(io::IntoInnerError::into_error)?;
        output::keep(file, path)?;
    }
    output::note(&format!(
        "{n_bytes} bytes in {} chunks ({}) in {}; any {} of them give the file back",
        args.code.n_chunks(),
        args.code,
        args.output_dir.display(),
        args.code.n_data(),
    ));
    Ok(())
}

fn decode(args: &EcDecodeArgs) -> anyhow::Result<()> {
    if N_INPUTS_MAX < args.chunks.len() {
        return Err(UsageError(format!("at most {N_INPUTS_MAX} chunks make a file")).into());
    }
    check_written(&args.chunks, &args.output)?;
    let code = code_of(&args.chunks)?;
    let codec = Codec::new(code);
    let mut inputs = args
        .chunks
        .iter()
        .map(|path| Ok(BufReader::new(fs_err::File::open(path)?)))
        .collect::<anyhow::Result<Vec<BufReader<fs_err::File>>>>()?;
    output::write_file(&args.output, |mut out| {
        let mut report = StreamReport::default();
        let decoded = ec::decode_stream(&codec, &mut inputs, &mut out, &mut report);
        for refusal in &report.refused {
            let path = args.chunks[refusal.input].display();
            output::note(&format!("`{path}`, stripe {}: {}", refusal.stripe, refusal.why));
        }
        decoded.with_context(|| format!("cannot decode `{}`", args.output.display()))?;
        output::note(&format!("{} bytes in `{}`", report.n_bytes, args.output.display()));
        Ok(())
    })
}

/// The code that the first chunk with a good header names.
fn code_of(paths: &[PathBuf]) -> anyhow::Result<Code> {
    let mut why = None;
    for path in paths {
        let mut head = Vec::new();
        let header_len = u64::try_from(ChunkHeader::LEN).expect("a short header");
        fs_err::File::open(path)?.take(header_len).read_to_end(&mut head)?;
        match ChunkHeader::parse(&head) {
            Ok((header, _)) => return Ok(header.stripe.code),
            Err(err) => why = why.or(Some((path, err))),
        }
    }
    let (path, err) = why.context("no chunk was named")?;
    Err(err).with_context(|| format!("`{}` is not a chunk", path.display()))
}

fn bench(args: &EcBenchArgs) -> anyhow::Result<()> {
    let code = args.code;
    let mut table =
        vec![["engine", "object", "encode GB/s", "decode GB/s"].map(str::to_owned).to_vec()];
    for size in &args.size {
        for path in CpuPath::available() {
            let codec = Codec::with_engine(Native::on(path, code));
            table.push(measure(&codec, path.name(), *size)?);
        }
        let leopard = Codec::with_engine(Leopard::new(code));
        table.push(measure(&leopard, leopard.engine().name(), *size)?);
    }
    let lost = code.n_parity();
    output::print(&format!(
        "{code}, decode with {lost} data chunks lost, medians of {N_ROUNDS} rounds\n\n{}",
        output::columns(&table)
    ))
}

const N_ROUNDS: usize = 31;

fn measure<E: Engine>(codec: &Codec<E>, name: &str, size: Bytes) -> anyhow::Result<Vec<String>> {
    let code = codec.code();
    let n_bytes = usize::try_from(size.get())?;
    let mut object: Vec<u8> = (0..=250).cycle().take(n_bytes).collect();
    let chunk_len = code.chunk_len(n_bytes);
    let mut parity = vec![0; chunk_len * code.n_parity()];
    let mut rows: Vec<&mut [u8]> = parity.chunks_mut(chunk_len.max(1)).collect();
    let mut seconds = [Vec::new(), Vec::new()];
    let lost: Vec<usize> = (0..code.n_parity().min(code.n_data())).collect();
    for _ in 0..N_ROUNDS {
        let start = Instant::now();
        codec.encode(black_box(&object), &mut rows)?;
        seconds[0].push(start.elapsed().as_secs_f64());
        let given: Vec<(usize, &[u8])> =
            (code.n_data()..).zip(rows.iter().map(|it| &**it)).take(lost.len()).collect();
        let start = Instant::now();
        codec.recover(black_box(&mut object), &lost, &given)?;
        seconds[1].push(start.elapsed().as_secs_f64());
    }
    let [encode, decode] = seconds.map(|mut all| {
        all.sort_by(f64::total_cmp);
        format!("{:.1}", n_bytes as f64 / 1e9 / all[N_ROUNDS / 2])
    });
    Ok(vec![name.to_owned(), size.to_string(), encode, decode])
}
