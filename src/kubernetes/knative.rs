//! A target that is a Knative Service: its revisions are the two sides, and Knative counts their pods.
//!
//! Decides nothing; which revision gets whom is the router's.

use crate::canary::metadata::ANALYSED_REVISION;
use crate::canary::metadata::ORIGINAL;
use crate::canary::metadata::PRIMARY_REVISION;
use crate::canary::metadata::entries;
use crate::canary::object::ObjectRef;
use crate::canary::object::Resource;
use crate::canary::spec::Canary;
use crate::kubernetes::cluster_target::Target;
use crate::kubernetes::fence;
use crate::kubernetes::objects::Objects;
use crate::kubernetes::objects::persistently;
use crate::kubernetes::request::Requests;
use crate::port::cluster::ClusterView;
use crate::port::cluster::Effect;
use crate::port::cluster::Fence;
use crate::port::cluster::Performed;
use crate::port::cluster::Workload;
use crate::port::cluster::WorkloadError;
use crate::port::cluster_error::ClusterError;
use crate::router::knative::is_observed;
use crate::router::knative::newest;
use crate::router::knative::primary;
use crate::router::knative::settled;
use serde_json::Value;
use serde_json::json;
use std::collections::BTreeMap;
use std::time::Duration;

/// Between two looks at what Knative's controller makes of a template.
const LOOK: Duration = Duration::from_millis(250);
/// Longest wait for it.
const SETTLING: Duration = Duration::from_secs(10);

/// The target.
pub struct KnativeTarget {
    pub(super) objects: Objects,
}

/// The revision of the target's template as it is; `None` where there is none.
///
/// # Errors
/// The API server does not answer.
pub async fn newest_revision(
    requests: &Requests,
    canary: &Canary,
) -> Result<Option<String>, ClusterError> {
    let target = Resource::KNATIVE_SERVICE.in_namespace(&canary.namespace, canary.target_name());
    let live = requests.get_opt(&target).await?;
    Ok(live.and_then(|live| newest(&live).map(str::to_owned)))
}

impl KnativeTarget {
    /// For a target of that kind.
    #[must_use]
    pub const fn new(objects: Objects) -> Self {
        Self { objects }
    }

    fn address(&self) -> ObjectRef {
        let name = self.objects.canary.target_name();
        self.objects.at(Resource::KNATIVE_SERVICE, name)
    }

    fn unusable(&self, why: String, help: &str) -> WorkloadError {
        WorkloadError::Unusable {
            object: self.address().to_string(),
            why,
            help: help.to_owned(),
        }
    }

    async fn target(&self) -> Result<Value, WorkloadError> {
        let found = self.objects.watched_get(&self.address()).await?;
        let target = found.ok_or_else(|| {
            let namespace = &self.objects.canary.namespace;
            let why = format!("there is no such Knative Service in {namespace}");
            self.unusable(
                why,
                "apply the target first, or correct spec.targetRef.name",
            )
        })?;
        fence::owned(&target, "service", &self.objects.key())?;
        Ok(target)
    }

    /// The same once Knative has made a revision of its template, or after [`SETTLING`]: until then its status tells of
    /// the template before.
    async fn observed(&self) -> Result<Value, WorkloadError> {
        let clock = &self.objects.requests.0.clock;
        let mut waited = Duration::ZERO;
        loop {
            let target = self.target().await?;
            if is_observed(&target) || waited >= SETTLING {
                return Ok(target);
            }
            clock.sleep(LOOK).await;
            waited += LOOK;
        }
    }

    /// A revision counts as one pod: Knative starts as many as there are requests, and none for nobody.
    async fn workload(&self, revision: Option<&str>) -> Result<Workload, WorkloadError> {
        let live = match revision {
            Some(name) => {
                let address = self.objects.at(Resource::KNATIVE_REVISION, name);
                self.objects.requests.get_opt(&address).await?
            }
            None => None,
        };
        let live = live.unwrap_or_default();
        let list = |pointer| live.pointer(pointer).and_then(Value::as_array);
        let ready = list("/status/conditions")
            .into_iter()
            .flatten()
            .any(|one| one["type"] == "Ready" && one["status"] == "True");
        let images = list("/spec/containers")
            .into_iter()
            .flatten()
            .filter_map(|container| container["image"].as_str());
        Ok(Workload {
            desired: 1,
            replicas: 1,
            updated: 1,
            ready: ready.into(),
            available: ready.into(),
            images: images.map(str::to_owned).collect(),
            ..Workload::default()
        })
    }

