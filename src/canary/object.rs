//! Addresses of objects in a cluster, and names that fit into one.
//!
//! Must not know how a cluster is asked.

use sha2::Digest as _;
use sha2::Sha256;
use std::fmt;

/// Longest name that is also a valid label value.
const LONGEST_NAME: usize = 63;
/// How much of a longer name is kept before the checksum.
const KEPT: usize = 52;

/// A kind of objects, as an API server serves it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct Resource {
    /// Such as `apps`; empty for the core group.
    pub group: &'static str,
    /// Such as `v1`.
    pub version: &'static str,
    /// Such as `deployments`.
    pub plural: &'static str,
    /// Such as `Deployment`.
    pub kind: &'static str,
}

impl Resource {
    /// `coordination.k8s.io/v1` Lease.
    pub const LEASE: Self = Self::new("coordination.k8s.io", "v1", "leases", "Lease");
    /// `v1` ConfigMap.
    pub const CONFIG_MAP: Self = Self::new("", "v1", "configmaps", "ConfigMap");
    /// `v1` Secret.
    pub const SECRET: Self = Self::new("", "v1", "secrets", "Secret");
    /// `v1` Service.
    pub const SERVICE: Self = Self::new("", "v1", "services", "Service");
    /// `apps/v1` Deployment.
    pub const DEPLOYMENT: Self = Self::new("apps", "v1", "deployments", "Deployment");
    /// `apps/v1` DaemonSet.
    pub const DAEMON_SET: Self = Self::new("apps", "v1", "daemonsets", "DaemonSet");
    /// `flagger.app/v1beta1` Canary.
    pub const CANARY: Self = Self::new("flagger.app", "v1beta1", "canaries", "Canary");
    /// `serving.knative.dev/v1` Service.
    pub const KNATIVE_SERVICE: Self = Self::new("serving.knative.dev", "v1", "services", "Service");
    /// `serving.knative.dev/v1` Revision.
    pub const KNATIVE_REVISION: Self =
        Self::new("serving.knative.dev", "v1", "revisions", "Revision");
    /// `v1` Namespace.
    pub const NAMESPACE: Self = Self::new("", "v1", "namespaces", "Namespace");

    /// A kind by its four names.
    #[must_use]
    pub const fn new(
        group: &'static str,
        version: &'static str,
        plural: &'static str,
        kind: &'static str,
    ) -> Self {
        Self {
            group,
            version,
            plural,
            kind,
        }
    }

    /// One object of this kind in a namespace.
    #[must_use]
    pub fn in_namespace(&self, namespace: &str, name: &str) -> ObjectRef {
        self.object(Some(namespace), name)
    }

    /// One object of this kind that belongs to no namespace.
    #[must_use]
    pub fn cluster_scoped(&self, name: &str) -> ObjectRef {
        self.object(None, name)
    }

    fn object(&self, namespace: Option<&str>, name: &str) -> ObjectRef {
        ObjectRef {
            group: self.group.to_owned(),
            version: self.version.to_owned(),
            plural: self.plural.to_owned(),
            kind: self.kind.to_owned(),
            namespace: namespace.map(str::to_owned),
            name: name.to_owned(),
        }
    }
}

/// One object.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct ObjectRef {
    /// Such as `apps`; empty for the core group.
    pub group: String,
    /// Such as `v1`.
    pub version: String,
    /// Such as `deployments`.
    pub plural: String,
    /// Such as `Deployment`.
    pub kind: String,
    /// `None` for cluster-scoped kinds.
    pub namespace: Option<String>,
    /// Its name; not looked at where a whole kind is listed.
    pub name: String,
}

impl ObjectRef {
    /// `apiVersion` of its manifest.
    #[must_use]
    pub fn api_version(&self) -> String {
        if self.group.is_empty() {
            self.version.clone()
        } else {
            format!("{}/{}", self.group, self.version)
        }
    }

