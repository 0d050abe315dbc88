//! The canary's lock as a `coordination.k8s.io/v1` Lease. `leaseTransitions` is the epoch; `renewTime` is written for
//! people and never compared with our clock: an unmoved `resourceVersion` is what counts.
//!
//! Renews only when it is told to.

use crate::canary::holder::Holder;
use crate::canary::object::ObjectRef;
use crate::canary::object::Resource;
use crate::canary::object::bounded_name;
use crate::kubernetes::operation::FIELD_MANAGER;
use crate::kubernetes::operation::WriteOptions;
use crate::kubernetes::request::Requests;
use crate::kubernetes::request::text_at;
use crate::port::Job;
use crate::port::cluster_error::ClusterError;
use crate::port::lease::Acquired;
use crate::port::lease::Held;
use crate::port::lease::Lease;
use crate::port::lease::LeaseError;
use crate::port::lease::LeaseTimes;
use serde_json::Value;
use serde_json::json;
use std::cell::RefCell;
use std::time::Duration;

/// Label of everything that is ours.
pub const MANAGED_BY: &str = "app.kubernetes.io/managed-by";
/// Seconds until the driver looks again, for the watchdog.
pub const NEXT_LOOK: &str = "flagger-driver/next-look-seconds";
/// Looks a renewal period, while waiting for a holder to move.
const LOOKS: u32 = 5;
/// Tries against others who edit the object without being its holder.
const RENEWALS: u32 = 3;

/// Tells whether the process with that id and start has ended.
pub type IsGone = fn(u32, u64) -> bool;

/// The lock of one canary.
pub struct KubernetesLease {
    requests: Requests,
    object: ObjectRef,
    holder: Holder,
    times: LeaseTimes,
    is_gone: IsGone,
    queues: bool,
    own: RefCell<Option<Own>>,
}

/// The lock while it is ours.
#[derive(Clone)]
struct Own {
    manifest: Value,
    epoch: u64,
    /// Start of the last renewal that succeeded, boot clock.
    renewed: Duration,
}

enum Outcome {
    Taken,
    LostRace,
}

impl KubernetesLease {
    /// The lock of that canary, not acquired yet.
    #[must_use]
    pub fn new(
        requests: Requests,
        namespace: &str,
        canary: &str,
        holder: Holder,
        times: LeaseTimes,
        is_gone: IsGone,
    ) -> Self {
        Self {
            requests,
            object: Resource::LEASE
                .in_namespace(namespace, &bounded_name("flagger-driver-", canary)),
            holder,
            times,
            is_gone,
            queues: false,
            own: RefCell::new(None),
        }
    }

    /// A living holder is waited for, instead of given way to.
    #[must_use]
    pub fn queueing(self, queues: bool) -> Self {
        Self { queues, ..self }
    }

    fn boot(&self) -> Duration {
        self.requests.0.clock.boot()
    }

    fn identity(&self) -> String {
        self.holder.to_string()
    }

    async fn try_acquire(
        &self,
        floor: u64,
        waiting: &mut dyn FnMut(&Held),
    ) -> Result<Acquired, LeaseError> {
        loop {
            let found = self.requests.get_opt(&self.object).await?;
            let (outcome, acquired) = match found {
                None => (self.create(floor + 1).await?, Acquired::Free),
                Some(lease) => {
                    let held = held(&lease);
                    let epoch = held.epoch.max(floor) + 1;
                    if held.holder.is_empty() {
                        (self.take(lease, epoch).await?, Acquired::Free)
                    } else if held.holder == self.identity() {
                        // An answer of ours was lost.
                        let epoch = held.epoch.max(floor + 1);
                        (self.take(lease, epoch).await?, Acquired::Free)
                    } else {
                        if !self.is_known_gone(&held) {
                            waiting(&held);
                            match self.outlasts(&lease, &held).await {
                                Err(LeaseError::Busy { .. }) if self.queues => continue,
                                Ok(false) => continue,
                                Ok(true) => {}
                                Err(error) => return Err(error),
                            }
                        }
                        (
                            self.take(lease, epoch).await?,
                            Acquired::TakenOver { from: held },
                        )
                    }
                }
            };
            match outcome {
                Outcome::Taken => return Ok(acquired),
                Outcome::LostRace => {}
            }
        }
    }

    /// Only what runs on the same boot and among the same process ids can be judged.
    fn is_known_gone(&self, held: &Held) -> bool {
        Holder::parse(&held.holder)
            .and_then(|theirs| self.holder.neighbour(&theirs))
            .is_some_and(|(pid, started)| (self.is_gone)(pid, started))
    }

