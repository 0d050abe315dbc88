//! The way up: one weight after another, each judged before the next.

use crate::canary::phase::Phase;
use crate::canary::webhook::HookType;
use crate::canary::weight::Proof;
use crate::canary::weight::Routes;
use crate::canary::weight::Weight;
use crate::rollout::decision::Cause;
use crate::rollout::decision::Check;
use crate::rollout::decision::CheckResult;
use crate::rollout::decision::Decision;
use crate::rollout::decision::Effect;
use crate::rollout::decision::Next;
use crate::rollout::decision::Reason;
use crate::rollout::event::EventKind;
use crate::rollout::event::Miss;
use crate::rollout::event::Role;
use crate::rollout::event::Sample;
use crate::rollout::observation::Observation;
use crate::rollout::plan::Ahead;
use crate::rollout::plan::OnMiss;
use crate::rollout::plan::Plan;
use crate::rollout::plan::Timing;
use crate::rollout::readiness::Readiness;
use crate::rollout::readiness::readiness;
use crate::rollout::status::Status;
use crate::rollout::step::begin_analysis;
use crate::rollout::step::checks;
use crate::rollout::step::draft::Draft;
use crate::rollout::step::draft::later;
use crate::rollout::step::promote;
use crate::rollout::step::unjudged::asked_again;
use crate::rollout::step::unjudged::gate_due;
use crate::rollout::step::unjudged::unjudged;
use crate::rollout::step::unjudged::worst;
use crate::rollout::step::unready;
use crate::rollout::step::way_back;
use crate::rollout::weights::capacity;
use jiff::SignedDuration;

/// Foreign changes of the weight that end a run.
const DRIFT_LIMIT: u32 = 3;
/// How long a written weight may take to be in effect before it counts as a failed check.
const IN_EFFECT: SignedDuration = SignedDuration::from_secs(60);

/// What the way up needs now. One function, so that the checks asked and the checks judged cannot differ.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Stage {
    OutOfTime,
    HeldTooLong,
    Drifted,
    CanaryLost,
    NewRevision,
    ThresholdReached,
    PrimaryUnready,
    CanaryUnready,
    Unanalysed,
    Beginning,
    NotInEffect {
        overdue: bool,
    },
    Soaking,
    /// Between two looks that gate's hook is asked.
    GateDue(usize),
    /// Judged already; the next weight waits for pods.
    Passed,
    Analyse,
}

pub(super) fn stage(plan: &Plan, status: &Status, seen: &Observation) -> Stage {
    let weight = status.weight();
    let routes = seen.routes.unwrap_or(Routes::PRIMARY);
    let ready = |workload, percent| {
        readiness(
            workload,
            percent,
            plan.progress_deadline,
            status.waiting_since,
            seen.at,
        ) == Readiness::Ready
    };
    let looked = status.next_check.is_some_and(|due| seen.at < due);
    let soaking = looked && plan.timing == Timing::Event;
    if status.time_counts() && plan.deadline.is_some_and(|deadline| seen.at >= deadline) {
        Stage::OutOfTime
    } else if status.paused_until.is_some_and(|until| seen.at >= until) {
        Stage::HeldTooLong
    } else if routes != status.routes() {
        let answer = plan.way.after_drift(status.routes(), routes);
        if may_lower(seen) || answer.canary >= routes.canary {
            Stage::Drifted
        } else {
            Stage::PrimaryUnready
        }
    } else if seen.revision != status.revision {
        if may_lower(seen) || weight.is_zero() || seen.primary_is_current {
            Stage::NewRevision
        } else {
            Stage::PrimaryUnready
        }
    } else if !weight.is_zero() && seen.canary.ready == 0 && primary_has_pods(seen) {
        Stage::CanaryLost
    } else if status.canary.failed_checks >= plan.threshold {
        Stage::ThresholdReached
    } else if !seen
        .primary
        .as_ref()
        .is_some_and(|primary| ready(primary, plan.primary_ready_percent))
    {
        Stage::PrimaryUnready
    } else if !ready(&seen.canary, plan.canary_ready_percent) {
        Stage::CanaryUnready
    } else if plan.skip_analysis || status.skip.is_some() {
        Stage::Unanalysed
    } else if !status.is_begun() {
        if soaking {
            Stage::Soaking
        } else {
            Stage::Beginning
        }
    } else if let (Proof::Pending(_), true) = (&seen.proof, routes != Routes::PRIMARY) {
        let overdue = status
            .weight_since
            .is_some_and(|since| seen.at.duration_since(since) >= IN_EFFECT);
        Stage::NotInEffect {
            overdue: overdue && !looked,
        }
    } else if let (true, Some(hook)) = (soaking, gate_due(plan, status, seen)) {
        Stage::GateDue(hook)
    } else if soaking && status.passed {
        Stage::Passed
    } else if soaking {
        Stage::Soaking
    } else {
        Stage::Analyse
    }
}

