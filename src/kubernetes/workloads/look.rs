//! Looking: the target and what it refers to, its primary, and the services.

use crate::canary::object::Resource;
use crate::kubernetes::config_tracker as configs;
use crate::kubernetes::config_tracker::ConfigRef;
use crate::kubernetes::deployment;
use crate::kubernetes::deployment::SelectorLabel;
use crate::kubernetes::fence;
use crate::kubernetes::service;
use crate::kubernetes::service::ServiceRole;
use crate::kubernetes::workloads::Wanted;
use crate::kubernetes::workloads::Workloads;
use crate::kubernetes::workloads::resource;
use crate::port::cluster::ClusterView;
use crate::port::cluster::WorkloadError;
use serde_json::Value;
use sha2::Digest as _;
use sha2::Sha256;
use std::collections::BTreeMap;

impl Workloads {
    pub(super) async fn wanted(&self) -> Result<Wanted, WorkloadError> {
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

    pub(super) async fn configs(
        &self,
        target: &Value,
    ) -> Result<BTreeMap<ConfigRef, Value>, WorkloadError> {
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

    pub(super) async fn copies_are_current(&self, wanted: &Wanted) -> Result<bool, WorkloadError> {
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

    pub(super) async fn look(&self, whole: bool) -> Result<ClusterView, WorkloadError> {
        let wanted = self.wanted().await?;
        let primary = self
            .watched_get(&self.at(Resource::DEPLOYMENT, &self.canary.primary_name()))
            .await?;
        for object in [Some(&wanted.target), primary.as_ref()]
            .into_iter()
            .flatten()
        {
            fence::owned(object, "deployment", &self.key())?;
        }
        let (mut services_exist, mut apex_on_primary) = (true, true);
        if whole {
            for role in [ServiceRole::Canary, ServiceRole::Primary, ServiceRole::Apex] {
                let (service, live) = self.live_service(role, &wanted).await?;
                if let Some(live) = &live {
                    fence::owned(live, "service", &self.key())?;
                }
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
}

/// Hash of the pod template and the content of every tracked config: 10 hexadecimal digits.
pub(super) fn revision(wanted: &Wanted) -> String {
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
