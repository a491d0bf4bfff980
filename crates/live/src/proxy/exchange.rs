//! One order and its answer, on a function's connection.

use bytes::Buf;
use nodefn::{Command, ConnectionError};
use tokio::sync::oneshot;
use tokio::time::Instant;
use tracing::warn;
use wire::{Frame, Message, Refusal, Trailer};

use super::actor::{Actor, Lost};
use super::invocations::BACKUP;
use super::lent::Lent;
use super::order::{GetReply, Incoming, Order, SetBody, Verb};

/// Bodies up to this length are read whole rather than lent, since a hand-over costs more than
/// the copy.
const WHOLE_LEN_MAX: u64 = 64 << 10;

impl Order {
    /// Whether what it takes is still there after it was sent once.
    pub(super) fn can_be_sent_again(&self) -> bool {
        match &self.verb {
            Verb::Get { reply, .. } => reply.is_some(),
            Verb::Set { body: SetBody::Stream { grant, .. }, .. } => grant.is_some(),
            Verb::Set { body: SetBody::Whole(_), .. } | Verb::Delete => true,
        }
    }
}

impl Actor {
    /// Sends an order, and hands the answer to who waits for it.
    pub(super) async fn exchange(&mut self, request: u64, order: &mut Order) -> Result<(), Lost> {
        if let Some(request) = self.connection.as_mut().and_then(|it| it.ahead.take()) {
            let answer = self.answer(request).await?;
            return self.settle(answer, order).await;
        }
        let id = order.id.clone();
        let limit = self.shared.config.rest_limit;
        let (message, parts) = match &order.verb {
            Verb::Get { .. } => (order.get(request).expect("it is one"), None),
            Verb::Set { body, .. } => {
                let parts = match body {
                    SetBody::Whole(parts) => Some(parts.clone()),
                    SetBody::Stream { .. } => None,
                };
                (Message::Set { request, id, body_len: body.len() }, parts)
            }
            Verb::Delete => return self.delete_all(order).await,
        };
        let writer = self.writer().ok_or(Lost::Closed)?;
        let sent = match parts {
            Some([head, tail]) => {
                let end = [Trailer::Whole.byte()];
                let n_trailer = usize::from(!(head.is_empty() && tail.is_empty()));
                let all = message.to_bytes().chain(head).chain(tail).chain(&end[..n_trailer]);
                writer.send_raw(all, limit).await
            }
            None => writer.send_within(&message, limit).await,
        };
        sent.map_err(|_| Lost::Closed)?;
        if let Verb::Set { body: SetBody::Stream { body_len, grant }, .. } = &mut order.verb {
            let (body_len, grant) = (*body_len, grant.take());
            self.lend_writer(body_len, grant).await?;
        }
        let answer = self.answer(request).await?;
        self.settle(answer, order).await
    }

    /// Lends the connection to who receives the body, until it has been sent on.
    async fn lend_writer(
        &mut self,
        body_len: u64,
        grant: Option<oneshot::Sender<Lent<nodefn::FrameWriter>>>,
    ) -> Result<(), Lost> {
        let n_left = if body_len == 0 { 0 } else { body_len + 1 };
        let connection = self.connection.as_mut().ok_or(Lost::Closed)?;
        let (lent, back) = Lent::new(connection.writer.take().ok_or(Lost::Closed)?, n_left);
        if let Some(grant) = grant {
            // Where nobody takes it, it comes back as it is.
            drop(grant.send(lent));
        } else {
            drop(lent);
        }
        let mut returned = back.await.map_err(|_| Lost::Closed)?;
        if returned.is_broken {
            return Err(Lost::Closed);
        }
        if returned.n_left != 0 {
            let limit = self.shared.config.rest_limit;
            returned.it.break_off(returned.n_left, limit).await.map_err(|_| Lost::Closed)?;
        }
        connection.writer = Some(returned.it);
        Ok(())
    }

    /// The answer to this request; what else comes is dealt with.
    pub(super) async fn answer(&mut self, request: u64) -> Result<Frame, Lost> {
        let (limit, rest) = (self.shared.config.request_limit, self.shared.config.rest_limit);
        loop {
            let reader = self.reader().ok_or(Lost::Closed)?;
            let frame = match reader.frame_within(limit).await {
                Ok(frame) => frame,
                Err(error) => {
                    if matches!(error, ConnectionError::Deadline { .. }) {
                        self.shared.metrics.n_unanswered.one();
                        warn!(node = self.node.0, %error, "a function does not answer");
                    }
                    return Err(Lost::Closed);
                }
            };
            match &frame.message {
                Message::Chunk { request: of, .. }
                | Message::Late { request: of, .. }
                | Message::Stored { request: of, .. }
                | Message::Deleted { request: of, .. }
                | Message::Refused { request: of, .. }
                    if *of == request =>
                {
                    return Ok(frame);
                }
                Message::Bye { .. } => return Err(Lost::Bye),
                Message::InitBackup { .. } => self.wants_backup = true,
                // A late PONG, or the answer to an order that was given up.
                _ => {
                    let n_bytes = frame.n_bytes_following();
                    reader.skip(n_bytes, rest).await.map_err(|_| Lost::Closed)?;
                }
            }
        }
    }

