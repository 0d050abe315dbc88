//! What is Traefik's alone.

use super::*;
use serde_json::json;

fn bench() -> Bench {
    Bench::named("traefik")
}

fn with_services(services: Value) -> Bench {
    let mut bench = bench();
    let address = (bench.provider.route)(&bench.canary);
    bench.facts.get_mut(&address).unwrap()["spec"]["weighted"]["services"] = services;
    bench
}

#[test]
fn an_entry_without_a_weight_means_one() {
    let bench = with_services(json!([{"name": "checkout-primary"}, {"name": "checkout-canary"}]));
    assert_eq!(bench.read(), 50);
}

#[test]
fn weights_in_another_scale_are_read_as_shares() {
    let services = json!([{"name": "checkout-primary", "weight": 3}, {"name": "checkout-canary", "weight": 1}]);
    assert_eq!(with_services(services).read(), 25);
}

#[test]
fn a_route_to_the_apex_service_is_taken_over() {
    let mut bench = with_services(json!([{"name": "checkout", "port": 80, "nativeLB": true}]));
    let changes = (bench.provider.prepare)(&bench.canary, &bench.facts).unwrap();
    bench.apply(changes);
    let services = &bench.route()["spec"]["weighted"]["services"];
    assert_eq!(
        *services,
        json!([{"name": "checkout-primary", "port": 80, "nativeLB": true, "weight": 100}])
    );
}

#[test]
fn a_mirroring_service_by_that_name_is_refused() {
    let mut bench = bench();
    let address = (bench.provider.route)(&bench.canary);
    bench.facts.get_mut(&address).unwrap()["spec"] = json!({"mirroring": {"name": "x"}});
    assert!(matches!(
        (bench.provider.routes)(&bench.canary, &bench.facts),
        Err(RouteError::Shape { .. })
    ));
}

#[test]
fn built_in_queries_are_flaggers() {
    let site = site();
    let queries = &bench().provider.queries;
    assert_eq!(
        (queries.success_rate)(&site),
        "sum(rate(traefik_service_request_duration_seconds_bucket{\
         service=~\"demo-checkout-canary-[0-9a-zA-Z-]+@kubernetescrd\",code!~\"5..\",le=\"+Inf\"}[1m])) / \
         sum(rate(traefik_service_request_duration_seconds_bucket{\
         service=~\"demo-checkout-canary-[0-9a-zA-Z-]+@kubernetescrd\",le=\"+Inf\"}[1m])) * 100"
    );
    assert_eq!(
        (queries.duration)(&site),
        "histogram_quantile(0.99, sum by (le) (rate(traefik_service_request_duration_seconds_bucket{\
         service=~\"demo-checkout-canary-[0-9a-zA-Z-]+@kubernetescrd\"}[1m]))) * 1000"
    );
}
