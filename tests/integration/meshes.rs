//! Whole runs in meshes, on the embedded cluster's own readers of their objects.

use crate::support::stage::Stage;
use crate::support::stage::podinfo;
use crate::support::stage::served;
use crate::support::tap::Switch;
use kubectl_flagger::kubernetes::client::Peer;
use kubectl_flagger::sandbox::SandboxCluster;
use kubectl_flagger::sandbox::SandboxOptions;
use kubectl_flagger::sandbox::objects::Objects as _;
use kubectl_flagger::sandbox::scenario::Scenario;
use serde_json::Value;
use serde_json::json;

/// Routers whose weights are those of a mesh.
const PROVIDERS: &[&str] = &[
    "appmesh",
    "appmesh:v1beta2",
    "gloo",
    "kuma",
    "linkerd",
    "osm",
    "smi:v1alpha1",
    "smi:v1alpha2",
    "smi:v1alpha3",
];

/// The example in a mesh, where some of what the driver needs is there before it.
pub fn meshed(provider: &str, events: &str) -> Scenario {
    let mut scenario = served(podinfo(&format!(
        "pods: {{startMs: 3000, drainMs: 5000}}\ntraffic: {{rps: 50, errorPercent: 0, latencyMs: 50}}\nat:\n{events}"
    )));
    scenario.canary["spec"]["provider"] = json!(provider);
    scenario.canary["spec"]["service"]["meshName"] = json!("global");
    let metadata =
        |name: &str| json!({"name": name, "namespace": "test", "annotations": {"team": "shop"}});
    let upstream = |name: &str, spec: Value| json!({"apiVersion": "gloo.solo.io/v1", "kind": "Upstream", "metadata": metadata(name), "spec": spec});
    match provider {
        "gloo" => {
            scenario.canary["spec"]["upstreamRef"] = json!({"apiVersion": "gloo.solo.io/v1", "kind": "Upstream", "name": "model", "namespace": "test"});
            let balanced = json!({"loadBalancerConfig": {"maglev": {}}});
            let kube = json!({"serviceName": "podinfo-canary", "serviceNamespace": "test", "servicePort": 80});
            scenario.objects.extend([
                upstream("model", balanced),
                upstream(
                    "test-podinfo-canaryupstream-80",
                    json!({"kube": kube, "useHttp2": true}),
                ),
            ]);
        }
        "appmesh" | "appmesh:v1beta2" => {
            let version = provider
                .split_once(':')
                .map_or("v1beta1", |(_, version)| version);
            let canary = json!({
                "apiVersion": format!("appmesh.k8s.aws/{version}"), "kind": "VirtualNode",
                "metadata": metadata("podinfo-canary"), "spec": {"awsName": "kept"},
            });
            scenario.objects.push(canary);
        }
        _ => {}
    }
    scenario
}

const GOOD: &str = "- {when: initialized, set: upgrade}\n";
const BAD: &str = "- {when: initialized, set: upgrade}\n\
                   - {when: weight>=20, set: {version: 6.0.1, errorPercent: 20}}\n";

async fn ends(provider: &str, events: &str) -> (Stage, u8) {
    let stage = Stage::open(meshed(provider, events)).serving().await;
    let code = stage.play().await.unwrap();
    (stage, code)
}

/// A good version was promoted there.
pub fn played(provider: &str) -> Stage {
    let runtime = tokio::runtime::Builder::new_current_thread()
        .enable_time()
        .start_paused(true)
        .build()
        .unwrap();
    let (stage, code) = runtime.block_on(ends(provider, GOOD));
    assert_eq!(code, 0, "{provider}");
    stage
}

#[tokio::test(start_paused = true)]
async fn in_every_mesh_a_good_version_is_promoted_and_no_request_is_lost() {
    for provider in PROVIDERS {
        let (stage, code) = ends(provider, GOOD).await;
        let said = stage.said("diagnostic");
        assert_eq!(code, 0, "{provider}: {said:?}");
        assert_eq!(stage.weights(), [10, 20, 30, 40, 50, 0], "{provider}");
        assert_eq!(stage.deployed("podinfo-primary"), ("6.0.1".to_owned(), 2));
        assert_eq!(stage.lost(), 0, "{provider}");
    }
}

#[tokio::test(start_paused = true)]
async fn a_bad_version_is_found_by_the_metrics_of_its_mesh_and_rolled_back() {
    for provider in ["appmesh", "gloo", "kuma", "linkerd", "osm", "smi:v1alpha1"] {
        let (stage, code) = ends(provider, BAD).await;
        assert_eq!(code, 10, "{provider}");
        assert_eq!(stage.weights().last(), Some(&0), "{provider}");
        assert_eq!(stage.deployed("podinfo-primary"), ("6.0.0".to_owned(), 2));
        assert_eq!(stage.lost(), 0, "{provider}");
    }
}

