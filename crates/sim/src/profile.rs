//! What the outside world does, in numbers: start-up times, bandwidths, rates.
//!
//! Each value stands in MODEL.md with its source and date; here they are read from a dated
//! file, so that another cloud, or the same one in another year, is another file.

use units::{Bytes, Nanos};

mod file;

use self::file::ProfileFile;

/// The measured behaviour of the systems that a run models.
#[derive(Clone, Debug, PartialEq)]
pub struct Profile {
    /// The name by which results refer to it.
    pub name: String,
    /// How functions start and transfer.
    pub function: FunctionProfile,
    /// What they share.
    pub network: NetworkProfile,
    /// How long a client codes objects, by codec; the first is the default.
    pub codecs: Vec<CodecProfile>,
    /// How long an ElastiCache node's serving thread takes for a request.
    pub elasticache: ServerProfile,
    /// The behaviours of the object store, by name; the first is the default.
    pub object_stores: Vec<ObjectStoreProfile>,
}

/// How functions start and transfer.
#[derive(Clone, Debug, PartialEq)]
pub struct FunctionProfile {
    /// The least that a warm invocation takes.
    pub warm_invoke_floor: Nanos,
    /// The mean of the exponential part on top of that.
    pub warm_invoke_tail_mean: Nanos,
    /// The start of a fresh instance.
    pub cold_start: Nanos,
    /// A message to a running function and back.
    pub round_trip: Nanos,
    /// What a client takes for a GET besides waiting for chunks and decoding.
    pub client_overhead: Nanos,
    /// By how much a transfer is slower than it could be, on average: exponentially distributed,
    /// so that at 0.1 one in 22,000 takes twice as long.
    pub straggler_slowdown_mean: f64,
    /// What a function has handed to its system before the first byte must have left: so much
    /// earlier it takes a chunk to be sent.
    pub send_buffer: Bytes,
    /// How long an invocation may run.
    pub execution_limit: Nanos,
    /// What a function may move faster than its bandwidth, where it may.
    pub burst: Option<Burst>,
    /// From the end of a function's lease until the platform sees it return, where that takes
    /// long enough to be billed: on a machine whose processors are busy.
    pub returning: Option<Returning>,
    /// Bandwidth by memory, ascending.
    bandwidth: Vec<(u32, Rate)>,
}

/// A token bucket: a function that has not moved much lately is faster than its bandwidth.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Burst {
    /// What a fresh instance may move at this rate.
    pub fresh: Bytes,
    /// What it may again after a rest; the bucket fills at the function's bandwidth.
    pub rested: Bytes,
    /// How fast.
    pub rate: Rate,
}

/// How long a function takes to return.
#[derive(Clone, Debug, PartialEq)]
pub struct Returning {
    /// Quantiles, evenly spaced from the shortest to the longest; at least one.
    quantiles: Vec<Nanos>,
}

impl Returning {
    /// The length that this part (from 0 to 1) does not exceed.
    pub(crate) fn quantile(&self, part: f64) -> Nanos {
        let last = self.quantiles.len() - 1;
        let place = part * last as f64;
        #[expect(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "an index")]
        let below = (libm::floor(place) as usize).min(last);
        let [low, high] = [below, (below + 1).min(last)].map(|it| self.quantiles[it]);
        let between = (high - low).as_seconds_f64() * (place - below as f64);
        low + Nanos::from_seconds_f64(between.max(0.0))
    }
}

/// What transfers share.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct NetworkProfile {
    /// The memory of a host that functions are packed on, in MB.
    pub host_memory_mb: u32,
    /// The link of a host, in each direction.
    pub host: Rate,
    /// The link of a proxy, in each direction.
    pub proxy: Rate,
    /// The link of a client that is not on a proxy's machine, in each direction.
    pub client: Rate,
    /// How long a request keeps a proxy's processors to itself, where that is long enough for
    /// others to wait.
    pub request: Option<Nanos>,
}

/// How long a client takes to code an object.
#[derive(Clone, Debug, PartialEq)]
pub struct CodecProfile {
    /// The name by which a system asks for it.
    pub name: String,
    /// Parity from data.
    pub encode: Rate,
    /// Data from what is left, as many chunks lost as there is parity.
    pub decode: Rate,
}

/// A fixed time per request and a time per byte.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct ServerProfile {
    /// What each request takes, whatever its size.
    pub request: Nanos,
    /// The transfer on top.
    pub transfer: Rate,
}

/// An object store as a client sees it.
#[derive(Clone, Debug, PartialEq)]
pub struct ObjectStoreProfile {
    /// The name by which a system asks for it.
    pub name: String,
    /// The median time to the first byte, in seconds; log-normally distributed.
    pub first_byte_s_p50: f64,
    /// The standard deviation of the logarithm of that time.
    pub first_byte_log_deviation: f64,
    /// The throughput of one connection.
    pub transfer: Rate,
}

/// A time per byte.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Rate {
    seconds_per_byte: f64,
}

