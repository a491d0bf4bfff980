//! One axis: what it shows and in which unit, its range, and the values marked on it.

use serde::{Deserialize, Serialize};

/// What an axis shows, and how.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Scale {
    /// What it shows, with the unit.
    pub title: String,
    /// Whether equal distances are equal differences or equal ratios.
    pub spacing: Spacing,
    /// How the values on it are written.
    pub ticks: Ticks,
    /// Where it starts, if that is not left to the values: 0 on a linear axis.
    pub from: Option<f64>,
    /// Where it ends, if that is not left to the values.
    pub to: Option<f64>,
}

/// What equal distances on an axis mean.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Spacing {
    /// Equal differences.
    Linear,
    /// Equal ratios. Values of 0 and less lie at the start.
    Logarithmic,
}

/// How the values on an axis are written.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Ticks {
    /// As numbers.
    Numbers,
    /// As sizes; the values are megabytes.
    Megabytes,
    /// As times; the values are seconds.
    Seconds,
}

impl Scale {
    /// A linear scale that the values determine, from 0 on.
    pub fn linear(title: &str) -> Scale {
        let (spacing, ticks) = (Spacing::Linear, Ticks::Numbers);
        Scale { title: title.to_owned(), spacing, ticks, from: None, to: None }
    }

    /// A logarithmic scale that the values determine.
    pub fn logarithmic(title: &str) -> Scale {
        Scale { spacing: Spacing::Logarithmic, ..Scale::linear(title) }
    }

    /// The same from and to these values.
    pub fn between(self, from: f64, to: f64) -> Scale {
        Scale { from: Some(from), to: Some(to), ..self }
    }

    /// The same with its values written like this.
    pub fn written(self, ticks: Ticks) -> Scale {
        Scale { ticks, ..self }
    }
}

/// One axis: what it shows and in which unit, its range, and the values marked on it.
#[derive(Clone, Debug)]
pub(super) struct Axis {
    pub(super) title: String,
    /// The ends, as they are on paper: their logarithms where the axis is logarithmic.
    from: f64,
    to: f64,
    is_logarithmic: bool,
    pub(super) ticks: Vec<(f64, String)>,
}

