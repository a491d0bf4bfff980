//! A set of connections to one proxy, one for each chunk.

use std::time::Duration;

use bytes::{Buf, Bytes};
use ec::Code;
use nodefn::{Connection, ConnectionError};
use tokio::task::JoinSet;
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

/// What is asked for a chunk.
#[derive(Clone, Debug)]
enum Ask {
    Get {
        is_body_wanted: bool,
    },
    /// Of a new version, where the version is 0.
    Set {
        version: u64,
        body: [Bytes; 2],
    },
    Delete,
}

impl Ask {
    /// Whether the answer would be the same. To a chunk of a new version it is not: the proxy may
    /// have stored it, and waits for it no more.
    fn may_be_asked_again(&self) -> bool {
        !matches!(self, Ask::Set { version: 0, .. })
    }

    /// The message, and the body behind it.
    fn message(&self, request: u64, key: &Bytes, index: usize) -> (Message, [Bytes; 2]) {
        let id = |version| ChunkId { key: key.clone(), chunk: small(index), version };
        match self {
            Ask::Get { is_body_wanted } => {
                let is_body_wanted = *is_body_wanted;
                (Message::Get { request, id: id(0), is_body_wanted }, Default::default())
            }
            Ask::Set { version, body } => {
                let body_len = body.iter().map(|it| it.len() as u64).sum();
                (Message::Set { request, id: id(*version), body_len }, body.clone())
            }
            Ask::Delete => (Message::Delete { request, id: id(0) }, Default::default()),
        }
    }
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
        let asked = chunks.into_iter().map(|index| (index, Ask::Get { is_body_wanted }));
        self.begin(config, key, asked.collect())
    }

    /// Sends chunks, all at once: of a new version of an object, or lost ones of an old one.
    pub(super) async fn set(
        &mut self,
        config: &ClientConfig,
        key: &Bytes,
        version: u64,
        bodies: Vec<(usize, [Bytes; 2])>,
    ) -> Result<(), ClientError> {
        let sent = || bodies.iter().cloned().map(|(at, body)| (at, Ask::Set { version, body }));
        let mut answers = self.round(config, key, sent().collect()).await;
        let is_cut = |answers: &[(usize, Answer)]| {
            answers.iter().any(|(_, answer)| matches!(answer, Answer::Broken))
        };
        if answers.as_ref().map_or(true, |it| is_cut(it)) {
            // A proxy that has some chunks of a new version, and not the connection that brings
            // another, gives that version up: all of it is sent once more, as another request.
            answers = self.round(config, key, sent().collect()).await;
        }
        for (_, answer) in answers? {
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
        let answers = self.round(config, key, vec![(0, Ask::Delete)]).await?;
        match answers.into_iter().next() {
            Some((_, Answer::Late)) => Ok(true),
            Some((_, Answer::Refused(Refusal::NotCached))) => Ok(false),
            Some((_, Answer::Refused(why))) => {
                Err(ClientError::Refused { proxy: self.proxy.clone(), why })
            }
            _ => Err(self.unreachable("the connection broke")),
        }
    }

    /// Asks each thing on the connection of its chunk, and waits for all answers.
    async fn round(
        &mut self,
        config: &ClientConfig,
        key: &Bytes,
        asks: Vec<(usize, Ask)>,
    ) -> Result<Vec<(usize, Answer)>, ClientError> {
        let mut round = self.begin(config, key, asks);
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

    /// Asks each thing on the connection of its chunk.
    fn begin(&mut self, config: &ClientConfig, key: &Bytes, asks: Vec<(usize, Ask)>) -> Round {
        // What is asked a second time is another request, one for all chunks.
        let numbers = [self.n_requests + 1, self.n_requests + 2];
        self.n_requests += 2;
        let mut asked = JoinSet::new();
        for (index, ask) in asks {
            let lane = self.lanes[index].take();
            let (proxy, token) = (self.proxy.clone(), config.token.clone());
            let (key, session, limit) = (key.clone(), self.session, config.request_limit);
            asked.spawn(async move {
                let [first, again] = numbers;
                let exchanged = async {
                    // The proxy may have closed one that was kept, or have been started anew.
                    let is_asked_again = lane.is_some() && ask.may_be_asked_again();
                    let mut lane = match lane {
                        Some(lane) => lane,
                        None => dial(&proxy, &token, session, limit).await?.0,
                    };
                    let mut answer = exchange(&mut lane, &ask, first, &key, index, limit).await;
                    if answer.is_err() && is_asked_again {
                        lane = dial(&proxy, &token, session, limit).await?.0;
                        answer = exchange(&mut lane, &ask, again, &key, index, limit).await;
                    }
                    Ok::<_, LaneError>((lane, answer?))
                };
                (index, exchanged.await)
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
    ask: &Ask,
    request: u64,
    key: &Bytes,
    index: usize,
    limit: Duration,
) -> Result<Answer, ConnectionError> {
    let (message, [head, tail]) = ask.message(request, key, index);
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
