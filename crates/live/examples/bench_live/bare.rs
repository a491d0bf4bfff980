//! What two hops cost by themselves: a relay that asks as many processes for a part each, and
//! hands on the first parts to come.
//!
//! It does nothing else: no part is looked at, checked or computed, no time is looked up, no key
//! is known, and one thread does it all in one loop. A cache with a proxy cannot be much faster
//! than this between the same sockets, whatever it is made of.

use std::collections::VecDeque;
use std::io::{self, IoSlice, Read, Write};
use std::net::{Ipv4Addr, SocketAddr, TcpListener, TcpStream};
use std::process::{Child, Command};
use std::thread;

use rustix::buffer::spare_capacity;
use rustix::event::epoll::{self, CreateFlags, EventData, EventFlags};
use rustix::fd::OwnedFd;

/// How many processes are asked, and how many parts make an answer.
const N_PARTS: usize = 12;
const N_ENOUGH: usize = 10;
/// As long as a request of ours for a chunk, about.
const ASK_LEN: usize = 100;
/// What a client of Redis sends for the value of a key of one letter.
const GET_LEN: usize = b"*2\r\n$3\r\nGET\r\n$1\r\nk\r\n".len();

/// The relay, and the processes behind it.
pub(crate) struct Bare {
    pub(crate) address: SocketAddr,
    processes: Vec<Child>,
}

impl Drop for Bare {
    fn drop(&mut self) {
        for it in &mut self.processes {
            // Its relay goes with the last of them.
            let _ = it.kill().and_then(|()| it.wait());
        }
    }
}

impl Bare {
    /// Starts one that answers with so many bytes, whatever it is asked for.
    pub(crate) fn start(n_bytes: usize) -> io::Result<Bare> {
        let parts = TcpListener::bind((Ipv4Addr::LOCALHOST, 0))?;
        let clients = TcpListener::bind((Ipv4Addr::LOCALHOST, 0))?;
        let (address, part_len) = (clients.local_addr()?, n_bytes.div_ceil(N_ENOUGH));
        let mut bare = Bare { address, processes: Vec::new() };
        for _ in 0..N_PARTS {
            let arguments = [parts.local_addr()?.to_string(), part_len.to_string()];
            let program = std::env::current_exe()?;
            let process = Command::new(program).arg("--part").args(arguments).spawn()?;
            bare.processes.push(process);
        }
        let parts = (0..N_PARTS).map(|_| Part::new(parts.accept()?.0));
        let parts = parts.collect::<io::Result<Vec<Part>>>()?;
        let mut relay = Relay::new(clients, parts, n_bytes, part_len)?;
        thread::spawn(move || relay.run());
        Ok(bare)
    }
}

/// Sends a part again and again to who asks for it at `address`: the whole of such a process.
pub(crate) fn serve_part(address: &str, part_len: usize) -> io::Result<()> {
    let mut stream = TcpStream::connect(address)?;
    stream.set_nodelay(true)?;
    let (part, mut ask) = (vec![0; part_len], [0; ASK_LEN]);
    loop {
        stream.read_exact(&mut ask)?;
        stream.write_all(&part)?;
    }
}

/// A process, and the requests that it has not answered, the one under way in front.
struct Part {
    stream: TcpStream,
    asked: VecDeque<usize>,
    n_read: usize,
}

impl Part {
    fn new(stream: TcpStream) -> io::Result<Part> {
        stream.set_nodelay(true)?;
        stream.set_nonblocking(true)?;
        Ok(Part { stream, asked: VecDeque::new(), n_read: 0 })
    }
}

/// A request under way, or room for one.
struct Request {
    client: usize,
    /// In which parts have come.
    came: Vec<usize>,
    rooms: Vec<Vec<u8>>,
}

struct Relay {
    epoll: OwnedFd,
    listener: TcpListener,
    clients: Vec<TcpStream>,
    parts: Vec<Part>,
    requests: Vec<Request>,
    spare: Vec<usize>,
    n_bytes: usize,
    part_len: usize,
}

/// What the loop is told of: a part by its number, a new client, or a client.
const LISTENER: usize = N_PARTS;
const CLIENTS: usize = LISTENER + 1;

