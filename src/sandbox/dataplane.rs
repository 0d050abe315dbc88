//! Where requests to a service go: the embedded cluster's proxies, each a reader of its own route objects.
//!
//! Reads what stands in the objects as the real proxy would, and shares nothing with the code that writes them: a
//! wrong route must show as lost or misdirected requests.

use crate::sandbox::objects::Objects;
use serde_json::Value;
use std::collections::BTreeSet;

mod apisix;
mod appmesh;
mod contour;
mod gateway_api;
mod gloo;
mod ingress;
mod istio;
mod knative;
mod kuma;
mod nginx;
mod rules;
mod skipper;
mod smi;
mod traefik;

pub use rules::Headers;
pub use rules::Rule;

/// The service that requests are meant for.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Apex {
    /// Its namespace.
    pub namespace: String,
    /// Its name.
    pub service: String,
}

/// Why a request reached no pod.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Lost {
    /// The proxy has no route, or its route names something that does not exist: 404.
    NoRoute,
    /// The proxy dropped the route since a service behind it has no endpoint: 404.
    Dropped,
    /// Nobody is there to take it: 503.
    NoEndpoint,
    /// It was sent to a pod that no longer, or not yet, answers: 502.
    Refused,
}

impl Lost {
    /// What the client sees.
    #[must_use]
    pub const fn status(self) -> u16 {
        match self {
            Self::NoRoute | Self::Dropped => 404,
            Self::NoEndpoint => 503,
            Self::Refused => 502,
        }
    }
}

/// Whose metrics count the requests to a backend.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Label {
    /// Traefik's, by its name of the service.
    Traefik(String),
    /// ingress-nginx's, for what it answers for an Ingress.
    Nginx {
        /// Of the Ingress.
        namespace: String,
        /// Name of the Ingress that users reach.
        ingress: String,
        /// The backend of a canary Ingress beside it; empty for its own.
        canary: String,
    },
    /// Skipper's, by its name of the route.
    Skipper(String),
    /// APISIX's, by its name of the route, whatever stands behind it.
    Apisix(String),
    /// An Envoy's, by the label that tells its clusters apart, and its value.
    Envoy(&'static str, String),
    /// Those of the proxies beside the pods.
    Sidecars(Mesh),
}

/// A mesh whose proxies stand beside the pods.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Mesh {
    /// Envoys whose metrics carry the pod.
    AppMesh,
    /// Whatever reads TrafficSplits: Linkerd's proxies and those of Open Service Mesh.
    Smi,
}

/// One service that a share of the requests goes to.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Backend {
    /// How it is counted; `None` without a proxy that counts by more than pods.
    pub label: Option<Label>,
    /// Relative to the other backends.
    pub weight: u64,
    /// Namespace of the pods.
    pub namespace: String,
    /// Ready pods by name; a request goes to each in turn.
    pub pods: Vec<String>,
    /// What its answers set, as `NAME=VALUE; ATTRIBUTES`.
    pub cookie: Option<String>,
}

/// How a proxy, or the client itself, spreads the requests.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct View {
    /// Does a proxy stand between? Its view may lag behind the objects.
    pub proxied: bool,
    /// The first whose conditions hold takes a request.
    pub rules: Vec<Rule>,
}

impl View {
    /// One rule for everybody.
    fn of(proxied: bool, backends: Result<Vec<Backend>, Lost>) -> Self {
        Self {
            proxied,
            rules: vec![Rule::for_all(backends)],
        }
    }
}

/// Reads the route objects of one proxy; `None` when it has nothing to do with the apex.
type Reader = fn(&Apex, &dyn Objects) -> Option<View>;

const READERS: &[Reader] = &[
    traefik::read,
    istio::read,
    gateway_api::read,
    contour::read,
    apisix::read,
    nginx::read,
    skipper::read,
    smi::read,
    kuma::read,
    gloo::read,
    appmesh::read,
    knative::read,
];

/// Where requests to the apex go at this moment: through the first proxy that has a route for it, else straight to
/// the endpoints of its Service.
#[must_use]
pub fn view(apex: &Apex, objects: &dyn Objects) -> View {
    READERS
        .iter()
        .find_map(|read| read(apex, objects))
        .unwrap_or_else(|| direct(apex, objects))
}

