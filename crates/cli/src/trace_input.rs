//! Opening a trace: a file, standard input, or a synthetic one.

use std::io::{self, Read};
use std::iter;
use std::path::{Path, PathBuf};

use anyhow::Context;
use des::Streams;
use trace::{
    Draft, ErrorKind, KnownBy, Note, Profile, ReadOptions, RegistryFilter, Resources, Sample,
    SampleSize, Selection, Source, Trace, TraceError,
};
use units::Nanos;

use crate::args::{ReadArgs, UsageError};
use crate::trace_args::TraceConvertArgs;
use crate::trace_output::TargetFormat;
use crate::{output, progress, trace_cache, trace_files, trace_output};

/// A trace as it will be replayed.
pub(crate) struct Input {
    /// The trace, selected.
    pub(crate) trace: Trace,
    /// How long a run on it lasts: to the last request, or as long as was asked for.
    pub(crate) span: Nanos,
}

/// Synthetic traces are written with this in front of the name of their profile.
const SYNTHETIC: &str = "synthetic:";

/// The seed of synthetic traces that name none: a trace is data, and does not change with the
/// seed of the runs on it.
pub(crate) const SYNTHETIC_SEED: u64 = 1;

/// A trace that is longer only if its unit was guessed right was more likely guessed wrong; and
/// a run of years takes minutes.
const ASSUMED_SPAN_MAX: Nanos = Nanos::seconds(366 * 24 * 3_600);

/// Reads and selects the trace called `name`, and says on stderr what was understood.
pub(crate) fn load(name: &str, read: &ReadArgs, selection: &Selection) -> anyhow::Result<Input> {
    check_flags(name, read)?;
    let trace = match name.strip_prefix(SYNTHETIC) {
        Some(profile) => generate(profile, SYNTHETIC_SEED)?,
        None => open(name, read)?,
    };
    output::note(&format!("{name}: {}", trace.source()));
    check_span(name, trace.source(), trace.span())?;
    Input::select(name, trace, selection)
}

/// Draws a sample of what is selected of the trace called `name`: while it is read, so that only
/// the sample is held, where the whole is not wanted for something else.
pub(crate) fn load_sample(
    name: &str,
    read: &ReadArgs,
    selection: &Selection,
    size: SampleSize,
    seed: u64,
) -> anyhow::Result<Sample> {
    if name.starts_with(SYNTHETIC) || read.cache.is_some() || selection.hours.is_some() {
        return Ok(trace::sample(load(name, read, selection)?.trace, size, seed)?);
    }
    check_flags(name, read)?;
    let (paths, options) = (paths(name, read)?, options(read));
    let sample = read_with(name, paths.as_deref(), &options, |name, files, options, progress| {
        trace::read_sample(name, files, options, selection, size, seed, progress)
    })?;
    output::note(&format!("{name}: {}", sample.trace.source()));
    check_span(name, sample.trace.source(), sample.whole.span)?;
    // What was drawn is for the caller to say.
    let notes = sample.trace.notes().iter();
    say_notes(name, notes.filter(|it| !matches!(it, Note::Sampled { .. })));
    Ok(sample)
}

/// Refuses to write to `target` what is made of the trace called `name`, if that is one of the
/// files of the trace: it would be gone. To be asked before anything is read.
pub(crate) fn check_target(
    name: &str,
    read: &ReadArgs,
    target: Option<&Path>,
) -> anyhow::Result<()> {
    let Some(target) = target else { return Ok(()) };
    check_written(&files_of(name, read)?, target)
}

/// The same of what is made of the profile called `name`.
pub(crate) fn check_profile_target(name: &str, target: Option<&Path>) -> anyhow::Result<()> {
    target.map_or(Ok(()), |it| check_written(&profile_files(name), it))
}

/// Refuses to write to `target`, if that is one of the files that are read: it would be gone.
pub(crate) fn check_written(read: &[PathBuf], target: &Path) -> anyhow::Result<()> {
    if read.iter().any(|it| trace_files::are_one_file(it, target)) {
        return Err(UsageError(format!(
            "`{}` is what is read, and would be written over; write to another file",
            target.display()
        ))
        .into());
    }
    Ok(())
}

/// The files that the trace called `name` is read from, or its profile.
pub(crate) fn files_of(name: &str, read: &ReadArgs) -> anyhow::Result<Vec<PathBuf>> {
    if name == "-" {
        return Ok(vec![PathBuf::from("/dev/stdin")]);
    }
    match name.strip_prefix(SYNTHETIC) {
        Some(profile) => Ok(profile_files(profile)),
        None => trace_files::files(name, read.dc.as_deref()),
    }
}

/// The file of the profile called `name`, unless it comes with the program.
fn profile_files(name: &str) -> Vec<PathBuf> {
    let comes_along = Profile::builtin(name).is_some();
    Vec::from_iter((!comes_along).then(|| PathBuf::from(name)))
}

