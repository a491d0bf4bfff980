//! A scene drawn with plotters, as SVG and as PNG.

use std::sync::OnceLock;

use plotters::coord::Shift;
use plotters::drawing::{DrawingArea, DrawingAreaErrorKind};
use plotters::element::{Circle, DashedPathElement, PathElement, Polygon, Rectangle};
use plotters::prelude::{
    BitMapBackend, DrawingBackend, FontFamily, FontStyle, FontTransform, IntoDrawingArea,
    SVGBackend,
};
use plotters::style::text_anchor::{HPos, Pos, VPos};
use plotters::style::{Color, FontDesc, register_font};

use super::letters::{FONT_HEIGHT_EM, letters, text_width};
use super::png;
use super::scene::{Anchor, Figure, Mark, Pixel, Text};
use super::style::{TITLE_HEIGHT, WHITE, WIDTH};

/// What a viewer of an SVG looks for; the embedded font is registered under the whole list.
const FONT_FAMILY: &str = "Roboto, Helvetica, Arial, sans-serif";
static FONT: &[u8] = include_bytes!("../../font/Roboto-Regular-subset.ttf");
/// How many steps of plotters' whole coordinates make one pixel of the natural size.
const STEPS: f64 = 4.0;
/// How many such steps make one pixel of the PNG: each is the mean of as many, squared.
const STEPS_PER_DOT: usize = 2;
/// The length of a dash and of the gap after it, in pixels.
const DASH: f64 = 7.0;
const DASH_GAP: f64 = 4.0;

/// The two kinds of file, which differ in how plotters sets text.
#[derive(Clone, Copy)]
enum Kind {
    /// plotters divides the size by 1.24, and has the letters stand 0.76 em under their place.
    Svg,
    /// plotters takes the size for the font's height, and half of it for the ascent.
    Png,
}

pub(super) fn svg(figure: &Figure) -> String {
    svg_of(figure, 0.0, figure.height, &figure.marks)
}

pub(super) fn plot_svg(figure: &Figure) -> String {
    svg_of(figure, TITLE_HEIGHT, figure.bottom, &figure.marks[figure.n_words_around..])
}

/// The part of a figure from one height to another.
fn svg_of(figure: &Figure, from: f64, to: f64, marks: &[Mark]) -> String {
    let (width, height) = (steps(WIDTH), steps(figure.height));
    let mut text = String::new();
    let area =
        SVGBackend::with_string(&mut text, (unsigned(width), unsigned(height))).into_drawing_area();
    draw(marks, &area, Kind::Svg).expect("a text takes all that is written");
    drop(area);

    // plotters writes the number of its steps for the size; the view box keeps it.
    let written =
        format!("<svg width=\"{width}\" height=\"{height}\" viewBox=\"0 0 {width} {height}\"");
    let rest = text.strip_prefix(&written).expect("plotters writes the size first");
    let title = escaped(&figure.title);
    let (top, shown) = (steps(from), steps(to) - steps(from));
    format!(
        "<svg width=\"{WIDTH}\" height=\"{}\" role=\"img\" aria-label=\"{title}\" \
         viewBox=\"0 {top} {width} {shown}\"{rest}",
        to - from
    )
}

pub(super) fn png(figure: &Figure) -> Vec<u8> {
    let (width, height) = (unsigned(steps(WIDTH)), unsigned(steps(figure.height)));
    let mut rgb = vec![0; 3 * width as usize * height as usize];
    let area = BitMapBackend::with_buffer(&mut rgb, (width, height)).into_drawing_area();
    draw(&figure.marks, &area, Kind::Png).expect("memory takes all that is drawn");
    drop(area);
    let small = png::shrink(&rgb, width as usize, STEPS_PER_DOT);
    png::encode(&small, width as usize / STEPS_PER_DOT)
}

/// How far a text reaches in pixels by the font itself, in letters of `size`.
#[cfg(test)]
pub(super) fn advance(text: &str, size: f64) -> f64 {
    let (width, _) = font(size * FONT_HEIGHT_EM).box_size(text).unwrap();
    f64::from(width)
}

