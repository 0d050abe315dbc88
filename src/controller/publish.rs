//! Says what happened. Every event passes here, so that numbering, phase and weight are the same everywhere.

use crate::canary::holder::Holder;
use crate::canary::hook;
use crate::canary::phase::Phase;
use crate::canary::webhook::HookType;
use crate::canary::weight::Proof;
use crate::canary::weight::Weight;
use crate::controller::Controller;
use crate::controller::RunError;
use crate::port::alerts::Lost;
use crate::port::causes;
use crate::port::journal::Recorded;
use crate::port::lease::Held;
use crate::rollout::decision::Next;
use crate::rollout::decision::Reason;
use crate::rollout::event::Event;
use crate::rollout::event::EventKind;
use crate::rollout::event::Level;
use crate::rollout::event::Sample;
use crate::rollout::observation::Observation;
use crate::rollout::words;
use crate::rollout::words::WordsContext;
use std::error::Error;

/// What was said already and is not repeated.
#[derive(Debug, Default)]
pub(super) struct Said {
    introduced: bool,
    planned: bool,
    from: String,
    to: String,
    waiting: Option<EventKind>,
    phase: Phase,
    weight: Weight,
    rollback: Option<(u8, String)>,
}

impl Controller<'_> {
    pub(super) fn say(&mut self, kind: EventKind) {
        if let EventKind::WorkloadProgress { .. } | EventKind::GateWaiting { .. } = kind {
            if self.said.waiting.as_ref() == Some(&kind) {
                return;
            }
            self.said.waiting = Some(kind.clone());
        }
        if let EventKind::GateOpened { .. } = kind {
            // Its next closing is news.
            self.said.waiting = None;
        }
        let level = level(&kind);
        if let EventKind::TrafficChanged { to, .. } = kind {
            self.said.weight = to;
        }
        if let EventKind::PhaseChanged { to, .. } = kind {
            self.said.phase = to;
        }
        let weight = self.said.weight;
        let context = WordsContext {
            run: &self.document.run,
            namespace: &self.identity.namespace,
            canary: &self.identity.canary,
            from: &self.said.from,
            to: &self.said.to,
            weight,
            level,
        };
        let msg = words::message(&kind, &context);
        self.document.event_seq += 1;
        let event = Event {
            seq: self.document.event_seq,
            at: self.ports.clock.now(),
            level,
            run: self.document.run.clone(),
            namespace: self.identity.namespace.clone(),
            canary: self.identity.canary.clone(),
            phase: self.said.phase,
            weight,
            checksum: self.checksum(),
            msg,
            kind,
        };
        self.subscriber.on_event(&event);
    }

    /// Names what is being rolled out, for webhooks.
    pub(super) fn checksum(&self) -> String {
        let status = &self.document.status;
        hook::checksum(status.canary.tracked_configs.as_ref(), &status.revision)
    }

    /// Is it news that this rollback starts?
    pub(super) fn begins_rollback(&mut self, event: &EventKind) -> bool {
        let EventKind::RollbackStarted { code, reason } = event else {
            return false;
        };
        let rollback = Some((*code, reason.clone()));
        let news = self.said.rollback != rollback;
        self.said.rollback = rollback;
        news
    }

    /// The traffic arrived where the rollback sends it.
    pub(super) fn rollback_finished(&mut self, took_ms: u64) -> Option<EventKind> {
        let (code, reason) = self.said.rollback.take()?;
        Some(EventKind::RollbackFinished {
            code,
            reason,
            took_ms,
        })
    }

    /// The first lines: what is there, and once a rollout is due, what will be done.
    pub(super) fn introduce(&mut self, seen: &Observation) {
        if !self.said.introduced {
            self.said.introduced = true;
            self.said.phase = self.document.status.phase();
            self.said.weight = self.document.status.weight();
            let images = |images: &[String]| {
                images
                    .iter()
                    .map(|image| tag(image))
                    .collect::<Vec<_>>()
                    .join(",")
            };
            self.said.to = images(&seen.canary.images);
            let primary = seen
                .primary
                .as_ref()
                .map_or(&seen.canary.images, |primary| &primary.images);
            self.said.from = images(primary);
            self.say(EventKind::RunStarted {
                from: self.said.from.clone(),
                to: self.said.to.clone(),
                git: self.identity.spec_commit.chars().take(7).collect(),
                context: self.identity.context.clone(),
                provider: self.identity.provider.clone(),
                route: self.ports.router.object(),
                resumed: self.document.resumed,
                tool_version: self.identity.version.clone(),
            });
            self.plan.deadline = seen.at.checked_add(self.timeout).ok();
        }
        let phase = self.document.status.phase();
        let idle = matches!(phase, Phase::Initialized | Phase::Succeeded | Phase::Failed);
        let due =
            phase.is_running() || (idle && seen.primary.is_some() && !seen.primary_is_current);
        if due && !self.said.planned && self.document.status.ending.is_none() {
            self.said.planned = true;
            self.say(EventKind::RunPlan {
                strategy: self.plan.way.name(),
                weights: self.plan.way.weights().to_vec(),
                iterations: self.plan.way.iterations(),
                mirror: self.plan.way.mirrors(),
                interval_ms: u64::try_from(self.plan.interval.as_millis()).unwrap_or(0),
                threshold: self.plan.threshold,
                metrics: self
                    .identity
                    .metrics
                    .iter()
                    .map(|check| check.metric.name.clone())
                    .collect(),
                gates: self.gates(),
                estimate_ms: u64::try_from(self.plan.estimate().as_millis()).unwrap_or(0),
            });
        }
    }

    /// The hooks that hold the run until they say yes.
    fn gates(&self) -> Vec<String> {
        let hooks = self.plan.hooks.iter();
        let gates = hooks.filter(|hook| match hook.kind {
            HookType::ConfirmRollout
            | HookType::ConfirmTrafficIncrease
            | HookType::ConfirmPromotion => true,
            HookType::PreRollout
            | HookType::Rollout
            | HookType::PostRollout
            | HookType::Rollback
            | HookType::Event => false,
        });
        gates.map(|hook| hook.name.clone()).collect()
    }

    pub(super) fn say_waiting(&mut self, reason: &Reason, next: &Next, proof: &Proof) {
        let until = match next {
            Next::Tick(until) => *until,
            Next::At(until) => Some(*until),
            Next::Again | Next::Done(_) => None,
        };
        let soaking = match reason {
            Reason::Soaking | Reason::Paused | Reason::WaitingForRoute(_) => true,
            // Pods and gates are reported by events of their own.
            Reason::WaitingForWorkload { .. }
            | Reason::WaitingForCapacity { .. }
            | Reason::Gate { .. }
            | Reason::Draining => false,
        };
        if let Some(until) = until.filter(|_| soaking) {
            let left = until.duration_since(self.ports.clock.now()).as_millis();
            self.say(EventKind::Heartbeat {
                next_look_ms: u64::try_from(left).unwrap_or(0),
                in_effect: match proof {
                    Proof::InEffect => Some(true),
                    Proof::Pending(_) => Some(false),
                    Proof::Unknown => None,
                },
                reason: match proof {
                    Proof::Pending(why) => Some(why.clone()),
                    Proof::InEffect | Proof::Unknown => None,
                },
            });
        }
    }

    pub(super) fn say_recorded(&mut self, recorded: &[Recorded]) {
        for recorded in recorded {
            self.say(EventKind::StatusRecorded {
                commit: recorded.commit.clone(),
                reference: recorded.reference.clone(),
                path: recorded.path.clone(),
            });
        }
    }

    pub(super) fn say_warning(&mut self, code: &str, message: &str, error: &(dyn Error + 'static)) {
        self.say(EventKind::Diagnostic {
            code: code.to_owned(),
            message: message.to_owned(),
            causes: told(error),
            file: None,
            span: None,
            help: None,
        });
    }

    /// Somebody else drives, and is waited for.
    pub(super) fn say_queued(&mut self, held: &Held) {
        if self.ports.precedes.is_none() {
            return;
        }
        let holder = Holder::parse(&held.holder);
        let by = holder.map_or_else(|| held.holder.clone(), |holder| holder.short());
        self.say(EventKind::Diagnostic {
            code: "flagger::run::queued".to_owned(),
            message: format!("{by} is driving, and is waited for"),
            causes: Vec::new(),
            file: None,
            span: None,
            help: None,
        });
    }

    pub(super) fn say_lost(&mut self, lost: &Lost) {
        let Lost {
            receiver,
            count,
            why,
        } = lost;
        let messages = if *count == 1 { "message" } else { "messages" };
        self.say(EventKind::Diagnostic {
            code: "flagger::alerts::lost".to_owned(),
            message: format!("{count} {messages} did not reach {receiver}"),
            causes: vec![why.clone()],
            file: None,
            span: None,
            help: None,
        });
    }

    /// A failure midway, once: its repeats only cost lines.
    pub(super) fn say_failure(&mut self, error: &RunError, count: u32) {
        if count > 1 {
            return;
        }
        let code =
            miette::Diagnostic::code(error).map_or_else(String::new, |code| code.to_string());
        self.say(EventKind::Diagnostic {
            code,
            message: error.to_string(),
            causes: error.source().map(told).unwrap_or_default(),
            file: None,
            span: None,
            help: miette::Diagnostic::help(error).map(|help| help.to_string()),
        });
    }
}

