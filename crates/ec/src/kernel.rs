//! Matrix products over GF(2^8), by the widest instructions this processor has.
//!
//! This is the one file of the workspace with unsafe code, for two reasons: the instructions,
//! and loads and stores that the bounds checks of slices would slow down. All of it is behind
//! [`multiply`], which is safe: it looks at every length once, and a [`CpuPath`] can only be had
//! where the processor can follow it.
#![expect(unsafe_code, reason = "vector instructions and unchecked loads, argued block by block")]
#![expect(clippy::inline_always, reason = "a lane is only an instruction inside its instance")]

#[cfg(target_arch = "aarch64")]
use std::arch::aarch64 as arch;
#[cfg(target_arch = "x86_64")]
use std::arch::x86_64 as arch;
use std::{array, ptr};

use crate::cpu::{CpuPath, Instructions};
#[cfg(target_arch = "x86_64")]
use crate::field::AFFINE;
#[cfg(any(target_arch = "x86_64", target_arch = "aarch64"))]
use crate::field::NIBBLES;

mod portable;
#[cfg(test)]
mod tests;

/// How many rows one pass over the sources computes: as many as leave registers free.
const ROWS_PER_PASS: usize = 4;

/// Where the rows need several passes, how much of the sources they go over before the next
/// piece: it stays in the first-level cache meanwhile.
const PIECE_BYTES: usize = 24 << 10;

/// How far ahead the sources are fetched.
const FETCH_AHEAD_BYTES: usize = 512;

/// How many streams, read or written, the processor's own prefetcher follows. It does so better
/// than we do when they come from memory, but on Zen 5 not beyond this many.
const FOLLOWED_STREAMS: usize = 12;

/// From how many bytes on the sources are taken to come from memory, and what is written is written
/// past the caches: it would not stay in them, and a line that is wholly overwritten need not
/// be read first.
const OUT_OF_CACHE_BYTES: usize = 16 << 20;

/// Computes `outputs[r] = sum over s of factors[r * n_sources + s] * sources[s]`, byte by byte.
///
/// The lengths may differ: a source that ends early goes on as zeros, and of a row as much is
/// computed as its output has room for.
pub(crate) fn multiply(
    path: CpuPath,
    factors: &[u8],
    sources: &[&[u8]],
    outputs: &mut [&mut [u8]],
) {
    let out_of_cache = OUT_OF_CACHE_BYTES <= sources.iter().map(|it| it.len()).sum();
    multiply_from(path, factors, sources, outputs, out_of_cache);
}

/// [`multiply`], told whether the sources come from memory, past the caches.
fn multiply_from(
    path: CpuPath,
    factors: &[u8],
    sources: &[&[u8]],
    outputs: &mut [&mut [u8]],
    out_of_cache: bool,
) {
    assert_eq!(factors.len(), sources.len() * outputs.len(), "one factor per row and source");
    if factors.is_empty() {
        for output in outputs {
            output.fill(0);
        }
        return;
    }
    let job = Job { factors, sources, out_of_cache };
    // SAFETY, of every call below: a `CpuPath` is made only where the processor has been asked
    // for each feature that the function enables.
    match path.instructions() {
        #[cfg(target_arch = "x86_64")]
        Instructions::Avx512Gfni => unsafe { multiply_avx512_gfni(job, outputs) },
        #[cfg(target_arch = "x86_64")]
        Instructions::Avx2Gfni => unsafe { multiply_avx2_gfni(job, outputs) },
        #[cfg(target_arch = "x86_64")]
        Instructions::Avx2 => unsafe { multiply_avx2(job, outputs) },
        #[cfg(target_arch = "x86_64")]
        Instructions::Ssse3 => unsafe { multiply_ssse3(job, outputs) },
        #[cfg(target_arch = "aarch64")]
        Instructions::Neon => unsafe { multiply_neon(job, outputs) },
        Instructions::Portable => portable::multiply(factors, sources, outputs),
    }
}

/// What is computed from what.
#[derive(Clone, Copy)]
struct Job<'a> {
    /// `sources.len()` of them for each row, at least one in all.
    factors: &'a [u8],
    sources: &'a [&'a [u8]],
    out_of_cache: bool,
}

