//! What the platform's Runtime API hands to the instance.

use std::sync::Arc;

use lambda_runtime::{Error, LambdaEvent, service_fn};
use tokio::sync::Mutex;

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
            async move { Ok::<_, Error>(instance.lock().await.handle(&event.payload).await?) }
        };
        lambda_runtime::run(service_fn(serve)).await
    })
}
