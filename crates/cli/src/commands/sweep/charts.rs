//! The points of a sweep as figures: what each costs against what it misses, and how long it takes.

use report::chart::{Chart, Choice, Estimate, Hue, Scale, TradeOff};

use super::swept::{COST, HITS, LATENCY, Outcome, Swept, kind};
use crate::axes::Point;
use crate::best::unbeaten;

/// The kind of system that is behind the caches, too.
const STORE: &str = "s3";

/// Of the families, as many as can be told apart.
const HUES: [Hue; 8] = [
    Hue::Series(0),
    Hue::Series(1),
    Hue::Series(2),
    Hue::Series(3),
    Hue::Series(4),
    Hue::Series(5),
    Hue::InfiniCache,
    Hue::WarmUp,
];

impl Swept {
    /// The figures of a sweep, each with its name.
    pub(super) fn charts(&self) -> Vec<(&'static str, Chart)> {
        let caption = "Each choice a dot with its 95 % intervals, those named that no other beats \
                       in both.";
        let latency = "Mean latency of GETs (ms)";
        let misses = |it: &Outcome| {
            let Estimate { mean, low, high } = it[HITS]?;
            let missed = |hits: f64| 100.0 * (1.0 - hits);
            Some(Estimate { mean: missed(mean), low: missed(high), high: missed(low) })
        };
        let all = |_: &Point| true;
        // The store that is behind the caches misses nothing.
        let caches = |it: &Point| kind(&it.system) != STORE;
        let what = "Misses per GET (%)";
        let charts = [
            (
                "latency",
                self.trade_off("Cost against latency", caption, latency, all, |it| it[LATENCY]),
            ),
            ("misses", self.trade_off("Cost against misses", caption, what, caches, misses)),
        ];
        charts.into_iter().filter_map(|(name, chart)| Some((name, chart?))).collect()
    }

    /// Nothing where no point is shown, or one of them has nothing to show.
    fn trade_off(
        &self,
        title: &str,
        caption: &str,
        what: &str,
        is_shown: impl Fn(&Point) -> bool,
        of: impl Fn(&Outcome) -> Option<Estimate>,
    ) -> Option<Chart> {
        let shown: Vec<usize> =
            (0..self.points.len()).filter(|it| is_shown(&self.points[*it])).collect();
        let place = |index: &usize| {
            let outcome = &self.outcomes[*index];
            Some((outcome[COST]?, of(outcome)?))
        };
        let places: Vec<(Estimate, Estimate)> = shown.iter().map(place).collect::<Option<_>>()?;
        if places.is_empty() {
            return None;
        }
        let is_best = unbeaten(&places.iter().map(|(x, y)| [x.mean, y.mean]).collect::<Vec<_>>());
        let (families, names) = (self.families(), self.names());
        // Numbered over all of them, so that a colour is the same in each figure; caches first, as
        // the store is not in all figures.
        let is_store = |it: &usize| kind(&self.points[*it].system) == STORE;
        let (stores, caches): (Vec<usize>, Vec<usize>) = (0..self.points.len()).partition(is_store);
        let mut seen: Vec<&str> = Vec::new();
        for index in caches.into_iter().chain(stores) {
            if !seen.contains(&families[index].as_str()) {
                seen.push(&families[index]);
            }
        }
        let mut choices = Vec::new();
        for ((index, (x, y)), is_best) in shown.into_iter().zip(places).zip(is_best) {
            let family = families[index].as_str();
            let number = seen.iter().position(|it| *it == family).unwrap_or_default();
            let hue = HUES[number % HUES.len()];
            let (family, name) = (family.to_owned(), names[index].clone());
            choices.push(Choice { family, name, hue, x, y, is_best });
        }
        Some(Chart::TradeOff(TradeOff {
            title: title.to_owned(),
            caption: caption.to_owned(),
            x: cost_scale(&choices),
            y: outcome_scale(what, &choices),
            choices,
        }))
    }

