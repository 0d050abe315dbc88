//! What all providers have in common, and what their odd answers mean.

use super::*;
use crate::canary::metric_template::MetricProviderType;
use crate::canary::name::Word as _;

const JSON: &str =
    r#"{"type":"authorized_user","client_id":"c","client_secret":"s","refresh_token":"r"}"#;

/// A backend that has everything that any of them needs.
fn backend(provider: &MetricProvider) -> Backend {
    let keys = provider.secret.logins().concat();
    Backend {
        address: "https://metrics.example".to_owned(),
        headers: Vec::new(),
        secret: keys
            .iter()
            .map(|key| ((*key).to_owned(), "k".to_owned()))
            .collect(),
        region: Some("eu-west-1".to_owned()),
        cloud: (provider.cloud)("").map(|kind| match kind {
            CloudKind::Aws => {
                let variable = |name: &str| name.starts_with("AWS_ACCESS").then(|| "k".to_owned());
                let variable = |name: &str| {
                    variable(name)
                        .or_else(|| name.ends_with("_SECRET_ACCESS_KEY").then(|| "s".to_owned()))
                };
                Cloud::Aws(aws::Setup::of_machine(&variable, &|_| Err(String::new())).unwrap())
            }
            CloudKind::Google => Cloud::Google(google::Login::of_key(JSON).unwrap()),
        }),
    }
}

fn query(provider: &MetricProvider) -> &'static str {
    match provider.name {
        "cloudwatch" => r#"[{"Id":"e1","Expression":"1"}]"#,
        "keptn" => "keptnmetric/shop/errors",
        "graphite" => "target=a",
        _ => "errors",
    }
}

