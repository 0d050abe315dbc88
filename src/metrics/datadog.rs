//! Datadog: timeseries points, API v1, the oldest of ten windows, as Flagger.
//! <https://docs.datadoghq.com/api/latest/metrics/#query-timeseries-points>

use crate::canary::answer::Answer;
use crate::canary::http::HttpRequest;
use crate::canary::http::HttpResponse;
use crate::metrics::Address;
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
    address: Address::Default("https://api.datadoghq.com"),
    secret: Secret::Required(&[&[API_KEY, APPLICATION_KEY]]),
    window: "ten intervals up to now; its oldest point",
    ..MetricProvider::new("datadog", request, |_, response| read(response).into())
};

const API_KEY: &str = "datadog_api_key";
const APPLICATION_KEY: &str = "datadog_application_key";

fn request(ask: &Ask<'_>) -> Result<HttpRequest, String> {
    let (from, to) = ten_windows(ask);
    let (from, to) = (from.to_string(), to.to_string());
    let parameters = [("query", ask.query.trim()), ("from", &from), ("to", &to)];
    let mut request = get(ask, url(&ask.backend.address, "/api/v1/query", &parameters));
    header(&mut request, "DD-API-KEY", secret(ask, API_KEY)?);
    header(
        &mut request,
        "DD-APPLICATION-KEY",
        secret(ask, APPLICATION_KEY)?,
    );
    Ok(request)
}

fn read(response: &HttpResponse) -> Result<Answer, String> {
    let body = json("Datadog", response)?;
    // A query that it does not understand is answered with 200.
    if let Some(error) = body["error"].as_str().filter(|error| !error.is_empty()) {
        return Err(format!("Datadog answers: {error}"));
    }
    let series = body["series"].as_array().map_or(&[][..], Vec::as_slice);
    let oldest = only(series, "series")?.and_then(|series| series.pointer("/pointlist/0/1"));
    Ok(number(oldest.unwrap_or(&Value::Null)))
}
