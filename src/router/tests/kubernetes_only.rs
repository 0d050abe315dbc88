//! What is the lack of a router alone.

use super::*;
use crate::canary::metadata::CANARY;
use serde_json::json;

fn bench() -> Bench {
    Bench::named("kubernetes")
}

#[test]
fn after_a_failed_promotion_the_apex_selects_the_canarys_own_pods() {
    let mut bench = bench();
    bench.set(100);
    let wanted = include_str!("../../../testdata/providers/kubernetes/weight-100.yaml");
    assert_eq!(
        *bench.route(),
        serde_yaml::from_str::<Value>(wanted).unwrap()
    );
}

#[test]
fn a_service_that_nobody_took_over_is_no_route_yet() {
    let mut bench = bench();
    bench.live()["spec"]["selector"] = json!({"app": "checkout", "tier": "web"});
    bench.live()["metadata"]["annotations"]
        .as_object_mut()
        .unwrap()
        .remove(CANARY);
    let read = (bench.provider.routes)(&bench.canary, &bench.facts);
    assert_eq!(read, Ok(None));
}

#[test]
fn without_a_router_there_is_no_share_of_the_requests() {
    let bench = bench();
    let some = Routes::split(Weight::new(30).unwrap());
    let refused = (bench.provider.set_routes)(&bench.canary, &bench.facts, some);
    assert!(matches!(refused, Err(RouteError::Shape { .. })));
}

#[test]
fn the_apex_service_is_made_by_the_driver_and_not_by_its_route() {
    let mut bench = bench();
    bench.facts.clear();
    for changes in [
        (bench.provider.prepare)(&bench.canary, &bench.facts),
        (bench.provider.set_routes)(&bench.canary, &bench.facts, Routes::PRIMARY),
    ] {
        assert_eq!(changes, Ok(Vec::new()));
    }
    let read = (bench.provider.routes)(&bench.canary, &bench.facts);
    assert_eq!(read, Ok(None));
}

#[test]
fn requests_are_counted_by_the_application_as_behind_a_gateway() {
    let site = site();
    let (own, other) = (
        &bench().provider.queries,
        &Bench::named("gatewayapi:v1").provider.queries,
    );
    assert_eq!((own.success_rate)(&site), (other.success_rate)(&site));
    assert_eq!((own.duration)(&site), (other.duration)(&site));
    assert_eq!(own.duration_unit, other.duration_unit);
}
