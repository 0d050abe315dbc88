//! Knative alone: its two sides are revisions of one object.

use super::*;

fn bench() -> Bench {
    Bench::named("knative")
}

/// As Knative has it before anybody took it over.
fn untouched(traffic: Value) -> Bench {
    let mut bench = bench();
    let live = bench.live();
    live["metadata"] = json!({"name": "checkout", "namespace": "demo", "generation": 3});
    live["spec"].as_object_mut().unwrap().remove("traffic");
    live["status"] = json!({
        "observedGeneration": 3, "latestCreatedRevisionName": "checkout-00003", "traffic": traffic,
        "conditions": [{"type": "RoutesReady", "status": "True"}],
    });
    bench
}

fn annotation(bench: &Bench, key: &str) -> Value {
    bench.route()["metadata"]["annotations"][key].clone()
}

#[test]
fn the_revision_that_has_the_users_becomes_the_primary() {
    let mut bench = untouched(json!([{"revisionName": "checkout-00002", "percent": 100}]));
    assert_eq!(
        (bench.provider.routes)(&bench.canary, &bench.facts),
        Ok(None)
    );
    bench.prepare();
    assert_eq!(annotation(&bench, PRIMARY), "checkout-00002");
    let traffic = json!([
        {"revisionName": "checkout-00003", "percent": 0}, {"revisionName": "checkout-00002", "percent": 100}]);
    assert_eq!(bench.route()["spec"]["traffic"], traffic);
    assert_eq!(bench.read(), 0);
}

const PRIMARY: &str = "flagger.app/primary-revision";

#[test]
fn users_on_several_revisions_are_refused_before_anything_moves() {
    let bench = untouched(json!([
        {"revisionName": "checkout-00001", "percent": 60}, {"revisionName": "checkout-00003", "percent": 40}]));
    let refused = (bench.provider.prepare)(&bench.canary, &bench.facts);
    assert!(
        matches!(refused, Err(RouteError::Foreign { .. })),
        "{refused:?}"
    );
}

#[test]
fn a_newer_revision_gets_nobody() {
    let mut bench = bench();
    bench.live()["status"]["latestCreatedRevisionName"] = json!("checkout-00003");
    bench.set(30);
    assert!(
        !bench.route()["spec"]["traffic"]
            .to_string()
            .contains("00003")
    );
    // Not even where somebody sends everyone to the newest.
    bench.live()["spec"]["traffic"] = json!([{"latestRevision": true, "percent": 100}]);
    assert_eq!(bench.read(), 100);
    bench.set(0);
    let traffic = json!([
        {"revisionName": "checkout-00002", "percent": 0}, {"revisionName": "checkout-00001", "percent": 100}]);
    assert_eq!(bench.route()["spec"]["traffic"], traffic);
}

#[test]
fn after_a_promotion_whoever_is_on_the_old_revision_is_on_his_way() {
    let mut bench = bench();
    bench.set(50);
    bench.live()["metadata"]["annotations"][PRIMARY] = json!("checkout-00002");
    assert_eq!(bench.read(), 50);
    bench.set(20);
    let shares = |bench: &Bench| {
        let list = bench.route()["spec"]["traffic"].clone();
        let share = |entry: &Value| {
            Some((
                entry["revisionName"].as_str()?.to_owned(),
                entry["percent"].as_i64()?,
            ))
        };
        list.as_array()
            .unwrap()
            .iter()
            .filter_map(share)
            .collect::<BTreeMap<_, _>>()
    };
    let some = |name: &str, share| (name.to_owned(), share);
    assert_eq!(
        shares(&bench),
        [some("checkout-00001", 20), some("checkout-00002", 80)].into()
    );
    bench.set(0);
    assert_eq!(shares(&bench), [some("checkout-00002", 100)].into());
    assert_eq!(bench.read(), 0);
}

#[test]
fn a_weight_is_in_effect_once_the_status_says_so() {
    let mut bench = untouched(json!([{"revisionName": "checkout-00002", "percent": 100}]));
    bench.prepare();
    bench.set(30);
    let proof = |bench: &Bench| (bench.provider.proof)(&bench.canary, &bench.facts);
    let pending = |bench: &Bench| matches!(proof(bench), Proof::Pending(_));
    assert!(pending(&bench));
    bench.live()["status"]["traffic"] = json!([
        {"revisionName": "checkout-00003", "percent": 30}, {"revisionName": "checkout-00002", "percent": 70}]);
    assert_eq!(proof(&bench), Proof::InEffect);
    bench.live()["metadata"]["generation"] = json!(4);
    assert!(pending(&bench));
    bench.live()["status"]["observedGeneration"] = json!(4);
    bench.live()["status"]["conditions"][0]["status"] = json!("Unknown");
    assert!(pending(&bench));
}
