//! The cache as it runs: functions are processes behind the Lambda API, frozen between their
//! invocations.

use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Duration;

use aws_sdk_lambda::Client;
use aws_sdk_lambda::config::retry::RetryConfig;
use aws_sdk_lambda::config::{BehaviorVersion, Config, Credentials, Region};
use live::client::Outcome;
use live::platform::local::{NewFunction, Platform, PlatformConfig, SandboxCommand};
use live::proxy::{LambdaInvoker, Proxy};
use units::{Bytes as Amount, Nanos};

use crate::pool::{config, connect, object, run};

/// A program in examples/, which cargo builds with the tests.
fn example(name: &str) -> PathBuf {
    let test = std::env::current_exe().unwrap();
    let path = test.parent().and_then(Path::parent).unwrap().join("examples").join(name);
    assert!(path.exists(), "{} is not built: run `cargo test -p live`", path.display());
    path
}

fn lambda(platform: &Platform) -> Client {
    let config = Config::builder()
        .behavior_version(BehaviorVersion::v2026_01_12())
        .region(Region::new("us-east-1"))
        .credentials_provider(Credentials::new("local", "local", None, None, "tests"))
        .retry_config(RetryConfig::disabled())
        .http_client(aws_smithy_http_client::Builder::new().build_http())
        .endpoint_url(platform.endpoint_url())
        .build();
    Client::from_conf(config)
}

/// A platform with six functions of 2 GB.
async fn platform() -> Platform {
    let program = env!("CARGO_BIN_EXE_sandbox").into();
    let sandbox = SandboxCommand { program, arguments: Vec::new() };
    let platform = Platform::start(PlatformConfig::on_loopback(sandbox)).await.unwrap();
    for node in 0..6 {
        let function = NewFunction {
            name: format!("node-{node}"),
            program: example("node"),
            memory_mb: 2048,
            timeout: Nanos::seconds(60),
            environment: [].into(),
        };
        platform.create_function(function).unwrap();
    }
    platform
}

#[test]
fn chunks_outlive_invocations_in_frozen_processes_and_not_their_death() {
    run(async {
        let platform = platform().await;
        let invoker = Arc::new(LambdaInvoker::new(lambda(&platform), "node-"));
        let proxy = Proxy::start(config(), invoker).await.unwrap();
        assert!(proxy.ready(Duration::from_secs(30)).await, "functions come up");
        let client = connect(&proxy).await;
        client.put(b"song", object("song", 1, 2_000_000)).await.unwrap();

        // All return in the end, and are frozen; the next read thaws them.
        let all = || (0..6).flat_map(|it| platform.instances(&format!("node-{it}")).unwrap());
        let n_before = proxy.metrics().n_invocations_serve.get();
        while all().any(|it| !it.is_idle) {
            tokio::time::sleep(Duration::from_millis(20)).await;
        }
        let fetched = client.get(b"song").await.unwrap();
        assert!(fetched.object == Some(object("song", 1, 2_000_000)));
        assert_eq!(fetched.n_lost, 0);
        assert!(n_before < proxy.metrics().n_invocations_serve.get());
        assert_eq!(all().count(), 6, "no second instances");

        for node in [2, 5] {
            assert!(platform.kill(&format!("node-{node}"), 0));
        }
        let fetched = client.get(b"song").await.unwrap();
        assert!(fetched.object == Some(object("song", 1, 2_000_000)));
        for node in 0..6 {
            // One that is only just started has no process yet, and no chunk either.
            platform.kill(&format!("node-{node}"), 0);
        }
        assert_eq!(client.get(b"song").await.unwrap().outcome, Outcome::Reset);
        assert!(6 <= platform.usage().n_starts);
        proxy.stop().await;
        platform.stop().await;
    });
}

#[test]
fn what_makes_way_leaves_no_holes_in_the_memory_of_a_function() {
    run(async {
        let platform = platform().await;
        let invoker = Arc::new(LambdaInvoker::new(lambda(&platform), "node-"));
        let mut config = config();
        (config.node_memory, config.node_overhead) = (Amount::megabytes(40), Amount::ZERO);
        let proxy = Proxy::start(config, invoker).await.unwrap();
        assert!(proxy.ready(Duration::from_secs(30)).await, "functions come up");
        let client = connect(&proxy).await;
        // A quarter of each lies in each function: from 75 kB to 9.6 MB.
        for number in 0..200 {
            let n_bytes = (3_000 << (number * 5 % 7)) * (100 + number * 37 % 100);
            let key = format!("object {}", number % 80);
            let object = object(&key, 1, n_bytes);
            client.put(key.as_bytes(), object).await.unwrap();
        }
        assert!(0 < proxy.metrics().n_evictions.get());
        client.settled().await;
        proxy.stop().await;
        let records = platform.take_records();
        let most = records.iter().map(|it| it.memory_used_max).max().unwrap();
        // It would be 64 MB and more with those holes, 45 MB without.
        assert!(most < Amount::megabytes(55), "{most}");
        platform.stop().await;
    });
}
