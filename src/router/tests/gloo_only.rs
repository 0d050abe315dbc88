//! What is Gloo's alone.

use super::*;
use crate::canary::reference;
use serde_json::json;

fn service(canary: &Canary, name: &str) -> ObjectRef {
    Resource::SERVICE.in_namespace(&canary.namespace, name)
}

fn upstream(name: &str, namespace: &str) -> ObjectRef {
    Resource::new("gloo.solo.io", "v1", "upstreams", "Upstream").in_namespace(namespace, name)
}

/// No route yet, but the services, and an Upstream that the Canary names.
fn fresh() -> Bench {
    let mut bench = Bench::named("gloo");
    bench.facts.clear();
    for (name, label) in [
        ("checkout-primary", "checkout-primary"),
        ("checkout-canary", "checkout"),
    ] {
        let live = json!({"spec": {"selector": {"app": label}}});
        bench.facts.insert(service(&bench.canary, name), live);
    }
    bench.canary.upstream = Some(reference::ObjectRef {
        api_version: "gloo.solo.io/v1".to_owned(),
        kind: "Upstream".to_owned(),
        name: "model".to_owned(),
        namespace: Some("gloo-system".to_owned()),
    });
    bench
}

const ONE: &str = "demo-checkout-canaryupstream-80";

#[test]
fn upstreams_select_the_pods_of_their_service_and_have_the_settings_of_the_one_that_is_named() {
    let mut bench = fresh();
    let balancer = json!({"healthyPanicThreshold": 50});
    bench.facts.insert(
        upstream("model", "gloo-system"),
        json!({"spec": {"kube": {"serviceName": "x"}, "useHttp2": true, "loadBalancerConfig": balancer}}),
    );
    bench.prepare();
    let address = upstream(ONE, "demo");
    assert_eq!(
        bench.facts[&address]["spec"],
        json!({
            "kube": {
                "serviceName": "checkout-canary", "serviceNamespace": "demo", "servicePort": 80,
                "selector": {"app": "checkout"},
            },
            "useHttp2": true, "loadBalancerConfig": balancer,
        })
    );
    // Later only the balancing follows.
    let model = bench.facts.get_mut(&upstream("model", "gloo-system"));
    model.unwrap()["spec"] = json!({"useHttp2": false, "loadBalancerConfig": {"maglev": {}}});
    bench.prepare();
    let spec = &bench.facts[&address]["spec"];
    assert_eq!(spec["loadBalancerConfig"], json!({"maglev": {}}));
    assert_eq!(spec["useHttp2"], true);
}

#[test]
fn a_named_upstream_that_is_not_there_is_said_at_the_first_look() {
    let bench = fresh();
    let refused = (bench.provider.routes)(&bench.canary, &bench.facts);
    assert_eq!(
        refused.unwrap_err().to_string(),
        "routetable/checkout needs upstream/model of gloo-system, which is not there"
    );
}

#[test]
fn a_route_straight_to_the_apex_becomes_one_to_both_sides() {
    let single = [
        json!({"kube": {"ref": {"name": "checkout", "namespace": "demo"}, "port": 80}}),
        json!({"upstream": {"name": "demo-checkout-80", "namespace": "gloo-system"}}),
    ];
    for single in single {
        let mut bench = Bench::named("gloo");
        bench.live()["spec"]["routes"][0]["routeAction"] = json!({"single": single, "x": 1});
        let untouched = (bench.provider.routes)(&bench.canary, &bench.facts);
        assert_eq!(untouched, Ok(None));
        bench.prepare();
        assert_eq!(bench.read(), 0);
        bench.set(30);
        let action = &bench.route()["spec"]["routes"][0]["routeAction"];
        assert_eq!(action["x"], 1);
        assert_eq!(action["multi"]["destinations"][1]["weight"], 30);
        assert!(bench.route()["metadata"]["annotations"][ORIGINAL].is_string());
    }
}

#[test]
fn in_ab_testing_those_whom_no_condition_means_stay_on_the_primary() {
    let text = include_str!("../../../testdata/providers/gloo/canary.yaml").replace(
        "    maxWeight: 50\n    stepWeight: 10\n",
        "    iterations: 3\n    match:\n    - headers: {x-user: {exact: insider}}\n    \
         - headers: {cookie: {regex: \".*beta.*\"}}\n",
    );
    let mut bench = Bench::named("gloo");
    bench.canary = canary(&text);
    let refused = (bench.provider.routes)(&bench.canary, &bench.facts);
    assert!(
        matches!(refused, Err(RouteError::Shape { .. })),
        "{refused:?}"
    );
    bench.facts.clear();
    bench.prepare();
    let changes = (bench.provider.set_routes)(&bench.canary, &bench.facts, Routes::CANARY);
    bench.apply(changes.unwrap());
    assert_eq!(bench.read(), 100);
    let primary =
        json!({"upstream": {"name": "demo-checkout-primaryupstream-80", "namespace": "demo"}});
    assert_eq!(
        bench.route()["spec"]["routes"],
        json!([
            {
                "matchers": [
                    {"headers": [{"name": "x-user", "value": "insider"}]},
                    {"headers": [{"name": "cookie", "value": ".*beta.*", "regex": true}]},
                ],
                "inheritablePathMatchers": true,
                "routeAction": {"multi": {"destinations": [
                    {"destination": primary},
                    {"destination": {"upstream": {"name": ONE, "namespace": "demo"}}, "weight": 100},
                ]}},
            },
            {"inheritablePathMatchers": true, "routeAction": {"single": primary}},
        ])
    );
}

#[test]
fn built_in_queries_are_flaggers() {
    let site = site();
    let queries = &Bench::named("gloo").provider.queries;
    let cluster =
        "envoy_cluster_name=~\"demo-checkout-canaryupstream-[0-9a-zA-Z-]+_[0-9a-zA-Z-]+\"";
    assert_eq!(
        (queries.success_rate)(&site),
        format!(
            "sum(rate(envoy_cluster_upstream_rq{{{cluster},envoy_response_code!~\"5.*\"}}[1m])) / \
             sum(rate(envoy_cluster_upstream_rq{{{cluster}}}[1m])) * 100"
        )
    );
    assert_eq!(
        (queries.duration)(&site),
        format!(
            "histogram_quantile(0.99, sum by (le) (rate(envoy_cluster_upstream_rq_time_bucket{{{cluster}}}[1m])))"
        )
    );
}
