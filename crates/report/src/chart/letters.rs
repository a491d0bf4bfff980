//! How wide the letters of the embedded font are, and where each stands in a text.

use std::collections::BTreeMap;
use std::sync::OnceLock;

/// One letter, in units of which [`UNITS_PER_EM`] make an em.
#[derive(Clone, Copy, Debug)]
pub(super) struct Metrics {
    /// From where it starts to where the next one does.
    advance: u16,
    /// From where it starts to its ink.
    left_bearing: i16,
}

const UNITS_PER_EM: f64 = 2048.0;
/// Ascent and descent of the font together.
pub(super) const FONT_HEIGHT_EM: f64 = 2400.0 / UNITS_PER_EM;

/// How wide `text` is in pixels, in letters of `size`. A letter that the font lacks is as wide
/// as an `n`.
pub(super) fn text_width(text: &str, size: f64) -> f64 {
    text.chars().map(|sign| f64::from(metrics_of(sign).advance)).sum::<f64>() * size / UNITS_PER_EM
}

/// The letters of `text`, each with where its ink starts, in pixels from the start of the text.
pub(super) fn letters(text: &str, size: f64) -> impl Iterator<Item = (char, f64)> {
    let scale = size / UNITS_PER_EM;
    text.chars().scan(0.0, move |pen, sign| {
        let Metrics { advance, left_bearing } = metrics_of(sign);
        let ink = *pen + f64::from(left_bearing) * scale;
        *pen += f64::from(advance) * scale;
        Some((sign, ink))
    })
}

/// The metrics of each letter that the embedded font has.
pub(super) fn metrics() -> &'static BTreeMap<char, Metrics> {
    static METRICS: OnceLock<BTreeMap<char, Metrics>> = OnceLock::new();
    METRICS.get_or_init(|| {
        let rows = include_str!("../../font/metrics.csv").lines().skip(1);
        rows.map(|row| metrics_row(row).expect("the file is embedded, and tested")).collect()
    })
}

fn metrics_of(sign: char) -> Metrics {
    let metrics = metrics();
    metrics.get(&sign).copied().unwrap_or_else(|| metrics[&'n'])
}

fn metrics_row(row: &str) -> Option<(char, Metrics)> {
    let mut cells = row.split(',');
    let sign = char::from_u32(cells.next()?.parse().ok()?)?;
    let advance = cells.next()?.parse().ok()?;
    let left_bearing = cells.next()?.parse().ok()?;
    Some((sign, Metrics { advance, left_bearing }))
}

#[cfg(test)]
mod tests {
    use super::super::render;
    use super::*;

    #[test]
    fn the_metrics_are_those_of_the_embedded_font() {
        for sign in metrics().keys() {
            let text = sign.to_string();
            let of_font = render::advance(&text, 1_000.0);
            assert!((text_width(&text, 1_000.0) - of_font).abs() <= 1.0, "{sign:?}: {of_font}");
        }
    }

    #[test]
    fn ink_starts_a_bearing_after_the_pen() {
        let starts: Vec<(char, f64)> = letters("Hj", UNITS_PER_EM).collect();
        let Metrics { advance, left_bearing } = metrics()[&'H'];
        assert!(0 < left_bearing && metrics()[&'j'].left_bearing < 0, "an H and a j");
        assert!((starts[0].1 - f64::from(left_bearing)).abs() < 1e-9);
        assert!(starts[1].1 < f64::from(advance));
    }
}
