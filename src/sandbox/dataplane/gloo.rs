//! Gloo Edge: RouteTables of `gateway.solo.io/v1` and the Upstreams that they name.
//!
//! The VirtualService that delegates to a table may not be in this cluster. Requests go by the first route one of
//! whose matchers they fulfil; whom no route means is lost.

use crate::sandbox::dataplane::Apex;
use crate::sandbox::dataplane::Backend;
use crate::sandbox::dataplane::Label;
use crate::sandbox::dataplane::Rule;
use crate::sandbox::dataplane::View;
use crate::sandbox::dataplane::items;
use crate::sandbox::dataplane::rules::Test;
use crate::sandbox::dataplane::share;
use crate::sandbox::dataplane::shares;
use crate::sandbox::dataplane::text;
use crate::sandbox::objects::Objects;
use serde_json::Value;

/// A table of the apex's name.
pub fn read(apex: &Apex, objects: &dyn Objects) -> Option<View> {
    let table = objects.get("routetables", &apex.namespace, &apex.service)?;
    let rules = items(&table, "/spec/routes").map(|route| Rule {
        when: items(route, "/matchers").map(tests).collect(),
        ..Rule::for_all(shares(backends(route, apex, objects)))
    });
    Some(View {
        proxied: true,
        rules: rules.collect(),
    })
}

/// The headers that a matcher asks for.
fn tests(matcher: &Value) -> Vec<Test> {
    let test = |header: &Value| {
        let name = text(header, "/name")?;
        Some(match header.get("value") {
            Some(value) if header.get("regex") == Some(&Value::Bool(true)) => {
                Test::new(name, "regex", value)
            }
            Some(value) => Test::new(name, "exact", value),
            None => Test::new(name, "present", &Value::Null),
        })
    };
    items(matcher, "/headers").filter_map(test).collect()
}

fn backends(route: &Value, apex: &Apex, objects: &dyn Objects) -> Vec<Backend> {
    match route.pointer("/routeAction/single") {
        Some(destination) => vec![backend(destination, 1, apex, objects)],
        None => items(route, "/routeAction/multi/destinations")
            .map(|entry| {
                let weight = entry.get("weight").and_then(Value::as_u64).unwrap_or(0);
                let destination = entry.get("destination").unwrap_or(&Value::Null);
                backend(destination, weight, apex, objects)
            })
            .collect(),
    }
}

fn backend(destination: &Value, weight: u64, apex: &Apex, objects: &dyn Objects) -> Backend {
    let place = text(destination, "/upstream/namespace").unwrap_or(&apex.namespace);
    let name = text(destination, "/upstream/name").unwrap_or_default();
    let upstream = objects.get("upstreams", place, name).unwrap_or_default();
    let namespace = text(&upstream, "/spec/kube/serviceNamespace").unwrap_or_default();
    let service = text(&upstream, "/spec/kube/serviceName").unwrap_or_default();
    let port = upstream.pointer("/spec/kube/servicePort");
    let cluster = format!("{name}_{place}");
    Backend {
        label: Some(Label::Envoy("envoy_cluster_name", cluster)),
        ..share(objects, namespace, service, port, weight)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::sandbox::dataplane::Lost;
    use crate::sandbox::dataplane::fixtures::World;
    use crate::sandbox::dataplane::fixtures::weights;
    use crate::sandbox::dataplane::fixtures::with;
    use serde_json::json;

    fn world(routes: Value) -> World {
        let mut world = World::podinfo();
        world.remove("ingressroutes", "podinfo");
        for side in ["primary", "canary"] {
            world.put(
                "upstreams",
                json!({"metadata": {"name": side, "namespace": "test"}, "spec": {"kube": {
                    "serviceName": format!("podinfo-{side}"), "serviceNamespace": "test", "servicePort": 80}}}),
            );
        }
        world.put(
            "routetables",
            json!({"metadata": {"name": "podinfo", "namespace": "test"}, "spec": {"routes": routes}}),
        );
        world
    }

    fn to(upstream: &str) -> Value {
        json!({"upstream": {"name": upstream, "namespace": "test"}})
    }

    #[test]
    fn destinations_get_their_weights_and_none_means_0() {
        let multi = |weight: Value| {
            json!([{"routeAction": {"multi": {"destinations": [
                {"destination": to("primary"), "weight": 90},
                {"destination": to("canary"), "weight": weight},
            ]}}}])
        };
        assert_eq!(
            weights(&world(multi(json!(10)))),
            Ok(vec![(90, 2), (10, 2)])
        );
        assert_eq!(weights(&world(multi(Value::Null))), Ok(vec![(90, 2)]));
    }

    #[test]
    fn whoever_has_the_header_goes_by_the_route_that_asks_for_it() {
        let matchers = json!([{"headers": [{"name": "x-user", "value": "a"}]},
            {"headers": [{"name": "x-user", "value": "b.*", "regex": true}]}]);
        let meant = json!({"matchers": matchers, "routeAction": {"single": to("canary")}});
        let others = json!({"routeAction": {"single": to("primary")}});
        let world = world(json!([meant, others]));
        let cluster = |user: &str| with(&world, &[("x-user", user)]).unwrap()[0].label.clone();
        let named = |name: &str| Some(Label::Envoy("envoy_cluster_name", format!("{name}_test")));
        assert_eq!(cluster("a"), named("canary"));
        assert_eq!(cluster("bob"), named("canary"));
        assert_eq!(cluster("c"), named("primary"));
    }

    #[test]
    fn whoever_has_no_header_goes_by_the_route_that_asks_for_none() {
        let meant = json!({"matchers": [{"headers": [{"name": "x-user", "value": "a"}]}],
            "routeAction": {"single": to("canary")}});
        let others = json!({"routeAction": {"single": to("primary")}});
        assert_eq!(weights(&world(json!([meant, others]))), Ok(vec![(1, 2)]));
        assert_eq!(weights(&world(json!([meant]))), Err(Lost::NoRoute));
    }

    #[test]
    fn an_upstream_that_is_not_there_loses_its_share_alone() {
        let routes = json!([{"routeAction": {"multi": {"destinations": [
            {"destination": to("primary"), "weight": 90}, {"destination": to("cannary"), "weight": 10},
        ]}}}]);
        assert_eq!(weights(&world(routes)), Ok(vec![(90, 2), (10, 0)]));
    }
}