/// Why a profile cannot be used.
#[derive(Clone, Debug, PartialEq, thiserror::Error)]
#[non_exhaustive]
pub enum ProfileError {
    /// It is not TOML, or a field is missing or unknown.
    #[error("{0}")]
    Syntax(String),
    /// A number is out of its range.
    #[error("`{field}` is {value}, but must be a number above 0 and below {below}")]
    Range {
        /// The field, as the file spells it; in its table, with its number from 1, where there are
        /// several of the name.
        field: String,
        /// What it is.
        value: f64,
        /// What it must stay below.
        below: f64,
    },
    /// A percentile is below a lower one.
    #[error("`{field}` is {value}, but must be at least `{lower}`, which is {least}")]
    Percentile {
        /// The field, as [`ProfileError::Range`] names it.
        field: String,
        /// What it is.
        value: f64,
        /// The lower percentile.
        lower: &'static str,
        /// What that is.
        least: f64,
    },
    /// A list that needs an entry has none.
    #[error("`{0}` must have at least one entry, in ascending order")]
    Empty(&'static str),
}

impl Profile {
    /// The text of [`Profile::aws_2019_fast20`].
    pub const AWS_2019_FAST20_TEXT: &'static str = include_str!("../profiles/aws-2019-fast20.toml");

    /// The embedded profiles: a name and its text, the default first.
    const BUILTIN: [(&'static str, &'static str); 2] = [
        ("aws-2019-fast20", Profile::AWS_2019_FAST20_TEXT),
        ("aws-2024", include_str!("../profiles/aws-2024.toml")),
    ];

    /// The names of the embedded profiles.
    pub fn builtin_names() -> impl Iterator<Item = &'static str> {
        Profile::BUILTIN.iter().map(|(name, _)| *name)
    }

    /// The text of the embedded profile `name`, if there is one.
    pub fn builtin_text(name: &str) -> Option<&'static str> {
        Profile::BUILTIN.iter().find(|(it, _)| *it == name).map(|(_, text)| *text)
    }

    /// The systems as the FAST'20 evaluation met them in 2019 and 2020.
    pub fn aws_2019_fast20() -> Profile {
        let profile = Profile::from_toml(Profile::AWS_2019_FAST20_TEXT);
        profile.expect("the embedded profile is well formed")
    }

    /// Reads a profile from the text of its file.
    pub fn from_toml(text: &str) -> Result<Profile, ProfileError> {
        let file: ProfileFile =
            toml::from_str(text).map_err(|err| ProfileError::Syntax(err.to_string()))?;
        file.check()
    }
}

impl FunctionProfile {
    /// The bandwidth of a function of this much memory: that of the largest measured size
    /// which is not larger, or of the smallest.
    pub fn bandwidth(&self, memory_mb: u32) -> Rate {
        let above = self.bandwidth.partition_point(|(mb, _)| *mb <= memory_mb);
        self.bandwidth[above.saturating_sub(1)].1
    }

    /// A message in one direction.
    pub(crate) fn half_round_trip(&self) -> Nanos {
        Nanos::new(self.round_trip.get() / 2)
    }
}

impl Rate {
    /// How many bytes pass in a nanosecond.
    pub(crate) fn bytes_per_nano(self) -> f64 {
        1.0 / (self.seconds_per_byte * 1e9)
    }

    /// How long `size` takes.
    pub fn time(self, size: Bytes) -> Nanos {
        Nanos::from_seconds_f64(size.get() as f64 * self.seconds_per_byte)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_embedded_profile_reads() {
        let profile = Profile::aws_2019_fast20();
        assert_eq!(profile.function.cold_start, Nanos::millis(307));
        let seconds = profile.object_stores[0].first_byte_log_deviation;
        assert!((seconds - 0.621).abs() < 0.001, "{seconds}");
        for name in Profile::builtin_names() {
            let profile = Profile::from_toml(Profile::builtin_text(name).unwrap()).unwrap();
            assert_eq!(profile.name, name);
        }
        assert_eq!(Profile::builtin_text("aws"), None);
    }

    #[test]
    fn bandwidth_is_that_of_the_nearest_smaller_size() {
        let profile = Profile::aws_2019_fast20().function;
        let check = |memory_mb: u32, expect_mb: u32| {
            let (_, expect) = profile.bandwidth.iter().find(|(mb, _)| *mb == expect_mb).unwrap();
            assert_eq!(profile.bandwidth(memory_mb), *expect, "{memory_mb} MB");
        };
        check(64, 128);
        check(128, 128);
        check(255, 128);
        check(256, 256);
        let (largest, _) = *profile.bandwidth.last().unwrap();
        check(10_240, largest);
    }

    #[test]
    fn a_bad_profile_says_what_to_change() {
        let text = Profile::AWS_2019_FAST20_TEXT;
        let check = |from: &str, to: &str, expect: &str| {
            assert!(text.contains(from));
            let err = Profile::from_toml(&text.replacen(from, to, 1)).unwrap_err().to_string();
            assert!(err.contains(expect), "{err}");
        };
        check("cold_start_ms = 307.0", "cold_start_ms = -1.0", "`cold_start_ms` is -1");
        check("round_trip_ms = 1", "round_trip_ms = 21", "`round_trip_ms` is 21");
        check("execution_limit_s = 900", "execution_limit_s = -900", "`execution_limit_s` is -900");
        check(
            "first_byte_ms_p95 = ",
            "first_byte_ms_p95 = 1e-3 # ",
            "must be at least `first_byte",
        );
        check("mb_per_s = ", "mb_per_s = -", "mb_per_s` is -");
        check("cold_start_ms", "cold_start", "unknown field `cold_start`");
        check("memory_mb = 256", "memory_mb = 128", "`bandwidth` must have");
    }
}
