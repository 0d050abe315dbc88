//! Requests dialled from this machine.
//!
//! Follows no redirects, retries nothing, and connects to private addresses only for hosts that the user named.

use crate::port::Job;
use crate::port::causes;
use crate::port::proxy::ProxySettings;
use crate::port::transport::HttpRequest;
use crate::port::transport::HttpResponse;
use crate::port::transport::Transport;
use crate::port::transport::TransportError;
use crate::transport::address::is_internal;
use crate::transport::reach::authority;
use reqwest::Client;
use reqwest::ClientBuilder;
use reqwest::Method;
use reqwest::Proxy;
use reqwest::Url;
use reqwest::dns::Addrs;
use reqwest::dns::Name;
use reqwest::dns::Resolve;
use reqwest::dns::Resolving;
use reqwest::redirect::Policy;
use std::error::Error;
use std::fmt;
use std::net::SocketAddr;
use std::time::Duration;

/// Longest answer that is read, bytes.
pub const BODY_LIMIT: usize = 1024 * 1024;
/// A connection that takes longer will not come.
const CONNECT_TIMEOUT: Duration = Duration::from_secs(5);

/// Dials.
pub struct DirectTransport {
    client: Client,
    /// Why https will not work, where the system has no certificate authorities.
    no_authorities: bool,
}

/// Which addresses a name may resolve to.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Dialling {
    /// Any: the user named the hosts.
    Anywhere,
    /// Those of the public internet.
    PublicOnly,
}

/// No client can be made.
#[derive(Debug, thiserror::Error, miette::Diagnostic)]
#[error("cannot set up the HTTP client: {why}")]
#[diagnostic(code(flagger::transport::setup))]
pub struct SetupError {
    why: String,
}

impl DirectTransport {
    /// A client with these proxies.
    ///
    /// # Errors
    /// TLS cannot be set up at all.
    pub fn new(dialling: Dialling, proxies: &ProxySettings) -> Result<Self, SetupError> {
        Self::of(&|| builder(dialling, proxies))
    }

    /// One that believes every certificate.
    ///
    /// # Errors
    /// As for [`Self::new`].
    pub fn unverified(dialling: Dialling, proxies: &ProxySettings) -> Result<Self, SetupError> {
        Self::of(&|| builder(dialling, proxies).tls_danger_accept_invalid_certs(true))
    }

    fn of(builder: &dyn Fn() -> ClientBuilder) -> Result<Self, SetupError> {
        // A client made before would panic; a second call does nothing.
        let _already_installed = rustls::crypto::ring::default_provider().install_default();
        match builder().build() {
            Ok(client) => Ok(Self {
                client,
                no_authorities: false,
            }),
            // A system without certificate authorities still speaks http.
            Err(_) => match builder().tls_certs_only(std::iter::empty()).build() {
                Ok(client) => Ok(Self {
                    client,
                    no_authorities: true,
                }),
                Err(error) => Err(SetupError {
                    why: causes::of_request(&error),
                }),
            },
        }
    }

    async fn exchange(&self, request: &HttpRequest) -> Result<HttpResponse, TransportError> {
        let unreachable = |why: String| TransportError::Unreachable {
            host: authority(&request.url),
            why,
        };
        let method = Method::from_bytes(request.method.as_bytes())
            .map_err(|error| unreachable(error.to_string()))?;
        let mut sending = self
            .client
            .request(method, &request.url)
            .timeout(request.timeout);
        for (name, value) in &request.headers {
            sending = sending.header(name, value);
        }
        if !request.body.is_empty() {
            sending = sending.body(request.body.clone());
        }
        let mut response = sending
            .send()
            .await
            .map_err(|error| self.failure(request, error))?;
        let status = response.status().as_u16();
        let retry_after = response.headers().get(reqwest::header::RETRY_AFTER);
        let retry_after = retry_after.and_then(|value| Some(value.to_str().ok()?.to_owned()));
        let mut body = Vec::new();
        while let Some(chunk) = response
            .chunk()
            .await
            .map_err(|error| self.failure(request, error))?
        {
            if body.len() + chunk.len() > BODY_LIMIT {
                return Err(unreachable(format!(
                    "its answer is longer than {BODY_LIMIT} bytes"
                )));
            }
            body.extend_from_slice(&chunk);
        }
        Ok(HttpResponse {
            status,
            body,
            retry_after,
        })
    }

