//! What Knative Serving's controllers do for a Service: a revision of each template, a Deployment and a Service of each
//! revision, and in the status which revisions have the traffic.
//!
//! Pods are as many as `min-scale` asks for, at least one, and none of a revision that no traffic names.

use crate::sandbox::store::ObjectKey;
use crate::sandbox::store::Store;
use crate::sandbox::tree;
use crate::sandbox::workloads::Moment;
use crate::sandbox::workloads::controlled;
use crate::sandbox::workloads::count;
use crate::sandbox::workloads::edit;
use crate::sandbox::workloads::owner_reference;
use crate::sandbox::writes::seconds;
use serde_json::Value;
use serde_json::json;

/// Of its API.
pub(super) const GROUP: &str = "serving.knative.dev";

const REVISION: &str = "serving.knative.dev/revision";
const SERVICE: &str = "/metadata/labels/serving.knative.dev~1service";
const MIN_SCALE: &str = "/metadata/annotations/autoscaling.knative.dev~1min-scale";

/// Whose revision a Deployment is of; empty where it is of none.
pub(super) fn service_of(deployment: &Value) -> &str {
    tree::text(deployment, SERVICE)
}

/// Brings everything of a Service in line with it.
pub(super) fn sync(moment: &mut Moment<'_>, namespace: &str, name: &str) {
    let key = ObjectKey::of(GROUP, "services", namespace, name);
    let Some(service) = moment.store.get(&key).cloned() else {
        return;
    };
    if service.pointer("/metadata/deletionTimestamp").is_some() {
        return;
    }
    let mut revisions = controlled(moment.store, GROUP, "revisions", namespace, &service);
    let template = service.pointer("/spec/template");
    let made = revisions
        .last()
        .and_then(|newest| moment.store.get(newest))
        .is_some_and(|newest| template.is_some_and(|template| is_of(newest, template)));
    if !made {
        revisions.push(create(moment, &service, revisions.len() + 1));
    }
    for revision in &revisions {
        report(moment.store, revision);
    }
    let ready = revisions
        .iter()
        .rev()
        .find(|one| is_ready(moment.store, one));
    let ready = ready.map(|one| one.name.clone());
    let newest = revisions.last().map(|one| one.name.clone());
    let traffic = traffic(moment.store, &service, ready.as_deref(), namespace);
    for revision in &revisions {
        scale(
            moment.store,
            &service,
            &traffic,
            revision,
            newest.as_deref(),
        );
    }
    let generation = count(&service, "/metadata/generation");
    edit(moment.store, &key, |service| {
        let status = |met: bool| if met { "True" } else { "Unknown" };
        let configured = newest == ready;
        let conditions = [
            ("ConfigurationsReady", configured),
            ("Ready", configured && traffic.is_some()),
            ("RoutesReady", traffic.is_some()),
        ];
        let conditions: Vec<Value> = conditions
            .into_iter()
            .map(|(kind, met)| json!({"type": kind, "status": status(met)}))
            .collect();
        tree::set(service, &["status", "observedGeneration"], generation);
        tree::set(service, &["status", "conditions"], conditions);
        tree::set(service, &["status", "latestCreatedRevisionName"], newest);
        if ready.is_some() {
            tree::set(service, &["status", "latestReadyRevisionName"], ready);
        }
        // Until all that it asks for is ready, users stay where they are.
        if let Some(traffic) = traffic {
            tree::set(service, &["status", "traffic"], traffic);
        }
    });
}

/// Was the revision made of that template?
fn is_of(revision: &Value, template: &Value) -> bool {
    let annotations = |object: &Value| {
        let annotations = object.pointer("/metadata/annotations").cloned();
        annotations.unwrap_or_else(|| json!({}))
    };
    revision.get("spec") == template.get("spec") && annotations(revision) == annotations(template)
}

