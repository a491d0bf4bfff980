//! Fig 14: what was lost and put right, hour by hour.

use report::chart::{Chart, Curve, CurveChart, Estimate, Hue, Naming, Panel, Plot, Scale};
use report::reference;
use sim::Counts;

use super::made::Made;
use super::seeds::estimates;

const COLUMNS: [&str; 4] = ["panel", "component", "hour", "count"];

/// One panel of Fig 14: RESETs, recoveries and reclaims, each over the hours.
pub(super) fn fig14(made: &Made, panel: Panel) -> anyhow::Result<Option<Chart>> {
    let paper = reference::curves(made.reference(0)?, COLUMNS)?;
    let seeds = made.system(0);
    let Some(first) = seeds.first() else { return Ok(None) };
    let n_hours = first.hours.len();
    let ours = |name: &str, hue, count: fn(&Counts) -> u64| {
        let of_seed = |it: &&report::comparison::SystemSummary| -> Vec<f64> {
            it.hours.iter().map(|it| count(&it.counts) as f64).collect()
        };
        let series: Vec<Vec<f64>> = seeds.iter().map(of_seed).collect();
        hourly(name, hue, &estimates(&series))
    };
    let theirs = |component: &str, hue| {
        let sums = by_hour(component, paper.get(&[panel.key(), component]));
        Curve { is_stepped: true, ..Curve::paper("", hue, steps(&sums)) }
    };
    let plot = |title: &str, curves: Vec<Curve>| Plot {
        title: title.to_owned(),
        x: Scale::linear("Hour of the replay (h)").between(0.0, n_hours as f64),
        y: Scale::linear("Per hour"),
        curves,
    };
    let pool = if panel == Panel::LargeWithoutBackup {
        Hue::InfiniCacheWithoutBackup
    } else {
        Hue::InfiniCache
    };
    let plots = vec![
        plot(
            "RESETs: reads of objects that were lost, or that were evicted",
            vec![
                ours("lost", Hue::Series(3), |it| it.n_resets),
                ours("or evicted", pool, Counts::n_reads_again),
                theirs("RESET", pool),
            ],
        ),
        plot(
            "Recoveries from parity: reads that needed one, and chunks put back",
            vec![
                ours("chunks", Hue::Series(3), |it| it.n_recovered_chunks),
                ours("reads", pool, |it| it.n_recoveries),
                theirs("Recovery", pool),
            ],
        ),
        plot(
            "Functions reclaimed",
            vec![ours("", pool, |it| it.n_reclaims), theirs("Reclaim", pool)],
        ),
    ];
    let letter = match panel {
        Panel::All => 'a',
        Panel::Large => 'b',
        Panel::LargeWithoutBackup => 'c',
    };
    Ok(Some(Chart::Curves(CurveChart {
        title: format!("Fig 14 ({letter}): faults and recoveries, {}", panel.title()),
        caption: format!(
            "{}; {}. The paper does not say whether its recoveries are reads or chunks; \
             its RESETs count both kinds (MODEL.md).",
            made.workload,
            made.seeds_with_interval()
        ),
        n_columns: 1,
        plots,
        naming: Naming::Beside,
    })))
}

/// The paper's counts, summed by the hour.
fn by_hour(component: &str, counts: &[(f64, f64)]) -> Vec<f64> {
    let mut sums = vec![0.0; 50];
    for (hour, count) in counts {
        // Hours are counted from 1; reclaims have the time at which they were plotted.
        let from = if component == "Reclaim" { *hour } else { hour - 1.0 };
        #[expect(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "50")]
        let index = ((from + 1e-3).floor().max(0.0) as usize).min(sums.len() - 1);
        sums[index] += count;
    }
    sums
}

/// The steps of a count per hour, from the start of the first to the end of the last.
fn steps(counts: &[f64]) -> Vec<(f64, f64)> {
    let hours = (0_u32..).map(f64::from);
    hours.zip(counts.iter().chain(counts.last()).copied()).collect()
}

fn hourly(name: &str, hue: Hue, hours: &[Estimate]) -> Curve {
    let means: Vec<f64> = hours.iter().map(|it| it.mean).collect();
    let with_end = (0_u32..).map(f64::from).zip(hours.iter().chain(hours.last()));
    let interval = with_end.map(|(hour, it)| (hour, it.low.max(0.0), it.high)).collect();
    Curve { is_stepped: true, interval, ..Curve::ours(name, hue, steps(&means)) }
}

#[cfg(test)]
mod tests {
    use super::super::references;
    use super::*;

    #[test]
    fn the_hours_of_the_paper_add_up_to_its_totals() {
        let text = references::embedded("reference/fig14_fault_tolerance.csv").unwrap();
        let paper = reference::curves(text, COLUMNS).unwrap();
        let check = |panel: Panel, component: &str, expect: f64, first: [f64; 3]| {
            let sums = by_hour(component, paper.get(&[panel.key(), component]));
            let total: f64 = sums.iter().sum();
            assert!((total - expect).abs() < 0.5, "{panel:?} {component}: {total}");
            assert!(sums.iter().zip(first).all(|(a, b)| (a - b).abs() < 0.5), "{sums:?}");
        };
        check(Panel::All, "RESET", 5_720.0, [141.0, 0.0, 97.0]);
        check(Panel::All, "Reclaim", 22_208.0, [52.0, 90.0, 800.0]);
        check(Panel::Large, "Recovery", 3_190.0, [6.0, 38.0, 17.0]);
        check(Panel::LargeWithoutBackup, "RESET", 3_911.0, [55.0, 10.0, 44.0]);
    }
}
