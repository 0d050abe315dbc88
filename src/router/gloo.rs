//! Gloo Edge: a RouteTable named like the apex service, and an Upstream for each of the two services behind it. The
//! user's VirtualService delegates to the table.
//!
//! A weight of 0 is left out, as Gloo does when it writes. It cannot mirror, and does not tell when a proxy has the
//! table. <https://docs.solo.io/gloo-edge/latest/reference/api/github.com/solo-io/gloo/projects/gateway/api/v1/route_table.proto.sk/>

use crate::canary::capabilities::Affinity;
use crate::canary::capabilities::Capabilities;
use crate::canary::capabilities::Comparison;
use crate::canary::capabilities::Matching;
use crate::canary::capabilities::Mirroring;
use crate::canary::http_match::StringMatch;
use crate::canary::object::ObjectRef;
use crate::canary::object::Resource;
use crate::canary::spec::Canary;
use crate::canary::spec::Strategy;
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
use crate::router::change;
use crate::router::envoy;
use crate::router::patched;
use crate::router::rules::adjusted;
use crate::router::weighted::Lists;
use crate::router::weighted::Shape;
use crate::router::weighted::weighted;
use serde_json::Map;
use serde_json::Value;
use serde_json::json;

pub(super) const PROVIDER: TrafficProvider = TrafficProvider {
    name: "gloo",
    summary: "Gloo Edge: RouteTable weights",
    resource: ROUTE_TABLE,
    install: "https://docs.solo.io/gloo-edge/latest/installation/",
    capabilities: Capabilities {
        weighted: true,
        mirror: Mirroring::No,
        matches: Matching {
            headers: &[Comparison::Exact, Comparison::Regex],
            query_params: &[],
            source_labels: false,
        },
        session_affinity: Affinity::No,
        tcp_weights_only: false,
        needs: &[],
        service: &[],
    },
    route,
    beside,
    prepare,
    routes,
    set_routes,
    proof: |_, _| Proof::Unknown,
    queries: Queries {
        success_rate: |site| envoy::success_rate(site, &cluster(site)),
        duration: |site| envoy::duration(site, &cluster(site)),
        duration_unit: DurationUnit::Millis,
    },
};

const ROUTE_TABLE: Resource = Resource::new("gateway.solo.io", "v1", "routetables", "RouteTable");
const UPSTREAM: Resource = Resource::new("gloo.solo.io", "v1", "upstreams", "Upstream");

/// Settings of the Upstream that the Canary names, which ours get too.
const COPIED: [&str; 9] = [
    "labels",
    "sslConfig",
    "circuitBreakers",
    "connectionConfig",
    "loadBalancerConfig",
    "useHttp2",
    "initialStreamWindowSize",
    "initialConnectionWindowSize",
    "httpProxyHostName",
];

const DESTINATIONS: Shape = Shape {
    dotted: "spec.routes of several destinations",
    names: &["/destination/upstream/name", "/destination/kube/ref/name"],
    is,
    destination,
    weight: |weight| (!weight.is_zero()).then(|| json!(weight)),
    conditions: Some(("/routeAction/multi/destinations", "/matchers")),
};

fn route(canary: &Canary) -> ObjectRef {
    ROUTE_TABLE.in_namespace(&canary.namespace, canary.apex_name())
}

fn sides(canary: &Canary) -> [String; 2] {
    [canary.primary_service_name(), canary.canary_service_name()]
}

/// The Upstream of a service: ours of the two sides, Gloo's own of all others.
fn upstream(canary: &Canary, service: &str) -> ObjectRef {
    let [primary, of_canary] = sides(canary);
    let side = match service {
        _ if service == primary => "-primaryupstream",
        _ if service == of_canary => "-canaryupstream",
        _ => "",
    };
    let (namespace, port) = (&canary.namespace, canary.service.port);
    let name = format!("{namespace}-{}{side}-{port}", canary.apex_name());
    UPSTREAM.in_namespace(namespace, &name)
}

/// The Upstream whose settings are copied.
fn model(canary: &Canary) -> Option<ObjectRef> {
    let named = canary.upstream.as_ref()?;
    let namespace = named.namespace.as_deref().unwrap_or(&canary.namespace);
    Some(UPSTREAM.in_namespace(namespace, &named.name))
}