    /// True once the lock stood still for a whole duration, false if it was released or is gone.
    async fn outlasts(&self, lease: &Value, held: &Held) -> Result<bool, LeaseError> {
        let version = text_at(lease, "/metadata/resourceVersion");
        let theirs = lease
            .pointer("/spec/leaseDurationSeconds")
            .and_then(Value::as_u64)
            .map(Duration::from_secs)
            .unwrap_or_default();
        let patience = self.times.duration.max(theirs);
        let since = self.boot();
        let mut last_look = since;
        loop {
            let left = patience.saturating_sub(self.boot().saturating_sub(since));
            let pause = (self.times.renew / LOOKS).min(left);
            self.requests.0.clock.sleep(pause).await;
            let Some(now) = self.requests.get_opt(&self.object).await? else {
                return Ok(false);
            };
            if text_at(&now, "/metadata/resourceVersion") == version {
                if self.boot().saturating_sub(since) >= patience {
                    return Ok(true);
                }
                last_look = self.boot();
                continue;
            }
            let moved = self::held(&now);
            if moved.holder.is_empty()
                || (moved.holder != held.holder && self.is_known_gone(&moved))
            {
                return Ok(false);
            }
            return Err(LeaseError::Busy {
                held: moved,
                seen_ago: self.boot().saturating_sub(last_look),
            });
        }
    }

    async fn create(&self, epoch: u64) -> Result<Outcome, LeaseError> {
        let mut manifest = json!({
            "apiVersion": self.object.api_version(),
            "kind": self.object.kind,
            "metadata": {
                "name": self.object.name,
                "namespace": self.object.namespace,
                "labels": {MANAGED_BY: FIELD_MANAGER},
            },
            "spec": {},
        });
        self.claim(&mut manifest, epoch);
        let start = self.boot();
        let created = self
            .requests
            .create(&self.object, &manifest, WriteOptions::default())
            .await;
        match created {
            Ok(manifest) => {
                self.keep(manifest, epoch, start);
                Ok(Outcome::Taken)
            }
            Err(ClusterError::AlreadyExists { .. } | ClusterError::Timeout { .. }) => {
                Ok(Outcome::LostRace)
            }
            Err(error) => Err(error.into()),
        }
    }

    async fn take(&self, mut lease: Value, epoch: u64) -> Result<Outcome, LeaseError> {
        self.claim(&mut lease, epoch);
        let start = self.boot();
        match self.put(&lease).await {
            Ok(manifest) => {
                self.keep(manifest, epoch, start);
                Ok(Outcome::Taken)
            }
            Err(
                ClusterError::Conflict { .. }
                | ClusterError::NotFound { .. }
                | ClusterError::Timeout { .. },
            ) => Ok(Outcome::LostRace),
            Err(error) => Err(error.into()),
        }
    }

    async fn put(&self, manifest: &Value) -> Result<Value, ClusterError> {
        self.requests
            .put(&self.object, manifest, WriteOptions::default())
            .await
    }

    fn claim(&self, lease: &mut Value, epoch: u64) {
        let now = format!("{:.6}", self.requests.0.clock.now());
        let seconds = self.times.duration.as_secs().max(1);
        lease["metadata"]["labels"][MANAGED_BY] = FIELD_MANAGER.into();
        lease["spec"]["holderIdentity"] = self.identity().into();
        lease["spec"]["leaseTransitions"] = epoch.into();
        lease["spec"]["leaseDurationSeconds"] = seconds.into();
        lease["spec"]["acquireTime"] = now.as_str().into();
        lease["spec"]["renewTime"] = now.into();
    }

    fn keep(&self, manifest: Value, epoch: u64, renewed: Duration) {
        self.own.replace(Some(Own {
            manifest,
            epoch,
            renewed,
        }));
    }

