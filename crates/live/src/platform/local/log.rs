//! What a function writes to its standard output and error.

use std::io::{self, PipeReader};
use std::os::fd::OwnedFd;

use tokio::net::unix::pipe;

/// How much of a log the caller may ask to see, as on AWS.
const TAIL_BYTES_MAX: usize = 4 * 1024;
/// The longest line that is kept whole.
const LINE_BYTES_MAX: usize = 16 * 1024;
const BUFFER_BYTES: usize = 16 * 1024;
/// How often a full buffer is read in one go, lest a function that writes without end holds up
/// everything else. A pipe holds no more than this.
const N_READS_MAX: usize = 8;

/// The log of one instance.
#[derive(Debug)]
pub(super) struct FunctionLog {
    function: String,
    /// `None` once the process has closed its end.
    pipe: Option<pipe::Receiver>,
    line: Vec<u8>,
    tail: Vec<u8>,
}

impl FunctionLog {
    pub(super) fn new(function: &str, pipe: PipeReader) -> io::Result<FunctionLog> {
        let pipe = pipe::Receiver::from_owned_fd(OwnedFd::from(pipe))?;
        let (line, tail) = (Vec::new(), Vec::new());
        Ok(FunctionLog { function: function.to_owned(), pipe: Some(pipe), line, tail })
    }

    /// Opens the part of an invocation.
    pub(super) fn begin(&mut self, request_id: &str) {
        self.write(format!("START RequestId: {request_id} Version: $LATEST\n").as_bytes());
    }

    /// Closes the part of an invocation, and gives the end of the log up to here.
    pub(super) fn end(&mut self, request_id: &str, report: &str) -> String {
        self.drain_now();
        if !self.line.is_empty() {
            self.write(b"\n");
        }
        self.write(format!("END RequestId: {request_id}\n{report}\n").as_bytes());
        String::from_utf8_lossy(&std::mem::take(&mut self.tail)).into_owned()
    }

    /// Waits until there is something to read.
    pub(super) async fn readable(&self) {
        match &self.pipe {
            // Fails only where the executor is shutting down.
            Some(pipe) => drop(pipe.readable().await),
            None => std::future::pending().await,
        }
    }

    /// Takes in what the executor says is there.
    pub(super) fn drain(&mut self) {
        self.read_all(pipe::Receiver::try_read);
    }

    /// Takes in what is there, though the executor may not have heard of it yet: the last words
    /// of an invocation.
    fn drain_now(&mut self) {
        self.read_all(|pipe, buffer| Ok(rustix::io::read(pipe, buffer)?));
    }

    fn read_all(&mut self, read: impl Fn(&pipe::Receiver, &mut [u8]) -> io::Result<usize>) {
        let mut buffer = [0; BUFFER_BYTES];
        for _ in 0..N_READS_MAX {
            let Some(pipe) = &self.pipe else { return };
            match read(pipe, &mut buffer) {
                Ok(0) => self.pipe = None,
                Ok(n_bytes) => self.write(&buffer[..n_bytes]),
                Err(err) if err.kind() == io::ErrorKind::WouldBlock => return,
                Err(err) if err.kind() == io::ErrorKind::Interrupted => {}
                Err(err) => {
                    tracing::warn!(function = self.function, %err, "a log cannot be read");
                    self.pipe = None;
                }
            }
        }
    }

    fn write(&mut self, bytes: &[u8]) {
        self.tail.extend_from_slice(bytes);
        let n_surplus = self.tail.len().saturating_sub(TAIL_BYTES_MAX);
        self.tail.drain(..n_surplus);
        for part in bytes.split_inclusive(|it| *it == b'\n') {
            let room = LINE_BYTES_MAX.saturating_sub(self.line.len());
            self.line.extend_from_slice(&part[..part.len().min(room)]);
            if part.ends_with(b"\n") {
                let line = String::from_utf8_lossy(&self.line);
                tracing::debug!(
                    target: "live::function",
                    function = self.function,
                    line = line.trim_end(),
                );
                self.line.clear();
            }
        }
    }
}
