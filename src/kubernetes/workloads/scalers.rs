//! The autoscaler of the target and the primary's copy: made, promoted, woken up and laid to rest with the pods.

use crate::canary::object::ObjectRef;
use crate::kubernetes::autoscaler::Autoscaling;
use crate::kubernetes::fence;
use crate::kubernetes::workloads::Workloads;
use crate::port::cluster::Fence;
use crate::port::cluster::WorkloadError;
use crate::port::cluster_error::ClusterError;
use serde_json::Value;

/// Both objects of a canary that names an autoscaler.
pub(super) struct Scalers<'a> {
    scaling: Autoscaling<'a>,
    pub targets: ObjectRef,
    pub primarys: ObjectRef,
}

impl Workloads {
    pub(super) fn scalers(&self) -> Option<Scalers<'_>> {
        let canary = &self.objects.canary;
        let reference = canary.autoscaler.as_ref()?;
        let scaling = Autoscaling {
            reference,
            target: canary.target_name(),
            prefixes: &self.options.include_label_prefix,
        };
        let resource = scaling.resource();
        Some(Scalers {
            targets: self.objects.at(resource, &reference.name),
            primarys: self
                .objects
                .at(resource, &format!("{}-primary", reference.name)),
            scaling,
        })
    }

    async fn targets_scaler(&self, scalers: &Scalers<'_>) -> Result<Value, WorkloadError> {
        let address = &scalers.targets;
        let found = self.objects.requests.get_opt(address).await?;
        let scaler = found.ok_or_else(|| WorkloadError::Unusable {
            object: address.to_string(),
            why: format!(
                "there is no such {} in {}",
                address.kind, self.objects.canary.namespace
            ),
            help: "apply it first, or correct spec.autoscalerRef".to_owned(),
        })?;
        fence::owned(&scaler, &address.kind.to_lowercase(), &self.objects.key())?;
        Ok(scaler)
    }

    /// Has the primary its copy, or needs none?
    pub(super) async fn scaler_exists(&self) -> Result<bool, WorkloadError> {
        let Some(scalers) = self.scalers() else {
            return Ok(true);
        };
        self.targets_scaler(&scalers).await?;
        let copy = self.objects.requests.get_opt(&scalers.primarys).await?;
        Ok(copy.is_some())
    }

    pub(super) async fn ensure_scaler(&self, fence: &Fence) -> Result<(), WorkloadError> {
        let Some(scalers) = self.scalers() else {
            return Ok(());
        };
        let live = self.targets_scaler(&scalers).await?;
        let address = &scalers.primarys;
        if self.objects.requests.get_opt(address).await?.is_some() {
            return Ok(());
        }
        let namespace = &self.objects.canary.namespace;
        let copy = scalers.scaling.copy(&live, &address.name, namespace);
        self.objects.create(address, copy, fence).await.map(drop)
    }

    /// The copy counts as the analysed target's does.
    pub(super) async fn promote_scaler(&self, fence: &Fence) -> Result<(), WorkloadError> {
        self.ensure_scaler(fence).await?;
        let Some(scalers) = self.scalers() else {
            return Ok(());
        };
        let live = self.targets_scaler(&scalers).await?;
        let copy = self.objects.requests.get(&scalers.primarys).await?;
        let operations = scalers.scaling.promoted(&live, &copy);
        self.edit(&scalers.primarys, &copy, operations, fence).await
    }

    /// Before the target gets pods: its autoscaler acts, and the primary keeps those it has, so that a way back finds
    /// them. Returns how many the target begins with, where an autoscaler says so.
    pub(super) async fn wake_scalers(
        &self,
        primary_ready: u32,
        fence: &Fence,
    ) -> Result<(Option<u32>, Option<WorkloadError>), WorkloadError> {
        let Some(scalers) = self.scalers() else {
            return Ok((None, None));
        };
        let live = self.targets_scaler(&scalers).await?;
        let operations = scalers.scaling.awake(&live);
        self.edit(&scalers.targets, &live, operations, fence)
            .await?;
        let copy = self.objects.requests.get_opt(&scalers.primarys).await?;
        let mut refused = None;
        if let Some(copy) = copy.filter(Autoscaling::acts) {
            let operations = scalers.scaling.raised(&copy, primary_ready);
            let raised = self.edit(&scalers.primarys, &copy, operations, fence);
            refused = may_be_refused(raised.await)?;
        }
        Ok((Some(scalers.scaling.first_pods(&live)), refused))
    }

    /// The target keeps at least that many pods for the run. What may not be written is returned.
    pub(super) async fn raise_minimum(
        &self,
        pods: u32,
        fence: &Fence,
    ) -> Result<Option<WorkloadError>, WorkloadError> {
        let Some(scalers) = self.scalers() else {
            return Ok(None);
        };
        let live = self.targets_scaler(&scalers).await?;
        let operations = scalers.scaling.raised(&live, pods);
        may_be_refused(self.edit(&scalers.targets, &live, operations, fence).await)
    }

    /// Before the target loses its pods: its autoscaler lets it, and both have the minimum back that they had.
    pub(super) async fn rest_scalers(&self, fence: &Fence) -> Result<(), WorkloadError> {
        let Some(scalers) = self.scalers() else {
            return Ok(());
        };
        let live = self.targets_scaler(&scalers).await?;
        let operations = scalers.scaling.resting(&live);
        self.edit(&scalers.targets, &live, operations, fence)
            .await?;
        let Some(copy) = self.objects.requests.get_opt(&scalers.primarys).await? else {
            return Ok(());
        };
        let operations = scalers.scaling.lowered(&copy);
        self.edit(&scalers.primarys, &copy, operations, fence).await
    }

    /// The target's acts as it did before us.
    pub(super) async fn give_back_scaler(&self, fence: &Fence) -> Result<(), WorkloadError> {
        let Some(scalers) = self.scalers() else {
            return Ok(());
        };
        let live = self.targets_scaler(&scalers).await?;
        let operations = scalers.scaling.given_back(&live);
        self.edit(&scalers.targets, &live, operations, fence).await
    }

    async fn edit(
        &self,
        address: &ObjectRef,
        live: &Value,
        operations: Vec<Value>,
        fence: &Fence,
    ) -> Result<(), WorkloadError> {
        if operations.is_empty() {
            return Ok(());
        }
        self.objects
            .patch(address, live, operations, fence)
            .await
            .map(drop)
    }
}

/// Without the right to write it, the run goes on without what it was for.
pub(super) fn may_be_refused(
    written: Result<(), WorkloadError>,
) -> Result<Option<WorkloadError>, WorkloadError> {
    match written {
        Ok(()) => Ok(None),
        Err(refused @ WorkloadError::Cluster(ClusterError::Denied { .. })) => Ok(Some(refused)),
        Err(error) => Err(error),
    }
}
