//! Traffic providers: each one a pure translation in one file, and one line in [`PROVIDERS`].
//!
//! To add one:
//! 1. write `src/router/NAME.rs`: which object, which fields, its limits, and `pub(super) const PROVIDER`;
//! 2. add `mod NAME;` and `&NAME::PROVIDER,` below;
//! 3. put `testdata/providers/NAME/{canary,before,weight-30}.yaml`, and name them in `tests.rs`.
//!
//! Must not wait, read or write: live objects are handed in as [`Facts`].

use crate::canary::capabilities::Capabilities;
use crate::canary::metadata::MANAGED_BY;
use crate::canary::metadata::MANAGER;
use crate::canary::metadata::ORIGINAL;
use crate::canary::metadata::entries;
use crate::canary::metadata::flux_opt_out;
use crate::canary::object::ObjectRef;
use crate::canary::object::Resource;
use crate::canary::spec::Canary;
use crate::canary::weight::Proof;
use crate::canary::weight::Routes;
use serde_json::Map;
use serde_json::Value;
use serde_json::json;
use std::collections::BTreeMap;

mod apisix;
mod appmesh;
mod arranged;
mod contour;
mod copied;
mod envoy;
mod gateway_api;
mod gateway_api_v1beta1;
mod gloo;
mod ingress;
mod istio;
pub mod knative;
mod kubernetes;
mod kuma;
mod nginx;
mod rules;
mod sides;
mod skipper;
mod smi;
mod traefik;
mod weighted;

/// All of them, sorted by name.
pub const PROVIDERS: &[&TrafficProvider] = &[
    &apisix::PROVIDER,
    &appmesh::PROVIDER,
    &appmesh::V1BETA2,
    &contour::PROVIDER,
    &gateway_api::PROVIDER,
    &gateway_api_v1beta1::PROVIDER,
    &gloo::PROVIDER,
    &istio::PROVIDER,
    &knative::PROVIDER,
    &kubernetes::PROVIDER,
    &kuma::PROVIDER,
    &smi::LINKERD,
    &nginx::PROVIDER,
    &smi::OSM,
    &skipper::PROVIDER,
    &smi::V1ALPHA1,
    &smi::V1ALPHA2,
    &smi::V1ALPHA3,
    &traefik::PROVIDER,
];

/// A router and how to move its weights.
pub struct TrafficProvider {
    /// Value of `spec.provider`.
    pub name: &'static str,
    /// One line for tables.
    pub summary: &'static str,
    /// The kind that carries the weights; without a router that of the apex service.
    pub resource: Resource,
    /// Where its definitions are found when the cluster lacks them.
    pub install: &'static str,
    /// What it can do.
    pub capabilities: Capabilities,
    /// The object that carries the weights; without a router the apex service.
    pub route: fn(&Canary) -> ObjectRef,
    /// What else `prepare` must be shown.
    pub beside: fn(&Canary) -> Vec<ObjectRef>,
    /// What must be written so that the route exists with everything on the primary; nothing where it does.
    pub prepare: fn(&Canary, &Facts) -> Result<Vec<Change>, RouteError>,
    /// Reads the weights; `None` where there is no route yet.
    pub routes: fn(&Canary, &Facts) -> Result<Option<Routes>, RouteError>,
    /// What must be written to move the weights; nothing where they are so.
    pub set_routes: fn(&Canary, &Facts, Routes) -> Result<Vec<Change>, RouteError>,
    /// Are the weights as written in effect?
    pub proof: fn(&Canary, &Facts) -> Proof,
    /// Its expressions of the built-in checks.
    pub queries: Queries,
}

/// Live objects that a provider asked for, by address.
pub type Facts = BTreeMap<ObjectRef, Value>;

/// Something to write.
#[derive(Clone, Debug, PartialEq)]
pub enum Change {
    /// A new object, without our marks and labels.
    Create(ObjectRef, Value),
    /// Operations of a JSON Patch on a live one, without our guard.
    Patch(ObjectRef, Vec<Value>),
}

/// PromQL of the built-in checks.
pub struct Queries {
    /// Share of answers without server error, percent.
    pub success_rate: fn(&QuerySite<'_>) -> String,
    /// Duration of a request.
    pub duration: fn(&QuerySite<'_>) -> String,
    /// Unit of that duration.
    pub duration_unit: DurationUnit,
}

/// Unit in which a duration query answers.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum DurationUnit {
    /// Milliseconds.
    Millis,
    /// Seconds.
    Seconds,
}

/// What the expressions are about.
#[derive(Clone, Copy, Debug)]
pub struct QuerySite<'a> {
    /// Of the canary.
    pub namespace: &'a str,
    /// Name of the target.
    pub target: &'a str,
    /// Name of the apex service.
    pub service: &'a str,
    /// Name of the Ingress, else of the target.
    pub ingress: &'a str,
    /// Name of the route object, else of the target.
    pub route: &'a str,
    /// Window, as PromQL writes it.
    pub interval: &'a str,
}

