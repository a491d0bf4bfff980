//! Finished results, kept so that the next run of the program need not make them again.

use std::collections::BTreeSet;
use std::io::Read;
use std::path::{Path, PathBuf};
use std::sync::{Mutex, PoisonError};

use pricing::{CostItems, Usage};
use report::comparison::{
    HitLatency, HourSummary, LatencySplit, LatencySummary, LossSummary, SystemSummary, counts_of,
    named_counts,
};
use serde::de::DeserializeOwned;
use serde::{Deserialize, Serialize};
use sim::Counts;
use twox_hash::XxHash3_128;
use units::Usd;

use crate::output;

/// A directory of results, each named by the hash of all it depends on: this very program, bit
/// by bit, and what the program was asked. So what is found is what would be made.
pub(crate) struct Store {
    dir: PathBuf,
    program: u128,
    /// What was found or kept since the store was opened.
    used: Mutex<BTreeSet<PathBuf>>,
}

impl Store {
    /// The store in `dir`, which is made; none where this program cannot read itself.
    pub(crate) fn open(dir: &Path) -> anyhow::Result<Option<Store>> {
        let Ok(program) = program_hash() else {
            output::note("the program cannot read itself: no result is kept");
            return Ok(None);
        };
        fs_err::create_dir_all(dir)?;
        Ok(Some(Store { dir: dir.to_owned(), program, used: Mutex::default() }))
    }

    /// What is kept of `question`, if anything is and it can be read.
    pub(crate) fn find<T: DeserializeOwned>(&self, question: &str) -> Option<T> {
        let path = self.path(question);
        let text = fs_err::read_to_string(&path).ok()?;
        let answer = serde_json::from_str(&text).ok()?;
        self.note_used(path);
        Some(answer)
    }

    /// Keeps the answer to `question`. One that cannot be kept is made again next time.
    pub(crate) fn keep<T: Serialize>(&self, question: &str, answer: &T) -> anyhow::Result<()> {
        let path = self.path(question);
        output::write_text(&path, &serde_json::to_string(answer)?)?;
        self.note_used(path);
        Ok(())
    }

    /// The answer to `question`, found or made and kept.
    pub(crate) fn find_or<T: Serialize + DeserializeOwned>(
        store: Option<&Store>,
        question: &str,
        make: impl FnOnce() -> anyhow::Result<T>,
    ) -> anyhow::Result<T> {
        if let Some(answer) = store.and_then(|it| it.find(question)) {
            return Ok(answer);
        }
        let answer = make()?;
        if let Some(store) = store {
            store.keep(question, &answer)?;
        }
        Ok(answer)
    }

    /// Removes what was neither found nor kept since the store was opened.
    pub(crate) fn sweep(&self) -> anyhow::Result<()> {
        let used = self.used.lock().unwrap_or_else(PoisonError::into_inner);
        for entry in fs_err::read_dir(&self.dir)? {
            let path = entry?.path();
            if path.extension().is_some_and(|it| it == "json") && !used.contains(&path) {
                fs_err::remove_file(&path)?;
            }
        }
        Ok(())
    }

    fn path(&self, question: &str) -> PathBuf {
        let hash = XxHash3_128::oneshot(format!("{:032x} {question}", self.program).as_bytes());
        self.dir.join(format!("{hash:032x}.json"))
    }

    fn note_used(&self, path: PathBuf) {
        self.used.lock().unwrap_or_else(PoisonError::into_inner).insert(path);
    }
}

fn program_hash() -> anyhow::Result<u128> {
    let mut file = fs_err::File::open(std::env::current_exe()?)?;
    let mut hasher = XxHash3_128::new();
    let mut block = vec![0; 1 << 20];
    loop {
        let n_read = file.read(&mut block)?;
        if n_read == 0 {
            return Ok(hasher.finish_128());
        }
        hasher.write(&block[..n_read]);
    }
}

/// A summary as it is kept: plain numbers, so that what is read is what was written.
#[derive(Serialize, Deserialize)]
pub(crate) struct KeptSummary {
    name: String,
    total: KeptHour,
    latency: LatencySummary,
    latency_split: LatencySplit,
    hits: HitLatency,
    loss: LossSummary,
    hours: Vec<KeptHour>,
}

/// How many counts there are.
const N_COUNTS: usize = 23;

#[derive(Serialize, Deserialize)]
struct KeptHour {
    /// In the order of [`named_counts`].
    counts: [u64; N_COUNTS],
    usage: Usage,
    /// In picodollars.
    cost: [u128; 6],
}

impl From<&SystemSummary> for KeptSummary {
    fn from(summary: &SystemSummary) -> KeptSummary {
        // Taken apart without `..`, so that nothing is forgotten.
        let SystemSummary { name, counts, usage, cost, latency, latency_split, hits, loss, hours } =
            summary;
        KeptSummary {
            name: name.clone(),
            total: KeptHour::of(counts, usage, cost),
            latency: *latency,
            latency_split: *latency_split,
            hits: hits.clone(),
            loss: *loss,
            hours: hours.iter().map(|it| KeptHour::of(&it.counts, &it.usage, &it.cost)).collect(),
        }
    }
}

