//! The service behind the API: it takes invocations and has them run.

use std::collections::BTreeMap;
use std::convert::Infallible;
use std::hash::{BuildHasher, RandomState};
use std::net::SocketAddr;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use bytes::Bytes;
use tokio::sync::{Semaphore, mpsc, oneshot, watch};
use tokio::time::Instant;
use units::Time;

use super::code::CodeStore;
use super::error::ApiError;
use super::function::{FunctionSpec, REGION};
use super::instance::{Instance, duration, nanos};
use super::invocation::{Answer, Invocation};
use super::keeper::Keeper;
use super::pool::Pool;
use super::usage::UsageLog;
use super::{BANDWIDTH_VARIABLE, PlatformConfig};

/// How long an event waits for an instance where all are taken, before it looks again.
const THROTTLED_PAUSE: Duration = Duration::from_millis(100);
/// What is left for everything around an invocation that has no deadline of its own.
const GRACE: Duration = Duration::from_secs(30);
/// How long a word for the kind of an invocation may be.
const KIND_CHARS_MAX: usize = 32;
/// Longer payloads are not searched for their kind.
const KIND_PAYLOAD_BYTES_MAX: usize = 64 * 1024;

/// All that the parts of a platform share.
#[derive(Debug)]
pub(super) struct Service {
    pub(super) config: PlatformConfig,
    pub(super) address: SocketAddr,
    pub(super) keeper: Keeper,
    pub(super) pool: Pool,
    pub(super) codes: CodeStore,
    pub(super) usage: UsageLog,
    pub(super) stop: watch::Sender<bool>,
    started_at: Instant,
    ids: RequestIds,
    events: Arc<Semaphore>,
    /// A copy is held by every task, so that it can be told when the last one has ended.
    alive: Mutex<Option<mpsc::Sender<Infallible>>>,
}

/// Ids that look like UUIDs and differ from all others of this platform, and most likely from
/// those of any other.
#[derive(Debug, Default)]
struct RequestIds {
    state: RandomState,
    n_ids: AtomicU64,
}

impl Service {
    pub(super) fn new(
        config: PlatformConfig,
        address: SocketAddr,
        keeper: Keeper,
        alive: mpsc::Sender<Infallible>,
    ) -> Service {
        Service {
            address,
            keeper,
            pool: Pool::new(config.n_instances_max as usize),
            codes: CodeStore::default(),
            usage: UsageLog::default(),
            stop: watch::Sender::new(false),
            started_at: Instant::now(),
            ids: RequestIds::default(),
            events: Arc::new(Semaphore::new(config.n_events_max as usize)),
            alive: Mutex::new(Some(alive)),
            config,
        }
    }

    /// Runs a task that [`super::Platform::stop`] waits for.
    pub(super) fn spawn(&self, task: impl Future<Output = ()> + Send + 'static) {
        let alive = self.alive.lock().unwrap_or_else(PoisonError::into_inner).clone();
        tokio::spawn(async move {
            task.await;
            drop(alive);
        });
    }

    /// Lets go of what tells that tasks may still come.
    pub(super) fn finish(&self) {
        self.alive.lock().unwrap_or_else(PoisonError::into_inner).take();
    }

    /// The platform's clock at an instant.
    pub(super) fn time(&self, at: Instant) -> Time {
        Time::START + nanos(at.saturating_duration_since(self.started_at))
    }

    pub(super) fn request_id(&self) -> String {
        self.ids.next()
    }

    /// Runs a function and waits for its answer.
    pub(super) async fn invoke(
        self: &Arc<Service>,
        function: &str,
        request_id: &str,
        payload: Bytes,
        client_context: Option<String>,
    ) -> Result<Answer, ApiError> {
        let timeout = self.pool.get(function)?.timeout;
        let (reply, answer) = oneshot::channel();
        self.dispatch(Invocation {
            function: function.to_owned(),
            request_id: request_id.to_owned(),
            kind: kind(&payload, &self.config.kind_field),
            payload,
            client_context,
            received_at: Instant::now(),
            reply,
        });
        let config = &self.config;
        let delays = config.cold_start + config.warm_start + config.init_timeout;
        match tokio::time::timeout(duration(timeout + delays) + GRACE, answer).await {
            Ok(Ok(answer)) => answer,
            Ok(Err(_)) => Err(ApiError::Service("the platform has stopped".to_owned())),
            Err(_) => Err(ApiError::Service("the invocation was lost".to_owned())),
        }
    }

    /// Runs a function some time. At most so many wait as the configuration says.
    pub(super) fn invoke_later(
        self: &Arc<Service>,
        function: &str,
        request_id: &str,
        payload: Bytes,
        client_context: Option<String>,
    ) -> Result<(), ApiError> {
        self.pool.get(function)?;
        let permit = Arc::clone(&self.events).try_acquire_owned().map_err(|_| {
            let n_events_max = self.config.n_events_max;
            ApiError::TooManyRequests(format!("Rate Exceeded: {n_events_max} events are waiting"))
        })?;
        let service = Arc::clone(self);
        let (function, request_id) = (function.to_owned(), request_id.to_owned());
        self.spawn(async move {
            let mut stop = service.stop.subscribe();
            tokio::select! {
                () = service.run_event(&function, &request_id, &payload, client_context) => {}
                _ = stop.wait_for(|it| *it) => {}
            }
            drop(permit);
        });
        Ok(())
    }

