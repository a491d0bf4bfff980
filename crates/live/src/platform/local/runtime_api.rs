//! The Runtime API: how a function's process gets its invocations and answers them.

use std::io;
use std::net::{Ipv4Addr, SocketAddr};

use bytes::Bytes;
use http_body_util::{BodyExt, Full, Limited};
use hyper::body::Incoming;
use hyper::{Method, Request, Response, StatusCode};
use serde_json::json;
use tokio::net::TcpListener;
use tokio::sync::{mpsc, oneshot};

use super::http::{self, AbortOnDrop, Bounds};

/// The longest answer of a function, as on AWS (6 MB and what JSON puts around it).
const ANSWER_BYTES_MAX: usize = 6 * 1024 * 1024 + 100;
/// The longest header that tells the type of an error.
const ERROR_TYPE_CHARS_MAX: usize = 256;
/// More connections than any runtime makes.
const N_CONNECTIONS_MAX: usize = 16;

/// What a process may ask of its instance. An answer that is not taken, because the connection
/// has closed meanwhile, is lost, like the process's interest in it.
#[derive(Debug)]
pub(super) enum RuntimeCall {
    /// For its next invocation.
    Next { reply: oneshot::Sender<Work> },
    /// To take the answer of an invocation.
    Answer { request_id: String, answer: Result<Bytes, FunctionError>, reply: Acceptance },
    /// To take note that it could not start.
    InitError { error: FunctionError, reply: Acceptance },
}

/// Where to say whether an answer was one that was waited for.
pub(super) type Acceptance = oneshot::Sender<bool>;

/// An invocation as the process sees it.
#[derive(Clone, Debug)]
pub(super) struct Work {
    pub(super) request_id: String,
    pub(super) deadline_ms: u64,
    pub(super) function_arn: String,
    pub(super) client_context: Option<String>,
    pub(super) payload: Bytes,
}

/// How an invocation failed.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct FunctionError {
    pub(super) error_type: String,
    /// What the caller is answered: a JSON object.
    pub(super) payload: Bytes,
}

impl FunctionError {
    /// An error that the platform found.
    pub(super) fn of_platform(request_id: &str, error_type: &str, what: &str) -> FunctionError {
        let error_message = format!("RequestId: {request_id} Error: {what}");
        let payload = json!({ "errorType": error_type, "errorMessage": error_message });
        FunctionError { error_type: error_type.to_owned(), payload: payload.to_string().into() }
    }
}

/// A server of the Runtime API for one instance, at an address of its own, because AWS names
/// it by host and port alone. Ends when dropped.
#[derive(Debug)]
pub(super) struct RuntimeServer {
    pub(super) address: SocketAddr,
    pub(super) calls: mpsc::Receiver<RuntimeCall>,
    _task: AbortOnDrop,
}

impl RuntimeServer {
    pub(super) async fn start() -> io::Result<RuntimeServer> {
        let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).await?;
        let address = listener.local_addr()?;
        let (sender, calls) = mpsc::channel(N_CONNECTIONS_MAX);
        // No deadline on a request: the process behind it has one.
        let bounds = Bounds { n_connections: N_CONNECTIONS_MAX, header_timeout: None };
        let answer = move |request| answer(sender.clone(), request);
        let task = tokio::spawn(http::serve(listener, bounds, answer));
        Ok(RuntimeServer { address, calls, _task: AbortOnDrop(task) })
    }
}

async fn answer(
    calls: mpsc::Sender<RuntimeCall>,
    request: Request<Incoming>,
) -> Response<Full<Bytes>> {
    let path = request.uri().path().to_owned();
    let Some(path) = path.strip_prefix("/2018-06-01/runtime/") else {
        return refusal(StatusCode::NOT_FOUND, "UnknownPath", "no such path in the Runtime API");
    };
    let segments: Vec<&str> = path.split('/').collect();
    match (request.method(), segments.as_slice()) {
        (&Method::GET, ["invocation", "next"]) => next(&calls).await,
        (&Method::POST, ["invocation", id, "response"]) => {
            let answer = match Limited::new(request.into_body(), ANSWER_BYTES_MAX).collect().await {
                Ok(body) => Ok(body.to_bytes()),
                Err(err) if err.is::<http_body_util::LengthLimitError>() => Err(too_large(id)),
                Err(err) => return broken(err.as_ref()),
            };
            let is_too_large = answer.is_err();
            let (reply, accepted) = oneshot::channel();
            let call = RuntimeCall::Answer { request_id: (*id).to_owned(), answer, reply };
            let response = acceptance(&calls, call, accepted).await;
            if is_too_large && response.status() == StatusCode::ACCEPTED {
                let why = "the response is larger than 6 MB";
                return refusal(StatusCode::PAYLOAD_TOO_LARGE, "RequestEntityTooLarge", why);
            }
            response
        }
        (&Method::POST, ["invocation", id, "error"]) => {
            let id = (*id).to_owned();
            let error = match function_error(request).await {
                Ok(error) => error,
                Err(response) => return response,
            };
            let (reply, accepted) = oneshot::channel();
            let call = RuntimeCall::Answer { request_id: id, answer: Err(error), reply };
            acceptance(&calls, call, accepted).await
        }
        (&Method::POST, ["init", "error"]) => {
            let error = match function_error(request).await {
                Ok(error) => error,
                Err(response) => return response,
            };
            let (reply, accepted) = oneshot::channel();
            acceptance(&calls, RuntimeCall::InitError { error, reply }, accepted).await
        }
        _ => refusal(StatusCode::NOT_FOUND, "UnknownPath", "no such path in the Runtime API"),
    }
}

