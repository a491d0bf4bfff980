//! Where Prometheus reads the counters: HTTP/1.1, one answer per connection.

use std::sync::Arc;
use std::time::Duration;

use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::{TcpListener, TcpStream};
use tokio::task::JoinSet;
use tokio::time::timeout;

use super::shared::Shared;

/// How long one answer may take.
const LIMIT: Duration = Duration::from_secs(5);

/// How many are answered at once. Further ones wait until one of them has been, or had its time.
const N_AT_ONCE_MAX: usize = 64;

/// Answers whoever asks, until the proxy stops.
pub(super) async fn listen(shared: Arc<Shared>, listener: TcpListener) {
    let mut answers = JoinSet::new();
    loop {
        let accepted = tokio::select! {
            () = shared.halted() => break,
            Some(_) = answers.join_next() => continue,
            accepted = listener.accept(), if answers.len() < N_AT_ONCE_MAX => accepted,
        };
        match accepted {
            Ok((stream, _)) => {
                let shared = Arc::clone(&shared);
                // Who does not take its answer in time goes without.
                answers.spawn(async move { drop(timeout(LIMIT, answer(&shared, stream)).await) });
            }
            Err(_) => tokio::time::sleep(Duration::from_millis(50)).await,
        }
    }
    answers.shutdown().await;
}

async fn answer(shared: &Shared, mut stream: TcpStream) -> std::io::Result<()> {
    let mut request = [0; 4096];
    let mut n_bytes = 0;
    while n_bytes < request.len() && !request[..n_bytes].windows(4).any(|it| it == b"\r\n\r\n") {
        match stream.read(&mut request[n_bytes..]).await? {
            0 => return Ok(()),
            n_read => n_bytes += n_read,
        }
    }
    let (method, path) = asked(&request[..n_bytes]);
    let (status, body) = match (method, path) {
        (b"GET" | b"HEAD", b"/metrics") => {
            ("200 OK", shared.metrics.render(shared.metadata().n_objects()))
        }
        _ => ("404 Not Found", "the metrics are at /metrics\n".to_owned()),
    };
    let head = format!(
        "HTTP/1.1 {status}\r\nContent-Type: text/plain; version=0.0.4\r\n\
         Content-Length: {}\r\nConnection: close\r\n\r\n",
        body.len()
    );
    stream.write_all(head.as_bytes()).await?;
    if method != b"HEAD" {
        stream.write_all(body.as_bytes()).await?;
    }
    stream.shutdown().await
}

/// The method of a request and the path it is for, without the query.
fn asked(request: &[u8]) -> (&[u8], &[u8]) {
    let mut words = request.split(u8::is_ascii_whitespace);
    let method = words.next().unwrap_or_default();
    let target = words.next().unwrap_or_default();
    (method, target.split(|it| *it == b'?').next().unwrap_or_default())
}
