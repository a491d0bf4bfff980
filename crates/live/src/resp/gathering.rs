//! The chunks of one object, asked for all at once and taken in as they come.

use std::sync::Arc;

use bytes::Bytes;
use nodefn::Alarm;
use tokio::sync::mpsc;
use tokio::time::Instant;
use wire::Refusal;

use crate::proxy::order::{GetReply, Incoming};
use crate::proxy::shared::{Read, Shared};

/// A read under way, for one who wants the whole object. One task hears all answers: a task for
/// each would have to be woken for each.
#[derive(Debug)]
pub(super) struct Gathering {
    shared: Arc<Shared>,
    pub(super) read: Arc<Read>,
    answers: mpsc::UnboundedReceiver<(u8, Result<Incoming, Refusal>)>,
    due: Instant,
    alarm: Alarm,
    /// Whether bodies that had begun to come were given longer.
    is_extended: bool,
    /// The chunks that were asked for and not answered yet.
    open: Vec<u8>,
    /// The bodies that came.
    pub(super) bodies: Vec<Bytes>,
    /// The chunks that their functions no longer hold.
    pub(super) lost: Vec<u8>,
    /// The chunks that are held, and were not sent since others had settled the read.
    late: Vec<u8>,
}

impl Gathering {
    /// Asks for these chunks.
    pub(super) async fn ask(
        shared: &Arc<Shared>,
        read: &Arc<Read>,
        chunks: Vec<u8>,
        is_body_wanted: bool,
    ) -> Gathering {
        let (sender, answers) = mpsc::unbounded_channel();
        let due = Instant::now() + shared.config.request_limit;
        for chunk in &chunks {
            let reply = GetReply::Each(sender.clone(), *chunk);
            if let Err(why) = shared.ask_chunk(read, *chunk, is_body_wanted, false, reply).await {
                // The receiver is right here.
                let _ = sender.send((*chunk, Err(why)));
            }
        }
        Gathering {
            shared: Arc::clone(shared),
            read: Arc::clone(read),
            answers,
            due,
            alarm: Alarm::default(),
            is_extended: false,
            open: chunks,
            bodies: Vec::new(),
            lost: Vec::new(),
            late: Vec::new(),
        }
    }

    /// Waits until there are `n_bodies` and the read is settled, or everyone has answered.
    pub(super) async fn settle(&mut self, n_bodies: usize) {
        while !self.is_over() && (self.bodies.len() < n_bodies || !self.read.is_settled()) {
            self.hear().await;
        }
    }

    /// Waits until everyone has answered, for what else was lost.
    pub(super) async fn hear_out(&mut self) {
        while !self.is_over() {
            self.hear().await;
        }
    }

    /// Whether everyone has answered, and holds the chunk.
    pub(super) fn is_whole(&self) -> bool {
        self.is_over() && self.lost.is_empty()
    }

    /// Whether everyone has answered.
    fn is_over(&self) -> bool {
        self.open.is_empty()
    }

    /// The chunks that were not sent, and can be asked for again.
    pub(super) fn take_late(&mut self) -> Vec<u8> {
        std::mem::take(&mut self.late)
    }

    async fn hear(&mut self) {
        match self.alarm.by(self.due, self.answers.recv()).await {
            Some(Some((chunk, answer))) => {
                self.open.retain(|it| *it != chunk);
                self.take_in(chunk, answer);
            }
            Some(None) => self.give_up(Refusal::Unreachable),
            // Bodies of the first d may be under way still.
            None if !self.is_extended && self.open.iter().any(|it| self.read.is_heard_of(*it)) => {
                self.is_extended = true;
                self.due += self.shared.config.body_limit;
            }
            None => self.give_up(Refusal::Deadline),
        }
    }

    fn take_in(&mut self, chunk: u8, answer: Result<Incoming, Refusal>) {
        let metrics = &self.shared.metrics;
        match answer {
            Ok(Incoming::Whole(body)) => {
                metrics.n_chunks_sent.one();
                metrics.sent_bytes.add(body.len() as u64);
                self.bodies.push(body);
            }
            Ok(Incoming::Late) => {
                metrics.n_chunks_late.one();
                self.late.push(chunk);
            }
            // Nobody asked for a stream: it goes back as it is.
            Ok(Incoming::Stream { .. }) => {}
            Err(why) => {
                self.shared.note_refused(&self.read, chunk, why);
                if why == Refusal::ChunkLost {
                    self.lost.push(chunk);
                }
            }
        }
    }

    fn give_up(&mut self, why: Refusal) {
        for chunk in std::mem::take(&mut self.open) {
            self.take_in(chunk, Err(why));
        }
    }
}
