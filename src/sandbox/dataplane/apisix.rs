//! APISIX: ApisixRoutes of `apisix.apache.org/v2`, of which the rule with the highest priority is used.
//!
//! Only what a weighted split needs: a rule stands before another one if it has the same `match`.

use crate::sandbox::dataplane::Apex;
use crate::sandbox::dataplane::Label;
use crate::sandbox::dataplane::View;
use crate::sandbox::dataplane::items;
use crate::sandbox::dataplane::share;
use crate::sandbox::dataplane::shares;
use crate::sandbox::dataplane::text;
use crate::sandbox::objects::Objects;
use serde_json::Value;

/// The rule that leads to the apex, or the one that stands before it.
pub fn read(apex: &Apex, objects: &dyn Objects) -> Option<View> {
    let routes = objects.list("apisixroutes", &apex.namespace);
    let rules: Vec<(&Value, &Value)> = routes
        .iter()
        .map(AsRef::as_ref)
        .flat_map(|route| items(route, "/spec/http").map(move |rule| (route, rule)))
        .collect();
    let leads = |rule: &Value| {
        items(rule, "/backends").any(|one| text(one, "/serviceName") == Some(&apex.service))
    };
    let (_, main) = rules.iter().find(|(_, rule)| leads(rule))?;
    let priority = |rule: &Value| rule.get("priority").and_then(Value::as_i64).unwrap_or(0);
    let (route, rule) = rules
        .iter()
        .filter(|(_, rule)| rule.get("match") == main.get("match"))
        .max_by_key(|(_, rule)| priority(rule))?;
    let name = format!(
        "{}_{}_{}",
        apex.namespace,
        text(route, "/metadata/name").unwrap_or_default(),
        text(rule, "/name").unwrap_or_default()
    );
    let backends = items(rule, "/backends").map(|entry| {
        let service = text(entry, "/serviceName").unwrap_or_default();
        let weight = entry
            .get("weight")
            .map_or(Some(100), Value::as_u64)
            .unwrap_or(0);
        let port = entry.get("servicePort").unwrap_or(&Value::Null);
        let mut backend = share(objects, &apex.namespace, service, Some(port), weight);
        backend.label = Some(Label::Apisix(name.clone()));
        backend
    });
    Some(View::of(true, shares(backends.collect())))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::sandbox::dataplane::fixtures::World;
    use crate::sandbox::dataplane::fixtures::weights;
    use serde_json::json;

    fn world(priority: i64, backends: Value) -> World {
        let mut world = World::podinfo();
        world.remove("ingressroutes", "podinfo");
        world.service("podinfo", &[("podinfo-primary-6d4b-aaaaa", true)]);
        let own = json!([{"serviceName": "podinfo", "servicePort": 80}]);
        for (name, priority, backends) in [
            ("podinfo", 0, own),
            ("podinfo-podinfo-canary", priority, backends),
        ] {
            let rule = json!({"name": "all", "match": {"paths": ["/*"]}, "priority": priority,
                "backends": backends});
            let metadata = json!({"name": name, "namespace": "test"});
            world.put(
                "apisixroutes",
                json!({"metadata": metadata, "spec": {"http": [rule]}}),
            );
        }
        world
    }

    #[test]
    fn the_rule_with_the_highest_priority_is_used_and_no_weight_means_a_hundred() {
        let backends = json!([
            {"serviceName": "podinfo-primary", "servicePort": 80},
            {"serviceName": "podinfo-canary", "servicePort": 80, "weight": 25},
        ]);
        assert_eq!(
            weights(&world(10_000, backends.clone())),
            Ok(vec![(100, 2), (25, 2)])
        );
        assert_eq!(weights(&world(-1, backends)), Ok(vec![(100, 1)]));
    }
}
