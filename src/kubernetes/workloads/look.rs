//! Looking: the target and what it refers to, its primary, and the services.

use crate::kubernetes::config_tracker as configs;
use crate::kubernetes::fence;
use crate::kubernetes::primary::SelectorLabel;
use crate::kubernetes::revision;
use crate::kubernetes::service;
use crate::kubernetes::service::ServiceRole;
use crate::kubernetes::workloads::Wanted;
use crate::kubernetes::workloads::Workloads;
use crate::kubernetes::workloads::configs::Configs;
use crate::port::cluster::ClusterView;
use crate::port::cluster::WorkloadError;
use serde_json::Value;

impl Workloads {
    pub(super) async fn wanted(&self) -> Result<Wanted, WorkloadError> {
        let address = self.target();
        let target =
            self.objects
                .watched_get(&address)
                .await?
                .ok_or_else(|| WorkloadError::Unusable {
                    object: address.to_string(),
                    why: format!(
                        "there is no such {} in {}",
                        address.kind, self.objects.canary.namespace
                    ),
                    help: "apply the target first, or correct spec.targetRef.name".to_owned(),
                })?;
        if let Some((why, help)) = self.kind.obstacle(&target) {
            return Err(WorkloadError::Unusable {
                object: address.to_string(),
                why,
                help: help.to_owned(),
            });
        }
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
            Configs::default()
        };
        Ok(Wanted {
            target,
            label,
            configs,
        })
    }

    pub(super) async fn see(&self, whole: bool) -> Result<ClusterView, WorkloadError> {
        let wanted = self.wanted().await?;
        let primary = self.objects.watched_get(&self.primary()).await?;
        for object in [Some(&wanted.target), primary.as_ref()]
            .into_iter()
            .flatten()
        {
            fence::owned(
                object,
                &self.kind.resource().kind.to_lowercase(),
                &self.objects.key(),
            )?;
        }
        let (mut services_exist, mut apex_on_primary) = (true, true);
        if whole {
            for role in [ServiceRole::Canary, ServiceRole::Primary, ServiceRole::Apex] {
                let (service, live) = self.live_service(role, &wanted).await?;
                if let Some(live) = &live {
                    fence::owned(live, "service", &self.objects.key())?;
                }
                let right = live.is_some_and(|live| {
                    service::changes(&live, &service, &self.objects.canary.service).is_empty()
                });
                match role {
                    ServiceRole::Apex => apex_on_primary = right,
                    ServiceRole::Canary | ServiceRole::Primary => services_exist &= right,
                }
            }
            services_exist &= self.scaler_exists().await?;
        }
        let template_is_current = primary.as_ref().is_some_and(|primary| {
            self.copying(&wanted, |copying| {
                copying.is_current(&wanted.target, primary)
            })
        });
        let primary_is_current = template_is_current && wanted.configs.are_copied();
        let epochs = [Some(&wanted.target), primary.as_ref()]
            .into_iter()
            .flatten()
            .map(fence::epoch);
        let tracked = wanted.configs.tracked.iter();
        let tracked = tracked.map(|(reference, object)| {
            (reference.key(), configs::checksum(reference.kind, object))
        });
        Ok(ClusterView {
            canary: self.kind.workload(&wanted.target),
            primary: primary.as_ref().map(|primary| self.kind.workload(primary)),
            revision: self.revision(&wanted),
            primary_is_current,
            services_exist,
            apex_on_primary,
            tracked_configs: self.options.config_tracking.then(|| tracked.collect()),
            epoch: epochs.max().unwrap_or(0),
        })
    }

    /// Its template, and the content of every tracked config.
    pub(super) fn revision(&self, wanted: &Wanted) -> String {
        let configs = wanted.configs.tracked.iter();
        let configs = configs
            .map(|(reference, object)| (reference.key(), Value::Object(configs::content(object))));
        revision::hash(&self.kind.template(&wanted.target), configs)
    }
}
