//! Replies to clients of Redis, in either version of its protocol.

use std::collections::VecDeque;
use std::io::IoSlice;

use bytes::{Buf, Bytes};

use super::gathering::Gathering;
use crate::object::Decoded;

/// The versions of the protocol, which differ in how nothing, and pairs, are said.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Protocol {
    /// RESP2, which every connection begins with.
    Two,
    /// RESP3.
    Three,
}

impl Protocol {
    /// Its number.
    pub(super) fn number(self) -> u64 {
        match self {
            Protocol::Two => 2,
            Protocol::Three => 3,
        }
    }
}

/// What to answer.
#[derive(Debug)]
pub(super) enum Reply {
    Line(String),
    Bulk(Bytes),
    /// An object, and what is still to be heard of its chunks.
    Object(Decoded, Gathering),
    Nil,
    Number(u64),
    Error(String),
    NoWords,
    /// Names, and what each stands for.
    Pairs(Vec<(&'static str, Reply)>),
}

impl Reply {
    /// `OK`.
    pub(super) fn ok() -> Reply {
        Reply::Line("OK".to_owned())
    }

    /// The bytes of a reply, those of an object in front of which they come left out.
    pub(super) fn to_bytes(&self, protocol: Protocol) -> Vec<u8> {
        match self {
            Reply::Line(text) => format!("+{text}\r\n").into_bytes(),
            Reply::Error(text) => format!("-{text}\r\n").into_bytes(),
            Reply::Number(number) => format!(":{number}\r\n").into_bytes(),
            Reply::NoWords => b"*0\r\n".to_vec(),
            Reply::Nil => match protocol {
                Protocol::Two => b"$-1\r\n".to_vec(),
                Protocol::Three => b"_\r\n".to_vec(),
            },
            Reply::Bulk(bytes) => [head(bytes.len()).as_bytes(), bytes, b"\r\n"].concat(),
            Reply::Object(object, _) => head(object.n_bytes).into_bytes(),
            Reply::Pairs(pairs) => {
                let head = match protocol {
                    Protocol::Two => format!("*{}\r\n", 2 * pairs.len()),
                    Protocol::Three => format!("%{}\r\n", pairs.len()),
                };
                let mut bytes = head.into_bytes();
                for (name, reply) in pairs {
                    bytes.extend(
                        Reply::Bulk(Bytes::from_static(name.as_bytes())).to_bytes(protocol),
                    );
                    bytes.extend(reply.to_bytes(protocol));
                }
                bytes
            }
        }
    }
}

/// What comes before so many bytes.
fn head(n_bytes: usize) -> String {
    format!("${n_bytes}\r\n")
}

/// Bytes that lie in several places, none of them empty, and are sent together.
pub(super) struct Pieces(VecDeque<Bytes>);

impl Pieces {
    /// An object between what comes before and behind it.
    pub(super) fn new(head: Vec<u8>, object: &[Bytes]) -> Pieces {
        let mut all = VecDeque::from([Bytes::from(head)]);
        all.extend(object.iter().filter(|it| !it.is_empty()).cloned());
        all.push_back(Bytes::from_static(b"\r\n"));
        Pieces(all)
    }
}

impl Buf for Pieces {
    fn remaining(&self) -> usize {
        self.0.iter().map(Bytes::len).sum()
    }

    fn chunk(&self) -> &[u8] {
        self.0.front().map_or(&[], |it| &it[..])
    }

    fn chunks_vectored<'a>(&'a self, slices: &mut [IoSlice<'a>]) -> usize {
        let n = slices.len().min(self.0.len());
        for (slice, piece) in slices.iter_mut().zip(&self.0) {
            *slice = IoSlice::new(piece);
        }
        n
    }

    fn advance(&mut self, n_bytes: usize) {
        let mut n_left = n_bytes;
        while n_left != 0 {
            let front = self.0.front_mut().expect("no more than there is");
            let n_here = n_left.min(front.len());
            front.advance(n_here);
            n_left -= n_here;
            if front.is_empty() {
                self.0.pop_front();
            }
        }
    }
}
