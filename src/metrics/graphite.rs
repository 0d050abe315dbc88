//! Graphite: the render API. The query is a query string, such as `target=summarize(…)&from=-2min`.
//! <https://graphite.readthedocs.io/en/latest/render_api.html>

use crate::canary::answer::Answer;
use crate::canary::http::HttpRequest;
use crate::canary::http::HttpResponse;
use crate::metrics::Ask;
use crate::metrics::MetricProvider;
use crate::metrics::Probe;
use crate::metrics::Secret;
use crate::metrics::reading::json;
use crate::metrics::reading::number;
use crate::metrics::reading::only;
use crate::metrics::writing::authorization;
use crate::metrics::writing::get;
use crate::metrics::writing::header;
use crate::metrics::writing::one_line;
use crate::metrics::writing::url;
use serde_json::Value;

pub(super) const PROVIDER: MetricProvider = MetricProvider {
    secret: Secret::Optional(&[&["username", "password"]]),
    check,
    probe: Probe::Query("target=test"),
    ..MetricProvider::new("graphite", request, |_, response| read(response).into())
};

fn pairs(query: &str) -> Vec<(String, String)> {
    form_urlencoded::parse(one_line(query).as_bytes())
        .into_owned()
        .collect()
}

fn check(query: &str) -> Result<(), String> {
    if pairs(query).iter().any(|(name, _)| name == "target") {
        return Ok(());
    }
    Err(
        "a query string with a target is expected, such as target=sumSeries(a.*)&from=-2min"
            .to_owned(),
    )
}

/// The parameters sorted by name, as Go writes them.
fn request(ask: &Ask<'_>) -> Result<HttpRequest, String> {
    let mut pairs = pairs(ask.query);
    pairs.retain(|(name, _)| name != "format");
    pairs.push(("format".to_owned(), "json".to_owned()));
    pairs.sort_by(|(one, _), (other, _)| one.cmp(other));
    let query = form_urlencoded::Serializer::new(String::new())
        .extend_pairs(pairs)
        .finish();
    let mut request = get(ask, url(&ask.backend.address, "/render", &[]));
    request.url.push('?');
    request.url.push_str(&query);
    if let Some(authorization) = authorization(&ask.backend.secret) {
        header(&mut request, "Authorization", &authorization);
    }
    Ok(request)
}

/// The newest point that is there.
fn read(response: &HttpResponse) -> Result<Answer, String> {
    let body = json("Graphite", response)?;
    let Some(series) = body.as_array() else {
        return Err("Graphite answers no list of series".to_owned());
    };
    let points = only(series, "series")?.and_then(|series| series["datapoints"].as_array());
    let mut values = points.into_iter().flatten().map(|point| &point[0]);
    Ok(number(
        values
            .rfind(|value| !value.is_null())
            .unwrap_or(&Value::Null),
    ))
}
