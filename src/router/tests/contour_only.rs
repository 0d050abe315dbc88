//! What is Contour's alone.

use super::*;

const TEXT: &str = include_str!("../../../testdata/providers/contour/canary.yaml");

fn bench() -> Bench {
    Bench::named("contour")
}

fn matching(conditions: &str) -> Bench {
    let text = TEXT.replace(
        "    maxWeight: 50\n    stepWeight: 10\n",
        &format!("    iterations: 3\n    match: {conditions}\n"),
    );
    let mut bench = bench();
    bench.canary = canary(&text);
    bench
}

fn of_service(service: &str) -> Bench {
    let text = TEXT.replace("    targetPort: 8080\n", &format!("    {service}\n"));
    let mut bench = bench();
    bench.canary = canary(&text);
    bench
}

#[test]
fn what_the_service_says_becomes_the_route() {
    let mut bench = of_service(
        "match: [{uri: {prefix: /api}}]\n    timeout: 15s\n    \
         retries: {attempts: 3, perTryTimeout: 1s, retryOn: 'gateway-error,5xx'}",
    );
    bench.forget();
    bench.prepare();
    let route = &bench.route()["spec"]["routes"][0];
    assert_eq!(route["conditions"], json!([{"prefix": "/api"}]));
    assert_eq!(
        route["timeoutPolicy"],
        json!({"response": "15s", "idle": "5m"})
    );
    assert_eq!(
        route["retryPolicy"],
        json!({"count": 3, "perTryTimeout": "1s", "retryOn": ["gateway-error", "5xx"]})
    );
}

#[test]
fn more_than_a_prefix_of_the_path_is_refused() {
    for more in [
        "match: [{uri: {exact: /a}}]",
        "match: [{uri: {prefix: /a}, method: {exact: GET}}]",
        "match: [{uri: {prefix: /a}}, {uri: {prefix: /b}}]",
    ] {
        let bench = of_service(more);
        let refused = (bench.provider.prepare)(&bench.canary, &Facts::new());
        assert!(matches!(refused, Err(RouteError::Unsaid { .. })), "{more}");
    }
}

#[test]
fn every_item_has_a_route_of_its_own_and_who_does_not_match_stays_on_the_primary() {
    let mut bench =
        matching("[{headers: {a: {exact: x}, b: {prefix: q}}}, {headers: {c: {regex: 'z.*'}}}]");
    let before = bench.route().clone();
    bench.set(100);
    assert_eq!(bench.read(), 100);
    let routes = bench.route()["spec"]["routes"].clone();
    assert_eq!(
        routes[0]["conditions"],
        json!([
            {"prefix": "/", "header": {"name": "a", "exact": "x"}},
            {"header": {"name": "b", "contains": "q"}},
        ])
    );
    assert_eq!(
        routes[1]["conditions"],
        json!([{"prefix": "/", "header": {"name": "c", "regex": "z.*"}}])
    );
    for test in [0, 1] {
        assert_eq!(routes[test]["services"][0].get("weight"), None);
        assert_eq!(routes[test]["services"][1]["weight"], 100);
        assert_eq!(routes[test]["loadBalancerPolicy"]["strategy"], "Cookie");
    }
    assert_eq!(routes[2], before["spec"]["routes"][0]);
    assert_eq!(routes[3], before["spec"]["routes"][1]);
    bench.set(0);
    assert_eq!(bench.read(), 0);
    let again = (bench.provider.set_routes)(&bench.canary, &bench.facts, Routes::PRIMARY);
    assert_eq!(again, Ok(Vec::new()));
}

#[test]
fn a_server_that_drops_the_headers_is_noticed() {
    let mut bench = matching("[{headers: {a: {exact: x}}}]");
    bench.set(100);
    bench.live()["spec"]["routes"][0]["conditions"] = json!([{"prefix": "/"}]);
    assert_eq!(bench.read(), 99);
}

#[test]
fn a_proxy_is_in_effect_once_contour_finds_this_generation_valid() {
    let proof = |conditions: Value| {
        let mut bench = bench();
        bench.live()["metadata"]["generation"] = json!(4);
        bench.live()["status"] = json!({ "conditions": conditions });
        (bench.provider.proof)(&bench.canary, &bench.facts)
    };
    let valid = |status: &str, seen: u64| {
        json!([{"type": "Valid", "status": status, "observedGeneration": seen,
            "reason": "ErrorPresent", "message": "orphaned"}])
    };
    assert_eq!(proof(json!([])), Proof::Unknown);
    assert_eq!(proof(valid("True", 4)), Proof::InEffect);
    let pending = |words: &str| Proof::Pending(words.to_owned());
    assert_eq!(
        proof(valid("True", 3)),
        pending("Contour has not seen generation 4 yet")
    );
    assert_eq!(
        proof(valid("False", 4)),
        pending("Valid is False: ErrorPresent orphaned")
    );
}

#[test]
fn built_in_queries_are_flaggers() {
    let queries = &bench().provider.queries;
    let cluster = "envoy_cluster_name=~\"demo_web-shop-canary_[0-9a-zA-Z-]+\"";
    assert_eq!(
        (queries.success_rate)(&site()),
        format!(
            "sum(rate(envoy_cluster_upstream_rq{{{cluster},envoy_response_code!~\"5.*\"}}[1m])) / \
             sum(rate(envoy_cluster_upstream_rq{{{cluster}}}[1m])) * 100"
        )
    );
    assert_eq!(
        (queries.duration)(&site()),
        format!(
            "histogram_quantile(0.99, sum by (le) (rate(envoy_cluster_upstream_rq_time_bucket{{{cluster}}}[1m])))"
        )
    );
}

#[test]
fn a_class_that_is_asked_for_is_that_of_the_proxy() {
    let mut bench = bench();
    bench.canary.ingress_settings.class = Some("internal".to_owned());
    bench.prepare();
    assert_eq!(bench.route()["spec"]["ingressClassName"], "internal");
    bench.forget();
    bench.prepare();
    assert_eq!(bench.route()["spec"]["ingressClassName"], "internal");
    let again = (bench.provider.prepare)(&bench.canary, &bench.facts);
    assert_eq!(again, Ok(Vec::new()));
}
