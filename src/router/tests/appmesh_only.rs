//! What is App Mesh's alone.

use super::*;
use serde_json::json;

/// A recording of the real Flagger: users who are meant by their headers.
const TAPE: &str = include_str!("../../../testdata/tapes/ab-appmesh-v1beta2.jsonl");

fn lines() -> Vec<Value> {
    let lines = TAPE.lines().map(|line| serde_json::from_str(line).unwrap());
    lines.collect()
}

/// All distinct contents of the mesh's objects, in their order.
fn recorded() -> Vec<Value> {
    let mut all: Vec<Value> = Vec::new();
    for mut line in lines() {
        let of_mesh = line["resource"]
            .as_str()
            .is_some_and(|resource| resource.ends_with(".appmesh.k8s.aws"));
        if of_mesh {
            let mut object = line["object"].take();
            let metadata = object["metadata"].as_object_mut().unwrap();
            metadata.remove("ownerReferences");
            all.retain(|known| *known != object);
            all.push(object);
        }
    }
    all
}

fn recorded_bench() -> Bench {
    let mut spec = lines()[0]["canary"].take();
    spec["metadata"]["namespace"] = json!("demo");
    let mut bench = Bench::named("appmesh:v1beta2");
    bench.canary = canary(&spec.to_string());
    bench.facts.clear();
    for (name, label) in [
        ("podinfo-primary", "podinfo-primary"),
        ("podinfo-canary", "podinfo"),
    ] {
        let service = Resource::SERVICE.in_namespace("demo", name);
        let live = json!({"spec": {"selector": {"app": label}}});
        bench.facts.insert(service, live);
    }
    bench
}

/// As the recording has it, which was made in another namespace.
fn as_recorded(mut object: Value) -> Value {
    let metadata = object["metadata"].as_object_mut().unwrap();
    metadata.remove("namespace");
    let text = object.to_string().replace(".demo.", ".ab-appmesh-v1beta2.");
    serde_json::from_str(&text).unwrap()
}

#[test]
fn in_ab_testing_the_objects_are_those_that_flagger_wrote() {
    let mut bench = recorded_bench();
    let recorded = recorded();
    let changes = (bench.provider.prepare)(&bench.canary, &bench.facts).unwrap();
    assert_eq!(changes.len(), 6);
    for change in &changes {
        let Change::Create(_, manifest) = change else {
            panic!("nothing was there: {change:?}");
        };
        let manifest = as_recorded(manifest.clone());
        assert!(recorded.contains(&manifest), "{manifest}");
    }
    bench.apply(changes);
    for wish in [Routes::CANARY, Routes::PRIMARY] {
        let changes = (bench.provider.set_routes)(&bench.canary, &bench.facts, wish);
        bench.apply(changes.unwrap());
        let route = as_recorded(bench.route().clone());
        assert!(recorded.contains(&route), "{route}");
        let read = (bench.provider.routes)(&bench.canary, &bench.facts);
        assert_eq!(read, Ok(Some(wish)));
    }
}

#[test]
fn a_router_of_ours_without_conditions_is_made_anew_before_anybody_is_meant() {
    let mut bench = recorded_bench();
    bench.prepare();
    let weighted = json!([{"name": "podinfo", "httpRoute": {"match": {"prefix": "/"}, "action": {
    "weightedTargets": [
        {"virtualNodeRef": {"name": "podinfo-canary"}, "weight": 0},
        {"virtualNodeRef": {"name": "podinfo-primary"}, "weight": 100},
    ]}}}]);
    bench.live()["spec"]["routes"] = weighted;
    let read = |bench: &Bench| (bench.provider.routes)(&bench.canary, &bench.facts);
    assert!(matches!(read(&bench), Err(RouteError::Shape { .. })));
    bench.live()["metadata"]["labels"] = json!({MANAGED_BY: MANAGER});
    assert_eq!(read(&bench), Ok(None));
    bench.prepare();
    assert_eq!(bench.route()["spec"]["routes"][0]["name"], "podinfo-a");
    assert_eq!(bench.read(), 0);
}

