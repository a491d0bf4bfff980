//! What to model, as a person writes it, read and checked once.
//!
//! `elasticache:10xcache.r5.xlarge,policy=lru`, `infinicache:nodes=400,code=10+2`, `s3`.

use policy::EvictionPolicy;
use policy::Ring;
use policy::fetch::FirstD;
use policy::lease::LeaseTerms;
use policy::link::LinkTerms;
use policy::placer::{Eviction, Placement};
use policy::reclaim::Reclaim;
use pricing::{PriceBook, PricingError};
use units::{Bytes, Nanos, QuantityError};

use crate::elasticache::{ElastiCacheConfig, Serving};
use crate::faas::InstancePick;
use crate::infinicache::{InfiniCacheConfig, OlderCopies};
use crate::objstore::ObjectStoreConfig;
use crate::profile::{ObjectStoreProfile, Profile};
use crate::tiers::TiersConfig;

/// A system to model: every field in range, every pair of fields consistent.
#[derive(Clone, Debug)]
pub struct System {
    /// As it was written, by which results refer to it.
    pub name: String,
    /// What it is.
    pub kind: SystemKind,
}

/// What a system is.
#[derive(Clone, Debug)]
pub enum SystemKind {
    /// A rented cluster, or a serverless cache.
    ElastiCache(ElastiCacheConfig),
    /// A pool of functions.
    InfiniCache(Box<InfiniCacheConfig>),
    /// No cache.
    ObjectStore(ObjectStoreConfig),
    /// One system for small objects, another for large ones.
    Tiers(TiersConfig),
}

/// What the text of a system leaves to its surroundings.
#[derive(Clone, Copy)]
pub struct Surroundings<'a> {
    /// Where node types and the billing quantum come from.
    pub prices: &'a PriceBook,
    /// How the world behaves.
    pub profile: &'a Profile,
    /// The policy of clusters that do not name one.
    pub policy: EvictionPolicy,
    /// Gives the text of a file by its name, or says why it cannot.
    pub read_file: &'a dyn Fn(&str) -> Result<String, String>,
}

/// Why a text is not a system that can be modelled.
#[derive(Clone, Debug, PartialEq, thiserror::Error)]
#[non_exhaustive]
pub enum SystemError {
    /// The text starts with the name of no system.
    #[error(
        "no system is called `{0}`; write elasticache:NODE_TYPE (such as \
         elasticache:cache.r5.24xlarge), infinicache, s3 or tiers:SIZE;SYSTEM;SYSTEM"
    )]
    UnknownKind(String),
    /// A cluster of nothing.
    #[error(
        "`{0}` does not say which nodes; write elasticache:NODE_TYPE or \
         elasticache:COUNTxNODE_TYPE, such as elasticache:10xcache.r5.xlarge, or \
         elasticache:serverless-ENGINE, such as elasticache:serverless-valkey"
    )]
    NoNodeType(String),
    /// An option the system does not have.
    #[error("`{system}` has no option `{key}`; it has {known}")]
    UnknownOption {
        /// The system.
        system: &'static str,
        /// What was written.
        key: String,
        /// What could have been.
        known: &'static str,
    },
    /// An option whose value cannot be read.
    #[error("`{key}={value}`: {why}")]
    BadValue {
        /// The option.
        key: String,
        /// What was written.
        value: String,
        /// What is wrong, and what to write.
        why: String,
    },
    /// An option was given twice.
    #[error("`{0}` is given twice; keep one of the two")]
    Twice(String),
    /// Nothing is left of a function's memory.
    #[error(
        "a function of memory={memory} has no room beside overhead={overhead}; \
         give it more memory or less overhead"
    )]
    NoRoom {
        /// The memory.
        memory: Bytes,
        /// The overhead.
        overhead: Bytes,
    },
    /// The code asks for more functions than there are.
    #[error(
        "code={n_data}+{n_parity} puts {n_chunks} chunks of an object on different functions, but \
         nodes={n_nodes}; raise nodes to at least {n_chunks} or choose a smaller code",
        n_chunks = n_data + n_parity
    )]
    TooFewNodes {
        /// Data chunks.
        n_data: u32,
        /// Parity chunks.
        n_parity: u32,
        /// Functions.
        n_nodes: u32,
    },
    /// Tiers of which one is missing.
    #[error(
        "`{0}` does not say what the tiers are; write tiers:SIZE;SYSTEM;SYSTEM: objects below the \
         size go to the first, such as `tiers:10MB;elasticache:cache.r5.large;infinicache`"
    )]
    NoTiers(String),
    /// Something is not in the price book.
    #[error(transparent)]
    Price(#[from] PricingError),
}