fn create(moment: &mut Moment<'_>, service: &Value, number: usize) -> ObjectKey {
    let namespace = tree::text(service, "/metadata/namespace");
    let owner = tree::text(service, "/metadata/name");
    let name = format!("{owner}-{number:05}");
    let template = service
        .pointer("/spec/template")
        .cloned()
        .unwrap_or_default();
    let annotations = template.pointer("/metadata/annotations");
    let labels = json!({REVISION: name, "serving.knative.dev/service": owner, "app": name});
    let born = seconds(moment.now);
    let metadata = |moment: &mut Moment<'_>, name: &str, owner: &Value| {
        json!({
            "name": name, "namespace": namespace, "uid": moment.store.next_uid(), "generation": 1,
            "creationTimestamp": born, "labels": labels, "ownerReferences": [owner_reference(owner)],
        })
    };
    let mut revision = json!({
        "apiVersion": "serving.knative.dev/v1", "kind": "Revision",
        "metadata": metadata(moment, &name, service), "spec": template.get("spec"),
    });
    let mut pods = json!({"metadata": {"labels": labels}, "spec": template.get("spec")});
    if let Some(annotations) = annotations {
        tree::set(
            &mut revision,
            &["metadata", "annotations"],
            annotations.clone(),
        );
        tree::set(&mut pods, &["metadata", "annotations"], annotations.clone());
    }
    let key = ObjectKey::of(GROUP, "revisions", namespace, &name);
    let selector = json!({REVISION: name});
    let workload = format!("{name}-deployment");
    let deployment = json!({
        "apiVersion": "apps/v1", "kind": "Deployment",
        "metadata": metadata(moment, &workload, &revision),
        "spec": {
            "replicas": min_scale(&revision), "selector": {"matchLabels": selector}, "template": pods,
            "strategy": {"type": "RollingUpdate", "rollingUpdate": {"maxSurge": "25%", "maxUnavailable": 0}},
        },
    });
    let private = json!({
        "apiVersion": "v1", "kind": "Service", "metadata": metadata(moment, &name, &revision),
        "spec": {"selector": selector, "ports": [{"name": "http", "port": 80, "protocol": "TCP", "targetPort": 8012}]},
    });
    moment.store.put(key.clone(), revision);
    let deployments = ObjectKey::of("apps", "deployments", namespace, &workload);
    moment.store.put(deployments, deployment);
    let services = ObjectKey::of("", "services", namespace, &name);
    moment.store.put(services, private);
    key
}

fn min_scale(revision: &Value) -> i64 {
    let wanted = tree::text(revision, MIN_SCALE).parse();
    wanted.unwrap_or(1).max(1)
}

fn deployment(revision: &ObjectKey) -> ObjectKey {
    let name = format!("{}-deployment", revision.name);
    ObjectKey::of("apps", "deployments", &revision.namespace, &name)
}

fn is_ready(store: &Store, revision: &ObjectKey) -> bool {
    store
        .get(revision)
        .is_some_and(|revision| tree::text(revision, "/status/conditions/0/status") == "True")
}

/// A revision that was ready once stays so without pods: they come back with the first request.
fn report(store: &mut Store, revision: &ObjectKey) {
    let available = store.get(&deployment(revision)).map_or(0, |deployment| {
        count(deployment, "/status/availableReplicas")
    });
    let status = if available > 0 || is_ready(store, revision) {
        "True"
    } else {
        "Unknown"
    };
    edit(store, revision, |revision| {
        let conditions = json!([{"type": "Ready", "status": status}]);
        tree::set(revision, &["status", "conditions"], conditions);
    });
}

/// The traffic by the names of revisions; `None` where one of them is not ready.
fn traffic(
    store: &Store,
    service: &Value,
    ready: Option<&str>,
    namespace: &str,
) -> Option<Vec<Value>> {
    let default = json!([{"latestRevision": true, "percent": 100}]);
    let asked = service.pointer("/spec/traffic").unwrap_or(&default);
    let mut traffic = Vec::new();
    for entry in asked.as_array().into_iter().flatten() {
        let mut entry = entry.clone();
        let named = tree::text(&entry, "/revisionName").to_owned();
        let name = if named.is_empty() { ready? } else { &named };
        if !is_ready(store, &ObjectKey::of(GROUP, "revisions", namespace, name)) {
            return None;
        }
        tree::set(&mut entry, &["revisionName"], name);
        traffic.push(entry);
    }
    Some(traffic)
}

fn scale(
    store: &mut Store,
    service: &Value,
    traffic: &Option<Vec<Value>>,
    revision: &ObjectKey,
    newest: Option<&str>,
) {
    let before = tree::items(service, "/status/traffic");
    let asked = tree::items(service, "/spec/traffic");
    let mut all = before.iter().chain(asked).chain(traffic.iter().flatten());
    let is_named = all.any(|entry| tree::text(entry, "/revisionName") == revision.name);
    let wanted = store
        .get(revision)
        .map_or(1, |revision| min_scale(revision));
    let pods = if is_named || newest == Some(&revision.name) {
        wanted
    } else {
        0
    };
    edit(store, &deployment(revision), |deployment| {
        tree::set(deployment, &["spec", "replicas"], pods);
    });
}
