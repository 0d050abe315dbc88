//! Gateway API v1: an HTTPRoute named like the apex service, attached to the Canary's `gatewayRefs`.
//!
//! The weights are those of the backends in every rule that names our services. What an API server fills in (groups,
//! kinds, paths, a weight of 1) is no difference. Gateways say in `status.parents` whether they have taken the route;
//! one that says nothing proves nothing.
//! <https://gateway-api.sigs.k8s.io/reference/spec/#httproute>

use crate::canary::capabilities::Affinity;
use crate::canary::capabilities::Capabilities;
use crate::canary::capabilities::Comparison;
use crate::canary::capabilities::Matching;
use crate::canary::capabilities::Mirroring;
use crate::canary::capabilities::Need;
use crate::canary::capabilities::ServiceField;
use crate::canary::object::ObjectRef;
use crate::canary::object::Resource;
use crate::canary::spec::Canary;
use crate::canary::weight::Proof;
use crate::canary::weight::Routes;
use crate::canary::weight::Weight;
use crate::router::Change;
use crate::router::DurationUnit;
use crate::router::Facts;
use crate::router::Queries;
use crate::router::QuerySite;
use crate::router::RouteError;
use crate::router::TrafficProvider;
use crate::router::apex_metadata;
use crate::router::apex_service;
use crate::router::arranged;
use crate::router::change;
use crate::router::gateway_api::filters::filters;
use crate::router::gateway_api::matches::matches;
use crate::router::gateway_api::words::WORDS;
use crate::router::patched;
use crate::router::rules::Rules;
use crate::router::rules::Shape;
use crate::router::rules::adjusted;
use crate::router::sides::names;
use serde_json::Map;
use serde_json::Value;
use serde_json::json;

mod filters;
mod matches;
mod words;

pub(super) const PROVIDER: TrafficProvider = TrafficProvider {
    name: "gatewayapi:v1",
    summary: "Gateway API: HTTPRoute weights",
    resource: HTTP_ROUTE,
    install: "https://gateway-api.sigs.k8s.io/guides/#installing-gateway-api",
    capabilities: Capabilities {
        weighted: true,
        mirror: Mirroring::BlueGreen,
        matches: Matching {
            headers: &[Comparison::Exact, Comparison::Regex],
            query_params: &[Comparison::Exact, Comparison::Regex],
            source_labels: false,
        },
        session_affinity: Affinity::Both,
        tcp_weights_only: false,
        needs: &[Need::GatewayRefs],
        service: &[
            ServiceField::Hosts,
            ServiceField::GatewayRefs,
            ServiceField::Match,
            ServiceField::Rewrite,
            ServiceField::Timeout,
            ServiceField::BackendTimeout,
            ServiceField::Headers,
            ServiceField::CorsPolicy,
            ServiceField::Mirror,
        ],
    },
    route,
    beside: apex_service,
    prepare,
    routes,
    set_routes,
    proof,
    queries: Queries {
        success_rate,
        duration,
        duration_unit: DurationUnit::Seconds,
    },
};

const HTTP_ROUTE: Resource =
    Resource::new("gateway.networking.k8s.io", "v1", "httproutes", "HTTPRoute");

const RULES: Shape = Shape {
    rules: "/spec/rules",
    dotted: "spec.rules",
    destinations: "backendRefs",
    name: "/name",
    default_weight: 1,
    is,
    destination,
};

fn route(canary: &Canary) -> ObjectRef {
    HTTP_ROUTE.in_namespace(&canary.namespace, canary.apex_name())
}

