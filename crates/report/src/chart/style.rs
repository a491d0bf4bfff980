//! How every figure looks: its colours, sizes and distances.

use plotters::style::RGBColor;
use serde::{Deserialize, Serialize};

/// What a colour stands for: the same in every figure.
///
/// The colours are those of Okabe and Ito, which people with any colour vision tell apart
/// (Color Universal Design, 2008).
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Hue {
    /// The cache of rented nodes.
    ElastiCache,
    /// The cache in functions.
    InfiniCache,
    /// The same without backup between replicas.
    InfiniCacheWithoutBackup,
    /// The object store alone.
    S3,
    /// The part of a cost that requests cause.
    Serving,
    /// The part of a cost that keeps replicas in step.
    Backup,
    /// The part of a cost that keeps functions from being reclaimed.
    WarmUp,
    /// One of several things that have no colour of their own, by its number. There are six;
    /// the seventh is as the first.
    Series(u8),
}

pub(super) const BLACK: RGBColor = RGBColor(0, 0, 0);
pub(super) const WHITE: RGBColor = RGBColor(255, 255, 255);
/// Words that go with a figure, such as tick labels and the caption.
pub(super) const DARK_GREY: RGBColor = RGBColor(77, 77, 77);
/// Lines to read values by.
pub(super) const LIGHT_GREY: RGBColor = RGBColor(222, 222, 222);

// All sizes and distances of a figure are in CSS pixels at its natural size.
pub(super) const WIDTH: f64 = 760.0;
pub(super) const HEIGHT: f64 = 480.0;
pub(super) const TITLE_SIZE: f64 = 20.0;
/// Where the title ends, and what is under it may start.
pub(super) const TITLE_HEIGHT: f64 = 38.0;
pub(super) const LABEL_SIZE: f64 = 15.0;
pub(super) const CAPTION_SIZE: f64 = 13.5;
pub(super) const CURVE_WIDTH: f64 = 3.0;
pub(super) const PAPER_WIDTH: f64 = 2.0;
pub(super) const RULE_WIDTH: f64 = 1.0;

impl Hue {
    /// Whether nobody can tell the two apart.
    pub fn looks_like(self, other: Hue) -> bool {
        self.color() == other.color()
    }

    pub(super) const fn color(self) -> RGBColor {
        match self {
            Hue::ElastiCache => RGBColor(213, 94, 0),
            Hue::InfiniCache => RGBColor(0, 114, 178),
            Hue::InfiniCacheWithoutBackup => RGBColor(86, 180, 233),
            Hue::S3 => RGBColor(0, 158, 115),
            Hue::Serving => RGBColor(230, 159, 0),
            Hue::Backup => RGBColor(204, 121, 167),
            Hue::WarmUp => RGBColor(240, 228, 66),
            Hue::Series(number) => match number % 6 {
                0 => RGBColor(70, 70, 70),
                1 => RGBColor(204, 121, 167),
                2 => RGBColor(0, 158, 115),
                3 => RGBColor(230, 159, 0),
                4 => RGBColor(86, 180, 233),
                _ => RGBColor(213, 94, 0),
            },
        }
    }

    /// Towards black, to be seen on the colour itself.
    pub(super) const fn shade(self) -> RGBColor {
        let RGBColor(red, green, blue) = self.color();
        RGBColor(red / 2, green / 2, blue / 2)
    }

    /// For words: the colour itself where it can be read on white, darker where it cannot.
    pub(super) const fn shade_for_words(self) -> RGBColor {
        match self.color() {
            dark @ (RGBColor(0, 114, 178) | RGBColor(70, 70, 70)) => dark,
            // Two thirds of the vermilion, green, purple and orange stand out enough.
            RGBColor(red, green, blue) => RGBColor(red / 3 * 2, green / 3 * 2, blue / 3 * 2),
        }
    }

    /// Towards white, for a surface behind lines.
    pub(super) const fn tint(self) -> RGBColor {
        let RGBColor(red, green, blue) = self.color();
        RGBColor(255 - (255 - red) / 5, 255 - (255 - green) / 5, 255 - (255 - blue) / 5)
    }
}

/// The ground of a figure on a dark page.
const DARK_GROUND: RGBColor = RGBColor(27, 31, 36);

/// For each colour of a figure, as an SVG has it, what stands for it on a dark ground.
pub fn dark_colors() -> Vec<(String, String)> {
    let mut hues = vec![
        Hue::ElastiCache,
        Hue::InfiniCache,
        Hue::InfiniCacheWithoutBackup,
        Hue::S3,
        Hue::Serving,
        Hue::Backup,
        Hue::WarmUp,
    ];
    hues.extend((0..6).map(Hue::Series));
    let mut pairs = vec![
        (WHITE, DARK_GROUND),
        (BLACK, RGBColor(238, 240, 243)),
        (DARK_GREY, RGBColor(179, 186, 196)),
        (LIGHT_GREY, RGBColor(58, 64, 73)),
    ];
    for hue in hues {
        let color = hue.color();
        // Bright enough to stand out, and brighter where white ground made it darker.
        let bright = mixed(color, WHITE, if is_dark(color) { 0.4 } else { 0.0 });
        pairs.push((color, bright));
        pairs.push((hue.shade(), mixed(bright, WHITE, 0.55)));
        pairs.push((hue.shade_for_words(), mixed(bright, WHITE, 0.25)));
        pairs.push((hue.tint(), mixed(bright, DARK_GROUND, 0.65)));
    }
    for hue in [Hue::InfiniCache, Hue::ElastiCache] {
        for step in 1..=super::surface::N_STEPS {
            let bright = mixed(hue.color(), WHITE, 0.1);
            let depth = f64::from(step) / f64::from(super::surface::N_STEPS);
            let light = super::surface::shade_of(hue, step);
            pairs.push((light, mixed(DARK_GROUND, bright, 0.85 * depth)));
        }
    }
    let mut named: Vec<(String, String)> = Vec::new();
    for (light, dark) in pairs {
        let light = hex(light);
        // The first meaning of a colour that has two.
        if named.iter().all(|(it, _)| *it != light) {
            named.push((light, hex(dark)));
        }
    }
    named
}

fn is_dark(RGBColor(red, green, blue): RGBColor) -> bool {
    u32::from(red) * 3 + u32::from(green) * 6 + u32::from(blue) < 1_300
}

/// A colour with so much of another in it.
pub(super) fn mixed(color: RGBColor, other: RGBColor, part: f64) -> RGBColor {
    let mix = |of: u8, with: u8| {
        let (of, with) = (f64::from(of), f64::from(with));
        #[expect(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "0 to 255")]
        let mixed = (of + part * (with - of)).round() as u8;
        mixed
    };
    RGBColor(mix(color.0, other.0), mix(color.1, other.1), mix(color.2, other.2))
}

fn hex(RGBColor(red, green, blue): RGBColor) -> String {
    format!("#{red:02X}{green:02X}{blue:02X}")
}
