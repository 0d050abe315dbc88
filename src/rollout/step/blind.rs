//! Looks without data, backends that do not answer, and gates that are asked between looks.

use super::hooking::with;
use super::world::World;
use crate::canary::webhook::HookType;
use crate::rollout::decision::Cause;
use crate::rollout::decision::Outcome;
use crate::rollout::event::Miss;
use crate::rollout::plan::OnMiss;
use crate::rollout::plan::Plan;
use jiff::SignedDuration;

fn waiting(on_no_data: OnMiss, on_provider_error: OnMiss) -> Plan {
    Plan {
        on_no_data,
        on_provider_error,
        hold_for: SignedDuration::from_secs(100),
        ..with(&[])
    }
}

/// Nothing is measured from the first weight on.
fn blind(plan: &Plan, miss: Miss) -> World {
    let mut world = World::upgraded();
    world.run_until(plan, |w| w.weight() == 10);
    world.blind = Some(miss);
    world
}

#[test]
fn without_a_word_a_look_without_data_is_a_failed_check() {
    let plan = waiting(OnMiss::Fail, OnMiss::Wait);
    let mut world = blind(&plan, Miss::NoData);
    assert_eq!(world.run(&plan), Outcome::RolledBack(Cause::Analysis));
    assert_eq!(world.log[2..4], ["10 held 1", "20 held 2"]);
}

#[test]
fn waiting_for_data_counts_nothing_and_goes_on_once_there_is_some() {
    let plan = waiting(OnMiss::Wait, OnMiss::Fail);
    let mut world = blind(&plan, Miss::NoData);
    world.run_until(&plan, |w| w.status.blind_since.is_some());
    world.blind = None;
    assert_eq!(world.run(&plan), Outcome::Promoted);
    assert_eq!(world.log[2..5], ["10 blind", "20 passed", "20 10->20"]);
    assert_eq!(world.status.canary.failed_checks, 0);
}

#[test]
fn a_wait_lasts_as_long_as_the_failed_checks_would_have() {
    let plan = waiting(OnMiss::Fail, OnMiss::Wait);
    let mut world = blind(&plan, Miss::ProviderError);
    assert_eq!(world.run(&plan), Outcome::RolledBack(Cause::Timeout));
    let line = ["10 blind", "20 blind", "30 blind", "30 10->0"];
    assert_eq!(world.log[2..6], line);
}

#[test]
fn a_hold_lasts_as_long_as_a_persons_may() {
    let plan = waiting(OnMiss::Hold, OnMiss::Fail);
    let mut world = blind(&plan, Miss::NoData);
    assert_eq!(world.run(&plan), Outcome::RolledBack(Cause::Timeout));
    assert!(
        world.log.contains(&"110 10->0".to_owned()),
        "{:?}",
        world.log
    );
}

#[test]
fn a_breach_counts_whatever_is_waited_for() {
    let plan = waiting(OnMiss::Wait, OnMiss::Wait);
    let mut world = blind(&plan, Miss::NoData);
    world.run_until(&plan, |w| w.status.blind_since.is_some());
    world.blind = None;
    world.metric_ok = false;
    assert_eq!(world.run(&plan), Outcome::RolledBack(Cause::Analysis));
}

#[test]
fn a_closed_gate_is_asked_as_often_as_wanted_and_metrics_are_not() {
    let plan = Plan {
        gate_poll: Some(SignedDuration::from_secs(3)),
        ..with(&[(HookType::ConfirmPromotion, "gate")])
    };
    let mut world = World::upgraded();
    world.refusing = vec![0];
    world.run_until(&plan, |w| w.calls.len() == 4);
    assert_eq!(
        world.calls,
        ["20 gate no", "23 gate no", "26 gate no", "29 gate no"]
    );
    world.refusing.clear();
    assert_eq!(world.run(&plan), Outcome::Promoted);
    let passed = world.log.iter().filter(|line| line.ends_with("passed"));
    assert_eq!(passed.count(), 3, "{:?}", world.log);
}

#[test]
fn a_gate_before_the_start_is_asked_as_often_as_wanted() {
    let plan = Plan {
        gate_poll: Some(SignedDuration::from_secs(3)),
        ..with(&[(HookType::ConfirmRollout, "gate")])
    };
    let mut world = World::upgraded();
    world.refusing = vec![0];
    world.run_until(&plan, |w| w.calls.len() == 3);
    assert_eq!(world.calls, ["0 gate no", "3 gate no", "6 gate no"]);
}
