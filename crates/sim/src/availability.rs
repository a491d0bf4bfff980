//! The closed form of FAST'20 section 4.3 for the loss of erasure-coded objects.
//!
//! It asks how likely it is that a random set of reclaimed functions takes more chunks of one
//! object than its parity makes up for. It knows no backups and no time between reads.

use policy::reclaim::Reclaim;
use units::Nanos;

/// A pool of functions, and the code of the objects in it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct CodedPool {
    /// How many functions (the paper's N with index lambda).
    pub n_nodes: u32,
    /// Chunks per object, each on a function of its own (n); at most `n_nodes`.
    pub n_chunks: u32,
    /// How many of them are parity; fewer than `n_chunks`. An object is lost with one chunk
    /// more than that (m).
    pub n_parity: u32,
}

impl CodedPool {
    /// The probability that exactly `n_lost` chunks of an object are on `n_reclaimed` random
    /// functions (the paper's p with index i, equation 1): C(r,i) C(N-r,n-i) / C(N,n).
    pub fn loses_exactly(self, n_lost: u32, n_reclaimed: u32) -> f64 {
        let CodedPool { n_nodes, n_chunks, .. } = self;
        assert!(n_reclaimed <= n_nodes, "no more functions reclaimed than there are");
        let n_kept = n_chunks - n_lost;
        if n_reclaimed < n_lost || n_nodes - n_reclaimed < n_kept {
            return 0.0;
        }
        // The same as C(n,i) r!/(r-i)! (N-r)!/(N-r-n+i)! (N-n)!/N!, one factor at a time, so
        // that nothing overflows on the way.
        let mut probability = 1.0;
        for it in 0..n_lost {
            probability *= f64::from(n_reclaimed - it) / f64::from(n_nodes - it);
            probability *= f64::from(n_chunks - it) / f64::from(it + 1);
        }
        for it in 0..n_kept {
            let left = n_nodes - n_lost - it;
            probability *= f64::from(n_nodes - n_reclaimed - it) / f64::from(left);
        }
        probability
    }

    /// The probability that an object is lost when `n_reclaimed` functions are (P(r),
    /// equation 2, first part).
    pub fn loses_object(self, n_reclaimed: u32) -> f64 {
        (self.n_parity + 1..=self.n_chunks).map(|it| self.loses_exactly(it, n_reclaimed)).sum()
    }

    /// The probability that an object is lost in one interval of a reclaim process (P with
    /// index l, equation 2).
    pub fn loses_object_per_interval(self, reclaim: &Reclaim) -> f64 {
        reclaim
            .probabilities()
            .into_iter()
            .map(|(count, probability)| probability * self.loses_object(count.min(self.n_nodes)))
            .sum()
    }

    /// The paper's approximation of the same (equation 3), by which its numbers were made: only
    /// the least number of chunks that loses an object is counted, not the rarer larger ones.
    pub fn loses_object_per_interval_approximately(self, reclaim: &Reclaim) -> f64 {
        let lost = |count: u32| self.loses_exactly(self.n_parity + 1, count.min(self.n_nodes));
        reclaim.probabilities().into_iter().map(|(count, it)| it * lost(count)).sum()
    }

    /// How many hours an object lasts on average, where the intervals of the process, as a run of
    /// this span meets it, are independent. `None` if for ever, or where instances are taken back
    /// by name or by how long they were idle.
    pub fn time_to_loss_h_mean(self, reclaim: &Reclaim, span: Nanos) -> Option<f64> {
        let interval = reclaim.interval()?;
        let loss = self.loses_object_per_interval(&reclaim.clone().within(span));
        (0.0 < loss).then(|| interval.as_seconds_f64() / 3600.0 / loss)
    }

