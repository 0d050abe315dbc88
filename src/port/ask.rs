//! What another process asks of the one that drives a canary.
//!
//! Only the words: how they travel is an adapter's matter.

use crate::rollout::status::Closed;
use jiff::Timestamp;
use serde::Deserialize;
use serde::Serialize;

/// What is asked.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum AskVerb {
    /// Bring all users to the safe side and end the run.
    Abort,
    /// Hold the weight where it is; checks go on and may roll back.
    Pause,
    /// Go on.
    Resume,
    /// Open the gate that holds the run: this time, its hook is not asked again.
    Approve,
    /// Promote as soon as the canary is ready, without looking any further.
    SkipAnalysis,
}

impl AskVerb {
    /// As it is typed.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Abort => "abort",
            Self::Pause => "pause",
            Self::Resume => "resume",
            Self::Approve => "approve",
            Self::SkipAnalysis => "skip-analysis",
        }
    }
}

/// One request. It names the run it is for, so that it cannot hit the next one.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Ask {
    /// Its ULID, by which it is answered.
    #[serde(skip)]
    pub id: String,
    /// What is asked.
    pub verb: AskVerb,
    /// ULID of the run.
    pub run: String,
    /// The gate that is to open, as the record tells of it: the next time that it closes is another one.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub gate: Option<Closed>,
    /// The revision that it is about, where it must not hit the next one.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub revision: Option<String>,
    /// Who asks, such as `alice@mbp/4711`.
    pub by: String,
    /// When, by the clock of whoever asks: for people only.
    pub at: Timestamp,
}
