//! Time on the processor, so that other work on the machine does not count.

use std::time::Instant;

/// Does some work; how many seconds it was on a processor, and what came of it.
pub(crate) fn timed<T>(work: impl FnOnce() -> T) -> (f64, T) {
    let (start, start_wall) = (processor_seconds(), Instant::now());
    let result = work();
    let wall = start_wall.elapsed().as_secs_f64();
    let busy = processor_seconds().zip(start).map(|(end, start)| end - start);
    (busy.unwrap_or(wall), result)
}

/// How long this thread has been on a processor; `None` where the system does not say (it does
/// on Linux: the first field of schedstat, in nanoseconds).
fn processor_seconds() -> Option<f64> {
    let text = std::fs::read_to_string("/proc/self/schedstat").ok()?;
    Some(text.split_whitespace().next()?.parse::<f64>().ok()? / 1e9)
}

/// The one in the middle.
pub(crate) fn median(mut seconds: Vec<f64>) -> f64 {
    seconds.sort_by(f64::total_cmp);
    seconds[seconds.len() / 2]
}