    /// The probability that an object is still there after `span`, where the intervals of the
    /// process are independent: 1 where nothing is ever reclaimed. `None` where instances are taken
    /// back by name or by how long they were idle, of which the closed form does not know.
    pub fn availability(self, reclaim: &Reclaim, span: Nanos) -> Option<f64> {
        if reclaim.idle_max().is_some() || !reclaim.listed().is_empty() {
            return None;
        }
        let Some(interval) = reclaim.interval() else { return Some(1.0) };
        let n_intervals = span.as_seconds_f64() / interval.as_seconds_f64();
        let loss = self.loses_object_per_interval(&reclaim.clone().within(span));
        Some(libm::pow(1.0 - loss, n_intervals))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const PAPER: CodedPool = CodedPool { n_nodes: 400, n_chunks: 12, n_parity: 2 };

    #[track_caller]
    fn check(seen: f64, expect: f64, tolerance: f64) {
        assert!((seen / expect - 1.0).abs() <= tolerance, "{seen}, not {expect}");
    }

    #[test]
    fn the_papers_example() {
        check(PAPER.loses_exactly(3, 12) / PAPER.loses_exactly(4, 12), 18.765, 5e-5);
        check(PAPER.loses_object(12), 0.003_916, 2e-4);
        check(PAPER.loses_exactly(3, 12), 0.003_711, 2e-4);
    }

    #[test]
    fn the_measured_distributions() {
        // Recomputed from the plotted distributions of Fig 9, in percent per interval.
        for (series, percent) in [
            ("fig9:2020-01-09", 0.0893),
            ("fig9:2019-12-26", 0.198),
            ("fig9:2019-11-06", 0.3182),
            ("fig9:2019-10-20", 0.0848),
            ("fig9:2019-09-15", 0.0605),
            ("fig9:2019-08-21", 0.695),
        ] {
            let reclaim: Reclaim = series.parse().unwrap();
            let approximately = PAPER.loses_object_per_interval_approximately(&reclaim);
            check(100.0 * approximately, percent, 0.01);
            assert!(approximately < PAPER.loses_object_per_interval(&reclaim), "{series}");
        }
    }

    #[test]
    fn probabilities_sum_to_one() {
        for n_reclaimed in [0, 1, 12, 200, 395, 400] {
            let total: f64 = (0..=12).map(|it| PAPER.loses_exactly(it, n_reclaimed)).sum();
            check(total, 1.0, 1e-12);
        }
    }

    #[test]
    fn nothing_reclaimed_is_nothing_lost() {
        check(PAPER.availability(&Reclaim::none(), Nanos::HOUR).unwrap(), 1.0, 0.0);
        check(PAPER.loses_object(400), 1.0, 1e-12);
        assert!(PAPER.loses_object(2) <= 0.0);
    }

    /// Twelve functions in the first minute: an object in 255 is lost then, and none later.
    #[test]
    fn a_schedule_counts_over_the_span_of_the_run() {
        for rows in ["0,12\n", "0,12\n599,0\n", "0,12\n1,0\n"] {
            let reclaim = Reclaim::parse("schedule:it.csv", &|_| Ok(rows.to_owned())).unwrap();
            for n_hours in [1_u32, 10, 50] {
                let span = Nanos::HOUR * u64::from(n_hours);
                let expect = f64::from(n_hours) / PAPER.loses_object(12);
                check(PAPER.time_to_loss_h_mean(&reclaim, span).unwrap(), expect, 1e-9);
                let lost = 1.0 - PAPER.availability(&reclaim, span).unwrap();
                check(lost, PAPER.loses_object(12), 0.01);
            }
        }
        // What does not come within the run does not count.
        let late = Reclaim::parse("schedule:it.csv", &|_| Ok("600,12\n".to_owned())).unwrap();
        assert_eq!(PAPER.time_to_loss_h_mean(&late, Nanos::HOUR), None);
    }

    #[test]
    fn the_closed_form_knows_only_processes_that_count() {
        let of = |text: &str| {
            let reclaim = Reclaim::parse(text, &|_| Ok("61.5,3,0\n".to_owned())).unwrap();
            let loss = PAPER.time_to_loss_h_mean(&reclaim, Nanos::HOUR);
            (PAPER.availability(&reclaim, Nanos::HOUR).is_some(), loss.is_some())
        };
        assert_eq!(of("none"), (true, false));
        assert_eq!(of("poisson:4/min"), (true, true));
        assert_eq!(of("idle:27min"), (false, false));
        assert_eq!(of("schedule:it.csv"), (false, false));
    }

    #[test]
    fn more_parity_never_loses_more() {
        for n_reclaimed in 0..=400 {
            let loses = |n_parity| CodedPool { n_parity, ..PAPER }.loses_object(n_reclaimed);
            assert!((0..11).all(|it| loses(it + 1) <= loses(it)), "{n_reclaimed} reclaimed");
        }
    }
}
