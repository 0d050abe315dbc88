//! Which kinds the embedded cluster knows, as a real server's discovery names them.

use crate::sandbox::tree;
use serde::Deserialize;
use serde_json::Value;
use serde_json::json;

/// A resource of the API. More than the built-in ones may be registered, as a CRD would.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct ApiKind {
    /// Empty for the core group.
    #[serde(default)]
    pub group: String,
    /// All served versions; objects are stored as the first.
    pub versions: Vec<String>,
    /// Such as `deployments`.
    pub plural: String,
    /// Such as `Deployment`.
    pub kind: String,
    /// Lives in a namespace?
    #[serde(default = "yes")]
    pub namespaced: bool,
    /// Has its status as a subresource?
    #[serde(default)]
    pub status: bool,
    /// Has a scale subresource?
    #[serde(default)]
    pub scale: bool,
    /// Compiled into the server (strategic patches, typed fields), not a CRD.
    #[serde(skip)]
    pub builtin: bool,
}

const fn yes() -> bool {
    true
}

impl ApiKind {
    /// A namespaced custom resource of one version.
    #[must_use]
    pub fn custom(group: &str, version: &str, plural: &str, kind: &str) -> Self {
        Self {
            group: group.to_owned(),
            versions: vec![version.to_owned()],
            plural: plural.to_owned(),
            kind: kind.to_owned(),
            namespaced: true,
            status: false,
            scale: false,
            builtin: false,
        }
    }

    /// The same with its status as a subresource.
    #[must_use]
    pub fn with_status(mut self) -> Self {
        self.status = true;
        self
    }

    /// The same with one more served version.
    #[must_use]
    pub fn also(mut self, version: &str) -> Self {
        self.versions.push(version.to_owned());
        self
    }

    /// The same in no namespace.
    #[must_use]
    pub fn cluster_scoped(mut self) -> Self {
        self.namespaced = false;
        self
    }

    fn builtin(group: &str, version: &str, plural: &str, kind: &str) -> Self {
        Self {
            builtin: true,
            ..Self::custom(group, version, plural, kind)
        }
    }

    fn with_scale(mut self) -> Self {
        self.scale = true;
        self
    }

    /// `deployments.apps`, as error messages name it.
    #[must_use]
    pub fn qualified(&self) -> String {
        if self.group.is_empty() {
            self.plural.clone()
        } else {
            format!("{}.{}", self.plural, self.group)
        }
    }

    /// `Deployment.apps`, as validation errors name it.
    #[must_use]
    pub fn qualified_kind(&self) -> String {
        if self.group.is_empty() {
            self.kind.clone()
        } else {
            format!("{}.{}", self.kind, self.group)
        }
    }

    /// `apps/v1` for one of its versions.
    #[must_use]
    pub fn api_version(&self, version: &str) -> String {
        if self.group.is_empty() {
            version.to_owned()
        } else {
            format!("{}/{version}", self.group)
        }
    }

    /// The version objects are stored as.
    #[must_use]
    pub fn storage_version(&self) -> &str {
        self.versions.first().map_or("v1", String::as_str)
    }

    /// Does the server count `metadata.generation`?
    #[must_use]
    pub fn has_generation(&self) -> bool {
        !self.builtin
            || matches!(
                self.group.as_str(),
                "apps" | "batch" | "networking.k8s.io" | "autoscaling"
            ) && self.plural != "horizontalpodautoscalers"
    }

    fn name_short(&self, row: &mut Value) {
        let short = match (self.builtin, self.plural.as_str()) {
            (false, "services") => &["ksvc"],
            (_, plural) => short_names(plural),
        };
        if !short.is_empty() {
            tree::set(row, &["shortNames"], short);
        }
        if in_all(&self.plural) {
            tree::set(row, &["categories"], vec!["all"]);
        }
    }

    /// Its entry of the aggregated discovery document for one of its versions.
    #[must_use]
    pub fn aggregated_discovery(&self, version: &str) -> Value {
        let own = json!({"group": self.group, "version": version, "kind": self.kind});
        let some = ["get", "patch", "update"];
        let mut subresources = Vec::new();
        if self.scale {
            let scale = json!({"group": "autoscaling", "version": "v1", "kind": "Scale"});
            subresources
                .push(json!({"subresource": "scale", "responseKind": scale, "verbs": some}));
        }
        if self.status {
            subresources.push(json!({"subresource": "status", "responseKind": own, "verbs": some}));
        }
        let mut entry = json!({
            "resource": self.plural, "responseKind": own,
            "scope": if self.namespaced { "Namespaced" } else { "Cluster" },
            "singularResource": self.kind.to_lowercase(), "verbs": VERBS,
        });
        self.name_short(&mut entry);
        if !subresources.is_empty() {
            tree::set(&mut entry, &["subresources"], subresources);
        }
        entry
    }

    /// Its rows of the classic discovery document.
    #[must_use]
    pub fn discovery(&self) -> Vec<Value> {
        let mut main = json!({
            "name": self.plural, "singularName": self.kind.to_lowercase(), "namespaced": self.namespaced,
            "kind": self.kind, "verbs": VERBS,
        });
        self.name_short(&mut main);
        let mut rows = vec![main];
        if self.scale {
            rows.push(json!({
                "name": format!("{}/scale", self.plural), "singularName": "", "namespaced": self.namespaced,
                "group": "autoscaling", "version": "v1", "kind": "Scale", "verbs": ["get", "patch", "update"],
            }));
        }
        if self.status {
            rows.push(json!({
                "name": format!("{}/status", self.plural), "singularName": "", "namespaced": self.namespaced,
                "kind": self.kind, "verbs": ["get", "patch", "update"],
            }));
        }
        rows
    }
}

