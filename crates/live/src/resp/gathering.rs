//! The chunks of one object, asked for all at once and taken in as they come.

use std::sync::Arc;

use nodefn::Alarm;
use tokio::time::Instant;
use tracing::warn;
use wire::Refusal;

use crate::object::Gathered;
use crate::proxy::answers::{Answer, Answers};
use crate::proxy::order::GetReply;
use crate::proxy::shared::{Read, Shared};

/// A read under way, for one who wants the whole object.
#[derive(Debug)]
pub(super) struct Gathering {
    shared: Arc<Shared>,
    pub(super) read: Arc<Read>,
    answers: Arc<Answers>,
    due: Instant,
    alarm: Alarm,
    /// Whether bodies that had begun to come were given longer.
    is_extended: bool,
    /// The chunks that were asked for and not answered yet.
    open: Vec<u8>,
    /// The chunks that their functions no longer hold, or hold damaged.
    pub(super) lost: Vec<u8>,
    /// The chunks that are held, and were not sent since others had settled the read.
    late: Vec<u8>,
}

impl Gathering {
    /// Asks for these chunks, to be here by then, of which `n_wanted` are enough.
    pub(super) fn ask(
        shared: &Arc<Shared>,
        read: &Arc<Read>,
        chunks: Vec<u8>,
        due: Instant,
        is_body_wanted: bool,
        n_wanted: usize,
    ) -> Gathering {
        let answers = Answers::new(chunks.len(), n_wanted);
        for chunk in &chunks {
            let reply = GetReply::Each(answers.slot(*chunk));
            shared.ask_chunk(read, *chunk, due, is_body_wanted, reply);
        }
        Gathering {
            shared: Arc::clone(shared),
            read: Arc::clone(read),
            answers,
            due,
            alarm: Alarm::default(),
            is_extended: false,
            open: chunks,
            lost: Vec::new(),
            late: Vec::new(),
        }
    }

    /// Gathers chunks until the object can be decoded and the read is settled, or nothing is to
    /// come of it.
    pub(super) async fn settle(&mut self, gathered: &mut Gathered) {
        while !(self.is_vain() || (gathered.is_decodable() && self.read.is_settled())) {
            self.hear(gathered).await;
        }
    }

    /// Gathers answers until so many chunks are here or could be asked for again, or nothing is to
    /// come of it.
    pub(super) async fn find(&mut self, n_chunks: usize, gathered: &mut Gathered) {
        while !self.is_vain() && gathered.n_present() + self.late.len() < n_chunks {
            self.hear(gathered).await;
        }
    }

    /// Waits until everyone has answered.
    pub(super) async fn hear_out(&mut self, gathered: &mut Gathered) {
        while !self.is_over() {
            self.hear(gathered).await;
        }
    }

    /// Whether everyone has answered, and holds the chunk.
    pub(super) fn is_whole(&self) -> bool {
        self.is_over() && self.lost.is_empty()
    }

    /// Whether everyone has answered.
    pub(super) fn is_over(&self) -> bool {
        self.open.is_empty()
    }

    /// Whether to wait is vain: everyone has answered, or too many chunks are lost.
    pub(super) fn is_vain(&self) -> bool {
        self.is_over() || self.is_lost()
    }

    /// Whether too many chunks are lost.
    pub(super) fn is_lost(&self) -> bool {
        self.shared.config.code.n_parity() < self.lost.len()
    }

    /// The chunks that were not sent, and can be asked for again.
    pub(super) fn take_late(&mut self) -> Vec<u8> {
        std::mem::take(&mut self.late)
    }

    async fn hear(&mut self, gathered: &mut Gathered) {
        let new = self.alarm.by(self.due, self.answers.wait()).await;
        let is_due = new.is_none();
        for (chunk, answer) in new.unwrap_or_else(|| self.answers.take()) {
            self.open.retain(|it| *it != chunk);
            self.take_in(chunk, answer, gathered);
        }
        if !is_due {
            return;
        }
        // Bodies of the first d may be under way still.
        if !self.is_extended && self.open.iter().any(|it| self.read.is_heard_of(*it)) {
            self.is_extended = true;
            self.due += self.shared.config.body_limit;
        } else {
            self.give_up();
        }
    }

    fn take_in(&mut self, chunk: u8, answer: Answer, gathered: &mut Gathered) {
        let metrics = &self.shared.metrics;
        match answer {
            Answer::Body(n_bytes, body) => {
                metrics.n_chunks_sent.one();
                metrics.sent_bytes.add(n_bytes as u64);
                if let Err(error) = body.and_then(|it| gathered.add(it)) {
                    warn!(%error, "a chunk is not used");
                    self.lost.push(chunk);
                }
            }
            Answer::Late => {
                metrics.n_chunks_late.one();
                self.late.push(chunk);
            }
            Answer::Refused(why) => self.refused(chunk, why),
        }
    }

    fn refused(&mut self, chunk: u8, why: Refusal) {
        self.shared.note_refused(&self.read, chunk, why);
        if why == Refusal::ChunkLost {
            self.lost.push(chunk);
        }
    }

    fn give_up(&mut self) {
        for chunk in std::mem::take(&mut self.open) {
            self.refused(chunk, Refusal::Deadline);
        }
    }
}

impl Drop for Gathering {
    fn drop(&mut self) {
        self.answers.close();
    }
}
