//! What a function is told to do with a chunk, and how it answers.

use std::sync::Arc;

use bytes::Bytes;
use nodefn::{FrameReader, FrameWriter};
use tokio::sync::{OwnedSemaphorePermit, oneshot};
use tokio::time::Instant;
use wire::{ChunkId, Message, Refusal};

use super::answers::Slot;
use super::lent::Lent;
use super::read::Read;

/// One thing a function is told to do.
#[derive(Debug)]
pub(crate) struct Order {
    pub(crate) id: ChunkId,
    /// Until when it has to be done.
    pub(crate) due: Instant,
    pub(crate) verb: Verb,
    /// Its place in the queue, which is free again when the order is dropped.
    pub(super) room: Option<OwnedSemaphorePermit>,
}

/// What is to be done with the chunk, and who waits for it.
#[derive(Debug)]
pub(crate) enum Verb {
    /// Send it, for this read.
    Get {
        read: Arc<Read>,
        /// Whether its body is wanted even if the read is settled.
        is_body_wanted: bool,
        /// Whether a long body is wanted as it comes, rather than whole.
        is_streamed: bool,
        reply: Option<GetReply>,
    },
    /// Store it.
    Set { body: SetBody, reply: Option<oneshot::Sender<Result<(), Refusal>>> },
    /// Drop it. Nobody waits.
    Delete,
}

/// Who waits for a chunk.
#[derive(Debug)]
pub(crate) enum GetReply {
    /// Someone who waits for this one alone.
    One(oneshot::Sender<Result<Incoming, Refusal>>),
    /// Someone who waits for several.
    Each(Slot),
}

impl GetReply {
    /// Answers. Who waited may be gone.
    pub(crate) fn send(self, answer: Result<Incoming, Refusal>) {
        match self {
            GetReply::One(reply) => drop(reply.send(answer)),
            GetReply::Each(slot) => slot.fill(answer),
        }
    }

    /// Whether nobody waits any more.
    pub(crate) fn is_closed(&self) -> bool {
        match self {
            GetReply::One(reply) => reply.is_closed(),
            GetReply::Each(slot) => slot.is_closed(),
        }
    }
}

/// What is to be stored.
#[derive(Debug)]
pub(crate) enum SetBody {
    /// It is here, in two parts (so that a header need not be copied to its chunk), and can be
    /// sent again.
    Whole([Bytes; 2]),
    /// It is still coming: who receives it is lent the connection, to send it on, once.
    Stream { body_len: u64, grant: Option<oneshot::Sender<Lent<FrameWriter>>> },
}

/// A function's answer to a GET.
#[derive(Debug)]
pub(crate) enum Incoming {
    /// The chunk, which is small or was wanted whole.
    Whole(Bytes),
    /// The chunk is coming, over the connection that is lent.
    Stream { body_len: u64, reader: Lent<FrameReader> },
    /// The function holds it, and has not sent it: the read was settled.
    Late,
}

/// Chunks up to this length are asked for together with the ping.
const AHEAD_LEN_MAX: u64 = 256 << 10;

impl Order {
    /// An order that is to be done by then, and is not queued yet.
    pub(crate) fn new(id: ChunkId, due: Instant, verb: Verb) -> Order {
        Order { id, due, verb, room: None }
    }

    /// Whether it is of no use any more. A chunk of a settled read is asked for all the same,
    /// without its body: so a function that was invoked for it need not wait for what does not
    /// come, and a loss shows.
    pub(crate) fn is_abandoned(&self) -> bool {
        match &self.verb {
            Verb::Get { read, reply, .. } => {
                !read.is_decodable() && reply.as_ref().is_none_or(GetReply::is_closed)
            }
            Verb::Set { reply, .. } => reply.as_ref().is_none_or(oneshot::Sender::is_closed),
            Verb::Delete => false,
        }
    }

    /// The message that asks for a chunk.
    pub(crate) fn get(&self, request: u64) -> Option<Message> {
        let Verb::Get { read, is_body_wanted, .. } = &self.verb else { return None };
        let is_body_wanted = *is_body_wanted || !read.is_decodable();
        Some(Message::Get { request, id: self.id.clone(), is_body_wanted })
    }

    /// The same, where it may be sent ahead of the answer to the ping: the chunk is so small that
    /// it costs less than to wait until it is known whether the read is settled without it.
    pub(crate) fn get_ahead(&self, request: u64) -> Option<Message> {
        match &self.verb {
            Verb::Get { read, .. } if read.location.chunk_len <= AHEAD_LEN_MAX => self.get(request),
            _ => None,
        }
    }

    /// Tells who waits that it will not be done.
    pub(crate) fn refuse(&mut self, why: Refusal) {
        // Who waited may be gone.
        match &mut self.verb {
            Verb::Get { reply, .. } => {
                if let Some(reply) = reply.take() {
                    reply.send(Err(why));
                }
            }
            Verb::Set { reply, .. } => drop(reply.take().map(|it| it.send(Err(why)))),
            Verb::Delete => {}
        }
    }
}

impl SetBody {
    pub(crate) fn len(&self) -> u64 {
        match self {
            SetBody::Whole(parts) => parts.iter().map(|it| it.len() as u64).sum(),
            SetBody::Stream { body_len, .. } => *body_len,
        }
    }
}
