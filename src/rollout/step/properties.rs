//! Invariants of any run, whatever the world does: random specs, worlds and faults. What must hold at every look is in
//! `invariants`, each under its number; here is who plays it, and what must hold at the end.
//!
//! Numbers that are missing speak of adapters and are proved there: fields and weights of route objects (I1, I12) by
//! the properties of `router`, fences, records and deaths (I6 to I8, I14, I15) by the integration tests.

pub(super) mod invariants;

use super::world::World;
use super::world::plan;
use crate::canary::phase::Phase;
use crate::canary::webhook::HookType;
use crate::canary::weight::Proof;
use crate::canary::weight::Routes;
use crate::canary::weight::Weight;
use crate::rollout::decision::Next;
use crate::rollout::decision::Outcome;
use crate::rollout::event::Signal;
use crate::rollout::observation::Request;
use crate::rollout::plan::Hook;
use crate::rollout::plan::Plan;
use crate::rollout::plan::Timing;
use crate::rollout::plan::Way;
use crate::rollout::step::step;
use crate::rollout::weights::Ladder;
use invariants::Look;
use invariants::Memory;
use jiff::SignedDuration;
use proptest::prelude::*;

/// What somebody or something does between two looks.
#[derive(Clone, Debug)]
enum Happening {
    Nothing,
    Metric(bool),
    CanaryPods(bool),
    FewCanaryPods(Option<u32>),
    PrimaryPods(bool),
    Upgrade(u8),
    Foreign(u8),
    ForeignCopy,
    Hooks(Vec<usize>),
    InEffect(bool),
    Pause(bool),
    Asked(Request),
    /// The driver dies after so many effects of its next decision, and another one takes over.
    Death(usize),
}

fn request() -> impl Strategy<Value = Request> {
    prop_oneof![
        Just(Request::Interrupt(Signal::Term)),
        Just(Request::Hold(Signal::Int)),
        Just(Request::Leave(Signal::Hup)),
        Just(Request::Abort),
        Just(Request::Lost),
    ]
}

fn happening() -> impl Strategy<Value = Happening> {
    prop_oneof![
        24 => Just(Happening::Nothing),
        6 => any::<bool>().prop_map(Happening::Metric),
        2 => any::<bool>().prop_map(Happening::CanaryPods),
        1 => proptest::option::of(0_u32..2).prop_map(Happening::FewCanaryPods),
        2 => any::<bool>().prop_map(Happening::PrimaryPods),
        2 => (1_u8..5).prop_map(Happening::Upgrade),
        2 => (0_u8..=100).prop_map(Happening::Foreign),
        1 => Just(Happening::ForeignCopy),
        6 => proptest::collection::vec(0..KINDS.len(), 0..KINDS.len()).prop_map(Happening::Hooks),
        1 => any::<bool>().prop_map(Happening::InEffect),
        2 => any::<bool>().prop_map(Happening::Pause),
        1 => request().prop_map(Happening::Asked),
        3 => (0_usize..3).prop_map(Happening::Death),
    ]
}

/// A canary has any of them.
const KINDS: [HookType; 7] = [
    HookType::ConfirmRollout,
    HookType::PreRollout,
    HookType::Rollout,
    HookType::ConfirmTrafficIncrease,
    HookType::ConfirmPromotion,
    HookType::PostRollout,
    HookType::Rollback,
];

fn weights() -> impl Strategy<Value = Way> {
    let linear = (1_u32..=100, 1_u32..=100).prop_map(|(step, max)| Ladder::linear(step, max));
    let explicit = proptest::collection::btree_set(1_u32..=120, 1..6)
        .prop_map(|steps| Ladder::explicit(&steps.into_iter().collect::<Vec<_>>()));
    let ladder =
        prop_oneof![3 => linear, 2 => explicit].prop_filter_map("it rises", |ladder| ladder);
    (ladder, any::<bool>()).prop_map(|(ladder, mirror)| Way::Weights { ladder, mirror })
}

fn matches() -> impl Strategy<Value = Way> {
    (1_u32..6).prop_map(|iterations| Way::Matches { iterations })
}

fn switch() -> impl Strategy<Value = Way> {
    (1_u32..6, any::<bool>(), any::<bool>()).prop_map(|(iterations, mirror, moves)| Way::Switch {
        iterations,
        mirror: mirror && moves,
        moves,
    })
}

