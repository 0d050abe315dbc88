//! What a driver does while nothing happens: it waits for its watches, and keeps its lock.

use crate::support::stage::Stage;
use crate::support::stage::scenario;
use crate::support::tap::Passed;
use crate::support::tap::Switch;
use serde_json::json;
use std::sync::Arc;
use std::time::Duration;
use tokio::sync::mpsc::unbounded_channel;

/// Everything that one driver has sent while it took a good version to its end, with soaks of a minute.
async fn rollout() -> Vec<Passed> {
    let mut scenario = scenario("success");
    scenario.canary["spec"]["analysis"]["interval"] = json!("60s");
    let stage = Stage::open(scenario);
    stage.bootstrap().await;
    let switch = Switch::far(Duration::ZERO);
    let (_words, heard) = unbounded_channel();
    stage.drive(Arc::clone(&switch), heard).await;
    assert_eq!(stage.weights(), [10, 20, 30, 40, 50, 0]);
    switch.passed()
}

#[tokio::test(start_paused = true)]
async fn inside_a_quiet_interval_only_the_lock_is_renewed() {
    let passed = rollout().await;
    let route = |one: &&Passed| one.is_write() && one.path.contains("/traefikservices/");
    let first = passed.iter().find(route).unwrap();
    let queries = passed.iter().filter(|one| one.is_query());
    let mut ends = vec![first];
    ends.extend(queries.filter(|one| one.sent > first.answered));
    let mut quiet = 0;
    for pair in ends.windows(2) {
        // Within a second after a check its weight, its record and the Canary's status are written.
        let (from, to) = (pair[0].answered + Duration::from_secs(1), pair[1].sent);
        let inside = passed.iter().filter(|one| one.sent > from && one.sent < to);
        // A watch that the server ends is opened again.
        let others: Vec<&Passed> = inside
            .filter(|one| !one.watches && !one.path.contains("/leases/"))
            .collect();
        assert!(others.is_empty(), "{others:#?}");
        quiet += u32::from(to.saturating_duration_since(from) > Duration::from_secs(50));
    }
    assert_eq!(quiet, 5, "before each of five checks");
}

#[tokio::test(start_paused = true)]
async fn the_lock_is_renewed_six_times_a_minute() {
    let passed = rollout().await;
    let renewals: Vec<&Passed> = passed
        .iter()
        .filter(|one| one.is_write() && one.path.contains("/leases/"))
        .collect();
    let took = renewals[renewals.len() - 1].sent - renewals[0].sent;
    let a_minute = renewals.len() as f64 * 60.0 / took.as_secs_f64();
    assert!((5.0..8.0).contains(&a_minute), "{a_minute}");
}
