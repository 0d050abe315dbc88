//! Webhooks and gates: when they are asked, and what their answers decide.

use super::world::World;
use super::world::plan;
use super::world::weights;
use crate::canary::phase::Phase;
use crate::canary::webhook::HookType;
use crate::rollout::decision::Cause;
use crate::rollout::decision::Check;
use crate::rollout::decision::Outcome;
use crate::rollout::event::Signal;
use crate::rollout::observation::Request;
use crate::rollout::plan::Hook;
use crate::rollout::plan::Plan;
use crate::rollout::plan::Timing;
use crate::rollout::plan::Way;
use crate::rollout::step::checks_due;
use crate::rollout::weights::Ladder;
use jiff::SignedDuration;

pub(super) fn with(hooks: &[(HookType, &str)]) -> Plan {
    let hook = |(kind, name): &(HookType, &str)| Hook {
        kind: *kind,
        name: (*name).to_owned(),
    };
    Plan {
        way: weights(Ladder::linear(10, 20)),
        hooks: hooks.iter().map(hook).collect(),
        ..plan()
    }
}

const ALL: [(HookType, &str); 7] = [
    (HookType::PostRollout, "post"),
    (HookType::ConfirmPromotion, "promotion"),
    (HookType::ConfirmTrafficIncrease, "increase"),
    (HookType::Rollout, "load"),
    (HookType::PreRollout, "pre"),
    (HookType::ConfirmRollout, "rollout"),
    (HookType::Rollback, "rollback"),
];
const ROLLBACK: usize = 6;

#[test]
fn every_hook_has_its_moment() {
    let mut world = World::upgraded();
    world.refusing = vec![ROLLBACK];
    assert_eq!(world.run(&with(&ALL)), Outcome::Promoted);
    assert_eq!(
        world.calls,
        [
            "0 rollout yes",
            "0 rollback no",
            "0 pre yes",
            "0 increase yes",
            "10 rollback no",
            "10 load yes",
            "10 increase yes",
            "20 rollback no",
            "20 load yes",
            "20 increase yes",
            "20 promotion yes",
            "25 post yes",
        ]
    );
}

#[test]
fn a_closed_gate_before_the_start_moves_nothing_and_its_opening_starts() {
    let plan = with(&[(HookType::ConfirmRollout, "gate")]);
    let mut world = World::upgraded();
    world.refusing = vec![0];
    world.run_until(&plan, |w| w.calls.len() == 3);
    assert_eq!(world.status.phase(), Phase::Waiting);
    assert_eq!((world.replicas, world.weight()), (0, 0));
    assert_eq!(world.calls, ["0 gate no", "10 gate no", "20 gate no"]);
    world.refusing.clear();
    assert_eq!(world.run(&plan), Outcome::Promoted);
    assert_eq!(
        world.log[..3],
        ["0 Waiting", "30 gate opened", "30 Progressing"]
    );
}

#[test]
fn a_gate_before_the_start_is_left_open_where_the_target_is_put_back() {
    let plan = with(&[(HookType::ConfirmRollout, "gate")]);
    let mut world = World::upgraded();
    world.refusing = vec![0];
    world.run_until(&plan, |w| w.status.phase() == Phase::Waiting);
    world.target = "v1".to_owned();
    assert_eq!(world.run(&plan), Outcome::Unchanged);
    assert_eq!(world.status.phase(), Phase::Initialized);
}

#[test]
fn a_closed_promotion_keeps_weight_and_iterations_and_goes_on_checking() {
    let plan = with(&[(HookType::ConfirmPromotion, "gate")]);
    let mut world = World::upgraded();
    world.refusing = vec![0];
    world.run_until(&plan, |w| w.calls.len() == 2);
    assert_eq!(
        (world.status.phase(), world.weight()),
        (Phase::WaitingPromotion, 20)
    );
    assert_eq!(world.status.canary.canary_weight.percent(), 20);
    assert_eq!(world.status.canary.iterations, 0);
    world.refusing.clear();
    assert_eq!(world.run(&plan), Outcome::Promoted);
}

