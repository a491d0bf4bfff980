//! What has come over a connection and was not used yet.

use bytes::{Bytes, BytesMut};
use tokio::io::{AsyncRead, AsyncReadExt};

/// What has come over a connection and was not used yet, in memory that is let go after a long
/// command: a connection may rest for long, and there are many.
#[derive(Debug, Default)]
pub(super) struct Intake {
    bytes: BytesMut,
    /// How much was used of what came into this memory.
    n_used: usize,
}

/// How much is read at a time before the length of a command is known.
const READ_BYTES: usize = 16 << 10;

/// How much may come into the same memory.
const KEPT_BYTES_MAX: usize = 1 << 20;

impl Intake {
    pub(super) fn bytes(&self) -> &[u8] {
        &self.bytes
    }

    pub(super) fn len(&self) -> usize {
        self.bytes.len()
    }

    pub(super) fn is_empty(&self) -> bool {
        self.bytes.is_empty()
    }

    /// Uses so many bytes, which lie where they came.
    pub(super) fn take(&mut self, n_bytes: usize) -> Bytes {
        let taken = self.bytes.split_to(n_bytes).freeze();
        self.n_used += n_bytes;
        // What is left is copied, which takes no longer than it took to come.
        if KEPT_BYTES_MAX.max(self.bytes.len()) < self.n_used {
            self.bytes = BytesMut::from(&self.bytes[..]);
            self.n_used = 0;
        }
        taken
    }

    /// Makes room for so many bytes, at least, that are to come.
    pub(super) fn reserve(&mut self, n_bytes: usize) {
        self.bytes.reserve(n_bytes.max(READ_BYTES));
    }

    /// Reads what there is into the room there is. How many bytes came; none at the end.
    pub(super) async fn read(
        &mut self,
        from: &mut (impl AsyncRead + Unpin),
    ) -> std::io::Result<usize> {
        from.read_buf(&mut self.bytes).await
    }

    /// The same, with room that is made only once it is asked for.
    pub(super) async fn read_more(
        &mut self,
        from: &mut (impl AsyncRead + Unpin),
    ) -> std::io::Result<usize> {
        self.bytes.reserve(READ_BYTES);
        self.read(from).await
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Less memory is held than that after commands of these lengths were taken, behind which
    /// `n_left` bytes have come.
    async fn check(n_bytes: &[usize], n_left: usize, held_bytes_max: usize) {
        let mut intake = Intake::default();
        let n_bytes_all = n_bytes.iter().sum::<usize>() + n_left;
        let all: Vec<u8> = (0..n_bytes_all).map(|it| it.to_le_bytes()[0]).collect();
        let mut to_come = &all[..];
        while intake.read_more(&mut to_come).await.unwrap() != 0 {}
        let mut rest = &all[..];
        for n_bytes in n_bytes {
            let (command, behind) = rest.split_at(*n_bytes);
            assert!(intake.take(*n_bytes) == command);
            assert!(intake.bytes() == behind);
            rest = behind;
        }
        let is_held = intake.bytes.try_reclaim(held_bytes_max);
        assert!(!is_held, "{n_bytes:?}, {n_left} left");
        assert!(intake.bytes() == rest);
    }

    #[tokio::test]
    async fn the_memory_of_long_commands_is_let_go() {
        check(&[3 << 20], 0, 1 << 20).await;
        check(&[3 << 20], 10, 1 << 20).await;
        check(&[3 << 20, 5], 200_000, 1 << 20).await;
        // Read ahead, and used little by little.
        check(&[100_000; 50], 7, 2 << 20).await;
    }
}
