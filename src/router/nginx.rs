//! ingress-nginx: a canary Ingress beside the one that `spec.ingressRef` names, with its hosts and paths.
//!
//! The weight is the annotation `canary-weight`, a share of `canary-weight-total`, 100 where that is missing. In A/B
//! testing `canary-by-header` and `canary-by-cookie` send the users that match. The prefix of these annotations is a
//! setting of its controller, and one of ours. It has no way to tell what is in effect.
//! <https://kubernetes.github.io/ingress-nginx/user-guide/nginx-configuration/annotations/#canary>

use crate::canary::capabilities::Affinity;
use crate::canary::capabilities::Capabilities;
use crate::canary::capabilities::Comparison;
use crate::canary::capabilities::Matching;
use crate::canary::capabilities::Mirroring;
use crate::canary::capabilities::Need;
use crate::canary::http_match::StringMatch;
use crate::canary::metadata::CANARY;
use crate::canary::metadata::entries;
use crate::canary::metadata::flux_opt_out;
use crate::canary::object::ObjectRef;
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
use crate::router::change;
use crate::router::copied;
use crate::router::copied::annotated;
use crate::router::copied::annotation;
use crate::router::ingress;
use crate::router::ingress::INGRESS;
use crate::router::ingress::route;
use serde_json::Map;
use serde_json::Value;
use serde_json::json;

pub(super) const PROVIDER: TrafficProvider = TrafficProvider {
    name: "nginx",
    summary: "ingress-nginx: weight of a canary Ingress",
    resource: INGRESS,
    install: "https://kubernetes.github.io/ingress-nginx/deploy/",
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
        needs: &[Need::IngressRef],
        service: &[],
    },
    route,
    beside: |canary| vec![ingress::source(canary)],
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

/// Ends of the names of its annotations.
const IS_CANARY: &str = "canary";
const WEIGHT: &str = "canary-weight";
const TOTAL: &str = "canary-weight-total";
const COOKIE: &str = "canary-by-cookie";
const HEADER: &str = "canary-by-header";
const HEADER_VALUE: &str = "canary-by-header-value";
const HEADER_PATTERN: &str = "canary-by-header-pattern";

/// An annotation by the end of its name: what comes before, its owner may have chosen.
fn named(canary: &Canary, end: &str) -> String {
    format!("{}/{end}", canary.ingress_settings.annotations_prefix)
}

fn prepare(canary: &Canary, facts: &Facts) -> Result<Vec<Change>, RouteError> {
    conditions(canary)?;
    let address = route(canary);
    let service = canary.canary_service_name();
    let spec = ingress::spec(canary, facts, |canary, path| {
        vec![ingress::towards(path, &canary.canary_service_name())]
    })?;
    if let Some(live) = facts.get(&address) {
        must_be_ours(canary, live, &address, &service)?;
        let moved = live["spec"] != spec;
        let replace = json!({"op": "replace", "path": "/spec", "value": spec});
        return Ok(change(
            address,
            moved.then_some(replace).into_iter().collect(),
        ));
    }
    let source = copied::source(facts, &ingress::source(canary), &address)?;
    let mut metadata = copied::metadata(source, &address);
    if let Some(annotations) = metadata["annotations"].as_object_mut() {
        let ours = named(canary, IS_CANARY);
        annotations.retain(|key, _| !key.starts_with(&ours));
        annotations.extend(flux_opt_out());
        annotations.extend(weighted(canary, Weight::ZERO));
    }
    let manifest = json!({
        "apiVersion": address.api_version(), "kind": address.kind, "metadata": metadata, "spec": spec,
    });
    Ok(vec![Change::Create(address, manifest)])
}

/// A canary Ingress, and not one by the same name that is something else.
fn must_be_ours(
    canary: &Canary,
    live: &Value,
    address: &ObjectRef,
    service: &str,
) -> Result<(), RouteError> {
    let annotations = entries(live, "annotations");
    if !annotations.contains_key(&named(canary, IS_CANARY)) && !annotations.contains_key(CANARY) {
        return Err(RouteError::Shape {
            object: address.to_string(),
            field: "annotation canary of ingress-nginx",
        });
    }
    ingress::must_name(live, address, service)
}

