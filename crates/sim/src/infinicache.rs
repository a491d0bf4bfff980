//! InfiniCache: erasure-coded chunks in the memory of functions, behind proxies (FAST'20).
//!
//! Metadata (what is cached, where its chunks go, what is evicted) is decided by the proxy's
//! placer when a request comes; whether the chunks are still there shows when the functions
//! are asked, and how long it takes by their queues. Every chunk order, ping, warm-up, backup
//! and delete is an event, and every invocation is billed when it returns.

mod backup;
mod config;
mod contents;
mod function;
mod links;
mod proxy;
mod read;
mod reclaim;
mod session;

use des::{Agenda, Model, Stream, Streams};
use policy::Ring;
use policy::placer::{Lookup, NodePicker, Placed, Placement, Placer, PoolShape, keyed_picks};
use units::{Nanos, NodeId, ObjectId, Op, Request, Time};

pub use self::config::{InfiniCacheConfig, OlderCopies};
use self::contents::{BlockId, Contents};
use self::function::{Function, Order, Verb};
use self::links::{Duplex, Moved};
use self::proxy::Proxy;
use self::read::Reads;
use crate::faas::{Platform, Slot};
use crate::latency::Phases;
use crate::network::{FlowId, Network};
use crate::objstore::{ObjectStore, charge_storage};
use crate::profile::Rate;
use crate::record::{Outcome, Record};
use crate::workload::Workload;

/// What can happen to an InfiniCache.
#[derive(Clone, Copy, Debug)]
enum Event {
    /// A request of the trace comes, by its number.
    Arrive(u32),
    /// The backing store has answered this request for the object of this placement: its chunks
    /// are sent.
    Fill(BlockId, u32),
    /// The object that this request hit, and which was still being fetched, is there.
    Resume(u32),
    /// An invocation has started, and the function answers.
    Up(NodeId),
    /// A ping was answered.
    Pong(NodeId),
    /// A ping was not answered in time.
    PingExpired(NodeId),
    /// The function's BYE has reached the proxy, which had just pinged it.
    Bye(NodeId),
    /// The function has carried out its order.
    Served(NodeId),
    /// A transfer may be over.
    Alarm(FlowId),
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
    Reclaim(NodeId, Slot),
    /// It takes back the one that is listed with this number.
    ReclaimListed(u32),
    /// An instance may have been idle for as long as the platform allows.
    IdleOut(NodeId, Slot),
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
    platform: Platform,
    network: Network<Moved>,
    /// The links of hosts, proxies and clients.
    hosts: Vec<Duplex>,
    proxy_links: Vec<Duplex>,
    clients: Vec<Duplex>,
    /// What a function moves in a nanosecond when nothing holds it back.
    rate_max: f64,
    reads: Reads,
    store: ObjectStore,
    reclaim_stream: Stream,
    invocation_stream: Stream,
    straggler_stream: Stream,
    return_stream: Stream,
    ends_at: Time,
    /// How long objects were intact, not yet in the record, and up to when.
    intact_nanos: u128,
    intact_noted_at: Time,
    /// Where each settled request is followed by the next one of its stream: how many streams,
    /// and when each request was made.
    closed_loop: Option<ClosedLoop>,
    /// Reads as functions saw them, where someone wants to know.
    observations: Option<Vec<Observation>>,
    record: Record,
}

/// Requests that are made one after the other, in several streams at a time.
struct ClosedLoop {
    n_streams: u32,
    made_at: Vec<Time>,
}

