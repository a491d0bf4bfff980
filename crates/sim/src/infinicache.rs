//! InfiniCache: erasure-coded chunks in the memory of functions, behind proxies (FAST'20).
//!
//! Metadata (what is cached, where its chunks go, what is evicted) is decided by the proxy's
//! placer when a request comes; whether the chunks are still there shows when the functions
//! are asked, and how long it takes by their queues. Every chunk order, ping, warm-up, backup
//! and delete is an event, and every invocation is billed when it returns.

mod config;
mod contents;
mod function;
mod read;

use des::{Agenda, Model, Stream, Streams};
use policy::Ring;
use policy::placer::{Lookup, NodePicker, Placed, Placement, Placer, PoolShape};
use units::{Nanos, NodeId, ObjectId, Op, Request, Time};

pub use self::config::InfiniCacheConfig;
use self::contents::{BlockId, Contents};
use self::function::{Function, Instance, Order, Verb};
use self::read::{ReadId, Reads};
use crate::objstore::{ObjectStore, charge_storage};
use crate::record::{Outcome, Record};
use crate::workload::Workload;

/// What can happen to an InfiniCache.
#[derive(Clone, Copy, Debug)]
enum Event {
    /// A request of the trace comes, by its number.
    Arrive(u32),
    /// The backing store has answered with the object of this placement: its chunks are sent.
    Fill(BlockId),
    /// The object that this request hit, and which was still being fetched, is there.
    Resume(u32),
    /// An invocation has started, or a ping was answered: the function can take an order.
    Ready(NodeId),
    /// The function has carried out its order.
    Served(NodeId),
    /// The timer of the function's lease fires.
    LeaseDue(NodeId),
    /// The idle timer of the function fires.
    IdleDue(NodeId),
    /// The peer replica that a backup invoked is up.
    ReplicaUp(NodeId),
    /// The peer replica has all it lacked.
    Synced(NodeId),
    /// The platform decides what it takes back in the coming interval.
    ReclaimRound,
    /// The platform takes an instance back.
    Reclaim(NodeId, Instance),
    /// An instance may have been idle for as long as the platform allows.
    IdleOut(NodeId, Instance),
}

/// An InfiniCache in operation.
struct InfiniCache<'a> {
    config: &'a InfiniCacheConfig,
    requests: &'a [Request],
    key_hashes: &'a [u64],
    ring: Ring,
    proxies: Vec<Proxy>,
    objects: Vec<Object>,
    contents: Contents,
    functions: Vec<Function>,
    reads: Reads,
    store: ObjectStore,
    reclaimer: NodePicker,
    reclaim_stream: Stream,
    invocation_stream: Stream,
    ends_at: Time,
    record: Record,
}

struct Proxy {
    placer: Placer,
    picker: NodePicker,
    stream: Stream,
}

/// What is known of an object from before.
#[derive(Clone, Copy)]
struct Object {
    is_known: bool,
    /// Its placement, while the metadata holds it.
    block: Option<BlockId>,
    /// When a fetch under way will have been answered.
    arrives_at: Time,
}

impl Model for InfiniCache<'_> {
    type Event = Event;

    fn handle(&mut self, now: Time, event: Event, agenda: &mut Agenda<Event>) {
        match event {
            Event::Arrive(number) => match self.requests[number as usize].op {
                Op::Get => self.get(now, number, agenda),
                Op::Put => self.put(now, number, agenda),
                Op::Delete => self.delete(now, number, agenda),
            },
            Event::Fill(block) => self.fill(now, block, agenda),
            Event::Resume(number) => self.resume(now, number, agenda),
            Event::Ready(node) => self.ready(now, node, agenda),
            Event::Served(node) => self.served(now, node, agenda),
            Event::LeaseDue(node) => self.lease_due(now, node, agenda),
            Event::IdleDue(node) => self.idle_due(now, node, agenda),
            Event::ReplicaUp(node) => self.replica_up(now, node, agenda),
            Event::Synced(node) => self.synced(now, node, agenda),
            Event::ReclaimRound => self.reclaim_round(now, agenda),
            Event::Reclaim(node, instance) => self.reclaim(now, node, instance, agenda),
            Event::IdleOut(node, instance) => self.idle_out(now, node, instance, agenda),
        }
    }
}