impl<'a> Job<'a> {
    /// The passes it takes: each with its factors and its outputs.
    fn passes<'b, 'c>(
        self,
        outputs: &'b mut [&'c mut [u8]],
    ) -> impl Iterator<Item = (Job<'a>, &'b mut [&'c mut [u8]])> {
        let passes = self.factors.chunks(self.sources.len() * ROWS_PER_PASS);
        let jobs = passes.map(move |factors| Job { factors, ..self });
        jobs.zip(outputs.chunks_mut(ROWS_PER_PASS))
    }
}

/// Compiles [`multiply_by`] for the features named.
macro_rules! instance {
    ($arch:literal, $name:ident, $features:literal, $lane:ident, $n_lanes:literal) => {
        #[cfg(target_arch = $arch)]
        #[target_feature(enable = $features)]
        fn $name(job: Job<'_>, outputs: &mut [&mut [u8]]) {
            // SAFETY: the features enabled here are those that the lane asks for.
            unsafe { multiply_by::<$lane, $n_lanes>(job, outputs) }
        }
    };
}

instance!("x86_64", multiply_avx512_gfni, "avx512f,avx512bw,gfni", Avx512Gfni, 4);
instance!("x86_64", multiply_avx2_gfni, "avx2,gfni", Avx2Gfni, 2);
instance!("x86_64", multiply_avx2, "avx2", Avx2, 2);
instance!("x86_64", multiply_ssse3, "ssse3", Ssse3, 2);
instance!("aarch64", multiply_neon, "neon", Neon, 2);

/// Does the job by one kind of lane, `N` of them at each step.
///
/// # Safety
/// The processor has the instructions of `L`.
#[inline(always)]
unsafe fn multiply_by<L: Lane, const N: usize>(job: Job<'_>, outputs: &mut [&mut [u8]]) {
    let longest = outputs.iter().map(|it| it.len()).max().unwrap_or(0);
    let shortest = outputs.iter().map(|it| it.len()).min().unwrap_or(0);
    let shortest = job.sources.iter().map(|it| it.len()).fold(shortest, usize::min);
    // Up to here, every source and every output is made of whole lanes.
    let whole = shortest / L::WIDTH * L::WIDTH;

    let n_streams = job.sources.len() + outputs.len();
    let fetch = !job.out_of_cache || FOLLOWED_STREAMS < n_streams;
    let mut span = Span { start: 0, end: whole, fetch, past_caches: false };
    // SAFETY: the processor has the instructions of `L`, and all reach to `whole`. What is
    // written past the caches starts and ends up to 63 bytes late: hence the first and the last
    // 64 are written as usual.
    unsafe {
        if L::CAN_PASS_CACHES && job.out_of_cache && 64 <= whole {
            let end = whole - 64;
            multiply_span::<L, N>(job, outputs, Span { end: 64, ..span });
            multiply_span::<L, N>(job, outputs, Span { end, past_caches: true, ..span });
            L::settle();
            span.start = end;
        }
        multiply_span::<L, N>(job, outputs, span);
    }

    let mut start = whole;
    while start < longest {
        for (job, outputs) in job.passes(outputs) {
            // SAFETY: the processor has the instructions of `L`.
            unsafe { step_at_the_edge::<L>(job, outputs, start) }
        }
        start += L::WIDTH;
    }
}

/// A range of byte positions, of whole lanes, and how to go over it.
#[derive(Clone, Copy)]
struct Span {
    start: usize,
    end: usize,
    /// Whether to fetch ahead.
    fetch: bool,
    /// Whether to write past the caches. A row is then written from its first aligned byte in
    /// the span on, and as much beyond the end.
    past_caches: bool,
}

