//! Whole objects at the RESP door: the coding that clients otherwise do.

use std::sync::Arc;

use bytes::{Bytes, BytesMut};
use ec::Codec;
use tokio::task::JoinSet;
use tokio::time::Instant;
use wire::Refusal;

use super::gathering::Gathering;
use crate::object::{Decoded, Gathered, chunk_len, encode, off_the_async_threads};
use crate::proxy::order::SetBody;
use crate::proxy::shared::{Read, Shared};

/// Chunks of so many bytes together are decoded where they are: to check them, and to compute the
/// one or two that came late, takes less time than to wake another thread for it.
const DECODED_HERE_MAX: usize = 1 << 20;

/// What was found of an object.
pub(super) enum Found {
    /// The object, and what is still to be heard of its chunks.
    Object(Decoded, Gathering),
    /// It is not cached, or too many of its chunks are lost.
    Miss,
}

/// Gets an object from its functions. What of a short one has to be computed lies in `room`.
pub(super) async fn get(
    shared: &Arc<Shared>,
    codec: &Arc<Codec>,
    key: &Bytes,
    room: &mut BytesMut,
) -> Found {
    let metrics = &shared.metrics;
    let due = shared.request_due();
    let mut read_due = due;
    while let Ok(read) = shared.open_read(key, read_due).await {
        let (decoded, gathering) = gather(shared, codec, &read, read_due, room).await;
        if let Some(decoded) = decoded {
            metrics.n_hits.one();
            return Found::Object(decoded, gathering);
        }
        let location = &read.location;
        // Its chunks made way for those of a newer version while they were asked for. However long
        // that took, the newer one is looked for once.
        let has_time = read_due == due || Instant::now() < due;
        if has_time && shared.metadata().is_superseded(location) {
            read_due = shared.request_due();
            continue;
        }
        if gathering.is_lost() {
            // What is left of it is of no use. Otherwise functions could not be reached.
            shared.forget(location);
        }
        break;
    }
    metrics.n_misses.one();
    Found::Miss
}

/// Gathers chunks of an object that are due then: what they make, and what is still to be heard of
/// the others.
async fn gather(
    shared: &Arc<Shared>,
    codec: &Arc<Codec>,
    read: &Arc<Read>,
    due: Instant,
    room: &mut BytesMut,
) -> (Option<Decoded>, Gathering) {
    let n_chunks = u8::try_from(codec.code().n_chunks()).expect("at most 255");
    let n_data = codec.code().n_data();
    let mut gathered = Gathered::new(codec);
    let chunks = (0..n_chunks).collect();
    let mut gathering = Gathering::ask(shared, read, chunks, due, false, n_data);
    gathering.settle(&mut gathered).await;
    let mut decoded = decode(codec, &mut gathered, &mut gathering, room).await;
    if decoded.is_none() {
        // One of the first d was broken off, or is damaged: late ones are needed after all.
        gathering.find(n_data, &mut gathered).await;
        if gathering.is_lost() {
            return (None, gathering);
        }
        let n_wanted = n_data.saturating_sub(gathered.n_present());
        let (late, due) = (gathering.take_late(), shared.request_due());
        let mut again = Gathering::ask(shared, read, late, due, true, n_wanted);
        again.lost.append(&mut gathering.lost);
        loop {
            again.settle(&mut gathered).await;
            decoded = decode(codec, &mut gathered, &mut again, room).await;
            if decoded.is_some() || again.is_vain() {
                break;
            }
        }
        gathering.lost.append(&mut again.lost);
    }
    (decoded, gathering)
}

/// Waits for those who have not answered yet, and puts back what is lost.
pub(super) async fn repair(
    shared: Arc<Shared>,
    codec: Arc<Codec>,
    object: Decoded,
    mut gathering: Gathering,
) {
    gathering.hear_out(&mut Gathered::new(&codec)).await;
    if !gathering.lost.is_empty() {
        recover(&shared, &codec, object.to_bytes(), &gathering).await;
    }
}

/// The object, if there are enough chunks that are whole. Damaged ones are lost.
async fn decode(
    codec: &Arc<Codec>,
    gathered: &mut Gathered,
    gathering: &mut Gathering,
    room: &mut BytesMut,
) -> Option<Decoded> {
    if !gathered.is_decodable() {
        return None;
    }
    let n_bytes = gathered.n_bytes();
    let decoded = if n_bytes <= DECODED_HERE_MAX {
        gathered.decode(codec, room)
    } else {
        let mut taken = std::mem::replace(gathered, Gathered::new(codec));
        let codec = Arc::clone(codec);
        let work = move || (taken.decode(&codec, &mut BytesMut::new()), taken);
        let (decoded, taken) = off_the_async_threads(n_bytes, work).await;
        *gathered = taken;
        decoded
    };
    gathering.lost.extend(gathered.take_damaged());
    decoded.ok()
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
            let (id, body) = (put.location.id(chunk), SetBody::Whole(parts));
            shared.set_chunk(node, id, body, put.limit).await?;
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
            shared.put_failed(&put);
            Err(why)
        }
    }
}

/// Puts the lost chunks of an object back in their places.
async fn recover(shared: &Arc<Shared>, codec: &Arc<Codec>, object: Bytes, gathering: &Gathering) {
    let lost = &gathering.lost;
    let chunks = off_the_async_threads(object.len(), {
        let codec = Arc::clone(codec);
        move || encode(&codec, &object)
    });
    let mut stored = JoinSet::new();
    for (chunk, parts) in (0_u8..).zip(chunks.await) {
        let id = gathering.read.location.id(chunk);
        let place = shared.metadata().place_of(&id);
        let Some((node, _)) = place.filter(|_| lost.contains(&chunk)) else { continue };
        let shared = Arc::clone(shared);
        stored.spawn(async move {
            let (body, limit) = (SetBody::Whole(parts), shared.config.request_limit);
            if shared.set_chunk(node, id, body, limit).await.is_ok() {
                shared.metrics.n_chunks_recovered.one();
            }
        });
    }
    while stored.join_next().await.is_some() {}
}
