//! One wake-up: which checks are due, and what to do with what they said.

mod bootstrap;
mod draft;
mod progress;
mod promote;
mod way_back;

use crate::canary::phase::Phase;
use crate::canary::weight::Routes;
use crate::rollout::decision::Check;
use crate::rollout::decision::CheckResult;
use crate::rollout::decision::Decision;
use crate::rollout::decision::Effect;
use crate::rollout::decision::Next;
use crate::rollout::decision::Outcome;
use crate::rollout::decision::Reason;
use crate::rollout::event::Role;
use crate::rollout::observation::Observation;
use crate::rollout::observation::Request;
use crate::rollout::plan::Plan;
use crate::rollout::readiness::Readiness;
use crate::rollout::readiness::new_pods;
use crate::rollout::readiness::readiness;
use crate::rollout::safe_side::SafeSide;
use crate::rollout::status::Status;
use draft::Draft;
use draft::later;
use jiff::SignedDuration;

/// A deadline that has passed by another clock than ours is looked at again after that long.
const SOON: SignedDuration = SignedDuration::from_secs(1);

/// The checks that this wake-up needs. Their results go into [`step`] with the same arguments.
#[must_use]
pub fn checks_due(plan: &Plan, status: &Status, seen: &Observation) -> Vec<Check> {
    let analysing = status.phase() == Phase::Progressing
        && seen.request.is_none()
        && status.ending.is_none()
        && progress::stage(plan, status, seen) == progress::Stage::Analyse;
    if analysing {
        (0..plan.metrics).map(Check::Metric).collect()
    } else {
        Vec::new()
    }
}

/// What to do now.
pub fn step(plan: &Plan, status: &Status, seen: &Observation, results: &[CheckResult]) -> Decision {
    let draft = Draft::new(plan, status, seen);
    if let Some(cause) = status.ending {
        return match seen.request {
            Some(Request::Leave(_)) => draft.done(Outcome::RolledBack(cause)),
            Some(Request::Interrupt(_) | Request::Hold(_) | Request::Abort | Request::Lost)
            | None => way_back::end(draft, cause),
        };
    }
    if let Some(request) = seen.request {
        return asked(draft, request, results);
    }
    by_phase(draft, results)
}

fn by_phase(draft: Draft<'_>, results: &[CheckResult]) -> Decision {
    match draft.status.phase() {
        Phase::New | Phase::Initializing => bootstrap::bootstrap(draft),
        Phase::Initialized
        | Phase::Succeeded
        | Phase::Failed
        | Phase::Terminating
        | Phase::Terminated => start(draft),
        // No gate exists that could hold a run: one that was held goes on.
        Phase::Waiting => start(draft),
        Phase::Progressing | Phase::WaitingPromotion => progress::progress(draft, results),
        Phase::Promoting => promote::promoting(draft),
        Phase::Finalising => promote::finalising(draft),
    }
}

/// Is there something to roll out, and may it begin?
fn start(mut draft: Draft<'_>) -> Decision {
    let (plan, seen) = (draft.plan, draft.seen);
    if draft.status.promotion_failed && seen.routes.is_some_and(|routes| !routes.canary.is_zero()) {
        return draft.done(Outcome::Split);
    }
    let Some(primary) = &seen.primary else {
        return bootstrap::begin(draft);
    };
    if !seen.apex_on_primary || seen.routes.is_none() || !seen.services_exist {
        return bootstrap::begin(draft);
    }
    if seen.routes.is_some_and(|routes| routes != Routes::PRIMARY) {
        return match way_back::side(&draft) {
            SafeSide::Primary | SafeSide::Target => {
                draft.set_routes(Routes::PRIMARY, false);
                draft.next(Next::Again)
            }
            SafeSide::Canary | SafeSide::Neither => draft.done(Outcome::Split),
        };
    }
    if seen.primary_is_current {
        return draft.done(Outcome::Unchanged);
    }
    if let Some(rejected) = draft
        .status
        .rejected
        .as_ref()
        .filter(|r| !plan.retry && r.revision == seen.revision)
    {
        let cause = rejected.cause;
        return draft.done(Outcome::AlreadyRejected(cause));
    }
    if let Some(decision) = unready(&mut draft, Role::Primary) {
        return decision;
    }
    let pods = if seen.canary.desired > 0 {
        seen.canary.desired
    } else {
        primary.desired.max(1)
    };
    // What the spec says of the route may have changed since it was made.
    draft.effects = vec![Effect::EnsureRoute, Effect::ScaleCanary(pods)];
    begin_analysis(&mut draft);
    draft.enter(Phase::Progressing);
    draft.status.waiting_since = Some(seen.at);
    draft.next(Next::Again)
}