    /// Hands an answer to who waits for it.
    async fn settle(&mut self, answer: Frame, order: &mut Order) -> Result<(), Lost> {
        match (answer.message, &mut order.verb) {
            (Message::Refused { why, .. }, _) => order.refuse(why),
            (Message::Chunk { body_len, .. }, Verb::Get { .. }) => {
                self.take_chunk(body_len, order).await?;
            }
            (Message::Late { .. }, Verb::Get { read, reply, .. }) => {
                read.arrived(order.id.chunk);
                if let Some(reply) = reply.take() {
                    reply.send(Ok(Incoming::Late));
                }
            }
            (Message::Stored { .. }, Verb::Set { reply, .. }) => {
                // Who waited may be gone.
                let _ = reply.take().map(|it| it.send(Ok(())));
            }
            (message, _) => {
                warn!(node = self.node.0, ?message, "a function answers something else");
                order.refuse(Refusal::OutOfPlace);
                return Err(Lost::Closed);
            }
        }
        Ok(())
    }

    /// Hands on a chunk that begins to come, if it is among the first d.
    async fn take_chunk(&mut self, body_len: u64, order: &mut Order) -> Result<(), Lost> {
        let Verb::Get { read, is_body_wanted, is_streamed, reply } = &mut order.verb else {
            return Ok(());
        };
        let is_early = read.arrived(order.id.chunk);
        let reply = reply.take().filter(|it| !it.is_closed());
        if !is_early && !*is_body_wanted {
            if let Some(reply) = reply {
                reply.send(Ok(Incoming::Late));
            }
            return self.lend_reader(body_len, None).await;
        }
        let reply = match reply {
            Some(reply) if !*is_streamed || body_len <= WHOLE_LEN_MAX => reply,
            reply => return self.lend_reader(body_len, reply).await,
        };
        let Actor { shared, connection, alarm, .. } = self;
        let limit = shared.config.rest_limit;
        let due = Instant::now() + shared.config.body_limit;
        let reader = connection.as_mut().and_then(|it| it.reader.as_mut()).ok_or(Lost::Closed)?;
        let answer = match alarm.by(due, reader.body(body_len, limit)).await {
            Some(Ok((body, Trailer::Whole))) => Ok(Incoming::Whole(body)),
            Some(Ok((_, Trailer::BrokenOff))) => Err(Refusal::BrokenOff),
            Some(Err(_)) => Err(Refusal::Unreachable),
            None => Err(Refusal::Deadline),
        };
        let is_lost = matches!(answer, Err(Refusal::Unreachable | Refusal::Deadline));
        reply.send(answer);
        if is_lost && let Some(connection) = &mut self.connection {
            connection.reader = None;
        }
        Ok(())
    }

    /// Lends the connection to who wants the body, until it has been taken; reads what is left
    /// of it.
    async fn lend_reader(&mut self, body_len: u64, reply: Option<GetReply>) -> Result<(), Lost> {
        let limit = self.shared.config.rest_limit;
        let connection = self.connection.as_mut().ok_or(Lost::Closed)?;
        let reader = connection.reader.take().ok_or(Lost::Closed)?;
        let (lent, back) = Lent::new(reader, body_len + 1);
        match reply {
            // Where nobody takes it, it comes back as it is.
            Some(reply) => reply.send(Ok(Incoming::Stream { body_len, reader: lent })),
            None => drop(lent),
        }
        let Ok(mut returned) = back.await else { return Ok(()) };
        // Without its reader the connection is closed, once the order counts as answered.
        if !returned.is_broken && returned.it.skip(returned.n_left, limit).await.is_ok() {
            connection.reader = Some(returned.it);
        }
        Ok(())
    }

    /// Has a peer replica take over from the instance that asks for it.
    pub(super) async fn start_backup(&mut self) {
        let limit = self.shared.config.rest_limit;
        let tokens = self.shared.admissions().admit_relay(self.node);
        let Ok([source, replica]) = tokens else {
            return self.refuse_backup().await;
        };
        let Some(writer) = self.writer() else { return };
        let order = Message::Backup { token: source.into() };
        if writer.send_within(&order, limit).await.is_ok() {
            self.shared.metrics.n_invocations_backup.one();
            self.run_invocation(Command::BackUp, replica, BACKUP);
        }
    }

    /// Tells a function that waits for a replica that none comes.
    pub(super) async fn refuse_backup(&mut self) {
        let limit = self.shared.config.rest_limit;
        let why = Refusal::Busy;
        let refused = Message::Refused { request: 0, chunk: 0, version: 0, why };
        if let Some(writer) = self.writer() {
            // A function that cannot be told gives up by itself.
            let _ = writer.send_within(&refused, limit).await;
        }
    }
}
