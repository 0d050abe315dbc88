//! The way home: the primary takes the analysed revision over, then the traffic, then the canary's pods leave.

use crate::canary::phase::Phase;
use crate::canary::webhook::HookType;
use crate::canary::weight::Routes;
use crate::canary::weight::Weight;
use crate::rollout::decision::Decision;
use crate::rollout::decision::Effect;
use crate::rollout::decision::Next;
use crate::rollout::decision::Outcome;
use crate::rollout::decision::Reason;
use crate::rollout::event::Role;
use crate::rollout::observation::Observation;
use crate::rollout::plan::Plan;
use crate::rollout::plan::Timing;
use crate::rollout::readiness::NOT_BEGUN;
use crate::rollout::readiness::Readiness;
use crate::rollout::readiness::new_pods;
use crate::rollout::readiness::readiness;
use crate::rollout::safe_side::SafeSide;
use crate::rollout::safe_side::Takeover;
use crate::rollout::status::Status;
use crate::rollout::step::draft::Draft;
use crate::rollout::step::draft::later;
use crate::rollout::step::progress::may_lower;
use crate::rollout::step::progress::restart;
use crate::rollout::step::unready;
use crate::rollout::step::way_back;
use jiff::Timestamp;

pub(super) fn begin(mut draft: Draft<'_>) -> Decision {
    draft.status.gate = None;
    draft.status.gate_due = None;
    draft.status.approved.clear();
    draft.effects.push(Effect::Promote);
    draft.enter(Phase::Promoting);
    draft.status.waiting_since = Some(draft.seen.at);
    draft.next(Next::Again)
}

/// Has the primary taken the promoted template over? It counts from the generation that carries it.
pub(super) fn takeover(plan: &Plan, status: &Status, seen: &Observation) -> Takeover {
    let (Some(generation), Some(primary)) = (status.promoted_generation, &seen.primary) else {
        return Takeover::NotReplaced;
    };
    let ready = readiness(
        primary,
        plan.primary_ready_percent,
        plan.progress_deadline,
        status.waiting_since,
        seen.at,
    );
    match ready {
        Readiness::Ready if primary.observed_generation >= generation => Takeover::Complete,
        // It is another object than the one that was promoted: nobody will ever observe that generation.
        Readiness::Ready if is_over(status.waiting_since, plan, seen) => Takeover::Failed,
        Readiness::Ready | Readiness::Waiting(_) => Takeover::Rolling,
        Readiness::TimedOut(_) => Takeover::Failed,
    }
}

fn is_over(since: Option<Timestamp>, plan: &Plan, seen: &Observation) -> bool {
    since.is_some_and(|since| seen.at >= later(since, plan.progress_deadline))
}

pub(super) fn promoting(mut draft: Draft<'_>) -> Decision {
    let (plan, seen) = (draft.plan, draft.seen);
    match (takeover(plan, &draft.status, seen), way_back::side(&draft)) {
        // The target changed between the last check and the write: what would be promoted was not analysed.
        (Takeover::NotReplaced, _) if seen.revision != draft.status.revision => {
            draft.enter(Phase::Progressing);
            if may_lower(seen) {
                restart(draft)
            } else {
                draft.next(Next::Again)
            }
        }
        (Takeover::NotReplaced, _) => {
            // A driver that died here has not promoted: the same bytes are written again.
            draft.effects.push(Effect::Promote);
            draft.next(Next::Again)
        }
        (Takeover::Failed, _) => way_back::failed_promotion(draft),
        (Takeover::Rolling | Takeover::Complete, SafeSide::Canary)
            if seen
                .primary
                .as_ref()
                .is_some_and(|primary| primary.ready == 0) =>
        {
            keep_served(draft, Routes::CANARY)
        }
        (Takeover::Rolling, SafeSide::Primary) => keep_served(draft, Routes::PRIMARY),
        (Takeover::Rolling, SafeSide::Canary | SafeSide::Neither | SafeSide::Target) => {
            rolling(draft)
        }
        (Takeover::Complete, _) => shift(draft),
    }
}

/// One side has no ready pod while the primary rolls: the other one serves.
fn keep_served(mut draft: Draft<'_>, routes: Routes) -> Decision {
    if draft.seen.routes.is_some_and(|seen| seen != routes) {
        draft.set_routes(routes, false);
        return draft.next(Next::Again);
    }
    rolling(draft)
}

