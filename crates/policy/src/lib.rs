//! Every decision of a cache, as plain state machines that are told what happened and answer
//! what to do.
//!
//! [`evict`] chooses what leaves a full cache, and [`ObjectCache`] applies it to whole objects.
//! [`placer`] is the proxy's side of InfiniCache (where chunks go, which object makes way),
//! [`Ring`] finds the proxy, [`link`] asks a function whether it is there before anything is
//! sent, [`fetch`] settles a read, [`lease`] ends an invocation in time,
//! [`WarmUp`] and [`Backup`] keep chunks alive, and [`reclaim`] says how many functions the
//! platform takes back.
//!
//! Nothing here sees a clock, a random number generator or an event queue: the time and any
//! random pick arrive as arguments. So a simulator and a live system can drive the same code,
//! and it cannot tell which of them does.

mod backup;
mod cache;
pub mod evict;
pub mod fetch;
pub mod lease;
pub mod link;
pub mod placer;
pub mod reclaim;
mod ring;
mod warm_up;

pub use crate::backup::Backup;
pub use crate::cache::ObjectCache;
pub use crate::evict::{Access, Evict, EvictionPolicy};
pub use crate::ring::Ring;
pub use crate::warm_up::{Idle, WarmUp};
