//! What `spec.service` does to requests, as the filters of an HTTPRoute, in Flagger's order.

use crate::canary::duration::GoDuration;
use crate::canary::routing::HeaderOperations;
use crate::canary::routing::MirrorFilter;
use crate::canary::routing::Rewrite;
use crate::canary::service::Service;
use serde_json::Map;
use serde_json::Value;
use serde_json::json;
use std::collections::BTreeMap;

pub(super) fn filters(service: &Service) -> Vec<Value> {
    let headers = service.headers.as_ref();
    let request = headers.and_then(|headers| headers.request.as_ref());
    let response = headers.and_then(|headers| headers.response.as_ref());
    let mut filters = Vec::new();
    filters.extend(request.map(|wanted| {
        json!({"type": "RequestHeaderModifier", "requestHeaderModifier": modifier(wanted)})
    }));
    filters.extend(response.map(|wanted| {
        json!({"type": "ResponseHeaderModifier", "responseHeaderModifier": modifier(wanted)})
    }));
    filters.extend(service.rewrite.as_ref().map(rewrite));
    filters.extend(service.mirror.iter().map(mirror));
    filters.extend(service.cors_policy.as_ref().map(cors));
    filters
}

fn modifier(wanted: &HeaderOperations) -> Value {
    let list = |headers: &BTreeMap<String, String>| -> Vec<Value> {
        let headers = headers.iter();
        headers
            .map(|(name, value)| json!({"name": name, "value": value}))
            .collect()
    };
    let mut modifier = Map::new();
    for (field, headers) in [("add", &wanted.add), ("set", &wanted.set)] {
        if !headers.is_empty() {
            modifier.insert(field.to_owned(), list(headers).into());
        }
    }
    if !wanted.remove.is_empty() {
        modifier.insert("remove".to_owned(), json!(wanted.remove));
    }
    modifier.into()
}

fn rewrite(wanted: &Rewrite) -> Value {
    let mut rewrite = Map::new();
    if let Some(host) = &wanted.authority {
        rewrite.insert("hostname".to_owned(), json!(host));
    }
    if let Some(path) = &wanted.uri {
        let path = if wanted.kind.as_deref() == Some("ReplacePrefixMatch") {
            json!({"type": "ReplacePrefixMatch", "replacePrefixMatch": path})
        } else {
            json!({"type": "ReplaceFullPath", "replaceFullPath": path})
        };
        rewrite.insert("path".to_owned(), path);
    }
    json!({"type": "URLRewrite", "urlRewrite": rewrite})
}

fn mirror(wanted: &MirrorFilter) -> Value {
    let mut backend = json!({"group": wanted.group, "kind": wanted.kind, "name": wanted.name});
    if let Some(namespace) = &wanted.namespace {
        backend["namespace"] = json!(namespace);
    }
    if let Some(port) = wanted.port {
        backend["port"] = json!(port);
    }
    json!({"type": "RequestMirror", "requestMirror": {"backendRef": backend}})
}

/// Istio's policy; a longest age that is no duration is left to the gateway, and patterns of origins have no field.
fn cors(policy: &Value) -> Value {
    let mut cors = Map::new();
    for (theirs, ours) in [
        ("allowOrigin", "allowOrigins"),
        ("allowMethods", "allowMethods"),
        ("allowHeaders", "allowHeaders"),
        ("exposeHeaders", "exposeHeaders"),
    ] {
        let list = policy.get(theirs).and_then(Value::as_array);
        if let Some(list) = list.filter(|list| !list.is_empty()) {
            cors.insert(ours.to_owned(), json!(list));
        }
    }
    if policy.get("allowCredentials") == Some(&Value::Bool(true)) {
        cors.insert("allowCredentials".to_owned(), json!(true));
    }
    let age = policy
        .get("maxAge")
        .and_then(Value::as_str)
        .and_then(|age| GoDuration::new(age).ok());
    if let Some(age) = age {
        cors.insert("maxAge".to_owned(), json!(age.length().as_secs()));
    }
    json!({"type": "CORS", "cors": cors})
}