fn direct(apex: &Apex, objects: &dyn Objects) -> View {
    let pods = ready_pods(objects, &apex.namespace, &apex.service);
    let backends = if objects
        .get("services", &apex.namespace, &apex.service)
        .is_none()
    {
        Err(Lost::NoRoute)
    } else if pods.is_empty() {
        Err(Lost::NoEndpoint)
    } else {
        Ok(vec![Backend {
            label: None,
            weight: 1,
            namespace: apex.namespace.clone(),
            pods,
            cookie: None,
        }])
    };
    View::of(false, backends)
}

/// A destination of a proxy that picks one by weight first and then looks for endpoints: without any, that share alone
/// is lost.
fn share(
    objects: &dyn Objects,
    namespace: &str,
    service: &str,
    port: Option<&Value>,
    weight: u64,
) -> Backend {
    let has_port = |service: &Value| {
        port.is_none_or(|wanted| {
            items(service, "/spec/ports").any(|port| port.get("port") == Some(wanted))
        })
    };
    let reachable = objects
        .get("services", namespace, service)
        .is_some_and(|service| has_port(&service));
    Backend {
        label: None,
        weight,
        namespace: namespace.to_owned(),
        pods: if reachable {
            ready_pods(objects, namespace, service)
        } else {
            Vec::new()
        },
        cookie: None,
    }
}

/// Those with a weight, if anybody has one.
fn shares(backends: Vec<Backend>) -> Result<Vec<Backend>, Lost> {
    let weighted: Vec<Backend> = backends
        .into_iter()
        .filter(|backend| backend.weight > 0)
        .collect();
    if weighted.is_empty() {
        Err(Lost::NoEndpoint)
    } else {
        Ok(weighted)
    }
}

/// The pods that the EndpointSlices of a Service call ready, by name.
fn ready_pods(objects: &dyn Objects, namespace: &str, service: &str) -> Vec<String> {
    let mut pods = BTreeSet::new();
    for slice in objects.list("endpointslices", namespace) {
        if text(&slice, "/metadata/labels/kubernetes.io~1service-name") != Some(service) {
            continue;
        }
        for endpoint in items(&slice, "/endpoints") {
            // Absent means unknown, which counts as ready.
            let ready = endpoint.pointer("/conditions/ready") != Some(&Value::Bool(false));
            if let (true, Some(pod)) = (ready, text(endpoint, "/targetRef/name")) {
                pods.insert(pod.to_owned());
            }
        }
    }
    pods.into_iter().collect()
}

/// A pod as far as traffic is concerned.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Pod {
    /// Tag of its first container's image.
    pub version: String,
    /// The Deployment or DaemonSet it belongs to.
    pub workload: String,
    /// Does it answer? Ready ones do, and terminating ones until they are gone.
    pub answers: bool,
}

impl Pod {
    /// Reads a Pod object.
    #[must_use]
    pub fn read(pod: &Value, objects: &dyn Objects) -> Self {
        let ready = items(pod, "/status/conditions").any(|condition| {
            text(condition, "/type") == Some("Ready") && text(condition, "/status") == Some("True")
        });
        Self {
            version: tag(text(pod, "/spec/containers/0/image").unwrap_or_default()).to_owned(),
            workload: workload(pod, objects),
            answers: ready || text(pod, "/metadata/deletionTimestamp").is_some(),
        }
    }
}

/// The tag of an image; its digest where it has no tag, `latest` where it has neither.
#[must_use]
pub fn tag(image: &str) -> &str {
    let (name, digest) = image.split_once('@').unwrap_or((image, "latest"));
    match name.rsplit_once(':') {
        // A port of the registry is followed by a path.
        Some((_, tag)) if !tag.contains('/') => tag,
        Some(_) | None => digest,
    }
}

