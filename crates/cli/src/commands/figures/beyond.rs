//! Beyond the paper: miss ratios, codes and backups, break-even, and what results depend on.

use pricing::PriceBook;
use pricing::closed_form::{FAST20_POOL, Pool};
use report::chart::{
    Chart, Choice, Curve, CurveChart, Hue, Moved, Naming, Plot, Scale, Surface, SurfaceChart,
    Ticks, Tornado, TornadoRow, TradeOff,
};
use report::comparison::SystemSummary;
use sim::Profile;
use units::{Bytes, Nanos, Usd};

use super::made::{Made, MissRatios, Outcome};
use super::seeds::{estimate, mean};
use crate::best::unbeaten;
use crate::experiment::price_book;

/// Miss ratios over cache sizes, for several policies.
#[expect(clippy::unnecessary_wraps, reason = "as every figure of the catalogue")]
pub(super) fn miss_ratios(made: &Made) -> anyhow::Result<Option<Chart>> {
    let Outcome::Misses(misses) = &made.outcome else { return Ok(None) };
    let curve = |(number, it): (u8, &MissRatios)| {
        let points = it.points.iter().map(|(size, ratio)| (*size, 100.0 * ratio)).collect();
        Curve::ours(&it.policy, Hue::Series(number), points)
    };
    let curves = (0..).zip(misses).map(curve).collect();
    Ok(Some(Chart::Curves(CurveChart {
        title: "Miss ratio over cache size, by eviction policy".to_owned(),
        caption: format!(
            "{}; first requests are misses too; no reclaims. Belady's policy knows the future.",
            made.workload
        ),
        n_columns: 1,
        plots: vec![Plot {
            title: String::new(),
            x: Scale::logarithmic("Cache size").written(Ticks::Megabytes),
            y: Scale::linear("Misses per GET (%)"),
            curves,
        }],
        naming: Naming::Legend,
    })))
}

/// Cost against reads lost, over codes and backup intervals.
#[expect(clippy::unnecessary_wraps, reason = "as every figure of the catalogue")]
pub(super) fn codes(made: &Made) -> anyhow::Result<Option<Chart>> {
    let Some(first) = made.runs().first() else { return Ok(None) };
    let mut families: Vec<&str> = Vec::new();
    let mut choices = Vec::new();
    for (index, system) in first.systems.iter().enumerate() {
        let Some((code, backup)) = code_and_backup(&system.name) else { continue };
        let seeds = made.system(index);
        let samples = |of: &dyn Fn(&SystemSummary) -> f64| -> Vec<f64> {
            seeds.iter().map(|it| of(it)).collect()
        };
        let number = families.iter().position(|it| *it == code).unwrap_or_else(|| {
            families.push(code);
            families.len() - 1
        });
        choices.push(Choice {
            family: code.to_owned(),
            name: match backup {
                "off" => format!("{code}, no backup"),
                every => format!("{code}, {}", every.replace("min", " min")),
            },
            hue: Hue::Series(u8::try_from(number).unwrap_or_default()),
            x: estimate(&samples(&|it| it.cost.total().as_f64())),
            y: estimate(&samples(&|it| 100.0 * (1.0 - it.counts.availability().as_f64()))),
            is_best: false,
        });
    }
    mark_best(&mut choices);
    // Room for the names of the best, which lie at the edges.
    let right = choices.iter().map(|it| it.x.high).fold(0.0, f64::max) * 1.15;
    let lost = choices.iter().map(|it| it.y.low.max(it.y.mean / 3.0)).filter(|it| 0.0 < *it);
    let least = lost.fold(f64::INFINITY, f64::min) / 2.0;
    let greatest = choices.iter().map(|it| it.y.high).fold(0.0, f64::max) * 1.5;
    let y = Scale::logarithmic("Reads that found their object lost (%)");
    let y = if least < greatest { y.between(least, greatest) } else { y };
    Ok(Some(Chart::TradeOff(TradeOff {
        title: "Cost against availability, by code and backup interval".to_owned(),
        caption: format!(
            "Availability is 100 % less the reads that found their object lost (RESETs), of all \
             reads of cached objects. 400 functions of 1.5 GB, objects over 10 MB; {}; prices of \
             2019; {}.",
            made.workload,
            made.seeds_with_interval()
        ),
        x: Scale::linear("Cost of 50 hours (US$)").between(0.0, right.max(1e-9)),
        y,
        choices,
    })))
}

