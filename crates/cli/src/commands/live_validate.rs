//! `infinisim live validate`: the same requests on the real cache and on its model.

use std::path::Path;

use live::replay::{ReadRecord, WriteRecord};
use policy::EvictionPolicy;
use policy::link::LinkTerms;
use policy::placer::Placement;
use policy::reclaim::Reclaim;
use pricing::{FunctionUsage, Quantum};
use report::chart::{Chart, Curve, CurveChart, Hue, Naming, Plot, Scale, Ticks};
use report::comparison::{self, SystemSummary};
use report::validation::{self, Row};
use serde_json::json;
use sim::{Distribution, Profile, Record, Surroundings, System, SystemKind};
use units::Nanos;

use super::live_replay::{Ran, listed, on_own, write_log};
use crate::experiment::Experiment;
use crate::leftovers::Writer;
use crate::live_args::{LiveValidateArgs, PoolArgs};
use crate::live_calibration::{Asked, Calibration, calibrate};
use crate::live_pool::{self, Interrupt};
use crate::live_run::{self, Billed, LiveInput};
use crate::output;

/// Measures this machine, replays the trace live, simulates the same, and shows how far the
/// two are apart.
pub(crate) fn validate(args: &LiveValidateArgs) -> anyhow::Result<()> {
    // So that both put an object on the same functions, though the one places it when it has
    // been fetched, and the other when it is asked for.
    let placement = args.pool.placement.or(Some(Placement::Keyed));
    let pool = PoolArgs { placement, ..args.pool.clone() };
    let text = live_pool::system_text(&pool)?;
    let profile = crate::args::DEFAULT_PROFILE;
    let (trace, prices, seed) = (&args.trace, &args.prices, args.pool.seed);
    let experiment = Experiment::of_pool(trace, text.clone(), prices, profile, seed)?;
    let read = experiment.files_read(&trace.read)?;
    if let Some(dir) = &args.output_dir {
        Writer::LiveValidation.check(dir, &read)?;
        output::prepare_dir(dir)?;
    }
    let input = LiveInput::load(trace, &args.pace, &experiment)?;
    let quantum = experiment.prices.function().quantum.value;
    let runtime = tokio::runtime::Builder::new_multi_thread().enable_all().build()?;
    let asked = Asked { quantum, store: args.pace.store, size_mean: input.size_mean() };
    // One for all that follows: what comes while nothing listens is heard by what comes next.
    let interrupt = runtime.block_on(async { Interrupt::listen() })?;
    output::note("measuring this machine");
    let before = runtime.block_on(calibrate(&pool, asked, &interrupt))?;
    output::note(&format!("replaying {} requests in {}", input.requests.len(), input.span));
    let store = args.pace.store;
    let (ran, link) = runtime.block_on(on_own(&pool, store, quantum, &input, &interrupt))?;
    live_run::check_whole(&ran.replayed, false)?;
    output::note("measuring this machine again");
    // How busy it is otherwise may have changed meanwhile.
    let calibration = before.and(&runtime.block_on(calibrate(&pool, asked, &interrupt))?);
    interrupt.hand_over()?;
    let profile = calibration.profile(&pool, store)?;

    // Both on the clock of the functions, which were there before the first request.
    let input = input.later(ran.lead);
    let ran = later(ran);
    let live = live_run::record(&experiment, &input, &ran.replayed, &ran.billed);
    let model = Model { text: &text, profile: &profile, link, reclaim: reclaim_of(&ran) };
    let system = model.system(&experiment)?;
    let simulated = sim::run(&system, &input.workload(), seed);
    let pair =
        Pair { live, simulated, quantum, memory_mb: live_pool::memory_mb(args.pool.memory)? };
    let summaries = [
        live_run::summarise(&experiment, "live", &pair.live)?,
        live_run::summarise(&experiment, "simulated", &pair.simulated)?,
    ];
    let rows = pair.rows(&summaries);
    let around = around(args, &calibration, &input, &ran);
    if let Some(dir) = &args.output_dir {
        Writer::LiveValidation.remove_others(dir, &read)?;
        let compared = live_run::comparison(&experiment, &input, &args.pace, summaries.to_vec());
        output::write_text(&dir.join("results.json"), &comparison::to_json_with_hours(&compared))?;
        output::write_text(&dir.join("validation.json"), &validation::to_json(&rows, &around))?;
        output::write_text(&dir.join("profile.toml"), &profile)?;
        write_log(dir, &ran)?;
        draw(dir, &pair)?;
    }
    output::print(&if args.json {
        validation::to_json(&rows, &around)
    } else {
        let notes = live_run::notes(&ran.replayed, Some(&args.pace));
        let mut text = format!("{}\n", validation::to_table(&rows));
        for it in &notes {
            text.push_str(&format!("note: {it}\n"));
        }
        text
    })?;
    live_run::check(&ran.replayed)
}

