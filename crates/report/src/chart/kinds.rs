//! Every kind of figure under one type, so that its numbers can be kept and drawn again.

use serde::{Deserialize, Serialize};
use serde_json::{Number, Value};

use super::{
    BoxChart, CurveChart, Fig13Hourly, Fig13Total, Fig17, Figure, Panel, SurfaceChart, Tornado,
    TradeOff, boxes, curves, fig13_hourly, fig13_total, fig17, surface, tornado, trade_off,
};

/// The numbers of a figure: all that its drawing depends on.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Chart {
    /// Fig 13 (a).
    TotalCost(Fig13Total),
    /// Fig 13 (b) to (d).
    HourlyCost(Panel, Fig13Hourly),
    /// Fig 17.
    CostOverRate(Fig17),
    /// Curves.
    Curves(CurveChart),
    /// Boxes.
    Boxes(BoxChart),
    /// Choices.
    TradeOff(TradeOff),
    /// A ratio over two quantities.
    Surface(SurfaceChart),
    /// What a result depends on.
    Tornado(Tornado),
}

impl Chart {
    /// Draws it.
    pub fn draw(&self) -> Figure {
        match self {
            Chart::TotalCost(it) => fig13_total(it),
            Chart::HourlyCost(panel, it) => fig13_hourly(*panel, it),
            Chart::CostOverRate(it) => fig17(it),
            Chart::Curves(it) => curves(it),
            Chart::Boxes(it) => boxes(it),
            Chart::TradeOff(it) => trade_off(it),
            Chart::Surface(it) => surface(it),
            Chart::Tornado(it) => tornado(it),
        }
    }

    /// Its numbers as JSON, to six significant digits.
    pub fn to_json(&self) -> String {
        let mut value = serde_json::to_value(self).expect("every key is a text");
        round(&mut value);
        let mut text = serde_json::to_string(&value).expect("every key is a text");
        text.push('\n');
        text
    }

    /// Reads what [`Chart::to_json`] wrote. Drawn from this, a figure is the same wherever its
    /// numbers are.
    pub fn from_json(text: &str) -> Result<Chart, serde_json::Error> {
        serde_json::from_str(text)
    }
}

fn round(value: &mut Value) {
    match value {
        Value::Number(number) if number.is_f64() => {
            let exact = number.as_f64().unwrap_or_default();
            let rounded = format!("{exact:.5e}").parse().ok().and_then(Number::from_f64);
            if let Some(rounded) = rounded {
                *number = rounded;
            }
        }
        Value::Array(values) => values.iter_mut().for_each(round),
        Value::Object(fields) => fields.values_mut().for_each(round),
        _ => {}
    }
}
