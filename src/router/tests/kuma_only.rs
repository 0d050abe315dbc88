//! What is Kuma's alone.

use super::*;
use serde_json::json;

#[test]
fn a_new_route_lies_in_the_mesh_that_the_canary_names_and_in_no_namespace() {
    for (named, mesh) in [(true, "shop"), (false, "default")] {
        let mut bench = Bench::named("kuma");
        bench.facts.clear();
        if !named {
            bench.canary.annotations.clear();
        }
        bench.prepare();
        assert_eq!(bench.route()["mesh"], mesh);
        assert_eq!(bench.route()["metadata"].get("namespace"), None);
        let address = (bench.provider.route)(&bench.canary);
        assert_eq!(
            address.path(),
            "/apis/kuma.io/v1alpha1/trafficroutes/checkout"
        );
    }
}

#[test]
fn services_of_another_namespace_are_other_services() {
    let mut bench = Bench::named("kuma");
    let split = &mut bench.live()["spec"]["conf"]["split"];
    split[1]["destination"]["kuma.io/service"] = json!("checkout-canary_test_svc_80");
    assert!(matches!(
        (bench.provider.routes)(&bench.canary, &bench.facts),
        Err(RouteError::Foreign { destination, .. }) if destination == "checkout-canary_test_svc_80"
    ));
}

#[test]
fn built_in_queries_are_flaggers() {
    let site = site();
    let queries = &Bench::named("kuma").provider.queries;
    assert_eq!(
        (queries.success_rate)(&site),
        "sum(rate(envoy_cluster_upstream_rq{service=~\"checkout-canary_demo_svc_[0-9a-zA-Z-]+\",\
         envoy_response_code!~\"5.*\"}[1m])) / \
         sum(rate(envoy_cluster_upstream_rq{service=~\"checkout-canary_demo_svc_[0-9a-zA-Z-]+\"}[1m])) * 100"
    );
    assert_eq!(
        (queries.duration)(&site),
        "histogram_quantile(0.99, sum by (le) (rate(envoy_cluster_upstream_rq_time_bucket{\
         service=~\"checkout-canary_demo_svc_[0-9a-zA-Z-]+\"}[1m])))"
    );
}
