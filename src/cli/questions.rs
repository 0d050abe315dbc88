//! The questions of an analysis: which backend gets which query, and with which Secret.
//!
//! Everything that can be wrong with them is told before anything moves; Secrets are read by the driver.

use crate::canary::load::Loaded;
use crate::canary::metric::BuiltIn;
use crate::canary::metric_template::MetricProviderType;
use crate::canary::metric_template::MetricTemplate;
use crate::canary::name::Word as _;
use crate::canary::object::ObjectRef;
use crate::canary::object::Resource;
use crate::canary::problem::ProblemKind;
use crate::canary::problem::SpecErrors;
use crate::canary::problem::SpecProblem;
use crate::canary::yaml::Document;
use crate::cli::drive::DriveOptions;
use crate::cli::error::CliError;
use crate::error::Error;
use crate::kubernetes::request::Requests;
use crate::metrics;
use crate::metrics::Backend;
use crate::metrics::Headers;
use crate::metrics::MetricProvider;
use crate::metrics::template::Facts;
use crate::metrics::template::render;
use crate::port::cluster_error::ClusterError;
use crate::port::transport::TransportError;
use crate::rollout::analysis::Asks;
use crate::rollout::analysis::MetricCheck;
use crate::rollout::analysis::metric_checks;
use crate::router::DurationUnit;
use crate::router::QuerySite;
use crate::router::TrafficProvider;
use crate::transport::metrics::Question;
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use serde_json::Value;

/// A question whose Secret has yet to be read.
pub struct Draft {
    provider: &'static MetricProvider,
    backend: Backend,
    secret: Option<ObjectRef>,
    query: String,
    factor: f64,
}

/// The questions of a canary, in the order of its checks.
///
/// # Errors
/// Everything that this release cannot ask, and queries that cannot be rendered.
pub fn drafts(
    loaded: &Loaded,
    router: &'static TrafficProvider,
    options: &DriveOptions,
) -> Result<Vec<Draft>, Error> {
    let mut drafts = Vec::new();
    let mut problems = Vec::new();
    for check in metric_checks(&loaded.canary.analysis.metrics) {
        let drafted = match check.asks {
            Asks::BuiltIn(built_in) => Ok(built_in_one(loaded, router, options, &check, built_in)?),
            Asks::Query => inline(loaded, options, &check)?,
            Asks::Template => templated(loaded, &check),
        };
        match drafted {
            Ok(draft) => drafts.push(draft),
            Err(found) => problems.extend(found),
        }
    }
    if problems.is_empty() {
        return Ok(drafts);
    }
    Err(SpecErrors {
        subject: format!("canary {}", loaded.canary.name),
        problems,
    }
    .into())
}

/// The Prometheus of the canary.
fn own(loaded: &Loaded, options: &DriveOptions) -> Result<Backend, CliError> {
    let canary = &loaded.canary;
    let address = canary
        .metrics_server
        .clone()
        .or_else(|| options.metrics_server.clone());
    Ok(Backend {
        address: address.ok_or_else(|| CliError::NoMetricsServer {
            canary: canary.name.clone(),
        })?,
        headers: Vec::new(),
    })
}

fn built_in_one(
    loaded: &Loaded,
    router: &TrafficProvider,
    options: &DriveOptions,
    check: &MetricCheck,
    built_in: BuiltIn,
) -> Result<Draft, CliError> {
    let queries = &router.queries;
    let facts = Facts::of(&loaded.canary, &check.metric);
    let site = QuerySite {
        namespace: &facts.namespace,
        target: &facts.target,
        service: &facts.service,
        ingress: &facts.ingress,
        route: &facts.route,
        interval: check.metric.window_text(),
    };
    let (query, factor) = match (built_in, queries.duration_unit) {
        (BuiltIn::SuccessRate, DurationUnit::Millis | DurationUnit::Seconds) => {
            ((queries.success_rate)(&site), 1.0)
        }
        (BuiltIn::Duration, DurationUnit::Millis) => ((queries.duration)(&site), 1.0),
        (BuiltIn::Duration, DurationUnit::Seconds) => ((queries.duration)(&site), 1000.0),
    };
    Ok(Draft {
        provider: metrics::PROMETHEUS,
        backend: own(loaded, options)?,
        secret: None,
        query,
        factor,
    })
}

type Drafted = Result<Draft, Vec<SpecProblem>>;

fn inline(
    loaded: &Loaded,
    options: &DriveOptions,
    check: &MetricCheck,
) -> Result<Drafted, CliError> {
    let backend = own(loaded, options)?;
    let pointer = format!("/spec/analysis/metrics/{}/query", check.index);
    let template = check.metric.query.as_deref().unwrap_or_default();
    let query = rendered(loaded, check, template, &loaded.document, &pointer);
    Ok(query.map(|query| Draft {
        provider: metrics::PROMETHEUS,
        backend,
        secret: None,
        query,
        factor: 1.0,
    }))
}