async fn next(calls: &mpsc::Sender<RuntimeCall>) -> Response<Full<Bytes>> {
    let (reply, work) = oneshot::channel();
    if calls.send(RuntimeCall::Next { reply }).await.is_err() {
        return ending();
    }
    let Ok(work) = work.await else { return ending() };
    let mut response = Response::builder()
        .header("Content-Type", "application/json")
        .header("Lambda-Runtime-Aws-Request-Id", &work.request_id)
        .header("Lambda-Runtime-Deadline-Ms", work.deadline_ms)
        .header("Lambda-Runtime-Invoked-Function-Arn", &work.function_arn)
        .header("Lambda-Runtime-Trace-Id", trace_id(&work.request_id));
    if let Some(context) = &work.client_context {
        response = response.header("Lambda-Runtime-Client-Context", context);
    }
    // Fails only on a header that is not one, and then the function cannot be told.
    response.body(Full::new(work.payload)).unwrap_or_else(|err| broken(&err))
}

/// A trace that is not sampled, named after the request.
fn trace_id(request_id: &str) -> String {
    let digits: String = request_id.chars().filter(char::is_ascii_hexdigit).collect();
    let (root, rest) = digits.split_at(digits.len().min(8));
    format!("Root=1-{root}-{rest:0<24};Parent={root:0>16};Sampled=0")
}

async fn function_error(
    request: Request<Incoming>,
) -> Result<FunctionError, Response<Full<Bytes>>> {
    let named = request.headers().get("Lambda-Runtime-Function-Error-Type");
    let named = named.and_then(|it| it.to_str().ok()).unwrap_or("Unhandled");
    let error_type: String = named.chars().take(ERROR_TYPE_CHARS_MAX).collect();
    let body = Limited::new(request.into_body(), ANSWER_BYTES_MAX).collect().await;
    let payload = body.map_err(|err| broken(err.as_ref()))?.to_bytes();
    Ok(FunctionError { error_type, payload })
}

async fn acceptance(
    calls: &mpsc::Sender<RuntimeCall>,
    call: RuntimeCall,
    accepted: oneshot::Receiver<bool>,
) -> Response<Full<Bytes>> {
    if calls.send(call).await.is_err() {
        return ending();
    }
    match accepted.await {
        Ok(true) => json_response(StatusCode::ACCEPTED, &json!({ "status": "OK" })),
        Ok(false) => {
            let why = "this invocation is not waiting for an answer";
            refusal(StatusCode::BAD_REQUEST, "InvalidRequestID", why)
        }
        Err(_) => ending(),
    }
}

fn too_large(request_id: &str) -> FunctionError {
    let what = format!(
        "Response payload size exceeded maximum allowed payload size \
                        ({ANSWER_BYTES_MAX} bytes)."
    );
    FunctionError::of_platform(request_id, "Function.ResponseSizeTooLarge", &what)
}

fn ending() -> Response<Full<Bytes>> {
    refusal(StatusCode::INTERNAL_SERVER_ERROR, "InternalError", "this instance is ending")
}

fn broken(err: &(dyn std::error::Error + 'static)) -> Response<Full<Bytes>> {
    refusal(StatusCode::BAD_REQUEST, "InvalidRequest", &err.to_string())
}

fn refusal(status: StatusCode, error_type: &str, why: &str) -> Response<Full<Bytes>> {
    json_response(status, &json!({ "errorType": error_type, "errorMessage": why }))
}

fn json_response(status: StatusCode, body: &serde_json::Value) -> Response<Full<Bytes>> {
    http::response(status, "application/json", body.to_string().into())
}
