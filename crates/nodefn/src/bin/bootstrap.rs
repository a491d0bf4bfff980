//! The Lambda function: takes invocations from the platform, one at a time.

use std::sync::Arc;

use lambda_runtime::{Error, LambdaEvent, service_fn};
use nodefn::{Instance, Invocation};
use tokio::sync::Mutex;

fn main() -> Result<(), Error> {
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build()?;
    runtime.block_on(async {
        let instance = Arc::new(Mutex::new(Instance::new()?));
        let serve = |event: LambdaEvent<Invocation>| {
            let instance = Arc::clone(&instance);
            async move { Ok::<_, Error>(instance.lock().await.handle(&event.payload).await?) }
        };
        lambda_runtime::run(service_fn(serve)).await
    })
}