/// A route is not as it must be.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error, miette::Diagnostic)]
pub enum RouteError {
    /// It sends traffic to something that is neither of our services.
    #[error("{object} also sends traffic to {destination}")]
    #[diagnostic(
        code(flagger::router::foreign_destination),
        help(
            "let the route name the primary and canary services alone, or delete it: it is created when missing"
        )
    )]
    Foreign {
        /// Such as `traefikservice/podinfo`.
        object: String,
        /// What else is named there.
        destination: String,
    },
    /// Its weights have another scale, and we did not write them.
    #[error("the weights of {object} add up to {total}")]
    #[diagnostic(
        code(flagger::router::scale),
        help("write them in percent, so that they add up to 100")
    )]
    Scale {
        /// Such as `trafficsplit/podinfo`.
        object: String,
        /// Their sum.
        total: String,
    },
    /// Something that the Canary names is not there.
    #[error("{object} needs {what}, which is not there")]
    #[diagnostic(
        code(flagger::router::missing),
        help("create it, or correct the Canary")
    )]
    Missing {
        /// Such as `routetable/podinfo`.
        object: String,
        /// What it needs.
        what: String,
    },
    /// Its shape is not one that carries weights.
    #[error("{object} has no {field}")]
    #[diagnostic(
        code(flagger::router::shape),
        help(
            "a route by that name exists, but of another sort: give the canary's service another name, or delete it"
        )
    )]
    Shape {
        /// Such as `traefikservice/podinfo`.
        object: String,
        /// The field that is missing.
        field: &'static str,
    },
    /// It leads to neither of the services that it must.
    #[error("{object} does not lead to service {service}")]
    #[diagnostic(
        code(flagger::router::unnamed),
        help("let one of its paths lead there, or name another object in the Canary")
    )]
    Unnamed {
        /// Such as `ingress/podinfo`.
        object: String,
        /// The service that it must name.
        service: String,
    },
    /// What stands for a weight is none.
    #[error("{object}: {field} is {found:?}, which is no weight")]
    #[diagnostic(
        code(flagger::router::unreadable),
        help("correct it, or delete the object: it is made again when missing")
    )]
    Unreadable {
        /// Such as `ingress/podinfo-canary`.
        object: String,
        /// The annotation.
        field: &'static str,
        /// Its value.
        found: String,
    },
    /// The analysis asks for requests that its kind has no words for.
    #[error("an {kind} cannot say {what}")]
    #[diagnostic(
        code(flagger::router::unsaid_match),
        help("change spec.analysis.match, or take another provider")
    )]
    UnsaidMatch {
        /// Such as `Ingress`.
        kind: &'static str,
        /// What is asked for.
        what: &'static str,
    },
    /// The Canary asks for something that its kind has no words for.
    #[error("an {kind} cannot say {what}")]
    #[diagnostic(
        code(flagger::router::unsaid),
        help("change spec.service.match, or take another provider")
    )]
    Unsaid {
        /// Such as `HTTPRoute`.
        kind: &'static str,
        /// What is asked for.
        what: &'static str,
    },
}

/// A provider by its name.
#[must_use]
pub fn provider(name: &str) -> Option<&'static TrafficProvider> {
    PROVIDERS
        .iter()
        .copied()
        .find(|provider| provider.name == name)
}

/// The apex service, which `apex_metadata` looks at where the Canary has metadata for it.
fn apex_service(canary: &Canary) -> Vec<ObjectRef> {
    let service = Resource::SERVICE.in_namespace(&canary.namespace, canary.apex_name());
    canary
        .service
        .apex
        .iter()
        .map(|_| service.clone())
        .collect()
}

/// Metadata of a route that we make: the apex's, and what keeps Flux away. With metadata of its own the apex lends its
/// route the label by which its pods are chosen too, as in Flagger.
fn apex_metadata(canary: &Canary, facts: &Facts) -> Value {
    let mut labels = Map::new();
    let mut annotations = flux_opt_out();
    if let Some(apex) = &canary.service.apex {
        let owned = |(key, value): (&String, &String)| (key.clone(), json!(value));
        labels.extend(apex.labels.iter().map(owned));
        annotations.extend(apex.annotations.iter().map(owned));
    }
    for service in apex_service(canary) {
        let selector = facts
            .get(&service)
            .and_then(|live| live.pointer("/spec/selector"));
        for key in selector
            .and_then(Value::as_object)
            .into_iter()
            .flat_map(Map::keys)
        {
            labels.insert(key.clone(), json!(canary.apex_name()));
        }
    }
    json!({"name": canary.apex_name(), "namespace": canary.namespace, "labels": labels, "annotations": annotations})
}

/// The operations as one change; none without operations.
fn change(address: ObjectRef, operations: Vec<Value>) -> Vec<Change> {
    if operations.is_empty() {
        return Vec::new();
    }
    vec![Change::Patch(address, operations)]
}

/// The operations as one change, with the spec of a route that we did not make kept in an annotation, so that it can
/// be given back; no change without operations.
fn patched(address: &ObjectRef, live: &Value, mut operations: Vec<Value>) -> Option<Change> {
    if operations.is_empty() {
        return None;
    }
    let ours = entries(live, "labels")
        .get(MANAGED_BY)
        .is_some_and(|by| by == MANAGER);
    if !ours && !entries(live, "annotations").contains_key(ORIGINAL) {
        if live.pointer("/metadata/annotations").is_none() {
            operations.push(json!({"op": "add", "path": "/metadata/annotations", "value": {}}));
        }
        let path = format!("/metadata/annotations/{}", ORIGINAL.replace('/', "~1"));
        operations.push(json!({"op": "add", "path": path, "value": live["spec"].to_string()}));
    }
    Some(Change::Patch(address.clone(), operations))
}

#[cfg(test)]
mod tests;
