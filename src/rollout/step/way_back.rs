//! Every way out that is not the plan. The route is always the first effect; a way back never waits.

use crate::canary::phase::Phase;
use crate::canary::weight::Routes;
use crate::rollout::decision::Cause;
use crate::rollout::decision::Decision;
use crate::rollout::decision::Effect;
use crate::rollout::decision::Next;
use crate::rollout::decision::Outcome;
use crate::rollout::decision::Reason;
use crate::rollout::event::EventKind;
use crate::rollout::event::Role;
use crate::rollout::event::Signal;
use crate::rollout::observation::Request;
use crate::rollout::safe_side::SafeSide;
use crate::rollout::safe_side::Side;
use crate::rollout::safe_side::safe_side;
use crate::rollout::status::Rejected;
use crate::rollout::step::draft::Draft;
use crate::rollout::step::draft::later;
use crate::rollout::step::progress::may_lower;
use crate::rollout::step::promote::takeover;

/// Which side may have the users now.
pub(super) fn side(draft: &Draft<'_>) -> SafeSide {
    let seen = draft.seen;
    let primary = Side {
        ready: seen.primary.as_ref().map_or(0, |primary| primary.ready),
    };
    let takeover = takeover(draft.plan, &draft.status, seen);
    safe_side(
        draft.status.phase(),
        takeover,
        primary,
        Side {
            ready: seen.canary.ready,
        },
    )
}

pub(super) fn threshold(draft: Draft<'_>) -> Decision {
    let failed = draft.status.canary.failed_checks;
    let why = format!("{failed} of {} failed checks", draft.plan.threshold);
    roll_back(draft, Cause::Analysis, &why)
}

pub(super) fn workload(mut draft: Draft<'_>, role: Role, why: &str) -> Decision {
    let name = match role {
        Role::Canary => "canary",
        Role::Primary => "primary",
    };
    let why = format!("{name} not ready: {why}");
    match draft.status.phase() {
        Phase::New | Phase::Initializing => {
            // Users never left the target: nothing is undone, and the next run begins where this one stopped.
            draft.enter(Phase::Failed);
            draft.events.push(EventKind::RollbackStarted {
                code: Cause::Workload.exit_code(),
                reason: why,
            });
            draft.done(Outcome::RolledBack(Cause::Workload))
        }
        Phase::Initialized
        | Phase::Waiting
        | Phase::Progressing
        | Phase::WaitingPromotion
        | Phase::Promoting
        | Phase::Finalising
        | Phase::Succeeded
        | Phase::Failed
        | Phase::Terminating
        | Phase::Terminated => roll_back(draft, Cause::Workload, &why),
    }
}

/// Users go to the side that may have them, which before a promotion is the primary.
pub(super) fn roll_back(mut draft: Draft<'_>, cause: Cause, why: &str) -> Decision {
    let side = side(&draft);
    let analysed = draft.status.phase().is_running();
    draft.events.push(EventKind::RollbackStarted {
        code: cause.exit_code(),
        reason: why.to_owned(),
    });
    draft.status.gate = None;
    draft.status.gate_due = None;
    draft.status.blind_since = None;
    match side {
        SafeSide::Primary | SafeSide::Target => {}
        SafeSide::Canary => {
            draft.set_routes(Routes::CANARY, true);
            draft.enter(Phase::Failed);
            return draft.close(Outcome::Split);
        }
        SafeSide::Neither => {
            draft.enter(Phase::Failed);
            return draft.close(Outcome::Split);
        }
    }
    draft.set_routes(Routes::PRIMARY, true);
    draft.enter(Phase::Failed);
    draft.status.canary.failed_checks = 0;
    draft.status.canary.iterations = 0;
    draft
        .status
        .canary
        .tracked_configs
        .clone_from(&draft.seen.tracked_configs);
    draft.status.ending = Some(cause);
    // Before an analysis began there was nothing to find against the new revision.
    if cause.rejects() && analysed {
        draft.status.rejected = Some(Rejected {
            revision: draft.status.revision.clone(),
            cause,
        });
    }
    draft.next(Next::Again)
}

/// Traffic is on the primary: its pods may leave after the drain.
pub(super) fn end(mut draft: Draft<'_>, cause: Cause) -> Decision {
    let seen = draft.seen;
    if seen.routes.is_some_and(|routes| routes != Routes::PRIMARY) {
        if !may_lower(seen) {
            // Someone sent users back to it, and the primary has no pods for them.
            draft.status.ending = None;
            draft.set_routes(Routes::CANARY, true);
            return draft.close(Outcome::Split);
        }
        draft.set_routes(Routes::PRIMARY, true);
        return draft.next(Next::Again);
    }
    let since = *draft.status.weight_since.get_or_insert(seen.at);
    let drained = later(since, draft.plan.drain);
    if seen.at < drained && seen.canary.desired > 0 {
        return draft.wait_exactly(Reason::Draining, drained);
    }
    draft.effects.push(Effect::ScaleCanary(0));
    draft.status.ending = None;
    let outcome = cause.outcome();
    // What was called off has neither succeeded nor failed.
    if draft.status.phase() == Phase::Failed {
        draft.close(outcome)
    } else {
        draft.done(outcome)
    }
}

