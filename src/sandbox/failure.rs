//! What the API server answers when it says no: `metav1.Status` in a real server's words.

use crate::sandbox::kinds::ApiKind;
use crate::sandbox::tree;
use serde_json::Map;
use serde_json::Value;
use serde_json::json;

/// A refusal. Its text is what a real server puts into `message`.
#[derive(Clone, Debug, PartialEq, thiserror::Error)]
#[error("{message}")]
pub struct Failure {
    /// HTTP status.
    pub code: u16,
    /// `reason`, such as `NotFound`.
    pub reason: &'static str,
    /// For people.
    pub message: String,
    /// `details`.
    pub details: Box<Map<String, Value>>,
    /// Seconds, for 429 and 503.
    pub retry_after: Option<u32>,
    /// Answered as text, where a real server does not write a Status.
    pub plain: bool,
}

impl Failure {
    fn new(code: u16, reason: &'static str, message: String) -> Self {
        Self {
            code,
            reason,
            message,
            details: Box::default(),
            retry_after: None,
            plain: false,
        }
    }

    fn about(mut self, name: &str, group: &str, kind: &str) -> Self {
        for (field, value) in [("name", name), ("group", group), ("kind", kind)] {
            if !value.is_empty() {
                self.details.insert(field.to_owned(), value.into());
            }
        }
        self
    }

    fn caused_by(mut self, causes: Vec<Value>) -> Self {
        if !causes.is_empty() {
            self.details
                .insert("causes".to_owned(), Value::Array(causes));
        }
        self
    }

    /// The `metav1.Status`.
    #[must_use]
    pub fn body(&self) -> Value {
        let mut body = json!({
            "kind": "Status", "apiVersion": "v1", "metadata": {}, "status": "Failure", "message": self.message,
        });
        if !self.reason.is_empty() {
            tree::set(&mut body, &["reason"], self.reason);
        }
        if !self.details.is_empty() {
            tree::set(
                &mut body,
                &["details"],
                Value::Object((*self.details).clone()),
            );
        }
        tree::set(&mut body, &["code"], self.code);
        body
    }

    /// A path that nothing is registered at.
    #[must_use]
    pub fn no_such_path() -> Self {
        Self {
            plain: true,
            ..Self::new(404, "NotFound", "404 page not found".to_owned())
        }
    }

    /// An absent object.
    #[must_use]
    pub fn not_found(kind: &ApiKind, name: &str) -> Self {
        let message = format!("{} \"{name}\" not found", kind.qualified());
        Self::new(404, "NotFound", message).about(name, &kind.group, &kind.plural)
    }

    /// An absent namespace.
    #[must_use]
    pub fn no_namespace(name: &str) -> Self {
        let message = format!("namespaces \"{name}\" not found");
        Self::new(404, "NotFound", message).about(name, "", "namespaces")
    }

    /// A verb the resource does not have.
    #[must_use]
    pub fn method_not_allowed() -> Self {
        let message = "the server does not allow this method on the requested resource";
        Self::new(405, "MethodNotAllowed", message.to_owned())
    }

    /// Created twice.
    #[must_use]
    pub fn already_exists(kind: &ApiKind, name: &str) -> Self {
        let message = format!("{} \"{name}\" already exists", kind.qualified());
        Self::new(409, "AlreadyExists", message).about(name, &kind.group, &kind.plural)
    }

    /// A version that is not the newest.
    #[must_use]
    pub fn stale(kind: &ApiKind, name: &str) -> Self {
        Self::conflict(
            kind,
            name,
            "the object has been modified; please apply your changes to the latest version and try again",
        )
    }

    /// A write that does not fit what is stored.
    #[must_use]
    pub fn conflict(kind: &ApiKind, name: &str, why: &str) -> Self {
        let message = format!(
            "Operation cannot be fulfilled on {} \"{name}\": {why}",
            kind.qualified()
        );
        Self::new(409, "Conflict", message).about(name, &kind.group, &kind.plural)
    }

    /// Fields that other managers applied: pairs of manager and field.
    #[must_use]
    pub fn apply_conflict(conflicts: &[(String, String)]) -> Self {
        let causes = conflicts
            .iter()
            .map(|(manager, field)| {
                json!({
                    "reason": "FieldManagerConflict", "message": format!("conflict with {manager}"), "field": field,
                })
            })
            .collect();
        let message = match conflicts {
            [(manager, field)] => {
                format!("Apply failed with 1 conflict: conflict with {manager}: {field}")
            }
            _ => {
                let mut text = String::new();
                let mut last = "";
                for (manager, field) in conflicts {
                    if manager != last {
                        text.push_str(&format!("conflicts with {manager}:\n"));
                        last = manager;
                    }
                    text.push_str(&format!("- {field}\n"));
                }
                format!(
                    "Apply failed with {} conflicts: {}",
                    conflicts.len(),
                    text.trim_end()
                )
            }
        };
        Self::new(409, "Conflict", message).caused_by(causes)
    }

