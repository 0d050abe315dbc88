use super::world::World;
use super::world::plan;
use super::world::weights;
use crate::canary::phase::Phase;
use crate::canary::weight::Routes;
use crate::canary::weight::Weight;
use crate::rollout::decision::Cause;
use crate::rollout::decision::Outcome;
use crate::rollout::event::Signal;
use crate::rollout::observation::Request;
use crate::rollout::plan::Plan;
use crate::rollout::plan::Timing;
use crate::rollout::weights::Ladder;
use jiff::SignedDuration;

#[test]
fn a_good_version_climbs_and_is_promoted() {
    let mut world = World::upgraded();
    assert_eq!(world.run(&plan()), Outcome::Promoted);
    assert_eq!(
        world.log,
        [
            "0 Progressing",
            "0 0->10",
            "10 passed",
            "10 10->20",
            "20 passed",
            "20 20->30",
            "30 passed",
            "30 30->40",
            "40 passed",
            "40 40->50",
            "50 passed",
            "50 Promoting",
            "50 50->0",
            "50 Finalising",
            "55 Succeeded",
        ]
    );
    assert_eq!((world.replicas, world.primary.as_deref()), (0, Some("v2")));
}

#[test]
fn on_the_grid_it_takes_flaggers_ticks() {
    let plan = Plan {
        timing: Timing::Grid,
        ..plan()
    };
    let mut world = World::upgraded();
    assert_eq!(world.run(&plan), Outcome::Promoted);
    let changes: Vec<&str> = world
        .log
        .iter()
        .map(String::as_str)
        .filter(|l| !l.ends_with("passed"))
        .collect();
    assert_eq!(
        changes,
        [
            "0 Progressing",
            "10 0->10",
            "20 10->20",
            "30 20->30",
            "40 30->40",
            "50 40->50",
            "60 Promoting",
            "70 50->0",
            "70 Finalising",
            "80 Succeeded",
        ]
    );
}

#[test]
fn a_reached_threshold_rolls_back_at_the_decisive_check() {
    let mut world = World::upgraded();
    world.run_until(&plan(), |w| w.weight() == 30);
    world.metric_ok = false;
    assert_eq!(world.run(&plan()), Outcome::RolledBack(Cause::Analysis));
    assert_eq!(
        world.log[world.log.len() - 4..],
        ["30 held 1", "40 held 2", "40 30->0", "40 Failed"]
    );
    assert_eq!(
        (world.weight(), world.replicas, world.primary.as_deref()),
        (0, 0, Some("v1"))
    );
}

#[test]
fn on_the_grid_the_threshold_is_compared_at_the_next_tick() {
    let plan = Plan {
        timing: Timing::Grid,
        ..plan()
    };
    let mut world = World::upgraded();
    world.run_until(&plan, |w| w.weight() == 30);
    world.metric_ok = false;
    assert_eq!(world.run(&plan), Outcome::RolledBack(Cause::Analysis));
    assert_eq!(
        world.log[world.log.len() - 4..],
        ["40 held 1", "50 held 2", "60 30->0", "60 Failed"]
    );
}

#[test]
fn a_failed_check_holds_the_weight_and_a_later_pass_goes_on() {
    let mut world = World::upgraded();
    world.run_until(&plan(), |w| w.weight() == 20);
    world.metric_ok = false;
    world.run_until(&plan(), |w| w.status.canary.failed_checks == 1);
    world.metric_ok = true;
    assert_eq!(world.run(&plan()), Outcome::Promoted);
    assert_eq!(world.status.canary.failed_checks, 1);
}

#[test]
fn a_canary_that_never_becomes_ready_gets_no_traffic() {
    let mut world = World::upgraded();
    world.canary_pods_come = false;
    assert_eq!(world.run(&plan()), Outcome::RolledBack(Cause::Workload));
    assert!(
        world.log.iter().all(|line| !line.contains("->")),
        "{:?}",
        world.log
    );
    assert_eq!(world.replicas, 0);
}

#[test]
fn a_canary_that_loses_its_pods_loses_the_users_at_once_and_starts_over() {
    let mut world = World::upgraded();
    world.run_until(&plan(), |w| w.weight() == 20);
    world.metric_ok = false;
    world.run_until(&plan(), |w| w.status.canary.failed_checks == 1);
    world.metric_ok = true;
    world.canary_pods_come = false;
    world.tick(&plan());
    assert_eq!(
        (world.weight(), world.status.phase()),
        (0, Phase::Progressing)
    );
    world.canary_pods_come = true;
    world.run_until(&plan(), |w| w.weight() == 10);
    assert_eq!(world.status.canary.failed_checks, 1, "counters are kept");
    assert_eq!(world.run(&plan()), Outcome::Promoted);
}