/// The target asks for what the primary runs: users go there, and nothing is left to do.
pub(super) fn reverted(mut draft: Draft<'_>) -> Decision {
    match side(&draft) {
        SafeSide::Primary => {}
        SafeSide::Canary | SafeSide::Target | SafeSide::Neither => {
            let why = "the target was put back, and the primary has no pods";
            return roll_back(draft, Cause::Workload, why);
        }
    }
    draft.events.push(EventKind::Diagnostic {
        code: "flagger::rollout::reverted".to_owned(),
        message: "the target asks for what the primary runs: nothing is left to roll out"
            .to_owned(),
        causes: Vec::new(),
        file: None,
        span: None,
        help: None,
    });
    draft.set_routes(Routes::PRIMARY, false);
    draft.enter(Phase::Initialized);
    draft.status.canary.failed_checks = 0;
    draft.status.canary.iterations = 0;
    let configs = &draft.seen.tracked_configs;
    draft.status.canary.tracked_configs.clone_from(configs);
    draft.status.revision.clone_from(&draft.seen.revision);
    draft.status.gate = None;
    draft.status.ending = Some(Cause::Reverted);
    draft.next(Next::Again)
}

/// A gate had its time.
pub(super) fn gate(mut draft: Draft<'_>, cause: Cause, why: &str) -> Decision {
    if draft.status.phase() == Phase::Waiting {
        // Nothing has moved.
        draft.events.push(EventKind::RollbackStarted {
            code: cause.exit_code(),
            reason: why.to_owned(),
        });
        return draft.done(Outcome::RolledBack(cause));
    }
    roll_back(draft, cause, why)
}

/// The primary never took the new template over: users go to the canary, whose pods are kept.
pub(super) fn failed_promotion(mut draft: Draft<'_>) -> Decision {
    let reason = "the primary did not become ready with the new revision".to_owned();
    draft.events.push(EventKind::RollbackStarted {
        code: Outcome::Split.exit_code(),
        reason,
    });
    match side(&draft) {
        SafeSide::Canary => draft.set_routes(Routes::CANARY, true),
        SafeSide::Primary => draft.set_routes(Routes::PRIMARY, true),
        SafeSide::Target | SafeSide::Neither => {}
    }
    draft.enter(Phase::Failed);
    draft.status.canary.failed_checks = 0;
    draft.status.canary.iterations = 0;
    draft.status.promotion_failed = true;
    draft.close(Outcome::Split)
}

/// Stopped where no traffic is on the way.
pub(super) fn stop(draft: Draft<'_>, request: Request) -> Decision {
    draft.done(match request {
        Request::Interrupt(signal) | Request::Hold(signal) | Request::Leave(signal) => {
            Outcome::Stopped(signal)
        }
        Request::Abort => Outcome::RolledBack(Cause::Aborted),
        Request::Lost => Outcome::RolledBack(Cause::Workload),
    })
}

pub(super) fn leave_analysis(draft: Draft<'_>, request: Request) -> Decision {
    match request {
        Request::Interrupt(signal) | Request::Leave(signal) => {
            roll_back(draft, Cause::Signal(signal), signal_name(signal))
        }
        Request::Abort => roll_back(draft, Cause::Aborted, "asked to"),
        Request::Lost => roll_back(
            draft,
            Cause::Workload,
            "the cluster or the metrics were lost",
        ),
        Request::Hold(_) => {
            let weight = draft.status.weight();
            draft.done(Outcome::Held(weight))
        }
    }
}

/// After the template was replaced the old version cannot be claimed: users stay on the safe side.
pub(super) fn leave_promotion(mut draft: Draft<'_>, request: Request) -> Decision {
    let target = match (request, side(&draft)) {
        (Request::Hold(_), _) | (_, SafeSide::Target | SafeSide::Neither) => None,
        (
            Request::Interrupt(_) | Request::Leave(_) | Request::Abort | Request::Lost,
            SafeSide::Primary,
        ) => Some(Routes::PRIMARY),
        (
            Request::Interrupt(_) | Request::Leave(_) | Request::Abort | Request::Lost,
            SafeSide::Canary,
        ) => Some(Routes::CANARY),
    };
    if let Some(routes) = target {
        draft.set_routes(routes, true);
    }
    let weight = draft.status.weight();
    draft.done(match request {
        // Nobody asked for it: it is not known which version serves.
        Request::Lost => Outcome::Split,
        Request::Interrupt(_) | Request::Hold(_) | Request::Leave(_) | Request::Abort => {
            Outcome::Held(weight)
        }
    })
}

const fn signal_name(signal: Signal) -> &'static str {
    match signal {
        Signal::Hup => "the terminal went away (HUP)",
        Signal::Int => "interrupted (INT)",
        Signal::Term => "asked to end (TERM)",
    }
}
