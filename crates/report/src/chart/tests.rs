//! That a figure is a function of its input, and shows what it was given.

use super::letters::metrics;
use super::*;
use crate::reference;

const FIG13: &str = include_str!("../../../../experiments/reference/fig13_hourly_cost.csv");
const FIG17: &str = include_str!("../../../../experiments/reference/fig17_infinicache.csv");

fn totals() -> Figure {
    let bar = |hue, label: &str, ours_usd: Option<f64>, paper_usd| TotalCost {
        hue,
        label: label.to_owned(),
        ours_usd: ours_usd.map(|mean| Estimate { mean, low: 0.9 * mean, high: 1.1 * mean }),
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
    let interval_usd = vec![(0.2, 0.3); paper.serving_usd.len()];
    let caption = caption.to_owned();
    fig13_hourly(panel, &Fig13Hourly { ours, interval_usd, paper: Some(paper), caption })
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
        ("curves", Chart::Curves(made_up_curves()).draw()),
        ("boxes", Chart::Boxes(made_up_boxes()).draw()),
        ("choices", Chart::TradeOff(made_up_choices()).draw()),
        ("surface", Chart::Surface(made_up_surface()).draw()),
        ("tornado", Chart::Tornado(made_up_tornado()).draw()),
    ]
}

/// Four plots, of which one is empty, with an interval, a stepped and a dashed curve.
fn made_up_curves() -> CurveChart {
    let points = |by: f64| (1..40).map(|it| (f64::from(it), by * f64::from(it * it))).collect();
    let plot = |title: &str, y: Scale, curves: Vec<Curve>| Plot {
        title: title.to_owned(),
        x: Scale::logarithmic("Clients").written(Ticks::Seconds),
        y,
        curves,
    };
    let ours = Curve::ours("InfiniCache", Hue::InfiniCache, points(2.0));
    let interval = (1..40).map(f64::from).map(|it| (it, it * it, 3.0 * it * it)).collect();
    CurveChart {
        title: "Throughput over clients".to_owned(),
        caption: "Made up.".to_owned(),
        n_columns: 2,
        plots: vec![
            plot(
                "(a)",
                Scale::linear("GB/s"),
                vec![ours.clone(), Curve::paper("InfiniCache", Hue::InfiniCache, points(2.5))],
            ),
            plot("(b)", Scale::logarithmic("GB/s"), vec![Curve { interval, ..ours.clone() }]),
            plot("(c)", Scale::linear("Part").between(0.0, 1.0), vec![]),
            plot(
                "(d)",
                Scale::linear("GB/s"),
                vec![
                    Curve { is_stepped: true, ..ours },
                    Curve::ours("ElastiCache", Hue::ElastiCache, points(0.3)),
                    Curve::paper("S3", Hue::S3, points(0.1)),
                ],
            ),
        ],
        naming: Naming::Beside,
    }
}

/// As Fig 11 has them: six plots, and boxes of several codes in each of six sizes.
fn made_up_boxes() -> BoxChart {
    let spread = |median: f64| Spread {
        low: 0.7 * median,
        q1: 0.9 * median,
        median,
        q3: 1.2 * median,
        high: 1.6 * median,
    };
    let group = |size: u32| BoxGroup {
        name: size.to_string(),
        boxes: [
            ("10+1", Origin::Ours, 1.1),
            ("10+1", Origin::Paper, 1.0),
            ("4+2", Origin::Ours, 2.0),
        ]
        .into_iter()
        .map(|(name, origin, by)| SpreadBox {
            name: name.to_owned(),
            hue: if name == "4+2" { Hue::Series(1) } else { Hue::InfiniCache },
            origin,
            spread: spread(by * f64::from(size)),
        })
        .collect(),
    };
    let plot = |memory: u32| BoxPlot {
        title: format!("{memory} MB"),
        x_title: "Object size (MB)".to_owned(),
        y: Scale::linear("Latency (ms)"),
        groups: [10, 20, 40, 60, 80, 100].map(group).to_vec(),
    };
    BoxChart {
        title: "Latency of reads by memory, code and size".to_owned(),
        caption: "Made up.".to_owned(),
        n_columns: 2,
        plots: [128, 256, 512, 1024, 2048, 3008].map(plot).to_vec(),
    }
}

fn made_up_choices() -> TradeOff {
    let choice = |number: u8| {
        let at = f64::from(number) + 1.0;
        let around = |it: f64| Estimate { mean: it, low: 0.9 * it, high: 1.1 * it };
        Choice {
            family: format!("10+{}", number % 3),
            name: format!("10+{}, {number} min", number % 3),
            hue: Hue::Series(number % 3),
            x: around(3.0 * at),
            y: around(10.0 / at),
            is_best: number.is_multiple_of(2),
        }
    };
    TradeOff {
        title: "Cost against loss".to_owned(),
        caption: "Made up.".to_owned(),
        x: Scale::linear("Cost (US$)"),
        y: Scale::logarithmic("Reads lost (%)"),
        choices: (0..9).map(choice).collect(),
    }
}

