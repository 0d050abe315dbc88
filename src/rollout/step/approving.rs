//! Gates that a person opened, and analyses that a person cut short.

use super::hooking::with;
use super::world::World;
use crate::canary::webhook::HookType;
use crate::rollout::decision::Cause;
use crate::rollout::decision::Outcome;
use crate::rollout::plan::Plan;
use crate::rollout::status::Approved;
use crate::rollout::status::Asked;
use jiff::SignedDuration;

fn approve(world: &mut World, hook: usize) {
    let asked = Asked {
        by: "bob".to_owned(),
        at: world.at,
    };
    world.status.approved.push(Approved { hook, asked });
    world.status.next_check = Some(world.at);
}

#[test]
fn an_approved_gate_is_not_asked_and_the_next_closing_is() {
    let plan = with(&[(HookType::ConfirmTrafficIncrease, "gate")]);
    let mut world = World::upgraded();
    world.refusing = vec![0];
    world.run_until(&plan, |w| w.calls.len() == 2);
    approve(&mut world, 0);
    world.run_until(&plan, |w| w.calls.len() == 3);
    assert_eq!(world.calls, ["0 gate no", "10 gate no", "21 gate no"]);
    assert!(world.log.contains(&"11 gate opened by bob".to_owned()));
    assert_eq!(world.weight(), 10);
}

#[test]
fn an_approval_outlives_a_look_that_fails() {
    let plan = Plan {
        threshold: 3,
        ..with(&[(HookType::ConfirmPromotion, "gate")])
    };
    let mut world = World::upgraded();
    world.refusing = vec![0];
    world.run_until(&plan, |w| w.status.gate.is_some());
    approve(&mut world, 0);
    world.metric_ok = false;
    world.run_until(&plan, |w| w.status.canary.failed_checks == 1);
    world.metric_ok = true;
    assert_eq!(world.run(&plan), Outcome::Promoted);
    assert_eq!(world.calls, ["20 gate no"]);
}

#[test]
fn of_two_gates_each_is_told_by_its_own_name() {
    let plan = with(&[
        (HookType::ConfirmRollout, "one"),
        (HookType::ConfirmRollout, "two"),
    ]);
    let mut world = World::upgraded();
    world.refusing = vec![0, 1];
    world.run_until(&plan, |w| w.calls.len() == 1);
    approve(&mut world, 0);
    world.run_until(&plan, |w| w.calls.len() == 2);
    let gate = world.status.gate.clone().unwrap();
    assert_eq!(gate.name, "two");
    world.refusing = vec![0];
    assert_eq!(world.run(&plan), Outcome::Promoted);
    let opened: Vec<&String> = world.log.iter().filter(|l| l.contains("opened")).collect();
    assert_eq!(opened, ["1 one opened by bob", "11 two opened"]);
}

#[test]
fn whoever_asks_to_look_no_further_speaks_for_one_revision() {
    let plan = with(&[]);
    let mut world = World::upgraded();
    world.run_until(&plan, |w| w.weight() == 10);
    world.status.skip = Some(Asked {
        by: "bob".to_owned(),
        at: world.at,
    });
    world.target = "v3".to_owned();
    assert_eq!(world.run(&plan), Outcome::Promoted);
    assert_eq!(world.status.skip, None);
    let second = world.log.iter().filter(|line| line.ends_with("0->10"));
    assert_eq!(second.count(), 2, "it was analysed: {:?}", world.log);
}

#[test]
fn a_gate_ends_the_run_when_its_own_time_is_over() {
    for kind in [HookType::ConfirmRollout, HookType::ConfirmPromotion] {
        let plan = Plan {
            gate_for: SignedDuration::from_secs(25),
            ..with(&[(kind, "gate")])
        };
        let mut world = World::upgraded();
        world.refusing = vec![0];
        let outcome = Outcome::RolledBack(Cause::Timeout);
        assert_eq!(world.run(&plan), outcome);
        let asked: Vec<&str> = world.calls.iter().map(|call| &call[..2]).collect();
        let expected = if kind == HookType::ConfirmRollout {
            ["0 ", "10", "20", "25"]
        } else {
            ["20", "30", "40", "45"]
        };
        assert_eq!(asked, expected);
    }
}

#[test]
fn a_pause_has_an_end() {
    let plan = with(&[]);
    let mut world = World::upgraded();
    world.run_until(&plan, |w| w.weight() == 10);
    world.status.paused_since = Some(world.at);
    world.status.paused_until = Some(world.at + SignedDuration::from_secs(15));
    assert_eq!(world.run(&plan), Outcome::RolledBack(Cause::Timeout));
    assert!(
        world.log.contains(&"15 10->0".to_owned()),
        "{:?}",
        world.log
    );
}
