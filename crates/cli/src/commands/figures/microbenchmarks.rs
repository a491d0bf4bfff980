//! Figs 4, 11 and 12: what one read takes, and what many clients read together.

use report::chart::{
    BoxChart, BoxGroup, BoxPlot, Chart, Curve, CurveChart, Hue, Naming, Origin, Plot, Scale,
    Spread, SpreadBox,
};
use serde::{Deserialize, Serialize};

use super::made::Made;
use crate::microbenchmarks::{Figure, Point, Quartiles, quantile};

/// Which of the microbenchmarks.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Bench {
    /// By hosts.
    Fig4,
    /// By memory, code and size.
    Fig11,
    /// By clients.
    Fig12,
}

/// One published point and ours, as it is kept.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub(crate) struct Measured {
    /// The number of its figure: 4, 11 or 12.
    figure: u8,
    /// What it is of, such as `1024 MB, 10+1, 60 MB`.
    what: String,
    /// Its place across.
    x: u32,
    /// The quartiles in milliseconds; of Fig 12 the least, the mean and the most in GB/s.
    paper: [f64; 3],
    ours: [f64; 3],
}

impl From<&Point> for Measured {
    fn from(point: &Point) -> Measured {
        let Point { figure, what, x, paper, ours } = point;
        let figure = match figure {
            Figure::Fig4FunctionSide | Figure::Fig4Client => 4,
            Figure::Fig11InfiniCache | Figure::Fig11ElastiCache => 11,
            Figure::Fig12 => 12,
        };
        let of = |it: &Quartiles| [it.low, it.middle, it.high];
        Measured { figure, what: what.clone(), x: *x, paper: of(paper), ours: of(ours) }
    }
}

impl Measured {
    /// Its id on the scoreboard, and our number, if it has a row there.
    pub(crate) fn number(&self) -> Option<(String, f64)> {
        let parts: Vec<&str> = self.what.split(", ").collect();
        let id = match (self.figure, parts.as_slice()) {
            (4, ["Client-perceived", _]) => format!("fig4_client_{}", self.x),
            (4, _) => format!("fig4_function_{}", self.x),
            (12, _) => format!("fig12_{}_clients", self.x),
            (_, ["ElastiCache(10-node)", _]) => format!("fig11_elasticache_{}mb", self.x),
            (_, ["ElastiCache(1-node)", _]) => format!("fig11_elasticache_one_{}mb", self.x),
            (_, [memory, code, _]) => {
                let (memory, code) = (memory.trim_end_matches(" MB"), code.replace('+', "p"));
                format!("fig11_{memory}_{code}_{}mb", self.x)
            }
            _ => return None,
        };
        Some((id, self.ours[1]))
    }

    /// How far our median is from the published one, without a sign and in percent, of all
    /// boxes of InfiniCache in Fig 11: for the half and for the nine tenths that are nearest.
    pub(crate) fn fig11_errors(measured: &[Measured]) -> Option<[f64; 2]> {
        let is_infinicache = |it: &&Measured| it.figure == 11 && !it.what.starts_with("Elasti");
        let error = |it: &Measured| 100.0 * (it.ours[1] / it.paper[1] - 1.0).abs();
        let mut errors: Vec<f64> = measured.iter().filter(is_infinicache).map(error).collect();
        errors.sort_unstable_by(f64::total_cmp);
        (!errors.is_empty()).then(|| [0.5, 0.9].map(|part| quantile(&errors, part)))
    }

    /// Ours beside the paper's.
    fn boxes(&self, name: &str, hue: Hue) -> [SpreadBox; 2] {
        [(Origin::Ours, self.ours), (Origin::Paper, self.paper)].map(|(origin, it)| {
            let [q1, median, q3] = it;
            let spread = Spread { low: q1, q1, median, q3, high: q3 };
            SpreadBox { name: name.to_owned(), hue, origin, spread }
        })
    }
}

/// Fig 4: latency by how many hosts the functions of a read were on.
#[expect(clippy::unnecessary_wraps, reason = "as every figure of the catalogue")]
pub(super) fn fig4(made: &Made) -> anyhow::Result<Option<Chart>> {
    let measured = made.measured();
    let plot = |title: &str, what: &str, hue: Hue| {
        let of = measured.iter().filter(|it| it.figure == 4 && it.what.starts_with(what));
        let groups = of.map(|it| BoxGroup {
            name: it.x.to_string(),
            boxes: it.boxes("InfiniCache", hue).to_vec(),
        });
        BoxPlot {
            title: title.to_owned(),
            x_title: "Hosts that the functions of a read were on".to_owned(),
            y: Scale::linear("Latency (ms)"),
            groups: groups.collect(),
        }
    };
    Ok(Some(Chart::Boxes(BoxChart {
        title: "Fig 4: latency of reads by the number of hosts".to_owned(),
        caption: format!(
            "Objects of 100 MB, 10+1 chunks, functions of 256 MB; quartiles. The network of the \
             model is fitted to these, among others.{}",
            quick(made)
        ),
        n_columns: 1,
        plots: vec![
            plot("As the client saw it", "Client", Hue::InfiniCache),
            plot("As the functions saw it", "Lambda", Hue::InfiniCache),
        ],
    })))
}

