//! Answers of the API server and failures of the client library as [`ClusterError`]s, worded from the server's
//! `Status` alone: the library's own text repeats it in debug form and may hold addresses and credentials.

use crate::canary::object::ObjectRef;
use crate::port::causes;
use crate::port::cluster_error::ClusterError;
use crate::port::cluster_error::InvalidField;
use kube::client::AuthError;
use kube::core::Status;
use std::error::Error;

/// Longest text of a server or plugin that is passed on, characters.
const LONGEST: usize = 600;

/// Stands where a credential was.
const HIDDEN: &str = "[hidden]";

/// What was asked, so that an error can name it.
#[derive(Clone, Debug)]
pub struct Asked<'a> {
    /// RBAC verb, such as `patch`.
    pub verb: &'static str,
    /// The object, or any object of the kind for a list.
    pub object: &'a ObjectRef,
    /// Such as `status`.
    pub subresource: Option<&'a str>,
    /// URL of the API server.
    pub server: &'a str,
}

impl Asked<'_> {
    fn resource(&self) -> String {
        match self.subresource {
            Some(subresource) => format!("{}/{subresource}", self.object.resource_name()),
            None => self.object.resource_name(),
        }
    }
}

/// An answer with a status of 400 and above.
#[must_use]
pub fn from_status(asked: &Asked<'_>, status: &Status) -> ClusterError {
    let message = bounded(&status.message);
    let named = asked.object.to_string();
    let reason = status.reason.as_str();
    match status.code {
        _ if reason == "AlreadyExists" => ClusterError::AlreadyExists { object: named },
        _ if reason == "Timeout" => ClusterError::Other {
            code: Some(504),
            message,
        },
        401 => ClusterError::Unauthenticated {
            server: asked.server.to_owned(),
            message,
        },
        403 => ClusterError::Denied {
            verb: asked.verb,
            resource: asked.resource(),
            namespace: asked.object.namespace.clone(),
            message,
        },
        404 => ClusterError::NotFound {
            kind: asked.object.kind.clone(),
            name: asked.object.name.clone(),
            namespace: asked.object.namespace.clone(),
        },
        409 | 410 => ClusterError::Conflict {
            object: named,
            message,
        },
        400 | 413 | 415 | 422 => ClusterError::Invalid {
            object: named,
            message,
            causes: invalid_fields(status),
        },
        502..=504 => ClusterError::Unreachable {
            server: asked.server.to_owned(),
            why: if message.is_empty() {
                format!("status {}", status.code)
            } else {
                message
            },
        },
        code => ClusterError::Other {
            code: Some(code),
            message,
        },
    }
}

fn invalid_fields(status: &Status) -> Vec<InvalidField> {
    status
        .details
        .iter()
        .flat_map(|details| &details.causes)
        .map(|cause| InvalidField {
            field: cause.field.clone(),
            message: bounded(&cause.message),
        })
        .collect()
}

/// A request that got no answer.
#[must_use]
pub fn from_client(asked: &Asked<'_>, error: &kube::Error) -> ClusterError {
    match error {
        kube::Error::Api(status) => from_status(asked, status),
        kube::Error::Auth(error) => unauthenticated(asked.server, error),
        kube::Error::Service(error) => match auth_error(error.as_ref()) {
            Some(error) => unauthenticated(asked.server, error),
            None => ClusterError::Unreachable {
                server: asked.server.to_owned(),
                why: root_cause(error.as_ref()),
            },
        },
        kube::Error::HyperError(error) => ClusterError::Unreachable {
            server: asked.server.to_owned(),
            why: root_cause(error),
        },
        kube::Error::ReadEvents(error) => ClusterError::Unreachable {
            server: asked.server.to_owned(),
            why: root_cause(error),
        },
        other => ClusterError::Other {
            code: None,
            message: root_cause(other),
        },
    }
}

fn unauthenticated(server: &str, error: &AuthError) -> ClusterError {
    ClusterError::Unauthenticated {
        server: server.to_owned(),
        message: credential_failure(error),
    }
}

