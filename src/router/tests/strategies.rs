//! A/B testing, mirroring and session affinity on routes that are lists of rules.

use super::*;
use crate::canary::object::Resource;
use serde_json::json;

/// Providers whose routes are lists of rules, with the pointer of these.
const LISTS: [(&str, &str); 2] = [("gatewayapi:v1", "/spec/rules"), ("istio", "/spec/http")];

const AB: &str = "iterations: 3, match: [{headers: {x-canary: {exact: insider}}}]";
const AFFINITY: &str =
    "stepWeight: 10, sessionAffinity: {cookieName: to-canary, primaryCookieName: to-primary}";

/// The fixture's canary with another analysis, and its route after a take-over.
fn bench(name: &str, analysis: &str) -> Bench {
    let mut bench = Bench::named(name);
    let fixture = FIXTURES.iter().find(|one| one.name == name).unwrap();
    let mut text: Value = serde_yaml::from_str(fixture.canary).unwrap();
    let steps: Value =
        serde_yaml::from_str(&format!("{{interval: 1m, threshold: 5, {analysis}}}")).unwrap();
    text["spec"]["analysis"] = steps;
    bench.canary = canary(&text.to_string());
    bench
}

impl Bench {
    fn rules(&self, pointer: &str) -> Vec<Value> {
        let rules = self
            .route()
            .pointer(pointer)
            .and_then(Value::as_array)
            .cloned();
        rules.unwrap()
    }

    fn wish(&mut self, routes: Routes, cookies: Value) -> usize {
        let owner = Resource::CANARY.in_namespace(&self.canary.namespace, &self.canary.name);
        self.facts.insert(owner, json!({"status": cookies}));
        let changes = (self.provider.set_routes)(&self.canary, &self.facts, routes).unwrap();
        let count = changes.len();
        self.apply(changes);
        let read = (self.provider.routes)(&self.canary, &self.facts);
        assert_eq!(read, Ok(Some(routes)), "{}", self.provider.name);
        count
    }

    fn shares_of(&self, rule: &Value) -> Vec<i64> {
        let field = if self.provider.name == "istio" {
            "route"
        } else {
            "backendRefs"
        };
        let all = rule[field].as_array();
        all.into_iter()
            .flatten()
            .map(|one| one["weight"].as_i64().unwrap_or(100))
            .collect()
    }
}

fn cookies() -> Value {
    json!({"sessionAffinityCookie": "to-canary=abc", "primarySessionAffinityCookie": "to-primary=def"})
}

#[test]
fn only_the_rule_with_the_conditions_leads_to_the_canary() {
    for (name, pointer) in LISTS {
        let mut bench = bench(name, AB);
        bench.prepare();
        let before = bench.rules(pointer);
        assert_eq!(bench.wish(Routes::CANARY, json!({})), 1, "{name}");
        let rules = bench.rules(pointer);
        let shares: Vec<Vec<i64>> = rules.iter().map(|rule| bench.shares_of(rule)).collect();
        assert!(shares.contains(&vec![0, 100]), "{name}: {shares:?}");
        assert!(shares.contains(&vec![100]), "{name}: {shares:?}");
        let test = rules
            .iter()
            .position(|rule| rule.to_string().contains("insider"))
            .unwrap();
        assert_eq!(bench.shares_of(&rules[test]), [0, 100]);
        assert_eq!(
            bench.wish(Routes::CANARY, json!({})),
            0,
            "{name}: it is so already"
        );
        bench.wish(Routes::PRIMARY, json!({}));
        assert_eq!(bench.rules(pointer), before, "{name}");
    }
}