/// Verbs of every kind, as discovery lists them.
const VERBS: [&str; 8] = [
    "create",
    "delete",
    "deletecollection",
    "get",
    "list",
    "patch",
    "update",
    "watch",
];

/// Is it part of `kubectl get all`?
fn in_all(plural: &str) -> bool {
    matches!(
        plural,
        "pods"
            | "services"
            | "deployments"
            | "replicasets"
            | "daemonsets"
            | "jobs"
            | "horizontalpodautoscalers"
            | "canaries"
    )
}

/// What people may type instead of the plural.
fn short_names(plural: &str) -> &'static [&'static str] {
    match plural {
        "namespaces" => &["ns"],
        "nodes" => &["no"],
        "configmaps" => &["cm"],
        "services" => &["svc"],
        "pods" => &["po"],
        "endpoints" => &["ep"],
        "events" => &["ev"],
        "serviceaccounts" => &["sa"],
        "deployments" => &["deploy"],
        "replicasets" => &["rs"],
        "daemonsets" => &["ds"],
        "horizontalpodautoscalers" => &["hpa"],
        "ingresses" => &["ing"],
        "gateways" => &["gtw"],
        _ => &[],
    }
}

/// What is registered at first.
#[must_use]
pub fn known() -> Vec<ApiKind> {
    let core = |plural: &str, kind: &str| ApiKind::builtin("", "v1", plural, kind);
    let apps =
        |plural: &str, kind: &str| ApiKind::builtin("apps", "v1", plural, kind).with_status();
    let rbac = |plural: &str, kind: &str| {
        ApiKind::builtin("rbac.authorization.k8s.io", "v1", plural, kind)
    };
    let flagger = |plural: &str, kind: &str| {
        ApiKind::custom("flagger.app", "v1beta1", plural, kind).with_status()
    };
    let gateway = |plural: &str, kind: &str| {
        ApiKind::custom("gateway.networking.k8s.io", "v1", plural, kind)
            .also("v1beta1")
            .with_status()
    };
    let istio = |plural: &str, kind: &str| {
        ApiKind::custom("networking.istio.io", "v1beta1", plural, kind)
            .also("v1")
            .with_status()
    };
    let traefik =
        |plural: &str, kind: &str| ApiKind::custom("traefik.io", "v1alpha1", plural, kind);
    let knative = |plural: &str, kind: &str| {
        ApiKind::custom("serving.knative.dev", "v1", plural, kind).with_status()
    };
    let appmesh = |plural: &str, kind: &str| {
        ApiKind::custom("appmesh.k8s.aws", "v1beta1", plural, kind).also("v1beta2")
    };
    vec![
        core("namespaces", "Namespace")
            .with_status()
            .cluster_scoped(),
        core("nodes", "Node").with_status().cluster_scoped(),
        core("configmaps", "ConfigMap"),
        core("secrets", "Secret"),
        core("services", "Service").with_status(),
        core("pods", "Pod").with_status(),
        core("endpoints", "Endpoints"),
        core("events", "Event"),
        core("serviceaccounts", "ServiceAccount"),
        apps("deployments", "Deployment").with_scale(),
        apps("replicasets", "ReplicaSet").with_scale(),
        apps("daemonsets", "DaemonSet"),
        ApiKind::builtin(
            "autoscaling",
            "v2",
            "horizontalpodautoscalers",
            "HorizontalPodAutoscaler",
        )
        .with_status(),
        ApiKind::builtin("batch", "v1", "jobs", "Job").with_status(),
        ApiKind::builtin("coordination.k8s.io", "v1", "leases", "Lease"),
        ApiKind::builtin("discovery.k8s.io", "v1", "endpointslices", "EndpointSlice"),
        ApiKind::builtin("networking.k8s.io", "v1", "ingresses", "Ingress").with_status(),
        rbac("roles", "Role"),
        rbac("rolebindings", "RoleBinding"),
        rbac("clusterroles", "ClusterRole").cluster_scoped(),
        rbac("clusterrolebindings", "ClusterRoleBinding").cluster_scoped(),
        flagger("canaries", "Canary"),
        flagger("metrictemplates", "MetricTemplate"),
        flagger("alertproviders", "AlertProvider"),
        gateway("httproutes", "HTTPRoute"),
        gateway("gateways", "Gateway"),
        istio("virtualservices", "VirtualService"),
        istio("destinationrules", "DestinationRule"),
        ApiKind::custom("apisix.apache.org", "v2", "apisixroutes", "ApisixRoute").with_status(),
        ApiKind::custom("projectcontour.io", "v1", "httpproxies", "HTTPProxy").with_status(),
        traefik("traefikservices", "TraefikService"),
        traefik("ingressroutes", "IngressRoute"),
        // A plural alone means the first of that name: those of Istio.
        appmesh("virtualnodes", "VirtualNode"),
        appmesh("virtualrouters", "VirtualRouter"),
        appmesh("virtualservices", "VirtualService"),
        // A plural alone means the Services of the core group.
        knative("services", "Service"),
        knative("revisions", "Revision"),
        ApiKind::custom("gateway.solo.io", "v1", "routetables", "RouteTable"),
        ApiKind::custom("gloo.solo.io", "v1", "upstreams", "Upstream"),
        ApiKind::custom("kuma.io", "v1alpha1", "trafficroutes", "TrafficRoute").cluster_scoped(),
        ApiKind::custom(
            "split.smi-spec.io",
            "v1alpha1",
            "trafficsplits",
            "TrafficSplit",
        )
        .also("v1alpha2")
        .also("v1alpha3"),
    ]
}
