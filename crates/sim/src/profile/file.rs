//! A profile as its file spells it, and whether it can be so.

use policy::link::LinkTerms;
use serde::Deserialize;
use units::{Bytes, Nanos};

use super::{
    Burst, CodecProfile, FunctionProfile, NetworkProfile, ObjectStoreProfile, Profile,
    ProfileError, Rate, Returning, ServerProfile,
};

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct ProfileFile {
    name: String,
    #[serde(rename = "date")]
    _date: String,
    function: FunctionFile,
    network: NetworkFile,
    codec: Vec<CodecFile>,
    elasticache: ServerFile,
    object_store: Vec<ObjectStoreFile>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct FunctionFile {
    warm_invoke_floor_ms: f64,
    warm_invoke_tail_ms_mean: f64,
    cold_start_ms: f64,
    round_trip_ms: f64,
    client_overhead_ms: f64,
    straggler_slowdown_mean: f64,
    send_buffer_bytes: u64,
    execution_limit_s: f64,
    burst: Option<BurstFile>,
    returning: Option<ReturningFile>,
    bandwidth: Vec<BandwidthFile>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct ReturningFile {
    quantiles_ms: Vec<f64>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct BurstFile {
    fresh_bytes: u64,
    rested_bytes: u64,
    burst_mb_per_s: f64,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct NetworkFile {
    host_memory_mb: u32,
    host_mb_per_s: f64,
    proxy_mb_per_s: f64,
    client_mb_per_s: f64,
    proxy_request_ms: Option<f64>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct BandwidthFile {
    memory_mb: u32,
    mb_per_s: f64,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct CodecFile {
    name: String,
    encode_ms_per_mb: f64,
    decode_ms_per_mb: f64,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct ServerFile {
    request_ms: f64,
    mb_per_s: f64,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct ObjectStoreFile {
    name: String,
    first_byte_ms_p50: f64,
    first_byte_ms_p95: f64,
    mb_per_s: f64,
}

impl ProfileFile {
    /// The profile.
    pub(super) fn check(self) -> Result<Profile, ProfileError> {
        let ProfileFile { name, _date, function, network, codec, elasticache, object_store } = self;
        let stores = object_store.into_iter().zip(1..);
        let stores = stores.map(|(it, n)| it.check(&format!("object_store {n}")));
        let object_stores = stores.collect::<Result<Vec<_>, _>>()?;
        if object_stores.is_empty() {
            return Err(ProfileError::Empty("object_store"));
        }
        let codecs = codec.into_iter().zip(1..).map(|(it, n)| it.check(&format!("codec {n}")));
        let codecs = codecs.collect::<Result<Vec<_>, _>>()?;
        if codecs.is_empty() {
            return Err(ProfileError::Empty("codec"));
        }
        Ok(Profile {
            name,
            function: function.check()?,
            network: network.check()?,
            codecs,
            elasticache: ServerProfile {
                request: millis("elasticache.request_ms", elasticache.request_ms)?,
                transfer: Rate::mb_per_s("elasticache.mb_per_s", elasticache.mb_per_s)?,
            },
            object_stores,
        })
    }
}

impl FunctionFile {
    fn check(self) -> Result<FunctionProfile, ProfileError> {
        let FunctionFile {
            warm_invoke_floor_ms,
            warm_invoke_tail_ms_mean,
            cold_start_ms,
            round_trip_ms,
            client_overhead_ms,
            straggler_slowdown_mean,
            send_buffer_bytes,
            execution_limit_s,
            burst,
            returning,
            bandwidth,
        } = self;
        let is_ascending = bandwidth.windows(2).all(|it| it[0].memory_mb < it[1].memory_mb);
        if bandwidth.is_empty() || !is_ascending {
            return Err(ProfileError::Empty("bandwidth"));
        }
        let bandwidth = bandwidth
            .into_iter()
            .zip(1..)
            .map(|(it, n)| {
                let field = format!("function.bandwidth {n}.mb_per_s");
                Ok((it.memory_mb, Rate::mb_per_s(&field, it.mb_per_s)?))
            })
            .collect::<Result<Vec<_>, ProfileError>>()?;
        let burst = burst.map(|it| {
            let BurstFile { fresh_bytes, rested_bytes, burst_mb_per_s } = it;
            let rate = Rate::mb_per_s("function.burst.burst_mb_per_s", burst_mb_per_s)?;
            let (fresh, rested) = (Bytes::new(fresh_bytes), Bytes::new(rested_bytes));
            Ok::<Burst, ProfileError>(Burst { fresh, rested, rate })
        });
        let returning = returning.map(|it| {
            let quantiles = it.quantiles_ms.into_iter().map(|it| millis("quantiles_ms", it));
            let quantiles = quantiles.collect::<Result<Vec<Nanos>, ProfileError>>()?;
            if quantiles.is_empty() || !quantiles.is_sorted() {
                return Err(ProfileError::Empty("quantiles_ms"));
            }
            Ok(Returning { quantiles })
        });
        // A longer one leaves every ping unanswered.
        let ping_timeout_ms = LinkTerms::default().ping_timeout.as_millis_f64();
        Ok(FunctionProfile {
            burst: burst.transpose()?,
            returning: returning.transpose()?,
            warm_invoke_floor: millis("warm_invoke_floor_ms", warm_invoke_floor_ms)?,
            warm_invoke_tail_mean: millis("warm_invoke_tail_ms_mean", warm_invoke_tail_ms_mean)?,
            cold_start: millis("cold_start_ms", cold_start_ms)?,
            round_trip: millis_below("round_trip_ms", round_trip_ms, ping_timeout_ms)?,
            client_overhead: millis("client_overhead_ms", client_overhead_ms)?,
            straggler_slowdown_mean: in_range(
                "straggler_slowdown_mean",
                straggler_slowdown_mean,
                100.0,
            )?,
            send_buffer: Bytes::new(send_buffer_bytes),
            execution_limit: Nanos::from_seconds_f64(in_range(
                "execution_limit_s",
                execution_limit_s,
                1e6,
            )?),
            bandwidth,
        })
    }
}

impl NetworkFile {
    fn check(self) -> Result<NetworkProfile, ProfileError> {
        let NetworkFile {
            host_memory_mb,
            host_mb_per_s,
            proxy_mb_per_s,
            client_mb_per_s,
            proxy_request_ms,
        } = self;
        let request = proxy_request_ms.map(|it| millis("proxy_request_ms", it)).transpose()?;
        Ok(NetworkProfile {
            request,
            host_memory_mb,
            host: Rate::mb_per_s("host_mb_per_s", host_mb_per_s)?,
            proxy: Rate::mb_per_s("proxy_mb_per_s", proxy_mb_per_s)?,
            client: Rate::mb_per_s("client_mb_per_s", client_mb_per_s)?,
        })
    }
}

impl CodecFile {
    fn check(self, table: &str) -> Result<CodecProfile, ProfileError> {
        let CodecFile { name, encode_ms_per_mb, decode_ms_per_mb } = self;
        Ok(CodecProfile {
            name,
            encode: Rate::ms_per_mb(&format!("{table}.encode_ms_per_mb"), encode_ms_per_mb)?,
            decode: Rate::ms_per_mb(&format!("{table}.decode_ms_per_mb"), decode_ms_per_mb)?,
        })
    }
}

impl ObjectStoreFile {
    fn check(self, table: &str) -> Result<ObjectStoreProfile, ProfileError> {
        /// The 95th percentile of the standard normal distribution.
        const NORMAL_P95: f64 = 1.644_853_626_951_472_2;
        let ObjectStoreFile { name, first_byte_ms_p50, first_byte_ms_p95, mb_per_s } = self;
        let lower = "first_byte_ms_p50";
        let p50 = in_range(&format!("{table}.{lower}"), first_byte_ms_p50, 1e6)?;
        let field = format!("{table}.first_byte_ms_p95");
        let p95 = in_range(&field, first_byte_ms_p95, 1e6)?;
        if p95 < p50 {
            return Err(ProfileError::Percentile { field, value: p95, lower, least: p50 });
        }
        Ok(ObjectStoreProfile {
            name,
            first_byte_s_p50: p50 / 1e3,
            first_byte_log_deviation: libm::log(p95 / p50) / NORMAL_P95,
            transfer: Rate::mb_per_s(&format!("{table}.mb_per_s"), mb_per_s)?,
        })
    }
}

impl Rate {
    fn mb_per_s(field: &str, mb_per_s: f64) -> Result<Rate, ProfileError> {
        Ok(Rate { seconds_per_byte: 1.0 / (1e6 * in_range(field, mb_per_s, 1e9)?) })
    }

    fn ms_per_mb(field: &str, ms_per_mb: f64) -> Result<Rate, ProfileError> {
        Ok(Rate { seconds_per_byte: in_range(field, ms_per_mb, 1e6)? / 1e9 })
    }
}

fn millis(field: &str, millis: f64) -> Result<Nanos, ProfileError> {
    millis_below(field, millis, 1e6)
}

fn millis_below(field: &str, millis: f64, below: f64) -> Result<Nanos, ProfileError> {
    Ok(Nanos::from_seconds_f64(in_range(field, millis, below)? / 1e3))
}

fn in_range(field: &str, value: f64, below: f64) -> Result<f64, ProfileError> {
    if 0.0 < value && value < below {
        Ok(value)
    } else {
        Err(ProfileError::Range { field: field.to_owned(), value, below })
    }
}
