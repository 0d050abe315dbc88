//! `spec.service.match` and `spec.analysis.match` as the matches of an HTTPRoute.

use crate::canary::http_match::HttpMatch;
use crate::canary::http_match::StringMatch;
use crate::canary::spec::Canary;
use crate::router::RouteError;
use serde_json::Map;
use serde_json::Value;
use serde_json::json;
use std::collections::BTreeMap;

/// Of the service; empty where the Canary says nothing that an HTTPRoute can say.
pub(super) fn matches(canary: &Canary) -> Result<Vec<Value>, RouteError> {
    listed(&canary.service.matches)
}

/// Of the same kind, for any list of conditions.
pub(super) fn listed(matches: &[HttpMatch]) -> Result<Vec<Value>, RouteError> {
    let mut all = Vec::new();
    for item in matches {
        let item = one(item)?;
        if !item.is_empty() {
            all.push(item.into());
        }
    }
    Ok(all)
}

fn one(item: &HttpMatch) -> Result<Map<String, Value>, RouteError> {
    let mut wanted = Map::new();
    let path = match &item.uri {
        Some(StringMatch::Regex(text)) => Some(("RegularExpression", text)),
        Some(StringMatch::Exact(text)) => Some(("Exact", text)),
        Some(StringMatch::Prefix(text)) => Some(("PathPrefix", text)),
        Some(StringMatch::Suffix(_)) => return Err(unsaid("a path by its end")),
        Some(StringMatch::Present) | None => None,
    };
    if let Some((kind, value)) = path {
        wanted.insert("path".to_owned(), json!({"type": kind, "value": value}));
    }
    match &item.method {
        Some(StringMatch::Exact(method)) => {
            wanted.insert("method".to_owned(), json!(method));
        }
        Some(
            StringMatch::Prefix(_)
            | StringMatch::Suffix(_)
            | StringMatch::Regex(_)
            | StringMatch::Present,
        ) => return Err(unsaid("a method by anything but exact")),
        None => {}
    }
    for (field, conditions) in [
        ("headers", &item.headers),
        ("queryParams", &item.query_params),
    ] {
        let named = named(conditions)?;
        if !named.is_empty() {
            wanted.insert(field.to_owned(), named.into());
        }
    }
    Ok(wanted)
}

fn named(conditions: &BTreeMap<String, StringMatch>) -> Result<Vec<Value>, RouteError> {
    let each = conditions.iter().map(|(name, wanted)| match wanted {
        StringMatch::Exact(value) => Ok(json!({"name": name, "type": "Exact", "value": value})),
        StringMatch::Regex(value) => {
            Ok(json!({"name": name, "type": "RegularExpression", "value": value}))
        }
        StringMatch::Prefix(_) | StringMatch::Suffix(_) | StringMatch::Present => Err(unsaid(
            "a header or parameter by anything but exact and regex",
        )),
    });
    each.collect()
}

fn unsaid(what: &'static str) -> RouteError {
    RouteError::Unsaid {
        kind: "HTTPRoute",
        what,
    }
}
