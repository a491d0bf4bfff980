//! Table 1 of the paper (FAST 2020, section 5.2): the workloads, and what part of their
//! requests each cache hit; theirs beside ours.

use crate::grid::Grid;
use crate::number::{NONE, signed, three_digits};

/// One workload of the table.
#[derive(Clone, Debug, PartialEq)]
pub struct Workload {
    /// What it is called.
    pub name: String,
    /// Its objects, each counted once, in GB.
    pub working_set_gb: Pair,
    /// Its GETs in an hour, on average.
    pub gets_per_hour: Pair,
    /// The hits of ElastiCache among all GETs, from 0 to 1.
    pub elasticache_hit_ratio: Pair,
    /// The hits of InfiniCache among all GETs, from 0 to 1.
    pub infinicache_hit_ratio: Pair,
    /// The hits of InfiniCache without backup among all GETs, from 0 to 1.
    pub infinicache_without_backup_hit_ratio: Pair,
}

/// A number of the paper and ours.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub struct Pair {
    /// What the paper says, if it does.
    pub paper: Option<f64>,
    /// What we find, if it was run.
    pub ours: Option<f64>,
}

/// The names of the columns and the cells of each row, for a reader: a row for each number, and a
/// dash where there is none. The difference is that of ours to the paper's: relative for a
/// quantity, and in percentage points (pp) for a ratio.
pub fn to_rows(workloads: &[Workload]) -> (Vec<String>, Vec<Vec<String>>) {
    (HEADER.map(str::to_owned).to_vec(), cells(workloads))
}

const HEADER: [&str; 5] = ["workload", "quantity", "paper", "ours", "difference"];

fn cells(workloads: &[Workload]) -> Vec<Vec<String>> {
    let mut rows = Vec::new();
    for workload in workloads {
        for Quantity { name, unit, pair } in quantities(workload) {
            let is_ratio = unit == "%";
            let shown = |number: Option<f64>| match number {
                None => NONE.to_owned(),
                Some(it) if is_ratio => format!("{it:.1} %"),
                Some(it) => format!("{} {unit}", three_digits(it)).trim_end().to_owned(),
            };
            let difference = match (pair.paper, pair.ours) {
                (Some(paper), Some(ours)) if is_ratio => format!("{} pp", signed(ours - paper, 1)),
                (Some(paper), Some(ours)) if 0.0 < paper => {
                    format!("{} %", signed(100.0 * (ours - paper) / paper, 1))
                }
                _ => NONE.to_owned(),
            };
            let words = [workload.name.clone(), name.to_owned()];
            let numbers = [shown(pair.paper), shown(pair.ours), difference];
            rows.push(words.into_iter().chain(numbers).collect());
        }
    }
    rows
}

/// The table as CSV: a row for each number, ratios in percent, and an empty cell where there is
/// none. The difference is ours less the paper's, in the row's unit.
pub fn to_csv(workloads: &[Workload]) -> String {
    let mut rows = Vec::new();
    for workload in workloads {
        for Quantity { name, unit, pair } in quantities(workload) {
            let cell = |number: Option<f64>| number.map_or(String::new(), |it| format!("{it:.3}"));
            let difference = pair.ours.zip(pair.paper).map(|(ours, paper)| ours - paper);
            let words = [workload.name.clone(), name.to_owned(), unit.to_owned()];
            let numbers = [pair.paper, pair.ours, difference].map(cell);
            rows.push(words.into_iter().chain(numbers).collect());
        }
    }
    Grid { header: vec!["workload", "quantity", "unit", "paper", "ours", "difference"], rows }
        .to_csv()
}

/// One row of the table; ratios are in percent here.
struct Quantity {
    name: &'static str,
    unit: &'static str,
    pair: Pair,
}

