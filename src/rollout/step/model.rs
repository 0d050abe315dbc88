//! Every state that small canaries can reach by every order of what may happen, breadth first: no look breaks an
//! invariant, and from none of them is there no way to an end.

use super::properties::invariants;
use super::properties::invariants::Look;
use super::properties::invariants::Memory;
use super::world::World;
use super::world::plan;
use super::world::weights;
use crate::canary::webhook::HookType;
use crate::canary::weight::Routes;
use crate::canary::weight::Weight;
use crate::rollout::decision::Next;
use crate::rollout::decision::Outcome;
use crate::rollout::event::Signal;
use crate::rollout::observation::Request;
use crate::rollout::plan::Hook;
use crate::rollout::plan::Plan;
use crate::rollout::plan::Way;
use crate::rollout::step::step;
use crate::rollout::weights::Ladder;
use jiff::SignedDuration;
use std::collections::HashMap;
use std::collections::HashSet;
use std::collections::VecDeque;

/// What may be different at each wake-up.
const EITHER: [bool; 2] = [true, false];

/// What happens between two wake-ups.
#[derive(Clone, Copy, Debug)]
enum Move {
    /// Checks, gates and pods, while nobody does anything.
    Weather {
        metric_ok: bool,
        gate_open: bool,
        canary_up: bool,
        primary_up: bool,
    },
    /// On a good day somebody moves the weight,
    Foreign(u8),
    /// asks for another revision, or for the old one again,
    Target(&'static str),
    /// holds the weight or lets it go,
    Pause(bool),
    /// asks the driver to stop,
    Ask(Request),
    /// or the driver dies after so many effects.
    Death(usize),
}

impl Move {
    const fn is_weather(&self) -> bool {
        match self {
            Self::Weather { .. } => true,
            Self::Foreign(_) | Self::Target(_) | Self::Pause(_) | Self::Ask(_) | Self::Death(_) => {
                false
            }
        }
    }
}

fn moves() -> Vec<Move> {
    let mut all = Vec::new();
    for metric_ok in EITHER {
        for gate_open in EITHER {
            for (canary_up, primary_up) in [(true, true), (false, true), (true, false)] {
                all.push(Move::Weather {
                    metric_ok,
                    gate_open,
                    canary_up,
                    primary_up,
                });
            }
        }
    }
    all.extend([Move::Foreign(0), Move::Foreign(100)]);
    all.extend([Move::Target("v1"), Move::Target("v3")]);
    all.extend(EITHER.map(Move::Pause));
    all.extend([
        Move::Ask(Request::Interrupt(Signal::Term)),
        Move::Ask(Request::Hold(Signal::Int)),
        Move::Ask(Request::Leave(Signal::Hup)),
        Move::Ask(Request::Abort),
        Move::Ask(Request::Lost),
    ]);
    all.extend([Move::Death(0), Move::Death(1)]);
    all
}

fn happens(world: &mut World, happening: Move) {
    let (metric_ok, gate_open, canary_up, primary_up) = match happening {
        Move::Weather {
            metric_ok,
            gate_open,
            canary_up,
            primary_up,
        } => (metric_ok, gate_open, canary_up, primary_up),
        Move::Foreign(_) | Move::Target(_) | Move::Pause(_) | Move::Ask(_) | Move::Death(_) => {
            (true, true, true, true)
        }
    };
    world.metric_ok = metric_ok;
    world.canary_pods_come = canary_up;
    world.primary_pods_come = primary_up;
    world.refusing = if gate_open { Vec::new() } else { vec![0] };
    match happening {
        Move::Weather { .. } | Move::Death(_) => {}
        Move::Foreign(weight) => {
            world.routes = Some(Routes::split(Weight::saturating(weight.into())));
        }
        Move::Target(revision) => revision.clone_into(&mut world.target),
        Move::Pause(pause) => world.status.paused_since = pause.then_some(world.at),
        Move::Ask(request) => world.request = Some(request),
    }
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
        "{:?} {:?} {} {} {} {:?} {} {:?} {:?} {:?} {:?} {:?} {:?} {} {:?} {:?} {} {} {} {} {} {:?} {:?}",
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
        world.target,
        status.revision,
        status.paused_since.is_some(),
        status.rejected,
        world.request,
    )
}

/// Explores all of them: every look keeps the invariants, every end is safe, and every state reaches an end by some way.
fn explore(plan: &Plan) -> usize {
    let moves = moves();
    let mut known: HashMap<String, usize> = HashMap::new();
    let mut before: Vec<Vec<usize>> = Vec::new();
    let mut queue = VecDeque::new();
    let mut ends = Vec::new();
    let start = World::upgraded();
    known.insert(key(&start, plan), 0);
    before.push(Vec::new());
    queue.push_back((0, start, Memory::default(), false));
    while let Some((from, world, memory, meddled)) = queue.pop_front() {
        assert!(known.len() < 20_000, "the model is not small");
        // One hand a run: two of them are for the random runs.
        for happening in moves
            .iter()
            .filter(|happening| happening.is_weather() || !meddled)
        {
            let meddled = meddled || !happening.is_weather();
            let (mut world, mut memory) = (world.clone(), memory.clone());
            happens(&mut world, *happening);
            let began = world.at;
            let status = world.status.clone();
            let (seen, due, results) = world.ask(plan);
            let decision = step(plan, &status, &seen, &results);
            let look = Look {
                plan,
                before: &status,
                seen: &seen,
                due: &due,
                results: &results,
                decision: &decision,
            };
            if let Err(broken) = invariants::check(&look, &memory) {
                panic!("{happening:?} at {}: {broken}", key(&world, plan));
            }
            memory.learn(&look);
            let over = matches!(decision.next, Next::Done(_));
            let outcome = if let (Move::Death(effects), false) = (happening, over) {
                world.die(plan, decision, *effects);
                None
            } else {
                world.act(plan, decision)
            };
            // Timers pass a quarter of a deadline at a time.
            if outcome.is_none() && world.at == began + SignedDuration::from_secs(1) {
                world.at = began + plan.progress_deadline / 4;
            }
            if let Some(outcome) = outcome {
                let left = matches!(outcome, Outcome::Split | Outcome::Held(_));
                let safe = left || world.weight() == 0 || matches!(happening, Move::Foreign(_));
                assert!(
                    safe,
                    "{outcome:?} leaves users behind: {}",
                    key(&world, plan)
                );
                ends.push(from);
                continue;
            }
            world.log.clear();
            world.calls.clear();
            let count = known.len();
            let key = format!("{} {meddled}", key(&world, plan));
            let to = *known.entry(key).or_insert(count);
            if to == count {
                before.push(Vec::new());
                queue.push_back((to, world, memory, meddled));
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
