//! What a real API server fills in when an object is written.

mod pod;

use crate::sandbox::kinds::ApiKind;
use crate::sandbox::tree;
use crate::sandbox::tree::default;
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use serde_json::Map;
use serde_json::Value;
use serde_json::json;

const GATEWAY_GROUP: &str = "gateway.networking.k8s.io";

/// Empty maps and lists at these names are left out by the types of built-in kinds.
const OMITTED_WHEN_EMPTY: &[&str] = &[
    "labels",
    "annotations",
    "ownerReferences",
    "finalizers",
    "nodeSelector",
    "data",
    "binaryData",
    "stringData",
    "matchLabels",
    "limits",
    "requests",
    "env",
    "envFrom",
    "ports",
    "volumes",
    "volumeMounts",
    "tolerations",
    "imagePullSecrets",
    "initContainers",
    "args",
    "command",
];

/// Drops what decoding into a type drops: nulls, and empty fields that the type leaves out. Of a custom resource
/// only the metadata has a type.
pub fn normalize(object: &mut Value, builtin: bool) {
    if builtin {
        drop_empty(object);
    } else if let Some(metadata) = object.get_mut("metadata") {
        drop_empty(metadata);
    }
}

fn drop_empty(value: &mut Value) {
    match value {
        Value::Object(map) => {
            map.values_mut().for_each(drop_empty);
            map.retain(|name, value| {
                let empty = match value {
                    Value::Null => return false,
                    Value::Array(list) => list.is_empty(),
                    Value::Object(map) => map.is_empty(),
                    Value::Bool(_) | Value::Number(_) | Value::String(_) => false,
                };
                !(empty && OMITTED_WHEN_EMPTY.contains(&name.as_str()))
            });
        }
        Value::Array(list) => list.iter_mut().for_each(drop_empty),
        Value::Null | Value::Bool(_) | Value::Number(_) | Value::String(_) => {}
    }
}

/// Fills in a kind's defaults. `before` is what is stored, if it is an update.
pub fn fill(kind: &ApiKind, object: &mut Value, before: Option<&Value>) {
    if kind.builtin {
        built_in(&kind.kind, object, before);
    } else if kind.group == GATEWAY_GROUP && kind.kind == "HTTPRoute" {
        http_route(object);
    }
}

fn built_in(kind: &str, object: &mut Value, before: Option<&Value>) {
    match kind {
        "Deployment" => deployment(object),
        "DaemonSet" => daemon_set(object, before),
        "ReplicaSet" => {
            default(object, &["spec", "replicas"], 1);
            pod::template(tree::field(object, &["spec", "template"]));
        }
        "Job" => job(object),
        "Pod" => pod(object),
        "Service" => service(object, before),
        "Secret" => secret(object),
        "Namespace" => namespace(object),
        _ => {}
    }
}

/// Fills in a pod.
pub fn pod(object: &mut Value) {
    pod::spec(tree::field(object, &["spec"]));
    default(object, &["spec", "enableServiceLinks"], true);
    default(object, &["status", "phase"], "Pending");
    default(object, &["status", "qosClass"], "BestEffort");
}

fn namespace(object: &mut Value) {
    default(object, &["spec", "finalizers"], json!(["kubernetes"]));
    default(object, &["status", "phase"], "Active");
    let name = tree::text(object, "/metadata/name").to_owned();
    let label = ["metadata", "labels", "kubernetes.io/metadata.name"];
    default(object, &label, name);
}

fn deployment(object: &mut Value) {
    default(object, &["spec", "replicas"], 1);
    default(object, &["spec", "strategy", "type"], "RollingUpdate");
    if tree::text(object, "/spec/strategy/type") == "RollingUpdate" {
        for name in ["maxUnavailable", "maxSurge"] {
            default(object, &["spec", "strategy", "rollingUpdate", name], "25%");
        }
    }
    default(object, &["spec", "revisionHistoryLimit"], 10);
    default(object, &["spec", "progressDeadlineSeconds"], 600);
    default(object, &["status"], Map::new());
    pod::template(tree::field(object, &["spec", "template"]));
}

fn daemon_set(object: &mut Value, before: Option<&Value>) {
    default(object, &["spec", "updateStrategy", "type"], "RollingUpdate");
    if tree::text(object, "/spec/updateStrategy/type") == "RollingUpdate" {
        let path = ["spec", "updateStrategy", "rollingUpdate"];
        default(object, &[&path[..], &["maxUnavailable"]].concat(), 1);
        default(object, &[&path[..], &["maxSurge"]].concat(), 0);
    }
    default(object, &["spec", "revisionHistoryLimit"], 10);
    pod::template(tree::field(object, &["spec", "template"]));
    let counter = "deprecated.daemonset.template.generation";
    let count = before.map_or(1, |before| {
        let last = before
            .pointer("/metadata/annotations")
            .and_then(|annotations| annotations.get(counter))
            .and_then(Value::as_str)
            .and_then(|count| count.parse::<u64>().ok())
            .unwrap_or(1);
        let changed = before.pointer("/spec/template") != object.pointer("/spec/template");
        last + u64::from(changed)
    });
    tree::set(
        object,
        &["metadata", "annotations", counter],
        count.to_string(),
    );
    for name in [
        "currentNumberScheduled",
        "numberMisscheduled",
        "desiredNumberScheduled",
        "numberReady",
    ] {
        default(object, &["status", name], 0);
    }
}

