//! A socket that speaks frames.

use std::io;
use std::sync::Arc;
use std::task::{Context, Poll, Waker};
use std::time::Duration;

use bytes::{Buf, BufMut, Bytes, BytesMut};
use thiserror::Error;
use tokio::io::{AsyncReadExt, AsyncWriteExt, ReadBuf};
use tokio::net::tcp::{OwnedReadHalf, OwnedWriteHalf};
use tokio::net::{TcpStream, ToSocketAddrs};
use wire::{Frame, Limits, Message, Parsed, Trailer, WireError, parse};

use crate::alarm::Alarm;
use crate::pace::{PIECE_BYTES, Pace};
use crate::room::Room;

/// Both directions of a socket, each of which can be lent out by itself.
#[derive(Debug)]
pub struct Connection {
    /// What comes.
    pub reader: FrameReader,
    /// What goes.
    pub writer: FrameWriter,
}

/// The direction in which frames come.
#[derive(Debug)]
pub struct FrameReader {
    intake: Intake,
    alarm: Alarm,
}

/// What comes over a socket, piece by piece.
#[derive(Debug)]
struct Intake {
    io: OwnedReadHalf,
    /// Bytes that came behind the last frame.
    buffer: BytesMut,
    limits: Limits,
    pace: Option<Arc<Pace>>,
    reads_ahead: bool,
    holds_bodies: bool,
    /// The body that is expected behind the next frame: as long as the last one.
    body_len_before: usize,
}

/// The direction in which frames go.
#[derive(Debug)]
pub struct FrameWriter {
    io: OwnedWriteHalf,
    /// What goes along with whatever is sent next.
    queued: BytesMut,
    pace: Option<Arc<Pace>>,
    alarm: Alarm,
}

