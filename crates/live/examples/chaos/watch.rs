//! What can be seen of a process, and of a proxy by its metrics.

use std::collections::BTreeMap;
use std::fs;
use std::net::SocketAddr;
use std::time::Duration;

use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;
use tokio::time::timeout;

/// The metrics of a proxy, by name. Empty where it does not answer.
pub(crate) async fn metrics(address: SocketAddr) -> BTreeMap<String, u64> {
    let answer = async {
        let mut stream = TcpStream::connect(address).await?;
        stream.write_all(b"GET /metrics HTTP/1.1\r\nHost: proxy\r\n\r\n").await?;
        let mut text = String::new();
        stream.read_to_string(&mut text).await?;
        Ok::<_, std::io::Error>(text)
    };
    let Ok(Ok(text)) = timeout(Duration::from_secs(2), answer).await else {
        return BTreeMap::new();
    };
    let rows = text.lines().filter_map(|it| it.strip_prefix("infinisim_")?.split_once(' '));
    rows.filter_map(|(name, value)| Some((name.to_owned(), value.parse().ok()?))).collect()
}

/// How many descriptors a process has open.
pub(crate) fn n_descriptors(process: u32) -> usize {
    fs::read_dir(format!("/proc/{process}/fd")).map_or(0, Iterator::count)
}

/// The resident memory of a process, in kB.
pub(crate) fn memory_kb(process: u32) -> u64 {
    let status = fs::read_to_string(format!("/proc/{process}/status")).unwrap_or_default();
    let line = status.lines().find_map(|it| it.strip_prefix("VmRSS:"));
    line.and_then(|it| it.split_whitespace().next()?.parse().ok()).unwrap_or(0)
}

/// The processes below this one.
pub(crate) fn descendants(process: u32) -> Vec<u32> {
    let mut parents: Vec<(u32, u32)> = Vec::new();
    for entry in fs::read_dir("/proc").into_iter().flatten().flatten() {
        let Some(id) = entry.file_name().to_str().and_then(|it| it.parse::<u32>().ok()) else {
            continue;
        };
        let stat = fs::read_to_string(format!("/proc/{id}/stat")).unwrap_or_default();
        // Behind the name, which may have blanks: the state and the parent.
        let mut fields = stat.rsplit_once(") ").map_or("", |it| it.1).split(' ');
        if let (Some(state), Some(Ok(parent))) = (fields.next(), fields.next().map(str::parse))
            && state != "Z"
        {
            parents.push((id, parent));
        }
    }
    let mut found = vec![process];
    let mut next = 0;
    while let Some(of) = found.get(next).copied() {
        found.extend(parents.iter().filter(|(_, parent)| *parent == of).map(|(id, _)| *id));
        next += 1;
    }
    found.split_off(1)
}

/// The middle one of some numbers.
pub(crate) fn median(mut numbers: Vec<u64>) -> u64 {
    numbers.sort_unstable();
    numbers.get(numbers.len() / 2).copied().unwrap_or(0)
}