fn templated(loaded: &Loaded, check: &MetricCheck) -> Drafted {
    // `load` has found it, or there would be no canary.
    let found = loaded.template(&check.metric);
    let Some((template, document)) =
        found.and_then(|template| Some((template, loaded.template_document(template)?)))
    else {
        let pointer = format!("/spec/analysis/metrics/{}/templateRef", check.index);
        let message = "its template was not read with it".to_owned();
        let kind = ProblemKind::Reference;
        let problem = SpecProblem::at(&loaded.document, kind, &pointer, "not found", message, None);
        return Err(vec![problem]);
    };
    let (provider, address) = reach(template, document)?;
    let query = rendered(loaded, check, &template.query, document, "/spec/query")?;
    let asked = &template.provider;
    let headers = asked.headers.iter().flat_map(|(name, values)| {
        values
            .iter()
            .map(move |value| (name.clone(), value.clone()))
    });
    Ok(Draft {
        provider,
        backend: Backend {
            address,
            headers: headers.collect(),
        },
        secret: asked
            .secret
            .as_ref()
            .map(|name| Resource::SECRET.in_namespace(&template.namespace, name)),
        query,
        factor: 1.0,
    })
}

/// Who is asked, and where.
fn reach(
    template: &MetricTemplate,
    document: &Document,
) -> Result<(&'static MetricProvider, String), Vec<SpecProblem>> {
    let asked = &template.provider;
    let mut problems = Vec::new();
    let not_yet = |field: &str, feature: &str| {
        SpecProblem::not_in_this_release(document, &format!("/spec/provider/{field}"), feature)
    };
    let provider = match asked.kind {
        MetricProviderType::Prometheus => Some(metrics::PROMETHEUS),
        MetricProviderType::InfluxDb
        | MetricProviderType::Datadog
        | MetricProviderType::ExternalMetrics
        | MetricProviderType::Stackdriver
        | MetricProviderType::CloudWatch
        | MetricProviderType::NewRelic
        | MetricProviderType::Graphite
        | MetricProviderType::Dynatrace
        | MetricProviderType::Keptn
        | MetricProviderType::Splunk => {
            problems.push(not_yet(
                "type",
                &format!("metrics of {}", asked.kind.as_str()),
            ));
            None
        }
    };
    if asked.insecure_skip_verify {
        problems.push(not_yet(
            "insecureSkipVerify",
            "a certificate that nobody verifies",
        ));
    }
    if provider.is_some() && asked.address.is_none() {
        problems.push(SpecProblem::at(
            document,
            ProblemKind::MissingField,
            "/spec/provider",
            "address is missing",
            "spec.provider.address is missing: prometheus has no default".to_owned(),
            Some("such as http://prometheus.monitoring:9090"),
        ));
    }
    match (provider, asked.address.clone()) {
        (Some(provider), Some(address)) if problems.is_empty() => Ok((provider, address)),
        _ => Err(problems),
    }
}

fn rendered(
    loaded: &Loaded,
    check: &MetricCheck,
    template: &str,
    document: &Document,
    pointer: &str,
) -> Result<String, Vec<SpecProblem>> {
    render(template, &Facts::of(&loaded.canary, &check.metric)).map_err(|error| {
        let message = format!("the query of metric {}: {error}", check.metric.name);
        vec![SpecProblem::in_text(
            document, pointer, template, error.at, message,
        )]
    })
}

/// The questions with what their Secrets say. One that cannot be read is no reason to leave a rollout alone: its
/// question fails, before anything moves or as a check.
pub async fn questions(drafts: Vec<Draft>, requests: &Requests) -> Vec<Question> {
    let mut questions = Vec::new();
    for draft in drafts {
        let mut backend = draft.backend;
        let read = match &draft.secret {
            None => Ok(Vec::new()),
            Some(secret) => credentials(secret, draft.provider, &backend.address, requests).await,
        };
        questions.push(Question {
            provider: draft.provider,
            backend: read.map(|headers| {
                backend.headers.extend(headers);
                backend
            }),
            query: draft.query,
            factor: draft.factor,
        });
    }
    questions
}

async fn credentials(
    secret: &ObjectRef,
    provider: &MetricProvider,
    address: &str,
    requests: &Requests,
) -> Result<Headers, TransportError> {
    let namespace = secret.namespace.as_deref().unwrap_or_default();
    let refused = |why: String| TransportError::Refused {
        host: address.to_owned(),
        why: format!("Secret {namespace}/{}: {why}", secret.name),
        help: format!("{} reads credentials from it", provider.name),
    };
    let live = match requests.get_opt(secret).await {
        Ok(Some(live)) => live,
        Ok(None) => return Err(refused("it is not there".to_owned())),
        Err(error @ ClusterError::Denied { .. }) => {
            return Err(TransportError::Denied {
                host: address.to_owned(),
                why: error.to_string(),
            });
        }
        Err(error) => {
            return Err(TransportError::Unreachable {
                host: address.to_owned(),
                why: error.to_string(),
            });
        }
    };
    let data = live.get("data").and_then(Value::as_object);
    let entries = data.into_iter().flatten().filter_map(|(key, value)| {
        let bytes = STANDARD.decode(value.as_str()?).ok()?;
        Some((key.clone(), String::from_utf8(bytes).ok()?))
    });
    (provider.credentials)(&entries.collect()).map_err(|error| refused(error.to_string()))
}

#[cfg(test)]
mod tests;
