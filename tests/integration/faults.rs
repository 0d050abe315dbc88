//! Things that go wrong midway: the run goes on, or users are on the side that works, and the code says which.

use crate::support::stage::Ended;
use crate::support::stage::Stage;
use crate::support::stage::dying;
use crate::support::stage::podinfo;
use crate::support::stage::served;
use crate::support::stage::weight;
use crate::support::tap::Death;
use crate::support::tap::Switch;
use kubectl_flagger::cli::error::CliError;
use kubectl_flagger::controller::Word;
use kubectl_flagger::error::Error;
use kubectl_flagger::port::clock::Clock as _;
use kubectl_flagger::rollout::decision::Outcome;
use kubectl_flagger::rollout::event::EventKind;
use kubectl_flagger::rollout::observation::Request;
use kubectl_flagger::rollout::plan::OnMiss;
use kubectl_flagger::sandbox::PodBehaviour;
use kubectl_flagger::sandbox::faults::Fault;
use kubectl_flagger::sandbox::faults::FaultEffect;
use kubectl_flagger::sandbox::objects::Objects as _;
use serde_json::Value;
use serde_json::json;
use std::time::Duration;
use tokio::sync::mpsc::unbounded_channel;

const GOOD: &str = "pods: {startMs: 3000, drainMs: 5000}
traffic: {rps: 50, errorPercent: 0, latencyMs: 50}
at:
- when: initialized
  set: upgrade
";

/// The good version, and what happens besides.
fn good(and: &str) -> Stage {
    Stage::open(served(podinfo(&format!("{GOOD}{and}"))))
}

/// How often the route was written with that weight.
fn written(stage: &Stage, share: u64) -> usize {
    let writes = stage.writes();
    let routes = writes
        .iter()
        .filter(|write| write.resource == "traefikservices");
    routes
        .filter(|write| write.object.as_ref().and_then(weight) == Some(share))
        .count()
}

#[tokio::test(start_paused = true)]
async fn a_conflict_on_the_route_is_tried_again_and_the_weight_changes_once() {
    let stage = good("");
    stage.bootstrap().await;
    let conflict = Fault::once("patch", "traefikservices", FaultEffect::Code(409));
    stage.world.cluster().fail_next(conflict);
    assert_eq!(stage.run().await.unwrap().exit_code(), 0);
    assert_eq!(written(&stage, 10), 1);
    assert_eq!(stage.weights(), [10, 20, 30, 40, 50, 0]);
}

#[tokio::test(start_paused = true)]
async fn a_write_whose_answer_is_lost_is_not_done_twice() {
    for resource in ["traefikservices", "deployments", "configmaps"] {
        let stage = good("");
        stage.bootstrap().await;
        let lost = Fault::once("patch", resource, FaultEffect::DropAfterCommit);
        stage.world.cluster().fail_next(lost);
        assert_eq!(stage.run().await.unwrap().exit_code(), 0, "{resource}");
        assert_eq!(stage.weights(), [10, 20, 30, 40, 50, 0], "{resource}");
        for weight in [10, 20, 30, 40, 50] {
            assert_eq!(written(&stage, weight), 1, "{resource}");
        }
    }
}

#[tokio::test(start_paused = true)]
async fn a_server_that_stumbles_does_not_end_a_run() {
    for fault in ["code: 500", "code: 503", "code: 429", "hang: true"] {
        let stage = good(&format!(
            "- when: weight>=20\n  fault: {{{fault}, times: 8}}\n"
        ));
        assert_eq!(stage.play().await.unwrap(), 0, "{fault}");
        assert_eq!(stage.weights(), [10, 20, 30, 40, 50, 0], "{fault}");
    }
}

#[tokio::test(start_paused = true)]
async fn a_right_that_is_lost_midway_sends_users_home() {
    let stage = good(
        "- when: weight>=20\n  fault: {verb: patch, resource: traefikservices, code: 403, times: 1}\n",
    );
    assert_eq!(stage.play().await.unwrap(), 11);
    assert_eq!(stage.routed(), Some(0));
    assert_eq!(stage.deployed("podinfo-primary").0, "6.0.0");
    let said = stage.said("diagnostic").join("\n");
    assert!(said.contains("patch traefikservices"), "{said}");
}

