//! Sequences that once left users on the wrong side, or a run without an end.

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

fn split_on_the_canary() -> World {
    let mut world = World::upgraded();
    world.run_until(&plan(), |w| w.weight() == 20);
    world.primary_pods_come = false;
    world.metric_ok = false;
    assert_eq!(world.run(&plan()), Outcome::Split);
    assert_eq!((world.weight(), world.status.phase()), (100, Phase::Failed));
    world
}

#[test]
fn a_later_run_does_not_send_users_to_a_primary_without_pods() {
    let mut world = split_on_the_canary();
    assert_eq!(world.run(&plan()), Outcome::Split);
    assert_eq!(world.weight(), 100);
    world.primary_pods_come = true;
    world.metric_ok = true;
    world.run_until(&plan(), |w| w.weight() == 0);
}

#[test]
fn a_primary_that_loses_all_pods_while_it_rolls_hands_its_users_to_the_canary() {
    let mut world = World::upgraded();
    world.run_until(&plan(), |w| w.status.phase() == Phase::Promoting);
    world.primary_pods_come = false;
    world.tick(&plan());
    assert_eq!(
        (world.weight(), world.status.phase()),
        (100, Phase::Promoting)
    );
    world.primary_pods_come = true;
    assert_eq!(world.run(&plan()), Outcome::Promoted);
    assert_eq!(world.weight(), 0);
}

#[test]
fn a_promoted_primary_that_breaks_while_the_canary_drains_gives_its_users_back() {
    let mut world = World::upgraded();
    world.run_until(&plan(), |w| w.status.phase() == Phase::Finalising);
    world.primary_pods_come = false;
    world.tick(&plan());
    assert_eq!((world.weight(), world.replicas), (100, 2));
    world.primary_pods_come = true;
    assert_eq!(world.run(&plan()), Outcome::Promoted);
    assert_eq!((world.weight(), world.replicas), (0, 0));
}

#[test]
fn a_primary_that_was_replaced_by_another_object_is_not_waited_for_without_end() {
    let mut world = World::upgraded();
    world.run_until(&plan(), |w| w.status.phase() == Phase::Promoting);
    world.status.promoted_generation = Some(99);
    assert_eq!(world.run(&plan()), Outcome::Split);
}

#[test]
fn two_short_waits_for_pods_are_not_one_long_one() {
    let plan = Plan {
        interval: SignedDuration::from_secs(300),
        ..plan()
    };
    let mut world = World::upgraded();
    world.run_until(&plan, |w| w.weight() == 20);
    for _ in 0..2 {
        world.canary_pods = Some(1);
        world.tick(&plan);
        world.canary_pods = None;
        world.tick(&plan);
        world.at += SignedDuration::from_secs(100);
    }
    world.canary_pods = Some(1);
    assert_eq!(world.tick(&plan), None);
    assert_eq!(world.weight(), 20);
}

#[test]
fn a_weight_that_waits_for_pods_is_judged_once_an_interval() {
    let mut world = World::upgraded();
    let plan = Plan {
        way: weights(Ladder::explicit(&[40, 80])),
        canary_ready_percent: 50,
        ..plan()
    };
    world.run_until(&plan, |w| w.weight() == 40);
    world.canary_pods = Some(1);
    world.run_until(&plan, |w| w.log.iter().any(|line| line.ends_with("passed")));
    for _ in 0..5 {
        world.tick(&plan);
    }
    let passed = |w: &World| w.log.iter().filter(|line| line.ends_with("passed")).count();
    assert_eq!((passed(&world), world.weight()), (1, 40));
    world.canary_pods = None;
    world.tick(&plan);
    assert_eq!(world.weight(), 80, "pods that came are not kept waiting");
}

#[test]
fn a_canary_that_needs_no_ready_pods_gets_no_users_without_one() {
    let mut world = World::upgraded();
    let plan = Plan {
        canary_ready_percent: 0,
        ..plan()
    };
    world.canary_pods = Some(0);
    assert_eq!(world.run(&plan), Outcome::RolledBack(Cause::Workload));
    assert!(world.log.iter().all(|line| !line.contains("->")));
}

#[test]
fn a_bootstrap_takes_users_off_the_target_before_its_pods_leave() {
    let mut world = World::fresh();
    world.routes = Some(Routes::split(Weight::saturating(50)));
    assert_eq!(world.run(&plan()), Outcome::Bootstrapped);
    assert_eq!((world.weight(), world.replicas), (0, 0));
}

