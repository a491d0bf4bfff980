//! Reads under way: from asking every function for its chunk to the last answer.

use des::Agenda;
use policy::fetch::{Fetch, Verdict};
use units::{Bytes, Nanos, Request, Time};

use super::contents::BlockId;
use super::function::{Order, Verb};
use super::{Event, InfiniCache, Observation};
use crate::faas::HostId;
use crate::latency::Phases;
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
    /// The size of the copy that is read, which a request may be wrong about.
    size: Bytes,
    fetch: Fetch,
    /// The chunks that were found lost.
    missing: Vec<u32>,
    /// How long functions took to send their chunks, together, and how many did.
    sending: Nanos,
    n_sent: u32,
    /// How long the client waited, once it has not.
    latency: Nanos,
}

/// What a function has said to an order for a chunk.
#[derive(Clone, Copy, Debug)]
pub(super) struct Answer {
    pub(super) chunk: u32,
    /// Whether it has sent it.
    pub(super) is_held: bool,
    /// When the order was the next one, and when it was sent to the function.
    pub(super) asked_at: Time,
    pub(super) sent_at: Time,
}

impl Reads {
    fn begin(&mut self, number: u32, block: BlockId, size: Bytes, fetch: Fetch) -> ReadId {
        if let Some(id) = self.spare.pop() {
            let read = &mut self.reads[id.0 as usize];
            let mut missing = std::mem::take(&mut read.missing);
            missing.clear();
            *read = Read::new(number, block, size, fetch, missing);
            return id;
        }
        self.reads.push(Read::new(number, block, size, fetch, Vec::new()));
        ReadId(u32::try_from(self.reads.len() - 1).expect("fewer reads than requests"))
    }
}

impl Read {
    fn new(number: u32, block: BlockId, size: Bytes, fetch: Fetch, missing: Vec<u32>) -> Read {
        let (sending, latency) = (Nanos::ZERO, Nanos::ZERO);
        Read { number, block, size, fetch, missing, sending, n_sent: 0, latency }
    }
}

impl InfiniCache<'_> {
    /// Asks every function that was given a chunk of the object for it.
    pub(super) fn read(&mut self, now: Time, number: u32, agenda: &mut Agenda<Event>) {
        let object = self.request_at(number).object;
        let block = self.objects[object.index()].block.expect("a cached object has a placement");
        let fetch = Fetch::new(self.config.n_data, self.config.n_parity, self.config.first_d);
        let read = self.reads.begin(number, block, self.contents.size(block), fetch);
        // The orders keep the block only until they are served; a recovery comes after.
        self.contents.retain(block);
        for chunk in 0..self.config.n_chunks() {
            self.order(now, Order { verb: Verb::Get(read), block, chunk, number }, agenda);
        }
    }

    /// A function has answered.
    pub(super) fn answered(
        &mut self,
        now: Time,
        id: ReadId,
        answer: &Answer,
        agenda: &mut Agenda<Event>,
    ) {
        let took = now.since(answer.sent_at).saturating_sub(self.config.function.round_trip);
        let read = &mut self.reads.reads[id.0 as usize];
        let number = read.number;
        let verdict = if answer.is_held {
            read.sending += took;
            read.n_sent += 1;
            read.fetch.arrived()
        } else {
            read.missing.push(answer.chunk);
            read.fetch.missing()
        };
        match verdict {
            Verdict::Open => {}
            Verdict::Decodable => {
                let size = read.size;
                let request = self.request_at(number);
                let mut phases = phases_until(now, &request, answer);
                phases.transfer += self.config.function.client_overhead;
                phases.decoding = self.config.decode_time(size);
                self.reads.reads[id.0 as usize].latency = phases.total();
                self.settle(request, number, Outcome::Hit, &phases, agenda);
            }
            Verdict::Lost => {
                let block = read.block;
                let asked = phases_until(now, &self.request_at(number), answer);
                let fetched = self.fetch(now, asked, number, Outcome::Reset, agenda);
                // A DELETE that came meanwhile stands: the object is not cached again.
                if self.objects[self.request_at(number).object.index()].is_known {
                    if self.is_current(block) {
                        self.contents.repair(now, block, self.config.n_chunks());
                    }
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
        let (block, number) = (read.block, read.number);
        let missing = std::mem::take(&mut read.missing);
        let is_recovery = read.fetch.is_decodable() && !missing.is_empty();
        let sending_mean = Nanos::new(read.sending.get() / u64::from(read.n_sent.max(1)));
        let latency = read.latency;
        if self.observations.is_some() {
            self.observe(block, sending_mean, latency);
        }
        if is_recovery {
            let counts = &mut self.record.hour(now).counts;
            counts.n_recoveries += 1;
            counts.n_recovered_chunks += missing.len() as u64;
        }
        if is_recovery && self.is_current(block) {
            let n_missing = u32::try_from(missing.len()).expect("no more than chunks");
            self.contents.repair(now, block, n_missing);
            for chunk in &missing {
                self.order(now, Order { verb: Verb::Set, block, chunk: *chunk, number }, agenda);
            }
        }
        self.contents.release(block);
        self.reads.reads[id.0 as usize].missing = missing;
        self.reads.spare.push(id);
    }

    /// Notes how a read went, for someone who wants to know.
    fn observe(&mut self, block: BlockId, sending_mean: Nanos, latency: Nanos) {
        let host_of = |chunk| {
            let node = self.contents.node(block, chunk);
            self.functions[node.index()].connected.map(|slot| self.platform.host(node, slot))
        };
        let mut hosts: Vec<HostId> = (0..self.config.n_chunks()).filter_map(host_of).collect();
        hosts.sort_unstable();
        hosts.dedup();
        let n_hosts = u32::try_from(hosts.len()).expect("no more than chunks");
        let observations = self.observations.as_mut().expect("someone wants to know");
        observations.push(Observation { n_hosts, sending_mean, latency });
    }
}

/// What a read consisted of up to the answer that decided it.
fn phases_until(now: Time, request: &Request, answer: &Answer) -> Phases {
    Phases {
        queueing: answer.asked_at.since(request.at),
        invocation: answer.sent_at.since(answer.asked_at),
        transfer: now.since(answer.sent_at),
        ..Phases::default()
    }
}
