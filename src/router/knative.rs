//! Knative Serving: `spec.traffic` of the Service that is the target itself. Its revisions are the two sides: the
//! primary is the one that an annotation of Flagger's names, the canary the one that is analysed.
//!
//! Both are written by name: a revision that appears midway gets nobody before it was analysed. Entries with a tag are
//! the user's and keep it. Knative's controller says in the status which revisions have the traffic.
//! <https://knative.dev/docs/serving/traffic-management/>

use crate::canary::capabilities::Affinity;
use crate::canary::capabilities::Capabilities;
use crate::canary::capabilities::Matching;
use crate::canary::capabilities::Mirroring;
use crate::canary::metadata::ANALYSED_REVISION;
use crate::canary::metadata::ORIGINAL;
use crate::canary::metadata::PRIMARY_REVISION;
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
use crate::router::envoy;
use serde_json::Value;
use serde_json::json;
use std::collections::BTreeMap;

pub(super) const PROVIDER: TrafficProvider = TrafficProvider {
    name: "knative",
    summary: "Knative Serving: traffic of the Service's revisions",
    resource: Resource::KNATIVE_SERVICE,
    install: "https://knative.dev/docs/install/",
    capabilities: Capabilities {
        weighted: true,
        mirror: Mirroring::No,
        matches: Matching::NONE,
        session_affinity: Affinity::No,
        tcp_weights_only: false,
        needs: &[],
        service: &[],
    },
    route,
    beside: |_| Vec::new(),
    prepare,
    routes,
    set_routes,
    proof,
    queries: Queries {
        success_rate: |site| envoy::success_rate(site, &cluster(site)),
        duration: |site| envoy::duration(site, &cluster(site)),
        duration_unit: DurationUnit::Millis,
    },
};

const TRAFFIC: &str = "/spec/traffic";

fn route(canary: &Canary) -> ObjectRef {
    Resource::KNATIVE_SERVICE.in_namespace(&canary.namespace, canary.target_name())
}

/// Kourier names its clusters after revisions.
fn cluster(site: &QuerySite<'_>) -> String {
    format!("envoy_cluster_name=~\"{}/{}\"", site.namespace, site.route)
}

/// The revision that serves the users outside rollouts; `None` before the Service was taken over.
#[must_use]
pub fn primary(live: &Value) -> Option<&str> {
    annotation(live, PRIMARY_REVISION)
}

/// The revision that the template as it is was made to; of an older template until Knative has seen the new one.
#[must_use]
pub fn newest(live: &Value) -> Option<&str> {
    live.pointer("/status/latestCreatedRevisionName")?.as_str()
}

/// Has Knative's controller seen the object as it is?
#[must_use]
pub fn is_observed(live: &Value) -> bool {
    let observed = live.pointer("/status/observedGeneration");
    observed.is_some() && observed == live.pointer("/metadata/generation")
}

/// Whom the users of a Service are on that nobody has taken over: the revision that has all of them, else, where
/// nobody is served yet, the newest.
///
/// # Errors
/// They are on several: nobody can say which of them was analysed.
pub fn settled(canary: &Canary, live: &Value) -> Result<Option<String>, RouteError> {
    let shares = shares(live, "/status/traffic");
    let mut serving = shares.into_keys();
    match (serving.next(), serving.next()) {
        (Some(only), None) => Ok(Some(only)),
        (Some(_), Some(other)) => Err(RouteError::Foreign {
            object: route(canary).to_string(),
            destination: other,
        }),
        (None, _) => Ok(newest(live).map(str::to_owned)),
    }
}

fn annotation<'a>(live: &'a Value, key: &str) -> Option<&'a str> {
    live.pointer("/metadata/annotations")?.get(key)?.as_str()
}

fn analysed(live: &Value) -> Option<&str> {
    annotation(live, ANALYSED_REVISION).or_else(|| newest(live))
}

fn traffic(live: &Value) -> &[Value] {
    let list = live.pointer(TRAFFIC).and_then(Value::as_array);
    list.map_or(&[], Vec::as_slice)
}

fn percent(entry: &Value) -> i64 {
    entry.get("percent").and_then(Value::as_i64).unwrap_or(0)
}

/// The revision that an entry names; none where it means whichever is the newest.
fn named(entry: &Value) -> Option<&str> {
    entry.get("revisionName")?.as_str()
}

fn is_tagged(entry: &Value) -> bool {
    let tag = entry.get("tag").and_then(Value::as_str);
    tag.is_some_and(|tag| !tag.is_empty())
}

/// Percent of every revision that has some.
fn shares(live: &Value, list: &str) -> BTreeMap<String, i64> {
    let latest = live.pointer("/status/latestReadyRevisionName");
    let latest = latest.and_then(Value::as_str).or_else(|| newest(live));
    let mut shares = BTreeMap::new();
    let entries = live.pointer(list).and_then(Value::as_array);
    for entry in entries.into_iter().flatten() {
        let share = percent(entry);
        if let (Some(revision), 1..) = (named(entry).or(latest), share) {
            *shares.entry(revision.to_owned()).or_default() += share;
        }
    }
    shares
}

/// Whoever is not on the primary counts for the canary: between a promotion and the traffic's way home that is the
/// old revision.
fn routes(canary: &Canary, facts: &Facts) -> Result<Option<Routes>, RouteError> {
    let Some((live, primary)) = facts
        .get(&route(canary))
        .and_then(|live| Some((live, primary(live)?)))
    else {
        return Ok(None);
    };
    let home = traffic(live)
        .iter()
        .filter(|entry| named(entry) == Some(primary));
    let home: i64 = home.map(percent).sum();
    Ok(Some(Routes::split(Weight::saturating(100 - home))))
}

