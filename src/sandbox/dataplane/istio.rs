//! Istio: VirtualServices of `networking.istio.io`, as its proxies use them.
//!
//! Only what rollouts need: requests go by the first rule that has destinations and whose headers they have. Subsets
//! are not known, so that whoever is sent to one is lost.

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

/// A VirtualService for the apex as a host, or one of its name: whoever delegates to it may not be in this cluster.
pub fn read(apex: &Apex, objects: &dyn Objects) -> Option<View> {
    let named = objects.get("virtualservices", &apex.namespace, &apex.service);
    let for_host = || {
        let all = objects.list("virtualservices", &apex.namespace);
        all.into_iter().find(|virtual_service| {
            items(virtual_service, "/spec/hosts")
                .filter_map(Value::as_str)
                .any(|host| service_of(host, &apex.namespace) == (&apex.service, &apex.namespace))
        })
    };
    let virtual_service = named.or_else(for_host)?;
    let rules: Vec<Rule> = ["/spec/http", "/spec/tcp"]
        .into_iter()
        .flat_map(|rules| items(&virtual_service, rules))
        .filter(|rule| items(rule, "/route").next().is_some())
        .map(|rule| self::rule(rule, apex, objects))
        .collect();
    Some(View {
        proxied: true,
        rules,
    })
}

fn rule(rule: &Value, apex: &Apex, objects: &dyn Objects) -> Rule {
    let alone = items(rule, "/route").count() == 1;
    let backends = items(rule, "/route").map(|entry| backend(entry, alone, apex, objects));
    let copy = text(rule, "/mirror/host").map(|host| {
        let (service, namespace) = service_of(host, &apex.namespace);
        let percent = rule.pointer("/mirrorPercentage/value");
        let percent = percent.and_then(Value::as_f64).unwrap_or(100.0);
        (share(objects, namespace, service, None, 1), percent as u64)
    });
    Rule {
        when: items(rule, "/match").map(tests).collect(),
        backends: shares(backends.collect()),
        copy,
        cookie: cookie(rule),
    }
}

fn tests(condition: &Value) -> Vec<Test> {
    let headers = condition.get("headers").and_then(Value::as_object);
    let test = |(name, wanted): (&String, &Value)| match wanted.as_object()?.iter().next() {
        Some((kind, value)) => Some(Test::new(name, kind, value)),
        None => Some(Test::new(name, "present", &Value::Null)),
    };
    headers.into_iter().flatten().filter_map(test).collect()
}

fn cookie(of: &Value) -> Option<String> {
    text(of, "/headers/response/add/Set-Cookie").map(str::to_owned)
}

fn backend(entry: &Value, alone: bool, apex: &Apex, objects: &dyn Objects) -> Backend {
    let host = text(entry, "/destination/host").unwrap_or_default();
    let (service, namespace) = service_of(host, &apex.namespace);
    let weight = entry.get("weight").and_then(Value::as_u64).unwrap_or(0);
    let port = entry.pointer("/destination/port/number");
    // Only the weights of several are looked at.
    let weight = if alone { 1 } else { weight };
    let mut backend = share(objects, namespace, service, port, weight);
    backend.cookie = cookie(entry);
    if entry.pointer("/destination/subset").is_some() {
        backend.pods.clear();
    }
    backend
}

/// Name and namespace of `NAME`, `NAME.NS` and `NAME.NS.svc.cluster.local`.
fn service_of<'a>(host: &'a str, own: &'a str) -> (&'a str, &'a str) {
    let mut parts = host.split('.');
    (parts.next().unwrap_or(host), parts.next().unwrap_or(own))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::sandbox::dataplane::fixtures::World;
    use crate::sandbox::dataplane::fixtures::weights;
    use serde_json::json;

    fn world(destinations: Value) -> World {
        let mut world = World::podinfo();
        world.remove("ingressroutes", "podinfo");
        world.put(
            "virtualservices",
            json!({"metadata": {"name": "podinfo", "namespace": "test"}, "spec": {"hosts": ["podinfo"],
                "http": [{"redirect": {"uri": "/"}}, {"route": destinations}]}}),
        );
        world
    }

    #[test]
    fn the_first_rule_whose_headers_a_request_has_takes_it() {
        let mut world = world(json!([]));
        let to = |name: &str| json!([{"destination": {"host": name}}]);
        world.put(
            "virtualservices",
            json!({"metadata": {"name": "podinfo", "namespace": "test"}, "spec": {"http": [
                {"match": [{"headers": {"x-canary": {"exact": "insider"}}},
                    {"headers": {"Cookie": {"regex": "^(.*?;)?(canary=always)(;.*)?$"}}}],
                    "mirror": {"host": "podinfo-primary"}, "route": to("podinfo-canary")},
                {"route": to("podinfo-primary")}]}}),
        );
        let view = crate::sandbox::dataplane::view(&World::apex(), &world);
        let taken = |header: &str, value: &str| {
            let headers = [(header.to_owned(), value.to_owned())].into();
            view.rules.iter().position(|rule| rule.takes(&headers))
        };
        assert_eq!(taken("x-canary", "insider"), Some(0));
        assert_eq!(taken("x-canary", "outsider"), Some(1));
        assert_eq!(taken("cookie", "a=b; canary=always"), Some(1));
        assert_eq!(taken("cookie", "a=b;canary=always"), Some(0));
        assert!(view.rules[0].copy.is_some());
    }

    #[test]
    fn destinations_get_their_weights() {
        let world = world(json!([
            {"destination": {"host": "podinfo-primary", "port": {"number": 80}}, "weight": 90},
            {"destination": {"host": "podinfo-canary.test.svc.cluster.local"}, "weight": 10},
        ]));
        assert_eq!(weights(&world), Ok(vec![(90, 2), (10, 2)]));
    }

    #[test]
    fn whoever_is_alone_needs_no_weight_and_among_several_none_means_0() {
        let alone = json!([{"destination": {"host": "podinfo-canary"}}]);
        assert_eq!(weights(&world(alone)), Ok(vec![(1, 2)]));
        let several = json!([
            {"destination": {"host": "podinfo-primary"}, "weight": 100},
            {"destination": {"host": "podinfo-canary"}},
        ]);
        assert_eq!(weights(&world(several)), Ok(vec![(100, 2)]));
    }

    #[test]
    fn a_service_port_or_subset_that_does_not_exist_loses_its_share_alone() {
        let world = world(json!([
            {"destination": {"host": "podinfo-primary"}, "weight": 40},
            {"destination": {"host": "podinfo-cannary"}, "weight": 20},
            {"destination": {"host": "podinfo-canary", "port": {"number": 81}}, "weight": 20},
            {"destination": {"host": "podinfo-canary", "subset": "v2"}, "weight": 20},
        ]));
        assert_eq!(
            weights(&world),
            Ok(vec![(40, 2), (20, 0), (20, 0), (20, 0)])
        );
    }

    #[test]
    fn without_destinations_there_is_no_route() {
        assert!(weights(&world(json!([]))).is_err());
    }
}
