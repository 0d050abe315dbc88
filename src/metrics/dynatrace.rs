//! Dynatrace: a metric selector over ten windows as one number, API v2.
//! <https://docs.dynatrace.com/docs/dynatrace-api/environment-api/metric-v2/get-data-points>

use crate::canary::answer::Answer;
use crate::canary::http::HttpRequest;
use crate::canary::http::HttpResponse;
use crate::metrics::Ask;
use crate::metrics::MetricProvider;
use crate::metrics::Secret;
use crate::metrics::reading::json;
use crate::metrics::reading::number;
use crate::metrics::reading::only;
use crate::metrics::writing::get;
use crate::metrics::writing::header;
use crate::metrics::writing::secret;
use crate::metrics::writing::ten_windows;
use crate::metrics::writing::url;
use serde_json::Value;

pub(super) const PROVIDER: MetricProvider = MetricProvider {
    secret: Secret::Required(&[&["dynatrace_token"]]),
    window: "ten intervals up to now, as one",
    ..MetricProvider::new("dynatrace", request, |_, response| read(response).into())
};

fn request(ask: &Ask<'_>) -> Result<HttpRequest, String> {
    let (from, to) = ten_windows(ask);
    let (from, to) = (format!("{from}000"), format!("{to}000"));
    let parameters = [
        ("metricSelector", ask.query.trim()),
        ("resolution", "Inf"),
        ("from", &from),
        ("to", &to),
    ];
    let url = url(&ask.backend.address, "/api/v2/metrics/query", &parameters);
    let mut request = get(ask, url);
    let token = format!("Api-Token {}", secret(ask, "dynatrace_token")?);
    header(&mut request, "Authorization", &token);
    Ok(request)
}

fn read(response: &HttpResponse) -> Result<Answer, String> {
    let body = json("Dynatrace", response)?;
    let list = |value: &Value| value.as_array().cloned().unwrap_or_default();
    let results = list(&body["result"]);
    let series = only(&results, "metrics")?.map_or_else(Vec::new, |one| list(&one["data"]));
    let value = only(&series, "series")?.map(|one| &one["values"][0]);
    Ok(number(value.unwrap_or(&Value::Null)))
}
