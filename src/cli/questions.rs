//! The questions of an analysis: which backend gets which query, and with which Secret.
//!
//! Everything that can be wrong with them is told before anything moves; Secrets are read by the driver.

use crate::canary::load::Loaded;
use crate::canary::metric::BuiltIn;
use crate::canary::metric_template::MetricTemplate;
use crate::canary::name::Word as _;
use crate::canary::object::ObjectRef;
use crate::canary::object::Resource;
use crate::canary::problem::ProblemKind;
use crate::canary::problem::SpecErrors;
use crate::canary::problem::SpecProblem;
use crate::canary::yaml::Document;
use crate::cli::error::CliError;
use crate::cli::metric_settings::MetricSettings;
use crate::error::Error;
use crate::kubernetes::request::Requests;
use crate::metrics;
use crate::metrics::Address;
use crate::metrics::Backend;
use crate::metrics::Cloud;
use crate::metrics::Credentials;
use crate::metrics::MetricProvider;
use crate::metrics::Secret;
use crate::metrics::aws;
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
use crate::transport::reach::authority;
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use serde_json::Value;
use std::time::Duration;

/// A question whose Secret has yet to be read.
pub struct Draft {
    provider: &'static MetricProvider,
    backend: Backend,
    secret: Option<ObjectRef>,
    /// Why this machine has no login.
    no_login: Option<String>,
    query: String,
    window: Duration,
    factor: f64,
}

