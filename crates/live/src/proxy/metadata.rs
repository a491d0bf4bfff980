//! Which objects are cached, in which version, and where their chunks are.

use std::collections::BTreeMap;
use std::sync::Arc;

use bytes::Bytes;
use nodefn::footprint_bytes;
use policy::Ring;
use policy::placer::{
    Eviction, Lookup, NodePicker, Placed, Placement, Placer, PoolShape, keyed_picks,
};
use tokio::sync::watch;
use units::{NodeId, ObjectId};
use wire::{ChunkId, Refusal};

use super::config::{Picks, ProxyConfig};

/// The proxy's metadata: the placer of `policy`, for keys that come and go.
#[derive(Debug)]
pub(crate) struct Metadata {
    placer: Placer,
    picker: NodePicker,
    picks: Picks,
    /// For a placement by keys.
    salt: Option<u64>,
    keys: BTreeMap<Bytes, ObjectId>,
    /// By id; ids without an object are in `spare`.
    objects: Vec<Option<Object>>,
    spare: Vec<ObjectId>,
    version_next: u64,
    n_chunks: u8,
}

#[derive(Debug)]
struct Object {
    key: Bytes,
    version: u64,
    chunk_len: u64,
    /// Whether all its chunks are stored. Until then it is not read.
    is_complete: bool,
    /// Where those who wait for that hear of it, if any do.
    awaited: Option<Arc<watch::Sender<bool>>>,
}

/// A version of an object, and the functions of its chunks in order.
#[derive(Clone, Debug)]
pub(crate) struct Location {
    pub(crate) key: Bytes,
    pub(crate) version: u64,
    /// How long each chunk is, its header included.
    pub(crate) chunk_len: u64,
    pub(crate) nodes: Vec<NodeId>,
}

impl Location {
    /// The name of one of its chunks.
    pub(crate) fn id(&self, chunk: u8) -> ChunkId {
        ChunkId { key: self.key.clone(), chunk, version: self.version }
    }
}

impl Metadata {
    /// Nothing cached. Versions count from `version_min`.
    pub(crate) fn new(config: &ProxyConfig, version_min: u64) -> Metadata {
        let n_chunks = u8::try_from(config.code.n_chunks()).expect("a code has at most 255 chunks");
        let shape = PoolShape {
            n_nodes: config.n_nodes,
            n_chunks: n_chunks.into(),
            node_memory: config.node_memory,
            node_overhead: config.node_overhead,
            // Functions refuse what they cannot hold.
            eviction: Eviction::Enough,
        };
        Metadata {
            placer: Placer::new(shape, 0),
            picker: NodePicker::new(config.placement, config.n_nodes),
            picks: config.picks.clone(),
            salt: (config.placement == Placement::Keyed).then(|| config.picks.draw()),
            keys: BTreeMap::new(),
            objects: Vec::new(),
            spare: Vec::new(),
            version_next: version_min,
            n_chunks,
        }
    }

    /// How many objects are cached, or about to be.
    pub(crate) fn n_objects(&self) -> usize {
        self.keys.len()
    }

    /// Where the chunks of an object are, for a GET.
    pub(crate) fn get(&mut self, key: &Bytes) -> Option<Location> {
        let object = *self.keys.get(key)?;
        if self.placer.get(object) != Lookup::Cached || !self.object(object).is_complete {
            return None;
        }
        Some(self.location(object))
    }

    /// Whether an object is cached, or about to be.
    pub(crate) fn contains(&self, key: &Bytes) -> bool {
        self.keys.contains_key(key)
    }

    /// The write of an object that is under way, if one is: it turns true once it has ended,
    /// whichever way, and no newer one has taken its place. Who keeps it is one of the readers.
    pub(crate) fn write_under_way(&mut self, key: &Bytes) -> Option<watch::Receiver<bool>> {
        let object = *self.keys.get(key)?;
        let object = self.objects[object.index()].as_mut().expect("a key has an object");
        if object.is_complete {
            return None;
        }
        Some(object.awaited.get_or_insert_with(|| Arc::new(watch::Sender::new(false))).subscribe())
    }

    /// Those who wait for a write of an object, or have not begun their reads since it ended, if
    /// there are any: closed once there are none.
    pub(crate) fn readers(&self, key: &Bytes) -> Option<Arc<watch::Sender<bool>>> {
        let awaited = self.object(*self.keys.get(key)?).awaited.as_ref()?;
        (!awaited.is_closed()).then(|| Arc::clone(awaited))
    }

    /// Whether this version of an object made way for a newer one.
    pub(crate) fn is_superseded(&self, location: &Location) -> bool {
        let object = self.keys.get(&location.key);
        object.is_some_and(|it| self.object(*it).version != location.version)
    }