fn draw<B: DrawingBackend>(
    marks: &[Mark],
    area: &DrawingArea<B, Shift>,
    kind: Kind,
) -> Result<(), DrawingAreaErrorKind<B::ErrorType>> {
    area.fill(&WHITE)?;
    for mark in marks {
        match mark {
            Mark::Line { points, color, width, is_dashed } => {
                let style = color.stroke_width(unsigned(steps(*width)));
                let points: Vec<(i32, i32)> = points.iter().map(|it| place(*it)).collect();
                if *is_dashed {
                    let (dash, gap) = (steps(DASH), steps(DASH_GAP));
                    area.draw(&DashedPathElement::new(points, dash, gap, style))?;
                } else {
                    area.draw(&PathElement::new(points, style))?;
                }
            }
            Mark::Box { from, to, color } => {
                area.draw(&Rectangle::new([place(*from), place(*to)], color.filled()))?;
            }
            Mark::Area { points, color } => {
                let points: Vec<(i32, i32)> = points.iter().map(|it| place(*it)).collect();
                area.draw(&Polygon::new(points, color.filled()))?;
            }
            Mark::Dot { at, radius, color } => {
                area.draw(&Circle::new(place(*at), steps(*radius), color.filled()))?;
            }
            Mark::Text(text) => draw_text(text, area, kind)?,
        }
    }
    area.present()
}

fn draw_text<B: DrawingBackend>(
    text: &Text,
    area: &DrawingArea<B, Shift>,
    kind: Kind,
) -> Result<(), DrawingAreaErrorKind<B::ErrorType>> {
    let (size_em, baseline_em) = match kind {
        Kind::Svg => (1.24, 0.76),
        Kind::Png => (FONT_HEIGHT_EM, FONT_HEIGHT_EM / 2.0),
    };
    let mut font = font(text.size * STEPS * size_em);
    if text.is_upright {
        font = font.transform(FontTransform::Rotate270);
    }
    let style = font.color(&text.color);
    let above = text.size * baseline_em;
    // Along the line of the text, and up from it.
    let place_at = |along: f64| {
        let (x, y) = text.at;
        place(if text.is_upright { (x - above, y - along) } else { (x + along, y - above) })
    };
    match kind {
        Kind::Svg => {
            let h_pos = match text.anchor {
                Anchor::Start => HPos::Left,
                Anchor::Middle => HPos::Center,
                Anchor::End => HPos::Right,
            };
            area.draw_text(&text.text, &style.pos(Pos::new(h_pos, VPos::Top)), place_at(0.0))
        }
        Kind::Png => {
            let width = text_width(&text.text, text.size);
            let start = match text.anchor {
                Anchor::Start => 0.0,
                Anchor::Middle => -width / 2.0,
                Anchor::End => -width,
            };
            for (sign, along) in letters(&text.text, text.size) {
                area.draw_text(sign.encode_utf8(&mut [0; 4]), &style, place_at(start + along))?;
            }
            Ok(())
        }
    }
}

fn font(size: f64) -> FontDesc<'static> {
    static REGISTERED: OnceLock<()> = OnceLock::new();
    REGISTERED.get_or_init(|| {
        let registered = register_font(FONT_FAMILY, FontStyle::Normal, FONT);
        assert!(registered.is_ok(), "the embedded font is a font");
    });
    FontDesc::new(FontFamily::Name(FONT_FAMILY), size, FontStyle::Normal)
}

fn place((x, y): Pixel) -> (i32, i32) {
    (steps(x), steps(y))
}

fn steps(pixels: f64) -> i32 {
    #[expect(clippy::cast_possible_truncation, reason = "a figure is a few thousand steps wide")]
    let steps = (pixels * STEPS).round() as i32;
    steps
}

fn unsigned(steps: i32) -> u32 {
    u32::try_from(steps).expect("a size is not negative")
}

fn escaped(text: &str) -> String {
    text.replace('&', "&amp;").replace('<', "&lt;").replace('"', "&quot;")
}
