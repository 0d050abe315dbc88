//! A target of kind Service: its two copies are what the router sends traffic to, and the pods behind them are nobody's
//! business here.
//!
//! Decides nothing.

use crate::canary::metadata::MANAGED_BY;
use crate::canary::metadata::MANAGER;
use crate::canary::metadata::OURS;
use crate::canary::metadata::copied;
use crate::canary::metadata::entries;
use crate::canary::metadata::with_prefix;
use crate::canary::name::Word as _;
use crate::canary::object::ObjectRef;
use crate::canary::object::Resource;
use crate::canary::spec::Canary;
use crate::kubernetes::cluster_target::Target;
use crate::kubernetes::fence;
use crate::kubernetes::objects::Objects;
use crate::kubernetes::operation::Selection;
use crate::kubernetes::revision;
use crate::kubernetes::service::live_ports;
use crate::kubernetes::service::set;
use crate::kubernetes::service::with_node_ports;
use crate::port::cluster::ClusterView;
use crate::port::cluster::Effect;
use crate::port::cluster::Fence;
use crate::port::cluster::Performed;
use crate::port::cluster::Workload;
use crate::port::cluster::WorkloadError;
use crate::port::cluster_error::ClusterError;
use serde_json::Map;
use serde_json::Value;
use serde_json::json;
use std::collections::BTreeSet;
use std::time::Duration;

/// What a server gives to one Service and another must not have.
const OWN_FIELDS: [&str; 3] = ["clusterIP", "clusterIPs", "healthCheckNodePort"];

const ENDPOINT_SLICE: Resource =
    Resource::new("discovery.k8s.io", "v1", "endpointslices", "EndpointSlice");
/// Between two looks at the endpoints of a copy.
const LOOK: Duration = Duration::from_millis(250);
/// Longest wait for them.
const SETTLING: Duration = Duration::from_secs(10);

/// The target and its copies.
pub struct ServiceTarget {
    pub(super) objects: Objects,
    /// Prefixes of labels and annotations that the primary keeps.
    prefixes: Vec<String>,
}

impl ServiceTarget {
    /// `prefixes` are of labels and annotations that a promoted primary takes over.
    #[must_use]
    pub const fn new(objects: Objects, prefixes: Vec<String>) -> Self {
        Self { objects, prefixes }
    }

    /// The objects whose changes matter between two looks.
    #[must_use]
    pub fn watched(canary: &Canary) -> Vec<ObjectRef> {
        [canary.target_name(), &canary.primary_service_name()]
            .map(|name| Resource::SERVICE.in_namespace(&canary.namespace, name))
            .to_vec()
    }

    fn primary(&self) -> ObjectRef {
        let name = self.objects.canary.primary_service_name();
        self.objects.at(Resource::SERVICE, &name)
    }

    fn canary(&self) -> ObjectRef {
        let name = self.objects.canary.canary_service_name();
        self.objects.at(Resource::SERVICE, &name)
    }

    /// What is given up in the end.
    pub(super) fn left(&self) -> Vec<ObjectRef> {
        let target = self.objects.canary.target_name();
        let target = self.objects.at(Resource::SERVICE, target);
        vec![self.primary(), self.canary(), target]
    }

    async fn target(&self) -> Result<Value, WorkloadError> {
        let name = self.objects.canary.target_name();
        let address = self.objects.at(Resource::SERVICE, name);
        let found = self.objects.watched_get(&address).await?;
        let target = found.ok_or_else(|| WorkloadError::Unusable {
            object: address.to_string(),
            why: format!(
                "there is no such Service in {}",
                self.objects.canary.namespace
            ),
            help: "apply the target first, or correct spec.targetRef.name".to_owned(),
        })?;
        fence::owned(&target, "service", &self.objects.key())?;
        Ok(target)
    }

