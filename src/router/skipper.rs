//! Skipper: an Ingress beside the one that `spec.ingressRef` names, with each path to both services.
//!
//! The weights are the annotation `zalando.org/backend-weights`, by name of the service. The predicate `Weight(100)`
//! puts this Ingress before the user's own; `False()` takes it out of use, which is what nothing for the canary is.
//! It can neither match nor mirror, and has no way to tell what is in effect.
//! <https://opensource.zalando.com/skipper/kubernetes/ingress-backends/>

use crate::canary::capabilities::Affinity;
use crate::canary::capabilities::Capabilities;
use crate::canary::capabilities::Matching;
use crate::canary::capabilities::Mirroring;
use crate::canary::capabilities::Need;
use crate::canary::metadata::CANARY;
use crate::canary::metadata::entries;
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
use crate::router::change;
use crate::router::copied;
use crate::router::copied::annotated;
use crate::router::ingress;
use crate::router::ingress::INGRESS;
use crate::router::ingress::route;
use serde_json::Map;
use serde_json::Value;
use serde_json::json;
use std::collections::BTreeMap;

pub(super) const PROVIDER: TrafficProvider = TrafficProvider {
    name: "skipper",
    summary: "Skipper: backend weights of a canary Ingress",
    resource: INGRESS,
    install: "https://opensource.zalando.com/skipper/kubernetes/ingress-controller/",
    capabilities: Capabilities {
        weighted: true,
        mirror: Mirroring::No,
        matches: Matching::NONE,
        session_affinity: Affinity::No,
        tcp_weights_only: false,
        needs: &[Need::IngressRef],
        service: &[],
    },
    route,
    beside: |canary| vec![ingress::source(canary)],
    prepare,
    routes,
    set_routes,
    proof: |_, _| Proof::Unknown,
    queries: Queries {
        success_rate,
        duration,
        duration_unit: DurationUnit::Millis,
    },
};

const WEIGHTS: &str = "zalando.org/backend-weights";
const PREDICATE: &str = "zalando.org/skipper-predicate";
/// More important than a route without weight.
const OPEN: &str = "Weight(100)";
/// Matches nothing.
const CLOSED: &str = "False()";

fn prepare(canary: &Canary, facts: &Facts) -> Result<Vec<Change>, RouteError> {
    let address = route(canary);
    let spec = ingress::spec(canary, facts, |canary, path| {
        [canary.primary_service_name(), canary.canary_service_name()]
            .map(|service| ingress::towards(path, &service))
            .to_vec()
    })?;
    if let Some(live) = facts.get(&address) {
        must_be_ours(canary, live, &address)?;
        let moved = live["spec"] != spec;
        let replace = json!({"op": "replace", "path": "/spec", "value": spec});
        return Ok(change(
            address,
            moved.then_some(replace).into_iter().collect(),
        ));
    }
    let source = copied::source(facts, &ingress::source(canary), &address)?;
    let own = ingress::source(canary);
    let mut others = weights(source, &own)?;
    if others.remove(canary.apex_name()).is_some()
        && let Some(other) = others.keys().next()
    {
        return Err(RouteError::Foreign {
            object: own.to_string(),
            destination: other.clone(),
        });
    }
    let mut metadata = copied::metadata(source, &address);
    if let Some(annotations) = metadata["annotations"].as_object_mut() {
        annotations.extend(said(canary, source, others, Weight::ZERO, OPEN));
    }
    let manifest = json!({
        "apiVersion": address.api_version(), "kind": address.kind, "metadata": metadata, "spec": spec,
    });
    Ok(vec![Change::Create(address, manifest)])
}

/// One with weights, and not one by the same name that is something else.
fn must_be_ours(canary: &Canary, live: &Value, address: &ObjectRef) -> Result<(), RouteError> {
    let annotations = entries(live, "annotations");
    if !annotations.contains_key(WEIGHTS) && !annotations.contains_key(CANARY) {
        return Err(RouteError::Shape {
            object: address.to_string(),
            field: "annotation zalando.org/backend-weights",
        });
    }
    ingress::must_name(live, address, &canary.canary_service_name())
}

/// Weights by the names of services.
fn weights(live: &Value, address: &ObjectRef) -> Result<BTreeMap<String, Value>, RouteError> {
    let annotations = entries(live, "annotations");
    let Some(written) = annotations.get(WEIGHTS) else {
        return Ok(BTreeMap::new());
    };
    let text = written.as_str().unwrap_or_default();
    serde_json::from_str(text).map_err(|_| RouteError::Unreadable {
        object: address.to_string(),
        field: WEIGHTS,
        found: text.to_owned(),
    })
}

