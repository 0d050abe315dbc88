//! A second Ingress beside the user's own, with the same hosts and paths: what nginx and Skipper have in common.
//!
//! The user's own is read and never written. Must not know an annotation of any controller.

use crate::canary::object::ObjectRef;
use crate::canary::object::Resource;
use crate::canary::spec::Canary;
use crate::router::Facts;
use crate::router::RouteError;
use crate::router::copied;
use serde_json::Value;
use serde_json::json;

pub(super) const INGRESS: Resource =
    Resource::new("networking.k8s.io", "v1", "ingresses", "Ingress");

/// The Ingress that users reach, which `spec.ingressRef` names.
pub(super) fn source(canary: &Canary) -> ObjectRef {
    INGRESS.in_namespace(&canary.namespace, name(canary))
}

/// The one beside it.
pub(super) fn route(canary: &Canary) -> ObjectRef {
    INGRESS.in_namespace(&canary.namespace, &format!("{}-canary", name(canary)))
}

fn name(canary: &Canary) -> &str {
    let named = canary.ingress.as_ref();
    named.map_or_else(|| canary.target_name(), |ingress| &ingress.name)
}

/// The source with other backends: each path to the apex service becomes what `instead` makes of it.
pub(super) fn spec(
    canary: &Canary,
    facts: &Facts,
    instead: fn(&Canary, &Value) -> Vec<Value>,
) -> Result<Value, RouteError> {
    let address = source(canary);
    let mut spec = copied::source(facts, &address, &route(canary))?["spec"].clone();
    let mut added = Vec::new();
    let mut found = false;
    for paths in paths_of(&mut spec) {
        let mut kept = Vec::new();
        for path in paths.drain(..) {
            if leads_to(&path, canary.apex_name()) {
                found = true;
                let mut made = instead(canary, &path).into_iter();
                kept.extend(made.next());
                added.extend(made);
            } else {
                kept.push(path);
            }
        }
        kept.append(&mut added);
        *paths = kept;
    }
    if found {
        Ok(spec)
    } else {
        Err(RouteError::Unnamed {
            object: address.to_string(),
            service: canary.apex_name().to_owned(),
        })
    }
}

/// The same path to another service.
pub(super) fn towards(path: &Value, service: &str) -> Value {
    let mut path = path.clone();
    path["backend"]["service"]["name"] = json!(service);
    path
}

/// An error unless some path of the live one leads to that service.
pub(super) fn must_name(
    live: &Value,
    address: &ObjectRef,
    service: &str,
) -> Result<(), RouteError> {
    let mut spec = live["spec"].clone();
    let named = paths_of(&mut spec)
        .iter()
        .any(|paths| paths.iter().any(|path| leads_to(path, service)));
    if named {
        return Ok(());
    }
    Err(RouteError::Unnamed {
        object: address.to_string(),
        service: service.to_owned(),
    })
}

fn leads_to(path: &Value, service: &str) -> bool {
    path.pointer("/backend/service/name")
        .is_some_and(|name| name == service)
}

/// The paths of every rule; a rule may have none.
fn paths_of(spec: &mut Value) -> Vec<&mut Vec<Value>> {
    let rules = spec.get_mut("rules").and_then(Value::as_array_mut);
    let paths = rules.into_iter().flatten().filter_map(|rule| {
        rule.pointer_mut("/http/paths")
            .and_then(Value::as_array_mut)
    });
    paths.collect()
}
