//! No router at all: the apex service leads to the primary's pods, and nobody gets to the canary before it is promoted.
//!
//! The selector of the apex service is the route. It stays on the primary; only after a failed promotion it is set on
//! the canary's own pods. There is no share in between, so that nothing but Blue/Green can be driven, and without any
//! user on the canary: `capabilities.weighted` is false here and nowhere else.
//! <https://kubernetes.io/docs/concepts/services-networking/service/>

use crate::canary::capabilities::Affinity;
use crate::canary::capabilities::Capabilities;
use crate::canary::capabilities::Matching;
use crate::canary::capabilities::Mirroring;
use crate::canary::metadata::CANARY;
use crate::canary::metadata::entries;
use crate::canary::object::ObjectRef;
use crate::canary::object::Resource;
use crate::canary::spec::Canary;
use crate::canary::weight::Proof;
use crate::canary::weight::Routes;
use crate::router::Change;
use crate::router::DurationUnit;
use crate::router::Facts;
use crate::router::Queries;
use crate::router::RouteError;
use crate::router::TrafficProvider;
use crate::router::change;
use crate::router::gateway_api::duration;
use crate::router::gateway_api::success_rate;
use serde_json::Value;
use serde_json::json;

pub(super) const PROVIDER: TrafficProvider = TrafficProvider {
    name: "kubernetes",
    summary: "no router: the selector of the apex Service",
    resource: Resource::SERVICE,
    install: "https://kubernetes.io/docs/concepts/services-networking/service/",
    capabilities: Capabilities {
        weighted: false,
        mirror: Mirroring::No,
        matches: Matching::NONE,
        session_affinity: Affinity::No,
        tcp_weights_only: false,
        needs: &[],
        service: &[],
    },
    route,
    beside: |_| Vec::new(),
    // The driver itself makes the apex service, and sets it on the primary once that is ready.
    prepare: |_, _| Ok(Vec::new()),
    routes,
    set_routes,
    proof: |_, _| Proof::Unknown,
    queries: Queries {
        success_rate,
        duration,
        duration_unit: DurationUnit::Seconds,
    },
};

/// What the value of the label that selects the primary's pods ends in.
const OF_PRIMARY: &str = "-primary";

fn route(canary: &Canary) -> ObjectRef {
    Resource::SERVICE.in_namespace(&canary.namespace, canary.apex_name())
}

/// The one label that it selects by; `None` where it selects in another way, as a service of somebody else may.
fn selected(live: &Value) -> Option<(&String, &str)> {
    let selector = live.pointer("/spec/selector")?.as_object()?;
    let (key, value) = selector.iter().next()?;
    (selector.len() == 1).then_some((key, value.as_str()?))
}

fn routes(canary: &Canary, facts: &Facts) -> Result<Option<Routes>, RouteError> {
    let Some(live) = facts.get(&route(canary)) else {
        return Ok(None);
    };
    Ok(match selected(live) {
        Some((_, value)) if value.ends_with(OF_PRIMARY) => Some(Routes::PRIMARY),
        // Before the first switch it is as its owner wrote it.
        Some(_) | None => entries(live, "annotations")
            .contains_key(CANARY)
            .then_some(Routes::CANARY),
    })
}

fn set_routes(canary: &Canary, facts: &Facts, wish: Routes) -> Result<Vec<Change>, RouteError> {
    let address = route(canary);
    let shape = |field| RouteError::Shape {
        object: address.to_string(),
        field,
    };
    let Some(live) = facts.get(&address) else {
        return Ok(Vec::new());
    };
    let (key, value) = selected(live).ok_or_else(|| shape("selector of one label"))?;
    let own = value.strip_suffix(OF_PRIMARY).unwrap_or(value);
    let wanted = if wish == Routes::PRIMARY {
        format!("{own}{OF_PRIMARY}")
    } else if wish == Routes::CANARY {
        own.to_owned()
    } else {
        return Err(shape("weights"));
    };
    let mut operations = Vec::new();
    if value != wanted {
        let selector = |value: &str| json!({key: value});
        operations = vec![
            json!({"op": "test", "path": "/spec/selector", "value": selector(value)}),
            json!({"op": "replace", "path": "/spec/selector", "value": selector(&wanted)}),
        ];
    }
    Ok(change(address, operations))
}
