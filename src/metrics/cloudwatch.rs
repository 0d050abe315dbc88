//! Amazon CloudWatch: GetMetricData over ten windows, as a signed request of the Query API. The query is the JSON
//! list of its MetricDataQueries.
//! <https://docs.aws.amazon.com/AmazonCloudWatch/latest/APIReference/API_GetMetricData.html>

use crate::canary::answer::Answer;
use crate::canary::http::HttpRequest;
use crate::canary::http::HttpResponse;
use crate::metrics::Address;
use crate::metrics::Ask;
use crate::metrics::Cloud;
use crate::metrics::CloudKind;
use crate::metrics::MetricProvider;
use crate::metrics::Reply;
use crate::metrics::aws;
use crate::metrics::aws::Keys;
use crate::metrics::reading::members;
use crate::metrics::reading::number_in;
use crate::metrics::reading::success;
use crate::metrics::reading::tag;
use crate::metrics::writing::form;
use crate::metrics::writing::ten_windows;
use jiff::Timestamp;
use serde_json::Value;
use std::time::Duration;

pub(super) const PROVIDER: MetricProvider = MetricProvider {
    address: Address::Region,
    cloud: |_| Some(CloudKind::Aws),
    window: "ten intervals up to now; its newest point",
    timeout: Duration::from_secs(10),
    check: |query| queries(query).map(|_| ()),
    ..MetricProvider::new(
        "cloudwatch",
        |ask| aws::first(ask, aws::region_of(ask)?, signed),
        |ask, response| aws::then(ask, response, signed, read),
    )
};

/// The newest comes first, so that a few are enough.
const POINTS: &str = "20";

fn queries(query: &str) -> Result<Value, String> {
    match serde_json::from_str(query) {
        Ok(Value::Array(queries)) if !queries.is_empty() => Ok(Value::Array(queries)),
        Ok(_) => Err("a JSON list of MetricDataQueries is expected".to_owned()),
        Err(error) => Err(format!(
            "a JSON list of MetricDataQueries is expected: {error}"
        )),
    }
}

fn signed(ask: &Ask<'_>, keys: &Keys) -> Result<HttpRequest, String> {
    let region = aws::region_of(ask)?;
    let endpoint = match &ask.backend.cloud {
        Some(Cloud::Aws(setup)) => setup.endpoint.clone(),
        Some(Cloud::Google(_)) | None => None,
    };
    let endpoint = endpoint.unwrap_or_else(|| aws::address("monitoring", region));
    let (from, to) = ten_windows(ask);
    let time = |seconds: i64| Timestamp::from_second(seconds).map_err(|error| error.to_string());
    let mut fields = Vec::new();
    flatten("MetricDataQueries", &queries(ask.query)?, &mut fields);
    let (from, to) = (time(from)?.to_string(), time(to)?.to_string());
    let mut pairs = vec![
        ("Action", "GetMetricData"),
        ("Version", "2010-08-01"),
        ("StartTime", &from),
        ("EndTime", &to),
        ("MaxDatapoints", POINTS),
    ];
    pairs.extend(
        fields
            .iter()
            .map(|(name, value)| (name.as_str(), value.as_str())),
    );
    let url = format!("{}/", endpoint.trim_end_matches('/'));
    let mut request = form(&url, &pairs);
    aws::sign(&mut request, keys, "monitoring", region, ask.now);
    Ok(request)
}

/// JSON in the words of the Query API: `a.member.1.b`.
fn flatten(name: &str, value: &Value, fields: &mut Vec<(String, String)>) {
    match value {
        Value::Null => {}
        Value::Array(items) => {
            for (at, item) in items.iter().enumerate() {
                flatten(&format!("{name}.member.{}", at + 1), item, fields);
            }
        }
        Value::Object(entries) => {
            for (key, item) in entries {
                flatten(&format!("{name}.{key}"), item, fields);
            }
        }
        Value::String(text) => fields.push((name.to_owned(), text.clone())),
        Value::Bool(_) | Value::Number(_) => fields.push((name.to_owned(), value.to_string())),
    }
}

fn read(_: &Ask<'_>, response: &HttpResponse) -> Reply {
    newest(response).into()
}

fn newest(response: &HttpResponse) -> Result<Answer, String> {
    let body = String::from_utf8_lossy(success("CloudWatch", response)?);
    let Some(result) = tag(&body, "GetMetricDataResult") else {
        return Err("the answer is not CloudWatch's XML: it has no GetMetricDataResult".to_owned());
    };
    let results = members(tag(result, "MetricDataResults").unwrap_or_default());
    let one = match results.as_slice() {
        [] => return Ok(Answer::NoValues),
        [one] => one,
        more => {
            let count = more.len();
            return Err(format!(
                "{count} results instead of one: give the others ReturnData: false"
            ));
        }
    };
    let values = members(tag(one, "Values").unwrap_or_default());
    match (tag(one, "StatusCode").unwrap_or("Complete"), values.first()) {
        ("Complete" | "PartialData", Some(value)) => Ok(number_in(value)),
        ("Complete", None) => Ok(Answer::NoValues),
        (other, _) => Err(format!(
            "CloudWatch answers {other}: {}",
            tag(result, "Value").unwrap_or("no values")
        )),
    }
}
