//! Reads and writes of an object, begun each in its turn: functions replace chunks in place, so
//! that a read waits for a write that is under way, and the next write for who has waited so.

use std::sync::Arc;
use std::time::Duration;

use bytes::Bytes;
use tokio::sync::watch;
use tokio::time::{Instant, timeout_at};
use wire::Refusal;

use super::read::{Put, Read};
use super::shared::Shared;

/// What there is of an object for a read.
enum LookUp {
    /// All of it.
    Read(Arc<Read>),
    /// A write of it, which has not ended.
    Written(watch::Receiver<bool>),
}

/// Whether a write could be begun.
enum Begun {
    /// It is.
    Put(Arc<Put>),
    /// Not before these have begun their reads.
    Awaited(Arc<watch::Sender<bool>>),
}

impl Shared {
    /// Until when a request that is made now has to be answered.
    pub(crate) fn request_due(&self) -> Instant {
        Instant::now() + self.config.request_limit
    }

    /// Begins a read that is due then, if the object is cached. Where it is being written, that is
    /// waited for.
    pub(crate) async fn open_read(&self, key: &Bytes, due: Instant) -> Result<Arc<Read>, Refusal> {
        self.once_written(due, || self.look_up(key)).await
    }

    /// The read of this name, begun now if its object is cached, a chunk of which is due then.
    /// Where it is being written, that is waited for.
    pub(crate) async fn join_read(
        &self,
        name: (u64, u64),
        key: &Bytes,
        due: Instant,
    ) -> Result<Arc<Read>, Refusal> {
        let found = self.once_written(due, || self.look_up_joint(name, key)).await;
        if matches!(found, Err(Refusal::NotCached)) {
            let is_first = self.sessions().note_miss(name);
            self.metrics.n_misses.add(is_first.into());
        }
        found
    }

    /// The read that `look` begins once no write of its object is under way. Half of its time is
    /// left to it. Who writes for longer makes the object one that is not cached.
    async fn once_written(
        &self,
        due: Instant,
        look: impl Fn() -> Result<LookUp, Refusal>,
    ) -> Result<Arc<Read>, Refusal> {
        let write_due = due - self.config.request_limit / 2;
        // Kept until it was looked again: the next write waits for that.
        let mut write;
        loop {
            match look()? {
                LookUp::Read(read) => return Ok(read),
                LookUp::Written(it) => write = it,
            }
            tokio::select! {
                () = self.stopped() => return Err(Refusal::Draining),
                ended = timeout_at(write_due, write.wait_for(|it| *it)) => {
                    if ended.is_err() {
                        return Err(Refusal::NotCached);
                    }
                }
            }
        }
    }

    fn look_up_joint(&self, name: (u64, u64), key: &Bytes) -> Result<LookUp, Refusal> {
        let mut sessions = self.sessions();
        if let Some(read) = sessions.read(name) {
            return Ok(LookUp::Read(read));
        }
        if sessions.has_missed(name) {
            return Err(Refusal::NotCached);
        }
        let found = self.look_up(key)?;
        if let LookUp::Read(read) = &found {
            self.metrics.n_hits.one();
            sessions.add_read(name, Arc::clone(read));
        }
        Ok(found)
    }

    fn look_up(&self, key: &Bytes) -> Result<LookUp, Refusal> {
        if self.is_stopping() {
            return Err(Refusal::Draining);
        }
        let mut metadata = self.metadata();
        if let Some(location) = metadata.get(key) {
            return Ok(LookUp::Read(Arc::new(Read::new(location, &self.config))));
        }
        metadata.write_under_way(key).map(LookUp::Written).ok_or(Refusal::NotCached)
    }

    /// The write of this name, begun now if it is new.
    pub(crate) async fn join_put(
        &self,
        name: (u64, u64),
        key: &Bytes,
        chunk_len: u64,
    ) -> Result<Arc<Put>, Refusal> {
        self.after_readers(|waited| {
            let mut sessions = self.sessions();
            if let Some(put) = sessions.put(name) {
                return Ok(Begun::Put(put));
            }
            sessions.change(name)?;
            let begun = self.begin_put(key, chunk_len, waited)?;
            if let Begun::Put(put) = &begun {
                sessions.add_put(name, Arc::clone(put));
            }
            Ok(begun)
        })
        .await
    }

    /// Begins a write.
    pub(crate) async fn open_put(&self, key: &Bytes, chunk_len: u64) -> Result<Arc<Put>, Refusal> {
        self.after_readers(|waited| self.begin_put(key, chunk_len, waited)).await
    }

    /// The write that `begin` begins, which is told how long it was waited for, once those have
    /// begun their reads who wait for one before. However many write an object at once, it is so
    /// read in between; should that take too long, it is written all the same.
    async fn after_readers(
        &self,
        begin: impl Fn(Duration) -> Result<Begun, Refusal>,
    ) -> Result<Arc<Put>, Refusal> {
        let asked = Instant::now();
        loop {
            let readers = match begin(asked.elapsed())? {
                Begun::Put(put) => return Ok(put),
                Begun::Awaited(readers) => readers,
            };
            tokio::select! {
                () = self.stopped() => return Err(Refusal::Draining),
                _ = timeout_at(asked + self.config.request_limit / 2, readers.closed()) => {}
            }
        }
    }

