//! ElastiCache: rented nodes, each with one thread that serves one request after the other, or a
//! serverless cache.

mod serverless;

use des::{Agenda, Model, Streams};
use policy::evict::next_uses;
use policy::{Access, Evict, EvictionPolicy, ObjectCache};
use units::{Bytes, ObjectId, Op, Request, Time};

use crate::latency::Phases;
use crate::objstore::{ObjectStore, charge_storage};
use crate::profile::{ObjectStoreProfile, ServerProfile};
use crate::record::{Outcome, Record};
use crate::workload::Workload;

use self::serverless::Meter;

/// A cluster of nodes of one type, or a serverless cache.
#[derive(Clone, Debug)]
pub struct ElastiCacheConfig {
    /// What serves, and how it is paid for.
    pub serving: Serving,
    /// What of a node's memory may hold objects, or how much a serverless cache may hold.
    pub node_memory: Bytes,
    /// Which objects leave a full node.
    pub policy: EvictionPolicy,
    /// How a request is served.
    pub server: ServerProfile,
    /// The backing store.
    pub object_store: ObjectStoreProfile,
}

/// What serves the objects of a cluster.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Serving {
    /// Rented nodes.
    Nodes {
        /// Their type, as the price book has it.
        node_type: String,
        /// How many; at least one. Objects are spread over them by the hash of the key.
        n_nodes: u32,
    },
    /// A serverless cache, paid for what it holds and what it is asked. It grows with its load, so
    /// that no request waits for another (assumed; how it serves one is as a node does).
    Serverless {
        /// Its engine, as the price book has it.
        engine: String,
    },
}

/// What can happen to a cluster.
#[derive(Clone, Copy, Debug)]
enum Event {
    /// A request of the trace comes, by its number.
    Arrive(u32),
    /// The backing store has answered for the object of this request: it is written to its node.
    Fill(u32),
    /// The object that this request hit, and which was still being fetched, is there.
    Resume(u32),
}

/// A cluster in operation.
///
/// Whether a request hits, and what is evicted, is decided when it comes: concurrent misses of
/// one object wait for the first one's fetch. Times are decided by the queue of its node.
struct Cluster<'a> {
    requests: &'a [Request],
    key_hashes: &'a [u64],
    /// The next use of each request's object, for Belady's rule alone.
    next_use: Vec<u32>,
    nodes: Vec<Node>,
    objects: Vec<Object>,
    server: ServerProfile,
    store: ObjectStore,
    /// What a serverless cache is paid for; such a one is a single node.
    meter: Option<Meter>,
    record: Record,
}

struct Node {
    cache: ObjectCache<Box<dyn Evict>>,
    /// When the thread has served all that has come so far.
    free_at: Time,
}

/// What is known of an object from before.
#[derive(Clone, Copy)]
struct Object {
    is_known: bool,
    /// When a fetch under way will have been answered.
    arrives_at: Time,
}