    /// Where a chunk of this version of an object is, and how long, as long as that is the current
    /// one.
    pub(crate) fn place_of(&self, id: &ChunkId) -> Option<(NodeId, u64)> {
        let object = *self.keys.get(&id.key)?;
        let Object { version, chunk_len, .. } = self.object(object);
        let node = self.placer.nodes_of(object).get(usize::from(id.chunk))?;
        (*version == id.version).then_some((*node, *chunk_len))
    }

    /// Places an object in a new version, counted with what its chunks take besides their
    /// bodies; also what has to make way for it, whose chunks are to be deleted.
    pub(crate) fn put(
        &mut self,
        key: &Bytes,
        chunk_len: u64,
    ) -> Result<(Location, Vec<Location>), (Refusal, Option<Location>)> {
        let object = self.intern(key);
        let before = (self.object(object).version != 0).then(|| self.location(object));
        let n_chunks = usize::from(self.n_chunks);
        let asked = match self.salt {
            Some(salt) => self.picker.pick(n_chunks, keyed_picks(Ring::hash(key), salt)),
            None => self.picker.pick(n_chunks, std::iter::repeat_with(|| self.picks.draw())),
        };
        let asked = asked.to_vec();
        let size = units::Bytes::new(footprint_bytes(key.len(), chunk_len));
        let mut victim = match self.placer.set(object, size, &asked) {
            Placed::NoRoom | Placed::Outgrown => {
                self.release(object);
                return Err((Refusal::NoRoom, before));
            }
            Placed::Again => None,
            Placed::New { evicted } => evicted,
        };
        self.renew(object, chunk_len);
        let mut evicted = Vec::new();
        while let Some(it) = victim.take().or_else(|| self.placer.evict_more(object)) {
            evicted.push(self.location(it));
            self.release(it);
        }
        Ok((self.location(object), evicted))
    }

    /// All chunks of this version are stored. Whether it is still the current one.
    pub(crate) fn complete(&mut self, key: &Bytes, version: u64) -> bool {
        let Some(object) = self.keys.get(key) else { return false };
        let object = self.objects[object.index()].as_mut().expect("a key has an object");
        if object.version != version {
            return false;
        }
        object.is_complete = true;
        if let Some(awaited) = &object.awaited {
            awaited.send_replace(true);
        }
        true
    }

    /// Forgets an object, in this version or in any. Where its chunks are, to be deleted.
    pub(crate) fn remove(&mut self, key: &Bytes, version: Option<u64>) -> Option<Location> {
        let object = *self.keys.get(key)?;
        if version.is_some_and(|it| it != self.object(object).version) {
            return None;
        }
        let location = self.location(object);
        self.release(object);
        Some(location)
    }

    fn object(&self, object: ObjectId) -> &Object {
        self.objects[object.index()].as_ref().expect("a key has an object")
    }

    fn location(&self, object: ObjectId) -> Location {
        let Object { key, version, chunk_len, .. } = self.object(object);
        let nodes = self.placer.nodes_of(object).to_vec();
        Location { key: key.clone(), version: *version, chunk_len: *chunk_len, nodes }
    }

    fn intern(&mut self, key: &Bytes) -> ObjectId {
        if let Some(object) = self.keys.get(key) {
            return *object;
        }
        let object = self.spare.pop().unwrap_or_else(|| {
            let object = ObjectId(u32::try_from(self.objects.len()).expect("fewer than 2^32"));
            self.objects.push(None);
            if self.objects.len().is_power_of_two() {
                self.placer.grow(self.objects.len() * 2);
            }
            object
        });
        self.objects[object.index()] = Some(Object {
            key: key.clone(),
            version: 0,
            chunk_len: 0,
            is_complete: false,
            awaited: None,
        });
        self.keys.insert(key.clone(), object);
        object
    }

    fn renew(&mut self, object: ObjectId, chunk_len: u64) {
        let version = self.version_next;
        self.version_next += 1;
        let object = self.objects[object.index()].as_mut().expect("a key has an object");
        object.version = version;
        object.chunk_len = chunk_len;
        object.is_complete = false;
        // What has ended is not what is waited for from now on.
        object.awaited.take_if(|it| *it.borrow());
    }

    fn release(&mut self, object: ObjectId) {
        self.placer.delete(object);
        if let Some(Object { key, awaited, .. }) = self.objects[object.index()].take() {
            self.keys.remove(&key);
            if let Some(awaited) = awaited {
                awaited.send_replace(true);
            }
        }
        self.spare.push(object);
    }
}

#[cfg(test)]
mod tests {
    use ec::Code;
    use units::Bytes as Amount;

    use super::*;

    fn metadata(node_memory: u64) -> Metadata {
        let code = Code::new(2, 1).unwrap();
        let mut config = ProxyConfig::local(code, 3, 512, String::new());
        (config.node_memory, config.node_overhead) = (Amount::new(node_memory), Amount::ZERO);
        Metadata::new(&config, 100)
    }

    fn key(text: &'static str) -> Bytes {
        Bytes::from_static(text.as_bytes())
    }

