//! The RESP door: the protocol of Redis, so that any of its clients can use the cache.
//!
//! GET, SET, DEL, EXISTS, PING, INFO and COMMAND are known, AUTH where a password is set, and what
//! clients ask for when they connect: HELLO for either version of the protocol, SELECT of the one
//! database, and CLIENT. Anything else is answered with an error, as Redis does.

mod command;
mod gathering;
mod object;
mod peer;
mod reply;

use std::sync::Arc;

use bytes::{Buf, Bytes, BytesMut};
use ec::Codec;
use nodefn::{Alarm, ConnectionError};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::tcp::ReadHalf;
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::Semaphore;
use tokio::task::JoinSet;
use tracing::{debug, warn};
use wire::NAME_LEN_MAX;

use self::command::{Parsed, parse};
use self::object::{Found, get, repair, set};
use self::peer::{Peer, REDIS_VERSION, shown, wrong};
use self::reply::{Pieces, Reply};
use crate::proxy::shared::Shared;

/// Takes in clients of Redis until the proxy stops.
pub(crate) async fn listen(shared: Arc<Shared>, listener: TcpListener, permits: Arc<Semaphore>) {
    let codec = Arc::new(Codec::new(shared.config.code));
    let mut clients = JoinSet::new();
    let mut n_accepted = 0;
    loop {
        let accepted = tokio::select! {
            () = shared.stopped() => break,
            Some(_) = clients.join_next() => continue,
            accepted = listener.accept() => accepted,
        };
        let Ok((stream, peer)) = accepted else {
            tokio::time::sleep(std::time::Duration::from_millis(50)).await;
            continue;
        };
        let Ok(permit) = Arc::clone(&permits).try_acquire_owned() else {
            warn!(%peer, "too many clients");
            continue;
        };
        n_accepted += 1;
        let peer_known = Peer::new(n_accepted, shared.config.resp_password.is_none());
        let (shared, codec) = (Arc::clone(&shared), Arc::clone(&codec));
        clients.spawn(async move {
            let mut client = Client {
                shared,
                codec,
                stream,
                buffer: BytesMut::new(),
                room: BytesMut::new(),
                peer: peer_known,
                repairs: JoinSet::new(),
                alarm: Alarm::default(),
            };
            let outcome = client.run().await;
            let Client { shared, stream, mut repairs, .. } = client;
            // Who has left waits for the end of the connection, and not for that of the repairs.
            drop(stream);
            while repairs.join_next().await.is_some() {}
            match outcome {
                Ok(()) => {}
                Err(error @ ConnectionError::Deadline { .. }) => {
                    shared.metrics.n_slow_peers.one();
                    warn!(%peer, %error, "a client of Redis rests for too long, and is given up");
                }
                Err(error) => debug!(%peer, %error, "a client of Redis went away"),
            }
            drop(permit);
        });
    }
    drop(listener);
    // What they have under way is ended.
    while clients.join_next().await.is_some() {}
}

/// A connection of a client of Redis.
struct Client {
    shared: Arc<Shared>,
    codec: Arc<Codec>,
    stream: TcpStream,
    buffer: BytesMut,
    /// Where chunks that did not come are computed: memory of one's own costs more than they do.
    room: BytesMut,
    peer: Peer,
    /// What is put back of objects that were read, each of which is held for as long.
    repairs: JoinSet<()>,
    alarm: Alarm,
}

/// How many objects one client may hold so. Further ones are not put back.
const N_REPAIRS_MAX: usize = 2;

/// How much is read at a time before the length of a command is known.
const READ_BYTES: usize = 16 << 10;

/// How long a password, and whatever else comes before one, may be.
const WORD_LEN_MAX: u64 = 4 << 10;

/// Replies up to this length go out in one packet.
const ONE_WRITE_MAX: usize = 64 << 10;

impl Client {
    async fn run(&mut self) -> Result<(), ConnectionError> {
        self.stream.set_nodelay(true)?;
        loop {
            let Some(words) = self.command().await? else { return Ok(()) };
            let Some((name, arguments)) = words.split_first() else { continue };
            let name = name.to_ascii_uppercase();
            let reply = self.answer(&name, arguments).await;
            self.send(reply).await?;
            if name == b"QUIT" {
                return Ok(());
            }
        }
    }