/// A code as it is, and a cluster in words: `ElastiCache(10-node)`.
fn title(code: &str) -> String {
    match code {
        "ElastiCache(10-node)" => "ElastiCache, 10 nodes".to_owned(),
        "ElastiCache(1-node)" => "ElastiCache, 1 node".to_owned(),
        code => code.to_owned(),
    }
}

/// What a caption says where fewer reads were made.
const fn quick(made: &Made) -> &'static str {
    if made.is_quick { " Quick: fewer reads than the experiment says." } else { "" }
}

/// Fig 11: latency by memory, code and size.
#[expect(clippy::unnecessary_wraps, reason = "as every figure of the catalogue")]
pub(super) fn fig11(made: &Made) -> anyhow::Result<Option<Chart>> {
    const CODES: [(&str, Hue); 8] = [
        ("10+0", Hue::Series(0)),
        ("10+1", Hue::Series(1)),
        ("10+2", Hue::Series(2)),
        ("10+4", Hue::Series(3)),
        ("4+2", Hue::Series(4)),
        ("5+1", Hue::InfiniCache),
        ("ElastiCache(10-node)", Hue::ElastiCache),
        ("ElastiCache(1-node)", Hue::WarmUp),
    ];
    let measured = made.measured();
    let plot = |memory: u32| {
        let group = |size: u32| {
            let boxes = CODES.iter().filter_map(|(code, hue)| {
                let what = if code.starts_with("Elasti") {
                    format!("{code}, {size} MB")
                } else {
                    format!("{memory} MB, {code}, {size} MB")
                };
                // The paper shows the clusters beside its largest functions.
                let is_shown = memory == 3_008 || !code.starts_with("Elasti");
                let it = measured.iter().find(|it| is_shown && it.figure == 11 && it.what == what);
                Some(it?.boxes(&title(code), *hue))
            });
            BoxGroup { name: size.to_string(), boxes: boxes.flatten().collect() }
        };
        BoxPlot {
            title: format!("functions of {memory} MB"),
            x_title: "Object size (MB)".to_owned(),
            y: Scale::logarithmic("Latency (ms)"),
            groups: [10, 20, 40, 60, 80, 100].map(group).to_vec(),
        }
    };
    Ok(Some(Chart::Boxes(BoxChart {
        title: "Fig 11: latency of reads by memory, code and size".to_owned(),
        caption: format!(
            "One read at a time; quartiles. Bandwidths, links and stragglers of the model are \
             fitted to these, among others.{}",
            quick(made)
        ),
        n_columns: 1,
        plots: [128, 256, 512, 1024, 2048, 3008].map(plot).to_vec(),
    })))
}

/// Fig 12: throughput of several clients.
pub(super) fn fig12(made: &Made) -> anyhow::Result<Option<Chart>> {
    let points = || made.measured().iter().filter(|it| it.figure == 12);
    let curve = |it: &Measured, of: [f64; 3]| (f64::from(it.x), of[1]);
    let mut ours =
        Curve::ours("", Hue::InfiniCache, points().map(|it| curve(it, it.ours)).collect());
    ours.interval = points().map(|it| (f64::from(it.x), it.ours[0], it.ours[2])).collect();
    let paper = points().map(|it| curve(it, it.paper)).collect();
    Ok(Some(Chart::Curves(CurveChart {
        title: "Fig 12: throughput over the number of clients".to_owned(),
        caption: format!(
            "Five proxies with fifty functions of 1024 MB each, objects of 100 MB; interval: from \
             the least to the most of {} runs.{}",
            made.file.seeds()?.len(),
            quick(made)
        ),
        n_columns: 1,
        plots: vec![Plot {
            title: String::new(),
            x: Scale::linear("Clients").between(1.0, 10.0),
            y: Scale::linear("Throughput (GB/s)"),
            curves: vec![ours, Curve::paper("", Hue::InfiniCache, paper)],
        }],
        naming: Naming::Beside,
    })))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_point_has_a_row_on_the_scoreboard() {
        let id = |figure: Figure, what: &str, x: u32| {
            let quartiles = Quartiles { low: 1.0, middle: 2.0, high: 3.0 };
            let (paper, ours) = (quartiles, quartiles);
            let point = Point { figure, what: what.to_owned(), x, paper, ours };
            Measured::from(&point).number().map(|(id, _)| id)
        };
        let of = |figure, what, x| id(figure, what, x).unwrap();
        assert_eq!(of(Figure::Fig4Client, "Client-perceived, 3 hosts", 3), "fig4_client_3");
        assert_eq!(of(Figure::Fig4FunctionSide, "Lambda-side, 3 hosts", 3), "fig4_function_3");
        assert_eq!(of(Figure::Fig12, "7 clients", 7), "fig12_7_clients");
        let large = "1024 MB, 10+1, 60 MB";
        assert_eq!(of(Figure::Fig11InfiniCache, large, 60), "fig11_1024_10p1_60mb");
        let cluster = "ElastiCache(10-node), 10 MB";
        assert_eq!(of(Figure::Fig11ElastiCache, cluster, 10), "fig11_elasticache_10mb");
        let small = "128 MB, 4+2, 10 MB";
        assert_eq!(of(Figure::Fig11InfiniCache, small, 10), "fig11_128_4p2_10mb");
    }
}
