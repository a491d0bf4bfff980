//! The fixed part of a frame, field by field, before it means anything.

use bytes::{BufMut, Bytes, BytesMut};
use twox_hash::XxHash3_64;
use units::NodeId;

use crate::error::WireError;
use crate::message::{ChunkId, Message, Refusal, Role};

/// How many bytes a frame has before its name.
pub const FIXED_LEN: usize = 48;

/// The longest name, in bytes.
pub const NAME_LEN_MAX: usize = 4096;

pub(crate) const MAGIC: [u8; 4] = *b"ISWF";
pub(crate) const VERSION: u8 = 1;

/// Where the checksum of all before it, and of the name, stands.
const SUM_AT: usize = 40;

/// The fields of any frame. A message uses some, and leaves the others 0.
///
/// On the wire, [`FIXED_LEN`] bytes, little-endian: `ISWF`, version 1, kind, chunk, code (u8
/// each), number (u32), length of the name, extra (u16 each), request, version of the object,
/// length of the body, and checksum (u64 each).
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) struct Head {
    pub(crate) kind: u8,
    pub(crate) chunk: u8,
    pub(crate) code: u8,
    pub(crate) number: u32,
    pub(crate) extra: u16,
    pub(crate) request: u64,
    pub(crate) version: u64,
    pub(crate) body_len: u64,
    pub(crate) name: Bytes,
}

impl Head {
    /// # Panics
    /// If the name is longer than [`NAME_LEN_MAX`]: who lets names in checks them.
    pub(crate) fn write(&self, to: &mut BytesMut) {
        assert!(self.name.len() <= NAME_LEN_MAX, "a name of {} bytes", self.name.len());
        let name_len = u16::try_from(self.name.len()).expect("asserted");
        let start = to.len();
        to.reserve(FIXED_LEN + self.name.len());
        to.put_slice(&MAGIC);
        to.put_slice(&[VERSION, self.kind, self.chunk, self.code]);
        to.put_u32_le(self.number);
        to.put_u16_le(name_len);
        to.put_u16_le(self.extra);
        to.put_u64_le(self.request);
        to.put_u64_le(self.version);
        to.put_u64_le(self.body_len);
        let sum = checksum(&to[start..], &self.name);
        to.put_u64_le(sum);
        to.put_slice(&self.name);
    }

    /// The length of the name that follows, from as much of the fixed part as is there.
    ///
    /// # Errors
    /// As soon as it can be told that this is no frame.
    pub(crate) fn name_len(bytes: &[u8]) -> Result<Option<usize>, WireError> {
        let n_magic = bytes.len().min(MAGIC.len());
        if bytes[..n_magic] != MAGIC[..n_magic] {
            let mut start = [0; 4];
            start[..n_magic].copy_from_slice(&bytes[..n_magic]);
            return Err(WireError::NotAFrame { start });
        }
        if let Some(version) = bytes.get(4).filter(|it| **it != VERSION) {
            return Err(WireError::Version { version: *version });
        }
        let Some(length) = bytes.get(12..14) else { return Ok(None) };
        let n_bytes = usize::from(u16::from_le_bytes([length[0], length[1]]));
        if NAME_LEN_MAX < n_bytes {
            return Err(WireError::NameTooLong { n_bytes });
        }
        Ok(Some(n_bytes))
    }

    /// Reads what [`Head::name_len`] said is whole.
    pub(crate) fn read(fixed: &[u8; FIXED_LEN], name: &[u8]) -> Result<Head, WireError> {
        let xxh3 = checksum(&fixed[..SUM_AT], name);
        let said = u64_at(fixed, SUM_AT);
        if xxh3 != said {
            return Err(WireError::Damaged { xxh3, said });
        }
        Ok(Head {
            kind: fixed[5],
            chunk: fixed[6],
            code: fixed[7],
            number: u32::from_le_bytes(fixed[8..12].try_into().expect("4 bytes are 4 bytes")),
            extra: u16::from_le_bytes([fixed[14], fixed[15]]),
            request: u64_at(fixed, 16),
            version: u64_at(fixed, 24),
            body_len: u64_at(fixed, 32),
            name: Bytes::copy_from_slice(name),
        })
    }

