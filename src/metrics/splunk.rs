//! Splunk Observability Cloud: a SignalFlow program over ten windows, executed over HTTP. The answer is a stream of
//! events that ends with the last window, so no WebSocket is needed.
//! <https://dev.splunk.com/observability/reference/api/signalflow/latest#endpoint-start-signalflow-computation>

use crate::canary::answer::Answer;
use crate::canary::http::HttpRequest;
use crate::canary::http::HttpResponse;
use crate::metrics::Ask;
use crate::metrics::MetricProvider;
use crate::metrics::Secret;
use crate::metrics::reading::number;
use crate::metrics::reading::success;
use crate::metrics::writing::header;
use crate::metrics::writing::post;
use crate::metrics::writing::secret;
use crate::metrics::writing::ten_windows;
use crate::metrics::writing::url;
use serde_json::Value;
use std::collections::BTreeSet;

pub(super) const PROVIDER: MetricProvider = MetricProvider {
    secret: Secret::Required(&[&["sf_token_key"]]),
    window: "ten intervals up to now; its newest point",
    ..MetricProvider::new("splunk", request, |_, response| read(response).into())
};

/// Programs run at the host of streams, beside the one that templates name.
fn request(ask: &Ask<'_>) -> Result<HttpRequest, String> {
    let (start, stop) = ten_windows(ask);
    let (start, stop) = (format!("{start}000"), format!("{stop}000"));
    let parameters = [("start", &*start), ("stop", &stop), ("immediate", "true")];
    let host = ask.backend.address.replacen("api", "stream", 1);
    let url = url(&host, "/v2/signalflow/execute", &parameters);
    let mut request = post(ask, url, "text/plain", ask.query);
    header(&mut request, "X-SF-Token", secret(ask, "sf_token_key")?);
    Ok(request)
}

fn read(response: &HttpResponse) -> Result<Answer, String> {
    let body = success("Splunk", response)?;
    let text = String::from_utf8_lossy(body).replace("\r\n", "\n");
    let mut newest = Answer::NoValues;
    let mut series = BTreeSet::new();
    let mut events = 0;
    for event in text.split("\n\n") {
        let field = |name: &str| -> String {
            let lines = event.lines().filter_map(|line| line.strip_prefix(name));
            lines.map(str::trim_start).collect::<Vec<_>>().join("\n")
        };
        let kind = field("event:");
        let Ok(data) = serde_json::from_str::<Value>(&field("data:")) else {
            continue;
        };
        events += 1;
        let said = |name: &str| data[name].as_str().map(str::to_owned);
        if kind == "error" || said("event").as_deref() == Some("CHANNEL_ABORT") {
            let words = said("message").unwrap_or_else(|| data.to_string());
            return Err(format!("Splunk answers: {words}"));
        }
        for point in data["data"].as_array().into_iter().flatten() {
            if point["value"].is_null() {
                continue;
            }
            series.extend(point["tsId"].as_str().map(str::to_owned));
            newest = number(&point["value"]);
        }
    }
    match (events, series.len()) {
        (0, _) => Err("the answer is no stream of SignalFlow's events".to_owned()),
        (_, 0 | 1) => Ok(newest),
        (_, more) => Err(format!(
            "{more} series instead of one number: aggregate the query"
        )),
    }
}