#[test]
fn leaving_while_the_canary_drains_does_not_wait() {
    let mut world = World::upgraded();
    world.run_until(&plan(), |w| w.status.phase() == Phase::Finalising);
    world.request = Some(Request::Leave(Signal::Int));
    assert_eq!(world.tick(&plan()), Some(Outcome::Promoted));
    world.request = None;
    world.run(&plan());
    assert_eq!(world.replicas, 0, "the next run cleans up");
}

#[test]
fn what_is_lost_during_a_promotion_is_not_called_a_hold() {
    let mut world = World::upgraded();
    world.run_until(&plan(), |w| w.status.phase() == Phase::Promoting);
    world.status.promoted_generation = Some(99);
    world.request = Some(Request::Lost);
    assert_eq!(world.tick(&plan()), Some(Outcome::Split));
    assert_eq!(world.weight(), 100);
}

#[test]
fn a_soak_does_not_outlast_the_runs_time() {
    let mut world = World::upgraded();
    world.run_until(&plan(), |w| w.weight() == 10);
    let plan = Plan {
        deadline: Some(world.at + SignedDuration::from_secs(3)),
        ..plan()
    };
    let seen = world.observe();
    let decision = crate::rollout::step::step(&plan, &world.status, &seen, &[]);
    assert_eq!(
        decision.next,
        crate::rollout::decision::Next::Tick(plan.deadline)
    );
}

#[test]
fn a_foreign_weight_that_is_taken_over_is_told() {
    let mut world = World::upgraded();
    world.run_until(&plan(), |w| w.weight() == 40);
    world.routes = Some(Routes::split(Weight::saturating(20)));
    world.tick(&plan());
    assert_eq!(world.log.last().map(String::as_str), Some("30 40->20"));
}

#[test]
fn an_endless_drain_is_no_panic() {
    let mut world = World::upgraded();
    let plan = Plan {
        drain: SignedDuration::MAX,
        interval: SignedDuration::MAX,
        progress_deadline: SignedDuration::MAX,
        ..plan()
    };
    for _ in 0..5 {
        world.tick(&plan);
    }
    assert_eq!(world.weight(), 10);
}

#[test]
fn a_new_revision_sends_nobody_to_a_primary_without_pods() {
    let mut world = World::upgraded();
    world.run_until(&plan(), |w| w.weight() == 20);
    world.primary_pods_come = false;
    world.target = "v3".to_owned();
    world.tick(&plan());
    assert_eq!(world.weight(), 20, "it waits for the primary");
    world.primary_pods_come = true;
    assert_eq!(world.run(&plan()), Outcome::Promoted);
    assert_eq!(world.primary.as_deref(), Some("v3"));
}

#[test]
fn a_weight_that_someone_raised_is_not_lowered_to_a_primary_without_pods() {
    let mut world = World::upgraded();
    world.run_until(&plan(), |w| w.weight() == 20);
    world.primary_pods_come = false;
    world.routes = Some(Routes::split(Weight::saturating(70)));
    world.tick(&plan());
    assert_eq!(world.weight(), 70, "it waits for the primary");
    world.primary_pods_come = true;
    world.tick(&plan());
    assert_eq!(world.weight(), 20);
}

#[test]
fn users_that_someone_sent_back_while_the_canary_drains_stay_where_pods_are() {
    let mut world = World::upgraded();
    world.run_until(&plan(), |w| w.weight() == 20);
    world.metric_ok = false;
    world.run_until(&plan(), |w| w.status.ending.is_some());
    world.primary_pods_come = false;
    world.routes = Some(Routes::split(Weight::saturating(30)));
    assert_eq!(world.run(&plan()), Outcome::Split);
    assert_eq!((world.weight(), world.replicas), (100, 2));
}

#[test]
fn whoever_leaves_takes_users_home_first_whom_someone_else_sent_back() {
    let mut world = World::upgraded();
    world.run_until(&plan(), |w| w.weight() == 20);
    world.request = Some(Request::Leave(Signal::Int));
    world.tick(&plan());
    world.routes = Some(Routes::split(Weight::saturating(30)));
    let cause = Cause::Signal(Signal::Int);
    assert_eq!(world.run(&plan()), Outcome::RolledBack(cause));
    assert_eq!(world.weight(), 0);
}

#[test]
fn on_the_grid_the_way_home_takes_a_tick_a_step_however_slow_the_writes_are() {
    let plan = Plan {
        timing: Timing::Grid,
        promotion_step: Weight::saturating(20),
        ..plan()
    };
    let mut world = World::upgraded();
    world.run_until(&plan, |w| {
        w.weight() == 30 && w.status.phase() == Phase::Promoting
    });
    let acknowledged = world.at + SignedDuration::from_secs(2);
    world.status.acknowledge(acknowledged, plan.interval);
    world.tick(&plan);
    assert_eq!(world.weight(), 10);
}
