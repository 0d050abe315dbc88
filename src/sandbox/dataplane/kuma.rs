//! Kuma: TrafficRoutes of `kuma.io/v1alpha1`, as its proxies use them.
//!
//! A route belongs to a mesh, not to a namespace; every tag names service, namespace and port. Sources are not looked
//! at: the users of the sandbox are all of them.

use crate::sandbox::dataplane::Apex;
use crate::sandbox::dataplane::Backend;
use crate::sandbox::dataplane::Label;
use crate::sandbox::dataplane::View;
use crate::sandbox::dataplane::items;
use crate::sandbox::dataplane::share;
use crate::sandbox::dataplane::shares;
use crate::sandbox::dataplane::text;
use crate::sandbox::objects::Objects;
use serde_json::Value;

/// Pointer of the tag in a destination.
const SERVICE: &str = "/kuma.io~1service";

/// A route to the apex.
pub fn read(apex: &Apex, objects: &dyn Objects) -> Option<View> {
    let routes = objects.list("trafficroutes", "");
    let route = routes.iter().find(|route| {
        items(route, "/spec/destinations").any(|destination| {
            let tag = text(destination, &format!("/match{SERVICE}")).unwrap_or_default();
            service_of(tag).is_some_and(|(service, namespace, _)| {
                (service, namespace) == (apex.service.as_str(), apex.namespace.as_str())
            })
        })
    })?;
    let backends = items(route, "/spec/conf/split").map(|entry| {
        let tag = text(entry, &format!("/destination{SERVICE}")).unwrap_or_default();
        let weight = entry.get("weight").and_then(Value::as_u64).unwrap_or(0);
        let (service, namespace, port) = service_of(tag).unwrap_or_default();
        let port = port.parse::<u16>().ok().map(Value::from);
        Backend {
            label: Some(Label::Envoy("service", tag.to_owned())),
            ..share(objects, namespace, service, port.as_ref(), weight)
        }
    });
    Some(View::of(true, shares(backends.collect())))
}

/// Service, namespace and port of `NAME_NAMESPACE_svc_PORT`.
fn service_of(tag: &str) -> Option<(&str, &str, &str)> {
    let mut parts = tag.split('_');
    let (service, namespace) = (parts.next()?, parts.next()?);
    (parts.next()? == "svc").then_some(())?;
    Some((service, namespace, parts.next()?))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::sandbox::dataplane::fixtures::World;
    use crate::sandbox::dataplane::fixtures::weights;
    use crate::sandbox::dataplane::view;
    use serde_json::json;

    fn world(canary: &str) -> World {
        let mut world = World::podinfo();
        world.remove("ingressroutes", "podinfo");
        world.put(
            "trafficroutes",
            json!({"metadata": {"name": "podinfo"}, "spec": {
            "destinations": [{"match": {"kuma.io/service": "podinfo_test_svc_80"}}],
            "conf": {"split": [
                {"weight": 90, "destination": {"kuma.io/service": "podinfo-primary_test_svc_80"}},
                {"weight": 10, "destination": {"kuma.io/service": canary}},
            ]}}}),
        );
        world
    }

    #[test]
    fn tags_name_service_namespace_and_port() {
        let world = world("podinfo-canary_test_svc_80");
        assert_eq!(weights(&world), Ok(vec![(90, 2), (10, 2)]));
        let backends = view(&World::apex(), &world)
            .rules
            .remove(0)
            .backends
            .unwrap();
        let cluster = "podinfo-canary_test_svc_80".to_owned();
        assert_eq!(backends[1].label, Some(Label::Envoy("service", cluster)));
    }

    #[test]
    fn a_tag_that_names_nothing_loses_its_share_alone() {
        for wrong in [
            "podinfo-canary_prod_svc_80",
            "podinfo-canary_test_svc_81",
            "podinfo-canary",
        ] {
            assert_eq!(
                weights(&world(wrong)),
                Ok(vec![(90, 2), (10, 0)]),
                "{wrong}"
            );
        }
    }
}
