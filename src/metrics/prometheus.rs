//! Prometheus: instant queries, asked without `time` so that its own clock counts.
//! <https://prometheus.io/docs/prometheus/latest/querying/api/#instant-queries>
//!
//! One number is expected. Several series are an error: which of them is meant cannot be known. What Amazon hosts is
//! asked with signed requests.

use crate::canary::answer::Answer;
use crate::canary::http::HttpRequest;
use crate::canary::http::HttpResponse;
use crate::metrics::Ask;
use crate::metrics::CloudKind;
use crate::metrics::MetricProvider;
use crate::metrics::Probe;
use crate::metrics::Reply;
use crate::metrics::Secret;
use crate::metrics::aws;
use crate::metrics::aws::Keys;
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
    secret: Secret::Optional(&[&["token"], &["username", "password"]]),
    cloud: |address| amazons_region(address).map(|_| CloudKind::Aws),
    probe: Probe::Query("vector(1)"),
    ..MetricProvider::new("prometheus", request, parse)
};

/// The region of a workspace that Amazon hosts.
fn amazons_region(address: &str) -> Option<&str> {
    let (_, rest) = address.split_once("://")?;
    let host = rest.split(['/', ':', '?']).next()?;
    let (region, land) = host.strip_prefix("aps-workspaces.")?.split_once('.')?;
    matches!(land, "amazonaws.com" | "amazonaws.com.cn").then_some(region)
}

fn request(ask: &Ask<'_>) -> Result<HttpRequest, String> {
    match amazons_region(&ask.backend.address) {
        Some(region) => aws::first(ask, region, signed),
        None => Ok(query(ask)),
    }
}

fn query(ask: &Ask<'_>) -> HttpRequest {
    let parameters = [("query", &*one_line(ask.query))];
    let mut request = get(ask, url(&ask.backend.address, "/api/v1/query", &parameters));
    if let Some(authorization) = authorization(&ask.backend.secret) {
        header(&mut request, "Authorization", &authorization);
    }
    request
}

fn signed(ask: &Ask<'_>, keys: &Keys) -> Result<HttpRequest, String> {
    let mut request = query(ask);
    let region = amazons_region(&ask.backend.address).unwrap_or_default();
    aws::sign(&mut request, keys, "aps", region, ask.now);
    Ok(request)
}

fn parse(ask: &Ask<'_>, response: &HttpResponse) -> Reply {
    let parsed = |_: &Ask<'_>, response: &HttpResponse| Reply::from(read(response));
    if amazons_region(&ask.backend.address).is_some() {
        return aws::then(ask, response, signed, parsed);
    }
    parsed(ask, response)
}

fn read(response: &HttpResponse) -> Result<Answer, String> {
    let body = json("Prometheus", response)?;
    if body["status"] != "success" {
        let words = body["error"].as_str().unwrap_or("no success");
        return Err(format!("Prometheus answers: {words}"));
    }
    let (kind, result) = (&body["data"]["resultType"], &body["data"]["result"]);
    let value = match (kind.as_str(), result) {
        (Some("vector"), Value::Array(series)) => match only(series, "series")? {
            None => return Ok(Answer::NoValues),
            Some(one) => &one["value"][1],
        },
        (Some("scalar"), result) => &result[1],
        (Some(other), _) => return Err(format!("a {other} instead of one number")),
        (None, _) => {
            return Err("the answer is not Prometheus' JSON: it has no resultType".to_owned());
        }
    };
    match value {
        Value::String(_) => Ok(number(value)),
        other => Err(format!("{other} instead of the text of a number")),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn answer(status: u16, body: &str) -> Answer {
        let response = HttpResponse {
            status,
            body: body.as_bytes().to_vec(),
            retry_after: None,
        };
        read(&response).unwrap_or_else(Answer::Error)
    }

    fn vector(result: &str) -> Answer {
        answer(
            200,
            &format!(
                r#"{{"status":"success","data":{{"resultType":"vector","result":{result}}}}}"#
            ),
        )
    }

    #[test]
    fn what_amazon_hosts_is_known_by_its_host_alone() {
        let hosted = "https://aps-workspaces.eu-west-1.amazonaws.com/workspaces/ws-1";
        assert_eq!(amazons_region(hosted), Some("eu-west-1"));
        for other in [
            "https://prometheus.example/aps-workspaces.eu-west-1.amazonaws.com",
            "https://aps-workspaces.eu-west-1.amazonaws.com.evil.example",
        ] {
            assert_eq!(amazons_region(other), None, "{other}");
        }
    }

    #[test]
    fn one_series_is_a_value() {
        assert_eq!(
            vector(r#"[{"metric":{},"value":[1435781451.781,"99.5"]}]"#),
            Answer::Value(99.5)
        );
    }

    #[test]
    fn nothing_and_nan_are_no_values() {
        assert_eq!(vector("[]"), Answer::NoValues);
        assert_eq!(
            vector(r#"[{"metric":{},"value":[1,"NaN"]}]"#),
            Answer::NoValues
        );
    }

    #[test]
    fn several_series_are_an_error() {
        let two = r#"[{"metric":{"a":"1"},"value":[1,"1"]},{"metric":{"a":"2"},"value":[1,"2"]}]"#;
        assert!(matches!(vector(two), Answer::Error(why) if why.starts_with("2 series")));
    }

    #[test]
    fn a_scalar_is_a_value_and_a_matrix_is_not() {
        let typed = |kind: &str, result: &str| {
            answer(
                200,
                &format!(
                    r#"{{"status":"success","data":{{"resultType":"{kind}","result":{result}}}}}"#
                ),
            )
        };
        assert_eq!(typed("scalar", r#"[1,"2"]"#), Answer::Value(2.0));
        assert!(matches!(typed("matrix", "[]"), Answer::Error(_)));
    }

    #[test]
    fn an_error_keeps_prometheus_words() {
        let body = r#"{"status":"error","errorType":"bad_data","error":"parse error"}"#;
        assert_eq!(
            answer(400, body),
            Answer::Error("Prometheus answers 400: parse error".to_owned())
        );
        assert!(matches!(answer(200, "<html>"), Answer::Error(_)));
    }
}