    /// For each point what it shares its colour with: the others at its value of the axis with
    /// the fewest values, or, if those and a cluster and a store are more than there are colours,
    /// those of its kind.
    fn families(&self) -> Vec<String> {
        const N_VALUES_MAX: usize = HUES.len() - 2;
        let n_values = |axis: &&str| {
            let mut values: Vec<&str> =
                self.points.iter().filter_map(|it| it.value(axis)).collect();
            values.sort_unstable();
            values.dedup();
            values.len()
        };
        let axis =
            self.axes().into_iter().filter(|it| n_values(it) <= N_VALUES_MAX).min_by_key(n_values);
        let family = |point: &Point| match axis.and_then(|it| Some((it, point.value(it)?))) {
            Some((axis, value)) => format!("{axis} {value}"),
            None if point.values.is_empty() => point.system.clone(),
            None => kind(&point.system).to_owned(),
        };
        self.points.iter().map(family).collect()
    }
}

/// The costs, with room at their edges for the names of the best.
fn cost_scale(choices: &[Choice]) -> Scale {
    /// Apart by more than this they would stand on top of each other.
    const SPREAD_MAX: f64 = 20.0;
    let costs = || choices.iter().map(|it| it.x.mean);
    let (least, most) = (costs().fold(f64::INFINITY, f64::min), costs().fold(0.0, f64::max));
    let right = choices.iter().map(|it| it.x.high).fold(0.0, f64::max);
    if 0.0 < least && SPREAD_MAX * least < most {
        Scale::logarithmic("Cost (US$)").between(least / 1.5, right * 2.0)
    } else {
        Scale::linear("Cost (US$)").between(0.0, (right * 1.15).max(1e-9))
    }
}

/// The outcomes from about the least of them, as dots are compared with each other.
fn outcome_scale(what: &str, choices: &[Choice]) -> Scale {
    let least = choices.iter().map(|it| it.y.low).fold(f64::INFINITY, f64::min);
    let most = choices.iter().map(|it| it.y.high).fold(0.0, f64::max);
    let apart = most - least;
    // Where all are alike there is room around them, too.
    let edge = 0.15 * if 1e-9 * most < apart { apart } else { most };
    let top = if 0.0 < most { most + edge } else { 1.0 };
    Scale::linear(what).between((least - edge).max(0.0), top)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn outcomes_have_room_around_them() {
        let check = |outcomes: &[f64], from: f64, to: f64| {
            let choice = |mean: &f64| Choice {
                family: String::new(),
                name: String::new(),
                hue: Hue::S3,
                x: Estimate::default(),
                y: Estimate { mean: *mean, low: *mean, high: *mean },
                is_best: false,
            };
            let choices: Vec<Choice> = outcomes.iter().map(choice).collect();
            let Scale { from: Some(start), to: Some(end), .. } = outcome_scale("%", &choices)
            else {
                panic!("it has both ends")
            };
            assert!((start - from).abs() < 1e-9 && (end - to).abs() < 1e-9, "{start} to {end}");
        };
        check(&[20.0, 40.0], 17.0, 43.0);
        check(&[20.0, 20.0], 17.0, 23.0);
        check(&[0.0, 0.0], 0.0, 1.0);
    }

    #[test]
    fn a_family_has_a_colour_of_its_own_that_is_the_same_in_every_figure() {
        let point = |system: &str, nodes: Option<&str>| Point {
            system: system.to_owned(),
            values: nodes.map(|it| ("nodes".to_owned(), it.to_owned())).into_iter().collect(),
        };
        // The store is in the first figure alone.
        let mut points = vec![point("s3", None), point("elasticache:cache.r5.large", None)];
        let nodes = ["20", "40", "60", "80", "100", "120"];
        points.extend(nodes.map(|it| point(&format!("infinicache:nodes={it}"), Some(it))));
        let mut swept = Swept::of(String::new(), points, Vec::new(), Vec::new());
        swept.outcomes = vec![[Some(Estimate { mean: 0.5, low: 0.5, high: 0.5 }); 5]; 8];
        let hues = |chart: &Chart| -> Vec<(String, Hue)> {
            let Chart::TradeOff(TradeOff { choices, .. }) = chart else { panic!("of choices") };
            choices.iter().map(|it| (it.family.clone(), it.hue)).collect()
        };
        let charts = swept.charts();
        let [latency, misses] = [0, 1].map(|it| hues(&charts[it].1));
        assert_eq!((latency.len(), misses.len()), (8, 7));
        assert_eq!(latency[1..], misses);
        for (index, (family, hue)) in latency.iter().enumerate() {
            let like = latency[..index].iter().find(|it| it.1.looks_like(*hue));
            assert_eq!(like, None, "{family}");
        }
        assert!(hues(&charts[0].1)[0].1 == HUES[7], "the store is the last of them");
    }
}
