//! What a cluster answers when it does not do what it was asked, without naming a client library.

use miette::Diagnostic;
use std::fmt::Display;

/// A request to the API server failed.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum ClusterError {
    /// The login is known but may not do this (403).
    #[error("not allowed to {verb} {resource}{}: {message}", place(namespace))]
    Denied {
        /// Such as `patch`.
        verb: &'static str,
        /// Such as `deployments.apps`.
        resource: String,
        /// `None` for cluster-scoped resources.
        namespace: Option<String>,
        /// The server's words.
        message: String,
    },
    /// The login is missing, wrong or expired (401), or a credential plugin failed.
    #[error("not logged in to {server}: {message}")]
    Unauthenticated {
        /// URL of the API server.
        server: String,
        /// The server's or the plugin's words.
        message: String,
    },
    /// No answer, or one of a gateway before the server (502, 503, 504).
    #[error("cannot reach {server}: {why}")]
    Unreachable {
        /// URL of the API server.
        server: String,
        /// The cause.
        why: String,
    },
    /// There is no such object, or no such kind (404).
    #[error("{kind} {name} not found{}", place(namespace))]
    NotFound {
        /// Such as `Deployment`.
        kind: String,
        /// The object's name.
        name: String,
        /// `None` for cluster-scoped objects.
        namespace: Option<String>,
    },
    /// Somebody changed the object since it was read (409), or the version to watch from is gone (410).
    #[error("{object} changed meanwhile: {message}")]
    Conflict {
        /// Such as `deployment/podinfo`.
        object: String,
        /// The server's words.
        message: String,
    },
    /// The server refuses what was sent (400, 422); a failed `test` of a JSON Patch too.
    #[error("the API server refuses {object}: {message}")]
    Invalid {
        /// Such as `deployment/podinfo`.
        object: String,
        /// The server's words.
        message: String,
        /// Field and reason, one a line of the server's list.
        causes: Vec<InvalidField>,
    },
    /// It was to be created and is there (409).
    #[error("{object} exists already")]
    AlreadyExists {
        /// Such as `deployment/podinfo`.
        object: String,
    },
    /// No answer in time. A write may have landed: read again before anything else.
    #[error("no answer from {server} within {} s", after_ms.div_ceil(1000))]
    Timeout {
        /// URL of the API server.
        server: String,
        /// Milliseconds waited.
        after_ms: u64,
    },
    /// Anything else, such as 429 or 500.
    #[error("the API server answers{}: {message}", status(code))]
    Other {
        /// HTTP status, where there was one.
        code: Option<u16>,
        /// The server's words, or what could not be read.
        message: String,
    },
}

/// One field that the server refuses.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct InvalidField {
    /// Path as the server writes it, such as `spec.template.spec.containers[0].image`.
    pub field: String,
    /// Why.
    pub message: String,
}

impl ClusterError {
    /// May the same request succeed later without anybody doing something?
    #[must_use]
    pub const fn is_retryable(&self) -> bool {
        match self {
            Self::Unreachable { .. } | Self::Timeout { .. } => true,
            Self::Other { code, .. } => matches!(code, None | Some(429 | 500..=599)),
            Self::Denied { .. }
            | Self::Unauthenticated { .. }
            | Self::NotFound { .. }
            | Self::Conflict { .. }
            | Self::Invalid { .. }
            | Self::AlreadyExists { .. } => false,
        }
    }

    /// Was the object simply not there?
    #[must_use]
    pub const fn is_not_found(&self) -> bool {
        matches!(self, Self::NotFound { .. })
    }
}

fn place(namespace: &Option<String>) -> String {
    namespace
        .as_ref()
        .map(|namespace| format!(" in {namespace}"))
        .unwrap_or_default()
}

fn status(code: &Option<u16>) -> String {
    code.map(|code| format!(" {code}")).unwrap_or_default()
}