/// May users go to the primary? Not to one without pods, while the canary has some.
pub(super) fn may_lower(seen: &Observation) -> bool {
    primary_has_pods(seen) || seen.canary.ready == 0
}

fn primary_has_pods(seen: &Observation) -> bool {
    seen.primary
        .as_ref()
        .is_some_and(|primary| primary.ready > 0)
}

pub(super) fn progress(mut draft: Draft<'_>, results: &[CheckResult]) -> Decision {
    let (plan, seen) = (draft.plan, draft.seen);
    match stage(plan, &draft.status, seen) {
        Stage::OutOfTime => way_back::roll_back(draft, Cause::Timeout, "the run's time is over"),
        Stage::HeldTooLong => {
            let why = "it was paused for longer than it may be";
            way_back::roll_back(draft, Cause::Timeout, why)
        }
        Stage::Drifted => drifted(draft),
        Stage::NewRevision if seen.primary_is_current => way_back::reverted(draft),
        Stage::NewRevision => restart(draft),
        Stage::CanaryLost => {
            // No rollback: the run goes on once there are pods again, from its first step.
            draft.set_routes(Routes::PRIMARY, false);
            draft.status.canary.iterations = 0;
            draft.status.waiting_since = Some(seen.at);
            draft.next(Next::Again)
        }
        Stage::ThresholdReached => way_back::threshold(draft),
        Stage::PrimaryUnready => {
            let decision = unready(&mut draft, Role::Primary);
            decision.unwrap_or_else(|| way_back::workload(draft, Role::Primary, "it is gone"))
        }
        Stage::CanaryUnready => {
            let decision = unready(&mut draft, Role::Canary);
            decision.unwrap_or_else(|| way_back::workload(draft, Role::Canary, "it is gone"))
        }
        Stage::Unanalysed => unanalysed(draft),
        Stage::Beginning => judged(draft, results),
        Stage::NotInEffect { overdue: false } => {
            let why = match &seen.proof {
                Proof::Pending(why) => why.clone(),
                Proof::InEffect | Proof::Unknown => String::new(),
            };
            draft.status.waiting_since = None;
            let until = draft.status.weight_since;
            let until = until.map(|since| later(since, IN_EFFECT));
            let until = until.filter(|until| *until > seen.at);
            let until = until.or(draft.status.next_check);
            draft.wait(Reason::WaitingForRoute(why), until)
        }
        Stage::NotInEffect { overdue: true } => {
            let miss = ("weight not in effect".to_owned(), Miss::Breach);
            held(draft, vec![miss], Vec::new())
        }
        Stage::Soaking => {
            // Both sides are ready: the next wait for pods has a deadline of its own.
            draft.status.waiting_since = None;
            let until = draft.status.next_check;
            draft.wait(Reason::Soaking, until)
        }
        Stage::GateDue(hook) => asked_again(draft, hook, results),
        Stage::Passed => advance(draft),
        Stage::Analyse => {
            if !draft.status.passed {
                draft.status.waiting_since = None;
            }
            judged(draft, results)
        }
    }
}

