//! AWS App Mesh, in the two versions of its controller's API: virtual nodes for the sides, and the weights of the routes
//! to them, which stand in the VirtualService of v1beta1 and in the VirtualRouter of v1beta2.
//!
//! It cannot mirror, and Flagger's observer counts at the pods. All headers of all conditions must match, as in Flagger:
//! one route has one list of them. AWS ended App Mesh on 2026-09-30.
//! <https://aws.github.io/aws-app-mesh-controller-for-k8s/reference/api_spec/>

use crate::canary::capabilities::Affinity;
use crate::canary::capabilities::Capabilities;
use crate::canary::capabilities::Comparison;
use crate::canary::capabilities::Matching;
use crate::canary::capabilities::Mirroring;
use crate::canary::capabilities::Need;
use crate::canary::capabilities::ServiceField;
use crate::canary::object::ObjectRef;
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
use crate::router::appmesh::words::Version;
use crate::router::change;
use crate::router::envoy;
use crate::router::patched;
use crate::router::rules::adjusted;
use crate::router::weighted::Lists;
use serde_json::Value;
use serde_json::json;

mod words;

pub(super) const PROVIDER: TrafficProvider = TrafficProvider {
    name: "appmesh",
    summary: "AWS App Mesh: VirtualService weights",
    resource: words::V1BETA1.route,
    install: INSTALL,
    capabilities: Capabilities {
        needs: &[Need::MeshName],
        service: &[
            ServiceField::Hosts,
            ServiceField::Match,
            ServiceField::Retries,
            ServiceField::MeshName,
            ServiceField::Backends,
        ],
        ..CAPABILITIES
    },
    route: |canary| words::V1BETA1.route(canary, canary.apex_name()),
    beside: |canary| beside(&words::V1BETA1, canary),
    prepare: |canary, facts| prepare(&words::V1BETA1, canary, facts),
    routes: |canary, facts| routes(&words::V1BETA1, canary, facts),
    set_routes: |canary, facts, wish| set_routes(&words::V1BETA1, canary, facts, wish),
    proof: |_, _| Proof::Unknown,
    queries: QUERIES,
};

pub(super) const V1BETA2: TrafficProvider = TrafficProvider {
    name: "appmesh:v1beta2",
    summary: "AWS App Mesh: VirtualRouter weights",
    resource: words::V1BETA2.route,
    install: INSTALL,
    capabilities: CAPABILITIES,
    route: |canary| words::V1BETA2.route(canary, canary.apex_name()),
    beside: |canary| beside(&words::V1BETA2, canary),
    prepare: |canary, facts| prepare(&words::V1BETA2, canary, facts),
    routes: |canary, facts| routes(&words::V1BETA2, canary, facts),
    set_routes: |canary, facts, wish| set_routes(&words::V1BETA2, canary, facts, wish),
    proof: |_, _| Proof::Unknown,
    queries: QUERIES,
};

const INSTALL: &str = "https://github.com/aws/aws-app-mesh-controller-for-k8s";

const CAPABILITIES: Capabilities = Capabilities {
    weighted: true,
    mirror: Mirroring::No,
    matches: Matching {
        headers: &[
            Comparison::Exact,
            Comparison::Prefix,
            Comparison::Suffix,
            Comparison::Regex,
        ],
        query_params: &[],
        source_labels: false,
    },
    session_affinity: Affinity::No,
    tcp_weights_only: false,
    needs: &[],
    service: &[
        ServiceField::Hosts,
        ServiceField::Match,
        ServiceField::Timeout,
        ServiceField::Retries,
        ServiceField::Backends,
    ],
};

const QUERIES: Queries = Queries {
    success_rate: |site| envoy::success_rate(site, &pods(site)),
    duration: |site| envoy::duration(site, &pods(site)),
    duration_unit: DurationUnit::Millis,
};