impl Axis {
    /// An axis from 0 to `max` or a little beyond, with about `n_ticks` round values on it.
    pub(super) fn linear(title: &str, max: f64, n_ticks: f64) -> Axis {
        let max = if max.is_finite() && 0.0 < max { max } else { 1.0 };
        let rough = max / n_ticks;
        let exponent = libm::floor(libm::log10(rough));
        let unit = libm::pow(10.0, exponent);
        let step = [1.0, 2.0, 5.0].into_iter().find(|it| rough <= it * unit).unwrap_or(10.0) * unit;
        #[expect(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "clamped")]
        let n_decimals = -libm::floor(libm::log10(step) + 1e-9).clamp(-9.0, 0.0) as usize;
        #[expect(
            clippy::cast_possible_truncation,
            clippy::cast_sign_loss,
            reason = "about n_ticks"
        )]
        let n_steps = libm::ceil(max / step - 1e-9) as u32;
        let ticks = (0..=n_steps)
            .map(|it| step * f64::from(it))
            .map(|it| (it, format!("{it:.n_decimals$}")))
            .collect();
        let to = step * f64::from(n_steps);
        Axis { title: title.to_owned(), from: 0.0, to, is_logarithmic: false, ticks }
    }

    /// The same, ending at `max` even between two marked values.
    pub(super) fn linear_to(title: &str, max: f64, n_ticks: f64) -> Axis {
        let mut axis = Axis::linear(title, max, n_ticks);
        axis.to = axis.to.min(max);
        let to = axis.to;
        axis.ticks.retain(|(value, _)| *value <= to);
        axis
    }

    /// A logarithmic axis over whole decades, from `10^from` to `10^to`, marked at each.
    pub(super) fn decades(title: &str, from: i32, to: i32) -> Axis {
        let ticks = (from..=to)
            .map(|it| {
                let n_decimals = usize::try_from(-it).unwrap_or(0);
                let value = libm::pow(10.0, f64::from(it));
                (value, format!("{value:.n_decimals$}"))
            })
            .collect();
        let (from, to) = (f64::from(from), f64::from(to));
        Axis { title: title.to_owned(), from, to, is_logarithmic: true, ticks }
    }

    /// The axis of a scale that is to hold `values`, with about `n_ticks` values on it.
    pub(super) fn of(scale: &Scale, values: impl Iterator<Item = f64>, n_ticks: f64) -> Axis {
        let is_logarithmic = scale.spacing == Spacing::Logarithmic;
        let shown = values.filter(|it| it.is_finite() && (!is_logarithmic || 0.0 < *it));
        let (least, greatest) = shown
            .fold((f64::INFINITY, f64::NEG_INFINITY), |(from, to), it| (from.min(it), to.max(it)));
        let (least, greatest) = if least <= greatest { (least, greatest) } else { (1.0, 10.0) };
        if is_logarithmic {
            // A little room, so that no mark lies on the frame.
            let from = scale.from.unwrap_or(least / 1.3).max(1e-12);
            let to = scale.to.unwrap_or(greatest * 1.3).max(from * 1.01);
            return Axis::log_of(scale, from, to, n_ticks);
        }
        let to = scale.to.unwrap_or(greatest);
        let from = scale.from.unwrap_or(0.0).min(to);
        let mut axis = Axis::linear(&scale.title, to - from, n_ticks);
        if scale.to.is_some() || from < 0.0 || 0.0 < from {
            let is_day = 23.9 < to && to < 24.1 && from.abs() < 0.1;
            // A day has quarters.
            let step = if is_day { 6.0 } else { axis.step() };
            let n_decimals = axis.n_decimals();
            #[expect(clippy::cast_possible_truncation, reason = "about n_ticks apart")]
            let steps =
                (libm::ceil(from / step - 1e-9) as i64)..=(libm::floor(to / step + 1e-9) as i64);
            axis.ticks = steps
                .map(|it| step * it as f64)
                .map(|it| (it, format!("{it:.n_decimals$}")))
                .collect();
            (axis.from, axis.to) = (from, to.max(from + 1e-9));
        }
        for (value, label) in &mut axis.ticks {
            if scale.ticks != Ticks::Numbers || 10_000.0 <= value.abs() {
                *label = scale.ticks.label(*value);
            }
        }
        axis
    }

    /// A logarithmic axis: a value at each decade, or at every second or third if there are too
    /// many, or several within if there are too few.
    fn log_of(scale: &Scale, from: f64, to: f64, n_ticks: f64) -> Axis {
        let (start, end) = (libm::log10(from), libm::log10(to));
        let n_decades = end - start;
        #[expect(clippy::cast_possible_truncation, reason = "clamped to 12 decades down, 300 up")]
        let decades = (libm::floor(start) as i32)..=(libm::ceil(end) as i32);
        let factors: &[f64] = if n_decades <= 2.2 { &[1.0, 2.0, 5.0] } else { &[1.0] };
        let every = [1, 2, 3, 4, 6].into_iter().find(|it| n_decades <= n_ticks * f64::from(*it));
        let every = every.unwrap_or(12);
        let ticks = decades
            .filter(|it| it.rem_euclid(every) == 0)
            .flat_map(|it| factors.iter().map(move |by| by * libm::pow(10.0, f64::from(it))))
            .filter(|it| from * 0.999 <= *it && *it <= to * 1.001)
            .map(|it| (it, scale.ticks.label(it)))
            .collect();
        Axis { title: scale.title.clone(), from: start, to: end, is_logarithmic: true, ticks }
    }

    fn step(&self) -> f64 {
        match self.ticks.as_slice() {
            [(first, _), (second, _), ..] => second - first,
            _ => 1.0,
        }
    }

    fn n_decimals(&self) -> usize {
        let decimals = |(_, it): &(f64, String)| it.split_once('.').map_or(0, |(_, it)| it.len());
        self.ticks.iter().map(decimals).max().unwrap_or(0)
    }

    /// An axis of named places, each one wide: the first from 0 to 1. A line break in a name is
    /// kept.
    pub(super) fn places(names: &[&str]) -> Axis {
        let ticks =
            (0_u32..).zip(names).map(|(it, name)| (f64::from(it) + 0.5, (*name).to_owned()));
        let ticks: Vec<(f64, String)> = ticks.collect();
        let to = ticks.len().max(1) as f64;
        Axis { title: String::new(), from: 0.0, to, is_logarithmic: false, ticks }
    }

    /// Where a value lies: 0 at the start of the axis, 1 at its end, and never beyond.
    pub(super) fn part(&self, value: f64) -> f64 {
        let value = if self.is_logarithmic { libm::log10(value) } else { value };
        let part = (value - self.from) / (self.to - self.from);
        if part.is_nan() { 0.0 } else { part.clamp(0.0, 1.0) }
    }
}

