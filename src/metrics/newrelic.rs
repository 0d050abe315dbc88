//! New Relic: one NRQL query through the Insights query API, over one window.
//! <https://docs.newrelic.com/docs/apis/insights-apis/query-insights-event-data-api/>

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
use crate::metrics::writing::escaped;
use crate::metrics::writing::get;
use crate::metrics::writing::header;
use crate::metrics::writing::secret;
use crate::metrics::writing::url;

pub(super) const PROVIDER: MetricProvider = MetricProvider {
    address: Address::Default("https://insights-api.newrelic.com"),
    secret: Secret::Required(&[&[ACCOUNT, KEY]]),
    window: "one interval: SINCE is appended",
    ..MetricProvider::new("newrelic", request, |_, response| read(response).into())
};

const ACCOUNT: &str = "newrelic_account_id";
const KEY: &str = "newrelic_query_key";

fn request(ask: &Ask<'_>) -> Result<HttpRequest, String> {
    let seconds = ask.window.as_secs();
    let query = format!("{} SINCE {seconds} seconds ago", ask.query.trim());
    let path = format!("/v1/accounts/{}/query", escaped(secret(ask, ACCOUNT)?));
    let mut request = get(ask, url(&ask.backend.address, &path, &[("nrql", &query)]));
    header(&mut request, "X-Query-Key", secret(ask, KEY)?);
    Ok(request)
}

fn read(response: &HttpResponse) -> Result<Answer, String> {
    let body = json("New Relic", response)?;
    if body.get("facets").is_some() || body.get("timeSeries").is_some() {
        return Err("several numbers instead of one: leave out FACET and TIMESERIES".to_owned());
    }
    let results = body["results"].as_array().map_or(&[][..], Vec::as_slice);
    let Some(one) = only(results, "results")?.and_then(|one| one.as_object()) else {
        return Ok(Answer::NoValues);
    };
    // Only what is calculated has that name.
    match (one.get("result"), one.keys().next()) {
        (Some(value), _) => Ok(number(value)),
        (None, Some(name)) => Err(format!(
            "the number is named {name} instead of result: write an expression, such as percentage(count(*), WHERE …) * 1"
        )),
        (None, None) => Ok(Answer::NoValues),
    }
}
