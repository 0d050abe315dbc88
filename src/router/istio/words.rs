//! What a VirtualService says beside weights: conditions, a mirror, cookies.

use crate::canary::spec::Canary;
use crate::router::arranged::Words;
use crate::router::istio::is_host;
use serde_json::Map;
use serde_json::Value;
use serde_json::json;

pub(super) const WORDS: Words = Words {
    conditions: "match",
    matches: |canary| {
        Ok(canary
            .analysis
            .matches
            .iter()
            .map(|item| json!(item))
            .collect())
    },
    both,
    essence: |condition| Some(condition.clone()),
    cookie: |name, value| json!({"headers": {"Cookie": {"regex": format!(".*{name}.*{value}.*")}}}),
    is_cookie,
    mirror,
    unmirror,
    is_mirrored,
    set_cookie,
    unset_cookie,
};

/// Headers, parameters and labels are maps: those of both.
fn both(own: &Value, ours: &Value) -> Value {
    let mut both = own.clone();
    for (field, wanted) in ours.as_object().into_iter().flatten() {
        let mut all = own[field].as_object().cloned().unwrap_or_default();
        all.extend(wanted.as_object().cloned().unwrap_or_default());
        both[field] = all.into();
    }
    both
}

fn is_cookie(condition: &Value, name: &str) -> bool {
    let regex = condition.pointer("/headers/Cookie/regex");
    let regex = regex.and_then(Value::as_str);
    regex.is_some_and(|regex| regex.starts_with(&format!(".*{name}.*")))
}

fn mirror(canary: &Canary, rule: &mut Value) {
    rule["mirror"] = json!({"host": canary.canary_service_name()});
    if let Some(share) = canary.analysis.mirror_weight {
        rule["mirrorPercentage"] = json!({"value": f64::from(share.percent())});
    }
}

fn unmirror(canary: &Canary, rule: &mut Value) {
    if is_mirrored(canary, rule)
        && let Some(fields) = rule.as_object_mut()
    {
        fields.remove("mirror");
        fields.remove("mirrorPercentage");
    }
}

fn is_mirrored(canary: &Canary, rule: &Value) -> bool {
    let host = rule.pointer("/mirror/host").and_then(Value::as_str);
    host.is_some_and(|host| is_host(canary, host, &canary.canary_service_name()))
}

fn set_cookie(of: &mut Value, text: &str) {
    of["headers"]["response"]["add"]["Set-Cookie"] = json!(text);
}

/// Whatever is empty without it goes too.
fn unset_cookie(of: &mut Value, name: &str) {
    let cookie = of.pointer("/headers/response/add/Set-Cookie");
    let cookie = cookie.and_then(Value::as_str);
    if !cookie.is_some_and(|cookie| cookie.starts_with(&format!("{name}="))) {
        return;
    }
    for (parent, field) in [
        ("/headers/response/add", "Set-Cookie"),
        ("/headers/response", "add"),
        ("/headers", "response"),
        ("", "headers"),
    ] {
        let Some(fields) = of.pointer_mut(parent).and_then(Value::as_object_mut) else {
            return;
        };
        let empty = fields.get(field).and_then(Value::as_object);
        if field == "Set-Cookie" || empty.is_some_and(Map::is_empty) {
            fields.remove(field);
        }
    }
}