/// A read as functions and client saw it.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Observation {
    /// On how many hosts the functions were that were asked.
    pub(crate) n_hosts: u32,
    /// How long a function took to send its chunk, on average over the chunks.
    pub(crate) sending_mean: Nanos,
    /// How long the client waited.
    pub(crate) latency: Nanos,
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
            Event::Arrive(number) => match self.arrive(now, number).op {
                Op::Get => self.get(now, number, agenda),
                Op::Put => self.put(now, number, agenda),
                Op::Delete => self.delete(now, number, agenda),
            },
            Event::Fill(block, number) => self.fill(now, block, number, agenda),
            Event::Resume(number) => self.resume(now, number, agenda),
            Event::Up(node) => self.up(now, node, agenda),
            Event::Pong(node) => self.pong(now, node, agenda),
            Event::PingExpired(node) => self.ping_expired(now, node, agenda),
            Event::Bye(node) => self.bye(now, node, agenda),
            Event::Served(node) => self.served(now, node, agenda),
            Event::Alarm(flow) => self.alarm(now, flow, agenda),
            Event::LeaseDue(node) => self.lease_due(now, node, agenda),
            Event::IdleDue(node) => self.idle_due(now, node, agenda),
            Event::ReplicaUp(node) => self.replica_up(now, node, agenda),
            Event::Synced(node) => self.synced(now, node, agenda),
            Event::ReclaimRound => self.reclaim_round(now, agenda),
            Event::Reclaim(node, slot) => self.reclaim(now, node, slot, agenda),
            Event::ReclaimListed(number) => self.reclaim_listed(now, number, agenda),
            Event::IdleOut(node, slot) => self.idle_out(now, node, slot, agenda),
        }
    }
}

