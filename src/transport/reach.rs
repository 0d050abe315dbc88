//! How an address that a spec names is reached: through the API server's service proxy, directly, or not at all.
//!
//! Pure: what is known of the cluster and of the user's wishes is handed in. Specs come from a repository, so whoever
//! may merge there must not be able to point this program at hosts inside the user's network.

use crate::port::namespaces::NamespaceState;
use crate::transport::address::is_internal;
use reqwest::Url;
use std::net::IpAddr;

/// What a flag has to say for an address to be dialled.
const ALLOW: &str = "--allow-host";

/// The way to an address.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Reach {
    /// Through the API server to a Service.
    InCluster(InCluster),
    /// Dialled from here. `trusted`: the user named the host, so private addresses are fine.
    Direct {
        /// Did the user name the host?
        trusted: bool,
    },
    /// Not at all.
    Refused {
        /// Which rule says so.
        why: String,
        /// How it can be allowed.
        help: String,
    },
}

/// A port of a Service.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct InCluster {
    /// `http` or `https`.
    pub scheme: String,
    /// The Service.
    pub name: String,
    /// Its namespace.
    pub namespace: String,
    /// Its port's number.
    pub port: u16,
    /// With its query.
    pub path: String,
}

impl InCluster {
    /// The address in its one unambiguous form: namespace, `svc` and port spelled out.
    #[must_use]
    pub fn url(&self) -> String {
        let Self {
            scheme,
            name,
            namespace,
            port,
            path,
        } = self;
        format!("{scheme}://{name}.{namespace}.svc:{port}{path}")
    }
}

/// An entry of `--allow-host` cannot be read.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error, miette::Diagnostic)]
#[error("{entry:?} is no HOST[:PORT]")]
#[diagnostic(
    code(flagger::transport::allow_host),
    help(
        "write a name or address without scheme and path, such as prometheus.example:9090 or [::1]:9090"
    )
)]
pub struct AllowHostError {
    /// As it was given.
    pub entry: String,
}

/// Hosts that the user allows to be dialled directly, wherever they are.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct AllowList(Vec<(String, Option<u16>)>);

impl AllowList {
    /// From entries `HOST[:PORT]`; without a port all of them.
    ///
    /// # Errors
    /// An entry that is something else.
    pub fn parse<S: AsRef<str>>(entries: &[S]) -> Result<Self, AllowHostError> {
        entries
            .iter()
            .map(|entry| {
                let entry = entry.as_ref().trim();
                allowed_host(entry).ok_or_else(|| AllowHostError {
                    entry: entry.to_owned(),
                })
            })
            .collect::<Result<Vec<_>, _>>()
            .map(Self)
    }

    /// Is nothing allowed?
    #[must_use]
    pub const fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    /// Is the host of that URL one of them?
    #[must_use]
    pub fn has(&self, url: &str) -> bool {
        let host = Url::parse(url)
            .ok()
            .and_then(|url| Some((host_of(&url)?, url.port_or_known_default()?)));
        host.is_some_and(|(host, port)| self.holds(&host, port))
    }

    fn holds(&self, host: &str, port: u16) -> bool {
        self.0
            .iter()
            .any(|(name, only)| name == host && only.is_none_or(|only| only == port))
    }
}

/// Normalised by the same parser as the addresses it is compared with.
fn allowed_host(entry: &str) -> Option<(String, Option<u16>)> {
    if entry.is_empty() || entry.contains(['/', '@', '?', '#', ' ']) {
        return None;
    }
    let bracketed = if entry.parse::<std::net::Ipv6Addr>().is_ok() {
        format!("[{entry}]")
    } else {
        entry.to_owned()
    };
    // The parser leaves a scheme's default port out, so the port is read apart.
    let (host, port) = match bracketed.rsplit_once(':') {
        Some((host, port)) if !port.ends_with(']') => (host, Some(port.parse().ok()?)),
        _ => (bracketed.as_str(), None),
    };
    let url = Url::parse(&format!("http://{host}/")).ok()?;
    Some((host_of(&url)?, port))
}

/// The host as it is compared: lower case, addresses in their usual form without brackets, no dot at the end.
fn host_of(url: &Url) -> Option<String> {
    let host = url.host_str()?.trim_matches(['[', ']']);
    let host = host.strip_suffix('.').unwrap_or(host);
    (!host.is_empty()).then(|| host.to_owned())
}

/// Host and port, for messages.
#[must_use]
pub fn authority(url: &str) -> String {
    Url::parse(url)
        .ok()
        .and_then(|url| {
            let port = url.port_or_known_default()?;
            Some(format!("{}:{port}", url.host_str()?))
        })
        .unwrap_or_else(|| "an unreadable address".to_owned())
}