/// Both annotations at a weight of the canary; what others wrote beside it stays.
fn said(
    canary: &Canary,
    live: &Value,
    mut weights: BTreeMap<String, Value>,
    weight: Weight,
    first: &str,
) -> Map<String, Value> {
    weights.insert(canary.primary_service_name(), json!(weight.rest()));
    weights.insert(canary.canary_service_name(), json!(weight));
    let annotations = entries(live, "annotations");
    let written = annotations.get(PREDICATE).and_then(Value::as_str);
    let mut rest = written.unwrap_or_default().trim();
    for own in [OPEN, CLOSED] {
        if let Some(more) = rest.strip_prefix(own) {
            rest = more.trim_start().trim_start_matches('&').trim_start();
        }
    }
    let predicate = if rest.is_empty() {
        first.to_owned()
    } else {
        format!("{first} && {rest}")
    };
    let said = [
        (WEIGHTS.to_owned(), json!(json!(weights).to_string())),
        (PREDICATE.to_owned(), json!(predicate)),
    ];
    said.into_iter().collect()
}

fn routes(canary: &Canary, facts: &Facts) -> Result<Option<Routes>, RouteError> {
    let address = route(canary);
    let Some(live) = facts.get(&address) else {
        return Ok(None);
    };
    must_be_ours(canary, live, &address)?;
    let annotations = entries(live, "annotations");
    let predicate = annotations.get(PREDICATE).and_then(Value::as_str);
    if predicate.is_some_and(|predicate| predicate.contains(CLOSED)) {
        // The user's own Ingress leads to the apex service, and so to the primary.
        return Ok(Some(Routes::PRIMARY));
    }
    let weights = weights(live, &address)?;
    let of = |service: String| {
        let weight = weights.get(&service).and_then(Value::as_f64);
        weight
            .filter(|weight| *weight >= 0.0)
            .ok_or_else(|| RouteError::Unreadable {
                object: address.to_string(),
                field: WEIGHTS,
                found: json!(weights).to_string(),
            })
    };
    let (primary, canary) = (
        of(canary.primary_service_name())?,
        of(canary.canary_service_name())?,
    );
    let share = canary * 100.0 / (primary + canary).max(f64::MIN_POSITIVE);
    Ok(Some(Routes::split(
        Weight::saturating(share.round() as i64),
    )))
}

fn set_routes(canary: &Canary, facts: &Facts, wish: Routes) -> Result<Vec<Change>, RouteError> {
    let address = route(canary);
    let Some(live) = facts.get(&address) else {
        return prepare(canary, facts);
    };
    let first = if wish.canary.is_zero() { CLOSED } else { OPEN };
    // Nothing that is written there may be in the way of the way back.
    let weights = weights(live, &address).unwrap_or_default();
    let wanted = said(canary, live, weights, wish.canary, first);
    Ok(change(address, annotated(live, &wanted)))
}

fn rate(metric: &str, site: &QuerySite<'_>, more: &str) -> String {
    let word = |text: &str| -> String {
        let letters = text.chars();
        letters
            .map(|letter| {
                if letter.is_ascii_alphanumeric() {
                    letter
                } else {
                    '_'
                }
            })
            .collect()
    };
    let (namespace, ingress, service) =
        (word(site.namespace), word(site.ingress), word(site.service));
    format!(
        "sum(rate({metric}{{route=~\"kube(ew)?_{namespace}__{ingress}_canary__.*__{service}_canary(_[0-9]+)?\"{more}}}[{}]))",
        site.interval
    )
}

fn success_rate(site: &QuerySite<'_>) -> String {
    let metric = "skipper_response_duration_seconds_bucket";
    let good = rate(metric, site, ",code!~\"5..\",le=\"+Inf\"");
    let all = rate(metric, site, ",le=\"+Inf\"");
    format!("{good} / {all} * 100")
}

/// The mean, as Flagger has it.
fn duration(site: &QuerySite<'_>) -> String {
    let sum = rate("skipper_serve_route_duration_seconds_sum", site, "");
    let count = rate("skipper_serve_route_duration_seconds_count", site, "");
    format!("{sum} / {count} * 1000")
}
