//! What [`crate::rollout::step::step`] returns. Someone else performs it.

use crate::canary::hook::HookAnswer;
use crate::canary::weight::Routes;
use crate::canary::weight::Weight;
use crate::rollout::event::EventKind;
use crate::rollout::event::Miss;
use crate::rollout::event::Role;
use crate::rollout::event::Sample;
use crate::rollout::event::Signal;
use crate::rollout::status::Status;
use jiff::Timestamp;
use serde::Deserialize;
use serde::Serialize;
use std::fmt;

/// A check to run now.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Check {
    /// The metric at that place of `analysis.metrics`.
    Metric(usize),
    /// The hook at that place of `analysis.webhooks`.
    Hook(usize),
}

/// What a check said. An answer out of its limits, or no answer, is data.
#[derive(Clone, Debug, PartialEq)]
pub enum CheckResult {
    /// Within its limits.
    Passed(Sample),
    /// Out of its limits.
    Failed(Sample),
    /// No value: no samples, or the backend did not answer.
    Unavailable(Sample),
    /// What a hook said.
    Hook(HookAnswer),
}

impl CheckResult {
    /// The sample, whatever it says; hooks give none.
    #[must_use]
    pub const fn sample(&self) -> Option<&Sample> {
        match self {
            Self::Passed(sample) | Self::Failed(sample) | Self::Unavailable(sample) => Some(sample),
            Self::Hook(_) => None,
        }
    }

    /// Why a measurement did not pass; hooks have answers of their own.
    #[must_use]
    pub fn miss(&self) -> Option<Miss> {
        self.sample().and_then(|sample| sample.miss)
    }

    /// Did it pass?
    #[must_use]
    pub const fn passed(&self) -> bool {
        match self {
            Self::Passed(_) => true,
            Self::Failed(_) | Self::Unavailable(_) => false,
            Self::Hook(answer) => answer.passed,
        }
    }
}

/// Something to do to the cluster. All are absolute, so that a repeat changes nothing.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum Effect {
    /// The canary and primary services.
    EnsureServices,
    /// Copies of the tracked configs and of the workload.
    EnsurePrimary,
    /// The apex service selects the primary.
    SwitchApex,
    /// The route object exists.
    EnsureRoute,
    /// `spec.replicas` of the target.
    ScaleCanary(u32),
    /// Weights of the route. A way back carries its intent on the route itself.
    SetRoutes {
        /// The weights.
        routes: Routes,
        /// Is it a way back?
        rollback: bool,
    },
    /// The analysed template and configs become the primary's.
    Promote,
}

/// Why nothing is happening.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Reason {
    /// Pods are missing.
    WaitingForWorkload {
        /// Whose.
        role: Role,
        /// Available now.
        ready: u32,
        /// Asked for.
        desired: u32,
        /// In words.
        why: String,
    },
    /// The receiving side is too small for its share.
    WaitingForCapacity {
        /// Whose.
        role: Role,
        /// Available now.
        ready: u32,
        /// Needed for the share.
        needed: u32,
    },
    /// The router has not taken the weight over.
    WaitingForRoute(String),
    /// The weight soaks until the next look.
    Soaking,
    /// A gate is closed.
    Gate {
        /// The hook's name.
        name: String,
        /// Its type.
        kind: &'static str,
    },
    /// A person holds the weight where it is.
    Paused,
    /// Open connections finish.
    Draining,
}

/// When to look again.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Next {
    /// At once.
    Again,
    /// At that time, or at a change of the world. On the grid: at the next tick.
    Tick(Option<Timestamp>),
    /// At that time, on the grid too.
    At(Timestamp),
    /// It is over.
    Done(Outcome),
}

/// Why users are on the old version.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum Cause {
    /// Failed checks reached the threshold.
    Analysis,
    /// A workload never became ready, or broke.
    Workload,
    /// A person, a rollback hook, or foreign hands on the route.
    Aborted,
    /// The run's time, or that of a gate, was over.
    Timeout,
    /// The target asks for the primary's revision again: nothing is left to roll out.
    Reverted,
    /// A signal.
    Signal(Signal),
}