#[tokio::test(start_paused = true)]
async fn what_people_made_for_the_mesh_keeps_its_other_fields() {
    let (stage, _) = ends("gloo", GOOD).await;
    let upstream = stage.object("upstreams", "test-podinfo-canaryupstream-80");
    assert_eq!(upstream["spec"]["useHttp2"], true);
    assert_eq!(
        upstream["spec"]["loadBalancerConfig"],
        json!({"maglev": {}})
    );
    assert_eq!(upstream["metadata"]["annotations"]["team"], "shop");
    let (stage, _) = ends("appmesh:v1beta2", GOOD).await;
    let node = stage.object("virtualnodes", "podinfo-canary");
    assert_eq!(node["spec"]["awsName"], "kept");
    assert_eq!(
        node["spec"]["podSelector"],
        json!({"matchLabels": {"app": "podinfo"}})
    );
}

#[tokio::test(start_paused = true)]
async fn a_route_of_a_whole_cluster_that_is_another_canarys_is_refused() {
    let mut scenario = meshed("kuma", GOOD);
    let service = |name: &str| json!({"kuma.io/service": format!("{name}_test_svc_80")});
    scenario.objects.push(json!({
        "apiVersion": "kuma.io/v1alpha1", "kind": "TrafficRoute", "mesh": "default",
        "metadata": {"name": "podinfo", "annotations": {"flagger-driver/canary": "prod/podinfo"}},
        "spec": {"conf": {"split": [
            {"weight": 100, "destination": service("podinfo-primary")},
            {"weight": 0, "destination": service("podinfo-canary")},
        ]}},
    }));
    let stage = Stage::open(scenario).serving().await;
    let error = stage.run().await.unwrap_err();
    assert!(error.to_string().contains("prod/podinfo"), "{error}");
    assert_eq!(stage.weights(), [0; 0]);
}

#[tokio::test(start_paused = true)]
async fn a_route_of_a_whole_cluster_has_no_owner_in_a_namespace() {
    let mut scenario = meshed("kuma", GOOD);
    scenario.objects.push(scenario.canary.clone());
    let stage = Stage::open(scenario).serving().await;
    stage.bootstrap().await;
    let objects = stage.world.cluster().objects();
    let route = objects.get("trafficroutes", "", "podinfo").unwrap();
    assert_eq!(route["metadata"].get("ownerReferences"), None);
    assert_eq!(
        route["metadata"]["annotations"]["flagger-driver/canary"],
        "test/podinfo"
    );
    let primary = stage.object("deployments", "podinfo-primary");
    assert_eq!(primary["metadata"]["ownerReferences"][0]["kind"], "Canary");
}

#[tokio::test(start_paused = true)]
async fn the_objects_of_a_mesh_can_be_in_a_cluster_of_their_own() {
    let mut scenario = meshed("linkerd", GOOD);
    // These users do not come by the mesh: nobody could measure the new version.
    scenario.canary["spec"]["analysis"]["metrics"] = json!([]);
    let mut stage = Stage::open(scenario);
    let mesh = SandboxCluster::new(SandboxOptions {
        namespaces: vec!["test".to_owned()],
        ..SandboxOptions::new(stage.world.clock())
    });
    stage.mesh = Some(Peer {
        client: kube::Client::new(mesh.service(), "test"),
        server: "https://mesh".to_owned(),
    });
    let stage = stage.serving().await;
    assert_eq!(stage.play().await.unwrap(), 0);
    assert_eq!(stage.weights(), [10, 20, 30, 40, 50, 0]);
    let split = || mesh.objects().get("trafficsplits", "test", "podinfo");
    let owners = split().unwrap()["metadata"]["ownerReferences"].clone();
    assert!(owners.is_null(), "{owners}");
    let primary = ("deployments", "test", "podinfo-primary");
    assert!(
        mesh.objects()
            .get(primary.0, primary.1, primary.2)
            .is_none()
    );
    let home = stage.world.cluster().objects();
    assert!(home.get(primary.0, primary.1, primary.2).is_some());
    assert!(home.get("trafficsplits", "test", "podinfo").is_none());

    let said = stage.eject(Switch::new(None), &mut |_| {}).await;
    assert!(said.is_ok(), "{said:?}");
    assert!(split().is_none());
}
