//! Parts of `spec.service` that end in the route object: parents, rewriting, retries, headers, mirrors.
//!
//! Must not know how a router writes them.

use crate::canary::reader::At;
use serde_json::Value;
use std::collections::BTreeMap;

/// A parent of an HTTPRoute.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct GatewayRef {
    /// `gateway.networking.k8s.io` where absent; empty is the core group.
    pub group: String,
    /// `Gateway` where absent.
    pub kind: String,
    /// Of the route where absent.
    pub namespace: Option<String>,
    /// Its name.
    pub name: String,
    /// A listener of it.
    pub section_name: Option<String>,
    /// A port of it.
    pub port: Option<u16>,
}

/// Rewriting of requests.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Rewrite {
    /// The new path.
    pub uri: Option<String>,
    /// The new host.
    pub authority: Option<String>,
    /// `ReplacePrefixMatch`, or anything else for the full path (Gateway API).
    pub kind: Option<String>,
}

/// Retries by the router.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Retries {
    /// How many.
    pub attempts: Option<u32>,
    /// Limit of each, in the notation of the router.
    pub per_try_timeout: Option<String>,
    /// Conditions, separated by commas.
    pub retry_on: Option<String>,
}

/// Changes of headers.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Headers {
    /// On the way to the service.
    pub request: Option<HeaderOperations>,
    /// On the way back.
    pub response: Option<HeaderOperations>,
}

/// Changes of the headers of one direction.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct HeaderOperations {
    /// Appended.
    pub add: BTreeMap<String, String>,
    /// Replaced.
    pub set: BTreeMap<String, String>,
    /// Taken away.
    pub remove: Vec<String>,
}

/// A permanent mirror of an HTTPRoute.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct MirrorFilter {
    /// Empty for the core group, which is the default.
    pub group: String,
    /// `Service` where absent.
    pub kind: String,
    /// Its name.
    pub name: String,
    /// Of the route where absent.
    pub namespace: Option<String>,
    /// Needed for services.
    pub port: Option<u16>,
}

/// Empty text counts as absent, as in Flagger.
pub(super) fn non_empty(at: At<'_>) -> Option<String> {
    at.text().filter(|text| !text.is_empty())
}

pub(super) fn duration_text(at: At<'_>) -> Option<String> {
    at.loose_duration().filter(|text| !text.is_empty())
}

pub(super) fn gateway_refs(at: At<'_>) -> Option<Vec<GatewayRef>> {
    if at.value.as_array().is_some_and(|refs| refs.len() > 32) {
        at.refuse(
            "more than 32",
            "may have at most 32 items",
            "an HTTPRoute has at most 32 parents",
        );
    }
    at.list(GatewayRef::read)
}

fn group(at: At<'_>) -> Option<String> {
    match at.value {
        Value::String(text) if text.is_empty() => Some(String::new()),
        _ => at.object_name(),
    }
}

fn kind(at: At<'_>) -> Option<String> {
    let text = at.clone().text()?;
    let ok = text.len() <= 63
        && text.starts_with(|c: char| c.is_ascii_alphabetic())
        && !text.ends_with('-')
        && text.bytes().all(|b| b.is_ascii_alphanumeric() || b == b'-');
    if !ok {
        at.refuse(
            "no kind",
            "is not the name of a kind",
            "such as Gateway or Service",
        );
    }
    ok.then_some(text)
}

/// The schema only limits the length of names here.
fn long_name(at: At<'_>) -> Option<String> {
    let text = at.clone().some_text()?;
    if text.len() > 253 {
        at.refuse("too long", "may have at most 253 characters", "shorten it");
        return None;
    }
    Some(text)
}

impl GatewayRef {
    pub(super) fn read(at: At<'_>) -> Option<Self> {
        let mut fields = at.fields()?;
        let name = fields.required("name", long_name);
        let group = fields.optional("group", group);
        let kind = fields.optional("kind", kind);
        let namespace = fields.optional("namespace", At::label_name);
        let section_name = fields.optional("sectionName", At::object_name);
        let port = fields.optional("port", At::port);
        fields.close();
        Some(Self {
            group: group.unwrap_or_else(|| "gateway.networking.k8s.io".to_owned()),
            kind: kind.unwrap_or_else(|| "Gateway".to_owned()),
            namespace,
            name: name?,
            section_name,
            port,
        })
    }
}

impl Rewrite {
    pub(super) fn read(at: At<'_>) -> Option<Self> {
        let mut fields = at.fields()?;
        let read = Self {
            uri: fields.optional("uri", non_empty),
            authority: fields.optional("authority", non_empty),
            kind: fields.optional("type", non_empty),
        };
        fields.close();
        Some(read)
    }
}

impl Retries {
    pub(super) fn read(at: At<'_>) -> Option<Self> {
        let mut fields = at.fields()?;
        let read = Self {
            attempts: fields.optional("attempts", At::count),
            per_try_timeout: fields.optional("perTryTimeout", duration_text),
            retry_on: fields.optional("retryOn", non_empty),
        };
        fields.close();
        Some(read)
    }
}

impl Headers {
    pub(super) fn read(at: At<'_>) -> Option<Self> {
        let mut fields = at.fields()?;
        let read = Self {
            request: fields.optional("request", HeaderOperations::read),
            response: fields.optional("response", HeaderOperations::read),
        };
        fields.close();
        Some(read)
    }
}

impl HeaderOperations {
    pub(super) fn read(at: At<'_>) -> Option<Self> {
        let mut fields = at.fields()?;
        let read = Self {
            add: fields.optional("add", At::text_map).unwrap_or_default(),
            set: fields.optional("set", At::text_map).unwrap_or_default(),
            remove: fields.optional("remove", At::texts).unwrap_or_default(),
        };
        fields.close();
        Some(read)
    }
}

impl MirrorFilter {
    pub(super) fn read(at: At<'_>) -> Option<Self> {
        let mut fields = at.fields()?;
        let read = fields.required("backendRef", |at| {
            let mut fields = at.fields()?;
            let name = fields.required("name", long_name);
            let group = fields.optional("group", group).unwrap_or_default();
            let kind = fields
                .optional("kind", kind)
                .unwrap_or_else(|| "Service".to_owned());
            let namespace = fields.optional("namespace", At::label_name);
            let port = fields.optional("port", At::port);
            if group.is_empty() && kind == "Service" && !fields.has("port") {
                fields.missing("port", ": a mirror to a service needs one");
            }
            fields.close();
            Some(Self {
                group,
                kind,
                name: name?,
                namespace,
                port,
            })
        });
        fields.close();
        read
    }
}
