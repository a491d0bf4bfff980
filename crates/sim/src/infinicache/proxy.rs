//! A proxy: its metadata, and how long its processors are taken.

use des::Stream;
use policy::placer::{NodePicker, Placer};
use units::{Nanos, Time};

/// A proxy, but for its functions.
pub(super) struct Proxy {
    pub(super) placer: Placer,
    pub(super) picker: NodePicker,
    pub(super) stream: Stream,
    /// For a placement by keys.
    pub(super) salt: Option<u64>,
    /// When its processors are through with the requests so far.
    pub(super) free_at: Time,
}

impl Proxy {
    /// When it takes up a request that comes now, which keeps it busy for so long, if that is
    /// long enough to speak of.
    pub(super) fn takes_up(&mut self, now: Time, busy_for: Option<Nanos>) -> Time {
        let Some(busy_for) = busy_for else { return now };
        let begins_at = now.max(self.free_at);
        self.free_at = begins_at + busy_for;
        begins_at
    }
}