impl Cluster<'_> {
    fn access(&self, number: u32, request: &Request) -> Access {
        let next_use = self.next_use.get(number as usize).copied().unwrap_or(Access::NEVER);
        Access { object: request.object, size: request.size, next_use }
    }

    fn node_of(&self, request: &Request) -> usize {
        let n_nodes = self.nodes.len() as u64;
        usize::try_from(self.key_hashes[request.object.index()] % n_nodes).expect("a node index")
    }

    /// Puts a request into the queue of the thread of `node`, where there is one; how long it waits
    /// there, and then takes.
    fn serve(&mut self, node: usize, now: Time, size: Bytes) -> Phases {
        let transfer = self.server.request + self.server.transfer.time(size);
        if let Some(meter) = &mut self.meter {
            meter.asked(now, size, &mut self.record);
            return Phases { transfer, ..Phases::default() };
        }
        let node = &mut self.nodes[node];
        let begins_at = node.free_at.max(now);
        node.free_at = begins_at + transfer;
        Phases { queueing: begins_at.since(now), transfer, ..Phases::default() }
    }

    fn get(&mut self, now: Time, number: u32, agenda: &mut Agenda<Event>) {
        let request = self.requests[number as usize];
        let access = self.access(number, &request);
        let node = self.node_of(&request);
        let object = self.objects[request.object.index()];
        self.objects[request.object.index()].is_known = true;
        if self.nodes[node].cache.get(access) {
            if now < object.arrives_at {
                agenda.at(object.arrives_at, Event::Resume(number));
            } else {
                self.answer(now, node, &request);
            }
            return;
        }
        let asked = self.serve(node, now, Bytes::ZERO);
        let phases = Phases { object_store: self.store.read(request.size), ..asked };
        let fetched = now + phases.total();
        let outcome = if object.is_known { Outcome::CapacityMiss } else { Outcome::CompulsoryMiss };
        self.record.settle_phases(&request, outcome, &phases);
        self.record.hour(now).usage.store_backing.n_gets += 1;
        if self.admit(now, node, access) {
            self.objects[request.object.index()].arrives_at = fetched;
            agenda.at(fetched, Event::Fill(number));
        }
    }

    /// Serves a request whose object is in memory, at the size that it has there: a request may be
    /// wrong about it. One that was evicted while it was still being fetched is handed on.
    fn answer(&mut self, now: Time, node: usize, request: &Request) {
        let size = self.nodes[node].cache.size_of(request.object).unwrap_or(request.size);
        let mut phases = self.serve(node, now, size);
        phases.queueing += now.since(request.at);
        self.record.settle_phases(request, Outcome::Hit, &phases);
    }

    fn admit(&mut self, now: Time, node: usize, access: Access) -> bool {
        let mut n_evictions = 0;
        let is_admitted = self.nodes[node].cache.admit(access, |_| n_evictions += 1);
        self.record.hour(now).counts.n_evictions += n_evictions;
        self.note_held(now, node);
        is_admitted
    }

    fn remove(&mut self, now: Time, node: usize, object: ObjectId) {
        self.nodes[node].cache.remove(object);
        self.note_held(now, node);
    }

    fn note_held(&mut self, now: Time, node: usize) {
        if let Some(meter) = &mut self.meter {
            meter.holds(now, self.nodes[node].cache.used(), &mut self.record);
        }
    }

    fn put(&mut self, now: Time, number: u32) {
        let request = self.requests[number as usize];
        let node = self.node_of(&request);
        self.objects[request.object.index()].is_known = true;
        self.remove(now, node, request.object);
        let access = self.access(number, &request);
        // Nobody waits any more for a fetch of what it replaces.
        self.objects[request.object.index()].arrives_at = now;
        if self.admit(now, node, access) {
            self.serve(node, now, request.size);
        }
        self.record.note_put(now, request.size).usage.store_backing.n_puts += 1;
    }

    fn delete(&mut self, now: Time, number: u32) {
        let request = self.requests[number as usize];
        let node = self.node_of(&request);
        self.objects[request.object.index()].is_known = false;
        self.remove(now, node, request.object);
        self.serve(node, now, Bytes::ZERO);
        let hour = self.record.hour(now);
        hour.counts.n_deletes += 1;
        hour.usage.store_backing.n_deletes += 1;
    }
}

impl Model for Cluster<'_> {
    type Event = Event;

    fn handle(&mut self, now: Time, event: Event, agenda: &mut Agenda<Event>) {
        match event {
            Event::Arrive(number) => match self.requests[number as usize].op {
                Op::Get => self.get(now, number, agenda),
                Op::Put => self.put(now, number),
                Op::Delete => self.delete(now, number),
            },
            Event::Fill(number) => {
                let request = self.requests[number as usize];
                self.serve(self.node_of(&request), now, request.size);
            }
            Event::Resume(number) => {
                let request = self.requests[number as usize];
                self.answer(now, self.node_of(&request), &request);
            }
        }
    }
}

/// Replays a workload on a cluster.
pub(crate) fn run(config: &ElastiCacheConfig, workload: &Workload<'_>, seed: u64) -> Record {
    let n_objects = workload.n_objects();
    let node = || Node {
        cache: ObjectCache::new(
            config.node_memory,
            n_objects,
            config.policy.build(n_objects, config.node_memory),
        ),
        free_at: Time::START,
    };
    let unknown = Object { is_known: false, arrives_at: Time::START };
    let next_use = match config.policy {
        EvictionPolicy::Belady => next_uses(workload.requests, n_objects),
        _ => Vec::new(),
    };
    let mut record = Record::new(workload.span);
    let (n_nodes, meter) = match &config.serving {
        Serving::Nodes { n_nodes, .. } => (*n_nodes, None),
        Serving::Serverless { engine } => (1, Some(Meter::new(engine, workload.span, &mut record))),
    };
    let mut cluster = Cluster {
        requests: workload.requests,
        key_hashes: workload.key_hashes,
        next_use,
        nodes: (0..n_nodes).map(|_| node()).collect(),
        objects: vec![unknown; n_objects],
        server: config.server,
        store: ObjectStore::new(&config.object_store, Streams::new(seed)),
        meter,
        record,
    };
    des::run(&mut cluster, Agenda::default(), workload.arrivals(Event::Arrive));
    let Cluster { mut record, meter, .. } = cluster;
    match &config.serving {
        Serving::Nodes { node_type, n_nodes } => {
            record.for_each_hour(|hour, part| {
                hour.usage.rent_nodes(node_type, u64::from(*n_nodes), part);
            });
        }
        Serving::Serverless { .. } => meter.expect("it has one").finish(&mut record),
    }
    charge_storage(&mut record, workload, |usage| &mut usage.store_backing);
    record
}
