//! Where a body lies: in the heap, or in pages of its own.

use std::io;

use bytes::{BufMut, Bytes, BytesMut};
use memmap2::MmapMut;
use tokio::io::{AsyncRead, AsyncReadExt};

/// What an allocator such as glibc's takes from the system for each block and gives back with it,
/// at first. Once a longer one was freed it takes blocks up to that length from its heap, where
/// dropped ones leave holes that still count as memory of the function.
const OWN_PAGES_BYTES_MIN: usize = 128 << 10;

/// How long a page is, on processors as functions have them.
const PAGE_BYTES: u64 = 4 << 10;

/// How much memory a body of this length takes where it is held for long.
pub(crate) fn held_bytes(body_len: u64) -> u64 {
    if body_len < OWN_PAGES_BYTES_MIN as u64 {
        return body_len;
    }
    body_len.checked_next_multiple_of(PAGE_BYTES).unwrap_or(u64::MAX)
}

/// Memory for a body that comes piece by piece.
#[derive(Debug)]
pub(crate) enum Room {
    /// A block of the allocator's.
    Heap(BytesMut),
    /// Pages that go back to the system when the body is dropped.
    Pages {
        /// As many bytes as the body.
        pages: MmapMut,
        /// How many of them have come.
        n_filled: usize,
    },
}

impl Room {
    /// For a body of this length in bytes, which may be held for long beside others of any length,
    /// or is used and dropped.
    ///
    /// # Errors
    /// If the system has no memory for it.
    pub(crate) fn new(body_len: usize, is_held: bool) -> io::Result<Room> {
        if !is_held || body_len < OWN_PAGES_BYTES_MIN {
            return Ok(Room::Heap(BytesMut::with_capacity(body_len)));
        }
        Ok(Room::Pages { pages: MmapMut::map_anon(body_len)?, n_filled: 0 })
    }

    /// How many bytes have come.
    pub(crate) fn len(&self) -> usize {
        match self {
            Room::Heap(bytes) => bytes.len(),
            Room::Pages { n_filled, .. } => *n_filled,
        }
    }

    /// Adds what is here already, which must fit.
    pub(crate) fn put(&mut self, here: &[u8]) {
        match self {
            Room::Heap(bytes) => bytes.put(here),
            Room::Pages { pages, n_filled } => {
                pages[*n_filled..][..here.len()].copy_from_slice(here);
                *n_filled += here.len();
            }
        }
    }

    /// Adds what comes, at most so many bytes, which must fit. How many came; none at the end.
    ///
    /// # Errors
    /// If reading fails.
    pub(crate) async fn read(
        &mut self,
        from: &mut (impl AsyncRead + Unpin),
        n_bytes_max: usize,
    ) -> io::Result<usize> {
        match self {
            Room::Heap(bytes) => from.read_buf(&mut bytes.limit(n_bytes_max)).await,
            Room::Pages { pages, n_filled } => {
                let n_bytes = from.read(&mut pages[*n_filled..][..n_bytes_max]).await?;
                *n_filled += n_bytes;
                Ok(n_bytes)
            }
        }
    }

    /// What has come, which is all of the body.
    pub(crate) fn full(self) -> Bytes {
        match self {
            Room::Heap(bytes) => bytes.freeze(),
            Room::Pages { pages, .. } => Bytes::from_owner(pages),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_lies_in_pages_takes_whole_ones() {
        for (body_len, expect) in [
            (1_000, 1_000),
            (131_071, 131_071),
            (131_072, 131_072),
            (131_073, 135_168),
            (u64::MAX, u64::MAX),
        ] {
            assert_eq!(held_bytes(body_len), expect, "{body_len}");
        }
    }

    #[tokio::test]
    async fn a_body_is_what_came_wherever_it_lies() {
        async fn check(mut room: Room, body: &[u8]) {
            let (here, mut to_come) = body.split_at(body.len() / 3);
            room.put(here);
            while room.len() < body.len() {
                let n_bytes_max = (body.len() - room.len()).min(50_000);
                assert_ne!(room.read(&mut to_come, n_bytes_max).await.unwrap(), 0);
            }
            assert!(room.full() == body, "{} bytes", body.len());
        }
        for body_len in [1, 4096, OWN_PAGES_BYTES_MIN - 1, OWN_PAGES_BYTES_MIN, 300_001] {
            let body: Vec<u8> = (0..body_len).map(|it| it.to_le_bytes()[0]).collect();
            for is_held in [false, true] {
                check(Room::new(body_len, is_held).unwrap(), &body).await;
            }
        }
    }
}
