//! The workloads, services and configs of one canary, and its status in the cluster.

use crate::canary::status::CanaryStatus;
use crate::port::Job;
use crate::port::cluster_error::ClusterError;
use std::collections::BTreeMap;

// Who implements this port speaks the core's words, and takes them from here.
pub use crate::rollout::decision::Effect;
pub use crate::rollout::observation::Workload;

/// What fences a write: every object we change carries it, and a higher epoch there stops us.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Fence {
    /// The run's ULID.
    pub run: String,
    /// Generation of drivers of this canary.
    pub epoch: u64,
    /// Number of the transition within the run.
    pub seq: u64,
}

/// The cluster's part of an observation.
#[derive(Clone, Debug, PartialEq)]
pub struct ClusterView {
    /// The target.
    pub canary: Workload,
    /// Our copy.
    pub primary: Option<Workload>,
    /// Hash of the target's template and tracked configs.
    pub revision: String,
    /// Does the primary run what the target asks for?
    pub primary_is_current: bool,
    /// Do the canary and primary services, and the primary's autoscaler, exist as wanted?
    pub services_exist: bool,
    /// Does the apex service select the primary?
    pub apex_on_primary: bool,
    /// `configmap/NAME` or `secret/NAME` to the checksum of its data.
    pub tracked_configs: Option<BTreeMap<String, String>>,
    /// Highest epoch found on our objects.
    pub epoch: u64,
}

/// What an effect left behind.
#[derive(Clone, Debug, Default)]
pub struct Performed {
    /// Of the primary, where its template was replaced.
    pub promoted_generation: Option<i64>,
    /// Why pods that a share needs could not be asked for: the run goes on without them.
    pub refused: Option<WorkloadError>,
}

/// A cluster could not do what was asked.
#[derive(Clone, Debug, thiserror::Error, miette::Diagnostic)]
pub enum WorkloadError {
    /// The API server.
    #[error(transparent)]
    #[diagnostic(transparent)]
    Cluster(#[from] ClusterError),
    /// An object is not as it must be.
    #[error("{object}: {why}")]
    #[diagnostic(code(flagger::cluster::unusable))]
    Unusable {
        /// Such as `deployment/podinfo`.
        object: String,
        /// What is wrong.
        why: String,
        /// What to do.
        #[help]
        help: String,
    },
    /// A driver with a higher epoch wrote this object.
    #[error("{object} carries epoch {theirs}, ours is {ours}: another driver took over")]
    #[diagnostic(code(flagger::run::superseded))]
    Superseded {
        /// Such as `deployment/podinfo`.
        object: String,
        /// On the object.
        theirs: u64,
        /// This driver's.
        ours: u64,
    },
    /// The target is not the one that was analysed.
    #[error("the target changed while it was being promoted")]
    #[diagnostic(code(flagger::run::revision_changed))]
    RevisionChanged,
}

impl WorkloadError {
    /// May a later try succeed without anybody doing something?
    #[must_use]
    pub const fn is_retryable(&self) -> bool {
        match self {
            Self::Cluster(ClusterError::Conflict { .. }) | Self::RevisionChanged => true,
            Self::Cluster(error) => error.is_retryable(),
            Self::Unusable { .. } | Self::Superseded { .. } => false,
        }
    }
}

/// The workloads of one canary.
pub trait Cluster {
    /// Looks. `whole` also looks at the services; without it they are taken as they were.
    fn view(&self, whole: bool) -> Job<'_, Result<ClusterView, WorkloadError>>;
    /// Performs one effect that is not about the route. `revision` is the analysed one.
    fn perform<'a>(
        &'a self,
        effect: &'a Effect,
        revision: &'a str,
        fence: &'a Fence,
    ) -> Job<'a, Result<Performed, WorkloadError>>;
    /// Writes `.status` of the Canary where that object exists in the cluster.
    fn publish<'a>(&'a self, status: &'a CanaryStatus) -> Job<'a, Result<(), WorkloadError>>;
    /// Returns when something that was looked at has changed.
    fn changed(&self) -> Job<'_, ()>;
}
