//! Price books: what a cloud charged in one region on one date, each value with its source.

use std::sync::Arc;

use twox_hash::XxHash3_128;
use units::{Bytes, Usd};

use crate::cost::Accounting;
use crate::error::{PriceBookError, PricingError};
use crate::usage::Quantum;

/// The prices of one region on one date, checked.
#[derive(Clone, Debug)]
pub struct PriceBook {
    // Where the text came from, for messages: the name of an embedded book, or a path.
    pub(crate) origin: String,
    pub(crate) name: String,
    pub(crate) description: String,
    pub(crate) region: String,
    pub(crate) date: String,
    pub(crate) accounting: Accounting,
    pub(crate) function: FunctionPrices,
    pub(crate) object_store: ObjectStorePrices,
    // Invariant: no two nodes of one type, no two of anything below of one name.
    pub(crate) nodes: Vec<Node>,
    pub(crate) serverless: Vec<Serverless>,
    pub(crate) virtual_machines: Vec<VirtualMachine>,
    pub(crate) references: Vec<Reference>,
}

/// A value of a price book, and where it was read.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Sourced<T> {
    /// The value.
    pub value: T,
    /// Where it was read, shared by all values of one source.
    pub source: Arc<Source>,
}

/// Where a value was read, and when it held.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Source {
    /// The document, and any doubt about what it says.
    pub text: String,
    /// The date of the document, as year and month or a full date.
    pub date: String,
}

/// What a function service charges.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct FunctionPrices {
    /// For one invocation.
    pub per_request: Sourced<Usd>,
    /// For 1024 MB of configured memory during one second.
    pub per_gb_second: Sourced<Usd>,
    /// The same on ARM processors, where the service offers them.
    pub arm_per_gb_second: Option<Sourced<Usd>>,
    /// Every invocation is billed for a whole number of these.
    pub quantum: Sourced<Quantum>,
    /// How much memory a function may be given.
    pub memory: Sourced<MemoryRange>,
}

/// How much memory a function may be given, both ends included.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct MemoryRange {
    /// The least, in MB.
    pub min_mb: u32,
    /// The most, in MB; a whole number of steps above the least.
    pub max_mb: u32,
    /// By how much sizes differ, in MB, counted from the least; at least 1.
    pub step_mb: u32,
}

/// What an object store charges.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ObjectStorePrices {
    /// For one read.
    pub per_get: Sourced<Usd>,
    /// For one write.
    pub per_put: Sourced<Usd>,
    /// For one removal.
    pub per_delete: Sourced<Usd>,
    /// For one GB kept for a month. The GB is one of 2³⁰ bytes (S3's own FAQ counts 100 GB as
    /// 107,374,182,400 bytes) and the month one of 730 hours.
    pub per_gb_month: Sourced<Usd>,
}

/// A type of cache node that can be rented by the hour.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Node {
    /// The provider's name for it. Its cheaper Valkey twin, where the book gives the discount,
    /// is a node of its own with `:valkey` at the end of the name.
    pub node_type: String,
    /// For one hour.
    pub per_hour: Sourced<Usd>,
    /// What the engine may fill (`maxmemory`), before any memory that is reserved by setting.
    pub memory: Option<Sourced<Bytes>>,
    /// Solid-state storage behind the memory, included in the price.
    pub ssd: Option<Sourced<Bytes>>,
    /// Network bandwidth, in megabits per second.
    pub network_mbps: Option<Sourced<u32>>,
}

/// A cache that is billed by what it holds and what it is asked.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Serverless {
    /// The engine: `redis`, `valkey`.
    pub engine: String,
    /// For one GB (2³⁰ bytes, as for the object store; the provider does not say) held for an
    /// hour.
    pub per_gb_hour: Sourced<Usd>,
    /// For a million request units.
    pub per_million_ecpus: Sourced<Usd>,
    /// What is billed as held where less is.
    pub minimum: Sourced<Bytes>,
}

/// A type of virtual machine that can be rented.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct VirtualMachine {
    /// The provider's name for it.
    pub machine_type: String,
    /// For one hour; billed by the second.
    pub per_hour: Sourced<Usd>,
}