/// Service and namespace, if the host could be an in-cluster name; the flag says whether it can be nothing else.
fn in_cluster_name(host: &str) -> Option<(&str, &str, bool)> {
    let labels: Vec<&str> = host.split('.').collect();
    match labels.as_slice() {
        [name, namespace] => Some((*name, *namespace, false)),
        [name, namespace, "svc"] | [name, namespace, "svc", "cluster", "local"] => {
            Some((*name, *namespace, true))
        }
        _ => None,
    }
}

/// The namespace whose existence decides, if any does.
#[must_use]
pub fn namespace_in_question(url: &str, allowed: &AllowList) -> Option<String> {
    let url = Url::parse(url).ok()?;
    let host = host_of(&url)?;
    let port = url.port_or_known_default()?;
    if allowed.holds(&host, port) || host.parse::<IpAddr>().is_ok() || is_localhost(&host) {
        return None;
    }
    in_cluster_name(&host).map(|(_, namespace, _)| namespace.to_owned())
}

fn is_localhost(host: &str) -> bool {
    host == "localhost" || host.ends_with(".localhost")
}

fn refused(why: impl Into<String>, help: impl Into<String>) -> Reach {
    Reach::Refused {
        why: why.into(),
        help: help.into(),
    }
}

/// The way to that URL. `credentials`: the request carries `Authorization`. `namespace`: what is known of
/// [`namespace_in_question`].
#[must_use]
pub fn reach(
    url: &str,
    credentials: bool,
    namespace: Option<NamespaceState>,
    allowed: &AllowList,
) -> Reach {
    let parsed = match Url::parse(url) {
        Ok(parsed) => parsed,
        Err(error) => {
            return refused(
                format!("the address cannot be read: {error}"),
                "write http:// or https://, a host and a path",
            );
        }
    };
    let scheme = parsed.scheme();
    let (Some(host), Some(port)) = (host_of(&parsed), parsed.port_or_known_default()) else {
        return refused(
            "the address has no host",
            "write http:// or https://, a host and a path",
        );
    };
    if !matches!(scheme, "http" | "https") {
        return refused(
            format!("{scheme} is not spoken"),
            "write http:// or https://",
        );
    }
    if allowed.holds(&host, port) {
        return Reach::Direct { trusted: true };
    }
    let allow = format!("{ALLOW} {}:{port}", parsed.host_str().unwrap_or_default());
    if let Ok(address) = host.parse::<IpAddr>() {
        return literal(address, scheme, &allow);
    }
    if is_localhost(&host) {
        return refused("it is this machine", format!("if that is meant: {allow}"));
    }
    if !host.contains('.') {
        return refused(
            "a name without namespace means something else outside the cluster",
            format!("write {scheme}://{host}.NAMESPACE:{port}"),
        );
    }
    if let Some((name, namespace_name, certain)) = in_cluster_name(&host) {
        let inside = match namespace {
            Some(NamespaceState::Exists) => true,
            Some(NamespaceState::Absent) | None if certain => {
                return refused(
                    format!("the cluster has no namespace {namespace_name}"),
                    "check the address in the spec, and --context",
                );
            }
            Some(NamespaceState::Absent) | None => false,
            // A public host is spoken to in https; a Service in either.
            Some(NamespaceState::Hidden) => certain || scheme == "http",
        };
        if inside {
            let has_userinfo = !parsed.username().is_empty() || parsed.password().is_some();
            if credentials || has_userinfo {
                return refused(
                    "the API server would take its credentials for its own",
                    format!("if this machine can dial it: {allow}"),
                );
            }
            return Reach::InCluster(InCluster {
                scheme: scheme.to_owned(),
                name: name.to_owned(),
                namespace: namespace_name.to_owned(),
                port,
                path: match parsed.query() {
                    Some(query) => format!("{}?{query}", parsed.path()),
                    None => parsed.path().to_owned(),
                },
            });
        }
    }
    public(scheme, &allow)
}

fn literal(address: IpAddr, scheme: &str, allow: &str) -> Reach {
    if is_internal(address) {
        return refused(
            "it is an address of this machine or of a private network",
            format!("if that is meant: {allow}"),
        );
    }
    public(scheme, allow)
}

fn public(scheme: &str, allow: &str) -> Reach {
    if scheme == "https" {
        Reach::Direct { trusted: false }
    } else {
        refused(
            "public addresses are only spoken to in https",
            format!("write https://, or, if the host is in your own network: {allow}"),
        )
    }
}

#[cfg(test)]
mod tests;
