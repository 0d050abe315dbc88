//! What the driver does when a port fails: wait and try again, take the way back, or say that it cannot.

use crate::canary::phase::Phase;
use crate::controller::Controller;
use crate::controller::wait::next_request;
use crate::port::cluster::WorkloadError;
use crate::port::journal::JournalError;
use crate::port::lease::LeaseError;
use crate::port::run_record::RunRecordError;
use crate::port::transport::TransportError;
use crate::rollout::decision::Outcome;
use crate::rollout::observation::Request;
use jiff::Timestamp;
use std::time::Duration;

/// First wait after a failure, doubled up to [`LONGEST_WAIT`].
const FIRST_WAIT: Duration = Duration::from_secs(1);
/// Longest wait between two tries.
const LONGEST_WAIT: Duration = Duration::from_secs(10);
/// Tries of a way back that something else than the network refuses.
const WAY_BACK_TRIES: u32 = 3;

/// A run could not begin, or could not be put right.
#[derive(Debug, thiserror::Error, miette::Diagnostic)]
pub enum RunError {
    /// Workloads or the route.
    #[error(transparent)]
    #[diagnostic(transparent)]
    Workload(#[from] WorkloadError),
    /// The lock.
    #[error(transparent)]
    #[diagnostic(transparent)]
    Lease(#[from] LeaseError),
    /// The run record.
    #[error(transparent)]
    #[diagnostic(transparent)]
    Record(#[from] RunRecordError),
    /// The run record's document.
    #[error("the run record cannot be read: {0}")]
    #[diagnostic(
        code(flagger::run_record::document),
        help("another version of kubectl-flagger wrote it: use that one to finish its run")
    )]
    Document(String),
    /// A newer commit was promoted while this driver waited for another one.
    #[error("{theirs} was promoted meanwhile, and {ours} is older")]
    #[diagnostic(
        code(flagger::run::outdated),
        help("promote a commit that is not behind what serves, or this one without --queue")
    )]
    Outdated {
        /// Commit of this driver's spec, abbreviated.
        ours: String,
        /// The one promoted last, abbreviated.
        theirs: String,
    },
    /// A metric backend, before anything moved.
    #[error(transparent)]
    #[diagnostic(transparent)]
    Metrics(TransportError),
    /// The record that people read, before anything moved.
    #[error(transparent)]
    #[diagnostic(transparent)]
    Journal(JournalError),
}

impl RunError {
    /// May a later try succeed without anybody doing something?
    #[must_use]
    pub const fn is_retryable(&self) -> bool {
        match self {
            Self::Workload(error) => error.is_retryable(),
            Self::Lease(LeaseError::Cluster(error))
            | Self::Record(RunRecordError::Cluster(error)) => error.is_retryable(),
            Self::Record(RunRecordError::Conflict { .. }) => true,
            Self::Journal(error) => error.is_retryable(),
            Self::Metrics(TransportError::Unreachable { .. }) => true,
            Self::Lease(_)
            | Self::Record(_)
            | Self::Document(_)
            | Self::Outdated { .. }
            | Self::Metrics(_) => false,
        }
    }

    /// Did another driver take over?
    #[must_use]
    pub const fn is_superseded(&self) -> bool {
        matches!(
            self,
            Self::Lease(LeaseError::Superseded { .. } | LeaseError::NotHeld)
                | Self::Workload(WorkloadError::Superseded { .. })
                | Self::Journal(JournalError::Superseded { .. })
        )
    }
}

/// Failures since the last wake-up that went through.
#[derive(Debug, Default)]
pub(super) struct Failures {
    count: u32,
    since: Option<Timestamp>,
    refused: u32,
}

impl Failures {
    pub(super) fn clear(&mut self) {
        *self = Self::default();
    }
}

impl Controller<'_> {
    /// `None`: try again. An outcome: this is how it ends. An error: nothing moved, or another driver took over.
    pub(super) async fn answer(
        &mut self,
        error: RunError,
        failures: &mut Failures,
    ) -> Result<Option<Outcome>, RunError> {
        if error.is_superseded() || !self.moved {
            return Err(error);
        }
        failures.count += 1;
        let now = self.ports.clock.now();
        let since = *failures.since.get_or_insert(now);
        self.say_failure(&error, failures.count);
        if error.is_retryable() {
            // The world may come back: as long as it may, and the lock is ours, the run can be put right.
            if now.duration_since(since) > self.plan.progress_deadline {
                return Ok(Some(self.given_up()));
            }
        } else {
            failures.refused += 1;
            if failures.refused > WAY_BACK_TRIES {
                return Ok(Some(self.given_up()));
            }
            // What the way up needs is refused: the way back needs less.
            self.request.get_or_insert(Request::Lost);
        }
        let wait = FIRST_WAIT
            .saturating_mul(1 << failures.count.min(6).saturating_sub(1))
            .min(LONGEST_WAIT);
        let clock = self.ports.clock;
        tokio::select! {
            biased;
            word = next_request(&mut self.requests) => self.heard(word),
            () = clock.sleep(wait) => {}
        }
        match self.renew_if_due().await {
            Err(error) if error.is_superseded() => Err(error),
            Ok(()) | Err(_) => Ok(None),
        }
    }

    /// Where the users are when nothing more can be done: after a way back and while finalising, only pods are left.
    fn given_up(&self) -> Outcome {
        let status = &self.document.status;
        match (status.ending, status.phase()) {
            (Some(cause), _) => Outcome::RolledBack(cause),
            (None, Phase::Finalising) => Outcome::Promoted,
            (None, _) => Outcome::Split,
        }
    }
}
