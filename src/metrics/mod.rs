//! Metric providers: each one a pure translation in one file, and one line in [`PROVIDERS`].
//!
//! Must not wait, read or write: a provider builds a request and reads a response.

use crate::canary::answer::Answer;
use crate::canary::http::HttpRequest;
use crate::canary::http::HttpResponse;

mod prometheus;

/// All of them, sorted by name.
pub const PROVIDERS: &[&MetricProvider] = &[&prometheus::PROVIDER];

/// A metric backend and how to ask it.
pub struct MetricProvider {
    /// `type` in a MetricTemplate.
    pub name: &'static str,
    /// The request for a query; the address has no trailing slash.
    pub request: fn(address: &str, query: &str) -> HttpRequest,
    /// A query that every backend of this kind can answer.
    pub probe: &'static str,
    /// Reads what came back.
    pub parse: fn(&HttpResponse) -> Answer,
}

/// A provider by its name.
#[must_use]
pub fn provider(name: &str) -> Option<&'static MetricProvider> {
    PROVIDERS
        .iter()
        .copied()
        .find(|provider| provider.name == name)
}