#[test]
fn a_copy_is_turned_on_and_off_and_leaves_nothing_behind() {
    for (name, pointer) in LISTS {
        let mut bench = bench(name, "iterations: 3, mirror: true, mirrorWeight: 40");
        bench.prepare();
        let before = bench.rules(pointer);
        let mirrored = Routes {
            mirrored: true,
            ..Routes::PRIMARY
        };
        assert_eq!(bench.wish(mirrored, json!({})), 1, "{name}");
        assert_ne!(bench.rules(pointer), before, "{name}");
        bench.wish(Routes::PRIMARY, json!({}));
        let off = bench.rules(pointer);
        assert!(
            !off.iter()
                .any(|rule| rule.to_string().to_lowercase().contains("mirror")),
            "{name}"
        );
    }
}

#[test]
fn users_keep_their_side_by_rules_before_the_weights_and_give_their_cookie_back() {
    for (name, pointer) in LISTS {
        let mut bench = bench(name, AFFINITY);
        bench.prepare();
        let plain = bench.rules(pointer).len();
        bench.wish(Routes::split(Weight::new(30).unwrap()), cookies());
        let text = bench.route().to_string();
        assert!(text.contains(".*to-canary.*abc.*"), "{name}: {text}");
        assert!(text.contains(".*to-primary.*def.*"), "{name}");
        assert!(text.contains("to-canary=abc; Max-Age=86400"), "{name}");
        assert!(text.contains("to-primary=def; Max-Age=60"), "{name}");
        let changed = bench.wish(Routes::split(Weight::new(30).unwrap()), cookies());
        assert_eq!(changed, 0, "{name}: it is so already");
        let retired = json!({"previousSessionAffinityCookie": "to-canary=abc"});
        bench.wish(Routes::PRIMARY, retired);
        let text = bench.route().to_string();
        assert!(text.contains("to-canary=abc; Max-Age=-1"), "{name}: {text}");
        assert!(
            !text.contains("Max-Age=86400") && !text.contains("to-primary"),
            "{name}"
        );
        for rule in bench.rules(pointer) {
            if let [_, canary] = bench.shares_of(&rule)[..] {
                assert_eq!(canary, 0, "{name}: no rule sends anybody to the canary");
            }
        }
        bench.wish(Routes::PRIMARY, json!({}));
        assert_eq!(bench.rules(pointer).len(), plain, "{name}");
    }
}

#[test]
fn rules_of_others_stay_where_they_are() {
    for (name, pointer) in LISTS {
        for (analysis, routes) in [
            (AB, Routes::CANARY),
            (AFFINITY, Routes::split(Weight::new(10).unwrap())),
        ] {
            let mut bench = bench(name, analysis);
            let foreign = if name == "istio" {
                json!({"match": [{"uri": {"prefix": "/docs"}}], "route": [{"destination": {"host": "docs"}}]})
            } else {
                json!({"matches": [{"path": {"type": "PathPrefix", "value": "/docs"}}],
                    "backendRefs": [{"name": "docs", "port": 80}]})
            };
            let live = bench.live().pointer_mut(pointer).unwrap();
            live.as_array_mut().unwrap().insert(0, foreign.clone());
            bench.prepare();
            bench.wish(routes, cookies());
            assert_eq!(bench.rules(pointer)[0], foreign, "{name}");
        }
    }
}

#[test]
fn conditions_of_the_service_and_of_the_test_must_both_hold() {
    for (name, pointer) in LISTS {
        let mut bench = bench(name, AB);
        let field = if name == "istio" { "match" } else { "matches" };
        let own = if name == "istio" {
            json!({"uri": {"prefix": "/api"}, "headers": {"x-tenant": {"exact": "a"}}})
        } else {
            json!({"path": {"type": "PathPrefix", "value": "/api"},
                "headers": [{"name": "x-tenant", "type": "Exact", "value": "a"}]})
        };
        let rules = bench.live().pointer_mut(pointer).unwrap();
        rules[0][field] = json!([own]);
        bench.prepare();
        let rules = bench.rules(pointer);
        let test = rules[0][field].to_string();
        for part in ["/api", "x-tenant", "x-canary"] {
            assert!(test.contains(part), "{name}: {test}");
        }
        assert_eq!(rules[1][field], json!([own]), "{name}");
    }
}