/// A price worth knowing beside the others, which enters no bill.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Reference {
    /// What is priced.
    pub name: String,
    /// What one pays it for, such as `USD/h`.
    pub unit: String,
    /// How much.
    pub price: Sourced<Usd>,
}

/// The embedded books by name, oldest first.
const BUILTIN: [(&str, &str); 2] = [
    ("aws-us-east-1-2019-12", include_str!("../books/aws-us-east-1-2019-12.toml")),
    ("aws-us-east-1-2026-09", include_str!("../books/aws-us-east-1-2026-09.toml")),
];

impl PriceBook {
    /// The names of the embedded books, oldest first.
    pub fn builtin_names() -> impl Iterator<Item = &'static str> {
        BUILTIN.iter().map(|(name, _)| *name)
    }

    /// The TOML text of the embedded book `name`.
    pub fn builtin_text(name: &str) -> Result<&'static str, PricingError> {
        let found = BUILTIN.iter().find(|(it, _)| *it == name);
        found.map(|(_, text)| *text).ok_or_else(|| PricingError::UnknownBook {
            name: name.to_owned(),
            known: listing(PriceBook::builtin_names()),
        })
    }

    /// The embedded book `name`.
    pub fn builtin(name: &str) -> Result<PriceBook, PricingError> {
        let text = PriceBook::builtin_text(name)?;
        Ok(PriceBook::parse(name, text).expect("a test reads every embedded book"))
    }

    /// Reads a book from TOML `text`. Messages name it as `origin`, which is its path or name.
    pub fn parse(origin: &str, text: &str) -> Result<PriceBook, PriceBookError> {
        crate::check::parse(origin, text)
    }

    /// Names a book by the content of its TOML text.
    pub fn hash(text: &str) -> String {
        format!("{:032x}", XxHash3_128::oneshot(text.as_bytes()))
    }

    /// What to call the book of this name and [`hash`](PriceBook::hash): one that was changed
    /// still has the name of the embedded book that it was, and is another. An empty hash is one
    /// that is not known.
    pub fn told_apart(name: &str, hash: &str) -> String {
        let embedded = PriceBook::builtin_text(name).map(PriceBook::hash);
        if hash.is_empty() || embedded.is_err() || embedded.is_ok_and(|it| it == hash) {
            return name.to_owned();
        }
        format!("{name}, changed (hash {hash})")
    }

    /// What the book calls itself.
    pub fn name(&self) -> &str {
        &self.name
    }

    /// What the book is for, in a sentence.
    pub fn description(&self) -> &str {
        &self.description
    }

    /// The provider's name for the region the prices hold in.
    pub fn region(&self) -> &str {
        &self.region
    }

    /// When the prices held, as year and month or a full date.
    pub fn date(&self) -> &str {
        &self.date
    }

    /// What the book charges for unless told otherwise.
    pub fn accounting(&self) -> Accounting {
        self.accounting
    }

    /// What functions cost.
    pub fn function(&self) -> &FunctionPrices {
        &self.function
    }

    /// What the object store costs.
    pub fn object_store(&self) -> &ObjectStorePrices {
        &self.object_store
    }

    /// The node types, in the order of the book.
    pub fn nodes(&self) -> &[Node] {
        &self.nodes
    }

    /// The node of type `node_type`.
    pub fn node(&self, node_type: &str) -> Result<&Node, PricingError> {
        self.find("node type", node_type, &self.nodes, |it| &it.node_type)
    }

    /// How much a node of type `node_type` holds; an error where the book does not say.
    pub fn node_memory(&self, node_type: &str) -> Result<Bytes, PricingError> {
        let memory = self.node(node_type)?.memory.as_ref();
        memory.map(|it| it.value).ok_or_else(|| PricingError::NoMemory {
            book: self.origin.clone(),
            node_type: node_type.to_owned(),
        })
    }

    /// The serverless cache of `engine`.
    pub fn serverless(&self, engine: &str) -> Result<&Serverless, PricingError> {
        self.find("serverless engine", engine, &self.serverless, |it| &it.engine)
    }

    /// The virtual machine of type `machine_type`.
    pub fn virtual_machine(&self, machine_type: &str) -> Result<&VirtualMachine, PricingError> {
        let machines = &self.virtual_machines;
        self.find("virtual machine type", machine_type, machines, |it| &it.machine_type)
    }

    /// Whether a function may be given `memory_mb` of memory; an error says how much it may.
    pub fn check_function_memory(&self, memory_mb: u32) -> Result<(), PricingError> {
        let MemoryRange { min_mb: min, max_mb: max, step_mb: step } = self.function.memory.value;
        let book = || self.origin.clone();
        if !(min..=max).contains(&memory_mb) {
            return Err(PricingError::FunctionMemory { book: book(), memory_mb, min, max });
        }
        let below = memory_mb - (memory_mb - min) % step;
        if below != memory_mb {
            let above = below + step;
            return Err(PricingError::FunctionMemoryStep {
                book: book(),
                memory_mb,
                step,
                below,
                above,
            });
        }
        Ok(())
    }

    /// This book with functions on ARM processors at their price.
    pub fn on_arm(mut self) -> Result<PriceBook, PricingError> {
        match &self.function.arm_per_gb_second {
            Some(price) => self.function.per_gb_second = price.clone(),
            None => return Err(PricingError::NoArm { book: self.origin }),
        }
        Ok(self)
    }

    fn find<'a, T>(
        &self,
        what: &'static str,
        name: &str,
        entries: &'a [T],
        name_of: impl Fn(&T) -> &str,
    ) -> Result<&'a T, PricingError> {
        entries.iter().find(|it| name_of(it) == name).ok_or_else(|| PricingError::UnknownEntry {
            book: self.origin.clone(),
            what,
            name: name.to_owned(),
            near: near(name, entries.iter().map(&name_of).collect()),
        })
    }
}

