//! Keeps an instance to the bandwidth that its platform gives it.

use std::sync::Mutex;
use std::time::Duration;

use tokio::time::{Instant, sleep_until};

/// The environment variable by which a platform tells a function how many bytes it may send in a
/// second, and how many receive. AWS sets none: it has its own means.
pub const BANDWIDTH_VARIABLE: &str = "INFINISIM_BANDWIDTH_BYTES_PER_SECOND";

/// What an instance may send, and receive, over all its connections.
#[derive(Debug)]
pub struct Pace {
    bytes_per_second: u64,
    sent: Mutex<Instant>,
    received: Mutex<Instant>,
}

/// How far ahead of its bandwidth an instance may be.
const AHEAD_MAX: Duration = Duration::from_millis(5);

/// How many bytes move at once, so that they move evenly.
pub(crate) const PIECE_BYTES: usize = 64 << 10;

impl Pace {
    /// So many bytes in a second, each way; at least one.
    pub fn new(bytes_per_second: u64) -> Pace {
        let now = Instant::now();
        Pace {
            bytes_per_second: bytes_per_second.max(1),
            sent: Mutex::new(now),
            received: Mutex::new(now),
        }
    }

    /// The pace that the platform has set for this process, if it has.
    pub fn of_platform() -> Option<Pace> {
        Some(Pace::new(std::env::var(BANDWIDTH_VARIABLE).ok()?.parse().ok()?))
    }

    /// So many bytes were sent. Waits until the next may be.
    pub(crate) async fn sent(&self, n_bytes: usize) {
        self.spend(&self.sent, n_bytes).await;
    }

    /// So many bytes were received. Waits until the next may be.
    pub(crate) async fn received(&self, n_bytes: usize) {
        self.spend(&self.received, n_bytes).await;
    }

    /// They count even where the waiting is given up.
    async fn spend(&self, paid: &Mutex<Instant>, n_bytes: usize) {
        let now = Instant::now();
        let due = {
            let mut paid = paid.lock().expect("nothing panics while it holds the lock");
            *paid = self.paid(*paid, now, n_bytes);
            // Not before the clock's beginning, on a machine that was just started.
            paid.checked_sub(AHEAD_MAX).unwrap_or(now)
        };
        if now < due {
            sleep_until(due).await;
        }
    }

    /// Until when the bandwidth is spent, with so many bytes more. What was not used is not
    /// saved up.
    fn paid(&self, paid: Instant, now: Instant, n_bytes: usize) -> Instant {
        let takes = Duration::from_secs_f64(n_bytes as f64 / self.bytes_per_second as f64);
        paid.max(now) + takes
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn bytes_take_their_time_and_none_is_saved_up() {
        let (pace, now) = (Pace::new(1_000_000), Instant::now());
        let later = |millis| now + Duration::from_millis(millis);
        let check = |paid, now, n_bytes, expect| {
            assert_eq!(pace.paid(later(paid), later(now), n_bytes), later(expect));
        };
        check(0, 0, 100_000, 100);
        check(100, 20, 100_000, 200);
        check(200, 900, 50_000, 950);
        check(200, 900, 0, 900);
    }
}
