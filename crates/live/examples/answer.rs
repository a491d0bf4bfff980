//! A small function: it does what its payload asks for, which is what tests need of one.
//!
//! `{"do":"echo"}` is answered by the payload and what the function knows of itself: how often it
//! was invoked, its process and its settings. `{"do":"wait","path":"/tmp/x"}` waits until there
//! is such a file, having written its process to the file `here`, `hang` for ever; `fail` fails,
//! `panic` panics, `exit` ends the process,
//! `allocate` takes so many MiB and hangs, `print` writes a line, `large` answers so many bytes,
//! `spawn` starts a process of its own and tells its id.
//! `AT_START` in its environment makes it `exit` or `hang` there.

use std::process::Command;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use lambda_runtime::{Error, LambdaEvent, service_fn};
use serde_json::{Value, json};

static N_INVOCATIONS: AtomicU64 = AtomicU64::new(0);

#[tokio::main(flavor = "current_thread")]
async fn main() -> Result<(), Error> {
    match std::env::var("AT_START").as_deref() {
        Ok("exit") => std::process::exit(3),
        Ok("hang") => std::future::pending().await,
        _ => lambda_runtime::run(service_fn(answer)).await,
    }
}

#[expect(clippy::print_stdout, reason = "a function's log is what it prints")]
async fn answer(event: LambdaEvent<Value>) -> Result<Value, Error> {
    let n_invocations = N_INVOCATIONS.fetch_add(1, Ordering::Relaxed) + 1;
    let LambdaEvent { payload, context } = event;
    let number = |name: &str| payload[name].as_u64().unwrap_or_default();
    match payload["do"].as_str().unwrap_or_default() {
        "hang" => std::future::pending().await,
        "wait" => {
            if let Some(path) = payload["here"].as_str() {
                // Renamed, so that it is never seen half written.
                std::fs::write(format!("{path}.part"), std::process::id().to_string())?;
                std::fs::rename(format!("{path}.part"), path)?;
            }
            let path = payload["path"].as_str().unwrap_or_default();
            while !std::path::Path::new(path).exists() {
                tokio::time::sleep(Duration::from_millis(1)).await;
            }
        }
        "fail" => return Err("it was asked to fail".into()),
        "panic" => panic!("it was asked to panic"),
        "exit" => std::process::exit(7),
        "print" => println!("{}", payload["line"].as_str().unwrap_or_default()),
        "large" => return Ok("x".repeat(usize::try_from(number("bytes"))?).into()),
        "allocate" => {
            // Written to, since memory that never was is not held.
            let memory = vec![1_u8; usize::try_from(number("mib") << 20)?];
            std::hint::black_box(&memory);
            std::future::pending::<()>().await;
        }
        "spawn" => return Ok(Command::new("sleep").arg("600").spawn()?.id().into()),
        _ => {}
    }
    let variable = |name: &str| std::env::var(name).unwrap_or_default();
    Ok(json!({
        "payload": payload,
        "n_invocations": n_invocations,
        "process": std::process::id(),
        "request_id": context.request_id,
        "deadline_ms": context.deadline,
        "function_arn": context.invoked_function_arn,
        "client_context": context.client_context,
        "memory_mb": context.env_config.memory,
        "mode": variable("MODE"),
        "task_root": variable("LAMBDA_TASK_ROOT"),
        "directory": std::env::current_dir()?.display().to_string(),
        "bandwidth": variable(live::platform::local::BANDWIDTH_VARIABLE),
        "n_files_max": limit("Max open files"),
    }))
}

/// A limit of this process, as the kernel tells it.
fn limit(name: &str) -> Option<u64> {
    let limits = std::fs::read_to_string("/proc/self/limits").ok()?;
    let line = limits.lines().find(|it| it.starts_with(name))?;
    line[name.len()..].split_whitespace().next()?.parse().ok()
}