impl InfiniCache<'_> {
    /// Notes when a request of a closed loop is made.
    fn arrive(&mut self, now: Time, number: u32) -> Request {
        if let Some(closed_loop) = &mut self.closed_loop {
            closed_loop.made_at[number as usize] = now;
        }
        self.request_at(number)
    }

    fn request_at(&self, number: u32) -> Request {
        let mut request = self.requests[number as usize];
        if let Some(closed_loop) = &self.closed_loop {
            request.at = closed_loop.made_at[number as usize];
        }
        request
    }

    /// Notes how a GET ended, and lets the next request of its stream be made.
    fn settle(
        &mut self,
        request: Request,
        number: u32,
        outcome: Outcome,
        phases: &Phases,
        agenda: &mut Agenda<Event>,
    ) {
        self.record.settle_phases(&request, outcome, phases);
        if let Some(closed_loop) = &self.closed_loop {
            let next = number + closed_loop.n_streams;
            if (next as usize) < self.requests.len() {
                agenda.at(request.at + phases.total(), Event::Arrive(next));
            }
        }
    }

    /// Notes for how long objects were intact, before their number changes.
    fn note_intact(&mut self, now: Time) {
        const NANOS_PER_SECOND: u128 = 1_000_000_000;
        let passed = now.min(self.ends_at).since(self.intact_noted_at.min(self.ends_at));
        self.intact_nanos += u128::from(passed.get()) * u128::from(self.contents.n_intact());
        self.intact_noted_at = now;
        let seconds = self.intact_nanos / NANOS_PER_SECOND;
        self.intact_nanos %= NANOS_PER_SECOND;
        let seconds = u64::try_from(seconds).expect("fewer object-seconds than 2^64");
        self.record.hour(now).counts.intact_object_s += seconds;
    }

    fn get(&mut self, now: Time, number: u32, agenda: &mut Agenda<Event>) {
        let Request { object, .. } = self.request_at(number);
        let proxy = self.proxy_of(object);
        let Object { is_known, arrives_at, .. } = self.objects[object.index()];
        self.objects[object.index()].is_known = true;
        let begins_at = self.proxies[proxy].takes_up(now, self.config.network.request);
        match self.proxies[proxy].placer.get(object) {
            Lookup::Cached if now < arrives_at.max(begins_at) => {
                agenda.at(arrives_at.max(begins_at), Event::Resume(number));
            }
            Lookup::Cached => self.read(now, number, agenda),
            // Known and not there, and not evicted: it never fitted.
            Lookup::Unknown if is_known => {
                self.miss(now, begins_at, number, Outcome::CapacityMiss, agenda);
            }
            Lookup::Unknown => {
                self.miss(now, begins_at, number, Outcome::CompulsoryMiss, agenda);
            }
            Lookup::Evicted => self.miss(now, begins_at, number, Outcome::CapacityMiss, agenda),
        }
    }

    /// Serves a request that waited for the fetch of its object.
    fn resume(&mut self, now: Time, number: u32, agenda: &mut Agenda<Event>) {
        let request = self.request_at(number);
        let Object { block, arrives_at, .. } = self.objects[request.object.index()];
        if block.is_some() && now < arrives_at {
            // Evicted meanwhile, and fetched for another: that one is waited for, too.
            agenda.at(arrives_at, Event::Resume(number));
        } else if block.is_some() {
            self.read(now, number, agenda);
        } else {
            // Evicted meanwhile: what the fetch brought is handed on all the same.
            let phases = Phases { queueing: now.since(request.at), ..Phases::default() };
            self.settle(request, number, Outcome::Hit, &phases, agenda);
        }
    }

    /// The proxy, which takes the request up then, answers that the object is not cached: it is
    /// fetched, and cached.
    fn miss(
        &mut self,
        now: Time,
        begins_at: Time,
        number: u32,
        outcome: Outcome,
        agenda: &mut Agenda<Event>,
    ) {
        let (queueing, transfer) = (begins_at.since(now), self.config.function.round_trip);
        let asked = Phases { queueing, transfer, ..Phases::default() };
        let fetched = self.fetch(now, asked, number, outcome, agenda);
        self.set(now, number, fetched, agenda);
    }

    /// Lets a client that has `asked` for so long, and knows of its miss then, fetch the object
    /// from the backing store; when it has it.
    fn fetch(
        &mut self,
        now: Time,
        asked: Phases,
        number: u32,
        outcome: Outcome,
        agenda: &mut Agenda<Event>,
    ) -> Time {
        let request = self.request_at(number);
        let phases = Phases { object_store: self.store.read(request.size), ..asked };
        let fetched = request.at + phases.total();
        self.settle(request, number, outcome, &phases, agenda);
        self.record.hour(now).usage.store_backing.n_gets += 1;
        fetched
    }

    fn put(&mut self, now: Time, number: u32, agenda: &mut Agenda<Event>) {
        let Request { object, size, .. } = self.request_at(number);
        self.objects[object.index()].is_known = true;
        self.record.note_put(now, size).usage.store_backing.n_puts += 1;
        self.set(now, number, now, agenda);
    }

    /// Places an object whose bytes will be there at `ready_at`.
    fn set(&mut self, now: Time, number: u32, ready_at: Time, agenda: &mut Agenda<Event>) {
        self.note_intact(now);
        let Request { object, size, .. } = self.request_at(number);
        let chunk_size = size.split(u64::from(self.config.n_data));
        let index = self.proxy_of(object);
        let Proxy { placer, picker, stream, salt, free_at: _ } = &mut self.proxies[index];
        let n_chunks = self.config.n_chunks() as usize;
        let asked = match salt {
            Some(salt) => {
                picker.pick(n_chunks, keyed_picks(self.key_hashes[object.index()], *salt))
            }
            None => picker.pick(n_chunks, std::iter::repeat_with(|| stream.bits())),
        };
        let overcommitted_before = placer.overcommitted_max();
        let mut evicted = match placer.set(object, chunk_size, asked) {
            Placed::NoRoom => return,
            Placed::Outgrown => return self.discard(now, object, number, agenda),
            Placed::Again => {
                let block = self.objects[object.index()].block;
                let block = block.expect("a cached object has a placement");
                self.contents.resize(block, size);
                if self.config.older_copies == OlderCopies::Drop {
                    self.contents.drop_copies(block);
                }
                None
            }
            Placed::New { evicted } => {
                let first = u32::try_from(index).expect("few proxies") * self.config.n_nodes;
                let nodes = placer.nodes_of(object).iter().map(|it| NodeId(first + it.0));
                let block = self.contents.place(object, size, nodes);
                self.objects[object.index()].block = Some(block);
                evicted
            }
        };
        let coded_at = ready_at + self.config.encode_time(size);
        let it = &mut self.objects[object.index()];
        it.arrives_at = coded_at;
        let block = it.block.expect("a cached object has a placement");
        self.contents.retain(block);
        let overcommitted_max = self.proxies[index].placer.overcommitted_max();
        if evicted.is_some() || overcommitted_before < overcommitted_max {
            let counts = &mut self.record.hour(now).counts;
            counts.overcommitted_max = counts.overcommitted_max.max(overcommitted_max);
        }
        let more = |it: &mut Self| it.proxies[index].placer.evict_more(object);
        while let Some(victim) = evicted.take().or_else(|| more(self)) {
            self.record.hour(now).counts.n_evictions += 1;
            self.discard(now, victim, number, agenda);
        }
        if coded_at == now {
            // At once: a read of this very instant is ordered after it.
            self.fill(now, block, number, agenda);
        } else {
            agenda.at(coded_at, Event::Fill(block, number));
        }
    }

    /// Sends the chunks of an object to their functions, unless it was evicted meanwhile.
    fn fill(&mut self, now: Time, block: BlockId, number: u32, agenda: &mut Agenda<Event>) {
        if self.is_current(block) {
            for chunk in 0..self.config.n_chunks() {
                self.order(now, Order { verb: Verb::Set, block, chunk, number }, agenda);
            }
        }
        self.contents.release(block);
    }

    fn delete(&mut self, now: Time, number: u32, agenda: &mut Agenda<Event>) {
        let Request { object, .. } = self.request_at(number);
        self.objects[object.index()].is_known = false;
        let hour = self.record.hour(now);
        hour.counts.n_deletes += 1;
        hour.usage.store_backing.n_deletes += 1;
        let proxy = self.proxy_of(object);
        if self.proxies[proxy].placer.delete(object) {
            self.discard(now, object, number, agenda);
        }
    }

    /// Has the chunks of an object that is no longer cached deleted from their functions.
    fn discard(&mut self, now: Time, object: ObjectId, number: u32, agenda: &mut Agenda<Event>) {
        let block = self.objects[object.index()].block.take().expect("it was cached");
        self.note_intact(now);
        self.contents.retire(block);
        for chunk in 0..self.config.n_chunks() {
            self.order(now, Order { verb: Verb::Delete, block, chunk, number }, agenda);
        }
        self.contents.release(block);
    }

    fn proxy_of(&self, object: ObjectId) -> usize {
        self.ring.owner(self.key_hashes[object.index()])
    }

    fn is_current(&self, block: BlockId) -> bool {
        self.objects[self.contents.object(block).index()].block == Some(block)
    }
}

