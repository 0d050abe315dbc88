use super::*;
use crate::sandbox::dataplane::fixtures::World;
use crate::sandbox::promql;
use crate::sandbox::traffic::load::Percent;

const SUCCESS: &str = r#"sum(rate(traefik_service_request_duration_seconds_bucket{service=~"test-podinfo-canary-[0-9a-zA-Z-]+@kubernetescrd",code!~"5..",le="+Inf"}[30s]))
  / sum(rate(traefik_service_request_duration_seconds_bucket{service=~"test-podinfo-canary-[0-9a-zA-Z-]+@kubernetescrd",le="+Inf"}[30s])) * 100"#;
const DURATION: &str = r#"histogram_quantile(0.99, sum by (le) (rate(traefik_service_request_duration_seconds_bucket{service=~"test-podinfo-canary-[0-9a-zA-Z-]+@kubernetescrd"}[30s]))) * 1000"#;

fn second(n: i64) -> Timestamp {
    Timestamp::from_second(1_000 + n).unwrap()
}

fn traffic(delay: Duration) -> Traffic {
    Traffic::new(World::apex(), Load::default(), second(0), delay)
}

fn split(primary: i64, canary: i64) -> World {
    let mut world = World::podinfo();
    world.weights(&[
        ("podinfo-primary", Some(primary)),
        ("podinfo-canary", Some(canary)),
    ]);
    world
}

fn ask(traffic: &Traffic, query: &str, at: Timestamp) -> Option<f64> {
    match promql::evaluate(query, traffic.series(), at.as_millisecond()) {
        Ok(promql::Value::Vector(points)) => points.first().map(|point| point.value),
        other => panic!("{other:?}"),
    }
}

fn errors(version: &str, percent: f64) -> LoadChange {
    LoadChange {
        version: Some(version.to_owned()),
        error_percent: Some(Percent::try_from(percent).unwrap()),
        ..LoadChange::default()
    }
}

#[test]
fn versions_get_the_share_of_their_weight() {
    for canary in [1, 10, 33, 50] {
        let world = split(100 - canary, canary);
        let mut traffic = traffic(Duration::ZERO);
        traffic.advance(second(0), &world);
        traffic.advance(second(20), &world);
        let totals = traffic.totals();
        assert_eq!(totals.sent(), 1000);
        let share = totals.by_version("6.0.1");
        assert!(
            share.abs_diff(canary.unsigned_abs() * 10) <= 1,
            "{canary} %: {share}"
        );
    }
}

#[test]
fn counts_do_not_depend_on_how_often_time_is_advanced() {
    let world = split(70, 30);
    let mut at_once = traffic(Duration::ZERO);
    at_once.advance(second(0), &world);
    at_once.advance(second(30), &world);
    let mut in_steps = traffic(Duration::ZERO);
    for millis in (0..=30_000).step_by(37).chain([30_000]) {
        in_steps.advance(second(0) + Duration::from_millis(millis), &world);
    }
    assert_eq!(at_once.totals(), in_steps.totals());
    assert_eq!(
        ask(&at_once, SUCCESS, second(30)),
        ask(&in_steps, SUCCESS, second(30))
    );
}

#[test]
fn a_rate_below_one_a_second_is_kept_exactly() {
    let world = split(100, 0);
    let mut traffic = traffic(Duration::ZERO);
    traffic.change(&LoadChange {
        rate: Some(load::Thousandths::try_from(0.3).unwrap()),
        ..LoadChange::default()
    });
    traffic.advance(second(0), &world);
    for n in 1..=100 {
        traffic.advance(second(n), &world);
    }
    assert_eq!(traffic.totals().sent(), 30);
}

#[test]
fn a_version_with_errors_lowers_the_success_rate_of_its_service_alone() {
    let world = split(70, 30);
    let mut traffic = traffic(Duration::ZERO);
    traffic.change(&errors("6.0.1", 30.0));
    traffic.advance(second(0), &world);
    traffic.advance(second(60), &world);
    let totals = traffic.totals();
    assert_eq!(totals.answered.get(&("6.0.1".to_owned(), 500)), Some(&270));
    assert_eq!(totals.answered.get(&("6.0.0".to_owned(), 500)), None);
    let rate = ask(&traffic, SUCCESS, second(60)).unwrap();
    assert!((rate - 70.0).abs() < 0.5, "{rate}");
}

