//! Columns of built-in kinds, as Kubernetes 1.36 prints them.

use crate::sandbox::table::AGE;
use crate::sandbox::table::Column;
use crate::sandbox::table::number;
use crate::sandbox::table::text;
use crate::sandbox::table::wide;
use crate::sandbox::table::words::age;
use crate::sandbox::table::words::duration;
use crate::sandbox::table::words::first_of;
use crate::sandbox::table::words::label_selector;
use crate::sandbox::table::words::labels;
use crate::sandbox::table::words::of_containers;
use crate::sandbox::table::words::or_none;
use crate::sandbox::tree;
use jiff::Timestamp;
use serde_json::Value;

const TEMPLATE: &str = "/spec/template/spec";

fn count(object: &Value, pointer: &str) -> i64 {
    tree::int(object, pointer).unwrap_or(0)
}

fn size(object: &Value, pointer: &str) -> usize {
    object
        .pointer(pointer)
        .and_then(Value::as_object)
        .map_or(0, serde_json::Map::len)
}

fn some(object: &Value, pointer: &str) -> Value {
    or_none(tree::text(object, pointer).to_owned())
}

const CONTAINERS: Column = wide("Containers", |object, _| {
    of_containers(object, TEMPLATE, "name")
});
const IMAGES: Column = wide("Images", |object, _| {
    of_containers(object, TEMPLATE, "image")
});
const SELECTOR: Column = wide("Selector", |object, _| {
    label_selector(object, "/spec/selector")
});

const PODS: &[Column] = &[
    text("Ready", |pod, _| {
        let ready = tree::items(pod, "/status/containerStatuses")
            .iter()
            .filter(|status| status["ready"] == true)
            .count();
        format!("{ready}/{}", tree::items(pod, "/spec/containers").len()).into()
    }),
    text("Status", |pod, _| pod_status(pod).into()),
    text("Restarts", |pod, _| {
        let restarts: i64 = tree::items(pod, "/status/containerStatuses")
            .iter()
            .map(|status| count(status, "/restartCount"))
            .sum();
        restarts.to_string().into()
    }),
    AGE,
    wide("IP", |pod, _| some(pod, "/status/podIP")),
    wide("Node", |pod, _| some(pod, "/spec/nodeName")),
    wide("Nominated Node", |pod, _| {
        some(pod, "/status/nominatedNodeName")
    }),
    wide("Readiness Gates", |_, _| or_none(String::new())),
];

fn pod_status(pod: &Value) -> String {
    if pod.pointer("/metadata/deletionTimestamp").is_some() {
        return "Terminating".to_owned();
    }
    let waiting = tree::items(pod, "/status/containerStatuses")
        .iter()
        .flat_map(|status| {
            ["/state/waiting/reason", "/state/terminated/reason"]
                .map(|pointer| tree::text(status, pointer))
        })
        .find(|reason| !reason.is_empty());
    let reason = tree::text(pod, "/status/reason");
    let known = [waiting.unwrap_or_default(), reason]
        .into_iter()
        .find(|reason| !reason.is_empty());
    known
        .unwrap_or_else(|| tree::text(pod, "/status/phase"))
        .to_owned()
}

const DEPLOYMENTS: &[Column] = &[
    text("Ready", |deployment, _| {
        let ready = count(deployment, "/status/readyReplicas");
        format!("{ready}/{}", count(deployment, "/spec/replicas")).into()
    }),
    number("Up-to-date", |deployment, _| {
        count(deployment, "/status/updatedReplicas").into()
    }),
    number("Available", |deployment, _| {
        count(deployment, "/status/availableReplicas").into()
    }),
    AGE,
    CONTAINERS,
    IMAGES,
    SELECTOR,
];

const REPLICA_SETS: &[Column] = &[
    number("Desired", |set, _| count(set, "/spec/replicas").into()),
    number("Current", |set, _| count(set, "/status/replicas").into()),
    number("Ready", |set, _| count(set, "/status/readyReplicas").into()),
    AGE,
    CONTAINERS,
    IMAGES,
    SELECTOR,
];