fn quantities(workload: &Workload) -> [Quantity; 5] {
    let Workload {
        name: _,
        working_set_gb,
        gets_per_hour,
        elasticache_hit_ratio,
        infinicache_hit_ratio,
        infinicache_without_backup_hit_ratio,
    } = *workload;
    let percent = |Pair { paper, ours }: Pair| Pair {
        paper: paper.map(|it| 100.0 * it),
        ours: ours.map(|it| 100.0 * it),
    };
    let row = |name, unit, pair| Quantity { name, unit, pair };
    [
        row("working set", "GB", working_set_gb),
        row("GETs per hour", "", gets_per_hour),
        row("hit ratio, ElastiCache", "%", percent(elasticache_hit_ratio)),
        row("hit ratio, InfiniCache", "%", percent(infinicache_hit_ratio)),
        row(
            "hit ratio, InfiniCache without backup",
            "%",
            percent(infinicache_without_backup_hit_ratio),
        ),
    ]
}

#[cfg(test)]
mod tests {
    use super::*;

    const fn pair(paper: f64, ours: f64) -> Pair {
        Pair { paper: Some(paper), ours: Some(ours) }
    }

    fn workloads() -> [Workload; 2] {
        [
            Workload {
                name: "all objects".to_owned(),
                working_set_gb: pair(1_169.0, 1_171.4),
                gets_per_hour: pair(3_654.0, 3_654.0),
                elasticache_hit_ratio: pair(0.679, 0.679),
                infinicache_hit_ratio: pair(0.647, 0.6412),
                infinicache_without_backup_hit_ratio: Pair { paper: None, ours: Some(0.5811) },
            },
            Workload {
                name: "large objects".to_owned(),
                working_set_gb: pair(1_036.0, 990.0),
                gets_per_hour: pair(750.0, 760.0),
                elasticache_hit_ratio: pair(0.659, 0.66),
                infinicache_hit_ratio: Pair { paper: Some(0.636), ours: None },
                infinicache_without_backup_hit_ratio: Pair::default(),
            },
        ]
    }

    #[test]
    fn markdown_shows_both_and_how_far_they_are_apart() {
        let (header, rows) = to_rows(&workloads());
        let header = header.iter().map(String::as_str).collect();
        insta::assert_snapshot!(Grid { header, rows }.to_markdown(2), @"
        | workload | quantity | paper | ours | difference |
        | --- | --- | ---: | ---: | ---: |
        | all objects | working set | 1,169 GB | 1,171 GB | +0.2 % |
        | all objects | GETs per hour | 3,654 | 3,654 | ±0.0 % |
        | all objects | hit ratio, ElastiCache | 67.9 % | 67.9 % | ±0.0 pp |
        | all objects | hit ratio, InfiniCache | 64.7 % | 64.1 % | −0.6 pp |
        | all objects | hit ratio, InfiniCache without backup | – | 58.1 % | – |
        | large objects | working set | 1,036 GB | 990 GB | −4.4 % |
        | large objects | GETs per hour | 750 | 760 | +1.3 % |
        | large objects | hit ratio, ElastiCache | 65.9 % | 66.0 % | +0.1 pp |
        | large objects | hit ratio, InfiniCache | 63.6 % | – | – |
        | large objects | hit ratio, InfiniCache without backup | – | – | – |
        ");
    }

    #[test]
    fn csv_leaves_out_what_there_is_not() {
        insta::assert_snapshot!(to_csv(&workloads()), @r#"
        workload,quantity,unit,paper,ours,difference
        all objects,working set,GB,1169.000,1171.400,2.400
        all objects,GETs per hour,,3654.000,3654.000,0.000
        all objects,"hit ratio, ElastiCache",%,67.900,67.900,0.000
        all objects,"hit ratio, InfiniCache",%,64.700,64.120,-0.580
        all objects,"hit ratio, InfiniCache without backup",%,,58.110,
        large objects,working set,GB,1036.000,990.000,-46.000
        large objects,GETs per hour,,750.000,760.000,10.000
        large objects,"hit ratio, ElastiCache",%,65.900,66.000,0.100
        large objects,"hit ratio, InfiniCache",%,63.600,,
        large objects,"hit ratio, InfiniCache without backup",%,,,
        "#);
    }
}