/// The same replay on a clock that began when its functions were first invoked.
fn later(mut ran: Ran) -> Ran {
    let lead = ran.lead;
    for ReadRecord { at, .. } in &mut ran.replayed.reads {
        *at += lead;
    }
    for WriteRecord { at, .. } in &mut ran.replayed.writes {
        *at += lead;
    }
    if let Billed::Each { invocations, reclaims, .. } = &mut ran.billed {
        for it in invocations {
            it.received_at = it.received_at + lead;
        }
        for after in reclaims {
            *after += lead;
        }
    }
    for it in &mut ran.reclaims {
        it.at = it.at + lead;
    }
    ran
}

/// What the platform really took back, for the model to take back as well.
fn reclaim_of(ran: &Ran) -> Reclaim {
    Reclaim::of_list("as it was live", listed(&ran.reclaims, Nanos::ZERO))
}

/// The simulator's pool, as the live one was.
struct Model<'a> {
    text: &'a str,
    profile: &'a str,
    link: LinkTerms,
    reclaim: Reclaim,
}

impl Model<'_> {
    fn system(self, experiment: &Experiment) -> anyhow::Result<System> {
        let profile = Profile::from_toml(self.profile)?;
        let read_file = |name: &str| fs_err::read_to_string(name).map_err(|err| err.to_string());
        let (prices, policy) = (&experiment.prices, EvictionPolicy::Lru);
        let around = Surroundings { prices, profile: &profile, policy, read_file: &read_file };
        let mut system = System::parse(self.text, around)?;
        if let SystemKind::InfiniCache(config) = &mut system.kind {
            config.link = self.link;
            config.reclaim = self.reclaim;
        }
        Ok(system)
    }
}

/// Both runs.
struct Pair {
    live: Record,
    simulated: Record,
    quantum: Quantum,
    memory_mb: u32,
}

/// The invocations of one kind.
type OfUsage = fn(&pricing::Usage) -> FunctionUsage;

/// What has to agree within 2 %, 5 % and 15 %.
const COUNTED: f64 = 0.02;
const BILLED: f64 = 0.05;
const TIMED: f64 = 0.15;

impl Pair {
    fn rows(&self, [live, simulated]: &[SystemSummary; 2]) -> Vec<Row> {
        let usages = [self.live.total().usage, self.simulated.total().usage];
        let mut rows = Vec::new();
        let mut add = |id: &str, what: &str, it: [f64; 2], tolerance, is_count| {
            let (id, quantity) = (id.to_owned(), what.to_owned());
            let [live, simulated] = it;
            rows.push(Row { id, quantity, live, simulated, tolerance, is_count });
        };
        let counts =
            |of: fn(&sim::Counts) -> u64| [of(&live.counts) as f64, of(&simulated.counts) as f64];
        let strict = Some(COUNTED);
        add("n_gets", "GETs", counts(|it| it.n_gets), None, true);
        add("n_hits", "hits", counts(|it| it.n_hits), strict, true);
        let compulsory = counts(|it| it.n_compulsory_misses);
        add("n_compulsory_misses", "misses, compulsory", compulsory, None, true);
        add("n_capacity_misses", "  capacity", counts(|it| it.n_capacity_misses), None, true);
        add("n_resets", "RESETs", counts(|it| it.n_resets), strict, true);
        add("n_recoveries", "recoveries", counts(|it| it.n_recoveries), strict, true);
        let chunks = counts(|it| it.n_recovered_chunks);
        add("n_recovered_chunks", "  of chunks", chunks, strict, true);
        add("n_evictions", "evictions", counts(|it| it.n_evictions), None, true);
        add("n_reclaims", "reclaims", counts(|it| it.n_reclaims), None, true);
        add("n_invocations", "invocations", counts(|it| it.n_invocations), strict, true);
        let kinds: [(&str, &str, OfUsage); 3] = [
            ("serving", "  serving", |it| it.serving),
            ("warm_up", "  warm-up", |it| it.warm_up),
            ("backup", "  backup", |it| it.backup),
        ];
        for (id, what, of) in kinds {
            let each = usages.each_ref().map(|it| of(it).n_invocations as f64);
            add(&format!("n_invocations_{id}"), what, each, None, true);
        }
        let seconds = |it: FunctionUsage| {
            it.billed_mb_ms(self.quantum) as f64 / f64::from(self.memory_mb) / 1e3
        };
        let all = usages.each_ref().map(|it| kinds.iter().map(|(_, _, of)| seconds(of(it))).sum());
        add("billed_s", "billed, s", all, Some(BILLED), false);
        for (id, what, of) in kinds {
            let each = usages.each_ref().map(|it| seconds(of(it)));
            add(&format!("billed_{id}_s"), what, each, None, false);
        }
        let cost = [live, simulated].map(|it| it.cost.total().as_f64() * 1e3);
        add("cost_usd_thousandths", "cost, US$ / 1000", cost, Some(BILLED), false);
        let timed: [(&str, &str, f64, Option<f64>); 3] = [
            ("latency_ms_p50", "latency, ms: p50", 0.5, Some(TIMED)),
            ("latency_ms_p95", "  p95", 0.95, Some(TIMED)),
            ("latency_ms_p99", "  p99", 0.99, None),
        ];
        for (id, what, part, tolerance) in timed {
            add(id, what, self.each(|it| it.latencies.all.quantile_ms(part)), tolerance, false);
        }
        for (id, what, part) in [("p50", "  of hits: p50", 0.5), ("p95", "  of hits: p95", 0.95)] {
            let each = self.each(|it| it.latencies.hits.quantile_ms(part));
            add(&format!("hit_latency_ms_{id}"), what, each, None, false);
        }
        rows
    }

