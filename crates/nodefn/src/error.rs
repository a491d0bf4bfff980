//! Why an invocation fails.

use thiserror::Error;
use wire::Refusal;

use crate::connection::ConnectionError;

/// Why an invocation failed.
#[derive(Debug, Error)]
#[non_exhaustive]
pub enum SessionError {
    /// The proxy cannot be reached.
    #[error("the proxy at {proxy} cannot be reached: {source}")]
    Proxy {
        /// Where it should be.
        proxy: String,
        /// What happened.
        source: ConnectionError,
    },
    /// The relay, which is where the proxy is, cannot be reached.
    #[error("the relay at {proxy} cannot be reached: {source}")]
    Relay {
        /// Where it should be.
        proxy: String,
        /// What happened.
        source: ConnectionError,
    },
    /// The proxy does not let this function in.
    #[error("the proxy at {proxy} refuses: {why}")]
    Refused {
        /// Where it is.
        proxy: String,
        /// Why.
        why: Refusal,
    },
}
