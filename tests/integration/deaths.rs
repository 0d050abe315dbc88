//! A driver dies at every one of its writes, before it and after it, and the next one finishes the run: same end, no
//! weight more than once again, nobody lost.

use crate::support::golden::diff;
use crate::support::stage::Ended;
use crate::support::stage::Stage;
use crate::support::stage::scenario;
use crate::support::stage::served;
use crate::support::stage::weight;
use crate::support::tap::Death;
use crate::support::tap::Switch;
use kubectl_flagger::sandbox::faults::LoggedRequest;
use kubectl_flagger::sandbox::scenario::Scenario;
use serde_json::Value;
use serde_json::json;
use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::Duration;
use tokio::sync::mpsc::unbounded_channel;

/// What is there when all is over.
#[derive(Clone, Debug, PartialEq)]
struct End {
    code: u8,
    /// Route, workloads, services, status, record: as far as they do not depend on time or driver.
    objects: Value,
    result: String,
    lost: u64,
}

fn short(name: &str) -> Scenario {
    let mut scenario = scenario(name);
    scenario.canary["spec"]["analysis"]["maxWeight"] = json!(30);
    scenario.canary["spec"]["analysis"]["stepWeight"] = json!(30);
    for object in &mut scenario.objects {
        if object["kind"] == "Deployment" {
            object["spec"]["replicas"] = json!(1);
        }
    }
    served(scenario)
}

fn objects(stage: &Stage) -> Value {
    let status = stage.object("canaries", "podinfo")["status"].clone();
    let record = stage.object("configmaps", "flagger-run-podinfo");
    let record: Value = serde_json::from_str(record["data"]["run.json"].as_str().unwrap()).unwrap();
    json!({
        "route": stage.object("traefikservices", "podinfo")["spec"],
        "target": stage.deployed("podinfo"),
        "primary": stage.deployed("podinfo-primary"),
        "apex": stage.object("services", "podinfo")["spec"]["selector"],
        "phase": status["phase"], "weight": status["canaryWeight"], "failed": status["failedChecks"],
        "tracked": status["trackedConfigs"],
        "recorded": record["status"]["canary"]["phase"], "intent": record["intent"],
        "ending": record["status"]["ending"], "outbox": record["outbox"],
        "holder": stage.object("leases", "flagger-driver-podinfo")["spec"]["holderIdentity"],
    })
}

/// Which part of it drivers die in.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Part {
    Bootstrap,
    Rollout,
}

/// Plays the part to its end, and says what was written.
async fn play(name: &str, part: Part, death: Option<Death>) -> (End, Vec<LoggedRequest>) {
    let stage = Stage::open(short(name)).serving().await;
    if part == Part::Rollout {
        stage.bootstrap().await;
    }
    let before = stage.writes().len();
    let switch = Switch::new(death);
    let mut died = false;
    let code = loop {
        let switch = if died {
            Switch::new(None)
        } else {
            Arc::clone(&switch)
        };
        let (_words, heard) = unbounded_channel();
        let hour = Duration::from_secs(3600);
        match tokio::time::timeout(hour, stage.drive(switch, heard)).await {
            Ok(Ended::Died) => died = true,
            Ok(Ended::Finished(Ok(finished))) => break finished.exit_code(),
            Ok(Ended::Finished(Err(error))) => panic!("{death:?}: {error:?}"),
            Err(_) => panic!("{death:?}: does not end"),
        }
    };
    assert_eq!(died, death.is_some(), "{death:?}");
    let last = stage.commits().pop().unwrap_or_default();
    let result = last.lines().find(|line| line.starts_with("Flagger-Result"));
    let end = End {
        code,
        objects: objects(&stage),
        result: result.unwrap_or_default().to_owned(),
        lost: stage.lost(),
    };
    (end, stage.writes().split_off(before))
}

/// How often each weight was written.
fn weights(writes: &[LoggedRequest]) -> BTreeMap<u64, usize> {
    let mut written = BTreeMap::new();
    let routes = writes
        .iter()
        .filter(|write| write.resource == "traefikservices");
    for weight in routes.filter_map(|write| weight(write.object.as_ref()?)) {
        *written.entry(weight).or_default() += 1;
    }
    written
}

/// Writes of a rollback that a promotion has as well: up to its weight.
fn shared(writes: &[LoggedRequest]) -> usize {
    let of_route = |write: &LoggedRequest| write.resource == "traefikservices";
    writes.iter().position(of_route).unwrap() + 1
}

/// Every write from there on, and where Git was told something between two of them, the moment after that too.
fn deaths(writes: &[LoggedRequest], from: usize) -> Vec<Death> {
    let mut deaths = vec![Death::Before(from + 1)];
    for (index, write) in writes.iter().enumerate().skip(from) {
        deaths.push(Death::After(index + 1));
        if write.subresource == "status" && index + 1 < writes.len() {
            deaths.push(Death::Before(index + 2));
        }
    }
    deaths
}

/// Did the driver die between a rollback's route and the record, which alone knows the cause? Then the next one
/// finishes the rollback as one that was asked for.
fn begun(writes: &[LoggedRequest], death: Death) -> bool {
    let Death::After(number) = death else {
        return false;
    };
    let write = &writes[number - 1];
    write.resource == "traefikservices" && write.body.contains("rollback/")
}

async fn every_death(name: &str, part: Part, half: usize) {
    let (end, writes) = play(name, part, None).await;
    assert_eq!(end.lost, 0, "even without a death");
    let once = weights(&writes);
    let mut broken = Vec::new();
    let known = if name == "error-spike" {
        shared(&writes)
    } else {
        0
    };
    for death in deaths(&writes, known).into_iter().skip(half).step_by(2) {
        let (other, writes) = play(name, part, Some(death)).await;
        let other = End {
            code: if begun(&writes, death) {
                end.code
            } else {
                other.code
            },
            ..other
        };
        if other != end {
            broken.push(format!(
                "{death:?}:\n{}",
                diff(&format!("{end:#?}"), &format!("{other:#?}"))
            ));
        }
        for (weight, times) in weights(&writes) {
            let planned = once.get(&weight).copied().unwrap_or(0);
            if times > planned + 1 {
                broken.push(format!(
                    "{death:?}: weight {weight} was written {times} times"
                ));
            }
        }
    }
    assert!(broken.is_empty(), "{}", broken.join("\n"));
}

#[tokio::test(start_paused = true)]
async fn a_bootstrap_survives_its_driver_at_every_write() {
    every_death("success", Part::Bootstrap, 0).await;
    every_death("success", Part::Bootstrap, 1).await;
}

#[tokio::test(start_paused = true)]
async fn a_promotion_survives_its_driver_at_every_other_write() {
    every_death("success", Part::Rollout, 0).await;
}

#[tokio::test(start_paused = true)]
async fn a_promotion_survives_its_driver_at_the_writes_in_between() {
    every_death("success", Part::Rollout, 1).await;
}

#[tokio::test(start_paused = true)]
async fn a_rollback_survives_its_driver_at_every_other_write() {
    every_death("error-spike", Part::Rollout, 0).await;
}

#[tokio::test(start_paused = true)]
async fn a_rollback_survives_its_driver_at_the_writes_in_between() {
    every_death("error-spike", Part::Rollout, 1).await;
}
