//! What a frame says.

use std::fmt;

use bytes::Bytes;
use units::NodeId;

/// Who is at the other end of a connection.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Role {
    /// Someone who reads and writes objects.
    Client,
    /// A function that holds chunks.
    Function,
    /// The function that is being backed up, on its connection to the relay.
    RelaySource,
    /// The peer replica that takes over, on its connection to the relay.
    RelayReplica,
}

/// Names one chunk of one version of an object.
///
/// Each SET makes a new version, so that a chunk of an overwritten object, still held by some
/// function or replica, is never taken for one of the current object.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct ChunkId {
    /// The key of the object.
    pub key: Bytes,
    /// Which of the object's chunks.
    pub chunk: u8,
    /// Of which version; 0 where a client leaves it to the proxy.
    pub version: u64,
}

/// One message. `request` pairs an answer with what it answers; it is picked by who asks.
/// A client's numbers grow within its session: of what it changes, a request that a later one has
/// overtaken is refused.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Message {
    /// First on every connection: who calls. Answered by [`Message::Welcome`] or
    /// [`Message::Refused`].
    Hello {
        /// Who calls.
        role: Role,
        /// Which function calls; 0 for a client.
        node: NodeId,
        /// All connections of one client, or one instance of a function, name the same.
        session: u64,
        /// What lets the caller in.
        token: Bytes,
    },
    /// The caller is let in, and told what the pool is like.
    Welcome {
        /// Data chunks per object.
        n_data: u8,
        /// Parity chunks per object.
        n_parity: u8,
        /// Functions in the pool.
        n_nodes: u32,
    },
    /// Asks for a chunk. Answered by [`Message::Chunk`], [`Message::Late`] or
    /// [`Message::Refused`].
    Get {
        /// Pairs the answer.
        request: u64,
        /// Which chunk.
        id: ChunkId,
        /// Whether the body is wanted even if d others were first (client to proxy), or at all
        /// (proxy to function).
        is_body_wanted: bool,
    },
    /// Brings a chunk; the body follows. Answered by [`Message::Stored`] or
    /// [`Message::Refused`].
    Set {
        /// Pairs the answer.
        request: u64,
        /// Which chunk. A version from a client means that a lost chunk of it is put back.
        id: ChunkId,
        /// How long the body is.
        body_len: u64,
    },
    /// Deletes an object (from a client, whatever the chunk), or a chunk of a version and of
    /// all older ones (to a function). Answered by [`Message::Deleted`].
    Delete {
        /// Pairs the answer.
        request: u64,
        /// What to delete.
        id: ChunkId,
    },
    /// Announces a request to a function that may have returned.
    Ping {
        /// Pairs the answer.
        request: u64,
    },
    /// The function is up: in answer to a ping, or unasked when an invocation starts.
    Pong {
        /// That of the ping, or 0 at the start of an invocation.
        request: u64,
        /// Which function.
        node: NodeId,
        /// Which instance of it.
        session: u64,
        /// The token of the invocation under way.
        token: Bytes,
    },
    /// The function is about to return.
    Bye {
        /// Which function.
        node: NodeId,
        /// Which instance of it.
        session: u64,
    },
    /// The function asks to be backed up before it returns.
    InitBackup {
        /// Which function.
        node: NodeId,
        /// Which instance of it.
        session: u64,
    },
    /// Tells the function that is being backed up how to reach the relay.
    Backup {
        /// What lets it in at the relay.
        token: Bytes,
    },
    /// The peer replica is on the relay, and asks what the source holds.
    SyncHello,
    /// What the source holds: a body of entries, deleted ones first, then by latest use.
    Inventory {
        /// How many entries there are.
        n_entries: u32,
        /// How long the body is.
        body_len: u64,
    },
    /// A chunk; the body follows, but for an answer to a [`Message::Get`] that wanted none.
    Chunk {
        /// Of the request that is answered.
        request: u64,
        /// Which chunk.
        chunk: u8,
        /// Of which version.
        version: u64,
        /// How long the body is that follows.
        body_len: u64,
    },
    /// The read was settled by other chunks.
    Late {
        /// Of the request that is answered.
        request: u64,
        /// Which chunk.
        chunk: u8,
        /// Of which version.
        version: u64,
    },
    /// A chunk is stored.
    Stored {
        /// Of the request that is answered.
        request: u64,
        /// Which chunk.
        chunk: u8,
        /// As which version.
        version: u64,
        /// On which function.
        node: NodeId,
    },
    /// A chunk or an object is gone.
    Deleted {
        /// Of the request that is answered.
        request: u64,
        /// Which chunk.
        chunk: u8,
        /// Whether it had been there.
        was_there: bool,
    },
    /// What was asked for cannot be had.
    Refused {
        /// Of the request that is answered; 0 for a [`Message::Hello`], and where it is not
        /// known.
        request: u64,
        /// Which chunk.
        chunk: u8,
        /// Of which version, where that is known.
        version: u64,
        /// Why.
        why: Refusal,
    },
}

/// Why something cannot be had.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Refusal {
    /// The token is wrong, or was used before.
    Token,
    /// The object is not cached.
    NotCached,
    /// The function no longer holds the chunk.
    ChunkLost,
    /// The function has no memory left.
    Full,
    /// The object can have no room in the pool.
    NoRoom,
    /// The function cannot be reached.
    Unreachable,
    /// It took longer than it may.
    Deadline,
    /// A newer version of the object came.
    Superseded,
    /// The sender of a body did not have all of it.
    BrokenOff,
    /// The frame makes no sense here.
    OutOfPlace,
    /// The bytes are no frame.
    NotAFrame,
    /// More at once than is taken.
    Busy,
    /// The proxy is shutting down.
    Draining,
}

impl Refusal {
    /// All, in the order of their numbers on the wire.
    pub const ALL: [Refusal; 13] = [
        Refusal::Token,
        Refusal::NotCached,
        Refusal::ChunkLost,
        Refusal::Full,
        Refusal::NoRoom,
        Refusal::Unreachable,
        Refusal::Deadline,
        Refusal::Superseded,
        Refusal::BrokenOff,
        Refusal::OutOfPlace,
        Refusal::NotAFrame,
        Refusal::Busy,
        Refusal::Draining,
    ];
}

impl fmt::Display for Refusal {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(match self {
            Refusal::Token => "the token is wrong, or was used before",
            Refusal::NotCached => "the object is not cached",
            Refusal::ChunkLost => "the function no longer holds the chunk",
            Refusal::Full => "the function has no memory left",
            Refusal::NoRoom => "the object has no room in the pool",
            Refusal::Unreachable => "the function cannot be reached",
            Refusal::Deadline => "it took longer than it may",
            Refusal::Superseded => "a newer version of the object came",
            Refusal::BrokenOff => "the body was broken off",
            Refusal::OutOfPlace => "the frame makes no sense here",
            Refusal::NotAFrame => "the bytes are no frame",
            Refusal::Busy => "more at once than is taken",
            Refusal::Draining => "the proxy is shutting down",
        })
    }
}