    /// The next command, or nothing at the end.
    async fn command(&mut self) -> Result<Option<Vec<Bytes>>, ConnectionError> {
        let shared = Arc::clone(&self.shared);
        let config = &shared.config;
        loop {
            let n_bytes_needed = match parse(&self.buffer, self.word_len_max()) {
                Ok(Parsed::Command { words, n_bytes }) => {
                    let command = self.buffer.split_to(n_bytes).freeze();
                    return Ok(Some(words.into_iter().map(|it| command.slice(it)).collect()));
                }
                Ok(Parsed::Line { words, n_bytes }) => {
                    self.buffer.advance(n_bytes);
                    return Ok(Some(words.into_iter().map(Bytes::from).collect()));
                }
                Ok(Parsed::Incomplete { n_bytes_needed }) => n_bytes_needed,
                Err(error) => {
                    shared.metrics.n_bad_peers.one();
                    warn!(%error, "a client of Redis is not understood");
                    self.send(Reply::Error(format!("ERR Protocol error: {error}"))).await?;
                    return Ok(None);
                }
            };
            let n_missing = n_bytes_needed - self.buffer.len();
            self.buffer.reserve(n_missing.max(READ_BYTES));
            let limit = if self.buffer.is_empty() { config.idle_limit } else { config.rest_limit };
            // All of a value is read before it is looked at again.
            let mut n_read = 0;
            while n_read < n_missing {
                let Client { stream, buffer, alarm, .. } = self;
                let read = alarm.within(limit, async { Ok(stream.read_buf(buffer).await?) });
                let n_bytes = tokio::select! {
                    () = shared.stopped() => return Ok(None),
                    n_bytes = read => n_bytes,
                };
                let n_bytes = match n_bytes {
                    // It has asked for nothing for long, and may dial again.
                    Err(ConnectionError::Deadline { .. }) if self.buffer.is_empty() => 0,
                    n_bytes => n_bytes?,
                };
                if n_bytes == 0 {
                    return if self.buffer.is_empty() {
                        Ok(None)
                    } else {
                        Err(ConnectionError::Closed)
                    };
                }
                n_read += n_bytes;
            }
        }
    }

    async fn answer(&mut self, name: &[u8], arguments: &[Bytes]) -> Reply {
        let Shared { config, metrics, .. } = &*self.shared;
        let password = config.resp_password.as_deref();
        if let Some(reply) = self.peer.greet(name, arguments, password, metrics) {
            return reply;
        }
        if name == b"QUIT" {
            return Reply::ok();
        }
        if !self.peer.is_let_in {
            return Reply::Error("NOAUTH Authentication required.".to_owned());
        }
        if let Some(reply) = self.peer.answer(name, arguments) {
            return reply;
        }
        if arguments.iter().take(1).any(|key| NAME_LEN_MAX < key.len()) {
            return Reply::Error(format!("ERR a key has at most {NAME_LEN_MAX} bytes"));
        }
        match (name, arguments) {
            (b"PING", []) => Reply::Line("PONG".to_owned()),
            (b"PING", [text]) => Reply::Bulk(text.clone()),
            (b"GET", [key]) => self.get(key).await,
            (b"SET", [key, value]) => {
                // The key lies beside the value, and would keep it in memory.
                let key = Bytes::copy_from_slice(key);
                match set(&self.shared, &self.codec, &key, value.clone()).await {
                    Ok(()) => Reply::ok(),
                    Err(why) => Reply::Error(format!("ERR not stored: {why}")),
                }
            }
            (b"SET", [_, _, ..]) => Reply::Error("ERR options of SET are not known".to_owned()),
            (b"DEL", [_, ..]) => {
                let mut n_deleted = 0;
                for key in arguments {
                    n_deleted += u64::from(self.shared.delete(key));
                }
                Reply::Number(n_deleted)
            }
            (b"EXISTS", [_, ..]) => {
                let metadata = self.shared.metadata();
                let n_there = arguments.iter().filter(|it| metadata.contains(it)).count();
                Reply::Number(n_there as u64)
            }
            (b"INFO", _) => Reply::Bulk(self.info().into()),
            (b"COMMAND", [what, ..]) if what.eq_ignore_ascii_case(b"DOCS") => {
                Reply::Pairs(Vec::new())
            }
            (b"COMMAND", _) => Reply::NoWords,
            (b"PING" | b"GET" | b"SET" | b"DEL" | b"EXISTS", _) => {
                Reply::Error(wrong(&shown(name).to_lowercase()))
            }
            _ => Reply::Error(format!("ERR unknown command '{}'", shown(name))),
        }
    }

