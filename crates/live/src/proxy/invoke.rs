//! How a proxy has functions run.

use std::future::Future;
use std::pin::Pin;

use aws_sdk_lambda::error::DisplayErrorContext;
use aws_sdk_lambda::primitives::Blob;
use nodefn::{Invocation, Report};
use thiserror::Error;

/// Runs functions.
pub trait Invoke: Send + Sync + 'static {
    /// Runs the function that the invocation names until it returns.
    ///
    /// # Errors
    /// If it was not run, or failed.
    fn invoke(
        &self,
        invocation: Invocation,
    ) -> Pin<Box<dyn Future<Output = Result<Report, InvokeError>> + Send + '_>>;
}

/// Why an invocation came to nothing.
#[derive(Clone, Debug, PartialEq, Eq, Error)]
#[non_exhaustive]
pub enum InvokeError {
    /// The platform did not run it.
    #[error("function {function} was not invoked: {why}")]
    Platform {
        /// Its name.
        function: String,
        /// What the platform says.
        why: String,
    },
    /// It ran, and failed.
    #[error("function {function} failed: {why}")]
    Function {
        /// Its name.
        function: String,
        /// What it says.
        why: String,
    },
}

/// Invokes through the API of AWS Lambda, at whatever endpoint the client was made for.
#[derive(Clone, Debug)]
pub struct LambdaInvoker {
    client: aws_sdk_lambda::Client,
    prefix: String,
}

impl LambdaInvoker {
    /// Invokes functions that are called `prefix` and their number.
    pub fn new(client: aws_sdk_lambda::Client, prefix: impl Into<String>) -> LambdaInvoker {
        LambdaInvoker { client, prefix: prefix.into() }
    }

    /// The name of the function with this number.
    pub fn function_name(&self, node: u32) -> String {
        format!("{}{node}", self.prefix)
    }

    async fn run(&self, invocation: Invocation) -> Result<Report, InvokeError> {
        let function = self.function_name(invocation.node);
        let platform = |why| InvokeError::Platform { function: function.clone(), why };
        let failed = |why| InvokeError::Function { function: function.clone(), why };
        let payload = serde_json::to_vec(&invocation).map_err(|it| platform(it.to_string()))?;
        let request = self.client.invoke().function_name(&function).payload(Blob::new(payload));
        let answer = request.send().await;
        let answer = answer.map_err(|it| platform(DisplayErrorContext(&it).to_string()))?;
        let body = answer.payload().map_or(&[][..], AsRef::as_ref);
        if let Some(kind) = answer.function_error() {
            return Err(failed(format!("{kind}: {}", String::from_utf8_lossy(body))));
        }
        serde_json::from_slice(body).map_err(|it| failed(format!("its report is none: {it}")))
    }
}

impl Invoke for LambdaInvoker {
    fn invoke(
        &self,
        invocation: Invocation,
    ) -> Pin<Box<dyn Future<Output = Result<Report, InvokeError>> + Send + '_>> {
        Box::pin(self.run(invocation))
    }
}
