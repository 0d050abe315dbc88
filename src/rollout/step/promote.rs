//! The way home: the primary takes the analysed revision over, then the traffic, then the canary's pods leave.

use crate::canary::phase::Phase;
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
use crate::rollout::readiness::Readiness;
use crate::rollout::readiness::readiness;
use crate::rollout::safe_side::SafeSide;
use crate::rollout::safe_side::Takeover;
use crate::rollout::status::Status;
use crate::rollout::step::draft::Draft;
use crate::rollout::step::progress::restart;
use crate::rollout::step::unready;
use crate::rollout::step::way_back;

pub(super) fn begin(mut draft: Draft<'_>) -> Decision {
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
        Readiness::Ready | Readiness::Waiting(_) => Takeover::Rolling,
        Readiness::TimedOut(_) => Takeover::Failed,
    }
}

pub(super) fn promoting(mut draft: Draft<'_>) -> Decision {
    let (plan, seen) = (draft.plan, draft.seen);
    match takeover(plan, &draft.status, seen) {
        // The target changed between the last check and the write: what would be promoted was not analysed.
        Takeover::NotReplaced if seen.revision != draft.status.revision => {
            draft.enter(Phase::Progressing);
            restart(draft)
        }
        Takeover::NotReplaced => {
            // A driver that died here has not promoted: the same bytes are written again.
            draft.effects.push(Effect::Promote);
            draft.next(Next::Again)
        }
        Takeover::Failed => way_back::failed_promotion(draft),
        Takeover::Rolling => {
            let safe = way_back::side(&draft);
            let routes = seen.routes.unwrap_or(Routes::PRIMARY);
            // The canary lost its pods while the primary rolls: what is ready there serves.
            if safe == SafeSide::Primary && !routes.canary.is_zero() {
                draft.set_routes(Routes::PRIMARY, true);
            }
            unready(&mut draft, Role::Primary).unwrap_or_else(|| {
                let why = "the Deployment controller has not seen the change".to_owned();
                let (ready, desired) = seen
                    .primary
                    .as_ref()
                    .map_or((0, 0), |p| (p.available, p.desired));
                draft.wait(
                    Reason::WaitingForWorkload {
                        role: Role::Primary,
                        ready,
                        desired,
                        why,
                    },
                    None,
                )
            })
        }
        Takeover::Complete => shift(draft),
    }
}

/// Traffic goes to the primary: at once, or by `stepWeightPromotion`.
fn shift(mut draft: Draft<'_>) -> Decision {
    let (plan, seen) = (draft.plan, draft.seen);
    let weight = seen.routes.map_or(Weight::ZERO, |routes| routes.canary);
    draft.ready(Role::Primary);
    let stepped = !plan.promotion_step.is_zero() && !weight.is_zero();
    if stepped && draft.status.next_check.is_some_and(|due| seen.at < due) {
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
        draft.enter(Phase::Finalising);
    }
    draft.next(Next::Again)
}

pub(super) fn finalising(mut draft: Draft<'_>) -> Decision {
    let seen = draft.seen;
    if seen.routes.is_some_and(|routes| routes != Routes::PRIMARY) {
        // Someone moved it, or the write did not land: pods stay until 0 was observed and drained again.
        draft.set_routes(Routes::PRIMARY, false);
        return draft.next(Next::Again);
    }
    let drained = *draft.status.weight_since.get_or_insert(seen.at) + draft.plan.drain;
    if seen.at < drained {
        return draft.wait_exactly(Reason::Draining, drained);
    }
    draft.effects.push(Effect::ScaleCanary(0));
    draft.enter(Phase::Succeeded);
    if seen.revision == draft.status.revision {
        draft.done(Outcome::Promoted)
    } else {
        // A newer revision appeared during the promotion: it is the next rollout.
        draft.next(Next::Again)
    }
}
