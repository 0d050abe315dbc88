//! The API server as a tower service: what a client of the real one would send over a connection.

use crate::sandbox::failure::Failure;
use crate::sandbox::faults::Fault;
use crate::sandbox::faults::FaultEffect;
use crate::sandbox::faults::LoggedRequest;
use crate::sandbox::faults::RequestInfo;
use crate::sandbox::faults::refusal;
use crate::sandbox::kinds::ApiKind;
use crate::sandbox::protobuf;
use crate::sandbox::proxy::ProxyResponse;
use crate::sandbox::requests;
use crate::sandbox::requests::Answer;
use crate::sandbox::requests::ApiRequest;
use crate::sandbox::requests::special;
use crate::sandbox::route;
use crate::sandbox::route::Query;
use crate::sandbox::route::Route;
use crate::sandbox::shared::Actor;
use crate::sandbox::shared::Shared;
use crate::sandbox::watches;
use bytes::Bytes;
use futures::StreamExt as _;
use http::Method;
use http::Request;
use http::Response;
use http_body::Frame;
use http_body_util::BodyExt as _;
use http_body_util::Full;
use http_body_util::StreamBody;
use http_body_util::combinators::UnsyncBoxBody;
use kube::client::Body;
use serde_json::Value;
use std::convert::Infallible;
use std::future::Future;
use std::pin::Pin;
use std::sync::Arc;
use std::task::Context;
use std::task::Poll;

/// The body of an answer.
pub type ApiBody = UnsyncBoxBody<Bytes, Infallible>;

/// No answer came.
#[derive(Clone, Debug, thiserror::Error)]
pub enum ApiServerError {
    /// A fault broke the connection.
    #[error("connection reset by the API server")]
    Reset,
    /// The client's body could not be read.
    #[error("cannot read the request: {0}")]
    Unreadable(String),
    /// The answer could not be written.
    #[error("cannot write the answer: {0}")]
    Unwritable(String),
}

/// The service that `kube::Client::new` takes.
#[derive(Clone, Debug)]
pub struct ApiService {
    shared: Arc<Shared>,
    /// Keeps the controllers at work as long as a client is there.
    _actor: Arc<Actor>,
}

impl ApiService {
    pub(super) const fn new(shared: Arc<Shared>, actor: Arc<Actor>) -> Self {
        Self {
            shared,
            _actor: actor,
        }
    }
}

impl tower::Service<Request<Body>> for ApiService {
    type Response = Response<ApiBody>;
    type Error = ApiServerError;
    type Future = Pin<Box<dyn Future<Output = Result<Self::Response, Self::Error>> + Send>>;

    fn poll_ready(&mut self, _: &mut Context<'_>) -> Poll<Result<(), Self::Error>> {
        Poll::Ready(Ok(()))
    }

    fn call(&mut self, request: Request<Body>) -> Self::Future {
        let shared = Arc::clone(&self.shared);
        Box::pin(async move {
            let mut request = read(request).await?;
            if request.content_type.starts_with(protobuf::MEDIA_TYPE) && !request.body.is_empty() {
                match protobuf::decode(&request.body) {
                    Ok(object) => request.body = Bytes::from(object.to_string()),
                    Err(failure) => return refuse(&failure),
                }
            }
            answer(shared, request).await
        })
    }
}

async fn read(request: Request<Body>) -> Result<ApiRequest, ApiServerError> {
    let (parts, body) = request.into_parts();
    let body = body
        .collect_bytes()
        .await
        .map_err(|error| ApiServerError::Unreadable(error.to_string()))?;
    let header = |name: http::header::HeaderName| {
        let value = parts
            .headers
            .get(name)
            .and_then(|value| value.to_str().ok());
        value.unwrap_or_default().to_owned()
    };
    Ok(ApiRequest {
        query: Query::parse(parts.uri.query().unwrap_or_default()),
        raw_query: parts.uri.query().unwrap_or_default().to_owned(),
        route: route::parse(parts.uri.path()),
        content_type: header(http::header::CONTENT_TYPE),
        accept: header(http::header::ACCEPT),
        user_agent: header(http::header::USER_AGENT),
        method: parts.method,
        body,
    })
}

async fn answer(
    shared: Arc<Shared>,
    request: ApiRequest,
) -> Result<Response<ApiBody>, ApiServerError> {
    let Route::Objects(target) = &request.route else {
        let answer = shared.read(|state| special::about_itself(&state.store, &request));
        return respond(&shared, answer);
    };
    let info = target.info(verb(&request));
    let kind = shared.read(|state| {
        state
            .store
            .kind_at(&target.group, &target.version, &target.plural)
    });
    let Some(kind) = kind else {
        let review = shared.read(|state| special::review(&state.faults, &request, target));
        let answer = review.unwrap_or_else(|| Err(Failure::no_such_path()));
        record(&shared, &request, &info, code_of(&answer), None);
        return respond(&shared, answer);
    };
    let fault = shared.take_fault(&info);
    if let Some(refused) = before(&shared, fault.as_ref(), &kind, &request, &info).await? {
        record(&shared, &request, &info, refused.code, None);
        return respond(&shared, Err(refused));
    }
    let answer = requests::handle(&shared, &kind, target, &request, &info);
    if let Some(FaultEffect::DropAfterCommit) = fault.map(|fault| fault.effect) {
        record(&shared, &request, &info, 0, written(&info, &answer));
        return Err(ApiServerError::Reset);
    }
    record(
        &shared,
        &request,
        &info,
        code_of(&answer),
        written(&info, &answer),
    );
    respond(&shared, answer)
}