fn prepare(canary: &Canary, facts: &Facts) -> Result<Vec<Change>, RouteError> {
    let address = route(canary);
    let rule = rule(canary)?;
    let Some(live) = facts.get(&address) else {
        let manifest = http_route(canary, facts, &address, rule);
        let rules = Rules::of(&RULES, canary, &address, &manifest);
        let made = arranged::made(&WORDS, &rules)?;
        return Ok(vec![Change::Create(address.clone(), made)]);
    };
    let rules = Rules::of(&RULES, canary, &address, live);
    let mut operations = arranged::taken_over(&WORDS, &rules, &rule)?;
    let mut said = json!({"parentRefs": parents(canary)});
    if !canary.service.hosts.is_empty() {
        said["hostnames"] = json!(canary.service.hosts);
    }
    operations.extend(adjusted("/spec", &live["spec"], &said));
    Ok(patched(&address, live, operations).into_iter().collect())
}

fn http_route(canary: &Canary, facts: &Facts, address: &ObjectRef, mut rule: Value) -> Value {
    let destinations = [
        (canary.primary_service_name(), Weight::FULL),
        (canary.canary_service_name(), Weight::ZERO),
    ]
    .map(|(name, weight)| destination(canary, None, &name, weight));
    rule["backendRefs"] = json!(destinations);
    if rule.get("matches").is_none() {
        rule["matches"] = json!([{"path": {"type": "PathPrefix", "value": "/"}}]);
    }
    let mut spec = json!({"parentRefs": parents(canary), "rules": [rule]});
    if !canary.service.hosts.is_empty() {
        spec["hostnames"] = json!(canary.service.hosts);
    }
    json!({
        "apiVersion": address.api_version(), "kind": address.kind, "metadata": apex_metadata(canary, facts), "spec": spec,
    })
}

fn parents(canary: &Canary) -> Vec<Value> {
    let refs = canary.service.gateway_refs.iter();
    refs.map(|parent| {
        let mut value = json!({"group": parent.group, "kind": parent.kind, "name": parent.name});
        let more = [
            ("namespace", json!(parent.namespace)),
            ("sectionName", json!(parent.section_name)),
            ("port", json!(parent.port)),
        ];
        for (field, more) in more {
            if !more.is_null() {
                value[field] = more;
            }
        }
        value
    })
    .collect()
}

/// What a rule says beside its backends, as far as the Canary speaks of it.
fn rule(canary: &Canary) -> Result<Value, RouteError> {
    let mut rule = Map::new();
    let service = &canary.service;
    let matches = matches(canary)?;
    if !matches.is_empty() {
        rule.insert("matches".to_owned(), matches.into());
    }
    let filters = filters(service);
    if !filters.is_empty() {
        rule.insert("filters".to_owned(), filters.into());
    }
    let mut timeouts = Map::new();
    for (field, limit) in [
        ("request", &service.timeout),
        ("backendRequest", &service.backend_timeout),
    ] {
        if let Some(limit) = limit {
            timeouts.insert(field.to_owned(), json!(limit));
        }
    }
    if !timeouts.is_empty() {
        rule.insert("timeouts".to_owned(), timeouts.into());
    }
    Ok(rule.into())
}

fn destination(canary: &Canary, other: Option<&Value>, name: &str, weight: Weight) -> Value {
    let mut added = other
        .cloned()
        .unwrap_or_else(|| json!({"group": "", "kind": "Service", "port": canary.service.port}));
    added["name"] = json!(name);
    added["weight"] = json!(weight);
    added
}

fn is(canary: &Canary, backend: &Value, service: &str) -> bool {
    let expected = [
        ("group", ""),
        ("kind", "Service"),
        ("namespace", &canary.namespace),
    ];
    names(backend, service, &expected)
}

fn routes(canary: &Canary, facts: &Facts) -> Result<Option<Routes>, RouteError> {
    let address = route(canary);
    let Some(live) = facts.get(&address) else {
        return Ok(None);
    };
    arranged::read(&WORDS, &Rules::of(&RULES, canary, &address, live))
}

fn set_routes(canary: &Canary, facts: &Facts, wish: Routes) -> Result<Vec<Change>, RouteError> {
    let address = route(canary);
    let Some(live) = facts.get(&address) else {
        return prepare(canary, facts);
    };
    let rules = Rules::of(&RULES, canary, &address, live);
    let operations = arranged::write(&WORDS, &rules, wish, facts)?;
    Ok(change(address, operations))
}

