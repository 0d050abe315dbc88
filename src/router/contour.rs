//! Contour: an HTTPProxy named like the apex service, without a virtual host, which the user's root HTTPProxy includes.
//!
//! The weights are those of the services in every route that names ours; a weight of 0 is left out, as Flagger does.
//! In A/B testing a route with the headers stands before each of them; conditions of one route must all hold, so that
//! every item of `analysis.match` gets a route of its own. Contour says in `status.conditions` whether it has taken
//! the object. It compares headers by expression from version 1.25 on.
//! <https://projectcontour.io/docs/main/config/request-routing/>

use crate::canary::capabilities::Affinity;
use crate::canary::capabilities::Capabilities;
use crate::canary::capabilities::Comparison;
use crate::canary::capabilities::Matching;
use crate::canary::capabilities::Mirroring;
use crate::canary::capabilities::ServiceField;
use crate::canary::http_match::HttpMatch;
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
use crate::router::patched;
use crate::router::rules::Rules;
use crate::router::rules::Shape;
use crate::router::sides::moving;
use serde_json::Map;
use serde_json::Value;
use serde_json::json;

pub(super) const PROVIDER: TrafficProvider = TrafficProvider {
    name: "contour",
    summary: "Contour: HTTPProxy weights",
    resource: HTTP_PROXY,
    install: "https://projectcontour.io/getting-started/",
    capabilities: Capabilities {
        weighted: true,
        mirror: Mirroring::No,
        matches: Matching {
            headers: &[
                Comparison::Exact,
                Comparison::Prefix,
                Comparison::Suffix,
                Comparison::Regex,
            ],
            query_params: &[],
            source_labels: false,
        },
        session_affinity: Affinity::No,
        tcp_weights_only: false,
        needs: &[],
        service: &[
            ServiceField::Match,
            ServiceField::Timeout,
            ServiceField::Retries,
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
        duration_unit: DurationUnit::Millis,
    },
};

const HTTP_PROXY: Resource = Resource::new("projectcontour.io", "v1", "httpproxies", "HTTPProxy");

const ROUTES: Shape = Shape {
    rules: "/spec/routes",
    dotted: "spec.routes",
    destinations: "services",
    name: "/name",
    default_weight: 0,
    is: |_, service, name| service["name"] == name,
    destination,
};

/// By this header Linkerd learns which of the two services Contour meant.
const OVERRIDE: &str = "l5d-dst-override";
/// How long a connection may be idle, as Flagger has it.
const IDLE: &str = "5m";

fn route(canary: &Canary) -> ObjectRef {
    HTTP_PROXY.in_namespace(&canary.namespace, canary.apex_name())
}

fn prepare(canary: &Canary, facts: &Facts) -> Result<Vec<Change>, RouteError> {
    let address = route(canary);
    let rule = rule(canary)?;
    let Some(live) = facts.get(&address) else {
        let mut plain = json!({"conditions": [{"prefix": "/"}]});
        for (field, value) in rule.as_object().into_iter().flatten() {
            plain[field] = value.clone();
        }
        plain["services"] = services(canary, &[], Routes::PRIMARY);
        let mut manifest = json!({
            "apiVersion": address.api_version(), "kind": address.kind, "metadata": apex_metadata(canary, facts),
            "spec": {"routes": [plain]},
        });
        if let Some(class) = &canary.ingress_settings.class {
            manifest["spec"]["ingressClassName"] = json!(class);
        }
        if tests_ab(canary) {
            manifest["spec"]["routes"] = arranged(canary, &manifest, Routes::PRIMARY).into();
        }
        return Ok(vec![Change::Create(address, manifest)]);
    };
    let rules = Rules::of(&ROUTES, canary, &address, live);
    let mut operations = rules.take_over()?;
    operations.extend(rules.adjust(&rule));
    if let Some(class) = &canary.ingress_settings.class
        && live["spec"]["ingressClassName"] != **class
    {
        operations.push(json!({"op": "add", "path": "/spec/ingressClassName", "value": class}));
    }
    Ok(patched(&address, live, operations).into_iter().collect())
}

/// What a route says beside its services, as far as the Canary speaks of it.
fn rule(canary: &Canary) -> Result<Value, RouteError> {
    let service = &canary.service;
    let mut rule = Map::new();
    match service.matches.as_slice() {
        [] => {}
        [
            item @ HttpMatch {
                uri: Some(StringMatch::Prefix(prefix)),
                ..
            },
        ] if *item
            == (HttpMatch {
                name: item.name.clone(),
                uri: item.uri.clone(),
                ..HttpMatch::default()
            }) =>
        {
            rule.insert("conditions".to_owned(), json!([{"prefix": prefix}]));
        }
        _ => {
            return Err(RouteError::Unsaid {
                kind: "HTTPProxy",
                what: "more of spec.service.match than one uri.prefix",
            });
        }
    }
    if let Some(timeout) = &service.timeout {
        let policy = json!({"response": timeout, "idle": IDLE});
        rule.insert("timeoutPolicy".to_owned(), policy);
    }
    if let Some(retries) = &service.retries {
        let mut policy = Map::new();
        if let Some(attempts) = retries.attempts {
            policy.insert("count".to_owned(), json!(attempts));
        }
        if let Some(timeout) = &retries.per_try_timeout {
            policy.insert("perTryTimeout".to_owned(), json!(timeout));
        }
        if let Some(reasons) = &retries.retry_on {
            let reasons: Vec<&str> = reasons.split(',').map(str::trim).collect();
            policy.insert("retryOn".to_owned(), json!(reasons));
        }
        rule.insert("retryPolicy".to_owned(), policy.into());
    }
    Ok(rule.into())
}

fn destination(canary: &Canary, other: Option<&Value>, name: &str, weight: Weight) -> Value {
    let mut made = other.cloned().unwrap_or_else(|| {
        json!({"port": canary.service.port, "requestHeadersPolicy": {"set": [{"name": OVERRIDE, "value": ""}]}})
    });
    made["name"] = json!(name);
    let host = format!(
        "{name}.{}.svc.cluster.local:{}",
        canary.namespace, canary.service.port
    );
    let set = made.pointer_mut("/requestHeadersPolicy/set");
    let headers = set.and_then(Value::as_array_mut).into_iter().flatten();
    for header in headers.filter(|header| header["name"] == OVERRIDE) {
        header["value"] = json!(host);
    }
    weigh(&mut made, weight);
    made
}

fn weigh(service: &mut Value, weight: Weight) {
    if !weight.is_zero() {
        service["weight"] = json!(weight);
    } else if let Some(fields) = service.as_object_mut() {
        fields.remove("weight");
    }
}

fn routes(canary: &Canary, facts: &Facts) -> Result<Option<Routes>, RouteError> {
    let address = route(canary);
    let Some(live) = facts.get(&address) else {
        return Ok(None);
    };
    let found = Rules::of(&ROUTES, canary, &address, live).read()?;
    if !tests_ab(canary) || found.is_none_or(|routes| routes.canary.is_zero()) {
        return Ok(found);
    }
    let mut others = live.clone();
    let tests = tests(canary, list(live));
    let all = others
        .pointer_mut(ROUTES.rules)
        .and_then(Value::as_array_mut);
    if let Some(all) = all {
        all.retain(|route| !tests.contains(&route["conditions"]));
    }
    let rest = Rules::of(&ROUTES, canary, &address, &others).read()?;
    let rest = rest.map_or(0, |routes| routes.canary.percent());
    Ok(if rest == 0 {
        found
    } else {
        // Users who do not match are on the canary too, which is never what was asked for.
        Some(Routes::split(Weight::saturating(i64::from(rest.min(99)))))
    })
}

fn set_routes(canary: &Canary, facts: &Facts, wish: Routes) -> Result<Vec<Change>, RouteError> {
    let address = route(canary);
    let Some(live) = facts.get(&address) else {
        return prepare(canary, facts);
    };
    let mut operations = Rules::of(&ROUTES, canary, &address, live).write(wish)?;
    if tests_ab(canary) {
        let wanted = arranged(canary, live, wish);
        operations = Vec::new();
        if list(live) != wanted {
            operations = vec![
                json!({"op": "test", "path": ROUTES.rules, "value": list(live)}),
                json!({"op": "replace", "path": ROUTES.rules, "value": wanted}),
            ];
        }
    }
    let without_zeros = operations.into_iter().filter_map(|operation| {
        let path = operation["path"].as_str().unwrap_or_default().to_owned();
        if !path.ends_with("/weight") || operation["value"] != 0 {
            return Some(operation);
        }
        live.pointer(&path)?;
        Some(json!({"op": "remove", "path": path}))
    });
    Ok(change(address, moving(without_zeros.collect())))
}

fn tests_ab(canary: &Canary) -> bool {
    match canary.strategy() {
        Strategy::AbTesting => true,
        Strategy::Canary | Strategy::BlueGreen => false,
    }
}

fn list(live: &Value) -> &[Value] {
    let all = live.pointer(ROUTES.rules).and_then(Value::as_array);
    all.map_or(&[], Vec::as_slice)
}

fn is_ours(canary: &Canary, route: &Value) -> bool {
    let names = [canary.primary_service_name(), canary.canary_service_name()];
    let services = route["services"].as_array().into_iter().flatten();
    services
        .into_iter()
        .any(|service| names.iter().any(|name| service["name"] == **name))
}

/// The conditions that routes with the headers have, whatever route they stand before.
fn tests(canary: &Canary, routes: &[Value]) -> Vec<Value> {
    let ours = routes.iter().filter(|route| is_ours(canary, route));
    ours.flat_map(|route| {
        let items = canary.analysis.matches.iter();
        items.map(|item| with_headers(&route["conditions"], item))
    })
    .collect()
}

/// All routes as they are to be in A/B testing: those with the headers before each of ours, and who does not match on
/// the primary.
fn arranged(canary: &Canary, live: &Value, wish: Routes) -> Vec<Value> {
    let tests = tests(canary, list(live));
    let mut arranged = Vec::new();
    for route in list(live) {
        if !is_ours(canary, route) {
            arranged.push(route.clone());
            continue;
        }
        if tests.contains(&route["conditions"]) {
            continue;
        }
        let own = route["services"].as_array().map_or(&[][..], Vec::as_slice);
        for item in &canary.analysis.matches {
            let mut test = route.clone();
            test["conditions"] = with_headers(&route["conditions"], item);
            test["services"] = services(canary, own, wish);
            arranged.push(test);
        }
        let mut plain = route.clone();
        plain["services"] = services(canary, own, Routes::PRIMARY);
        arranged.push(plain);
    }
    arranged
}

/// Both services with their weights, each as it was.
fn services(canary: &Canary, old: &[Value], routes: Routes) -> Value {
    let sides = [
        (canary.primary_service_name(), routes.primary()),
        (canary.canary_service_name(), routes.canary),
    ];
    let made = sides.map(|(name, weight)| {
        let own = old.iter().find(|service| service["name"] == *name);
        own.map_or_else(
            || destination(canary, old.first(), &name, weight),
            |own| {
                let mut own = own.clone();
                weigh(&mut own, weight);
                own
            },
        )
    });
    json!(made)
}

/// These conditions, and that the headers match. The first header goes with the first condition, as Flagger has it.
fn with_headers(conditions: &Value, item: &HttpMatch) -> Value {
    let mut all = conditions.as_array().cloned().unwrap_or_default();
    for (at, (name, wanted)) in item.headers.iter().enumerate() {
        let header = header(name, wanted);
        match all.first_mut() {
            Some(first) if at == 0 && first.get("header").is_none() => first["header"] = header,
            Some(_) | None => all.push(json!({"header": header})),
        }
    }
    all.into()
}

fn header(name: &str, wanted: &StringMatch) -> Value {
    match wanted {
        StringMatch::Exact(text) => json!({"name": name, "exact": text}),
        // The nearest that there is, as Flagger has it.
        StringMatch::Prefix(text) | StringMatch::Suffix(text) => {
            json!({"name": name, "contains": text})
        }
        StringMatch::Regex(pattern) => json!({"name": name, "regex": pattern}),
        StringMatch::Present => json!({"name": name, "present": true}),
    }
}

/// Contour must have found this generation valid.
fn proof(canary: &Canary, facts: &Facts) -> Proof {
    let Some(live) = facts.get(&route(canary)) else {
        return Proof::Unknown;
    };
    let number = |value: &Value, pointer| value.pointer(pointer).and_then(Value::as_i64);
    let all = live.pointer("/status/conditions").and_then(Value::as_array);
    let mut all = all.into_iter().flatten();
    let Some(valid) = all.find(|condition| condition["type"] == "Valid") else {
        return Proof::Unknown;
    };
    let generation = number(live, "/metadata/generation").unwrap_or(0);
    if number(valid, "/observedGeneration").is_some_and(|seen| seen < generation) {
        return Proof::Pending(format!("Contour has not seen generation {generation} yet"));
    }
    if valid["status"] == "True" {
        return Proof::InEffect;
    }
    let words = |field: &str| valid.get(field).and_then(Value::as_str).unwrap_or("");
    Proof::Pending(format!(
        "Valid is {}: {} {}",
        words("status"),
        words("reason"),
        words("message")
    ))
}

fn requests(metric: &str, site: &QuerySite<'_>, more: &str) -> String {
    let QuerySite {
        namespace,
        service,
        interval,
        ..
    } = site;
    format!(
        "rate({metric}{{envoy_cluster_name=~\"{namespace}_{service}-canary_[0-9a-zA-Z-]+\"{more}}}[{interval}])"
    )
}

fn success_rate(site: &QuerySite<'_>) -> String {
    let count = "envoy_cluster_upstream_rq";
    let good = requests(count, site, ",envoy_response_code!~\"5.*\"");
    let all = requests(count, site, "");
    format!("sum({good}) / sum({all}) * 100")
}

fn duration(site: &QuerySite<'_>) -> String {
    let buckets = requests("envoy_cluster_upstream_rq_time_bucket", site, "");
    format!("histogram_quantile(0.99, sum by (le) ({buckets}))")
}
