//! Requests, as providers write them.

use crate::canary::http::HttpRequest;
use crate::metrics::Ask;
use crate::metrics::Credentials;
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use std::fmt::Write as _;
use std::time::Duration;

/// For requests that are not the query itself, and the most that one request may take.
pub(super) const TIMEOUT: Duration = Duration::from_secs(5);

/// Only unreserved characters (RFC 3986, 2.3) stay.
pub(super) fn escaped(text: &str) -> String {
    let mut escaped = String::with_capacity(text.len() * 2);
    for byte in text.bytes() {
        if byte.is_ascii_alphanumeric() || b"-._~".contains(&byte) {
            escaped.push(char::from(byte));
        } else {
            // Writing into a string cannot fail.
            let _infallible = write!(escaped, "%{byte:02X}");
        }
    }
    escaped
}

/// Runs of white space become one space.
pub(super) fn one_line(query: &str) -> String {
    query.split_whitespace().collect::<Vec<_>>().join(" ")
}

/// The address without its own query, the path, and these parameters in their order.
pub(super) fn url(address: &str, path: &str, parameters: &[(&str, &str)]) -> String {
    let address = address.split(['?', '#']).next().unwrap_or_default();
    let mut url = format!("{}{path}", address.trim_end_matches('/'));
    for (at, (name, value)) in parameters.iter().enumerate() {
        url.push(if at == 0 { '?' } else { '&' });
        url.push_str(name);
        url.push('=');
        url.push_str(&escaped(value));
    }
    url
}

/// Without body, with the headers of the template.
pub(super) fn get(ask: &Ask<'_>, url: String) -> HttpRequest {
    HttpRequest {
        method: "GET",
        url,
        headers: ask.backend.headers.clone(),
        body: Vec::new(),
        timeout: TIMEOUT,
    }
}

/// With the headers of the template and that kind of body.
pub(super) fn post(
    ask: &Ask<'_>,
    url: String,
    kind: &str,
    body: impl Into<Vec<u8>>,
) -> HttpRequest {
    let mut request = HttpRequest {
        method: "POST",
        body: body.into(),
        ..get(ask, url)
    };
    header(&mut request, "Content-Type", kind);
    request
}

/// One more header.
pub(super) fn header(request: &mut HttpRequest, name: &str, value: &str) {
    request.headers.push((name.to_owned(), value.to_owned()));
}

/// A form as a browser sends it: to where logins are.
pub(super) fn form(url: &str, fields: &[(&str, &str)]) -> HttpRequest {
    let mut body = form_urlencoded::Serializer::new(String::new());
    body.extend_pairs(fields);
    HttpRequest {
        method: "POST",
        url: url.to_owned(),
        headers: vec![(
            "Content-Type".to_owned(),
            "application/x-www-form-urlencoded".to_owned(),
        )],
        body: body.finish().into_bytes(),
        timeout: TIMEOUT,
    }
}

/// A token, else a user with a password, where the Secret has them.
pub(super) fn authorization(secret: &Credentials) -> Option<String> {
    if let Some(token) = secret.get("token") {
        return Some(format!("Bearer {token}"));
    }
    let (user, password) = (secret.get("username")?, secret.get("password")?);
    Some(format!(
        "Basic {}",
        STANDARD.encode(format!("{user}:{password}"))
    ))
}

/// A value of the Secret.
pub(super) fn secret<'a>(ask: &Ask<'a>, key: &str) -> Result<&'a str, String> {
    let value = ask.backend.secret.get(key).map(String::as_str);
    value.ok_or_else(|| format!("its Secret has no {key}"))
}

/// Now, and ten windows before: what Flagger asks backends for that take a time. Unix seconds.
pub(super) fn ten_windows(ask: &Ask<'_>) -> (i64, i64) {
    let to = ask.now.as_second();
    let length = i64::try_from(ask.window.as_secs().saturating_mul(10)).unwrap_or(to);
    (to.saturating_sub(length), to)
}

/// A name that can stand in a path of the API server as it is.
pub(super) fn is_name(text: &str) -> bool {
    let fits = |byte: u8| {
        byte.is_ascii_lowercase() || byte.is_ascii_digit() || byte == b'-' || byte == b'.'
    };
    !text.is_empty() && text.len() <= 253 && text.bytes().all(fits) && !text.starts_with('.')
}
