//! The Service Mesh Interface: a TrafficSplit named like the apex service, in the three versions of its API. Linkerd's
//! extension reads the first, Open Service Mesh the second.
//!
//! Weights of v1alpha1 are quantities, those of the others integers. It can neither match nor mirror in what Flagger
//! wrote, and nothing tells when a proxy has it. The API is archived.
//! <https://github.com/servicemeshinterface/smi-spec/blob/main/apis/traffic-split/v1alpha4/traffic-split.md>

use crate::canary::capabilities::Affinity;
use crate::canary::capabilities::Capabilities;
use crate::canary::capabilities::Matching;
use crate::canary::capabilities::Mirroring;
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
use crate::router::change;
use crate::router::istio;
use crate::router::patched;
use crate::router::rules::adjusted;
use crate::router::weighted::Lists;
use crate::router::weighted::Shape;
use crate::router::weighted::weighted;
use serde_json::Value;
use serde_json::json;

pub(super) const LINKERD: TrafficProvider = provider::<1>(
    "linkerd",
    "Linkerd: TrafficSplit weights, with the SMI extension",
    Queries {
        success_rate: linkerd_success_rate,
        duration: linkerd_duration,
        duration_unit: DurationUnit::Millis,
    },
);
pub(super) const OSM: TrafficProvider = provider::<2>(
    "osm",
    "Open Service Mesh: TrafficSplit weights",
    Queries {
        success_rate: osm_success_rate,
        duration: osm_duration,
        duration_unit: DurationUnit::Millis,
    },
);
pub(super) const V1ALPHA1: TrafficProvider = provider::<1>("smi:v1alpha1", SUMMARY, ISTIO);
pub(super) const V1ALPHA2: TrafficProvider = provider::<2>("smi:v1alpha2", SUMMARY, ISTIO);
pub(super) const V1ALPHA3: TrafficProvider = provider::<3>("smi:v1alpha3", SUMMARY, ISTIO);

const SUMMARY: &str = "Service Mesh Interface: TrafficSplit weights";
/// What Flagger asks for every mesh that it does not know.
const ISTIO: Queries = Queries {
    success_rate: istio::success_rate,
    duration: istio::duration,
    duration_unit: DurationUnit::Millis,
};

const fn provider<const VERSION: u8>(
    name: &'static str,
    summary: &'static str,
    queries: Queries,
) -> TrafficProvider {
    TrafficProvider {
        name,
        summary,
        resource: resource(VERSION),
        install: "https://github.com/servicemeshinterface/smi-spec",
        capabilities: Capabilities {
            weighted: true,
            mirror: Mirroring::No,
            matches: Matching::NONE,
            session_affinity: Affinity::No,
            tcp_weights_only: false,
            needs: &[],
            service: &[ServiceField::Hosts],
        },
        route: route::<VERSION>,
        beside: |_| Vec::new(),
        prepare: prepare::<VERSION>,
        routes: routes::<VERSION>,
        set_routes: set_routes::<VERSION>,
        proof: |_, _| Proof::Unknown,
        queries,
    }
}

const fn resource(version: u8) -> Resource {
    let version = match version {
        1 => "v1alpha1",
        2 => "v1alpha2",
        _ => "v1alpha3",
    };
    Resource::new(
        "split.smi-spec.io",
        version,
        "trafficsplits",
        "TrafficSplit",
    )
}

const QUANTITIES: Shape = Shape {
    dotted: "spec.backends",
    names: &["/service"],
    is: |_, backend, service| backend.get("service").is_some_and(|name| name == service),
    destination,
    weight: |weight| Some(json!(weight.to_string())),
    conditions: None,
};
const INTEGERS: Shape = Shape {
    weight: |weight| Some(json!(weight)),
    ..QUANTITIES
};

const fn shape(version: u8) -> &'static Shape {
    match version {
        1 => &QUANTITIES,
        _ => &INTEGERS,
    }
}

fn route<const VERSION: u8>(canary: &Canary) -> ObjectRef {
    resource(VERSION).in_namespace(&canary.namespace, canary.apex_name())
}

