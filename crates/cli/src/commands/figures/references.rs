//! The published numbers that come with the program, by the path that an experiment has for them.

use std::path::Path;

use crate::args::UsageError;
use crate::experiment_file::ExperimentFile;

/// A file of experiments/ and its text.
type Embedded = (&'static str, &'static str);

macro_rules! embedded {
    ($($file:literal),* $(,)?) => {
        [$(($file, include_str!(concat!("../../../../../experiments/", $file)))),*]
    };
}

const EMBEDDED: [Embedded; 19] = embedded![
    "reference/fig1a_object_size_cdf.csv",
    "reference/fig1b_byte_cdf_by_size.csv",
    "reference/fig1c_access_count_gt10MB.csv",
    "reference/fig1d_reuse_interval_hr_gt10MB.csv",
    "reference/fig4_latency_vs_vmhosts_ms.csv",
    "../crates/policy/fig8_reclaimed_timeline_vertices.csv",
    "../crates/policy/fig9_pmf_reclaimed_per_minute.csv",
    "reference/fig11_microbench_latency_ms.csv",
    "reference/fig12_throughput_GBps.csv",
    "reference/fig13_hourly_cost.csv",
    "reference/fig14_fault_tolerance.csv",
    "reference/fig15a_all_latency_cdf_sec.csv",
    "reference/fig15b_gt10MB_latency_cdf_sec.csv",
    "reference/fig16_normalized_latency.csv",
    "reference/fig17_elasticache.csv",
    "reference/fig17_infinicache.csv",
    "reference/published.csv",
    "reference/misses.csv",
    "reference/README.md",
];

/// The numbers that the paper prints, each a row of the scoreboard.
pub(super) const PUBLISHED: &str = "reference/published.csv";
/// Why rows miss.
pub(super) const MISSES: &str = "reference/misses.csv";

/// A file that comes with the program.
pub(super) fn embedded(file: &str) -> Option<&'static str> {
    EMBEDDED.iter().find(|(name, _)| *name == file).map(|(_, text)| *text)
}

/// The texts of an experiment's reference files, in their order: those in `dir`, the experiment's
/// own, and else those that come with the program.
pub(crate) fn texts(file: &ExperimentFile, dir: Option<&Path>) -> anyhow::Result<Vec<String>> {
    let text = |name: &str| {
        let path = dir.map(|it| it.join(name)).filter(|it| it.exists());
        if let Some(path) = path {
            return Ok(fs_err::read_to_string(path)?);
        }
        let missing = || {
            UsageError(format!(
                "`reference.file`: `{name}` is neither beside the experiment nor part of the \
                 program"
            ))
        };
        Ok(embedded(name).ok_or_else(missing)?.to_owned())
    };
    file.reference.iter().map(|it| text(&it.file)).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_file_of_the_directory_is_part_of_the_program() {
        let dir = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../experiments/reference");
        for entry in std::fs::read_dir(dir).unwrap() {
            let name = entry.unwrap().file_name().into_string().unwrap();
            assert!(embedded(&format!("reference/{name}")).is_some(), "{name}");
        }
    }
}
