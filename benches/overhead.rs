//! How much longer than it must a rollout takes, in virtual time on the embedded cluster, with 50 ms a request; and how
//! soon after the decisive check the way back is on its way, on the machine's clock. Prints tables; fails when a figure
//! is over its limit.
//!
//! *Must*: the pods' own start, and every check an interval after its weight was acknowledged. Grid timing is compared
//! with the ticks of Flagger 1.44.
#![expect(
    clippy::unwrap_used,
    clippy::print_stdout,
    reason = "a bench that cannot prepare its world has failed, and its figures are for people"
)]

#[expect(
    dead_code,
    reason = "tests have more hands on the driver than a bench needs"
)]
#[path = "../tests/support/mod.rs"]
mod support;

use kubectl_flagger::canary::phase::Phase;
use kubectl_flagger::rollout::event::Event;
use kubectl_flagger::rollout::event::EventKind;
use kubectl_flagger::rollout::plan::Timing;
use kubectl_flagger::sandbox::scenario::Scenario;
use serde_json::Value;
use serde_json::json;
use std::future::Future;
use std::process::ExitCode;
use std::sync::Arc;
use std::time::Duration;
use support::stage::Stage;
use support::stage::podinfo;
use support::stage::scenario;
use support::tap::Passed;
use support::tap::Switch;
use tokio::sync::mpsc::unbounded_channel;

/// Soak of a weight, seconds.
const INTERVAL: f64 = 60.0;
const ROUND_TRIP: Duration = Duration::from_millis(50);
/// How much longer than it must a rollout may take.
const RATIO: f64 = 1.01;
/// From the answer of the decisive check to the way back.
const DECISIVE: Duration = Duration::from_millis(50);
/// Rollbacks on the machine's clock, and how many times as fast it runs.
const ROLLBACKS: usize = 30;
const SPEED: f64 = 50.0;

/// A rollout, and what it must take.
struct Case {
    name: &'static str,
    scenario: Scenario,
    /// Checks up to the promotion, or to the rollback.
    checks: u32,
    /// Intervals of the way home.
    home: u32,
    /// Flagger's tick at which all traffic is on the primary; its first tick is 0.
    tick: u32,
}

/// What it took.
struct Taken {
    seconds: f64,
    pods: f64,
    weights: Vec<u8>,
    /// From a ready primary to the end of the bootstrap, without the drain.
    bootstrap: f64,
}

fn main() -> ExitCode {
    let mut over = Vec::new();
    println!(
        "{:<32} {:>9} {:>9} {:>7} {:>12} {:>14}",
        "rollout, interval 60 s", "must", "takes", "ratio", "grid: ticks", "Flagger: ticks"
    );
    let mut bootstrap: f64 = 0.0;
    for case in cases() {
        let event = paused(play(case.scenario.clone(), Timing::Event));
        let grid = paused(play(case.scenario, Timing::Grid));
        let must = f64::from(case.checks + case.home) * INTERVAL + event.pods;
        let (ratio, ticks) = (event.seconds / must, grid.seconds / INTERVAL);
        println!(
            "{:<32} {must:>7.1} s {:>7.1} s {ratio:>7.4} {ticks:>12.2} {:>14}",
            case.name, event.seconds, case.tick
        );
        bootstrap = bootstrap.max(event.bootstrap);
        if !(1.0..=RATIO).contains(&ratio) {
            over.push(format!("{}: ratio {ratio:.4}", case.name));
        }
        if (ticks - f64::from(case.tick)).abs() > 0.05 {
            over.push(format!(
                "{}: {ticks:.2} ticks instead of {}",
                case.name, case.tick
            ));
        }
        if event.weights != grid.weights {
            over.push(format!(
                "{}: {:?} and on the grid {:?}",
                case.name, event.weights, grid.weights
            ));
        }
    }
    println!(
        "\nfrom a ready primary to the end of the bootstrap, without the drain: {bootstrap:.2} s"
    );
    if bootstrap > 1.0 {
        over.push(format!("bootstrap: {bootstrap:.2} s"));
    }
    let mut times: Vec<Duration> = (0..ROLLBACKS).map(|_| real(decisive())).collect();
    times.sort();
    let at = |share: f64| times[((times.len() - 1) as f64 * share).round() as usize];
    println!(
        "from the decisive answer to the way back, the next write: median {:.1} ms, p99 {:.1} ms of {ROLLBACKS}",
        at(0.5).as_secs_f64() * 1000.0,
        at(0.99).as_secs_f64() * 1000.0
    );
    if at(0.99) > DECISIVE {
        over.push(format!("way back: {:?}", at(0.99)));
    }
    for one in &over {
        println!("over its limit: {one}");
    }
    if over.is_empty() {
        ExitCode::SUCCESS
    } else {
        ExitCode::FAILURE
    }
}

