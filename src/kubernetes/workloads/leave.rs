//! Giving a target back to its people: its pods first, then the service that they ask for.

use crate::canary::object::ObjectRef;
use crate::canary::object::Resource;
use crate::kubernetes::objects::is_ours;
use crate::kubernetes::objects::persistently;
use crate::kubernetes::service;
use crate::kubernetes::workloads::Workloads;
use crate::port::cluster::Fence;
use crate::port::cluster::WorkloadError;

impl Workloads {
    /// The target has as many pods as the primary, and its autoscaler acts.
    pub(in crate::kubernetes) async fn revive(&self, fence: &Fence) -> Result<(), WorkloadError> {
        persistently(|| async {
            self.give_back_scaler(fence).await?;
            let wanted = self.wanted().await?;
            let address = self.primary();
            let primary = self.objects.requests.get_opt(&address).await?;
            let pods = primary.map_or_else(
                || self.kind.pods(&wanted.target),
                |primary| self.kind.pods(&primary),
            );
            let operations = self.kind.scaled(&wanted.target, pods.max(1));
            if operations.is_empty() {
                return Ok(());
            }
            let target = self.target();
            let patched = self
                .objects
                .patch(&target, &wanted.target, operations, fence);
            patched.await.map(drop)
        })
        .await
    }

    /// The apex service selects the target's pods again, as it was before us.
    pub(in crate::kubernetes) async fn give_back_apex(
        &self,
        fence: &Fence,
    ) -> Result<(), WorkloadError> {
        persistently(|| async {
            let wanted = self.wanted().await?;
            let name = self.objects.canary.apex_name();
            let address = self.objects.at(Resource::SERVICE, name);
            let Some(live) = self.objects.requests.get_opt(&address).await? else {
                return Ok(());
            };
            let operations = service::given_back(&live, &wanted.label);
            // Ours goes as a whole.
            if is_ours(&live) || operations.is_empty() {
                return Ok(());
            }
            let patched = self.objects.patch(&address, &live, operations, fence);
            patched.await.map(drop)
        })
        .await
    }

    /// What is given up in the end, in that order: what the primary consists of, then what is only unmarked.
    pub(in crate::kubernetes) fn left(&self) -> Vec<ObjectRef> {
        let canary = &self.objects.canary;
        let service = |name: &str| self.objects.at(Resource::SERVICE, name);
        let scalers = self.scalers();
        let scalers = scalers.map(|scalers| [scalers.primarys, scalers.targets]);
        let mut left = vec![
            service(canary.apex_name()),
            service(&canary.primary_service_name()),
            service(&canary.canary_service_name()),
            self.primary(),
        ];
        left.extend(scalers.into_iter().flatten());
        left.push(self.target());
        left
    }
}
