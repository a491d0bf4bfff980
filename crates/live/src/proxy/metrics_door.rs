//! Where Prometheus reads the counters: HTTP/1.1, one answer per connection.

use std::sync::Arc;
use std::time::Duration;

use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::{TcpListener, TcpStream};
use tokio::time::timeout;

use super::shared::Shared;

/// How long one answer may take.
const LIMIT: Duration = Duration::from_secs(5);

/// Answers one after the other, until the proxy stops.
pub(super) async fn listen(shared: Arc<Shared>, listener: TcpListener) {
    loop {
        let accepted = tokio::select! {
            () = shared.halted() => return,
            accepted = listener.accept() => accepted,
        };
        match accepted {
            // Who does not take its answer in time goes without.
            Ok((stream, _)) => drop(timeout(LIMIT, answer(&shared, stream)).await),
            Err(_) => tokio::time::sleep(Duration::from_millis(50)).await,
        }
    }
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
    let is_known = request.starts_with(b"GET /metrics ");
    let (status, body) = if is_known {
        ("200 OK", shared.metrics.render(shared.metadata().n_objects()))
    } else {
        ("404 Not Found", "the metrics are at /metrics\n".to_owned())
    };
    let head = format!(
        "HTTP/1.1 {status}\r\nContent-Type: text/plain; version=0.0.4\r\n\
         Content-Length: {}\r\nConnection: close\r\n\r\n",
        body.len()
    );
    stream.write_all(head.as_bytes()).await?;
    stream.write_all(body.as_bytes()).await?;
    stream.shutdown().await
}
