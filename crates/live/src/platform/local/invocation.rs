//! An invocation on its way to an instance, and its answer on the way back.

use std::time::SystemTime;

use bytes::Bytes;
use tokio::sync::oneshot;
use tokio::time::Instant;

use super::error::ApiError;
use super::function::FunctionSpec;
use super::instance::duration;
use super::runtime_api::{FunctionError, Work};

/// An invocation that waits for an instance, or has one.
#[derive(Debug)]
pub(super) struct Invocation {
    pub(super) function: String,
    pub(super) request_id: String,
    pub(super) kind: String,
    pub(super) payload: Bytes,
    pub(super) client_context: Option<String>,
    pub(super) received_at: Instant,
    pub(super) reply: oneshot::Sender<Result<Answer, ApiError>>,
}

/// What an invocation came to.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Answer {
    /// What the function answered, or how it failed.
    pub(super) result: Result<Bytes, FunctionError>,
    /// The end of what it wrote to its log, with the platform's lines around it.
    pub(super) log_tail: String,
}

impl Invocation {
    /// Answers. Whoever asked may be gone; the function ran all the same, as on AWS.
    pub(super) fn answer(self, answer: Result<Answer, ApiError>) {
        let _ = self.reply.send(answer);
    }
}

impl Work {
    /// An invocation that begins now.
    pub(super) fn new(spec: &FunctionSpec, invocation: &Invocation) -> Work {
        let now = SystemTime::now().duration_since(SystemTime::UNIX_EPOCH).unwrap_or_default();
        let deadline = now + duration(spec.timeout);
        Work {
            request_id: invocation.request_id.clone(),
            deadline_ms: u64::try_from(deadline.as_millis()).unwrap_or(u64::MAX),
            function_arn: spec.arn(),
            client_context: invocation.client_context.clone(),
            payload: invocation.payload.clone(),
        }
    }
}
