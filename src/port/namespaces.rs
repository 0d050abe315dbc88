//! Which namespaces the cluster has, to tell an in-cluster name from a public one.

use crate::port::Job;
use crate::port::cluster_error::ClusterError;

/// What is known of a namespace.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum NamespaceState {
    /// It is there.
    Exists,
    /// It is not.
    Absent,
    /// This login may not look.
    Hidden,
}

/// Looks namespaces up.
pub trait Namespaces {
    /// The state of one.
    fn state<'a>(&'a self, namespace: &'a str) -> Job<'a, Result<NamespaceState, ClusterError>>;
}