fn beside(canary: &Canary) -> Vec<ObjectRef> {
    let mut beside = apex_service(canary);
    for service in sides(canary) {
        beside.push(Resource::SERVICE.in_namespace(&canary.namespace, &service));
        beside.push(upstream(canary, &service));
    }
    beside.extend(model(canary));
    beside
}

/// Gloo's own Upstreams lie wherever it is installed.
fn is(canary: &Canary, entry: &Value, service: &str) -> bool {
    let text = |pointer| entry.pointer(pointer).and_then(Value::as_str);
    let here = |pointer| text(pointer).is_none_or(|namespace| namespace == canary.namespace);
    match text("/destination/upstream/name") {
        Some(name) => {
            let place = "/destination/upstream/namespace";
            name == upstream(canary, service).name && (here(place) || service == canary.apex_name())
        }
        None => {
            text("/destination/kube/ref/name") == Some(service)
                && here("/destination/kube/ref/namespace")
        }
    }
}

fn destination(canary: &Canary, other: Option<&Value>, service: &str) -> Value {
    let mut entry = other.cloned().unwrap_or_else(|| json!({}));
    let upstream = upstream(canary, service);
    entry["destination"] =
        json!({"upstream": {"name": upstream.name, "namespace": upstream.namespace}});
    entry
}

fn split(canary: &Canary) -> Value {
    let [primary, of_canary] = sides(canary);
    [(primary, Weight::FULL), (of_canary, Weight::ZERO)]
        .map(|(service, weight)| weighted(&DESTINATIONS, canary, None, &service, weight))
        .to_vec()
        .into()
}

fn lists<'a>(canary: &'a Canary, address: &'a ObjectRef, live: &'a Value) -> Lists<'a> {
    let routes = live.pointer("/spec/routes").and_then(Value::as_array);
    let paths = (0..routes.map_or(0, Vec::len))
        .map(|index| format!("/spec/routes/{index}/routeAction/multi/destinations"))
        .collect();
    Lists::of(&DESTINATIONS, canary, address, live, paths)
}

/// Routes whose only destination is the apex: pointer of the action, and that destination.
fn untouched<'a>(canary: &Canary, live: &'a Value) -> Vec<(String, &'a Value)> {
    let routes = live.pointer("/spec/routes").and_then(Value::as_array);
    let mut found = Vec::new();
    for (index, route) in routes.into_iter().flatten().enumerate() {
        if let Some(single) = route.pointer("/routeAction/single")
            && is(canary, &json!({"destination": single}), canary.apex_name())
        {
            found.push((format!("/spec/routes/{index}/routeAction"), single));
        }
    }
    found
}

/// Who is meant in A/B testing: whoever fulfils one of them. `Null` where everybody is.
fn matchers(canary: &Canary) -> Value {
    match canary.strategy() {
        Strategy::AbTesting => {}
        Strategy::Canary | Strategy::BlueGreen => return Value::Null,
    }
    let conditions = canary.analysis.matches.iter().map(|item| {
        let headers = item.headers.iter().map(|(name, wanted)| match wanted {
            StringMatch::Exact(text) | StringMatch::Prefix(text) | StringMatch::Suffix(text) => {
                json!({"name": name, "value": text})
            }
            StringMatch::Regex(text) => json!({"name": name, "value": text, "regex": true}),
            StringMatch::Present => json!({"name": name}),
        });
        json!({"headers": headers.collect::<Value>()})
    });
    conditions.collect()
}

fn table(canary: &Canary) -> Value {
    let all = json!({
        "inheritablePathMatchers": true, "routeAction": {"multi": {"destinations": split(canary)}},
    });
    let matchers = matchers(canary);
    if matchers.is_null() {
        return json!([all]);
    }
    // Whom no route means Gloo answers with 404.
    let mut meant = all;
    meant["matchers"] = matchers;
    let [primary, _] = sides(canary);
    let primary = destination(canary, None, &primary);
    let others = json!({
        "inheritablePathMatchers": true, "routeAction": {"single": primary["destination"]},
    });
    json!([meant, others])
}