impl InfiniCache<'_> {
    fn get(&mut self, now: Time, number: u32, agenda: &mut Agenda<Event>) {
        let Request { object, .. } = self.requests[number as usize];
        let proxy = self.proxy_of(object);
        let Object { is_known, arrives_at, .. } = self.objects[object.index()];
        self.objects[object.index()].is_known = true;
        match self.proxies[proxy].placer.get(object) {
            Lookup::Cached if now < arrives_at => agenda.at(arrives_at, Event::Resume(number)),
            Lookup::Cached => self.read(now, number, agenda),
            // Known and not there, and not evicted: it never fitted.
            Lookup::Unknown if is_known => {
                self.miss(now, number, Outcome::CapacityMiss, agenda);
            }
            Lookup::Unknown => self.miss(now, number, Outcome::CompulsoryMiss, agenda),
            Lookup::Evicted => self.miss(now, number, Outcome::CapacityMiss, agenda),
        }
    }

    /// Serves a request that waited for the fetch of its object.
    fn resume(&mut self, now: Time, number: u32, agenda: &mut Agenda<Event>) {
        let request = self.requests[number as usize];
        if self.objects[request.object.index()].block.is_some() {
            self.read(now, number, agenda);
        } else {
            // Evicted meanwhile: what the fetch brought is handed on all the same.
            self.record.settle(&request, Outcome::Hit, now.since(request.at));
        }
    }

    /// The proxy answers that the object is not cached: it is fetched, and cached.
    fn miss(&mut self, now: Time, number: u32, outcome: Outcome, agenda: &mut Agenda<Event>) {
        let answered = now + self.config.function.round_trip;
        let fetched = self.fetch(now, answered, number, outcome);
        self.set(now, number, fetched, agenda);
    }

    /// Lets a client that knows `at` of its miss fetch the object from the backing store; when
    /// it has it.
    fn fetch(&mut self, now: Time, at: Time, number: u32, outcome: Outcome) -> Time {
        let request = self.requests[number as usize];
        let fetched = at + self.store.read(request.size);
        self.record.settle(&request, outcome, fetched.since(request.at));
        self.record.hour(now).usage.store_backing.n_gets += 1;
        fetched
    }

    fn put(&mut self, now: Time, number: u32, agenda: &mut Agenda<Event>) {
        let Request { object, .. } = self.requests[number as usize];
        self.objects[object.index()].is_known = true;
        let hour = self.record.hour(now);
        hour.counts.n_puts += 1;
        hour.usage.store_backing.n_puts += 1;
        self.set(now, number, now, agenda);
    }

    /// Places an object whose bytes will be there at `ready_at`.
    fn set(&mut self, now: Time, number: u32, ready_at: Time, agenda: &mut Agenda<Event>) {
        let Request { object, size, .. } = self.requests[number as usize];
        let chunk_size = size.split(u64::from(self.config.n_data));
        let index = self.proxy_of(object);
        let Proxy { placer, picker, stream } = &mut self.proxies[index];
        let picks = std::iter::repeat_with(|| stream.bits());
        let asked = picker.pick(self.config.n_chunks() as usize, picks);
        let evicted = match placer.set(object, chunk_size, asked) {
            Placed::NoRoom => return,
            Placed::Outgrown => return self.discard(now, object, agenda),
            Placed::Again => {
                let block = self.objects[object.index()].block;
                let block = block.expect("a cached object has a placement");
                self.contents.resize(block, chunk_size);
                None
            }
            Placed::New { evicted } => {
                let first = u32::try_from(index).expect("few proxies") * self.config.n_nodes;
                let nodes = placer.nodes_of(object).iter().map(|it| NodeId(first + it.0));
                let block = self.contents.place(object, chunk_size, nodes);
                self.objects[object.index()].block = Some(block);
                evicted
            }
        };
        let coded_at = ready_at + self.config.codec.encode.time(size);
        let it = &mut self.objects[object.index()];
        it.arrives_at = coded_at;
        let block = it.block.expect("a cached object has a placement");
        self.contents.retain(block);
        agenda.at(coded_at, Event::Fill(block));
        if let Some(victim) = evicted {
            let overcommitted_max = self.proxies[index].placer.overcommitted_max();
            let counts = &mut self.record.hour(now).counts;
            counts.n_evictions += 1;
            counts.overcommitted_max = counts.overcommitted_max.max(overcommitted_max);
            self.discard(now, victim, agenda);
        }
    }

    /// Sends the chunks of an object to their functions, unless it was evicted meanwhile.
    fn fill(&mut self, now: Time, block: BlockId, agenda: &mut Agenda<Event>) {
        if self.is_current(block) {
            for chunk in 0..self.config.n_chunks() {
                self.order(now, Order { verb: Verb::Set, block, chunk }, agenda);
            }
        }
        self.contents.release(block);
    }

    fn delete(&mut self, now: Time, number: u32, agenda: &mut Agenda<Event>) {
        let Request { object, .. } = self.requests[number as usize];
        self.objects[object.index()].is_known = false;
        let hour = self.record.hour(now);
        hour.counts.n_deletes += 1;
        hour.usage.store_backing.n_deletes += 1;
        let proxy = self.proxy_of(object);
        if self.proxies[proxy].placer.delete(object) {
            self.discard(now, object, agenda);
        }
    }

    /// Has the chunks of an object that is no longer cached deleted from their functions.
    fn discard(&mut self, now: Time, object: ObjectId, agenda: &mut Agenda<Event>) {
        let block = self.objects[object.index()].block.take().expect("it was cached");
        for chunk in 0..self.config.n_chunks() {
            self.order(now, Order { verb: Verb::Delete, block, chunk }, agenda);
        }
        self.contents.release(block);
    }

    fn proxy_of(&self, object: ObjectId) -> usize {
        self.ring.owner(self.key_hashes[object.index()])
    }

    fn is_current(&self, block: BlockId) -> bool {
        self.objects[self.contents.object(block).index()].block == Some(block)
    }

    fn reclaim_round(&mut self, now: Time, agenda: &mut Agenda<Event>) {
        let Some(interval) = self.config.reclaim.interval() else { return };
        let instances = [Instance::Primary, Instance::Replica];
        let n_instances = if self.config.backup.is_some() { 2 } else { 1 };
        for first in (0..self.config.n_proxies).map(|it| it * self.config.n_nodes) {
            for instance in &instances[..n_instances] {
                let stream = &mut self.reclaim_stream;
                let count = self.config.reclaim.count(now.index(interval), stream.bits());
                let count = count.min(self.config.n_nodes);
                let picks = std::iter::repeat_with(|| stream.bits());
                let nodes = self.reclaimer.pick(count as usize, picks).to_vec();
                for node in nodes {
                    let part = self.reclaim_stream.unit();
                    let at = now + Nanos::from_seconds_f64(part * interval.as_seconds_f64());
                    if at <= self.ends_at {
                        agenda.at(at, Event::Reclaim(NodeId(first + node.0), *instance));
                    }
                }
            }
        }
        if now + interval <= self.ends_at {
            agenda.after(interval, Event::ReclaimRound);
        }
    }
}

