//! From bytes to a message, and back.

use bytes::BytesMut;

use crate::error::WireError;
use crate::head::{FIXED_LEN, Head};
use crate::message::Message;

/// A message as it goes over a connection.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Frame {
    /// What it says.
    pub message: Message,
    /// How many bytes of body follow, and one of trailer if there are any.
    pub body_len: u64,
}

/// What a reader takes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Limits {
    /// The longest body, in bytes.
    pub body_len_max: u64,
}

/// What the bytes of a connection begin with.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Parsed {
    /// The beginning of a frame.
    Incomplete {
        /// How many bytes there have to be, at least, to be able to say more.
        n_bytes_needed: usize,
    },
    /// A frame, up to its body.
    Whole {
        /// The frame.
        frame: Frame,
        /// How many bytes of header and name there were: the body begins behind them.
        n_bytes: usize,
    },
}

/// What follows a body of at least one byte.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Trailer {
    /// The body is what it should be.
    Whole,
    /// The sender ran out of it, and filled in zeros: so the connection can go on.
    BrokenOff,
}

/// Reads the header and name at the start of `bytes`. The body is not looked at.
///
/// # Errors
/// As soon as it can be told that there is no frame, or none of these `limits`.
pub fn parse(bytes: &[u8], limits: Limits) -> Result<Parsed, WireError> {
    let Some(name_len) = Head::name_len(bytes)? else {
        return Ok(Parsed::Incomplete { n_bytes_needed: FIXED_LEN });
    };
    let n_bytes = FIXED_LEN + name_len;
    let (Some(fixed), Some(name)) = (bytes.first_chunk(), bytes.get(FIXED_LEN..n_bytes)) else {
        return Ok(Parsed::Incomplete { n_bytes_needed: n_bytes });
    };
    let message = Head::read(fixed, name)?.message()?;
    let frame = Frame::new(message);
    if limits.body_len_max < frame.body_len {
        let n_bytes_max = limits.body_len_max;
        return Err(WireError::BodyTooLong { n_bytes: frame.body_len, n_bytes_max });
    }
    Ok(Parsed::Whole { frame, n_bytes })
}

impl Frame {
    /// The frame of a message.
    pub fn new(message: Message) -> Frame {
        let body_len = match &message {
            Message::Set { body_len, .. }
            | Message::Inventory { body_len, .. }
            | Message::Chunk { body_len, .. } => *body_len,
            _ => 0,
        };
        Frame { message, body_len }
    }

    /// How many bytes of body and trailer follow.
    pub fn n_bytes_following(&self) -> u64 {
        if self.body_len == 0 { 0 } else { self.body_len.saturating_add(1) }
    }
}

impl Message {
    /// Appends header and name. A body is for the caller to send behind them.
    ///
    /// # Panics
    /// If the key or token is longer than [`NAME_LEN_MAX`](crate::NAME_LEN_MAX).
    pub fn write(&self, to: &mut BytesMut) {
        Head::of(self).write(to);
    }

    /// Header and name in a buffer of their own.
    pub fn to_bytes(&self) -> BytesMut {
        let mut bytes = BytesMut::with_capacity(FIXED_LEN + 64);
        self.write(&mut bytes);
        bytes
    }
}

impl Trailer {
    /// The trailer on the wire.
    pub fn byte(self) -> u8 {
        match self {
            Trailer::Whole => 0xa5,
            Trailer::BrokenOff => 0x5a,
        }
    }

    /// The trailer that this byte stands for.
    ///
    /// # Errors
    /// If it stands for none.
    pub fn from_byte(byte: u8) -> Result<Trailer, WireError> {
        match byte {
            0xa5 => Ok(Trailer::Whole),
            0x5a => Ok(Trailer::BrokenOff),
            _ => Err(WireError::BadTrailer { byte }),
        }
    }
}

#[cfg(test)]
mod tests;
