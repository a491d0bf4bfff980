//! Whole objects at the RESP door: the coding that clients otherwise do.

use std::pin::pin;
use std::sync::Arc;

use bytes::Bytes;
use ec::Codec;
use tokio::task::JoinSet;
use tokio::time::timeout;
use tracing::warn;
use wire::{Refusal, Trailer};

use crate::object::{Decoded, Gathered, chunk_len, encode, off_the_async_threads};
use crate::proxy::order::{Incoming, SetBody};
use crate::proxy::shared::{Got, Read, Shared};

/// What was found of an object.
pub(super) enum Found {
    /// The object, and which of its chunks were lost.
    Object(Decoded, Vec<u8>, Arc<Read>),
    /// It is not cached, or too many of its chunks are lost.
    Miss,
}

/// Gets an object from its functions.
pub(super) async fn get(shared: &Arc<Shared>, codec: &Arc<Codec>, key: &Bytes) -> Found {
    let Ok(read) = shared.open_read(key) else { return Found::Miss };
    let n_chunks = u8::try_from(codec.code().n_chunks()).expect("at most 255");
    let first = gather(shared, &read, (0..n_chunks).collect(), false).await;
    let mut bodies = first.bodies;
    if bodies.len() < codec.code().n_data() && !first.late.is_empty() {
        // One of the first d was broken off: the late ones are needed after all.
        let again = gather(shared, &read, first.late, true).await;
        bodies.extend(again.bodies);
    }
    let n_bytes = bodies.iter().map(Bytes::len).sum();
    let decoded = off_the_async_threads(n_bytes, {
        let codec = Arc::clone(codec);
        move || decode(&codec, &bodies)
    });
    if let Some(decoded) = decoded.await {
        return Found::Object(decoded, first.lost, read);
    }
    // What is left of it is of no use.
    shared.forget(&read.location).await;
    Found::Miss
}

struct Gathering {
    bodies: Vec<Bytes>,
    lost: Vec<u8>,
    late: Vec<u8>,
}

/// Asks for chunks, all at once.
async fn gather(
    shared: &Arc<Shared>,
    read: &Arc<Read>,
    chunks: Vec<u8>,
    is_body_wanted: bool,
) -> Gathering {
    let mut asked = JoinSet::new();
    for chunk in chunks {
        let (shared, read) = (Arc::clone(shared), Arc::clone(read));
        asked.spawn(async move {
            let mut asked = pin!(shared.get_chunk(&read, chunk, is_body_wanted, false));
            let got = tokio::select! {
                biased;
                got = &mut asked => got,
                () = read.settled(), if !is_body_wanted => {
                    if read.is_heard_of(chunk) {
                        // It is among the first d, and its body is under way.
                        asked.await
                    } else {
                        shared.metrics.n_chunks_late.one();
                        Got::Late
                    }
                }
            };
            (chunk, take_in(&shared, got).await)
        });
    }
    let mut gathering = Gathering { bodies: Vec::new(), lost: Vec::new(), late: Vec::new() };
    while let Some(Ok((chunk, outcome))) = asked.join_next().await {
        match outcome {
            Ok(Some(body)) => gathering.bodies.push(body),
            Ok(None) => gathering.late.push(chunk),
            Err(Refusal::ChunkLost) => gathering.lost.push(chunk),
            Err(_) => {}
        }
    }
    gathering
}

/// The body of a chunk, or nothing where it is late.
async fn take_in(shared: &Shared, got: Got) -> Result<Option<Bytes>, Refusal> {
    let body = match got {
        Got::Refused(why) => return Err(why),
        Got::Late | Got::Chunk(Incoming::Late) => return Ok(None),
        Got::Chunk(Incoming::Whole(body)) => body,
        Got::Chunk(Incoming::Stream { body_len, mut reader }) => {
            let body = reader.start().body(body_len, shared.config.rest_limit);
            match timeout(shared.config.body_limit, body).await {
                Ok(Ok((body, Trailer::Whole))) => {
                    reader.moved(0);
                    body
                }
                Ok(Ok((_, Trailer::BrokenOff))) => {
                    reader.moved(0);
                    return Err(Refusal::BrokenOff);
                }
                Ok(Err(_)) => return Err(Refusal::Unreachable),
                Err(_) => return Err(Refusal::Deadline),
            }
        }
    };
    shared.metrics.n_chunks_sent.one();
    shared.metrics.sent_bytes.add(body.len() as u64);
    Ok(Some(body))
}

fn decode(codec: &Codec, bodies: &[Bytes]) -> Option<Decoded> {
    let mut gathered = Gathered::default();
    for body in bodies {
        if let Err(error) = gathered.add(body) {
            warn!(%error, "a chunk is not used");
        }
    }
    gathered.is_decodable().then(|| gathered.decode(codec))?.ok()
}

/// Stores an object on functions.
pub(super) async fn set(
    shared: &Arc<Shared>,
    codec: &Arc<Codec>,
    key: &Bytes,
    object: Bytes,
) -> Result<(), Refusal> {
    let put = shared.open_put(key, chunk_len(codec.code(), object.len())).await?;
    let chunks = off_the_async_threads(object.len(), {
        let codec = Arc::clone(codec);
        move || encode(&codec, &object)
    });
    let mut stored = JoinSet::new();
    for (chunk, parts) in (0_u8..).zip(chunks.await) {
        let (shared, put) = (Arc::clone(shared), Arc::clone(&put));
        stored.spawn(async move {
            let node = put.location.nodes[usize::from(chunk)];
            shared.set_chunk(node, put.location.id(chunk), SetBody::Whole(parts)).await?;
            shared.put_stored(&put)
        });
    }
    let mut outcome = Ok(());
    while let Some(one) = stored.join_next().await {
        outcome = outcome.and(one.unwrap_or(Err(Refusal::Unreachable)));
    }
    match outcome {
        // Superseded: as if this write had been done just before the newer one.
        Ok(()) | Err(Refusal::Superseded) => Ok(()),
        Err(why) => {
            shared.put_failed(&put).await;
            Err(why)
        }
    }
}

/// Puts the lost chunks of an object back in their places.
pub(super) async fn recover(
    shared: &Arc<Shared>,
    codec: &Arc<Codec>,
    object: Bytes,
    lost: Vec<u8>,
    read: &Read,
) {
    let chunks = off_the_async_threads(object.len(), {
        let codec = Arc::clone(codec);
        move || encode(&codec, &object)
    });
    let mut stored = JoinSet::new();
    for (chunk, parts) in (0_u8..).zip(chunks.await) {
        let id = read.location.id(chunk);
        let node = shared.metadata().node_of(&id);
        let Some(node) = node.filter(|_| lost.contains(&chunk)) else { continue };
        let shared = Arc::clone(shared);
        stored.spawn(async move {
            if shared.set_chunk(node, id, SetBody::Whole(parts)).await.is_ok() {
                shared.metrics.n_chunks_recovered.one();
            }
        });
    }
    while stored.join_next().await.is_some() {}
}
