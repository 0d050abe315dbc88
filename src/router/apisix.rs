//! APISIX: an ApisixRoute beside the one that `spec.routeRef` names, with a priority that puts it first.
//!
//! It is the first rule of the user's own that leads to the apex service, with both services behind it; the weights
//! are those of its backends. The user's own is read and never written. It can neither match nor mirror.
//! <https://apisix.apache.org/docs/ingress-controller/reference/apisix-ingress-controller/>

use crate::canary::capabilities::Affinity;
use crate::canary::capabilities::Capabilities;
use crate::canary::capabilities::Matching;
use crate::canary::capabilities::Mirroring;
use crate::canary::capabilities::Need;
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
use crate::router::change;
use crate::router::copied;
use crate::router::rules::Rules;
use crate::router::rules::Shape;
use serde_json::Value;
use serde_json::json;

pub(super) const PROVIDER: TrafficProvider = TrafficProvider {
    name: "apisix",
    summary: "APISIX: ApisixRoute weights",
    resource: APISIX_ROUTE,
    install: "https://apisix.apache.org/docs/ingress-controller/getting-started/",
    capabilities: Capabilities {
        weighted: true,
        mirror: Mirroring::No,
        matches: Matching::NONE,
        session_affinity: Affinity::No,
        tcp_weights_only: false,
        needs: &[Need::RouteRef],
        service: &[],
    },
    route,
    beside: |canary| vec![source(canary)],
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

const APISIX_ROUTE: Resource =
    Resource::new("apisix.apache.org", "v2", "apisixroutes", "ApisixRoute");

const HTTP: Shape = Shape {
    rules: "/spec/http",
    dotted: "spec.http",
    destinations: "backends",
    name: "/serviceName",
    default_weight: 100,
    is: |_, backend, service| backend["serviceName"] == service,
    destination,
};

/// Above all that people write.
const FIRST: u32 = 10_000;

fn source(canary: &Canary) -> ObjectRef {
    APISIX_ROUTE.in_namespace(&canary.namespace, name(canary))
}

fn name(canary: &Canary) -> &str {
    let named = canary.route.as_ref();
    named.map_or_else(|| canary.target_name(), |route| &route.name)
}

fn route(canary: &Canary) -> ObjectRef {
    let name = format!("{}-{}-canary", name(canary), canary.apex_name());
    APISIX_ROUTE.in_namespace(&canary.namespace, &name)
}

fn prepare(canary: &Canary, facts: &Facts) -> Result<Vec<Change>, RouteError> {
    let address = route(canary);
    let own = source(canary);
    let source = copied::source(facts, &own, &address)?;
    let mut spec = source["spec"].clone();
    spec["http"] = json!([rule(canary, source, &own)?]);
    let Some(live) = facts.get(&address) else {
        let manifest = json!({
            "apiVersion": address.api_version(), "kind": address.kind,
            "metadata": copied::metadata(source, &address), "spec": spec,
        });
        return Ok(vec![Change::Create(address, manifest)]);
    };
    let mut now = live.clone();
    let weights = Rules::of(&HTTP, canary, &address, live).read();
    if let Ok(Some(routes)) = weights {
        spec["http"][0]["backends"] = backends(canary, &spec["http"][0]["backends"][0], routes);
    }
    now["spec"] = spec;
    let moved = now["spec"] != live["spec"];
    let replace = json!({"op": "replace", "path": "/spec", "value": now["spec"]});
    Ok(change(
        address,
        moved.then_some(replace).into_iter().collect(),
    ))
}

/// The first rule of the user's own that leads to the apex service, with both services instead.
fn rule(canary: &Canary, source: &Value, own: &ObjectRef) -> Result<Value, RouteError> {
    let list = |value: &Value, field: &str| value[field].as_array().cloned().unwrap_or_default();
    let is_apex = |backend: &Value| backend["serviceName"] == canary.apex_name();
    let found = list(&source["spec"], "http")
        .into_iter()
        .find(|rule| list(rule, "backends").iter().any(is_apex));
    let Some(mut rule) = found else {
        return Err(RouteError::Unnamed {
            object: own.to_string(),
            service: canary.apex_name().to_owned(),
        });
    };
    let all = list(&rule, "backends");
    if let Some(other) = all.iter().find(|backend| !is_apex(backend)) {
        return Err(RouteError::Foreign {
            object: own.to_string(),
            destination: other["serviceName"].as_str().unwrap_or("?").to_owned(),
        });
    }
    rule["priority"] = json!(FIRST);
    rule["backends"] = backends(canary, &all[0], Routes::PRIMARY);
    Ok(rule)
}

fn backends(canary: &Canary, like: &Value, routes: Routes) -> Value {
    json!([
        destination(
            canary,
            Some(like),
            &canary.primary_service_name(),
            routes.primary()
        ),
        destination(
            canary,
            Some(like),
            &canary.canary_service_name(),
            routes.canary
        ),
    ])
}

fn destination(canary: &Canary, other: Option<&Value>, name: &str, weight: Weight) -> Value {
    let mut made = other
        .cloned()
        .unwrap_or_else(|| json!({"servicePort": canary.service.port}));
    made["serviceName"] = json!(name);
    made["weight"] = json!(weight);
    made
}

fn routes(canary: &Canary, facts: &Facts) -> Result<Option<Routes>, RouteError> {
    let address = route(canary);
    let Some(live) = facts.get(&address) else {
        return Ok(None);
    };
    Rules::of(&HTTP, canary, &address, live).read()
}

fn set_routes(canary: &Canary, facts: &Facts, wish: Routes) -> Result<Vec<Change>, RouteError> {
    let address = route(canary);
    let Some(live) = facts.get(&address) else {
        return prepare(canary, facts);
    };
    let operations = Rules::of(&HTTP, canary, &address, live).write(wish)?;
    Ok(change(address, operations))
}

/// The route has both services, so that these count the answers of both.
fn rate(metric: &str, site: &QuerySite<'_>, before: &str, more: &str) -> String {
    let QuerySite {
        namespace,
        target,
        route,
        interval,
        ..
    } = site;
    format!(
        "rate({metric}{{{before}route=~\"{namespace}_{route}-{target}-canary_.+\"{more}}}[{interval}])"
    )
}

fn success_rate(site: &QuerySite<'_>) -> String {
    let good = rate("apisix_http_status", site, "", ",code!~\"5..\"");
    let all = rate("apisix_http_status", site, "", "");
    format!("sum({good}) / sum({all}) * 100")
}

fn duration(site: &QuerySite<'_>) -> String {
    let buckets = rate("apisix_http_latency_bucket", site, "type=~\"request\",", "");
    format!("histogram_quantile(0.99, sum by (le) ({buckets}))")
}