/// Replays a workload on an InfiniCache.
pub(crate) fn run(config: &InfiniCacheConfig, workload: &Workload<'_>, seed: u64) -> Record {
    let mut record = {
        let cache = InfiniCache::new(config, workload, seed);
        let (cache, outcome) = cache.replay(workload.arrivals(Event::Arrive));
        // The rest goes before what was stored is added up, which takes as much memory.
        Record { n_events: outcome.n_events, ..cache.record }
    };
    record.for_each_hour(|hour, part| {
        let n_proxies = u64::from(config.n_proxies);
        hour.usage.rent_virtual_machines(&config.proxy_machine, n_proxies, part, workload.span);
    });
    charge_storage(&mut record, workload, |usage| &mut usage.store_backing);
    record
}

/// Replays a workload, and tells how its reads went as they were seen from both ends.
pub(crate) fn observe(
    config: &InfiniCacheConfig,
    workload: &Workload<'_>,
    seed: u64,
) -> Vec<Observation> {
    let mut cache = InfiniCache::new(config, workload, seed);
    cache.observations = Some(Vec::new());
    let (cache, _) = cache.replay(workload.arrivals(Event::Arrive));
    cache.observations.unwrap_or_default()
}

/// Replays what comes before the last `n_streams` streams of reads, which all have the same
/// time, as it comes, and then each stream one request after the other; when each was made.
pub(crate) fn closed_loop(
    config: &InfiniCacheConfig,
    workload: &Workload<'_>,
    n_streams: u32,
    seed: u64,
) -> Vec<Time> {
    let mut cache = InfiniCache::new(config, workload, seed);
    let made_at = vec![Time::START; workload.requests.len()];
    cache.closed_loop = Some(ClosedLoop { n_streams, made_at });
    let first = workload.requests.iter().position(|it| it.op == Op::Get).unwrap_or_default();
    let (cache, _) =
        cache.replay(workload.arrivals(Event::Arrive).take(first + n_streams as usize));
    cache.closed_loop.map_or_else(Vec::new, |it| it.made_at)
}