    async fn try_renew(&self, next_look: Duration) -> Result<(), LeaseError> {
        let Some(mut own) = self.own.borrow().clone() else {
            return Err(LeaseError::NotHeld);
        };
        for _ in 0..RENEWALS {
            let start = self.boot();
            let moment = format!("{:.6}", self.requests.0.clock.now());
            own.manifest["spec"]["renewTime"] = moment.as_str().into();
            let look = next_look.as_secs().to_string();
            own.manifest["metadata"]["annotations"][NEXT_LOOK] = look.into();
            let failed = match self.put(&own.manifest).await {
                Ok(manifest) => {
                    self.keep(manifest, own.epoch, start);
                    return Ok(());
                }
                Err(error) => error,
            };
            if failed.is_not_found() {
                // Somebody deleted it; whoever creates it first has it.
                match self.create(own.epoch).await? {
                    Outcome::Taken => return Ok(()),
                    Outcome::LostRace => own.manifest = self.still_ours(own.epoch).await?,
                }
                continue;
            }
            let timed_out = matches!(failed, ClusterError::Timeout { .. });
            if !timed_out && !matches!(failed, ClusterError::Conflict { .. }) {
                return Err(failed.into());
            }
            own.manifest = self.still_ours(own.epoch).await?;
            if text_at(&own.manifest, "/spec/renewTime") == moment {
                // It landed, only its answer was lost.
                self.keep(own.manifest, own.epoch, start);
                return Ok(());
            }
            if timed_out {
                return Err(failed.into());
            }
        }
        Err(LeaseError::Cluster(ClusterError::Conflict {
            object: self.object.to_string(),
            message: "others keep editing it".to_owned(),
        }))
    }

    /// The object as it is now, if we are still its holder. Otherwise the lock is given up for good.
    async fn still_ours(&self, epoch: u64) -> Result<Value, LeaseError> {
        let found = self.requests.get_opt(&self.object).await?;
        let now = found.as_ref().map(held);
        match (found, now) {
            (Some(lease), Some(now)) if now.holder == self.identity() && now.epoch == epoch => {
                Ok(lease)
            }
            (_, now) => {
                self.own.replace(None);
                let by = now
                    .as_ref()
                    .map(|now| now.holder.clone())
                    .filter(|holder| !holder.is_empty())
                    .unwrap_or_else(|| "somebody who left no name".to_owned());
                Err(LeaseError::Superseded {
                    by,
                    epoch: now.map_or(epoch, |now| now.epoch),
                })
            }
        }
    }

    async fn try_release(&self) -> Result<(), LeaseError> {
        let Some(mut own) = self.own.borrow().clone() else {
            return Ok(());
        };
        for _ in 0..RENEWALS {
            if let Some(spec) = own.manifest["spec"].as_object_mut() {
                // Its absence is "nobody"; the API server refuses an empty one.
                spec.remove("holderIdentity");
            }
            match self.put(&own.manifest).await {
                Ok(_) | Err(ClusterError::NotFound { .. }) => {
                    self.own.replace(None);
                    return Ok(());
                }
                Err(ClusterError::Conflict { .. } | ClusterError::Timeout { .. }) => {
                    own.manifest = self.still_ours(own.epoch).await?;
                }
                Err(error) => return Err(error.into()),
            }
        }
        Ok(())
    }
}

fn held(lease: &Value) -> Held {
    let time = |field: &str| text_at(lease, &format!("/spec/{field}")).parse().ok();
    Held {
        holder: text_at(lease, "/spec/holderIdentity"),
        epoch: lease
            .pointer("/spec/leaseTransitions")
            .and_then(Value::as_u64)
            .unwrap_or_default(),
        since: time("acquireTime"),
        renewed: time("renewTime"),
    }
}

impl Lease for KubernetesLease {
    fn acquire<'a>(
        &'a self,
        floor: u64,
        waiting: &'a mut dyn FnMut(&Held),
    ) -> Job<'a, Result<Acquired, LeaseError>> {
        Box::pin(self.try_acquire(floor, waiting))
    }

    fn renew(&self, next_look: Duration) -> Job<'_, Result<(), LeaseError>> {
        Box::pin(self.try_renew(next_look))
    }

    fn release(&self) -> Job<'_, Result<(), LeaseError>> {
        Box::pin(self.try_release())
    }

    fn observe(&self) -> Job<'_, Result<Option<Held>, LeaseError>> {
        Box::pin(async {
            let found = self.requests.get_opt(&self.object).await?;
            Ok(found.as_ref().map(held))
        })
    }

    fn epoch(&self) -> Option<u64> {
        self.own.borrow().as_ref().map(|own| own.epoch)
    }

    fn due_in(&self) -> Duration {
        self.own.borrow().as_ref().map_or(Duration::ZERO, |own| {
            let age = self.boot().saturating_sub(own.renewed);
            self.times.renew.saturating_sub(age)
        })
    }

    fn must_stop(&self) -> bool {
        self.own
            .borrow()
            .as_ref()
            .is_none_or(|own| self.boot().saturating_sub(own.renewed) >= self.times.stop)
    }
}

#[cfg(test)]
mod tests;