    /// The fields of a message.
    pub(crate) fn of(message: &Message) -> Head {
        match message.clone() {
            Message::Hello { role, node, session, token } => Head {
                kind: 1,
                code: role as u8,
                number: node.0,
                request: session,
                name: token,
                ..Head::default()
            },
            Message::Welcome { n_data, n_parity, n_nodes } => Head {
                kind: 2,
                number: n_nodes,
                extra: u16::from_le_bytes([n_data, n_parity]),
                ..Head::default()
            },
            Message::Get { request, id, is_body_wanted } => {
                Head { kind: 3, code: is_body_wanted.into(), request, ..Head::naming(id) }
            }
            Message::Set { request, id, body_len } => {
                Head { kind: 4, request, body_len, ..Head::naming(id) }
            }
            Message::Delete { request, id } => Head { kind: 5, request, ..Head::naming(id) },
            Message::Ping { request } => Head { kind: 6, request, ..Head::default() },
            Message::Pong { request, node, session, token } => Head {
                kind: 7,
                number: node.0,
                request,
                version: session,
                name: token,
                ..Head::default()
            },
            Message::Bye { node, session } => {
                Head { kind: 8, number: node.0, version: session, ..Head::default() }
            }
            Message::InitBackup { node, session } => {
                Head { kind: 9, number: node.0, version: session, ..Head::default() }
            }
            Message::Backup { token } => Head { kind: 10, name: token, ..Head::default() },
            Message::SyncHello => Head { kind: 11, ..Head::default() },
            Message::Inventory { n_entries, body_len } => {
                Head { kind: 12, number: n_entries, body_len, ..Head::default() }
            }
            Message::Chunk { request, chunk, version, body_len } => {
                Head { kind: 13, chunk, request, version, body_len, ..Head::default() }
            }
            Message::Late { request, chunk, version } => {
                Head { kind: 14, chunk, request, version, ..Head::default() }
            }
            Message::Stored { request, chunk, version, node } => {
                Head { kind: 15, chunk, request, version, number: node.0, ..Head::default() }
            }
            Message::Deleted { request, chunk, was_there } => {
                Head { kind: 16, chunk, request, code: was_there.into(), ..Head::default() }
            }
            Message::Refused { request, chunk, version, why } => {
                Head { kind: 17, chunk, request, version, code: why as u8, ..Head::default() }
            }
        }
    }

    fn naming(ChunkId { key, chunk, version }: ChunkId) -> Head {
        Head { chunk, version, name: key, ..Head::default() }
    }

    /// What the fields mean.
    ///
    /// # Errors
    /// If the kind is unknown, a field holds what it cannot, or one that the message does not
    /// use is not 0.
    pub(crate) fn message(self) -> Result<Message, WireError> {
        let Head { kind, chunk, code, number, extra, request, version, body_len, ref name } = self;
        let node = NodeId(number);
        let name = name.clone();
        let id = || ChunkId { key: name.clone(), chunk, version };
        let message = match kind {
            1 => {
                let role = match code {
                    0 => Role::Client,
                    1 => Role::Function,
                    2 => Role::RelaySource,
                    3 => Role::RelayReplica,
                    _ => return Err(self.bad("role", code.into())),
                };
                Message::Hello { role, node, session: request, token: name }
            }
            2 => {
                let [n_data, n_parity] = extra.to_le_bytes();
                Message::Welcome { n_data, n_parity, n_nodes: number }
            }
            3 => Message::Get { request, id: id(), is_body_wanted: self.flag("body wish")? },
            4 => Message::Set { request, id: id(), body_len },
            5 => Message::Delete { request, id: id() },
            6 => Message::Ping { request },
            7 => Message::Pong { request, node, session: version, token: name },
            8 => Message::Bye { node, session: version },
            9 => Message::InitBackup { node, session: version },
            10 => Message::Backup { token: name },
            11 => Message::SyncHello,
            12 => Message::Inventory { n_entries: number, body_len },
            13 => Message::Chunk { request, chunk, version, body_len },
            14 => Message::Late { request, chunk, version },
            15 => Message::Stored { request, chunk, version, node },
            16 => Message::Deleted { request, chunk, was_there: self.flag("finding")? },
            17 => {
                let why = Refusal::ALL.get(usize::from(code)).copied();
                let why = why.ok_or_else(|| self.bad("refusal", code.into()))?;
                Message::Refused { request, chunk, version, why }
            }
            _ => return Err(WireError::UnknownKind { kind }),
        };
        self.check_unused(&message)?;
        Ok(message)
    }

    fn flag(&self, field: &'static str) -> Result<bool, WireError> {
        match self.code {
            0 => Ok(false),
            1 => Ok(true),
            _ => Err(self.bad(field, self.code.into())),
        }
    }

    /// What the message was made of has to come back from it: so nothing is carried along that
    /// has no meaning, and a frame has one spelling.
    fn check_unused(&self, message: &Message) -> Result<(), WireError> {
        let used = Head::of(message);
        let fields: [(&'static str, u64, u64); 8] = [
            ("chunk", self.chunk.into(), used.chunk.into()),
            ("code", self.code.into(), used.code.into()),
            ("number", self.number.into(), used.number.into()),
            ("extra", self.extra.into(), used.extra.into()),
            ("request", self.request, used.request),
            ("version", self.version, used.version),
            ("body length", self.body_len, used.body_len),
            ("name length", self.name.len() as u64, used.name.len() as u64),
        ];
        match fields.into_iter().find(|(_, is, used)| is != used) {
            Some((field, value, _)) => Err(self.bad(field, value)),
            None => Ok(()),
        }
    }

    fn bad(&self, field: &'static str, value: u64) -> WireError {
        WireError::BadField { kind: self.kind, field, value }
    }
}

fn checksum(fixed: &[u8], name: &[u8]) -> u64 {
    XxHash3_64::oneshot_with_seed(XxHash3_64::oneshot(fixed), name)
}

fn u64_at(bytes: &[u8; FIXED_LEN], at: usize) -> u64 {
    u64::from_le_bytes(bytes[at..at + 8].try_into().expect("8 bytes are 8 bytes"))
}
