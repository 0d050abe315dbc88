//! Reading the embedded cluster's objects, for its own parts.

use serde_json::Value;
use std::sync::Arc;

/// Whatever holds objects.
pub trait Objects {
    /// One object; `namespace` is empty for cluster-scoped kinds. `resource` is the plural without its group,
    /// such as `services` or `traefikservices`.
    fn get(&self, resource: &str, namespace: &str, name: &str) -> Option<Arc<Value>>;
    /// All of a namespace (all namespaces where it is empty), by name.
    fn list(&self, resource: &str, namespace: &str) -> Vec<Arc<Value>>;
}