/// Reads the trace called `name` and writes what is selected of it at once, without holding it.
/// False, with nothing written, where that cannot be done, and it has to be loaded.
pub(crate) fn convert(args: &TraceConvertArgs) -> anyhow::Result<bool> {
    let (name, read, target) = (&args.trace.trace, &args.trace.read, &args.target);
    check_flags(name, read)?;
    let format = trace_output::format_of(target);
    // What goes to a pipe cannot be taken back.
    let is_file =
        target.file().is_some_and(|it| it.metadata().is_ok_and(|it| it.is_file()) || !it.exists());
    let is_path = name != "-" && !name.starts_with(SYNTHETIC) && read.cache.is_none();
    // Of registry JSON the date of the first record must be known before.
    if !is_file || !is_path || !format.is_of_rows() || format == TargetFormat::IbmJson {
        return Ok(false);
    }
    let paths = trace_files::files(name, read.dc.as_deref())?;
    let Some(n_bytes) = n_bytes_of(&paths)? else { return Ok(false) };
    let bar = progress::bytes_bar(Some(n_bytes), "converting");
    let files = paths.iter().map(|path| (path.display().to_string(), fs_err::File::open(path)));
    let (options, selection) = (options(read), args.trace.select.selection());
    let mut converted = None;
    let written = trace_output::open(target, |out| {
        let mut writer = trace_output::row_writer(format, out).expect("a format of rows");
        let progress = &mut |n_read| bar.set_position(n_read);
        let done = trace::convert(name, files, &options, &selection, writer.as_mut(), progress)?;
        check_span(name, &done.source, done.span)?;
        converted = Some(done);
        Ok(())
    });
    bar.finish_and_clear();
    if let Err(err) = &written
        && let Some(err) = err.downcast_ref::<TraceError>()
        && matches!(err.kind(), ErrorKind::NotInOrder)
    {
        return Ok(false);
    }
    written?;
    let done = converted.expect("it was written");
    output::note(&format!("{name}: {}", done.source));
    say_notes(name, &done.notes);
    trace_output::say_written(done.n_requests, target);
    Ok(true)
}

/// Says on stderr what whoever replays the trace called `name` should know of it besides.
pub(crate) fn say_of_replay(name: &str, trace: &Trace) {
    say_notes(name, &trace.note_on_sizes());
}

/// Says on stderr what a reader of results should know of the trace called `name`.
fn say_notes<'a>(name: &str, notes: impl IntoIterator<Item = &'a Note>) {
    for it in notes {
        output::note(&format!("{name}: {it}"));
    }
}

/// Refuses flags of which nothing would come: what is made is not read, a data centre is chosen
/// among files, and what can be read but once cannot be looked at before it is read.
fn check_flags(name: &str, read: &ReadArgs) -> Result<(), UsageError> {
    let ReadArgs {
        format,
        time_column,
        key_column,
        size_column,
        op_column,
        time_unit,
        skip_bad,
        method,
        blobs,
        status,
        dc,
        cache,
    } = read;
    let of_reading = [
        ("--format", format.is_some()),
        ("--time-column", time_column.is_some()),
        ("--key-column", key_column.is_some()),
        ("--size-column", size_column.is_some()),
        ("--op-column", op_column.is_some()),
        ("--time-unit", time_unit.is_some()),
        ("--skip-bad", 0 < *skip_bad),
        ("--method", !method.is_empty()),
        ("--blobs", *blobs != Resources::Blobs),
        ("--status", !status.is_empty()),
    ];
    let (of_files, of_copies) = ([("--dc", dc.is_some())], [("--cache", cache.is_some())]);
    let (why, idle) = if name.starts_with(SYNTHETIC) {
        ("is made, not read", [&of_reading[..], &of_files, &of_copies].concat())
    } else if name == "-" || trace_files::is_pipe(Path::new(name)) {
        ("can be read but once, and is one file", [of_files, of_copies].concat())
    } else if Path::new(name).is_file() {
        ("is one file", of_files.to_vec())
    } else {
        return Ok(());
    };
    let idle: Vec<String> = idle.iter().filter(|it| it.1).map(|it| format!("`{}`", it.0)).collect();
    if idle.is_empty() {
        return Ok(());
    }
    Err(UsageError(format!("`{name}` {why}; leave out {}", idle.join(" and "))))
}

/// Refuses a trace of years whose unit of time is only assumed.
fn check_span(name: &str, source: &Source, span: Nanos) -> anyhow::Result<()> {
    if source.time_known_by == KnownBy::Default && ASSUMED_SPAN_MAX < span {
        anyhow::bail!(
            "`{name}` spans {span} if its times are {}, which nothing says; name their unit with \
             `--time-unit` (s, ms, us or ns)",
            source.time_scale
        );
    }
    Ok(())
}

/// How many bytes the files hold; `None` where one is a pipe.
fn n_bytes_of(paths: &[PathBuf]) -> anyhow::Result<Option<u64>> {
    let mut n_bytes = Some(0);
    for path in paths {
        // A pipe is not opened for this: opened twice, it has nothing left to read.
        let n_more = if trace_files::is_pipe(path) {
            None
        } else {
            Some(fs_err::File::open(path)?.metadata()?.len())
        };
        n_bytes = n_bytes.zip(n_more).map(|(n, more)| n + more);
    }
    Ok(n_bytes)
}

