//! A set of connections to one proxy, one for each chunk.

use std::time::Duration;

use bytes::{Buf, Bytes};
use ec::Code;
use nodefn::{Connection, ConnectionError};
use tokio::task::JoinSet;
use tokio::time::timeout;
use units::NodeId;
use wire::{ChunkId, Limits, Message, Refusal, Role, Trailer};

use super::{ClientConfig, ClientError};

/// Connections to one proxy, used by one request at a time.
#[derive(Debug)]
pub(super) struct LaneSet {
    proxy: String,
    session: u64,
    n_requests: u64,
    /// By chunk. One that failed is dialled again when it is needed.
    lanes: Vec<Option<Connection>>,
}

/// What came in answer to a request for a chunk.
#[derive(Debug)]
pub(super) enum Answer {
    /// The chunk, of this version.
    Body(u64, Bytes),
    /// Others were first.
    Late,
    /// The proxy has it not.
    Refused(Refusal),
    /// Its body was broken off, or the connection failed.
    Broken,
}

/// A proxy hands out no chunk that is longer.
const LIMITS: Limits = Limits { body_len_max: 16 << 30 };

/// Messages under way, one on each connection.
#[derive(Debug)]
pub(super) struct Round {
    asked: JoinSet<(usize, Exchanged)>,
    failure: Option<LaneError>,
}

/// The answer, and the connection it came over.
type Exchanged = Result<(Connection, Answer), LaneError>;

impl Round {
    /// The next answer, whose connection is then free again; nothing when all have come.
    pub(super) async fn next(&mut self, lanes: &mut LaneSet) -> Option<(usize, Answer)> {
        loop {
            let Ok((index, outcome)) = self.asked.join_next().await? else { continue };
            return Some(match outcome {
                Ok((lane, answer)) => {
                    lanes.lanes[index] = Some(lane);
                    (index, answer)
                }
                Err(error) => {
                    self.failure = Some(error);
                    (index, Answer::Broken)
                }
            });
        }
    }

    /// Whether all answers have come.
    pub(super) fn is_over(&self) -> bool {
        self.asked.is_empty()
    }

    /// Why a connection broke, if one did.
    pub(super) fn take_failure(&mut self, lanes: &LaneSet) -> Option<ClientError> {
        self.failure.take().map(|it| it.of(&lanes.proxy))
    }
}

impl LaneSet {
    /// A set that is not connected yet.
    pub(super) fn new(proxy: &str, code: Code) -> Result<LaneSet, ClientError> {
        let session = getrandom::u64()?;
        let lanes = (0..code.n_chunks()).map(|_| None).collect();
        Ok(LaneSet { proxy: proxy.to_owned(), session, n_requests: 0, lanes })
    }

    /// Calls at a proxy: a set with its first connection, and the proxy's code.
    pub(super) async fn call(
        proxy: &str,
        config: &ClientConfig,
    ) -> Result<(LaneSet, Code), ClientError> {
        let session = getrandom::u64()?;
        let dialled = dial(proxy, &config.token, session, config.request_limit).await;
        let (connection, code) = dialled.map_err(|it| it.of(proxy))?;
        let mut lanes = LaneSet { session, ..LaneSet::new(proxy, code)? };
        lanes.lanes[0] = Some(connection);
        Ok((lanes, code))
    }

    /// Dials on every connection that is not there.
    pub(super) async fn open(&mut self, config: &ClientConfig) -> Result<(), ClientError> {
        for lane in self.lanes.iter_mut().filter(|it| it.is_none()) {
            let dialled = dial(&self.proxy, &config.token, self.session, config.request_limit);
            *lane = Some(dialled.await.map_err(|it| it.of(&self.proxy))?.0);
        }
        Ok(())
    }

    pub(super) fn proxy(&self) -> &str {
        &self.proxy
    }

    /// Asks for chunks, all at once; the answers come one by one.
    pub(super) fn ask(
        &mut self,
        config: &ClientConfig,
        key: &Bytes,
        chunks: Vec<usize>,
        is_body_wanted: bool,
    ) -> Round {
        self.n_requests += 1;
        let request = self.n_requests;
        let ask = |index| {
            let id = ChunkId { key: key.clone(), chunk: small(index), version: 0 };
            (Message::Get { request, id, is_body_wanted }, [Bytes::new(), Bytes::new()])
        };
        let asked = chunks.into_iter().map(|index| (index, ask(index)));
        self.begin(config, asked.collect())
    }

    /// Sends chunks, all at once: of a new version of an object, or lost ones of an old one.
    pub(super) async fn set(
        &mut self,
        config: &ClientConfig,
        key: &Bytes,
        version: u64,
        bodies: Vec<(usize, [Bytes; 2])>,
    ) -> Result<(), ClientError> {
        self.n_requests += 1;
        let request = self.n_requests;
        let sent = bodies.into_iter().map(|(index, body)| {
            let id = ChunkId { key: key.clone(), chunk: small(index), version };
            let body_len = body.iter().map(|it| it.len() as u64).sum();
            (index, (Message::Set { request, id, body_len }, body))
        });
        let answers = self.round(config, sent.collect()).await?;
        for (_, answer) in answers {
            let why = match answer {
                Answer::Late => continue,
                Answer::Refused(why) => why,
                Answer::Broken | Answer::Body(..) => Refusal::BrokenOff,
            };
            return Err(ClientError::Refused { proxy: self.proxy.clone(), why });
        }
        Ok(())
    }

