//! A deterministic discrete-event kernel: a clock, an agenda, a loop, and named random streams.
//!
//! The kernel knows nothing of what it runs. A [`Model`] owns all state and answers each event
//! by putting more on the [`Agenda`]; [`run`] takes them off in order until none is left. What
//! is known beforehand (the requests of a trace) is not put on the agenda but merged in, so
//! that the agenda stays as small as what is in flight. Two runs of one model from one seed
//! see the same events at the same times, on every machine.

mod agenda;
mod stream;

use units::Time;

pub use crate::agenda::Agenda;
pub use crate::stream::{Stream, Streams};

/// A system that changes only when an event happens to it.
pub trait Model {
    /// The closed set of things that can happen: one `enum` per model.
    type Event;

    /// Lets `event` happen `now`, scheduling whatever follows from it.
    fn handle(&mut self, now: Time, event: Self::Event, agenda: &mut Agenda<Self::Event>);
}

/// How a run ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Outcome {
    /// The time of the last event.
    pub ended_at: Time,
    /// How many events happened, arrivals included.
    pub n_events: u64,
}

/// Runs `model` until the arrivals and the agenda are both empty.
///
/// `arrivals` come in order of time; one that coincides with an event on the agenda goes first.
///
/// # Panics
///
/// Panics where time would run backwards, which only unsorted arrivals can cause.
pub fn run<M: Model>(
    model: &mut M,
    mut agenda: Agenda<M::Event>,
    arrivals: impl IntoIterator<Item = (Time, M::Event)>,
) -> Outcome {
    let mut arrivals = arrivals.into_iter().peekable();
    let mut outcome = Outcome { ended_at: Time::START, n_events: 0 };
    loop {
        let arrival = match (arrivals.peek(), agenda.next_at()) {
            (None, None) => return outcome,
            (Some(_), None) => arrivals.next(),
            (Some((at, _)), Some(next)) if *at <= next => arrivals.next(),
            (_, Some(_)) => None,
        };
        let (now, event) = match arrival {
            Some((at, event)) => {
                agenda.advance_to(at);
                (at, event)
            }
            None => agenda.pop().expect("peeked"),
        };
        assert!(outcome.ended_at <= now, "time ran backwards, from {} to {now}", outcome.ended_at);
        outcome = Outcome { ended_at: now, n_events: outcome.n_events + 1 };
        model.handle(now, event, &mut agenda);
    }
}

#[cfg(test)]
mod tests;
