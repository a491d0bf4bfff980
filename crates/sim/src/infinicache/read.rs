//! Reads under way: from asking every function for its chunk to the last answer.

use des::Agenda;
use policy::fetch::{Fetch, Verdict};
use units::Time;

use super::contents::BlockId;
use super::function::{Order, Verb};
use super::{Event, InfiniCache};
use crate::record::Outcome;

/// Names a read under way.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct ReadId(u32);

/// The reads under way, and places to use again.
#[derive(Debug, Default)]
pub(super) struct Reads {
    reads: Vec<Read>,
    spare: Vec<ReadId>,
}

#[derive(Debug)]
struct Read {
    /// The number of its request.
    number: u32,
    block: BlockId,
    fetch: Fetch,
    /// The chunks that were found lost.
    missing: Vec<u32>,
}

impl Reads {
    fn begin(&mut self, number: u32, block: BlockId, fetch: Fetch) -> ReadId {
        if let Some(id) = self.spare.pop() {
            let read = &mut self.reads[id.0 as usize];
            read.missing.clear();
            (read.number, read.block, read.fetch) = (number, block, fetch);
            return id;
        }
        self.reads.push(Read { number, block, fetch, missing: Vec::new() });
        ReadId(u32::try_from(self.reads.len() - 1).expect("fewer reads than requests"))
    }
}

impl InfiniCache<'_> {
    /// Asks every function that was given a chunk of the object for it.
    pub(super) fn read(&mut self, now: Time, number: u32, agenda: &mut Agenda<Event>) {
        let object = self.requests[number as usize].object;
        let block = self.objects[object.index()].block.expect("a cached object has a placement");
        let fetch = Fetch::new(self.config.n_data, self.config.n_parity, self.config.first_d);
        let read = self.reads.begin(number, block, fetch);
        // The orders keep the block only until they are served; a recovery comes after.
        self.contents.retain(block);
        for chunk in 0..self.config.n_chunks() {
            self.order(now, Order { verb: Verb::Get(read), block, chunk }, agenda);
        }
    }

    /// A function has answered with its chunk, or that it has no such chunk.
    pub(super) fn answered(
        &mut self,
        now: Time,
        id: ReadId,
        chunk: u32,
        is_held: bool,
        agenda: &mut Agenda<Event>,
    ) {
        let read = &mut self.reads.reads[id.0 as usize];
        let number = read.number;
        let verdict = if is_held {
            read.fetch.arrived()
        } else {
            read.missing.push(chunk);
            read.fetch.missing()
        };
        match verdict {
            Verdict::Open => {}
            Verdict::Decodable => {
                let request = self.requests[number as usize];
                let latency = now.since(request.at) + self.config.codec.decode.time(request.size);
                self.record.settle(&request, Outcome::Hit, latency);
            }
            Verdict::Lost => {
                let fetched = self.fetch(now, now, number, Outcome::Reset);
                // A DELETE that came meanwhile stands: the object is not cached again.
                if self.objects[self.requests[number as usize].object.index()].is_known {
                    self.set(now, number, fetched, agenda);
                }
            }
        }
        if self.reads.reads[id.0 as usize].fetch.is_closed() {
            self.close(now, id, agenda);
        }
    }

    /// The last function has answered: stores lost chunks of a decoded object again.
    fn close(&mut self, now: Time, id: ReadId, agenda: &mut Agenda<Event>) {
        let read = &mut self.reads.reads[id.0 as usize];
        let block = read.block;
        let missing = std::mem::take(&mut read.missing);
        let is_recovery = read.fetch.is_decodable() && !missing.is_empty();
        if is_recovery {
            let counts = &mut self.record.hour(now).counts;
            counts.n_recoveries += 1;
            counts.n_recovered_chunks += missing.len() as u64;
        }
        if is_recovery && self.is_current(block) {
            for chunk in &missing {
                self.order(now, Order { verb: Verb::Set, block, chunk: *chunk }, agenda);
            }
        }
        self.contents.release(block);
        self.reads.reads[id.0 as usize].missing = missing;
        self.reads.spare.push(id);
    }
}