fn job(object: &mut Value) {
    for (name, value) in [
        ("parallelism", json!(1)),
        ("completions", json!(1)),
        ("backoffLimit", json!(6)),
        ("completionMode", json!("NonIndexed")),
        ("suspend", json!(false)),
        ("podReplacementPolicy", json!("TerminatingOrFailed")),
    ] {
        default(object, &["spec", name], value);
    }
    pod::template(tree::field(object, &["spec", "template"]));
}

fn secret(object: &mut Value) {
    if let Some(Value::Object(plain)) = tree::take(object, &["stringData"]) {
        for (name, value) in plain {
            let value = value.as_str().unwrap_or_default();
            tree::set(object, &["data", &name], STANDARD.encode(value));
        }
    }
    default(object, &["type"], "Opaque");
}

fn service(object: &mut Value, before: Option<&Value>) {
    default(object, &["spec", "type"], "ClusterIP");
    default(object, &["spec", "sessionAffinity"], "None");
    if tree::text(object, "/spec/sessionAffinity") == "ClientIP" {
        let path = [
            "spec",
            "sessionAffinityConfig",
            "clientIP",
            "timeoutSeconds",
        ];
        default(object, &path, 10_800);
    }
    if let Some(ports) = object
        .pointer_mut("/spec/ports")
        .and_then(Value::as_array_mut)
    {
        for port in ports {
            default(port, &["protocol"], "TCP");
            let number = port.get("port").cloned().unwrap_or(Value::Null);
            default(port, &["targetPort"], number);
        }
    }
    if tree::text(object, "/spec/type") != "ExternalName" {
        for name in ["clusterIP", "clusterIPs"] {
            let kept = before.and_then(|before| before.get("spec")?.get(name));
            if let Some(kept) = kept {
                default(object, &["spec", name], kept.clone());
            }
        }
        default(object, &["spec", "ipFamilies"], json!(["IPv4"]));
        default(object, &["spec", "ipFamilyPolicy"], "SingleStack");
        default(object, &["spec", "internalTrafficPolicy"], "Cluster");
    }
    if matches!(
        tree::text(object, "/spec/type"),
        "NodePort" | "LoadBalancer"
    ) {
        default(object, &["spec", "externalTrafficPolicy"], "Cluster");
    }
    if tree::text(object, "/spec/type") == "LoadBalancer" {
        default(object, &["spec", "allocateLoadBalancerNodePorts"], true);
    }
    default(object, &["status", "loadBalancer"], Map::new());
}

/// Gives a Service its address in 10.96.0.0/16, the `n`-th.
pub fn allocate_cluster_ip(object: &mut Value, n: u64) {
    if tree::text(object, "/spec/type") == "ExternalName" {
        return;
    }
    default(
        object,
        &["spec", "clusterIP"],
        format!("10.96.{}.{}", n / 250 % 256, n % 250 + 2),
    );
    let address = tree::text(object, "/spec/clusterIP").to_owned();
    default(object, &["spec", "clusterIPs"], json!([address]));
}

/// Gateway API, standard channel.
fn http_route(object: &mut Value) {
    for parent in list(object, "/spec/parentRefs") {
        default(parent, &["group"], GATEWAY_GROUP);
        default(parent, &["kind"], "Gateway");
    }
    default(
        object,
        &["spec", "rules"],
        json!([{"matches": [{"path": {"type": "PathPrefix", "value": "/"}}]}]),
    );
    for rule in list(object, "/spec/rules") {
        default(
            rule,
            &["matches"],
            json!([{"path": {"type": "PathPrefix", "value": "/"}}]),
        );
        for matcher in list(rule, "/matches") {
            default(matcher, &["path", "type"], "PathPrefix");
            default(matcher, &["path", "value"], "/");
            for name in ["/headers", "/queryParams"] {
                for condition in list(matcher, name) {
                    default(condition, &["type"], "Exact");
                }
            }
        }
        for backend in list(rule, "/backendRefs") {
            default(backend, &["weight"], 1);
            backend_reference(backend);
        }
        for filter in list(rule, "/filters") {
            if let Some(mirror) = filter.pointer_mut("/requestMirror/backendRef") {
                backend_reference(mirror);
            }
            if let Some(redirect) = filter.get_mut("requestRedirect") {
                default(redirect, &["statusCode"], 302);
            }
        }
    }
}

fn backend_reference(reference: &mut Value) {
    default(reference, &["group"], "");
    default(reference, &["kind"], "Service");
}

fn list<'a>(object: &'a mut Value, pointer: &str) -> impl Iterator<Item = &'a mut Value> {
    object
        .pointer_mut(pointer)
        .and_then(Value::as_array_mut)
        .into_iter()
        .flatten()
}