/// One look and its results: the first that stops it decides.
fn judged(mut draft: Draft<'_>, results: &[CheckResult]) -> Decision {
    let plan = draft.plan;
    let due = checks::due(plan, &draft.status, draft.seen);
    let begun = draft.status.is_begun();
    let mut misses = Vec::new();
    let mut blind = Vec::new();
    let mut closed = None;
    for (check, result) in due.iter().zip(results) {
        let hook = match check {
            Check::Metric(_) => {
                if let (Some(sample), Some(miss)) = (result.sample(), result.miss()) {
                    match plan.on(miss) {
                        OnMiss::Fail => misses.push((sample.name.clone(), miss)),
                        policy @ (OnMiss::Wait | OnMiss::Hold) => {
                            blind.push((sample.name.clone(), miss, policy));
                        }
                    }
                }
                continue;
            }
            Check::Hook(at) => {
                if result.passed() {
                    draft.status.answered.push(*at);
                }
                plan.hooks.get(*at)
            }
        };
        let Some(hook) = hook else { continue };
        match (hook.kind, result.passed()) {
            (HookType::Rollback, true) => {
                let why = format!("{} asked for it", hook.name);
                return way_back::roll_back(draft, Cause::Aborted, &why);
            }
            (HookType::PreRollout | HookType::Rollout, false) => {
                misses.push((hook.name.clone(), Miss::Breach));
            }
            (HookType::ConfirmTrafficIncrease | HookType::ConfirmPromotion, false) => {
                closed = Some(hook);
            }
            (HookType::Rollback, false)
            | (
                HookType::PreRollout
                | HookType::Rollout
                | HookType::ConfirmTrafficIncrease
                | HookType::ConfirmPromotion,
                true,
            )
            | (HookType::ConfirmRollout | HookType::PostRollout | HookType::Event, _) => {}
        }
    }
    if !misses.is_empty() {
        return held(draft, misses, samples(results));
    }
    if !blind.is_empty() {
        return unjudged(draft, &blind, samples(results));
    }
    draft.status.blind_since = None;
    if closed.is_none() && results.len() < due.len() {
        // Cut short by a request that is answered elsewhere: what was not asked has not passed.
        return draft.next(Next::Again);
    }
    if begun {
        draft.events.push(EventKind::CheckPassed {
            failed: draft.status.canary.failed_checks,
            threshold: plan.threshold,
            samples: samples(results),
        });
    }
    match closed {
        Some(hook) => {
            if hook.kind == HookType::ConfirmPromotion {
                draft.enter(Phase::WaitingPromotion);
            }
            draft.closed(hook)
        }
        None => {
            if draft.status.paused_since.is_none() {
                draft.opened();
            }
            advance(draft)
        }
    }
}

/// Promotes what nobody looked at any further, and says at whose word.
fn unanalysed(mut draft: Draft<'_>) -> Decision {
    let asked = draft.status.skip.as_ref();
    let why = asked.map_or_else(
        || "skipAnalysis or --skip-analysis says so".to_owned(),
        |asked| format!("asked by {}", asked.by),
    );
    draft.events.push(EventKind::Diagnostic {
        code: "flagger::rollout::unanalysed".to_owned(),
        message: format!("it is promoted without looking any further: {why}"),
        causes: Vec::new(),
        file: None,
        span: None,
        help: None,
    });
    promote::begin(draft)
}

/// Another revision: users go home first, then it is analysed from the start.
pub(super) fn restart(mut draft: Draft<'_>) -> Decision {
    draft.set_routes(Routes::PRIMARY, false);
    // Its pods follow by themselves; a canary that is a copy must be told.
    let pods = draft.seen.canary.desired.max(1);
    draft.effects.push(Effect::ScaleCanary(pods));
    // It was asked for another one.
    draft.status.skip = None;
    begin_analysis(&mut draft);
    draft.status.waiting_since = Some(draft.seen.at);
    draft.next(Next::Again)
}

fn samples(results: &[CheckResult]) -> Vec<Sample> {
    results
        .iter()
        .filter_map(CheckResult::sample)
        .cloned()
        .collect()
}

fn held(mut draft: Draft<'_>, misses: Vec<(String, Miss)>, samples: Vec<Sample>) -> Decision {
    let (plan, seen) = (draft.plan, draft.seen);
    draft.status.canary.failed_checks += 1;
    let failed = draft.status.canary.failed_checks;
    draft.events.push(EventKind::CheckHeld {
        failed,
        threshold: plan.threshold,
        why: worst(&misses),
        misses: misses.into_iter().map(|(name, _)| name).collect(),
        counted: true,
        samples,
    });
    if failed >= plan.threshold && plan.timing == Timing::Event {
        return way_back::threshold(draft);
    }
    draft.status.look_after(seen.at, plan.interval);
    let next = draft.status.next_check;
    draft.wait(Reason::Soaking, next)
}