/// Computes all rows over one span; by pieces that the first-level cache holds, where they take
/// more than one pass.
///
/// # Safety
/// The processor has the instructions of `L`; every source and every output reaches to the end
/// of the span, and 63 bytes further if it is written past the caches.
#[inline(always)]
unsafe fn multiply_span<L: Lane, const N: usize>(
    job: Job<'_>,
    outputs: &mut [&mut [u8]],
    span: Span,
) {
    let piece = if outputs.len() <= ROWS_PER_PASS {
        span.end - span.start
    } else {
        (PIECE_BYTES / job.sources.len()).max(512) / 256 * 256
    };
    let mut start = span.start;
    while start < span.end {
        let span = Span { start, end: span.end.min(start + piece), ..span };
        for (job, outputs) in job.passes(outputs) {
            // SAFETY: each row is an output, and reaches as far as was asked for here.
            unsafe {
                let mut rows = [ptr::null_mut(); ROWS_PER_PASS];
                for (row, output) in rows.iter_mut().zip(outputs.iter_mut()) {
                    *row = output.as_mut_ptr();
                }
                match rows[..outputs.len()] {
                    [a] => sweep_aligned::<L, 1, N>(job, [a], span),
                    [a, b] => sweep_aligned::<L, 2, N>(job, [a, b], span),
                    [a, b, c] => sweep_aligned::<L, 3, N>(job, [a, b, c], span),
                    [a, b, c, d] => sweep_aligned::<L, 4, N>(job, [a, b, c, d], span),
                    _ => unreachable!("a pass has one to four rows"),
                }
            }
        }
        start = span.end;
    }
}

/// Computes `R` rows over one span, aligned as the stores ask for.
///
/// # Safety
/// The processor has the instructions of `L`; every source may be read and every row written up
/// to the end of the span, and 63 bytes further if it is written past the caches.
#[inline(always)]
unsafe fn sweep_aligned<L: Lane, const R: usize, const N: usize>(
    job: Job<'_>,
    rows: [*mut u8; R],
    span: Span,
) {
    assert_eq!(job.factors.len(), R * job.sources.len(), "one factor per row and source");
    // SAFETY: a row starts `WIDTH - 1` bytes late at most, so 63; the rest was asked for here.
    unsafe {
        if span.past_caches {
            let late = rows.map(|row| row.add(span.start).align_offset(L::WIDTH));
            if late == [late[0]; R] {
                return sweep::<L, R, N, true, true>(job, rows, late, span);
            }
            // With more rows, what loading for each one costs is more than is gained.
            if R <= 2 {
                return sweep::<L, R, N, false, true>(job, rows, late, span);
            }
        }
        if job.out_of_cache && 2 < R {
            // Single lanes: what is fetched ahead is then asked for at an even pace.
            return sweep::<L, R, 1, true, false>(job, rows, [0; R], span);
        }
        sweep::<L, R, N, true, false>(job, rows, [0; R], span);
    }
}

/// Computes `R` rows over one span, each a few bytes `late`: `N` lanes at a time, then one.
///
/// # Safety
/// The processor has the instructions of `L`; every source may be read and every row written
/// from the start of the span to its end, or `late` bytes after both; nothing else refers to
/// the rows; there is a factor for each row and source. As for `SHARED` and `PAST`, see [`step`].
#[inline(always)]
unsafe fn sweep<L: Lane, const R: usize, const N: usize, const SHARED: bool, const PAST: bool>(
    job: Job<'_>,
    rows: [*mut u8; R],
    late: [usize; R],
    span: Span,
) {
    let mut at = span.start;
    // SAFETY: a step is made only where its lanes end at or before the end of the span.
    unsafe {
        while N * L::WIDTH <= span.end - at {
            let starts = late.map(|it| at + it);
            step::<L, R, N, SHARED, PAST>(job, rows, starts, span.fetch);
            at += N * L::WIDTH;
        }
        while L::WIDTH <= span.end - at {
            let starts = late.map(|it| at + it);
            step::<L, R, 1, SHARED, PAST>(job, rows, starts, span.fetch);
            at += L::WIDTH;
        }
    }
}