/// Pods of the Deployment, but not those of its primary.
fn pods(site: &QuerySite<'_>) -> String {
    let QuerySite {
        namespace, target, ..
    } = site;
    format!(
        "kubernetes_namespace=\"{namespace}\",\
         kubernetes_pod_name=~\"{target}-[0-9a-zA-Z]+(-[0-9a-zA-Z]+)\""
    )
}

/// What is named after the services: each with the share of the canary among those who call it by that name.
fn called(canary: &Canary) -> [(String, Weight); 2] {
    [
        (canary.apex_name().to_owned(), Weight::ZERO),
        (canary.canary_service_name(), Weight::FULL),
    ]
}

fn beside(version: &Version, canary: &Canary) -> Vec<ObjectRef> {
    let mut beside = (version.sources)(canary);
    let nodes = (version.nodes)(canary, &Facts::new());
    beside.extend(nodes.into_iter().map(|(address, _)| address));
    for (name, share) in called(canary) {
        let made = (version.service)(canary, &name, share);
        beside.extend(made.into_iter().map(|(address, _)| address));
    }
    let route = version.route(canary, canary.apex_name());
    beside.retain(|address| *address != route);
    beside
}

fn prepare(version: &Version, canary: &Canary, facts: &Facts) -> Result<Vec<Change>, RouteError> {
    let mut changes = Vec::new();
    for (address, manifest) in (version.nodes)(canary, facts) {
        match facts.get(&address) {
            None => changes.push(Change::Create(address, manifest)),
            Some(live) => {
                let operations = adjusted("/spec", &live["spec"], &manifest["spec"]);
                changes.extend(patched(&address, live, operations));
            }
        }
    }
    let route = version.route(canary, canary.apex_name());
    for (name, share) in called(canary) {
        for (address, manifest) in (version.service)(canary, &name, share) {
            match facts.get(&address) {
                None => changes.push(Change::Create(address, manifest)),
                Some(live) if address == route => {
                    changes.extend(renewed(version, canary, &address, live, &manifest)?);
                }
                Some(_) => {}
            }
        }
    }
    Ok(changes)
}

/// The live routes as they must be before the first weight.
fn renewed(
    version: &Version,
    canary: &Canary,
    address: &ObjectRef,
    live: &Value,
    wanted: &Value,
) -> Result<Option<Change>, RouteError> {
    let lists = lists(version, canary, address, live);
    let operations = if lists.are_under(&words::headers(canary))? {
        lists.take_over()?
    } else {
        let routes = &wanted["spec"]["routes"];
        vec![json!({"op": "replace", "path": "/spec/routes", "value": routes})]
    };
    Ok(patched(address, live, operations))
}

fn lists<'a>(
    version: &'a Version,
    canary: &'a Canary,
    address: &'a ObjectRef,
    live: &'a Value,
) -> Lists<'a> {
    let routes = live.pointer("/spec/routes").and_then(Value::as_array);
    let mut paths = Vec::new();
    for (index, route) in routes.into_iter().flatten().enumerate() {
        let protocols = route.as_object().into_iter().flatten();
        for (protocol, _) in protocols.filter(|(_, rule)| rule.get("action").is_some()) {
            paths.push(format!(
                "/spec/routes/{index}/{protocol}/action/weightedTargets"
            ));
        }
    }
    Lists::of(&version.targets, canary, address, live, paths)
}

fn routes(version: &Version, canary: &Canary, facts: &Facts) -> Result<Option<Routes>, RouteError> {
    let address = version.route(canary, canary.apex_name());
    let Some(live) = facts.get(&address) else {
        return Ok(None);
    };
    let lists = lists(version, canary, &address, live);
    if lists.are_under(&words::headers(canary))? {
        lists.read()
    } else {
        Ok(None)
    }
}

fn set_routes(
    version: &Version,
    canary: &Canary,
    facts: &Facts,
    wish: Routes,
) -> Result<Vec<Change>, RouteError> {
    let address = version.route(canary, canary.apex_name());
    let Some(live) = facts.get(&address) else {
        return prepare(version, canary, facts);
    };
    let operations = lists(version, canary, &address, live).write(wish)?;
    Ok(change(address, operations))
}
