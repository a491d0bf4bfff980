//! What turns sources into the chunks that are missing.

mod leopard;
mod native;

use std::fmt;

use crate::code::Code;

pub use self::leopard::Leopard;
pub use self::native::Native;

/// Which parity bytes an engine makes. Engines of one family understand each other's.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum Family {
    /// Reed-Solomon over GF(2^8) with the polynomial 0x11D, chunk i the value at point i of the
    /// polynomial that the data chunks fix. It is what a Vandermonde matrix made systematic
    /// gives, so the bytes are those of klauspost/reedsolomon by default, of Backblaze's
    /// JavaReedSolomon, and of their ports.
    Vandermonde8,
    /// Reed-Solomon over GF(2^16) in a Cantor basis, as Leopard-RS lays it out.
    Leopard16,
}

/// A way to compute chunks for one code.
///
/// A [`crate::Codec`] checks what it is given and then calls one of these, so here everything
/// is as the comments say, and nothing can fail. All chunks of a call cover the same columns of
/// bytes. A slice may be shorter: data then ends in zeros, and of a chunk wanted the rest is not
/// wanted. There is at least one column, and at least one chunk to compute.
pub trait Engine: fmt::Debug + Send + Sync {
    /// What a table of rates calls it.
    fn name(&self) -> &'static str;

    /// Whose bytes it makes.
    fn family(&self) -> Family;

    /// The code it computes.
    fn code(&self) -> Code;

    /// Computes every parity chunk from all data chunks.
    fn encode(&self, data: &[&[u8]], parity: &mut [&mut [u8]]);

    /// Computes the chunks `wanted` from `n_data` others, whose indexes are `given`, ascending.
    /// Every data chunk there is comes before any parity.
    fn recover(&self, given: &[u8], sources: &[&[u8]], wanted: &[u8], outputs: &mut [&mut [u8]]);
}
