//! The phases of a canary, by Flagger's names.

use serde::Deserialize;
use serde::Serialize;
use std::fmt;

/// Where a canary stands. `New` is Flagger's empty phase: nothing was written yet.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub enum Phase {
    /// Nothing was written yet.
    #[default]
    #[serde(rename = "")]
    New,
    /// The primary is being created.
    Initializing,
    /// The primary serves; no rollout has run yet.
    Initialized,
    /// A gate holds the start.
    Waiting,
    /// The new revision is being analysed.
    Progressing,
    /// A gate holds the promotion.
    WaitingPromotion,
    /// The primary is taking the new revision over.
    Promoting,
    /// Traffic is back on the primary; the canary is being drained.
    Finalising,
    /// The primary serves the new revision.
    Succeeded,
    /// The new revision was rejected.
    Failed,
    /// The canary is being given back.
    Terminating,
    /// The canary was given back.
    Terminated,
}

impl Phase {
    /// The name in a Canary's status.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::New => "",
            Self::Initializing => "Initializing",
            Self::Initialized => "Initialized",
            Self::Waiting => "Waiting",
            Self::Progressing => "Progressing",
            Self::WaitingPromotion => "WaitingPromotion",
            Self::Promoting => "Promoting",
            Self::Finalising => "Finalising",
            Self::Succeeded => "Succeeded",
            Self::Failed => "Failed",
            Self::Terminating => "Terminating",
            Self::Terminated => "Terminated",
        }
    }

    /// Is a rollout under way?
    #[must_use]
    pub const fn is_running(self) -> bool {
        match self {
            Self::Progressing
            | Self::WaitingPromotion
            | Self::Promoting
            | Self::Finalising
            | Self::Waiting => true,
            Self::New
            | Self::Initializing
            | Self::Initialized
            | Self::Succeeded
            | Self::Failed
            | Self::Terminating
            | Self::Terminated => false,
        }
    }
}

impl fmt::Display for Phase {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}
