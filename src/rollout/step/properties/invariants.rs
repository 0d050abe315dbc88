//! What must hold at every look. Each function is one invariant under its number; the text of a refusal begins with it.

use crate::canary::phase::Phase;
use crate::canary::webhook::HookType;
use crate::canary::weight::Routes;
use crate::canary::weight::Weight;
use crate::rollout::decision::Check;
use crate::rollout::decision::CheckResult;
use crate::rollout::decision::Decision;
use crate::rollout::decision::Effect;
use crate::rollout::decision::Next;
use crate::rollout::event::EventKind;
use crate::rollout::observation::Observation;
use crate::rollout::observation::Request;
use crate::rollout::plan::Plan;
use crate::rollout::plan::Timing;
use crate::rollout::plan::Way;
use crate::rollout::status::Status;
use crate::rollout::step::checks_due;
use crate::rollout::step::draft::later;
use crate::rollout::step::step;
use jiff::Timestamp;
use proptest::prelude::TestCaseError;
use proptest::prop_assert;
use proptest::prop_assert_eq;

type Held = Result<(), TestCaseError>;

/// One look: what was known, what was asked, what was decided.
pub(in crate::rollout::step) struct Look<'a> {
    pub(in crate::rollout::step) plan: &'a Plan,
    pub(in crate::rollout::step) before: &'a Status,
    pub(in crate::rollout::step) seen: &'a Observation,
    pub(in crate::rollout::step) due: &'a [Check],
    pub(in crate::rollout::step) results: &'a [CheckResult],
    pub(in crate::rollout::step) decision: &'a Decision,
}

/// What an onlooker remembers of the looks before.
#[derive(Clone, Default)]
pub(in crate::rollout::step) struct Memory {
    /// When users, or copies of their requests, were last seen on the canary.
    on_canary: Option<Timestamp>,
    /// The revision and the routes that passed all checks at the last look that asked any.
    proved: Option<(String, Routes)>,
}

impl Memory {
    pub(in crate::rollout::step) fn learn(&mut self, look: &Look<'_>) {
        let seen = look.routes();
        if seen != Routes::PRIMARY {
            self.on_canary = Some(look.seen.at);
        }
        if look.passed() {
            self.proved = Some((look.seen.revision.clone(), seen));
        } else if !look.due.is_empty() {
            self.proved = None;
        }
    }
}

impl Look<'_> {
    fn routes(&self) -> Routes {
        self.seen.routes.unwrap_or(Routes::PRIMARY)
    }

    /// The routes that it writes, and whether as a way back. Never more than once a look.
    fn written(&self) -> Option<(Routes, bool)> {
        self.decision
            .effects
            .iter()
            .find_map(|effect| match effect {
                Effect::SetRoutes { routes, rollback } => Some((*routes, *rollback)),
                Effect::EnsureServices
                | Effect::EnsurePrimary
                | Effect::SwitchApex
                | Effect::EnsureRoute
                | Effect::ScaleCanary(_)
                | Effect::Promote => None,
            })
    }

    fn analyses(&self) -> bool {
        matches!(
            self.before.phase(),
            Phase::Progressing | Phase::WaitingPromotion
        ) && self.before.ending.is_none()
            && self.before.closing.is_none()
    }

    fn primary_has_pods(&self) -> bool {
        self.seen
            .primary
            .as_ref()
            .is_some_and(|primary| primary.ready > 0)
    }

    /// Was everything asked that is due after the soak, and has everything passed? A rollback hook passes by saying no.
    fn passed(&self) -> bool {
        let passes = |(check, result): (&Check, &CheckResult)| match check {
            Check::Metric(_) => result.passed(),
            Check::Hook(at) => result.passed() != (self.plan.hooks[*at].kind == HookType::Rollback),
        };
        let due = self.before.next_check.filter(|due| self.seen.at < *due);
        let soaked = due.is_none() || self.plan.timing == Timing::Grid;
        let measured = self
            .due
            .iter()
            .filter(|check| matches!(check, Check::Metric(_)));
        let measured = !self.before.is_begun() || measured.count() == self.plan.metrics;
        let asked = self.results.len() == self.due.len();
        soaked && measured && asked && self.due.iter().zip(self.results).all(passes)
    }

    fn rises(&self) -> Option<Routes> {
        let written = self.written().filter(|(_, rollback)| !rollback);
        let more = |routes: &Routes| routes.canary > self.routes().canary;
        written.map(|(routes, _)| routes).filter(more)
    }

    fn fails(&self) -> bool {
        self.analyses() && self.decision.status.phase() == Phase::Failed
    }
}

