//! The Lambda API, as aws-sdk-lambda and the aws CLI speak it.

mod shapes;

use std::net::IpAddr;
use std::sync::Arc;
use std::time::Duration;

use base64::Engine;
use base64::prelude::BASE64_STANDARD;
use bytes::Bytes;
use http_body_util::{BodyExt, Full, LengthLimitError, Limited};
use hyper::body::{Body, Incoming};
use hyper::header::{AUTHORIZATION, HOST, HeaderValue};
use hyper::http::request::Parts;
use hyper::{Method, Request, Response, StatusCode};
use serde::de::{DeserializeOwned, IgnoredAny};
use serde_json::{Value, json};
use tokio::net::TcpListener;

use self::shapes::{CreateFunction, Page, UpdateConfiguration};
use super::code::ZIPPED_BYTES_MAX;
use super::error::ApiError;
use super::function::name_of;
use super::http::{self, Bounds};
use super::invocation::Answer;
use super::pool::Reclaimed;
use super::runtime_api::FunctionError;
use super::service::Service;

/// The longest payload of an invocation that is waited for, and of an event, as on AWS.
const PAYLOAD_BYTES_MAX: usize = 6 * 1024 * 1024;
const EVENT_BYTES_MAX: usize = 1024 * 1024;
/// Settings with an archive in base64 in them.
const SETTINGS_BYTES_MAX: usize = ZIPPED_BYTES_MAX / 3 * 4 + 64 * 1024;
const CLIENT_CONTEXT_BYTES_MAX: usize = 3_583;

const BODY_TIMEOUT: Duration = Duration::from_mins(1);
const BOUNDS: Bounds =
    Bounds { n_connections: 4_096, header_timeout: Some(Duration::from_mins(2)) };

type Reply = Response<Full<Bytes>>;

/// Answers requests until dropped.
pub(super) async fn serve(listener: TcpListener, service: Arc<Service>) {
    http::serve(listener, BOUNDS, move |request| handle(Arc::clone(&service), request)).await;
}

async fn handle(service: Arc<Service>, request: Request<Incoming>) -> Reply {
    let request_id = service.request_id();
    let (head, body) = request.into_parts();
    let mut reply = match answer(&service, &request_id, &head, body).await {
        Ok(reply) => reply,
        Err(err) => {
            tracing::debug!(method = %head.method, uri = %head.uri, %err, "refused");
            error_reply(&err)
        }
    };
    set(&mut reply, "x-amzn-requestid", &request_id);
    reply
}

async fn answer(
    service: &Arc<Service>,
    request_id: &str,
    head: &Parts,
    body: Incoming,
) -> Result<Reply, ApiError> {
    check_caller(service, head)?;
    let path = head.uri.path().trim_end_matches('/');
    let decoded = percent_encoding::percent_decode_str(path).decode_utf8();
    let path = decoded.map_err(|_| unknown(head))?;
    let segments: Vec<&str> = path.split('/').skip(1).collect();
    match (&head.method, segments.as_slice()) {
        (&Method::POST, ["2015-03-31", "functions", name, "invocations"]) => {
            invoke(service, request_id, name_of(name)?, head, body).await
        }
        (&Method::GET, ["2015-03-31", "functions"]) => {
            let page = Page::parse(head.uri.query().unwrap_or(""))?;
            let functions = service.pool.list(page.after.as_deref(), page.n_functions_max);
            Ok(ok(&shapes::listed(&functions, page.n_functions_max)))
        }
        (&Method::POST, ["2015-03-31", "functions"]) => {
            let request: CreateFunction = settings(body).await?;
            let service = Arc::clone(service);
            let spec = blocking(move || request.create(&service)).await?;
            Ok(json_reply(StatusCode::CREATED, &shapes::configuration(&spec)))
        }
        (&Method::GET, ["2015-03-31", "functions", name]) => {
            qualified(head)?;
            let spec = service.pool.get(name_of(name)?)?;
            Ok(ok(&shapes::function(&spec)))
        }
        (&Method::DELETE, ["2015-03-31", "functions", name]) => {
            qualified(head)?;
            service.pool.delete(name_of(name)?)?;
            Ok(http::response(StatusCode::NO_CONTENT, JSON, Bytes::new()))
        }
        (&Method::GET, ["2015-03-31", "functions", name, "configuration"]) => {
            qualified(head)?;
            let spec = service.pool.get(name_of(name)?)?;
            Ok(ok(&shapes::configuration(&spec)))
        }
        (&Method::PUT, ["2015-03-31", "functions", name, "configuration"]) => {
            let request: UpdateConfiguration = settings(body).await?;
            let settings = request.settings();
            let spec = service.pool.update(name_of(name)?, |it| it.with(settings))?;
            Ok(ok(&shapes::configuration(&spec)))
        }
        (&Method::PUT, ["2015-03-31", "functions", name, "code"]) => {
            let request: shapes::Code = settings(body).await?;
            let name = name_of(name)?;
            let own = Arc::clone(service);
            let code = blocking(move || request.load(&own)).await?;
            let spec = service.pool.update(name, |it| Ok(it.with_code(code)))?;
            Ok(ok(&shapes::configuration(&spec)))
        }
        (&Method::GET, ["infinisim", "usage"]) => Ok(ok(&service.usage.total().to_json())),
        (&Method::POST, ["infinisim", "records"]) => {
            let records = service.usage.take_records();
            Ok(ok(&records.iter().map(super::InvocationRecord::to_json).collect::<Value>()))
        }
        (&Method::POST, ["infinisim", "functions", name, "instances", rank, "reclaim"]) => {
            reclaim(service, name_of(name)?, rank)
        }
        _ => Err(unknown(head)),
    }
}

