//! A decision in the making. The only place that changes phase or weight, so that both are always announced.

use crate::canary::phase::Phase;
use crate::canary::webhook::HookType;
use crate::canary::weight::Routes;
use crate::rollout::decision::Cause;
use crate::rollout::decision::Decision;
use crate::rollout::decision::Effect;
use crate::rollout::decision::Next;
use crate::rollout::decision::Outcome;
use crate::rollout::decision::Reason;
use crate::rollout::event::EventKind;
use crate::rollout::event::Role;
use crate::rollout::observation::Observation;
use crate::rollout::plan::Hook;
use crate::rollout::plan::Plan;
use crate::rollout::status::Closed;
use crate::rollout::status::Status;
use crate::rollout::step::way_back;
use crate::rollout::words::figures::duration;
use jiff::SignedDuration;
use jiff::Timestamp;

#[derive(Clone)]
pub(super) struct Draft<'a> {
    pub(super) plan: &'a Plan,
    pub(super) seen: &'a Observation,
    pub(super) status: Status,
    pub(super) effects: Vec<Effect>,
    pub(super) events: Vec<EventKind>,
}

impl<'a> Draft<'a> {
    pub(super) fn new(plan: &'a Plan, status: &Status, seen: &'a Observation) -> Self {
        Self {
            plan,
            seen,
            status: status.clone(),
            effects: Vec::new(),
            events: Vec::new(),
        }
    }

    pub(super) fn enter(&mut self, to: Phase) {
        let from = self.status.phase();
        if from != to {
            self.status.enter(to, self.seen.at);
            self.events.push(EventKind::PhaseChanged { from, to });
        }
    }

    pub(super) fn set_routes(&mut self, routes: Routes, rollback: bool) {
        let seen = self.seen.routes.unwrap_or(Routes::PRIMARY);
        // Where somebody else brought it there already, it is news all the same.
        let from = if seen == routes {
            self.status.weight()
        } else {
            seen.canary
        };
        self.effects.push(Effect::SetRoutes { routes, rollback });
        self.status.approved.clear();
        self.status.canary.canary_weight = routes.canary;
        self.status.mirrored = routes.mirrored;
        if let Some(affinity) = &self.plan.affinity {
            let revision = &self.status.revision;
            affinity.moved(&mut self.status.canary, revision, routes.canary);
        }
        if seen != routes || from != routes.canary {
            self.events.push(EventKind::TrafficChanged {
                from,
                to: routes.canary,
                mirror: routes.mirrored,
                object: String::new(),
                resource_version: String::new(),
                took_ms: 0,
            });
        }
    }

    /// One iteration more.
    pub(super) fn count(&mut self) {
        let (done, all) = (self.status.canary.iterations, self.plan.way.iterations());
        self.status.canary.iterations = done.saturating_add(1);
        self.status.look_after(self.seen.at, self.plan.interval);
        self.status.approved.clear();
        let iteration = u32::try_from(self.status.canary.iterations).unwrap_or(0);
        // After the last one comes the switch, which speaks for itself.
        if iteration <= all {
            self.events.push(EventKind::IterationStarted {
                iteration,
                iterations: all,
            });
        }
    }

    /// The wait for a side is over.
    pub(super) fn ready(&mut self, role: Role) {
        let Some(since) = self.status.waiting_since.take() else {
            return;
        };
        let workload = match role {
            Role::Canary => Some(&self.seen.canary),
            Role::Primary => self.seen.primary.as_ref(),
        };
        if let Some(workload) = workload {
            self.events.push(EventKind::WorkloadReady {
                role,
                ready: workload.available,
                desired: workload.desired,
                took_ms: millis(since, self.seen.at),
            });
        }
    }

    pub(super) fn wait(mut self, reason: Reason, until: Option<Timestamp>) -> Decision {
        match &reason {
            Reason::WaitingForWorkload {
                role,
                ready,
                desired,
                why,
            } => self.events.push(EventKind::WorkloadProgress {
                role: *role,
                ready: *ready,
                desired: *desired,
                reason: Some(why.clone()),
            }),
            Reason::WaitingForCapacity {
                role,
                ready,
                needed,
            } => self.events.push(EventKind::WorkloadProgress {
                role: *role,
                ready: *ready,
                desired: *needed,
                reason: Some("its share needs more pods".to_owned()),
            }),
            Reason::Gate { name, kind } => self.events.push(EventKind::GateWaiting {
                name: name.clone(),
                gate: kind,
            }),
            Reason::WaitingForRoute(_) | Reason::Soaking | Reason::Paused | Reason::Draining => {}
        }
        let gate = self.status.gate_due.filter(|due| *due > self.seen.at);
        let ends = [self.deadline(), self.status.paused_until, gate];
        let until = ends.into_iter().flatten().chain(until).min();
        Decision {
            reason: Some(reason),
            ..self.next(Next::Tick(until))
        }
    }

