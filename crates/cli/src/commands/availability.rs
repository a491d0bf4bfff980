//! `infinisim availability`: the paper's closed form for the loss of objects.

use policy::reclaim::Reclaim;
use serde_json::json;
use sim::availability::CodedPool;
use units::Nanos;

use crate::args::UsageError;
use crate::model_args::AvailabilityArgs;
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
    if args.output.csv {
        let head = [
            "reclaims",
            "interval_s",
            "loss_percent",
            "loss_approximate_percent",
            "there_after_1h_percent",
        ];
        let mut table = vec![head.map(str::to_owned).to_vec()];
        table.extend(rows.iter().map(Row::numbers));
        return output::print(&output::csv(&table)?);
    }
    let head = ["reclaims", "interval", "loss per interval", "approximation", "there after 1 h"];
    let mut table = vec![head.map(str::to_owned).to_vec()];
    table.extend(rows.iter().map(Row::cells));
    let least = n_parity + 1;
    let about = format!(
        "{} functions, objects in {n_data}+{n_parity} chunks, {} reclaimed at once:\n  \
         an object is lost with probability {} (exactly {least} chunks: {})",
        pool.n_nodes,
        n_reclaimed,
        decimal(pool.loses_object(n_reclaimed), 6),
        decimal(pool.loses_exactly(least, n_reclaimed), 6),
    );
    let note = "The loss per interval is exact (equation 2 of the paper), and what is there\n\
                after 1 h as well. The approximation counts losses of the least number of\n\
                chunks only (equation 3); the paper takes it for its hours, and `infinisim\n\
                figures` beside them. No backups; intervals are independent.";
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
            percent(self.loss, 4),
            percent(self.loss_approximate, 4),
            percent(self.availability_hourly, 3),
        ]
    }

    /// The same for a program: numbers alone, an empty one where the interval has no end.
    fn numbers(&self) -> Vec<String> {
        let percent = |part: f64| (100.0 * part).to_string();
        vec![
            self.process.clone(),
            self.interval.map_or(String::new(), |it| it.as_seconds_f64().to_string()),
            percent(self.loss),
            percent(self.loss_approximate),
            percent(self.availability_hourly),
        ]
    }
}

/// A probability with at least so many decimals, and as many more as tell it from never, or from
/// always, by two digits.
fn percent(part: f64, n_decimals_min: usize) -> String {
    /// More are beyond what the sums are good for.
    const N_DECIMALS_MAX: f64 = 12.0;
    let percent = 100.0 * part;
    let apart = percent.min(100.0 - percent);
    let wanted = if 0.0 < apart { 1.0 - libm::floor(libm::log10(apart)) } else { 0.0 };
    #[expect(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "0 to 12")]
    let wanted = wanted.clamp(0.0, N_DECIMALS_MAX) as usize;
    format!("{} %", decimal(percent, wanted.max(n_decimals_min)))
}

/// A number that is not negative with so many decimals, or with a power of ten where those would
/// say that it is nothing.
fn decimal(number: f64, n_decimals: usize) -> String {
    let text = format!("{number:.n_decimals$}");
    let is_nothing = text.bytes().all(|it| matches!(it, b'0' | b'.'));
    if is_nothing && 0.0 < number { format!("{number:.1e}") } else { text }
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

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_rare_is_not_never() {
        let check = |part: f64, expect: &str| assert_eq!(percent(part, 4), expect);
        check(0.001_033_4, "0.1033 %");
        check(0.000_000_012, "0.0000012 %");
        check(0.999_999_988, "99.9999988 %");
        check(7e-20, "7.0e-18 %");
        check(0.0, "0.0000 %");
        check(1.0, "100.0000 %");
    }
}
