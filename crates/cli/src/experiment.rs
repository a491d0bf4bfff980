//! An experiment: a trace, what of it, which systems, at which prices, under which seeds.

use std::cell::RefCell;
use std::path::{Path, PathBuf};

use anyhow::Context;
use policy::EvictionPolicy;
use pricing::{Accounting, PriceBook, Quantum};
use report::comparison::Receipt;
use sim::{Profile, Surroundings, System, SystemKind};
use trace::Selection;
use twox_hash::XxHash3_128;
use units::{Bytes, Nanos};

use crate::args::{CompareArgs, DEFAULT_BOOK, PriceArgs, ReadArgs, TraceArgs, UsageError};
use crate::{output, trace_input};

/// An experiment that can be run: everything in it was read and checked.
pub(crate) struct Experiment {
    /// What its file calls this workload; empty where it has one alone.
    pub(crate) workload: String,
    /// The trace, as [`crate::trace_input::load`] takes it.
    pub(crate) trace: String,
    /// The files of the rest: prices, profile, schedules.
    pub(crate) files: Vec<PathBuf>,
    /// What of the trace.
    pub(crate) selection: Selection,
    /// What to run on it.
    pub(crate) systems: Vec<System>,
    /// At what prices.
    pub(crate) prices: PriceBook,
    /// Names the prices by the content of their book.
    pub(crate) prices_hash: String,
    /// What of the machinery is charged.
    pub(crate) accounting: Accounting,
    /// Under which seeds.
    pub(crate) seeds: Vec<u64>,
    /// Names the rest of the above but trace and seeds by its content, prices and the behaviour
    /// of the world included.
    pub(crate) hash: String,
    /// Names what the result of a system depends on beside the system, the trace and the seed:
    /// prices, what is charged, and the behaviour of the world.
    pub(crate) surroundings_hash: String,
}

/// What an experiment is made of, as texts.
pub(crate) struct Parts<'a> {
    pub(crate) trace: String,
    pub(crate) selection: Selection,
    pub(crate) policy: EvictionPolicy,
    pub(crate) systems: Vec<String>,
    pub(crate) prices: &'a PriceArgs,
    pub(crate) profile: &'a str,
    pub(crate) seeds: Vec<u64>,
}

/// The cluster of the paper's evaluation.
pub(crate) const PAPER_NODE: &str = "cache.r5.24xlarge";

impl Experiment {
    /// The experiment that `infinisim compare` was asked for.
    pub(crate) fn of_compare(args: &CompareArgs) -> anyhow::Result<Experiment> {
        Experiment::new(Parts {
            trace: args.trace.trace.clone(),
            selection: args.trace.select.selection(),
            policy: args.systems.policy,
            systems: args.systems.systems.clone(),
            prices: &args.prices,
            profile: &args.systems.profile,
            seeds: vec![args.systems.seed],
        })
    }

    /// The experiment of one InfiniCache, written as `system`, on a trace.
    pub(crate) fn of_pool(
        trace: &TraceArgs,
        system: String,
        prices: &PriceArgs,
        profile: &str,
        seed: u64,
    ) -> anyhow::Result<Experiment> {
        Experiment::new(Parts {
            trace: trace.trace.clone(),
            selection: trace.select.selection(),
            policy: EvictionPolicy::Lru,
            systems: vec![system],
            prices,
            profile,
            seeds: vec![seed],
        })
    }

    /// The experiment of these parts, each read and checked.
    pub(crate) fn new(parts: Parts<'_>) -> anyhow::Result<Experiment> {
        let Parts { trace, selection, policy, systems, prices: price_args, profile, seeds } = parts;
        let of_user = [
            (&*price_args.prices, PriceBook::builtin_text(&price_args.prices).is_ok()),
            (profile, Profile::builtin_text(profile).is_some()),
        ];
        let of_user = of_user.iter().filter(|it| !it.1).map(|it| PathBuf::from(it.0));
        let files = RefCell::new(of_user.collect::<Vec<_>>());
        let (prices, price_text) = price_book(&price_args.prices)?;
        let (profile, profile_text) = profile_of(profile)?;
        let read_file = |name: &str| {
            files.borrow_mut().push(PathBuf::from(name));
            fs_err::read_to_string(name).map_err(|err| err.to_string())
        };
        let around =
            Surroundings { prices: &prices, profile: &profile, policy, read_file: &read_file };
        let names = if systems.is_empty() { default_systems(&prices)? } else { systems };
        let systems = names
            .iter()
            .map(|it| System::parse(it, around))
            .collect::<Result<Vec<_>, _>>()
            .map_err(|err| UsageError::from(&err))?;
        let accounting = price_args.accounting.unwrap_or(prices.accounting());
        for system in &systems {
            check_proxy(system, accounting, &prices)?;
        }
        let Selection { hours, min_size, max_size, scale_size, clamp_size } = selection;
        let sizes = [min_size, max_size, clamp_size].map(|it| it.map(Bytes::get));
        let described = format!(
            // The systems also as they were read: a schedule is a file's.
            "{:?} {sizes:?} {scale_size:?} {policy} {names:?} {systems:?} {} {price_text} {}",
            hours.map(Nanos::get),
            accounting.name(),
            profile_text,
        );
        let surroundings = format!("{} {price_text} {profile_text}", accounting.name());
        Ok(Experiment {
            workload: String::new(),
            trace,
            files: files.into_inner(),
            selection,
            systems,
            prices,
            prices_hash: PriceBook::hash(&price_text),
            accounting,
            seeds,
            hash: hash_of(&described),
            surroundings_hash: hash_of(&surroundings),
        })
    }
}

