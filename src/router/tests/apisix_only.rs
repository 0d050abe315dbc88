//! What is APISIX's alone.

use super::*;

fn bench() -> Bench {
    Bench::named("apisix")
}

#[test]
fn a_backend_without_a_weight_means_a_hundred() {
    let mut bench = bench();
    bench.set(50);
    let backends = &mut bench.live()["spec"]["http"][0]["backends"];
    backends[0].as_object_mut().unwrap().remove("weight");
    assert_eq!(bench.read(), 33);
}

#[test]
fn a_rule_that_leads_elsewhere_too_is_refused() {
    let mut bench = bench();
    let source = (bench.provider.beside)(&bench.canary).remove(0);
    let rule = &mut bench.facts.get_mut(&source).unwrap()["spec"]["http"][1];
    let more = json!({"serviceName": "legacy", "servicePort": 80});
    rule["backends"].as_array_mut().unwrap().push(more);
    let refused = (bench.provider.prepare)(&bench.canary, &bench.facts);
    assert!(
        matches!(refused, Err(RouteError::Foreign { destination, .. }) if destination == "legacy")
    );
}

#[test]
fn built_in_queries_are_flaggers() {
    let queries = &bench().provider.queries;
    let route = "route=~\"demo_gate-checkout-canary_.+\"";
    assert_eq!(
        (queries.success_rate)(&site()),
        format!(
            "sum(rate(apisix_http_status{{{route},code!~\"5..\"}}[1m])) / \
             sum(rate(apisix_http_status{{{route}}}[1m])) * 100"
        )
    );
    assert_eq!(
        (queries.duration)(&site()),
        format!(
            "histogram_quantile(0.99, sum by (le) (rate(apisix_http_latency_bucket{{type=~\"request\",{route}}}[1m])))"
        )
    );
}
