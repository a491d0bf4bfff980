//! The tables: Table 1, and the availability of section 4.3.

use report::page::Table;
use report::published::Published;
use report::table1::{self, Pair, Workload};
use units::Nanos;

use super::made::Made;
use super::numbers::Numbers;
use super::reclaims;
use crate::output;

/// A table for readers, and the same as CSV for programs.
pub(super) type TableAndCsv = (Table, String);

/// Table 1: the paper's numbers beside ours.
pub(super) fn table1(made: &Made) -> anyhow::Result<Option<TableAndCsv>> {
    let published = Published::parse(made.reference(0)?)?;
    let numbers = Numbers::of(std::slice::from_ref(made))?;
    let pair = |id: &str, scale: f64| Pair {
        paper: published.get(id).map(|it| it * scale),
        ours: numbers.ours().get(id).map(|it| it * scale),
    };
    let workload = |name: &str, key: &str| Workload {
        name: name.to_owned(),
        working_set_gb: pair(&format!("table1_{key}_working_set"), 1.0),
        gets_per_hour: pair(&format!("table1_{key}_gets_per_hour"), 1.0),
        elasticache_hit_ratio: pair(&format!("table1_{key}_elasticache_hit_ratio"), 0.01),
        infinicache_hit_ratio: pair(&format!("table1_{key}_infinicache_hit_ratio"), 0.01),
        infinicache_without_backup_hit_ratio: pair(
            &format!("table1_{key}_nobackup_hit_ratio"),
            0.01,
        ),
    };
    let workloads = [workload("all objects", "all"), workload("large objects", "large")];
    let (header, rows) = table1::to_rows(&workloads);
    let table = Table {
        title: "Table 1".to_owned(),
        caption: format!(
            "The workloads of section 5.2, and what part of their requests each cache hit. Ours: \
             {}; {}.",
            made.workload,
            made.seeds()
        ),
        header,
        rows,
        n_words: 2,
        made: None,
    };
    Ok(Some((table, table1::to_csv(&workloads))))
}

/// The availability of section 4.3 under each distribution of Fig 9.
pub(super) fn availability(made: &Made) -> anyhow::Result<Option<TableAndCsv>> {
    let rows = reclaims::availability(&made.file.processes)?.into_iter().map(|it| {
        let minutes = it.interval.as_seconds_f64() / Nanos::MINUTE.as_seconds_f64();
        vec![
            it.date,
            format!("{minutes:.0} min"),
            format!("{:.4}", it.loss_percent),
            format!("{:.4}", it.loss_approximate_percent),
            format!("{:.2}", it.hourly_percent),
        ]
    });
    let table = Table {
        title: "Availability of section 4.3".to_owned(),
        caption: "How likely an object of 12 chunks on 400 functions is lost, in percent, when \
                  functions are reclaimed as in Fig 9, without backup: by equations 2 and 3 in one \
                  interval, and by 3 whether it is still there after an hour. The paper prints \
                  0.0039 to 0.11 % per minute and 93.36 to 99.76 % per hour."
            .to_owned(),
        header: [
            "reclaims of",
            "interval",
            "loss, equation 2 (%)",
            "loss, equation 3 (%)",
            "there after 1 h, equation 3 (%)",
        ]
        .map(str::to_owned)
        .to_vec(),
        rows: rows.collect(),
        n_words: 2,
        made: None,
    };
    let lines = std::iter::once(&table.header).chain(&table.rows).cloned().collect::<Vec<_>>();
    let csv = output::csv(&lines)?;
    Ok(Some((table, csv)))
}

#[cfg(test)]
mod tests {
    use super::super::catalogue::Entry;
    use super::super::made::Outcome;
    use super::*;

    #[test]
    fn availability_is_that_of_the_closed_form() {
        let entry = Entry::find("availability").unwrap();
        let made = Made {
            entry,
            origin: entry.path(),
            file: entry.file().unwrap(),
            text: entry.text.to_owned(),
            references: Vec::new(),
            outcome: Outcome::Nothing,
            workload: String::new(),
            is_synthetic: true,
            is_quick: false,
        };
        let (table, _) = availability(&made).unwrap().unwrap();
        assert_eq!(table.rows.len(), 6);
        let row = table.rows.iter().find(|it| it[0] == "2020-01-09").unwrap();
        // 0.0893 % by equation 3, as recomputed from Fig 9, and (1 - 0.000893)^60.
        assert_eq!((row[3].as_str(), row[4].as_str()), ("0.0893", "94.78"));
    }
}
