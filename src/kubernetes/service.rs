//! The three services of a canary: what they must look like, and the patch that makes an existing one so.
//!
//! Works on JSON values only; must not ask a cluster.

use crate::canary::metadata::MANAGED_BY;
use crate::canary::metadata::MANAGER;
use crate::canary::metadata::ORIGINAL;
use crate::canary::metadata::OURS;
use crate::canary::metadata::entries;
use crate::canary::metadata::flux_opt_out;
use crate::canary::name::Word as _;
use crate::canary::service::IntOrString;
use crate::canary::service::Metadata;
use crate::canary::service::Service;
use crate::kubernetes::primary::SelectorLabel;
use serde_json::Map;
use serde_json::Value;
use serde_json::json;

/// Containers of meshes, whose ports are nobody's business.
const SIDECARS: [&str; 2] = ["istio-proxy", "envoy"];

/// Which of the three.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum ServiceRole {
    /// What users ask for; selects the primary.
    Apex,
    /// Selects the primary.
    Primary,
    /// Selects the target's own pods.
    Canary,
}

/// One service as it must be.
#[must_use]
pub fn wanted(
    role: ServiceRole,
    name: &str,
    namespace: &str,
    spec: &Service,
    label: &SelectorLabel,
    target: &Value,
) -> Value {
    let (metadata, selected) = match role {
        ServiceRole::Apex => (&spec.apex, label.primary_value()),
        ServiceRole::Primary => (&spec.primary, label.primary_value()),
        ServiceRole::Canary => (&spec.canary, label.value.clone()),
    };
    let extra = |choose: fn(&Metadata) -> &std::collections::BTreeMap<String, String>| -> Map<String, Value> {
        let entries = metadata.as_ref().map(choose).into_iter().flatten();
        entries.map(|(key, value)| (key.clone(), json!(value))).collect()
    };
    let mut labels = extra(|metadata| &metadata.labels);
    labels.insert(label.key.clone(), name.into());
    labels.insert(MANAGED_BY.to_owned(), MANAGER.into());
    let mut annotations = extra(|metadata| &metadata.annotations);
    annotations.extend(flux_opt_out());
    let mut service = json!({
        "apiVersion": "v1", "kind": "Service",
        "metadata": {"name": name, "namespace": namespace, "labels": labels, "annotations": annotations},
        "spec": {"type": "ClusterIP", "selector": {&label.key: selected}, "ports": ports(spec, target)},
    });
    if spec.headless {
        service["spec"]["clusterIP"] = json!("None");
    }
    if let Some(distribution) = spec.traffic_distribution {
        service["spec"]["trafficDistribution"] = distribution.as_str().into();
    }
    service
}

/// The main port, then what `portDiscovery` finds in the target's containers.
#[must_use]
pub fn ports(spec: &Service, target: &Value) -> Vec<Value> {
    let mut main = json!({
        "name": spec.port_name(), "protocol": "TCP", "port": spec.port, "targetPort": spec.target_port().to_value(),
    });
    if let Some(protocol) = &spec.app_protocol {
        main["appProtocol"] = json!(protocol);
    }
    let mut ports = vec![main];
    if !spec.port_discovery {
        return ports;
    }
    let main_port = spec.target_port();
    let containers = target
        .pointer("/spec/template/spec/containers")
        .and_then(Value::as_array);
    for container in containers.into_iter().flatten() {
        let name = container
            .get("name")
            .and_then(Value::as_str)
            .unwrap_or_default();
        if SIDECARS.contains(&name) {
            continue;
        }
        let exposed = container.get("ports").and_then(Value::as_array);
        for (index, port) in exposed.into_iter().flatten().enumerate() {
            let Some(number) = port.get("containerPort").and_then(Value::as_u64) else {
                continue;
            };
            let port_name = port.get("name").and_then(Value::as_str);
            let is_main = match &main_port {
                IntOrString::Int(main) => u64::from(*main) == number,
                IntOrString::Name(main) => port_name == Some(main),
            };
            if is_main {
                continue;
            }
            let port_name = port_name.map_or_else(|| format!("tcp-{name}-{index}"), str::to_owned);
            let found =
                json!({"name": port_name, "protocol": "TCP", "port": number, "targetPort": number});
            match ports
                .iter_mut()
                .skip(1)
                .find(|port| port["name"] == found["name"])
            {
                Some(same) => *same = found,
                None => ports.push(found),
            }
        }
    }
    ports
}