fn destination(_: &Canary, other: Option<&Value>, service: &str) -> Value {
    let mut backend = other.cloned().unwrap_or_else(|| json!({}));
    backend["service"] = json!(service);
    backend
}

fn lists<'a, const VERSION: u8>(
    canary: &'a Canary,
    address: &'a ObjectRef,
    live: &'a Value,
) -> Lists<'a> {
    let paths = vec!["/spec/backends".to_owned()];
    Lists::of(shape(VERSION), canary, address, live, paths)
}

fn prepare<const VERSION: u8>(canary: &Canary, facts: &Facts) -> Result<Vec<Change>, RouteError> {
    let address = route::<VERSION>(canary);
    let host = canary.service.hosts.first();
    let Some(live) = facts.get(&address) else {
        let backends = [
            (canary.canary_service_name(), Weight::ZERO),
            (canary.primary_service_name(), Weight::FULL),
        ]
        .map(|(service, weight)| weighted(shape(VERSION), canary, None, &service, weight));
        let root = host.map_or(canary.apex_name(), String::as_str);
        let manifest = json!({
            "apiVersion": address.api_version(), "kind": address.kind,
            "metadata": {"name": address.name, "namespace": canary.namespace},
            "spec": {"service": root, "backends": backends},
        });
        return Ok(vec![Change::Create(address, manifest)]);
    };
    let mut operations = lists::<VERSION>(canary, &address, live).take_over()?;
    if let Some(host) = host {
        operations.extend(adjusted("/spec", &live["spec"], &json!({"service": host})));
    }
    Ok(patched(&address, live, operations).into_iter().collect())
}

fn routes<const VERSION: u8>(canary: &Canary, facts: &Facts) -> Result<Option<Routes>, RouteError> {
    let address = route::<VERSION>(canary);
    match facts.get(&address) {
        Some(live) => lists::<VERSION>(canary, &address, live).read(),
        None => Ok(None),
    }
}

fn set_routes<const VERSION: u8>(
    canary: &Canary,
    facts: &Facts,
    wish: Routes,
) -> Result<Vec<Change>, RouteError> {
    let address = route::<VERSION>(canary);
    let Some(live) = facts.get(&address) else {
        return prepare::<VERSION>(canary, facts);
    };
    let operations = lists::<VERSION>(canary, &address, live).write(wish)?;
    Ok(change(address, operations))
}

fn linkerd(metric: &str, site: &QuerySite<'_>, more: &str) -> String {
    let QuerySite {
        namespace,
        target,
        interval,
        ..
    } = site;
    format!(
        "rate({metric}{{namespace=\"{namespace}\",deployment=~\"{target}\"{more},\
         direction=\"inbound\"}}[{interval}])"
    )
}

fn linkerd_success_rate(site: &QuerySite<'_>) -> String {
    let good = linkerd("response_total", site, ",classification!=\"failure\"");
    let all = linkerd("response_total", site, "");
    format!("sum({good}) / sum({all}) * 100")
}

fn linkerd_duration(site: &QuerySite<'_>) -> String {
    let buckets = linkerd("response_latency_ms_bucket", site, "");
    format!("histogram_quantile(0.99, sum by (le) ({buckets}))")
}

fn osm(metric: &str, site: &QuerySite<'_>, more: &str) -> String {
    let QuerySite {
        namespace,
        target,
        interval,
        ..
    } = site;
    format!(
        "rate({metric}{{destination_namespace=\"{namespace}\",destination_kind=\"Deployment\",\
         destination_name=\"{target}\"{more}}}[{interval}])"
    )
}

fn osm_success_rate(site: &QuerySite<'_>) -> String {
    let good = osm("osm_request_total", site, ",response_code!~\"5.*\"");
    let all = osm("osm_request_total", site, "");
    format!("sum({good}) / sum({all}) * 100")
}

fn osm_duration(site: &QuerySite<'_>) -> String {
    let buckets = osm("osm_request_duration_ms_bucket", site, "");
    format!("histogram_quantile(0.99, sum by (le) ({buckets}))")
}