    fn begin_put(&self, key: &Bytes, chunk_len: u64, waited: Duration) -> Result<Begun, Refusal> {
        if self.is_stopping() {
            return Err(Refusal::Draining);
        }
        let limit = self.config.request_limit;
        let mut metadata = self.metadata();
        if waited < limit / 2
            && let Some(readers) = metadata.readers(key)
        {
            return Ok(Begun::Awaited(readers));
        }
        // While nothing else is placed: whoever is given room finds the deletions that make it
        // in the queues already.
        match metadata.put(key, chunk_len) {
            Ok((location, evicted)) => {
                self.metrics.n_evictions.add(evicted.len() as u64);
                self.discard(&evicted);
                let left = limit.saturating_sub(waited);
                Ok(Begun::Put(Arc::new(Put::new(location, chunk_len, left))))
            }
            Err((why, before)) => {
                self.discard(before.as_slice());
                Err(why)
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use std::pin::{Pin, pin};
    use std::task::{Context, Waker};

    use ec::Code;

    use super::*;
    use crate::proxy::ProxyConfig;

    static SONG: Bytes = Bytes::from_static(b"song");
    const LONG: Duration = Duration::from_mins(1);

    fn shared(request_limit: Duration) -> Shared {
        let mut config = ProxyConfig::local(Code::new(2, 1).unwrap(), 3, 512, String::new());
        config.request_limit = request_limit;
        let shared = Shared::new(config, Vec::new(), String::new(), 1);
        shared.sessions().opened(7);
        shared
    }

    fn waits<T>(what: Pin<&mut impl Future<Output = T>>) -> bool {
        what.poll(&mut Context::from_waker(Waker::noop())).is_pending()
    }

    fn end(shared: &Shared, put: &Put) {
        assert!(shared.metadata().complete(&SONG, put.location.version));
    }

    #[tokio::test]
    async fn an_object_is_read_between_two_writes() {
        let shared = shared(LONG);
        shared.open_put(&SONG, 10).await.unwrap();
        // Nobody waits for the first.
        let second = shared.open_put(&SONG, 10).await.unwrap();
        let mut read = pin!(shared.open_read(&SONG, shared.request_due()));
        let mut third = pin!(shared.open_put(&SONG, 9));
        assert!(waits(read.as_mut()) && waits(third.as_mut()));
        end(&shared, &second);
        tokio::time::sleep(Duration::from_millis(5)).await;
        assert!(waits(third.as_mut()), "the other has not looked again");
        let read = read.await.unwrap();
        assert_eq!(read.location.version, second.location.version);
        let third = third.await.unwrap();
        assert!(third.limit < LONG, "its time began when it was asked for");
        let mut read = pin!(shared.open_read(&SONG, shared.request_due()));
        assert!(waits(read.as_mut()));
        shared.stop.send_replace(true);
        assert_eq!(read.await.unwrap_err(), Refusal::Draining);
    }

    #[tokio::test]
    async fn chunks_of_a_write_that_waits_are_of_one_write() {
        let shared = shared(LONG);
        let first = shared.open_put(&SONG, 10).await.unwrap();
        let mut read = pin!(shared.open_read(&SONG, shared.request_due()));
        assert!(waits(read.as_mut()));
        let join = |request| shared.join_put((7, request), &SONG, 10);
        let (mut one, mut other, mut old) = (pin!(join(2)), pin!(join(2)), pin!(join(1)));
        assert!(waits(old.as_mut()) && waits(one.as_mut()) && waits(other.as_mut()));
        end(&shared, &first);
        read.await.unwrap();
        let put = one.await.unwrap();
        assert!(Arc::ptr_eq(&put, &other.await.unwrap()));
        assert_eq!(old.await.unwrap_err(), Refusal::OutOfPlace, "it was overtaken as it waited");
    }

    #[tokio::test]
    async fn a_write_waits_for_readers_for_a_while_only() {
        let shared = shared(Duration::from_millis(20));
        let first = shared.open_put(&SONG, 10).await.unwrap();
        let reader = shared.metadata().write_under_way(&SONG).unwrap();
        let began = Instant::now();
        let second = shared.open_put(&SONG, 10).await.unwrap();
        assert!(Duration::from_millis(10) <= began.elapsed());
        assert!(first.location.version < second.location.version);
        end(&shared, &second);
        assert!(*reader.borrow());
    }

    #[tokio::test]
    async fn a_request_is_a_miss_or_a_hit_whatever_happens_between_its_chunks() {
        let shared = shared(LONG);
        let join = |request| shared.join_read((7, request), &SONG, shared.request_due());
        assert_eq!(join(1).await.unwrap_err(), Refusal::NotCached);
        let put = shared.open_put(&SONG, 10).await.unwrap();
        end(&shared, &put);
        assert_eq!(join(1).await.unwrap_err(), Refusal::NotCached);
        let counted = (shared.metrics.n_hits.get(), shared.metrics.n_misses.get());
        assert_eq!(counted, (0, 1));
        assert!(join(2).await.is_ok());
    }
}