    /// Fields that a valid object cannot have: pairs of field and what is wrong.
    #[must_use]
    pub fn invalid(kind: &ApiKind, name: &str, errors: &[(&str, String)]) -> Self {
        let list: Vec<String> = errors
            .iter()
            .map(|(field, why)| format!("{field}: {why}"))
            .collect();
        let list = match list.as_slice() {
            [one] => one.clone(),
            _ => format!("[{}]", list.join(", ")),
        };
        let causes = errors
            .iter()
            .map(|(field, why)| {
                let reason = if why.starts_with("Required value") {
                    "FieldValueRequired"
                } else {
                    "FieldValueInvalid"
                };
                json!({"reason": reason, "message": why, "field": field})
            })
            .collect();
        let message = format!("{} \"{name}\" is invalid: {list}", kind.qualified_kind());
        Self::new(422, "Invalid", message)
            .about(name, &kind.group, &kind.kind)
            .caused_by(causes)
    }

    /// A JSON Patch that does not apply; a real server does not say which operation failed.
    #[must_use]
    pub fn unprocessable() -> Self {
        let message = "the server rejected our request due to an error in our request";
        Self::new(422, "Invalid", message.to_owned())
    }

    /// A body or parameter that cannot be read.
    #[must_use]
    pub fn bad_request(message: impl Into<String>) -> Self {
        Self::new(400, "BadRequest", message.into())
    }

    /// A patch format the resource does not take.
    #[must_use]
    pub fn unsupported_media_type(accepted: &[&str]) -> Self {
        let message = format!(
            "the body of the request was in an unknown format - accepted media types include: {}",
            accepted.join(", ")
        );
        Self::new(415, "UnsupportedMediaType", message)
    }

    /// A watch from a version whose history is gone.
    #[must_use]
    pub fn gone(asked: u64, oldest: u64) -> Self {
        let message = format!("too old resource version: {asked} ({oldest})");
        Self::new(410, "Expired", message)
    }

    /// No rights. `namespace` is empty for cluster-scoped requests.
    #[must_use]
    pub fn forbidden(
        kind: &ApiKind,
        subresource: &str,
        verb: &str,
        namespace: &str,
        name: &str,
        why: &str,
    ) -> Self {
        let resource = if subresource.is_empty() {
            kind.plural.clone()
        } else {
            format!("{}/{subresource}", kind.plural)
        };
        let place = if namespace.is_empty() {
            "at the cluster scope".to_owned()
        } else {
            format!("in the namespace \"{namespace}\"")
        };
        let object = if name.is_empty() {
            kind.qualified()
        } else {
            format!("{} \"{name}\"", kind.qualified())
        };
        let tail = if why.is_empty() {
            String::new()
        } else {
            format!(": {why}")
        };
        let message = format!(
            "{object} is forbidden: User \"sandbox\" cannot {verb} resource \"{resource}\" in API group \"{}\" {place}{tail}",
            kind.group
        );
        Self::new(403, "Forbidden", message).about(name, &kind.group, &kind.plural)
    }

    /// Turned away by the server's flow control.
    #[must_use]
    pub fn too_many_requests(seconds: u32) -> Self {
        Self {
            plain: true,
            retry_after: Some(seconds),
            ..Self::new(
                429,
                "TooManyRequests",
                "Too many requests, please try again later.".to_owned(),
            )
        }
    }

    /// The server broke.
    #[must_use]
    pub fn internal(why: &str) -> Self {
        Self::new(
            500,
            "InternalError",
            format!("Internal error occurred: {why}"),
        )
        .caused_by(vec![json!({"message": why})])
    }

    /// Nobody can answer now.
    #[must_use]
    pub fn unavailable(message: impl Into<String>) -> Self {
        Self::new(503, "ServiceUnavailable", message.into())
    }

    /// Took too long inside the server.
    #[must_use]
    pub fn timeout(verb: &str, kind: &ApiKind, name: &str) -> Self {
        let message = "Timeout: request did not complete within the allotted timeout";
        let mut failure =
            Self::new(504, "Timeout", message.to_owned()).about(name, &kind.group, &kind.plural);
        failure.details.insert("verb".to_owned(), verb.into());
        failure
    }

    /// A body of more bytes than are read.
    #[must_use]
    pub fn too_large(limit: usize) -> Self {
        let message = format!("Request entity too large: limit is {limit}");
        Self::new(413, "RequestEntityTooLarge", message)
    }

    /// What takes a real node.
    #[must_use]
    pub fn not_implemented(message: impl Into<String>) -> Self {
        Self::new(501, "NotImplemented", message.into())
    }

    /// Any other status.
    #[must_use]
    pub fn other(code: u16, message: impl Into<String>) -> Self {
        let reason = if code == 401 { "Unauthorized" } else { "" };
        Self::new(code, reason, message.into())
    }
}
