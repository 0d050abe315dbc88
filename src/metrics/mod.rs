//! Metric providers: each one a pure translation in one file, and one line in [`PROVIDERS`].
//!
//! Must not wait, read or write: a provider builds requests and reads responses.

use crate::canary::answer::Answer;
use crate::canary::http::HttpRequest;
use crate::canary::http::HttpResponse;
use jiff::Timestamp;
use std::collections::BTreeMap;
use std::time::Duration;

pub mod aws;
mod cloudwatch;
mod datadog;
mod dynatrace;
mod externalmetrics;
pub mod google;
mod graphite;
mod influxdb;
mod keptn;
mod newrelic;
mod prometheus;
mod reading;
mod splunk;
mod stackdriver;
pub mod template;
#[cfg(test)]
mod tests;
mod writing;

/// All of them, sorted by name.
pub const PROVIDERS: &[&MetricProvider] = &[
    &cloudwatch::PROVIDER,
    &datadog::PROVIDER,
    &dynatrace::PROVIDER,
    &externalmetrics::PROVIDER,
    &graphite::PROVIDER,
    &influxdb::PROVIDER,
    &keptn::PROVIDER,
    &newrelic::PROVIDER,
    &prometheus::PROVIDER,
    &splunk::PROVIDER,
    &stackdriver::PROVIDER,
];

/// Of built-in checks and queries in a Canary.
pub const PROMETHEUS: &MetricProvider = &prometheus::PROVIDER;

