//! Taking instances back by the processes of `policy`.

use std::fmt;
use std::sync::Arc;
use std::time::Duration;

use policy::placer::{NodePicker, Placement};
use policy::reclaim::{Listed, Reclaim};
use tokio::time::Instant;
use units::Nanos;

use super::instance::duration;
use super::pool::{InstanceId, Reclaimed};
use super::service::Service;
use super::usage::ReclaimRecord;

/// Which instances are taken back, and when.
pub struct ReclaimPlan {
    /// How many, by the simulator's own processes.
    pub process: Reclaim,
    /// The functions, pool after pool.
    pub functions: Vec<String>,
    /// How many functions each pool has; the process counts over each pool on its own.
    pub n_per_pool: usize,
    /// How many instances each function has: 2 where it has a peer replica, and then those are
    /// a second pool that the same process takes from.
    pub n_instances: usize,
    /// Uniformly random numbers. Equal ones are equal plans, but not the simulator's: that one
    /// looks first which functions have an instance of a rank, and draws among those. What was
    /// really taken back is in [`super::Platform::take_reclaims`], and can be simulated as a list.
    pub picks: Box<dyn FnMut() -> u64 + Send>,
}

impl fmt::Debug for ReclaimPlan {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("ReclaimPlan")
            .field("process", &self.process)
            .field("functions", &self.functions)
            .field("n_per_pool", &self.n_per_pool)
            .field("n_instances", &self.n_instances)
            .finish_non_exhaustive()
    }
}

/// One instance to be taken back.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct PlannedReclaim {
    /// How long after the start of the plan.
    pub after: Nanos,
    /// The function.
    pub function: String,
    /// Which of its instances: its rank in [`super::Platform::instances`] when its interval
    /// begins, as in a simulation. Otherwise one would be spared that takes another's rank.
    pub rank: usize,
}

/// The rounds of a plan, one after the other.
struct Rounds {
    plan: ReclaimPlan,
    interval: Nanos,
    picker: NodePicker,
    n_rounds: u64,
}

impl ReclaimPlan {
    /// All instances that the first `n_rounds` intervals take back, in order of time.
    pub fn rounds(self, n_rounds: u64) -> Vec<PlannedReclaim> {
        let Some(mut rounds) = Rounds::new(self) else { return Vec::new() };
        (0..n_rounds).flat_map(|_| rounds.next()).collect()
    }
}

impl Rounds {
    /// `None` for a process that takes none back by number.
    ///
    /// # Panics
    ///
    /// Panics where the functions are not whole pools.
    fn new(plan: ReclaimPlan) -> Option<Rounds> {
        let interval = plan.process.interval()?;
        assert_ne!(plan.n_per_pool, 0, "a pool has functions");
        assert!(plan.functions.len().is_multiple_of(plan.n_per_pool), "the last pool is not full");
        let n_per_pool = u32::try_from(plan.n_per_pool).expect("names do not fill the memory");
        let picker = NodePicker::new(Placement::Random, n_per_pool);
        Some(Rounds { plan, interval, picker, n_rounds: 0 })
    }

    /// Draws as many of each rank as the process says of a full pool, whether or not there are so
    /// many: those that are not there are not taken back.
    fn next(&mut self) -> Vec<PlannedReclaim> {
        let Rounds { plan, interval, picker, n_rounds } = self;
        let starts_after = *interval * *n_rounds;
        let mut round = Vec::new();
        for pool in plan.functions.chunks(plan.n_per_pool) {
            for rank in 0..plan.n_instances {
                let count = plan.process.count(*n_rounds, (plan.picks)()) as usize;
                let picks = std::iter::repeat_with(&mut plan.picks);
                let nodes = picker.pick(count.min(pool.len()), picks).to_vec();
                for node in nodes {
                    let after = starts_after + part_of(plan.process.spread(), (plan.picks)());
                    let function = pool[node.index()].clone();
                    round.push(PlannedReclaim { after, function, rank });
                }
            }
        }
        *n_rounds += 1;
        round.sort_by_key(|it| it.after);
        round
    }
}

/// A uniformly random part of `whole`, as the simulator's streams make it: never nothing.
fn part_of(whole: Nanos, pick: u64) -> Nanos {
    const STEPS: u64 = 1 << 53;
    let part = ((pick >> 11) + 1) as f64 / STEPS as f64;
    Nanos::from_seconds_f64(part * whole.as_seconds_f64())
}

impl Service {
    pub(super) fn reclaim(&self, function: &str, rank: usize) -> Option<Reclaimed> {
        self.reclaim_instance(function, self.pool.instance(function, rank)?)
    }