const DAEMON_SETS: &[Column] = &[
    number("Desired", |set, _| {
        count(set, "/status/desiredNumberScheduled").into()
    }),
    number("Current", |set, _| {
        count(set, "/status/currentNumberScheduled").into()
    }),
    number("Ready", |set, _| count(set, "/status/numberReady").into()),
    number("Up-to-date", |set, _| {
        count(set, "/status/updatedNumberScheduled").into()
    }),
    number("Available", |set, _| {
        count(set, "/status/numberAvailable").into()
    }),
    text("Node Selector", |set, _| {
        labels(set.pointer("/spec/template/spec/nodeSelector"))
    }),
    AGE,
    CONTAINERS,
    IMAGES,
    SELECTOR,
];

const SERVICES: &[Column] = &[
    text("Type", |service, _| {
        tree::text(service, "/spec/type").into()
    }),
    text("Cluster-IP", |service, _| some(service, "/spec/clusterIP")),
    text("External-IP", |service, _| {
        some(service, "/spec/externalName")
    }),
    text("Port(s)", |service, _| {
        let ports: Vec<String> = tree::items(service, "/spec/ports")
            .iter()
            .map(|port| {
                let protocol = tree::text(port, "/protocol");
                match tree::int(port, "/nodePort") {
                    Some(node) => format!("{}:{node}/{protocol}", count(port, "/port")),
                    None => format!("{}/{protocol}", count(port, "/port")),
                }
            })
            .collect();
        or_none(ports.join(","))
    }),
    AGE,
    wide("Selector", |service, _| {
        labels(service.pointer("/spec/selector"))
    }),
];

const ENDPOINT_SLICES: &[Column] = &[
    text("AddressType", |slice, _| {
        tree::text(slice, "/addressType").into()
    }),
    text("Ports", |slice, _| {
        let mut ports: Vec<String> = tree::items(slice, "/ports")
            .iter()
            .map(|port| count(port, "/port").to_string())
            .collect();
        ports.sort();
        match ports.as_slice() {
            [] => "<unset>".into(),
            ports => first_of(ports, 3),
        }
    }),
    text("Endpoints", |slice, _| {
        let all: Vec<String> = tree::items(slice, "/endpoints")
            .iter()
            .flat_map(|endpoint| tree::items(endpoint, "/addresses"))
            .filter_map(|address| address.as_str().map(str::to_owned))
            .collect();
        match all.as_slice() {
            [] => "<unset>".into(),
            all => first_of(all, 3),
        }
    }),
    AGE,
];

const ENDPOINTS: &[Column] = &[
    text("Endpoints", |endpoints, _| {
        let mut all = Vec::new();
        for subset in tree::items(endpoints, "/subsets") {
            for port in tree::items(subset, "/ports") {
                for address in tree::items(subset, "/addresses") {
                    let ip = tree::text(address, "/ip");
                    all.push(format!("{ip}:{}", count(port, "/port")));
                }
            }
        }
        first_of(&all, 3)
    }),
    AGE,
];

const NODES: &[Column] = &[
    text("Status", |node, _| {
        let ready = tree::items(node, "/status/conditions")
            .iter()
            .find(|condition| tree::text(condition, "/type") == "Ready");
        match ready.map(|condition| tree::text(condition, "/status")) {
            Some("True") => "Ready".into(),
            Some(_) => "NotReady".into(),
            None => "Unknown".into(),
        }
    }),
    text("Roles", |_, _| or_none(String::new())),
    AGE,
    text("Version", |node, _| {
        tree::text(node, "/status/nodeInfo/kubeletVersion").into()
    }),
];

const EVENTS: &[Column] = &[
    text("Last Seen", |event, now| {
        let last = ["/series/lastObservedTime", "/lastTimestamp", "/eventTime"]
            .map(|pointer| tree::text(event, pointer))
            .into_iter()
            .find(|time| !time.is_empty());
        age(last.unwrap_or_default(), now).into()
    }),
    text("Type", |event, _| tree::text(event, "/type").into()),
    text("Reason", |event, _| tree::text(event, "/reason").into()),
    text("Object", |event, _| {
        let kind = tree::text(event, "/involvedObject/kind").to_lowercase();
        format!("{kind}/{}", tree::text(event, "/involvedObject/name")).into()
    }),
    text("Message", |event, _| {
        tree::text(event, "/message").trim().into()
    }),
];

