//! A decision in the making. The only place that changes phase or weight, so that both are always announced.

use crate::canary::phase::Phase;
use crate::canary::weight::Routes;
use crate::rollout::decision::Decision;
use crate::rollout::decision::Effect;
use crate::rollout::decision::Next;
use crate::rollout::decision::Outcome;
use crate::rollout::decision::Reason;
use crate::rollout::event::EventKind;
use crate::rollout::event::Role;
use crate::rollout::observation::Observation;
use crate::rollout::plan::Plan;
use crate::rollout::status::Status;
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
        let from = self.seen.routes.unwrap_or(Routes::PRIMARY);
        self.effects.push(Effect::SetRoutes { routes, rollback });
        self.status.canary.canary_weight = routes.canary;
        if from != routes {
            self.events.push(EventKind::TrafficChanged {
                from: from.canary,
                to: routes.canary,
                mirror: routes.mirrored,
                object: String::new(),
                resource_version: String::new(),
                took_ms: 0,
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
        if let Reason::WaitingForWorkload {
            role,
            ready,
            desired,
            why,
        } = &reason
        {
            self.events.push(EventKind::WorkloadProgress {
                role: *role,
                ready: *ready,
                desired: *desired,
                reason: Some(why.clone()),
            });
        }
        Decision {
            reason: Some(reason),
            ..self.next(Next::Tick(until))
        }
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

    pub(super) fn done(self, outcome: Outcome) -> Decision {
        self.next(Next::Done(outcome))
    }
}

pub(super) fn millis(from: Timestamp, to: Timestamp) -> u64 {
    u64::try_from(to.duration_since(from).as_millis()).unwrap_or(0)
}