/// Computes `N` lanes of `R` rows: the inner loop.
///
/// With `SHARED`, all rows start at the same byte, so that what is loaded serves all of them.
/// With `PAST`, they are written past the caches.
///
/// # Safety
/// The processor has the instructions of `L`; for each row, it and every source have `N` lanes
/// from its start on; with `SHARED` all starts are the same; with `PAST` the address of each
/// start is a multiple of the width; there is a factor for each row and source.
#[inline(always)]
unsafe fn step<L: Lane, const R: usize, const N: usize, const SHARED: bool, const PAST: bool>(
    job: Job<'_>,
    rows: [*mut u8; R],
    starts: [usize; R],
    fetch: bool,
) {
    // SAFETY: the lanes lie in the sources and rows, and `r * n_sources + s` below the number
    // of factors, as asked for above. An address that is fetched need not be a good one.
    unsafe {
        let mut sums = [[L::zero(); N]; R];
        for (s, source) in job.sources.iter().enumerate() {
            if fetch {
                let ahead = source.as_ptr().add(starts[0]).wrapping_add(FETCH_AHEAD_BYTES);
                for line in (0..N * L::WIDTH).step_by(64) {
                    L::fetch(ahead.wrapping_add(line));
                }
            }
            for (r, sums) in sums.iter_mut().enumerate() {
                // The compiler sees that rows which start at the same byte load the same.
                let from = source.as_ptr().add(starts[if SHARED { 0 } else { r }]);
                let bytes: [_; N] = array::from_fn(|n| L::load(from.add(n * L::WIDTH)).ready());
                let factor = L::factor(*job.factors.get_unchecked(r * job.sources.len() + s));
                for (sum, bytes) in sums.iter_mut().zip(bytes) {
                    *sum = sum.add_product(factor, bytes);
                }
            }
        }
        for ((row, start), sums) in rows.into_iter().zip(starts).zip(sums) {
            for (n, sum) in sums.into_iter().enumerate() {
                let to = row.add(start + n * L::WIDTH);
                if PAST { sum.store_past_caches(to) } else { sum.store(to) }
            }
        }
    }
}

/// Computes one lane of up to [`ROWS_PER_PASS`] rows where slices end.
///
/// # Safety
/// The processor has the instructions of `L`.
#[inline(always)]
unsafe fn step_at_the_edge<L: Lane>(job: Job<'_>, outputs: &mut [&mut [u8]], at: usize) {
    // SAFETY: what is loaded and stored is a whole lane, either of an array of 64 bytes or of
    // a slice just seen to be as long.
    unsafe {
        let mut sums = [L::zero(); ROWS_PER_PASS];
        for (s, source) in job.sources.iter().enumerate() {
            let rest = source.get(at..).unwrap_or(&[]);
            let mut padded = [0; 64];
            let from = if rest.len() < L::WIDTH {
                padded[..rest.len()].copy_from_slice(rest);
                &padded
            } else {
                rest
            };
            let bytes = L::load(from.as_ptr()).ready();
            for (sum, factors) in sums.iter_mut().zip(job.factors.chunks_exact(job.sources.len())) {
                *sum = sum.add_product(L::factor(factors[s]), bytes);
            }
        }
        for (sum, output) in sums.into_iter().zip(outputs) {
            let mut whole = [0; 64];
            sum.store(whole.as_mut_ptr());
            let rest = output.get_mut(at..).unwrap_or(&mut []);
            let n_bytes = rest.len().min(L::WIDTH);
            rest[..n_bytes].copy_from_slice(&whole[..n_bytes]);
        }
    }
}

/// A register full of bytes, each an element of the field.
///
/// # Safety
/// All functions but `fetch` may only be called where the processor has the instructions of the
/// lane. They are inlined into an instance of [`multiply_by`], where each is an instruction or
/// a few. Addresses must be good for `WIDTH` bytes.
trait Lane: Copy {
    /// How many bytes it holds, at most 64.
    const WIDTH: usize;
    /// Whether `store_past_caches` is worth it: only for a lane as fast as the memory.
    const CAN_PASS_CACHES: bool;
    /// Bytes, made ready to be multiplied.
    type Ready: Copy;
    /// What one multiplies by.
    type Factor: Copy;

    unsafe fn zero() -> Self;
    unsafe fn load(from: *const u8) -> Self;
    unsafe fn store(self, to: *mut u8);
    /// Besides, `to` is a multiple of `WIDTH`, and `settle` follows before anybody is told.
    unsafe fn store_past_caches(self, to: *mut u8);
    /// Orders the stores past the caches before all that follow.
    unsafe fn settle();
    /// Asks for the cache line of an address, which need not be a good one.
    fn fetch(address: *const u8);
    unsafe fn ready(self) -> Self::Ready;
    unsafe fn factor(factor: u8) -> Self::Factor;
    /// The sum of this and a product.
    unsafe fn add_product(self, factor: Self::Factor, bytes: Self::Ready) -> Self;
}

