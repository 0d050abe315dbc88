//! Alerts and events of whole runs: who hears what, and that nobody who is deaf holds up a rollout; and `notify`.

use crate::support::golden;
use crate::support::stage::Stage;
use crate::support::stage::podinfo;
use kubectl_flagger::canary::alert_provider::AlertProviderType;
use kubectl_flagger::cli::alerting::GlobalChat;
use kubectl_flagger::cli::args::values::Secret;
use kubectl_flagger::sandbox::world::Heard;
use serde_json::Value;
use std::process::Command;
use std::process::Output;

const WORLD: &str = r#"pods: {startMs: 3000, drainMs: 5000}
traffic: {rps: 50, errorPercent: 0, latencyMs: 50}
at:
- when: initialized
  set: upgrade
- when: "weight>=20"
  set: {version: "6.0.1", errorPercent: ERRORS}
"#;

/// A world whose new version has that many errors, and a chat that answers `status`.
fn stage(errors: &str, status: u16) -> Stage {
    let world = WORLD.replace("ERRORS", errors);
    let world = format!("{world}- when: 0s\n  set: hook:alert={status}\n");
    let mut stage = Stage::open(podinfo(&world));
    stage.options.alerts.chat = Some(GlobalChat {
        kind: AlertProviderType::Slack,
        address: Secret::from("https://chat.example/alert".to_owned()),
        token: None,
        channel: "releases".to_owned(),
        username: "flagger".to_owned(),
        proxy: None,
    });
    stage.options.alerts.event_webhook =
        Some(Secret::from("https://events.example/all".to_owned()));
    stage
}

/// What was posted to an address, in order.
fn posted(stage: &Stage, address: &str) -> Vec<Value> {
    let heard = stage.world.heard();
    heard
        .iter()
        .filter_map(|heard| match heard {
            Heard::Called { url, body, .. } if url == address => serde_json::from_slice(body).ok(),
            Heard::Called { .. } | Heard::Asked { .. } => None,
        })
        .collect()
}

/// First lines of the alerts.
fn alerts(stage: &Stage) -> Vec<String> {
    let posts = posted(stage, "https://chat.example/alert");
    let texts = posts
        .iter()
        .filter_map(|post| post["attachments"][0]["text"].as_str());
    texts
        .filter_map(|text| text.lines().next().map(str::to_owned))
        .collect()
}

#[tokio::test(start_paused = true)]
async fn a_promotion_is_told_from_beginning_to_end() {
    let stage = stage("0", 200);
    assert_eq!(stage.play().await.unwrap(), 0);
    assert_eq!(
        alerts(&stage),
        [
            "6.0.0 is set up: the primary serves it",
            "6.0.0 -&gt; 6.0.1: the analysis begins",
            "6.0.1 is promoted: the primary serves it",
        ]
    );
    assert_eq!(stage.said("diagnostic"), [""; 0]);
    let events = posted(&stage, "https://events.example/all");
    let last = events.last().unwrap();
    assert_eq!(last["phase"], "Succeeded");
    assert_eq!(last["metadata"]["eventType"], "Normal");
    let weights = events
        .iter()
        .filter_map(|event| event["metadata"]["eventMessage"].as_str())
        .filter(|message| message.contains(" -> ") && !message.starts_with("phase"));
    assert_eq!(
        weights.collect::<Vec<_>>(),
        [
            "0 -> 10", "10 -> 20", "20 -> 30", "30 -> 40", "40 -> 50", "50 -> 0"
        ]
    );
}

#[tokio::test(start_paused = true)]
async fn a_rollback_alerts_once_with_its_reason() {
    let stage = stage("30", 200);
    assert_eq!(stage.play().await.unwrap(), 10);
    let alerts = alerts(&stage);
    assert_eq!(alerts.len(), 3, "{alerts:?}");
    assert!(
        alerts[2].starts_with("6.0.1 was rolled back: "),
        "{alerts:?}"
    );
    assert!(alerts[2].ends_with("; users are on 6.0.0"), "{alerts:?}");
}

#[tokio::test(start_paused = true)]
async fn alerts_that_are_lost_are_said_and_kept_and_change_nothing_else() {
    let deaf = stage("0", 500);
    let hearing = stage("0", 200);
    assert_eq!(deaf.play().await.unwrap(), 0);
    assert_eq!(hearing.play().await.unwrap(), 0);
    assert_eq!(deaf.weights(), hearing.weights());
    let said = deaf.said("diagnostic").pop().unwrap();
    assert_eq!(
        said,
        "warning: flagger::alerts::lost: 2 messages did not reach the alert to Slack: answered 500"
    );
    let record = deaf.object("configmaps", "flagger-run-podinfo").to_string();
    assert!(record.contains("the alert to Slack"), "{record}");
    let last = deaf.events.borrow().last().unwrap().type_name();
    assert_eq!(last, "run.finished");
}

const SPECS: &str = "apiVersion: flagger.app/v1beta1
kind: Canary
metadata: {name: podinfo, namespace: shop}
spec:
  provider: traefik
  targetRef: {apiVersion: apps/v1, kind: Deployment, name: podinfo}
  service: {port: 80}
  analysis:
    interval: 1m
    threshold: 5
    maxWeight: 50
    stepWeight: 10
    alerts:
    - {name: team, severity: error, providerRef: {name: chat}}
---
apiVersion: flagger.app/v1beta1
kind: AlertProvider
metadata: {name: chat, namespace: shop}
spec: {type: discord, channel: releases, address: 'https://discord.example/api/webhooks/1/s3cr3t'}
";

fn notify(words: &[&str]) -> Output {
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("specs.yaml");
    std::fs::write(&file, SPECS).unwrap();
    let mut command = Command::new(env!("CARGO_BIN_EXE_kubectl-flagger"));
    command.arg("notify").args(words).arg("-f").arg(file);
    command.env_clear().env("HOME", folder.path());
    command.output().unwrap()
}

#[test]
fn a_try_shows_what_would_be_posted_but_not_where_exactly() {
    let shown = notify(&["podinfo", "team", "--cluster-name", "prod-eu"]);
    let text = String::from_utf8(shown.stdout).unwrap();
    assert!(!text.contains("s3cr3t"), "{text}");
    golden::check("testdata/alerts/notify.txt".as_ref(), &text);
    let by_provider = notify(&["chat", "--cluster-name", "prod-eu"]);
    assert_eq!(String::from_utf8(by_provider.stdout).unwrap(), text);
}

#[test]
fn a_try_of_an_alert_that_is_not_there_names_those_that_are() {
    let refused = notify(&["podinfo", "pager"]);
    assert_eq!(refused.status.code(), Some(3));
    let text = String::from_utf8(refused.stderr).unwrap();
    assert!(text.contains("canary podinfo has no alert pager"), "{text}");
    assert!(text.contains("it has: team"), "{text}");
}
