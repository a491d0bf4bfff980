//! LRU caches of any sizes over one trace, without a list for each.
//!
//! What an LRU cache holds is what was asked for last, down to some request: its floor. An
//! object is held if its previous request is not below the floor, so a cache is one number that
//! only rises, and a request is two comparisons with numbers that stand side by side in memory.
//! (The floor is not where the inclusion property would put it: an object that entered at a
//! miss has evicted what it needed then, and nothing comes back when it leaves.)

use units::{Bytes, Op, Request};

use crate::mrc::MissCounts;
use crate::trace::Trace;

/// A trace in the order of its reuse, for LRU caches of any size.
///
/// [`LruStack::miss_counts`] gives what [`crate::miss_counts`] gives, to the request.
#[derive(Debug)]
pub struct LruStack<'a> {
    requests: &'a [Request],
    /// The previous request of the object, and the next, or `NONE`.
    links: Vec<Links>,
    /// Objects of more than one size each have a slot, where a cache notes with which they
    /// entered; empty where there are none.
    slots: Vec<u32>,
    n_slots: usize,
}

#[derive(Clone, Copy, Debug)]
struct Links {
    previous: u32,
    next: u32,
}

const NONE: u32 = u32::MAX;
/// The object is not in the cache; above every size a trace may hold.
const ABSENT: u64 = u64::MAX;

impl<'a> LruStack<'a> {
    /// Looks over the trace once.
    pub fn new(trace: &'a Trace) -> LruStack<'a> {
        let requests = trace.requests();
        let mut last = vec![NONE; trace.n_objects()];
        let mut links = vec![Links { previous: NONE, next: NONE }; requests.len()];
        let mut is_resized = Vec::new();
        for (number, request) in (0_u32..).zip(requests) {
            let previous = std::mem::replace(&mut last[request.object.index()], number);
            links[number as usize].previous = previous;
            if previous != NONE {
                links[previous as usize].next = number;
                if requests[previous as usize].size != request.size {
                    is_resized.resize(trace.n_objects(), false);
                    is_resized[request.object.index()] = true;
                }
            }
        }
        let mut n_slots = 0;
        let slots = is_resized
            .into_iter()
            .map(|is_resized| {
                n_slots += u32::from(is_resized);
                if is_resized { n_slots - 1 } else { NONE }
            })
            .collect();
        LruStack { requests, links, slots, n_slots: n_slots as usize }
    }

    /// What an LRU cache of this size misses.
    pub fn miss_counts(&self, capacity: Bytes) -> MissCounts {
        let only_gets = self.requests.iter().all(|it| it.op == Op::Get);
        if only_gets && self.n_slots == 0 {
            self.count_plain(capacity)
        } else {
            self.count(capacity)
        }
    }

    /// Nothing but GETs of objects that keep their size: what a request needs to know of an
    /// object stands with the request.
    fn count_plain(&self, capacity: Bytes) -> MissCounts {
        let capacity = capacity.get();
        let (mut floor, mut used) = (0, 0);
        let (mut n_misses, mut requested, mut missed) = (0, 0, 0);
        for (number, (request, links)) in (0_u32..).zip(self.requests.iter().zip(&self.links)) {
            let size = request.size.get();
            requested += size;
            let is_known = links.previous != NONE && floor <= links.previous;
            if is_known && size <= capacity {
                continue;
            }
            n_misses += 1;
            missed += size;
            if capacity < size {
                continue;
            }
            while capacity < used + size {
                let lowest = floor as usize;
                // In the cache: not asked for again until now, and let in, if it fits at all.
                let lowest_size = self.requests[lowest].size.get();
                if number < self.links[lowest].next && lowest_size <= capacity {
                    used -= lowest_size;
                }
                floor += 1;
            }
            used += size;
        }
        MissCounts {
            n_requests: self.requests.len() as u64,
            n_misses,
            requested_bytes: Bytes::new(requested),
            missed_bytes: Bytes::new(missed),
        }
    }

    /// Any trace: which objects are held, and as how large, is noted for each.
    fn count(&self, capacity: Bytes) -> MissCounts {
        let mut cache = Cache {
            stack: self,
            capacity: capacity.get(),
            floor: 0,
            used: 0,
            entered: vec![ABSENT; self.n_slots],
        };
        let mut counts = MissCounts::default();
        for (number, request) in (0_u32..).zip(self.requests) {
            let held = cache.held(number);
            if request.op == Op::Get {
                counts.n_requests += 1;
                counts.requested_bytes += request.size;
                if held.is_some() {
                    continue;
                }
                counts.n_misses += 1;
                counts.missed_bytes += request.size;
            } else if let Some(size) = held {
                cache.used -= size;
                cache.note(request, ABSENT);
            }
            if request.op != Op::Delete {
                cache.admit(number, request);
            }
        }
        counts
    }
}

/// One cache in the course of [`LruStack::count`].
struct Cache<'a> {
    stack: &'a LruStack<'a>,
    capacity: u64,
    floor: u32,
    used: u64,
    entered: Vec<u64>,
}

impl Cache<'_> {
    fn slot(&self, request: &Request) -> Option<usize> {
        let slot = self.stack.slots.get(request.object.index()).copied().unwrap_or(NONE);
        (slot != NONE).then_some(slot as usize)
    }

    fn note(&mut self, request: &Request, size: u64) {
        if let Some(slot) = self.slot(request) {
            self.entered[slot] = size;
        }
    }

    /// With what size the object of request `number` is in the cache, if it is.
    fn held(&self, number: u32) -> Option<u64> {
        let previous = self.stack.links[number as usize].previous;
        if previous == NONE || previous < self.floor {
            return None;
        }
        self.size_after(&self.stack.requests[previous as usize])
    }

    /// With what size an object is in the cache from `request` on, if it was not evicted.
    fn size_after(&self, request: &Request) -> Option<u64> {
        if let Some(slot) = self.slot(request) {
            return (self.entered[slot] != ABSENT).then_some(self.entered[slot]);
        }
        let is_in = request.op != Op::Delete && request.size.get() <= self.capacity;
        is_in.then_some(request.size.get())
    }

    fn admit(&mut self, number: u32, request: &Request) {
        let size = request.size.get();
        if self.capacity < size {
            return;
        }
        while self.capacity < self.used + size {
            let lowest = self.stack.requests[self.floor as usize];
            let is_live = number < self.stack.links[self.floor as usize].next;
            if let Some(lowest_size) = self.size_after(&lowest).filter(|_| is_live) {
                self.used -= lowest_size;
                self.note(&lowest, ABSENT);
            }
            self.floor += 1;
        }
        self.used += size;
        self.note(request, size);
    }
}