fn routes(canary: &Canary, facts: &Facts) -> Result<Option<Routes>, RouteError> {
    let address = route(canary);
    let Some(live) = facts.get(&address) else {
        return Ok(None);
    };
    must_be_ours(canary, live, &address, &canary.canary_service_name())?;
    let annotations = entries(live, "annotations");
    // Whatever the strategy is now: those who match are on the canary.
    let has = |end| annotations.contains_key(&named(canary, end));
    if has(COOKIE) || has(HEADER) {
        return Ok(Some(Routes::CANARY));
    }
    let number = |key: &'static str, default: i64| match annotations.get(&named(canary, key)) {
        None => Ok(default),
        Some(written) => {
            let text = written.as_str().unwrap_or_default();
            text.trim().parse().map_err(|_| RouteError::Unreadable {
                object: address.to_string(),
                field: key,
                found: text.to_owned(),
            })
        }
    };
    let (weight, total): (i64, i64) = (number(WEIGHT, 0)?, number(TOTAL, 100)?.max(1));
    Ok(Some(Routes::split(Weight::saturating(
        (weight.clamp(0, total) * 100 + total / 2) / total,
    ))))
}

fn set_routes(canary: &Canary, facts: &Facts, wish: Routes) -> Result<Vec<Change>, RouteError> {
    let address = route(canary);
    let Some(live) = facts.get(&address) else {
        return prepare(canary, facts);
    };
    let mut wanted = weighted(canary, wish.canary);
    if !wish.canary.is_zero() && canary.strategy() == Strategy::AbTesting {
        wanted = weighted(canary, Weight::ZERO);
        wanted.extend(conditions(canary)?);
    }
    let mut operations = annotated(live, &wanted);
    let found = entries(live, "annotations");
    let ours = named(canary, IS_CANARY);
    let left = found
        .keys()
        .filter(|key| key.starts_with(&ours) && !wanted.contains_key(*key));
    operations.extend(left.map(|key| json!({"op": "remove", "path": annotation(key)})));
    Ok(change(address, operations))
}

fn weighted(canary: &Canary, weight: Weight) -> Map<String, Value> {
    let written = [
        (named(canary, IS_CANARY), json!("true")),
        (named(canary, WEIGHT), json!(weight.to_string())),
    ];
    written.into_iter().collect()
}

/// The annotations that say whose requests go to the canary: one header, one cookie, and whoever has either.
fn conditions(canary: &Canary) -> Result<Map<String, Value>, RouteError> {
    let unsaid = |what| RouteError::UnsaidMatch {
        kind: "Ingress",
        what,
    };
    let mut said = Map::new();
    for item in &canary.analysis.matches {
        if item.headers.len() > 1 {
            return Err(unsaid("that two headers must match at once"));
        }
        for (name, value) in &item.headers {
            let cookie = name == "cookie";
            if said.contains_key(&named(canary, if cookie { COOKIE } else { HEADER })) {
                return Err(unsaid("more than one header and one cookie"));
            }
            let mut say = |end: &str, value: &str| said.insert(named(canary, end), json!(value));
            match value {
                StringMatch::Exact(value) if cookie => {
                    say(COOKIE, value);
                }
                StringMatch::Exact(value) => {
                    say(HEADER, name);
                    say(HEADER_VALUE, value);
                }
                StringMatch::Regex(pattern) if !cookie => {
                    say(HEADER, name);
                    say(HEADER_PATTERN, pattern);
                }
                StringMatch::Regex(_) => return Err(unsaid("a cookie by a pattern")),
                StringMatch::Prefix(_) | StringMatch::Suffix(_) | StringMatch::Present => {
                    return Err(unsaid("a part of a header"));
                }
            }
        }
    }
    Ok(said)
}

fn rate(metric: &str, site: &QuerySite<'_>, more: &str) -> String {
    let QuerySite {
        namespace,
        ingress,
        interval,
        ..
    } = site;
    format!(
        "sum(rate({metric}{{namespace=\"{namespace}\",ingress=\"{ingress}\",canary!=\"\"{more}}}[{interval}]))"
    )
}

fn success_rate(site: &QuerySite<'_>) -> String {
    let good = rate(
        "nginx_ingress_controller_requests",
        site,
        ",status!~\"5.*\"",
    );
    let all = rate("nginx_ingress_controller_requests", site, "");
    format!("{good} / {all} * 100")
}

/// The mean: what it exposes has no finer grain for a canary.
fn duration(site: &QuerySite<'_>) -> String {
    let sum = rate(
        "nginx_ingress_controller_response_duration_seconds_sum",
        site,
        "",
    );
    let count = rate(
        "nginx_ingress_controller_response_duration_seconds_count",
        site,
        "",
    );
    format!("{sum} / {count} * 1000")
}