#[test]
fn a_threshold_reached_behind_a_closed_gate_rolls_back() {
    for kind in [HookType::ConfirmPromotion, HookType::ConfirmTrafficIncrease] {
        let plan = with(&[(kind, "gate")]);
        let mut world = World::upgraded();
        world.run_until(&plan, |w| {
            w.weight() == 20 || kind == HookType::ConfirmPromotion
        });
        world.refusing = vec![0];
        world.run_until(&plan, |w| w.status.gate.is_some());
        world.metric_ok = false;
        assert_eq!(world.run(&plan), Outcome::RolledBack(Cause::Analysis));
        assert_eq!((world.weight(), &world.status.gate), (0, &None));
    }
}

#[test]
fn blue_green_asks_for_the_promotion_once_before_the_switch() {
    let plan = Plan {
        way: Way::Switch {
            iterations: 2,
            mirror: false,
            moves: true,
        },
        ..with(&[(HookType::ConfirmPromotion, "gate")])
    };
    let mut world = World::upgraded();
    assert_eq!(world.run(&plan), Outcome::Promoted);
    assert_eq!(world.calls, ["20 gate yes"]);
}

#[test]
fn a_closed_promotion_in_iterations_is_asked_at_every_look() {
    let plan = Plan {
        way: Way::Matches { iterations: 2 },
        ..with(&[(HookType::ConfirmPromotion, "gate")])
    };
    let mut world = World::upgraded();
    world.refusing = vec![0];
    world.run_until(&plan, |w| w.calls.len() == 3);
    assert_eq!(world.calls, ["20 gate no", "30 gate no", "40 gate no"]);
    assert_eq!(world.status.canary.iterations, 2);
    world.refusing.clear();
    assert_eq!(world.run(&plan), Outcome::Promoted);
}

#[test]
fn a_hook_before_the_rollout_that_says_no_counts_as_a_failed_check() {
    let plan = with(&[(HookType::PreRollout, "pre")]);
    let mut world = World::upgraded();
    world.refusing = vec![0];
    assert_eq!(world.run(&plan), Outcome::RolledBack(Cause::Analysis));
    assert_eq!(world.calls, ["0 pre no", "10 pre no"]);
    assert!(world.log.contains(&"0 held 1".to_owned()));
}

#[test]
fn a_failing_rollout_hook_keeps_the_metrics_unasked() {
    let plan = with(&[(HookType::Rollout, "load"), (HookType::Rollout, "more")]);
    let mut world = World::upgraded();
    world.run_until(&plan, |w| w.weight() == 10);
    world.refusing = vec![0];
    world.metric_ok = false;
    world.run_until(&plan, |w| w.status.canary.failed_checks == 1);
    assert_eq!(world.calls, ["10 load no"]);
}

#[test]
fn a_rollback_hook_that_says_yes_rolls_back_at_once() {
    let plan = with(&[(HookType::Rollback, "panic")]);
    let mut world = World::upgraded();
    world.refusing = vec![0];
    world.run_until(&plan, |w| w.weight() == 20);
    world.refusing.clear();
    assert_eq!(world.run(&plan), Outcome::RolledBack(Cause::Aborted));
    assert_eq!(world.log[world.log.len() - 2..], ["20 20->0", "20 Failed"]);
}

#[test]
fn a_gate_that_stays_closed_for_a_day_ends_the_run() {
    let hours = SignedDuration::from_hours(1);
    for (kind, outcome) in [
        (
            HookType::ConfirmRollout,
            Outcome::RolledBack(Cause::Timeout),
        ),
        (
            HookType::ConfirmTrafficIncrease,
            Outcome::RolledBack(Cause::Timeout),
        ),
        (
            HookType::ConfirmPromotion,
            Outcome::RolledBack(Cause::Timeout),
        ),
    ] {
        let plan = Plan {
            interval: hours,
            ..with(&[(kind, "gate")])
        };
        let mut world = World::upgraded();
        world.refusing = vec![0];
        assert_eq!(world.run_slowly(&plan), outcome);
        assert_eq!(world.weight(), 0);
    }
}

#[test]
fn the_time_at_a_gate_does_not_count_for_the_runs_own() {
    let mut plan = with(&[(HookType::ConfirmPromotion, "gate")]);
    let mut world = World::upgraded();
    plan.deadline = Some(world.at + SignedDuration::from_secs(60));
    world.refusing = vec![0];
    world.run_until(&plan, |w| w.calls.len() == 12);
    assert_eq!(world.weight(), 20);
}

