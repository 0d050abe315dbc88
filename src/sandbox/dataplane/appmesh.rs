//! AWS App Mesh: VirtualServices, VirtualRouters and VirtualNodes of `appmesh.k8s.aws`, in both versions.
//!
//! Requests go by the route of the lowest priority all of whose headers they have. A node is found
//! by its DNS name, which is a service; one that has none loses its share.

use crate::sandbox::dataplane::Apex;
use crate::sandbox::dataplane::Backend;
use crate::sandbox::dataplane::Label;
use crate::sandbox::dataplane::Lost;
use crate::sandbox::dataplane::Mesh;
use crate::sandbox::dataplane::Rule;
use crate::sandbox::dataplane::View;
use crate::sandbox::dataplane::items;
use crate::sandbox::dataplane::rules::Test;
use crate::sandbox::dataplane::share;
use crate::sandbox::dataplane::shares;
use crate::sandbox::dataplane::text;
use crate::sandbox::objects::Objects;
use serde_json::Value;

const SERVICES: &str = "virtualservices.appmesh.k8s.aws";
/// The priority of a route that has none.
const LAST: u64 = 1001;

/// A VirtualService for the apex: in v1beta1 it carries the routes, in v1beta2 its router does.
pub fn read(apex: &Apex, objects: &dyn Objects) -> Option<View> {
    let (namespace, service) = (&apex.namespace, &apex.service);
    let old = objects.get(SERVICES, namespace, &format!("{service}.{namespace}"));
    let routed = match old {
        Some(old) => Some(old),
        None => {
            let provided = objects.get(SERVICES, namespace, service)?;
            let router = text(
                &provided,
                "/spec/provider/virtualRouter/virtualRouterRef/name",
            );
            router.and_then(|router| objects.get("virtualrouters", namespace, router))
        }
    };
    let routes = routed.as_ref().map(|routed| items(routed, "/spec/routes"));
    let mut rules: Vec<(u64, &Value)> = routes
        .into_iter()
        .flatten()
        .filter_map(|route| {
            let rule = route.get("http").or_else(|| route.get("httpRoute"))?;
            let priority = route.get("priority").and_then(Value::as_u64);
            Some((priority.unwrap_or(LAST), rule))
        })
        .collect();
    if rules.is_empty() {
        return Some(View::of(true, Err(Lost::NoRoute)));
    }
    rules.sort_by_key(|(priority, _)| *priority);
    let rules = rules.into_iter().map(|(_, rule)| {
        let targets = items(rule, "/action/weightedTargets");
        let backends = targets.map(|target| backend(target, apex, objects));
        Rule {
            when: vec![items(rule, "/match/headers").filter_map(test).collect()],
            ..Rule::for_all(shares(backends.collect()))
        }
    });
    Some(View {
        proxied: true,
        rules: rules.collect(),
    })
}

/// A header that a route asks for.
fn test(header: &Value) -> Option<Test> {
    let name = text(header, "/name")?;
    let wanted = header.get("match").and_then(Value::as_object);
    Some(match wanted.and_then(|wanted| wanted.iter().next()) {
        Some((kind, value)) => Test::new(name, kind, value),
        None => Test::new(name, "present", &Value::Null),
    })
}

fn backend(target: &Value, apex: &Apex, objects: &dyn Objects) -> Backend {
    let name = text(target, "/virtualNodeName").or_else(|| text(target, "/virtualNodeRef/name"));
    let weight = target.get("weight").and_then(Value::as_u64).unwrap_or(0);
    let node = name.and_then(|name| objects.get("virtualnodes", &apex.namespace, name));
    let node = node.unwrap_or_default();
    let dns = "/spec/serviceDiscovery/dns";
    let host = text(&node, &format!("{dns}/hostName"))
        .or_else(|| text(&node, &format!("{dns}/hostname")))
        .unwrap_or_default();
    let mut parts = host.split('.');
    let service = parts.next().unwrap_or_default();
    let namespace = parts.next().unwrap_or_default();
    Backend {
        label: Some(Label::Sidecars(Mesh::AppMesh)),
        ..share(objects, namespace, service, None, weight)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::sandbox::dataplane::fixtures::World;
    use crate::sandbox::dataplane::fixtures::weights;
    use crate::sandbox::dataplane::fixtures::with;
    use serde_json::json;

    fn world() -> World {
        let mut world = World::podinfo();
        world.remove("ingressroutes", "podinfo");
        world
    }

    fn node(world: &mut World, name: &str, dns: Value) {
        world.put(
            "virtualnodes",
            json!({"metadata": {"name": name, "namespace": "test"}, "spec": {"serviceDiscovery": {"dns": dns}}}),
        );
    }

    #[test]
    fn the_older_service_carries_its_routes() {
        let mut world = world();
        node(&mut world, "a", json!({"hostName": "podinfo-primary.test"}));
        world.put(
            SERVICES,
            json!({"metadata": {"name": "podinfo.test", "namespace": "test"}, "spec": {"routes": [
            {"http": {"match": {"prefix": "/"}, "action": {"weightedTargets": [
                {"virtualNodeName": "a", "weight": 90}, {"virtualNodeName": "b", "weight": 10},
            ]}}}]}}),
        );
        assert_eq!(weights(&world), Ok(vec![(90, 2), (10, 0)]));
    }

    #[test]
    fn the_newer_one_has_a_router_whose_routes_have_an_order() {
        let mut world = world();
        let host = "podinfo-primary.test.svc.cluster.local.";
        node(&mut world, "a", json!({"hostname": host}));
        let route = |priority: u64, headers: Value, node: &str| {
            json!({"priority": priority, "httpRoute": {"match": {"headers": headers}, "action": {
                "weightedTargets": [{"virtualNodeRef": {"name": node}, "weight": 100}]}}})
        };
        world.put(
            SERVICES,
            json!({"metadata": {"name": "podinfo", "namespace": "test"}, "spec": {"provider": {
                "virtualRouter": {"virtualRouterRef": {"name": "r"}}}}}),
        );
        assert_eq!(weights(&world), Err(Lost::NoRoute));
        let routes = [
            route(30, json!([]), "b"),
            route(20, json!([]), "a"),
            route(10, json!([{"name": "x-user"}]), "b"),
        ];
        world.put(
            "virtualrouters",
            json!({"metadata": {"name": "r", "namespace": "test"}, "spec": {"routes": routes}}),
        );
        assert_eq!(weights(&world), Ok(vec![(100, 2)]));
        // The node of whoever has the header is not there.
        let meant = with(&world, &[("x-user", "a")]).unwrap();
        assert!(meant[0].pods.is_empty());
    }
}