/// Replays a workload on an InfiniCache.
pub(crate) fn run(config: &InfiniCacheConfig, workload: &Workload<'_>, seed: u64) -> Record {
    let mut cache = InfiniCache::new(config, workload, seed);
    let mut agenda = Agenda::default();
    cache.start(&mut agenda);
    des::run(&mut cache, agenda, workload.arrivals(Event::Arrive));
    cache.contents.books().check();
    let mut record = cache.record;
    record.for_each_hour(workload.span, |hour, part| {
        let n_proxies = u64::from(config.n_proxies);
        hour.usage.rent_virtual_machines(&config.proxy_machine, n_proxies, part);
    });
    charge_storage(&mut record, workload, |usage| &mut usage.store_backing);
    record
}

impl<'a> InfiniCache<'a> {
    fn new(config: &'a InfiniCacheConfig, workload: &Workload<'a>, seed: u64) -> InfiniCache<'a> {
        let streams = Streams::new(seed);
        let shape = PoolShape {
            n_nodes: config.n_nodes,
            n_chunks: config.n_chunks(),
            node_memory: config.node_memory,
            node_overhead: config.node_overhead,
        };
        let names: Vec<String> = (0..config.n_proxies).map(|it| it.to_string()).collect();
        let members: Vec<&str> = names.iter().map(String::as_str).collect();
        let n_functions = (config.n_proxies * config.n_nodes) as usize;
        let unknown = Object { is_known: false, block: None, arrives_at: Time::START };
        InfiniCache {
            config,
            requests: workload.requests,
            key_hashes: workload.key_hashes,
            ring: Ring::new(&members),
            proxies: names
                .iter()
                .map(|name| Proxy {
                    placer: Placer::new(shape, workload.n_objects()),
                    picker: NodePicker::new(config.placement, config.n_nodes),
                    stream: streams.named(&format!("placement {name}")),
                })
                .collect(),
            objects: vec![unknown; workload.n_objects()],
            contents: Contents::new(config.n_chunks() as usize, n_functions),
            functions: (0..n_functions).map(|_| Function::new(config)).collect(),
            reads: Reads::default(),
            store: ObjectStore::new(&config.object_store, streams),
            reclaimer: NodePicker::new(Placement::Random, config.n_nodes),
            reclaim_stream: streams.named("reclaim"),
            invocation_stream: streams.named("invocation"),
            ends_at: Time::START + workload.span,
            record: Record::new(workload.span),
        }
    }
}
