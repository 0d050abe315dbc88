//! The lock on a canary: one driver at a time, and a number that fences the writes of those before it.
//!
//! Nobody renews it behind the driver's back: a driver that hangs loses it.

use crate::port::Job;
use crate::port::cluster_error::ClusterError;
use jiff::Timestamp;
use std::time::Duration;

/// The times of the lock, all on the holder's or the waiter's own boot clock.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct LeaseTimes {
    /// Unmoved for that long, it may be taken over.
    pub duration: Duration,
    /// The holder moves it that often.
    pub renew: Duration,
    /// Without a successful renewal for that long, the holder stops writing.
    pub stop: Duration,
}

impl Default for LeaseTimes {
    fn default() -> Self {
        Self {
            duration: Duration::from_secs(60),
            renew: Duration::from_secs(10),
            stop: Duration::from_secs(20),
        }
    }
}

/// A lock as it was found.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Held {
    /// The holder's identity as it wrote it; empty when released.
    pub holder: String,
    /// Its epoch.
    pub epoch: u64,
    /// When it took the lock, by its own clock: for people only.
    pub since: Option<Timestamp>,
    /// When it last renewed, by its own clock: for people only.
    pub renewed: Option<Timestamp>,
}

/// How the lock was had.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Acquired {
    /// Nobody had it.
    Free,
    /// Its holder ended without releasing it.
    TakenOver {
        /// Who that was.
        from: Held,
    },
}

/// The lock is not ours.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error, miette::Diagnostic)]
pub enum LeaseError {
    /// A living driver has it.
    #[error("{} is driving", held.holder)]
    #[diagnostic(code(flagger::lease::busy))]
    Busy {
        /// By whom and since when.
        held: Held,
        /// Time since we saw it move.
        seen_ago: Duration,
    },
    /// It was ours and is another driver's now.
    #[error("{by} took over with epoch {epoch}")]
    #[diagnostic(code(flagger::lease::superseded))]
    Superseded {
        /// Identity of who has it, or who released it.
        by: String,
        /// The epoch found.
        epoch: u64,
    },
    /// It was never acquired, or it was released.
    #[error("this driver does not hold the canary's lock")]
    #[diagnostic(code(flagger::lease::not_held))]
    NotHeld,
    /// The API server did not do it.
    #[error(transparent)]
    #[diagnostic(transparent)]
    Cluster(#[from] ClusterError),
}

/// The lock of one canary for one driver.
pub trait Lease {
    /// Takes it: at once if nobody has it or its holder is known to be gone, else after one duration without a move.
    /// `floor` is the highest epoch known from elsewhere; ours is above it and above the lock's. `waiting` hears once
    /// of a holder that has to be waited for.
    fn acquire<'a>(
        &'a self,
        floor: u64,
        waiting: &'a mut dyn FnMut(&Held),
    ) -> Job<'a, Result<Acquired, LeaseError>>;

    /// Moves it and says when the driver will look next, so that a watchdog can tell a long interval from a driver
    /// that hangs.
    fn renew(&self, next_look: Duration) -> Job<'_, Result<(), LeaseError>>;

    /// Gives it back; the object and its epoch stay.
    fn release(&self) -> Job<'_, Result<(), LeaseError>>;

    /// What it says now, whoever has it; `None` if this canary was never driven.
    fn observe(&self) -> Job<'_, Result<Option<Held>, LeaseError>>;

    /// Ours, or `None` while we do not have it.
    fn epoch(&self) -> Option<u64>;

    /// Time until the next renewal is due; zero when overdue or not held.
    fn due_in(&self) -> Duration;

    /// Is nothing to be written any more, until a renewal succeeds?
    fn must_stop(&self) -> bool;
}
