//! The answers to a read, for one who waits for several chunks of it.

use std::sync::{Arc, Mutex, MutexGuard};

use bytes::Bytes;
use ec::ChunkError;
use tokio::sync::Notify;
use wire::Refusal;

use super::order::Incoming;
use crate::object::Chunk;

/// Chunks up to this length are checked by who received them, in whose processor's cache they
/// are; longer ones would hold up who else runs on the thread.
const CHECKED_HERE_MAX: usize = 128 << 10;

/// Where the answers for several chunks come together. Who waits for them is woken when there are
/// enough: to be woken for each takes as long as many a chunk.
#[derive(Debug)]
pub(crate) struct Answers {
    state: Mutex<State>,
    enough: Notify,
}

#[derive(Debug)]
struct State {
    /// Those that were not taken yet.
    new: Vec<(u8, Answer)>,
    /// How many chunks are to come yet until there are enough.
    n_wanted: usize,
    /// How many answers are to come yet.
    n_open: usize,
    is_closed: bool,
}

/// What came of one chunk.
#[derive(Debug)]
pub(crate) enum Answer {
    /// A body of this length, and the chunk that it is.
    Body(usize, Result<Chunk, ChunkError>),
    /// The function holds the chunk, and has not sent it: the read was settled.
    Late,
    /// It cannot be had.
    Refused(Refusal),
}

/// Where the answer for one chunk is put. If none is, the chunk's function is unreachable.
#[derive(Debug)]
pub(crate) struct Slot {
    answers: Arc<Answers>,
    chunk: u8,
    is_filled: bool,
}

impl Answers {
    /// For so many chunks, of which `n_wanted` are enough.
    pub(crate) fn new(n_chunks: usize, n_wanted: usize) -> Arc<Answers> {
        let new = Vec::with_capacity(n_chunks);
        let state = Mutex::new(State { new, n_wanted, n_open: n_chunks, is_closed: false });
        Arc::new(Answers { state, enough: Notify::new() })
    }

    /// The place for the answer for this chunk.
    pub(crate) fn slot(self: &Arc<Answers>, chunk: u8) -> Slot {
        Slot { answers: Arc::clone(self), chunk, is_filled: false }
    }

    /// Waits until there are enough chunks, or cannot be any more, and takes the answers that are
    /// new.
    pub(crate) async fn wait(&self) -> Vec<(u8, Answer)> {
        loop {
            let is_enough = {
                let state = self.lock();
                !state.new.is_empty() && state.is_enough()
            };
            if is_enough {
                return self.take();
            }
            self.enough.notified().await;
        }
    }

    /// Takes what has come by now.
    pub(crate) fn take(&self) -> Vec<(u8, Answer)> {
        std::mem::take(&mut self.lock().new)
    }

    /// Nobody waits any more.
    pub(crate) fn close(&self) {
        self.lock().is_closed = true;
    }

    fn put(&self, chunk: u8, answer: Answer) {
        let mut state = self.lock();
        state.n_open -= 1;
        if matches!(answer, Answer::Body(_, Ok(_))) {
            state.n_wanted = state.n_wanted.saturating_sub(1);
        }
        state.new.push((chunk, answer));
        if state.is_enough() {
            drop(state);
            self.enough.notify_one();
        }
    }

    fn lock(&self) -> MutexGuard<'_, State> {
        self.state.lock().expect("nothing panics while it holds the lock")
    }
}

impl State {
    fn is_enough(&self) -> bool {
        self.n_wanted == 0 || self.n_open < self.n_wanted
    }
}

impl Slot {
    /// Puts the answer in.
    pub(crate) fn fill(mut self, answer: Result<Incoming, Refusal>) {
        self.is_filled = true;
        let answer = match answer {
            Ok(Incoming::Whole(body)) => Answer::Body(body.len(), checked(&body)),
            Ok(Incoming::Late) => Answer::Late,
            // Nobody asked for a stream: it goes back as it is.
            Ok(Incoming::Stream { .. }) => Answer::Refused(Refusal::OutOfPlace),
            Err(why) => Answer::Refused(why),
        };
        self.answers.put(self.chunk, answer);
    }

