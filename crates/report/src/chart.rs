//! The figures: plain numbers in, SVG and PNG out.
//!
//! All figures share one style: a thing has the same colour everywhere, ours is solid and the
//! paper's is dashed, every axis says its unit, and the caption stands under the plot. A figure
//! is a function of its input alone, down to the letters, whose font is embedded. It is a list
//! of marks that plotters' backends draw; plotters' own axes are not used, so that both kinds
//! of file show the same marks in the same places.

mod axis;
mod boxes;
mod curves;
mod fig13;
mod fig17;
mod frame;
mod kinds;
mod labels;
mod letters;
mod png;
mod render;
mod rows;
mod scene;
mod style;
mod surface;
#[cfg(test)]
mod tests;
mod tornado;
mod trade_off;

pub use self::axis::{Scale, Spacing, Ticks};
pub use self::boxes::{BoxChart, BoxGroup, BoxPlot, Spread, SpreadBox, boxes};
pub use self::curves::{Curve, CurveChart, Naming, Origin, Plot, curves};
pub use self::fig13::{
    Fig13Hourly, Fig13Total, HourlyCost, Panel, TotalCost, fig13_hourly, fig13_total,
};
pub use self::fig17::{CostAtRate, Fig17, fig17};
pub use self::kinds::Chart;
pub use self::scene::Figure;
pub use self::style::{Hue, dark_colors};
pub use self::surface::{Surface, SurfaceChart, surface};
pub use self::tornado::{Moved, Tornado, TornadoRow, tornado};
pub use self::trade_off::{Choice, Estimate, TradeOff, trade_off};
