//! Performing effects: each one leaves the cluster as it says, however often it is repeated.

use crate::canary::metadata::entries;
use crate::canary::object::Resource;
use crate::kubernetes::service;
use crate::kubernetes::service::ServiceRole;
use crate::kubernetes::workloads::Wanted;
use crate::kubernetes::workloads::Workloads;
use crate::kubernetes::workloads::scalers::may_be_refused;
use crate::port::cluster::Fence;
use crate::port::cluster::Performed;
use crate::port::cluster::WorkloadError;
use serde_json::Value;
use serde_json::json;
use sha2::Digest as _;
use sha2::Sha256;

impl Workloads {
    pub(super) async fn ensure_service(
        &self,
        role: ServiceRole,
        wanted: &Wanted,
        fence: &Fence,
    ) -> Result<(), WorkloadError> {
        let (service, live) = self.live_service(role, wanted).await?;
        let name = service["metadata"]["name"]
            .as_str()
            .unwrap_or_default()
            .to_owned();
        let address = self.objects.at(Resource::SERVICE, &name);
        let Some(live) = live else {
            return self
                .objects
                .create(&address, service, fence)
                .await
                .map(drop);
        };
        let operations = service::changes(&live, &service, &self.objects.canary.service);
        if operations.is_empty() {
            return Ok(());
        }
        self.objects
            .patch(&address, &live, operations, fence)
            .await
            .map(drop)
    }

    pub(super) async fn ensure_primary(&self, fence: &Fence) -> Result<(), WorkloadError> {
        self.ensure_scaler(fence).await?;
        let address = self.primary();
        if self.objects.watched_get(&address).await?.is_some() {
            // Its configs belong to what it runs, and the target may ask for something that nobody has analysed.
            return Ok(());
        }
        let wanted = self.wanted().await?;
        self.ensure_copies(&wanted, fence).await?;
        let id = pod_id(fence, &self.revision(&wanted));
        let namespace = &self.objects.canary.namespace;
        let primary = self.copying(&wanted, |copying| {
            copying.primary(&wanted.target, namespace, &id)
        });
        self.objects
            .create(&address, primary, fence)
            .await
            .map(drop)
    }

    /// From none, an autoscaler says how many; more than there are is a share that needs them.
    pub(super) async fn scale(&self, pods: u32, fence: &Fence) -> Result<Performed, WorkloadError> {
        let target = self.target();
        let live = self.objects.requests.get(&target).await?;
        let has = self.kind.pods(&live);
        let mut refused = None;
        let mut pods = pods;
        if pods == 0 {
            self.rest_scalers(fence).await?;
        } else if pods > has && has > 0 {
            refused = self.raise_minimum(pods, fence).await?;
        } else {
            let (first, denied) = self
                .wake_scalers(self.primary_ready().await?, fence)
                .await?;
            refused = denied;
            pods = first.filter(|_| has == 0).unwrap_or(pods);
        }
        let operations = self.kind.scaled(&live, pods);
        if !operations.is_empty() {
            let scaled = self.objects.patch(&target, &live, operations, fence).await;
            let scaled = scaled.map(drop);
            if pods > has && has > 0 {
                refused = may_be_refused(scaled)?.or(refused);
            } else {
                scaled?;
            }
        }
        Ok(Performed {
            refused,
            ..Performed::default()
        })
    }

    /// Pods of the primary that are ready, where somebody asks.
    async fn primary_ready(&self) -> Result<u32, WorkloadError> {
        if self.objects.canary.autoscaler.is_none() {
            return Ok(0);
        }
        let address = self.primary();
        let primary = self.objects.requests.get_opt(&address).await?;
        Ok(primary.map_or(0, |primary| self.kind.workload(&primary).ready))
    }

    /// The bytes that are written are those whose hash was analysed.
    pub(super) async fn promote(
        &self,
        analysed: &str,
        fence: &Fence,
    ) -> Result<Performed, WorkloadError> {
        let wanted = self.wanted().await?;
        if self.revision(&wanted) != analysed {
            return Err(WorkloadError::RevisionChanged);
        }
        self.ensure_copies(&wanted, fence).await?;
        self.promote_scaler(fence).await?;
        let address = self.primary();
        let primary = self.objects.requests.get(&address).await?;
        let generation = |object: &Value| {
            object
                .pointer("/metadata/generation")
                .and_then(Value::as_i64)
        };
        let current = self.copying(&wanted, |copying| {
            copying.is_current(&wanted.target, &primary)
        });
        // Equal templates with other configs need new pods all the same, unless this very promotion wrote them.
        let ours = entries(&primary, "annotations").get("flagger-driver/revision")
            == Some(&json!(analysed));
        if current && ours {
            return Ok(Performed {
                promoted_generation: generation(&primary),
                ..Performed::default()
            });
        }
        let id = pod_id(fence, analysed);
        let mut promoted = self.copying(&wanted, |copying| {
            copying.promoted(&wanted.target, &primary, &id)
        });
        promoted["metadata"]["annotations"]["flagger-driver/revision"] = analysed.into();
        let mut operations = vec![json!({"op": "add", "path": "/spec", "value": promoted["spec"]})];
        for field in ["labels", "annotations"] {
            if promoted["metadata"][field] != primary["metadata"][field] {
                let value = &promoted["metadata"][field];
                operations.push(
                    json!({"op": "add", "path": format!("/metadata/{field}"), "value": value}),
                );
            }
        }
        let written = self
            .objects
            .patch(&address, &primary, operations, fence)
            .await?;
        Ok(Performed {
            promoted_generation: generation(&written),
            ..Performed::default()
        })
    }
}

/// In the form of a UUID, as Flagger's: the same for a repeat of the same promotion.
fn pod_id(fence: &Fence, revision: &str) -> String {
    let digest = Sha256::digest(format!("{}/{revision}", fence.run));
    let hex: String = digest
        .iter()
        .take(16)
        .map(|byte| format!("{byte:02x}"))
        .collect();
    format!(
        "{}-{}-{}-{}-{}",
        &hex[..8],
        &hex[8..12],
        &hex[12..16],
        &hex[16..20],
        &hex[20..]
    )
}
