//! Which questions a look needs, in Flagger's order. One list, so that what is asked and what is judged cannot differ.

use crate::canary::phase::Phase;
use crate::canary::webhook::HookType;
use crate::rollout::decision::Check;
use crate::rollout::observation::Observation;
use crate::rollout::plan::Plan;
use crate::rollout::status::Status;
use crate::rollout::step::Start;
use crate::rollout::step::progress::Stage;
use crate::rollout::step::progress::stage;
use crate::rollout::step::promote::is_undone;
use crate::rollout::step::starting;

/// All questions of this wake-up; none while somebody waits for an answer of ours.
pub(super) fn due(plan: &Plan, status: &Status, seen: &Observation) -> Vec<Check> {
    if seen.request.is_some() || status.ending.is_some() {
        return Vec::new();
    }
    if let Some(outcome) = status.closing {
        return if is_undone(outcome, seen) {
            Vec::new()
        } else {
            hooks(plan, status, HookType::PostRollout)
        };
    }
    match status.phase() {
        Phase::Initialized
        | Phase::Waiting
        | Phase::Succeeded
        | Phase::Failed
        | Phase::Terminating
        | Phase::Terminated => match starting(plan, status, seen) {
            Start::Begin => hooks(plan, status, HookType::ConfirmRollout),
            Start::Split
            | Start::Incomplete
            | Start::Stray
            | Start::Unchanged
            | Start::Rejected(_)
            | Start::PrimaryUnready
            | Start::Closed => Vec::new(),
        },
        Phase::Progressing | Phase::WaitingPromotion => match stage(plan, status, seen) {
            Stage::Beginning => look(plan, status, HookType::PreRollout),
            Stage::Analyse => look(plan, status, HookType::Rollout),
            Stage::GateDue(hook) => vec![Check::Hook(hook)],
            Stage::OutOfTime
            | Stage::HeldTooLong
            | Stage::Drifted
            | Stage::CanaryLost
            | Stage::NewRevision
            | Stage::ThresholdReached
            | Stage::PrimaryUnready
            | Stage::CanaryUnready
            | Stage::Unanalysed
            | Stage::NotInEffect { .. }
            | Stage::Soaking
            | Stage::Passed => Vec::new(),
        },
        Phase::New | Phase::Initializing | Phase::Promoting | Phase::Finalising => Vec::new(),
    }
}

/// One look: may it stay, does it pass, may it go on? Nothing is measured before the first traffic.
fn look(plan: &Plan, status: &Status, judging: HookType) -> Vec<Check> {
    let begun = status.is_begun();
    let paused = status.paused_since.is_some();
    let mut due = hooks(plan, status, HookType::Rollback);
    if begun || !paused {
        due.extend(hooks(plan, status, judging));
    }
    if begun {
        due.extend((0..plan.metrics).map(Check::Metric));
    }
    if paused {
        return due;
    }
    if plan.way.asks_for_more(status) && status.phase() == Phase::Progressing {
        due.extend(hooks(plan, status, HookType::ConfirmTrafficIncrease));
    }
    if plan.way.asks_for_promotion(status) {
        due.extend(hooks(plan, status, HookType::ConfirmPromotion));
    }
    due
}

/// The hooks of one moment, without those that have passed at this look already, or that a person speaks for.
fn hooks(plan: &Plan, status: &Status, kind: HookType) -> Vec<Check> {
    let all = plan.hooks.iter().enumerate();
    all.filter(|(_, hook)| hook.kind == kind)
        .map(|(at, _)| at)
        .filter(|at| !status.answered.contains(at) && !status.is_approved(*at))
        .map(Check::Hook)
        .collect()
}
