//! What people are told who do not watch: which events alert them, how badly, and in which words. And which events
//! Flagger would have recorded, for those who listen to them.
//!
//! Must not know any chat.

use crate::canary::alert::Severity;
use crate::canary::phase::Phase;
use crate::rollout::event::Event;
use crate::rollout::event::EventKind;
use crate::rollout::words::figures::one_line;
use crate::rollout::words::figures::short_run;
use std::collections::BTreeSet;

/// One alert.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Notice {
    /// How bad it is.
    pub severity: Severity,
    /// What happened, where, and what to do: a line each.
    pub text: String,
    /// Do the plan's figures belong to it?
    pub with_plan: bool,
}

/// Finds the alerts of a run in its events: at most one tells of its end.
#[derive(Clone, Debug, Default)]
pub struct Notices {
    cluster: Option<String>,
    from: String,
    to: String,
    git: String,
    context: String,
    muted: BTreeSet<String>,
    rollback: Option<(u8, String)>,
    ended: bool,
}

impl Notices {
    /// `cluster` is what people call it; else the context of the kubeconfig has to do. Nobody is told of the gates
    /// that are `muted`.
    #[must_use]
    pub fn new(cluster: Option<String>, muted: BTreeSet<String>) -> Self {
        Self {
            cluster,
            muted,
            ..Self::default()
        }
    }

    /// The alert that this event raises, if it does. Facts come first: a rollback alerts once its traffic is back.
    pub fn hear(&mut self, event: &Event) -> Option<Notice> {
        match &event.kind {
            EventKind::RunStarted {
                from,
                to,
                git,
                context,
                ..
            } => {
                self.from.clone_from(from);
                self.to.clone_from(to);
                self.git.clone_from(git);
                self.context.clone_from(context);
                None
            }
            EventKind::RollbackStarted { code, reason } => {
                self.rollback = Some((*code, one_line(reason)));
                None
            }
            EventKind::PhaseChanged { from, to } => self.phase(event, *from, *to),
            EventKind::GateWaiting { name, gate } => {
                if self.muted.contains(name) {
                    return None;
                }
                let (new, weight) = (&self.to, event.weight);
                let what = format!("{new} waits at {weight}%: the gate {name} ({gate}) is closed");
                let next = format!("open {name}");
                Some(self.notice(event, Severity::Warn, &what, Some(&next), false))
            }
            EventKind::RunFinished { exit_code, .. } => (*exit_code == SPLIT && !self.ended)
                .then(|| self.rolled_back(event, SPLIT, "it could not be put right")),
            EventKind::RunPlan { .. }
            | EventKind::WorkloadReady { .. }
            | EventKind::WorkloadProgress { .. }
            | EventKind::TrafficChanged { .. }
            | EventKind::IterationStarted { .. }
            | EventKind::MetricSampled(_)
            | EventKind::CheckPassed { .. }
            | EventKind::CheckHeld { .. }
            | EventKind::WebhookCalled { .. }
            | EventKind::GateOpened { .. }
            | EventKind::SignalReceived { .. }
            | EventKind::IntentReceived { .. }
            | EventKind::RollbackFinished { .. }
            | EventKind::StatusRecorded { .. }
            | EventKind::StatusFailed { .. }
            | EventKind::Heartbeat { .. }
            | EventKind::Diagnostic { .. } => None,
        }
    }

    fn phase(&mut self, event: &Event, from: Phase, to: Phase) -> Option<Notice> {
        match to {
            Phase::Initialized => {
                let what = format!("{} is set up: the primary serves it", self.to);
                Some(self.notice(event, Severity::Info, &what, None, true))
            }
            Phase::Progressing if from != Phase::WaitingPromotion => {
                let what = format!("{} -> {}: the analysis begins", self.from, self.to);
                Some(self.notice(event, Severity::Info, &what, None, true))
            }
            Phase::Succeeded => {
                self.ended = true;
                let what = format!("{} is promoted: the primary serves it", self.to);
                Some(self.notice(event, Severity::Info, &what, None, false))
            }
            Phase::Failed => {
                let (code, reason) = self.rollback.take()?;
                Some(self.rolled_back(event, code, &reason))
            }
            Phase::New
            | Phase::Initializing
            | Phase::Waiting
            | Phase::Progressing
            | Phase::WaitingPromotion
            | Phase::Promoting
            | Phase::Finalising
            | Phase::Terminating
            | Phase::Terminated => None,
        }
    }

