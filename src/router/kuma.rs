//! Kuma: a TrafficRoute named like the apex service, which belongs to a mesh and to no namespace.
//!
//! Services are named by tags: name, namespace and port. It can neither match nor mirror in what Flagger wrote, and does
//! not tell when a proxy has it. Kuma has such routes off by default since 2.6, in favour of the Gateway API.
//! <https://kuma.io/docs/2.5.x/policies/traffic-route/>

use crate::canary::capabilities::Affinity;
use crate::canary::capabilities::Capabilities;
use crate::canary::capabilities::Matching;
use crate::canary::capabilities::Mirroring;
use crate::canary::object::ObjectRef;
use crate::canary::object::Resource;
use crate::canary::spec::Canary;
use crate::canary::weight::Proof;
use crate::canary::weight::Routes;
use crate::canary::weight::Weight;
use crate::router::Change;
use crate::router::DurationUnit;
use crate::router::Facts;
use crate::router::Queries;
use crate::router::QuerySite;
use crate::router::RouteError;
use crate::router::TrafficProvider;
use crate::router::apex_metadata;
use crate::router::apex_service;
use crate::router::change;
use crate::router::envoy;
use crate::router::patched;
use crate::router::weighted::Lists;
use crate::router::weighted::Shape;
use crate::router::weighted::weighted;
use serde_json::Value;
use serde_json::json;

pub(super) const PROVIDER: TrafficProvider = TrafficProvider {
    name: "kuma",
    summary: "Kuma: TrafficRoute weights",
    resource: RESOURCE,
    install: "Kuma 2, with TrafficRoutes switched on; Kuma 3 reads HTTPRoutes, which are provider gatewayapi:v1",
    capabilities: Capabilities {
        weighted: true,
        mirror: Mirroring::No,
        matches: Matching::NONE,
        session_affinity: Affinity::No,
        tcp_weights_only: false,
        needs: &[],
        service: &[],
    },
    route,
    beside: apex_service,
    prepare,
    routes,
    set_routes,
    proof: |_, _| Proof::Unknown,
    queries: Queries {
        success_rate: |site| envoy::success_rate(site, &cluster(site)),
        duration: |site| envoy::duration(site, &cluster(site)),
        duration_unit: DurationUnit::Millis,
    },
};

const RESOURCE: Resource = Resource::new("kuma.io", "v1alpha1", "trafficroutes", "TrafficRoute");
/// Annotation of the Canary that names its mesh.
const MESH: &str = "kuma.io/mesh";
/// Tag that names a service.
const SERVICE: &str = "kuma.io/service";

const SPLIT: Shape = Shape {
    dotted: "spec.conf.split",
    names: &["/destination/kuma.io~1service"],
    is,
    destination,
    weight: |weight| Some(json!(weight)),
    conditions: None,
};

fn route(canary: &Canary) -> ObjectRef {
    RESOURCE.cluster_scoped(canary.apex_name())
}

fn tag(canary: &Canary, service: &str) -> String {
    format!("{service}_{}_svc_{}", canary.namespace, canary.service.port)
}

/// Whatever the port.
fn is(canary: &Canary, entry: &Value, service: &str) -> bool {
    let destination = entry.get("destination");
    let tag = destination.and_then(|tags| tags.get(SERVICE));
    let mut parts = tag.and_then(Value::as_str).unwrap_or_default().split('_');
    parts.next() == Some(service) && parts.next() == Some(&canary.namespace)
}

fn destination(canary: &Canary, other: Option<&Value>, service: &str) -> Value {
    let mut entry = other.cloned().unwrap_or_else(|| json!({}));
    entry["destination"][SERVICE] = json!(tag(canary, service));
    entry
}

fn lists<'a>(canary: &'a Canary, address: &'a ObjectRef, live: &'a Value) -> Lists<'a> {
    let paths = vec!["/spec/conf/split".to_owned()];
    Lists::of(&SPLIT, canary, address, live, paths)
}

fn prepare(canary: &Canary, facts: &Facts) -> Result<Vec<Change>, RouteError> {
    let address = route(canary);
    if let Some(live) = facts.get(&address) {
        let operations = lists(canary, &address, live).take_over()?;
        return Ok(patched(&address, live, operations).into_iter().collect());
    }
    let mut metadata = apex_metadata(canary, facts);
    if let Some(fields) = metadata.as_object_mut() {
        fields.remove("namespace");
    }
    let split = [
        (canary.primary_service_name(), Weight::FULL),
        (canary.canary_service_name(), Weight::ZERO),
    ]
    .map(|(service, weight)| weighted(&SPLIT, canary, None, &service, weight));
    let mesh = canary.annotations.get(MESH);
    let manifest = json!({
        "apiVersion": address.api_version(), "kind": address.kind, "metadata": metadata,
        "mesh": mesh.map_or("default", String::as_str),
        "spec": {
            "sources": [{"match": {SERVICE: "*"}}],
            "destinations": [{"match": {SERVICE: tag(canary, canary.apex_name())}}],
            "conf": {"split": split},
        },
    });
    Ok(vec![Change::Create(address, manifest)])
}

fn routes(canary: &Canary, facts: &Facts) -> Result<Option<Routes>, RouteError> {
    let address = route(canary);
    match facts.get(&address) {
        Some(live) => lists(canary, &address, live).read(),
        None => Ok(None),
    }
}

fn set_routes(canary: &Canary, facts: &Facts, wish: Routes) -> Result<Vec<Change>, RouteError> {
    let address = route(canary);
    let Some(live) = facts.get(&address) else {
        return prepare(canary, facts);
    };
    let operations = lists(canary, &address, live).write(wish)?;
    Ok(change(address, operations))
}

fn cluster(site: &QuerySite<'_>) -> String {
    let QuerySite {
        namespace, target, ..
    } = site;
    format!("service=~\"{target}-canary_{namespace}_svc_[0-9a-zA-Z-]+\"")
}
