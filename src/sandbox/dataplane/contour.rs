//! Contour: HTTPProxies of `projectcontour.io/v1`, as its Envoys use them.
//!
//! Requests go by the route with services whose headers they have: the more of them it asks for, the sooner. Whoever
//! includes the proxy may not be in this cluster.

use crate::sandbox::dataplane::Apex;
use crate::sandbox::dataplane::Backend;
use crate::sandbox::dataplane::Label;
use crate::sandbox::dataplane::Lost;
use crate::sandbox::dataplane::Rule;
use crate::sandbox::dataplane::View;
use crate::sandbox::dataplane::items;
use crate::sandbox::dataplane::rules::Test;
use crate::sandbox::dataplane::share;
use crate::sandbox::dataplane::shares;
use crate::sandbox::dataplane::text;
use crate::sandbox::objects::Objects;
use serde_json::Value;
use std::cmp::Reverse;

/// The HTTPProxy of the apex's name.
pub fn read(apex: &Apex, objects: &dyn Objects) -> Option<View> {
    let proxy = objects.get("httpproxies", &apex.namespace, &apex.service)?;
    let routes = items(&proxy, "/spec/routes");
    let mut routes: Vec<(Vec<Test>, &Value)> = routes
        .filter(|route| items(route, "/services").next().is_some())
        .map(|route| (tests(route), route))
        .collect();
    if routes.is_empty() {
        return Some(View::of(true, Err(Lost::NoRoute)));
    }
    routes.sort_by_key(|(tests, _)| Reverse(tests.len()));
    let rules = routes.into_iter().map(|(tests, route)| Rule {
        when: vec![tests],
        ..Rule::for_all(backends(route, apex, objects))
    });
    Some(View {
        proxied: true,
        rules: rules.collect(),
    })
}

/// The headers that a route asks for.
fn tests(route: &Value) -> Vec<Test> {
    let headers = items(route, "/conditions").filter_map(|one| one.get("header"));
    let test = |header: &Value| {
        let name = text(header, "/name")?;
        let mut ways = header.as_object()?.iter();
        let (kind, value) = ways.find(|(field, _)| *field != "name")?;
        Some(Test::new(name, kind, value))
    };
    headers.filter_map(test).collect()
}

fn backends(route: &Value, apex: &Apex, objects: &dyn Objects) -> Result<Vec<Backend>, Lost> {
    let weight = |service: &Value| service.get("weight").and_then(Value::as_u64).unwrap_or(0);
    let unweighted = items(route, "/services").all(|service| weight(service) == 0);
    let backends = items(route, "/services").map(|service| {
        let name = text(service, "/name").unwrap_or_default();
        // Where nobody has a weight, all are equal.
        let weight = weight(service) + u64::from(unweighted);
        let port = service.get("port").unwrap_or(&Value::Null);
        let mut backend = share(objects, &apex.namespace, name, Some(port), weight);
        let cluster = format!("{}_{name}_{port}", apex.namespace);
        backend.label = Some(Label::Envoy("envoy_cluster_name", cluster));
        backend
    });
    shares(backends.collect())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::sandbox::dataplane::fixtures::World;
    use crate::sandbox::dataplane::fixtures::weights;
    use crate::sandbox::dataplane::fixtures::with;
    use serde_json::json;

    fn world(services: Value) -> World {
        let mut world = World::podinfo();
        world.remove("ingressroutes", "podinfo");
        let test = json!({"conditions": [{"prefix": "/", "header": {"name": "x", "exact": "y"}}],
            "services": [{"name": "podinfo-canary", "port": 80}]});
        world.put(
            "httpproxies",
            json!({"metadata": {"name": "podinfo", "namespace": "test"}, "spec": {"routes": [
                test, {"conditions": [{"prefix": "/"}], "services": services}]}}),
        );
        world
    }

    #[test]
    fn users_with_the_header_go_by_the_route_that_asks_for_it() {
        let world = world(json!([{"name": "podinfo-primary", "port": 80}]));
        let port = |headers: &[(&str, &str)]| with(&world, headers).unwrap()[0].label.clone();
        let cluster = |side: &str| {
            let name = format!("test_podinfo-{side}_80");
            Some(Label::Envoy("envoy_cluster_name", name))
        };
        assert_eq!(port(&[("x", "y")]), cluster("canary"));
        assert_eq!(port(&[("x", "z")]), cluster("primary"));
        assert_eq!(port(&[]), cluster("primary"));
    }

    #[test]
    fn among_several_services_no_weight_means_none() {
        let world = world(json!([
            {"name": "podinfo-primary", "port": 80, "weight": 100},
            {"name": "podinfo-canary", "port": 80},
        ]));
        assert_eq!(weights(&world), Ok(vec![(100, 2)]));
        let backends = with(&world, &[]).unwrap();
        let cluster = Label::Envoy("envoy_cluster_name", "test_podinfo-primary_80".to_owned());
        assert_eq!(backends[0].label, Some(cluster));
    }

    #[test]
    fn without_any_weight_all_services_are_equal() {
        let world = world(json!([
            {"name": "podinfo-primary", "port": 80},
            {"name": "podinfo-canary", "port": 80},
        ]));
        assert_eq!(weights(&world), Ok(vec![(1, 2), (1, 2)]));
    }

    #[test]
    fn a_service_without_its_port_loses_its_share_alone() {
        let world = world(json!([
            {"name": "podinfo-primary", "port": 80, "weight": 70},
            {"name": "podinfo-canary", "port": 81, "weight": 30},
        ]));
        assert_eq!(weights(&world), Ok(vec![(70, 2), (30, 0)]));
    }

    #[test]
    fn without_services_there_is_no_route() {
        assert_eq!(weights(&world(json!([]))), Err(Lost::NoRoute));
    }
}