/// Does it select what it must?
#[must_use]
pub fn selects(live: &Value, wanted: &Value) -> bool {
    live.pointer("/spec/selector") == wanted.pointer("/spec/selector")
}

/// The operations that make an existing service as wanted: ports and selector, of our own ones labels and annotations
/// too; empty where nothing differs. A service of the user's keeps everything else.
#[must_use]
pub fn changes(live: &Value, wanted: &Value, spec: &Service) -> Vec<Value> {
    let mut operations = Vec::new();
    if !selects(live, wanted) {
        operations.push(set("/spec/selector", wanted["spec"]["selector"].clone()));
    }
    let ports = with_node_ports(live, wanted);
    if sorted(&ports) != sorted(&live_ports(live)) {
        operations.push(set("/spec/ports", ports.into()));
    }
    if entries(live, "labels").get(MANAGED_BY) == Some(&json!(MANAGER)) {
        let unmanaged = [
            ("labels", &spec.unmanaged_metadata.labels),
            ("annotations", &spec.unmanaged_metadata.annotations),
        ];
        for (field, kept) in unmanaged {
            let has = entries(live, field);
            let mut wants = entries(wanted, field);
            for (key, value) in &has {
                if kept.contains(key) || key.starts_with(OURS) {
                    wants.insert(key.clone(), value.clone());
                }
            }
            if wants != has {
                operations.push(set(&format!("/metadata/{field}"), wants.into()));
            }
        }
    } else if !operations.is_empty() {
        let mut annotations = entries(live, "annotations");
        if !annotations.contains_key(ORIGINAL) {
            annotations.insert(ORIGINAL.to_owned(), original(live).to_string().into());
        }
        annotations.extend(flux_opt_out());
        operations.push(set("/metadata/annotations", annotations.into()));
    }
    operations
}

/// What of a service of the user's is kept when it is taken over.
fn original(live: &Value) -> Value {
    let annotations = entries(live, "annotations");
    let kept = flux_opt_out().into_iter();
    let kept: Map<String, Value> = kept
        .filter_map(|(key, _)| Some((key.clone(), annotations.get(&key)?.clone())))
        .collect();
    json!({"selector": live["spec"]["selector"], "ports": live["spec"]["ports"], "annotations": kept})
}

/// The operations by which an apex service selects the target's pods again: as it was before us, or as the canary
/// service does.
#[must_use]
pub fn given_back(live: &Value, label: &SelectorLabel) -> Vec<Value> {
    let mut annotations = entries(live, "annotations");
    let original = annotations.get(ORIGINAL).and_then(Value::as_str);
    let original: Value = original
        .and_then(|text| serde_json::from_str(text).ok())
        .unwrap_or_default();
    let primary = json!({&label.key: label.primary_value()});
    let target = json!({&label.key: label.value});
    let selector = match &original["selector"] {
        // Another controller had it before us.
        selector if selector.is_null() || *selector == primary => &target,
        selector => selector,
    };
    let mut operations = Vec::new();
    if live.pointer("/spec/selector") != Some(selector) {
        operations.push(set("/spec/selector", selector.clone()));
    }
    if let Some(ports) = original.get("ports").filter(|ports| ports.is_array())
        && live.pointer("/spec/ports") != Some(ports)
    {
        operations.push(set("/spec/ports", ports.clone()));
    }
    if let Some(kept) = original.get("annotations").and_then(Value::as_object) {
        let added = flux_opt_out();
        annotations.retain(|key, _| kept.contains_key(key) || !added.contains_key(key));
        if annotations != entries(live, "annotations") {
            operations.push(set("/metadata/annotations", annotations.into()));
        }
    }
    operations
}

pub(super) fn set(path: &str, value: Value) -> Value {
    json!({"op": "add", "path": path, "value": value})
}

pub(super) fn live_ports(live: &Value) -> Vec<Value> {
    live.pointer("/spec/ports")
        .and_then(Value::as_array)
        .cloned()
        .unwrap_or_default()
}

