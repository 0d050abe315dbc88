//! Requests that go wrong on purpose, and the list of all requests that came.

use crate::sandbox::failure::Failure;
use crate::sandbox::kinds::ApiKind;
use jiff::Timestamp;
use serde_json::Value;
use std::time::Duration;

/// What goes wrong.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum FaultEffect {
    /// Answered with that HTTP status; nothing is done.
    Code(u16),
    /// 429 with `Retry-After` in seconds; nothing is done.
    TooManyRequests(u32),
    /// Never answered; nothing is done.
    Hang,
    /// The connection breaks before anything is done.
    DropBefore,
    /// Done, but the connection breaks before the answer.
    DropAfterCommit,
    /// Done after that much virtual time.
    Delay(Duration),
}

/// Which requests go wrong, and how.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Fault {
    /// `get`, `list`, `watch`, `create`, `update`, `patch`, `delete`, `deletecollection`; empty for all.
    pub verb: String,
    /// Plural, alone or with its group, such as `deployments` or `deployments.apps`; with `/status` or `/scale`
    /// for that subresource alone. Empty for all.
    pub resource: String,
    /// The object's name; empty for all.
    pub name: String,
    /// What goes wrong.
    pub effect: FaultEffect,
    /// How many requests, counted down; `u32::MAX` is for ever.
    pub times: u32,
    /// Put into the message, where the status has room for it.
    pub reason: String,
}

impl Fault {
    /// The next such request on any object goes wrong.
    #[must_use]
    pub fn once(verb: &str, resource: &str, effect: FaultEffect) -> Self {
        Self {
            verb: verb.to_owned(),
            resource: resource.to_owned(),
            name: String::new(),
            effect,
            times: 1,
            reason: String::new(),
        }
    }

    fn hits(&self, request: &RequestInfo) -> bool {
        let (resource, subresource) = match self.resource.split_once('/') {
            Some((resource, subresource)) => (resource, Some(subresource)),
            None => (self.resource.as_str(), None),
        };
        let resource_hits = (resource.is_empty()
            || resource == request.resource
            || resource == request.qualified())
            && subresource.is_none_or(|subresource| subresource == request.subresource);
        (self.verb.is_empty() || self.verb == request.verb)
            && resource_hits
            && (self.name.is_empty() || self.name == request.name)
            && self.times > 0
    }
}

/// What a request asks, as faults and the log see it.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct RequestInfo {
    /// Such as `patch`.
    pub verb: String,
    /// Group of the resource.
    pub group: String,
    /// Plural; empty for discovery and the like.
    pub resource: String,
    /// `status`, `scale`, `proxy` or empty.
    pub subresource: String,
    /// Empty for cluster-scoped requests.
    pub namespace: String,
    /// Empty for collections.
    pub name: String,
}

impl RequestInfo {
    /// `deployments.apps`.
    #[must_use]
    pub fn qualified(&self) -> String {
        if self.group.is_empty() {
            self.resource.clone()
        } else {
            format!("{}.{}", self.resource, self.group)
        }
    }
}

/// One request and its answer.
#[derive(Clone, Debug, PartialEq)]
pub struct LoggedRequest {
    /// Such as `patch`.
    pub verb: String,
    /// Group of the resource.
    pub group: String,
    /// Plural.
    pub resource: String,
    /// `status`, `scale`, `proxy` or empty.
    pub subresource: String,
    /// Empty for cluster-scoped requests.
    pub namespace: String,
    /// Empty for collections.
    pub name: String,
    /// HTTP status; 0 where no answer was given.
    pub code: u16,
    /// When it was answered.
    pub at: Timestamp,
    /// Of the body.
    pub content_type: String,
    /// What came.
    pub body: String,
    /// The object as it was after a write.
    pub object: Option<Value>,
}

/// The faults that are set.
#[derive(Debug, Default)]
pub struct Faults(Vec<Fault>);

impl Faults {
    /// Adds one behind the others.
    pub fn add(&mut self, fault: Fault) {
        self.0.push(fault);
    }

    /// Forgets all.
    pub fn clear(&mut self) {
        self.0.clear();
    }

    /// Will the request be forbidden?
    #[must_use]
    pub fn forbids(&self, request: &RequestInfo) -> bool {
        self.0
            .iter()
            .any(|fault| fault.effect == FaultEffect::Code(403) && fault.hits(request))
    }

    /// The first one that the request hits, counted down.
    pub fn take(&mut self, request: &RequestInfo) -> Option<Fault> {
        let at = self.0.iter().position(|fault| fault.hits(request))?;
        let fault = self.0.get_mut(at)?;
        let taken = fault.clone();
        if fault.times != u32::MAX {
            fault.times -= 1;
        }
        self.0.retain(|fault| fault.times > 0);
        Some(taken)
    }
}

/// The refusal with that status, as a real server words it.
#[must_use]
pub fn refusal(code: u16, reason: &str, kind: &ApiKind, request: &RequestInfo) -> Failure {
    let name = &request.name;
    match code {
        403 => Failure::forbidden(
            kind,
            &request.subresource,
            &request.verb,
            &request.namespace,
            name,
            reason,
        ),
        404 => Failure::not_found(kind, name),
        409 if request.verb == "create" => Failure::already_exists(kind, name),
        409 => Failure::stale(kind, name),
        410 => Failure::gone(0, 1),
        429 => Failure::too_many_requests(1),
        500 => Failure::internal(if reason.is_empty() {
            "etcdserver: request timed out"
        } else {
            reason
        }),
        503 => Failure::unavailable(if reason.is_empty() {
            "the server is currently unable to handle the request"
        } else {
            reason
        }),
        504 => Failure::timeout(&request.verb, kind, name),
        401 => Failure::other(401, "Unauthorized"),
        _ => Failure::other(code, reason),
    }
}