/// All that are said of one look.
pub(in crate::rollout::step) fn check(look: &Look<'_>, memory: &Memory) -> Held {
    every_change_is_announced(look)?;
    i1_shares_are_whole_and_sum_to_100(look)?;
    i2_the_weight_changes_by_planned_steps_only(look)?;
    i3_a_failure_sends_users_home_at_once(look)?;
    i4_users_never_go_where_no_pod_is_ready(look)?;
    i5_pods_leave_after_weight_0_was_seen_and_drained(look, memory)?;
    i9_nothing_comes_before_a_way_back(look)?;
    i10_the_weight_rises_only_after_all_checks_passed(look, memory)?;
    i11_failed_checks_never_fall_and_the_threshold_ends_it(look)?;
    i13_what_is_promoted_is_what_was_analysed(look, memory)?;
    i16_every_wait_has_a_reason(look)
}

/// Also after a driver has read back what it recorded.
pub(in crate::rollout::step) fn the_same_arguments_give_the_same_decision(look: &Look<'_>) -> Held {
    let record = serde_json::to_value(look.before)
        .map_err(|error| TestCaseError::fail(error.to_string()))?;
    let read: Status =
        serde_json::from_value(record).map_err(|error| TestCaseError::fail(error.to_string()))?;
    prop_assert_eq!(&read, look.before, "the record keeps everything");
    prop_assert_eq!(
        checks_due(look.plan, &read, look.seen),
        look.due,
        "a replay asks the same"
    );
    let again = step(look.plan, &read, look.seen, look.results);
    prop_assert_eq!(&again, look.decision, "a replay decides the same");
    Ok(())
}

fn every_change_is_announced(look: &Look<'_>) -> Held {
    let (from, to) = (look.before.phase(), look.decision.status.phase());
    let told = |(from, to)| {
        let is = |event: &EventKind| *event == EventKind::PhaseChanged { from, to };
        look.decision.events.iter().any(is)
    };
    prop_assert!(
        from == to || told((from, to)),
        "{from} to {to} is not announced"
    );
    if let Some((routes, _)) = look
        .written()
        .filter(|(routes, _)| *routes != look.routes())
    {
        let is = |event: &EventKind| {
            matches!(event, EventKind::TrafficChanged { from, to, .. }
                if (*from, *to) == (look.routes().canary, routes.canary))
        };
        prop_assert!(
            look.decision.events.iter().any(is),
            "{routes:?} is not announced"
        );
    }
    Ok(())
}

fn i1_shares_are_whole_and_sum_to_100(look: &Look<'_>) -> Held {
    let writes = |effect: &&Effect| matches!(effect, Effect::SetRoutes { .. });
    prop_assert!(
        look.decision.effects.iter().filter(writes).count() <= 1,
        "I1 one route a look"
    );
    if let Some((routes, _)) = look.written() {
        prop_assert_eq!(
            routes.canary.percent() + routes.primary().percent(),
            100,
            "I1"
        );
        prop_assert!(
            !routes.mirrored || routes.canary.is_zero(),
            "I1 a copy beside a share"
        );
        prop_assert_eq!(
            look.decision.status.routes(),
            routes,
            "I1 the record knows the route"
        );
    }
    Ok(())
}

