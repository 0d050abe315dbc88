//! Istio: a VirtualService named like the apex service, and a DestinationRule for each of the two services behind it.
//!
//! The weights are those of the destinations in every rule that names our services; a DestinationRule only carries the
//! Canary's `trafficPolicy`. Istio does not tell when its proxies have a route.
//! <https://istio.io/latest/docs/reference/config/networking/virtual-service/>

use crate::canary::capabilities::Affinity;
use crate::canary::capabilities::Capabilities;
use crate::canary::capabilities::Comparison;
use crate::canary::capabilities::Matching;
use crate::canary::capabilities::Mirroring;
use crate::canary::capabilities::ServiceField;
use crate::canary::object::ObjectRef;
use crate::canary::object::Resource;
use crate::canary::routing::HeaderOperations;
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
use crate::router::istio::words::WORDS;
use crate::router::patched;
use crate::router::rules::Rules;
use crate::router::rules::Shape;
use crate::router::rules::adjusted;
use serde_json::Map;
use serde_json::Value;
use serde_json::json;

mod words;

pub(super) const PROVIDER: TrafficProvider = TrafficProvider {
    name: "istio",
    summary: "Istio: VirtualService weights",
    resource: VIRTUAL_SERVICE,
    install: "https://istio.io/latest/docs/setup/install/",
    capabilities: Capabilities {
        weighted: true,
        mirror: Mirroring::Always,
        matches: Matching {
            headers: &[
                Comparison::Exact,
                Comparison::Prefix,
                Comparison::Regex,
                Comparison::Present,
            ],
            query_params: &[Comparison::Exact, Comparison::Prefix, Comparison::Regex],
            source_labels: true,
        },
        session_affinity: Affinity::Both,
        tcp_weights_only: true,
        needs: &[],
        service: &[
            ServiceField::Hosts,
            ServiceField::Gateways,
            ServiceField::Match,
            ServiceField::Rewrite,
            ServiceField::Timeout,
            ServiceField::Retries,
            ServiceField::Headers,
            ServiceField::CorsPolicy,
            ServiceField::TrafficPolicy,
            ServiceField::Delegation,
        ],
    },
    route,
    beside,
    prepare,
    routes,
    set_routes,
    proof: |_, _| Proof::Unknown,
    queries: Queries {
        success_rate,
        duration,
        duration_unit: DurationUnit::Millis,
    },
};

// Newer clusters serve v1 too; v1beta1 is what all that are in use have, and Flagger writes.
const VIRTUAL_SERVICE: Resource = Resource::new(
    "networking.istio.io",
    "v1beta1",
    "virtualservices",
    "VirtualService",
);
const DESTINATION_RULE: Resource = Resource::new(
    "networking.istio.io",
    "v1beta1",
    "destinationrules",
    "DestinationRule",
);

const HTTP: Shape = Shape {
    rules: "/spec/http",
    dotted: "spec.http",
    destinations: "route",
    name: "/destination/host",
    default_weight: 0,
    is,
    destination,
};
const TCP: Shape = Shape {
    rules: "/spec/tcp",
    dotted: "spec.tcp",
    ..HTTP
};

fn shape(canary: &Canary) -> &'static Shape {
    if canary.service.is_tcp() { &TCP } else { &HTTP }
}

fn route(canary: &Canary) -> ObjectRef {
    VIRTUAL_SERVICE.in_namespace(&canary.namespace, canary.apex_name())
}

fn sides(canary: &Canary) -> [String; 2] {
    [canary.canary_service_name(), canary.primary_service_name()]
}

fn beside(canary: &Canary) -> Vec<ObjectRef> {
    let rule = |service: String| DESTINATION_RULE.in_namespace(&canary.namespace, &service);
    let mut beside: Vec<ObjectRef> = sides(canary).into_iter().map(rule).collect();
    beside.extend(apex_service(canary));
    beside
}

