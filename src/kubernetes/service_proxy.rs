//! Requests to Services through the API server, with the right `get services/proxy` or `create services/proxy`.
//! Nothing has to be exposed or forwarded for it.
//!
//! Takes only addresses of the form `SCHEME://NAME.NAMESPACE.svc:PORT/PATH`; whether an address is one is decided
//! elsewhere.

use crate::canary::object::ObjectRef;
use crate::canary::object::Resource;
use crate::kubernetes::error::Asked;
use crate::kubernetes::error::from_client;
use crate::kubernetes::request::Requests;
use crate::port::Job;
use crate::port::cluster_error::ClusterError;
use crate::port::namespaces::NamespaceState;
use crate::port::namespaces::Namespaces;
use crate::port::transport::HttpRequest;
use crate::port::transport::HttpResponse;
use crate::port::transport::Transport;
use crate::port::transport::TransportError;
use http::Request;
use http::Uri;
use http_body_util::BodyExt as _;
use http_body_util::LengthLimitError;
use http_body_util::Limited;
use kube::client::Body;
use kube::core::Status;

/// Longest answer that is read, bytes.
const BODY_LIMIT: usize = 1024 * 1024;

/// Headers that the API server would take for its own: who asks, as whom, and how the connection goes on.
const OF_THE_SERVER: [&str; 8] = [
    "authorization",
    "proxy-authorization",
    "connection",
    "upgrade",
    "host",
    "te",
    "transfer-encoding",
    "content-length",
];
/// Beginnings of more such headers: impersonation, and identities asserted by a front proxy.
const OF_THE_SERVER_BY_PREFIX: [&str; 2] = ["impersonate-", "x-remote-"];

/// The service proxy of an API server.
pub struct ServiceProxy {
    requests: Requests,
}

struct Service {
    scheme: String,
    object: ObjectRef,
    port: u16,
    path: String,
}

impl ServiceProxy {
    /// Over that connection.
    #[must_use]
    pub const fn new(requests: Requests) -> Self {
        Self { requests }
    }

    async fn exchange(&self, request: &HttpRequest) -> Result<HttpResponse, TransportError> {
        let service = Service::parse(&request.url)?;
        service.admit(request)?;
        let verb = if request.method == "POST" {
            "create"
        } else {
            "get"
        };
        let asked = self.requests.asked(verb, &service.object, Some("proxy"));
        let answer = carry(&self.requests, &asked, &service.proxy_path(), request)
            .await
            .map_err(|why| service.unreachable(why))?;
        match own_words(answer.status, &answer.body) {
            Some(words) => Err(service.failed(&asked, &words)),
            None => Ok(answer),
        }
    }
}

/// The request, to that path of the API server; the words say why nothing came back.
pub(super) async fn carry(
    requests: &Requests,
    asked: &Asked<'_>,
    path: &str,
    request: &HttpRequest,
) -> Result<HttpResponse, String> {
    let mut builder = Request::builder().method(request.method).uri(path);
    for (name, value) in &request.headers {
        builder = builder.header(name, value);
    }
    let sending = builder
        .body(Body::from(request.body.clone()))
        .map_err(|error| error.to_string())?;
    let exchange = async {
        let response = requests
            .peer(asked.object)
            .client
            .send(sending)
            .await
            .map_err(|error| from_client(asked, &error).to_string())?;
        let status = response.status().as_u16();
        let retry_after = response.headers().get(http::header::RETRY_AFTER);
        let retry_after = retry_after.and_then(|value| Some(value.to_str().ok()?.to_owned()));
        let body = Limited::new(response.into_body(), BODY_LIMIT)
            .collect()
            .await
            .map_err(|error| {
                if error.is::<LengthLimitError>() {
                    format!("its answer is longer than {BODY_LIMIT} bytes")
                } else {
                    error.to_string()
                }
            })?
            .to_bytes()
            .to_vec();
        Ok(HttpResponse {
            status,
            body,
            retry_after,
        })
    };
    let limit = request.timeout.as_secs_f64();
    let late = || {
        Err(format!(
            "nothing came through the API server within {limit} s"
        ))
    };
    requests
        .within(request.timeout, exchange)
        .await
        .unwrap_or_else(late)
}

/// What the API server itself says, instead of the Service behind it.
fn own_words(status: u16, body: &[u8]) -> Option<Status> {
    #[derive(serde::Deserialize)]
    #[serde(rename_all = "camelCase")]
    struct Kind {
        kind: String,
        api_version: String,
    }
    if status < 400 {
        return None;
    }
    let kind: Kind = serde_json::from_slice(body).ok()?;
    if kind.kind != "Status" || kind.api_version != "v1" {
        return None;
    }
    serde_json::from_slice(body).ok()
}