fn prepare(canary: &Canary, facts: &Facts) -> Result<Vec<Change>, RouteError> {
    let address = route(canary);
    let mut changes = Vec::new();
    for service in sides(canary) {
        changes.extend(upstream_of(canary, facts, &service)?);
    }
    let Some(live) = facts.get(&address) else {
        let manifest = json!({
            "apiVersion": address.api_version(), "kind": address.kind, "metadata": apex_metadata(canary, facts),
            "spec": {"routes": table(canary)},
        });
        changes.push(Change::Create(address, manifest));
        return Ok(changes);
    };
    let mut operations = Vec::new();
    for (action, single) in untouched(canary, live) {
        let path = format!("{action}/single");
        operations.push(json!({"op": "test", "path": path, "value": single}));
        operations.push(json!({"op": "remove", "path": path}));
        let multi = json!({"destinations": split(canary)});
        operations.push(json!({"op": "add", "path": format!("{action}/multi"), "value": multi}));
    }
    let lists = lists(canary, &address, live);
    if operations.is_empty() {
        operations = if lists.are_under(&matchers(canary))? {
            lists.take_over()?
        } else {
            vec![json!({"op": "replace", "path": "/spec/routes", "value": table(canary)})]
        };
    }
    changes.extend(patched(&address, live, operations));
    Ok(changes)
}

/// The Upstream of one side: where it is to go before traffic does.
fn upstream_of(
    canary: &Canary,
    facts: &Facts,
    service: &str,
) -> Result<Option<Change>, RouteError> {
    let behind = facts.get(&Resource::SERVICE.in_namespace(&canary.namespace, service));
    let mut settings = Map::new();
    if let Some(model) = model(canary).and_then(|model| facts.get(&model)) {
        let spec = COPIED.iter().map(|field| (*field, &model["spec"][*field]));
        let set = spec.filter(|(_, value)| !value.is_null());
        settings.extend(set.map(|(field, value)| (field.to_owned(), value.clone())));
    }
    let address = upstream(canary, service);
    if let Some(live) = facts.get(&address) {
        let named = live
            .pointer("/spec/kube/serviceName")
            .and_then(Value::as_str);
        if named != Some(service) {
            return Err(RouteError::Foreign {
                object: address.to_string(),
                destination: named.unwrap_or("no service").to_owned(),
            });
        }
        settings.retain(|field, _| field == "loadBalancerConfig");
        let operations = adjusted("/spec", &live["spec"], &settings.into());
        return Ok(patched(&address, live, operations));
    }
    let mut kube = json!({
        "serviceName": service, "serviceNamespace": canary.namespace, "servicePort": canary.service.port,
    });
    if let Some(selector) = behind.and_then(|service| service.pointer("/spec/selector")) {
        kube["selector"] = selector.clone();
    }
    settings.insert("kube".to_owned(), kube);
    let manifest = json!({
        "apiVersion": address.api_version(), "kind": address.kind,
        "metadata": {"name": address.name, "namespace": address.namespace}, "spec": settings,
    });
    Ok(Some(Change::Create(address, manifest)))
}

fn routes(canary: &Canary, facts: &Facts) -> Result<Option<Routes>, RouteError> {
    let address = route(canary);
    let Some(live) = facts.get(&address) else {
        // Said before anything moves: without its settings the sides would not serve as people expect.
        return match model(canary).filter(|model| !facts.contains_key(model)) {
            None => Ok(None),
            Some(model) => Err(RouteError::Missing {
                object: address.to_string(),
                what: format!(
                    "{model} of {}",
                    model.namespace.as_deref().unwrap_or_default()
                ),
            }),
        };
    };
    let lists = lists(canary, &address, live);
    if !untouched(canary, live).is_empty() || !lists.are_under(&matchers(canary))? {
        return Ok(None);
    }
    lists.read()
}

fn set_routes(canary: &Canary, facts: &Facts, wish: Routes) -> Result<Vec<Change>, RouteError> {
    let address = route(canary);
    let Some(live) = facts.get(&address) else {
        return prepare(canary, facts);
    };
    let operations = lists(canary, &address, live).write(wish)?;
    Ok(change(address, operations))
}

fn cluster(site: &QuerySite<'_>) -> String {
    let QuerySite {
        namespace, target, ..
    } = site;
    format!(
        "envoy_cluster_name=~\"{namespace}-{target}-canaryupstream-[0-9a-zA-Z-]+_[0-9a-zA-Z-]+\""
    )
}