impl Relay {
    fn new(
        listener: TcpListener,
        parts: Vec<Part>,
        n_bytes: usize,
        part_len: usize,
    ) -> io::Result<Relay> {
        let epoll = epoll::create(CreateFlags::CLOEXEC)?;
        let name = |it: usize| EventData::new_u64(it as u64);
        for (number, part) in parts.iter().enumerate() {
            epoll::add(&epoll, &part.stream, name(number), EventFlags::IN | EventFlags::ET)?;
        }
        epoll::add(&epoll, &listener, name(LISTENER), EventFlags::IN)?;
        let (clients, requests, spare) = (Vec::new(), Vec::new(), Vec::new());
        Ok(Relay { epoll, listener, clients, parts, requests, spare, n_bytes, part_len })
    }

    /// Runs until a process is gone.
    fn run(&mut self) -> io::Result<()> {
        let mut events = Vec::with_capacity(32);
        loop {
            epoll::wait(&self.epoll, spare_capacity(&mut events), None)?;
            for event in events.drain(..) {
                let name = usize::try_from(event.data.u64()).expect("a name that was given");
                match name {
                    LISTENER => self.accept()?,
                    CLIENTS.. => self.ask(name - CLIENTS)?,
                    part => self.take(part)?,
                }
            }
        }
    }

    fn accept(&mut self) -> io::Result<()> {
        let (stream, _) = self.listener.accept()?;
        stream.set_nodelay(true)?;
        let name = EventData::new_u64((CLIENTS + self.clients.len()) as u64);
        epoll::add(&self.epoll, &stream, name, EventFlags::IN)?;
        self.clients.push(stream);
        Ok(())
    }

    /// A client has sent a request, or is gone.
    fn ask(&mut self, client: usize) -> io::Result<()> {
        let stream = &mut self.clients[client];
        if stream.read_exact(&mut [0; GET_LEN]).is_err() {
            return Ok(epoll::delete(&self.epoll, stream)?);
        }
        let id = self.spare.pop().unwrap_or_else(|| {
            let rooms = vec![vec![0; self.part_len]; N_PARTS];
            self.requests.push(Request { client, came: Vec::new(), rooms });
            self.requests.len() - 1
        });
        self.requests[id].client = client;
        self.requests[id].came.clear();
        for part in &mut self.parts {
            part.asked.push_back(id);
            if part.asked.len() == 1 {
                part.stream.write_all(&[0; ASK_LEN])?;
            }
        }
        Ok(())
    }

    /// Takes in what a process has sent.
    fn take(&mut self, number: usize) -> io::Result<()> {
        loop {
            let part = &mut self.parts[number];
            let Some(&id) = part.asked.front() else { return Ok(()) };
            let room = &mut self.requests[id].rooms[number][part.n_read..];
            match part.stream.read(room) {
                Ok(0) => return Err(io::ErrorKind::UnexpectedEof.into()),
                Ok(n_read) => part.n_read += n_read,
                Err(error) if error.kind() == io::ErrorKind::WouldBlock => return Ok(()),
                Err(error) => return Err(error),
            }
            if part.n_read == self.part_len {
                part.n_read = 0;
                part.asked.pop_front();
                if !part.asked.is_empty() {
                    part.stream.write_all(&[0; ASK_LEN])?;
                }
                self.came(id, number)?;
            }
        }
    }

    /// A part has come: with the last of the first ones the client has its answer.
    fn came(&mut self, id: usize, number: usize) -> io::Result<()> {
        let Request { client, came, rooms } = &mut self.requests[id];
        came.push(number);
        if came.len() == N_PARTS {
            self.spare.push(id);
        }
        if came.len() != N_ENOUGH {
            return Ok(());
        }
        let head = format!("${}\r\n", self.n_bytes);
        let mut n_left = self.n_bytes;
        let mut slices = vec![IoSlice::new(head.as_bytes())];
        for it in came.iter() {
            let n_taken = n_left.min(self.part_len);
            slices.push(IoSlice::new(&rooms[*it][..n_taken]));
            n_left -= n_taken;
        }
        slices.push(IoSlice::new(b"\r\n"));
        let mut slices = slices.as_mut_slice();
        while !slices.is_empty() {
            let n_written = self.clients[*client].write_vectored(slices)?;
            IoSlice::advance_slices(&mut slices, n_written);
        }
        Ok(())
    }
}