    /// Deletes an object. Whether it was cached.
    pub(super) async fn delete(
        &mut self,
        config: &ClientConfig,
        key: &Bytes,
    ) -> Result<bool, ClientError> {
        self.n_requests += 1;
        let id = ChunkId { key: key.clone(), chunk: 0, version: 0 };
        let message = Message::Delete { request: self.n_requests, id };
        let sent = vec![(0, (message, [Bytes::new(), Bytes::new()]))];
        let answers = self.round(config, sent).await?;
        match answers.into_iter().next() {
            Some((_, Answer::Late)) => Ok(true),
            Some((_, Answer::Refused(Refusal::NotCached))) => Ok(false),
            Some((_, Answer::Refused(why))) => {
                Err(ClientError::Refused { proxy: self.proxy.clone(), why })
            }
            _ => Err(self.unreachable("the connection broke")),
        }
    }

    /// Sends each message on the connection of its chunk, and waits for all answers.
    async fn round(
        &mut self,
        config: &ClientConfig,
        messages: Vec<(usize, (Message, [Bytes; 2]))>,
    ) -> Result<Vec<(usize, Answer)>, ClientError> {
        let mut round = self.begin(config, messages);
        let mut answers = Vec::new();
        while let Some(answer) = round.next(self).await {
            answers.push(answer);
        }
        let is_all_broken = answers.iter().all(|it| matches!(it.1, Answer::Broken));
        match round.take_failure(self) {
            Some(error) if is_all_broken => Err(error),
            _ => Ok(answers),
        }
    }

    /// Sends each message on the connection of its chunk.
    fn begin(
        &mut self,
        config: &ClientConfig,
        messages: Vec<(usize, (Message, [Bytes; 2]))>,
    ) -> Round {
        let limit = config.request_limit;
        let mut asked = JoinSet::new();
        for (index, (message, body)) in messages {
            let lane = self.lanes[index].take();
            let (proxy, token) = (self.proxy.clone(), config.token.clone());
            let session = self.session;
            asked.spawn(async move {
                let exchanged = async {
                    let is_kept = lane.is_some();
                    let mut lane = match lane {
                        Some(lane) => lane,
                        None => dial(&proxy, &token, session, limit).await?.0,
                    };
                    let first = exchange(&mut lane, &message, body.clone(), limit).await;
                    if first.is_err() && is_kept {
                        // The proxy may have closed it, or have been started anew, meanwhile.
                        lane = dial(&proxy, &token, session, limit).await?.0;
                        let answer = exchange(&mut lane, &message, body, limit).await?;
                        return Ok((lane, answer));
                    }
                    Ok::<_, LaneError>((lane, first?))
                };
                let longest = limit * 8;
                let is_over = ConnectionError::Deadline { limit: longest };
                (index, timeout(longest, exchanged).await.unwrap_or(Err(is_over.into())))
            });
        }
        Round { asked, failure: None }
    }

    fn unreachable(&self, why: &str) -> ClientError {
        ClientError::Unreachable { proxy: self.proxy.clone(), why: why.to_owned() }
    }
}

/// Why a connection is of no use.
#[derive(Debug)]
pub(super) enum LaneError {
    Connection(ConnectionError),
    Refused(Refusal),
}

impl From<ConnectionError> for LaneError {
    fn from(error: ConnectionError) -> LaneError {
        LaneError::Connection(error)
    }
}

impl LaneError {
    fn of(self, proxy: &str) -> ClientError {
        let proxy = proxy.to_owned();
        match self {
            LaneError::Connection(error) => {
                ClientError::Unreachable { proxy, why: error.to_string() }
            }
            LaneError::Refused(why) => ClientError::Refused { proxy, why },
        }
    }
}

/// Dials a proxy; also its code.
async fn dial(
    proxy: &str,
    token: &str,
    session: u64,
    limit: Duration,
) -> Result<(Connection, Code), LaneError> {
    let token = Bytes::copy_from_slice(token.as_bytes());
    let hello = Message::Hello { role: Role::Client, node: NodeId(0), session, token };
    let mut connection = Connection::dial(proxy, LIMITS, &hello, limit).await?;
    match connection.reader.frame_within(limit).await?.message {
        Message::Welcome { n_data, n_parity, .. } => {
            let code = Code::new(n_data.into(), n_parity.into());
            Ok((connection, code.map_err(|_| LaneError::Refused(Refusal::OutOfPlace))?))
        }
        Message::Refused { why, .. } => Err(LaneError::Refused(why)),
        _ => Err(LaneError::Refused(Refusal::OutOfPlace)),
    }
}

/// One request and its answer. [`Answer::Late`] also stands for what needs no body.
async fn exchange(
    lane: &mut Connection,
    message: &Message,
    [head, tail]: [Bytes; 2],
    limit: Duration,
) -> Result<Answer, ConnectionError> {
    let n_trailer = usize::from(matches!(message, Message::Set { .. }));
    let end = [Trailer::Whole.byte()];
    let all = message.to_bytes().chain(head).chain(tail).chain(&end[..n_trailer]);
    lane.writer.send_raw(all, limit).await?;
    match lane.reader.frame_within(limit).await?.message {
        Message::Chunk { version, body_len, .. } => {
            let (body, trailer) = lane.reader.body(body_len, limit).await?;
            Ok(match trailer {
                Trailer::Whole => Answer::Body(version, body),
                Trailer::BrokenOff => Answer::Broken,
            })
        }
        Message::Late { .. }
        | Message::Stored { .. }
        | Message::Deleted { was_there: true, .. } => Ok(Answer::Late),
        Message::Deleted { was_there: false, .. } => Ok(Answer::Refused(Refusal::NotCached)),
        Message::Refused { why, .. } => Ok(Answer::Refused(why)),
        _ => Err(ConnectionError::Closed),
    }
}

fn small(index: usize) -> u8 {
    u8::try_from(index).expect("a code has at most 255 chunks")
}