fn plans(way: impl Strategy<Value = Way>) -> impl Strategy<Value = Plan> {
    let kinds = proptest::sample::subsequence(KINDS.to_vec(), 0..=KINDS.len());
    let numbers = (1_u32..5, 0_usize..3, 0_i64..50, 0_u32..=100);
    let flags = (any::<bool>(), proptest::bool::weighted(0.1));
    (way, kinds, numbers, flags).prop_map(|(way, kinds, numbers, (grid, skip_analysis))| {
        let (threshold, metrics, promotion_step, canary_ready_percent) = numbers;
        let hook = |kind| Hook {
            kind,
            name: format!("{kind:?}"),
        };
        Plan {
            way,
            hooks: kinds.into_iter().map(hook).collect(),
            threshold,
            metrics,
            canary_ready_percent,
            timing: if grid { Timing::Grid } else { Timing::Event },
            promotion_step: Weight::saturating(promotion_step),
            skip_analysis,
            ..plan()
        }
    })
}

/// Looks after the last happening within which a run is over: as many as all its waits have seconds.
fn most_looks(plan: &Plan) -> usize {
    let judged = plan.way.weights().len() + plan.way.iterations() as usize + 3;
    let back = 100 / usize::from(plan.promotion_step.percent()).max(1) + 1;
    let interval = 2 + plan.interval.as_secs() as usize;
    let deadline = 2 + plan.progress_deadline.as_secs() as usize;
    (judged + plan.threshold as usize) * (interval + deadline) + back * interval + 4 * deadline
}

fn happens(world: &mut World, happening: &Happening) {
    match happening {
        Happening::Nothing | Happening::Death(_) => {}
        Happening::Metric(ok) => world.metric_ok = *ok,
        Happening::CanaryPods(up) => world.canary_pods_come = *up,
        Happening::FewCanaryPods(pods) => world.canary_pods = *pods,
        Happening::PrimaryPods(up) => world.primary_pods_come = *up,
        Happening::Hooks(refusing) => world.refusing.clone_from(refusing),
        Happening::Upgrade(n) => world.target = format!("v{n}"),
        Happening::Foreign(weight) => {
            world.routes = Some(Routes::split(Weight::saturating((*weight).into())));
        }
        Happening::ForeignCopy => {
            world.routes = Some(Routes {
                mirrored: true,
                ..Routes::PRIMARY
            });
        }
        Happening::InEffect(true) => world.proof = Proof::InEffect,
        Happening::InEffect(false) => world.proof = Proof::Pending("not yet".to_owned()),
        Happening::Pause(pause) => world.status.paused_since = pause.then_some(world.at),
        Happening::Asked(request) => world.request = Some(*request),
    }
}

/// Plays it to its end, and checks every look.
fn play(plan: &Plan, happenings: Vec<Happening>) -> Result<(), TestCaseError> {
    let mut world = World::upgraded();
    // A rollback hook says no unless somebody wants it.
    let rollback = plan
        .hooks
        .iter()
        .position(|hook| hook.kind == HookType::Rollback);
    world.refusing = rollback.into_iter().collect();
    let most = happenings.len() + most_looks(plan);
    let mut happenings = happenings.into_iter();
    let mut memory = Memory::default();
    let mut ended = None;
    // What somebody else does to the route at the last moment is theirs.
    let mut meddled = false;
    for _ in 0..most {
        let happening = happenings.next().unwrap_or_else(|| {
            // Whoever closed a gate opens it in the end, and nobody holds a weight for good.
            world.status.paused_since = None;
            Happening::Hooks(rollback.into_iter().collect())
        });
        meddled = matches!(happening, Happening::Foreign(_) | Happening::ForeignCopy);
        happens(&mut world, &happening);
        let before = world.status.clone();
        let (seen, due, results) = world.ask(plan);
        let decision = step(plan, &before, &seen, &results);
        let look = Look {
            plan,
            before: &before,
            seen: &seen,
            due: &due,
            results: &results,
            decision: &decision,
        };
        invariants::the_same_arguments_give_the_same_decision(&look)?;
        invariants::check(&look, &memory)?;
        memory.learn(&look);
        let ends = matches!(decision.next, Next::Done(_));
        if let (Happening::Death(effects), false) = (&happening, ends) {
            world.die(plan, decision, *effects);
        } else {
            ended = world.act(plan, decision);
        }
        if ended.is_some() {
            break;
        }
    }
    let Some(outcome) = ended else {
        return Err(TestCaseError::fail(format!(
            "I16 every run ends: {:?}",
            world.log
        )));
    };
    ends_safely(&world, outcome, meddled)?;
    absorbs(plan, &world, outcome)
}