/// A kind of metric backend and how to ask it.
pub struct MetricProvider {
    /// `type` in a MetricTemplate.
    pub name: &'static str,
    /// Where its API is.
    pub address: Address,
    /// What its Secret holds.
    pub secret: Secret,
    /// Keys that a Secret may have beside its login.
    pub more_keys: &'static [&'static str],
    /// Logins that it takes from the machine instead, for a backend at that address.
    pub cloud: fn(&str) -> Option<CloudKind>,
    /// Which time a query is about, for people.
    pub window: &'static str,
    /// For one answer, however many requests it takes.
    pub timeout: Duration,
    /// Is the query one that it can ask? The words say what is expected.
    pub check: fn(&str) -> Result<(), String>,
    /// How it is found out, before anything moves, that a backend answers.
    pub probe: Probe,
    /// The first request for a query.
    pub request: fn(&Ask<'_>) -> Result<HttpRequest, String>,
    /// Reads what came back.
    pub parse: fn(&Ask<'_>, &HttpResponse) -> Reply,
    /// Takes back what asking leaves behind, whatever came of it.
    pub cleanup: fn(&Ask<'_>) -> Option<HttpRequest>,
}

impl MetricProvider {
    /// With what most of them have in common.
    const fn new(
        name: &'static str,
        request: fn(&Ask<'_>) -> Result<HttpRequest, String>,
        parse: fn(&Ask<'_>, &HttpResponse) -> Reply,
    ) -> Self {
        Self {
            name,
            address: Address::Required,
            secret: Secret::Optional(&[]),
            more_keys: &[],
            cloud: |_| None,
            window: "in the query",
            timeout: Duration::from_secs(5),
            check: |_| Ok(()),
            probe: Probe::TheQuery,
            request,
            parse,
            cleanup: |_| None,
        }
    }
}

/// Where the API of a backend is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Address {
    /// The template says it.
    Required,
    /// The template may say another.
    Default(&'static str),
    /// The Kubernetes API server, unless the template says another.
    ApiServer,
    /// In the region of the template.
    Region,
    /// Always there.
    Fixed(&'static str),
}

/// Sets of keys, each of which is a login.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Secret {
    /// Nothing can be asked without.
    Required(&'static [&'static [&'static str]]),
    /// It may be left out; empty where there is none to be had.
    Optional(&'static [&'static [&'static str]]),
}

impl Secret {
    /// Its sets of keys.
    #[must_use]
    pub const fn logins(self) -> &'static [&'static [&'static str]] {
        match self {
            Self::Required(logins) | Self::Optional(logins) => logins,
        }
    }

    /// Has it one of the logins, whole?
    ///
    /// # Errors
    /// The keys that are missing of the one that comes nearest.
    pub fn check(self, secret: &Credentials) -> Result<(), CredentialsError> {
        let missing_of = |login: &&[&str]| -> Vec<String> {
            let missing = login.iter().filter(|key| !secret.contains_key(**key));
            missing.map(|key| (*key).to_owned()).collect()
        };
        let logins = self.logins().iter();
        // One that is there in part is the one that is meant.
        let nearest = logins.min_by_key(|login| {
            let missing = missing_of(login).len();
            (missing == login.len(), missing)
        });
        match nearest.map(missing_of) {
            Some(missing) if !missing.is_empty() => Err(CredentialsError {
                missing: missing.join(" and no "),
            }),
            Some(_) | None => Ok(()),
        }
    }
}

/// A Secret is not what the backend needs.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("it has no {missing}")]
pub struct CredentialsError {
    /// Its key, or keys.
    pub missing: String,
}

/// How it is found out that a backend answers.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Probe {
    /// By a query that every backend of this kind can answer.
    Query(&'static str),
    /// By the query itself: a value or none will do.
    TheQuery,
    /// Not at all: asking is work for it.
    Nothing,
}

/// Names and values; may hold secrets.
pub type Headers = Vec<(String, String)>;

/// What a Secret holds, by key, decoded.
pub type Credentials = BTreeMap<String, String>;

/// A login of the machine that a provider can use.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum CloudKind {
    /// Amazon's chain.
    Aws,
    /// Google's application default credentials.
    Google,
}

/// What the machine has.
#[derive(Clone, PartialEq, Eq)]
pub enum Cloud {
    /// For Amazon.
    Aws(aws::Setup),
    /// For Google.
    Google(google::Login),
}

/// Whom a query is sent to.
#[derive(Clone, Default, PartialEq, Eq)]
pub struct Backend {
    /// URL of its API; empty for the Kubernetes API server.
    pub address: String,
    /// Sent with every request.
    pub headers: Headers,
    /// What its Secret holds.
    pub secret: Credentials,
    /// Region of AWS.
    pub region: Option<String>,
    /// Login of this machine.
    pub cloud: Option<Cloud>,
}

impl Backend {
    /// Where it is, for people.
    #[must_use]
    pub fn place(&self) -> &str {
        if self.address.is_empty() {
            "the API server"
        } else {
            &self.address
        }
    }
}

/// One query at one moment.
pub struct Ask<'a> {
    /// Whom it is sent to.
    pub backend: &'a Backend,
    /// Rendered.
    pub query: &'a str,
    /// The metric's interval.
    pub window: Duration,
    /// Time of day.
    pub now: Timestamp,
}

/// What comes of a response.
pub enum Reply {
    /// That is the answer.
    Done(Answer),
    /// It takes one more request.
    AskAgain(Again),
}

/// One more request on the way to an answer.
pub struct Again {
    /// The request.
    pub request: HttpRequest,
    /// Pause before it.
    pub after: Duration,
    /// Reads what comes back.
    pub then: Then,
}

/// Reads the next response, knowing those before it.
pub type Then = Box<dyn FnOnce(&Ask<'_>, &HttpResponse) -> Reply>;

impl Reply {
    /// No usable answer.
    fn error(why: impl Into<String>) -> Self {
        Self::Done(Answer::Error(why.into()))
    }

    /// One more request at once.
    fn next(
        request: Result<HttpRequest, String>,
        then: impl FnOnce(&Ask<'_>, &HttpResponse) -> Self + 'static,
    ) -> Self {
        match request {
            Ok(request) => Self::AskAgain(Again {
                request,
                after: Duration::ZERO,
                then: Box::new(then),
            }),
            Err(why) => Self::error(why),
        }
    }
}

impl From<Result<Answer, String>> for Reply {
    fn from(read: Result<Answer, String>) -> Self {
        Self::Done(read.unwrap_or_else(Answer::Error))
    }
}

/// A provider by its name.
#[must_use]
pub fn provider(name: &str) -> Option<&'static MetricProvider> {
    PROVIDERS
        .iter()
        .copied()
        .find(|provider| provider.name == name)
}
