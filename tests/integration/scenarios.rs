//! Whole rollouts on the embedded cluster: what is said, what is written in which order, what the users notice, and
//! how long it takes in virtual time.

use crate::support::golden::check;
use crate::support::stage::Stage;
use crate::support::stage::later;
use crate::support::stage::scenario;
use crate::support::stage::served;
use crate::support::stage::weight;
use kubectl_flagger::sandbox::faults::LoggedRequest;
use kubectl_flagger::sandbox::scenario::Scenario;
use serde_json::Value;
use serde_json::json;
use std::path::Path;
use std::process::Command;
use std::process::Stdio;
use std::time::Duration;

/// One line a write: what it means for the rollout.
fn story(writes: &[LoggedRequest]) -> Vec<String> {
    writes.iter().map(told).collect()
}

fn told(write: &LoggedRequest) -> String {
    let object = write.object.clone().unwrap_or_default();
    let name = object["metadata"]["name"].as_str().unwrap_or("-");
    match (write.resource.as_str(), write.subresource.as_str()) {
        ("leases", _) => match object["spec"]["holderIdentity"].as_str() {
            Some(_) => "lease held".to_owned(),
            None => "lease released".to_owned(),
        },
        ("configmaps", _) if name.starts_with("flagger-run-") => recorded(&object),
        ("traefikservices", _) => {
            let intent = &object["metadata"]["annotations"]["flagger-driver/intent"];
            let back = if intent.is_null() { "" } else { ", a way back" };
            format!("route {}{back}", weight(&object).unwrap_or(0))
        }
        ("canaries", "status") => {
            let status = &object["status"];
            format!(
                "canary status {} {}",
                text(&status["phase"]),
                status["canaryWeight"]
            )
        }
        ("deployments", _) => {
            let image = &object["spec"]["template"]["spec"]["containers"][0]["image"];
            format!(
                "deployment {name} {} x {}",
                object["spec"]["replicas"],
                text(image)
            )
        }
        ("services", _) => format!(
            "service {name} -> {}",
            text(&object["spec"]["selector"]["app"])
        ),
        (resource, _) => format!("{resource} {name}"),
    }
}

fn recorded(object: &Value) -> String {
    let document = object["data"]["run.json"].as_str().unwrap();
    let document: Value = serde_json::from_str(document).unwrap();
    let canary = &document["status"]["canary"];
    if document["intent"].is_null() {
        let waiting = document["outbox"].as_array().map_or(0, Vec::len);
        return format!(
            "record {} {}, {waiting} for Git",
            text(&canary["phase"]),
            canary["canaryWeight"]
        );
    }
    let effects: Vec<String> = document["intent"]["effects"]
        .as_array()
        .unwrap()
        .iter()
        .map(|effect| match effect.as_object() {
            Some(named) => named.keys().next().unwrap().clone(),
            None => text(effect),
        })
        .collect();
    format!("record intends {}", effects.join(", "))
}

fn text(value: &Value) -> String {
    value.as_str().unwrap_or("-").to_owned()
}

fn golden(name: &str, actual: &str) {
    check(&Path::new("testdata/runs").join(name), actual);
}

/// The same, and Traefik has a route that knows nothing of canaries.
fn routed_before(name: &str) -> Scenario {
    let mut scenario = served(scenario(name));
    scenario.objects.push(json!({
        "apiVersion": "traefik.io/v1alpha1", "kind": "TraefikService",
        "metadata": {"name": "podinfo", "namespace": "test", "annotations": {"team": "shop"}},
        "spec": {"weighted": {"services": [{"name": "podinfo", "port": 80, "nativeLB": true}]}},
    }));
    scenario
}

/// One line a run: what was moved when, seconds since the example began.
fn moved(stage: &Stage) -> Vec<(f64, String)> {
    let events = stage.events.borrow();
    let begin = events[0].at;
    let of = |kind: &str| kind == "traffic.changed" || kind == "phase.changed";
    let told = events.iter().filter(|event| of(event.type_name()));
    told.map(|event| {
        let at = event.at.duration_since(begin).as_secs_f64();
        let what = match event.type_name() {
            "phase.changed" => event.phase.to_string(),
            _ => event.weight.to_string(),
        };
        (at, what)
    })
    .collect()
}