    fn each(&self, of: impl Fn(&Record) -> f64) -> [f64; 2] {
        [of(&self.live), of(&self.simulated)]
    }
}

fn around(
    args: &LiveValidateArgs,
    calibration: &Calibration,
    input: &LiveInput,
    ran: &Ran,
) -> serde_json::Value {
    json!({
        "trace": args.trace.trace,
        "trace_hash": input.hash,
        "n_requests": input.requests.len(),
        "span_s": input.span.as_seconds_f64(),
        "speed": args.pace.speed,
        "seed": args.pool.seed,
        "n_nodes": args.pool.nodes,
        "code": args.pool.code.to_string(),
        "memory_mb": args.pool.memory.get() / 1_000_000,
        "reclaim": args.pool.reclaim.to_string(),
        "lateness_ms_max": ran.replayed.lateness_max.as_millis_f64(),
        "n_failures": ran.replayed.n_failures,
        "n_wrong": ran.replayed.n_wrong,
        "calibration": {
            "round_trip_ms": calibration.round_trip_ms,
            "client_overhead_ms": calibration.client_overhead_ms,
            "warm_invoke_floor_ms": calibration.warm_floor_ms,
            "warm_invoke_tail_ms_mean": calibration.warm_tail_ms_mean,
            "cold_start_ms": calibration.cold_start_ms,
            "link_mb_per_s": calibration.link_mb_per_s,
            "encode_ms_per_mb": calibration.encode_ms_per_mb,
            "decode_ms_per_mb": calibration.decode_ms_per_mb,
            "return_ms": calibration.return_ms.to_vec(),
            "proxy_request_ms": calibration.proxy_request_ms,
        },
    })
}

/// The distributions of latencies, one over the other.
fn draw(dir: &Path, pair: &Pair) -> anyhow::Result<()> {
    let curve = |name: &str, hue: Hue, it: &Distribution| {
        let points = it.cumulative().into_iter().map(|(ms, part)| (ms / 1e3, part)).collect();
        Curve { is_stepped: true, ..Curve::ours(name, hue, points) }
    };
    let plot = |title: &str, of: fn(&Record) -> &Distribution| Plot {
        title: title.to_owned(),
        x: Scale::logarithmic("Latency").written(Ticks::Seconds),
        y: Scale::linear("Part of the GETs").between(0.0, 1.0),
        curves: vec![
            curve("live", Hue::InfiniCache, of(&pair.live)),
            curve("simulated", Hue::ElastiCache, of(&pair.simulated)),
        ],
    };
    let chart = Chart::Curves(CurveChart {
        title: "The real cache and its model".to_owned(),
        caption: format!(
            "The part of {} GETs, and of the hits among them, that took no longer.",
            pair.live.latencies.all.n_recorded(),
        ),
        n_columns: 2,
        plots: vec![
            plot("All GETs", |it| &it.latencies.all),
            plot("Hits", |it| &it.latencies.hits),
        ],
        naming: Naming::Legend,
    });
    let figure = Chart::from_json(&chart.to_json())?.draw();
    output::write_text(&dir.join("validation.svg"), &figure.svg())?;
    output::write_file(&dir.join("validation.png"), |out| Ok(out.write_all(&figure.png())?))
}
