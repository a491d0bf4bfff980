//! How many times cheaper, or dearer, one system is than another.

use units::Usd;

use crate::number::{grouped_decimal, n_decimals_of_three_digits};

/// What a system costs beside another, under one seed or several.
#[derive(Clone, Debug, PartialEq)]
pub enum CostRatio {
    /// Nothing, where the other costs something.
    Free,
    /// No more: how many times cheaper it is, under each seed.
    Cheaper(Vec<f64>),
    /// More: how many times dearer it is, under each seed.
    Dearer(Vec<f64>),
}

impl CostRatio {
    /// What the `costs` of a system are beside those of the `base` under the same seeds. Which
    /// of the two is dearer is a matter of all seeds together, and a seed under which one of
    /// them is free has no say in by how much. Nothing where the base is free, or one of them
    /// under every seed.
    pub fn of(base: &[Usd], costs: &[Usd]) -> Option<CostRatio> {
        let total = |all: &[Usd]| all.iter().map(|it| it.as_f64()).sum::<f64>();
        let (base_total, costs_total) = (total(base), total(costs));
        if base_total <= 0.0 {
            return None;
        }
        if costs_total <= 0.0 {
            return Some(CostRatio::Free);
        }
        let pairs = base.iter().zip(costs).map(|(base, it)| (base.as_f64(), it.as_f64()));
        let pairs: Vec<(f64, f64)> = pairs.filter(|it| 0.0 < it.0 && 0.0 < it.1).collect();
        let ratios = |of: fn(&(f64, f64)) -> f64| pairs.iter().map(of).collect();
        (!pairs.is_empty()).then(|| {
            if base_total < costs_total {
                CostRatio::Dearer(ratios(|(base, it)| it / base))
            } else {
                CostRatio::Cheaper(ratios(|(base, it)| base / it))
            }
        })
    }
}

/// A number of times with half the width of its interval, both to the places that leave the
/// number three significant digits, its thousands set apart: `188` and `0`, `1.25` and `0.03`.
pub fn times_and_half_width(times: f64, half_width: f64) -> (String, String) {
    let n_decimals = n_decimals_of_three_digits(times);
    (grouped_decimal(times, n_decimals), grouped_decimal(half_width, n_decimals))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_dearer_of_two_is_told_from_the_cheaper() {
        let usd = |all: &[f64]| -> Vec<Usd> { all.iter().map(|it| Usd::from_f64(*it)).collect() };
        let check = |base: &[f64], costs: &[f64], expect: Option<CostRatio>| {
            assert_eq!(CostRatio::of(&usd(base), &usd(costs)), expect);
        };
        check(&[8.0], &[2.0], Some(CostRatio::Cheaper(vec![4.0])));
        check(&[2.0], &[8.0], Some(CostRatio::Dearer(vec![4.0])));
        check(&[2.0], &[2.0], Some(CostRatio::Cheaper(vec![1.0])));
        check(&[2.0], &[0.0], Some(CostRatio::Free));
        check(&[0.0], &[2.0], None);
        check(&[], &[], None);
        check(&[2.0, 0.0], &[0.0, 8.0], None);
        // One word for all seeds.
        check(&[2.0, 2.0], &[1.0, 8.0], Some(CostRatio::Dearer(vec![0.5, 4.0])));
        check(&[2.0, 2.0], &[0.0, 8.0], Some(CostRatio::Dearer(vec![4.0])));
    }

    #[test]
    fn an_interval_has_the_places_of_its_number() {
        let check = |times: f64, half_width: f64, expect: (&str, &str)| {
            let (times, half_width) = times_and_half_width(times, half_width);
            assert_eq!((times.as_str(), half_width.as_str()), expect);
        };
        check(188.4, 2.345, ("188", "2"));
        check(1.25, 0.034_5, ("1.25", "0.03"));
        check(25_920_000.0, 1_234.5, ("25,920,000", "1,234"));
        check(12_345.0, 0.0, ("12,345", "0"));
    }
}
