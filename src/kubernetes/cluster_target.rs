//! What targets of every kind have in common: how the driver sees and changes them.
//!
//! Knows the kinds by name, and nothing else about them.

use crate::canary::object::ObjectRef;
use crate::canary::reference::TargetKind;
use crate::canary::spec::Canary;
use crate::canary::status::CanaryStatus;
use crate::kubernetes::knative::KnativeTarget;
use crate::kubernetes::objects::Objects;
use crate::kubernetes::objects::persistently;
use crate::kubernetes::service_target::ServiceTarget;
use crate::kubernetes::target::PodKind;
use crate::kubernetes::workloads::WorkloadOptions;
use crate::kubernetes::workloads::Workloads;
use crate::port::Job;
use crate::port::cluster::Cluster;
use crate::port::cluster::ClusterView;
use crate::port::cluster::Effect;
use crate::port::cluster::Fence;
use crate::port::cluster::Performed;
use crate::port::cluster::WorkloadError;

/// One kind of targets.
pub(super) trait Target {
    fn objects(&self) -> &Objects;

    async fn look(&self, whole: bool) -> Result<ClusterView, WorkloadError>;

    /// One try of an effect; conflicts are tried again by the caller.
    async fn perform_once(
        &self,
        effect: &Effect,
        revision: &str,
        fence: &Fence,
    ) -> Result<Performed, WorkloadError>;
}

impl<T: Target> Cluster for T {
    fn view(&self, whole: bool) -> Job<'_, Result<ClusterView, WorkloadError>> {
        Box::pin(self.look(whole))
    }

    fn perform<'a>(
        &'a self,
        effect: &'a Effect,
        revision: &'a str,
        fence: &'a Fence,
    ) -> Job<'a, Result<Performed, WorkloadError>> {
        Box::pin(persistently(move || {
            self.perform_once(effect, revision, fence)
        }))
    }

    fn publish<'a>(&'a self, status: &'a CanaryStatus) -> Job<'a, Result<(), WorkloadError>> {
        Box::pin(self.objects().publish(status))
    }

    fn changed(&self) -> Job<'_, ()> {
        Box::pin(self.objects().changed())
    }
}

/// The target that the canary names, as its driver sees it.
#[must_use]
pub fn cluster(objects: Objects, options: WorkloadOptions) -> Box<dyn Cluster> {
    match objects.canary.target.kind {
        TargetKind::KnativeService => Box::new(KnativeTarget::new(objects)),
        TargetKind::Service => Box::new(ServiceTarget::new(objects, options.include_label_prefix)),
        TargetKind::Deployment => Box::new(Workloads::new(objects, PodKind::Deployment, options)),
        TargetKind::DaemonSet => Box::new(Workloads::new(objects, PodKind::DaemonSet, options)),
    }
}

/// The objects of a target whose changes matter between two looks, beside its route.
#[must_use]
pub fn watched(canary: &Canary) -> Vec<ObjectRef> {
    match canary.target.kind {
        // The route is the target.
        TargetKind::KnativeService => Vec::new(),
        TargetKind::Service => ServiceTarget::watched(canary),
        TargetKind::Deployment => Workloads::watched(canary, PodKind::Deployment),
        TargetKind::DaemonSet => Workloads::watched(canary, PodKind::DaemonSet),
    }
}