impl From<KeptSummary> for SystemSummary {
    fn from(kept: KeptSummary) -> SystemSummary {
        let KeptSummary { name, total, latency, latency_split, hits, loss, hours } = kept;
        SystemSummary {
            name,
            counts: total.counts(),
            cost: total.cost(),
            usage: total.usage,
            latency,
            latency_split,
            hits,
            loss,
            hours: hours.into_iter().map(HourSummary::from).collect(),
        }
    }
}

impl From<KeptHour> for HourSummary {
    fn from(kept: KeptHour) -> HourSummary {
        HourSummary { counts: kept.counts(), cost: kept.cost(), usage: kept.usage }
    }
}

impl KeptHour {
    fn of(counts: &Counts, usage: &Usage, cost: &CostItems) -> KeptHour {
        let mut kept = [0; N_COUNTS];
        for (place, (_, count)) in kept.iter_mut().zip(named_counts(counts)) {
            *place = count;
        }
        let cost = cost.named().map(|(_, it)| it.get());
        KeptHour { counts: kept, usage: usage.clone(), cost }
    }

    fn counts(&self) -> Counts {
        let number_of = |name: &str| {
            let place = named_counts(&Counts::default()).position(|(it, _)| it == name)?;
            self.counts.get(place).copied()
        };
        counts_of(number_of).expect("each has its place")
    }

    fn cost(&self) -> CostItems {
        let [serving, warm_up, backup, nodes, backing_store, proxy] = self.cost.map(Usd::pico);
        CostItems { serving, warm_up, backup, nodes, backing_store, proxy }
    }
}

#[cfg(test)]
mod tests {
    use units::Nanos;

    use super::*;

    #[test]
    fn what_is_kept_is_found_and_what_is_not_used_is_swept() {
        let dir = tempfile::tempdir().unwrap();
        let store = Store::open(dir.path()).unwrap().unwrap();
        assert_eq!(store.find::<u32>("how many"), None);
        assert_eq!(Store::find_or(Some(&store), "how many", || Ok(7)).unwrap(), 7);
        assert_eq!(Store::find_or(Some(&store), "how many", || Ok(8)).unwrap(), 7);
        assert_eq!(Store::find_or(None, "how many", || Ok(8)).unwrap(), 8);
        store.keep("how few", &1).unwrap();
        let later = Store::open(dir.path()).unwrap().unwrap();
        assert_eq!(later.find::<u32>("how many"), Some(7));
        later.sweep().unwrap();
        assert_eq!(later.find::<u32>("how many"), Some(7));
        assert_eq!(later.find::<u32>("how few"), None);
        // Another program would not find it.
        let other = Store { program: later.program ^ 1, ..later };
        assert_eq!(other.find::<u32>("how many"), None);
    }

    #[test]
    fn a_summary_comes_back_as_it_was() {
        // Each a number of its own, so that none can stand for another.
        let place = |name: &str| named_counts(&Counts::default()).position(|(it, _)| it == name);
        let counts = counts_of(|name| Some(u64::MAX - place(name)? as u64)).unwrap();
        assert_eq!(named_counts(&counts).count(), N_COUNTS);
        let cost = CostItems { backup: Usd::pico(1 << 70), ..CostItems::default() };
        let mut usage = Usage::default();
        usage.backup.billed_mb_ms_by_100ms = 1 << 70;
        usage.rent_nodes("cache.r5.24xlarge", 1, Nanos::HOUR);
        let summary = SystemSummary {
            name: "infinicache".to_owned(),
            counts,
            usage: usage.clone(),
            cost,
            latency: LatencySummary { p50_ms: 0.1 + 0.2, ..LatencySummary::default() },
            latency_split: LatencySplit {
                hits: Some(LatencySummary::of_ms([0.7; 7])),
                miss_phases: Some(
                    [0.1, 0.2, 0.3, 0.4, 0.5].map(|it| LatencySummary::of_ms([it; 7])),
                ),
                by_size: [None, None, None, Some(LatencySummary::of_ms([0.9; 7]))],
                ..LatencySplit::default()
            },
            loss: LossSummary {
                time_to_repair: Some(LatencySummary::of_ms([1.0, 2.0, 3.0, 4.0, 5.0, 6.0, 7.0])),
                time_to_object_loss_h_mean: Some(0.1),
                time_to_object_loss_h_closed_form: None,
            },
            hits: HitLatency {
                quantiles_ms: vec![1.0 / 3.0],
                by_size_ms: [None, Some([1.0, 2.0, 3.0, 4.0, 5.0]), None, None],
            },
            hours: vec![HourSummary { counts, usage, cost }],
        };
        let text = serde_json::to_string(&KeptSummary::from(&summary)).unwrap();
        let back = SystemSummary::from(serde_json::from_str::<KeptSummary>(&text).unwrap());
        assert_eq!(format!("{summary:?}"), format!("{back:?}"));
    }
}