fn i2_the_weight_changes_by_planned_steps_only(look: &Look<'_>) -> Held {
    let Some((to, rollback)) = look.written() else {
        return Ok(());
    };
    let (seen, plan) = (look.routes(), look.plan);
    let planned = if rollback {
        to == Routes::PRIMARY || to == Routes::CANARY
    } else {
        match look.before.phase() {
            Phase::Progressing | Phase::WaitingPromotion => {
                let share = plan.way.weights().contains(&to.canary) && !to.mirrored;
                let copy = to.mirrored && plan.way.mirrors();
                let step = match &plan.way {
                    Way::Weights { ladder, .. } => ladder.next(look.before.weight()),
                    Way::Matches { .. } | Way::Switch { .. } => Some(Weight::FULL),
                };
                let earned = to.canary <= look.before.weight() || Some(to.canary) == step;
                to == Routes::PRIMARY || ((share || copy) && earned)
            }
            Phase::Promoting => {
                let step = i64::from(plan.promotion_step.percent());
                let less = Weight::saturating(i64::from(seen.canary.percent()) - step);
                to == Routes::PRIMARY || to == Routes::CANARY || to == Routes::split(less)
            }
            Phase::Finalising => to == Routes::PRIMARY || to == Routes::CANARY,
            Phase::New
            | Phase::Initializing
            | Phase::Initialized
            | Phase::Waiting
            | Phase::Succeeded
            | Phase::Failed
            | Phase::Terminating
            | Phase::Terminated => to == Routes::PRIMARY,
        }
    };
    prop_assert!(planned, "I2 {seen:?} to {to:?} is in no plan");
    Ok(())
}

fn i3_a_failure_sends_users_home_at_once(look: &Look<'_>) -> Held {
    if look.fails() && look.primary_has_pods() {
        let home = Some((Routes::PRIMARY, true));
        prop_assert_eq!(look.written(), home, "I3 a failure leaves users behind");
    }
    if look.before.ending.is_some() {
        let written = look.written().map(|(routes, _)| routes);
        let stays = written.is_none_or(|routes| routes == Routes::PRIMARY);
        prop_assert!(
            stays || !look.primary_has_pods(),
            "I3 users leave again: {written:?}"
        );
    }
    Ok(())
}

/// The rule of the safe side: a side without ready pods gets nothing while the other has some.
fn i4_users_never_go_where_no_pod_is_ready(look: &Look<'_>) -> Held {
    let Some((to, _)) = look.written() else {
        return Ok(());
    };
    let (from, canary) = (look.routes().canary, look.seen.canary.ready > 0);
    let primary = look.primary_has_pods();
    prop_assert!(
        to.canary <= from || canary,
        "I4 {from} to {} of a canary without pods",
        to.canary
    );
    prop_assert!(
        to.canary >= from || primary || !canary,
        "I4 {from} to {} of a primary without pods",
        to.canary
    );
    Ok(())
}

fn i5_pods_leave_after_weight_0_was_seen_and_drained(look: &Look<'_>, memory: &Memory) -> Held {
    if look.decision.effects.contains(&Effect::ScaleCanary(0)) {
        prop_assert_eq!(
            look.seen.routes,
            Some(Routes::PRIMARY),
            "I5 pods leave under traffic"
        );
        let drained = memory
            .on_canary
            .is_none_or(|last| look.seen.at >= later(last, look.plan.drain));
        prop_assert!(
            drained || look.seen.canary.desired == 0,
            "I5 pods leave undrained"
        );
    }
    Ok(())
}

