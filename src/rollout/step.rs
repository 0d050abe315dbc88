//! One wake-up: which checks are due, and what to do with what they said.

mod bootstrap;
mod checks;
mod draft;
mod progress;
mod promote;
mod unjudged;
mod way_back;

use crate::canary::name::Word as _;
use crate::canary::phase::Phase;
use crate::canary::webhook::HookType;
use crate::canary::weight::Routes;
use crate::rollout::decision::Cause;
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
use crate::rollout::plan::OnMiss;
use crate::rollout::plan::Plan;
use crate::rollout::plan::Timing;
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

/// The checks that this wake-up needs, in this order; each is asked only if no earlier one [stops] the look.
/// Their results go into [`step`] with the same arguments.
#[must_use]
pub fn checks_due(plan: &Plan, status: &Status, seen: &Observation) -> Vec<Check> {
    checks::due(plan, status, seen)
}

/// Is nothing asked after this result? A rollback hook that says yes decides, as a miss of all others does.
#[must_use]
pub fn stops(plan: &Plan, check: &Check, result: &CheckResult) -> bool {
    let asks_to_stop = match check {
        // What is not judged must not hide what another metric says.
        Check::Metric(_) => {
            return result
                .miss()
                .is_some_and(|miss| plan.on(miss) == OnMiss::Fail);
        }
        Check::Hook(at) => plan
            .hooks
            .get(*at)
            .is_some_and(|hook| hook.kind == HookType::Rollback),
    };
    result.passed() == asks_to_stop
}

/// What to do now.
pub fn step(plan: &Plan, status: &Status, seen: &Observation, results: &[CheckResult]) -> Decision {
    let draft = Draft::new(plan, status, seen);
    if let Some(cause) = status.ending {
        return match seen.request {
            Some(Request::Leave(_))
                if seen.routes.is_none_or(|routes| routes == Routes::PRIMARY) =>
            {
                draft.done(cause.outcome())
            }
            Some(
                Request::Interrupt(_)
                | Request::Hold(_)
                | Request::Leave(_)
                | Request::Abort
                | Request::Lost,
            )
            | None => way_back::end(draft, cause),
        };
    }
    if status.closing.is_some() {
        return promote::closed(draft);
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
        | Phase::Waiting
        | Phase::Succeeded
        | Phase::Failed
        | Phase::Terminating
        | Phase::Terminated => start(draft, results),
        Phase::Progressing | Phase::WaitingPromotion => progress::progress(draft, results),
        Phase::Promoting => promote::promoting(draft),
        Phase::Finalising => promote::finalising(draft),
    }
}

/// Is there something to roll out, and may it begin?
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Start {
    /// Users are on the canary after a failed promotion.
    Split,
    /// Something that must exist does not.
    Incomplete,
    /// Traffic is where no run is.
    Stray,
    /// The primary runs what the target asks for.
    Unchanged,
    /// This revision was rolled back, and nobody asked to try it again.
    Rejected(Cause),
    PrimaryUnready,
    /// A gate holds it until the next look.
    Closed,
    Begin,
}

fn starting(plan: &Plan, status: &Status, seen: &Observation) -> Start {
    let Some(primary) = &seen.primary else {
        return Start::Incomplete;
    };
    let rejected = status.rejected.as_ref();
    let rejected = rejected.filter(|one| !plan.retry && one.revision == seen.revision);
    let ready = readiness(
        primary,
        plan.primary_ready_percent,
        plan.progress_deadline,
        status.waiting_since,
        seen.at,
    );
    let held = status.gate.is_some() && plan.timing == Timing::Event;
    match (seen.routes, rejected) {
        (Some(routes), _) if status.promotion_failed && !routes.canary.is_zero() => Start::Split,
        (None, _) => Start::Incomplete,
        _ if !seen.apex_on_primary || !seen.services_exist => Start::Incomplete,
        (Some(routes), _) if routes != Routes::PRIMARY => Start::Stray,
        _ if seen.primary_is_current => Start::Unchanged,
        (_, Some(rejected)) => Start::Rejected(rejected.cause),
        _ if ready != Readiness::Ready => Start::PrimaryUnready,
        _ if held && status.next_check.is_some_and(|due| seen.at < due) => Start::Closed,
        _ => Start::Begin,
    }
}

fn start(mut draft: Draft<'_>, results: &[CheckResult]) -> Decision {
    match starting(draft.plan, &draft.status, draft.seen) {
        Start::Split => draft.done(Outcome::Split),
        Start::Incomplete => bootstrap::begin(draft),
        Start::Stray => match way_back::side(&draft) {
            SafeSide::Primary | SafeSide::Target => {
                draft.set_routes(Routes::PRIMARY, false);
                draft.next(Next::Again)
            }
            SafeSide::Canary | SafeSide::Neither => draft.done(Outcome::Split),
        },
        Start::Unchanged => {
            if draft.status.phase() == Phase::Waiting {
                draft.opened();
                draft.enter(Phase::Initialized);
            }
            draft.done(Outcome::Unchanged)
        }
        Start::Rejected(cause) => draft.done(Outcome::AlreadyRejected(cause)),
        Start::PrimaryUnready => {
            let decision = unready(&mut draft, Role::Primary);
            decision.unwrap_or_else(|| draft.next(Next::Again))
        }
        Start::Closed => {
            let gate = draft.status.gate.as_ref();
            let name = gate.map_or_else(String::new, |gate| gate.name.clone());
            let until = draft.status.next_check;
            let kind = HookType::ConfirmRollout.as_str();
            draft.wait(Reason::Gate { name, kind }, until)
        }
        Start::Begin => confirmed(draft, results),
    }
}

/// Every `confirm-rollout` hook must have said yes.
fn confirmed(mut draft: Draft<'_>, results: &[CheckResult]) -> Decision {
    let (plan, seen) = (draft.plan, draft.seen);
    let due = checks::due(plan, &draft.status, seen);
    for (check, result) in due.iter().zip(results) {
        match check {
            Check::Hook(at) if result.passed() => draft.status.answered.push(*at),
            Check::Hook(at) => {
                draft.enter(Phase::Waiting);
                return match plan.hooks.get(*at) {
                    Some(hook) => draft.closed(hook),
                    None => draft.next(Next::Again),
                };
            }
            Check::Metric(_) => {}
        }
    }
    if results.len() < due.len() {
        return draft.next(Next::Again);
    }
    let primary = seen.primary.as_ref().map_or(0, |primary| primary.desired);
    let pods = if seen.canary.desired > 0 {
        seen.canary.desired
    } else {
        primary.max(1)
    };
    draft.opened();
    // What the spec says of the route may have changed since it was made.
    draft
        .effects
        .extend([Effect::ScaleCanary(pods), Effect::EnsureRoute]);
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
    status.mirrored = false;
    status.promoted_generation = None;
    status.promotion_failed = false;
    status.rejected = None;
    status.next_check = None;
    status.answered.clear();
    status.approved.clear();
    status.gate = None;
    status.gate_due = None;
    status.blind_since = None;
    status.paused_since = None;
    status.paused_until = None;
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
mod approving;
#[cfg(test)]
mod blind;
#[cfg(test)]
mod hooking;
#[cfg(test)]
mod model;
#[cfg(test)]
mod properties;
#[cfg(test)]
mod sequences;
#[cfg(test)]
mod strategies;
#[cfg(test)]
mod tests;
#[cfg(test)]
mod world;