    async fn run_event(
        self: &Arc<Service>,
        function: &str,
        request_id: &str,
        payload: &Bytes,
        client_context: Option<String>,
    ) {
        let mut retry_delays = self.config.event_retry_delays.iter();
        loop {
            let context = client_context.clone();
            let failure = match self.invoke(function, request_id, payload.clone(), context).await {
                Ok(Answer { result: Ok(_), .. }) => return,
                Ok(Answer { result: Err(error), .. }) => error.error_type,
                Err(ApiError::TooManyRequests(_)) => {
                    tokio::time::sleep(THROTTLED_PAUSE).await;
                    continue;
                }
                Err(err) => err.code().to_owned(),
            };
            let Some(delay) = retry_delays.next() else {
                tracing::warn!(function, request_id, failure, "an event was not processed");
                return;
            };
            tokio::time::sleep(duration(*delay)).await;
        }
    }

    /// Hands an invocation to an instance, a new one where none is idle.
    pub(super) fn dispatch(self: &Arc<Service>, invocation: Invocation) {
        if let Some(new) = self.pool.take(invocation) {
            self.spawn(Instance::run(Arc::clone(self), new));
        }
    }

    /// What a process finds in its environment: what AWS puts there, how to reach this platform
    /// in the place of AWS, and what was set for the function.
    pub(super) fn environment(
        &self,
        spec: &FunctionSpec,
        runtime_api: SocketAddr,
    ) -> BTreeMap<String, String> {
        let root = spec.code.root().display().to_string();
        let date = jiff::Timestamp::now().strftime("%Y/%m/%d");
        let stream = self.request_id().replace('-', "");
        let mut environment = spec.environment.clone();
        let mut set = |name: &str, value: String| {
            environment.entry(name.to_owned()).or_insert(value);
        };
        set("AWS_LAMBDA_RUNTIME_API", runtime_api.to_string());
        set("AWS_LAMBDA_FUNCTION_NAME", spec.name.clone());
        set("AWS_LAMBDA_FUNCTION_MEMORY_SIZE", spec.memory_mb.to_string());
        set("AWS_LAMBDA_FUNCTION_VERSION", "$LATEST".to_owned());
        set("AWS_LAMBDA_INITIALIZATION_TYPE", "on-demand".to_owned());
        set("AWS_LAMBDA_LOG_GROUP_NAME", format!("/aws/lambda/{}", spec.name));
        set("AWS_LAMBDA_LOG_STREAM_NAME", format!("{date}/[$LATEST]{stream}"));
        set("AWS_REGION", REGION.to_owned());
        set("AWS_DEFAULT_REGION", REGION.to_owned());
        set("AWS_ACCESS_KEY_ID", "local".to_owned());
        set("AWS_SECRET_ACCESS_KEY", "local".to_owned());
        set("AWS_ENDPOINT_URL_LAMBDA", format!("http://{}", self.address));
        set("LAMBDA_TASK_ROOT", root.clone());
        set("LAMBDA_RUNTIME_DIR", root);
        set("_HANDLER", spec.handler.clone());
        set("PATH", "/usr/local/bin:/usr/bin:/bin".to_owned());
        set("LANG", "en_US.UTF-8".to_owned());
        set("TZ", ":UTC".to_owned());
        if let Some(bytes_per_second) = self.config.bandwidth_bytes_per_second {
            set(BANDWIDTH_VARIABLE, bytes_per_second.to_string());
        }
        environment
    }
}

impl RequestIds {
    fn next(&self) -> String {
        let n_ids = self.n_ids.fetch_add(1, Ordering::Relaxed);
        let [high, low] = [0_u8, 1].map(|half| self.state.hash_one((n_ids, half)));
        // The marks of a UUID of version 4, variant 1.
        let high = high & !0xf000 | 0x4000;
        let low = low & !(0b11 << 62) | 0b10 << 62;
        format!(
            "{:08x}-{:04x}-{:04x}-{:04x}-{:012x}",
            high >> 32,
            high >> 16 & 0xffff,
            high & 0xffff,
            low >> 48,
            low & 0xffff_ffff_ffff,
        )
    }
}

/// What a payload says it is for.
fn kind(payload: &[u8], field: &str) -> String {
    if KIND_PAYLOAD_BYTES_MAX < payload.len() {
        return String::new();
    }
    let payload: serde_json::Value = serde_json::from_slice(payload).unwrap_or_default();
    let kind = payload.get(field).and_then(serde_json::Value::as_str).unwrap_or_default();
    kind.chars().take(KIND_CHARS_MAX).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_kind_is_the_word_in_its_field() {
        #[track_caller]
        fn check(payload: &str, expect: &str) {
            assert_eq!(kind(payload.as_bytes(), "kind"), expect, "{payload}");
        }
        check(r#"{"kind":"warmup","id":7}"#, "warmup");
        check(r#"{"kind":7}"#, "");
        check(r#"{"cmd":"warmup"}"#, "");
        check("[]", "");
        check("{", "");
        check(&format!(r#"{{"kind":"{}"}}"#, "x".repeat(99)), &"x".repeat(32));
    }

    #[test]
    fn request_ids_are_uuids_and_differ() {
        let ids = RequestIds::default();
        let made: std::collections::BTreeSet<String> = (0..1_000).map(|_| ids.next()).collect();
        assert_eq!(made.len(), 1_000);
        for id in made {
            let lengths: Vec<usize> = id.split('-').map(str::len).collect();
            assert_eq!(lengths, [8, 4, 4, 4, 12]);
            assert_eq!(&id[14..15], "4");
            assert!(matches!(&id[19..20], "8" | "9" | "a" | "b"), "{id}");
        }
    }
}