#[tokio::test(start_paused = true)]
async fn a_way_back_that_is_refused_too_leaves_the_traffic_split() {
    let stage =
        good("- when: weight>=20\n  fault: {verb: patch, resource: traefikservices, code: 403}\n");
    assert_eq!(stage.play().await.unwrap(), 20);
    assert_eq!(stage.routed(), Some(20));
    // The pods that have users stay.
    assert_eq!(stage.deployed("podinfo").1, 2);
}

#[tokio::test(start_paused = true)]
async fn metrics_that_do_not_answer_are_failed_checks() {
    let stage = good("- when: weight>=20\n  fault: {prometheus: down}\n");
    assert_eq!(stage.play().await.unwrap(), 10);
    assert_eq!(stage.weights(), [10, 20, 0]);
    assert_eq!(stage.said("check.held").len(), 2);
}

#[tokio::test(start_paused = true)]
async fn metrics_that_come_back_in_time_cost_one_failed_check() {
    let stage = good(
        "- when: weight>=20\n  fault: {prometheus: down}\n- when: 35s\n  fault: {prometheus: up}\n",
    );
    assert_eq!(stage.play().await.unwrap(), 0);
    assert_eq!(stage.said("check.held").len(), 1);
    assert_eq!(stage.weights(), [10, 20, 30, 40, 50, 0]);
}

#[tokio::test(start_paused = true)]
async fn a_backend_that_does_not_answer_may_be_waited_for() {
    let mut stage = good(
        "- when: weight>=20\n  fault: {prometheus: down}\n- when: 35s\n  fault: {prometheus: up}\n",
    );
    stage.options.plan.on_provider_error = OnMiss::Wait;
    assert_eq!(stage.play().await.unwrap(), 0);
    let held = stage.said("check.held");
    assert_eq!(held.len(), 1, "{held:?}");
    assert!(held[0].ends_with("; waiting for the backend"), "{held:?}");
    let ndjson = stage.ndjson();
    assert!(
        ndjson.contains("\"miss\":\"provider-error\"") && ndjson.contains("\"counted\":false"),
        "{ndjson}"
    );
    let commits = stage.commits();
    let told = |commit: &String| commit.contains("no answer");
    assert!(commits.iter().any(told), "{commits:#?}");
}

#[tokio::test(start_paused = true)]
async fn a_backend_that_never_answers_is_a_rollback_for_want_of_time() {
    let mut stage = good("- when: weight>=20\n  fault: {prometheus: down}\n");
    stage.options.plan.on_provider_error = OnMiss::Wait;
    assert_eq!(stage.play().await.unwrap(), 13);
    assert_eq!(stage.weights(), [10, 20, 0]);
    let why = stage.said("rollback.started");
    assert_eq!(why, ["no answer for request-success-rate in 20s"]);
}

/// Somebody writes that share, however the services are listed.
fn by_hand(when: &str, canary: u8) -> String {
    let services = json!([
        {"name": "podinfo-primary", "namespace": "test", "port": 80, "weight": 100 - canary},
        {"name": "podinfo-canary", "namespace": "test", "port": 80, "weight": canary},
    ]);
    format!(
        "- when: {when}\n  patch: {{resource: traefikservices, name: podinfo, merge: {{spec: {{weighted: {{services: {services}}}}}}}}}\n"
    )
}

#[tokio::test(start_paused = true)]
async fn a_lower_weight_by_a_foreign_hand_is_where_the_run_goes_on() {
    let stage = good(&by_hand("22s", 12));
    assert_eq!(stage.play().await.unwrap(), 0);
    assert_eq!(stage.weights(), [10, 20, 10, 20, 30, 40, 50, 0]);
    assert!(stage.said("diagnostic")[0].contains("someone else moved the weight"));
}

#[tokio::test(start_paused = true)]
async fn a_higher_weight_by_a_foreign_hand_is_written_back() {
    let stage = good(&by_hand("22s", 90));
    assert_eq!(stage.play().await.unwrap(), 0);
    assert_eq!(stage.weights(), [10, 20, 20, 30, 40, 50, 0]);
}