    /// Whether nobody waits any more.
    pub(crate) fn is_closed(&self) -> bool {
        self.answers.lock().is_closed
    }
}

impl Drop for Slot {
    fn drop(&mut self) {
        if !self.is_filled {
            self.answers.put(self.chunk, Answer::Refused(Refusal::Unreachable));
        }
    }
}

fn checked(body: &Bytes) -> Result<Chunk, ChunkError> {
    let chunk = Chunk::parse(body)?;
    if body.len() <= CHECKED_HERE_MAX { chunk.checked() } else { Ok(chunk) }
}

#[cfg(test)]
mod tests {
    use std::pin::pin;
    use std::task::{Context, Poll, Waker};

    use ec::{Code, Codec};

    use super::*;
    use crate::object::encode;

    /// What has come when there is enough; nothing where there is not.
    fn taken(answers: &Answers) -> Option<String> {
        let wait = pin!(answers.wait());
        let Poll::Ready(new) = wait.poll(&mut Context::from_waker(Waker::noop())) else {
            return None;
        };
        let show = |(chunk, answer): &(u8, Answer)| match answer {
            Answer::Body(_, Ok(_)) => format!("{chunk} came"),
            Answer::Body(_, Err(_)) => format!("{chunk} is damaged"),
            Answer::Late => format!("{chunk} is late"),
            Answer::Refused(why) => format!("{chunk}: {why}"),
        };
        Some(new.iter().map(show).collect::<Vec<_>>().join(", "))
    }

    fn bodies() -> Vec<Bytes> {
        let codec = Codec::new(Code::new(2, 2).unwrap());
        let chunks = encode(&codec, &Bytes::from_static(b"an object"));
        chunks.iter().map(|it| Bytes::from(it.concat())).collect()
    }

    #[test]
    fn who_waits_is_woken_when_there_are_enough_chunks_or_cannot_be() {
        let bodies = bodies();
        let answers = Answers::new(4, 2);
        let fill = |chunk: u8, answer| answers.slot(chunk).fill(answer);
        let came = |chunk: u8| fill(chunk, Ok(Incoming::Whole(bodies[usize::from(chunk)].clone())));
        came(3);
        assert_eq!(taken(&answers), None);
        let mut damaged = bodies[0].to_vec();
        *damaged.last_mut().unwrap() ^= 1;
        fill(0, Ok(Incoming::Whole(damaged.into())));
        assert_eq!(taken(&answers), None);
        came(1);
        assert_eq!(taken(&answers).unwrap(), "3 came, 0 is damaged, 1 came");
        assert_eq!(taken(&answers), None);
        fill(2, Ok(Incoming::Late));
        assert_eq!(taken(&answers).unwrap(), "2 is late");

        let answers = Answers::new(4, 2);
        let lost = Refusal::ChunkLost;
        for chunk in [0, 1] {
            answers.slot(chunk).fill(Err(lost));
            assert_eq!(taken(&answers), None);
        }
        // The last one alone is not enough.
        answers.slot(2).fill(Err(lost));
        assert_eq!(taken(&answers).unwrap(), format!("0: {lost}, 1: {lost}, 2: {lost}"));
    }

    #[test]
    fn a_slot_that_is_dropped_is_an_answer() {
        let answers = Answers::new(2, 1);
        answers.slot(0).fill(Err(Refusal::ChunkLost));
        assert_eq!(taken(&answers), None);
        let slot = answers.slot(1);
        assert!(!slot.is_closed());
        answers.close();
        assert!(slot.is_closed());
        drop(slot);
        let (lost, gone) = (Refusal::ChunkLost, Refusal::Unreachable);
        assert_eq!(taken(&answers).unwrap(), format!("0: {lost}, 1: {gone}"));
    }
}
