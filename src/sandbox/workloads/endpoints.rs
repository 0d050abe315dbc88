//! Endpoints and EndpointSlices of Services with a selector.

use crate::sandbox::selectors::map_selects;
use crate::sandbox::store::ObjectKey;
use crate::sandbox::store::Store;
use crate::sandbox::tree;
use crate::sandbox::workloads::Moment;
use crate::sandbox::workloads::controlled;
use crate::sandbox::workloads::edit;
use crate::sandbox::workloads::owner_reference;
use crate::sandbox::workloads::pods;
use crate::sandbox::writes::seconds;
use serde_json::Map;
use serde_json::Value;
use serde_json::json;
use std::sync::Arc;

/// Brings a Service's endpoints in line with its pods.
pub(super) fn sync(moment: &mut Moment<'_>, namespace: &str, name: &str) {
    let addresses = ObjectKey::of("", "endpoints", namespace, name);
    let Some(service) = moment
        .store
        .get(&ObjectKey::of("", "services", namespace, name))
        .cloned()
    else {
        moment.store.remove(&addresses);
        return;
    };
    let selector = service
        .pointer("/spec/selector")
        .filter(|selector| selector.is_object());
    if selector.is_none() {
        // somebody else looks after the endpoints of such a Service
        return;
    }
    let pods: Vec<Arc<Value>> = moment
        .store
        .list("", "pods", namespace)
        .filter(|(_, pod)| {
            map_selects(selector, pod.pointer("/metadata/labels"))
                && !tree::text(pod, "/status/podIP").is_empty()
        })
        .map(|(_, pod)| Arc::clone(pod))
        .collect();
    write_endpoints(moment, &addresses, &service, &pods);
    write_slice(moment, &service, &pods);
}

fn reference(pod: &Value) -> Value {
    json!({
        "kind": "Pod", "namespace": tree::text(pod, "/metadata/namespace"), "name": tree::text(pod, "/metadata/name"),
        "uid": tree::text(pod, "/metadata/uid"),
    })
}

/// The Service's ports with the numbers that one pod listens on; named ports it lacks are left out.
fn ports(service: &Value, pod: &Value) -> Vec<Value> {
    tree::items(service, "/spec/ports")
        .iter()
        .filter_map(|port| {
            let target = port.get("targetPort").or_else(|| port.get("port"))?;
            let number = match target.as_str() {
                None => target.as_i64()?,
                Some(wanted) => tree::items(pod, "/spec/containers")
                    .iter()
                    .flat_map(|container| tree::items(container, "/ports"))
                    .find(|port| tree::text(port, "/name") == wanted)
                    .and_then(|port| tree::int(port, "/containerPort"))?,
            };
            Some(json!({
                "name": tree::text(port, "/name"), "port": number, "protocol": tree::text(port, "/protocol"),
            }))
        })
        .collect()
}

fn write_endpoints(moment: &mut Moment<'_>, key: &ObjectKey, service: &Value, pods: &[Arc<Value>]) {
    let mut subsets: Vec<(Vec<Value>, Vec<Value>, Vec<Value>)> = Vec::new();
    for pod in pods {
        let ports = ports(service, pod);
        let address = json!({
            "ip": tree::text(pod, "/status/podIP"), "nodeName": tree::text(pod, "/spec/nodeName"),
            "targetRef": reference(pod),
        });
        let at = subsets
            .iter()
            .position(|subset| subset.0 == ports)
            .unwrap_or_else(|| {
                subsets.push((ports, Vec::new(), Vec::new()));
                subsets.len() - 1
            });
        let Some(subset) = subsets.get_mut(at) else {
            continue;
        };
        if pods::is_terminating(pod) {
            continue;
        }
        if pods::is_ready(pod) {
            subset.1.push(address);
        } else {
            subset.2.push(address);
        }
    }
    let subsets: Vec<Value> = subsets
        .into_iter()
        .filter(|(_, ready, other)| !ready.is_empty() || !other.is_empty())
        .map(|(ports, ready, other)| {
            let mut subset = Map::new();
            for (name, list) in [
                ("addresses", ready),
                ("notReadyAddresses", other),
                ("ports", ports),
            ] {
                if !list.is_empty() {
                    subset.insert(name.to_owned(), Value::Array(list));
                }
            }
            Value::Object(subset)
        })
        .collect();
    if moment.store.get(key).is_none() {
        let object = json!({
            "apiVersion": "v1",
            "kind": "Endpoints",
            "metadata": {
                "name": key.name, "namespace": key.namespace, "uid": moment.store.next_uid(),
                "creationTimestamp": seconds(moment.now),
                "labels": {"endpoints.kubernetes.io/managed-by": "endpoint-controller"},
            },
        });
        moment.store.put(key.clone(), object);
    }
    edit(moment.store, key, |object| {
        if subsets.is_empty() {
            tree::take(object, &["subsets"]);
        } else {
            tree::set(object, &["subsets"], subsets);
        }
    });
}

/// The Service's slice: the one it controls, or a new one.
fn slice_of(store: &mut Store, service: &Value, now: &str) -> ObjectKey {
    let namespace = tree::text(service, "/metadata/namespace");
    let name = tree::text(service, "/metadata/name");
    if let Some(found) = controlled(
        store,
        "discovery.k8s.io",
        "endpointslices",
        namespace,
        service,
    )
    .first()
    {
        return found.clone();
    }
    let slice = format!("{name}-{}", store.next_suffix());
    let key = ObjectKey::of("discovery.k8s.io", "endpointslices", namespace, &slice);
    let object = json!({
        "apiVersion": "discovery.k8s.io/v1",
        "kind": "EndpointSlice",
        "metadata": {
            "name": slice,
            "generateName": format!("{name}-"),
            "namespace": namespace,
            "uid": store.next_uid(),
            "generation": 1,
            "creationTimestamp": now,
            "labels": {
                "endpointslice.kubernetes.io/managed-by": "endpointslice-controller.k8s.io",
                "kubernetes.io/service-name": name,
            },
            "ownerReferences": [owner_reference(service)],
        },
        "addressType": "IPv4",
        "endpoints": [],
        "ports": [],
    });
    store.put(key.clone(), object);
    key
}

fn write_slice(moment: &mut Moment<'_>, service: &Value, pods: &[Arc<Value>]) {
    let key = slice_of(moment.store, service, &seconds(moment.now));
    let endpoints: Vec<Value> = pods
        .iter()
        .map(|pod| {
            let ready = pods::is_ready(pod);
            let terminating = pods::is_terminating(pod);
            json!({
                "addresses": [tree::text(pod, "/status/podIP")],
                "conditions": {"ready": ready && !terminating, "serving": ready, "terminating": terminating},
                "nodeName": tree::text(pod, "/spec/nodeName"),
                "targetRef": reference(pod),
            })
        })
        .collect();
    let ports = pods
        .first()
        .map(|pod| ports(service, pod))
        .unwrap_or_default();
    edit(moment.store, &key, |slice| {
        let changed = slice.get("endpoints") != Some(&Value::from(endpoints.clone()));
        tree::set(slice, &["endpoints"], endpoints);
        tree::set(slice, &["ports"], ports);
        if changed {
            let generation = tree::int(slice, "/metadata/generation").unwrap_or(1);
            tree::set(slice, &["metadata", "generation"], generation + 1);
        }
    });
}
