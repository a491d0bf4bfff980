//! When instances start, freeze, run, and go.

use live::platform::local::{ReclaimPlan, Reclaimed};
use serde_json::{Value, json};
use units::{Nanos, Time};

use super::support::{Setup, answer, invoke, json as payload_of, scheduling, state, until};

fn process(answer: &Value) -> u64 {
    answer["process"].as_u64().unwrap()
}

#[tokio::test(flavor = "multi_thread")]
async fn memory_survives_between_invocations_and_an_idle_instance_is_frozen() {
    let setup = Setup::new(|_| {}).await;
    setup.create(|it| it.environment = [("MODE".to_owned(), "fast".to_owned())].into());
    let first = setup.answer(json!({ "do": "echo" })).await;
    // The signal has been sent; it takes effect when the process would run next.
    until("frozen", || state(process(&first)) == Some('T')).await;
    let second = setup.answer(json!({ "do": "echo" })).await;
    assert_eq!(second["n_invocations"], 2);
    assert_eq!(second["process"], first["process"]);
    assert_ne!(second["request_id"], first["request_id"]);
    assert_eq!(second["mode"], "fast");
    assert_eq!(second["memory_mb"], 128);
    assert_eq!(second["n_files_max"], 1_024);
    assert_eq!(second["task_root"], second["directory"]);
    assert_eq!(second["bandwidth"], "");
    assert_eq!(scheduling(process(&first)).as_deref(), Some("3"));
    assert_eq!(setup.platform.usage().n_starts, 1);
    setup.platform.stop().await;
    assert_eq!(state(process(&first)), None);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_busy_function_gets_a_second_instance_and_the_last_used_is_taken_first() {
    let setup = Setup::new(|it| it.n_instances_max = 2).await;
    setup.create(|_| {});
    let directory = tempfile::tempdir().unwrap();
    let path = directory.path().join("go");
    let (client, wait) = (setup.client.clone(), json!({ "do": "wait", "path": path }));
    let slow = tokio::spawn(async move { answer(&client, wait).await });
    let is_busy = |nth: usize| {
        let instances = setup.platform.instances("answer").unwrap();
        instances.get(nth).is_some_and(|it| !it.is_idle)
    };
    until("busy", || is_busy(0)).await;
    let quick = setup.answer(json!({})).await;
    assert_eq!(setup.answer(json!({})).await["process"], quick["process"]);

    // Both are taken now, and there may be no third.
    let (client, wait) = (setup.client.clone(), json!({ "do": "wait", "path": path }));
    let other = tokio::spawn(async move { answer(&client, wait).await });
    until("busy", || is_busy(1)).await;
    let refused = setup.client.invoke().function_name("answer").send().await.unwrap_err();
    assert!(refused.into_service_error().is_too_many_requests_exception());

    std::fs::write(&path, "").unwrap();
    let (slow, other) = (slow.await.unwrap(), other.await.unwrap());
    assert_eq!(other["process"], quick["process"]);
    assert_ne!(slow["process"], quick["process"]);

    // Which of the two ended last is not ours to say; but who is used then is used again.
    let next = setup.answer(json!({})).await;
    for _ in 0..5 {
        assert_eq!(setup.answer(json!({})).await["process"], next["process"]);
    }
    // The other one is taken only where the last used is busy.
    let instances = setup.platform.instances("answer").unwrap();
    let first = instances.first().and_then(|it| it.process);
    assert_eq!(first.map(i64::from), next["process"].as_i64());
    assert_eq!(setup.platform.reclaim("answer", 0), Some(Reclaimed::Now));
    assert_ne!(setup.answer(json!({})).await["process"], next["process"]);
    assert_eq!(setup.platform.usage().n_starts, 2);
}

#[tokio::test(flavor = "multi_thread")]
async fn an_idle_instance_is_reclaimed_at_once_and_a_busy_one_when_it_returns() {
    let setup = Setup::new(|_| {}).await;
    setup.create(|_| {});
    let first = setup.answer(json!({})).await;
    assert_eq!(setup.platform.reclaim("answer", 1), None);
    assert_eq!(setup.platform.reclaim("other", 0), None);
    assert_eq!(setup.platform.reclaim("answer", 0), Some(Reclaimed::Now));
    until("dead", || state(process(&first)).is_none()).await;

    let directory = tempfile::tempdir().unwrap();
    let path = directory.path().join("go");
    let (client, wait) = (setup.client.clone(), json!({ "do": "wait", "path": path }));
    let slow = tokio::spawn(async move { answer(&client, wait).await });
    let is_started = || setup.platform.instances("answer").unwrap().len() == 1;
    until("started", is_started).await;
    assert_eq!(setup.platform.reclaim("answer", 0), Some(Reclaimed::WhenIdle));
    assert_eq!(setup.platform.reclaim("answer", 0), None);
    std::fs::write(&path, "").unwrap();
    let slow = slow.await.unwrap();
    assert_eq!(slow["n_invocations"], 1);
    let third = setup.answer(json!({})).await;
    assert_eq!(third["n_invocations"], 1);
    assert_ne!(third["process"], slow["process"]);
    until("counted", || setup.platform.usage().n_reclaims == 2).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn instances_are_reclaimed_by_the_processes_of_policy() {
    let setup = Setup::new(|_| {}).await;
    for index in 0..4 {
        setup.create(|it| it.name = format!("node-{index}"));
        let asked = setup.client.invoke().function_name(format!("node-{index}")).send();
        assert_eq!(asked.await.unwrap().function_error(), None);
    }
    // Within a second of every second, all of them.
    setup.platform.start_reclaims(ReclaimPlan {
        process: "mass:1s".parse().unwrap(),
        functions: (0..4).map(|it| format!("node-{it}")).collect(),
        n_per_pool: 4,
        n_instances: 1,
        picks: Box::new({
            let mut stream = des::Streams::new(1).named("reclaim");
            move || stream.bits()
        }),
    });
    let n_left = || (0..4).map(|it| setup.platform.instances(&format!("node-{it}")).unwrap().len());
    until("reclaimed", || n_left().sum::<usize>() == 0).await;
    until("counted", || setup.platform.usage().n_reclaims == 4).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_mass_reclaim_spares_no_instance_that_takes_the_rank_of_another() {
    let setup = Setup::new(|_| {}).await;
    setup.create(|_| {});
    let directory = tempfile::tempdir().unwrap();
    let path = directory.path().join("go");
    let wait = json!({ "do": "wait", "path": path });
    let asked = [(); 2].map(|()| {
        let (client, wait) = (setup.client.clone(), wait.clone());
        tokio::spawn(async move { answer(&client, wait).await })
    });
    until("started", || setup.platform.instances("answer").unwrap().len() == 2).await;
    std::fs::write(&path, "").unwrap();
    for it in asked {
        it.await.unwrap();
    }
    // Both at the very beginning of six hours, the one that was used last before the other.
    setup.platform.start_reclaims(ReclaimPlan {
        process: "mass:6h".parse().unwrap(),
        functions: vec!["answer".to_owned()],
        n_per_pool: 1,
        n_instances: 2,
        picks: Box::new(|| 0),
    });
    until("reclaimed", || setup.platform.instances("answer").unwrap().is_empty()).await;
    until("counted", || setup.platform.usage().n_reclaims == 2).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn an_instance_that_was_idle_for_too_long_is_reclaimed() {
    let setup = Setup::new(|_| {}).await;
    setup.create(|_| {});
    setup.platform.start_reclaims(ReclaimPlan {
        process: "idle:1s".parse().unwrap(),
        functions: vec!["answer".to_owned()],
        n_per_pool: 1,
        n_instances: 1,
        picks: Box::new(|| 0),
    });
    let first = setup.answer(json!({})).await;
    until("dead", || state(process(&first)).is_none()).await;
    // It is counted once it is known to be dead.
    until("counted", || setup.platform.usage().n_reclaims == 1).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn an_instance_that_is_killed_while_busy_fails_and_while_idle_is_replaced() {
    let setup = Setup::new(|_| {}).await;
    setup.create(|_| {});
    assert!(!setup.platform.kill("answer", 0));
    let client = setup.client.clone();
    let hanging = tokio::spawn(async move { invoke(&client, json!({ "do": "hang" })).await });
    until("killed", || setup.platform.kill("answer", 0)).await;
    let failed = payload_of(&hanging.await.unwrap());
    assert_eq!(failed["errorType"], "Runtime.ExitError");

    let idle = setup.answer(json!({})).await;
    assert!(setup.platform.kill("answer", 0));
    // Whether or not its end has been heard of: an invocation is never given to the dead.
    let next = setup.answer(json!({})).await;
    assert_eq!(next["n_invocations"], 1);
    assert_ne!(next["process"], idle["process"]);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_change_takes_effect_with_new_instances() {
    let setup = Setup::new(|_| {}).await;
    setup.create(|_| {});
    let old = setup.answer(json!({})).await;
    let change = setup.client.update_function_configuration().function_name("answer");
    change.memory_size(256).send().await.unwrap();
    let new = setup.answer(json!({})).await;
    assert_eq!((&new["n_invocations"], &new["memory_mb"]), (&json!(1), &json!(256)));
    until("dead", || state(process(&old)).is_none()).await;
    setup.client.delete_function().function_name("answer").send().await.unwrap();
    until("dead", || state(process(&new)).is_none()).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn starts_take_at_least_as_long_as_set_and_everything_is_written_down() {
    let setup = Setup::new(|it| {
        it.cold_start = Nanos::millis(300);
        it.warm_start = Nanos::millis(40);
        it.bandwidth_bytes_per_second = Some(50_000_000);
        it.quantum = pricing::Quantum::HundredMilliseconds;
        it.kind_field = "why".to_owned();
    })
    .await;
    setup.create(|_| {});
    let answer = setup.answer(json!({ "why": "serve" })).await;
    assert_eq!(answer["bandwidth"], "50000000");
    setup.answer(json!({ "why": "warm_up" })).await;
    setup.answer(json!({ "why": "serve" })).await;
    let records = setup.platform.take_records();
    let [cold, warm, last] = &records[..] else { panic!("{records:?}") };
    assert!(Nanos::millis(300) <= cold.start_delay, "{cold:?}");
    assert!(Nanos::millis(40) <= warm.start_delay, "{warm:?}");
    assert!(cold.init.is_some() && warm.init.is_none() && last.init.is_none());
    assert!(Time::START < cold.received_at && cold.received_at < warm.received_at);
    let kinds: Vec<&str> = records.iter().map(|it| it.kind.as_str()).collect();
    assert_eq!(kinds, ["serve", "warm_up", "serve"]);
    let usage = setup.platform.usage();
    let mut expect = pricing::FunctionUsage::default();
    expect.record(128, cold.duration);
    expect.record(128, last.duration);
    assert_eq!(usage.by_kind["serve"], expect);
    assert!(records.iter().all(|it| it.billed_ms.is_multiple_of(100) && 0 < it.billed_ms));
    assert!(records.iter().all(|it| units::Bytes::mebibytes(1) < it.memory_used_max));
}
