//! What is Istio's alone.

use super::*;
use serde_json::json;

/// As the real Flagger made them of the same Canary.
const WHOLE: [&str; 2] = [
    include_str!("../../../testdata/providers/istio/whole-canary.yaml"),
    include_str!("../../../testdata/providers/istio/whole-route.yaml"),
];

fn bench() -> Bench {
    Bench::named("istio")
}

fn with_route(destinations: Value) -> Bench {
    let mut bench = bench();
    bench.live()["spec"]["http"][0]["route"] = destinations;
    bench
}

fn made_of(text: &str) -> Vec<Value> {
    let canary = canary(text);
    let changes = (bench().provider.prepare)(&canary, &Facts::new()).unwrap();
    let made = changes.into_iter().map(|change| match change {
        Change::Create(_, manifest) => manifest,
        Change::Patch(address, _) => panic!("{address} is not there"),
    });
    made.collect()
}

#[test]
fn the_whole_service_becomes_the_objects_that_flagger_makes() {
    let made = made_of(WHOLE[0]);
    let policy = json!({"tls": {"mode": "DISABLE"}});
    assert_eq!(
        made[0]["spec"],
        json!({"host": "web-canary", "trafficPolicy": policy})
    );
    assert_eq!(
        made[1]["spec"],
        json!({"host": "web-primary", "trafficPolicy": policy})
    );
    assert_eq!(made[2], serde_yaml::from_str::<Value>(WHOLE[1]).unwrap());
}

#[test]
fn a_delegate_has_neither_hosts_nor_gateways() {
    let text = WHOLE[0]
        .replace("    hosts: [app.example.com]\n", "    delegation: true\n")
        .replace(
            "    gateways: [public-gateway.istio-system.svc.cluster.local]\n",
            "",
        );
    let spec = made_of(&text)[2]["spec"].clone();
    assert_eq!(spec["hosts"], json!([]));
    assert_eq!(spec.get("gateways"), None);
    assert_eq!(
        spec["http"][0]["route"][0]["destination"]["port"]["number"],
        9898
    );
}

#[test]
fn without_gateways_the_route_is_for_the_mesh() {
    let made = made_of(fixture("istio").canary);
    assert_eq!(made[2]["spec"]["gateways"], json!(["mesh"]));
    assert_eq!(
        made[2]["spec"]["hosts"],
        json!(["shop.example.com", "checkout"])
    );
    let destination = &made[2]["spec"]["http"][0]["route"][0]["destination"];
    assert_eq!(*destination, json!({"host": "checkout-primary"}));
}

#[test]
fn connections_are_split_like_requests() {
    let text = fixture("istio").canary.replace(
        "    port: 80\n",
        "    port: 80\n    appProtocol: tcp\n    match:\n    - port: 9000\n      uri: {prefix: /ignored}\n",
    );
    let mut bench = bench();
    bench.canary = canary(&text);
    bench.facts.clear();
    bench.prepare();
    bench.set(30);
    assert_eq!(bench.read(), 30);
    let spec = &bench.route()["spec"];
    assert_eq!(spec.get("http"), None);
    assert_eq!(spec["tcp"][0]["match"], json!([{"port": 9000}]));
    assert_eq!(spec["tcp"][0]["route"][0]["weight"], 70);
}

#[test]
fn every_rule_that_names_our_services_gets_the_weights() {
    let mut bench = bench();
    let http = bench.live()["spec"]["http"].as_array_mut().unwrap();
    let mut second = http[0].clone();
    second["route"][0]["weight"] = json!(60);
    second["route"][1]["weight"] = json!(40);
    http.insert(0, second);
    assert_eq!(bench.read(), 40);
    bench.set(0);
    let http = &bench.route()["spec"]["http"];
    for rule in [0, 1] {
        assert_eq!(http[rule]["route"][0]["weight"], 100);
        assert_eq!(http[rule]["route"][1]["weight"], 0);
    }
    assert_eq!(
        http[3]["route"],
        json!([{"destination": {"host": "admin"}}])
    );
}

#[test]
fn whoever_is_alone_has_everything_without_a_weight() {
    let alone = json!([{"destination": {"host": "checkout-primary", "port": {"number": 80}}}]);
    let mut bench = with_route(alone.clone());
    assert_eq!(bench.read(), 0);
    bench.set(0);
    assert_eq!(bench.route()["spec"]["http"][0]["route"], alone);
    bench.set(30);
    assert_eq!(
        bench.route()["spec"]["http"][0]["route"],
        json!([
            {"destination": {"host": "checkout-primary", "port": {"number": 80}}, "weight": 70},
            {"destination": {"host": "checkout-canary", "port": {"number": 80}}, "weight": 30},
        ])
    );
}

#[test]
fn a_subset_is_somebody_elses_destination() {
    let bench = with_route(json!([{"destination": {"host": "checkout", "subset": "v1"}}]));
    assert!(matches!(
        (bench.provider.prepare)(&bench.canary, &bench.facts),
        Err(RouteError::Foreign { .. })
    ));
}

#[test]
fn a_service_of_another_namespace_is_not_ours() {
    let bench = with_route(json!([{"destination": {"host": "checkout-primary.other.svc"}}]));
    assert!((bench.provider.routes)(&bench.canary, &bench.facts).is_err());
}

#[test]
fn what_the_canary_says_is_put_right_and_all_else_stays() {
    let mut bench = bench();
    bench.canary = canary(
        &fixture("istio")
            .canary
            .replace("    hosts:", "    timeout: 5s\n    hosts:"),
    );
    let before = bench.route().clone();
    bench.prepare();
    let after = bench.route();
    assert_eq!(after["spec"]["http"][0]["timeout"], "5s");
    assert_eq!(
        after["spec"]["http"][0]["fault"],
        before["spec"]["http"][0]["fault"]
    );
    assert_eq!(after["spec"]["hosts"], before["spec"]["hosts"]);
    let changes = (bench.provider.prepare)(&bench.canary, &bench.facts);
    assert_eq!(changes, Ok(Vec::new()));
}

#[test]
fn a_destination_rule_that_is_there_gets_the_policy_and_keeps_the_rest() {
    let mut bench = bench();
    bench.canary = canary(WHOLE[0]);
    bench.facts.clear();
    let address = (bench.provider.beside)(&bench.canary).remove(0);
    let own =
        json!({"metadata": {}, "spec": {"host": "web-canary.test", "subsets": [{"name": "v1"}]}});
    bench.facts.insert(address.clone(), own);
    bench.prepare();
    let spec = &bench.facts[&address]["spec"];
    assert_eq!(spec["subsets"], json!([{"name": "v1"}]));
    assert_eq!(spec["trafficPolicy"], json!({"tls": {"mode": "DISABLE"}}));
    bench.facts.get_mut(&address).unwrap()["spec"]["host"] = json!("other");
    assert!((bench.provider.prepare)(&bench.canary, &bench.facts).is_err());
}

#[test]
fn built_in_queries_are_flaggers() {
    let site = site();
    let queries = &bench().provider.queries;
    let labels = "reporter=\"destination\",destination_workload_namespace=\"demo\",destination_workload=~\"checkout\"";
    assert_eq!(
        (queries.success_rate)(&site),
        format!(
            "sum(rate(istio_requests_total{{{labels},response_code!~\"5.*\"}}[1m])) / \
             sum(rate(istio_requests_total{{{labels}}}[1m])) * 100"
        )
    );
    assert_eq!(
        (queries.duration)(&site),
        format!(
            "histogram_quantile(0.99, sum by (le) (rate(istio_request_duration_milliseconds_bucket{{{labels}}}[1m])))"
        )
    );
}
