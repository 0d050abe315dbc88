//! The HTTP client for one server: its proxy, its certificate authorities, and what its errors mean.

use crate::git::transport::failure::NetworkFailure;
use crate::git::transport::login::is_true;
use crate::git::transport::session::Session;
use crate::port::causes;
use reqwest::Certificate;
use reqwest::Client;
use reqwest::Proxy;
use reqwest::Url;
use reqwest::redirect::Policy;
use rustls::CertificateError;
use std::error::Error as _;
use std::io;
use std::path::Path;
use std::path::PathBuf;

/// Servers choose their protocol by its beginning.
const USER_AGENT: &str = concat!("git/2 (kubectl-flagger/", env!("CARGO_PKG_VERSION"), ")");
const AUTHORITIES: &str = "for a private authority name its certificate: git config http.sslCAInfo FILE, or SSL_CERT_FILE";

pub(super) fn client(session: &Session, url: &Url) -> Result<Client, NetworkFailure> {
    // a client made before would panic; a second call does nothing
    let _already_installed = rustls::crypto::ring::default_provider().install_default();
    let mut builder = Client::builder()
        .no_proxy()
        .redirect(Policy::none())
        .referer(false)
        .retry(reqwest::retry::never())
        .connect_timeout(session.network.limits.connect)
        .user_agent(USER_AGENT);
    if let Some(proxy) = proxy(session, url) {
        let proxy = Proxy::all(&proxy).map_err(|_may_hold_a_password| {
            NetworkFailure::denied(
                "the URL of the proxy cannot be read",
                "write http.proxy or HTTPS_PROXY as http://HOST:PORT",
            )
        })?;
        builder = builder.proxy(proxy);
    }
    if url.scheme() == "https" {
        verified(session, url)?;
        if let Some(path) = authorities(session, url) {
            builder = builder.tls_certs_only(certificates(&path)?);
        }
    } else {
        // a system without authorities still speaks http
        builder = builder.tls_certs_only(std::iter::empty());
    }
    builder.build().map_err(|error| {
        NetworkFailure::untrusted(
            format!("TLS cannot be set up: {}", causes::of_request(&error)),
            AUTHORITIES,
        )
    })
}

/// `http.proxy` where it is set (empty for none), else the environment's; never for what is exempt from proxies.
fn proxy(session: &Session, url: &Url) -> Option<String> {
    let proxies = &session.network.environment.proxies;
    let host = url.host_str()?.trim_matches(['[', ']']);
    let port = url.port_or_known_default()?;
    if proxies.is_exempt(host, port) {
        return None;
    }
    match session.settings.best("http", "proxy", url) {
        Some(value) if value.text.is_empty() => None,
        Some(value) if value.text.contains("://") => Some(value.text.to_owned()),
        Some(value) => Some(format!("http://{}", value.text)),
        None => proxies.for_address(url.scheme(), host, port),
    }
}

/// Refuses to go on where the user switched the check of certificates off.
fn verified(session: &Session, url: &Url) -> Result<(), NetworkFailure> {
    let setting = session.settings.best("http", "sslverify", url);
    let configured = setting.is_some_and(|value| !is_true(value.text));
    let what = if session.network.environment.no_verify {
        "GIT_SSL_NO_VERIFY"
    } else if configured {
        "http.sslVerify=false"
    } else {
        return Ok(());
    };
    Err(NetworkFailure::untrusted(
        format!("{what} is not followed: whoever is in between could read the login"),
        AUTHORITIES,
    ))
}

/// `GIT_SSL_CAINFO`, else `http.sslCAInfo`: instead of the system's authorities, as Git has it.
fn authorities(session: &Session, url: &Url) -> Option<PathBuf> {
    let environment = &session.network.environment;
    environment.authorities.clone().or_else(|| {
        let value = session.settings.best("http", "sslcainfo", url)?;
        (!value.text.is_empty()).then(|| environment.path(value.text))
    })
}

fn certificates(path: &Path) -> Result<Vec<Certificate>, NetworkFailure> {
    let unusable = |why: String| {
        NetworkFailure::untrusted(
            format!(
                "the certificate authorities in {} cannot be read: {why}",
                path.display()
            ),
            "http.sslCAInfo and GIT_SSL_CAINFO name a file of certificates in PEM",
        )
    };
    let pem = std::fs::read(path).map_err(|error| unusable(error.to_string()))?;
    let found =
        Certificate::from_pem_bundle(&pem).map_err(|error| unusable(causes::of_request(&error)))?;
    if found.is_empty() {
        return Err(unusable(String::from("there are none")));
    }
    Ok(found)
}

/// What an error of a request means.
pub(super) fn failure(error: reqwest::Error, url: &Url) -> NetworkFailure {
    // it may hold a login
    let error = error.without_url();
    let host = url.host_str().unwrap_or_default();
    if let Some(certificate) = certificate_error(&error) {
        let why = match certificate {
            CertificateError::Expired | CertificateError::ExpiredContext { .. } => {
                format!("the certificate of {host} has expired")
            }
            CertificateError::NotValidYet | CertificateError::NotValidYetContext { .. } => {
                format!(
                    "the certificate of {host} is not valid yet; is this machine's clock right?"
                )
            }
            CertificateError::UnknownIssuer => {
                format!("the certificate of {host} is from an authority that is not known here")
            }
            CertificateError::NotValidForName | CertificateError::NotValidForNameContext { .. } => {
                format!("the certificate is not that of {host}")
            }
            other => format!("the certificate of {host} is not valid: {other}"),
        };
        return NetworkFailure::untrusted(why, AUTHORITIES);
    }
    if error.is_timeout() && error.is_connect() {
        return NetworkFailure::unreachable(format!("no connection to {host} came about in time"));
    }
    NetworkFailure::unreachable(format!("{host}: {}", causes::of_request(&error)))
}

fn certificate_error(error: &reqwest::Error) -> Option<CertificateError> {
    let mut next = error.source();
    while let Some(error) = next {
        if let Some(rustls::Error::InvalidCertificate(why)) = error.downcast_ref() {
            return Some(why.clone());
        }
        // an io::Error hides what it carries from `source`
        let carried = error
            .downcast_ref::<io::Error>()
            .and_then(io::Error::get_ref);
        next = match carried {
            Some(carried) => Some(carried),
            None => error.source(),
        };
    }
    None
}