    #[test]
    fn an_object_is_read_once_it_is_whole_and_under_its_version() {
        let mut metadata = metadata(1_000);
        let (first, _) = metadata.put(&key("a"), 10).unwrap();
        assert!(metadata.get(&key("a")).is_none(), "not complete");
        assert!(metadata.complete(&key("a"), first.version));
        let (second, _) = metadata.put(&key("a"), 10).unwrap();
        assert_eq!((second.version, &second.nodes), (first.version + 1, &first.nodes));
        assert!(!metadata.complete(&key("a"), first.version), "superseded");
        assert!(metadata.get(&key("a")).is_none());
        assert!(metadata.complete(&key("a"), second.version));
        assert_eq!(metadata.get(&key("a")).map(|it| it.version), Some(second.version));
        assert_eq!(metadata.place_of(&first.id(0)), None);
        assert_eq!(metadata.place_of(&second.id(2)), Some((second.nodes[2], 10)));
        assert_eq!(metadata.place_of(&second.id(3)), None);
        assert!(metadata.remove(&key("a"), Some(first.version)).is_none());
        assert!(metadata.remove(&key("a"), None).is_some());
        assert_eq!((metadata.n_objects(), metadata.get(&key("a")).is_none()), (0, true));
    }

    #[test]
    fn who_waits_for_a_write_hears_of_its_end() {
        let mut metadata = metadata(1_000);
        let song = key("song");
        assert!(metadata.write_under_way(&song).is_none(), "nothing is written");
        let has_ended = |it: &watch::Receiver<bool>| *it.borrow();
        let (first, _) = metadata.put(&song, 10).unwrap();
        let waits = metadata.write_under_way(&song).unwrap();
        let (second, _) = metadata.put(&song, 10).unwrap();
        assert!(metadata.is_superseded(&first) && !metadata.is_superseded(&second));
        let waits_too = metadata.write_under_way(&song).unwrap();
        metadata.complete(&song, first.version);
        assert!(!has_ended(&waits), "a newer one is under way");
        metadata.complete(&song, second.version);
        assert!(has_ended(&waits) && has_ended(&waits_too));
        assert!(metadata.write_under_way(&song).is_none() && metadata.contains(&song));
        let (third, _) = metadata.put(&song, 10).unwrap();
        let waits = metadata.write_under_way(&song).unwrap();
        assert!(metadata.remove(&song, Some(third.version)).is_some());
        assert!(has_ended(&waits) && !metadata.contains(&song));
        assert!(!metadata.is_superseded(&third), "there is no newer one");
    }

    #[test]
    fn who_waits_for_a_write_is_there_until_the_read_is_begun() {
        let mut metadata = metadata(1_000);
        let song = key("song");
        let (first, _) = metadata.put(&song, 10).unwrap();
        assert!(metadata.readers(&song).is_none(), "nobody waits");
        let (waits, waits_too) = (metadata.write_under_way(&song), metadata.write_under_way(&song));
        assert!(!metadata.readers(&song).unwrap().is_closed());
        drop(waits);
        metadata.complete(&song, first.version);
        assert!(metadata.readers(&song).is_some(), "the other has not looked yet");
        drop(waits_too);
        assert!(metadata.readers(&song).is_none(), "nor is there any for the next write");
        let (second, _) = metadata.put(&song, 10).unwrap();
        let waits = metadata.write_under_way(&song).unwrap();
        assert!(!*waits.borrow() && metadata.readers(&song).is_some());
        metadata.complete(&song, second.version);
        // It takes too long to look.
        metadata.put(&song, 10).unwrap();
        assert!(metadata.readers(&song).is_none());
        let waits_again = metadata.write_under_way(&song).unwrap();
        assert!(*waits.borrow() && !*waits_again.borrow());
    }

    #[test]
    fn what_makes_way_is_named_and_its_id_used_again() {
        // Each chunk of ten bytes is counted as 171 with its key and what holds it.
        let mut metadata = metadata(2 * 171 + 5);
        let keys = ["a", "b", "c", "d", "e"];
        let mut n_evicted = 0;
        for name in keys.iter().cycle().take(50) {
            let (location, evicted) = metadata.put(&key(name), 10).unwrap();
            assert!(metadata.complete(&key(name), location.version));
            n_evicted += evicted.len();
            for evicted in evicted {
                assert!(metadata.get(&evicted.key).is_none());
            }
        }
        assert_eq!(metadata.n_objects(), 2);
        assert_eq!(n_evicted, 48);
        assert!(metadata.objects.len() <= 4, "{} ids", metadata.objects.len());
        let (_, evicted) = metadata.put(&key("f"), 150).unwrap();
        let evicted: Vec<&[u8]> = evicted.iter().map(|it| &it.key[..]).collect();
        assert_eq!((evicted, metadata.n_objects()), (vec![&b"d"[..], b"e"], 1));
        assert_eq!(metadata.put(&key("f"), 1_000).unwrap_err().0, Refusal::NoRoom);
        assert_eq!(metadata.n_objects(), 0);
    }
}
