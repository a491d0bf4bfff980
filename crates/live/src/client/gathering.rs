//! What has come of an object so far, and whether that is enough to answer.

use std::sync::Arc;

use bytes::{Bytes, BytesMut};
use ec::{Code, Codec};
use wire::Refusal;

use super::lanes::Answer;
use crate::object::{Chunk, Gathered, off_the_async_threads};

/// The answers to a read, as they come.
#[derive(Debug)]
pub(super) struct Gathering {
    code: Code,
    /// How many bodies it is to come to before it is decoded.
    n_wanted: usize,
    /// Those that came, until they made the object.
    bodies: Vec<Bytes>,
    is_decoded: bool,
    version: u64,
    lost: Vec<usize>,
    /// How many made way for those of a newer version.
    n_superseded: usize,
    late: Vec<usize>,
    refused: Option<Refusal>,
    is_miss: bool,
    n_broken: usize,
}

impl Gathering {
    pub(super) fn new(code: Code) -> Gathering {
        Gathering {
            code,
            n_wanted: code.n_data(),
            bodies: Vec::new(),
            is_decoded: false,
            version: 0,
            lost: Vec::new(),
            n_superseded: 0,
            late: Vec::new(),
            refused: None,
            is_miss: false,
            n_broken: 0,
        }
    }

    pub(super) fn add(&mut self, index: usize, answer: Answer) {
        match answer {
            Answer::Body(..) if self.is_decoded => {}
            // Late ones are asked for under whichever version is the current one.
            Answer::Body(version, _) if !self.bodies.is_empty() && version != self.version => {
                self.n_superseded += 1;
            }
            Answer::Body(version, body) => {
                self.version = version;
                self.bodies.push(body);
            }
            Answer::Late => self.late.push(index),
            Answer::Refused(Refusal::NotCached) => self.is_miss = true,
            Answer::Refused(Refusal::ChunkLost) => self.lost.push(index),
            Answer::Refused(Refusal::Superseded) => self.n_superseded += 1,
            Answer::Refused(why) => self.refused = Some(why),
            Answer::Broken => self.n_broken += 1,
        }
    }

    /// Whether further answers would change nothing, unless a body turns out to be damaged.
    pub(super) fn is_decided(&self) -> bool {
        self.is_miss || self.is_reset() || self.n_wanted <= self.bodies.len()
    }

    pub(super) fn is_miss(&self) -> bool {
        self.is_miss
    }

    /// Whether too many chunks are lost, or made way for others.
    pub(super) fn is_reset(&self) -> bool {
        self.code.n_parity() < self.lost.len() + self.n_superseded
    }

    /// Whether the object was written over while it was asked for.
    pub(super) fn is_superseded(&self) -> bool {
        0 < self.n_superseded
    }

    /// Waits for another body before it is decided.
    pub(super) fn wants_one_more(&mut self) {
        self.n_wanted = self.bodies.len() + 1;
    }

    /// Whether chunks that were not sent would be enough, with those that were.
    pub(super) fn can_use_late(&self) -> bool {
        let n_data = self.code.n_data();
        !self.is_miss && self.bodies.len() < n_data && n_data <= self.bodies.len() + self.late.len()
    }

    pub(super) fn take_late(&mut self) -> Vec<usize> {
        std::mem::take(&mut self.late)
    }

    pub(super) fn n_lost(&self) -> usize {
        self.lost.len()
    }

    pub(super) fn lost(&self) -> &[usize] {
        &self.lost
    }

    pub(super) fn version(&self) -> u64 {
        self.version
    }

    /// Why the object cannot be had, where that is not for lost chunks.
    pub(super) fn refusal(&self) -> Option<Refusal> {
        self.refused.filter(|_| self.lost.is_empty())
    }

    pub(super) fn is_all_broken(&self) -> bool {
        self.n_broken == self.code.n_chunks()
    }

    /// The object, if the bodies so far make one. They are let go then.
    pub(super) async fn decode(&mut self, codec: &Arc<Codec>) -> Option<Bytes> {
        if self.bodies.len() < self.code.n_data() {
            return None;
        }
        let (codec, bodies) = (Arc::clone(codec), self.bodies.clone());
        let n_bytes = bodies.iter().map(Bytes::len).sum();
        let object = off_the_async_threads(n_bytes, move || {
            let mut gathered = Gathered::new(&codec);
            for body in &bodies {
                // A damaged chunk is as good as none.
                Chunk::parse(body).and_then(|it| gathered.add(it)).ok();
            }
            let room = &mut BytesMut::new();
            let decoded = gathered.is_decodable().then(|| gathered.decode(&codec, room))?.ok();
            decoded.map(|it| it.to_bytes())
        })
        .await;
        if object.is_some() {
            self.is_decoded = true;
            self.bodies.clear();
        }
        object
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::object::encode;

    #[tokio::test]
    async fn chunks_are_let_go_once_they_have_made_the_object() {
        let codec = Arc::new(Codec::new(Code::new(2, 1).unwrap()));
        let object = Bytes::from_static(b"an object");
        let mut gathering = Gathering::new(codec.code());
        for (index, chunk) in encode(&codec, &object).into_iter().enumerate() {
            let decoded = gathering.decode(&codec).await;
            assert_eq!(decoded, (index == 2).then(|| object.clone()));
            assert_eq!(gathering.bodies.len(), index % 2);
            gathering.add(index, Answer::Body(5, chunk.concat().into()));
        }
        assert!(gathering.bodies.is_empty() && !gathering.is_superseded());
    }

    #[test]
    fn what_is_replaced_while_it_is_asked_for_is_superseded() {
        let body = |version| Answer::Body(version, Bytes::from_static(b"chunk"));
        let refused = |why| Answer::Refused(why);
        let check = |answers: Vec<Answer>, expect: [bool; 3]| {
            let mut gathering = Gathering::new(Code::new(2, 1).unwrap());
            let said = format!("{answers:?}");
            for (index, answer) in answers.into_iter().enumerate() {
                gathering.add(index, answer);
            }
            let is = [gathering.is_decided(), gathering.is_reset(), gathering.is_superseded()];
            assert_eq!(is, expect, "{said}");
        };
        let (lost, newer) = (Refusal::ChunkLost, Refusal::Superseded);
        check(vec![body(5), body(5)], [true, false, false]);
        check(vec![body(5), body(6)], [false, false, true]);
        check(vec![refused(lost), refused(lost)], [true, true, false]);
        check(vec![refused(newer), body(5), refused(lost)], [true, true, true]);
        check(vec![refused(newer), body(5), body(5)], [true, false, true]);
    }
}
