//! Prometheus' HTTP API over the samples of the embedded cluster: `/api/v1/query`, by GET or as a form by POST.
//!
//! Answers have the form of Prometheus' own, errors too.

use crate::sandbox::promql;
use crate::sandbox::promql::Point;
use crate::sandbox::promql::QueryError;
use crate::sandbox::promql::Value;
use crate::sandbox::promql::series::SeriesStore;
use jiff::Timestamp;
use serde_json::Value as Json;
use serde_json::json;
use std::collections::BTreeMap;

const QUERY: &str = "/api/v1/query";

/// Answers one request: status and body. `path_and_query` begins with `/`; `now` is the moment of a query without
/// `time`.
#[must_use]
pub fn answer(
    series: &SeriesStore,
    now: Timestamp,
    method: &str,
    path_and_query: &str,
    body: &[u8],
) -> (u16, String) {
    let (path, query) = path_and_query
        .split_once('?')
        .unwrap_or((path_and_query, ""));
    if path != QUERY {
        return (404, "404 page not found\n".to_owned());
    }
    let mut parameters = BTreeMap::new();
    match method {
        "GET" => {}
        // The form counts before the address, as in Go's `Request.FormValue`.
        "POST" => collect(&mut parameters, body),
        _ => return (405, "method not allowed\n".to_owned()),
    }
    collect(&mut parameters, query.as_bytes());

    let at = match parameters.get("time").map(|text| moment(text)) {
        None => now.as_millisecond(),
        Some(Some(at)) => at,
        Some(None) => {
            return failure(&QueryError::BadData(
                "invalid parameter \"time\": cannot parse it to a valid timestamp".to_owned(),
            ));
        }
    };
    let expression = parameters.get("query").map_or("", String::as_str);
    match promql::evaluate(expression, series, at) {
        Ok(value) => (200, success(value, at)),
        Err(why) => failure(&why),
    }
}

/// The answer for one series without labels, or for none at all.
#[must_use]
pub fn answer_with(value: Option<f64>, now: Timestamp) -> (u16, String) {
    let points = value
        .map(|value| Point {
            labels: BTreeMap::new(),
            value,
        })
        .into_iter()
        .collect();
    (200, success(Value::Vector(points), now.as_millisecond()))
}

fn collect(parameters: &mut BTreeMap<String, String>, encoded: &[u8]) {
    for (name, value) in form_urlencoded::parse(encoded) {
        parameters
            .entry(name.into_owned())
            .or_insert_with(|| value.into_owned());
    }
}

/// Seconds since 1970 with a fraction, or RFC 3339; as milliseconds.
fn moment(text: &str) -> Option<i64> {
    if let Ok(time) = text.parse::<Timestamp>() {
        return Some(time.as_millisecond());
    }
    let seconds: f64 = text.parse().ok()?;
    let time = Timestamp::from_duration(jiff::SignedDuration::try_from_secs_f64(seconds).ok()?);
    Some(time.ok()?.as_millisecond())
}

fn success(value: Value, at: i64) -> String {
    let (kind, result) = match value {
        Value::Scalar(number) => ("scalar", sample(at, number)),
        Value::Vector(points) => (
            "vector",
            points
                .into_iter()
                .map(|point| json!({"metric": point.labels, "value": sample(at, point.value)}))
                .collect(),
        ),
    };
    json!({"status": "success", "data": {"resultType": kind, "result": result}}).to_string()
}

/// A number is text, since JSON has no NaN.
fn sample(at: i64, value: f64) -> Json {
    let time = if at % 1000 == 0 {
        json!(at / 1000)
    } else {
        json!(at as f64 / 1000.0)
    };
    let text = if value.is_infinite() {
        if value > 0.0 { "+Inf" } else { "-Inf" }.to_owned()
    } else {
        value.to_string()
    };
    json!([time, text])
}

