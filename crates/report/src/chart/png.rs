//! The PNG file format, as far as a chart needs it.

use std::io::Write;

use flate2::write::ZlibEncoder;
use flate2::{Compression, Crc};

/// An image of 8-bit RGB pixels, `width` in a row, as the bytes of a PNG file
/// (W3C Portable Network Graphics, third edition, sections 5 and 9 to 11).
pub(super) fn encode(rgb: &[u8], width: usize) -> Vec<u8> {
    let n_rows = rgb.len() / (3 * width);
    let mut header = Vec::new();
    header.extend(big_endian(width));
    header.extend(big_endian(n_rows));
    // 8 bits a channel, RGB, and the only compression, filtering and order there are.
    header.extend([8, 2, 0, 0, 0]);

    let mut zlib = ZlibEncoder::new(Vec::new(), Compression::best());
    let mut above = vec![0; 3 * width];
    for row in rgb.chunks_exact(3 * width) {
        // Filter 2, the difference from the row above: a chart's rows repeat.
        let mut filtered = vec![2];
        filtered.extend(row.iter().zip(&above).map(|(byte, above)| byte.wrapping_sub(*above)));
        zlib.write_all(&filtered).expect("memory takes all that is written");
        above.copy_from_slice(row);
    }
    let data = zlib.finish().expect("memory takes all that is written");

    let mut file = b"\x89PNG\r\n\x1a\n".to_vec();
    push_chunk(&mut file, *b"IHDR", &header);
    push_chunk(&mut file, *b"IDAT", &data);
    push_chunk(&mut file, *b"IEND", &[]);
    file
}

/// The same image with the mean of each square of `by` times `by` pixels in one, its sides
/// being whole multiples of `by`.
pub(super) fn shrink(rgb: &[u8], width: usize, by: usize) -> Vec<u8> {
    let n_pixels = by * by;
    let mut small = Vec::with_capacity(rgb.len() / n_pixels);
    for rows in rgb.chunks_exact(3 * width * by) {
        for column in 0..width / by {
            for channel in 0..3 {
                let byte =
                    |row: usize, x: usize| rows[3 * (row * width + column * by + x) + channel];
                let squares = (0..by).flat_map(|row| (0..by).map(move |x| (row, x)));
                let total: usize = squares.map(|(row, x)| usize::from(byte(row, x))).sum();
                let mean = (total + n_pixels / 2) / n_pixels;
                small.push(u8::try_from(mean).expect("a mean of bytes is a byte"));
            }
        }
    }
    small
}

fn push_chunk(file: &mut Vec<u8>, kind: [u8; 4], data: &[u8]) {
    file.extend(big_endian(data.len()));
    let mut crc = Crc::new();
    for part in [&kind[..], data] {
        crc.update(part);
        file.extend(part);
    }
    file.extend(crc.sum().to_be_bytes());
}

fn big_endian(number: usize) -> [u8; 4] {
    u32::try_from(number).expect("an image is smaller than 4 GiB").to_be_bytes()
}

#[cfg(test)]
mod tests {
    use std::io::Read;

    use super::*;

    #[test]
    fn an_image_can_be_read_back() {
        let rgb: Vec<u8> = (0..2 * 3 * 3).map(|it| it * 7).collect();
        let file = encode(&rgb, 3);
        assert_eq!(file[..8], *b"\x89PNG\r\n\x1a\n");
        assert_eq!(file[8..29], *b"\0\0\0\x0dIHDR\0\0\0\x03\0\0\0\x02\x08\x02\0\0\0");
        let data = &file[8 + 25 + 8..];
        let mut rows = Vec::new();
        flate2::read::ZlibDecoder::new(data).read_to_end(&mut rows).unwrap();
        assert_eq!(rows.len(), 2 * (1 + 9));
        assert_eq!((rows[0], &rows[1..10]), (2, &rgb[..9]));
        assert_eq!((rows[10], &rows[11..]), (2, &[63; 9][..]), "each row is 63 above the last");
    }

    #[test]
    fn a_shrunk_image_has_the_mean_colours() {
        let row = |left: u8, right: u8| [[left; 3], [left; 3], [right; 3], [right; 3]].concat();
        let rgb = [row(0, 100), row(10, 200)].concat();
        assert_eq!(shrink(&rgb, 4, 2), [5, 5, 5, 150, 150, 150]);
    }
}