#[tokio::test(start_paused = true)]
async fn three_foreign_changes_end_the_run() {
    let hands = [by_hand("22s", 90), by_hand("24s", 80), by_hand("26s", 70)].concat();
    let stage = good(&hands);
    assert_eq!(stage.play().await.unwrap(), 12);
    assert_eq!(stage.routed(), Some(0));
}

#[tokio::test(start_paused = true)]
async fn a_newer_revision_midway_starts_again_from_no_weight() {
    let stage = good("- when: weight>=30\n  set: image=podinfo:6.0.2\n");
    assert_eq!(stage.play().await.unwrap(), 0);
    assert_eq!(stage.weights(), [10, 20, 30, 0, 10, 20, 30, 40, 50, 0]);
    assert_eq!(stage.deployed("podinfo-primary").0, "6.0.2");
    assert_eq!(stage.deployed("podinfo"), ("6.0.2".to_owned(), 0));
}

#[tokio::test(start_paused = true)]
async fn a_changed_config_midway_starts_again_from_no_weight() {
    let stage = good("- when: weight>=30\n  set: config\n");
    assert_eq!(stage.play().await.unwrap(), 0);
    assert_eq!(stage.weights(), [10, 20, 30, 0, 10, 20, 30, 40, 50, 0]);
    let copy = stage.object("configmaps", "podinfo-config-primary");
    let own = stage.object("configmaps", "podinfo-config");
    assert_eq!(copy["data"], own["data"]);
}

#[tokio::test(start_paused = true)]
async fn a_newer_revision_during_the_promotion_is_the_next_rollout() {
    let stage = good("- when: phase=Promoting\n  set: image=podinfo:6.0.2\n");
    assert_eq!(stage.play().await.unwrap(), 0);
    assert_eq!(
        stage.weights(),
        [10, 20, 30, 40, 50, 0, 10, 20, 30, 40, 50, 0]
    );
    assert_eq!(stage.deployed("podinfo-primary").0, "6.0.2");
}

/// The new version's pods die, and those that come for them never become ready.
fn break_the_canary(stage: &Stage) {
    let cluster = stage.world.cluster();
    let of_canary = |pod: &Value| {
        let owner = pod["metadata"]["ownerReferences"][0]["name"].as_str();
        let image = &pod["spec"]["containers"][0]["image"];
        image == "podinfo:6.0.1" && !owner.unwrap_or_default().contains("primary")
    };
    cluster.set_pod_rule(Box::new(move |pod| {
        if of_canary(pod) {
            PodBehaviour::NeverReady
        } else {
            PodBehaviour::Usual
        }
    }));
    for pod in cluster.objects().list("pods", "test") {
        if of_canary(&pod) {
            let name = pod["metadata"]["name"].as_str().unwrap();
            cluster.delete_object("pods", "test", name).unwrap();
        }
    }
}

#[tokio::test(start_paused = true)]
async fn a_canary_that_loses_its_pods_loses_its_users_at_once() {
    let stage = good("").serving().await;
    stage.bootstrap().await;
    let (_words, heard) = unbounded_channel();
    let broken = async {
        let clock = stage.world.clock();
        clock.sleep(Duration::from_secs(30)).await;
        assert_eq!(stage.routed(), Some(30));
        break_the_canary(&stage);
        let at = clock.now();
        // Nothing but what the driver does by itself: far less than an interval.
        clock.sleep(Duration::from_secs(1)).await;
        assert_eq!(stage.routed(), Some(0));
        at
    };
    let (ended, at) = tokio::join!(stage.drive(Switch::new(None), heard), broken);
    let Ended::Finished(Ok(finished)) = ended else {
        panic!("it has no outcome");
    };
    assert_eq!(finished.exit_code(), 11);
    assert_eq!(stage.weights().last(), Some(&0));
    let end = stage.events.borrow().last().unwrap().at;
    // The deadline of the Canary, and the drain.
    assert!(end.duration_since(at).as_secs() <= 60 + 10);
}

