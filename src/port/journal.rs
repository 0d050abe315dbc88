//! The record that people read: one commit a transition.

use crate::canary::status::CanaryStatus;
use crate::canary::weight::Weight;
use crate::port::Job;
use crate::rollout::event::Miss;
use crate::rollout::event::Sample;
use jiff::Timestamp;
use serde::Deserialize;
use serde::Serialize;

/// One transition of one run, complete enough to be committed by any process that finds it in the outbox.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Transition {
    /// The run's ULID.
    pub run: String,
    /// From 1 within the run.
    pub seq: u64,
    /// The driver's epoch: a higher one at the tip supersedes us.
    pub epoch: u64,
    /// When it was decided.
    pub at: Timestamp,
    /// Share of the canary before, percent.
    pub from: Weight,
    /// Status after it; its `canaryWeight` is the share now.
    pub status: CanaryStatus,
    /// Failed checks that roll back.
    pub threshold: u32,
    /// Planned shares, percent.
    pub steps: Vec<Weight>,
    /// Looks of A/B testing and Blue/Green; 0 where the steps are the looks.
    #[serde(default)]
    pub iterations: u32,
    /// Does the canary get a copy of the traffic?
    #[serde(default)]
    pub mirrored: bool,
    /// What was measured since the transition before, as lines `name value limit verdict`.
    pub measured: Vec<Measured>,
    /// Why, where it is not the plan.
    pub reason: Option<String>,
    /// Commit the spec was read from, or `-` for rendered input.
    pub spec_commit: String,
    /// File the spec was read from.
    pub spec_path: String,
    /// Hash of pod template and tracked configs that is being rolled out.
    pub revision: String,
    /// Does it end the run? Then the result, such as `promoted` or `rolled-back`.
    pub result: Option<String>,
    /// When the run started.
    pub started_at: Timestamp,
    /// Who drives, such as `alice@mbp/4711/01J…`.
    pub holder: String,
}

/// A sample, as the record keeps it.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Measured {
    /// The metric's name.
    pub name: String,
    /// Absent where there was no value.
    pub value: Option<f64>,
    /// Inclusive lower limit.
    pub min: Option<f64>,
    /// Inclusive upper limit.
    pub max: Option<f64>,
    /// Within its limits?
    pub ok: bool,
    /// Why not.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub miss: Option<Miss>,
}

impl From<&Sample> for Measured {
    fn from(sample: &Sample) -> Self {
        Self {
            name: sample.name.clone(),
            value: sample.value,
            min: sample.min,
            max: sample.max,
            ok: sample.ok,
            miss: sample.miss,
        }
    }
}

/// Where a transition went.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Recorded {
    /// The commit's full id.
    pub commit: String,
    /// The branch.
    pub reference: String,
    /// The canary's status file there.
    pub path: String,
}

/// The record could not be written.
#[derive(Clone, Debug, thiserror::Error, miette::Diagnostic)]
pub enum JournalError {
    /// The remote said no.
    #[error("the remote refused {reference}: {why}")]
    #[diagnostic(
        code(flagger::journal::refused),
        help(
            "give the pushing account write access to that branch, or choose another with --record-ref"
        )
    )]
    Refused {
        /// The branch.
        reference: String,
        /// The remote's words.
        why: String,
    },
    /// No rights or no login.
    #[error("not allowed to push to {remote}: {why}")]
    #[diagnostic(code(flagger::journal::denied))]
    Denied {
        /// Name of the remote.
        remote: String,
        /// The cause.
        why: String,
        /// The way out, where there is one.
        #[help]
        help: Option<String>,
    },
    /// The remote cannot prove that it is the one that is meant.
    #[error("{remote} cannot be trusted: {why}")]
    #[diagnostic(code(flagger::journal::untrusted))]
    Untrusted {
        /// Name of the remote.
        remote: String,
        /// The cause: its certificate or its host key.
        why: String,
        /// The way out, where there is one.
        #[help]
        help: Option<String>,
    },
    /// The remote does not answer.
    #[error("cannot reach {remote}: {why}")]
    #[diagnostic(code(flagger::journal::unreachable))]
    Unreachable {
        /// Name of the remote.
        remote: String,
        /// The cause.
        why: String,
        /// The way out, where there is one.
        #[help]
        help: Option<String>,
    },
    /// A driver with a higher epoch writes this canary's record.
    #[error("epoch {theirs} is at the tip, ours is {ours}: another driver took over")]
    #[diagnostic(code(flagger::journal::superseded))]
    Superseded {
        /// At the tip.
        theirs: u64,
        /// This driver's.
        ours: u64,
    },
    /// The repository cannot be written.
    #[error("cannot write the record: {why}")]
    #[diagnostic(code(flagger::journal::broken))]
    Broken {
        /// The cause.
        why: String,
    },
}

impl JournalError {
    /// May a later try succeed without anybody doing something?
    #[must_use]
    pub const fn is_retryable(&self) -> bool {
        match self {
            Self::Unreachable { .. } | Self::Broken { .. } => true,
            Self::Refused { .. }
            | Self::Denied { .. }
            | Self::Untrusted { .. }
            | Self::Superseded { .. } => false,
        }
    }
}

/// Writes transitions, each at most once however often it is handed over.
pub trait StatusJournal {
    /// Commits them in order and pushes; all or none are at the remote when it returns `Ok`.
    /// The answer has one entry a transition.
    fn record<'a>(
        &'a self,
        transitions: &'a [Transition],
    ) -> Job<'a, Result<Vec<Recorded>, JournalError>>;
}
