//! Peers that do not keep to the API, on either side.

use std::time::Duration;

use live::platform::local::{Platform, PlatformConfig, SandboxCommand};
use serde_json::json;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;

use super::support::Setup;

/// What a platform answers to these bytes, up to the end of the connection.
async fn exchange(platform: &Platform, request: &str) -> String {
    let mut stream = TcpStream::connect(platform.address()).await.unwrap();
    stream.write_all(request.as_bytes()).await.unwrap();
    let mut response = Vec::new();
    let read = stream.read_to_end(&mut response);
    tokio::time::timeout(Duration::from_secs(30), read).await.unwrap().unwrap();
    String::from_utf8_lossy(&response).into_owned()
}

#[tokio::test(flavor = "multi_thread")]
async fn what_is_not_of_the_api_is_refused() {
    let setup = Setup::new(|_| {}).await;
    setup.create(|_| {});
    let check = async |request: &str, expect: &str| {
        let response = exchange(&setup.platform, request).await;
        assert!(response.contains(expect), "{request}\n{response}");
    };
    let signed = "Host: 127.0.0.1\r\nAuthorization: AWS4-HMAC-SHA256 x\r\nConnection: close\r\n";
    let functions = "/2015-03-31/functions";
    let unsigned = format!("GET {functions} HTTP/1.1\r\nHost: 127.0.0.1\r\nConnection: close\r\n");
    check(&format!("{unsigned}\r\n"), "MissingAuthenticationToken").await;
    let rebound = signed.replace("127.0.0.1", "evil.example");
    check(&format!("GET {functions} HTTP/1.1\r\n{rebound}\r\n"), "evil.example").await;
    check(&format!("GET {functions} HTTP/1.1\r\n{signed}\r\n"), "\"answer\"").await;
    check(&format!("GET {functions}/ HTTP/1.1\r\n{signed}\r\n"), "\"answer\"").await;
    let by_name = signed.replace("127.0.0.1", "localhost:9001");
    check(&format!("GET {functions} HTTP/1.1\r\n{by_name}\r\n"), "\"answer\"").await;
    check(&format!("PATCH {functions} HTTP/1.1\r\n{signed}\r\n"), "UnknownOperation").await;
    check(&format!("GET /%ff HTTP/1.1\r\n{signed}\r\n"), "UnknownOperation").await;
    check(&format!("GET {functions}/%2e%2e HTTP/1.1\r\n{signed}\r\n"), "InvalidParameter").await;
    let invoke = format!("POST {functions}/answer/invocations HTTP/1.1\r\n{signed}");
    let large = format!("{invoke}Content-Length: 7000000\r\n\r\n{}", "x".repeat(100));
    check(&large, "413 Payload Too Large").await;
    let odd = "X-Amz-Invocation-Type: Odd\r\nContent-Length: 0\r\n";
    check(&format!("{invoke}{odd}\r\n"), "`Odd` is not an invocation type").await;
    check("not HTTP at all\r\n\r\n", "400 Bad Request").await;
    assert_eq!(setup.platform.usage().n_starts, 0);
    // And whoever keeps to it is served.
    setup.answer(json!({})).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_caller_that_vanishes_leaves_the_function_as_it_should_be() {
    let setup = Setup::new(|_| {}).await;
    setup.create(|_| {});
    let directory = tempfile::tempdir().unwrap();
    let path = directory.path().join("go");
    let payload = json!({ "do": "wait", "path": path }).to_string();
    let mut stream = TcpStream::connect(setup.platform.address()).await.unwrap();
    let head = format!(
        "POST /2015-03-31/functions/answer/invocations HTTP/1.1\r\nHost: localhost\r\n\
         Authorization: any\r\nContent-Length: {}\r\n\r\n{payload}",
        payload.len(),
    );
    stream.write_all(head.as_bytes()).await.unwrap();
    let is_there = || !setup.platform.instances("answer").unwrap().is_empty();
    super::support::until("started", is_there).await;
    drop(stream);
    std::fs::write(&path, "").unwrap();
    super::support::until("done", || {
        setup.platform.usage().by_kind.values().any(|it| it.n_invocations == 1)
    })
    .await;
    assert_eq!(setup.answer(json!({})).await["n_invocations"], 2);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_function_is_held_to_the_runtime_api() {
    // A shell script that talks to the Runtime API with curl would need curl; this one says
    // nothing to it at all, and ends.
    let setup = Setup::new(|_| {}).await;
    setup.create(|it| it.program = "/bin/true".into());
    let output = super::support::invoke(&setup.client, json!({})).await;
    assert_eq!(super::support::json(&output)["errorType"], "Runtime.ExitError");
    let missing = SandboxCommand { program: "/no/such/sandbox".into(), arguments: Vec::new() };
    let setup = Setup::new(|it: &mut PlatformConfig| it.sandbox = missing).await;
    setup.create(|_| {});
    let output = super::support::invoke(&setup.client, json!({})).await;
    assert_eq!(super::support::json(&output)["errorType"], "Runtime.InvalidEntrypoint");
}

#[tokio::test(flavor = "multi_thread")]
async fn nothing_listens_beyond_loopback_unless_asked() {
    let sandbox = SandboxCommand { program: "/bin/false".into(), arguments: Vec::new() };
    let config = PlatformConfig {
        listen: "0.0.0.0:0".parse().unwrap(),
        ..PlatformConfig::on_loopback(sandbox)
    };
    let refused = Platform::start(config.clone()).await.unwrap_err();
    assert!(refused.to_string().contains("other machines"), "{refused}");
    let config = PlatformConfig { may_listen_beyond_loopback: true, ..config };
    assert!(Platform::start(config).await.is_ok());
}