/// A lane of x86-64, by the names of its instructions.
#[cfg(target_arch = "x86_64")]
macro_rules! x86_lane {
    (
        $lane:ident of $width:literal bytes in $register:ident,
        past_caches: $can_pass_caches:literal,
        [$zero:ident, $load:ident, $store:ident, $stream:ident, $xor:ident],
        $($products:tt)*
    ) => {
        #[derive(Clone, Copy)]
        struct $lane(arch::$register);

        impl Lane for $lane {
            const WIDTH: usize = $width;
            const CAN_PASS_CACHES: bool = $can_pass_caches;

            #[inline(always)]
            unsafe fn zero() -> Self {
                // SAFETY: the instruction is there, says the caller.
                Self(unsafe { arch::$zero() })
            }

            #[inline(always)]
            unsafe fn load(from: *const u8) -> Self {
                // SAFETY: so is the instruction, and the bytes are; it needs no alignment.
                Self(unsafe { arch::$load(from.cast()) })
            }

            #[inline(always)]
            unsafe fn store(self, to: *mut u8) {
                // SAFETY: as for the load.
                unsafe { arch::$store(to.cast(), self.0) }
            }

            #[inline(always)]
            unsafe fn store_past_caches(self, to: *mut u8) {
                if cfg!(miri) {
                    // It does not interpret these stores, so their one condition is checked.
                    assert!(to.addr().is_multiple_of($width), "a store past the caches is aligned");
                    // SAFETY: as for the load.
                    return unsafe { self.store(to) };
                }
                // SAFETY: as for the load, and the address is aligned.
                unsafe { arch::$stream(to.cast(), self.0) }
            }

            #[inline(always)]
            unsafe fn settle() {
                if !cfg!(miri) {
                    // SAFETY: every x86-64 has it.
                    unsafe { arch::_mm_sfence() }
                }
            }

            #[inline(always)]
            fn fetch(address: *const u8) {
                // SAFETY: a prefetch never faults, and every x86-64 has it.
                unsafe { arch::_mm_prefetch::<{ arch::_MM_HINT_T0 }>(address.cast()) }
            }

            x86_lane!(products of $register, $xor, $($products)*);
        }
    };

    // Products by bit matrix.
    (products of $register:ident, $xor:ident, matrix: [$broadcast:ident, $affine:ident]) => {
        type Ready = arch::$register;
        type Factor = arch::$register;

        #[inline(always)]
        unsafe fn ready(self) -> Self::Ready {
            self.0
        }

        #[inline(always)]
        unsafe fn factor(factor: u8) -> Self::Factor {
            // SAFETY: the instruction is there, says the caller.
            unsafe { arch::$broadcast(AFFINE[usize::from(factor)].cast_signed()) }
        }

        #[inline(always)]
        unsafe fn add_product(self, factor: Self::Factor, bytes: Self::Ready) -> Self {
            // SAFETY: the instructions are there, says the caller.
            Self(unsafe { arch::$xor(self.0, arch::$affine::<0>(bytes, factor)) })
        }
    };

    // Products by looking up both halves of a byte.
    (
        products of $register:ident, $xor:ident,
        halves: [$bytes:ident, $and:ident, $shift_right:ident, $table:expr, $shuffle:ident]
    ) => {
        type Ready = [arch::$register; 2];
        type Factor = [arch::$register; 2];

        #[inline(always)]
        unsafe fn ready(self) -> Self::Ready {
            // SAFETY: the instructions are there, says the caller.
            unsafe {
                let low_half = arch::$bytes(15);
                [self.0, arch::$shift_right::<4>(self.0)].map(|it| arch::$and(it, low_half))
            }
        }

        #[inline(always)]
        unsafe fn factor(factor: u8) -> Self::Factor {
            let products = NIBBLES[usize::from(factor)].as_ptr();
            // SAFETY: the instructions are there, says the caller; the table has 2 times 16
            // bytes.
            unsafe {
                [products, products.add(16)].map(|it| $table(arch::_mm_loadu_si128(it.cast())))
            }
        }

        #[inline(always)]
        unsafe fn add_product(self, factor: Self::Factor, bytes: Self::Ready) -> Self {
            // SAFETY: the instructions are there, says the caller.
            unsafe {
                let low = arch::$shuffle(factor[0], bytes[0]);
                let high = arch::$shuffle(factor[1], bytes[1]);
                Self(arch::$xor(self.0, arch::$xor(low, high)))
            }
        }
    };
}

