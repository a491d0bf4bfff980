//! The figures: plain numbers in, SVG and PNG out.
//!
//! All figures share one style: a thing has the same colour everywhere, ours is solid and the
//! paper's is dashed, every axis says its unit, and the caption stands under the plot. A figure
//! is a function of its input alone, down to the letters, whose font is embedded. It is a list
//! of marks that plotters' backends draw; plotters' own axes are not used, so that both kinds
//! of file show the same marks in the same places.

mod fig13;
mod fig17;
mod frame;
mod letters;
mod png;
mod render;
mod scene;
mod style;
#[cfg(test)]
mod tests;

pub use self::fig13::{
    Fig13Hourly, Fig13Total, HourlyCost, Panel, TotalCost, fig13_hourly, fig13_total,
};
pub use self::fig17::{CostAtRate, Fig17, fig17};
pub use self::scene::Figure;
pub use self::style::Hue;
