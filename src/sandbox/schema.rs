//! Built-in kinds as the server's types see them: wrong types are refused, unknown fields found.

use k8s_openapi::api::apps::v1::DaemonSet;
use k8s_openapi::api::apps::v1::Deployment;
use k8s_openapi::api::apps::v1::ReplicaSet;
use k8s_openapi::api::autoscaling::v2::HorizontalPodAutoscaler;
use k8s_openapi::api::batch::v1::Job;
use k8s_openapi::api::coordination::v1::Lease;
use k8s_openapi::api::core::v1::ConfigMap;
use k8s_openapi::api::core::v1::Endpoints;
use k8s_openapi::api::core::v1::Event;
use k8s_openapi::api::core::v1::Namespace;
use k8s_openapi::api::core::v1::Node;
use k8s_openapi::api::core::v1::Pod;
use k8s_openapi::api::core::v1::Secret;
use k8s_openapi::api::core::v1::Service;
use k8s_openapi::api::core::v1::ServiceAccount;
use k8s_openapi::api::discovery::v1::EndpointSlice;
use k8s_openapi::api::networking::v1::Ingress;
use k8s_openapi::api::rbac::v1::ClusterRole;
use k8s_openapi::api::rbac::v1::ClusterRoleBinding;
use k8s_openapi::api::rbac::v1::Role;
use k8s_openapi::api::rbac::v1::RoleBinding;
use serde::Serialize;
use serde::de::DeserializeOwned;
use serde_json::Value;

/// The dotted paths of fields that the kind's type does not have, or why it is not of that type. Empty for kinds
/// without a type here.
pub fn unknown_fields(kind: &str, object: &Value) -> Result<Vec<Vec<String>>, String> {
    let typed = match kind {
        "DaemonSet" => round_trip::<DaemonSet>(object),
        "Deployment" => round_trip::<Deployment>(object),
        "ReplicaSet" => round_trip::<ReplicaSet>(object),
        "HorizontalPodAutoscaler" => round_trip::<HorizontalPodAutoscaler>(object),
        "Job" => round_trip::<Job>(object),
        "Lease" => round_trip::<Lease>(object),
        "ConfigMap" => round_trip::<ConfigMap>(object),
        "Endpoints" => round_trip::<Endpoints>(object),
        "Event" => round_trip::<Event>(object),
        "Namespace" => round_trip::<Namespace>(object),
        "Node" => round_trip::<Node>(object),
        "Pod" => round_trip::<Pod>(object),
        "Secret" => round_trip::<Secret>(object),
        "Service" => round_trip::<Service>(object),
        "ServiceAccount" => round_trip::<ServiceAccount>(object),
        "EndpointSlice" => round_trip::<EndpointSlice>(object),
        "Ingress" => round_trip::<Ingress>(object),
        "ClusterRole" => round_trip::<ClusterRole>(object),
        "ClusterRoleBinding" => round_trip::<ClusterRoleBinding>(object),
        "Role" => round_trip::<Role>(object),
        "RoleBinding" => round_trip::<RoleBinding>(object),
        _ => return Ok(Vec::new()),
    }?;
    let mut unknown = Vec::new();
    compare(object, &typed, &mut Vec::new(), &mut unknown);
    Ok(unknown)
}

fn round_trip<T: DeserializeOwned + Serialize>(object: &Value) -> Result<Value, String> {
    let typed: T = serde_json::from_value(object.clone()).map_err(|error| error.to_string())?;
    serde_json::to_value(typed).map_err(|error| error.to_string())
}

/// Finds what was lost on the way through the type. Empty values may be left out by it.
fn compare(given: &Value, typed: &Value, path: &mut Vec<String>, unknown: &mut Vec<Vec<String>>) {
    match (given, typed) {
        (Value::Object(given), Value::Object(typed)) => {
            for (name, value) in given {
                path.push(name.clone());
                match typed.get(name) {
                    Some(found) => compare(value, found, path, unknown),
                    None if is_empty(value) => {}
                    None => unknown.push(path.clone()),
                }
                path.pop();
            }
        }
        (Value::Array(given), Value::Array(typed)) => {
            for (at, (value, found)) in given.iter().zip(typed).enumerate() {
                path.push(at.to_string());
                compare(value, found, path, unknown);
                path.pop();
            }
        }
        _ => {}
    }
}

fn is_empty(value: &Value) -> bool {
    match value {
        Value::Null => true,
        Value::Array(list) => list.is_empty(),
        Value::Object(map) => map.is_empty(),
        Value::Bool(_) | Value::Number(_) | Value::String(_) => false,
    }
}

/// `spec.containers[0].foo`, as the server words it.
#[must_use]
pub fn dotted(path: &[String]) -> String {
    let mut text = String::new();
    for segment in path {
        if segment.bytes().all(|byte| byte.is_ascii_digit()) {
            text.push_str(&format!("[{segment}]"));
        } else {
            if !text.is_empty() {
                text.push('.');
            }
            text.push_str(segment);
        }
    }
    text
}

/// Takes a field away, as decoding into a type does.
pub fn drop_field(object: &mut Value, path: &[String]) {
    let pointer: String = path
        .split_last()
        .map(|(_, parents)| {
            parents
                .iter()
                .map(|name| format!("/{}", name.replace('~', "~0").replace('/', "~1")))
                .collect()
        })
        .unwrap_or_default();
    if let (Some(parent), Some(last)) = (object.pointer_mut(&pointer), path.last())
        && let Some(map) = parent.as_object_mut()
    {
        map.shift_remove(last);
    }
}
