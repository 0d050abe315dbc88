//! Traefik: the weights of a `TraefikService` named like the apex service, which the user's IngressRoute points at.
//!
//! A side with 0 is left out of the list: Traefik drops the whole object when a listed service has no endpoint, and
//! reads an entry without `weight` as 1. It can neither match nor mirror, and has no way to tell what is in effect.
//! <https://doc.traefik.io/traefik/routing/services/#weighted-round-robin-service>

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
use crate::router::patched;
use crate::router::sides::Sides;
use crate::router::sides::Wanted;
use crate::router::sides::moving;
use crate::router::sides::names;
use serde_json::Value;
use serde_json::json;

pub(super) const PROVIDER: TrafficProvider = TrafficProvider {
    name: "traefik",
    summary: "Traefik: TraefikService weights",
    resource: RESOURCE,
    install: "https://doc.traefik.io/traefik/reference/dynamic-configuration/kubernetes-crd/",
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
        success_rate,
        duration,
        duration_unit: DurationUnit::Millis,
    },
};

const RESOURCE: Resource = Resource::new(
    "traefik.io",
    "v1alpha1",
    "traefikservices",
    "TraefikService",
);
const SERVICES: &str = "/spec/weighted/services";

fn route(canary: &Canary) -> ObjectRef {
    RESOURCE.in_namespace(&canary.namespace, canary.apex_name())
}

fn entry(canary: &Canary, service: &str, weight: Weight) -> Value {
    json!({"name": service, "namespace": canary.namespace, "port": canary.service.port, "weight": weight})
}

fn prepare(canary: &Canary, facts: &Facts) -> Result<Vec<Change>, RouteError> {
    let address = route(canary);
    let primary = canary.primary_service_name();
    let Some(live) = facts.get(&address) else {
        let manifest = json!({
            "apiVersion": address.api_version(), "kind": RESOURCE.kind, "metadata": apex_metadata(canary, facts),
            "spec": {"weighted": {"services": [entry(canary, &primary, Weight::FULL)]}},
        });
        return Ok(vec![Change::Create(address, manifest)]);
    };
    // A route that only knows the apex service: that destination becomes the primary, the rest of it stays.
    let services = services(live, &address)?;
    if knows_only_the_apex(canary, services) {
        let rename = [("name", json!(primary)), ("weight", json!(Weight::FULL))];
        let operations = rename.map(|(field, value)| {
            json!({"op": "add", "path": format!("{SERVICES}/0/{field}"), "value": value})
        });
        let change = patched(&address, live, operations.to_vec());
        return Ok(change.into_iter().collect());
    }
    sides(canary, services, &address).map(|_| Vec::new())
}

fn knows_only_the_apex(canary: &Canary, services: &[Value]) -> bool {
    services.len() == 1 && is(canary, &services[0], canary.apex_name())
}

fn routes(canary: &Canary, facts: &Facts) -> Result<Option<Routes>, RouteError> {
    let address = route(canary);
    let Some(live) = facts.get(&address) else {
        return Ok(None);
    };
    let services = services(live, &address)?;
    if knows_only_the_apex(canary, services) {
        // Nothing of ours is there yet: the bootstrap takes it over.
        return Ok(None);
    }
    let sides = sides(canary, services, &address)?;
    let weight =
        |index: Option<usize>| index.map_or(0, |index| weight_of(&services_of(live)[index]));
    let (primary, of_canary) = (weight(sides.primary), weight(sides.canary));
    let total = (primary + of_canary).max(1);
    Ok(Some(Routes::split(Weight::saturating(
        (of_canary * 100 + total / 2) / total,
    ))))
}

fn set_routes(canary: &Canary, facts: &Facts, wish: Routes) -> Result<Vec<Change>, RouteError> {
    let address = route(canary);
    let Some(live) = facts.get(&address) else {
        return prepare(canary, facts);
    };
    let services = services(live, &address)?;
    let sides = sides(canary, services, &address)?;
    let mut operations = Vec::new();
    let mut removals = Vec::new();
    for Wanted {
        own,
        other,
        name,
        weight,
    } in sides.wanted(canary, wish)
    {
        match own {
            Some(index) if weight.is_zero() => removals.push(index),
            Some(index) => {
                operations.push(json!({"op": "test", "path": format!("{SERVICES}/{index}/name"), "value": name}));
                if weight_of(&services[index]) != i64::from(weight.percent())
                    || services[index].get("weight").is_none()
                {
                    let path = format!("{SERVICES}/{index}/weight");
                    operations.push(json!({"op": "add", "path": path, "value": weight}));
                }
            }
            None if weight.is_zero() => {}
            None => {
                // Whatever people set on the other side holds for this one too.
                let mut added = other.map_or_else(|| json!({}), |other| services[other].clone());
                let own = entry(canary, &name, weight);
                for (key, value) in own.as_object().into_iter().flatten() {
                    added[key] = value.clone();
                }
                operations
                    .push(json!({"op": "add", "path": format!("{SERVICES}/-"), "value": added}));
            }
        }
    }
    for index in removals {
        operations.push(json!({"op": "remove", "path": format!("{SERVICES}/{index}")}));
    }
    Ok(change(address, moving(operations)))
}

fn sides(canary: &Canary, services: &[Value], address: &ObjectRef) -> Result<Sides, RouteError> {
    let sides = Sides::find(canary, services.len(), |index, name| {
        is(canary, &services[index], name)
    });
    if let Some(foreign) = sides.foreign(services) {
        let destination = foreign
            .get("name")
            .and_then(Value::as_str)
            .unwrap_or("something without a name");
        return Err(RouteError::Foreign {
            object: address.to_string(),
            destination: destination.to_owned(),
        });
    }
    if services.is_empty() {
        return Err(RouteError::Shape {
            object: address.to_string(),
            field: "spec.weighted.services",
        });
    }
    Ok(sides)
}

/// Is it that service of the canary's namespace, and not a TraefikService by the same name?
fn is(canary: &Canary, service: &Value, name: &str) -> bool {
    names(
        service,
        name,
        &[("namespace", &canary.namespace), ("kind", "Service")],
    )
}

fn weight_of(service: &Value) -> i64 {
    service.get("weight").and_then(Value::as_i64).unwrap_or(1)
}

fn services_of(live: &Value) -> &[Value] {
    live.pointer(SERVICES)
        .and_then(Value::as_array)
        .map_or(&[], Vec::as_slice)
}

fn services<'a>(live: &'a Value, address: &ObjectRef) -> Result<&'a [Value], RouteError> {
    match live.pointer(SERVICES) {
        Some(Value::Array(services)) => Ok(services),
        Some(_) | None => Err(RouteError::Shape {
            object: address.to_string(),
            field: "spec.weighted.services",
        }),
    }
}

fn bucket(site: &QuerySite<'_>, more: &str) -> String {
    let QuerySite {
        namespace,
        target,
        interval,
        ..
    } = site;
    format!(
        "rate(traefik_service_request_duration_seconds_bucket{{\
         service=~\"{namespace}-{target}-canary-[0-9a-zA-Z-]+@kubernetescrd\"{more}}}[{interval}])"
    )
}

fn success_rate(site: &QuerySite<'_>) -> String {
    let good = bucket(site, ",code!~\"5..\",le=\"+Inf\"");
    let all = bucket(site, ",le=\"+Inf\"");
    format!("sum({good}) / sum({all}) * 100")
}

fn duration(site: &QuerySite<'_>) -> String {
    format!(
        "histogram_quantile(0.99, sum by (le) ({})) * 1000",
        bucket(site, "")
    )
}