/// `infinicache:code=C,backup=B`.
fn code_and_backup(name: &str) -> Option<(&str, &str)> {
    name.strip_prefix("infinicache:code=")?.split_once(",backup=")
}

/// Marks the choices that no other beats.
fn mark_best(choices: &mut [Choice]) {
    let places: Vec<[f64; 2]> = choices.iter().map(|it| [it.x.mean, it.y.mean]).collect();
    for (choice, is_best) in choices.iter_mut().zip(unbeaten(&places)) {
        choice.is_best = is_best;
    }
}

/// Which of its parameters move the cost.
#[expect(clippy::unnecessary_wraps, reason = "as every figure of the catalogue")]
pub(super) fn tornado_cost(made: &Made) -> anyhow::Result<Option<Chart>> {
    let scale = Scale::linear("Cost of 50 hours (US$)");
    Ok(tornado(made, "the cost", scale, |it| it.cost.total().as_f64()))
}

/// Which of its parameters move the hit ratio.
#[expect(clippy::unnecessary_wraps, reason = "as every figure of the catalogue")]
pub(super) fn tornado_hits(made: &Made) -> anyhow::Result<Option<Chart>> {
    let scale = Scale::linear("Hit ratio (%)");
    let of = |it: &SystemSummary| 100.0 * it.counts.hit_ratio().as_f64();
    Ok(tornado(made, "the hit ratio", scale, of))
}

fn tornado(
    made: &Made,
    what: &str,
    outcome: Scale,
    of: fn(&SystemSummary) -> f64,
) -> Option<Chart> {
    let first = made.runs().first()?;
    let mean_of = |index: usize| {
        let seeds = made.system(index);
        mean(&seeds.iter().map(|it| of(it)).collect::<Vec<_>>())
    };
    let moved = |(index, name): (usize, &str)| {
        let (_, value) = name.split_once('=').unwrap_or(("", name));
        let value = value.trim_start_matches("poisson:").replace("min", " min");
        let value = value.replace("/ min", "/min").replace("MB", " MB").replace("30s", "30 s");
        Moved { value, outcome: mean_of(index) }
    };
    // The first system is the base, and the others are pairs.
    let base = mean_of(0);
    let names: Vec<(usize, &str)> =
        first.systems.iter().map(|it| it.name.as_str()).enumerate().skip(1).collect();
    let mut rows: Vec<TornadoRow> = names
        .chunks_exact(2)
        .map(|pair| TornadoRow {
            name: parameter(pair[0].1).to_owned(),
            lower: moved(pair[0]),
            higher: moved(pair[1]),
        })
        .collect();
    let reach =
        |it: &TornadoRow| (it.lower.outcome - base).abs().max((it.higher.outcome - base).abs());
    rows.sort_by(|a, b| reach(b).total_cmp(&reach(a)));
    Some(Chart::Tornado(Tornado {
        title: format!("What {what} depends on"),
        caption: format!(
            "Each parameter alone, the others as in the paper. Objects over 10 MB; {}; prices of \
             2019; {}.",
            made.workload,
            made.seeds()
        ),
        outcome,
        base,
        rows,
    }))
}

/// A parameter as a person calls it, with its value in the base.
fn parameter(system: &str) -> &str {
    let key = system.trim_start_matches("infinicache:").split('=').next().unwrap_or_default();
    match key {
        "nodes" => "functions (400)",
        "memory" => "memory (1536 MB)",
        "code" => "code (10+2)",
        "warmup" => "warm-up every (1 min)",
        "backup" => "backup every (5 min)",
        "reclaim" => "reclaims (as in Fig 14)",
        "overhead" => "overhead (100 MB)",
        other => other,
    }
}

/// The size of the objects of the break-even surface.
const OBJECT: Bytes = Bytes::megabytes(10);