/// I3 and the safe side: users are on one side, and pods leave only the other.
fn ends_safely(world: &World, outcome: Outcome, meddled: bool) -> Result<(), TestCaseError> {
    let weight = world.weight();
    // Whoever leaves does not wait for the drain.
    let leaves = matches!(world.request, Some(Request::Leave(_)));
    match world.status.phase() {
        Phase::Succeeded | Phase::Initialized => {
            prop_assert!(weight == 0 || meddled, "users stay behind at {weight}");
        }
        Phase::Failed => {
            let whole = weight == 0 || weight == 100;
            prop_assert!(
                whole || outcome == Outcome::Split,
                "users are on both: {weight}"
            );
            if weight == 0 && outcome != Outcome::Split && !leaves {
                prop_assert_eq!(world.replicas, 0, "the canary keeps its pods");
            }
        }
        Phase::Waiting => {}
        Phase::New
        | Phase::Initializing
        | Phase::Progressing
        | Phase::WaitingPromotion
        | Phase::Promoting
        | Phase::Finalising
        | Phase::Terminating
        | Phase::Terminated => {
            let code = outcome.exit_code();
            let promoted = outcome == Outcome::Promoted && weight == 0 && leaves;
            prop_assert!(
                code >= 20 || promoted,
                "left midway without a word: {outcome:?}"
            );
        }
    }
    Ok(())
}

/// Terminal phases absorb: whoever runs once more on the same revision changes nothing.
fn absorbs(plan: &Plan, world: &World, outcome: Outcome) -> Result<(), TestCaseError> {
    let again = match outcome {
        Outcome::Promoted | Outcome::Unchanged => Outcome::Unchanged,
        Outcome::RolledBack(cause) | Outcome::AlreadyRejected(cause) if cause.rejects() => {
            Outcome::AlreadyRejected(cause)
        }
        Outcome::RolledBack(_)
        | Outcome::AlreadyRejected(_)
        | Outcome::Bootstrapped
        | Outcome::Held(_)
        | Outcome::Stopped(_)
        | Outcome::Split => return Ok(()),
    };
    if world.status.ending.is_some() || world.status.phase() == Phase::Finalising {
        // Who has left before the drain was over lets the next one finish it.
        return Ok(());
    }
    let mut seen = world.observe();
    seen.request = None;
    let rejected = world.status.rejected.as_ref();
    let rejects = rejected.is_some_and(|rejected| rejected.revision == seen.revision);
    let over = if again == Outcome::Unchanged {
        seen.primary_is_current
    } else {
        rejects && !seen.primary_is_current
    };
    if over && seen.routes == Some(Routes::PRIMARY) {
        let decision = step(plan, &world.status, &seen, &[]);
        prop_assert_eq!(decision.next, Next::Done(again), "terminal phases absorb");
        prop_assert_eq!(decision.effects, Vec::new(), "terminal phases absorb");
    }
    Ok(())
}

/// More of them with `PROPTEST_CASES`.
fn cases(least: u32) -> ProptestConfig {
    ProptestConfig {
        cases: ProptestConfig::default().cases.max(least),
        // A refuted case is made smaller within seconds.
        max_shrink_iters: 20_000,
        ..ProptestConfig::default()
    }
}

fn happenings() -> impl Strategy<Value = Vec<Happening>> {
    proptest::collection::vec(happening(), 0..100)
}

proptest! {
    #![proptest_config(cases(5_000))]

    #[test]
    fn weighted_canaries_keep_all_invariants(plan in plans(weights()), happenings in happenings()) {
        play(&plan, happenings)?;
    }
}

proptest! {
    #![proptest_config(cases(2_000))]

    #[test]
    fn a_b_testing_keeps_all_invariants(plan in plans(matches()), happenings in happenings()) {
        play(&plan, happenings)?;
    }
}

proptest! {
    #![proptest_config(cases(3_000))]

    #[test]
    fn blue_green_keeps_all_invariants(plan in plans(switch()), happenings in happenings()) {
        play(&plan, happenings)?;
    }
}

#[test]
fn a_run_that_nothing_happens_to_takes_its_intervals() {
    let plan = plan();
    let mut world = World::upgraded();
    let began = world.at;
    assert_eq!(world.run(&plan), Outcome::Promoted);
    let looks = i32::try_from(plan.way.weights().len()).unwrap();
    let least = plan.interval.saturating_mul(looks) + plan.drain;
    assert_eq!(world.at.duration_since(began), least);
    assert_eq!(least, SignedDuration::from_secs(55));
}