impl Ticks {
    /// A value as this writes it.
    pub(super) fn label(self, value: f64) -> String {
        let units: &[(f64, &str)] = match self {
            Ticks::Numbers => &[(1e9, "G"), (1e6, "M"), (1e4, "k"), (0.0, "")],
            Ticks::Megabytes => {
                &[(1e6, " TB"), (1e3, " GB"), (1.0, " MB"), (1e-3, " kB"), (0.0, " B")]
            }
            Ticks::Seconds => &[(1.0, " s"), (1e-3, " ms"), (0.0, " μs")],
        };
        let is_in = |(least, _): &&(f64, &str)| *least <= value.abs() * (1.0 + 1e-9);
        let (unit, name) = units.iter().find(is_in).copied().unwrap_or((1.0, ""));
        let unit = match (self, name) {
            (Ticks::Megabytes, " B") | (Ticks::Seconds, " μs") => 1e-6,
            (Ticks::Numbers, "k") => 1e3,
            (_, "") => 1.0,
            _ => unit,
        };
        let number = value / unit;
        let text = if 0.0 < number.abs() && number.abs() < 0.001 {
            // Ticks so small are 1, 2 or 5 times a power of ten, which a float is but nearly.
            format!("{number:.0e}")
        } else {
            format!("{}", (number * 1e6).round() / 1e6)
        };
        format!("{text}{name}")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn values_are_written_with_their_unit() {
        let check = |ticks: Ticks, value: f64, expect: &str| assert_eq!(ticks.label(value), expect);
        check(Ticks::Numbers, 0.0, "0");
        check(Ticks::Numbers, 0.05, "0.05");
        check(Ticks::Numbers, 1_000.0, "1000");
        check(Ticks::Numbers, 20_000.0, "20k");
        check(Ticks::Numbers, 1e6, "1M");
        check(Ticks::Numbers, 1e-5, "1e-5");
        check(Ticks::Megabytes, 1e-6, "1 B");
        check(Ticks::Megabytes, 1e-3, "1 kB");
        check(Ticks::Megabytes, 10.0, "10 MB");
        check(Ticks::Megabytes, 1e4, "10 GB");
        check(Ticks::Seconds, 0.001, "1 ms");
        check(Ticks::Seconds, 10.0, "10 s");
    }

    #[test]
    fn an_axis_holds_its_values() {
        let labels = |scale: &Scale, values: &[f64]| -> Vec<String> {
            let axis = Axis::of(scale, values.iter().copied(), 6.0);
            assert!(values.iter().all(|it| (0.0..=1.0).contains(&axis.part(*it))));
            axis.ticks.into_iter().map(|(_, it)| it).collect()
        };
        assert_eq!(labels(&Scale::linear("n"), &[3.0, 41.0]), ["0", "10", "20", "30", "40", "50"]);
        let percent = Scale::linear("%").between(90.0, 100.0);
        assert_eq!(labels(&percent, &[95.0]), ["90", "92", "94", "96", "98", "100"]);
        let sizes = Scale::logarithmic("size").written(Ticks::Megabytes);
        assert_eq!(labels(&sizes, &[1e-6, 1e3]), ["1 B", "100 B", "10 kB", "1 MB", "100 MB"]);
        assert_eq!(labels(&Scale::logarithmic("s"), &[0.3, 6.0]), ["0.5", "1", "2", "5"]);
        let rare = labels(&Scale::logarithmic("p"), &[1e-8, 1e-3]);
        assert_eq!(rare, ["1e-8", "1e-7", "1e-6", "1e-5", "1e-4", "0.001"]);
        assert_eq!(labels(&Scale::linear("h").between(0.0, 24.0), &[]).len(), 5);
        assert_eq!(labels(&Scale::logarithmic("s"), &[]).len(), 4);
    }
}
