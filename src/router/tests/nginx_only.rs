//! What is nginx's alone.

use super::*;
use crate::canary::metadata::CANARY;
use crate::canary::metadata::entries;
use std::collections::BTreeSet;

const PREFIX: &str = "nginx.ingress.kubernetes.io/canary";

fn bench() -> Bench {
    Bench::named("nginx")
}

fn with(annotations: &[(&str, &str)]) -> Bench {
    let mut bench = bench();
    for (key, value) in annotations {
        bench.live()["metadata"]["annotations"][format!("{PREFIX}{key}")] = json!(value);
    }
    bench
}

fn matching(conditions: &str) -> Bench {
    let text = bench_text().replace(
        "    maxWeight: 50\n    stepWeight: 10\n",
        &format!("    iterations: 3\n    match: {conditions}\n"),
    );
    let mut bench = bench();
    bench.canary = canary(&text);
    bench
}

fn bench_text() -> &'static str {
    include_str!("../../../testdata/providers/nginx/canary.yaml")
}

/// The canary's annotations without their prefix.
fn said(bench: &Bench) -> BTreeMap<String, String> {
    let all = entries(bench.route(), "annotations");
    all.iter()
        .filter_map(|(key, value)| {
            let key = key.strip_prefix(PREFIX)?;
            Some((key.to_owned(), value.as_str().unwrap().to_owned()))
        })
        .collect()
}

fn pairs(pairs: &[(&str, &str)]) -> BTreeMap<String, String> {
    let owned = |(key, value): &(&str, &str)| ((*key).to_owned(), (*value).to_owned());
    pairs.iter().map(owned).collect()
}

#[test]
fn a_weight_is_a_share_of_its_total() {
    assert_eq!(
        with(&[("-weight", "150"), ("-weight-total", "1000")]).read(),
        15
    );
    let mut bench = with(&[("-weight", "5"), ("-weight-total", "20")]);
    assert_eq!(bench.read(), 25);
    bench.set(30);
    assert_eq!(said(&bench), pairs(&[("", "true"), ("-weight", "30")]));
}

#[test]
fn a_weight_that_is_no_number_is_an_error_of_its_own() {
    let bench = with(&[("-weight", "some")]);
    let refused = (bench.provider.routes)(&bench.canary, &bench.facts);
    assert!(matches!(refused, Err(RouteError::Unreadable { .. })));
}

#[test]
fn users_who_match_are_on_the_canary_whatever_the_weight_says() {
    let mut bench = with(&[("-by-header", "x-canary")]);
    assert_eq!(bench.read(), 100);
    bench.set(0);
    assert_eq!(bench.read(), 0);
    assert_eq!(said(&bench), pairs(&[("", "true"), ("-weight", "0")]));
}

#[test]
fn one_header_and_one_cookie_send_those_who_match() {
    let mut bench =
        matching("[{headers: {x-canary: {regex: 'in.*'}}}, {headers: {cookie: {exact: tester}}}]");
    bench.set(100);
    assert_eq!(bench.read(), 100);
    assert_eq!(
        said(&bench),
        pairs(&[
            ("", "true"),
            ("-weight", "0"),
            ("-by-header", "x-canary"),
            ("-by-header-pattern", "in.*"),
            ("-by-cookie", "tester"),
        ])
    );
    bench.set(0);
    assert_eq!(said(&bench), pairs(&[("", "true"), ("-weight", "0")]));
}

#[test]
fn requests_that_an_ingress_cannot_tell_apart_are_refused() {
    for conditions in [
        "[{headers: {a: {exact: x}, b: {exact: x}}}]",
        "[{headers: {a: {exact: x}}}, {headers: {b: {exact: x}}}]",
        "[{headers: {cookie: {regex: x}}}]",
    ] {
        let bench = matching(conditions);
        let refused = (bench.provider.prepare)(&bench.canary, &Facts::new());
        assert!(
            matches!(refused, Err(RouteError::UnsaidMatch { .. })),
            "{conditions}"
        );
    }
}

#[test]
fn a_canary_ingress_that_lost_its_mark_gets_it_back() {
    let mut bench = bench();
    bench.live()["metadata"]["annotations"] = json!({CANARY: "demo/checkout"});
    assert_eq!(bench.read(), 0);
    bench.set(10);
    assert_eq!(said(&bench), pairs(&[("", "true"), ("-weight", "10")]));
}

#[test]
fn marks_of_argo_cd_and_left_over_weights_are_not_copied() {
    let mut bench = bench();
    bench.forget();
    bench.prepare();
    let labels = &bench.route()["metadata"]["labels"];
    assert_eq!(*labels, json!({"team": "shop"}));
    assert_eq!(said(&bench), pairs(&[("", "true"), ("-weight", "0")]));
}

#[test]
fn built_in_queries_are_flaggers() {
    let queries = &bench().provider.queries;
    let labels = "namespace=\"demo\",ingress=\"edge\",canary!=\"\"";
    assert_eq!(
        (queries.success_rate)(&site()),
        format!(
            "sum(rate(nginx_ingress_controller_requests{{{labels},status!~\"5.*\"}}[1m])) / \
             sum(rate(nginx_ingress_controller_requests{{{labels}}}[1m])) * 100"
        )
    );
    assert_eq!(
        (queries.duration)(&site()),
        format!(
            "sum(rate(nginx_ingress_controller_response_duration_seconds_sum{{{labels}}}[1m])) / \
             sum(rate(nginx_ingress_controller_response_duration_seconds_count{{{labels}}}[1m])) * 1000"
        )
    );
}

#[test]
fn another_prefix_is_that_of_all_its_annotations() {
    let mut bench =
        matching("[{headers: {x-user: {exact: a}, }}, {headers: {cookie: {exact: beta}}}]");
    bench.canary.ingress_settings.annotations_prefix = "nginx.org".to_owned();
    bench.forget();
    bench.prepare();
    let keys = |bench: &Bench| {
        let all = entries(bench.route(), "annotations");
        let keys = all.keys().filter_map(|key| key.strip_prefix("nginx.org/"));
        keys.map(str::to_owned).collect::<BTreeSet<String>>()
    };
    let named = |ends: &[&str]| ends.iter().map(|end| (*end).to_owned()).collect();
    assert_eq!(keys(&bench), named(&["canary", "canary-weight"]));
    bench.set(100);
    assert_eq!(bench.read(), 100);
    let all = [
        "canary",
        "canary-by-cookie",
        "canary-by-header",
        "canary-by-header-value",
        "canary-weight",
    ];
    assert_eq!(keys(&bench), named(&all));
}