#[tokio::test(start_paused = true)]
async fn a_canary_that_somebody_scales_to_0_starts_again_from_no_weight() {
    let stage = good(
        "- when: weight>=30\n  patch: {resource: deployments, name: podinfo, merge: {spec: {replicas: 0}}}\n",
    );
    assert_eq!(stage.play().await.unwrap(), 0);
    assert_eq!(stage.weights(), [10, 20, 30, 0, 10, 20, 30, 40, 50, 0]);
}

#[tokio::test(start_paused = true)]
async fn a_primary_that_never_becomes_ready_leaves_users_on_the_canary() {
    let stage = Stage::open(podinfo(&GOOD.replace("set: upgrade", "set: upgrade9")));
    assert_eq!(stage.play().await.unwrap(), 20);
    assert_eq!(stage.routed(), Some(100));
    assert_eq!(stage.deployed("podinfo").1, 2);
    assert_eq!(stage.phase(), "Failed");
}

#[tokio::test(start_paused = true)]
async fn a_later_promote_does_not_touch_the_pods_that_users_are_on() {
    let stage = Stage::open(podinfo(&GOOD.replace("set: upgrade", "set: upgrade9")));
    stage.play().await.unwrap();
    assert_eq!(stage.run().await.unwrap().outcome, Outcome::Split);
    assert_eq!(stage.routed(), Some(100));
    assert_eq!(stage.deployed("podinfo").1, 2);
}

#[tokio::test(start_paused = true)]
async fn a_signal_in_any_phase_leaves_users_where_pods_are() {
    // When it comes, seconds after the run began, and what comes of it.
    for (after, code, share) in [(3, 143, 0), (25, 143, 0), (60, 21, 50), (68, 0, 0)] {
        let stage = good("").serving().await;
        stage.bootstrap().await;
        let (words, heard) = unbounded_channel();
        let driving = stage.drive(Switch::new(None), heard);
        let clock = stage.world.clock();
        let signal = async {
            clock.sleep(Duration::from_secs(after)).await;
            let signal = kubectl_flagger::rollout::event::Signal::Term;
            words.send(Word::Do(Request::Interrupt(signal))).unwrap();
            std::future::pending::<()>().await;
        };
        let finished = tokio::select! {
            finished = driving => finished,
            () = signal => continue,
        };
        let Ended::Finished(Ok(finished)) = finished else {
            panic!("it ended before it began");
        };
        assert_eq!(finished.exit_code(), code, "after {after} s");
        let routed = stage.routed().unwrap();
        let at = stage.weights();
        assert!(
            routed == share || (code == 21 && routed == 100),
            "after {after} s: {routed} {at:?}"
        );
        assert_eq!(stage.lost(), 0, "after {after} s");
    }
}

#[tokio::test(start_paused = true)]
async fn a_dead_drivers_lock_is_taken_over_after_its_duration() {
    let mut stage = good("");
    stage.is_gone = |_, _| false;
    stage.bootstrap().await;
    let (switch, _words, heard) = dying(Death::After(8));
    assert!(matches!(stage.drive(switch, heard).await, Ended::Died));
    let died = stage.world.clock().now();
    let finished = stage.run().await.unwrap();
    assert_eq!(finished.outcome, Outcome::Promoted);
    let began = stage
        .events
        .borrow()
        .iter()
        .rfind(|event| event.type_name() == "run.started")
        .unwrap()
        .at;
    let waited = began.duration_since(died).as_secs_f64();
    assert!((60.0..63.0).contains(&waited), "{waited}");
}

#[tokio::test(start_paused = true)]
async fn a_second_driver_is_turned_away_and_told_who_drives() {
    let mut stage = good("");
    stage.is_gone = |_, _| false;
    stage.bootstrap().await;
    let (_words, heard) = unbounded_channel();
    let second = async {
        stage.world.clock().sleep(Duration::from_secs(20)).await;
        stage.run().await
    };
    let (first, second) = tokio::join!(stage.drive(Switch::new(None), heard), second);
    let Ended::Finished(Ok(first)) = first else {
        panic!("the first driver was disturbed");
    };
    assert_eq!(first.outcome, Outcome::Promoted);
    let Err(Error::Cli(CliError::Busy(busy))) = second else {
        panic!("{second:?}");
    };
    assert_eq!(busy.canary, "podinfo.test");
    assert!(busy.by.contains("alice@laptop"), "{busy:?}");
    assert_eq!(Error::from(CliError::Busy(busy)).exit_code().get(), 5);
    assert_eq!(stage.weights(), [10, 20, 30, 40, 50, 0]);
}