    /// The end of the run's time, where reaching it changes something.
    fn deadline(&self) -> Option<Timestamp> {
        let counts = self.status.phase() == Phase::Progressing && self.status.time_counts();
        self.plan
            .deadline
            .filter(|end| counts && *end > self.seen.at)
    }

    pub(super) fn wait_exactly(self, reason: Reason, until: Timestamp) -> Decision {
        Decision {
            reason: Some(reason),
            ..self.next(Next::At(until))
        }
    }

    pub(super) fn next(self, next: Next) -> Decision {
        Decision {
            effects: self.effects,
            status: self.status,
            events: self.events,
            next,
            reason: None,
        }
    }

    /// A gate did not open: it is asked again at the next look, for as long as it may stay closed.
    pub(super) fn closed(mut self, hook: &Hook) -> Decision {
        let another = |gate: &Closed| gate.name != hook.name || gate.kind != hook.kind();
        if self.status.gate.as_ref().is_some_and(another) {
            self.opened();
        }
        let gate = self.status.gate.get_or_insert_with(|| Closed {
            name: hook.name.clone(),
            kind: hook.kind().to_owned(),
            since: self.seen.at,
        });
        let over = later(gate.since, self.plan.gate_for);
        if self.plan.gates_fail {
            let why = format!(
                "{} did not open, and --gates fail says not to wait",
                hook.name
            );
            self.status.gate = None;
            return way_back::gate(self, Cause::Aborted, &why);
        }
        if self.seen.at >= over {
            let closed = duration(millis(gate.since, self.seen.at));
            let why = format!("{} did not open for {closed}", hook.name);
            self.status.gate = None;
            return way_back::gate(self, Cause::Timeout, &why);
        }
        self.status.look_after(self.seen.at, self.plan.interval);
        // At the end of its time it is asked once more.
        self.status.next_check = self.status.next_check.map(|look| look.min(over));
        self.status.gate_due = self.plan.gate_poll.map(|poll| later(self.seen.at, poll));
        if self.status.phase() == Phase::Waiting {
            // Nothing is measured yet: a look is nothing but the question.
            let due = self.status.gate_due.take().into_iter();
            self.status.next_check = due.chain(self.status.next_check).min();
        }
        let until = self.status.next_check;
        let reason = Reason::Gate {
            name: hook.name.clone(),
            kind: hook.kind(),
        };
        self.wait(reason, until)
    }

    /// No gate holds the run any more.
    pub(super) fn opened(&mut self) {
        self.status.gate_due = None;
        if let Some(gate) = self.status.gate.take() {
            let at = self.plan.gate(&gate);
            let mut approved = self.status.approved.iter();
            let person = approved.rfind(|one| Some(one.hook) == at);
            self.events.push(EventKind::GateOpened {
                waited_ms: millis(gate.since, self.seen.at),
                name: gate.name,
                by: person.map(|one| one.asked.by.clone()),
            });
        }
    }

    /// The run is over; its `post-rollout` hooks are told first.
    pub(super) fn close(mut self, outcome: Outcome) -> Decision {
        if !self.plan.calls(HookType::PostRollout) {
            return self.done(outcome);
        }
        self.status.answered.clear();
        self.status.closing = Some(outcome);
        self.next(Next::Again)
    }

    pub(super) fn done(self, outcome: Outcome) -> Decision {
        self.next(Next::Done(outcome))
    }
}

/// That much later; the end of time where a spec asks for more than there is.
pub(super) fn later(at: Timestamp, by: SignedDuration) -> Timestamp {
    at.checked_add(by).unwrap_or(Timestamp::MAX)
}

pub(super) fn millis(from: Timestamp, to: Timestamp) -> u64 {
    u64::try_from(to.duration_since(from).as_millis()).unwrap_or(0)
}