    async fn get(&mut self, key: &Bytes) -> Reply {
        match get(&self.shared, &self.codec, key, &mut self.room).await {
            Found::Miss => Reply::Nil,
            Found::Object(object, gathering) => Reply::Object(object, gathering),
        }
    }

    fn info(&self) -> String {
        let config = &self.shared.config;
        let metrics = &self.shared.metrics;
        format!(
            "# Server\r\nredis_version:{REDIS_VERSION}\r\nserver_name:infinisim\r\n\r\n\
             # Pool\r\nfunctions:{}\r\ncode:{}\r\nmemory_mb:{}\r\n\r\n\
             # Stats\r\nkeyspace_hits:{}\r\nkeyspace_misses:{}\r\nevicted_keys:{}\r\n\r\n\
             # Keyspace\r\ndb0:keys={}\r\n",
            config.n_nodes,
            config.code,
            config.memory_mb,
            metrics.n_hits.get(),
            metrics.n_misses.get(),
            metrics.n_evictions.get(),
            self.shared.metadata().n_objects(),
        )
    }

    async fn send(&mut self, reply: Reply) -> Result<(), ConnectionError> {
        let mut bytes = reply.to_bytes(self.peer.protocol);
        let Reply::Object(object, gathering) = reply else { return self.write(&bytes[..]).await };
        if object.n_bytes <= ONE_WRITE_MAX {
            for piece in &object.pieces {
                bytes.extend_from_slice(piece);
            }
            bytes.extend_from_slice(b"\r\n");
            self.write(&bytes[..]).await?;
        } else {
            self.write(Pieces::new(bytes, &object.pieces)).await?;
        }
        while self.repairs.try_join_next().is_some() {}
        // One slow function is not to hold up what others could answer: who reads the object next
        // finds the same lost.
        if !gathering.is_whole() && self.repairs.len() < N_REPAIRS_MAX {
            let (shared, codec) = (Arc::clone(&self.shared), Arc::clone(&self.codec));
            self.repairs.spawn(repair(shared, codec, object, gathering));
        }
        Ok(())
    }

    /// Sends bytes. As long as the client does not take them, what it sends is taken in: it may
    /// want to have said all before it listens.
    async fn write(&mut self, mut bytes: impl Buf) -> Result<(), ConnectionError> {
        let limit = self.shared.config.rest_limit;
        let ahead_len_max = usize::try_from(self.word_len_max()).unwrap_or(usize::MAX);
        let Client { stream, buffer, alarm, .. } = self;
        let (mut reader, mut writer) = stream.split();
        let mut has_ended = false;
        while bytes.has_remaining() {
            let may_read = !has_ended && buffer.len() < ahead_len_max;
            let moved = alarm.within(limit, async {
                tokio::select! {
                    biased;
                    written = writer.write_buf(&mut bytes) => written.map(|_| false),
                    read = read_more(&mut reader, buffer), if may_read => read.map(|it| it == 0),
                }
                .map_err(ConnectionError::from)
            });
            has_ended |= moved.await?;
        }
        Ok(())
    }

    /// How long a word may be that this client sends, and all that is taken in ahead.
    fn word_len_max(&self) -> u64 {
        // A stranger has nothing long to say.
        if self.peer.is_let_in { self.shared.config.body_len_max } else { WORD_LEN_MAX }
    }
}

/// Reads what there is, into room that is made only once it is asked for.
async fn read_more(reader: &mut ReadHalf<'_>, buffer: &mut BytesMut) -> std::io::Result<usize> {
    buffer.reserve(READ_BYTES);
    reader.read_buf(buffer).await
}