#[test]
fn latency_shows_in_the_buckets_of_traefik() {
    let world = split(50, 50);
    let mut traffic = traffic(Duration::ZERO);
    traffic.advance(second(0), &world);
    traffic.advance(second(30), &world);
    // All within 0.1 s: 0.99 of the way through the first bucket.
    let fast = ask(&traffic, DURATION, second(30)).unwrap();
    assert!((fast - 99.0).abs() < 1e-6, "{fast}");
    traffic.change(&LoadChange {
        version: Some("6.0.1".to_owned()),
        latency_ms: Some(800),
        ..LoadChange::default()
    });
    traffic.advance(second(90), &world);
    // All between 0.3 and 1.2 s: 300 + 0.99 × 900.
    let slow = ask(&traffic, DURATION, second(90)).unwrap();
    assert!((slow - 1191.0).abs() < 1e-6, "{slow}");
}

#[test]
fn a_service_that_leaves_traefiks_configuration_takes_its_series_along_and_begins_anew() {
    let mut traffic = traffic(Duration::ZERO);
    let count = r#"traefik_service_requests_total{service="test-podinfo-canary-80@kubernetescrd"}"#;
    traffic.advance(second(0), &split(50, 50));
    let mut alone = World::podinfo();
    alone.weights(&[("podinfo-primary", Some(100))]);
    traffic.advance(second(10), &alone);
    assert_eq!(ask(&traffic, count, second(10)), Some(250.0));
    traffic.advance(second(12), &alone);
    assert_eq!(ask(&traffic, count, second(12)), None);
    traffic.advance(second(12), &split(50, 50));
    traffic.advance(second(14), &split(50, 50));
    assert_eq!(ask(&traffic, count, second(14)), Some(50.0));
}

#[test]
fn a_route_takes_effect_after_the_delay_of_the_proxy() {
    let mut traffic = traffic(Duration::from_millis(1500));
    let before = split(100, 0);
    traffic.advance(second(0), &before);
    traffic.advance(second(10), &before);
    traffic.advance(second(10), &split(0, 100));
    traffic.advance(second(20), &split(0, 100));
    // 8.5 s of 50 requests a second.
    assert_eq!(traffic.totals().by_version("6.0.1"), 425);
}

#[test]
fn requests_to_a_pod_that_is_gone_before_the_proxy_knows_are_lost() {
    let mut traffic = traffic(Duration::from_secs(1));
    let mut world = split(50, 50);
    traffic.advance(second(0), &world);
    traffic.advance(second(10), &world);
    world.weights(&[("podinfo-primary", Some(100))]);
    for pod in ["podinfo-6d4b-aaaaa", "podinfo-6d4b-bbbbb"] {
        world.remove("pods", pod);
    }
    let before = traffic.totals().clone();
    traffic.advance(second(10), &world);
    traffic.advance(second(20), &world);
    let since = traffic.totals().since(&before);
    assert_eq!(since.sent(), 500);
    assert_eq!(since.lost, BTreeMap::from([(Lost::Refused, 25)]));
    assert_eq!(since.by_version("6.0.1"), 0);
}

#[test]
fn everyone_is_lost_while_a_listed_service_has_no_endpoint() {
    let mut traffic = traffic(Duration::ZERO);
    let mut world = split(90, 10);
    world.service("podinfo-canary", &[]);
    traffic.advance(second(0), &world);
    traffic.advance(second(10), &world);
    assert_eq!(
        traffic.totals().lost,
        BTreeMap::from([(Lost::Dropped, 500)])
    );
}

#[test]
fn pods_count_for_themselves_and_are_forgotten_with_the_pod() {
    let mut traffic = traffic(Duration::ZERO);
    let mut world = split(50, 50);
    traffic.advance(second(0), &world);
    traffic.advance(second(10), &world);
    let app = r#"sum(http_request_duration_seconds_count{kubernetes_namespace="test",kubernetes_pod_name=~"podinfo-[0-9a-zA-Z]+(-[0-9a-zA-Z]+)",status="200"})"#;
    assert_eq!(ask(&traffic, app, second(10)), Some(250.0));
    let mesh = r#"sum(istio_requests_total{destination_workload="podinfo",response_code="200"})"#;
    assert_eq!(ask(&traffic, mesh, second(10)), Some(250.0));
    world.remove("pods", "podinfo-6d4b-aaaaa");
    traffic.advance(second(10), &world);
    traffic.advance(second(12), &world);
    assert_eq!(ask(&traffic, app, second(12)), Some(150.0));
}
