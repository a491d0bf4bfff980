//! Where functions run.
//!
//! Whoever invokes them goes through the Lambda API (aws-sdk-lambda), so that a platform is
//! exchanged by exchanging the endpoint. [`local`] is one for this machine.

#[cfg(target_os = "linux")]
pub mod local;