fn workload(pod: &Value, objects: &dyn Objects) -> String {
    let Some((kind, name)) = controller(pod) else {
        let label = text(pod, "/metadata/labels/app").or_else(|| text(pod, "/metadata/name"));
        return label.unwrap_or_default().to_owned();
    };
    if kind != "ReplicaSet" {
        return name.to_owned();
    }
    let namespace = text(pod, "/metadata/namespace").unwrap_or_default();
    objects
        .get("replicasets", namespace, name)
        .and_then(|set| controller(&set).map(|(_, deployment)| deployment.to_owned()))
        // A Deployment names its ReplicaSets after itself and a hash.
        .unwrap_or_else(|| {
            name.rsplit_once('-')
                .map_or(name, |(stem, _)| stem)
                .to_owned()
        })
}

fn controller(object: &Value) -> Option<(&str, &str)> {
    let owner = items(object, "/metadata/ownerReferences")
        .find(|owner| owner.pointer("/controller") == Some(&Value::Bool(true)))?;
    Some((text(owner, "/kind")?, text(owner, "/name")?))
}

fn text<'a>(value: &'a Value, pointer: &str) -> Option<&'a str> {
    value.pointer(pointer)?.as_str()
}

fn items<'a>(value: &'a Value, pointer: &str) -> impl Iterator<Item = &'a Value> {
    value
        .pointer(pointer)
        .and_then(Value::as_array)
        .into_iter()
        .flatten()
}

#[cfg(test)]
pub(crate) mod fixtures;

#[cfg(test)]
mod tests {
    use super::*;
    use crate::sandbox::dataplane::fixtures::World;
    use serde_json::json;

    fn backends(world: &World) -> Result<Vec<Backend>, Lost> {
        view(&World::apex(), world).rules.remove(0).backends
    }

    #[test]
    fn a_client_inside_the_cluster_reaches_the_ready_pods_of_the_apex() {
        let mut world = World::default();
        world.service(
            "podinfo",
            &[
                ("podinfo-primary-6d4b-aaaaa", true),
                ("podinfo-primary-6d4b-bbbbb", false),
            ],
        );
        let backends = backends(&world).unwrap();
        assert_eq!(backends.len(), 1);
        assert_eq!(backends[0].pods, vec!["podinfo-primary-6d4b-aaaaa"]);
        assert_eq!(backends[0].label, None);
    }

    #[test]
    fn without_a_ready_pod_the_apex_has_no_endpoint_and_without_a_service_no_route() {
        let mut world = World::default();
        assert_eq!(backends(&world), Err(Lost::NoRoute));
        world.service("podinfo", &[("podinfo-primary-6d4b-aaaaa", false)]);
        assert_eq!(backends(&world), Err(Lost::NoEndpoint));
    }

    #[test]
    fn a_version_is_the_tag_of_the_image() {
        assert_eq!(tag("podinfo:6.0.0"), "6.0.0");
        assert_eq!(tag("registry:5000/podinfo:6.0.0"), "6.0.0");
        assert_eq!(tag("registry:5000/podinfo"), "latest");
        assert_eq!(tag("podinfo:6.0.0@sha256:ab"), "6.0.0");
        assert_eq!(tag("podinfo@sha256:ab"), "sha256:ab");
    }

    #[test]
    fn a_pod_belongs_to_the_deployment_behind_its_replica_set() {
        let mut world = World::default();
        let pod = World::pod("podinfo-primary-6d4b-aaaaa", "podinfo:6.0.0", true);
        assert_eq!(Pod::read(&pod, &world).workload, "podinfo-primary");
        world.put(
            "replicasets",
            json!({"metadata": {"name": "podinfo-primary-6d4b", "namespace": "test", "ownerReferences":
                [{"kind": "Deployment", "name": "shop", "controller": true}]}}),
        );
        assert_eq!(Pod::read(&pod, &world).workload, "shop");
    }

    #[test]
    fn a_terminating_pod_answers_until_it_is_gone() {
        let world = World::default();
        let mut pod = World::pod("podinfo-6d4b-aaaaa", "podinfo:6.0.0", false);
        assert!(!Pod::read(&pod, &world).answers);
        pod["metadata"]["deletionTimestamp"] = json!("2026-01-01T00:00:00Z");
        assert!(Pod::read(&pod, &world).answers);
    }
}
