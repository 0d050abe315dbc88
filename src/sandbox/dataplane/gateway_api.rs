//! Gateway API: HTTPRoutes, as a gateway uses them.
//!
//! Only what rollouts need: requests go by the rule whose headers they have, the one with most conditions first, and
//! a gateway takes every route without saying so in its status.

use crate::sandbox::dataplane::Apex;
use crate::sandbox::dataplane::Backend;
use crate::sandbox::dataplane::Rule;
use crate::sandbox::dataplane::View;
use crate::sandbox::dataplane::items;
use crate::sandbox::dataplane::rules::Test;
use crate::sandbox::dataplane::share;
use crate::sandbox::dataplane::shares;
use crate::sandbox::dataplane::text;
use crate::sandbox::objects::Objects;
use serde_json::Value;

/// An HTTPRoute of the apex's name, or one that leads to the apex.
pub fn read(apex: &Apex, objects: &dyn Objects) -> Option<View> {
    let named = objects.get("httproutes", &apex.namespace, &apex.service);
    let leading = || {
        let all = objects.list("httproutes", &apex.namespace);
        all.into_iter().find(|route| {
            items(route, "/spec/rules")
                .flat_map(|rule| items(rule, "/backendRefs"))
                .any(|backend| text(backend, "/name") == Some(&apex.service))
        })
    };
    let route = named.or_else(leading)?;
    let rules = items(&route, "/spec/rules").filter(|rule| items(rule, "/backendRefs").count() > 0);
    let mut rules: Vec<Rule> = rules
        .flat_map(|rule| self::rules(rule, apex, objects))
        .collect();
    // Every match counts for itself; of those that hold the one with most headers wins, then the first.
    rules.sort_by_key(|rule| std::cmp::Reverse(rule.when.iter().map(Vec::len).max()));
    Some(View {
        proxied: true,
        rules,
    })
}

/// One rule for each of its matches.
fn rules(rule: &Value, apex: &Apex, objects: &dyn Objects) -> Vec<Rule> {
    let backends = items(rule, "/backendRefs").map(|entry| backend(entry, apex, objects));
    let copies =
        items(rule, "/filters").filter_map(|filter| filter.pointer("/requestMirror/backendRef"));
    let whole = Rule {
        when: Vec::new(),
        backends: shares(backends.collect()),
        copy: copies
            .map(|copy| (backend(copy, apex, objects), 100))
            .next(),
        cookie: cookie(rule),
    };
    let mut each: Vec<Rule> = items(rule, "/matches")
        .map(|condition| Rule {
            when: vec![tests(condition)],
            ..whole.clone()
        })
        .collect();
    if each.is_empty() {
        each.push(whole);
    }
    each
}

fn tests(condition: &Value) -> Vec<Test> {
    let headers = items(condition, "/headers");
    headers
        .map(|header| {
            let part = |pointer| text(header, pointer);
            let value = header.get("value").unwrap_or(&Value::Null);
            Test::new(
                part("/name").unwrap_or_default(),
                part("/type").unwrap_or("Exact"),
                value,
            )
        })
        .collect()
}

fn cookie(of: &Value) -> Option<String> {
    let added =
        items(of, "/filters").flat_map(|filter| items(filter, "/responseHeaderModifier/add"));
    let mut cookies = added.filter(|header| text(header, "/name") == Some("Set-Cookie"));
    text(cookies.next()?, "/value").map(str::to_owned)
}

fn backend(entry: &Value, apex: &Apex, objects: &dyn Objects) -> Backend {
    let name = text(entry, "/name").unwrap_or_default();
    let namespace = text(entry, "/namespace").unwrap_or(&apex.namespace);
    let weight = entry
        .get("weight")
        .map_or(Some(1), Value::as_u64)
        .unwrap_or(0);
    // A Service needs its port.
    let port = entry.get("port").unwrap_or(&Value::Null);
    let mut backend = share(objects, namespace, name, Some(port), weight);
    backend.cookie = cookie(entry);
    // Another namespace has to grant it, and another kind is nothing that this cluster knows.
    let service = text(entry, "/kind").is_none_or(|kind| kind == "Service");
    if namespace != apex.namespace || !service {
        backend.pods.clear();
    }
    backend
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
            "httproutes",
            json!({"metadata": {"name": "podinfo", "namespace": "test"}, "spec": {"rules": [
                {"filters": []}, {"backendRefs": backends}]}}),
        );
        world
    }

    #[test]
    fn backends_get_their_weights_and_none_means_1() {
        let world = world(json!([
            {"kind": "Service", "name": "podinfo-primary", "port": 80, "weight": 9},
            {"name": "podinfo-canary", "port": 80},
        ]));
        assert_eq!(weights(&world), Ok(vec![(9, 2), (1, 2)]));
    }

    #[test]
    fn a_backend_without_its_port_or_of_another_kind_loses_its_share_alone() {
        let world = world(json!([
            {"name": "podinfo-primary", "port": 80, "weight": 50},
            {"name": "podinfo-canary", "weight": 25},
            {"kind": "ServiceImport", "name": "podinfo-canary", "port": 80, "weight": 25},
        ]));
        assert_eq!(weights(&world), Ok(vec![(50, 2), (25, 0), (25, 0)]));
    }

    #[test]
    fn weights_of_0_alone_leave_nobody() {
        let world = world(json!([{"name": "podinfo-primary", "port": 80, "weight": 0}]));
        assert_eq!(weights(&world), Err(Lost::NoEndpoint));
    }
}