fn made_up_surface() -> SurfaceChart {
    let places: Vec<f64> = (0..20).map(|it| libm::pow(10.0, f64::from(it) / 4.0)).collect();
    let row = |y: &f64| places.iter().map(|x| x / y).collect();
    let plot = |title: &str| Surface {
        title: title.to_owned(),
        xs: places.clone(),
        ys: places.clone(),
        ratios: places.iter().map(row).collect(),
        lines: vec![Curve::ours(
            "equal",
            Hue::Series(0),
            places.iter().map(|it| (*it, *it)).collect(),
        )],
        mark: Some((100.0, 1_000.0, "here".to_owned())),
    };
    SurfaceChart {
        title: "Which is cheaper".to_owned(),
        caption: "Made up.".to_owned(),
        below: "ours is cheaper".to_owned(),
        above: "theirs is cheaper".to_owned(),
        x: Scale::logarithmic("Requests per hour"),
        y: Scale::logarithmic("Working set").written(Ticks::Megabytes),
        plots: vec![plot("2019"), plot("2026"), plot("2026, Serverless")],
    }
}

fn made_up_tornado() -> Tornado {
    let row = |name: &str, lower: f64, higher: f64| TornadoRow {
        name: name.to_owned(),
        lower: Moved { value: "128 MB".to_owned(), outcome: lower },
        higher: Moved { value: "3008 MB".to_owned(), outcome: higher },
    };
    Tornado {
        title: "What the cost depends on".to_owned(),
        caption: "Made up.".to_owned(),
        outcome: Scale::linear("Cost (US$)"),
        base: 17.0,
        rows: vec![row("memory (1536 MB)", 10.0, 30.0), row("one side", 18.0, 19.0)],
    }
}

#[test]
fn a_figure_is_drawn_twice_to_the_same_bytes() {
    for ((name, first), (_, second)) in figures().into_iter().zip(figures()) {
        assert_eq!(first.svg(), second.svg(), "{name}");
        assert_eq!(first.png(), second.png(), "{name}");
    }
}

/// The words of a figure with their rectangles.
fn words(figure: &Figure) -> impl Iterator<Item = (&str, (scene::Pixel, scene::Pixel))> {
    figure.marks.iter().filter_map(|it| match it {
        scene::Mark::Text(text) => Some((text.text.as_str(), text.bounds())),
        _ => None,
    })
}

#[track_caller]
fn check_words(name: &str, figure: &Figure) {
    let all: Vec<_> = words(figure).filter(|(text, _)| !text.is_empty()).collect();
    for (index, (text, ((left, top), (right, bottom)))) in all.iter().enumerate() {
        let is_inside = 0.0 <= *left && *right <= style::WIDTH;
        assert!(is_inside, "{name}: {text} from {left} to {right}");
        assert!(0.0 <= *top && *bottom <= figure.height, "{name}: {text} at {top}");
        for (other, ((x, y), (to_x, to_y))) in &all[..index] {
            let overlap = left + 1.0 < *to_x && x + 1.0 < *right && top + 2.5 < *to_y;
            assert!(!(overlap && y + 2.5 < *bottom), "{name}: `{text}` lies on `{other}`");
        }
    }
}

#[test]
fn every_word_lies_inside_the_figure_and_none_on_another() {
    for (name, figure) in figures() {
        check_words(name, &figure);
    }
}

/// What the parts of a figure are drawn with: how many dots, and dashed lines.
#[track_caller]
fn check_marks(curve: Curve, n_dots: usize, n_dashed: usize) {
    let chart = CurveChart {
        title: "One curve".to_owned(),
        caption: "Made up.".to_owned(),
        n_columns: 1,
        plots: vec![Plot {
            title: String::new(),
            x: Scale::linear("Hour (h)"),
            y: Scale::logarithmic("Cost (US$)"),
            curves: vec![curve],
        }],
        naming: Naming::Legend,
    };
    let figure = Chart::Curves(chart).draw();
    let count = |is: fn(&scene::Mark) -> bool| figure.marks.iter().filter(|it| is(it)).count();
    let is_dashed = |it: &scene::Mark| matches!(it, scene::Mark::Line { is_dashed: true, .. });
    assert_eq!(count(|it| matches!(it, scene::Mark::Dot { .. })), n_dots);
    assert_eq!(count(is_dashed), n_dashed);
}

#[test]
fn a_point_alone_is_a_dot_and_a_second_of_a_colour_is_dashed() {
    let of = |n_points: u32| {
        let points = (1..=n_points).map(|it| (f64::from(it), 2.0)).collect();
        Curve::ours("InfiniCache", Hue::InfiniCache, points)
    };
    check_marks(of(2), 0, 0);
    check_marks(of(1), 1, 0);
    check_marks(Curve { interval: vec![(1.0, 1.0, 3.0)], ..of(1) }, 1, 0);
    // The curve and its sample in the legend.
    check_marks(Curve { is_dashed: true, ..of(2) }, 0, 2);
    // A ring, and the sample.
    check_marks(Curve { is_dashed: true, ..of(1) }, 2, 1);
}

