//! The Lambda API as aws-sdk-lambda speaks it.

use std::io::{Cursor, Write};

use aws_sdk_lambda::error::ProvideErrorMetadata;
use aws_sdk_lambda::primitives::Blob;
use aws_sdk_lambda::types::{Environment, FunctionCode, InvocationType, LogType, Runtime, State};
use base64::Engine;
use base64::prelude::BASE64_STANDARD;
use serde_json::json;
use units::Nanos;
use zip::ZipWriter;
use zip::write::SimpleFileOptions;

use super::support::{Setup, example, invoke, json as payload_of, until};

/// A package of a script that becomes the program.
fn package() -> Blob {
    let mut writer = ZipWriter::new(Cursor::new(Vec::new()));
    let options = SimpleFileOptions::default().unix_permissions(0o755);
    writer.start_file("bootstrap", options).unwrap();
    write!(writer, "#!/bin/sh\nexec {}\n", example("answer").display()).unwrap();
    Blob::new(writer.finish().unwrap().into_inner())
}

#[tokio::test(flavor = "multi_thread")]
async fn a_function_is_created_told_of_changed_and_deleted() {
    let Setup { platform, client } = Setup::new(|_| {}).await;
    let variables = Environment::builder().variables("MODE", "fast").build();
    let created = client
        .create_function()
        .function_name("answer")
        .role("arn:aws:iam::123456789012:role/any")
        .runtime(Runtime::from("provided.al2023"))
        .handler("bootstrap")
        .code(FunctionCode::builder().zip_file(package()).build())
        .memory_size(512)
        .timeout(20)
        .environment(variables)
        .send()
        .await
        .unwrap();
    let arn = "arn:aws:lambda:us-east-1:123456789012:function:answer";
    assert_eq!(created.function_arn(), Some(arn));
    assert_eq!(created.state(), Some(&State::Active));
    assert_eq!((created.memory_size(), created.timeout()), (Some(512), Some(20)));

    let got = client.get_function().function_name(arn).send().await.unwrap();
    let configuration = got.configuration().unwrap();
    assert_eq!(configuration.code_sha256(), created.code_sha256());
    assert_eq!(configuration.code_size(), i64::try_from(package().as_ref().len()).unwrap());
    assert_eq!(got.code().unwrap().repository_type(), Some("S3"));

    let answer = invoke(&client, json!({})).await;
    assert_eq!(payload_of(&answer)["mode"], "fast");
    assert_eq!(payload_of(&answer)["function_arn"], arn);

    let changed = client
        .update_function_configuration()
        .function_name("answer")
        .timeout(30)
        .environment(Environment::builder().variables("MODE", "slow").build())
        .send()
        .await
        .unwrap();
    assert_eq!((changed.memory_size(), changed.timeout()), (Some(512), Some(30)));
    assert_ne!(changed.revision_id(), created.revision_id());
    let got = client.get_function_configuration().function_name("answer").send().await.unwrap();
    assert_eq!(got.timeout(), Some(30));
    assert_eq!(payload_of(&invoke(&client, json!({})).await)["mode"], "slow");

    client.delete_function().function_name("answer").send().await.unwrap();
    let gone = client.get_function().function_name("answer").send().await.unwrap_err();
    assert!(gone.into_service_error().is_resource_not_found_exception());
    platform.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn functions_are_listed_page_by_page() {
    let setup = Setup::new(|_| {}).await;
    for index in 0..7 {
        setup.create(|it| it.name = format!("node-{index}"));
    }
    let pages = setup.client.list_functions().into_paginator().page_size(3).items().send();
    let listed: Vec<_> = pages.collect::<Result<_, _>>().await.unwrap();
    let names: Vec<_> = listed.iter().filter_map(|it| it.function_name()).collect();
    assert_eq!(names, (0..7).map(|it| format!("node-{it}")).collect::<Vec<_>>());
}

#[tokio::test(flavor = "multi_thread")]
async fn errors_are_those_the_sdk_knows() {
    #[track_caller]
    fn check<E: ProvideErrorMetadata, T: std::fmt::Debug>(
        result: Result<T, aws_sdk_lambda::error::SdkError<E>>,
        code: &str,
        message: &str,
    ) {
        let Err(err) = result else { panic!("no {code}") };
        assert_eq!(err.code(), Some(code));
        let said = err.message().unwrap_or_default();
        assert!(said.contains(message), "{said}");
    }
    let setup = Setup::new(|_| {}).await;
    setup.create(|_| {});
    let client = &setup.client;
    let local =
        |path: &str| FunctionCode::builder().s3_bucket("local-program").s3_key(path).build();
    let create = |name: &str, code: FunctionCode| {
        let request = client.create_function().function_name(name).code(code);
        request.role("arn:aws:iam::123456789012:role/any").send()
    };

    let missing = client.invoke().function_name("missing").send().await;
    check(missing, "ResourceNotFoundException", "function:missing");
    let program = example("answer").display().to_string();
    check(create("answer", local(&program)).await, "ResourceConflictException", "answer");
    let invalid = "InvalidParameterValueException";
    check(create("no name", local(&program)).await, invalid, "no name");
    check(create("new", local("/no/such/program")).await, invalid, "/no/such/program");
    let elsewhere = FunctionCode::builder().s3_bucket("a-bucket").s3_key("code.zip").build();
    check(create("new", elsewhere).await, invalid, "there is no S3 here");
    let garbage = FunctionCode::builder().zip_file(Blob::new("garbage")).build();
    check(create("new", garbage).await, invalid, "Could not unzip");
    let change = || client.update_function_configuration().function_name("answer");
    check(change().memory_size(1).send().await, invalid, "memorySize");
    let reserved = Environment::builder().variables("AWS_REGION", "x").build();
    check(change().environment(reserved).send().await, invalid, "AWS_REGION");
    let version = client.invoke().function_name("answer").qualifier("7").send().await;
    check(version, "ResourceNotFoundException", "version");
    let payload = Blob::new("{not json");
    let garbled = client.invoke().function_name("answer").payload(payload).send().await;
    check(garbled, "InvalidRequestContentException", "json");
    let payload = Blob::new(format!("\"{}\"", "x".repeat(6 * 1024 * 1024)));
    let large = client.invoke().function_name("answer").payload(payload).send().await;
    check(large, "RequestTooLargeException", "6291456");
    // Nothing of all this has come to the function, nor made one.
    assert_eq!(setup.platform.usage().n_starts, 0);
    assert_eq!(client.list_functions().send().await.unwrap().functions().len(), 1);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_failure_of_the_function_is_an_answer() {
    let setup = Setup::new(|_| {}).await;
    setup.create(|_| {});
    let check = async |payload: serde_json::Value, error_type: &str, message: &str| {
        let output = invoke(&setup.client, payload).await;
        assert_eq!(output.status_code(), 200);
        assert_eq!(output.function_error(), Some("Unhandled"));
        let answer = payload_of(&output);
        let said = answer["errorMessage"].as_str().unwrap();
        assert!(said.contains(message), "{answer}");
        let named = answer["errorType"].as_str().unwrap();
        assert!(named.contains(error_type), "{answer}");
    };
    check(json!({ "do": "fail" }), "Error", "it was asked to fail").await;
    check(json!({ "do": "panic" }), "", "it was asked to panic").await;
    // One process up to here: neither ends it.
    assert_eq!(setup.platform.usage().n_starts, 1);
    check(json!({ "do": "exit" }), "Runtime.ExitError", "exit status: 7").await;
    check(json!({ "do": "allocate", "mib": 200 }), "Runtime.OutOfMemory", "killed").await;
    let large = json!({ "do": "large", "bytes": 6 * 1024 * 1024 + 200 });
    check(large, "Function.ResponseSizeTooLarge", "exceeded").await;
    let change = || setup.client.update_function_configuration().function_name("answer");
    change().timeout(1).send().await.unwrap();
    check(json!({ "do": "hang" }), "Sandbox.Timedout", "Task timed out after 1.00 seconds").await;
    let at_start = |what: &str| Environment::builder().variables("AT_START", what).build();
    change().environment(at_start("exit")).send().await.unwrap();
    check(json!({}), "Runtime.ExitError", "exit status: 3").await;
    // After all this it serves as ever.
    change().environment(Environment::builder().build()).send().await.unwrap();
    assert_eq!(setup.answer(json!({})).await["n_invocations"], 1);
    let failed = setup.platform.take_records();
    assert_eq!(failed.iter().filter(|it| it.error_type.is_some()).count(), 7);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_function_that_does_not_start_in_time_is_an_answer() {
    let setup = Setup::new(|it| it.init_timeout = Nanos::millis(200)).await;
    setup.create(|it| it.environment = [("AT_START".to_owned(), "hang".to_owned())].into());
    let output = invoke(&setup.client, json!({})).await;
    assert_eq!(payload_of(&output)["errorType"], "Sandbox.Timedout");
    until("gone", || setup.platform.instances("answer").unwrap().is_empty()).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn the_caller_sees_the_end_of_the_log_if_it_asks() {
    let setup = Setup::new(|_| {}).await;
    setup.create(|_| {});
    let asked = setup.client.invoke().function_name("answer").log_type(LogType::Tail);
    let payload = Blob::new(json!({ "do": "print", "line": "a line of its own" }).to_string());
    let output = asked.payload(payload).send().await.unwrap();
    assert_eq!(output.executed_version(), Some("$LATEST"));
    let log = BASE64_STANDARD.decode(output.log_result().unwrap()).unwrap();
    let log = String::from_utf8(log).unwrap();
    let lines: Vec<&str> = log.lines().collect();
    let [start, printed, end, report] = lines[..] else { panic!("{log}") };
    let request_id = payload_of(&output)["request_id"].as_str().unwrap().to_owned();
    assert_eq!(start, format!("START RequestId: {request_id} Version: $LATEST"));
    assert_eq!(printed, "a line of its own");
    assert_eq!(end, format!("END RequestId: {request_id}"));
    assert!(report.starts_with(&format!("REPORT RequestId: {request_id}\tDuration: ")), "{log}");
    assert!(report.contains("Memory Size: 128 MB\t") && report.contains("Init Duration: "));
    let quiet = setup.client.invoke().function_name("answer").send().await.unwrap();
    assert_eq!(quiet.log_result(), None);
}

#[tokio::test(flavor = "multi_thread")]
async fn an_event_is_run_later_and_a_dry_run_not_at_all() {
    let setup = Setup::new(|it| {
        it.n_events_max = 1;
        it.event_retry_delays = vec![Nanos::MILLISECOND; 2];
    })
    .await;
    setup.create(|_| {});
    let send = |how: InvocationType, payload: serde_json::Value| {
        let payload = Blob::new(payload.to_string());
        let asked = setup.client.invoke().function_name("answer").payload(payload);
        asked.invocation_type(how).send()
    };
    let dry = send(InvocationType::DryRun, json!({})).await.unwrap();
    assert_eq!(dry.status_code(), 204);
    let event = send(InvocationType::Event, json!({ "do": "fail" })).await.unwrap();
    assert_eq!(event.status_code(), 202);
    // Once, and again after each delay.
    let has_failed = || setup.platform.usage().by_kind.values().any(|it| it.n_invocations == 3);
    until("tried again", has_failed).await;

    let directory = tempfile::tempdir().unwrap();
    let path = directory.path().join("go");
    let wait = json!({ "do": "wait", "path": path });
    let mut accepted = send(InvocationType::Event, wait.clone()).await;
    while accepted.is_err() {
        // The one before may not have given its place away yet.
        accepted = send(InvocationType::Event, wait.clone()).await;
    }
    let refused = send(InvocationType::Event, json!({})).await.unwrap_err();
    assert!(refused.into_service_error().is_too_many_requests_exception());
    std::fs::write(&path, "").unwrap();
    until("run", || setup.platform.usage().by_kind.values().any(|it| it.n_invocations == 4)).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn the_context_of_the_caller_comes_to_the_function() {
    let setup = Setup::new(|_| {}).await;
    setup.create(|_| {});
    let context = json!({
        "client": { "installation_id": "i", "app_title": "t", "app_version_name": "v",
                    "app_version_code": "c", "app_package_name": "p" },
        "custom": { "who": "a test" }, "env": {},
    });
    let asked = setup.client.invoke().function_name("answer");
    let output =
        asked.client_context(BASE64_STANDARD.encode(context.to_string())).send().await.unwrap();
    assert_eq!(payload_of(&output)["client_context"]["custom"]["who"], "a test");
    let asked = setup.client.invoke().function_name("answer");
    let garbled = asked.client_context("not base64!").send().await.unwrap_err();
    assert_eq!(garbled.code(), Some("InvalidRequestContentException"));
}