const JOBS: &[Column] = &[
    text("Status", |job, _| {
        let ended = tree::items(job, "/status/conditions")
            .iter()
            .find(|condition| tree::text(condition, "/status") == "True")
            .map(|condition| tree::text(condition, "/type"));
        ended.unwrap_or("Running").into()
    }),
    text("Completions", |job, _| {
        let wanted = tree::int(job, "/spec/completions").unwrap_or(1);
        format!("{}/{wanted}", count(job, "/status/succeeded")).into()
    }),
    text("Duration", |job, now| {
        let time = |pointer| tree::text(job, pointer).parse::<Timestamp>();
        match time("/status/startTime") {
            Ok(start) => {
                let end = time("/status/completionTime").unwrap_or(now);
                duration(end.duration_since(start).as_secs()).into()
            }
            Err(_) => "".into(),
        }
    }),
    AGE,
    CONTAINERS,
    IMAGES,
    SELECTOR,
];

const AUTOSCALERS: &[Column] = &[
    text("Reference", |autoscaler, _| {
        let target = |field| tree::text(autoscaler, field);
        format!(
            "{}/{}",
            target("/spec/scaleTargetRef/kind"),
            target("/spec/scaleTargetRef/name")
        )
        .into()
    }),
    text("MinPods", |autoscaler, _| {
        tree::int(autoscaler, "/spec/minReplicas")
            .map_or_else(|| "<unset>".to_owned(), |least| least.to_string())
            .into()
    }),
    number("MaxPods", |autoscaler, _| {
        count(autoscaler, "/spec/maxReplicas").into()
    }),
    number("Replicas", |autoscaler, _| {
        count(autoscaler, "/status/currentReplicas").into()
    }),
    AGE,
];

const INGRESSES: &[Column] = &[
    text("Class", |ingress, _| {
        some(ingress, "/spec/ingressClassName")
    }),
    text("Hosts", |ingress, _| {
        let hosts: Vec<String> = tree::items(ingress, "/spec/rules")
            .iter()
            .map(|rule| tree::text(rule, "/host").to_owned())
            .filter(|host| !host.is_empty())
            .collect();
        match hosts.as_slice() {
            [] => "*".into(),
            hosts => first_of(hosts, 3),
        }
    }),
    text("Address", |ingress, _| {
        tree::text(ingress, "/status/loadBalancer/ingress/0/ip").into()
    }),
    text("Ports", |ingress, _| {
        match tree::items(ingress, "/spec/tls") {
            [] => "80",
            [_, ..] => "80, 443",
        }
        .into()
    }),
    AGE,
];

const LEASES: &[Column] = &[
    text("Holder", |lease, _| {
        tree::text(lease, "/spec/holderIdentity").into()
    }),
    AGE,
];

const CONFIG_MAPS: &[Column] = &[
    number("Data", |map, _| {
        (size(map, "/data") + size(map, "/binaryData")).into()
    }),
    AGE,
];

const SECRETS: &[Column] = &[
    text("Type", |secret, _| tree::text(secret, "/type").into()),
    number("Data", |secret, _| size(secret, "/data").into()),
    AGE,
];

const NAMESPACES: &[Column] = &[
    text("Status", |namespace, _| {
        tree::text(namespace, "/status/phase").into()
    }),
    AGE,
];

const ROLES: &[Column] = &[text("Created At", |role, _| {
    tree::text(role, "/metadata/creationTimestamp").into()
})];

const BINDINGS: &[Column] = &[
    text("Role", |binding, _| {
        let part = |field| tree::text(binding, field);
        format!("{}/{}", part("/roleRef/kind"), part("/roleRef/name")).into()
    }),
    AGE,
];

/// What follows the name; `None` for the age alone.
pub(super) fn columns(plural: &str) -> Option<&'static [Column]> {
    match plural {
        "pods" => Some(PODS),
        "deployments" => Some(DEPLOYMENTS),
        "replicasets" => Some(REPLICA_SETS),
        "daemonsets" => Some(DAEMON_SETS),
        "services" => Some(SERVICES),
        "endpointslices" => Some(ENDPOINT_SLICES),
        "endpoints" => Some(ENDPOINTS),
        "configmaps" => Some(CONFIG_MAPS),
        "secrets" => Some(SECRETS),
        "namespaces" => Some(NAMESPACES),
        "nodes" => Some(NODES),
        "events" => Some(EVENTS),
        "jobs" => Some(JOBS),
        "horizontalpodautoscalers" => Some(AUTOSCALERS),
        "ingresses" => Some(INGRESSES),
        "leases" => Some(LEASES),
        "roles" | "clusterroles" => Some(ROLES),
        "rolebindings" | "clusterrolebindings" => Some(BINDINGS),
        _ => None,
    }
}
