//! The route object of one canary: the truth about where the traffic goes.

use crate::canary::status::CanaryStatus;
use crate::canary::weight::Proof;
use crate::canary::weight::Routes;
use crate::port::Job;
use crate::port::cluster::Fence;
use crate::port::cluster::WorkloadError;

/// The route, as it is.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct SeenRoutes {
    /// The weights.
    pub routes: Routes,
    /// Are they in effect?
    pub proof: Proof,
    /// Epoch of the driver that wrote last.
    pub epoch: u64,
    /// A rollback that was begun: `rollback/RUN/SEQ`.
    pub intent: Option<String>,
}

/// A route that was written and read back.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Written {
    /// Such as `traefikservice/podinfo`.
    pub object: String,
    /// Its version now.
    pub resource_version: String,
}

/// Moves traffic.
pub trait Router {
    /// The object that carries the weights, such as `traefikservice/podinfo`.
    fn object(&self) -> String;
    /// Reads the route; `None` where it does not exist.
    fn routes(&self) -> Job<'_, Result<Option<SeenRoutes>, WorkloadError>>;
    /// Makes the route exist, with everything on the primary.
    fn ensure<'a>(&'a self, fence: &'a Fence) -> Job<'a, Result<(), WorkloadError>>;
    /// Writes weights with the status' cookies, reads them back and compares. A way back says so on the route itself.
    fn set_routes<'a>(
        &'a self,
        routes: Routes,
        status: &'a CanaryStatus,
        rollback: bool,
        fence: &'a Fence,
    ) -> Job<'a, Result<Written, WorkloadError>>;
}
