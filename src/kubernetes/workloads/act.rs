//! Performing effects: each one leaves the cluster as it says, however often it is repeated.

use crate::canary::metadata::MANAGED_BY;
use crate::canary::metadata::MANAGER;
use crate::canary::metadata::entries;
use crate::canary::metadata::with_prefix;
use crate::canary::object::ObjectRef;
use crate::canary::object::Resource;
use crate::canary::status::CanaryStatus;
use crate::kubernetes::config_tracker as configs;
use crate::kubernetes::deployment;
use crate::kubernetes::fence;
use crate::kubernetes::operation::Patch;
use crate::kubernetes::operation::WriteOptions;
use crate::kubernetes::service;
use crate::kubernetes::service::ServiceRole;
use crate::kubernetes::workloads::Wanted;
use crate::kubernetes::workloads::Workloads;
use crate::kubernetes::workloads::look::revision;
use crate::kubernetes::workloads::resource;
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
        let address = self.at(Resource::SERVICE, &name);
        let Some(live) = live else {
            return self.create(&address, service, fence).await.map(drop);
        };
        let operations = service::changes(&live, &service, &self.canary.service);
        if operations.is_empty() {
            return Ok(());
        }
        self.patch(&address, &live, operations, fence)
            .await
            .map(drop)
    }

    pub(super) async fn create(
        &self,
        address: &ObjectRef,
        mut manifest: Value,
        fence: &Fence,
    ) -> Result<Value, WorkloadError> {
        if let Some(owner) = &self.owner {
            manifest["metadata"]["ownerReferences"] = json!([owner]);
        }
        fence::mark(&mut manifest, fence, &self.key());
        let patch = Patch::Apply {
            manifest,
            force: true,
        };
        Ok(self
            .requests
            .patch(address, &patch, WriteOptions::default())
            .await?)
    }

    pub(super) async fn patch(
        &self,
        address: &ObjectRef,
        live: &Value,
        operations: Vec<Value>,
        fence: &Fence,
    ) -> Result<Value, WorkloadError> {
        let patch = fence::guarded(
            live,
            &address.to_string(),
            fence,
            &self.key(),
            None,
            operations,
        )?;
        Ok(self
            .requests
            .patch(address, &Patch::Json(patch), WriteOptions::default())
            .await?)
    }

    pub(super) async fn ensure_copies(
        &self,
        wanted: &Wanted,
        fence: &Fence,
    ) -> Result<(), WorkloadError> {
        for (reference, object) in &wanted.configs {
            let address = self.at(
                resource(reference.kind),
                &configs::copy_name(&reference.name),
            );
            let content = configs::content(object);
            let Some(live) = self.requests.get_opt(&address).await? else {
                let mut labels = with_prefix(
                    entries(object, "labels"),
                    &self.options.include_label_prefix,
                );
                labels.insert(MANAGED_BY.to_owned(), MANAGER.into());
                let mut manifest = json!({
                    "apiVersion": address.api_version(), "kind": address.kind,
                    "metadata": {"name": address.name, "namespace": self.canary.namespace, "labels": labels},
                });
                for (field, value) in content {
                    manifest[field] = value;
                }
                self.create(&address, manifest, fence).await?;
                continue;
            };
            if configs::content(&live) == content {
                continue;
            }
            let data = ["data", "binaryData"].into_iter();
            let operations = data.filter_map(|field| match (content.get(field), live.get(field)) {
                (Some(value), _) => {
                    Some(json!({"op": "add", "path": format!("/{field}"), "value": value}))
                }
                (None, Some(_)) => Some(json!({"op": "remove", "path": format!("/{field}")})),
                (None, None) => None,
            });
            self.patch(&address, &live, operations.collect(), fence)
                .await?;
        }
        Ok(())
    }

    pub(super) async fn ensure_primary(&self, fence: &Fence) -> Result<(), WorkloadError> {
        let address = self.at(Resource::DEPLOYMENT, &self.canary.primary_name());
        if self.watched_get(&address).await?.is_some() {
            // Its configs belong to what it runs, and the target may ask for something that nobody has analysed.
            return Ok(());
        }
        let wanted = self.wanted().await?;
        self.ensure_copies(&wanted, fence).await?;
        let id = pod_id(fence, &revision(&wanted));
        let namespace = &self.canary.namespace;
        let primary = self.copying(&wanted, |copying| {
            copying.primary(&wanted.target, namespace, &id)
        });
        self.create(&address, primary, fence).await.map(drop)
    }

    pub(super) async fn scale(&self, pods: u32, fence: &Fence) -> Result<(), WorkloadError> {
        let address = self.at(Resource::DEPLOYMENT, self.canary.target_name());
        let target = self.requests.get(&address).await?;
        if deployment::replicas(&target) == pods {
            return Ok(());
        }
        let replicas = json!({"op": "add", "path": "/spec/replicas", "value": pods});
        self.patch(&address, &target, vec![replicas], fence)
            .await
            .map(drop)
    }

    /// The bytes that are written are those whose hash was analysed.
    pub(super) async fn promote(
        &self,
        analysed: &str,
        fence: &Fence,
    ) -> Result<Performed, WorkloadError> {
        let wanted = self.wanted().await?;
        if revision(&wanted) != analysed {
            return Err(WorkloadError::RevisionChanged);
        }
        self.ensure_copies(&wanted, fence).await?;
        let address = self.at(Resource::DEPLOYMENT, &self.canary.primary_name());
        let primary = self.requests.get(&address).await?;
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
        let written = self.patch(&address, &primary, operations, fence).await?;
        Ok(Performed {
            promoted_generation: generation(&written),
        })
    }

    pub(super) async fn write_status(&self, status: &CanaryStatus) -> Result<(), WorkloadError> {
        let address = self.at(Resource::CANARY, &self.canary.name);
        let Some(live) = self.requests.get_opt(&address).await? else {
            return Ok(());
        };
        let fields = serde_json::to_value(status).unwrap_or(Value::Null);
        let mut all = fields.as_object().into_iter().flatten();
        // A cookie that is taken back is no longer there.
        let gone = "sessionAffinityCookie";
        let gone =
            (fields.get(gone).is_none() && live["status"].get(gone).is_some()).then_some(gone);
        if gone.is_none() && all.all(|(field, value)| live["status"].get(field) == Some(value)) {
            return Ok(());
        }
        let mut patch =
            vec![json!({"op": "test", "path": "/metadata/uid", "value": live["metadata"]["uid"]})];
        if live.get("status").is_none() {
            patch.push(json!({"op": "add", "path": "/status", "value": {}}));
        }
        for (field, value) in fields.as_object().into_iter().flatten() {
            patch.push(json!({"op": "add", "path": format!("/status/{field}"), "value": value}));
        }
        patch.extend(gone.map(|field| json!({"op": "remove", "path": format!("/status/{field}")})));
        let options = WriteOptions {
            subresource: Some("status"),
            ..WriteOptions::default()
        };
        self.requests
            .patch(&address, &Patch::Json(patch.into()), options)
            .await?;
        Ok(())
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