/// Counters of a fresh analysis of the revision that is seen now.
fn begin_analysis(draft: &mut Draft<'_>) {
    let seen = draft.seen;
    let status = &mut draft.status;
    status.revision.clone_from(&seen.revision);
    status
        .canary
        .tracked_configs
        .clone_from(&seen.tracked_configs);
    status.canary.failed_checks = 0;
    status.canary.iterations = 0;
    status.canary.canary_weight = Routes::PRIMARY.canary;
    status.promoted_generation = None;
    status.promotion_failed = false;
    status.rejected = None;
    status.next_check = None;
    status.paused_since = None;
    status.passed = false;
    status.capacity_refused = false;
    status.drifts = 0;
}

/// Waits for a side, or gives it up; `None` once it is ready.
fn unready(draft: &mut Draft<'_>, role: Role) -> Option<Decision> {
    let (plan, seen) = (draft.plan, draft.seen);
    let (workload, percent) = match role {
        Role::Canary => (&seen.canary, plan.canary_ready_percent),
        Role::Primary => (seen.primary.as_ref()?, plan.primary_ready_percent),
    };
    let since = draft.status.waiting_since;
    match readiness(workload, percent, plan.progress_deadline, since, seen.at) {
        Readiness::Ready => None,
        Readiness::Waiting(why) => {
            let since = *draft.status.waiting_since.get_or_insert(seen.at);
            let mut deadline = later(since, plan.progress_deadline);
            if let Some(since) = workload.unavailable_since {
                let own = later(since, plan.progress_deadline);
                deadline = deadline.min(own.max(seen.at + SOON));
            }
            let reason = Reason::WaitingForWorkload {
                role,
                ready: new_pods(workload),
                desired: workload.desired,
                why,
            };
            Some(draft.clone().wait(reason, Some(deadline)))
        }
        Readiness::TimedOut(why) => Some(way_back::workload(draft.clone(), role, &why)),
    }
}

/// A person or the system asks the driver to stop.
fn asked(draft: Draft<'_>, request: Request, results: &[CheckResult]) -> Decision {
    match draft.status.phase() {
        Phase::New
        | Phase::Initializing
        | Phase::Initialized
        | Phase::Waiting
        | Phase::Succeeded
        | Phase::Failed
        | Phase::Terminating
        | Phase::Terminated => way_back::stop(draft, request),
        Phase::Progressing | Phase::WaitingPromotion => way_back::leave_analysis(draft, request),
        Phase::Promoting => way_back::leave_promotion(draft, request),
        // All traffic is on the promoted primary: finishing is the safe way out.
        Phase::Finalising => match request {
            Request::Leave(_) if draft.seen.routes == Some(Routes::PRIMARY) => {
                draft.done(Outcome::Promoted)
            }
            Request::Leave(_)
            | Request::Interrupt(_)
            | Request::Hold(_)
            | Request::Abort
            | Request::Lost => by_phase(draft, results),
        },
    }
}

#[cfg(test)]
mod properties;
#[cfg(test)]
mod sequences;
#[cfg(test)]
mod tests;
#[cfg(test)]
mod world;