/// Where a pool of functions is cheaper than what else can be rented, over the rate of requests
/// and the size of the working set.
pub(super) fn break_even(made: &Made) -> anyhow::Result<Option<Chart>> {
    let [then, now] = made.file.books.as_slice() else {
        anyhow::bail!("{}: `books` is to name two", made.origin);
    };
    let ((book_2019, _), (book_2026, _)) = (price_book(then)?, price_book(now)?);
    let engine = "valkey";
    let serverless = book_2026.serverless(engine)?.clone();
    let then_by_node = |_: f64, gb: f64| cheapest_cluster(&book_2019, gb);
    let now_by_node = |_: f64, gb: f64| cheapest_cluster(&book_2026, gb);
    let by_use = |rate: f64, gb: f64| {
        let held = gb.max(serverless.minimum.value.get() as f64 / 1e9) * 1e9 / (1_u64 << 30) as f64;
        let units = (OBJECT.get() as f64 / 1_024.0).ceil();
        serverless.per_gb_hour.value.as_f64() * held
            + serverless.per_million_ecpus.value.as_f64() * units * rate / 1e6
    };
    let [then_nodes, now_nodes, now_by_use] = [
        surface("2019: r5 nodes", &book_2019, &then_by_node),
        surface("2026: Graviton, Valkey", &book_2026, &now_by_node),
        surface("2026: Serverless", &book_2026, &by_use),
    ];
    let answer = format!(
        "At its working set InfiniCache is cheaper {} at prices of 2019, {} against nodes of 2026, \
         and {} against Serverless; it had {PAPER_RATE:.0} requests per hour.",
        up_to(&book_2019, &then_by_node),
        up_to(&book_2026, &now_by_node),
        up_to(&book_2026, &by_use)
    );
    Ok(Some(Chart::Surface(SurfaceChart {
        title: "Which is cheaper, over rate of requests and working set".to_owned(),
        caption: format!(
            "Equations 4 to 6 of the paper, objects of {OBJECT}, caches that hold the whole \
             working set: 10+2 chunks in functions of 1.5 GB against the cheapest cluster of one \
             node type, or against Serverless (Valkey). Functions are billed by 100 ms in 2019 \
             and by 1 ms in 2026. No proxy, no backing store. Full colour: 30 times cheaper. Dot: \
             the paper's workload. {answer}"
        ),
        below: "InfiniCache is cheaper".to_owned(),
        above: "ElastiCache is cheaper".to_owned(),
        x: Scale::logarithmic("Requests per hour").between(1e2, 1e7),
        y: Scale::logarithmic("Working set").written(Ticks::Megabytes).between(1e3, 1e7),
        plots: vec![then_nodes, now_nodes, now_by_use],
    })))
}

/// The paper's workload: requests per hour, and gigabytes (its Table 1).
const PAPER_RATE: f64 = 3_654.0;
const PAPER_GB: f64 = 1_169.0;

/// The rates of the surface.
const RATES: [f64; 2] = [1e2, 1e7];

/// Up to which rate of requests functions are cheaper at the paper's working set, in words.
fn up_to(book: &PriceBook, other: &dyn Fn(f64, f64) -> f64) -> String {
    let ratio = |rate: f64| ratio(book, other, rate, PAPER_GB);
    let [mut below, mut above] = RATES;
    if 1.0 <= ratio(below) {
        return "at no rate shown".to_owned();
    }
    if ratio(above) < 1.0 {
        return "at every rate shown".to_owned();
    }
    // To a part in a million, and more than that is not written.
    while 1.000_001 < above / below {
        let middle = libm::sqrt(below * above);
        if ratio(middle) < 1.0 { below = middle } else { above = middle }
    }
    if 1e6 <= below {
        format!("up to {:.1} M requests per hour", below / 1e6)
    } else {
        format!("up to {:.0} k requests per hour", below / 1e3)
    }
}

/// How many times as much as `other` a pool that holds the working set costs in an hour.
fn ratio(book: &PriceBook, other: &dyn Fn(f64, f64) -> f64, rate: f64, gb: f64) -> f64 {
    #[expect(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "a rate")]
    let n_requests = rate.round() as u64;
    pool_for(gb).hourly_cost(book.function(), n_requests).as_f64() / other(rate, gb)
}

