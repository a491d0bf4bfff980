//! A platform, a client for it, and what is to be seen of processes.

use std::path::{Path, PathBuf};
use std::time::Duration;

use aws_sdk_lambda::Client;
use aws_sdk_lambda::config::retry::RetryConfig;
use aws_sdk_lambda::config::{BehaviorVersion, Config, Credentials, Region};
use aws_sdk_lambda::operation::invoke::InvokeOutput;
use aws_sdk_lambda::primitives::Blob;
use live::platform::local::{NewFunction, Platform, PlatformConfig, SandboxCommand};
use serde_json::Value;
use units::Nanos;

/// How long anything here may take before it counts as not happening.
const PATIENCE: Duration = Duration::from_mins(1);

/// A platform with a client.
pub(crate) struct Setup {
    pub(crate) platform: Platform,
    pub(crate) client: Client,
}

impl Setup {
    pub(crate) async fn new(change: impl FnOnce(&mut PlatformConfig)) -> Setup {
        let program = env!("CARGO_BIN_EXE_sandbox").into();
        let sandbox = SandboxCommand { program, arguments: Vec::new() };
        let mut config = PlatformConfig::on_loopback(sandbox);
        change(&mut config);
        let platform = Platform::start(config).await.unwrap();
        let client = client(&platform.endpoint_url());
        Setup { platform, client }
    }

    /// Creates the function `answer` with the settings that `change` leaves.
    pub(crate) fn create(&self, change: impl FnOnce(&mut NewFunction)) {
        let mut function = NewFunction {
            name: "answer".to_owned(),
            program: example("answer"),
            memory_mb: 128,
            timeout: Nanos::seconds(60),
            environment: [].into(),
        };
        change(&mut function);
        self.platform.create_function(function).unwrap();
    }

    /// Invokes the function `answer` and gives its answer.
    pub(crate) async fn answer(&self, payload: Value) -> Value {
        answer(&self.client, payload).await
    }
}

pub(crate) fn client(endpoint_url: &str) -> Client {
    let config = Config::builder()
        .behavior_version(BehaviorVersion::v2026_01_12())
        .region(Region::new("us-east-1"))
        .credentials_provider(Credentials::new("local", "local", None, None, "tests"))
        .retry_config(RetryConfig::disabled())
        .http_client(aws_smithy_http_client::Builder::new().build_http())
        .endpoint_url(endpoint_url)
        .build();
    Client::from_conf(config)
}

/// Invokes the function `answer`, which must not fail.
pub(crate) async fn answer(client: &Client, payload: Value) -> Value {
    let output = invoke(client, payload).await;
    assert_eq!(output.function_error(), None, "{:?}", json(&output));
    json(&output)
}

pub(crate) async fn invoke(client: &Client, payload: Value) -> InvokeOutput {
    let asked = client.invoke().function_name("answer").payload(blob(&payload)).send();
    tokio::time::timeout(PATIENCE, asked).await.unwrap().unwrap()
}

pub(crate) fn blob(payload: &Value) -> Blob {
    Blob::new(payload.to_string())
}

pub(crate) fn json(output: &InvokeOutput) -> Value {
    serde_json::from_slice(output.payload().unwrap().as_ref()).unwrap()
}

/// A program in examples/, which cargo builds with the tests.
pub(crate) fn example(name: &str) -> PathBuf {
    let test = std::env::current_exe().unwrap();
    let profile = test.parent().and_then(Path::parent).unwrap();
    let path = profile.join("examples").join(name);
    assert!(path.exists(), "{} is not built: run `cargo test -p live`", path.display());
    path
}

/// The state of a process: `T` if it is stopped, `S` or `R` if it runs; `None` if it is gone, or
/// only waits for its parent to take note.
pub(crate) fn state(process: u64) -> Option<char> {
    stat(process, 3)?.chars().next().filter(|it| !"ZX".contains(*it))
}

/// How a process is scheduled: 0 as most are, 3 if it waits for its turn (`SCHED_BATCH`).
pub(crate) fn scheduling(process: u64) -> Option<String> {
    stat(process, 41)
}

/// A field of proc_pid_stat(5), by its number there, which is 3 or more.
fn stat(process: u64, number: usize) -> Option<String> {
    let text = std::fs::read_to_string(format!("/proc/{process}/stat")).ok()?;
    let (_, fields) = text.rsplit_once(") ").unwrap();
    fields.split(' ').nth(number - 3).map(str::to_owned)
}

/// Waits until something is so.
#[track_caller]
pub(crate) fn until(what: &str, mut is_so: impl FnMut() -> bool) -> impl Future<Output = ()> {
    let caller = std::panic::Location::caller();
    let what = what.to_owned();
    async move {
        let waited = async {
            while !is_so() {
                tokio::time::sleep(Duration::from_millis(2)).await;
            }
        };
        assert!(tokio::time::timeout(PATIENCE, waited).await.is_ok(), "not {what}, {caller}");
    }
}
