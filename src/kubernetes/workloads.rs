//! The workloads of one canary on a real API server: looking, and performing effects.
//!
//! Decides nothing; what objects must look like is said by the pure files beside it.

use crate::canary::metadata::MANAGED_BY;
use crate::canary::metadata::MANAGER;
use crate::canary::metadata::entries;
use crate::canary::metadata::with_prefix;
use crate::canary::object::ObjectRef;
use crate::canary::object::Resource;
use crate::canary::spec::Canary;
use crate::canary::status::CanaryStatus;
use crate::kubernetes::config_tracker as configs;
use crate::kubernetes::config_tracker::ConfigKind;
use crate::kubernetes::config_tracker::ConfigRef;
use crate::kubernetes::deployment;
use crate::kubernetes::deployment::Copying;
use crate::kubernetes::deployment::SelectorLabel;
use crate::kubernetes::fence;
use crate::kubernetes::operation::Patch;
use crate::kubernetes::operation::WriteOptions;
use crate::kubernetes::request::Requests;
use crate::kubernetes::service;
use crate::kubernetes::service::ServiceRole;
use crate::kubernetes::wake::Wake;
use crate::port::Job;
use crate::port::cluster::Cluster;
use crate::port::cluster::ClusterView;
use crate::port::cluster::Fence;
use crate::port::cluster::Performed;
use crate::port::cluster::WorkloadError;
use crate::port::cluster_error::ClusterError;
use crate::rollout::decision::Effect;
use serde_json::Value;
use serde_json::json;
use sha2::Digest;
use sha2::Sha256;
use std::collections::BTreeMap;
use std::rc::Rc;

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

    async fn wanted(&self) -> Result<Wanted, WorkloadError> {
        let address = self.at(Resource::DEPLOYMENT, self.canary.target_name());
        let target = self
            .watched_get(&address)
            .await?
            .ok_or_else(|| WorkloadError::Unusable {
                object: address.to_string(),
                why: format!("there is no such Deployment in {}", self.canary.namespace),
                help: "apply the target first, or correct spec.targetRef.name".to_owned(),
            })?;
        let label = SelectorLabel::of(&target, &self.options.selector_labels).ok_or_else(|| {
            let keys = self.options.selector_labels.join(", ");
            WorkloadError::Unusable {
                object: address.to_string(),
                why: format!("spec.selector.matchLabels has none of {keys}"),
                help: "name the label that selects its pods with --selector-labels".to_owned(),
            }
        })?;
        let configs = if self.options.config_tracking {
            self.configs(&target).await?
        } else {
            BTreeMap::new()
        };
        Ok(Wanted {
            target,
            label,
            configs,
        })
    }

    async fn configs(&self, target: &Value) -> Result<BTreeMap<ConfigRef, Value>, WorkloadError> {
        let pod_spec = target
            .pointer("/spec/template/spec")
            .unwrap_or(&Value::Null);
        let references = configs::references(pod_spec);
        let reads = references
            .into_iter()
            .map(|(reference, optional)| async move {
                let address = self.at(resource(reference.kind), &reference.name);
                match self.requests.get_opt(&address).await? {
                    Some(object) => Ok((configs::is_tracked(reference.kind, &object))
                        .then_some((reference, object))),
                    None if optional => Ok(None),
                    None => Err(WorkloadError::Unusable {
                        object: address.to_string(),
                        why: "the target refers to it, and it does not exist".to_owned(),
                        help: format!(
                            "create it, or mark the reference in the pod template as optional: {}",
                            reference.key()
                        ),
                    }),
                }
            });
        let found = futures::future::try_join_all(reads).await?;
        Ok(found.into_iter().flatten().collect())
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

    async fn ensure_service(
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

    async fn create(
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

    async fn patch(
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

    async fn ensure_copies(&self, wanted: &Wanted, fence: &Fence) -> Result<(), WorkloadError> {
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

    async fn copies_are_current(&self, wanted: &Wanted) -> Result<bool, WorkloadError> {
        let reads = wanted.configs.iter().map(|(reference, object)| async move {
            let address = self.at(
                resource(reference.kind),
                &configs::copy_name(&reference.name),
            );
            let live = self.requests.get_opt(&address).await?;
            Ok::<_, WorkloadError>(
                live.is_some_and(|live| configs::content(&live) == configs::content(object)),
            )
        });
        Ok(futures::future::try_join_all(reads)
            .await?
            .into_iter()
            .all(|current| current))
    }

    async fn look(&self, whole: bool) -> Result<ClusterView, WorkloadError> {
        let wanted = self.wanted().await?;
        let primary = self
            .watched_get(&self.at(Resource::DEPLOYMENT, &self.canary.primary_name()))
            .await?;
        let (mut services_exist, mut apex_on_primary) = (true, true);
        if whole {
            for role in [ServiceRole::Canary, ServiceRole::Primary, ServiceRole::Apex] {
                let (service, live) = self.live_service(role, &wanted).await?;
                let right = live.is_some_and(|live| {
                    service::changes(&live, &service, &self.canary.service).is_empty()
                });
                match role {
                    ServiceRole::Apex => apex_on_primary = right,
                    ServiceRole::Canary | ServiceRole::Primary => services_exist &= right,
                }
            }
        }
        let template_is_current = primary.as_ref().is_some_and(|primary| {
            self.copying(&wanted, |copying| {
                copying.is_current(&wanted.target, primary)
            })
        });
        let primary_is_current = template_is_current && self.copies_are_current(&wanted).await?;
        let epochs = [Some(&wanted.target), primary.as_ref()]
            .into_iter()
            .flatten()
            .map(fence::epoch);
        let tracked = wanted.configs.iter();
        let tracked = tracked.map(|(reference, object)| {
            (reference.key(), configs::checksum(reference.kind, object))
        });
        Ok(ClusterView {
            canary: deployment::workload(&wanted.target),
            primary: primary.as_ref().map(deployment::workload),
            revision: revision(&wanted),
            primary_is_current,
            services_exist,
            apex_on_primary,
            tracked_configs: self.options.config_tracking.then(|| tracked.collect()),
            epoch: epochs.max().unwrap_or(0),
        })
    }

    async fn ensure_primary(&self, fence: &Fence) -> Result<(), WorkloadError> {
        let wanted = self.wanted().await?;
        let address = self.at(Resource::DEPLOYMENT, &self.canary.primary_name());
        self.ensure_copies(&wanted, fence).await?;
        if self.watched_get(&address).await?.is_none() {
            let id = pod_id(fence, &revision(&wanted));
            let namespace = &self.canary.namespace;
            let primary = self.copying(&wanted, |copying| {
                copying.primary(&wanted.target, namespace, &id)
            });
            self.create(&address, primary, fence).await?;
        }
        Ok(())
    }

    async fn scale(&self, pods: u32, fence: &Fence) -> Result<(), WorkloadError> {
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
    async fn promote(&self, analysed: &str, fence: &Fence) -> Result<Performed, WorkloadError> {
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

    async fn write_status(&self, status: &CanaryStatus) -> Result<(), WorkloadError> {
        let address = self.at(Resource::CANARY, &self.canary.name);
        let Some(live) = self.requests.get_opt(&address).await? else {
            return Ok(());
        };
        let fields = serde_json::to_value(status).unwrap_or(Value::Null);
        let mut patch =
            vec![json!({"op": "test", "path": "/metadata/uid", "value": live["metadata"]["uid"]})];
        if live.get("status").is_none() {
            patch.push(json!({"op": "add", "path": "/status", "value": {}}));
        }
        for (field, value) in fields.as_object().into_iter().flatten() {
            patch.push(json!({"op": "add", "path": format!("/status/{field}"), "value": value}));
        }
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

const fn resource(kind: ConfigKind) -> Resource {
    match kind {
        ConfigKind::ConfigMap => Resource::CONFIG_MAP,
        ConfigKind::Secret => Resource::SECRET,
    }
}

/// Hash of the pod template and the content of every tracked config: 10 hexadecimal digits.
fn revision(wanted: &Wanted) -> String {
    let mut hash = Sha256::new();
    let template = wanted
        .target
        .pointer("/spec/template")
        .unwrap_or(&Value::Null);
    hash.update(canonical(template).to_string());
    for (reference, object) in &wanted.configs {
        hash.update(reference.key());
        hash.update(canonical(&Value::Object(configs::content(object))).to_string());
    }
    hash.finalize()
        .iter()
        .take(5)
        .map(|byte| format!("{byte:02x}"))
        .collect()
}

/// The same value with sorted keys, so that the order in which a server writes them does not matter.
fn canonical(value: &Value) -> Value {
    match value {
        Value::Object(map) => {
            let sorted: BTreeMap<&String, Value> = map
                .iter()
                .map(|(key, value)| (key, canonical(value)))
                .collect();
            sorted
                .into_iter()
                .map(|(key, value)| (key.clone(), value))
                .collect()
        }
        Value::Array(items) => items.iter().map(canonical).collect(),
        Value::Null | Value::Bool(_) | Value::Number(_) | Value::String(_) => value.clone(),
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
        })
    }

    fn publish<'a>(&'a self, status: &'a CanaryStatus) -> Job<'a, Result<(), WorkloadError>> {
        Box::pin(async move {
            match self.write_status(status).await {
                // Without the CRD, or without the right, there is nobody to tell.
                Err(WorkloadError::Cluster(ClusterError::NotFound { .. })) => Ok(()),
                other => other,
            }
        })
    }

    fn changed(&self) -> Job<'_, ()> {
        Box::pin(self.wake.changed())
    }
}
