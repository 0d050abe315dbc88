//! One HTTP exchange, as values: providers build requests and read responses without ever seeing a client.

use std::time::Duration;

/// A request to a URL.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct HttpRequest {
    /// `GET` or `POST`.
    pub method: &'static str,
    /// Absolute, with its query.
    pub url: String,
    /// Name and value.
    pub headers: Vec<(String, String)>,
    /// Empty for `GET`.
    pub body: Vec<u8>,
    /// For the whole exchange.
    pub timeout: Duration,
}

/// What came back, whatever its status.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct HttpResponse {
    /// Such as 200.
    pub status: u16,
    /// At most the transport's limit.
    pub body: Vec<u8>,
    /// `Retry-After` as it came: seconds, or a time.
    pub retry_after: Option<String>,
}