/// The last response of an exchange, read.
fn read(provider: &MetricProvider, status: u16, body: &str) -> Answer {
    let backend = backend(provider);
    let ask = Ask {
        backend: &backend,
        query: query(provider),
        window: Duration::from_secs(60),
        now: "2026-01-02T03:04:05Z".parse().unwrap(),
    };
    let answer = |body: &str| HttpResponse {
        status,
        body: body.as_bytes().to_vec(),
        retry_after: None,
    };
    let mut reply = (provider.parse)(&ask, &answer(body));
    // A login comes first.
    if provider.name == "stackdriver" && status == 200 && body.starts_with('{') {
        reply = (provider.parse)(&ask, &answer(r#"{"access_token":"t"}"#));
    }
    match reply {
        Reply::Done(answer) => answer,
        Reply::AskAgain(again) => match (again.then)(&ask, &answer(body)) {
            Reply::Done(answer) => answer,
            Reply::AskAgain(_) => panic!("{} asks for ever", provider.name),
        },
    }
}

fn error(provider: &MetricProvider, status: u16, body: &str) -> String {
    match read(provider, status, body) {
        Answer::Error(why) => why,
        other @ (Answer::Value(_) | Answer::NoValues) => {
            panic!("{} takes {status} {body} for {other:?}", provider.name)
        }
    }
}

#[test]
fn every_type_of_a_template_has_its_provider_and_they_are_sorted() {
    let mut types: Vec<&str> = MetricProviderType::ALL
        .iter()
        .map(|kind| kind.as_str())
        .collect();
    types.sort_unstable();
    let names: Vec<&str> = PROVIDERS.iter().map(|provider| provider.name).collect();
    assert_eq!(names, types);
}

#[test]
fn a_page_instead_of_data_is_an_error_of_its_own() {
    for provider in PROVIDERS {
        let why = error(
            provider,
            200,
            "<!DOCTYPE html><html><body>Sign in</body></html>",
        );
        assert!(!why.contains("Sign in"), "{}: {why}", provider.name);
        assert!(why.contains("answer"), "{}: {why}", provider.name);
    }
}

#[test]
fn a_status_says_what_to_look_at() {
    for provider in PROVIDERS {
        let of = |status: u16| error(provider, status, r#"{"message":"because"}"#);
        assert!(
            of(401).ends_with("answers 401: because (is its login right?)"),
            "{}",
            of(401)
        );
        assert!(of(404).ends_with("(is its address right?)"), "{}", of(404));
        assert!(of(429).ends_with("(it is asked too often)"), "{}", of(429));
        assert!(
            of(302).ends_with("(redirects are not followed)"),
            "{}",
            of(302)
        );
        assert!(of(500).ends_with("answers 500: because"), "{}", of(500));
    }
}

#[test]
fn what_cannot_be_read_is_an_error_and_never_a_number() {
    for provider in PROVIDERS {
        for body in ["", "[", "true", "\u{1f}\u{8b}\u{8}", "7"] {
            let answer = read(provider, 200, body);
            assert!(
                !matches!(answer, Answer::Value(_)),
                "{}: {body}: {answer:?}",
                provider.name
            );
        }
    }
}

/// Provider, body, what it means.
const ODD: &[(&str, &str, &str)] = &[
    ("datadog", r#"{"status":"ok","series":[]}"#, "none"),
    (
        "datadog",
        r#"{"series":[{"pointlist":[[1,null],[2,3]]}]}"#,
        "none",
    ),
    (
        "datadog",
        r#"{"series":[{"pointlist":[[1,2],[2,3]]}]}"#,
        "2",
    ),
    (
        "datadog",
        r#"{"series":[{},{}]}"#,
        "2 series instead of one number: aggregate the query",
    ),
    (
        "datadog",
        r#"{"status":"error","error":"no such metric"}"#,
        "Datadog answers: no such metric",
    ),
    ("dynatrace", r#"{"result":[]}"#, "none"),
    ("dynatrace", r#"{"result":[{"data":[]}]}"#, "none"),
    (
        "dynatrace",
        r#"{"result":[{"data":[{"values":[null]}]}]}"#,
        "none",
    ),
    (
        "dynatrace",
        r#"{"result":[{"data":[{"values":[1]},{"values":[2]}]}]}"#,
        "2 series instead of one number: aggregate the query",
    ),
    ("externalmetrics", r#"{"items":[]}"#, "none"),
    ("externalmetrics", r#"{"items":[{"value":"100m"}]}"#, "0.1"),
    (
        "externalmetrics",
        r#"{"items":[{"value":"x"}]}"#,
        r#""x" is no quantity"#,
    ),
    (
        "externalmetrics",
        r#"{"items":[{},{}]}"#,
        "2 metrics instead of one number: aggregate the query",
    ),
    ("graphite", "[]", "none"),
    ("graphite", r#"[{"datapoints":[[null,1]]}]"#, "none"),
    (
        "graphite",
        r#"[{"datapoints":[[1,1],["2.5",2],[null,3]]}]"#,
        "2.5",
    ),
    (
        "graphite",
        r#"[{},{}]"#,
        "2 series instead of one number: aggregate the query",
    ),
    ("influxdb", "", "none"),
    (
        "influxdb",
        "#datatype,string,double\n#default,_result,\n,result,_value\n,,NaN\n",
        "none",
    ),
    (
        "influxdb",
        "#datatype,string,double\n#default,_result,\n,result,_value\n,,\n",
        "none",
    ),
    (
        "influxdb",
        "#datatype,string,long\n,result,_value\n,,3\n",
        "3",
    ),
    (
        "influxdb",
        "#datatype,string,double\n,result,_value\n,,+Inf\n",
        "inf",
    ),
    (
        "influxdb",
        "#datatype,string,string\n,result,_value\n,,3\n",
        "_value is a string instead of a number: use toFloat()",
    ),
    (
        "influxdb",
        "#datatype,string,double\n,result,_value\n,,3\n,,4\n",
        "2 rows instead of one number: aggregate the query",
    ),
    (
        "influxdb",
        "error,reference\n\"failed, \"\"hard\"\"\",897\n",
        "InfluxDB answers: failed, \"hard\"",
    ),
    ("keptn", r#"{"status":{"value":"0.5"}}"#, "0.5"),
    (
        "keptn",
        r#"{"status":{}}"#,
        "KeptnMetric errors has no value yet",
    ),
    ("newrelic", r#"{"results":[{"result":99.5}]}"#, "99.5"),
    ("newrelic", r#"{"results":[{"result":null}]}"#, "none"),
    ("newrelic", r#"{"results":[]}"#, "none"),
    (
        "newrelic",
        r#"{"facets":[]}"#,
        "several numbers instead of one: leave out FACET and TIMESERIES",
    ),
    (
        "prometheus",
        r#"{"status":"success","data":{"resultType":"vector","result":[]}}"#,
        "none",
    ),
    (
        "splunk",
        "event: control-message\ndata: {\"event\":\"END_OF_CHANNEL\"}\n\n",
        "none",
    ),
    (
        "splunk",
        "event: data\ndata: {\"data\":[{\"tsId\":\"A\",\"value\":null}]}\n\n",
        "none",
    ),
    (
        "splunk",
        "event: data\r\ndata: {\"data\":[\r\ndata:  {\"tsId\":\"A\",\"value\":1}]}\r\n\r\nevent: data\r\ndata: {\"data\":[{\"tsId\":\"A\",\"value\":2}]}\r\n\r\n",
        "2",
    ),
    (
        "splunk",
        "event: data\ndata: {\"data\":[{\"tsId\":\"A\",\"value\":1},{\"tsId\":\"B\",\"value\":2}]}\n\n",
        "2 series instead of one number: aggregate the query",
    ),
    (
        "splunk",
        "event: error\ndata: {\"message\":\"bad program\"}\n\n",
        "Splunk answers: bad program",
    ),
    ("stackdriver", "{}", "none"),
    (
        "stackdriver",
        r#"{"timeSeriesData":[{"pointData":[{"values":[{"int64Value":"3"}]}]}]}"#,
        "3",
    ),
    (
        "stackdriver",
        r#"{"timeSeriesData":[{"pointData":[{"values":[{"doubleValue":0.5}]}]}]}"#,
        "0.5",
    ),
    (
        "stackdriver",
        r#"{"timeSeriesData":[{},{}]}"#,
        "2 series instead of one number: aggregate the query",
    ),
    (
        "cloudwatch",
        "<GetMetricDataResult><MetricDataResults/></GetMetricDataResult>",
        "none",
    ),
    (
        "cloudwatch",
        "<GetMetricDataResult><MetricDataResults><member><Values><member>2.5</member><member>1</member></Values></member></MetricDataResults></GetMetricDataResult>",
        "2.5",
    ),
    (
        "cloudwatch",
        "<GetMetricDataResult><MetricDataResults><member><Values/><StatusCode>PartialData</StatusCode></member></MetricDataResults></GetMetricDataResult>",
        "CloudWatch answers PartialData: no values",
    ),
    (
        "cloudwatch",
        "<GetMetricDataResult><MetricDataResults><member><Values/></member><member><Values/></member></MetricDataResults></GetMetricDataResult>",
        "2 results instead of one: give the others ReturnData: false",
    ),
];

#[test]
fn nothing_null_several_and_errors_are_told_apart() {
    for (name, body, expected) in ODD {
        let read = match read(provider(name).unwrap(), 200, body) {
            Answer::Value(value) => value.to_string(),
            Answer::NoValues => "none".to_owned(),
            Answer::Error(why) => why,
        };
        assert_eq!(&read, expected, "{name}: {body}");
    }
}

#[test]
fn a_secret_needs_one_of_its_logins_whole() {
    let says = |secret: Secret, keys: &[&str]| {
        let keys = keys.iter().map(|key| ((*key).to_owned(), String::new()));
        secret
            .check(&keys.collect())
            .map_err(|error| error.to_string())
    };
    let prometheus = PROMETHEUS.secret;
    assert_eq!(says(prometheus, &["token"]), Ok(()));
    assert_eq!(says(prometheus, &["username", "password"]), Ok(()));
    assert_eq!(
        says(prometheus, &["username"]),
        Err("it has no password".to_owned())
    );
    assert_eq!(says(prometheus, &[]), Err("it has no token".to_owned()));
    let datadog = provider("datadog").unwrap().secret;
    let missing = "it has no datadog_api_key and no datadog_application_key".to_owned();
    assert_eq!(says(datadog, &[]), Err(missing));
    assert_eq!(says(Secret::Optional(&[]), &[]), Ok(()));
}