/// Every parent of the route must have accepted it, and found its services, at this generation.
fn proof(canary: &Canary, facts: &Facts) -> Proof {
    let Some(live) = facts.get(&route(canary)) else {
        return Proof::Unknown;
    };
    let list = |pointer: &str| {
        live.pointer(pointer)
            .and_then(Value::as_array)
            .map_or(&[][..], Vec::as_slice)
    };
    let generation = live
        .pointer("/metadata/generation")
        .and_then(Value::as_i64)
        .unwrap_or(0);
    let mut silent = 0;
    for parent in list("/spec/parentRefs") {
        let said: Vec<&Value> = list("/status/parents")
            .iter()
            .filter(|status| {
                status
                    .get("parentRef")
                    .is_some_and(|own| same(canary, own, parent))
            })
            .collect();
        if said.is_empty() {
            silent += 1;
        }
        for status in said {
            if let Some(why) = objection(status, generation) {
                let name = parent.get("name").and_then(Value::as_str).unwrap_or("?");
                return Proof::Pending(format!("{name}: {why}"));
            }
        }
    }
    if silent > 0 {
        Proof::Unknown
    } else {
        Proof::InEffect
    }
}

/// Why a parent's status does not say that the route is in effect.
fn objection(status: &Value, generation: i64) -> Option<String> {
    ["Accepted", "ResolvedRefs"].into_iter().find_map(|kind| {
        let conditions = status.get("conditions").and_then(Value::as_array);
        let condition = conditions
            .into_iter()
            .flatten()
            .find(|condition| condition["type"] == kind);
        let Some(condition) = condition else {
            // Flagger looks at the first alone, and not every controller writes the second.
            return (kind == "Accepted").then(|| "it has not answered yet".to_owned());
        };
        let seen = condition.get("observedGeneration").and_then(Value::as_i64);
        if seen.is_some_and(|seen| seen < generation) {
            return Some(format!("it has not seen generation {generation} yet"));
        }
        if condition["status"] == "True" {
            return None;
        }
        let words = |field: &str| condition.get(field).and_then(Value::as_str).unwrap_or("");
        Some(format!(
            "{kind} is {}: {} {}",
            words("status"),
            words("reason"),
            words("message")
        ))
    })
}

/// The same parent, whatever is left out.
fn same(canary: &Canary, one: &Value, other: &Value) -> bool {
    let equal = |field: &str, default: Value| {
        let of = |value: &Value| value.get(field).cloned().unwrap_or_else(|| default.clone());
        of(one) == of(other)
    };
    equal("group", json!(HTTP_ROUTE.group))
        && equal("kind", json!("Gateway"))
        && equal("namespace", json!(canary.namespace))
        && equal("name", Value::Null)
        && equal("sectionName", Value::Null)
        && equal("port", Value::Null)
}

fn requests(metric: &str, site: &QuerySite<'_>, more: &str) -> String {
    let QuerySite {
        namespace,
        target,
        interval,
        ..
    } = site;
    format!(
        "rate({metric}{{kubernetes_namespace=\"{namespace}\",\
         kubernetes_pod_name=~\"{target}-[0-9a-zA-Z]+(-[0-9a-zA-Z]+)\"{more}}}[{interval}])"
    )
}

pub(super) fn success_rate(site: &QuerySite<'_>) -> String {
    let count = "http_request_duration_seconds_count";
    let good = requests(count, site, ",status!~\"5.*\"");
    let all = requests(count, site, "");
    format!("sum({good}) / sum({all}) * 100")
}

pub(super) fn duration(site: &QuerySite<'_>) -> String {
    let buckets = requests("http_request_duration_seconds_bucket", site, "");
    format!("histogram_quantile(0.99, sum by (le) ({buckets}))")
}
