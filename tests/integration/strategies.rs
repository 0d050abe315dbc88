//! Strategies beside weights on the embedded cluster: who of the users meets which version, and that nobody is lost.

use crate::meshes::meshed;
use crate::support::stage::Stage;
use crate::support::stage::scenario;
use crate::support::stage::served;
use kubectl_flagger::sandbox::scenario::Scenario;
use kubectl_flagger::sandbox::traffic::Totals;
use serde_json::json;

/// A live service whose users are already there.
async fn stage(name: &str) -> Stage {
    Stage::open(served(scenario(name))).serving().await
}

/// What the users met while the new version was analysed.
fn analysed(stage: &Stage) -> Totals {
    let phases = stage.world.totals_by_phase();
    let analysed = phases
        .into_iter()
        .find(|phase| phase.phase.as_str() == "Progressing");
    analysed.unwrap().totals
}

#[tokio::test(start_paused = true)]
async fn only_users_who_match_meet_the_new_version() {
    let stage = stage("ab").await;
    assert_eq!(stage.play().await.unwrap(), 0);
    assert_eq!(stage.weights(), [100, 0]);
    let iterations = stage.said("iteration.started");
    assert_eq!(iterations.len(), 3, "{iterations:?}");
    // A fifth of them match, and for some seconds the pods were only starting.
    let totals = analysed(&stage);
    let share = totals.by_version("6.0.1") as f64 * 100.0 / totals.sent() as f64;
    assert!((10.0..20.0).contains(&share), "{share}");
    assert_eq!(stage.lost(), 0);
}

/// A scenario of another router with the conditions of an A/B test, and users of whom a tenth have the header.
fn tested(mut scenario: Scenario) -> Scenario {
    let ab = self::scenario("ab");
    scenario.canary["spec"]["analysis"] = ab.canary["spec"]["analysis"].clone();
    let conditions = json!([{"headers": {"x-canary": {"exact": "insider"}}}]);
    scenario.canary["spec"]["analysis"]["match"] = conditions;
    scenario.traffic = ab.traffic;
    scenario
}

#[tokio::test(start_paused = true)]
async fn on_other_routers_too_only_users_who_match_meet_the_new_version() {
    let good = "- {when: initialized, set: upgrade}\n";
    let meshes = ["appmesh", "appmesh:v1beta2", "gloo"].map(|name| (name, meshed(name, good)));
    let gateways = ["contour", "nginx"].map(|name| (name, scenario(name)));
    for (name, scenario) in meshes.into_iter().chain(gateways) {
        let stage = Stage::open(tested(scenario)).serving().await;
        assert_eq!(stage.play().await.unwrap(), 0, "{name}");
        let totals = analysed(&stage);
        let share = totals.by_version("6.0.1") as f64 * 100.0 / totals.sent() as f64;
        assert!((5.0..10.0).contains(&share), "{name}: {share}");
    }
}

#[tokio::test(start_paused = true)]
async fn nobody_meets_the_new_version_before_the_switch_but_copies_do() {
    let stage = stage("bluegreen").await;
    assert_eq!(stage.play().await.unwrap(), 0);
    // The first is the copy.
    assert_eq!(stage.weights(), [0, 100, 0]);
    assert!(stage.world.totals().copied["6.0.1"] >= 50 * 30);
    assert_eq!(stage.lost(), 0);
}

#[tokio::test(start_paused = true)]
async fn copies_come_before_the_first_weight() {
    let stage = stage("mirror").await;
    assert_eq!(stage.play().await.unwrap(), 0);
    assert_eq!(stage.weights(), [0, 20, 40, 0]);
    // Half of ten seconds of requests.
    let copied = stage.world.totals().copied["6.0.1"];
    assert!((240..=260).contains(&copied), "{copied}");
    assert_eq!(stage.lost(), 0);
}

#[tokio::test(start_paused = true)]
async fn users_stay_on_the_version_that_they_have_seen() {
    let stage = stage("affinity").await;
    assert_eq!(stage.play().await.unwrap(), 0);
    assert_eq!(stage.weights(), [20, 40, 0]);
    let switched = analysed(&stage).switched;
    assert!((1..=40).contains(&switched), "each of 40 once: {switched}");
    assert_eq!(stage.lost(), 0);
}

#[tokio::test(start_paused = true)]
async fn iterations_are_commits_that_read_well() {
    let stage = stage("ab").await;
    stage.play().await.unwrap();
    let commits = stage.commits();
    for iteration in ["iteration 2/3", "iteration 3/3"] {
        let found = commits.iter().any(|commit| commit.contains(iteration));
        assert!(found, "{iteration}: {commits:#?}");
    }
}