/// What a fault does before the request is handled.
async fn before(
    shared: &Shared,
    fault: Option<&Fault>,
    kind: &ApiKind,
    request: &ApiRequest,
    info: &RequestInfo,
) -> Result<Option<Failure>, ApiServerError> {
    let Some(fault) = fault else {
        return Ok(None);
    };
    match fault.effect {
        FaultEffect::Code(code) => Ok(Some(refusal(code, &fault.reason, kind, info))),
        FaultEffect::TooManyRequests(seconds) => Ok(Some(Failure::too_many_requests(seconds))),
        FaultEffect::Hang => {
            record(shared, request, info, 0, None);
            std::future::pending().await
        }
        FaultEffect::DropBefore => {
            record(shared, request, info, 0, None);
            Err(ApiServerError::Reset)
        }
        FaultEffect::DropAfterCommit => Ok(None),
        FaultEffect::Delay(duration) => {
            tokio::time::sleep(shared.clock().real(duration)).await;
            Ok(None)
        }
    }
}

/// The verb as the real server's authorization sees it.
fn verb(request: &ApiRequest) -> &'static str {
    let Route::Objects(target) = &request.route else {
        return "get";
    };
    let collection = target.name.is_empty();
    match request.method {
        Method::GET | Method::HEAD if request.query.is_set("watch") => "watch",
        Method::GET | Method::HEAD if collection => "list",
        Method::GET | Method::HEAD => "get",
        Method::POST => "create",
        Method::PUT => "update",
        Method::PATCH => "patch",
        Method::DELETE if collection => "deletecollection",
        Method::DELETE => "delete",
        _ => "",
    }
}

fn code_of(answer: &Result<Answer, Failure>) -> u16 {
    match answer {
        Ok(Answer::Json(code, _)) => *code,
        Ok(Answer::Proxied(response)) => response.status,
        Ok(Answer::Text(_) | Answer::Document(..) | Answer::Watch(_)) => 200,
        Err(failure) => failure.code,
    }
}

/// The object after a write that was accepted.
fn written(info: &RequestInfo, answer: &Result<Answer, Failure>) -> Option<Value> {
    match answer {
        Ok(Answer::Json(_, object)) if !matches!(info.verb.as_str(), "get" | "list" | "watch") => {
            Some(object.clone())
        }
        Ok(
            Answer::Json(..)
            | Answer::Proxied(_)
            | Answer::Text(_)
            | Answer::Document(..)
            | Answer::Watch(_),
        )
        | Err(_) => None,
    }
}

fn record(
    shared: &Shared,
    request: &ApiRequest,
    info: &RequestInfo,
    code: u16,
    object: Option<Value>,
) {
    let at = shared.now();
    let entry = LoggedRequest {
        verb: info.verb.clone(),
        group: info.group.clone(),
        resource: info.resource.clone(),
        subresource: info.subresource.clone(),
        namespace: info.namespace.clone(),
        name: info.name.clone(),
        code,
        at,
        content_type: request.content_type.clone(),
        body: String::from_utf8_lossy(&request.body).into_owned(),
        object,
    };
    shared.note(entry);
}

fn whole(
    code: u16,
    content_type: &str,
    body: Vec<u8>,
) -> Result<Response<ApiBody>, ApiServerError> {
    Response::builder()
        .status(code)
        .header(http::header::CONTENT_TYPE, content_type)
        .body(Full::new(Bytes::from(body)).boxed_unsync())
        .map_err(|error| ApiServerError::Unwritable(error.to_string()))
}

fn respond(
    shared: &Arc<Shared>,
    answer: Result<Answer, Failure>,
) -> Result<Response<ApiBody>, ApiServerError> {
    match answer {
        Ok(Answer::Json(code, value)) => {
            whole(code, "application/json", value.to_string().into_bytes())
        }
        Ok(Answer::Text(text)) => whole(200, "text/plain; charset=utf-8", text.into_bytes()),
        Ok(Answer::Document(media_type, body)) => whole(200, media_type, body),
        Ok(Answer::Proxied(ProxyResponse {
            status,
            content_type,
            body,
        })) => whole(status, &content_type, body),
        Ok(Answer::Watch(spec)) => match watches::open(Arc::clone(shared), *spec) {
            Ok(lines) => Response::builder()
                .status(200)
                .header(http::header::CONTENT_TYPE, "application/json")
                .body(StreamBody::new(lines.map(|line| Ok(Frame::data(line)))).boxed_unsync())
                .map_err(|error| ApiServerError::Unwritable(error.to_string())),
            Err(failure) => refuse(&failure),
        },
        Err(failure) => refuse(&failure),
    }
}

fn refuse(failure: &Failure) -> Result<Response<ApiBody>, ApiServerError> {
    let mut response = if failure.plain {
        let text = format!("{}\n", failure.message);
        whole(failure.code, "text/plain; charset=utf-8", text.into_bytes())
    } else {
        whole(
            failure.code,
            "application/json",
            failure.body().to_string().into_bytes(),
        )
    }?;
    if let Some(seconds) = failure.retry_after {
        response
            .headers_mut()
            .insert(http::header::RETRY_AFTER, http::HeaderValue::from(seconds));
    }
    Ok(response)
}