    fn failure(&self, request: &HttpRequest, error: reqwest::Error) -> TransportError {
        let host = authority(&request.url);
        // The URL's query may hold secrets.
        let error = error.without_url();
        if let Some(refusal) = refusal(&error) {
            return TransportError::Refused {
                why: refusal.to_string(),
                help: format!("if that is meant: --allow-host {host}"),
                host,
            };
        }
        let why = if error.is_timeout() {
            format!("nothing came within {} s", request.timeout.as_secs_f64())
        } else if self.no_authorities && request.url.starts_with("https") {
            format!(
                "{}; this system has no certificate authorities",
                causes::of_request(&error)
            )
        } else {
            causes::of_request(&error)
        };
        TransportError::Unreachable { host, why }
    }
}

impl Transport for DirectTransport {
    fn send<'a>(
        &'a self,
        request: &'a HttpRequest,
    ) -> Job<'a, Result<HttpResponse, TransportError>> {
        Box::pin(self.exchange(request))
    }
}

fn builder(dialling: Dialling, proxies: &ProxySettings) -> ClientBuilder {
    // The proxies of the environment come as values; the library is not to look for itself.
    let mut builder = Client::builder()
        .no_proxy()
        .redirect(Policy::none())
        .referer(false)
        .retry(reqwest::retry::never())
        .connect_timeout(CONNECT_TIMEOUT)
        .user_agent(concat!("kubectl-flagger/", env!("CARGO_PKG_VERSION")));
    if proxies.http.is_some() || proxies.https.is_some() {
        let settings = proxies.clone();
        builder = builder.proxy(Proxy::custom(move |url| {
            settings.for_address(
                url.scheme(),
                url.host_str()?.trim_matches(['[', ']']),
                url.port_or_known_default()?,
            )
        }));
    }
    match dialling {
        Dialling::Anywhere => builder,
        Dialling::PublicOnly => builder.dns_resolver(PublicResolver {
            proxies: [&proxies.http, &proxies.https]
                .into_iter()
                .flatten()
                .filter_map(|proxy| proxy_host(proxy))
                .collect(),
        }),
    }
}

fn proxy_host(proxy: &str) -> Option<String> {
    let url = if proxy.contains("://") {
        Url::parse(proxy)
    } else {
        Url::parse(&format!("http://{proxy}"))
    };
    url.ok()?.host_str().map(str::to_owned)
}

/// Resolves names to public addresses only. The connection goes to the very addresses that were checked, so a name
/// that changes its mind gains nothing.
struct PublicResolver {
    /// Proxies are the user's choice and usually private.
    proxies: Vec<String>,
}

/// A name has no public address.
#[derive(Debug)]
struct OnlyInternal;

impl fmt::Display for OnlyInternal {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("its name resolves to an address of this machine or of a private network")
    }
}

impl Error for OnlyInternal {}

impl Resolve for PublicResolver {
    fn resolve(&self, name: Name) -> Resolving {
        let host = name.as_str().to_owned();
        let trusted = self.proxies.contains(&host);
        Box::pin(async move {
            let found: Vec<SocketAddr> =
                tokio::net::lookup_host((host.as_str(), 0)).await?.collect();
            let fitting = public_of(found, trusted)?;
            let addresses: Addrs = Box::new(fitting.into_iter());
            Ok(addresses)
        })
    }
}

fn public_of(found: Vec<SocketAddr>, trusted: bool) -> Result<Vec<SocketAddr>, OnlyInternal> {
    let fitting: Vec<SocketAddr> = found
        .iter()
        .copied()
        .filter(|address| trusted || !is_internal(address.ip()))
        .collect();
    if fitting.is_empty() && !found.is_empty() {
        Err(OnlyInternal)
    } else {
        Ok(fitting)
    }
}

fn refusal(error: &reqwest::Error) -> Option<&OnlyInternal> {
    causes::chain(error).find_map(|cause| cause.downcast_ref())
}

#[cfg(test)]
mod tests;
