//! Where we do something else than Flagger on purpose, recognised by rule: both sides are compared without it.

use crate::recorded::Tape;
use crate::sequences::Sequences;
use serde_json::Value;
use serde_json::json;

/// Takes out of a sequence what is said otherwise on purpose.
pub fn set_apart(all: &mut Sequences, tape: &Tape) {
    let iterated = tape.has_iterations();
    let mut gated = false;
    for status in &mut all.statuses {
        unnamed_cookie(status);
        gated = match status["phase"].as_str() {
            Some("WaitingPromotion") => true,
            Some("Promoting") => gated,
            _ => false,
        };
        // Flagger's weight is what it meant to write: nothing in iterations, nothing at a gate, where it loses the
        // iterations too. Ours says what the route says.
        let fields = status.as_object_mut().unwrap();
        if iterated || gated {
            fields.remove("canaryWeight");
        }
        if gated {
            fields.remove("iterations");
        }
    }
    all.statuses.dedup();
    for contents in all.contents.values_mut() {
        contents.iter_mut().for_each(lone_weights);
        contents.iter_mut().for_each(a_route_an_item);
        contents.iter_mut().for_each(a_revision_by_name);
        contents.dedup();
        contents.dedup_by(|after, before| is_only_listed(before, after));
    }
}

/// Flagger makes up a cookie without a name for primaries that want none.
fn unnamed_cookie(status: &mut Value) {
    let field = "primarySessionAffinityCookie";
    if status[field]
        .as_str()
        .is_some_and(|cookie| cookie.starts_with('='))
    {
        status.as_object_mut().unwrap().remove(field);
    }
}

/// Whoever is alone in a rule has everything, whatever weight is written there.
fn lone_weights(object: &mut Value) {
    let Some(rules) = object
        .pointer_mut("/spec/http")
        .and_then(Value::as_array_mut)
    else {
        return;
    };
    for rule in rules {
        if let Some([only]) = rule["route"].as_array_mut().map(Vec::as_mut_slice) {
            only["weight"] = json!(100);
        }
    }
}

fn traffic(object: &Value) -> Option<&Value> {
    let is_knative = object["apiVersion"] == "serving.knative.dev/v1";
    object.pointer("/spec/traffic").filter(|_| is_knative)
}

/// Flagger sends the canary's share to whichever revision is the newest, ours to the one that is analysed, and nothing
/// is left out.
fn a_revision_by_name(object: &mut Value) {
    let mut list = traffic(object).and_then(Value::as_array).cloned();
    let Some(entries) = &mut list else { return };
    if let [canary, _] = entries.as_mut_slice() {
        *canary = json!({"analysed": true, "percent": canary["percent"]});
    }
    entries.retain(|entry| entry["percent"] != 0);
    object["spec"]["traffic"] = json!(entries);
}

/// Ours is listed before it gets its first users, so that Knative keeps its pods: Flagger writes nothing then.
fn is_only_listed(before: &Value, after: &Value) -> bool {
    let primary = |object: &Value| object["metadata"]["annotations"].clone();
    traffic(before).is_some_and(|list| list.as_array().is_some_and(|list| list.len() == 1))
        && traffic(before) == traffic(after)
        && primary(before) == primary(after)
}

/// Flagger writes all items of `analysis.match` into one route of an HTTPProxy, where each must hold, and leaves
/// regular expressions out.
fn a_route_an_item(object: &mut Value) {
    let is_proxy = object["kind"] == "HTTPProxy";
    let Some(routes) = object
        .pointer_mut("/spec/routes")
        .and_then(Value::as_array_mut)
        .filter(|_| is_proxy)
    else {
        return;
    };
    let all = std::mem::take(routes);
    for route in all {
        for condition in route["conditions"].as_array().into_iter().flatten() {
            let mut condition = condition.clone();
            if let Some(header) = condition.get_mut("header").and_then(Value::as_object_mut) {
                header.remove("regex");
            }
            let mut one = route.clone();
            one["conditions"] = json!([condition]);
            routes.push(one);
        }
    }
}
