//! Erasure codes: an object into d data and p parity chunks, and back from any d of them.
//!
//! A [`Code`] says how many chunks there are. A [`Codec`] computes parity and what is missing,
//! on buffers of the caller, by an [`Engine`]: [`Native`] is the default, and [`Leopard`], which
//! is not ours, the judge of it in tests. A [`ChunkHeader`] goes before each chunk, so that an
//! [`Assembly`] can tell chunks that are damaged or of another object; [`StripeEncoder`] and
//! [`decode_stream`] do the same for objects that come and go by stripes.
//!
//! The crate opens no file and starts no thread. Its one file of unsafe code is the kernel.

mod assembly;
mod code;
mod codec;
mod cpu;
mod engine;
mod error;
mod field;
mod header;
mod kernel;
mod stream;

pub use crate::assembly::Assembly;
pub use crate::code::{CHUNKS_MAX, Code, join};
pub use crate::codec::Codec;
pub use crate::cpu::CpuPath;
pub use crate::engine::{Engine, Family, Leopard, Native};
pub use crate::error::EcError;
pub use crate::header::{ChunkError, ChunkHeader, StripeHeader};
pub use crate::stream::{
    Refusal, StreamError, StreamReport, StripeEncoder, decode_stream, encode_stream,
};
