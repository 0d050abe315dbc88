//! The workloads of one canary on a real API server: looking, and performing effects.
//!
//! Decides nothing; what objects must look like is said by the pure files beside it.

mod act;
mod look;

use crate::canary::object::ObjectRef;
use crate::canary::object::Resource;
use crate::canary::spec::Canary;
use crate::canary::status::CanaryStatus;
use crate::kubernetes::config_tracker::ConfigKind;
use crate::kubernetes::config_tracker::ConfigRef;
use crate::kubernetes::deployment::Copying;
use crate::kubernetes::deployment::SelectorLabel;
use crate::kubernetes::request::Requests;
use crate::kubernetes::service;
use crate::kubernetes::service::ServiceRole;
use crate::kubernetes::wake::Wake;
use crate::port::Job;
use crate::port::cluster::Cluster;
use crate::port::cluster::ClusterView;
use crate::port::cluster::Effect;
use crate::port::cluster::Fence;
use crate::port::cluster::Performed;
use crate::port::cluster::WorkloadError;
use crate::port::cluster_error::ClusterError;
use serde_json::Value;
use std::collections::BTreeMap;
use std::rc::Rc;

/// Tries of one effect that others keep getting in the way of.
const TRIES: u32 = 5;

/// Settings that are not in the spec.
#[derive(Clone, Debug)]
pub struct WorkloadOptions {
    /// Keys that may tell canary and primary apart, the first that the target selects by counts.
    pub selector_labels: Vec<String>,
    /// Prefixes of labels and annotations that copies take over.
    pub include_label_prefix: Vec<String>,
    /// Are ConfigMaps and Secrets tracked and copied?
    pub config_tracking: bool,
}

/// A Deployment target and everything made of it.
pub struct Workloads {
    requests: Requests,
    canary: Rc<Canary>,
    options: WorkloadOptions,
    owner: Option<Value>,
    wake: Rc<Wake>,
}

/// The target and what it refers to, as it was read.
struct Wanted {
    target: Value,
    label: SelectorLabel,
    configs: BTreeMap<ConfigRef, Value>,
}

impl Workloads {
    /// `owner` is the controller reference of what is created, where the Canary is in the cluster.
    #[must_use]
    pub fn new(
        requests: Requests,
        canary: Rc<Canary>,
        options: WorkloadOptions,
        owner: Option<Value>,
        wake: Rc<Wake>,
    ) -> Self {
        Self {
            requests,
            canary,
            options,
            owner,
            wake,
        }
    }

    /// The objects whose changes matter between two looks.
    #[must_use]
    pub fn watched(canary: &Canary) -> Vec<ObjectRef> {
        [canary.target_name(), &canary.primary_name()]
            .map(|name| Resource::DEPLOYMENT.in_namespace(&canary.namespace, name))
            .to_vec()
    }

    fn at(&self, resource: Resource, name: &str) -> ObjectRef {
        resource.in_namespace(&self.canary.namespace, name)
    }

    fn key(&self) -> String {
        format!("{}/{}", self.canary.namespace, self.canary.name)
    }

    async fn watched_get(&self, address: &ObjectRef) -> Result<Option<Value>, WorkloadError> {
        let found = self.requests.get_opt(address).await?;
        self.wake.seen(address, found.as_ref());
        Ok(found)
    }

    fn copying<T>(&self, wanted: &Wanted, work: impl FnOnce(&Copying<'_>) -> T) -> T {
        work(&Copying {
            target: self.canary.target_name(),
            label: &wanted.label,
            label_keys: &self.options.selector_labels,
            prefixes: &self.options.include_label_prefix,
            tracked: &|reference| wanted.configs.contains_key(reference),
        })
    }

    fn service(&self, role: ServiceRole, wanted: &Wanted) -> Value {
        let name = match role {
            ServiceRole::Apex => self.canary.apex_name().to_owned(),
            ServiceRole::Primary => self.canary.primary_service_name(),
            ServiceRole::Canary => self.canary.canary_service_name(),
        };
        let canary = &self.canary;
        service::wanted(
            role,
            &name,
            &canary.namespace,
            &canary.service,
            &wanted.label,
            &wanted.target,
        )
    }

    async fn perform_once(
        &self,
        effect: &Effect,
        revision: &str,
        fence: &Fence,
    ) -> Result<Performed, WorkloadError> {
        match effect {
            Effect::EnsureServices => {
                let wanted = self.wanted().await?;
                self.ensure_service(ServiceRole::Canary, &wanted, fence)
                    .await?;
                self.ensure_service(ServiceRole::Primary, &wanted, fence)
                    .await?;
            }
            Effect::EnsurePrimary => self.ensure_primary(fence).await?,
            Effect::SwitchApex => {
                let wanted = self.wanted().await?;
                self.ensure_service(ServiceRole::Apex, &wanted, fence)
                    .await?;
            }
            Effect::ScaleCanary(pods) => self.scale(*pods, fence).await?,
            Effect::Promote => return self.promote(revision, fence).await,
            // The router's.
            Effect::EnsureRoute | Effect::SetRoutes { .. } => {}
        }
        Ok(Performed::default())
    }

    async fn live_service(
        &self,
        role: ServiceRole,
        wanted: &Wanted,
    ) -> Result<(Value, Option<Value>), WorkloadError> {
        let service = self.service(role, wanted);
        let name = service["metadata"]["name"]
            .as_str()
            .unwrap_or_default()
            .to_owned();
        let live = self
            .requests
            .get_opt(&self.at(Resource::SERVICE, &name))
            .await?;
        Ok((service, live))
    }
}

const fn resource(kind: ConfigKind) -> Resource {
    match kind {
        ConfigKind::ConfigMap => Resource::CONFIG_MAP,
        ConfigKind::Secret => Resource::SECRET,
    }
}

impl Cluster for Workloads {
    fn view(&self, whole: bool) -> Job<'_, Result<ClusterView, WorkloadError>> {
        Box::pin(self.look(whole))
    }

    fn perform<'a>(
        &'a self,
        effect: &'a Effect,
        revision: &'a str,
        fence: &'a Fence,
    ) -> Job<'a, Result<Performed, WorkloadError>> {
        Box::pin(async move {
            let mut tries = 0;
            loop {
                tries += 1;
                match self.perform_once(effect, revision, fence).await {
                    // The write may have landed, or somebody came first: an effect is absolute, and reads again.
                    Err(WorkloadError::Cluster(
                        ClusterError::Conflict { .. }
                        | ClusterError::Invalid { .. }
                        | ClusterError::Timeout { .. },
                    )) if tries < TRIES => {}
                    performed => return performed,
                }
            }
        })
    }

    fn publish<'a>(&'a self, status: &'a CanaryStatus) -> Job<'a, Result<(), WorkloadError>> {
        Box::pin(async move {
            match self.write_status(status).await {
                // Without the CRD, or without the right, there is nobody to tell.
                Err(WorkloadError::Cluster(
                    ClusterError::NotFound { .. } | ClusterError::Denied { .. },
                )) => Ok(()),
                other => other,
            }
        })
    }

    fn changed(&self) -> Job<'_, ()> {
        Box::pin(self.wake.changed())
    }
}