#[test]
fn hooks_that_have_answered_are_not_asked_again_while_pods_are_missing() {
    let plan = with(&[
        (HookType::PreRollout, "pre"),
        (HookType::ConfirmTrafficIncrease, "gate"),
    ]);
    let mut world = World::upgraded();
    world.canary_pods = Some(0);
    world.run_until(&plan, |w| w.status.phase() == Phase::Progressing);
    let plan = Plan {
        canary_ready_percent: 0,
        ..plan
    };
    for _ in 0..5 {
        world.tick(&plan);
    }
    assert_eq!(world.calls, ["0 pre yes", "0 gate yes"]);
    world.canary_pods = None;
    assert_eq!(world.run(&plan), Outcome::Promoted);
}

#[test]
fn a_driver_that_takes_over_asks_only_what_was_not_answered() {
    let plan = with(&[
        (HookType::PreRollout, "pre"),
        (HookType::PreRollout, "more"),
    ]);
    let mut world = World::upgraded();
    world.run_until(&plan, |w| w.status.phase() == Phase::Progressing);
    world.status.answered = vec![0];
    let due = checks_due(&plan, &world.status, &world.observe());
    assert_eq!(due, [Check::Hook(1)]);
}

#[test]
fn a_person_who_pauses_is_asked_for_no_gate() {
    let plan = with(&[
        (HookType::ConfirmTrafficIncrease, "gate"),
        (HookType::Rollout, "load"),
    ]);
    let mut world = World::upgraded();
    world.run_until(&plan, |w| w.weight() == 10);
    world.status.paused_since = Some(world.at);
    let asked = world.calls.len();
    for _ in 0..30 {
        world.tick(&plan);
    }
    assert!(
        world.calls[asked..]
            .iter()
            .all(|call| call.contains("load"))
    );
    assert_eq!(world.weight(), 10);
}

#[test]
fn what_a_run_came_to_is_told_after_it_and_an_answer_changes_nothing() {
    let plan = with(&[
        (HookType::PostRollout, "one"),
        (HookType::PostRollout, "two"),
    ]);
    let mut world = World::upgraded();
    world.metric_ok = false;
    world.refusing = vec![0];
    assert_eq!(world.run(&plan), Outcome::RolledBack(Cause::Analysis));
    assert_eq!(world.calls, ["25 one no"]);
    assert_eq!((world.status.phase(), world.replicas), (Phase::Failed, 0));
}

#[test]
fn whoever_leaves_does_not_wait_for_the_last_hooks() {
    let plan = with(&[(HookType::PostRollout, "one")]);
    let mut world = World::upgraded();
    world.run_until(&plan, |w| w.status.closing.is_some());
    world.request = Some(Request::Leave(Signal::Term));
    assert_eq!(world.run(&plan), Outcome::Promoted);
    assert!(world.calls.is_empty());
}

#[test]
fn on_the_grid_a_closed_gate_is_asked_at_every_tick() {
    let plan = Plan {
        timing: Timing::Grid,
        ..with(&[(HookType::ConfirmRollout, "gate")])
    };
    let mut world = World::upgraded();
    world.refusing = vec![0];
    world.run_until(&plan, |w| w.calls.len() == 3);
    assert_eq!(world.calls, ["0 gate no", "10 gate no", "20 gate no"]);
    world.refusing.clear();
    assert_eq!(world.run(&plan), Outcome::Promoted);
}

#[test]
fn a_target_that_is_put_back_midway_calls_the_run_off() {
    let plan = with(&[(HookType::PostRollout, "post")]);
    let mut world = World::upgraded();
    world.run_until(&plan, |w| w.weight() == 20);
    world.target = "v1".to_owned();
    assert_eq!(world.run(&plan), Outcome::Unchanged);
    assert_eq!(world.status.phase(), Phase::Initialized);
    assert_eq!((world.weight(), world.replicas), (0, 0));
    assert!(world.calls.is_empty());
    world.target = "v2".to_owned();
    assert_eq!(
        world.run(&plan),
        Outcome::Promoted,
        "nothing is held against it"
    );
}
