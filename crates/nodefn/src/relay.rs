//! Delta-sync between two instances of a function, through the proxy's relay.
//!
//! The source answers what it holds, then chunk by chunk what the replica asks for. The replica
//! asks for what it lacks, and meanwhile serves: what it has not yet, it fetches first.

use std::collections::VecDeque;

use bytes::{Bytes, BytesMut};
use tokio::time::Instant;
use wire::{ChunkId, Entry, Frame, Message, Refusal, Trailer, parse_entries};

use crate::connection::{Connection, ConnectionError};
use crate::instance::{BACKUP_LIMIT, REST_LIMIT};
use crate::store::Store;

/// The replica's end: the instance that takes over.
#[derive(Debug)]
pub(crate) struct Replica {
    /// Nothing once the source or the relay failed.
    relay: Option<Connection>,
    /// What is still to be copied or deleted; nothing before the source has said.
    todo: Option<VecDeque<Entry>>,
}

/// What a replica waits for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Awaited {
    Inventory,
    Chunk,
}

/// The source's end: the instance that is backed up.
#[derive(Debug)]
pub(crate) struct Source {
    relay: Connection,
    due: Instant,
}

impl Replica {
    pub(crate) fn new(relay: Connection) -> Replica {
        Replica { relay: Some(relay), todo: None }
    }

    /// Asks for the inventory.
    pub(crate) async fn hello(&mut self) -> Result<(), ConnectionError> {
        match &mut self.relay {
            Some(relay) => relay.writer.send_within(&Message::SyncHello, BACKUP_LIMIT).await,
            None => Err(ConnectionError::Closed),
        }
    }

    /// Whether the source or the relay failed before the source said what it holds. What is not
    /// there is not known to be lost then: the source may hold it yet.
    pub(crate) fn has_failed(&self) -> bool {
        self.relay.is_none() && self.todo.is_none()
    }

    /// Whether [`Replica::step`] has something to do.
    pub(crate) fn has_next(&self) -> bool {
        !self.is_done()
    }

    /// Whether there is no more to be had from the source.
    pub(crate) fn is_done(&self) -> bool {
        self.relay.is_none() || self.todo.as_ref().is_some_and(VecDeque::is_empty)
    }

    /// Takes in the inventory, or the next chunk of it that is not held yet. How many chunks
    /// were copied.
    pub(crate) async fn step(&mut self, store: &mut Store, capacity: u64) -> u64 {
        let Some(todo) = &mut self.todo else {
            self.take_in_inventory(store).await;
            return 0;
        };
        let Some(Entry { id, is_held }) = todo.pop_front() else { return 0 };
        if !is_held {
            store.delete(&id);
            return 0;
        }
        if store.is_known(&id) || store.check(&id, 0, capacity).is_err() {
            return 0;
        }
        let Some(body) = self.get(&id, store).await else { return 0 };
        u64::from(store.set(id, body, capacity).is_ok())
    }

    /// A chunk that the source holds.
    pub(crate) async fn get(&mut self, id: &ChunkId, store: &mut Store) -> Option<Bytes> {
        let message = Message::Get { request: 0, id: id.clone(), is_body_wanted: true };
        let answer = match &mut self.relay {
            Some(relay) => relay.writer.send_within(&message, BACKUP_LIMIT).await,
            None => return None,
        };
        let answer = match answer {
            Ok(()) => self.answer(Awaited::Chunk, store).await,
            Err(error) => Err(error),
        };
        self.keep(answer)?
    }

    /// Lets the source hold a chunk, too, for when it takes over in its turn. Its inventory was
    /// taken in.
    pub(crate) async fn set(&mut self, id: &ChunkId, body: Bytes) {
        let Some(relay) = &mut self.relay else { return };
        let message = Message::Set { request: 0, id: id.clone(), body_len: body.len() as u64 };
        let result = relay.writer.send_with_body(&message, body, REST_LIMIT).await;
        self.keep(result);
    }

    /// Takes in what the source holds, unless that was done. While the source still sends a long
    /// inventory, it would not take a body: both would wait.
    pub(crate) async fn take_in_inventory(&mut self, store: &mut Store) {
        if self.todo.is_none() {
            let inventory = self.answer(Awaited::Inventory, store).await;
            self.keep(inventory);
        }
    }