#[tokio::test(start_paused = true)]
async fn a_good_version_is_promoted_in_planned_steps() {
    let stage = Stage::open(served(scenario("success"))).serving().await;
    assert_eq!(stage.play().await.unwrap(), 0);
    assert_eq!(stage.weights(), [10, 20, 30, 40, 50, 0]);
    assert_eq!(stage.deployed("podinfo-primary"), ("6.0.1".to_owned(), 2));
    assert_eq!(stage.deployed("podinfo"), ("6.0.1".to_owned(), 0));
    assert_eq!(
        (stage.routed(), stage.phase().as_str()),
        (Some(0), "Succeeded")
    );
    golden("success.ndjson", &stage.ndjson());
    golden(
        "success.writes.txt",
        &(story(&stage.writes()).join("\n") + "\n"),
    );
    golden("success.commits.txt", &stage.commits().join("\n"));
}

#[tokio::test(start_paused = true)]
async fn a_bad_version_is_rolled_back_at_the_decisive_check() {
    let stage = Stage::open(served(scenario("error-spike"))).serving().await;
    assert_eq!(stage.play().await.unwrap(), 10);
    assert_eq!(stage.weights(), [10, 20, 30, 0]);
    assert_eq!(stage.deployed("podinfo-primary"), ("6.0.0".to_owned(), 2));
    assert_eq!(stage.deployed("podinfo"), ("6.0.1".to_owned(), 0));
    assert_eq!(
        (stage.routed(), stage.phase().as_str()),
        (Some(0), "Failed")
    );
    golden("error-spike.ndjson", &stage.ndjson());
    golden(
        "error-spike.writes.txt",
        &(story(&stage.writes()).join("\n") + "\n"),
    );
    golden("error-spike.commits.txt", &stage.commits().join("\n"));
}

#[tokio::test(start_paused = true)]
async fn a_slow_version_is_rolled_back_for_its_duration() {
    let stage = Stage::named("slow");
    assert_eq!(stage.play().await.unwrap(), 10);
    assert_eq!(stage.weights(), [10, 20, 0]);
    let held = stage.said("check.held");
    assert!(held[0].contains("request-duration"), "{held:?}");
}

#[tokio::test(start_paused = true)]
async fn a_version_that_never_becomes_ready_gets_no_traffic() {
    let stage = Stage::named("never-ready");
    assert_eq!(stage.play().await.unwrap(), 11);
    assert_eq!(stage.weights(), Vec::<u8>::new());
    assert_eq!(stage.world.totals().by_version("6.0.1"), 0);
    assert_eq!(stage.deployed("podinfo"), ("6.0.1".to_owned(), 0));
}

#[tokio::test(start_paused = true)]
async fn every_weight_is_intended_then_written_then_recorded_then_shown() {
    let stage = Stage::named("success");
    stage.play().await.unwrap();
    let story = story(&stage.writes());
    for weight in [10, 20, 30, 40, 50] {
        let route = format!("route {weight}");
        let at = story.iter().position(|line| *line == route).unwrap();
        assert_eq!(story[at - 1], "record intends SetRoutes", "{story:#?}");
        assert_eq!(
            story[at + 1],
            format!("record Progressing {weight}, 1 for Git")
        );
        assert_eq!(story[at + 2], format!("canary status Progressing {weight}"));
        assert_eq!(story.iter().filter(|line| **line == route).count(), 1);
    }
}

#[tokio::test(start_paused = true)]
async fn the_route_is_the_first_write_of_a_rollback() {
    let stage = Stage::named("error-spike");
    stage.play().await.unwrap();
    let decisive = stage
        .events
        .borrow()
        .iter()
        .rev()
        .find_map(|event| (event.type_name() == "check.held").then_some(event.at));
    let writes = stage.writes();
    let after: Vec<LoggedRequest> = writes
        .into_iter()
        .filter(|write| write.at >= decisive.unwrap() && write.resource != "leases")
        .collect();
    assert_eq!(told(&after[0]), "route 0, a way back");
    assert_eq!(told(&after[1]), "record Failed 0, 1 for Git");
}

#[tokio::test(start_paused = true)]
async fn the_canarys_pods_leave_after_the_weight_is_0_and_a_drain() {
    for (name, image) in [
        ("success", "podinfo:6.0.1"),
        ("error-spike", "podinfo:6.0.1"),
    ] {
        let stage = Stage::named(name);
        stage.play().await.unwrap();
        let writes = stage.writes();
        let last = |line: &str| {
            writes
                .iter()
                .rfind(|write| told(write).starts_with(line))
                .unwrap()
        };
        let home = last("route 0");
        let scaled = last(&format!("deployment podinfo 0 x {image}"));
        let drained = scaled.at.duration_since(home.at);
        assert_eq!(drained.as_secs_f64(), 5.0, "{name}");
    }
}