/// The ratio of the hourly costs at each rate and working set, and where it is 1.
fn surface(title: &str, book: &PriceBook, other: &dyn Fn(f64, f64) -> f64) -> Surface {
    let between = |from: f64, to: f64, n_steps: u32| -> Vec<f64> {
        let step = |it: u32| f64::from(it) / f64::from(n_steps);
        (0..=n_steps).map(|it| from * libm::pow(to / from, step(it))).collect()
    };
    let [least, most] = RATES;
    let (rates, sizes_gb) = (between(least, most, 50), between(1.0, 1e4, 40));
    let ratio = |rate: f64, gb: f64| ratio(book, other, rate, gb);
    let ratios: Vec<Vec<f64>> =
        sizes_gb.iter().map(|gb| rates.iter().map(|rate| ratio(*rate, *gb)).collect()).collect();
    // Where a row passes 1, between its neighbours by a line on the logarithms.
    let mut line = Vec::new();
    for (gb, row) in sizes_gb.iter().zip(&ratios) {
        let passes = row.windows(2).position(|it| it[0] < 1.0 && 1.0 <= it[1]);
        if let Some(index) = passes {
            let part = -libm::log(row[index]) / libm::log(row[index + 1] / row[index]);
            let rate = rates[index] * libm::pow(rates[index + 1] / rates[index], part);
            line.push((rate, gb * 1e3));
        }
    }
    Surface {
        title: title.to_owned(),
        xs: rates,
        ys: sizes_gb.iter().map(|it| it * 1e3).collect(),
        ratios,
        lines: vec![Curve::ours("", Hue::Series(0), line)],
        mark: Some((PAPER_RATE, 1e3 * PAPER_GB, "paper".to_owned())),
    }
}

/// The paper's pool with as many functions as hold this much; each invocation sends one chunk.
fn pool_for(gb: f64) -> Pool {
    let free_gb = 1.436;
    let chunks_per_data = 12.0 / 10.0;
    #[expect(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "some thousands")]
    let n_functions = ((gb * chunks_per_data / free_gb).ceil() as u64).max(FAST20_POOL.n_chunks);
    let bandwidth = Profile::aws_2019_fast20().function.bandwidth(FAST20_POOL.memory_mb);
    let serving_duration: Nanos = bandwidth.time(OBJECT.split(10));
    Pool { n_functions, serving_duration, ..FAST20_POOL }
}

/// The hourly price of the cheapest cluster of one node type that holds this much.
fn cheapest_cluster(book: &PriceBook, gb: f64) -> f64 {
    let price = |it: &pricing::Node| {
        let memory_gb = it.memory.as_ref()?.value.get() as f64 / 1e9;
        Some((gb / memory_gb).ceil() * Usd::as_f64(it.per_hour.value))
    };
    book.nodes().iter().filter_map(price).fold(f64::INFINITY, f64::min)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::args::DEFAULT_BOOK;

    #[test]
    fn the_pool_of_the_papers_memory_is_its_pool() {
        // 400 functions hold 478 GB of objects.
        assert_eq!(pool_for(478.0).n_functions, 400);
        assert_eq!(pool_for(0.1).n_functions, 12);
    }

    #[test]
    fn the_cheapest_cluster_of_2019_for_the_papers_memory_is_its_node() {
        let book = PriceBook::builtin(DEFAULT_BOOK).unwrap();
        let usd = cheapest_cluster(&book, 682.0);
        assert!((usd - 10.368).abs() < 1e-9, "{usd}");
    }

    #[test]
    fn the_caption_is_of_the_working_set_that_it_names() {
        #[track_caller]
        fn check(book: &str, times: f64, expect: &str) {
            let book = PriceBook::builtin(book).unwrap();
            let by_node = |_: f64, gb: f64| times * cheapest_cluster(&book, gb);
            assert_eq!(up_to(&book, &by_node), expect);
        }
        check(DEFAULT_BOOK, 1.0, "up to 541 k requests per hour");
        check("aws-us-east-1-2026-09", 1.0, "up to 2.6 M requests per hour");
        check(DEFAULT_BOOK, 0.001, "at no rate shown");
        check(DEFAULT_BOOK, 1_000.0, "at every rate shown");
    }

    #[test]
    fn what_the_caption_says_is_where_the_closed_form_crosses() {
        let book = PriceBook::builtin(DEFAULT_BOOK).unwrap();
        let budget = Usd::from_f64(cheapest_cluster(&book, PAPER_GB));
        let rate = pool_for(PAPER_GB).crossover(book.function(), budget).unwrap();
        let by_node = |_: f64, gb: f64| cheapest_cluster(&book, gb);
        assert!(ratio(&book, &by_node, rate as f64, PAPER_GB) <= 1.0);
        assert!(1.0 < ratio(&book, &by_node, rate as f64 + 1.0, PAPER_GB));
    }
}