fn prepare(canary: &Canary, facts: &Facts) -> Result<Vec<Change>, RouteError> {
    let mut changes = Vec::new();
    for service in sides(canary) {
        changes.extend(destination_rule(canary, facts, &service)?);
    }
    let address = route(canary);
    let Some(live) = facts.get(&address) else {
        let manifest = json!({
            "apiVersion": address.api_version(), "kind": address.kind, "metadata": apex_metadata(canary, facts),
            "spec": virtual_service(canary),
        });
        let rules = Rules::of(shape(canary), canary, &address, &manifest);
        changes.push(Change::Create(
            address.clone(),
            arranged::made(&WORDS, &rules)?,
        ));
        return Ok(changes);
    };
    let rules = Rules::of(shape(canary), canary, &address, live);
    let mut operations = arranged::taken_over(&WORDS, &rules, &conditions(canary))?;
    // What the Canary leaves open is as people wrote it.
    let mut said = Map::new();
    if !canary.service.hosts.is_empty() {
        said.insert("hosts".to_owned(), json!(hosts(canary)));
    }
    if !canary.service.gateways.is_empty() {
        said.insert("gateways".to_owned(), json!(canary.service.gateways));
    }
    operations.extend(adjusted("/spec", &live["spec"], &said.into()));
    changes.extend(patched(&address, live, operations));
    Ok(changes)
}

/// The rule of one service: where it is to go before traffic does.
fn destination_rule(
    canary: &Canary,
    facts: &Facts,
    service: &str,
) -> Result<Option<Change>, RouteError> {
    let address = DESTINATION_RULE.in_namespace(&canary.namespace, service);
    let mut spec = Map::new();
    if let Some(policy) = &canary.service.traffic_policy {
        spec.insert("trafficPolicy".to_owned(), policy.clone());
    }
    let Some(live) = facts.get(&address) else {
        spec.insert("host".to_owned(), json!(service));
        let manifest = json!({
            "apiVersion": address.api_version(), "kind": address.kind,
            "metadata": {"name": service, "namespace": canary.namespace}, "spec": spec,
        });
        return Ok(Some(Change::Create(address, manifest)));
    };
    let host = live.pointer("/spec/host").and_then(Value::as_str);
    if !host.is_some_and(|host| is_host(canary, host, service)) {
        return Err(RouteError::Foreign {
            object: address.to_string(),
            destination: host.unwrap_or("no host").to_owned(),
        });
    }
    Ok(patched(
        &address,
        live,
        adjusted("/spec", &live["spec"], &spec.into()),
    ))
}

fn virtual_service(canary: &Canary) -> Value {
    let service = &canary.service;
    let destinations = [
        (canary.primary_service_name(), Weight::FULL),
        (canary.canary_service_name(), Weight::ZERO),
    ]
    .map(|(name, weight)| destination(canary, None, &name, weight));
    let mut rule = conditions(canary);
    rule["route"] = json!(destinations);
    let mut spec = json!({});
    spec[if service.is_tcp() { "tcp" } else { "http" }] = json!([rule]);
    spec["hosts"] = json!(hosts(canary));
    if !service.delegation {
        let mesh = vec!["mesh".to_owned()];
        let gateways = if service.gateways.is_empty() {
            &mesh
        } else {
            &service.gateways
        };
        spec["gateways"] = json!(gateways);
    }
    spec
}

/// The apex is always among them; the one that delegates has them where that is so.
fn hosts(canary: &Canary) -> Vec<&str> {
    let mut hosts: Vec<&str> = canary.service.hosts.iter().map(String::as_str).collect();
    if canary.service.delegation {
        return Vec::new();
    }
    if !hosts.contains(&"*") && !hosts.contains(&canary.apex_name()) {
        hosts.push(canary.apex_name());
    }
    hosts
}

/// What a rule says beside its destinations, as far as the Canary speaks of it.
fn conditions(canary: &Canary) -> Value {
    let service = &canary.service;
    let mut rule = json!({});
    if service.is_tcp() {
        if !service.matches.is_empty() {
            let ports = service.matches.iter().map(|item| match item.port {
                Some(port) => json!({"port": port}),
                None => json!({}),
            });
            rule["match"] = ports.collect();
        }
        return rule;
    }
    if !service.matches.is_empty() {
        rule["match"] = json!(service.matches);
    }
    if let Some(rewrite) = &service.rewrite {
        rule["rewrite"] = present([
            ("uri", json!(rewrite.uri)),
            ("authority", json!(rewrite.authority)),
        ]);
    }
    if let Some(timeout) = &service.timeout {
        rule["timeout"] = json!(timeout);
    }
    if let Some(retries) = &service.retries {
        rule["retries"] = present([
            ("attempts", json!(retries.attempts)),
            ("perTryTimeout", json!(retries.per_try_timeout)),
            ("retryOn", json!(retries.retry_on)),
        ]);
    }
    if let Some(headers) = &service.headers {
        let side = |operations: &Option<HeaderOperations>| {
            operations.as_ref().map_or(Value::Null, |operations| {
                let filled =
                    |entries: Value, empty: bool| if empty { Value::Null } else { entries };
                present([
                    (
                        "add",
                        filled(json!(operations.add), operations.add.is_empty()),
                    ),
                    (
                        "set",
                        filled(json!(operations.set), operations.set.is_empty()),
                    ),
                    (
                        "remove",
                        filled(json!(operations.remove), operations.remove.is_empty()),
                    ),
                ])
            })
        };
        rule["headers"] = present([
            ("request", side(&headers.request)),
            ("response", side(&headers.response)),
        ]);
    }
    if let Some(policy) = &service.cors_policy {
        rule["corsPolicy"] = policy.clone();
    }
    rule
}