impl Input {
    /// The part of the trace called `name` that a selection keeps; says on stderr what a reader
    /// of the results should know of it.
    pub(crate) fn select(name: &str, trace: Trace, selection: &Selection) -> anyhow::Result<Input> {
        let span_read = trace.span();
        let trace = selection.apply(trace).with_context(|| format!("`{name}`"))?;
        say_notes(name, trace.notes());
        // What is rented is rented for as long as the trace was, whichever of its requests count.
        let span = selection.hours.map_or(span_read, |it| it.min(span_read));
        Ok(Input { trace, span })
    }
}

/// Makes the trace of a profile.
pub(crate) fn generate(name: &str, seed: u64) -> anyhow::Result<Trace> {
    Ok(draft(&profile(name)?, seed)?.into_trace())
}

/// The profile of this name that comes with the program, or that a file holds.
pub(crate) fn profile(name: &str) -> anyhow::Result<Profile> {
    if let Some(profile) = Profile::builtin(name) {
        return Ok(profile);
    }
    if Path::new(name).extension().is_some_and(|it| it == "toml") {
        let text = fs_err::read_to_string(name)?;
        return Profile::from_toml(name, &text).with_context(|| format!("`{name}`"));
    }
    let names: Vec<&str> = Profile::builtin_names().collect();
    Err(UsageError(format!(
        "no profile is called `{name}`; write {} or the path of a .toml file",
        names.join(", ")
    ))
    .into())
}

/// Draws the workload of a profile.
pub(crate) fn draft(
    profile: &Profile,
    seed: u64,
) -> anyhow::Result<Draft<impl FnMut() -> u64 + Clone + use<>>> {
    let mut stream = Streams::new(seed).named("trace");
    let draft = Draft::new(profile, move || stream.bits());
    draft.with_context(|| format!("`{}`", profile.name()))
}

fn open(name: &str, read: &ReadArgs) -> anyhow::Result<Trace> {
    let (paths, options) = (paths(name, read)?, options(read));
    let (Some(files), Some(cache)) = (&paths, &read.cache) else {
        return read_with(name, paths.as_deref(), &options, trace::read_files);
    };
    let kept = trace_cache::place(cache, files, &options)?;
    if let Some(trace) = trace_cache::find(name, &kept) {
        return Ok(trace);
    }
    let trace = read_with(name, Some(files), &options, trace::read_files)?;
    // A copy knows the unit of its times for certain.
    check_span(name, trace.source(), trace.span())?;
    trace_cache::keep(&trace, &kept)?;
    Ok(trace)
}

/// The files of the trace called `name`; `None` for standard input.
fn paths(name: &str, read: &ReadArgs) -> anyhow::Result<Option<Vec<PathBuf>>> {
    if Path::new(name).extension().is_some_and(|it| it == "toml") {
        let text = format!("`{name}` is no trace; if it is a profile, write `{SYNTHETIC}{name}`");
        return Err(UsageError(text).into());
    }
    (name != "-").then(|| trace_files::files(name, read.dc.as_deref())).transpose()
}

/// Files as they are opened, each with its name.
type Files<'a> = Box<dyn Iterator<Item = (String, io::Result<Box<dyn Read>>)> + 'a>;

/// What `read` makes of these files, or of standard input, with its progress shown.
fn read_with<'a, T>(
    name: &str,
    paths: Option<&'a [PathBuf]>,
    options: &ReadOptions,
    read: impl FnOnce(&str, Files<'a>, &ReadOptions, &mut dyn FnMut(u64)) -> Result<T, TraceError>,
) -> anyhow::Result<T> {
    let (name, n_bytes, files): (_, _, Files<'a>) = if let Some(paths) = paths {
        let files = paths.iter().map(|path| {
            let file = fs_err::File::open(path);
            (path.display().to_string(), file.map(|it| Box::new(it) as Box<dyn Read>))
        });
        (name, n_bytes_of(paths)?, Box::new(files))
    } else {
        let name = "standard input";
        let file: Box<dyn Read> = Box::new(io::stdin().lock());
        (name, None, Box::new(iter::once((name.to_owned(), Ok(file)))))
    };
    let bar = progress::bytes_bar(n_bytes, "reading");
    let done = read(name, files, options, &mut |n_read| bar.set_position(n_read));
    bar.finish_and_clear();
    Ok(done?)
}

fn options(read: &ReadArgs) -> ReadOptions {
    let ReadArgs {
        format,
        time_column,
        key_column,
        size_column,
        op_column,
        time_unit,
        skip_bad,
        method,
        blobs,
        status,
        dc: _,
        cache: _,
    } = read.clone();
    ReadOptions {
        format,
        time_column,
        key_column,
        size_column,
        op_column,
        time_unit,
        registry: RegistryFilter { methods: method, resources: blobs, statuses: status },
        n_bad_max: skip_bad,
    }
}