fn failure(why: &QueryError) -> (u16, String) {
    let (status, kind) = match why {
        QueryError::BadData(_) => (400, "bad_data"),
        QueryError::Execution(_) => (422, "execution"),
    };
    let body = json!({"status": "error", "errorType": kind, "error": why.to_string()});
    (status, body.to_string())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::sandbox::promql::NAME;
    use crate::sandbox::promql::series::Sample;

    fn world() -> SeriesStore {
        let mut store = SeriesStore::default();
        let mut put = |name: &str, pod: &str, value: f64| {
            let labels = BTreeMap::from([
                (NAME.to_owned(), name.to_owned()),
                ("pod".to_owned(), pod.to_owned()),
            ]);
            let id = store.series(labels);
            store.append(
                id,
                Sample {
                    at: 1_000_000,
                    value,
                },
            );
        };
        put("load", "a", 0.25);
        put("odd", "a", f64::NAN);
        put("odd", "b", f64::INFINITY);
        store
    }

    fn now() -> Timestamp {
        Timestamp::from_millisecond(1_000_500).unwrap()
    }

    fn get(path_and_query: &str) -> (u16, String) {
        answer(&world(), now(), "GET", path_and_query, b"")
    }

    #[test]
    fn a_vector_has_labels_and_its_values_are_text() {
        assert_eq!(
            get("/api/v1/query?query=load"),
            (
                200,
                r#"{"status":"success","data":{"resultType":"vector","result":[{"metric":{"__name__":"load","pod":"a"},"value":[1000.5,"0.25"]}]}}"#
                    .to_owned()
            )
        );
    }

    #[test]
    fn values_that_json_does_not_know_are_spelled_as_prometheus_does() {
        let (_, body) = get("/api/v1/query?query=odd");
        assert!(body.contains(r#""NaN""#), "{body}");
        assert!(body.contains(r#""+Inf""#), "{body}");
    }

    #[test]
    fn an_empty_answer_is_a_success() {
        let (status, body) = get("/api/v1/query?query=nothing");
        assert_eq!(status, 200);
        assert!(body.contains(r#""result":[]"#), "{body}");
    }

    #[test]
    fn a_scalar_is_one_sample() {
        assert_eq!(
            get("/api/v1/query?query=1%2B1&time=1000").1,
            r#"{"status":"success","data":{"resultType":"scalar","result":[1000,"2"]}}"#
        );
    }

    #[test]
    fn a_form_asks_like_an_address() {
        let form = answer(&world(), now(), "POST", QUERY, b"query=sum%28load%29");
        assert_eq!(form, get("/api/v1/query?query=sum(load)"));
    }

    #[test]
    fn time_is_given_in_seconds_or_as_a_date() {
        let before = get("/api/v1/query?query=load&time=999.9");
        assert!(before.1.contains("[]"), "{}", before.1);
        let date = get("/api/v1/query?query=load&time=1970-01-01T00:16:40Z");
        assert!(date.1.contains("[1000,"), "{}", date.1);
        assert_eq!(get("/api/v1/query?query=load&time=noon").0, 400);
    }

    #[test]
    fn an_unreadable_expression_is_bad_data() {
        let (status, body) = get("/api/v1/query?query=sum(");
        assert_eq!(status, 400);
        assert!(
            body.starts_with(r#"{"status":"error","errorType":"bad_data","error":"#),
            "{body}"
        );
    }

    #[test]
    fn an_ambiguous_match_is_an_error_of_execution() {
        let (status, body) = get("/api/v1/query?query=load*%7Bpod%3D%22a%22%7D");
        assert_eq!(status, 422, "{body}");
        assert!(body.contains(r#""errorType":"execution""#), "{body}");
    }

    #[test]
    fn other_paths_and_methods_do_not_exist() {
        assert_eq!(get("/api/v1/series").0, 404);
        assert_eq!(answer(&world(), now(), "DELETE", QUERY, b"").0, 405);
    }

    #[test]
    fn a_given_value_is_answered_as_one_series_without_labels() {
        let (status, body) = answer_with(Some(99.5), now());
        assert_eq!(status, 200);
        assert!(
            body.contains(r#"[{"metric":{},"value":[1000.5,"99.5"]}]"#),
            "{body}"
        );
        assert!(answer_with(None, now()).1.contains("[]"));
    }

    proptest::proptest! {
        #[test]
        fn any_query_is_answered(query in "(sum|rate|-|hits|\\(|\\)|\\[1m\\]|\\{a=~\"|\"\\}|/| |1e999|.){0,12}") {
            let encoded: String = form_urlencoded::byte_serialize(query.as_bytes()).collect();
            let (status, _) = get(&format!("/api/v1/query?query={encoded}"));
            proptest::prop_assert!([200, 400, 422].contains(&status));
        }
    }
}
