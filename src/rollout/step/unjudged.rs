//! Looks that decide nothing: a closed gate asked between them, and metrics that could not be measured.

use crate::rollout::decision::Cause;
use crate::rollout::decision::CheckResult;
use crate::rollout::decision::Decision;
use crate::rollout::decision::Next;
use crate::rollout::decision::Reason;
use crate::rollout::event::EventKind;
use crate::rollout::event::Miss;
use crate::rollout::event::Sample;
use crate::rollout::observation::Observation;
use crate::rollout::plan::OnMiss;
use crate::rollout::plan::Plan;
use crate::rollout::status::Status;
use crate::rollout::step::draft::Draft;
use crate::rollout::step::draft::later;
use crate::rollout::step::draft::millis;
use crate::rollout::step::way_back;
use crate::rollout::words::figures::duration;

/// The hook of the closed gate, where it is time to ask it and nothing else.
pub(super) fn gate_due(plan: &Plan, status: &Status, seen: &Observation) -> Option<usize> {
    let due = status.gate_due.is_some_and(|due| seen.at >= due);
    let hook = status.gate.as_ref().and_then(|gate| plan.gate(gate))?;
    let open = status.answered.contains(&hook) || status.is_approved(hook);
    (due && !open && status.paused_since.is_none()).then_some(hook)
}

/// A gate between two looks: once it opens, a whole look decides.
pub(super) fn asked_again(mut draft: Draft<'_>, hook: usize, results: &[CheckResult]) -> Decision {
    let (plan, seen) = (draft.plan, draft.seen);
    let Some(result) = results.first() else {
        return draft.next(Next::Again);
    };
    if result.passed() {
        draft.status.answered.push(hook);
        draft.status.gate_due = None;
        draft.status.next_check = Some(seen.at);
        return draft.next(Next::Again);
    }
    draft.status.gate_due = plan.gate_poll.map(|poll| later(seen.at, poll));
    let until = draft.status.next_check;
    let hook = plan.hooks.get(hook);
    let reason = hook.map_or(Reason::Soaking, |hook| Reason::Gate {
        name: hook.name.clone(),
        kind: hook.kind(),
    });
    draft.wait(reason, until)
}

/// There was nothing to judge: the weight stays, until that has lasted for too long.
pub(super) fn unjudged(
    mut draft: Draft<'_>,
    blind: &[(String, Miss, OnMiss)],
    samples: Vec<Sample>,
) -> Decision {
    let (plan, seen) = (draft.plan, draft.seen);
    let Some((first, why, _)) = blind.first() else {
        return draft.next(Next::Again);
    };
    let since = *draft.status.blind_since.get_or_insert(seen.at);
    let threshold = i32::try_from(plan.threshold).unwrap_or(i32::MAX);
    let impatient = blind.iter().any(|(_, _, policy)| *policy == OnMiss::Wait);
    let budget = if impatient {
        plan.interval.saturating_mul(threshold)
    } else {
        plan.hold_for
    };
    draft.events.push(EventKind::CheckHeld {
        failed: draft.status.canary.failed_checks,
        threshold: plan.threshold,
        misses: blind.iter().map(|(name, _, _)| name.clone()).collect(),
        why: *why,
        counted: false,
        samples,
    });
    let end = later(since, budget);
    if seen.at >= end {
        let lacks = match why {
            Miss::ProviderError => "no answer",
            Miss::NoData | Miss::Breach => "no data",
        };
        let waited = duration(millis(since, seen.at));
        let why = format!("{lacks} for {first} in {waited}");
        return way_back::roll_back(draft, Cause::Timeout, &why);
    }
    draft.status.look_after(seen.at, plan.interval);
    let next = draft.status.next_check.map(|look| look.min(end));
    draft.status.next_check = next;
    draft.wait(Reason::Soaking, next)
}

/// A breach says more than a value that is missing.
pub(super) fn worst(misses: &[(String, Miss)]) -> Miss {
    let of = |wanted| misses.iter().any(|(_, miss)| *miss == wanted);
    if of(Miss::Breach) {
        Miss::Breach
    } else if of(Miss::ProviderError) {
        Miss::ProviderError
    } else {
        Miss::NoData
    }
}