/// How a run ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum Outcome {
    /// The primary serves the new revision.
    Promoted,
    /// It did so before.
    Unchanged,
    /// The primary was created and serves.
    Bootstrapped,
    /// Users are on the old version.
    RolledBack(Cause),
    /// This revision was rolled back before, and nobody asked to try it again.
    AlreadyRejected(Cause),
    /// Left at that weight on request, or on the safe side of a promotion.
    Held(Weight),
    /// Stopped by a signal before anything moved.
    Stopped(Signal),
    /// Traffic is on the target after a failed promotion, or cannot be put right.
    Split,
}

impl Outcome {
    /// The word in the event stream and the record.
    #[must_use]
    pub const fn word(self) -> &'static str {
        match self {
            Self::Promoted => "promoted",
            Self::Unchanged => "unchanged",
            Self::Bootstrapped => "bootstrapped",
            Self::RolledBack(_) => "rolled-back",
            Self::AlreadyRejected(_) => "rejected-before",
            Self::Held(_) => "held",
            Self::Stopped(_) => "stopped",
            Self::Split => "split",
        }
    }

    /// The exit code: its tens digit says where the traffic is.
    #[must_use]
    pub const fn exit_code(self) -> u8 {
        match self {
            Self::Promoted | Self::Unchanged | Self::Bootstrapped => 0,
            Self::RolledBack(cause) | Self::AlreadyRejected(cause) => cause.exit_code(),
            Self::Held(_) => 21,
            Self::Stopped(signal) => Cause::Signal(signal).exit_code(),
            Self::Split => 20,
        }
    }
}

impl Cause {
    /// The exit code of a rollback for this cause.
    #[must_use]
    pub const fn exit_code(self) -> u8 {
        match self {
            Self::Analysis => 10,
            Self::Workload => 11,
            Self::Aborted => 12,
            Self::Timeout => 13,
            Self::Reverted => 0,
            Self::Signal(Signal::Hup) => 129,
            Self::Signal(Signal::Int) => 130,
            Self::Signal(Signal::Term) => 143,
        }
    }

    /// How a run ends whose users went home for this cause.
    #[must_use]
    pub const fn outcome(self) -> Outcome {
        match self {
            Self::Reverted => Outcome::Unchanged,
            Self::Analysis | Self::Workload | Self::Aborted | Self::Timeout | Self::Signal(_) => {
                Outcome::RolledBack(self)
            }
        }
    }

    /// Does it speak against the revision, so that it is not driven again unasked?
    #[must_use]
    pub const fn rejects(self) -> bool {
        match self {
            Self::Analysis | Self::Workload | Self::Aborted | Self::Timeout => true,
            Self::Reverted | Self::Signal(_) => false,
        }
    }
}

impl fmt::Display for Reason {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::WaitingForWorkload {
                role,
                ready,
                desired,
                why,
            } => {
                write!(f, "{role:?} {ready}/{desired} pods: {why}")
            }
            Self::WaitingForCapacity {
                role,
                ready,
                needed,
            } => {
                write!(
                    f,
                    "{role:?} has {ready} of {needed} pods that its share needs"
                )
            }
            Self::WaitingForRoute(why) => {
                write!(f, "the router has not taken the weight over: {why}")
            }
            Self::Soaking => f.write_str("until the next look"),
            Self::Gate { name, kind } => write!(f, "{kind} waits for {name} to open"),
            Self::Paused => f.write_str("paused"),
            Self::Draining => f.write_str("open connections finish"),
        }
    }
}

/// What to do, what to remember, what to say, and when to look again.
#[derive(Clone, Debug, PartialEq)]
#[must_use]
pub struct Decision {
    /// In this order; the first failure ends the interval.
    pub effects: Vec<Effect>,
    /// Recorded once all effects succeeded.
    pub status: Status,
    /// Published after that.
    pub events: Vec<EventKind>,
    /// When to look again.
    pub next: Next,
    /// Why nothing is happening, where nothing is.
    pub reason: Option<Reason>,
}
