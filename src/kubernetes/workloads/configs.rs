//! The ConfigMaps and Secrets that the target refers to, and the primary's copies of them.

use crate::canary::metadata::MANAGED_BY;
use crate::canary::metadata::MANAGER;
use crate::canary::metadata::entries;
use crate::canary::metadata::with_prefix;
use crate::canary::object::ObjectRef;
use crate::canary::object::Resource;
use crate::kubernetes::config_tracker as tracker;
use crate::kubernetes::config_tracker::ConfigKind;
use crate::kubernetes::config_tracker::ConfigRef;
use crate::kubernetes::operation::Selection;
use crate::kubernetes::workloads::Wanted;
use crate::kubernetes::workloads::Workloads;
use crate::port::cluster::Fence;
use crate::port::cluster::WorkloadError;
use crate::port::cluster_error::ClusterError;
use serde_json::Value;
use serde_json::json;
use std::collections::BTreeMap;
use std::collections::BTreeSet;

/// So many objects of a kind are read one by one: a single config and its copy. More cost one list.
const FEW: usize = 2;
/// Secrets in which Helm keeps its releases: large, many, and nothing that pods refer to.
const WITHOUT_RELEASES: &str = "type!=helm.sh/release.v1";

/// What the target refers to and is tracked, by reference.
#[derive(Debug, Default)]
pub(super) struct Configs {
    /// As people wrote them.
    pub tracked: BTreeMap<ConfigRef, Value>,
    /// The primary's copies that exist.
    pub copies: BTreeMap<ConfigRef, Value>,
}

impl Configs {
    /// Has the primary the content of each?
    pub(super) fn are_copied(&self) -> bool {
        self.tracked.iter().all(|(reference, object)| {
            let copy = self.copies.get(reference);
            copy.is_some_and(|copy| tracker::content(copy) == tracker::content(object))
        })
    }
}

const fn resource(kind: ConfigKind) -> Resource {
    match kind {
        ConfigKind::ConfigMap => Resource::CONFIG_MAP,
        ConfigKind::Secret => Resource::SECRET,
    }
}

impl Workloads {
    pub(super) async fn configs(&self, target: &Value) -> Result<Configs, WorkloadError> {
        let pod_spec = target
            .pointer("/spec/template/spec")
            .unwrap_or(&Value::Null);
        let references = tracker::references(pod_spec);
        let names = |kind| -> BTreeSet<String> {
            let of_kind = references.keys().filter(|reference| reference.kind == kind);
            let both = of_kind.flat_map(|one| [one.name.clone(), tracker::copy_name(&one.name)]);
            both.collect()
        };
        let (mut maps, mut secrets) = futures::future::try_join(
            self.named(ConfigKind::ConfigMap, names(ConfigKind::ConfigMap)),
            self.named(ConfigKind::Secret, names(ConfigKind::Secret)),
        )
        .await?;
        let mut configs = Configs::default();
        for (reference, optional) in references {
            let found = match reference.kind {
                ConfigKind::ConfigMap => &mut maps,
                ConfigKind::Secret => &mut secrets,
            };
            match found.get(&reference.name) {
                Some(object) if tracker::is_tracked(reference.kind, object) => {
                    if let Some(copy) = found.get(&tracker::copy_name(&reference.name)) {
                        configs.copies.insert(reference.clone(), copy.clone());
                    }
                    configs.tracked.insert(reference, object.clone());
                }
                Some(_) => {}
                None if optional => {}
                None => {
                    return Err(WorkloadError::Unusable {
                        object: self.config(&reference, &reference.name).to_string(),
                        why: "the target refers to it, and it does not exist".to_owned(),
                        help: format!(
                            "create it, or mark the reference in the pod template as optional: {}",
                            reference.key()
                        ),
                    });
                }
            }
        }
        Ok(configs)
    }

    fn config(&self, reference: &ConfigRef, name: &str) -> ObjectRef {
        self.objects.at(resource(reference.kind), name)
    }

    /// Those of them that exist, by name. Whoever may not list them reads them one by one.
    async fn named(
        &self,
        kind: ConfigKind,
        names: BTreeSet<String>,
    ) -> Result<BTreeMap<String, Value>, WorkloadError> {
        let requests = &self.objects.requests;
        if names.len() > FEW {
            let selection = Selection {
                fields: match kind {
                    ConfigKind::ConfigMap => None,
                    ConfigKind::Secret => Some(WITHOUT_RELEASES.to_owned()),
                },
                ..Selection::default()
            };
            let all = self.objects.at(resource(kind), "");
            match requests.list(&all, &selection).await {
                Ok(list) => {
                    let name =
                        |object: &Value| object["metadata"]["name"].as_str().map(str::to_owned);
                    let named = list.items.into_iter();
                    let named = named.filter_map(|object| Some((name(&object)?, object)));
                    return Ok(named.filter(|(name, _)| names.contains(name)).collect());
                }
                Err(ClusterError::Denied { .. }) => {}
                Err(error) => return Err(error.into()),
            }
        }
        let reads = names.into_iter().map(|name| async move {
            let found = requests
                .get_opt(&self.objects.at(resource(kind), &name))
                .await?;
            Ok::<_, WorkloadError>(found.map(|object| (name, object)))
        });
        let found = futures::future::try_join_all(reads).await?;
        Ok(found.into_iter().flatten().collect())
    }

    pub(super) async fn ensure_copies(
        &self,
        wanted: &Wanted,
        fence: &Fence,
    ) -> Result<(), WorkloadError> {
        for (reference, object) in &wanted.configs.tracked {
            let address = self.config(reference, &tracker::copy_name(&reference.name));
            let content = tracker::content(object);
            let Some(live) = wanted.configs.copies.get(reference) else {
                let mut labels = with_prefix(
                    entries(object, "labels"),
                    &self.options.include_label_prefix,
                );
                labels.insert(MANAGED_BY.to_owned(), MANAGER.into());
                let mut manifest = json!({
                    "apiVersion": address.api_version(), "kind": address.kind,
                    "metadata": {"name": address.name, "namespace": self.objects.canary.namespace, "labels": labels},
                });
                for (field, value) in content {
                    manifest[field] = value;
                }
                self.objects.create(&address, manifest, fence).await?;
                continue;
            };
            if tracker::content(live) == content {
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
            self.objects
                .patch(&address, live, operations.collect(), fence)
                .await?;
        }
        Ok(())
    }
}
