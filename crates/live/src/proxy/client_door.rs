//! Where clients ask for chunks, one request at a time on each of their connections.

use std::sync::Arc;
use std::time::Duration;

use bytes::Bytes;
use nodefn::{BodyEnd, Connection, ConnectionError};
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::{Semaphore, oneshot};
use tokio::task::JoinSet;
use tokio::time::{Instant, timeout};
use tracing::{debug, warn};
use units::NodeId;
use wire::{ChunkId, Frame, Limits, Message, Refusal, Role};

use super::admission::is_same;
use super::order::{Incoming, SetBody};
use super::read::{Put, Read};
use super::shared::{Got, Shared};

/// Bodies up to this length are taken in before their function is asked for, so that they can
/// be sent again.
const WHOLE_LEN_MAX: u64 = 64 << 10;

/// Takes in clients until the proxy stops.
pub(super) async fn listen(shared: Arc<Shared>, listener: TcpListener, permits: Arc<Semaphore>) {
    let mut clients = JoinSet::new();
    loop {
        let accepted = tokio::select! {
            () = shared.stopped() => break,
            Some(_) = clients.join_next() => continue,
            accepted = listener.accept() => accepted,
        };
        let Ok((stream, peer)) = accepted else {
            tokio::time::sleep(Duration::from_millis(50)).await;
            continue;
        };
        let Ok(permit) = Arc::clone(&permits).try_acquire_owned() else {
            warn!(%peer, "too many clients");
            continue;
        };
        let shared = Arc::clone(&shared);
        clients.spawn(async move {
            match greet(&shared, stream).await {
                Ok(()) => {}
                Err(error @ ConnectionError::Wire(_)) => {
                    shared.metrics.n_bad_peers.one();
                    warn!(%peer, %error, "a client is not understood");
                }
                Err(error @ ConnectionError::Deadline { .. }) => {
                    shared.metrics.n_slow_peers.one();
                    warn!(%peer, %error, "a client is too slow, and is given up");
                }
                Err(error) => debug!(%peer, %error, "a client went away"),
            }
            drop(permit);
        });
    }
    drop(listener);
    // What they have under way is ended.
    while clients.join_next().await.is_some() {}
}

/// One connection of a client.
struct Lane<'a> {
    shared: &'a Shared,
    connection: Connection,
    session: u64,
}

async fn greet(shared: &Shared, stream: TcpStream) -> Result<(), ConnectionError> {
    let limit = shared.config.rest_limit;
    let limits = Limits { body_len_max: shared.config.body_len_max };
    let mut connection = Connection::new(stream, limits)?;
    let hello = tokio::select! {
        () = shared.stopped() => return Ok(()),
        hello = connection.reader.frame_within(limit) => hello,
    };
    let hello = match hello {
        Ok(hello) => hello.message,
        Err(error) => return not_understood(&mut connection, shared, error).await,
    };
    let why = match hello {
        Message::Hello { role: Role::Client, session, token, .. } => {
            if is_same(shared.config.client_token.as_bytes(), &token) {
                connection.writer.send_within(&shared.welcome(), limit).await?;
                shared.sessions().opened(session);
                let mut lane = Lane { shared, connection, session };
                let outcome = lane.run().await;
                drop(lane);
                let unfinished = shared.sessions().closed(session);
                for put in unfinished {
                    shared.put_failed(&put);
                }
                return outcome;
            }
            Refusal::Token
        }
        _ => Refusal::OutOfPlace,
    };
    shared.metrics.n_bad_peers.one();
    warn!(%why, "a client is not let in");
    let refused = Message::Refused { request: 0, chunk: 0, version: 0, why };
    connection.writer.send_within(&refused, limit).await
}

/// Tells a client that its bytes are no frame, before the connection is closed.
async fn not_understood(
    connection: &mut Connection,
    shared: &Shared,
    error: ConnectionError,
) -> Result<(), ConnectionError> {
    if matches!(error, ConnectionError::Wire(_)) {
        let why = Refusal::NotAFrame;
        let refused = Message::Refused { request: 0, chunk: 0, version: 0, why };
        connection.writer.send_within(&refused, shared.config.rest_limit).await?;
        connection.writer.close().await;
    }
    Err(error)
}

