//! Every state that small canaries can reach, breadth first: from none of them is there no way to an end.

use super::world::World;
use super::world::plan;
use super::world::weights;
use crate::canary::webhook::HookType;
use crate::rollout::decision::Outcome;
use crate::rollout::plan::Hook;
use crate::rollout::plan::Plan;
use crate::rollout::plan::Way;
use crate::rollout::weights::Ladder;
use std::collections::HashMap;
use std::collections::HashSet;
use std::collections::VecDeque;

/// What may be different at each wake-up.
const METRICS: [bool; 2] = [true, false];

/// The world between two wake-ups.
#[derive(Clone, Copy)]
struct Weather {
    metric_ok: bool,
    gate_open: bool,
    canary_up: bool,
    primary_up: bool,
}

fn weathers() -> Vec<Weather> {
    let mut all = Vec::new();
    for metric_ok in METRICS {
        for gate_open in METRICS {
            for (canary_up, primary_up) in [(true, true), (false, true), (true, false)] {
                all.push(Weather {
                    metric_ok,
                    gate_open,
                    canary_up,
                    primary_up,
                });
            }
        }
    }
    all
}

/// What tells two states apart: everything but when it was. How long something lasts counts in steps of a quarter of
/// its deadline.
fn key(world: &World, plan: &Plan) -> String {
    let status = &world.status;
    let ago = |since: Option<jiff::Timestamp>| {
        since.map(|since| {
            let quarter = plan.progress_deadline.as_secs() / 4;
            (world.at.duration_since(since).as_secs() / quarter).min(5)
        })
    };
    format!(
        "{:?} {:?} {} {} {} {:?} {} {:?} {:?} {:?} {:?} {:?} {:?} {} {:?} {:?} {} {}",
        status.phase(),
        status.routes(),
        status.canary.failed_checks,
        status.canary.iterations,
        status.passed,
        status.answered,
        status.drifts,
        ago(status.waiting_since),
        status.next_check.map(|due| due > world.at),
        status.ending,
        status.closing,
        status
            .weight_since
            .map(|since| world.at.duration_since(since) >= plan.drain),
        ago(status.gate.as_ref().map(|gate| gate.since)),
        world.replicas,
        world.routes,
        world.primary,
        status.promotion_failed,
        status.promoted_generation.is_some(),
    )
}

/// Explores all of them; every state must reach an end by some way, and every end must be safe.
fn explore(plan: &Plan) -> usize {
    let weathers = weathers();
    let mut known: HashMap<String, usize> = HashMap::new();
    let mut before: Vec<Vec<usize>> = Vec::new();
    let mut queue = VecDeque::new();
    let mut ends = Vec::new();
    let start = World::upgraded();
    known.insert(key(&start, plan), 0);
    before.push(Vec::new());
    queue.push_back((0, start));
    while let Some((from, world)) = queue.pop_front() {
        assert!(known.len() < 200_000, "the model is not small");
        for weather in &weathers {
            let mut world = world.clone();
            world.metric_ok = weather.metric_ok;
            world.canary_pods_come = weather.canary_up;
            world.primary_pods_come = weather.primary_up;
            world.refusing = if weather.gate_open {
                Vec::new()
            } else {
                vec![0]
            };
            let seen = world.observe();
            let had = world.weight();
            let outcome = world.tick(plan);
            assert!(
                world.weight() <= had || seen.canary.ready > 0,
                "users only go where pods are ready: {:?}",
                world.log
            );
            // Timers pass a quarter of a deadline at a time.
            if outcome.is_none() && world.at == seen.at + jiff::SignedDuration::from_secs(1) {
                world.at = seen.at + plan.progress_deadline / 4;
            }
            if let Some(outcome) = outcome {
                let safe = outcome == Outcome::Split || world.weight() == 0;
                assert!(safe, "{outcome:?} leaves users behind: {:?}", world.log);
                ends.push(from);
                continue;
            }
            world.log.clear();
            world.calls.clear();
            let count = known.len();
            let to = *known.entry(key(&world, plan)).or_insert(count);
            if to == count {
                before.push(Vec::new());
                queue.push_back((to, world));
            }
            before[to].push(from);
        }
    }
    let mut alive: HashSet<usize> = HashSet::new();
    while let Some(state) = ends.pop() {
        if alive.insert(state) {
            ends.extend(&before[state]);
        }
    }
    let dead: Vec<&String> = known
        .iter()
        .filter(|(_, state)| !alive.contains(state))
        .map(|(key, _)| key)
        .collect();
    assert!(dead.is_empty(), "no way out of {dead:#?}");
    known.len()
}

fn gated(way: Way, kind: HookType) -> Plan {
    Plan {
        way,
        hooks: vec![Hook {
            kind,
            name: "gate".to_owned(),
        }],
        ..plan()
    }
}

#[test]
fn no_state_of_a_small_weighted_canary_is_a_dead_end() {
    for kind in [
        HookType::ConfirmRollout,
        HookType::ConfirmTrafficIncrease,
        HookType::ConfirmPromotion,
        HookType::PostRollout,
    ] {
        let states = explore(&gated(weights(Ladder::explicit(&[10, 50, 100])), kind));
        assert!(states > 50, "{states} states");
    }
}

#[test]
fn no_state_of_small_iterations_is_a_dead_end() {
    let ways = [
        Way::Matches { iterations: 2 },
        Way::Switch {
            iterations: 2,
            mirror: true,
            moves: true,
        },
        Way::Switch {
            iterations: 2,
            mirror: false,
            moves: false,
        },
    ];
    for way in ways {
        let states = explore(&gated(way, HookType::ConfirmPromotion));
        assert!(states > 50, "{states} states");
    }
}