#[test]
fn a_newer_revision_sends_users_home_and_starts_a_fresh_analysis() {
    let mut world = World::upgraded();
    world.run_until(&plan(), |w| w.weight() == 30);
    world.target = "v3".to_owned();
    world.tick(&plan());
    assert_eq!((world.weight(), world.status.canary.failed_checks), (0, 0));
    assert_eq!(world.run(&plan()), Outcome::Promoted);
    assert_eq!(world.primary.as_deref(), Some("v3"));
}

#[test]
fn a_revision_that_appears_during_promotion_is_the_next_rollout() {
    let mut world = World::upgraded();
    world.run_until(&plan(), |w| w.status.phase() == Phase::Finalising);
    world.target = "v3".to_owned();
    assert_eq!(world.run(&plan()), Outcome::Promoted);
    assert_eq!(world.primary.as_deref(), Some("v3"));
}

#[test]
fn a_primary_that_cannot_take_over_leaves_users_on_the_canary() {
    let mut world = World::upgraded();
    world.run_until(&plan(), |w| w.status.phase() == Phase::Promoting);
    world.primary_pods_come = false;
    assert_eq!(world.run(&plan()), Outcome::Split);
    assert_eq!(
        (world.weight(), world.replicas, world.status.phase()),
        (100, 2, Phase::Failed)
    );
    world.primary_pods_come = true;
    assert_eq!(
        world.run(&plan()),
        Outcome::Split,
        "a new run does not pretend that all is well"
    );
}

#[test]
fn a_canary_that_breaks_during_promotion_hands_its_users_to_what_is_ready_of_the_primary() {
    let mut world = World::upgraded();
    world.run_until(&plan(), |w| w.status.phase() == Phase::Promoting);
    world.status.promoted_generation = Some(99);
    world.canary_pods_come = false;
    world.tick(&plan());
    assert_eq!(world.weight(), 0);
}

#[test]
fn an_interrupt_puts_users_on_the_primary_first() {
    let mut world = World::upgraded();
    world.run_until(&plan(), |w| w.weight() == 30);
    world.request = Some(Request::Interrupt(Signal::Term));
    assert_eq!(world.tick(&plan()), None);
    assert_eq!(world.weight(), 0, "the first wake-up moves the route");
    let outcome = world.run(&plan());
    assert_eq!(
        (outcome, outcome.exit_code(), world.replicas),
        (Outcome::RolledBack(Cause::Signal(Signal::Term)), 143, 0)
    );
    world.request = None;
    assert_eq!(
        world.run(&plan()),
        Outcome::Promoted,
        "a signal says nothing against the revision"
    );
}

#[test]
fn an_interrupt_during_promotion_leaves_users_on_the_safe_side() {
    let mut world = World::upgraded();
    world.run_until(&plan(), |w| w.status.phase() == Phase::Promoting);
    world.status.promoted_generation = Some(99);
    world.request = Some(Request::Interrupt(Signal::Int));
    let outcome = world.tick(&plan()).unwrap();
    assert_eq!(
        (outcome, outcome.exit_code(), world.weight()),
        (Outcome::Held(Weight::FULL), 21, 100)
    );
}

#[test]
fn an_interrupt_while_finalising_finishes() {
    let mut world = World::upgraded();
    world.run_until(&plan(), |w| w.status.phase() == Phase::Finalising);
    world.request = Some(Request::Interrupt(Signal::Int));
    assert_eq!(world.run(&plan()), Outcome::Promoted);
}

#[test]
fn a_hold_leaves_the_weight() {
    let mut world = World::upgraded();
    world.run_until(&plan(), |w| w.weight() == 30);
    world.request = Some(Request::Hold(Signal::Int));
    assert_eq!(
        world.tick(&plan()),
        Some(Outcome::Held(Weight::saturating(30)))
    );
    assert_eq!(world.weight(), 30);
}

#[test]
fn a_rejected_revision_is_not_driven_again_unasked() {
    let mut world = World::upgraded();
    world.metric_ok = false;
    world.run(&plan());
    world.metric_ok = true;
    assert_eq!(
        world.run(&plan()),
        Outcome::AlreadyRejected(Cause::Analysis)
    );
    assert_eq!(
        world.run(&Plan {
            retry: true,
            ..plan()
        }),
        Outcome::Promoted
    );
}

#[test]
fn nothing_to_do_is_said_at_once() {
    let mut world = World::upgraded();
    world.run(&plan());
    assert_eq!(world.tick(&plan()), Some(Outcome::Unchanged));
}