fn told(error: &(dyn Error + 'static)) -> Vec<String> {
    let mut causes: Vec<String> = causes::chain(error).map(ToString::to_string).collect();
    causes.dedup();
    causes
}

/// What people call an image: its tag, or its digest's first digits, else its name.
fn tag(image: &str) -> String {
    if let Some((_, digest)) = image.split_once("@sha256:") {
        return digest.chars().take(12).collect();
    }
    let last = image.rsplit('/').next().unwrap_or(image);
    last.rsplit_once(':')
        .map_or(last, |(_, tag)| tag)
        .to_owned()
}

fn level(kind: &EventKind) -> Level {
    match kind {
        EventKind::CheckHeld { .. }
        | EventKind::GateWaiting { .. }
        | EventKind::SignalReceived { .. }
        | EventKind::IntentReceived { .. }
        | EventKind::StatusFailed { .. }
        | EventKind::Diagnostic { .. } => Level::Warn,
        EventKind::RollbackStarted { .. } | EventKind::RollbackFinished { .. } => Level::Error,
        EventKind::MetricSampled(Sample { ok, .. }) | EventKind::WebhookCalled { ok, .. } => {
            if *ok { Level::Info } else { Level::Warn }
        }
        EventKind::RunFinished { exit_code, .. } => {
            if *exit_code == 0 {
                Level::Info
            } else {
                Level::Error
            }
        }
        EventKind::RunStarted { .. }
        | EventKind::RunPlan { .. }
        | EventKind::PhaseChanged { .. }
        | EventKind::WorkloadReady { .. }
        | EventKind::WorkloadProgress { .. }
        | EventKind::TrafficChanged { .. }
        | EventKind::IterationStarted { .. }
        | EventKind::GateOpened { .. }
        | EventKind::CheckPassed { .. }
        | EventKind::StatusRecorded { .. }
        | EventKind::Heartbeat { .. } => Level::Info,
    }
}

#[cfg(test)]
mod tests {
    use super::tag;

    #[test]
    fn an_image_is_called_by_its_tag() {
        assert_eq!(tag("ghcr.io/stefanprodan/podinfo:6.0.1"), "6.0.1");
        assert_eq!(tag("localhost:5000/podinfo"), "podinfo");
        assert_eq!(tag("podinfo@sha256:0123456789abcdef"), "0123456789ab");
    }
}
