//! Metric providers: each one a pure translation in one file, and one line in [`PROVIDERS`].
//!
//! Must not wait, read or write: a provider builds a request and reads a response.

use crate::canary::answer::Answer;
use crate::canary::http::HttpRequest;
use crate::canary::http::HttpResponse;
use std::collections::BTreeMap;

mod prometheus;
pub mod template;

/// All of them, sorted by name.
pub const PROVIDERS: &[&MetricProvider] = &[&prometheus::PROVIDER];

/// Of built-in checks and queries in a Canary.
pub const PROMETHEUS: &MetricProvider = &prometheus::PROVIDER;

/// A metric backend and how to ask it.
pub struct MetricProvider {
    /// `type` in a MetricTemplate.
    pub name: &'static str,
    /// The request for a query.
    pub request: fn(&Backend, query: &str) -> HttpRequest,
    /// The headers that its Secret stands for.
    pub credentials: fn(&Credentials) -> Result<Headers, CredentialsError>,
    /// A query that every backend of this kind can answer.
    pub probe: &'static str,
    /// Reads what came back.
    pub parse: fn(&HttpResponse) -> Answer,
}

/// Names and values; may hold secrets.
pub type Headers = Vec<(String, String)>;

/// Whom a query is sent to.
#[derive(Clone, PartialEq, Eq)]
pub struct Backend {
    /// URL of its API.
    pub address: String,
    /// Sent with every request.
    pub headers: Headers,
}

/// What a Secret holds, by key, decoded.
pub type Credentials = BTreeMap<String, String>;

/// A Secret is not what the backend needs.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("it has no {missing}")]
pub struct CredentialsError {
    /// Its key, or keys.
    pub missing: &'static str,
}

/// A provider by its name.
#[must_use]
pub fn provider(name: &str) -> Option<&'static MetricProvider> {
    PROVIDERS
        .iter()
        .copied()
        .find(|provider| provider.name == name)
}