impl Diagnostic for ClusterError {
    fn code<'a>(&'a self) -> Option<Box<dyn Display + 'a>> {
        Some(Box::new(match self {
            Self::Denied { .. } => "flagger::cluster::denied",
            Self::Unauthenticated { .. } => "flagger::cluster::unauthenticated",
            Self::Unreachable { .. } => "flagger::cluster::unreachable",
            Self::NotFound { .. } => "flagger::cluster::not_found",
            Self::Conflict { .. } => "flagger::cluster::conflict",
            Self::Invalid { .. } => "flagger::cluster::invalid",
            Self::AlreadyExists { .. } => "flagger::cluster::already_exists",
            Self::Timeout { .. } => "flagger::cluster::timeout",
            Self::Other { .. } => "flagger::cluster::other",
        }))
    }

    fn help<'a>(&'a self) -> Option<Box<dyn Display + 'a>> {
        match self {
            Self::Denied {
                verb,
                resource,
                namespace,
                ..
            } => Some(Box::new(match namespace {
                Some(namespace) => format!("ask for: {verb} {resource} in {namespace}"),
                None => format!("ask for: {verb} {resource}, cluster-wide"),
            })),
            Self::Unauthenticated { .. } => Some(Box::new(
                "log in again, or choose another user with --user or --context",
            )),
            Self::Unreachable { why, .. } if why.contains("certificate expired") => Some(Box::new(
                "the server's certificate has expired: it must be renewed there, unless this machine's clock is wrong",
            )),
            Self::Unreachable { why, .. } if why.contains("certificate") => Some(Box::new(
                "the server's certificate is not trusted: check certificate-authority and tls-server-name of this \
                 cluster in the kubeconfig",
            )),
            Self::Unreachable { .. } => Some(Box::new(
                "check the network, VPN and proxy; \"kubectl version\" asks the same server",
            )),
            Self::Invalid { causes, .. } if !causes.is_empty() => Some(Box::new(
                causes
                    .iter()
                    .map(|cause| format!("{}: {}", cause.field, cause.message))
                    .collect::<Vec<_>>()
                    .join("\n"),
            )),
            Self::NotFound { .. }
            | Self::Conflict { .. }
            | Self::Invalid { .. }
            | Self::AlreadyExists { .. }
            | Self::Timeout { .. }
            | Self::Other { .. } => None,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn denied() -> ClusterError {
        ClusterError::Denied {
            verb: "patch",
            resource: "deployments.apps".to_owned(),
            namespace: Some("shop".to_owned()),
            message: "User \"alice\" cannot patch".to_owned(),
        }
    }

    #[test]
    fn a_denial_says_which_right_to_ask_for() {
        let help = denied().help().map(|help| help.to_string());
        assert_eq!(
            help.as_deref(),
            Some("ask for: patch deployments.apps in shop")
        );
    }

    #[test]
    fn a_denial_is_not_tried_again() {
        assert!(!denied().is_retryable());
    }

    #[test]
    fn an_expired_certificate_is_told_from_one_that_is_not_trusted() {
        let help = |why: &str| {
            let server = "https://a".to_owned();
            let why = why.to_owned();
            let error = ClusterError::Unreachable { server, why };
            error
                .help()
                .map(|help| help.to_string())
                .unwrap_or_default()
        };
        let expired = "invalid peer certificate: certificate expired: verification time 2 (UNIX)";
        assert!(help(expired).contains("has expired"));
        assert!(help("invalid peer certificate: UnknownIssuer").contains("is not trusted"));
    }

    #[test]
    fn a_busy_server_is_tried_again() {
        let busy = ClusterError::Other {
            code: Some(429),
            message: String::new(),
        };
        assert!(busy.is_retryable());
    }

    #[test]
    fn refused_fields_are_listed_as_help() {
        let invalid = ClusterError::Invalid {
            object: "deployment/podinfo".to_owned(),
            message: "is invalid".to_owned(),
            causes: vec![InvalidField {
                field: "spec.replicas".to_owned(),
                message: "must be greater than or equal to 0".to_owned(),
            }],
        };
        assert_eq!(
            invalid.help().map(|help| help.to_string()).as_deref(),
            Some("spec.replicas: must be greater than or equal to 0")
        );
    }
}