fn auth_error<'a>(error: &'a (dyn Error + 'static)) -> Option<&'a AuthError> {
    causes::chain(error).find_map(|cause| cause.downcast_ref())
}

/// Why there are no credentials. Of a program that failed only its standard error is shown: its command line and its
/// standard output may hold the token.
#[must_use]
pub fn credential_failure(error: &AuthError) -> String {
    match error {
        AuthError::AuthExecRun { cmd, out } => {
            let program = cmd.split(' ').next().unwrap_or_default();
            let program = program.rsplit(['/', '\\']).next().unwrap_or_default();
            let said = redacted(&bounded(&String::from_utf8_lossy(&out.stderr)));
            format!("{program} failed with {}: {said}", out.status)
        }
        AuthError::AuthExec(why) => redacted(&bounded(why)),
        AuthError::ReadTokenFile(error, path) => {
            format!("cannot read the token file {}: {error}", path.display())
        }
        other => redacted(&bounded(&other.to_string())),
    }
}

/// Hides what looks like a credential: the value after `token`, `password`, `secret`, `authorization` and `bearer`,
/// web tokens, and user information of URLs. Runs of blanks become one.
#[must_use]
pub fn redacted(text: &str) -> String {
    let mut hide_next = false;
    let words: Vec<String> = text
        .split_whitespace()
        .map(|word| {
            let lower = word.to_ascii_lowercase();
            let scheme = matches!(lower.trim_matches('"'), "bearer" | "basic");
            let hide = hide_next && !scheme;
            let value_at = word
                .find(['=', ':'])
                .filter(|at| is_secret_name(&lower[..*at]))
                .map(|at| at + 1);
            hide_next = scheme || value_at == Some(word.len());
            match value_at {
                _ if hide || lower.trim_matches('"').starts_with("eyj") => HIDDEN.to_owned(),
                Some(at) if at < word.len() => format!("{}{HIDDEN}", &word[..at]),
                Some(_) | None => without_userinfo(word),
            }
        })
        .collect();
    words.join(" ")
}

fn is_secret_name(lower: &str) -> bool {
    [
        "token",
        "password",
        "passwd",
        "secret",
        "authorization",
        "api-key",
        "apikey",
    ]
    .iter()
    .any(|name| lower.contains(name))
}

/// A URL without the user and password in front of its host.
#[must_use]
pub fn without_userinfo(url: &str) -> String {
    let Some((scheme, rest)) = url.split_once("://") else {
        return url.to_owned();
    };
    let authority_end = rest.find(['/', '?', '#']).unwrap_or(rest.len());
    match rest[..authority_end].rfind('@') {
        Some(at) => format!("{scheme}://{}", &rest[at + 1..]),
        None => url.to_owned(),
    }
}

/// An error and its causes on one line, without what an outer one has said already.
#[must_use]
pub fn root_cause(error: &(dyn Error + 'static)) -> String {
    redacted(&bounded(&causes::on_one_line(causes::chain(error))))
}

/// At most [`LONGEST`] characters, on one line.
fn bounded(text: &str) -> String {
    let one_line: String = text
        .trim()
        .chars()
        .map(|c| if c.is_control() { ' ' } else { c })
        .collect();
    if one_line.chars().count() <= LONGEST {
        one_line
    } else {
        one_line.chars().take(LONGEST).chain(['…']).collect()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::canary::object::Resource;
    use miette::Diagnostic as _;
    use serde_json::json;

    fn answered(body: serde_json::Value) -> ClusterError {
        let object = Resource::new("apps", "v1", "deployments", "Deployment")
            .in_namespace("shop", "podinfo");
        let asked = Asked {
            verb: "patch",
            object: &object,
            subresource: None,
            server: "https://10.0.0.1:6443",
        };
        from_status(&asked, &serde_json::from_value(body).unwrap())
    }

    #[test]
    fn a_forbidden_answer_names_verb_resource_and_namespace() {
        let error = answered(json!({"code": 403, "reason": "Forbidden", "message": "no"}));
        assert_eq!(
            error.to_string(),
            "not allowed to patch deployments.apps in shop: no"
        );
        assert_eq!(
            error.help().map(|help| help.to_string()).as_deref(),
            Some("ask for: patch deployments.apps in shop")
        );
    }

    #[test]
    fn an_existing_object_is_no_conflict() {
        let error = answered(json!({"code": 409, "reason": "AlreadyExists", "message": "x"}));
        assert!(matches!(error, ClusterError::AlreadyExists { .. }));
    }

    #[test]
    fn a_changed_object_is_a_conflict() {
        let error = answered(json!({"code": 409, "reason": "Conflict", "message": "x"}));
        assert!(matches!(error, ClusterError::Conflict { .. }));
    }

    #[test]
    fn refused_fields_keep_their_paths() {
        let error = answered(json!({
            "code": 422, "reason": "Invalid", "message": "is invalid",
            "details": {"causes": [{"field": "spec.replicas", "message": "must be positive"}]}
        }));
        let ClusterError::Invalid { causes, .. } = error else {
            panic!("{error:?}");
        };
        assert_eq!(causes[0].field, "spec.replicas");
    }

    #[test]
    fn a_gateway_without_a_server_behind_it_is_unreachable() {
        let error = answered(json!({"code": 503, "message": ""}));
        assert!(matches!(error, ClusterError::Unreachable { .. }));
        assert!(error.is_retryable());
    }

    #[test]
    fn credentials_in_texts_are_hidden() {
        for (text, shown) in [
            ("token: abc", "token: [hidden]"),
            ("password=abc rest", "password=[hidden] rest"),
            (
                "Authorization: Bearer abc failed",
                "Authorization: Bearer [hidden] failed",
            ),
            ("id eyJhbGciOi.x.y", "id [hidden]"),
            ("get https://u:p@host/x", "get https://host/x"),
            ("plain words: stay", "plain words: stay"),
        ] {
            assert_eq!(redacted(text), shown);
        }
    }

    #[test]
    fn a_long_answer_is_cut_and_put_on_one_line() {
        let text = bounded(&"a\n".repeat(1000));
        assert_eq!(text.chars().count(), LONGEST + 1);
        assert!(!text.contains('\n'));
    }
}
