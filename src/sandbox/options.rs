//! How an embedded cluster is made, and what it says when it refuses.

use crate::sandbox::clock::SandboxClock;
use crate::sandbox::workloads::PodTimes;
use std::collections::BTreeMap;

/// How a cluster is made.
#[derive(Clone, Debug)]
pub struct SandboxOptions {
    /// Uids and generated names derive from it.
    pub seed: u64,
    /// Its time.
    pub clock: SandboxClock,
    /// How long pods take.
    pub pods: PodTimes,
    /// Nodes' names and their labels beside the usual ones.
    pub nodes: BTreeMap<String, BTreeMap<String, String>>,
    /// Namespaces beside `default` and `kube-system`.
    pub namespaces: Vec<String>,
}

impl SandboxOptions {
    /// Seed 1, one node, usual pods, no further namespace.
    #[must_use]
    pub fn new(clock: SandboxClock) -> Self {
        Self {
            seed: 1,
            clock,
            pods: PodTimes::default(),
            nodes: BTreeMap::from([("node-1".to_owned(), BTreeMap::new())]),
            namespaces: Vec::new(),
        }
    }
}

/// What a user asks for was refused.
#[derive(Clone, Debug, thiserror::Error, miette::Diagnostic)]
pub enum SandboxError {
    /// The API server's words.
    #[error("the embedded cluster refused {what}: {why}")]
    #[diagnostic(code(flagger::sandbox::refused))]
    Refused {
        /// Kind or resource, and name.
        what: String,
        /// The message of its Status.
        why: String,
    },
    /// No kind is registered under that name.
    #[error("the embedded cluster has no resource {resource}")]
    #[diagnostic(
        code(flagger::sandbox::unknown_resource),
        help("name the plural, such as `deployments`, with its group where two groups have it")
    )]
    UnknownResource {
        /// As asked for.
        resource: String,
    },
}