/// No web page may do here what the user has not asked for. A page of another origin cannot
/// send the header that every signed request has, and one that has its own name resolve to this
/// machine gives itself away by that name.
fn check_caller(service: &Service, head: &Parts) -> Result<(), ApiError> {
    if !head.headers.contains_key(AUTHORIZATION) {
        return Err(ApiError::Unsigned(
            "Missing Authentication Token; sign the request, with whatever key".to_owned(),
        ));
    }
    let host = head.headers.get(HOST).and_then(|it| it.to_str().ok()).unwrap_or_default();
    let name = host.rsplit_once(':').map_or(host, |(name, _)| name);
    let is_address = name.trim_matches(['[', ']']).parse::<IpAddr>().is_ok();
    if is_address || name == "localhost" || service.config.may_listen_beyond_loopback {
        return Ok(());
    }
    Err(ApiError::Unsigned(format!("`{host}` is not how this platform is called")))
}

async fn invoke(
    service: &Arc<Service>,
    request_id: &str,
    function: &str,
    head: &Parts,
    body: Incoming,
) -> Result<Reply, ApiError> {
    qualified(head)?;
    let how = header(head, "X-Amz-Invocation-Type").unwrap_or("RequestResponse");
    let n_bytes_max = if how == "Event" { EVENT_BYTES_MAX } else { PAYLOAD_BYTES_MAX };
    let payload = collect(body, n_bytes_max).await?;
    let payload = if payload.is_empty() { Bytes::from_static(b"{}") } else { payload };
    serde_json::from_slice::<IgnoredAny>(&payload).map_err(|err| {
        ApiError::InvalidContent(format!("Could not parse request body into json: {err}"))
    })?;
    let context = client_context(head)?;
    match how {
        "RequestResponse" => {
            let answer = service.invoke(function, request_id, payload, context).await?;
            Ok(answered(answer, header(head, "X-Amz-Log-Type") == Some("Tail")))
        }
        "Event" => {
            service.invoke_later(function, request_id, payload, context)?;
            Ok(http::response(StatusCode::ACCEPTED, JSON, Bytes::new()))
        }
        "DryRun" => {
            service.pool.get(function)?;
            Ok(http::response(StatusCode::NO_CONTENT, JSON, Bytes::new()))
        }
        _ => Err(ApiError::InvalidParameter(format!(
            "`{how}` is not an invocation type; write RequestResponse, Event or DryRun"
        ))),
    }
}

fn answered(answer: Answer, with_log: bool) -> Reply {
    let (payload, has_failed) = match answer.result {
        Ok(payload) => (payload, false),
        Err(FunctionError { payload, .. }) => (payload, true),
    };
    let mut reply = http::response(StatusCode::OK, JSON, payload);
    set(&mut reply, "x-amz-executed-version", "$LATEST");
    if has_failed {
        set(&mut reply, "x-amz-function-error", "Unhandled");
    }
    if with_log {
        set(&mut reply, "x-amz-log-result", &BASE64_STANDARD.encode(answer.log_tail));
    }
    reply
}

fn reclaim(service: &Service, function: &str, rank: &str) -> Result<Reply, ApiError> {
    let index = rank.parse().map_err(|_| {
        ApiError::InvalidParameter(format!("`{rank}` is not the rank of an instance"))
    })?;
    service.pool.get(function)?;
    let reclaimed = match service.reclaim(function, index) {
        Some(Reclaimed::Now) => "now",
        Some(Reclaimed::WhenIdle) => "when_idle",
        None => "none",
    };
    Ok(ok(&json!({ "reclaimed": reclaimed })))
}