fn i9_nothing_comes_before_a_way_back(look: &Look<'_>) -> Held {
    let first = look.decision.effects.first();
    if look.written().is_some_and(|(_, rollback)| rollback) {
        let route = matches!(first, Some(Effect::SetRoutes { rollback: true, .. }));
        prop_assert!(route, "I9 {first:?} comes before the way back");
    }
    let asked = look.seen.request.is_some();
    if asked || look.before.ending.is_some() {
        prop_assert!(
            look.due.is_empty(),
            "I9 a way back waits for {:?}",
            look.due
        );
    }
    let stops = match look.seen.request {
        Some(Request::Interrupt(_) | Request::Leave(_) | Request::Abort | Request::Lost) => true,
        Some(Request::Hold(_)) | None => false,
    };
    let reached = look.before.canary.failed_checks >= look.plan.threshold;
    if look.analyses()
        && look.primary_has_pods()
        && (stops || reached && !asked && look.is_settled())
    {
        prop_assert_eq!(
            look.written(),
            Some((Routes::PRIMARY, true)),
            "I9 the way back waits"
        );
    }
    Ok(())
}

impl Look<'_> {
    /// Nobody else moved the route or the target meanwhile: that is answered first, and raises nothing.
    fn is_settled(&self) -> bool {
        self.routes() == self.before.routes()
            && self.seen.revision == self.before.revision
            && (self.seen.canary.ready > 0 || self.before.weight().is_zero())
    }
}

fn i10_the_weight_rises_only_after_all_checks_passed(look: &Look<'_>, memory: &Memory) -> Held {
    let Some(to) = look.rises().filter(|_| look.analyses()) else {
        return Ok(());
    };
    // Putting back what someone else took away is no rise.
    if to.canary <= look.before.weight() {
        return Ok(());
    }
    let proof = (look.seen.revision.clone(), look.routes());
    let waited = look.before.passed && memory.proved.as_ref() == Some(&proof);
    prop_assert!(
        look.passed() || waited,
        "I10 a rise to {} without proof",
        to.canary
    );
    Ok(())
}

fn i11_failed_checks_never_fall_and_the_threshold_ends_it(look: &Look<'_>) -> Held {
    let (before, after) = (look.before, &look.decision.status);
    let same = before.revision == after.revision;
    let running = matches!(after.phase(), Phase::Progressing | Phase::WaitingPromotion);
    if look.analyses() && running && same {
        let (had, has) = (before.canary.failed_checks, after.canary.failed_checks);
        prop_assert!(has >= had, "I11 failed checks fell from {had} to {has}");
        let ended = has < look.plan.threshold || look.plan.timing == Timing::Grid;
        prop_assert!(
            ended || !look.is_settled(),
            "I11 the threshold did not end it"
        );
    }
    if look.analyses() && before.canary.failed_checks >= look.plan.threshold {
        let more = look.rises().filter(|to| to.canary > before.weight());
        prop_assert_eq!(more, None, "I11 a rise after the threshold");
    }
    Ok(())
}

fn i13_what_is_promoted_is_what_was_analysed(look: &Look<'_>, memory: &Memory) -> Held {
    if !look.decision.effects.contains(&Effect::Promote) {
        return Ok(());
    }
    prop_assert_eq!(
        &look.seen.revision,
        &look.before.revision,
        "I13 another revision is promoted"
    );
    if look.analyses() && !look.plan.skip_analysis {
        let proof = (look.seen.revision.clone(), look.routes());
        let proved = look.passed() || memory.proved.as_ref() == Some(&proof);
        prop_assert!(proved, "I13 an unproved revision is promoted");
        let top = look.plan.way.weights().last().copied().unwrap_or_default();
        prop_assert_eq!(
            look.routes().canary,
            top,
            "I13 promoted below the last planned weight"
        );
    }
    Ok(())
}

fn i16_every_wait_has_a_reason(look: &Look<'_>) -> Held {
    let waits = match look.decision.next {
        Next::Tick(_) | Next::At(_) => true,
        Next::Again | Next::Done(_) => false,
    };
    prop_assert!(
        !waits || look.decision.reason.is_some(),
        "I16 waits without a word"
    );
    Ok(())
}