pub(super) fn with_node_ports(live: &Value, wanted: &Value) -> Vec<Value> {
    let mut ports = live_ports(wanted);
    for port in &mut ports {
        let same = live_ports(live)
            .into_iter()
            .find(|other| other["name"] == port["name"]);
        if let Some(node_port) = same.and_then(|other| other.get("nodePort").cloned()) {
            port["nodePort"] = node_port;
        }
    }
    ports
}

fn sorted(ports: &[Value]) -> Vec<Value> {
    let mut ports = ports.to_vec();
    ports.sort_by_key(|port| port["port"].as_u64());
    ports
}

#[cfg(test)]
mod tests {
    use super::*;

    fn label() -> SelectorLabel {
        SelectorLabel {
            key: "app".to_owned(),
            value: "podinfo".to_owned(),
        }
    }

    fn target() -> Value {
        json!({"spec": {"template": {"spec": {"containers": [
            {"name": "podinfo", "ports": [{"containerPort": 9898, "name": "http"},
                {"containerPort": 8080, "name": "http-metrics"}, {"containerPort": 8888}]},
            {"name": "istio-proxy", "ports": [{"containerPort": 15090}]}]}}}})
    }

    fn spec() -> Service {
        Service {
            port: 9898,
            port_discovery: true,
            ..Service::default()
        }
    }

    #[test]
    fn discovered_ports_follow_the_main_one() {
        let names: Vec<Value> = ports(&spec(), &target())
            .into_iter()
            .map(|port| port["name"].clone())
            .collect();
        assert_eq!(names, ["http", "http-metrics", "tcp-podinfo-2"]);
    }

    #[test]
    fn a_named_target_port_is_found_by_its_name() {
        let spec = Service {
            port: 80,
            target_port: Some(IntOrString::Name("http".to_owned())),
            ..spec()
        };
        let ports = ports(&spec, &target());
        assert_eq!((ports.len(), &ports[0]["targetPort"]), (3, &json!("http")));
    }

    #[test]
    fn apex_and_primary_select_the_primary() {
        let service = |role| wanted(role, "podinfo", "test", &spec(), &label(), &target());
        assert_eq!(
            service(ServiceRole::Apex)["spec"]["selector"],
            json!({"app": "podinfo-primary"})
        );
        assert_eq!(
            service(ServiceRole::Canary)["spec"]["selector"],
            json!({"app": "podinfo"})
        );
    }

    #[test]
    fn a_service_as_wanted_needs_no_change() {
        let wanted = wanted(
            ServiceRole::Apex,
            "podinfo",
            "test",
            &spec(),
            &label(),
            &target(),
        );
        assert_eq!(changes(&wanted, &wanted, &spec()), Vec::<Value>::new());
    }

    #[test]
    fn a_users_service_keeps_what_we_do_not_speak_of() {
        let wanted = wanted(
            ServiceRole::Apex,
            "podinfo",
            "test",
            &spec(),
            &label(),
            &target(),
        );
        let live = json!({"metadata": {"labels": {"mine": "1"}}, "spec": {"type": "NodePort",
            "selector": {"app": "podinfo"}, "ports": [{"name": "http", "protocol": "TCP", "port": 9898,
            "targetPort": 9898, "nodePort": 30000}]}});
        let operations = changes(&live, &wanted, &spec());
        let paths: Vec<&str> = operations
            .iter()
            .filter_map(|operation| operation["path"].as_str())
            .collect();
        assert_eq!(
            paths,
            ["/spec/selector", "/spec/ports", "/metadata/annotations"]
        );
        assert_eq!(operations[1]["value"][0]["nodePort"], 30000);
    }

    #[test]
    fn unmanaged_keys_of_our_own_service_survive() {
        let mut spec = spec();
        let wanted = wanted(
            ServiceRole::Apex,
            "podinfo",
            "test",
            &spec,
            &label(),
            &target(),
        );
        let mut live = wanted.clone();
        live["metadata"]["annotations"]["other"] = json!("x");
        assert_eq!(
            changes(&live, &wanted, &spec).len(),
            1,
            "a foreign key goes"
        );
        spec.unmanaged_metadata.annotations = vec!["other".to_owned()];
        assert_eq!(
            changes(&live, &wanted, &spec),
            Vec::<Value>::new(),
            "unless it is unmanaged"
        );
    }
}
