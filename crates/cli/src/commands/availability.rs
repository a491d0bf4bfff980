//! `infinisim availability`: the paper's closed form for the loss of objects.

use policy::reclaim::Reclaim;
use serde_json::json;
use sim::availability::CodedPool;
use units::Nanos;

use crate::args::{AvailabilityArgs, UsageError};
use crate::output;

/// The paper's example.
const N_RECLAIMED: u32 = 12;

/// Prints how likely objects are lost, for one number of reclaims and for each process.
pub(crate) fn availability(args: &AvailabilityArgs) -> anyhow::Result<()> {
    let (n_data, n_parity) = args.code;
    let pool = CodedPool { n_nodes: args.nodes, n_chunks: n_data + n_parity, n_parity };
    let n_reclaimed = args.reclaimed.unwrap_or(N_RECLAIMED.min(pool.n_nodes));
    if pool.n_nodes < pool.n_chunks || pool.n_nodes < n_reclaimed {
        return Err(UsageError(format!(
            "--nodes {} is too few for the {} chunks of --code and --reclaimed {n_reclaimed}; \
             raise it",
            pool.n_nodes, pool.n_chunks,
        ))
        .into());
    }
    let processes =
        if args.reclaim.is_empty() { Reclaim::fig9_series() } else { args.reclaim.clone() };
    let row = |it: Reclaim| {
        let it = it.over(args.nodes);
        Row::of(pool, &it).ok_or_else(|| {
            UsageError(format!(
                "`--reclaim {it}` takes back instances by name or by how long they were idle, of \
                 which no closed form knows; name a process that takes a number of them, or run \
                 `infinisim compare` with it"
            ))
        })
    };
    let rows = processes.into_iter().map(row).collect::<Result<Vec<Row>, UsageError>>()?;
    if args.output.json {
        return output::print(&serde_json::to_string_pretty(&as_json(pool, n_reclaimed, &rows))?);
    }
    let head = ["reclaims", "interval", "loss per interval", "approximation", "availability per h"];
    let mut table = vec![head.map(str::to_owned).to_vec()];
    table.extend(rows.iter().map(Row::cells));
    if args.output.csv {
        return output::print(&output::csv(&table)?);
    }
    let least = n_parity + 1;
    let about = format!(
        "{} functions, objects in {n_data}+{n_parity} chunks, {} reclaimed at once:\n  \
         an object is lost with probability {:.6} (exactly {least} chunks: {:.6})",
        pool.n_nodes,
        n_reclaimed,
        pool.loses_object(n_reclaimed),
        pool.loses_exactly(least, n_reclaimed),
    );
    let note = "The approximation counts losses of the least number of chunks only\n\
                (equation 3 of the paper). No backups; intervals are independent.";
    output::print(&format!("{about}\n\n{}\n{note}", output::columns(&table)))
}

/// What one reclaim process does.
struct Row {
    process: String,
    interval: Option<Nanos>,
    loss: f64,
    loss_approximate: f64,
    availability_hourly: f64,
}

impl Row {
    /// `None` of a process of which the closed form does not know.
    fn of(pool: CodedPool, process: &Reclaim) -> Option<Row> {
        Some(Row {
            process: process.to_string(),
            interval: process.interval(),
            loss: pool.loses_object_per_interval(process),
            loss_approximate: pool.loses_object_per_interval_approximately(process),
            availability_hourly: pool.availability(process, Nanos::HOUR)?,
        })
    }

    fn cells(&self) -> Vec<String> {
        vec![
            self.process.clone(),
            self.interval.map_or("never".to_owned(), |it| it.to_string()),
            format!("{:.4} %", 100.0 * self.loss),
            format!("{:.4} %", 100.0 * self.loss_approximate),
            format!("{:.3} %", 100.0 * self.availability_hourly),
        ]
    }
}

fn as_json(pool: CodedPool, n_reclaimed: u32, rows: &[Row]) -> serde_json::Value {
    let least = pool.n_parity + 1;
    let exactly = |n_lost: u32| pool.loses_exactly(n_lost, n_reclaimed);
    let process = |it: &Row| {
        json!({
            "reclaim": it.process,
            "interval_s": it.interval.map(Nanos::as_seconds_f64),
            "loss_probability": it.loss,
            "loss_probability_approximate": it.loss_approximate,
            "availability_hourly": it.availability_hourly,
        })
    };
    json!({
        "n_nodes": pool.n_nodes,
        "n_data": pool.n_chunks - pool.n_parity,
        "n_parity": pool.n_parity,
        "n_reclaimed": n_reclaimed,
        "loss_probability": pool.loses_object(n_reclaimed),
        "loss_probability_by_chunks":
            (least..=pool.n_chunks).map(|it| json!([it, exactly(it)])).collect::<Vec<_>>(),
        "processes": rows.iter().map(process).collect::<Vec<_>>(),
    })
}