fn cases() -> Vec<Case> {
    let mut cases = vec![
        good(
            "10 to 50",
            "success",
            &json!({"stepWeight": 10, "maxWeight": 50}),
            (5, 0, 7),
        ),
        good(
            "20 to 80",
            "success",
            &json!({"stepWeight": 20, "maxWeight": 80}),
            (4, 0, 6),
        ),
        good(
            "1, 2, 10, 80",
            "success",
            &json!({"stepWeight": null, "maxWeight": null, "stepWeights": [1, 2, 10, 80]}),
            (4, 0, 6),
        ),
        good(
            "Blue/Green, mirroring, 10 times",
            "bluegreen",
            &json!({"iterations": 10}),
            (11, 0, 13),
        ),
        good(
            "A/B testing, 10 times",
            "ab",
            &json!({"iterations": 10}),
            (10, 0, 12),
        ),
        good(
            "10 to 50 after mirroring",
            "mirror",
            &json!({"stepWeight": 10, "maxWeight": 50}),
            (6, 0, 8),
        ),
        good(
            "10 to 50, back by 10",
            "success",
            &json!({"stepWeight": 10, "maxWeight": 50, "stepWeightPromotion": 10}),
            (5, 4, 11),
        ),
    ];
    for (name, threshold) in [
        ("rollback, threshold 1", 1),
        ("rollback, threshold 2", 2),
        ("rollback, threshold 5", 5),
        ("rollback, threshold 10", 10),
    ] {
        let scenario = bad(threshold, "60s", 15_000, 20);
        cases.push(Case {
            name,
            scenario,
            checks: threshold,
            home: 0,
            tick: 2 + threshold,
        });
    }
    cases
}

/// Pods start in 15 s, and the new version is good.
fn good(
    name: &'static str,
    file: &str,
    analysis: &Value,
    (checks, home, tick): (u32, u32, u32),
) -> Case {
    let mut scenario = scenario(file);
    scenario.pods.start_ms = 15_000;
    change(&mut scenario, "60s", analysis);
    Case {
        name,
        scenario,
        checks,
        home,
        tick,
    }
}

/// A third of the new version's answers are errors.
fn bad(threshold: u32, interval: &str, start_ms: u64, rps: u32) -> Scenario {
    let mut scenario = podinfo(&format!(
        "pods: {{startMs: {start_ms}, drainMs: 5000}}\n\
         traffic: {{rps: {rps}}}\n\
         at:\n\
         - {{when: initialized, set: upgrade}}\n\
         - {{when: weight>=10, set: {{version: 6.0.1, errorPercent: 30}}}}\n"
    ));
    change(&mut scenario, interval, &json!({"threshold": threshold}));
    scenario
}

fn change(scenario: &mut Scenario, interval: &str, analysis: &Value) {
    let spec = &mut scenario.canary["spec"];
    spec["progressDeadlineSeconds"] = json!(600);
    spec["analysis"]["interval"] = json!(interval);
    for (field, value) in analysis.as_object().unwrap() {
        if value.is_null() {
            spec["analysis"]
                .as_object_mut()
                .unwrap()
                .shift_remove(field);
        } else {
            spec["analysis"][field] = value.clone();
        }
    }
}

async fn play(scenario: Scenario, timing: Timing) -> Taken {
    let mut stage = Stage::open(scenario);
    stage.options.plan.timing = timing;
    let far = || Switch::far(ROUND_TRIP);
    drive(&stage, far()).await;
    let bootstrap = {
        let events = stage.events.borrow();
        let ready = at(&events, |kind| {
            matches!(kind, EventKind::WorkloadReady { .. })
        });
        let drain = stage.options.plan.drain.as_secs_f64();
        at(&events, |kind| enters(kind, Phase::Initialized)) - ready - drain
    };
    stage.world.initialized();
    assert!(stage.world.next_run().await);
    stage.events.borrow_mut().clear();
    drive(&stage, far()).await;
    let events = stage.events.borrow();
    let begun = at(&events, |kind| matches!(kind, EventKind::RunStarted { .. }));
    let home = at(&events, |kind| {
        enters(kind, Phase::Finalising) || enters(kind, Phase::Failed)
    });
    let pods = events.iter().map(|event| match event.kind {
        EventKind::WorkloadReady { took_ms, .. } => took_ms as f64 / 1000.0,
        _ => 0.0,
    });
    Taken {
        seconds: home - begun,
        pods: pods.sum(),
        weights: stage.weights(),
        bootstrap,
    }
}

fn enters(kind: &EventKind, phase: Phase) -> bool {
    matches!(kind, EventKind::PhaseChanged { to, .. } if *to == phase)
}

/// When the first of them was, in seconds.
fn at(events: &[Event], is: impl Fn(&EventKind) -> bool) -> f64 {
    let event = events.iter().find(|event| is(&event.kind)).unwrap();
    event.at.as_millisecond() as f64 / 1000.0
}

async fn drive(stage: &Stage, switch: Arc<Switch>) {
    let (_words, heard) = unbounded_channel();
    stage.drive(switch, heard).await;
}

/// From the answer of the last question to the route's write, which must be the next of all writes.
async fn decisive() -> Duration {
    let stage = Stage::at_speed(bad(1, "10s", 1_000, 5), SPEED);
    stage.bootstrap().await;
    let switch = Switch::far(Duration::ZERO);
    drive(&stage, Arc::clone(&switch)).await;
    let passed = switch.passed();
    let last = passed.iter().rfind(|one| one.is_query()).unwrap().answered;
    let lock = |one: &&Passed| one.path.contains("/leases/");
    let mut writes = passed.iter().filter(|one| one.is_write() && !lock(one));
    let first = writes.find(|one| one.sent >= last).unwrap();
    assert!(first.path.contains("/traefikservices/"), "{first:?}");
    first.sent - last
}

fn paused<T>(future: impl Future<Output = T>) -> T {
    let mut runtime = tokio::runtime::Builder::new_current_thread();
    runtime
        .enable_time()
        .start_paused(true)
        .build()
        .unwrap()
        .block_on(future)
}

fn real<T>(future: impl Future<Output = T>) -> T {
    let mut runtime = tokio::runtime::Builder::new_current_thread();
    runtime.enable_all().build().unwrap().block_on(future)
}
