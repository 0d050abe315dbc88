//! Giving back everything that a canary took over, piece by piece.
//!
//! The order of the pieces, and the waiting between them, is the caller's.

use crate::canary::metadata::CANARY;
use crate::canary::metadata::MANAGED_BY;
use crate::canary::metadata::MANAGER;
use crate::canary::metadata::ORIGINAL;
use crate::canary::metadata::entries;
use crate::canary::object::ObjectRef;
use crate::canary::object::Resource;
use crate::canary::object::bounded_name;
use crate::canary::reference::TargetKind;
use crate::canary::status::CanaryStatus;
use crate::kubernetes::knative::KnativeTarget;
use crate::kubernetes::objects::Objects;
use crate::kubernetes::objects::persistently;
use crate::kubernetes::operation::Selection;
use crate::kubernetes::service::set;
use crate::kubernetes::service_target::ServiceTarget;
use crate::kubernetes::target::PodKind;
use crate::kubernetes::workloads::WorkloadOptions;
use crate::kubernetes::workloads::Workloads;
use crate::port::cluster::Cluster as _;
use crate::port::cluster::ClusterView;
use crate::port::cluster::Fence;
use crate::port::cluster::WorkloadError;
use serde_json::Value;

/// One canary that is given up.
pub struct Ejection {
    target: Target,
    routes: Vec<ObjectRef>,
}

enum Target {
    Pods(Workloads),
    Service(ServiceTarget),
    Knative(KnativeTarget),
}

impl Ejection {
    /// `routes` are the objects of its router, the one that carries the weights first; `kind` is of a target that has
    /// pods of its own.
    #[must_use]
    pub fn new(
        objects: Objects,
        kind: Option<PodKind>,
        options: WorkloadOptions,
        routes: Vec<ObjectRef>,
    ) -> Self {
        let target = match kind {
            Some(kind) => Target::Pods(Workloads::new(objects, kind, options)),
            None if objects.canary.target.kind == TargetKind::KnativeService => {
                Target::Knative(KnativeTarget::new(objects))
            }
            None => {
                let prefixes = options.include_label_prefix;
                Target::Service(ServiceTarget::new(objects, prefixes))
            }
        };
        Self { target, routes }
    }

    const fn objects(&self) -> &Objects {
        match &self.target {
            Target::Pods(workloads) => &workloads.objects,
            Target::Service(service) => &service.objects,
            Target::Knative(service) => &service.objects,
        }
    }

    /// Looks at target and primary.
    ///
    /// # Errors
    /// They cannot be read, or are not this canary's.
    pub async fn view(&self) -> Result<ClusterView, WorkloadError> {
        match &self.target {
            Target::Pods(workloads) => workloads.view(false).await,
            Target::Service(service) => service.view(false).await,
            Target::Knative(service) => service.view(false).await,
        }
    }

    /// Returns when one of them has changed.
    pub async fn changed(&self) {
        self.objects().changed().await;
    }

    /// Writes the Canary's status where it is in the cluster.
    ///
    /// # Errors
    /// The API server does not answer.
    pub async fn publish(&self, status: &CanaryStatus) -> Result<(), WorkloadError> {
        self.objects().publish(status).await
    }

    /// The target gets as many pods as the primary has.
    ///
    /// # Errors
    /// The API server refuses it.
    pub async fn revive(&self, fence: &Fence) -> Result<(), WorkloadError> {
        match &self.target {
            Target::Pods(workloads) => workloads.revive(fence).await,
            Target::Service(_) | Target::Knative(_) => Ok(()),
        }
    }

    /// Users are sent to the target, which must have pods: first by the service they ask for, then by the route.
    ///
    /// # Errors
    /// The API server refuses it.
    pub async fn give_back_traffic(&self, fence: &Fence) -> Result<(), WorkloadError> {
        match &self.target {
            Target::Pods(workloads) => workloads.give_back_apex(fence).await?,
            Target::Service(_) => {}
            Target::Knative(service) => service.give_back(fence).await?,
        }
        match self.routes.first() {
            Some(route) => self.give_up(route, fence).await,
            None => Ok(()),
        }
    }

    /// Everything else that was made is deleted, and what is left is unmarked. Nobody may be on the primary any more.
    ///
    /// # Errors
    /// The API server refuses it.
    pub async fn clear(&self, fence: &Fence) -> Result<(), WorkloadError> {
        let left = match &self.target {
            Target::Pods(workloads) => workloads.left(),
            Target::Service(service) => service.left(),
            // It was the route, and is given up.
            Target::Knative(_) => Vec::new(),
        };
        for address in self.routes.iter().skip(1).chain(&left) {
            self.give_up(address, fence).await?;
        }
        for kind in [Resource::CONFIG_MAP, Resource::SECRET] {
            let selection = Selection {
                labels: Some(format!("{MANAGED_BY}={MANAGER}")),
                ..Selection::default()
            };
            let all = self.objects().at(kind, "");
            for object in self.objects().requests.list(&all, &selection).await?.items {
                let key = self.objects().key();
                let owner = entries(&object, "annotations").shift_remove(CANARY);
                if owner.is_some_and(|owner| owner == key) {
                    let name = object["metadata"]["name"].as_str().unwrap_or_default();
                    self.give_up(&self.objects().at(kind, name), fence).await?;
                }
            }
        }
        // The last, so that a process which dies before this finds out where it was.
        let record = bounded_name("flagger-run-", &self.objects().canary.name);
        let record = self.objects().at(Resource::CONFIG_MAP, &record);
        self.give_up(&record, fence).await
    }

    async fn give_up(&self, address: &ObjectRef, fence: &Fence) -> Result<(), WorkloadError> {
        persistently(|| self.objects().give_up(address, original, fence)).await
    }
}

/// A route that was there before us is as it was.
fn original(live: &Value) -> Vec<Value> {
    if live["kind"] == "Service" {
        // Its selector was given back before anything else.
        return Vec::new();
    }
    let annotations = entries(live, "annotations");
    let kept = annotations.get(ORIGINAL).and_then(Value::as_str);
    let kept: Option<Value> = kept.and_then(|text| serde_json::from_str(text).ok());
    kept.map(|spec| set("/spec", spec)).into_iter().collect()
}