/// The options of an InfiniCache, for messages.
const INFINICACHE_OPTIONS: &str = "nodes, proxies, memory, overhead, code, warmup, backup, \
                                   reclaim, placement, eviction, first_d, older, instance, \
                                   clients, codec, proxy, store";

impl System {
    /// Reads a system from its text.
    pub fn parse(text: &str, around: Surroundings<'_>) -> Result<System, SystemError> {
        let (kind, rest) = text.split_once(':').unwrap_or((text, ""));
        let kind = match kind {
            "elasticache" => SystemKind::ElastiCache(elasticache(text, rest, around)?),
            "infinicache" => {
                SystemKind::InfiniCache(Box::new(infinicache(Options::read(rest)?, around)?))
            }
            "s3" => SystemKind::ObjectStore(object_store(Options::read(rest)?, around)?),
            "tiers" => SystemKind::Tiers(tiers(text, rest, around)?),
            _ => return Err(SystemError::UnknownKind(text.to_owned())),
        };
        Ok(System { name: text.to_owned(), kind })
    }
}

/// `key=value,key=value`, each to be taken once.
struct Options<'a>(Vec<(&'a str, &'a str)>);

impl<'a> Options<'a> {
    fn read(text: &'a str) -> Result<Options<'a>, SystemError> {
        let mut options: Vec<(&str, &str)> = Vec::new();
        for option in text.split(',').filter(|it| !it.is_empty()) {
            let (key, value) = option.split_once('=').unwrap_or((option, ""));
            if options.iter().any(|(it, _)| *it == key) {
                return Err(SystemError::Twice(key.to_owned()));
            }
            options.push((key, value));
        }
        Ok(Options(options))
    }

    /// Takes the value of `key`, read by `read`, or `default` where it is not given.
    fn take<T, E: ToString>(
        &mut self,
        key: &str,
        default: T,
        read: impl FnOnce(&str) -> Result<T, E>,
    ) -> Result<T, SystemError> {
        let Some(index) = self.0.iter().position(|(it, _)| *it == key) else {
            return Ok(default);
        };
        let (_, value) = self.0.remove(index);
        read(value).map_err(|why| SystemError::BadValue {
            key: key.to_owned(),
            value: value.to_owned(),
            why: why.to_string(),
        })
    }

    /// Takes a count from 1 to `max`.
    fn count(&mut self, key: &str, default: u32, max: u32) -> Result<u32, SystemError> {
        self.take(key, default, |text| match text.parse() {
            Ok(count) if 1 <= count && count <= max => Ok(count),
            _ => Err(format!("write a whole number from 1 to {max}")),
        })
    }

    /// Takes the name of an object store's behaviour.
    fn store(&mut self, profile: &Profile) -> Result<ObjectStoreProfile, SystemError> {
        self.named("store", &profile.object_stores, |it| &it.name)
    }

    /// Takes the name of one of the profile's `entries`; the first is the default.
    fn named<T: Clone>(
        &mut self,
        key: &str,
        entries: &[T],
        name_of: fn(&T) -> &String,
    ) -> Result<T, SystemError> {
        self.take(key, entries[0].clone(), |text| {
            entries.iter().find(|it| name_of(it) == text).cloned().ok_or_else(|| {
                let names: Vec<&str> = entries.iter().map(|it| name_of(it).as_str()).collect();
                format!("write one of {}", names.join(", "))
            })
        })
    }

    /// Makes sure that nothing was written that nobody asked for.
    fn end(self, system: &'static str, known: &'static str) -> Result<(), SystemError> {
        match self.0.first() {
            None => Ok(()),
            Some((key, _)) => {
                Err(SystemError::UnknownOption { system, key: (*key).to_owned(), known })
            }
        }
    }
}

fn elasticache(
    text: &str,
    rest: &str,
    around: Surroundings<'_>,
) -> Result<ElastiCacheConfig, SystemError> {
    let (nodes, options) = rest.split_once(',').unwrap_or((rest, ""));
    if let Some(engine) = nodes.strip_prefix("serverless-") {
        return serverless(engine, Options::read(options)?, around);
    }
    let counted = nodes
        .split_once('x')
        .filter(|(count, _)| !count.is_empty() && count.bytes().all(|it| it.is_ascii_digit()));
    let (count, node_type) = counted.unwrap_or(("1", nodes));
    if node_type.is_empty() {
        return Err(SystemError::NoNodeType(text.to_owned()));
    }
    let n_nodes = match count.parse() {
        Ok(count) if (1..=1000).contains(&count) => count,
        _ => {
            return Err(SystemError::BadValue {
                key: "nodes".to_owned(),
                value: count.to_owned(),
                why: "a cluster has from 1 to 1000 nodes".to_owned(),
            });
        }
    };
    let memory = around.prices.node_memory(node_type)?;
    let mut options = Options::read(options)?;
    let policy = options.take("policy", around.policy, str::parse)?;
    let reserved = options.take("reserved", 0, |text| {
        let percent = text.strip_suffix('%').and_then(|it| it.parse::<u64>().ok());
        percent.filter(|it| *it < 100).ok_or("write a whole percentage below 100, such as 25%")
    })?;
    let object_store = options.store(around.profile)?;
    options.end("elasticache", "policy, reserved, store")?;
    let free = u128::from(memory.get()) * u128::from(100 - reserved) / 100;
    Ok(ElastiCacheConfig {
        serving: Serving::Nodes { node_type: node_type.to_owned(), n_nodes },
        node_memory: Bytes::new(u64::try_from(free).expect("no more than the memory")),
        policy,
        server: around.profile.elasticache,
        object_store,
    })
}

/// A serverless cache, which holds all there is unless told otherwise.
fn serverless(
    engine: &str,
    mut options: Options<'_>,
    around: Surroundings<'_>,
) -> Result<ElastiCacheConfig, SystemError> {
    around.prices.serverless(engine)?;
    let node_memory = options.take("max", Bytes::TOTAL_MAX, str::parse)?;
    let policy = options.take("policy", around.policy, str::parse)?;
    let object_store = options.store(around.profile)?;
    options.end("elasticache:serverless", "max, policy, store")?;
    Ok(ElastiCacheConfig {
        serving: Serving::Serverless { engine: engine.to_owned() },
        node_memory,
        policy,
        server: around.profile.elasticache,
        object_store,
    })
}

fn tiers(text: &str, rest: &str, around: Surroundings<'_>) -> Result<TiersConfig, SystemError> {
    let missing = || SystemError::NoTiers(text.to_owned());
    let (threshold, systems) = rest.split_once(';').ok_or_else(missing)?;
    let (small, large) = systems.split_once(';').ok_or_else(missing)?;
    let threshold = threshold.parse().map_err(|why: QuantityError| SystemError::BadValue {
        key: "tiers".to_owned(),
        value: threshold.to_owned(),
        why: why.to_string(),
    })?;
    let [small, large] = [small, large].map(|it| System::parse(it, around).map(Box::new));
    Ok(TiersConfig { threshold, small: small?, large: large? })
}

fn object_store(
    mut options: Options<'_>,
    around: Surroundings<'_>,
) -> Result<ObjectStoreConfig, SystemError> {
    let profile = options.store(around.profile)?;
    options.end("s3", "store")?;
    Ok(ObjectStoreConfig { profile })
}

fn infinicache(
    mut options: Options<'_>,
    around: Surroundings<'_>,
) -> Result<InfiniCacheConfig, SystemError> {
    let n_nodes = options.count("nodes", 400, 10_000)?;
    let n_proxies = options.count("proxies", 1, Ring::N_MEMBERS_MAX)?;
    let memory = FunctionMemory { mb: 1_536, capacity: Bytes::megabytes(1_536) };
    let memory = options.take("memory", memory, FunctionMemory::read)?;
    let node_overhead = options.take("overhead", Bytes::megabytes(100), str::parse)?;
    let (n_data, n_parity) = options.take("code", (10, 2), parse_code)?;
    let warm_up = options.take("warmup", Some(Nanos::MINUTE), interval)?;
    let backup = options.take("backup", Some(Nanos::MINUTE * 5), interval)?;
    let usual = Reclaim::fig14(backup.is_some());
    let reclaim =
        options.take("reclaim", usual, |it| Reclaim::parse(it, around.read_file))?.over(n_nodes);
    let placement = options.take("placement", Placement::Random, str::parse)?;
    let eviction = options.take("eviction", Eviction::One, str::parse)?;
    let first_d = options.take("first_d", FirstD::Paper, str::parse)?;
    let older_copies = options.take("older", OlderCopies::Serve, str::parse)?;
    let instance_pick = options.take("instance", InstancePick::MostRecent, str::parse)?;
    let n_clients = options.take("clients", 0, |text| match text.parse() {
        Ok(n_clients) if n_clients <= 1000 => Ok(n_clients),
        _ => Err("write a whole number up to 1000; 0 puts them on the proxies' machines"),
    })?;
    let proxy_machine = options.take("proxy", "c5n.4xlarge".to_owned(), |it| {
        around.prices.virtual_machine(it).map(|it| it.machine_type.clone())
    })?;
    let codec = options.named("codec", &around.profile.codecs, |it| &it.name)?;
    let object_store = options.store(around.profile)?;
    options.end("infinicache", INFINICACHE_OPTIONS)?;

    around.prices.check_function_memory(memory.mb)?;
    if memory.capacity <= node_overhead {
        return Err(SystemError::NoRoom { memory: memory.capacity, overhead: node_overhead });
    }
    if n_nodes < n_data + n_parity {
        return Err(SystemError::TooFewNodes { n_data, n_parity, n_nodes });
    }
    Ok(InfiniCacheConfig {
        n_proxies,
        n_nodes,
        memory_mb: memory.mb,
        node_memory: memory.capacity,
        node_overhead,
        n_data,
        n_parity,
        warm_up,
        backup,
        reclaim,
        placement,
        eviction,
        first_d,
        older_copies,
        link: LinkTerms::default(),
        instance_pick,
        n_clients,
        execution_limit: around.profile.function.execution_limit,
        network: around.profile.network,
        lease: LeaseTerms::of(memory.mb, around.prices.function().quantum.value.length()),
        function: around.profile.function.clone(),
        codec,
        proxy_machine,
        object_store,
    })
}

/// The memory of a function: the platform's size, and what it is taken to hold.
///
/// The platform counts MB of 2^20 bytes; the reference implementation fills 1,000,000 bytes of
/// each. `1536MB` is that; `1536MiB` is the same function filled to the brim.
struct FunctionMemory {
    mb: u32,
    capacity: Bytes,
}

impl FunctionMemory {
    fn read(text: &str) -> Result<FunctionMemory, String> {
        let capacity: Bytes = text.parse().map_err(|err: units::QuantityError| err.to_string())?;
        let is_binary = text.to_ascii_lowercase().ends_with("ib");
        let mb = if is_binary { 1 << 20 } else { 1_000_000 };
        let whole = capacity.get().is_multiple_of(mb).then(|| u32::try_from(capacity.get() / mb));
        match whole {
            Some(Ok(mb)) => Ok(FunctionMemory { mb, capacity }),
            _ => Err("write a whole number of MB, such as 1536MB".to_owned()),
        }
    }
}

/// Reads an erasure code from `DATA+PARITY`: at least one data chunk, at most 255 chunks in all.
pub fn parse_code(text: &str) -> Result<(u32, u32), &'static str> {
    let parts = text
        .split_once('+')
        .and_then(|(data, parity)| Some((data.parse::<u32>().ok()?, parity.parse::<u32>().ok()?)));
    parts.filter(|(data, parity)| 1 <= *data && *data <= 255 && *parity <= 255 - *data).ok_or(
        "write DATA+PARITY with at least one data chunk and at most 255 in all, such as 10+2",
    )
}

fn interval(text: &str) -> Result<Option<Nanos>, String> {
    if text == "off" {
        return Ok(None);
    }
    match text.parse::<Nanos>() {
        Ok(interval) if Nanos::SECOND <= interval => Ok(Some(interval)),
        Ok(_) => Err("write at least 1s, or off".to_owned()),
        Err(err) => Err(format!("{err}, or off")),
    }
}

#[cfg(test)]
mod tests;