#[tokio::test(start_paused = true)]
async fn nobody_is_lost_in_any_phase() {
    type Make = fn(&str) -> Scenario;
    let worlds: [Make; 2] = [|name| served(scenario(name)), routed_before];
    for make in worlds {
        for name in ["success", "error-spike", "never-ready"] {
            let stage = Stage::open(make(name)).serving().await;
            stage.play().await.unwrap();
            later(&stage, Duration::from_secs(10)).await;
            assert_eq!(
                stage.lost(),
                0,
                "{name}: {:#?}",
                stage.world.totals_by_phase()
            );
        }
    }
}

#[tokio::test(start_paused = true)]
async fn the_fields_of_a_route_that_was_there_survive() {
    let stage = Stage::open(routed_before("success")).serving().await;
    assert_eq!(stage.play().await.unwrap(), 0);
    let route = stage.object("traefikservices", "podinfo");
    let services = &route["spec"]["weighted"]["services"];
    assert_eq!(
        *services,
        json!([{"name": "podinfo-primary", "port": 80, "nativeLB": true, "weight": 100}])
    );
    assert_eq!(route["metadata"]["annotations"]["team"], "shop");
}

#[tokio::test(start_paused = true)]
async fn a_promotion_takes_its_intervals_and_its_pods_and_nothing_else() {
    let stage = Stage::named("success");
    stage.bootstrap().await;
    let (begun, writes) = (stage.world.clock(), stage.writes().len());
    let start = kubectl_flagger::port::clock::Clock::now(&begun);
    assert_eq!(stage.run().await.unwrap().exit_code(), 0);
    let writes = stage.writes().split_off(writes);
    let at = |line: &str| {
        let write = writes.iter().find(|write| told(write) == line).unwrap();
        write.at.duration_since(start).as_secs_f64()
    };
    // Two pods, one after the other: each starts in 3 s, is available 1 s later, and the controllers need a moment.
    let pods = at("route 10");
    assert!((8.0..8.5).contains(&pods), "{pods}");
    for (step, weight) in [20.0, 30.0, 40.0, 50.0].into_iter().zip([20, 30, 40, 50]) {
        assert_eq!(at(&format!("route {weight}")), pods + step - 10.0);
    }
    assert_eq!(
        at("deployment podinfo-primary 2 x podinfo:6.0.1"),
        pods + 50.0
    );
    assert_eq!(at("route 0"), pods + 50.0 + pods);
    assert_eq!(
        at("deployment podinfo 0 x podinfo:6.0.1"),
        pods + 50.0 + pods + 5.0
    );
    assert_eq!(moved(&stage).last().unwrap().1, "Succeeded");
}

#[test]
fn two_runs_of_the_binary_write_the_same_bytes() {
    let once = |name: &str| {
        let folder = tempfile::tempdir().unwrap();
        let events = folder.path().join("events.ndjson");
        let output = Command::new(env!("CARGO_BIN_EXE_kubectl-flagger"))
            .args(["promote", "podinfo", "-n", "test", "--speed", "max"])
            .arg(format!("--sandbox=testdata/scenarios/{name}.yaml"))
            .arg("--events")
            .arg(&events)
            .arg("--sandbox-dir")
            .arg(folder.path().join("sandbox"))
            .current_dir(env!("CARGO_MANIFEST_DIR"))
            .env_clear()
            .stdin(Stdio::null())
            .output()
            .unwrap();
        let dir = folder.path().to_string_lossy().into_owned();
        let words = String::from_utf8(output.stderr)
            .unwrap()
            .replace(&dir, "[DIR]");
        (
            output.status.code(),
            std::fs::read_to_string(events).unwrap(),
            words,
        )
    };
    let first = once("error-spike");
    assert_eq!(first.0, Some(10));
    assert_eq!(first, once("error-spike"));
    for line in first.1.lines() {
        let event: Value = serde_json::from_str(line).unwrap();
        assert_eq!(event["v"], "1.0");
    }
    golden("error-spike.screen.txt", &first.2);
}
