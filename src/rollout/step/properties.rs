//! Invariants of any run, whatever the world does.

use super::world::World;
use super::world::plan;
use crate::canary::phase::Phase;
use crate::canary::webhook::HookType;
use crate::canary::weight::Routes;
use crate::canary::weight::Weight;
use crate::rollout::event::Signal;
use crate::rollout::observation::Request;
use crate::rollout::plan::Hook;
use crate::rollout::plan::Plan;
use crate::rollout::plan::Timing;
use crate::rollout::plan::Way;
use crate::rollout::step::step;
use crate::rollout::weights::Ladder;
use proptest::prelude::*;

#[derive(Clone, Debug)]
enum Happening {
    Nothing,
    Metric(bool),
    CanaryPods(bool),
    PrimaryPods(bool),
    Upgrade(u8),
    Foreign(u8),
    Hooks(Vec<usize>),
    Interrupt,
    Hold,
}

fn happening() -> impl Strategy<Value = Happening> {
    prop_oneof![
        12 => Just(Happening::Nothing),
        3 => any::<bool>().prop_map(Happening::Metric),
        1 => any::<bool>().prop_map(Happening::CanaryPods),
        1 => any::<bool>().prop_map(Happening::PrimaryPods),
        1 => (2_u8..5).prop_map(Happening::Upgrade),
        1 => (0_u8..=100).prop_map(Happening::Foreign),
        3 => proptest::collection::vec(0..KINDS.len(), 0..KINDS.len()).prop_map(Happening::Hooks),
        1 => Just(Happening::Interrupt),
        1 => Just(Happening::Hold),
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

fn way() -> impl Strategy<Value = Way> {
    let mirror = any::<bool>;
    prop_oneof![
        4 => (1_u32..=100, 1_u32..=100, mirror()).prop_map(|(step, max, mirror)| Way::Weights {
            ladder: Ladder::linear(step, max).unwrap(),
            mirror,
        }),
        2 => (1_u32..6).prop_map(|iterations| Way::Matches { iterations }),
        3 => (1_u32..6, mirror(), any::<bool>()).prop_map(|(iterations, mirror, moves)| Way::Switch {
            iterations,
            mirror: mirror && moves,
            moves,
        }),
    ]
}

proptest! {
    // PROPTEST_CASES=10000 takes half a minute of a processor.
    #![proptest_config(ProptestConfig { cases: ProptestConfig::default().cases.max(1_000), ..ProptestConfig::default() })]

    #[test]
    fn every_run_ends_safely(
        happenings in proptest::collection::vec(happening(), 0..120),
        way in way(),
        kinds in proptest::sample::subsequence(KINDS.to_vec(), 0..=KINDS.len()),
        threshold in 1_u32..5,
        grid in any::<bool>(),
        promotion_step in 0_i64..50,
    ) {
        let plan = Plan {
            way,
            hooks: kinds.into_iter().map(|kind| Hook { kind, name: format!("{kind:?}") }).collect(),
            threshold,
            timing: if grid { Timing::Grid } else { Timing::Event },
            promotion_step: Weight::saturating(promotion_step),
            ..plan()
        };
        let mut world = World::upgraded();
        // A rollback hook says no unless somebody wants it.
        let rollback = plan.hooks.iter().position(|hook| hook.kind == HookType::Rollback);
        world.refusing = rollback.into_iter().collect();
        let mut happenings = happenings.into_iter();
        let mut ended = None;
        let mut meddled = false;
        for _ in 0..3_000 {
            // Whoever closed a gate opens it in the end.
            let happening = happenings.next().unwrap_or_else(|| Happening::Hooks(rollback.into_iter().collect()));
            meddled = matches!(happening, Happening::Foreign(_));
            match happening {
                Happening::Nothing => {}
                Happening::Metric(ok) => world.metric_ok = ok,
                Happening::CanaryPods(up) => world.canary_pods_come = up,
                Happening::PrimaryPods(up) => world.primary_pods_come = up,
                Happening::Hooks(refusing) => world.refusing = refusing,
                Happening::Upgrade(n) => world.target = format!("v{n}"),
                Happening::Foreign(weight) => world.routes = Some(Routes::split(Weight::saturating(weight.into()))),
                Happening::Interrupt => world.request = Some(Request::Interrupt(Signal::Term)),
                Happening::Hold => world.request = Some(Request::Hold(Signal::Term)),
            }
            let seen = world.observe();
            let before = world.status.clone();
            let again = (step(&plan, &before, &seen, &[]), step(&plan, &before, &seen, &[]));
            prop_assert_eq!(&again.0, &again.1, "the same arguments give the same decision");
            ended = world.tick(&plan);

            let after = &world.status;
            let weight = world.routes.map_or(Weight::ZERO, |routes| routes.canary);
            if after.phase() == Phase::Progressing && ended.is_none() {
                let foreign = seen.routes.is_some_and(|routes| routes.canary == weight);
                prop_assert!(weight <= plan.way.weights().last().copied().unwrap_or_default() || foreign, "never above the last planned weight");
            }
            if before.phase() == Phase::Progressing && after.phase() == Phase::Progressing
                && before.revision == after.revision {
                prop_assert!(after.canary.failed_checks >= before.canary.failed_checks);
            }
            if weight > seen.routes.map_or(Weight::ZERO, |routes| routes.canary) {
                prop_assert!(seen.canary.ready > 0, "users only go where pods are ready");
            }
            if ended.is_some() {
                break;
            }
        }
        let outcome = ended.expect("every run ends");
        let weight = world.weight();
        match world.status.phase() {
            Phase::Succeeded | Phase::Initialized => {
                prop_assert!(weight == 0 || meddled, "nobody else moved it: {}", weight);
            }
            Phase::Failed => prop_assert!(weight == 0 || weight == 100 || outcome.exit_code() == 20),
            Phase::New | Phase::Initializing | Phase::Waiting | Phase::Progressing | Phase::WaitingPromotion
            | Phase::Promoting | Phase::Finalising | Phase::Terminating | Phase::Terminated => {
                prop_assert!(outcome.exit_code() >= 20, "left midway: {:?}", outcome);
            }
        }
        if world.status.phase() == Phase::Failed && weight == 0 && outcome.exit_code() != 20 {
            prop_assert_eq!(world.replicas, 0);
        }
    }
}