    /// The spec of a copy.
    fn spec(&self, target: &Value) -> Map<String, Value> {
        let mut spec = portable(&target["spec"]);
        if let Some(distribution) = self.objects.canary.service.traffic_distribution {
            spec.insert(
                "trafficDistribution".to_owned(),
                distribution.as_str().into(),
            );
        }
        spec
    }

    async fn ensure_copy(
        &self,
        address: &ObjectRef,
        target: &Value,
        fence: &Fence,
    ) -> Result<(), WorkloadError> {
        if self.objects.requests.get_opt(address).await?.is_some() {
            return Ok(());
        }
        let mut labels = copied(entries(target, "labels"));
        labels.insert(MANAGED_BY.to_owned(), MANAGER.into());
        let annotations = copied(entries(target, "annotations"));
        let manifest = json!({
            "apiVersion": "v1", "kind": "Service", "metadata": {
                "name": address.name, "namespace": self.objects.canary.namespace,
                "labels": labels, "annotations": annotations,
            },
            "spec": self.spec(target),
        });
        self.objects.create(address, manifest, fence).await?;
        self.settle(address).await
    }

    /// Waits until the pods of the target are behind a copy too, or for [`SETTLING`]: who sends traffic to a Service
    /// that has no endpoint yet loses it. Without the right to look, nothing is waited for.
    async fn settle(&self, copy: &ObjectRef) -> Result<(), WorkloadError> {
        let target = self.objects.canary.target_name();
        let clock = &self.objects.requests.0.clock;
        let mut waited = Duration::ZERO;
        while waited < SETTLING {
            match (
                self.endpoints(target).await,
                self.endpoints(&copy.name).await,
            ) {
                (Ok(wanted), Ok(found)) if wanted == found => return Ok(()),
                (Ok(_), Ok(_)) => {}
                (Err(ClusterError::Denied { .. } | ClusterError::NotFound { .. }), _)
                | (_, Err(ClusterError::Denied { .. } | ClusterError::NotFound { .. })) => {
                    return Ok(());
                }
                (Err(error), _) | (_, Err(error)) => return Err(error.into()),
            }
            clock.sleep(LOOK).await;
            waited += LOOK;
        }
        Ok(())
    }

    /// Addresses of a Service that are ready.
    async fn endpoints(&self, service: &str) -> Result<BTreeSet<String>, ClusterError> {
        let selection = Selection {
            labels: Some(format!("kubernetes.io/service-name={service}")),
            ..Selection::default()
        };
        let all = self.objects.at(ENDPOINT_SLICE, "");
        let slices = self.objects.requests.list(&all, &selection).await?.items;
        let endpoints = slices
            .iter()
            .filter_map(|slice| slice["endpoints"].as_array())
            .flatten()
            .filter(|endpoint| endpoint["conditions"]["ready"] != false);
        let addresses = endpoints.filter_map(|endpoint| endpoint["addresses"][0].as_str());
        Ok(addresses.map(str::to_owned).collect())
    }

    /// Makes a copy like the target, with those labels and annotations of it.
    async fn copy(
        &self,
        address: &ObjectRef,
        target: &Value,
        kept: impl Fn(Map<String, Value>) -> Map<String, Value>,
        fence: &Fence,
    ) -> Result<(), WorkloadError> {
        let live = self.objects.requests.get(address).await?;
        let mut spec = self.spec(target);
        let mut operations = Vec::new();
        if portable(&live["spec"]) != spec {
            let ports = with_node_ports(&live, &json!({"spec": spec}));
            spec.insert("ports".to_owned(), ports.into());
            for field in OWN_FIELDS {
                if let Some(own) = live["spec"].get(field) {
                    spec.insert(field.to_owned(), own.clone());
                }
            }
            operations.push(set("/spec", spec.into()));
        }
        for field in ["labels", "annotations"] {
            let live = entries(&live, field);
            let ours = live
                .iter()
                .filter(|(key, _)| key.starts_with(OURS) || *key == MANAGED_BY);
            let mut wanted = kept(entries(target, field));
            wanted.extend(ours.map(|(key, value)| (key.clone(), value.clone())));
            if wanted != live {
                operations.push(set(&format!("/metadata/{field}"), wanted.into()));
            }
        }
        if operations.is_empty() {
            return Ok(());
        }
        self.objects
            .patch(address, &live, operations, fence)
            .await?;
        self.settle(address).await
    }
}