/// Why a connection is of no more use.
#[derive(Debug, Error)]
#[non_exhaustive]
pub enum ConnectionError {
    /// The socket failed.
    #[error("the connection broke: {0}")]
    Io(#[from] io::Error),
    /// What came is no frame.
    #[error(transparent)]
    Wire(#[from] WireError),
    /// The peer closed it within a frame.
    #[error("the connection was closed within a frame")]
    Closed,
    /// The peer took longer than it may.
    #[error("no answer within {limit:?}")]
    Deadline {
        /// How long it had.
        limit: Duration,
    },
}

/// How the handing on of a body ended, where it did not reach its trailer.
#[derive(Debug)]
pub enum BodyEnd {
    /// It came to its trailer, which was handed on.
    Trailer(Trailer),
    /// Its sender failed, with so many bytes (the trailer included) not handed on.
    ReaderFailed(ConnectionError, u64),
    /// Its receiver failed, with so many bytes (the trailer included) not read.
    WriterFailed(ConnectionError, u64),
}

/// How much is read ahead of a frame. Little, since a body's first bytes among it are copied.
const READ_AHEAD: usize = 4096;

/// Bodies up to this length are read along with their frame by who reads ahead.
const READ_ALONG_MAX: usize = 128 << 10;

/// How much of a body that is handed on is in memory at once.
const COPY_BYTES: usize = 256 << 10;

impl Connection {
    /// Speaks frames over a socket.
    ///
    /// # Errors
    /// If the socket's delay of small packets cannot be turned off.
    pub fn new(stream: TcpStream, limits: Limits) -> io::Result<Connection> {
        stream.set_nodelay(true)?;
        let (reader, writer) = stream.into_split();
        let intake = Intake {
            io: reader,
            buffer: BytesMut::new(),
            limits,
            pace: None,
            reads_ahead: false,
            holds_bodies: false,
            body_len_before: 0,
        };
        let reader = FrameReader { intake, alarm: Alarm::default() };
        let (queued, alarm) = (BytesMut::new(), Alarm::default());
        let writer = FrameWriter { io: writer, queued, pace: None, alarm };
        Ok(Connection { reader, writer })
    }

    /// Has what comes and goes keep to a function's pace, and bodies lie where it can hold them.
    #[must_use]
    pub(crate) fn of_function(mut self, pace: Option<&Arc<Pace>>) -> Connection {
        self.reader.intake.holds_bodies = true;
        self.reader.intake.pace = pace.cloned();
        self.writer.pace = pace.cloned();
        self
    }

    /// Has bodies that are not long read along with their frames, and handed out where they lie:
    /// for who holds none of them for long, since they share their memory.
    #[must_use]
    pub fn reading_ahead(mut self) -> Connection {
        self.reader.intake.reads_ahead = true;
        self
    }

    /// Dials, and says hello.
    ///
    /// # Errors
    /// If nobody answers within the limit.
    pub async fn dial(
        address: impl ToSocketAddrs,
        limits: Limits,
        hello: &Message,
        limit: Duration,
    ) -> Result<Connection, ConnectionError> {
        let dialled = async {
            let mut connection = Connection::new(TcpStream::connect(address).await?, limits)?;
            connection.writer.send(hello).await?;
            Ok(connection)
        };
        Alarm::default().within(limit, dialled).await
    }
}

impl FrameReader {
    /// The next frame up to its body, or nothing where the peer closed the connection between
    /// frames. It can be given up and called again.
    ///
    /// # Errors
    /// If what comes is no frame, or the connection breaks.
    pub async fn frame(&mut self) -> Result<Option<Frame>, ConnectionError> {
        self.intake.frame().await
    }

    /// The request for a chunk that comes next, if all of it is here.
    pub(crate) fn get_here(&mut self) -> Option<Message> {
        match parse(&self.intake.buffer, self.intake.limits) {
            Ok(Parsed::Whole { frame: Frame { message, .. }, n_bytes })
                if matches!(message, Message::Get { .. }) =>
            {
                self.intake.buffer.advance(n_bytes);
                Some(message)
            }
            _ => None,
        }
    }

    /// Whether the peer has closed it, and nothing is left to be read.
    pub fn is_closed(&mut self) -> bool {
        let Intake { io, buffer, .. } = &mut self.intake;
        let (mut byte, context) = ([0], &mut Context::from_waker(Waker::noop()));
        let peeked = io.poll_peek(context, &mut ReadBuf::new(&mut byte));
        buffer.is_empty() && matches!(peeked, Poll::Ready(Ok(0) | Err(_)))
    }

    /// Whether a part of the next frame is here.
    pub fn is_within_frame(&self) -> bool {
        !self.intake.buffer.is_empty()
    }

    /// The next frame, which has to come within the limit.
    ///
    /// # Errors
    /// If it does not, or the connection ends.
    pub async fn frame_within(&mut self, limit: Duration) -> Result<Frame, ConnectionError> {
        self.alarm.within(limit, self.intake.frame()).await?.ok_or(ConnectionError::Closed)
    }

    /// The body of the frame just read, in memory of its own.
    ///
    /// # Errors
    /// If the connection breaks, or nothing comes for as long as the limit.
    pub async fn body(
        &mut self,
        body_len: u64,
        limit: Duration,
    ) -> Result<(Bytes, Trailer), ConnectionError> {
        if body_len == 0 {
            return Ok((Bytes::new(), Trailer::Whole));
        }
        // The trailer is read along with it.
        let body_len = usize::try_from(body_len).map_err(|_| ConnectionError::Closed)? + 1;
        let FrameReader { intake, alarm } = self;
        intake.body_len_before = body_len;
        if intake.reads_ahead && body_len <= intake.buffer.capacity() {
            return self.body_in_place(body_len, limit).await;
        }
        let mut body = Room::new(body_len, intake.holds_bodies)?;
        body.put(&intake.buffer.split_to(intake.buffer.len().min(body_len)));
        while body.len() < body_len {
            let room = body_len - body.len();
            let n_bytes_max = intake.pace.as_ref().map_or(room, |_| room.min(PIECE_BYTES));
            let read = async { Ok(body.read(&mut intake.io, n_bytes_max).await?) };
            let n_bytes = alarm.within(limit, read).await?;
            if n_bytes == 0 {
                return Err(ConnectionError::Closed);
            }
            if let Some(pace) = &intake.pace {
                pace.received(n_bytes).await;
            }
        }
        whole(body.full())
    }

    /// The body, its trailer included, where it was read ahead and there is room for the rest.
    async fn body_in_place(
        &mut self,
        body_len: usize,
        limit: Duration,
    ) -> Result<(Bytes, Trailer), ConnectionError> {
        let FrameReader { intake, alarm } = self;
        while intake.buffer.len() < body_len {
            let room = intake.buffer.capacity() - intake.buffer.len();
            if alarm.within(limit, async { Ok(intake.read(room).await?) }).await? == 0 {
                return Err(ConnectionError::Closed);
            }
        }
        whole(intake.buffer.split_to(body_len).freeze())
    }

    /// Reads so many bytes, and drops them.
    ///
    /// # Errors
    /// If the connection breaks, or nothing comes for as long as the limit.
    pub async fn skip(&mut self, n_bytes: u64, limit: Duration) -> Result<(), ConnectionError> {
        let mut n_left = n_bytes;
        while n_left != 0 {
            let piece = self.piece(n_left, limit).await?;
            n_left -= piece.len() as u64;
        }
        Ok(())
    }

    /// Hands the body of the frame just read on to a connection whose peer was told of a body
    /// of the same length, its trailer included, while it comes. Neither side may rest for as
    /// long as the limit.
    pub async fn hand_on(
        &mut self,
        body_len: u64,
        to: &mut FrameWriter,
        limit: Duration,
    ) -> BodyEnd {
        let mut n_left = if body_len == 0 { 0 } else { body_len + 1 };
        let mut last = Trailer::Whole.byte();
        while n_left != 0 {
            let piece = match self.piece(n_left, limit).await {
                Ok(piece) => piece,
                Err(error) => return BodyEnd::ReaderFailed(error, n_left),
            };
            n_left -= piece.len() as u64;
            if let Some(byte) = piece.last() {
                last = *byte;
            }
            if let Err(error) = to.send_raw(piece, limit).await {
                return BodyEnd::WriterFailed(error, n_left);
            }
        }
        match Trailer::from_byte(last) {
            Ok(trailer) => BodyEnd::Trailer(trailer),
            Err(error) => BodyEnd::ReaderFailed(error.into(), 0),
        }
    }

    /// Hands on everything that comes until the peer closes the connection.
    ///
    /// # Errors
    /// If a connection breaks, or nothing moves for as long as the limit.
    pub async fn relay(
        &mut self,
        to: &mut FrameWriter,
        limit: Duration,
    ) -> Result<(), ConnectionError> {
        loop {
            let piece = self.piece(u64::MAX, limit).await?;
            to.send_raw(piece, limit).await?;
        }
    }

    /// Some of the next `n_bytes_max` bytes, at least one.
    async fn piece(
        &mut self,
        n_bytes_max: u64,
        limit: Duration,
    ) -> Result<BytesMut, ConnectionError> {
        let n_bytes_max = usize::try_from(n_bytes_max).unwrap_or(usize::MAX);
        let FrameReader { intake, alarm } = self;
        if intake.buffer.is_empty() {
            // The trailer, and what follows it, come along with the end of a body.
            intake.buffer.reserve(n_bytes_max.saturating_add(READ_AHEAD / 2).min(COPY_BYTES));
            let room = intake.buffer.capacity();
            if alarm.within(limit, async { Ok(intake.read(room).await?) }).await? == 0 {
                return Err(ConnectionError::Closed);
            }
        }
        let n_bytes = intake.buffer.len().min(n_bytes_max);
        Ok(intake.buffer.split_to(n_bytes))
    }
}

impl Intake {
    /// The next frame up to its body, or nothing where the peer closed the connection between
    /// frames. It can be given up and called again.
    ///
    /// # Errors
    /// If what comes is no frame, or the connection breaks.
    async fn frame(&mut self) -> Result<Option<Frame>, ConnectionError> {
        loop {
            match parse(&self.buffer, self.limits)? {
                Parsed::Whole { frame, n_bytes } => {
                    self.buffer.advance(n_bytes);
                    return Ok(Some(frame));
                }
                Parsed::Incomplete { .. } => {
                    let n_bytes_max = READ_AHEAD + self.n_bytes_along();
                    self.buffer.reserve(n_bytes_max);
                    if self.read(n_bytes_max).await? == 0 {
                        return if self.buffer.is_empty() {
                            Ok(None)
                        } else {
                            Err(ConnectionError::Closed)
                        };
                    }
                }
            }
        }
    }

    /// How much of a body to read along with the next frame.
    fn n_bytes_along(&self) -> usize {
        let is_short = self.body_len_before <= READ_ALONG_MAX;
        if self.reads_ahead && is_short { self.body_len_before } else { 0 }
    }

    /// Reads some of what comes next, as much as this and there is room for. It can be given up.
    async fn read(&mut self, n_bytes_max: usize) -> io::Result<usize> {
        let n_bytes = self.io.read_buf(&mut (&mut self.buffer).limit(n_bytes_max)).await?;
        if let Some(pace) = &self.pace {
            pace.received(n_bytes).await;
        }
        Ok(n_bytes)
    }
}

impl FrameWriter {
    /// Sends a message without a body.
    ///
    /// # Errors
    /// If the connection breaks.
    pub async fn send(&mut self, message: &Message) -> Result<(), ConnectionError> {
        let mut bytes = self.queued.split();
        message.write(&mut bytes);
        Ok(self.io.write_all(&bytes).await?)
    }

    /// Has a message sent along with whatever is sent next.
    pub(crate) fn queue(&mut self, message: &Message) {
        message.write(&mut self.queued);
    }

    /// Sends what is queued.
    pub(crate) async fn flush(&mut self, limit: Duration) -> Result<(), ConnectionError> {
        self.send_raw(&[][..], limit).await
    }

    /// Sends a message, which has to be taken within the limit.
    ///
    /// # Errors
    /// If it is not, or the connection breaks.
    pub async fn send_within(
        &mut self,
        message: &Message,
        limit: Duration,
    ) -> Result<(), ConnectionError> {
        let FrameWriter { io, queued, alarm, .. } = self;
        message.write(queued);
        let bytes = queued.split();
        alarm.within(limit, async { Ok(io.write_all(&bytes).await?) }).await
    }

    /// Sends a message with a body of the length that it says. The peer may not rest for as
    /// long as the limit.
    ///
    /// # Errors
    /// If it does, or the connection breaks.
    pub async fn send_with_body(
        &mut self,
        message: &Message,
        body: Bytes,
        limit: Duration,
    ) -> Result<(), ConnectionError> {
        let end = [Trailer::Whole.byte()];
        let trailer = if body.is_empty() { &[][..] } else { &end[..] };
        self.send_raw(message.to_bytes().chain(body).chain(trailer), limit).await
    }

    /// Sends bytes as they are.
    ///
    /// # Errors
    /// If the connection breaks, or the peer takes nothing for as long as the limit.
    pub async fn send_raw(
        &mut self,
        bytes: impl Buf,
        limit: Duration,
    ) -> Result<(), ConnectionError> {
        let FrameWriter { io, queued, pace, alarm } = self;
        let mut bytes = queued.split().chain(bytes);
        while bytes.has_remaining() {
            let Some(pace) = pace else {
                alarm.within(limit, async { Ok(io.write_buf(&mut bytes).await?) }).await?;
                continue;
            };
            let mut piece = (&mut bytes).take(PIECE_BYTES);
            let written = async { Ok(io.write_buf(&mut piece).await?) };
            pace.sent(alarm.within(limit, written).await?).await;
        }
        Ok(())
    }

    /// Fills a body up with zeros whose sender failed with so many bytes (the trailer included)
    /// to go, and says so in its trailer.
    ///
    /// # Errors
    /// If the connection breaks, or the peer takes nothing for as long as the limit.
    pub async fn break_off(&mut self, n_left: u64, limit: Duration) -> Result<(), ConnectionError> {
        const ZEROS: [u8; 16 << 10] = [0; 16 << 10];
        let mut n_zeros = n_left.saturating_sub(1);
        while n_zeros != 0 {
            let n_bytes = n_zeros.min(ZEROS.len() as u64);
            n_zeros -= n_bytes;
            self.send_raw(&ZEROS[..usize::try_from(n_bytes).expect("16 KiB")], limit).await?;
        }
        if n_left == 0 {
            return Ok(());
        }
        self.send_raw(&[Trailer::BrokenOff.byte()][..], limit).await
    }

    /// Tells the peer that nothing more will come.
    pub async fn close(&mut self) {
        // A peer that is gone already needs no telling.
        let _ = self.io.shutdown().await;
    }
}

/// A body and what its trailer says.
fn whole(mut body: Bytes) -> Result<(Bytes, Trailer), ConnectionError> {
    let trailer = Trailer::from_byte(body[body.len() - 1])?;
    body.truncate(body.len() - 1);
    Ok((body, trailer))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn a_paced_connection_takes_its_time_and_loses_nothing() {
        const LIMIT: Duration = Duration::from_mins(1);
        let limits = Limits { body_len_max: 1 << 30 };
        let listener = tokio::net::TcpListener::bind(("127.0.0.1", 0)).await.unwrap();
        let address = listener.local_addr().unwrap();
        let near = TcpStream::connect(address).await.unwrap();
        let (far, _) = listener.accept().await.unwrap();
        let mut near = Connection::new(near, limits).unwrap();
        let pace = Arc::new(Pace::new(5_000_000));
        let mut far = Connection::new(far, limits).unwrap().of_function(Some(&pace));
        let body =
            Bytes::from((0..1_000_000_u32).map(|it| it.to_le_bytes()[1]).collect::<Vec<_>>());
        let message = Message::Inventory { n_entries: 0, body_len: 1_000_000 };
        for is_up in [true, false] {
            let began = tokio::time::Instant::now();
            let (from, to) = if is_up { (&mut near, &mut far) } else { (&mut far, &mut near) };
            let sent = from.writer.send_with_body(&message, body.clone(), LIMIT);
            let received = async {
                let frame = to.reader.frame_within(LIMIT).await.unwrap();
                to.reader.body(frame.body_len, LIMIT).await.unwrap()
            };
            let (sent, (received, trailer)) = tokio::join!(sent, received);
            sent.unwrap();
            assert!(received == body && trailer == Trailer::Whole);
            // A fifth of a second, but for what it may be ahead.
            let took = began.elapsed();
            assert!(Duration::from_millis(190) <= took, "{took:?}");
        }
    }
}