/// The questions of a canary, in the order of its checks.
///
/// # Errors
/// Everything that this release cannot ask, and queries that cannot be rendered.
pub fn drafts(
    loaded: &Loaded,
    router: &'static TrafficProvider,
    settings: &MetricSettings,
) -> Result<Vec<Draft>, Error> {
    let mut drafts = Vec::new();
    let mut problems = Vec::new();
    for check in metric_checks(&loaded.canary.analysis.metrics) {
        let drafted = match check.asks {
            Asks::BuiltIn(built_in) => {
                Ok(built_in_one(loaded, router, settings, &check, built_in)?)
            }
            Asks::Query => inline(loaded, settings, &check)?,
            Asks::Template => templated(loaded, settings, &check),
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

/// A question to the Prometheus of the canary.
fn own(
    loaded: &Loaded,
    settings: &MetricSettings,
    check: &MetricCheck,
    query: String,
    factor: f64,
) -> Result<Draft, CliError> {
    let canary = &loaded.canary;
    let address = canary
        .metrics_server
        .clone()
        .or_else(|| settings.server.clone());
    let address = address.ok_or_else(|| CliError::NoMetricsServer {
        canary: canary.name.clone(),
    })?;
    let backend = Backend {
        address,
        ..Backend::default()
    };
    Ok(draft(settings, metrics::PROMETHEUS, backend, check, query).times(factor))
}

/// With the login of this machine, where the backend asks for it.
fn draft(
    settings: &MetricSettings,
    provider: &'static MetricProvider,
    mut backend: Backend,
    check: &MetricCheck,
    query: String,
) -> Draft {
    let wanted = (provider.cloud)(&backend.address);
    let login = wanted.map(|kind| settings.machine.cloud(kind));
    let (cloud, no_login): (Option<Cloud>, Option<String>) = match login {
        None => (None, None),
        Some(Ok(cloud)) => (Some(cloud), None),
        Some(Err(why)) => (None, Some(why)),
    };
    backend.cloud = cloud;
    Draft {
        provider,
        backend,
        secret: None,
        no_login,
        query,
        window: check.metric.window(),
        factor: 1.0,
    }
}

impl Draft {
    /// What makes milliseconds of its answer.
    fn times(self, factor: f64) -> Self {
        Self { factor, ..self }
    }
}

fn built_in_one(
    loaded: &Loaded,
    router: &TrafficProvider,
    settings: &MetricSettings,
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
    own(loaded, settings, check, query, factor)
}

type Drafted = Result<Draft, Vec<SpecProblem>>;

fn inline(
    loaded: &Loaded,
    settings: &MetricSettings,
    check: &MetricCheck,
) -> Result<Drafted, CliError> {
    let pointer = format!("/spec/analysis/metrics/{}/query", check.index);
    let template = check.metric.query.as_deref().unwrap_or_default();
    match rendered(loaded, check, template, &loaded.document, &pointer) {
        Ok(query) => own(loaded, settings, check, query, 1.0).map(Ok),
        Err(problems) => Ok(Err(problems)),
    }
}

fn templated(loaded: &Loaded, settings: &MetricSettings, check: &MetricCheck) -> Drafted {
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
    let (provider, address) = reach(template, document, settings)?;
    let query = rendered(loaded, check, &template.query, document, "/spec/query")?;
    (provider.check)(&query).map_err(|why| {
        let message = format!("the query of metric {}: {why}", check.metric.name);
        let label = format!("not for {}", provider.name);
        let kind = ProblemKind::WrongValue;
        vec![SpecProblem::at(
            document,
            kind,
            "/spec/query",
            &label,
            message,
            None,
        )]
    })?;
    let asked = &template.provider;
    let headers = asked.headers.iter().flat_map(|(name, values)| {
        values
            .iter()
            .map(move |value| (name.clone(), value.clone()))
    });
    let local = asked
        .secret
        .as_ref()
        .and_then(|name| settings.machine.secret(name, provider));
    let backend = Backend {
        address,
        headers: headers.collect(),
        region: asked.region.clone(),
        secret: local.clone().unwrap_or_default(),
        cloud: None,
    };
    let secret = asked
        .secret
        .as_ref()
        .filter(|_| local.is_none())
        .map(|name| Resource::SECRET.in_namespace(&template.namespace, name));
    Ok(Draft {
        secret,
        ..draft(settings, provider, backend, check, query)
    })
}

/// Who is asked, and where.
fn reach(
    template: &MetricTemplate,
    document: &Document,
    settings: &MetricSettings,
) -> Result<(&'static MetricProvider, String), Vec<SpecProblem>> {
    let asked = &template.provider;
    let name = asked.kind.as_str();
    let Some(provider) = metrics::provider(name) else {
        let feature = format!("metrics of {name}");
        let problem = SpecProblem::not_in_this_release(document, "/spec/provider/type", &feature);
        return Err(vec![problem]);
    };
    let mut problems = Vec::new();
    let mut missing = |field: &str, why: &str, help: &str| {
        problems.push(SpecProblem::at(
            document,
            ProblemKind::MissingField,
            "/spec/provider",
            &format!("{field} is missing"),
            format!("spec.provider.{field} is missing: {name} {why}"),
            Some(help),
        ));
        String::new()
    };
    let own = asked.address.clone();
    let address = match provider.address {
        Address::Required => own.unwrap_or_else(|| {
            missing(
                "address",
                "has no default",
                "such as http://prometheus.monitoring:9090",
            )
        }),
        Address::Default(usual) => own.unwrap_or_else(|| usual.to_owned()),
        Address::ApiServer => own.unwrap_or_default(),
        Address::Fixed(always) => always.to_owned(),
        Address::Region => match asked.region.as_deref().map(aws::region) {
            Some(Ok(region)) => aws::address("monitoring", region),
            Some(Err(_)) | None => missing("region", "needs a region of AWS", "such as eu-west-1"),
        },
    };
    if matches!(provider.secret, Secret::Required(_)) && asked.secret.is_none() {
        let keys = provider.secret.logins().concat().join(" and ");
        missing(
            "secretRef",
            "needs a login",
            &format!("its Secret has {keys}"),
        );
    }
    if asked.insecure_skip_verify && !settings.skip_verify.has(&address) {
        let pointer = "/spec/provider/insecureSkipVerify";
        let host = authority(&address);
        problems.push(SpecProblem::at(
            document,
            ProblemKind::Unsupported,
            pointer,
            "only by your own word",
            format!("spec.provider.insecureSkipVerify: the certificate of {host} would be verified by nobody"),
            Some(&format!("if that is meant: --skip-verify {host}")),
        ));
    }
    if problems.is_empty() {
        Ok((provider, address))
    } else {
        Err(problems)
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
        let read = match (&draft.secret, draft.no_login) {
            (_, Some(why)) => Err(TransportError::Refused {
                host: backend.place().to_owned(),
                why,
                help: format!("{} takes the login of this machine", draft.provider.name),
            }),
            (None, None) => Ok(backend.secret.clone()),
            (Some(secret), None) => {
                credentials(secret, draft.provider, backend.place(), requests).await
            }
        };
        questions.push(Question {
            provider: draft.provider,
            backend: read.map(|secret| {
                backend.secret = secret;
                backend
            }),
            query: draft.query,
            window: draft.window,
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
) -> Result<Credentials, TransportError> {
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
    let entries: Credentials = entries.collect();
    match provider.secret.check(&entries) {
        Ok(()) => Ok(entries),
        Err(error) => Err(refused(error.to_string())),
    }
}

#[cfg(test)]
mod tests;