fn rolling(mut draft: Draft<'_>) -> Decision {
    if let Some(decision) = unready(&mut draft, Role::Primary) {
        return decision;
    }
    let since = *draft.status.waiting_since.get_or_insert(draft.seen.at);
    let deadline = later(since, draft.plan.progress_deadline);
    let (ready, desired) = draft
        .seen
        .primary
        .as_ref()
        .map_or((0, 0), |primary| (new_pods(primary), primary.desired));
    let reason = Reason::WaitingForWorkload {
        role: Role::Primary,
        ready,
        desired,
        why: NOT_BEGUN.to_owned(),
    };
    draft.wait(reason, Some(deadline))
}

/// Traffic goes to the primary: at once, or by `stepWeightPromotion`.
fn shift(mut draft: Draft<'_>) -> Decision {
    let (plan, seen) = (draft.plan, draft.seen);
    let weight = seen.routes.map_or(Weight::ZERO, |routes| routes.canary);
    draft.ready(Role::Primary);
    let stepped = !plan.promotion_step.is_zero() && !weight.is_zero();
    // On the grid a step lasts until the next tick, however long its write took.
    let soaks = stepped && plan.timing == Timing::Event;
    if soaks && draft.status.next_check.is_some_and(|due| seen.at < due) {
        let until = draft.status.next_check;
        return draft.wait(Reason::Soaking, until);
    }
    let left = i64::from(weight.percent()) - i64::from(plan.promotion_step.percent());
    let left = if stepped {
        Weight::saturating(left)
    } else {
        Weight::ZERO
    };
    draft.set_routes(Routes::split(left), false);
    if left.is_zero() {
        draft.status.canary.iterations = 0;
        draft.enter(Phase::Finalising);
    }
    draft.next(Next::Again)
}

pub(super) fn finalising(mut draft: Draft<'_>) -> Decision {
    let seen = draft.seen;
    if way_back::side(&draft) == SafeSide::Canary {
        // The promoted primary lost its last pod before the canary was gone: back to where it is waited for.
        draft.set_routes(Routes::CANARY, false);
        draft.enter(Phase::Promoting);
        draft.status.waiting_since = Some(seen.at);
        return draft.next(Next::Again);
    }
    if seen.routes.is_some_and(|routes| routes != Routes::PRIMARY) {
        // Someone moved it, or the write did not land: pods stay until 0 was observed and drained again.
        draft.set_routes(Routes::PRIMARY, false);
        return draft.next(Next::Again);
    }
    let since = *draft.status.weight_since.get_or_insert(seen.at);
    let drained = later(since, draft.plan.drain);
    if seen.at < drained {
        return draft.wait_exactly(Reason::Draining, drained);
    }
    draft.effects.push(Effect::ScaleCanary(0));
    draft.enter(Phase::Succeeded);
    draft.status.closing = Some(Outcome::Promoted);
    if draft.plan.calls(HookType::PostRollout) {
        draft.status.answered.clear();
        return draft.next(Next::Again);
    }
    closed(draft)
}

/// Did someone send users away again from where such a run has brought them?
pub(super) fn is_undone(outcome: Outcome, seen: &Observation) -> bool {
    match outcome {
        Outcome::Promoted | Outcome::RolledBack(_) => {
            seen.routes.is_some_and(|routes| routes != Routes::PRIMARY)
        }
        Outcome::Unchanged
        | Outcome::Bootstrapped
        | Outcome::AlreadyRejected(_)
        | Outcome::Held(_)
        | Outcome::Stopped(_)
        | Outcome::Split => false,
    }
}

/// The run is over, and its hooks were told.
pub(super) fn closed(mut draft: Draft<'_>) -> Decision {
    let Some(outcome) = draft.status.closing else {
        return draft.next(Next::Again);
    };
    if is_undone(outcome, draft.seen) {
        if !may_lower(draft.seen) {
            draft.status.closing = None;
            return draft.done(Outcome::Split);
        }
        draft.set_routes(Routes::PRIMARY, false);
        return draft.next(Next::Again);
    }
    draft.status.closing = None;
    draft.status.answered.clear();
    if outcome == Outcome::Promoted && draft.seen.revision != draft.status.revision {
        // A newer revision appeared during the promotion: it is the next rollout.
        return draft.next(Next::Again);
    }
    draft.done(outcome)
}
