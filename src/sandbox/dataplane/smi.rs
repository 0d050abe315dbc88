//! The Service Mesh Interface: TrafficSplits of `split.smi-spec.io`, as the proxies of a mesh use them.
//!
//! A split is about the service it names, and its backends are services of the same namespace. Without an endpoint the
//! share of that backend alone is lost.

use crate::sandbox::dataplane::Apex;
use crate::sandbox::dataplane::Backend;
use crate::sandbox::dataplane::Label;
use crate::sandbox::dataplane::Mesh;
use crate::sandbox::dataplane::View;
use crate::sandbox::dataplane::items;
use crate::sandbox::dataplane::share;
use crate::sandbox::dataplane::shares;
use crate::sandbox::dataplane::text;
use crate::sandbox::objects::Objects;
use serde_json::Value;

/// A split whose root is the apex.
pub fn read(apex: &Apex, objects: &dyn Objects) -> Option<View> {
    let splits = objects.list("trafficsplits", &apex.namespace);
    let split = splits
        .iter()
        .find(|split| text(split, "/spec/service") == Some(&apex.service))?;
    let backends = items(split, "/spec/backends").map(|backend| {
        let service = text(backend, "/service").unwrap_or_default();
        let weight = thousandths(backend.get("weight"));
        Backend {
            label: Some(Label::Sidecars(Mesh::Smi)),
            ..share(objects, &apex.namespace, service, None, weight)
        }
    });
    Some(View::of(true, shares(backends.collect())))
}

/// A quantity: a number, its text, or thousandths with an `m`. What is none gets nothing.
fn thousandths(weight: Option<&Value>) -> u64 {
    let whole = |number: u64| number.saturating_mul(1000);
    match weight.and_then(Value::as_str) {
        Some(text) => text
            .strip_suffix('m')
            .map_or_else(|| text.parse().ok().map(whole), |milli| milli.parse().ok()),
        None => weight.and_then(Value::as_u64).map(whole),
    }
    .unwrap_or(0)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::sandbox::dataplane::Lost;
    use crate::sandbox::dataplane::fixtures::World;
    use crate::sandbox::dataplane::fixtures::weights;
    use serde_json::json;

    fn world(backends: Value) -> World {
        let mut world = World::podinfo();
        world.remove("ingressroutes", "podinfo");
        world.put(
            "trafficsplits",
            json!({"metadata": {"name": "any", "namespace": "test"},
                "spec": {"service": "podinfo", "backends": backends}}),
        );
        world
    }

    #[test]
    fn weights_are_numbers_or_quantities() {
        let numbers = json!([
            {"service": "podinfo-canary", "weight": 10}, {"service": "podinfo-primary", "weight": 90},
        ]);
        assert_eq!(weights(&world(numbers)), Ok(vec![(10_000, 2), (90_000, 2)]));
        let quantities = json!([
            {"service": "podinfo-canary", "weight": "100m"}, {"service": "podinfo-primary", "weight": "1"},
        ]);
        assert_eq!(weights(&world(quantities)), Ok(vec![(100, 2), (1000, 2)]));
    }

    #[test]
    fn a_service_that_does_not_exist_loses_its_share_alone() {
        let wrong = json!([
            {"service": "podinfo-cannary", "weight": 10}, {"service": "podinfo-primary", "weight": 90},
        ]);
        assert_eq!(weights(&world(wrong)), Ok(vec![(10_000, 0), (90_000, 2)]));
        let nothing = json!([{"service": "podinfo-primary", "weight": "0"}]);
        assert_eq!(weights(&world(nothing)), Err(Lost::NoEndpoint));
    }
}
