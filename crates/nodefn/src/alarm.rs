//! A timer that is kept from one wait to the next.

use std::future::{Future, poll_fn};
use std::pin::{Pin, pin};
use std::task::{Context, Poll};
use std::time::Duration;

use tokio::time::{Instant, Sleep, sleep_until};

use crate::connection::ConnectionError;

/// The timer of one who waits often, and hardly ever in vain.
///
/// To set a timer and to take it back costs more than most waits take. This one is left as it is
/// where it goes off too early for the wait at hand, and is set anew when it has.
#[derive(Debug, Default)]
pub struct Alarm {
    sleep: Option<Pin<Box<Sleep>>>,
}

impl Alarm {
    /// Waits until then.
    pub async fn at(&mut self, due: Instant) {
        poll_fn(|context| self.poll(due, context)).await;
    }

    /// Waits for something, and no longer than until then. Nothing where it does not come.
    pub async fn by<T>(&mut self, due: Instant, what: impl Future<Output = T>) -> Option<T> {
        self.by_lazily(|| due, what).await
    }

    /// Waits for something, and no longer than the limit.
    ///
    /// # Errors
    /// If it takes longer, or fails.
    pub async fn within<T>(
        &mut self,
        limit: Duration,
        what: impl Future<Output = Result<T, ConnectionError>>,
    ) -> Result<T, ConnectionError> {
        let outcome = self.by_lazily(|| Instant::now() + limit, what).await;
        outcome.unwrap_or(Err(ConnectionError::Deadline { limit }))
    }

    /// Asks for the time only if there is something to wait for.
    async fn by_lazily<T>(
        &mut self,
        due: impl Fn() -> Instant,
        what: impl Future<Output = T>,
    ) -> Option<T> {
        let mut what = pin!(what);
        let mut known_due = None;
        poll_fn(|context| {
            if let Poll::Ready(it) = what.as_mut().poll(context) {
                return Poll::Ready(Some(it));
            }
            self.poll(*known_due.get_or_insert_with(&due), context).map(|()| None)
        })
        .await
    }

    fn poll(&mut self, due: Instant, context: &mut Context<'_>) -> Poll<()> {
        let sleep = self.sleep.get_or_insert_with(|| Box::pin(sleep_until(due)));
        if due < sleep.deadline() {
            sleep.as_mut().reset(due);
        }
        loop {
            match sleep.as_mut().poll(context) {
                Poll::Ready(()) if sleep.deadline() < due => sleep.as_mut().reset(due),
                outcome => return outcome,
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const LONG: Duration = Duration::from_mins(1);

    /// Waits for something that takes so long, and no longer than `limit`.
    async fn check(alarm: &mut Alarm, limit: Duration, takes: Duration, comes: bool) {
        let due = Instant::now() + limit;
        let what = async {
            tokio::task::yield_now().await;
            tokio::time::sleep(takes).await;
        };
        assert_eq!(alarm.by(due, what).await.is_some(), comes, "{limit:?} for {takes:?}");
        assert!(comes || due <= Instant::now(), "it went off too early");
    }

    #[tokio::test]
    async fn it_goes_off_when_it_is_due_whatever_it_was_set_to_before() {
        let millis = Duration::from_millis;
        let mut alarm = Alarm::default();
        check(&mut alarm, millis(5), LONG, false).await;
        // It has gone off, for the wait before.
        check(&mut alarm, LONG, millis(5), true).await;
        // It is set to a minute from now.
        check(&mut alarm, millis(5), LONG, false).await;
        check(&mut alarm, LONG, Duration::ZERO, true).await;
        check(&mut alarm, millis(20), Duration::ZERO, true).await;
        // It goes off on the way.
        check(&mut alarm, LONG, millis(60), true).await;
        check(&mut alarm, Duration::ZERO, LONG, false).await;
        let began = Instant::now();
        alarm.at(began + millis(5)).await;
        assert!(millis(5) <= began.elapsed());
        let outcome: Result<(), _> = alarm.within(millis(5), std::future::pending()).await;
        assert!(matches!(outcome, Err(ConnectionError::Deadline { .. })));
    }
}
