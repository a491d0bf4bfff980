//! Names put beside the curves that they name, where there is room for them.

use plotters::style::RGBColor;

use super::frame::Place;
use super::scene::{Anchor, Figure, Pixel, Text};
use super::style::LABEL_SIZE;

/// What of a plot is taken, so that names keep off it.
pub(super) struct Labels {
    plot: Place,
    /// Points on the curves, every few pixels.
    inked: Vec<Pixel>,
    /// The rectangles of the names so far.
    names: Vec<(Pixel, Pixel)>,
}

impl Labels {
    /// For a plot with nothing in it.
    pub(super) const fn new(plot: Place) -> Labels {
        Labels { plot, inked: Vec::new(), names: Vec::new() }
    }

    /// Notes where a line runs.
    pub(super) fn keep_off(&mut self, line: &[Pixel]) {
        const STEP: f64 = 4.0;
        self.inked.extend(line.first());
        for ends in line.windows(2) {
            let ((x, y), (to_x, to_y)) = (ends[0], ends[1]);
            let length = libm::hypot(to_x - x, to_y - y);
            #[expect(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "pixels")]
            let n_steps = (length / STEP).ceil().clamp(1.0, 1_000.0) as u32;
            self.inked.extend((1..=n_steps).map(|it| {
                let part = f64::from(it) / f64::from(n_steps);
                (x + part * (to_x - x), y + part * (to_y - y))
            }));
        }
    }

    /// Puts `text` beside one of `places`, the earlier the better, where it hides least.
    pub(super) fn put(
        &mut self,
        figure: &mut Figure,
        text: &str,
        color: RGBColor,
        places: &[Pixel],
    ) {
        const OFFSETS: [(f64, f64, Anchor); 8] = [
            (9.0, -7.0, Anchor::Start),
            (-9.0, -7.0, Anchor::End),
            (9.0, 17.0, Anchor::Start),
            (-9.0, 17.0, Anchor::End),
            (0.0, -12.0, Anchor::Middle),
            (0.0, 23.0, Anchor::Middle),
            (14.0, 5.0, Anchor::Start),
            (-14.0, 5.0, Anchor::End),
        ];
        let at = |(x, y): Pixel, (right, down, anchor): (f64, f64, Anchor)| Text {
            text: text.to_owned(),
            at: (x + right, y + down),
            anchor,
            size: LABEL_SIZE,
            color,
            is_upright: false,
        };
        let candidates = places.iter().flat_map(|place| OFFSETS.map(|it| at(*place, it)));
        let costed = candidates.map(|it| (self.cost(&it), it));
        let Some((cost, best)) = costed.min_by_key(|(cost, _)| *cost) else { return };
        self.names.push(best.bounds());
        let Text { at, anchor, .. } = best;
        if cost == 0 {
            figure.label(text, at, anchor, color);
        } else {
            figure.label_on_white(text, at, anchor, color);
        }
    }

    /// How much a text at its place would hide.
    fn cost(&self, text: &Text) -> usize {
        const FORBIDDEN: usize = 1_000;
        let ((left, top), (right, bottom)) = text.bounds();
        let Place { left: from, right: to, top: above, bottom: below } = self.plot;
        let is_outside = left < from || to < right || top < above || below < bottom;
        let overlaps = |((x, y), (to_x, to_y)): &&(Pixel, Pixel)| {
            left < to_x + 4.0 && *x < right + 4.0 && top < *to_y && *y < bottom
        };
        let n_names = self.names.iter().filter(overlaps).count();
        let is_hidden = |(x, y): &&Pixel| {
            left - 2.0 <= *x && *x <= right + 2.0 && top - 1.0 <= *y && *y <= bottom + 1.0
        };
        FORBIDDEN * (usize::from(is_outside) + n_names)
            + self.inked.iter().filter(is_hidden).count()
    }
}
