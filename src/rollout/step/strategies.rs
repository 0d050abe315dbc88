//! A/B testing, Blue/Green and mirroring: what they do at each look.

use super::world::World;
use super::world::plan;
use super::world::weights;
use crate::canary::phase::Phase;
use crate::canary::weight::Routes;
use crate::canary::weight::Weight;
use crate::rollout::cookies::Affinity;
use crate::rollout::decision::Cause;
use crate::rollout::decision::Outcome;
use crate::rollout::plan::Plan;
use crate::rollout::plan::Way;
use crate::rollout::weights::Ladder;

fn ab() -> Plan {
    Plan {
        way: Way::Matches { iterations: 3 },
        ..plan()
    }
}

fn blue_green(mirror: bool, moves: bool) -> Plan {
    Plan {
        way: Way::Switch {
            iterations: 3,
            mirror,
            moves,
        },
        ..plan()
    }
}

#[test]
fn matching_users_are_on_the_canary_from_the_first_iteration_to_the_last() {
    let mut world = World::upgraded();
    assert_eq!(world.run(&ab()), Outcome::Promoted);
    assert_eq!(
        world.log,
        [
            "0 Progressing",
            "0 iteration 1",
            "0 0->100",
            "10 passed",
            "10 iteration 2",
            "20 passed",
            "20 iteration 3",
            "30 passed",
            "30 Promoting",
            "30 100->0",
            "30 Finalising",
            "35 Succeeded",
        ]
    );
}

#[test]
fn everybody_switches_after_the_last_iteration_and_one_more_look_decides() {
    let mut world = World::upgraded();
    assert_eq!(world.run(&blue_green(false, true)), Outcome::Promoted);
    assert_eq!(
        world.log,
        [
            "0 Progressing",
            "0 iteration 1",
            "10 passed",
            "10 iteration 2",
            "20 passed",
            "20 iteration 3",
            "30 passed",
            "30 0->100",
            "40 passed",
            "40 Promoting",
            "40 100->0",
            "40 Finalising",
            "45 Succeeded",
        ]
    );
}

#[test]
fn without_a_router_the_promotion_is_the_switch() {
    let mut world = World::upgraded();
    let plan = blue_green(false, false);
    world.run_until(&plan, |w| {
        assert_eq!(w.weight(), 0);
        w.status.phase() == Phase::Promoting
    });
    assert_eq!(world.status.canary.iterations, 4);
    assert_eq!(world.run(&plan), Outcome::Promoted);
    assert_eq!(world.status.canary.iterations, 0);
}

#[test]
fn a_copy_of_the_traffic_comes_first_and_ends_with_the_first_user() {
    let mut world = World::upgraded();
    let mirrored = |world: &World| world.routes.is_some_and(|routes| routes.mirrored);
    let plan = Plan {
        way: Way::Weights {
            ladder: Ladder::linear(20, 40).unwrap(),
            mirror: true,
        },
        ..plan()
    };
    world.run_until(&plan, mirrored);
    assert_eq!(world.weight(), 0);
    world.run_until(&plan, |w| w.weight() == 20);
    assert!(!mirrored(&world));
    assert_eq!(world.run(&plan), Outcome::Promoted);

    let mut world = World::upgraded();
    let plan = blue_green(true, true);
    world.run_until(&plan, |w| w.status.canary.iterations == 3);
    assert!(mirrored(&world));
    world.run_until(&plan, |w| w.weight() == 100);
    assert!(!mirrored(&world));
    assert_eq!(world.run(&plan), Outcome::Promoted);
}

#[test]
fn a_way_back_ends_the_copy_too() {
    let mut world = World::upgraded();
    let plan = blue_green(true, true);
    world.run_until(&plan, |w| w.status.canary.iterations == 2);
    world.metric_ok = false;
    assert_eq!(world.run(&plan), Outcome::RolledBack(Cause::Analysis));
    assert_eq!(world.routes, Some(Routes::PRIMARY));
}

#[test]
fn a_weight_or_copy_that_someone_else_turned_off_is_turned_on_again() {
    for plan in [ab(), blue_green(true, true)] {
        let mut world = World::upgraded();
        world.run_until(&plan, |w| w.status.canary.iterations == 2);
        let ours = world.routes;
        world.routes = Some(Routes::PRIMARY);
        world.tick(&plan);
        assert_eq!((world.routes, world.status.drifts), (ours, 1));
        assert_eq!(world.run(&plan), Outcome::Promoted);
    }
}

#[test]
fn a_canary_that_loses_its_pods_begins_its_iterations_again() {
    let mut world = World::upgraded();
    world.run_until(&ab(), |w| w.status.canary.iterations == 3);
    world.canary_pods = Some(0);
    world.tick(&ab());
    assert_eq!((world.weight(), world.status.canary.iterations), (0, 0));
    world.canary_pods = None;
    world.run_until(&ab(), |w| w.weight() == 100);
    assert_eq!(world.status.canary.iterations, 1);
    assert_eq!(world.run(&ab()), Outcome::Promoted);
}

#[test]
fn iterations_lowered_midway_promote_what_has_had_its_looks() {
    for (plan, switched) in [(ab(), true), (blue_green(false, true), false)] {
        let mut world = World::upgraded();
        world.run_until(&plan, |w| w.status.canary.iterations == 3);
        assert_eq!(world.weight() == 100, switched);
        let lowered = match plan.way {
            Way::Switch { mirror, moves, .. } => Way::Switch {
                iterations: 1,
                mirror,
                moves,
            },
            Way::Matches { .. } | Way::Weights { .. } => Way::Matches { iterations: 1 },
        };
        let lowered = Plan {
            way: lowered,
            ..plan
        };
        world.run_until(&lowered, |w| w.status.phase() == Phase::Promoting);
        assert_eq!(world.weight(), 100, "nothing is promoted unswitched");
        assert_eq!(world.run(&lowered), Outcome::Promoted);
    }
}

#[test]
fn users_keep_their_cookie_through_all_weights_and_give_it_back_at_the_end() {
    let plan = Plan {
        way: weights(Ladder::linear(20, 40)),
        affinity: Some(Affinity::named("flagger-cookie")),
        ..plan()
    };
    let mut world = World::upgraded();
    let cookie = |world: &World| world.status.canary.session_affinity_cookie.clone();
    world.run_until(&plan, |w| w.weight() == 20);
    let first = cookie(&world);
    assert!(first.is_some());
    world.run_until(&plan, |w| w.weight() == 40);
    assert_eq!(cookie(&world), first);
    assert_eq!(world.run(&plan), Outcome::Promoted);
    let status = &world.status.canary;
    assert_eq!(status.previous_session_affinity_cookie, first);
    assert_eq!(status.canary_weight, Weight::ZERO);
    assert_eq!(cookie(&world), None);
}
