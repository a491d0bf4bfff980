//! Our own engine: interpolation over GF(2^8), by the kernel.

use crate::code::{CHUNKS_MAX, Code};
use crate::cpu::CpuPath;
use crate::engine::{Engine, Family};
use crate::field;
use crate::kernel;

/// The engine of the crate's own kernel: the default.
///
/// The data chunks are the values of a polynomial at the points 0 to d - 1, one polynomial for
/// each column of bytes, and a parity chunk is its value at another point. From any d values the
/// polynomial follows, and with it any other: Lagrange's formula gives the factors for encoding
/// and for every loss alike, and there is no matrix to invert.
#[derive(Debug)]
pub struct Native {
    code: Code,
    path: CpuPath,
    /// For each chunk, the logarithm of the product of its distances to all (other) data chunks.
    log_distances: [u32; CHUNKS_MAX],
    /// The factors of encoding, a row for each parity chunk.
    encoding: Vec<u8>,
}

/// How many factors are kept on the stack, unless there are more: for 20+4, 80 are needed.
const FEW_FACTORS: usize = 256;

/// The most factors there can be: n_parity rows of n_data, at most 255 together.
const FACTORS_MAX: usize = 127 * 128;

impl Native {
    /// The engine for `code`, on the fastest path of this processor.
    pub fn new(code: Code) -> Native {
        Native::on(CpuPath::fastest(), code)
    }

    /// The engine for `code`, on the path given. All paths make the same bytes.
    pub fn on(path: CpuPath, code: Code) -> Native {
        let mut log_distances = [0; CHUNKS_MAX];
        for (chunk, sum) in chunks(code).zip(&mut log_distances) {
            let others = chunks(code).take(code.n_data()).filter(|it| *it != chunk);
            *sum = others.map(|it| field::log(chunk ^ it)).sum();
        }
        let mut native = Native { code, path, log_distances, encoding: Vec::new() };

        let mut encoding = vec![0; code.n_data() * code.n_parity()];
        let mut data = [0; CHUNKS_MAX];
        let mut parity = [0; CHUNKS_MAX];
        chunks(code).zip(&mut data).for_each(|(chunk, to)| *to = chunk);
        chunks(code).skip(code.n_data()).zip(&mut parity).for_each(|(chunk, to)| *to = chunk);
        native.interpolate(&data[..code.n_data()], &parity[..code.n_parity()], &mut encoding);
        native.encoding = encoding;
        native
    }

    /// The path it computes on.
    pub fn path(&self) -> CpuPath {
        self.path
    }

    /// Finds the factors by which the chunks `given` make up each chunk `wanted`.
    ///
    /// That of g in w is the product over all other h given of (w - h) / (g - h) (Lagrange).
    /// Distances to all data are known beforehand, so only those to what is lost and to the
    /// parity in its place remain.
    fn interpolate(&self, given: &[u8], wanted: &[u8], factors: &mut [u8]) {
        // Adding this instead of subtracting a logarithm keeps sums positive.
        const MINUS: u32 = 255;
        let n_data = self.code.n_data();
        let n_intact = given.iter().take_while(|it| usize::from(**it) < n_data).count();
        let (intact, parity) = given.split_at(n_intact);
        let mut lost = [0; CHUNKS_MAX];
        let mut n_lost = 0;
        let mut intact = intact.iter().peekable();
        for chunk in chunks(self.code).take(n_data) {
            if intact.next_if_eq(&&chunk).is_none() {
                lost[n_lost] = chunk;
                n_lost += 1;
            }
        }
        let lost = &lost[..n_lost];

        // Less than 255, so that it is kept as a byte.
        let log_product = |of: u8| {
            let mut sum = self.log_distances[usize::from(of)];
            for chunk in parity.iter().filter(|it| **it != of) {
                sum += field::log(of ^ chunk);
            }
            for chunk in lost.iter().filter(|it| **it != of) {
                sum += MINUS - field::log(of ^ chunk);
            }
            u8::try_from(sum % MINUS).expect("a remainder of 255")
        };
        let mut below = [0_u8; CHUNKS_MAX];
        for (below, from) in below.iter_mut().zip(given) {
            *below = log_product(*from);
        }
        for (row, to) in factors.chunks_exact_mut(n_data).zip(wanted) {
            let above = u32::from(log_product(*to));
            for ((factor, from), below) in row.iter_mut().zip(given).zip(below) {
                let below = u32::from(below) + field::log(to ^ from);
                *factor = field::exp(above + 2 * MINUS - below);
            }
        }
    }
}

impl Engine for Native {
    fn name(&self) -> &'static str {
        self.path.name()
    }

    fn family(&self) -> Family {
        Family::Vandermonde8
    }

    fn code(&self) -> Code {
        self.code
    }

    fn encode(&self, data: &[&[u8]], parity: &mut [&mut [u8]]) {
        kernel::multiply(self.path, &self.encoding, data, parity);
    }

    fn recover(&self, given: &[u8], sources: &[&[u8]], wanted: &[u8], outputs: &mut [&mut [u8]]) {
        let n_factors = given.len() * wanted.len();
        if n_factors <= FEW_FACTORS {
            let mut factors = [0; FEW_FACTORS];
            self.interpolate(given, wanted, &mut factors);
            kernel::multiply(self.path, &factors[..n_factors], sources, outputs);
        } else {
            let mut factors = [0; FACTORS_MAX];
            self.interpolate(given, wanted, &mut factors);
            kernel::multiply(self.path, &factors[..n_factors], sources, outputs);
        }
    }
}

/// All chunks of a code, as the points they stand for.
fn chunks(code: Code) -> impl Iterator<Item = u8> {
    (0..=u8::MAX).take(code.n_chunks())
}