impl Service {
    fn parse(url: &str) -> Result<Self, TransportError> {
        let refused = |why: &str| TransportError::Refused {
            host: "an address".to_owned(),
            why: why.to_owned(),
            help: "write http://NAME.NAMESPACE.svc:PORT/PATH".to_owned(),
        };
        let uri: Uri = url
            .parse()
            .map_err(|_| refused("the address cannot be read"))?;
        let labels: Vec<&str> = uri.host().unwrap_or_default().split('.').collect();
        let (Some(scheme), [name, namespace, "svc"], Some(port)) =
            (uri.scheme_str(), labels.as_slice(), uri.port_u16())
        else {
            return Err(refused("it names no Service, namespace and port"));
        };
        if !is_label(name) || !is_label(namespace) {
            return Err(refused("its name is no name of a Service and a namespace"));
        }
        let path = uri
            .path_and_query()
            .map_or("/", |path| path.as_str())
            .to_owned();
        if climbs(uri.path()) {
            return Err(refused("its path leaves the Service"));
        }
        Ok(Self {
            scheme: scheme.to_owned(),
            object: Resource::new("", "v1", "services", "Service").in_namespace(namespace, name),
            port,
            path,
        })
    }

    fn admit(&self, request: &HttpRequest) -> Result<(), TransportError> {
        let taken = request.headers.iter().find(|(name, _)| {
            let name = name.to_ascii_lowercase();
            OF_THE_SERVER.contains(&name.as_str())
                || OF_THE_SERVER_BY_PREFIX
                    .iter()
                    .any(|prefix| name.starts_with(prefix))
        });
        match taken {
            Some((name, _)) => Err(TransportError::Refused {
                host: self.host(),
                why: format!("the API server would take its header {name} for its own"),
                help: format!("if this machine can dial it: --allow-host {}", self.host()),
            }),
            None => Ok(()),
        }
    }

    fn proxy_path(&self) -> String {
        let Self {
            scheme,
            object,
            port,
            path,
        } = self;
        let name = &object.name;
        let kind = object.collection_path();
        format!("{kind}/{scheme}:{name}:{port}/proxy{path}")
    }

    fn host(&self) -> String {
        let namespace = self.object.namespace.as_deref().unwrap_or_default();
        format!("{}.{namespace}:{}", self.object.name, self.port)
    }

    fn unreachable(&self, why: String) -> TransportError {
        TransportError::Unreachable {
            host: self.host(),
            why,
        }
    }

    fn failed(&self, asked: &Asked<'_>, words: &Status) -> TransportError {
        let namespace = self.object.namespace.as_deref().unwrap_or_default();
        match words.code {
            401 | 403 => TransportError::Denied {
                host: self.host(),
                why: format!(
                    "ask for: {} services/proxy in {namespace} ({})",
                    asked.verb, words.message
                ),
            },
            _ => self.unreachable(words.message.clone()),
        }
    }
}

/// A DNS label (RFC 1123).
fn is_label(text: &str) -> bool {
    (1..=63).contains(&text.len())
        && text
            .bytes()
            .all(|byte| byte.is_ascii_alphanumeric() || byte == b'-')
        && !text.starts_with('-')
        && !text.ends_with('-')
}

/// Would the path, once decoded, go up?
fn climbs(path: &str) -> bool {
    let decoded = path
        .to_ascii_lowercase()
        .replace("%25", "%")
        .replace("%2e", ".")
        .replace("%2f", "/")
        .replace("%5c", "/")
        .replace('\\', "/");
    decoded.split('/').any(|part| matches!(part, "." | ".."))
}

impl Transport for ServiceProxy {
    fn send<'a>(
        &'a self,
        request: &'a HttpRequest,
    ) -> Job<'a, Result<HttpResponse, TransportError>> {
        Box::pin(self.exchange(request))
    }
}

impl Namespaces for Requests {
    fn state<'a>(&'a self, namespace: &'a str) -> Job<'a, Result<NamespaceState, ClusterError>> {
        Box::pin(async move {
            match self
                .get(&Resource::NAMESPACE.cluster_scoped(namespace))
                .await
            {
                Ok(_) => Ok(NamespaceState::Exists),
                Err(ClusterError::NotFound { .. }) => Ok(NamespaceState::Absent),
                Err(ClusterError::Denied { .. }) => Ok(NamespaceState::Hidden),
                Err(error) => Err(error),
            }
        })
    }
}

#[cfg(test)]
mod tests;