/// The next step, once the canary is large enough for it; after the last, the promotion.
fn advance(mut draft: Draft<'_>) -> Decision {
    let (plan, seen) = (draft.plan, draft.seen);
    if draft.status.paused_since.is_some() {
        draft.status.passed = false;
        if draft.status.next_check.is_none_or(|due| due <= seen.at) {
            draft.status.look_after(seen.at, plan.interval);
        }
        let next = draft.status.next_check;
        return draft.wait(Reason::Paused, next);
    }
    match plan.way.ahead(&draft.status) {
        Ahead::Promote => promote::begin(draft),
        Ahead::Count(None) => {
            draft.ready(Role::Canary);
            draft.count();
            let until = draft.status.next_check;
            draft.wait(Reason::Soaking, until)
        }
        Ahead::Move(routes) => match room_for(&mut draft, routes) {
            Some(decision) => decision,
            None => {
                draft.ready(Role::Canary);
                draft.set_routes(routes, false);
                draft.next(Next::Again)
            }
        },
        Ahead::Count(Some(routes)) => match room_for(&mut draft, routes) {
            Some(decision) => decision,
            None => {
                draft.ready(Role::Canary);
                draft.count();
                draft.set_routes(routes, false);
                draft.next(Next::Again)
            }
        },
    }
}

/// Waits until the canary is large enough for its share, or gives it up; `None` once it may have it.
fn room_for(draft: &mut Draft<'_>, routes: Routes) -> Option<Decision> {
    let (plan, seen) = (draft.plan, draft.seen);
    // A copy of the traffic is as much work as the traffic.
    let share = if routes.mirrored {
        Weight::FULL
    } else {
        routes.canary
    };
    let pods = seen.primary.as_ref().map_or(0, |primary| primary.desired);
    let needed = capacity(share, pods);
    if seen.canary.available >= needed {
        return None;
    }
    let since = *draft.status.waiting_since.get_or_insert(seen.at);
    let deadline = later(since, plan.progress_deadline);
    if seen.at < deadline && !draft.status.capacity_refused {
        let judged = draft.status.next_check.is_some_and(|due| seen.at < due);
        if draft.status.is_begun() && !judged {
            draft.status.passed = true;
            draft.status.next_check = Some(later(seen.at, plan.interval));
        }
        if seen.canary.desired < needed {
            draft.effects.push(Effect::ScaleCanary(needed));
        }
        let reason = Reason::WaitingForCapacity {
            role: Role::Canary,
            ready: seen.canary.available,
            needed,
        };
        return Some(draft.clone().wait(reason, Some(deadline)));
    }
    if seen.canary.ready == 0 {
        let why = "none of its pods is ready";
        return Some(way_back::workload(draft.clone(), Role::Canary, why));
    }
    draft.events.push(EventKind::Diagnostic {
        code: "flagger::rollout::capacity".to_owned(),
        message: format!(
            "weight {share} goes on with {} of {needed} canary pods",
            seen.canary.available
        ),
        causes: Vec::new(),
        file: None,
        span: None,
        help: Some("raise the target's replicas, or its autoscaler's minimum".to_owned()),
    });
    draft.status.waiting_since = None;
    None
}

/// Someone else moved the weight.
fn drifted(mut draft: Draft<'_>) -> Decision {
    let ours = draft.status.routes();
    let theirs = draft.seen.routes.unwrap_or(Routes::PRIMARY);
    draft.status.drifts += 1;
    let message = if ours.canary == theirs.canary {
        let now = if theirs.mirrored { "on" } else { "off" };
        format!("someone else turned mirroring {now}")
    } else {
        format!(
            "someone else moved the weight from {} to {}",
            ours.canary, theirs.canary
        )
    };
    draft.events.push(EventKind::Diagnostic {
        code: "flagger::rollout::drift".to_owned(),
        message,
        causes: Vec::new(),
        file: None,
        span: None,
        help: Some(
            "find the other writer: a Git controller that owns the route, or a person".to_owned(),
        ),
    });
    if draft.status.drifts >= DRIFT_LIMIT {
        return way_back::roll_back(
            draft,
            Cause::Aborted,
            "someone else keeps moving the weight",
        );
    }
    // Without pods the canary gets nothing back.
    let planned = if draft.seen.canary.ready == 0 {
        draft.status.canary.iterations = 0;
        Routes::PRIMARY
    } else {
        draft.plan.way.after_drift(ours, theirs)
    };
    draft.set_routes(planned, false);
    draft.next(Next::Again)
}
