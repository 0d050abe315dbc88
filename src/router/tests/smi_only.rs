//! What is the TrafficSplit's alone.

use super::*;
use serde_json::json;

fn with_backends(name: &str, backends: Value) -> Bench {
    let mut bench = Bench::named(name);
    bench.live()["spec"]["backends"] = backends;
    bench
}

fn read(bench: &Bench) -> Result<Option<Routes>, RouteError> {
    (bench.provider.routes)(&bench.canary, &bench.facts)
}

#[test]
fn a_new_split_names_the_canary_first_in_the_words_of_its_version() {
    for (name, nothing, all) in [
        ("linkerd", json!("0"), json!("100")),
        ("smi:v1alpha1", json!("0"), json!("100")),
        ("osm", json!(0), json!(100)),
        ("smi:v1alpha3", json!(0), json!(100)),
    ] {
        let mut bench = Bench::named(name);
        bench.facts.clear();
        bench.canary.service.hosts = vec!["shop.example.com".to_owned()];
        bench.prepare();
        let backends = [
            json!({"service": "checkout-canary", "weight": nothing}),
            json!({"service": "checkout-primary", "weight": all}),
        ];
        let spec = json!({"service": "shop.example.com", "backends": backends});
        assert_eq!(bench.route()["spec"], spec, "{name}");
    }
}

#[test]
fn weights_of_another_scale_are_refused_before_we_wrote_and_read_as_shares_afterwards() {
    let half = json!([
        {"service": "checkout-primary", "weight": "750m"},
        {"service": "checkout-canary", "weight": "250m"},
    ]);
    let mut bench = with_backends("linkerd", half);
    let scale = RouteError::Scale {
        object: "trafficsplit/checkout".to_owned(),
        total: "1".to_owned(),
    };
    assert_eq!(read(&bench), Err(scale));
    bench.live()["metadata"]["annotations"] =
        json!({"flagger-driver/canary": "demo/checkout", "team": "shop"});
    assert_eq!(bench.read(), 25);
    bench.set(30);
    let weight = |index: usize| bench.route()["spec"]["backends"][index]["weight"].clone();
    assert_eq!([weight(0), weight(1)], [json!("70"), json!("30")]);
}

#[test]
fn weights_that_say_nothing_are_refused() {
    for (weights, field) in [
        ([json!(0), json!(0)], "weights above 0"),
        ([json!("half"), json!("half")], "weights as numbers"),
    ] {
        let bench = with_backends(
            "osm",
            json!([
                {"service": "checkout-primary", "weight": weights[0]},
                {"service": "checkout-canary", "weight": weights[1]},
            ]),
        );
        let refused = read(&bench);
        assert!(
            matches!(&refused, Err(RouteError::Shape { field: said, .. }) if *said == field),
            "{refused:?}"
        );
    }
}

#[test]
fn a_split_of_other_services_or_of_none_is_refused() {
    let other = with_backends("linkerd", json!([{"service": "cart", "weight": 1}]));
    assert!(matches!(
        read(&other),
        Err(RouteError::Foreign { destination, .. }) if destination == "cart"
    ));
    let none = with_backends("linkerd", json!([]));
    assert!(matches!(
        read(&none),
        Err(RouteError::Shape { field, .. }) if field == "spec.backends"
    ));
}

#[test]
fn built_in_queries_are_flaggers() {
    let site = site();
    let queries = |name| &Bench::named(name).provider.queries;
    assert_eq!(
        (queries("linkerd").success_rate)(&site),
        "sum(rate(response_total{namespace=\"demo\",deployment=~\"checkout\",\
         classification!=\"failure\",direction=\"inbound\"}[1m])) / \
         sum(rate(response_total{namespace=\"demo\",deployment=~\"checkout\",direction=\"inbound\"}[1m])) * 100"
    );
    assert_eq!(
        (queries("linkerd").duration)(&site),
        "histogram_quantile(0.99, sum by (le) (rate(response_latency_ms_bucket{namespace=\"demo\",\
         deployment=~\"checkout\",direction=\"inbound\"}[1m])))"
    );
    assert_eq!(
        (queries("osm").success_rate)(&site),
        "sum(rate(osm_request_total{destination_namespace=\"demo\",destination_kind=\"Deployment\",\
         destination_name=\"checkout\",response_code!~\"5.*\"}[1m])) / \
         sum(rate(osm_request_total{destination_namespace=\"demo\",destination_kind=\"Deployment\",\
         destination_name=\"checkout\"}[1m])) * 100"
    );
    assert_eq!(
        (queries("osm").duration)(&site),
        "histogram_quantile(0.99, sum by (le) (rate(osm_request_duration_ms_bucket{\
         destination_namespace=\"demo\",destination_kind=\"Deployment\",destination_name=\"checkout\"}[1m])))"
    );
    assert_eq!(
        (queries("smi:v1alpha2").success_rate)(&site),
        (queries("istio").success_rate)(&site)
    );
}
