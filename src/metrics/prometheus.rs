//! Prometheus: instant queries, asked without `time` so that its own clock counts.
//! <https://prometheus.io/docs/prometheus/latest/querying/api/#instant-queries>
//!
//! One number is expected. Several series are an error: which of them is meant cannot be known.

use crate::canary::answer::Answer;
use crate::canary::http::HttpRequest;
use crate::canary::http::HttpResponse;
use crate::metrics::Backend;
use crate::metrics::Credentials;
use crate::metrics::CredentialsError;
use crate::metrics::Headers;
use crate::metrics::MetricProvider;
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use serde::Deserialize;
use serde_json::Value;
use std::fmt::Write as _;
use std::time::Duration;

pub(super) const PROVIDER: MetricProvider = MetricProvider {
    name: "prometheus",
    request,
    credentials,
    probe: "vector(1)",
    parse,
};

/// For one query.
const TIMEOUT: Duration = Duration::from_secs(5);

fn request(backend: &Backend, query: &str) -> HttpRequest {
    // Flagger drops a query of the address too.
    let address = backend.address.split(['?', '#']).next().unwrap_or_default();
    let query = query.split_whitespace().collect::<Vec<_>>().join(" ");
    HttpRequest {
        method: "GET",
        url: format!(
            "{}/api/v1/query?query={}",
            address.trim_end_matches('/'),
            escaped(&query)
        ),
        headers: backend.headers.clone(),
        body: Vec::new(),
        timeout: TIMEOUT,
    }
}

/// A token, else a user with a password.
fn credentials(secret: &Credentials) -> Result<Headers, CredentialsError> {
    let authorization = if let Some(token) = secret.get("token") {
        format!("Bearer {token}")
    } else {
        let part = |key: &str, missing| secret.get(key).ok_or(CredentialsError { missing });
        let user = part("username", "token, and no username")?;
        let password = part("password", "password")?;
        format!("Basic {}", STANDARD.encode(format!("{user}:{password}")))
    };
    Ok(vec![("Authorization".to_owned(), authorization)])
}

fn escaped(query: &str) -> String {
    let mut text = String::with_capacity(query.len() * 2);
    for byte in query.bytes() {
        if byte.is_ascii_alphanumeric() || b"-._~".contains(&byte) {
            text.push(char::from(byte));
        } else {
            // Writing into a string cannot fail.
            let _infallible = write!(text, "%{byte:02X}");
        }
    }
    text
}

#[derive(Deserialize)]
struct Body {
    status: String,
    #[serde(default)]
    error: String,
    data: Option<Data>,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Data {
    result_type: String,
    result: Value,
}

#[derive(Deserialize)]
struct Series {
    value: (f64, String),
}

fn parse(response: &HttpResponse) -> Answer {
    let body: Result<Body, _> = serde_json::from_slice(&response.body);
    if response.status >= 400 {
        let words = body.map_or_else(
            |_| String::from_utf8_lossy(&response.body).trim().to_owned(),
            |body| body.error,
        );
        let words: String = words.chars().take(200).collect();
        return Answer::Error(format!("Prometheus answers {}: {words}", response.status));
    }
    let body = match body {
        Ok(body) => body,
        Err(error) => return Answer::Error(format!("the answer is not Prometheus' JSON: {error}")),
    };
    let Some(data) = body.data.filter(|_| body.status == "success") else {
        return Answer::Error(format!(
            "Prometheus answers {}: {}",
            body.status, body.error
        ));
    };
    match data.result_type.as_str() {
        "vector" => match serde_json::from_value::<Vec<Series>>(data.result) {
            Ok(series) => match series.as_slice() {
                [] => Answer::NoValues,
                [one] => number(&one.value.1),
                more => Answer::Error(format!(
                    "{} series instead of one number: aggregate the query",
                    more.len()
                )),
            },
            Err(error) => Answer::Error(format!("the vector cannot be read: {error}")),
        },
        "scalar" => match serde_json::from_value::<(f64, String)>(data.result) {
            Ok((_, text)) => number(&text),
            Err(error) => Answer::Error(format!("the scalar cannot be read: {error}")),
        },
        other => Answer::Error(format!("a {other} instead of one number")),
    }
}

fn number(text: &str) -> Answer {
    match text {
        "NaN" => Answer::NoValues,
        "+Inf" => Answer::Value(f64::INFINITY),
        "-Inf" => Answer::Value(f64::NEG_INFINITY),
        text => text.parse().map_or_else(
            |_| Answer::Error(format!("{text:?} is not a number")),
            Answer::Value,
        ),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn answer(status: u16, body: &str) -> Answer {
        parse(&HttpResponse {
            status,
            body: body.as_bytes().to_vec(),
            retry_after: None,
        })
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
    fn a_query_is_sent_on_one_line_and_escaped() {
        let backend = Backend {
            address: "http://prometheus.monitoring:9090/?tenant=a".to_owned(),
            headers: vec![("X-Scope-OrgID".to_owned(), "a".to_owned())],
        };
        let request = request(&backend, "sum(\n  rate(a{b=\"c d\"}[1m])\n)");
        assert_eq!(request.headers, backend.headers);
        assert_eq!(
            request.url,
            "http://prometheus.monitoring:9090/api/v1/query?query=sum%28%20rate%28a%7Bb%3D%22c%20d%22%7D%5B1m%5D%29%20%29"
        );
    }

    #[test]
    fn a_secret_holds_a_token_or_a_user_with_a_password() {
        let header = |entries: &[(&str, &str)]| {
            let owned = |(key, value): &(&str, &str)| ((*key).to_owned(), (*value).to_owned());
            credentials(&entries.iter().map(owned).collect())
                .map(|headers| headers[0].1.clone())
                .map_err(|error| error.to_string())
        };
        assert_eq!(header(&[("token", "t")]), Ok("Bearer t".to_owned()));
        let both = [("username", "u"), ("password", "p")];
        assert_eq!(header(&both), Ok("Basic dTpw".to_owned()));
        assert_eq!(header(&both[..1]), Err("it has no password".to_owned()));
        assert_eq!(
            header(&[]),
            Err("it has no token, and no username".to_owned())
        );
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
