//! Match conditions in Istio's shape: `spec.service.match` and, with three fields, `spec.analysis.match`.
//!
//! Serializes to what was read, so that routers of Istio's shape hand it on as it is.

use crate::canary::problem::Finding;
use crate::canary::problem::ProblemKind;
use crate::canary::problem::dotted;
use crate::canary::reader::At;
use serde::Serialize;
use serde::Serializer;
use serde::ser::SerializeMap as _;
use std::collections::BTreeMap;

/// How a text is compared.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum StringMatch {
    /// Equal to it.
    Exact(String),
    /// Begins with it.
    Prefix(String),
    /// Ends with it; only in headers of `analysis.match`.
    Suffix(String),
    /// Matches this RE2 expression.
    Regex(String),
    /// Is there at all; written `{}`.
    Present,
}

impl Serialize for StringMatch {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let entry = match self {
            Self::Exact(text) => Some(("exact", text)),
            Self::Prefix(text) => Some(("prefix", text)),
            Self::Suffix(text) => Some(("suffix", text)),
            Self::Regex(text) => Some(("regex", text)),
            Self::Present => None,
        };
        let mut map = serializer.serialize_map(Some(usize::from(entry.is_some())))?;
        if let Some((key, text)) = entry {
            map.serialize_entry(key, text)?;
        }
        map.end()
    }
}

/// One set of conditions; all of them must hold.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct HttpMatch {
    /// Name of the condition, for logs of the router.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub name: Option<String>,
    /// The path.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub uri: Option<StringMatch>,
    /// `http` or `https`.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub scheme: Option<StringMatch>,
    /// The method.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub method: Option<StringMatch>,
    /// The host.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub authority: Option<StringMatch>,
    /// Headers by lower-case name.
    #[serde(skip_serializing_if = "BTreeMap::is_empty")]
    pub headers: BTreeMap<String, StringMatch>,
    /// Headers that must not match.
    #[serde(skip_serializing_if = "BTreeMap::is_empty")]
    pub without_headers: BTreeMap<String, StringMatch>,
    /// Port that is addressed.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub port: Option<u16>,
    /// Labels of the calling pod.
    #[serde(skip_serializing_if = "BTreeMap::is_empty")]
    pub source_labels: BTreeMap<String, String>,
    /// Namespace of the calling pod.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub source_namespace: Option<String>,
    /// Gateways the condition is for.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub gateways: Vec<String>,
    /// Parameters of the query.
    #[serde(skip_serializing_if = "BTreeMap::is_empty")]
    pub query_params: BTreeMap<String, StringMatch>,
    /// Is the path compared without regard to case?
    #[serde(skip_serializing_if = "std::ops::Not::not")]
    pub ignore_uri_case: bool,
}

impl HttpMatch {
    /// An item of `spec.service.match`.
    pub(super) fn read(at: At<'_>) -> Option<Self> {
        let mut fields = at.fields()?;
        let read = Self {
            name: fields.optional("name", At::text),
            uri: fields.optional("uri", in_service),
            scheme: fields.optional("scheme", in_service),
            method: fields.optional("method", in_service),
            authority: fields.optional("authority", in_service),
            headers: fields
                .optional("headers", |at| at.map(in_service))
                .unwrap_or_default(),
            without_headers: fields
                .optional("withoutHeaders", |at| at.map(in_service))
                .unwrap_or_default(),
            port: fields.optional("port", At::port),
            source_labels: fields
                .optional("sourceLabels", At::text_map)
                .unwrap_or_default(),
            source_namespace: fields.optional("sourceNamespace", At::text),
            gateways: fields.optional("gateways", At::texts).unwrap_or_default(),
            query_params: fields
                .optional("queryParams", |at| at.map(in_service))
                .unwrap_or_default(),
            ignore_uri_case: fields
                .optional("ignoreUriCase", At::flag)
                .unwrap_or_default(),
        };
        fields.close();
        Some(read)
    }

    /// An item of `spec.analysis.match`: the schema has three fields there and prunes all others.
    pub(super) fn read_analysis(at: At<'_>) -> Option<Self> {
        let mut fields = at.fields()?;
        let read = Self {
            headers: fields
                .optional("headers", |at| at.map(in_analysis))
                .unwrap_or_default(),
            query_params: fields
                .optional("queryParams", |at| at.map(in_service))
                .unwrap_or_default(),
            source_labels: fields
                .optional("sourceLabels", At::text_map)
                .unwrap_or_default(),
            ..Self::default()
        };
        fields.close();
        Some(read)
    }
}

fn in_service(at: At<'_>) -> Option<StringMatch> {
    string_match(at, false)
}

fn in_analysis(at: At<'_>) -> Option<StringMatch> {
    string_match(at, true)
}

/// The schema wants exactly one comparison in headers of the analysis, at most one elsewhere.
fn string_match(at: At<'_>, in_analysis: bool) -> Option<StringMatch> {
    let pointer = at.pointer.clone();
    let sink = at.sink;
    let mut fields = at.fields()?;
    let mut found = Vec::new();
    let mut bad = false;
    let mut take = |name: &'static str, make: fn(String) -> StringMatch| {
        if fields.has(name) {
            match fields.optional(name, At::text) {
                Some(text) => found.push(make(text)),
                None => bad = true,
            }
        } else {
            fields.get(name);
        }
    };
    take("exact", StringMatch::Exact);
    take("prefix", StringMatch::Prefix);
    if in_analysis {
        take("suffix", StringMatch::Suffix);
    }
    take("regex", StringMatch::Regex);
    // An unknown comparison is told as an unknown field, not as a missing one too.
    bad |= found.is_empty() && !fields.object.is_empty();
    fields.close();
    if bad {
        return None;
    }
    if found.len() > 1 || (in_analysis && found.is_empty()) {
        let path = dotted(&pointer);
        sink.error(
            Finding::at_value(
                ProblemKind::Conflict,
                &pointer,
                if found.is_empty() {
                    "no comparison"
                } else {
                    "more than one comparison"
                },
                format!("{path} must have exactly one comparison"),
            )
            .help(if in_analysis {
                "one of exact, prefix, suffix and regex"
            } else {
                "one of exact, prefix and regex"
            }),
        );
        return None;
    }
    Some(found.pop().unwrap_or(StringMatch::Present))
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    #[test]
    fn a_condition_is_written_as_it_was_read() {
        let item = HttpMatch {
            uri: Some(StringMatch::Prefix("/api".to_owned())),
            headers: BTreeMap::from([
                ("x-user".to_owned(), StringMatch::Present),
                ("x-tier".to_owned(), StringMatch::Exact("beta".to_owned())),
            ]),
            ignore_uri_case: true,
            ..HttpMatch::default()
        };
        assert_eq!(
            serde_json::to_value(item).unwrap(),
            json!({
                "uri": {"prefix": "/api"},
                "headers": {"x-tier": {"exact": "beta"}, "x-user": {}},
                "ignoreUriCase": true,
            })
        );
    }
}
