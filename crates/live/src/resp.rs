//! The RESP door: the protocol of Redis, so that any of its clients can use the cache.
//!
//! GET, SET, DEL, EXISTS, PING, INFO, COMMAND and QUIT are known, AUTH where a password is set, and
//! what clients ask for when they connect: HELLO for either version of the protocol, SELECT of the
//! one database, and CLIENT. Anything else is answered with an error, as Redis does.

mod command;
mod gathering;
mod intake;
mod object;
mod peer;
mod reply;

use std::sync::Arc;

use bytes::{Buf, Bytes, BytesMut};
use ec::Codec;
use nodefn::{Alarm, ConnectionError};
use tokio::io::AsyncWriteExt;
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::Semaphore;
use tokio::task::JoinSet;
use tokio::time::Instant;
use tracing::{debug, warn};
use wire::NAME_LEN_MAX;

use self::command::{Limits, Parsed, parse};
use self::intake::Intake;
use self::object::{Found, get, repair, set};
use self::peer::{Peer, REDIS_VERSION, shown, wrong};
use self::reply::{Pieces, Reply};
use crate::proxy::ProxyConfig;
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
                intake: Intake::default(),
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
    intake: Intake,
    /// Where chunks that did not come are computed: memory of one's own costs more than they do.
    room: BytesMut,
    peer: Peer,
    /// What is put back of objects that were read, each of which is held for as long.
    repairs: JoinSet<()>,
    alarm: Alarm,
}

/// How many objects one client may hold so. Further ones are not put back.
const N_REPAIRS_MAX: usize = 2;

/// What a stranger may say, who has nothing long to say: as long as a password may be, and more
/// words than HELLO has.
const STRANGER_LIMITS: Limits = Limits { word_len_max: 4 << 10, n_words_max: 16 };

/// How many words a command has at most. They take more memory than their bytes do.
const N_WORDS_MAX: usize = 1 << 16;

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
            // A value need not be held until the client takes the reply.
            drop(words);
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
            let n_bytes_needed = match parse(self.intake.bytes(), self.limits()) {
                Ok(Parsed::Command { words, n_bytes }) => {
                    let command = self.intake.take(n_bytes);
                    return Ok(Some(words.into_iter().map(|it| command.slice(it)).collect()));
                }
                Ok(Parsed::Line { words, n_bytes }) => {
                    self.intake.take(n_bytes);
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
            let n_missing = n_bytes_needed - self.intake.len();
            self.intake.reserve(n_missing);
            let limit = if self.intake.is_empty() { config.idle_limit } else { config.rest_limit };
            // All of a value is read before it is looked at again.
            let mut n_read = 0;
            while n_read < n_missing {
                let Client { stream, intake, alarm, .. } = self;
                let read = alarm.within(limit, async { Ok(intake.read(stream).await?) });
                let n_bytes = tokio::select! {
                    () = shared.stopped() => return Ok(None),
                    n_bytes = read => n_bytes,
                };
                let n_bytes = match n_bytes {
                    // It has asked for nothing for long, and may dial again.
                    Err(ConnectionError::Deadline { .. }) if self.intake.is_empty() => 0,
                    n_bytes => n_bytes?,
                };
                if n_bytes == 0 {
                    return if self.intake.is_empty() {
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
        match (name, arguments) {
            (b"GET" | b"SET", [key, ..]) if NAME_LEN_MAX < key.len() => {
                Reply::Error(format!("ERR a key has at most {NAME_LEN_MAX} bytes"))
            }
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
    /// want to have said all before it listens. It may not go on for ever about it.
    async fn write(&mut self, mut bytes: impl Buf) -> Result<(), ConnectionError> {
        let ProxyConfig { rest_limit, body_limit, .. } = self.shared.config;
        let ahead_len_max = usize::try_from(self.limits().word_len_max).unwrap_or(usize::MAX);
        let Client { stream, intake, alarm, .. } = self;
        let (mut reader, mut writer) = stream.split();
        let mut has_ended = false;
        // Until when something has to be taken, where that does not go by itself.
        let mut due = None;
        while bytes.has_remaining() {
            let may_read = !has_ended && intake.len() < ahead_len_max;
            let moved = alarm.within(rest_limit, async {
                tokio::select! {
                    biased;
                    written = writer.write_buf(&mut bytes) => written.map(|_| None),
                    read = intake.read_more(&mut reader), if may_read => read.map(Some),
                }
                .map_err(ConnectionError::from)
            });
            let Some(n_read) = moved.await? else {
                due = None;
                continue;
            };
            has_ended |= n_read == 0;
            let now = Instant::now();
            if *due.get_or_insert(now + body_limit) <= now {
                return Err(ConnectionError::Deadline { limit: body_limit });
            }
        }
        Ok(())
    }

    /// What this client may say; of words as long as one may be, so much is taken in ahead.
    fn limits(&self) -> Limits {
        if self.peer.is_let_in {
            let word_len_max = self.shared.config.body_len_max;
            Limits { word_len_max, n_words_max: N_WORDS_MAX }
        } else {
            STRANGER_LIMITS
        }
    }
}