fn prepare(canary: &Canary, facts: &Facts) -> Result<Vec<Change>, RouteError> {
    let address = route(canary);
    let Some(live) = facts.get(&address) else {
        // It is the target: nobody but its people can make it.
        return Ok(Vec::new());
    };
    if let Some(primary) = primary(live) {
        let seen = routes(canary, facts)?.unwrap_or(Routes::CANARY);
        // Where users are under way, listing a revision can wait.
        let listed = match seen {
            Routes::PRIMARY => listed(&address, live, primary, seen)?,
            _ => Vec::new(),
        };
        return Ok(change(address, listed));
    }
    let Some(primary) = settled(canary, live)? else {
        return Ok(Vec::new());
    };
    let mut operations = Vec::new();
    if live.pointer("/metadata/annotations").is_none() {
        operations.push(json!({"op": "add", "path": "/metadata/annotations", "value": {}}));
    }
    let original = live.pointer(TRAFFIC).unwrap_or(&Value::Null);
    for (key, value) in [
        (PRIMARY_REVISION, primary.clone()),
        (ORIGINAL, original.to_string()),
    ] {
        let path = format!("/metadata/annotations/{}", key.replace('/', "~1"));
        operations.push(json!({"op": "add", "path": path, "value": value}));
    }
    operations.extend(listed(&address, live, &primary, Routes::PRIMARY)?);
    Ok(change(address, operations))
}

fn set_routes(canary: &Canary, facts: &Facts, wish: Routes) -> Result<Vec<Change>, RouteError> {
    let address = route(canary);
    let live = facts.get(&address);
    let Some((live, primary)) = live.and_then(|live| Some((live, primary(live)?))) else {
        return prepare(canary, facts);
    };
    let operations = listed(&address, live, primary, wish)?;
    Ok(change(address, operations))
}

/// Operations after which the list says so: the canary's entry first, as in Flagger; nothing where it does.
fn listed(
    address: &ObjectRef,
    live: &Value,
    primary: &str,
    wish: Routes,
) -> Result<Vec<Value>, RouteError> {
    let before = traffic(live);
    let of_primary = |tagged: bool| {
        move |entry: &&Value| named(entry) == Some(primary) && is_tagged(entry) == tagged
    };
    let own = before.iter().find(of_primary(false));
    let own = own.or_else(|| before.iter().find(of_primary(true)));
    let mut home = own
        .cloned()
        .unwrap_or_else(|| json!({"revisionName": primary}));
    home["percent"] = json!(wish.primary());
    let canary = side(address, live, primary, own, wish)?;
    let mut after: Vec<Value> = canary.into_iter().chain([home]).collect();
    for entry in before {
        if !is_tagged(entry) || own.is_some_and(|own| std::ptr::eq(own, entry)) {
            continue;
        }
        let mut entry = entry.clone();
        if percent(&entry) > 0
            && let Some(fields) = entry.as_object_mut()
        {
            fields.shift_remove("percent");
        }
        after.push(entry);
    }
    if after == before {
        return Ok(Vec::new());
    }
    let mut operations = Vec::new();
    if let Some(list) = live.pointer(TRAFFIC) {
        operations.push(json!({"op": "test", "path": TRAFFIC, "value": list}));
    }
    operations.push(json!({"op": "add", "path": TRAFFIC, "value": after}));
    Ok(operations)
}

/// The canary's entry; none where it would be nobody's.
fn side(
    address: &ObjectRef,
    live: &Value,
    primary: &str,
    own: Option<&Value>,
    wish: Routes,
) -> Result<Option<Value>, RouteError> {
    let others = || {
        traffic(live)
            .iter()
            .filter(|entry| !is_tagged(entry) && !own.is_some_and(|own| std::ptr::eq(own, *entry)))
    };
    let analysed = analysed(live).filter(|revision| *revision != primary);
    let entry = match analysed {
        Some(revision) => {
            let known = others().find(|entry| named(entry) == Some(revision));
            known
                .cloned()
                .or_else(|| Some(json!({"revisionName": revision})))
        }
        // Promoted: what is left is on the old revision.
        None if wish.canary.is_zero() => None,
        None => others().find(|entry| named(entry).is_some()).cloned(),
    };
    match entry {
        Some(mut entry) => {
            entry["percent"] = json!(wish.canary);
            Ok(Some(entry))
        }
        None if wish.canary.is_zero() => Ok(None),
        None => Err(RouteError::Shape {
            object: address.to_string(),
            field: "revision beside the primary's",
        }),
    }
}

fn proof(canary: &Canary, facts: &Facts) -> Proof {
    let Some(live) = facts.get(&route(canary)) else {
        return Proof::Unknown;
    };
    let pending = |why: &str| Proof::Pending(why.to_owned());
    let conditions = live.pointer("/status/conditions").and_then(Value::as_array);
    let ready = conditions
        .into_iter()
        .flatten()
        .any(|one| one["type"] == "RoutesReady" && one["status"] == "True");
    if !is_observed(live) {
        pending("Knative has not seen the traffic yet")
    } else if !ready {
        pending("its condition RoutesReady is not True")
    } else if shares(live, "/status/traffic") != shares(live, TRAFFIC) {
        pending("its status.traffic says something else")
    } else {
        Proof::InEffect
    }
}