impl Experiment {
    /// All the files that it is read from.
    pub(crate) fn files_read(&self, read: &ReadArgs) -> anyhow::Result<Vec<PathBuf>> {
        Ok([self.files.clone(), trace_input::files_of(&self.trace, read)?].concat())
    }

    /// What a reader of the results should know of how they were made.
    pub(crate) fn notes(&self) -> Vec<String> {
        vec![price_note(&self.price_book(), self.accounting)]
    }

    /// What to call its price book.
    fn price_book(&self) -> String {
        PriceBook::told_apart(self.prices.name(), &self.prices_hash)
    }

    /// What makes its result on the trace of this hash, under this seed.
    pub(crate) fn receipt(&self, seed: u64, trace_hash: String) -> Receipt {
        Receipt {
            version: env!("CARGO_PKG_VERSION").to_owned(),
            seed,
            workload: self.workload.clone(),
            experiment_hash: self.hash.clone(),
            trace_hash,
            prices: self.prices.name().to_owned(),
            accounting: self.accounting.name().to_owned(),
            repriced_from: String::new(),
            quantum_ms: Some(quantum_ms(self.prices.function().quantum.value)),
            prices_hash: self.prices_hash.clone(),
            repriced_from_hash: String::new(),
        }
    }
}

/// Names a text by its content.
pub(crate) fn hash_of(text: &str) -> String {
    format!("{:032x}", XxHash3_128::oneshot(text.as_bytes()))
}

/// The step in milliseconds to which invocations are rounded up.
pub(crate) fn quantum_ms(quantum: Quantum) -> u64 {
    quantum.length().get() / Nanos::MILLISECOND.get()
}

/// Which prices, by what to call their book, and what of the machinery is charged.
pub(crate) fn price_note(prices: &str, accounting: Accounting) -> String {
    let charged = match accounting {
        Accounting::Paper => {
            "the paper's accounting: neither the proxy's machine nor the store behind a cache is \
             charged (--accounting full charges both)"
        }
        Accounting::Full => "the proxy's machine and the store behind a cache are charged",
    };
    format!("prices {prices}; {charged}")
}

/// The profile that comes with the program under this name, or the file of this path; and its
/// text.
pub(crate) fn profile_of(name: &str) -> anyhow::Result<(Profile, String)> {
    if let Some(text) = Profile::builtin_text(name) {
        return Ok((Profile::from_toml(text)?, text.to_owned()));
    }
    if !Path::new(name).exists() {
        let names: Vec<&str> = Profile::builtin_names().collect();
        return Err(UsageError(format!(
            "no profile is called `{name}`, and no such file exists; write {} or the path of a \
             .toml file",
            names.join(", ")
        ))
        .into());
    }
    let text = fs_err::read_to_string(name)?;
    let profile = Profile::from_toml(&text).with_context(|| format!("cannot use `{name}`"))?;
    Ok((profile, text))
}

/// The book that comes with the program under this name, or the file of this path; and its text.
pub(crate) fn price_book(name: &str) -> anyhow::Result<(PriceBook, String)> {
    if let Ok(text) = PriceBook::builtin_text(name) {
        return Ok((PriceBook::builtin(name)?, text.to_owned()));
    }
    if !Path::new(name).exists() {
        let names: Vec<&str> = PriceBook::builtin_names().collect();
        return Err(UsageError(format!(
            "no price book is called `{name}`, and no such file exists; write {} or the path of \
             a .toml file",
            names.join(", ")
        ))
        .into());
    }
    let text = fs_err::read_to_string(name)?;
    Ok((PriceBook::parse(name, &text)?, text))
}

/// Makes sure that what is charged for a proxy is in the book, before anything is run.
fn check_proxy(
    system: &System,
    accounting: Accounting,
    prices: &PriceBook,
) -> Result<(), UsageError> {
    match (&system.kind, accounting) {
        (SystemKind::InfiniCache(config), Accounting::Full) => {
            let machine = prices.virtual_machine(&config.proxy_machine);
            machine.map(drop).map_err(|err| {
                UsageError(format!(
                    "{err}; name one with proxy=, add it to the book, or leave it out with \
                     --accounting paper"
                ))
            })
        }
        (SystemKind::Tiers(tiers), _) => {
            check_proxy(&tiers.small, accounting, prices)?;
            check_proxy(&tiers.large, accounting, prices)
        }
        _ => Ok(()),
    }
}

/// The paper's cluster, InfiniCache with and without backup, S3. A book without the paper's
/// node type stands in for it with as many of its largest nodes as hold as much.
fn default_systems(prices: &PriceBook) -> anyhow::Result<Vec<String>> {
    let (paper, _) = price_book(DEFAULT_BOOK)?;
    let wanted = paper.node_memory(PAPER_NODE)?.get();
    let cluster = if prices.node(PAPER_NODE).is_ok() {
        Some(PAPER_NODE.to_owned())
    } else {
        let sized = prices.nodes().iter().filter_map(|it| {
            let memory = it.memory.as_ref()?.value.get();
            // Of two nodes alike in memory the one that costs less.
            Some((memory, std::cmp::Reverse(it.per_hour.value), &it.node_type))
        });
        sized.max().map(|(memory, _, name)| format!("{}x{name}", wanted.div_ceil(memory)))
    };
    if cluster.is_none() {
        output::note(&format!("price book {} has no sized nodes: no ElastiCache", prices.name()));
    }
    let cluster = cluster.map(|it| format!("elasticache:{it}"));
    let others = ["infinicache", "infinicache:backup=off", "s3"].map(str::to_owned);
    Ok(cluster.into_iter().chain(others).collect())
}
