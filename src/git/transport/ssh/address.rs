//! Where a repository is, in both ways to write it.

use crate::git::transport::failure::NetworkFailure;
use crate::git::transport::failure::unsupported;

/// Where a repository is.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Place {
    pub user: Option<String>,
    pub host: String,
    pub port: Option<u16>,
    pub path: String,
}

/// `ssh://[user@]host[:port]/path`, or `[user@]host:path` where the host may be `[host:port]`.
pub(super) fn place(url: &str) -> Result<Place, NetworkFailure> {
    let place = match url.split_once("://") {
        Some((scheme, rest)) => {
            if !matches!(
                scheme.to_ascii_lowercase().as_str(),
                "ssh" | "git+ssh" | "ssh+git"
            ) {
                return Err(unsupported());
            }
            let (authority, path) = rest.split_once('/').unwrap_or((rest, ""));
            let path = crate::git::remote::decoded(&format!("/{path}"));
            // the home of the user who logs in, or of another
            let path = match path.strip_prefix("/~") {
                Some(home) => format!("~{home}"),
                None => path,
            };
            let (user, host) = split_user(authority);
            let (host, port) = split_port(host)?;
            Place {
                user: user.map(crate::git::remote::decoded),
                host,
                port,
                path,
            }
        }
        None => scp_like(url)?,
    };
    let words = [
        place.user.as_deref().unwrap_or("x"),
        &place.host,
        &place.path,
    ];
    if words
        .iter()
        .any(|word| word.is_empty() || word.starts_with('-') || word.chars().any(char::is_control))
        || place.path == "/"
    {
        return Err(NetworkFailure::denied(
            "its URL names no user, host or path that can be handed to ssh",
            "write ssh://USER@HOST/PATH, where none of them begins with a dash",
        ));
    }
    Ok(place)
}

fn scp_like(url: &str) -> Result<Place, NetworkFailure> {
    // `name::address` is for programs that Git would run
    if url.contains("::") && !url.contains('[') {
        return Err(unsupported());
    }
    let host_end = match url.rfind(']') {
        Some(bracket) => url[bracket..].find(':').map(|colon| bracket + colon),
        None => url.find(':'),
    };
    let Some((authority, path)) = host_end.map(|end| (&url[..end], &url[end + 1..])) else {
        return Err(unsupported());
    };
    let (user, host) = split_user(authority);
    let inner = host
        .strip_prefix('[')
        .and_then(|host| host.strip_suffix(']'));
    let (host, port) = match inner {
        Some(inner) if inner.matches(':').count() == 1 => split_port(inner)?,
        Some(inner) => (inner.to_owned(), None),
        None => (host.to_owned(), None),
    };
    Ok(Place {
        user: user.map(str::to_owned),
        host,
        port,
        path: path.to_owned(),
    })
}

/// Without a password, which `ssh` could not be given.
fn split_user(authority: &str) -> (Option<&str>, &str) {
    match authority.rsplit_once('@') {
        Some((user, host)) => (user.split(':').next(), host),
        None => (None, authority),
    }
}

fn split_port(host: &str) -> Result<(String, Option<u16>), NetworkFailure> {
    let (name, port) = match host.strip_prefix('[').and_then(|rest| rest.split_once(']')) {
        Some((address, rest)) => (address, rest.strip_prefix(':')),
        None => match host.split_once(':') {
            Some((name, port)) => (name, Some(port)),
            None => (host, None),
        },
    };
    let port = port
        .filter(|port| !port.is_empty())
        .map(str::parse)
        .transpose()
        .map_err(|_no_number| NetworkFailure::unreachable("the port in its URL is no number"))?;
    Ok((name.to_owned(), port))
}