    async fn annotate(
        &self,
        target: &Value,
        key: &str,
        revision: &str,
        fence: &Fence,
    ) -> Result<(), WorkloadError> {
        let mut annotations = entries(target, "annotations");
        if annotations.get(key) == Some(&json!(revision)) {
            return Ok(());
        }
        annotations.insert(key.to_owned(), revision.into());
        let operation = json!({"op": "add", "path": "/metadata/annotations", "value": annotations});
        let address = self.address();
        let patched = self
            .objects
            .patch(&address, target, vec![operation], fence)
            .await;
        patched.map(drop)
    }

    /// Its traffic is as it was before us.
    pub(super) async fn give_back(&self, fence: &Fence) -> Result<(), WorkloadError> {
        persistently(|| async {
            let target = self.target().await?;
            let mut annotations = entries(&target, "annotations");
            if annotations.shift_remove(PRIMARY_REVISION).is_none() {
                return Ok(());
            }
            let original = annotations.get(ORIGINAL).and_then(Value::as_str);
            let original: Option<Value> = original.and_then(|text| serde_json::from_str(text).ok());
            let path = "/spec/traffic";
            let mut operations =
                vec![json!({"op": "add", "path": "/metadata/annotations", "value": annotations})];
            operations.extend(original.map(|traffic| match traffic {
                Value::Null => json!({"op": "remove", "path": path}),
                list => json!({"op": "add", "path": path, "value": list}),
            }));
            let address = self.address();
            let patched = self
                .objects
                .patch(&address, &target, operations, fence)
                .await;
            patched.map(drop)
        })
        .await
    }
}

impl Target for KnativeTarget {
    fn objects(&self) -> &Objects {
        &self.objects
    }

    async fn look(&self, whole: bool) -> Result<ClusterView, WorkloadError> {
        let target = if whole {
            self.observed().await?
        } else {
            self.target().await?
        };
        let newest = newest(&target);
        let primary = match primary(&target) {
            Some(primary) => Some(primary.to_owned()),
            // That users are on several is told by who looks at the route.
            None => settled(&self.objects.canary, &target).unwrap_or_default(),
        };
        Ok(ClusterView {
            canary: self.workload(newest).await?,
            primary: match &primary {
                Some(primary) => Some(self.workload(Some(primary)).await?),
                None => None,
            },
            revision: newest.unwrap_or_default().to_owned(),
            primary_is_current: primary.as_deref() == newest,
            services_exist: true,
            apex_on_primary: true,
            // A revision is never changed: configuration that changes beside it is not a new one.
            tracked_configs: Some(BTreeMap::new()),
            epoch: fence::epoch(&target),
        })
    }

    async fn perform_once(
        &self,
        effect: &Effect,
        analysed: &str,
        fence: &Fence,
    ) -> Result<Performed, WorkloadError> {
        match effect {
            Effect::EnsurePrimary => {
                let target = self.observed().await?;
                if newest(&target).is_none() {
                    let why = "Knative has made no revision of it".to_owned();
                    return Err(self.unusable(why, "see its conditions, and Knative's controller"));
                }
            }
            // From now on that is who may get users, whatever comes after it.
            Effect::ScaleCanary(pods) if *pods > 0 => {
                let target = self.target().await?;
                self.annotate(&target, ANALYSED_REVISION, analysed, fence)
                    .await?;
            }
            Effect::Promote => {
                let target = self.target().await?;
                if newest(&target) != Some(analysed) {
                    return Err(WorkloadError::RevisionChanged);
                }
                self.annotate(&target, PRIMARY_REVISION, analysed, fence)
                    .await?;
                // The revision has been there all along.
                return Ok(Performed {
                    promoted_generation: Some(0),
                    ..Performed::default()
                });
            }
            Effect::EnsureServices
            | Effect::ScaleCanary(_)
            | Effect::SwitchApex
            | Effect::EnsureRoute
            | Effect::SetRoutes { .. } => {}
        }
        Ok(Performed::default())
    }
}