fn ready() -> Workload {
    Workload {
        desired: 1,
        replicas: 1,
        updated: 1,
        ready: 1,
        available: 1,
        ..Workload::default()
    }
}

/// A spec without what belongs to this one object; that it is headless belongs to all.
fn portable(spec: &Value) -> Map<String, Value> {
    let mut portable = spec.as_object().cloned().unwrap_or_default();
    let headless = portable.get("clusterIP") == Some(&json!("None"));
    portable.retain(|field, _| !OWN_FIELDS.contains(&field.as_str()));
    if headless {
        portable.insert("clusterIP".to_owned(), json!("None"));
    }
    let mut ports = live_ports(&json!({"spec": spec}));
    for port in ports.iter_mut().filter_map(Value::as_object_mut) {
        port.shift_remove("nodePort");
    }
    if portable.contains_key("ports") {
        portable.insert("ports".to_owned(), ports.into());
    }
    portable
}

impl Target for ServiceTarget {
    fn objects(&self) -> &Objects {
        &self.objects
    }

    async fn look(&self, whole: bool) -> Result<ClusterView, WorkloadError> {
        let target = self.target().await?;
        let primary = self.objects.watched_get(&self.primary()).await?;
        let mut objects = vec![&target];
        objects.extend(&primary);
        for object in &objects {
            fence::owned(object, "service", &self.objects.key())?;
        }
        let services_exist = !whole
            || self
                .objects
                .requests
                .get_opt(&self.canary())
                .await?
                .is_some();
        let wanted = self.spec(&target);
        let current = |live: &Value| portable(&live["spec"]) == wanted;
        Ok(ClusterView {
            // Nothing tells how many pods are behind it: it counts as one that is ready.
            canary: ready(),
            primary: primary.as_ref().map(|_| ready()),
            revision: revision::hash(&wanted.clone().into(), std::iter::empty()),
            primary_is_current: primary.as_ref().is_some_and(current),
            services_exist,
            apex_on_primary: true,
            tracked_configs: None,
            epoch: objects.into_iter().map(fence::epoch).max().unwrap_or(0),
        })
    }

    async fn perform_once(
        &self,
        effect: &Effect,
        analysed: &str,
        fence: &Fence,
    ) -> Result<Performed, WorkloadError> {
        match effect {
            Effect::EnsureServices => {
                let target = self.target().await?;
                self.ensure_copy(&self.canary(), &target, fence).await?;
            }
            Effect::EnsurePrimary => {
                let target = self.target().await?;
                self.ensure_copy(&self.primary(), &target, fence).await?;
            }
            // Its own service is what users ask for. Pods are counted elsewhere: only the copy follows the target.
            Effect::ScaleCanary(pods) if *pods > 0 => {
                let target = self.target().await?;
                self.copy(&self.canary(), &target, copied, fence).await?;
            }
            Effect::Promote => {
                let target = self.target().await?;
                let spec = self.spec(&target);
                if revision::hash(&spec.into(), std::iter::empty()) != analysed {
                    return Err(WorkloadError::RevisionChanged);
                }
                let kept = |entries| with_prefix(entries, &self.prefixes);
                self.copy(&self.primary(), &target, kept, fence).await?;
                // Services have no generation: what was written is what is served.
                return Ok(Performed {
                    promoted_generation: Some(0),
                    ..Performed::default()
                });
            }
            Effect::ScaleCanary(_)
            | Effect::SwitchApex
            | Effect::EnsureRoute
            | Effect::SetRoutes { .. } => {}
        }
        Ok(Performed::default())
    }
}
