//! The embedded API server on a loopback socket, for kubectl and other programs.
//!
//! Knows connections and who may ask; what is answered is the service's. Opens no port but the one it is given.

mod identity;

use crate::sandbox::api_server::ApiBody;
use crate::sandbox::api_server::ApiServerError;
use crate::sandbox::api_server::ApiService;
use crate::sandbox::failure::Failure;
use crate::sandbox::server::identity::Identity;
use bytes::Bytes;
use http::Request;
use http::Response;
use http_body_util::BodyExt as _;
use http_body_util::Full;
use http_body_util::LengthLimitError;
use http_body_util::Limited;
use hyper::body::Incoming;
use hyper::server::conn::http1;
use hyper::service::service_fn;
use hyper_util::rt::TokioIo;
use kube::client::Body;
use std::io::ErrorKind;
use std::net::Ipv4Addr;
use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;
use tokio::net::TcpListener;
use tokio::net::TcpStream;
use tokio_rustls::TlsAcceptor;
use tower::Service as _;

/// Bytes that a request's body may have, as a real server has it.
const LARGEST_BODY: usize = 3 * 1024 * 1024;

/// The first kubectl that leaves it to the server to check fields; older ones want schemas, which this server lacks.
const OLDEST_KUBECTL: u32 = 25;

/// How long a client may take to agree on a connection.
const HANDSHAKE: Duration = Duration::from_secs(10);

/// How long no connection is taken after the system had no room for one.
const AFTER_A_REFUSAL: Duration = Duration::from_millis(50);

/// The socket cannot be had.
#[derive(Debug, thiserror::Error, miette::Diagnostic)]
pub enum ServerError {
    /// Somebody else listens there.
    #[error("port {port} of 127.0.0.1 is in use")]
    #[diagnostic(
        code(flagger::sandbox::port_in_use),
        help("name another with --port, or leave it out for a free one")
    )]
    PortInUse {
        /// Which.
        port: u16,
    },
    /// There is no certificate to answer with.
    #[error("cannot make a certificate for 127.0.0.1: {why}")]
    #[diagnostic(code(flagger::sandbox::certificate))]
    Certificate {
        /// The cause.
        why: String,
    },
    /// Any other reason.
    #[error("cannot listen at port {port} of 127.0.0.1")]
    #[diagnostic(code(flagger::sandbox::listen))]
    Listen {
        /// Which.
        port: u16,
        /// Why.
        #[source]
        source: std::io::Error,
    },
}

/// A socket that listens on 127.0.0.1.
#[derive(Debug)]
pub struct Server {
    listener: TcpListener,
    address: SocketAddr,
    identity: Identity,
}

impl Server {
    /// Listens; port 0 is any free one.
    ///
    /// # Errors
    /// The port is in use, or may not be used.
    pub async fn bind(port: u16) -> Result<Self, ServerError> {
        let failed = |source: std::io::Error| match source.kind() {
            ErrorKind::AddrInUse => ServerError::PortInUse { port },
            _ => ServerError::Listen { port, source },
        };
        let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, port))
            .await
            .map_err(failed)?;
        let address = listener.local_addr().map_err(failed)?;
        Ok(Self {
            listener,
            address,
            identity: Identity::new()?,
        })
    }

    /// Where it listens.
    #[must_use]
    pub const fn address(&self) -> SocketAddr {
        self.address
    }

    /// The certificate it shows, which signs itself.
    #[must_use]
    pub fn certificate_pem(&self) -> &str {
        &self.identity.certificate_pem
    }

    /// Answers whoever brings the token, until it is dropped.
    pub async fn run(self, service: ApiService, token: String) {
        let authorization: Arc<str> = format!("Bearer {token}").into();
        loop {
            match self.listener.accept().await {
                Ok((stream, _)) => {
                    let acceptor = self.identity.acceptor.clone();
                    let (service, authorization) = (service.clone(), Arc::clone(&authorization));
                    tokio::spawn(connection(stream, acceptor, service, authorization));
                }
                Err(_) => tokio::time::sleep(AFTER_A_REFUSAL).await,
            }
        }
    }
}

async fn connection(
    stream: TcpStream,
    acceptor: TlsAcceptor,
    service: ApiService,
    authorization: Arc<str>,
) {
    // Small answers must not wait for the client's acknowledgement.
    let _ = stream.set_nodelay(true);
    let Ok(Ok(stream)) = tokio::time::timeout(HANDSHAKE, acceptor.accept(stream)).await else {
        return;
    };
    let answering = service_fn(move |request| {
        let (service, authorization) = (service.clone(), Arc::clone(&authorization));
        async move { answer(request, service, &authorization).await }
    });
    // A client that goes away in the middle of a watch ends it: nothing to tell anybody.
    let _ = http1::Builder::new()
        .serve_connection(TokioIo::new(stream), answering)
        .await;
}

async fn answer(
    request: Request<Incoming>,
    mut service: ApiService,
    authorization: &str,
) -> Result<Response<ApiBody>, ApiServerError> {
    let given = request.headers().get(http::header::AUTHORIZATION);
    if given.is_none_or(|given| given.as_bytes() != authorization.as_bytes()) {
        return refuse(&Failure::other(401, "Unauthorized"));
    }
    if let Some(minor) = old_kubectl(&request) {
        return refuse(&Failure::bad_request(format!(
            "kubectl 1.{minor} is too old for the embedded cluster, which needs 1.{OLDEST_KUBECTL} or newer"
        )));
    }
    let (parts, body) = request.into_parts();
    match Limited::new(body, LARGEST_BODY).collect().await {
        Ok(body) => {
            let body = Body::from(body.to_bytes().to_vec());
            service.call(Request::from_parts(parts, body)).await
        }
        Err(error) if error.is::<LengthLimitError>() => refuse(&Failure::too_large(LARGEST_BODY)),
        Err(error) => Err(ApiServerError::Unreadable(error.to_string())),
    }
}

/// The minor version of a kubectl that is too old, as it introduces itself: `kubectl/v1.20.4 (linux/amd64) …`.
fn old_kubectl<B>(request: &Request<B>) -> Option<u32> {
    let agent = request.headers().get(http::header::USER_AGENT)?;
    let version = agent.to_str().ok()?.strip_prefix("kubectl/v1.")?;
    let minor = version.split('.').next()?.parse().ok()?;
    (minor < OLDEST_KUBECTL).then_some(minor)
}

fn refuse(failure: &Failure) -> Result<Response<ApiBody>, ApiServerError> {
    Response::builder()
        .status(failure.code)
        .header(http::header::CONTENT_TYPE, "application/json")
        .body(Full::new(Bytes::from(failure.body().to_string())).boxed_unsync())
        .map_err(|error| ApiServerError::Unwritable(error.to_string()))
}

#[cfg(test)]
mod tests;
