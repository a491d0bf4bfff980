//! The invocations of one function, each waited for in a task of its own.

use std::sync::Arc;
use std::time::Duration;

use nodefn::Command;
use tokio::time::{sleep, timeout};
use tracing::{debug, warn};

use super::actor::Actor;

/// An invocation that has ended.
pub(super) struct Returned {
    pub(super) number: u64,
    pub(super) has_failed: bool,
}

/// The number of invocations for a backup, whose return says nothing of the link.
pub(super) const BACKUP: u64 = 0;

impl Actor {
    pub(super) fn invoke_deferred(&mut self) {
        if let Some(command) = self.deferred.take() {
            self.invoke(command);
        }
    }

    /// Has the function run, in a task of its own.
    pub(super) fn invoke(&mut self, command: Command) {
        let metrics = &self.shared.metrics;
        match command {
            Command::WarmUp => metrics.n_invocations_warm_up.one(),
            _ => metrics.n_invocations_serve.one(),
        }
        (self.returning_until, self.deferred) = (None, None);
        self.awaits_pong = true;
        self.invocation_last += 1;
        self.run_invocation(command, String::new(), self.invocation_last);
    }

    pub(super) fn run_invocation(&mut self, command: Command, relay_token: String, number: u64) {
        let session_known = self.connection.as_ref().map_or(0, |it| it.session);
        let node = self.node;
        let invocation = self.shared.invocation(node, command, session_known, relay_token);
        let invoker = Arc::clone(&self.invoker);
        let shared = Arc::clone(&self.shared);
        let limit = self.shared.config.invocation_limit;
        // Where the platform refuses, it is not asked again at once.
        let pause = Duration::from_millis(50 << self.n_failed_in_a_row.min(5));
        self.n_failed_in_a_row += 1;
        self.invocations.spawn(async move {
            let outcome = match invocation {
                Ok(invocation) => {
                    let token = invocation.token.clone();
                    let outcome = timeout(limit, invoker.invoke(invocation)).await;
                    // Where it kept its connection, or never called, its token was not used.
                    shared.admissions().take(token.as_bytes());
                    match outcome {
                        Ok(outcome) => outcome.map_err(|it| it.to_string()),
                        Err(_) => Err(format!("the platform does not answer within {limit:?}")),
                    }
                }
                Err(error) => Err(error.to_string()),
            };
            let has_failed = outcome.is_err();
            match outcome {
                Ok(report) => debug!(node = node.0, ?report, "invocation returned"),
                Err(error) => {
                    shared.metrics.n_invocations_failed.one();
                    warn!(node = node.0, error, "invocation failed");
                    sleep(pause).await;
                }
            }
            Returned { number, has_failed }
        });
    }
}
