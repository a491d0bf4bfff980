//! How every figure looks: its colours, sizes and distances.

use plotters::style::RGBColor;

/// What a colour stands for: the same in every figure.
///
/// The colours are those of Okabe and Ito, which people with any colour vision tell apart
/// (Color Universal Design, 2008).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
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
pub(super) const LABEL_SIZE: f64 = 15.0;
pub(super) const CAPTION_SIZE: f64 = 13.5;
pub(super) const CURVE_WIDTH: f64 = 3.0;
pub(super) const PAPER_WIDTH: f64 = 2.0;
pub(super) const RULE_WIDTH: f64 = 1.0;

impl Hue {
    pub(super) const fn color(self) -> RGBColor {
        match self {
            Hue::ElastiCache => RGBColor(213, 94, 0),
            Hue::InfiniCache => RGBColor(0, 114, 178),
            Hue::InfiniCacheWithoutBackup => RGBColor(86, 180, 233),
            Hue::S3 => RGBColor(0, 158, 115),
            Hue::Serving => RGBColor(230, 159, 0),
            Hue::Backup => RGBColor(204, 121, 167),
            Hue::WarmUp => RGBColor(240, 228, 66),
        }
    }

    /// Towards black, to be seen on the colour itself.
    pub(super) const fn shade(self) -> RGBColor {
        let RGBColor(red, green, blue) = self.color();
        RGBColor(red / 2, green / 2, blue / 2)
    }

    /// Towards white, for a surface behind lines.
    pub(super) const fn tint(self) -> RGBColor {
        let RGBColor(red, green, blue) = self.color();
        RGBColor(255 - (255 - red) / 5, 255 - (255 - green) / 5, 255 - (255 - blue) / 5)
    }
}