#[test]
fn bootstrap_keeps_the_targets_pods_until_users_have_moved_and_drained() {
    let mut world = World::fresh();
    world.run_until(&plan(), |w| w.routes.is_some());
    let moved = world.at;
    assert_eq!(world.replicas, 2);
    assert_eq!(world.run(&plan()), Outcome::Bootstrapped);
    assert_eq!(
        (world.at.duration_since(moved), world.replicas),
        (SignedDuration::from_secs(5), 0)
    );
}

#[test]
fn a_primary_that_never_comes_up_leaves_users_on_the_target() {
    let mut world = World::fresh();
    world.primary_pods_come = false;
    assert_eq!(world.run(&plan()), Outcome::RolledBack(Cause::Workload));
    assert_eq!((world.apex, world.routes, world.replicas), (false, None, 2));
}

#[test]
fn a_weight_above_ours_is_written_back_and_the_soak_starts_over() {
    let mut world = World::upgraded();
    world.run_until(&plan(), |w| w.weight() == 20);
    world.routes = Some(Routes::split(Weight::saturating(80)));
    world.tick(&plan());
    assert_eq!((world.weight(), world.status.drifts), (20, 1));
}

#[test]
fn a_weight_below_ours_goes_on_from_the_planned_step_under_it() {
    let mut world = World::upgraded();
    world.run_until(&plan(), |w| w.weight() == 40);
    world.routes = Some(Routes::split(Weight::saturating(25)));
    world.tick(&plan());
    assert_eq!(world.weight(), 20);
}

#[test]
fn a_third_foreign_change_rolls_back() {
    let mut world = World::upgraded();
    world.run_until(&plan(), |w| w.weight() == 20);
    for _ in 0..3 {
        world.routes = Some(Routes::split(Weight::saturating(80)));
        world.tick(&plan());
    }
    assert_eq!(world.run(&plan()), Outcome::RolledBack(Cause::Aborted));
}

#[test]
fn the_runs_time_ends_it() {
    let mut world = World::upgraded();
    let plan = Plan {
        deadline: Some(world.at + SignedDuration::from_secs(25)),
        ..plan()
    };
    assert_eq!(world.run(&plan), Outcome::RolledBack(Cause::Timeout));
    assert_eq!(world.weight(), 0);
}

#[test]
fn promotion_steps_bring_users_home_in_steps() {
    let plan = Plan {
        promotion_step: Weight::saturating(20),
        ..plan()
    };
    let mut world = World::upgraded();
    assert_eq!(world.run(&plan), Outcome::Promoted);
    let moves: Vec<&str> = world
        .log
        .iter()
        .map(String::as_str)
        .filter(|l| l.contains("->"))
        .collect();
    assert_eq!(moves[5..], ["50 50->30", "60 30->10", "70 10->0"]);
}

#[test]
fn a_small_canary_is_raised_before_its_share_needs_it() {
    let mut world = World::upgraded();
    world.replicas = 1;
    let plan = Plan {
        way: weights(Ladder::explicit(&[40, 80])),
        ..plan()
    };
    world.run_until(&plan, |w| w.weight() == 40);
    assert_eq!(world.replicas, 1);
    world.run_until(&plan, |w| w.weight() == 80);
    assert_eq!(world.replicas, 2);
}

#[test]
fn a_pause_holds_the_weight_while_checks_go_on_and_may_roll_back() {
    let mut world = World::upgraded();
    world.run_until(&plan(), |w| w.weight() == 20);
    world.status.paused_since = Some(world.at);
    for _ in 0..60 {
        assert_eq!(world.tick(&plan()), None);
    }
    assert_eq!(world.weight(), 20);
    assert!(
        world
            .log
            .iter()
            .filter(|line| line.ends_with("passed"))
            .count()
            > 3
    );
    world.metric_ok = false;
    assert_eq!(world.run(&plan()), Outcome::RolledBack(Cause::Analysis));
}

#[test]
fn a_pause_before_the_first_weight_keeps_users_home() {
    let mut world = World::upgraded();
    world.tick(&plan());
    world.status.paused_since = Some(world.at);
    for _ in 0..5 {
        world.tick(&plan());
    }
    assert_eq!(world.weight(), 0);
    world.status.paused_since = None;
    assert_eq!(world.run(&plan()), Outcome::Promoted);
}

#[test]
fn a_target_that_changes_before_it_was_promoted_is_analysed_from_the_start() {
    let mut world = World::upgraded();
    world.run_until(&plan(), |w| w.status.phase() == Phase::Promoting);
    world.primary = Some("v1".to_owned());
    world.status.promoted_generation = None;
    world.target = "v3".to_owned();
    world.tick(&plan());
    assert_eq!(
        (world.status.phase(), world.weight()),
        (Phase::Progressing, 0)
    );
    assert_eq!(world.run(&plan()), Outcome::Promoted);
    assert_eq!(world.primary.as_deref(), Some("v3"));
}