#[test]
fn the_routes_say_what_the_canary_says_of_its_service() {
    let said = "    meshName: global\n    hosts: [a.example.com, b.example.com]\n    portName: grpc\n    \
                timeout: 15s\n    retries: {attempts: 3, perTryTimeout: 1s, retryOn: \"gateway-error,stream-error\"}\n    \
                match: [{uri: {prefix: /api}}]\n    backends: [cart, \"arn:aws:appmesh:x\"]\n";
    let made = |name: &str, text: &str| {
        let mut bench = Bench::named(name);
        bench.canary = canary(&text.replace("    meshName: global\n", said));
        bench.canary.annotations = [(
            "appmesh.flagger.app/accesslog".to_owned(),
            "enabled".to_owned(),
        )]
        .into();
        bench.facts.clear();
        bench.prepare();
        bench
    };
    let text = include_str!("../../../testdata/providers/appmesh/canary.yaml");
    let bench = made("appmesh", text);
    assert_eq!(
        bench.route()["metadata"]["annotations"],
        json!({
            "gateway.appmesh.k8s.aws/expose": "true",
            "gateway.appmesh.k8s.aws/domain": "a.example.com,b.example.com,",
            "gateway.appmesh.k8s.aws/timeout": "15s",
            "gateway.appmesh.k8s.aws/retries": "3",
        })
    );
    let rule = &bench.route()["spec"]["routes"][0]["http"];
    assert_eq!(rule["match"]["prefix"], "/api");
    assert_eq!(
        rule["retryPolicy"],
        json!({"maxRetries": 3, "httpRetryEvents": ["gateway-error", "stream-error"], "perRetryTimeoutMillis": 1000})
    );
    assert_eq!(rule.get("timeout"), None);
    let nodes = bench
        .facts
        .values()
        .filter(|object| object["kind"] == "VirtualNode");
    let hosts = nodes.map(|node| node["spec"]["serviceDiscovery"]["dns"]["hostName"].clone());
    let hosts: Vec<Value> = hosts.collect();
    assert_eq!(
        hosts,
        [
            "checkout-primary.demo",
            "checkout-canary.demo",
            "checkout-primary.demo"
        ]
    );

    let bench = made(
        "appmesh:v1beta2",
        &text.replace("appmesh", "appmesh:v1beta2"),
    );
    let rule = &bench.route()["spec"]["routes"][0]["httpRoute"];
    assert_eq!(
        rule["timeout"],
        json!({"perRequest": {"unit": "ms", "value": 15_000}})
    );
    assert_eq!(
        rule["retryPolicy"]["perRetryTimeout"],
        json!({"unit": "ms", "value": 1000})
    );
    let node = bench
        .facts
        .values()
        .find(|object| object["kind"] == "VirtualNode");
    assert_eq!(
        node.unwrap()["spec"],
        json!({
            "listeners": [{
                "portMapping": {"port": 8080, "protocol": "grpc"},
                "timeout": {"http": {"perRequest": {"unit": "ms", "value": 15_000}}},
            }],
            "serviceDiscovery": {"dns": {"hostname": "checkout-canary.demo.svc.cluster.local."}},
            "backends": [
                {"virtualService": {"virtualServiceRef": {"name": "cart"}}},
                {"virtualService": {"virtualServiceARN": "arn:aws:appmesh:x"}},
            ],
            "logging": {"accessLog": {"file": {"path": "/dev/stdout"}}},
        })
    );
}

#[test]
fn built_in_queries_are_flaggers() {
    let site = site();
    let queries = &Bench::named("appmesh").provider.queries;
    let pods = "kubernetes_namespace=\"demo\",\
                kubernetes_pod_name=~\"checkout-[0-9a-zA-Z]+(-[0-9a-zA-Z]+)\"";
    assert_eq!(
        (queries.success_rate)(&site),
        format!(
            "sum(rate(envoy_cluster_upstream_rq{{{pods},envoy_response_code!~\"5.*\"}}[1m])) / \
             sum(rate(envoy_cluster_upstream_rq{{{pods}}}[1m])) * 100"
        )
    );
    assert_eq!(
        (queries.duration)(&site),
        format!(
            "histogram_quantile(0.99, sum by (le) (rate(envoy_cluster_upstream_rq_time_bucket{{{pods}}}[1m])))"
        )
    );
}
