//! What another process asks of the one that drives a canary.
//!
//! Only the words: how they travel is an adapter's matter.

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
}

impl AskVerb {
    /// As it is typed.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Abort => "abort",
            Self::Pause => "pause",
            Self::Resume => "resume",
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
    /// Who asks, such as `alice@mbp/4711`.
    pub by: String,
    /// When, by the clock of whoever asks: for people only.
    pub at: Timestamp,
}
