//! The paper's microbenchmarks (Figs 4, 11 and 12), published and modelled.

use anyhow::Context;
use pricing::PriceBook;
use rayon::ThreadPool;
use rayon::prelude::*;
use serde::Deserialize;
use serde::de::DeserializeOwned;
use sim::microbenchmark::{ByHosts, Laboratory};
use sim::{Distribution, Profile};
use units::Bytes;

const FIG4: &str = include_str!("../../../experiments/reference/fig4_latency_vs_vmhosts_ms.csv");
const FIG11: &str = include_str!("../../../experiments/reference/fig11_microbench_latency_ms.csv");
const FIG12: &str = include_str!("../../../experiments/reference/fig12_throughput_GBps.csv");

/// How Fig 11 calls its two clusters, and the nodes of each. The paper's one node is of a type
/// that does not exist (cache.r5.8xlarge); the rate of a thread depends on no type here.
const CLUSTERS: [(&str, &str); 2] =
    [("ElastiCache(10-node)", "10xcache.r5.xlarge"), ("ElastiCache(1-node)", "cache.r5.24xlarge")];

/// The figure a point is of.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Figure {
    /// Latency by hosts touched, as the functions saw it.
    Fig4FunctionSide,
    /// The same as the client saw it.
    Fig4Client,
    /// Latency by memory, code and size.
    Fig11InfiniCache,
    /// Latency of a cluster by size.
    Fig11ElastiCache,
    /// Throughput by clients.
    Fig12,
}

/// Quartiles in milliseconds; for throughput: the least, the mean and the most in GB/s.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(crate) struct Quartiles {
    pub(crate) low: f64,
    pub(crate) middle: f64,
    pub(crate) high: f64,
}

/// One published point and ours.
#[derive(Clone, Debug)]
pub(crate) struct Point {
    pub(crate) figure: Figure,
    /// What it is of, such as `1024 MB, 10+1, 60 MB`.
    pub(crate) what: String,
    /// Its place on the axis of the figure: megabytes of an object, hosts, or clients.
    pub(crate) x: u32,
    pub(crate) paper: Quartiles,
    pub(crate) ours: Quartiles,
}

impl Point {
    /// How far ours is from the published one, as a signed part of that.
    pub(crate) fn error(&self) -> f64 {
        self.ours.middle / self.paper.middle - 1.0
    }
}

/// How often each thing is measured.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Effort {
    pub(crate) n_gets: u32,
    pub(crate) seed: u64,
}

#[derive(Clone, Debug, Deserialize)]
struct Fig11Row {
    #[serde(rename = "lambda_mem_MB")]
    memory_mb: u32,
    #[serde(rename = "object_MB")]
    object_mb: u32,
    code: String,
    q1: f64,
    median: f64,
    q3: f64,
}

#[derive(Clone, Debug, Deserialize)]
struct Fig4Row {
    n_hosts: u32,
    series: String,
    q1: f64,
    median: f64,
    q3: f64,
}

#[derive(Clone, Debug, Deserialize)]
struct Fig12Row {
    clients: u32,
    low: f64,
    mean: f64,
    high: f64,
}

/// Runs every microbenchmark in this profile's world.
pub(crate) fn measure(
    profile: &Profile,
    effort: Effort,
    threads: &ThreadPool,
) -> anyhow::Result<Vec<Point>> {
    let prices = PriceBook::builtin("aws-us-east-1-2019-12").context("the book of 2019")?;
    let Effort { n_gets, seed } = effort;
    let laboratory = Laboratory { prices: &prices, profile, n_gets, seed };
    threads.install(|| {
        let mut points = fig11(laboratory, FIG11)?;
        points.extend(fig4(laboratory, FIG4)?);
        points.extend(fig12(laboratory, FIG12, &[seed, seed + 1, seed + 2])?);
        Ok(points)
    })
}

/// Fig 11: one read at a time, for each row of its reference file.
pub(crate) fn fig11(laboratory: Laboratory<'_>, reference: &str) -> anyhow::Result<Vec<Point>> {
    rows::<Fig11Row>(reference)?.par_iter().map(|row| box_of(laboratory, row)).collect()
}