#[test]
fn a_figure_comes_back_from_its_numbers() {
    let charts = [
        Chart::Curves(made_up_curves()),
        Chart::Boxes(made_up_boxes()),
        Chart::TradeOff(made_up_choices()),
        Chart::Surface(made_up_surface()),
        Chart::Tornado(made_up_tornado()),
    ];
    for chart in charts {
        let json = chart.to_json();
        let back = Chart::from_json(&json).unwrap();
        assert_eq!(back.to_json(), json);
        assert_eq!(back.draw().svg(), Chart::from_json(&json).unwrap().draw().svg());
    }
}

/// The figures that are kept are what their numbers draw, and their words can be read.
#[test]
fn the_committed_figures_are_drawn_from_their_numbers() {
    let dir = concat!(env!("CARGO_MANIFEST_DIR"), "/../../figures");
    let mut n_figures = 0;
    for entry in std::fs::read_dir(format!("{dir}/data")).unwrap() {
        let path = entry.unwrap().path();
        // The same numbers are there as Parquet, too.
        if path.extension().is_none_or(|it| it != "json") {
            continue;
        }
        let name = path.file_stem().unwrap().to_str().unwrap().to_owned();
        let chart = Chart::from_json(&std::fs::read_to_string(&path).unwrap()).unwrap();
        let rows = chart.to_rows();
        assert!(!rows.rows.is_empty(), "{name} has numbers");
        assert!(rows.rows.iter().all(|it| it.len() == rows.columns.len()), "{name}");
        let figure = chart.draw();
        let committed = std::fs::read_to_string(format!("{dir}/{name}.svg")).unwrap();
        assert!(figure.svg() == committed, "{name} is drawn otherwise: draw the figures again");
        check_words(&name, &figure);
        n_figures += 1;
    }
    assert!(10 < n_figures, "{n_figures} figures");
}

#[test]
fn every_colour_of_a_figure_has_one_for_a_dark_page() {
    let dark: std::collections::BTreeMap<String, String> = dark_colors().into_iter().collect();
    for (name, figure) in figures() {
        let svg = figure.plot_svg();
        for part in svg.split("=\"#").skip(1) {
            let color = format!("#{}", &part[..6]);
            assert!(dark.contains_key(&color), "{name}: {color}");
        }
        assert!(!svg.contains(figure.title.as_str()) || svg.matches(&figure.title).count() == 1);
    }
}

/// How much a colour such as `#1B1F24` stands out from another (WCAG 2.2, contrast ratio).
fn contrast(one: &str, other: &str) -> f64 {
    let luminance = |color: &str| -> f64 {
        let part = |at: usize| f64::from(u8::from_str_radix(&color[at..at + 2], 16).unwrap());
        let linear = |part: f64| {
            let part = part / 255.0;
            if part <= 0.04045 { part / 12.92 } else { libm::pow((part + 0.055) / 1.055, 2.4) }
        };
        0.2126 * linear(part(1)) + 0.7152 * linear(part(3)) + 0.0722 * linear(part(5))
    };
    let (one, other) = (luminance(one) + 0.05, luminance(other) + 0.05);
    one.max(other) / one.min(other)
}

#[test]
fn words_stand_out_in_both_themes() {
    assert!((contrast("#000000", "#FFFFFF") - 21.0).abs() < 1e-9);
    let dark: std::collections::BTreeMap<String, String> = dark_colors().into_iter().collect();
    let hex = |scene::Text { color, .. }: &scene::Text| {
        format!("#{:02X}{:02X}{:02X}", color.0, color.1, color.2)
    };
    let mut faint = Vec::new();
    for (name, figure) in figures() {
        for mark in &figure.marks {
            if let scene::Mark::Text(text) = mark {
                let color = hex(text);
                let ratios = [(&color, "#FFFFFF"), (&dark[&color], dark["#FFFFFF"].as_str())]
                    .map(|(word, ground)| contrast(word, ground));
                if ratios.iter().any(|it| *it < 4.5) {
                    faint.push(format!("{name}: {}: {ratios:.1?}", text.text));
                }
            }
        }
    }
    for hue in (0..6).map(Hue::Series).chain([Hue::ElastiCache, Hue::InfiniCache, Hue::S3]) {
        let of = hue.shade_for_words();
        let color = format!("#{:02X}{:02X}{:02X}", of.0, of.1, of.2);
        let ratios = [contrast(&color, "#FFFFFF"), contrast(&dark[&color], &dark["#FFFFFF"])];
        if ratios.iter().any(|it| *it < 4.5) {
            faint.push(format!("{hue:?}: {ratios:.1?}"));
        }
    }
    assert!(faint.is_empty(), "{faint:#?}");
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
    let (ours, interval_usd) = (HourlyCost::default(), Vec::new());
    let empty = Fig13Hourly { ours, interval_usd, paper: None, caption: String::new() };
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
