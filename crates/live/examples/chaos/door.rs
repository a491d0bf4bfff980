//! The two ways into a cache, over a backing store.

use std::io;
use std::time::Duration;

use bytes::{Buf, Bytes, BytesMut};
use live::client::{Client, Outcome};
use live::store::{BackingStore, FileStore};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;
use tokio::time::timeout;

/// A way into the cache.
pub(crate) enum Door {
    Library(Client),
    Resp(RespClient),
}

/// How a GET was answered.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Answered {
    /// By the cache, which had lost nothing of it.
    Whole,
    /// By the cache, which had lost chunks of it.
    Recovered,
    /// By the store, since the cache had it not.
    Miss,
    /// By the store, since the cache had lost too much of it, or failed.
    Reset,
}

impl Door {
    /// The object of this key, wherever it is found.
    pub(crate) async fn get(
        &mut self,
        store: &FileStore,
        key: &[u8],
    ) -> Result<(Option<Bytes>, Answered), String> {
        let client = match self {
            Door::Library(client) => client,
            Door::Resp(client) => return client.get_through(store, key).await,
        };
        let fetched = client.get_through(store, key).await.map_err(|it| it.to_string())?;
        let answered = match fetched.outcome {
            Outcome::Hit if fetched.n_lost == 0 => Answered::Whole,
            Outcome::Hit => Answered::Recovered,
            Outcome::Miss => Answered::Miss,
            Outcome::Reset => Answered::Reset,
        };
        Ok((fetched.object, answered))
    }

    /// Stores an object for good, and in the cache. Where that fails it may be stored or not.
    pub(crate) async fn put(
        &mut self,
        store: &FileStore,
        key: &[u8],
        object: Bytes,
    ) -> Result<(), String> {
        match self {
            Door::Library(client) => {
                client.put_through(store, key, object).await.map_err(|it| it.to_string())
            }
            Door::Resp(client) => {
                client.delete(key).await?;
                store.put(key, object.clone()).await.map_err(|it| it.to_string())?;
                match client.ask(&[b"SET", key, &object]).await {
                    Ok(Reply::Line) => Ok(()),
                    // Not cached is not wrong; half cached might be.
                    _ => client.delete(key).await,
                }
            }
        }
    }

    /// Has the cache forget an object.
    pub(crate) async fn delete(&mut self, key: &[u8]) -> Result<(), String> {
        match self {
            Door::Library(client) => {
                client.delete(key).await.map(drop).map_err(|it| it.to_string())
            }
            Door::Resp(client) => client.delete(key).await,
        }
    }
}

/// A client of Redis, of the simplest kind.
pub(crate) struct RespClient {
    address: String,
    /// How long a command may take.
    limit: Duration,
    stream: Option<TcpStream>,
}

enum Reply {
    Line,
    Number,
    Nil,
    Bulk(Bytes),
    Error(String),
}

/// How often a command is sent that has to come through.
const N_ATTEMPTS: usize = 3;

impl RespClient {
    pub(crate) fn new(address: String, limit: Duration) -> RespClient {
        RespClient { address, limit, stream: None }
    }

    async fn get_through(
        &mut self,
        store: &FileStore,
        key: &[u8],
    ) -> Result<(Option<Bytes>, Answered), String> {
        let answered = match self.ask(&[b"GET", key]).await {
            Ok(Reply::Bulk(object)) => return Ok((Some(object), Answered::Whole)),
            Ok(Reply::Nil) => Answered::Miss,
            _ => Answered::Reset,
        };
        let object = store.get(key).await.map_err(|it| it.to_string())?;
        if let Some(object) = &object {
            // It need not be cached.
            self.ask(&[b"SET", key, object]).await.ok();
        }
        Ok((object, answered))
    }

    async fn delete(&mut self, key: &[u8]) -> Result<(), String> {
        let mut why = String::new();
        for _ in 0..N_ATTEMPTS {
            why = match self.ask(&[b"DEL", key]).await {
                Ok(Reply::Number) => return Ok(()),
                Ok(Reply::Error(said)) => said,
                Ok(_) => "DEL is answered by something else".to_owned(),
                Err(error) => error.to_string(),
            };
        }
        Err(why)
    }

    /// Sends a command, over a new connection where the last one failed.
    async fn ask(&mut self, words: &[&[u8]]) -> io::Result<Reply> {
        let limit = self.limit;
        let stream = self.stream.take();
        let asked = timeout(limit, exchange(stream, &self.address, words));
        let (reply, stream) =
            asked.await.map_err(|_| io::Error::from(io::ErrorKind::TimedOut))??;
        self.stream = Some(stream);
        Ok(reply)
    }
}

async fn exchange(
    stream: Option<TcpStream>,
    address: &str,
    words: &[&[u8]],
) -> io::Result<(Reply, TcpStream)> {
    let mut stream = match stream {
        Some(stream) => stream,
        None => TcpStream::connect(address).await?,
    };
    let mut command = format!("*{}\r\n", words.len()).into_bytes();
    for word in words {
        command.extend(format!("${}\r\n", word.len()).into_bytes());
        command.extend_from_slice(word);
        command.extend(b"\r\n");
    }
    stream.write_all(&command).await?;
    let mut buffer = BytesMut::new();
    let line_len = loop {
        if let Some(end) = buffer.windows(2).position(|it| it == b"\r\n") {
            break end;
        }
        read(&mut stream, &mut buffer).await?;
    };
    let line = String::from_utf8_lossy(&buffer.split_to(line_len)).into_owned();
    buffer.advance(2);
    let reply = match line.split_at(1) {
        ("+", _) => Reply::Line,
        (":", _) => Reply::Number,
        ("$", "-1") => Reply::Nil,
        ("$", n_bytes) => {
            let n_bytes: usize = n_bytes.parse().map_err(io::Error::other)?;
            buffer.reserve(n_bytes + 2);
            while buffer.len() < n_bytes + 2 {
                read(&mut stream, &mut buffer).await?;
            }
            Reply::Bulk(buffer.split_to(n_bytes).freeze())
        }
        _ => Reply::Error(line),
    };
    Ok((reply, stream))
}

async fn read(stream: &mut TcpStream, buffer: &mut BytesMut) -> io::Result<()> {
    match stream.read_buf(buffer).await? {
        0 => Err(io::ErrorKind::UnexpectedEof.into()),
        _ => Ok(()),
    }
}
