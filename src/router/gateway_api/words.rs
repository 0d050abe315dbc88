//! What an HTTPRoute says beside weights: matches, a mirror, cookies.

use crate::canary::spec::Canary;
use crate::router::arranged::Words;
use crate::router::gateway_api::is;
use crate::router::gateway_api::matches::listed;
use serde_json::Value;
use serde_json::json;

/// Filter that changes headers of answers; a rule or backend may have one.
const ANSWERS: &str = "ResponseHeaderModifier";

pub(super) const WORDS: Words = Words {
    conditions: "matches",
    matches: |canary| listed(&canary.analysis.matches),
    both,
    essence,
    cookie: |name, value| {
        json!({"headers": [
            {"type": "RegularExpression", "name": "Cookie", "value": format!(".*{name}.*{value}.*")},
        ]})
    },
    is_cookie,
    mirror,
    unmirror,
    is_mirrored,
    set_cookie,
    unset_cookie,
};

/// Headers and parameters are lists of named conditions: those of both, one of each name.
fn both(own: &Value, ours: &Value) -> Value {
    let mut both = own.clone();
    for (field, wanted) in ours.as_object().into_iter().flatten() {
        let Some(wanted) = wanted.as_array() else {
            both[field] = wanted.clone();
            continue;
        };
        let is_wanted = |name: &Value| wanted.iter().any(|wanted| wanted["name"] == *name);
        let own = own[field].as_array().cloned().unwrap_or_default();
        let kept = own.into_iter().filter(|own| !is_wanted(&own["name"]));
        both[field] = kept.chain(wanted.iter().cloned()).collect();
    }
    both
}

/// Every path begins with a slash.
fn essence(condition: &Value) -> Option<Value> {
    let mut essence = condition.clone();
    let fields = essence.as_object_mut()?;
    if fields.get("path") == Some(&json!({"type": "PathPrefix", "value": "/"})) {
        fields.remove("path");
    }
    (!fields.is_empty()).then_some(essence)
}

fn is_cookie(condition: &Value, name: &str) -> bool {
    let headers = condition["headers"].as_array();
    headers.into_iter().flatten().any(|header| {
        let value = header["value"].as_str().unwrap_or_default();
        header["name"] == "Cookie" && value.starts_with(&format!(".*{name}.*"))
    })
}

fn mirror(canary: &Canary, rule: &mut Value) {
    let backend = json!({
        "group": "", "kind": "Service", "name": canary.canary_service_name(), "port": canary.service.port,
    });
    let filter = json!({"type": "RequestMirror", "requestMirror": {"backendRef": backend}});
    push(rule, "filters", filter);
}

fn unmirror(canary: &Canary, rule: &mut Value) {
    retain(rule, "filters", |filter| !is_mirror(canary, filter));
}

fn is_mirrored(canary: &Canary, rule: &Value) -> bool {
    let filters = rule["filters"].as_array();
    filters
        .into_iter()
        .flatten()
        .any(|filter| is_mirror(canary, filter))
}

fn is_mirror(canary: &Canary, filter: &Value) -> bool {
    let backend = filter.pointer("/requestMirror/backendRef");
    backend.is_some_and(|backend| is(canary, backend, &canary.canary_service_name()))
}

fn set_cookie(of: &mut Value, text: &str) {
    let cookie = json!({"name": "Set-Cookie", "value": text});
    let filters = of.get_mut("filters").and_then(Value::as_array_mut);
    let answers = filters
        .into_iter()
        .flatten()
        .find(|filter| filter["type"] == ANSWERS);
    match answers {
        Some(filter) => push(&mut filter["responseHeaderModifier"], "add", cookie),
        None => {
            let filter = json!({"type": ANSWERS, "responseHeaderModifier": {"add": [cookie]}});
            push(of, "filters", filter);
        }
    }
}

fn unset_cookie(of: &mut Value, name: &str) {
    let start = format!("{name}=");
    let filters = of.get_mut("filters").and_then(Value::as_array_mut);
    for filter in filters.into_iter().flatten() {
        if let Some(answers) = filter.get_mut("responseHeaderModifier") {
            retain(answers, "add", |added| {
                let value = added["value"].as_str().unwrap_or_default();
                added["name"] != "Set-Cookie" || !value.starts_with(&start)
            });
        }
    }
    let nothing = json!({"type": ANSWERS, "responseHeaderModifier": {}});
    retain(of, "filters", |filter| *filter != nothing);
}

fn push(of: &mut Value, field: &str, item: Value) {
    match of.get_mut(field).and_then(Value::as_array_mut) {
        Some(all) => all.push(item),
        None => of[field] = json!([item]),
    }
}

/// An empty list goes too.
fn retain(of: &mut Value, field: &str, keep: impl FnMut(&Value) -> bool) {
    let Some(all) = of.get_mut(field).and_then(Value::as_array_mut) else {
        return;
    };
    all.retain(keep);
    if all.is_empty()
        && let Some(fields) = of.as_object_mut()
    {
        fields.remove(field);
    }
}