    /// Lets the source drop a chunk, too.
    pub(crate) async fn delete(&mut self, id: &ChunkId) {
        let Some(relay) = &mut self.relay else { return };
        let message = Message::Delete { request: 0, id: id.clone() };
        let result = relay.writer.send_within(&message, BACKUP_LIMIT).await;
        self.keep(result);
    }

    /// The source's next answer of this kind. An inventory that is still outstanding comes before
    /// the chunk, and is taken in.
    async fn answer(
        &mut self,
        awaited: Awaited,
        store: &mut Store,
    ) -> Result<Option<Bytes>, ConnectionError> {
        let Some(relay) = &mut self.relay else { return Ok(None) };
        loop {
            let frame = relay.reader.frame_within(BACKUP_LIMIT).await?;
            match frame.message {
                Message::Inventory { n_entries, body_len } => {
                    let (body, trailer) = relay.reader.body(body_len, REST_LIMIT).await?;
                    if trailer == Trailer::BrokenOff {
                        return Err(ConnectionError::Closed);
                    }
                    let n_entries = usize::try_from(n_entries).unwrap_or(usize::MAX);
                    let entries = parse_entries(&body, n_entries)?;
                    store.doubt(&entries);
                    self.todo = Some(entries.into());
                    if awaited == Awaited::Inventory {
                        return Ok(None);
                    }
                }
                Message::Chunk { body_len, .. } => {
                    let (body, trailer) = relay.reader.body(body_len, REST_LIMIT).await?;
                    return Ok((trailer == Trailer::Whole).then_some(body));
                }
                Message::Refused { .. } => return Ok(None),
                Message::Welcome { .. } => {}
                _ => relay.reader.skip(frame.n_bytes_following(), REST_LIMIT).await?,
            }
        }
    }

    /// Goes on without the source where it failed.
    fn keep<T>(&mut self, result: Result<T, ConnectionError>) -> Option<T> {
        if result.is_err() {
            self.relay = None;
        }
        result.ok()
    }
}

impl Source {
    pub(crate) fn new(relay: Connection) -> Source {
        Source { relay, due: Instant::now() + BACKUP_LIMIT }
    }

    /// Until when the replica has to say something.
    pub(crate) fn due(&self) -> Instant {
        self.due
    }

    /// The replica's next order, once the proxy has turned to the replica.
    pub(crate) async fn frame(&mut self, is_ready: bool) -> Result<Frame, ConnectionError> {
        if !is_ready {
            return std::future::pending().await;
        }
        self.relay.reader.frame().await?.ok_or(ConnectionError::Closed)
    }

    /// Carries out an order of the replica.
    pub(crate) async fn serve(
        &mut self,
        frame: Frame,
        store: &mut Store,
        capacity: u64,
    ) -> Result<(), ConnectionError> {
        self.due = Instant::now() + BACKUP_LIMIT;
        let Connection { reader, writer } = &mut self.relay;
        match frame.message {
            Message::SyncHello => {
                let entries = store.inventory();
                let mut body = BytesMut::new();
                for entry in &entries {
                    entry.write(&mut body);
                }
                let n_entries = u32::try_from(entries.len()).unwrap_or(u32::MAX);
                let message = Message::Inventory { n_entries, body_len: body.len() as u64 };
                writer.send_with_body(&message, body.freeze(), REST_LIMIT).await
            }
            Message::Get { request, id, .. } => {
                let ChunkId { chunk, version, .. } = id;
                let Some(body) = store.get(&id) else {
                    let why = Refusal::ChunkLost;
                    let message = Message::Refused { request, chunk, version, why };
                    return writer.send_within(&message, REST_LIMIT).await;
                };
                let body_len = body.len() as u64;
                let message = Message::Chunk { request, chunk, version, body_len };
                writer.send_with_body(&message, body, REST_LIMIT).await
            }
            Message::Set { id, .. } => {
                let (body, trailer) = reader.body(frame.body_len, REST_LIMIT).await?;
                if trailer == Trailer::Whole {
                    // A copy that has no room here is the replica's alone.
                    let _ = store.set(id, body, capacity);
                }
                Ok(())
            }
            Message::Delete { id, .. } => {
                store.delete(&id);
                Ok(())
            }
            Message::Welcome { .. } => Ok(()),
            _ => reader.skip(frame.n_bytes_following(), REST_LIMIT).await,
        }
    }
}