/// Fig 12: many clients, for each row of its reference file; the range of these seeds.
pub(crate) fn fig12(
    laboratory: Laboratory<'_>,
    reference: &str,
    seeds: &[u64],
) -> anyhow::Result<Vec<Point>> {
    let rows = rows::<Fig12Row>(reference)?;
    rows.par_iter().map(|row| throughput(laboratory, row, seeds)).collect()
}

fn box_of(laboratory: Laboratory<'_>, row: &Fig11Row) -> anyhow::Result<Point> {
    let Fig11Row { memory_mb, object_mb, code, q1, median, q3 } = row;
    let size = Bytes::megabytes(u64::from(*object_mb));
    let cluster = CLUSTERS.iter().find(|(name, _)| name == code);
    let (figure, what, latency) = if let Some((name, nodes)) = cluster {
        let what = format!("{name}, {object_mb} MB");
        (Figure::Fig11ElastiCache, what, laboratory.cluster_latency(nodes, size)?)
    } else {
        let what = format!("{memory_mb} MB, {code}, {object_mb} MB");
        let options = format!("memory={memory_mb}MB,code={code}");
        (Figure::Fig11InfiniCache, what, laboratory.latency(&options, size)?)
    };
    let paper = Quartiles { low: *q1, middle: *median, high: *q3 };
    Ok(Point { figure, what, x: *object_mb, paper, ours: quartiles(&latency) })
}

/// Fig 4: reads by how many hosts they touch, for each row of its reference file.
pub(crate) fn fig4(laboratory: Laboratory<'_>, reference: &str) -> anyhow::Result<Vec<Point>> {
    let ours = laboratory.by_hosts()?;
    let point = |row: &Fig4Row| {
        let Fig4Row { n_hosts, series, q1, median, q3 } = row;
        let ByHosts { function_side, client, .. } =
            ours.iter().find(|it| it.n_hosts == *n_hosts)?;
        let (figure, ours) = match series.as_str() {
            "Client-perceived" => (Figure::Fig4Client, client),
            _ => (Figure::Fig4FunctionSide, function_side),
        };
        let what = format!("{series}, {n_hosts} hosts");
        let paper = Quartiles { low: *q1, middle: *median, high: *q3 };
        Some(Point { figure, what, x: *n_hosts, paper, ours: quartiles(ours) })
    };
    Ok(rows::<Fig4Row>(reference)?.iter().filter_map(point).collect())
}

fn throughput(laboratory: Laboratory<'_>, row: &Fig12Row, seeds: &[u64]) -> anyhow::Result<Point> {
    let Fig12Row { clients, low, mean, high } = row;
    let run = |seed: &u64| Ok(Laboratory { seed: *seed, ..laboratory }.throughput(*clients)? / 1e9);
    let mut runs: Vec<f64> = seeds.iter().map(run).collect::<anyhow::Result<_>>()?;
    runs.sort_unstable_by(f64::total_cmp);
    let middle = runs.iter().sum::<f64>() / runs.len() as f64;
    Ok(Point {
        figure: Figure::Fig12,
        what: format!("{clients} clients"),
        x: *clients,
        paper: Quartiles { low: *low, middle: *mean, high: *high },
        ours: Quartiles { low: runs[0], middle, high: runs[runs.len() - 1] },
    })
}

fn quartiles(of: &Distribution) -> Quartiles {
    let [low, middle, high] = [0.25, 0.5, 0.75].map(|it| of.quantile_ms(it));
    Quartiles { low, middle, high }
}

fn rows<T: DeserializeOwned>(text: &str) -> anyhow::Result<Vec<T>> {
    let mut reader = csv::Reader::from_reader(text.as_bytes());
    reader.deserialize().collect::<Result<_, _>>().context("a reference file")
}

/// The errors of the points of one figure, without their signs, from the least to the largest.
pub(crate) fn sorted_errors(points: &[Point], of: Figure) -> Vec<f64> {
    let mut errors: Vec<f64> =
        points.iter().filter(|it| it.figure == of).map(|it| it.error().abs()).collect();
    errors.sort_unstable_by(f64::total_cmp);
    errors
}

/// The error that this part (from 0 to 1) of some do not exceed.
pub(crate) fn quantile(sorted: &[f64], part: f64) -> f64 {
    #[expect(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "an index")]
    let rank = (part * sorted.len() as f64).ceil() as usize;
    sorted.get(rank.max(1) - 1).copied().unwrap_or(f64::NAN)
}