    fn rolled_back(&mut self, event: &Event, code: u8, reason: &str) -> Notice {
        self.ended = true;
        let (old, new) = (&self.from, &self.to);
        let users = match (event.weight.percent(), event.weight.rest()) {
            (0, _) => format!("users are on {old}"),
            (100, _) => format!("users are on {new}"),
            (canary, primary) => format!("{canary}% of users are on {new}, {primary}% on {old}"),
        };
        let what = if code == SPLIT {
            format!("{new} was not promoted and not rolled back: {reason}; {users}")
        } else {
            format!("{new} was rolled back: {reason}; {users}")
        };
        let severity = if by_hand(code) {
            Severity::Warn
        } else {
            Severity::Error
        };
        // After a signal, and where traffic is split, nothing keeps the revision from being driven again.
        let retry = if (10..SPLIT).contains(&code) {
            " --retry"
        } else {
            ""
        };
        let (name, namespace) = (&event.canary, &event.namespace);
        let next = format!("kubectl flagger promote {name} -n {namespace}{retry}");
        self.notice(event, severity, &what, Some(&next), false)
    }

    fn notice(
        &self,
        event: &Event,
        severity: Severity,
        what: &str,
        next: Option<&str>,
        with_plan: bool,
    ) -> Notice {
        let cluster = self.cluster.as_ref().unwrap_or(&self.context);
        let (git, run) = (&self.git, short_run(&event.run));
        let next = next.map_or_else(String::new, |next| format!("\nnext: {next}"));
        Notice {
            severity,
            text: format!("{what}\ncluster {cluster}, commit {git}, run {run}{next}"),
            with_plan,
        }
    }
}

/// The exit code that tells of traffic on both versions, or on the wrong one.
const SPLIT: u8 = 20;

/// Did a person, a hook or a signal want it?
const fn by_hand(code: u8) -> bool {
    code == 12 || code > 128
}

/// Would Flagger have recorded it as a Kubernetes Event? Then whether as a warning.
#[must_use]
pub fn as_flaggers_event(kind: &EventKind) -> Option<bool> {
    match kind {
        EventKind::TrafficChanged { .. } | EventKind::IterationStarted { .. } => Some(false),
        EventKind::PhaseChanged { to, .. } => phase_as_flaggers_event(*to),
        EventKind::WebhookCalled { hook, ok, .. } => match (*hook, ok) {
            // A yes of this one begins a rollback.
            ("rollback", yes) => Some(*yes),
            ("post-rollout", false) => Some(true),
            // A failed one is told as the check that was held, or the gate that is closed.
            ("rollout", _) | (_, false) => None,
            (_, true) => Some(false),
        },
        EventKind::WorkloadProgress { .. }
        | EventKind::CheckHeld { .. }
        | EventKind::GateWaiting { .. }
        | EventKind::RollbackStarted { .. }
        | EventKind::StatusFailed { .. }
        | EventKind::Diagnostic { .. } => Some(true),
        EventKind::RunStarted { .. }
        | EventKind::RunPlan { .. }
        | EventKind::WorkloadReady { .. }
        | EventKind::MetricSampled(_)
        | EventKind::CheckPassed { .. }
        | EventKind::GateOpened { .. }
        | EventKind::SignalReceived { .. }
        | EventKind::IntentReceived { .. }
        | EventKind::RollbackFinished { .. }
        | EventKind::StatusRecorded { .. }
        | EventKind::Heartbeat { .. }
        | EventKind::RunFinished { .. } => None,
    }
}

const fn phase_as_flaggers_event(to: Phase) -> Option<bool> {
    match to {
        Phase::Initialized
        | Phase::Progressing
        | Phase::Promoting
        | Phase::Succeeded
        | Phase::Terminating
        | Phase::Terminated => Some(false),
        Phase::Failed => Some(true),
        // Gates are told of by themselves.
        Phase::New
        | Phase::Initializing
        | Phase::Waiting
        | Phase::WaitingPromotion
        | Phase::Finalising => None,
    }
}

#[cfg(test)]
mod tests;