    fn reclaim_instance(&self, function: &str, id: InstanceId) -> Option<Reclaimed> {
        let (reclaimed, rank) = self.pool.reclaim(function, id)?;
        if reclaimed == Reclaimed::Now {
            self.note_reclaim(function, rank);
        }
        Some(reclaimed)
    }

    /// Writes down that an instance is taken back, which had this rank.
    pub(super) fn note_reclaim(&self, function: &str, rank: usize) {
        tracing::debug!(function, rank, "an instance was taken back");
        let at = self.time(Instant::now());
        self.usage.record_reclaim(ReclaimRecord { at, function: function.to_owned(), rank });
    }
}

/// Takes instances back until the platform stops.
pub(super) async fn run(service: Arc<Service>, plan: ReclaimPlan) {
    let mut stop = service.stop.subscribe();
    let work = async {
        match plan.process.idle_max() {
            Some(limit) => reclaim_idle(&service, duration(limit)).await,
            None => reclaim_by_number(&service, plan).await,
        }
    };
    tokio::select! {
        () = work => {}
        _ = stop.wait_for(|it| *it) => {}
    }
}

async fn reclaim_idle(service: &Service, limit: Duration) {
    loop {
        let (reclaimed, next) = service.pool.reclaim_idle(limit);
        for (function, rank) in reclaimed {
            service.note_reclaim(&function, rank);
        }
        // An instance that becomes idle meanwhile is not due before this.
        let at_the_latest = Instant::now() + limit;
        tokio::time::sleep_until(next.map_or(at_the_latest, |it| it.min(at_the_latest))).await;
    }
}

/// Takes back the instances that the process names, as far as they are there.
async fn reclaim_listed(service: &Service, listed: &[Listed], functions: &[String]) {
    let started_at = Instant::now();
    for Listed { after, function, rank } in listed {
        let function = functions.get(*function as usize);
        if let Some(function) = function {
            tokio::time::sleep_until(started_at + duration(*after)).await;
            service.reclaim(function, *rank as usize);
        }
    }
}

async fn reclaim_by_number(service: &Service, plan: ReclaimPlan) {
    reclaim_listed(service, plan.process.listed(), &plan.functions).await;
    let started_at = Instant::now();
    let Some(mut rounds) = Rounds::new(plan) else { return };
    loop {
        let instance = |it: PlannedReclaim| {
            let id = service.pool.instance(&it.function, it.rank)?;
            Some((it, id))
        };
        let round: Vec<_> = rounds.next().into_iter().filter_map(instance).collect();
        for (PlannedReclaim { after, function, .. }, id) in round {
            tokio::time::sleep_until(started_at + duration(after)).await;
            service.reclaim_instance(&function, id);
        }
        let next_at = started_at + duration(rounds.interval * rounds.n_rounds);
        tokio::time::sleep_until(next_at).await;
    }
}

#[cfg(test)]
mod tests {
    use des::Streams;

    use super::*;

    fn plan(process: &str, n_functions: usize, n_instances: usize) -> ReclaimPlan {
        let mut stream = Streams::new(7).named("reclaim");
        ReclaimPlan {
            process: process.parse().unwrap(),
            functions: (0..n_functions).map(|it| format!("node-{it}")).collect(),
            n_per_pool: n_functions,
            n_instances,
            picks: Box::new(move || stream.bits()),
        }
    }

    #[test]
    fn a_plan_is_the_same_for_the_same_picks_and_keeps_to_its_intervals() {
        let rounds = || plan("poisson:3/min", 20, 2).rounds(100);
        assert_eq!(rounds(), rounds());
        let all = rounds();
        // 100 minutes, two pools, 3 a minute; the standard deviation is about 25.
        assert!((500..700).contains(&all.len()), "{}", all.len());
        assert!(all.is_sorted_by_key(|it| it.after));
        assert!(all.iter().all(|it| it.after <= Nanos::MINUTE * 100 && it.rank < 2));
    }

    #[test]
    fn a_mass_reclaim_takes_each_instance_once() {
        let mut round = plan("mass:6h", 5, 2).rounds(1);
        assert!(round.iter().all(|it| it.after <= Nanos::MINUTE * 9), "all at nearly one time");
        round.sort_by_key(|it| (it.function.clone(), it.rank));
        let named: Vec<(&str, usize)> =
            round.iter().map(|it| (it.function.as_str(), it.rank)).collect();
        let each = ["node-0", "node-1", "node-2", "node-3", "node-4"];
        assert_eq!(named, each.map(|it| [(it, 0), (it, 1)]).concat());
    }

    #[test]
    fn a_process_without_numbers_plans_none() {
        for process in ["none", "idle:5min"] {
            assert_eq!(plan(process, 5, 1).rounds(10), []);
        }
    }
}