#[cfg(target_arch = "x86_64")]
x86_lane! {
    Avx512Gfni of 64 bytes in __m512i,
    past_caches: true,
    [
        _mm512_setzero_si512, _mm512_loadu_si512, _mm512_storeu_si512, _mm512_stream_si512,
        _mm512_xor_si512
    ],
    matrix: [_mm512_set1_epi64, _mm512_gf2p8affine_epi64_epi8]
}

#[cfg(target_arch = "x86_64")]
x86_lane! {
    Avx2Gfni of 32 bytes in __m256i,
    past_caches: true,
    [
        _mm256_setzero_si256, _mm256_loadu_si256, _mm256_storeu_si256, _mm256_stream_si256,
        _mm256_xor_si256
    ],
    matrix: [_mm256_set1_epi64x, _mm256_gf2p8affine_epi64_epi8]
}

#[cfg(target_arch = "x86_64")]
x86_lane! {
    Avx2 of 32 bytes in __m256i,
    past_caches: false,
    [
        _mm256_setzero_si256, _mm256_loadu_si256, _mm256_storeu_si256, _mm256_stream_si256,
        _mm256_xor_si256
    ],
    halves: [
        _mm256_set1_epi8, _mm256_and_si256, _mm256_srli_epi16,
        arch::_mm256_broadcastsi128_si256, _mm256_shuffle_epi8
    ]
}

#[cfg(target_arch = "x86_64")]
x86_lane! {
    Ssse3 of 16 bytes in __m128i,
    past_caches: false,
    [_mm_setzero_si128, _mm_loadu_si128, _mm_storeu_si128, _mm_stream_si128, _mm_xor_si128],
    halves: [
        _mm_set1_epi8, _mm_and_si128, _mm_srli_epi16, std::convert::identity, _mm_shuffle_epi8
    ]
}

/// 16 bytes, multiplied by looking up their halves.
#[cfg(target_arch = "aarch64")]
#[derive(Clone, Copy)]
struct Neon(arch::uint8x16_t);

#[cfg(target_arch = "aarch64")]
impl Lane for Neon {
    const WIDTH: usize = 16;
    const CAN_PASS_CACHES: bool = false;
    type Ready = [arch::uint8x16_t; 2];
    type Factor = [arch::uint8x16_t; 2];

    #[inline(always)]
    unsafe fn zero() -> Self {
        // SAFETY: the instruction is there, says the caller.
        Self(unsafe { arch::vdupq_n_u8(0) })
    }

    #[inline(always)]
    unsafe fn load(from: *const u8) -> Self {
        // SAFETY: so is the instruction, and the bytes are; it needs no alignment.
        Self(unsafe { arch::vld1q_u8(from) })
    }

    #[inline(always)]
    unsafe fn store(self, to: *mut u8) {
        // SAFETY: as for the load.
        unsafe { arch::vst1q_u8(to, self.0) }
    }

    #[inline(always)]
    unsafe fn store_past_caches(self, to: *mut u8) {
        // SAFETY: as for the load.
        unsafe { self.store(to) }
    }

    #[inline(always)]
    unsafe fn settle() {}

    #[inline(always)]
    fn fetch(_address: *const u8) {}

    #[inline(always)]
    unsafe fn ready(self) -> Self::Ready {
        // SAFETY: the instructions are there, says the caller.
        unsafe { [arch::vandq_u8(self.0, arch::vdupq_n_u8(15)), arch::vshrq_n_u8::<4>(self.0)] }
    }

    #[inline(always)]
    unsafe fn factor(factor: u8) -> Self::Factor {
        let products = NIBBLES[usize::from(factor)].as_ptr();
        // SAFETY: the instruction is there, says the caller; the table has 2 times 16 bytes.
        unsafe { [arch::vld1q_u8(products), arch::vld1q_u8(products.add(16))] }
    }

    #[inline(always)]
    unsafe fn add_product(self, factor: Self::Factor, bytes: Self::Ready) -> Self {
        // SAFETY: the instructions are there, says the caller.
        unsafe {
            let low = arch::vqtbl1q_u8(factor[0], bytes[0]);
            let high = arch::vqtbl1q_u8(factor[1], bytes[1]);
            Self(arch::veorq_u8(self.0, arch::veorq_u8(low, high)))
        }
    }
}
