//! Serving HTTP on a listener, with a bound on everything.

use std::convert::Infallible;
use std::sync::Arc;
use std::time::Duration;

use bytes::Bytes;
use http_body_util::Full;
use hyper::body::Incoming;
use hyper::header::{CONTENT_TYPE, HeaderValue};
use hyper::server::conn::http1;
use hyper::service::service_fn;
use hyper::{Request, Response, StatusCode};
use hyper_util::rt::{TokioIo, TokioTimer};
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::Semaphore;
use tokio::task::{JoinHandle, JoinSet};

/// How long a peer may leave what we sent unacknowledged, or its window closed.
const SEND_TIMEOUT_MS: u32 = 60_000;
/// How long to wait after a connection could not be accepted, as when no descriptor is free.
const ACCEPT_PAUSE: Duration = Duration::from_millis(50);

/// What a server lets its peers take.
#[derive(Clone, Copy, Debug)]
pub(super) struct Bounds {
    /// How many connections are served at once. Others wait to be accepted.
    pub(super) n_connections: usize,
    /// How long the head of a request may be in coming, a kept connection's idle time included.
    pub(super) header_timeout: Option<Duration>,
}

/// A task that ends with its owner.
#[derive(Debug)]
pub(super) struct AbortOnDrop(pub(super) JoinHandle<()>);

impl Drop for AbortOnDrop {
    fn drop(&mut self) {
        self.0.abort();
    }
}

/// Serves connections until dropped, and they end with it.
pub(super) async fn serve<H, F>(listener: TcpListener, bounds: Bounds, handle: H)
where
    H: Fn(Request<Incoming>) -> F + Clone + Send + 'static,
    F: Future<Output = Response<Full<Bytes>>> + Send + 'static,
{
    let permits = Arc::new(Semaphore::new(bounds.n_connections));
    let mut connections = JoinSet::new();
    loop {
        // The semaphore is never closed.
        let Ok(permit) = Arc::clone(&permits).acquire_owned().await else { return };
        let stream = match listener.accept().await {
            Ok((stream, _)) => stream,
            Err(err) => {
                tracing::warn!(%err, "cannot accept a connection");
                tokio::time::sleep(ACCEPT_PAUSE).await;
                continue;
            }
        };
        while connections.try_join_next().is_some() {}
        let handle = handle.clone();
        connections.spawn(async move {
            if let Err(err) = serve_one(stream, bounds, handle).await {
                tracing::debug!(err, "a connection has failed");
            }
            drop(permit);
        });
    }
}

async fn serve_one<H, F>(
    stream: TcpStream,
    bounds: Bounds,
    handle: H,
) -> Result<(), Box<dyn std::error::Error + Send + Sync>>
where
    H: Fn(Request<Incoming>) -> F + Send,
    F: Future<Output = Response<Full<Bytes>>> + Send,
{
    stream.set_nodelay(true)?;
    rustix::net::sockopt::set_tcp_user_timeout(&stream, SEND_TIMEOUT_MS)?;
    let service = service_fn(move |request| {
        let response = handle(request);
        async move { Ok::<_, Infallible>(response.await) }
    });
    let mut builder = http1::Builder::new();
    builder.timer(TokioTimer::new()).header_read_timeout(bounds.header_timeout);
    builder.serve_connection(TokioIo::new(stream), service).await?;
    Ok(())
}

/// A response with a body.
pub(super) fn response(
    status: StatusCode,
    content_type: &'static str,
    body: Bytes,
) -> Response<Full<Bytes>> {
    let mut response = Response::new(Full::new(body));
    *response.status_mut() = status;
    response.headers_mut().insert(CONTENT_TYPE, HeaderValue::from_static(content_type));
    response
}
