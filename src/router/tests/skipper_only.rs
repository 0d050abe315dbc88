//! What is Skipper's alone.

use super::*;

const WEIGHTS: &str = "zalando.org/backend-weights";
const PREDICATE: &str = "zalando.org/skipper-predicate";

fn bench() -> Bench {
    Bench::named("skipper")
}

fn with(annotation: &str, value: &str) -> Bench {
    let mut bench = bench();
    bench.live()["metadata"]["annotations"][PREDICATE] = json!("Weight(100)");
    bench.live()["metadata"]["annotations"][annotation] = json!(value);
    bench
}

#[test]
fn weights_in_another_scale_are_read_as_shares() {
    let text = r#"{"checkout-canary":0.5,"checkout-primary":1.5}"#;
    assert_eq!(with(WEIGHTS, text).read(), 25);
}

#[test]
fn weights_that_do_not_name_both_services_are_an_error_of_their_own() {
    for text in ["{}", "70", r#"{"checkout-canary":10}"#] {
        let mut bench = with(WEIGHTS, text);
        let refused = (bench.provider.routes)(&bench.canary, &bench.facts);
        assert!(matches!(refused, Err(RouteError::Unreadable { .. })));
        bench.set(0);
        assert_eq!(
            bench.read(),
            0,
            "and nothing keeps the way back from being written"
        );
    }
}

#[test]
fn an_ingress_that_matches_nothing_leaves_everything_to_the_users_own() {
    let mut bench = bench();
    bench.set(30);
    bench.live()["metadata"]["annotations"][PREDICATE] = json!("False()");
    assert_eq!(bench.read(), 0);
}

#[test]
fn predicates_of_others_stay_behind_ours() {
    let mut bench = with(PREDICATE, "Weight(100)&&Path(\"/a\") && Method(\"GET\")");
    bench.set(0);
    let said = |bench: &Bench| bench.route()["metadata"]["annotations"][PREDICATE].clone();
    assert_eq!(said(&bench), "False() && Path(\"/a\") && Method(\"GET\")");
    bench.set(10);
    assert_eq!(
        said(&bench),
        "Weight(100) && Path(\"/a\") && Method(\"GET\")"
    );
}

#[test]
fn weights_that_divide_the_apex_already_are_refused() {
    let mut bench = bench();
    bench.forget();
    let source = (bench.provider.beside)(&bench.canary).remove(0);
    let live = bench.facts.get_mut(&source).unwrap();
    live["metadata"]["annotations"][WEIGHTS] = json!(r#"{"checkout":80,"legacy":20}"#);
    let refused = (bench.provider.prepare)(&bench.canary, &bench.facts);
    assert!(
        matches!(refused, Err(RouteError::Foreign { destination, .. }) if destination == "legacy")
    );
}

#[test]
fn built_in_queries_are_flaggers() {
    let queries = &bench().provider.queries;
    let route = "route=~\"kube(ew)?_demo__edge_canary__.*__web_shop_canary(_[0-9]+)?\"";
    assert_eq!(
        (queries.success_rate)(&site()),
        format!(
            "sum(rate(skipper_response_duration_seconds_bucket{{{route},code!~\"5..\",le=\"+Inf\"}}[1m])) / \
             sum(rate(skipper_response_duration_seconds_bucket{{{route},le=\"+Inf\"}}[1m])) * 100"
        )
    );
    assert_eq!(
        (queries.duration)(&site()),
        format!(
            "sum(rate(skipper_serve_route_duration_seconds_sum{{{route}}}[1m])) / \
             sum(rate(skipper_serve_route_duration_seconds_count{{{route}}}[1m])) * 1000"
        )
    );
}