impl Lane<'_> {
    async fn run(&mut self) -> Result<(), ConnectionError> {
        loop {
            let shared = self.shared;
            let frame = tokio::select! {
                () = shared.stopped() => return Ok(()),
                frame = timeout(shared.config.idle_limit, self.connection.reader.frame()) => frame,
            };
            let limit = shared.config.idle_limit;
            let frame = match frame.unwrap_or(Err(ConnectionError::Deadline { limit })) {
                Ok(Some(frame)) => frame,
                Ok(None) => return Ok(()),
                Err(ConnectionError::Deadline { .. })
                    if !self.connection.reader.is_within_frame() =>
                {
                    // It has asked for nothing for long, and may dial again.
                    return Ok(());
                }
                Err(error) => return not_understood(&mut self.connection, shared, error).await,
            };
            self.serve(frame).await?;
        }
    }

    async fn serve(&mut self, frame: Frame) -> Result<(), ConnectionError> {
        match frame.message {
            Message::Get { request, id, is_body_wanted } => {
                self.get(request, &id, is_body_wanted).await
            }
            Message::Set { request, id, body_len } => self.set(request, id, body_len).await,
            Message::Delete { request, id } => {
                let ChunkId { key, chunk, version } = id;
                let noted = self.shared.sessions().change((self.session, request));
                if let Err(why) = noted {
                    return self.send(&Message::Refused { request, chunk, version, why }).await;
                }
                let was_there = self.shared.delete(&key);
                self.send(&Message::Deleted { request, chunk, was_there }).await
            }
            Message::Ping { request } => {
                let node = NodeId(0);
                let (session, token) = (self.session, Bytes::new());
                self.send(&Message::Pong { request, node, session, token }).await
            }
            _ => {
                self.shared.metrics.n_bad_peers.one();
                self.skip(frame.n_bytes_following()).await?;
                let why = Refusal::OutOfPlace;
                self.send(&Message::Refused { request: 0, chunk: 0, version: 0, why }).await
            }
        }
    }

    async fn get(
        &mut self,
        request: u64,
        id: &ChunkId,
        is_body_wanted: bool,
    ) -> Result<(), ConnectionError> {
        let chunk = id.chunk;
        let due = self.shared.request_due();
        let read = match self.read(request, id, due).await {
            Ok(read) => read,
            Err(why) => {
                let version = 0;
                return self.send(&Message::Refused { request, chunk, version, why }).await;
            }
        };
        let version = read.location.version;
        match self.shared.get_chunk(&read, chunk, due, is_body_wanted, true).await {
            Got::Late => self.send(&Message::Late { request, chunk, version }).await,
            Got::Refused(lost) => {
                // Its chunks make way for those of a newer version one by one.
                let is_superseded = || self.shared.metadata().is_superseded(&read.location);
                let is_newer = lost == Refusal::ChunkLost && is_superseded();
                let why = if is_newer { Refusal::Superseded } else { lost };
                self.send(&Message::Refused { request, chunk, version, why }).await
            }
            Got::Chunk(incoming) => {
                let node = read.location.nodes[usize::from(chunk)];
                self.send_chunk(node, request, &read.location.id(chunk), incoming).await
            }
        }
    }

    /// The read that a request for a chunk is part of, which is due then.
    async fn read(&self, request: u64, id: &ChunkId, due: Instant) -> Result<Arc<Read>, Refusal> {
        let name = (self.session, request);
        let read = self.shared.join_read(name, &id.key, due).await?;
        if read.location.key != id.key || !read.ask(id.chunk) {
            return Err(Refusal::OutOfPlace);
        }
        if read.is_asked_in_full() {
            self.shared.sessions().remove_read(name);
        }
        Ok(read)
    }

    /// Hands a chunk on while it comes.
    async fn send_chunk(
        &mut self,
        node: NodeId,
        request: u64,
        id: &ChunkId,
        incoming: Incoming,
    ) -> Result<(), ConnectionError> {
        let ChunkId { chunk, version, .. } = *id;
        let limit = self.shared.config.rest_limit;
        let metrics = &self.shared.metrics;
        let writer = &mut self.connection.writer;
        match incoming {
            Incoming::Late => self.send(&Message::Late { request, chunk, version }).await,
            Incoming::Whole(body) => {
                let body_len = body.len() as u64;
                let message = Message::Chunk { request, chunk, version, body_len };
                writer.send_with_body(&message, body, limit).await?;
                metrics.n_chunks_sent.one();
                metrics.sent_bytes.add(body_len);
                Ok(())
            }
            Incoming::Stream { body_len, mut reader } => {
                let message = Message::Chunk { request, chunk, version, body_len };
                writer.send_within(&message, limit).await?;
                let handed_on = reader.start().hand_on(body_len, writer, limit);
                match self.shared.holding(node, handed_on).await {
                    Ok(BodyEnd::Trailer(_)) => {
                        reader.moved(0);
                        metrics.n_chunks_sent.one();
                        metrics.sent_bytes.add(body_len);
                        Ok(())
                    }
                    Ok(BodyEnd::WriterFailed(error, n_left)) => {
                        reader.moved(n_left);
                        Err(error)
                    }
                    Ok(BodyEnd::ReaderFailed(error, n_left)) => {
                        debug!(%error, "a function went away within a body");
                        writer.break_off(n_left, limit).await
                    }
                    Err(error) => Err(error),
                }
            }
        }
    }

    async fn set(
        &mut self,
        request: u64,
        id: ChunkId,
        body_len: u64,
    ) -> Result<(), ConnectionError> {
        let chunk = id.chunk;
        let place = if id.version == 0 {
            self.put(request, &id, body_len).await.map(|put| {
                let location = &put.location;
                (location.nodes[usize::from(chunk)], location.id(chunk), Some(Arc::clone(&put)))
            })
        } else {
            // A lost chunk is put back in its place, if the object is still the same.
            match self.shared.metadata().place_of(&id) {
                Some((node, chunk_len)) if chunk_len == body_len => Ok((node, id, None)),
                // It would take room that was placed for others.
                Some(_) => Err(Refusal::OutOfPlace),
                None => Err(Refusal::Superseded),
            }
        };
        let (node, id, put) = match place {
            Ok(place) => place,
            Err(why) => {
                self.skip(if body_len == 0 { 0 } else { body_len + 1 }).await?;
                return self.send(&Message::Refused { request, chunk, version: 0, why }).await;
            }
        };
        let version = id.version;
        let limit = put.as_ref().map_or(self.shared.config.request_limit, |it| it.limit);
        let (outcome, client) = self.take_in(node, id, body_len, limit).await;
        let outcome = match (outcome, &put) {
            (Ok(()), Some(put)) => self.shared.put_stored(put),
            (Ok(()), None) => {
                self.shared.metrics.n_chunks_recovered.one();
                Ok(())
            }
            (Err(why), _) => Err(why),
        };
        if let (Err(_), Some(put)) = (&outcome, &put) {
            self.shared.put_failed(put);
        }
        client?;
        self.send(&match outcome {
            Ok(()) => Message::Stored { request, chunk, version, node },
            Err(why) => Message::Refused { request, chunk, version, why },
        })
        .await
    }

    /// The write that a chunk is part of.
    async fn put(&self, request: u64, id: &ChunkId, body_len: u64) -> Result<Arc<Put>, Refusal> {
        let name = (self.session, request);
        let (expired, has_room) = self.shared.sessions().make_room(name);
        for put in expired {
            self.shared.put_failed(&put);
        }
        if !has_room {
            return Err(Refusal::Busy);
        }
        let put = self.shared.join_put(name, &id.key, body_len).await?;
        if put.has_failed() {
            // What a newer write has overtaken is done with, and nothing to be undone.
            let is_superseded = self.shared.metadata().is_superseded(&put.location);
            return Err(if is_superseded { Refusal::Superseded } else { Refusal::BrokenOff });
        }
        let is_alike = put.location.key == id.key && put.chunk_len == body_len;
        if !is_alike || !put.ask(id.chunk) {
            return Err(Refusal::OutOfPlace);
        }
        if put.is_asked_in_full() {
            self.shared.sessions().remove_put(name);
        }
        Ok(put)
    }

    /// Moves a body from the client to its function, which has to be there for it within the
    /// limit. What became of it there, and of the client's connection.
    async fn take_in(
        &mut self,
        node: NodeId,
        id: ChunkId,
        body_len: u64,
        limit: Duration,
    ) -> (Result<(), Refusal>, Result<(), ConnectionError>) {
        let shared = self.shared;
        let rest = shared.config.rest_limit;
        if body_len <= WHOLE_LEN_MAX {
            return match self.connection.reader.body(body_len, rest).await {
                Ok((body, wire::Trailer::Whole)) => {
                    let body = SetBody::Whole([body, Bytes::new()]);
                    (shared.set_chunk(node, id, body, limit).await, Ok(()))
                }
                Ok((_, wire::Trailer::BrokenOff)) => (Err(Refusal::BrokenOff), Ok(())),
                Err(error) => (Err(Refusal::BrokenOff), Err(error)),
            };
        }
        let (grant, granted) = oneshot::channel();
        let body = SetBody::Stream { body_len, grant: Some(grant) };
        let reader = &mut self.connection.reader;
        let moved = async {
            let Ok(mut writer) = granted.await else {
                return reader.skip(body_len + 1, rest).await;
            };
            let handed_on = reader.hand_on(body_len, writer.start(), rest);
            match shared.holding(node, handed_on).await {
                Ok(BodyEnd::Trailer(_)) => {
                    writer.moved(0);
                    Ok(())
                }
                Ok(BodyEnd::ReaderFailed(error, n_left)) => {
                    writer.moved(n_left);
                    Err(error)
                }
                Ok(BodyEnd::WriterFailed(_, n_left)) => {
                    drop(writer);
                    reader.skip(n_left, rest).await
                }
                Err(error) => Err(error),
            }
        };
        tokio::join!(shared.set_chunk(node, id, body, limit), moved)
    }

    async fn skip(&mut self, n_bytes: u64) -> Result<(), ConnectionError> {
        self.connection.reader.skip(n_bytes, self.shared.config.rest_limit).await
    }

    async fn send(&mut self, message: &Message) -> Result<(), ConnectionError> {
        self.connection.writer.send_within(message, self.shared.config.rest_limit).await
    }
}
