//! What the platform's Runtime API hands to the instance.

use std::sync::Arc;
use std::time::{Duration, SystemTime, UNIX_EPOCH};

use lambda_runtime::{Error, LambdaEvent, service_fn};
use tokio::sync::Mutex;

use units::Nanos;

use crate::{Instance, Invocation, Pace};

/// Takes invocations from AWS Lambda, or what speaks its Runtime API, until the process ends.
///
/// # Errors
/// If there is no such platform around this process.
pub fn serve_platform() -> Result<(), Error> {
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build()?;
    runtime.block_on(async {
        let instance = Arc::new(Mutex::new(Instance::new()?.paced(Pace::of_platform())));
        let serve = |event: LambdaEvent<Invocation>| {
            let instance = Arc::clone(&instance);
            async move {
                let mut instance = instance.lock().await;
                let limit = time_left(event.context.deadline);
                Ok::<_, Error>(instance.handle(&event.payload, limit).await?)
            }
        };
        lambda_runtime::run(service_fn(serve)).await
    })
}

/// How long it is until so many milliseconds after 1970.
fn time_left(deadline_ms: u64) -> Nanos {
    let left = (UNIX_EPOCH + Duration::from_millis(deadline_ms)).duration_since(SystemTime::now());
    Nanos::from_seconds_f64(left.unwrap_or_default().as_secs_f64())
}