impl<'a> InfiniCache<'a> {
    fn new(config: &'a InfiniCacheConfig, workload: &Workload<'a>, seed: u64) -> InfiniCache<'a> {
        let streams = Streams::new(seed);
        let shape = PoolShape {
            n_nodes: config.n_nodes,
            n_chunks: config.n_chunks(),
            node_memory: config.node_memory,
            node_overhead: config.node_overhead,
            eviction: config.eviction,
        };
        let names: Vec<String> = (0..config.n_proxies).map(|it| it.to_string()).collect();
        let members: Vec<&str> = names.iter().map(String::as_str).collect();
        let n_functions = (config.n_proxies * config.n_nodes) as usize;
        let mut network = Network::default();
        let mut links = |n_links: u32, rate: Rate| -> Vec<Duplex> {
            let rate = rate.bytes_per_nano();
            (0..n_links).map(|_| Duplex::new(&mut network, rate)).collect()
        };
        let unknown = Object { is_known: false, block: None, arrives_at: Time::START };
        InfiniCache {
            config,
            requests: workload.requests,
            key_hashes: workload.key_hashes,
            ring: Ring::new(&members),
            proxies: names
                .iter()
                .map(|name| {
                    let mut stream = streams.named(&format!("placement {name}"));
                    let is_keyed = config.placement == Placement::Keyed;
                    Proxy {
                        placer: Placer::new(shape, workload.n_objects()),
                        picker: NodePicker::new(config.placement, config.n_nodes),
                        salt: is_keyed.then(|| stream.bits()),
                        stream,
                        free_at: Time::START,
                    }
                })
                .collect(),
            objects: vec![unknown; workload.n_objects()],
            contents: Contents::new(config.n_chunks() as usize, config.n_parity, n_functions),
            functions: (0..n_functions).map(|_| Function::new(config)).collect(),
            platform: Platform::new(
                n_functions,
                config.memory_mb,
                config.network.host_memory_mb,
                config.instance_pick,
            ),
            hosts: Vec::new(),
            proxy_links: links(config.n_proxies, config.network.proxy),
            clients: links(config.n_clients, config.network.client),
            network,
            rate_max: config.function.bandwidth(config.memory_mb).bytes_per_nano(),
            reads: Reads::default(),
            store: ObjectStore::new(&config.object_store, streams),
            reclaim_stream: streams.named("reclaim"),
            invocation_stream: streams.named("invocation"),
            straggler_stream: streams.named("straggler"),
            return_stream: streams.named("return"),
            ends_at: Time::START + workload.span,
            intact_nanos: 0,
            intact_noted_at: Time::START,
            closed_loop: None,
            observations: None,
            record: Record::new(workload.span),
        }
    }

    /// Lets everything happen.
    fn replay(
        mut self,
        arrivals: impl Iterator<Item = (Time, Event)>,
    ) -> (InfiniCache<'a>, des::Outcome) {
        let mut agenda = Agenda::default();
        self.start(&mut agenda);
        let outcome = des::run(&mut self, agenda, arrivals);
        self.note_intact(self.ends_at.max(outcome.ended_at));
        self.contents.books().check();
        (self, outcome)
    }
}
