//! No process outlives its platform, however that ends.

use std::io::{BufRead, BufReader};
use std::process::{Child, Command, Stdio};

use aws_sdk_lambda::Client;
use aws_sdk_lambda::types::FunctionCode;
use rustix::process::{Pid, Signal, kill_process};
use serde_json::json;

use super::support::{Setup, answer, blob, client, example, invoke, state, until};

/// A platform in a process of its own.
struct Elsewhere {
    process: Child,
    client: Client,
}

impl Elsewhere {
    async fn new() -> Elsewhere {
        let mut command = Command::new(example("local_platform"));
        command.stdin(Stdio::piped()).stdout(Stdio::piped());
        let mut process = command.spawn().unwrap();
        let mut url = String::new();
        BufReader::new(process.stdout.take().unwrap()).read_line(&mut url).unwrap();
        let client = client(url.trim());
        let key = example("answer").display().to_string();
        let code = FunctionCode::builder().s3_bucket("local-program").s3_key(key).build();
        let create = client.create_function().function_name("answer").code(code);
        create.role("arn:aws:iam::123456789012:role/any").timeout(900).send().await.unwrap();
        Elsewhere { process, client }
    }

    fn signal(&self, signal: Signal) {
        let id = i32::try_from(self.process.id()).unwrap();
        kill_process(Pid::from_raw(id).unwrap(), signal).unwrap();
    }

    fn n_files(&self) -> usize {
        std::fs::read_dir(format!("/proc/{}/fd", self.process.id())).unwrap().count()
    }
}

impl Drop for Elsewhere {
    fn drop(&mut self) {
        let _ = self.process.kill();
        let _ = self.process.wait();
    }
}

/// The processes of two instances of the function: one that is frozen, one that runs.
async fn two_processes(client: &Client) -> [u64; 2] {
    let directory = tempfile::tempdir().unwrap();
    let (here, never) = (directory.path().join("here"), directory.path().join("never"));
    let (own, wait) = (client.clone(), json!({ "do": "wait", "path": never, "here": here }));
    // It fails, like the platform.
    tokio::spawn(
        async move { own.invoke().function_name("answer").payload(blob(&wait)).send().await },
    );
    until("running", || here.exists()).await;
    let running: u64 = std::fs::read_to_string(&here).unwrap().parse().unwrap();
    let frozen = answer(client, json!({})).await["process"].as_u64().unwrap();
    until("frozen", || state(frozen) == Some('T')).await;
    assert!(matches!(state(running), Some('S' | 'R')));
    [frozen, running]
}

#[tokio::test(flavor = "multi_thread")]
async fn when_it_is_dropped_all_are_gone_at_once_and_with_them_what_they_started() {
    let setup = Setup::new(|_| {}).await;
    setup.create(|_| {});
    let grandchild = setup.answer(json!({ "do": "spawn" })).await.as_u64().unwrap();
    assert!(state(grandchild).is_some());
    let [frozen, running] = two_processes(&setup.client).await;
    let Setup { platform, client: _client } = setup;
    drop(platform);
    assert_eq!((state(frozen), state(running)), (None, None));
    // Not ours to wait for: it is its new parent that takes note.
    until("dead", || state(grandchild).is_none()).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn when_its_process_is_killed_the_kernel_kills_all() {
    for signal in [Signal::KILL, Signal::INT, Signal::TERM] {
        let mut elsewhere = Elsewhere::new().await;
        let all = two_processes(&elsewhere.client).await;
        elsewhere.signal(signal);
        assert!(!elsewhere.process.wait().unwrap().success());
        for process in all {
            until("dead", || state(process).is_none()).await;
        }
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn when_it_is_told_to_stop_all_have_ended_before_it() {
    let mut elsewhere = Elsewhere::new().await;
    let all = two_processes(&elsewhere.client).await;
    drop(elsewhere.process.stdin.take());
    assert!(elsewhere.process.wait().unwrap().success());
    assert_eq!(all.map(state), [None, None]);
}

#[tokio::test(flavor = "multi_thread")]
async fn instances_that_come_and_go_leave_no_file_open() {
    const N_INSTANCES: usize = 25;
    let elsewhere = Elsewhere::new().await;
    answer(&elsewhere.client, json!({})).await;
    let n_files = elsewhere.n_files();
    for _ in 0..N_INSTANCES {
        let output = invoke(&elsewhere.client, json!({ "do": "exit" })).await;
        assert!(output.function_error().is_some());
    }
    answer(&elsewhere.client, json!({})).await;
    // A client may keep a connection or two more than before; an instance would leave several
    // files each.
    until("closed", || elsewhere.n_files() < n_files + N_INSTANCES / 5).await;
}
