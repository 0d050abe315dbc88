//! Events, as controllers, scheduler and kubelet of a real cluster report what they did.
//!
//! They are told where people look at the cluster with kubectl; no decision may depend on them.

use crate::sandbox::store::Change;
use crate::sandbox::store::ChangeKind;
use crate::sandbox::store::ObjectKey;
use crate::sandbox::tree;
use crate::sandbox::workloads::Moment;
use crate::sandbox::workloads::controller;
use crate::sandbox::workloads::count;
use crate::sandbox::writes::seconds;
use jiff::SignedDuration;
use serde_json::Value;
use serde_json::json;

/// How long an event is kept, as `--event-ttl` of a real API server has it.
const KEPT: SignedDuration = SignedDuration::from_hours(1);

/// Something to report.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(super) struct Report {
    namespace: String,
    /// `apiVersion`, kind, name and UID of what it is about.
    about: [String; 4],
    /// `spec.containers{NAME}`, else empty.
    field: String,
    reason: &'static str,
    message: String,
    component: &'static str,
}

impl Report {
    fn of(object: &Value, reason: &'static str, message: String, component: &'static str) -> Self {
        let text = |pointer| tree::text(object, pointer).to_owned();
        Self {
            namespace: text("/metadata/namespace"),
            about: [
                text("/apiVersion"),
                text("/kind"),
                text("/metadata/name"),
                text("/metadata/uid"),
            ],
            field: String::new(),
            reason,
            message,
            component,
        }
    }

    /// About the controller of an object.
    fn of_owner(object: &Value, reason: &'static str, message: String) -> Option<Self> {
        let owner = controller(object)?;
        let component = match tree::text(owner, "/kind") {
            "Deployment" => "deployment-controller",
            "ReplicaSet" => "replicaset-controller",
            "DaemonSet" => "daemonset-controller",
            _ => return None,
        };
        let about = ["/apiVersion", "/kind", "/name", "/uid"];
        Some(Self {
            about: about.map(|pointer| tree::text(owner, pointer).to_owned()),
            ..Self::of(object, reason, message, component)
        })
    }

    fn of_container(pod: &Value, name: &str, reason: &'static str, message: String) -> Self {
        Self {
            field: format!("spec.containers{{{name}}}"),
            ..Self::of(pod, reason, message, "kubelet")
        }
    }
}

/// What a change shows that somebody did.
pub(super) fn reports(change: &Change) -> Vec<Report> {
    if change.kind == ChangeKind::Deleted {
        return Vec::new();
    }
    match (change.key.group.as_str(), change.key.plural.as_str()) {
        ("apps", "replicasets") => scaled(change).into_iter().collect(),
        ("", "pods") => lived(change),
        _ => Vec::new(),
    }
}

fn scaled(change: &Change) -> Option<Report> {
    let replicas = |set: &Value| count(set, "/spec/replicas");
    let before = change.before.as_ref().map_or(0, |set| replicas(set));
    let after = replicas(&change.after);
    let way = match before.cmp(&after) {
        std::cmp::Ordering::Less => "up",
        std::cmp::Ordering::Greater => "down",
        std::cmp::Ordering::Equal => return None,
    };
    let name = &change.key.name;
    let message = format!("Scaled {way} replica set {name} from {before} to {after}");
    Report::of_owner(&change.after, "ScalingReplicaSet", message)
}

fn lived(change: &Change) -> Vec<Report> {
    let (pod, name) = (&*change.after, &change.key.name);
    let Some(before) = change.before.as_deref() else {
        let created = format!("Created pod: {name}");
        return Report::of_owner(pod, "SuccessfulCreate", created)
            .into_iter()
            .collect();
    };
    let mut all = Vec::new();
    let node = tree::text(pod, "/spec/nodeName");
    if tree::text(before, "/spec/nodeName") != node {
        let placed = format!(
            "Successfully assigned {}/{name} to {node}",
            change.key.namespace
        );
        all.push(Report::of(pod, "Scheduled", placed, "default-scheduler"));
    }
    let runs = |pod: &Value| tree::text(pod, "/status/phase") == "Running";
    let leaves = |pod: &Value| pod.pointer("/metadata/deletionTimestamp").is_some();
    for container in tree::items(pod, "/spec/containers") {
        let name = tree::text(container, "/name");
        if runs(pod) && !runs(before) {
            let started = format!("Started container {name}");
            all.push(Report::of_container(pod, name, "Started", started));
        }
        if leaves(pod) && !leaves(before) {
            let stopping = format!("Stopping container {name}");
            all.push(Report::of_container(pod, name, "Killing", stopping));
        }
    }
    all
}

/// Writes it, and forgets what is older than events are kept. A namespace that ends takes none.
pub(super) fn write(moment: &mut Moment<'_>, report: &Report) {
    let place = ObjectKey::of("", "namespaces", "", &report.namespace);
    let ends = moment
        .store
        .get(&place)
        .is_none_or(|namespace| namespace.pointer("/metadata/deletionTimestamp").is_some());
    if ends {
        return;
    }
    let now = seconds(moment.now);
    let [api_version, kind, about, uid] = &report.about;
    let key = |name: &str| ObjectKey::of("", "events", &report.namespace, name);
    // the API machinery names them by the nanosecond
    let mut number = moment.now.as_nanosecond();
    let mut name = format!("{about}.{number:x}");
    while moment.store.get(&key(&name)).is_some() {
        number += 1;
        name = format!("{about}.{number:x}");
    }
    let mut event = json!({
        "apiVersion": "v1", "kind": "Event",
        "metadata": {
            "name": name, "namespace": report.namespace, "uid": moment.store.next_uid(), "creationTimestamp": now,
        },
        "involvedObject": {
            "apiVersion": api_version, "kind": kind, "name": about, "namespace": report.namespace, "uid": uid,
        },
        "reason": report.reason, "message": report.message, "type": "Normal", "count": 1,
        "firstTimestamp": now, "lastTimestamp": now, "eventTime": null,
        "source": {"component": report.component},
        "reportingComponent": report.component, "reportingInstance": "",
    });
    if !report.field.is_empty() {
        tree::set(
            &mut event,
            &["involvedObject", "fieldPath"],
            report.field.as_str(),
        );
    }
    moment.store.put(key(&name), event);
    let oldest = seconds(moment.now.saturating_sub(KEPT).unwrap_or(moment.now));
    let old: Vec<ObjectKey> = moment
        .store
        .list("", "events", "")
        .filter(|(_, event)| tree::text(event, "/metadata/creationTimestamp") < oldest.as_str())
        .map(|(key, _)| key.clone())
        .collect();
    for key in old {
        moment.store.remove(&key);
    }
}
