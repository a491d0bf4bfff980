//! That a figure is a function of its input, and shows what it was given.

use super::letters::{metrics, text_width};
use super::*;
use crate::reference;

const FIG13: &str = include_str!("../../../../experiments/reference/fig13_hourly_cost.csv");
const FIG17: &str = include_str!("../../../../experiments/reference/fig17_infinicache.csv");

fn totals() -> Figure {
    let bar = |hue, label: &str, ours_usd, paper_usd| TotalCost {
        hue,
        label: label.to_owned(),
        ours_usd,
        paper_usd: Some(paper_usd),
    };
    fig13_total(&Fig13Total {
        bars: vec![
            bar(Hue::ElastiCache, "ElastiCache", Some(518.40), 518.40),
            bar(Hue::InfiniCache, "InfiniCache\nall objects", Some(19.17), 20.52),
            bar(Hue::InfiniCache, "InfiniCache\nobjects over 10 MB", Some(17.02), 16.51),
            bar(Hue::InfiniCacheWithoutBackup, "InfiniCache over\n10 MB, no backup", None, 5.41),
        ],
        caption: "50 hours of the synthetic trace dallas-50h (seed 1), prices of \
                  aws-us-east-1-2019-12, beside Fig 13 (a) of Wang et al., FAST 2020. The axis \
                  is logarithmic."
            .to_owned(),
    })
}

/// The paper's curves as if they were ours, a little off.
fn nearly(paper: &HourlyCost) -> HourlyCost {
    let off = |usd: &[f64]| usd.iter().rev().map(|it| it * 1.1).collect();
    HourlyCost {
        serving_usd: off(&paper.serving_usd),
        backup_usd: off(&paper.backup_usd),
        warm_up_usd: off(&paper.warm_up_usd),
    }
}

fn hourly(panel: Panel) -> Figure {
    let paper = reference::hourly_costs(FIG13).unwrap().get(panel).clone();
    let caption = "Bars: 50 hours of the synthetic trace dallas-50h (seed 1). Dashed: Fig 13 of \
                   Wang et al., FAST 2020, read off its bars.";
    let ours = nearly(&paper);
    fig13_hourly(panel, &Fig13Hourly { ours, paper: Some(paper), caption: caption.to_owned() })
}

fn rates() -> Figure {
    let paper = reference::cost_at_rates(FIG17).unwrap();
    let flat = |usd_per_hour| -> Vec<CostAtRate> {
        paper.iter().map(|it| CostAtRate { usd_per_hour, ..*it }).collect()
    };
    let infinicache = paper
        .iter()
        .map(|it| CostAtRate { usd_per_hour: 0.3 + it.usd_per_hour * 0.95, ..*it })
        .collect();
    let (ours, theirs) = (flat(10.368), flat(10.3681));
    fig17(&Fig17 {
        infinicache,
        infinicache_paper: paper,
        elasticache: ours,
        elasticache_paper: theirs,
        crossover: Some(CostAtRate { requests_per_hour: 319_243.0, usd_per_hour: 10.368 }),
        crossover_paper_requests_per_hour: Some(312_000.0),
        caption: "Equations 4 to 6 of Wang et al., FAST 2020, with 400 functions of 1.5 GB and \
                  12 invocations a request; prices of aws-us-east-1-2019-12."
            .to_owned(),
    })
}

fn figures() -> Vec<(&'static str, Figure)> {
    vec![
        ("fig13_total", totals()),
        ("fig13_all", hourly(Panel::All)),
        ("fig13_large", hourly(Panel::Large)),
        ("fig13_large_nobackup", hourly(Panel::LargeWithoutBackup)),
        ("fig17", rates()),
    ]
}

#[test]
fn a_figure_is_drawn_twice_to_the_same_bytes() {
    for ((name, first), (_, second)) in figures().into_iter().zip(figures()) {
        assert_eq!(first.svg(), second.svg(), "{name}");
        assert_eq!(first.png(), second.png(), "{name}");
    }
}

#[test]
fn every_word_lies_inside_the_figure() {
    for (name, figure) in figures() {
        for text in figure.marks.iter().filter_map(|it| match it {
            scene::Mark::Text(text) if !text.is_upright => Some(text),
            _ => None,
        }) {
            let width = text_width(&text.text, text.size);
            let left = match text.anchor {
                scene::Anchor::Start => text.at.0,
                scene::Anchor::Middle => text.at.0 - width / 2.0,
                scene::Anchor::End => text.at.0 - width,
            };
            assert!(0.0 <= left && left + width <= style::WIDTH, "{name}: {text:?}");
            assert!(text.size <= text.at.1 && text.at.1 <= style::HEIGHT, "{name}: {text:?}");
        }
    }
}

#[test]
fn every_sign_of_a_figure_is_in_the_embedded_font() {
    for (name, figure) in figures() {
        for mark in &figure.marks {
            if let scene::Mark::Text(text) = mark {
                for sign in text.text.chars() {
                    assert!(metrics().contains_key(&sign), "{name}: {sign:?}");
                }
            }
        }
    }
}

#[test]
fn a_figure_of_nothing_is_drawn_all_the_same() {
    let empty = Fig13Hourly { ours: HourlyCost::default(), paper: None, caption: String::new() };
    let curves = Fig17 {
        infinicache: Vec::new(),
        infinicache_paper: Vec::new(),
        elasticache: Vec::new(),
        elasticache_paper: Vec::new(),
        crossover: None,
        crossover_paper_requests_per_hour: None,
        caption: String::new(),
    };
    let none = Fig13Total { bars: Vec::new(), caption: String::new() };
    for figure in [fig13_hourly(Panel::All, &empty), fig17(&curves), fig13_total(&none)] {
        assert!(figure.svg().ends_with("</svg>\n"));
        assert!(figure.png().starts_with(b"\x89PNG"));
    }
}
