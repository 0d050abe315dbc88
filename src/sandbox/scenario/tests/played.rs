//! The built-in scenarios against the weights of a rollout, without a driver: what its checks would be told.

use super::*;
use crate::canary::phase::Phase;
use crate::sandbox::dataplane::fixtures::World;
use crate::sandbox::promql;
use crate::sandbox::traffic::Traffic;
use jiff::Timestamp;
use std::fmt::Write as _;

const CANARY: &str = r#"service=~"test-podinfo-canary-[0-9a-zA-Z-]+@kubernetescrd""#;

/// Weight, success rate and duration at the end of each interval of 10 s, then all answers and losses.
fn play(name: &str) -> String {
    let mut scenario = built_in::scenario(name).unwrap();
    let start = Timestamp::from_second(1_000).unwrap();
    let mut traffic = Traffic::new(
        World::apex(),
        scenario.traffic.clone(),
        start,
        scenario.route_delay,
    );
    let mut told = String::new();
    for step in 0..5 {
        let weight = 10 * (step + 1);
        let mut world = World::podinfo();
        world.weights(&[
            ("podinfo-primary", Some(100 - weight)),
            ("podinfo-canary", Some(weight)),
        ]);
        let begin = start + Duration::from_secs(10 * step.unsigned_abs());
        traffic.advance(begin, &world);
        let state = TriggerState {
            phase: Phase::Progressing,
            weight: Weight::saturating(weight),
            initialized: true,
            ..TriggerState::default()
        };
        for action in scenario.due(&state) {
            if let Action::Load(change) = action {
                traffic.change(&change);
            }
        }
        let end = begin + Duration::from_secs(10);
        traffic.advance(end, &world);
        let ask =
            |query: &str| match promql::evaluate(query, traffic.series(), end.as_millisecond()) {
                Ok(promql::Value::Vector(points)) => points[0].value,
                other => panic!("{other:?}"),
            };
        let bucket = "traefik_service_request_duration_seconds_bucket";
        let success = ask(&format!(
            "sum(rate({bucket}{{{CANARY},code!~\"5..\",le=\"+Inf\"}}[1m])) \
             / sum(rate({bucket}{{{CANARY},le=\"+Inf\"}}[1m])) * 100"
        ));
        let duration = ask(&format!(
            "histogram_quantile(0.99, sum by (le) (rate({bucket}{{{CANARY}}}[1m]))) * 1000"
        ));
        writeln!(told, "{weight} % {success:.2} {duration:.0} ms").unwrap();
    }
    let totals = traffic.totals();
    for ((version, status), n) in &totals.answered {
        writeln!(told, "{version} {status} {n}").unwrap();
    }
    writeln!(told, "lost {}", totals.lost.values().sum::<u64>()).unwrap();
    told
}

#[test]
fn a_good_version_looks_good_at_every_weight() {
    assert_eq!(
        play("success"),
        "10 % 100.00 99 ms\n\
         20 % 100.00 99 ms\n\
         30 % 100.00 99 ms\n\
         40 % 100.00 99 ms\n\
         50 % 100.00 99 ms\n\
         6.0.0 200 1750\n\
         6.0.1 200 750\n\
         lost 0\n"
    );
}

#[test]
fn an_error_spike_shows_at_the_weight_it_begins_at() {
    assert_eq!(
        play("error-spike"),
        "10 % 100.00 99 ms\n\
         20 % 100.00 99 ms\n\
         30 % 86.24 99 ms\n\
         40 % 79.58 99 ms\n\
         50 % 76.29 99 ms\n\
         6.0.0 200 1750\n\
         6.0.1 200 570\n\
         6.0.1 500 180\n\
         lost 0\n"
    );
}

#[test]
fn a_slow_version_shows_in_the_duration_alone() {
    assert_eq!(
        play("slow"),
        "10 % 100.00 99 ms\n\
         20 % 100.00 1187 ms\n\
         30 % 100.00 1190 ms\n\
         40 % 100.00 1190 ms\n\
         50 % 100.00 1190 ms\n\
         6.0.0 200 1750\n\
         6.0.1 200 750\n\
         lost 0\n"
    );
}
