//! Creating the primary. The apex service and the route never lack a ready endpoint: they move only once the primary
//! is ready, and the target's pods leave only after both moved and drained.

use crate::canary::phase::Phase;
use crate::canary::weight::Routes;
use crate::rollout::decision::Decision;
use crate::rollout::decision::Effect;
use crate::rollout::decision::Next;
use crate::rollout::decision::Outcome;
use crate::rollout::decision::Reason;
use crate::rollout::event::Role;
use crate::rollout::step::draft::Draft;
use crate::rollout::step::draft::later;
use crate::rollout::step::unready;

/// Something that must exist does not.
pub(super) fn begin(mut draft: Draft<'_>) -> Decision {
    draft.enter(Phase::Initializing);
    draft.status.weight_since = None;
    draft.next(Next::Again)
}

pub(super) fn bootstrap(mut draft: Draft<'_>) -> Decision {
    let seen = draft.seen;
    if draft.status.phase() == Phase::New {
        draft.status.canary.tracked_configs =
            seen.tracked_configs.as_ref().map(|_| Default::default());
        return begin(draft);
    }
    if !seen.services_exist || seen.primary.is_none() {
        draft.effects = vec![Effect::EnsureServices, Effect::EnsurePrimary];
        draft.status.waiting_since = Some(seen.at);
        return draft.next(Next::Again);
    }
    if let Some(decision) = unready(&mut draft, Role::Primary) {
        return decision;
    }
    draft.ready(Role::Primary);
    if !seen.apex_on_primary || seen.routes.is_none() {
        draft.effects = vec![Effect::SwitchApex, Effect::EnsureRoute];
        draft.status.weight_since = Some(seen.at);
        return draft.next(Next::Again);
    }
    // A route of the user's may send traffic to the target's own service.
    if seen.routes.is_some_and(|routes| routes != Routes::PRIMARY) {
        draft.set_routes(Routes::PRIMARY, false);
        return draft.next(Next::Again);
    }
    // A driver that died after the switch has not written down when it was: the drain begins anew.
    let since = *draft.status.weight_since.get_or_insert(seen.at);
    let drained = later(since, draft.plan.drain);
    if seen.canary.desired > 0 && seen.at < drained {
        return draft.wait_exactly(Reason::Draining, drained);
    }
    if seen.canary.desired > 0 {
        draft.effects.push(Effect::ScaleCanary(0));
    }
    draft
        .status
        .canary
        .tracked_configs
        .clone_from(&seen.tracked_configs);
    draft.status.revision.clone_from(&seen.revision);
    draft.enter(Phase::Initialized);
    if seen.primary_is_current {
        draft.done(Outcome::Bootstrapped)
    } else {
        // The target moved on while the primary came up: the newer revision is a rollout of its own.
        draft.next(Next::Again)
    }
}