/// What the caller tells of itself: JSON in base64, which the function is handed as JSON.
fn client_context(head: &Parts) -> Result<Option<String>, ApiError> {
    let Some(text) = header(head, "X-Amz-Client-Context") else { return Ok(None) };
    let invalid = || {
        let why = "Client context must be a valid Base64-encoded JSON object of at most 3583 bytes";
        ApiError::InvalidContent(why.to_owned())
    };
    let decoded = BASE64_STANDARD.decode(text).map_err(|_| invalid())?;
    let value: Value = serde_json::from_slice(&decoded).map_err(|_| invalid())?;
    // Printed anew, and then without what cannot stand in a header.
    let printed = value.to_string();
    let is_fine = text.len() <= CLIENT_CONTEXT_BYTES_MAX && value.is_object() && printed.is_ascii();
    if is_fine { Ok(Some(printed)) } else { Err(invalid()) }
}

/// There is one version of each function.
fn qualified(head: &Parts) -> Result<(), ApiError> {
    match shapes::query(head.uri.query().unwrap_or(""), "Qualifier").as_deref() {
        None | Some("$LATEST") => Ok(()),
        Some(other) => Err(ApiError::NotFound(format!(
            "Function not found: there is no version or alias {other} here, only $LATEST"
        ))),
    }
}

async fn settings<T: DeserializeOwned>(body: Incoming) -> Result<T, ApiError> {
    let body = collect(body, SETTINGS_BYTES_MAX).await?;
    serde_json::from_slice(&body).map_err(|err| {
        ApiError::InvalidContent(format!("Could not parse request body into json: {err}"))
    })
}

async fn collect(body: Incoming, n_bytes_max: usize) -> Result<Bytes, ApiError> {
    let too_large = || {
        let why = format!("Request must be smaller than {n_bytes_max} bytes for this operation");
        Err(ApiError::TooLarge(why))
    };
    let mut body = body;
    if (n_bytes_max as u64) < body.size_hint().lower() {
        drain(&mut body).await;
        return too_large();
    }
    let limited = Limited::new(&mut body, n_bytes_max).collect();
    match tokio::time::timeout(BODY_TIMEOUT, limited).await {
        Ok(Ok(body)) => Ok(body.to_bytes()),
        Ok(Err(err)) if err.is::<LengthLimitError>() => {
            drain(&mut body).await;
            too_large()
        }
        Ok(Err(err)) => Err(ApiError::InvalidContent(format!("the body ended early: {err}"))),
        Err(_) => Err(ApiError::TooSlow(format!("the body took longer than {BODY_TIMEOUT:?}"))),
    }
}

/// Lets the rest of a body that is refused go by, as long as it keeps coming and within reason:
/// a client that is cut off while it sends does not read why.
async fn drain(body: &mut Incoming) {
    const DRAINED_BYTES_MAX: usize = 64 * 1024 * 1024;
    const PAUSE_MAX: Duration = Duration::from_millis(250);
    let mut n_bytes = 0;
    while n_bytes < DRAINED_BYTES_MAX
        && let Ok(Some(Ok(frame))) = tokio::time::timeout(PAUSE_MAX, body.frame()).await
    {
        n_bytes += frame.data_ref().map_or(0, Bytes::len);
    }
}

/// Runs what reads and writes files where it holds up no one else.
async fn blocking<T: Send + 'static>(
    work: impl FnOnce() -> Result<T, ApiError> + Send + 'static,
) -> Result<T, ApiError> {
    let done = tokio::task::spawn_blocking(work).await;
    done.map_err(|err| ApiError::Service(err.to_string()))?
}

const JSON: &str = "application/json";

fn ok(body: &Value) -> Reply {
    json_reply(StatusCode::OK, body)
}

fn json_reply(status: StatusCode, body: &Value) -> Reply {
    http::response(status, JSON, body.to_string().into())
}

fn error_reply(err: &ApiError) -> Reply {
    let mut reply = json_reply(err.status(), &err.body());
    set(&mut reply, "x-amzn-errortype", err.code());
    if matches!(err, ApiError::TooManyRequests(_)) {
        set(&mut reply, "retry-after", "1");
    }
    reply
}

fn header<'a>(head: &'a Parts, name: &str) -> Option<&'a str> {
    head.headers.get(name)?.to_str().ok()
}

/// Sets a header whose value is ours, and so can be one.
fn set(reply: &mut Reply, name: &'static str, value: &str) {
    if let Ok(value) = HeaderValue::from_str(value) {
        reply.headers_mut().insert(hyper::header::HeaderName::from_static(name), value);
    }
}

fn unknown(head: &Parts) -> ApiError {
    ApiError::UnknownOperation(format!(
        "{} {} is not an operation of this platform",
        head.method,
        head.uri.path()
    ))
}
