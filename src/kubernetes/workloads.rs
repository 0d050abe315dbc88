//! The workloads of one canary on a real API server: looking, and performing effects.
//!
//! Decides nothing; what objects must look like is said by the pure files beside it.

mod act;
mod configs;
mod leave;
mod look;
mod scalers;

use crate::canary::object::ObjectRef;
use crate::canary::object::Resource;
use crate::canary::spec::Canary;
use crate::kubernetes::cluster_target::Target;
use crate::kubernetes::objects::Objects;
use crate::kubernetes::primary::Copying;
use crate::kubernetes::primary::SelectorLabel;
use crate::kubernetes::service;
use crate::kubernetes::service::ServiceRole;
use crate::kubernetes::target::PodKind;
use crate::kubernetes::workloads::configs::Configs;
use crate::port::cluster::ClusterView;
use crate::port::cluster::Effect;
use crate::port::cluster::Fence;
use crate::port::cluster::Performed;
use crate::port::cluster::WorkloadError;
use serde_json::Value;

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

/// A target with pods of its own and everything made of it.
pub struct Workloads {
    pub(super) objects: Objects,
    kind: PodKind,
    options: WorkloadOptions,
}

/// The target and what it refers to, as it was read.
struct Wanted {
    target: Value,
    label: SelectorLabel,
    configs: Configs,
}

impl Workloads {
    /// For a target of that kind.
    #[must_use]
    pub const fn new(objects: Objects, kind: PodKind, options: WorkloadOptions) -> Self {
        Self {
            objects,
            kind,
            options,
        }
    }

    /// The objects whose changes matter between two looks.
    #[must_use]
    pub fn watched(canary: &Canary, kind: PodKind) -> Vec<ObjectRef> {
        [canary.target_name(), &canary.primary_name()]
            .map(|name| kind.resource().in_namespace(&canary.namespace, name))
            .to_vec()
    }

    fn target(&self) -> ObjectRef {
        let name = self.objects.canary.target_name();
        self.objects.at(self.kind.resource(), name)
    }

    fn primary(&self) -> ObjectRef {
        let name = self.objects.canary.primary_name();
        self.objects.at(self.kind.resource(), &name)
    }

    fn copying<T>(&self, wanted: &Wanted, work: impl FnOnce(&Copying<'_>) -> T) -> T {
        work(&Copying {
            kind: self.kind,
            autoscaled: self.objects.canary.autoscaler.is_some(),
            target: self.objects.canary.target_name(),
            label: &wanted.label,
            label_keys: &self.options.selector_labels,
            prefixes: &self.options.include_label_prefix,
            tracked: &|reference| wanted.configs.tracked.contains_key(reference),
        })
    }

    fn service(&self, role: ServiceRole, wanted: &Wanted) -> Value {
        let canary = &self.objects.canary;
        let name = match role {
            ServiceRole::Apex => canary.apex_name().to_owned(),
            ServiceRole::Primary => canary.primary_service_name(),
            ServiceRole::Canary => canary.canary_service_name(),
        };
        service::wanted(
            role,
            &name,
            &canary.namespace,
            &canary.service,
            &wanted.label,
            &wanted.target,
        )
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
        let address = self.objects.at(Resource::SERVICE, &name);
        let live = self.objects.requests.get_opt(&address).await?;
        Ok((service, live))
    }
}

impl Target for Workloads {
    fn objects(&self) -> &Objects {
        &self.objects
    }

    async fn look(&self, whole: bool) -> Result<ClusterView, WorkloadError> {
        self.see(whole).await
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
            Effect::ScaleCanary(pods) => return self.scale(*pods, fence).await,
            Effect::Promote => return self.promote(revision, fence).await,
            // The router's.
            Effect::EnsureRoute | Effect::SetRoutes { .. } => {}
        }
        Ok(Performed::default())
    }
}