    /// The resource as RBAC names it: `deployments.apps`, `services`.
    #[must_use]
    pub fn resource_name(&self) -> String {
        if self.group.is_empty() {
            self.plural.clone()
        } else {
            format!("{}.{}", self.plural, self.group)
        }
    }

    /// URL path of its group and version.
    #[must_use]
    pub fn version_path(&self) -> String {
        if self.group.is_empty() {
            format!("/api/{}", self.version)
        } else {
            format!("/apis/{}/{}", self.group, self.version)
        }
    }

    /// URL path of its kind, in its namespace if it has one.
    #[must_use]
    pub fn collection_path(&self) -> String {
        let root = self.version_path();
        match &self.namespace {
            Some(namespace) => format!("{root}/namespaces/{namespace}/{}", self.plural),
            None => format!("{root}/{}", self.plural),
        }
    }

    /// URL path of the object.
    #[must_use]
    pub fn path(&self) -> String {
        format!("{}/{}", self.collection_path(), self.name)
    }
}

impl fmt::Display for ObjectRef {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}/{}", self.kind.to_lowercase(), self.name)
    }
}

/// `prefix` and `name` joined, at most 63 characters: a longer one keeps its first 52 and ends in a checksum of the
/// whole, so that two canaries with long names never share an object.
#[must_use]
pub fn bounded_name(prefix: &str, name: &str) -> String {
    let whole = format!("{prefix}{name}");
    if whole.len() <= LONGEST_NAME {
        return whole;
    }
    let checksum: String = Sha256::digest(whole.as_bytes())
        .iter()
        .take(4)
        .map(|byte| format!("{byte:02x}"))
        .collect();
    let mut kept: String = whole.chars().take(KEPT).collect();
    while kept.ends_with(['-', '.']) {
        kept.pop();
    }
    format!("{kept}-{checksum}")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_object_of_the_core_group_lives_under_api() {
        let object = Resource::CONFIG_MAP.in_namespace("shop", "flagger-run-podinfo");
        assert_eq!(
            object.path(),
            "/api/v1/namespaces/shop/configmaps/flagger-run-podinfo"
        );
        assert_eq!(object.api_version(), "v1");
        assert_eq!(object.resource_name(), "configmaps");
    }

    #[test]
    fn an_object_of_a_named_group_lives_under_apis() {
        let object = Resource::LEASE.in_namespace("shop", "x");
        assert_eq!(
            object.path(),
            "/apis/coordination.k8s.io/v1/namespaces/shop/leases/x"
        );
        assert_eq!(object.api_version(), "coordination.k8s.io/v1");
        assert_eq!(object.resource_name(), "leases.coordination.k8s.io");
    }

    #[test]
    fn a_cluster_scoped_object_has_no_namespace_in_its_path() {
        assert_eq!(
            Resource::NAMESPACE.cluster_scoped("shop").path(),
            "/api/v1/namespaces/shop"
        );
    }

    #[test]
    fn a_name_of_63_characters_is_kept() {
        let name = "a".repeat(63 - "flagger-run-".len());
        assert_eq!(
            bounded_name("flagger-run-", &name),
            format!("flagger-run-{name}")
        );
    }

    #[test]
    fn a_longer_name_is_cut_to_52_and_a_checksum() {
        let name = bounded_name("flagger-run-", &"a".repeat(60));
        assert_eq!(name.len(), 52 + 1 + 8);
        assert!(name.starts_with("flagger-run-aaaa"));
    }

    #[test]
    fn long_names_that_differ_at_their_end_stay_different() {
        let one = bounded_name("flagger-run-", &format!("{}1", "a".repeat(60)));
        let two = bounded_name("flagger-run-", &format!("{}2", "a".repeat(60)));
        assert_ne!(one, two);
    }

    #[test]
    fn a_cut_name_does_not_end_its_kept_part_with_a_dash() {
        let name = bounded_name("", &format!("{}-{}", "a".repeat(51), "b".repeat(30)));
        assert!(!name.contains("--"), "{name}");
    }
}