#[tokio::test(start_paused = true)]
async fn a_driver_whose_lock_was_taken_writes_nothing_more() {
    let stage = good(
        "- when: weight>=20\n  patch: {resource: leases, name: flagger-driver-podinfo, merge: {spec: {holderIdentity: mallory@elsewhere/1/x, leaseTransitions: 99}}}\n",
    );
    let ended = stage.play().await.unwrap_err();
    assert_eq!(ended.exit_code().get(), 23);
    assert_eq!(stage.weights(), [10, 20]);
    let lease = stage.object("leases", "flagger-driver-podinfo");
    assert_eq!(lease["spec"]["holderIdentity"], "mallory@elsewhere/1/x");
}

#[tokio::test(start_paused = true)]
async fn a_remote_that_goes_away_midway_costs_only_the_record() {
    let mut stage = good("");
    let remote = tempfile::tempdir().unwrap();
    git2::Repository::init_bare(remote.path()).unwrap();
    let own = git2::Repository::open(stage.dir.path()).unwrap();
    own.remote("origin", &remote.path().to_string_lossy())
        .unwrap();
    stage.remote = Some("origin".to_owned());
    stage.bootstrap().await;
    let (_words, heard) = unbounded_channel();
    let gone = async {
        stage.world.clock().sleep(Duration::from_secs(30)).await;
        std::fs::remove_dir_all(remote.path().join("refs")).unwrap();
        std::fs::remove_file(remote.path().join("HEAD")).unwrap();
    };
    let (ended, ()) = tokio::join!(stage.drive(Switch::new(None), heard), gone);
    let Ended::Finished(Ok(finished)) = ended else {
        panic!("the record stopped the run");
    };
    assert_eq!(finished.outcome, Outcome::Promoted);
    assert_eq!(finished.exit_code(), 22);
    assert_eq!(stage.said("status.failed").len(), 1);
}

#[tokio::test(start_paused = true)]
async fn a_run_that_takes_too_long_is_rolled_back() {
    let mut stage = good("");
    stage.options.timeout = Some(Duration::from_secs(30));
    assert_eq!(stage.play().await.unwrap(), 13);
    assert_eq!(stage.routed(), Some(0));
}

#[tokio::test(start_paused = true)]
async fn a_rejected_revision_is_not_driven_again_unasked() {
    let mut stage = Stage::named("error-spike");
    assert_eq!(stage.play().await.unwrap(), 10);
    let writes = stage.writes().len();
    assert_eq!(stage.run().await.unwrap().exit_code(), 10);
    let more = stage.writes().split_off(writes);
    assert!(
        more.iter().all(|write| write.resource == "leases"),
        "{more:#?}"
    );
    stage.options.plan.retry = true;
    let finished = stage.run().await.unwrap();
    assert_eq!(finished.outcome.word(), "rolled-back");
    assert_eq!(stage.weights().first(), Some(&10));
}

#[tokio::test(start_paused = true)]
async fn all_metrics_of_a_check_are_asked_at_once() {
    let stage =
        good("- when: weight>=10\n  fault: {verb: get, resource: services/proxy, delayMs: 3000}\n");
    stage.bootstrap().await;
    assert_eq!(stage.run().await.unwrap().exit_code(), 0);
    let events = stage.events.borrow();
    let mut weighed = None;
    let mut waited = Vec::new();
    for event in events.iter() {
        match event.kind {
            EventKind::TrafficChanged { .. } => weighed = Some(event.at),
            EventKind::MetricSampled(_) => {
                waited.push(event.at.duration_since(weighed.unwrap()).as_millis());
            }
            _ => {}
        }
    }
    // Ten seconds of soaking, and once the three that each of two answers takes.
    assert_eq!(waited, [13_000; 10]);
}