impl Node {
    /// Network bandwidth in bytes per second, where the book gives it.
    pub fn network_bytes_per_second(&self) -> Option<u64> {
        self.network_mbps.as_ref().map(|it| u64::from(it.value) * 125_000)
    }
}

/// "the nearest it has: a, b, c; ", or nothing where there are no names.
fn near(name: &str, mut names: Vec<&str>) -> String {
    /// A few are read; the whole list is not.
    const N_NAMES_MAX: usize = 4;
    if names.is_empty() {
        return String::new();
    }
    // What two names share at both ends: their family in front, their size behind. The sort is
    // stable, so that equals stay in the order of the book.
    let n_shared = |it: &str| {
        let in_front = it.bytes().zip(name.bytes()).take_while(|(a, b)| a == b).count();
        let behind = it.bytes().rev().zip(name.bytes().rev()).take_while(|(a, b)| a == b).count();
        in_front + behind
    };
    names.sort_by_key(|it| std::cmp::Reverse(n_shared(it)));
    names.truncate(N_NAMES_MAX);
    format!("the nearest it has: {}; ", listing(names.into_iter()))
}

fn listing<'a>(names: impl Iterator<Item = &'a str>) -> String {
    names.map(|it| format!("`{it}`")).collect::<Vec<_>>().join(", ")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_embedded_book_reads_under_its_own_name() {
        for name in PriceBook::builtin_names() {
            let text = PriceBook::builtin_text(name).unwrap();
            let book = PriceBook::parse(name, text).unwrap_or_else(|err| panic!("{err}"));
            assert_eq!(book.name(), name);
            assert!(name.ends_with(book.date()), "{name} is not of {}", book.date());
            assert!(name.contains(book.region()), "{name} is not of {}", book.region());
        }
    }

    #[test]
    fn the_paper_s_cluster_is_in_the_paper_s_book() {
        let book = PriceBook::builtin("aws-us-east-1-2019-12").unwrap();
        let node = book.node("cache.r5.24xlarge").unwrap();
        assert_eq!(node.per_hour.value, "10.368".parse().unwrap());
        assert_eq!(book.node_memory("cache.r5.24xlarge").unwrap().get(), 682_485_973_811);
        assert_eq!(node.network_bytes_per_second(), Some(3_125_000_000));
        assert_eq!(book.accounting(), Accounting::Paper);
        assert_eq!(book.function().quantum.value, Quantum::HundredMilliseconds);
    }

    #[test]
    fn smaller_r5_nodes_cost_in_proportion_to_the_largest() {
        // The three smaller prices come from a third party; this is what speaks for them.
        let book = PriceBook::builtin("aws-us-east-1-2019-12").unwrap();
        let per_hour = |node_type: &str| book.node(node_type).unwrap().per_hour.value;
        assert_eq!(per_hour("cache.r5.large").scale(48, 1), per_hour("cache.r5.24xlarge"));
        assert_eq!(per_hour("cache.r5.xlarge").scale(24, 1), per_hour("cache.r5.24xlarge"));
        assert_eq!(per_hour("cache.r5.2xlarge").scale(12, 1), per_hour("cache.r5.24xlarge"));
    }

    #[test]
    fn a_valkey_node_is_the_same_machine_for_less() {
        let book = PriceBook::builtin("aws-us-east-1-2026-09").unwrap();
        let redis = book.node("cache.r6g.large").unwrap();
        let valkey = book.node("cache.r6g.large:valkey").unwrap();
        assert_eq!(redis.per_hour.value, "0.206".parse().unwrap());
        assert_eq!(valkey.per_hour.value, "0.1648".parse().unwrap());
        assert_eq!(valkey.memory, redis.memory);
    }

    #[test]
    fn arm_functions_have_their_own_price() {
        let book = PriceBook::builtin("aws-us-east-1-2026-09").unwrap().on_arm().unwrap();
        assert_eq!(book.function().per_gb_second.value, "0.0000133334".parse().unwrap());
        let err = PriceBook::builtin("aws-us-east-1-2019-12").unwrap().on_arm().unwrap_err();
        insta::assert_snapshot!(
            err,
            @"price book `aws-us-east-1-2019-12` has no price for functions on ARM \
            (`arm_per_gb_second`)"
        );
    }

    #[test]
    fn what_a_book_lacks_is_refused_with_what_it_has() {
        let book = PriceBook::builtin("aws-us-east-1-2019-12").unwrap();
        insta::assert_snapshot!(
            book.node("cache.r5.8xlarge").unwrap_err(),
            @"price book `aws-us-east-1-2019-12` has no node type `cache.r5.8xlarge`; the \
            nearest it has: `cache.r5.xlarge`, `cache.r5.2xlarge`, `cache.r5.24xlarge`, \
            `cache.r5.large`; `infinisim prices show aws-us-east-1-2019-12` lists what it has"
        );
        insta::assert_snapshot!(
            book.node("r5.24xlarge").unwrap_err(),
            @"price book `aws-us-east-1-2019-12` has no node type `r5.24xlarge`; the nearest it \
            has: `cache.r5.24xlarge`, `cache.r5.xlarge`, `cache.r5.2xlarge`, `cache.r5.large`; \
            `infinisim prices show aws-us-east-1-2019-12` lists what it has"
        );
        insta::assert_snapshot!(
            book.virtual_machine("c5n.large").unwrap_err(),
            @"price book `aws-us-east-1-2019-12` has no virtual machine type `c5n.large`; the \
            nearest it has: `c5n.4xlarge`; `infinisim prices show aws-us-east-1-2019-12` lists \
            what it has"
        );
        insta::assert_snapshot!(
            book.serverless("valkey").unwrap_err(),
            @"price book `aws-us-east-1-2019-12` has no serverless engine `valkey`; `infinisim \
            prices show aws-us-east-1-2019-12` lists what it has"
        );
        insta::assert_snapshot!(
            book.check_function_memory(4_096).unwrap_err(),
            @"functions priced by `aws-us-east-1-2019-12` cannot have 4096 MB of memory; write \
            128 to 3008 MB"
        );
        insta::assert_snapshot!(
            PriceBook::builtin("aws-2020").unwrap_err(),
            @"there is no price book `aws-2020`; the embedded ones are `aws-us-east-1-2019-12`, \
            `aws-us-east-1-2026-09`"
        );
        insta::assert_snapshot!(
            book.check_function_memory(1_500).unwrap_err(),
            @"functions priced by `aws-us-east-1-2019-12` have memory in steps of 64 MB, not 1500 \
            MB; write 1472 or 1536 MB"
        );
        let of_today = PriceBook::builtin("aws-us-east-1-2026-09").unwrap();
        assert_eq!(of_today.check_function_memory(1_500), Ok(()));
        assert_eq!(book.check_function_memory(192), Ok(()));
        assert_eq!(book.check_function_memory(128), Ok(()));
        assert_eq!(book.check_function_memory(3_008), Ok(()));
    }
}