fn present<const N: usize>(fields: [(&str, Value); N]) -> Value {
    let set = fields.into_iter().filter(|(_, value)| !value.is_null());
    set.map(|(name, value)| (name.to_owned(), value))
        .collect::<Map<_, _>>()
        .into()
}

fn destination(canary: &Canary, other: Option<&Value>, name: &str, weight: Weight) -> Value {
    let mut added = other.cloned().unwrap_or_else(|| {
        let service = &canary.service;
        // Behind a gateway Istio cannot guess which of several ports is meant.
        let outside = service
            .gateways
            .first()
            .is_some_and(|first| first != "mesh");
        if service.port_discovery && (outside || service.delegation) {
            json!({"destination": {"port": {"number": service.port}}})
        } else {
            json!({"destination": {}})
        }
    });
    added["destination"]["host"] = json!(name);
    added["weight"] = json!(weight);
    added
}

/// A subset is a part of some service's pods: not ours, whatever the host.
fn is(canary: &Canary, destination: &Value, service: &str) -> bool {
    let host = destination
        .pointer("/destination/host")
        .and_then(Value::as_str);
    host.is_some_and(|host| is_host(canary, host, service))
        && destination.pointer("/destination/subset").is_none()
}

/// `podinfo`, `podinfo.test`, `podinfo.test.svc` and `podinfo.test.svc.cluster.local` are the same.
fn is_host(canary: &Canary, host: &str, service: &str) -> bool {
    let Some(rest) = host.strip_prefix(service) else {
        return false;
    };
    let domain = rest.strip_prefix('.').map(|rest| {
        let rest = rest.strip_prefix(canary.namespace.as_str())?;
        (rest.is_empty() || rest == ".svc" || rest.starts_with(".svc.")).then_some(())
    });
    rest.is_empty() || domain.flatten().is_some()
}

fn routes(canary: &Canary, facts: &Facts) -> Result<Option<Routes>, RouteError> {
    let address = route(canary);
    let Some(live) = facts.get(&address) else {
        return Ok(None);
    };
    arranged::read(&WORDS, &Rules::of(shape(canary), canary, &address, live))
}

fn set_routes(canary: &Canary, facts: &Facts, wish: Routes) -> Result<Vec<Change>, RouteError> {
    let address = route(canary);
    let Some(live) = facts.get(&address) else {
        return prepare(canary, facts);
    };
    let rules = Rules::of(shape(canary), canary, &address, live);
    let operations = arranged::write(&WORDS, &rules, wish, facts)?;
    Ok(change(address, operations))
}

fn requests(metric: &str, site: &QuerySite<'_>, more: &str) -> String {
    let QuerySite {
        namespace,
        target,
        interval,
        ..
    } = site;
    format!(
        "rate({metric}{{reporter=\"destination\",destination_workload_namespace=\"{namespace}\",\
         destination_workload=~\"{target}\"{more}}}[{interval}])"
    )
}

pub(super) fn success_rate(site: &QuerySite<'_>) -> String {
    let good = requests("istio_requests_total", site, ",response_code!~\"5.*\"");
    let all = requests("istio_requests_total", site, "");
    format!("sum({good}) / sum({all}) * 100")
}

pub(super) fn duration(site: &QuerySite<'_>) -> String {
    let buckets = requests("istio_request_duration_milliseconds_bucket", site, "");
    format!("histogram_quantile(0.99, sum by (le) ({buckets}))")
}
