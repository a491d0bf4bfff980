//! A figure as a list of marks, before it becomes SVG or PNG.

use plotters::style::RGBColor;

use super::letters::text_width;
use super::render;
use super::style::{BLACK, CAPTION_SIZE, DARK_GREY, HEIGHT, LABEL_SIZE, TITLE_SIZE, WHITE, WIDTH};

/// A figure, ready to be written: [`Figure::svg`] and [`Figure::png`] show the same.
#[derive(Clone, Debug)]
pub struct Figure {
    pub(super) title: String,
    pub(super) caption: String,
    pub(super) height: f64,
    pub(super) marks: Vec<Mark>,
    /// How many of them are the title and the caption; they come first.
    pub(super) n_words_around: usize,
    /// Where the caption starts, and the plot must have ended.
    pub(super) bottom: f64,
}

/// A point in pixels from the upper left corner.
pub(super) type Pixel = (f64, f64);

#[derive(Clone, Debug)]
pub(super) enum Mark {
    Line { points: Vec<Pixel>, color: RGBColor, width: f64, is_dashed: bool },
    Box { from: Pixel, to: Pixel, color: RGBColor },
    Area { points: Vec<Pixel>, color: RGBColor },
    Dot { at: Pixel, radius: f64, color: RGBColor },
    Text(Text),
}

#[derive(Clone, Debug)]
pub(super) struct Text {
    pub(super) text: String,
    /// Where the anchor lies on the line that the letters stand on.
    pub(super) at: Pixel,
    pub(super) anchor: Anchor,
    /// Of one em.
    pub(super) size: f64,
    pub(super) color: RGBColor,
    /// Read from below to above.
    pub(super) is_upright: bool,
}

/// Which part of a text lies at its place.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Anchor {
    Start,
    Middle,
    End,
}

impl Figure {
    /// A figure with nothing in it but its title, and its caption under the plot to be.
    pub(super) fn new(title: &str, caption: &str) -> Figure {
        Figure::sized(title, caption, HEIGHT)
    }

    /// The same, `height` high.
    pub(super) fn sized(title: &str, caption: &str, height: f64) -> Figure {
        const MARGIN: f64 = 14.0;
        const LINE: f64 = 1.35 * CAPTION_SIZE;
        let mut figure = Figure {
            title: title.to_owned(),
            caption: caption.to_owned(),
            height,
            marks: Vec::new(),
            n_words_around: 0,
            bottom: height,
        };
        figure.marks.push(Mark::Text(Text {
            text: title.to_owned(),
            at: (MARGIN, 30.0),
            anchor: Anchor::Start,
            size: TITLE_SIZE,
            color: BLACK,
            is_upright: false,
        }));
        let lines = wrapped(caption, WIDTH - 2.0 * MARGIN);
        figure.bottom = height - MARGIN / 2.0 - LINE * lines.len() as f64;
        for (index, line) in lines.into_iter().enumerate() {
            figure.marks.push(Mark::Text(Text {
                text: line,
                at: (MARGIN, figure.bottom + LINE * index as f64 + CAPTION_SIZE),
                anchor: Anchor::Start,
                size: CAPTION_SIZE,
                color: DARK_GREY,
                is_upright: false,
            }));
        }
        figure.n_words_around = figure.marks.len();
        figure
    }

    /// What the figure is called.
    pub fn title(&self) -> &str {
        &self.title
    }

    /// What stands under it.
    pub fn caption(&self) -> &str {
        &self.caption
    }

    /// The figure as an SVG document.
    pub fn svg(&self) -> String {
        render::svg(self)
    }

    /// The figure as an SVG document without its title and caption, for a page that has them
    /// around it.
    pub fn plot_svg(&self) -> String {
        render::plot_svg(self)
    }

    /// The figure as a PNG file, twice as large as its natural size.
    pub fn png(&self) -> Vec<u8> {
        render::png(self)
    }

    pub(super) fn line(&mut self, points: Vec<Pixel>, color: RGBColor, width: f64) {
        self.marks.push(Mark::Line { points, color, width, is_dashed: false });
    }

    pub(super) fn dashed(&mut self, points: Vec<Pixel>, color: RGBColor, width: f64) {
        self.marks.push(Mark::Line { points, color, width, is_dashed: true });
    }

    pub(super) fn fill(&mut self, from: Pixel, to: Pixel, color: RGBColor) {
        self.marks.push(Mark::Box { from, to, color });
    }

    pub(super) fn area(&mut self, points: Vec<Pixel>, color: RGBColor) {
        self.marks.push(Mark::Area { points, color });
    }

    pub(super) fn dot(&mut self, at: Pixel, radius: f64, color: RGBColor) {
        self.marks.push(Mark::Dot { at, radius, color });
    }

    /// A word on the plot, of the size that all have.
    pub(super) fn label(&mut self, text: &str, at: Pixel, anchor: Anchor, color: RGBColor) {
        let text = text.to_owned();
        let label = Text { text, at, anchor, size: LABEL_SIZE, color, is_upright: false };
        self.marks.push(Mark::Text(label));
    }

    /// The same on a white ground, so that no line runs through it.
    pub(super) fn label_on_white(
        &mut self,
        text: &str,
        (x, y): Pixel,
        anchor: Anchor,
        color: RGBColor,
    ) {
        let width = text_width(text, LABEL_SIZE);
        let left = match anchor {
            Anchor::Start => x,
            Anchor::Middle => x - width / 2.0,
            Anchor::End => x - width,
        };
        let top = y - 0.8 * LABEL_SIZE;
        self.fill((left - 2.0, top), (left + width + 2.0, y + 0.25 * LABEL_SIZE), WHITE);
        self.label(text, (x, y), anchor, color);
    }
}

impl Text {
    /// The rectangle that the letters fill, as its upper left and lower right corner.
    pub(super) fn bounds(&self) -> (Pixel, Pixel) {
        let width = text_width(&self.text, self.size);
        let (x, y) = self.at;
        let (above, below) = (0.75 * self.size, 0.22 * self.size);
        let start = match self.anchor {
            Anchor::Start => 0.0,
            Anchor::Middle => -width / 2.0,
            Anchor::End => -width,
        };
        if self.is_upright {
            ((x - above, y - start - width), (x + below, y - start))
        } else {
            ((x + start, y - above), (x + start + width, y + below))
        }
    }
}

/// `text` in lines of at most `width` pixels, broken at spaces, in the size of a caption.
fn wrapped(text: &str, width: f64) -> Vec<String> {
    let mut lines: Vec<String> = Vec::new();
    for word in text.split_whitespace() {
        match lines.last_mut() {
            Some(line) if text_width(&format!("{line} {word}"), CAPTION_SIZE) <= width => {
                line.push(' ');
                line.push_str(word);
            }
            _ => lines.push(word.to_owned()),
        }
    }
    lines
}
