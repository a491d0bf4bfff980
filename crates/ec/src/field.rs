//! Arithmetic in GF(2^8), as tables made at compile time.

/// The polynomial that reduces a product, x^8 + x^4 + x^3 + x^2 + 1: the one that the field's
/// Reed-Solomon coders share. (AES reduces by 0x11B, so its instructions do not serve here.)
const POLYNOMIAL: u16 = 0x11D;

/// How many elements other than zero there are; the powers of 2 run through all of them.
const ORDER: usize = 255;

/// The element 2^i at index i, four times over, so that what is added and subtracted of a few
/// logarithms is an index.
const EXP: [u8; 4 * ORDER] = make_exp();

/// The i with 2^i = x at index x; nothing sensible at 0.
const LOG: [u8; 256] = make_log();

/// For each factor, its products with the sixteen values of the low half of a byte, then with
/// those of the high half: what a byte shuffle looks up, and the portable path too.
pub(crate) static NIBBLES: [[u8; 32]; 256] = make_nibbles();

/// For each factor, its multiplication as the 8 by 8 bit matrix that GF2P8AFFINEQB takes
/// (Intel SDM, volume 2A, `affine_byte`: byte 7 - i is the row that makes bit i).
#[cfg(any(test, target_arch = "x86_64"))]
pub(crate) static AFFINE: [u64; 256] = make_affine();

/// The logarithm of `x`, which is not zero.
pub(crate) const fn log(x: u8) -> u32 {
    debug_assert!(x != 0, "zero has no logarithm");
    LOG[x as usize] as u32
}

/// The element with the logarithm `log`, which is less than four times 255.
pub(crate) const fn exp(log: u32) -> u8 {
    EXP[log as usize]
}

/// The product of `a` and `b`.
pub(crate) const fn mul(a: u8, b: u8) -> u8 {
    if a == 0 || b == 0 {
        return 0;
    }
    EXP[LOG[a as usize] as usize + LOG[b as usize] as usize]
}

const fn make_exp() -> [u8; 4 * ORDER] {
    let mut table = [0; 4 * ORDER];
    let mut power: u16 = 1;
    let mut i = 0;
    while i < 4 * ORDER {
        // A power is below 256 after each reduction.
        table[i] = power.to_le_bytes()[0];
        power <<= 1;
        if power & 0x100 != 0 {
            power ^= POLYNOMIAL;
        }
        i += 1;
    }
    table
}

const fn make_log() -> [u8; 256] {
    let mut table = [0; 256];
    let mut i: u8 = 0;
    while (i as usize) < ORDER {
        table[EXP[i as usize] as usize] = i;
        i += 1;
    }
    table
}

const fn make_nibbles() -> [[u8; 32]; 256] {
    let mut table = [[0; 32]; 256];
    let mut factor: usize = 0;
    while factor < 256 {
        let mut half: u8 = 0;
        while half < 16 {
            let of = factor.to_le_bytes()[0];
            table[factor][half as usize] = mul(of, half);
            table[factor][16 + half as usize] = mul(of, half << 4);
            half += 1;
        }
        factor += 1;
    }
    table
}

#[cfg(any(test, target_arch = "x86_64"))]
const fn make_affine() -> [u64; 256] {
    let mut table = [0; 256];
    let mut factor: usize = 0;
    while factor < 256 {
        let mut matrix: u64 = 0;
        let mut column = 0;
        while column < 8 {
            let product = mul(factor.to_le_bytes()[0], 1 << column);
            let mut row = 0;
            while row < 8 {
                let bit = ((product >> row) & 1) as u64;
                matrix |= bit << ((7 - row) * 8 + column);
                row += 1;
            }
            column += 1;
        }
        table[factor] = matrix;
        factor += 1;
    }
    table
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The product by the definition: shift, add, reduce.
    fn product_by_definition(a: u8, b: u8) -> u8 {
        let mut sum: u16 = 0;
        for bit in (0..8).rev() {
            sum <<= 1;
            if sum & 0x100 != 0 {
                sum ^= POLYNOMIAL;
            }
            if (b >> bit) & 1 == 1 {
                sum ^= u16::from(a);
            }
        }
        u8::try_from(sum).unwrap()
    }

    #[test]
    fn every_table_multiplies() {
        let step = if cfg!(miri) { 17 } else { 1 };
        for a in (0..=255).step_by(step) {
            for b in (0..=255).step_by(step) {
                let expect = product_by_definition(a, b);
                assert_eq!(mul(a, b), expect, "{a} * {b}");

                let nibbles = &NIBBLES[usize::from(a)];
                let by_nibbles = nibbles[usize::from(b & 15)] ^ nibbles[usize::from(16 + (b >> 4))];
                assert_eq!(by_nibbles, expect, "{a} * {b} by halves");

                let rows = AFFINE[usize::from(a)].to_be_bytes();
                let by_matrix = (0..8).fold(0, |sum, row| {
                    sum | (u8::from((rows[row] & b).count_ones() % 2 == 1) << row)
                });
                assert_eq!(by_matrix, expect, "{a} * {b} by matrix");
            }
        }
    }

    #[test]
    fn logarithms_undo_powers() {
        for x in 1..=255 {
            assert_eq!(exp(log(x)), x);
            assert_eq!(exp(log(x) + 3 * 255), x);
        }
    }
}
