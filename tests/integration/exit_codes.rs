//! Which end has which code, and where users are then. Codes that only the command line knows are in `bad_input`.

use crate::bad_input::inline;
use crate::support::stage;
use crate::support::stage::Stage;
use crate::support::stage::podinfo;
use serde_json::json;
use std::io::BufRead as _;
use std::io::BufReader;
use std::process::Command;
use std::process::Stdio;
use std::time::Duration;

const UPGRADE: &str = "- {when: initialized, set: upgrade}\n";

/// The scenario's `at:`, its code, and the canary's share at the end.
const ENDS: &[(&str, &str, u8, u64)] = &[
    ("bootstrapped", "", 0, 0),
    ("promoted", UPGRADE, 0, 0),
    (
        "analysis",
        "- {when: initialized, set: upgrade}\n- {when: weight>=10, set: {version: 6.0.1, errorPercent: 50}}\n",
        10,
        0,
    ),
    ("workload", "- {when: initialized, set: break}\n", 11, 0),
    (
        "lost rights",
        "- {when: initialized, set: upgrade}\n\
         - {when: weight>=10, fault: {verb: patch, resource: traefikservices, code: 403, times: 1}}\n",
        11,
        0,
    ),
    (
        "no way back",
        "- {when: initialized, set: upgrade}\n\
         - {when: weight>=10, fault: {verb: patch, resource: traefikservices, code: 403}}\n",
        20,
        10,
    ),
    (
        "failed promotion",
        "- {when: initialized, set: upgrade9}\n",
        20,
        100,
    ),
];

#[tokio::test(start_paused = true)]
async fn every_end_has_its_code_and_its_traffic() {
    for (name, at, code, share) in ENDS {
        let at = if at.is_empty() {
            String::new()
        } else {
            format!("at:\n{at}")
        };
        let stage = Stage::open(podinfo(&at));
        assert_eq!(stage.play().await.unwrap(), *code, "{name}");
        assert_eq!(stage.routed(), Some(*share), "{name}");
    }
}

#[tokio::test(start_paused = true)]
async fn what_serves_already_is_no_rollout() {
    let stage = Stage::open(podinfo(""));
    assert_eq!(stage.play().await.unwrap(), 0);
    let writes = stage.writes().len();
    let finished = stage.run().await.unwrap();
    assert_eq!(
        (finished.exit_code(), finished.outcome.word()),
        (0, "unchanged")
    );
    let more = stage.writes().split_off(writes);
    assert!(
        more.iter().all(|write| write.resource == "leases"),
        "{more:#?}"
    );
}

#[tokio::test(start_paused = true)]
async fn a_time_limit_has_its_code() {
    let mut stage = Stage::open(podinfo(&format!("at:\n{UPGRADE}")));
    stage.options.timeout = Some(Duration::from_secs(25));
    assert_eq!(stage.play().await.unwrap(), 13);
    assert_eq!(stage.routed(), Some(0));
}

/// The example, whose canary waits that long at each weight, and for hours for pods, with such an upgrade.
fn scenario(interval: &str, upgrade: &str) -> String {
    let mut canary = stage::scenario("success").canary;
    canary["spec"]["analysis"]["interval"] = json!(interval);
    canary["spec"]["progressDeadlineSeconds"] = json!(36_000);
    let at = format!("at:\n- {{when: initialized, set: {upgrade}}}\n");
    inline(&canary, &at)
}

/// Plays it at 50 times the speed of life, sends that signal once a line says so, and gives code and words.
fn signalled(signal: libc::c_int, at: &str, scenario: &str) -> (Option<i32>, String, Vec<String>) {
    let folder = tempfile::tempdir().unwrap();
    let sandbox = folder.path().join("sandbox");
    let file = folder.path().join("scenario.yaml");
    std::fs::write(&file, scenario).unwrap();
    let mut child = Command::new(env!("CARGO_BIN_EXE_kubectl-flagger"))
        .args(["promote", "--speed", "50", "--sandbox-dir"])
        .arg(&sandbox)
        .arg(format!("--sandbox={}", file.display()))
        .env_clear()
        .stdin(Stdio::null())
        .stdout(Stdio::null())
        .stderr(Stdio::piped())
        .spawn()
        .unwrap();
    let id = child.id().to_string();
    let mut words = String::new();
    let mut sent = false;
    for line in BufReader::new(child.stderr.take().unwrap()).lines() {
        let line = line.unwrap();
        if !sent && line.contains(at) {
            sent = true;
            let number = format!("-{signal}");
            let kill = Command::new("kill").args([&number, &id]).status().unwrap();
            assert!(kill.success());
        }
        words.push_str(&line);
        words.push('\n');
    }
    let code = child.wait().unwrap().code();
    let repository = git2::Repository::open(&sandbox).unwrap();
    let commits = stage::messages(&repository, "refs/heads/flagger-status");
    (code, words, commits)
}

#[cfg(unix)]
#[test]
fn signals_send_users_home_and_are_recorded() {
    let cases = [
        (libc::SIGTERM, 143),
        (libc::SIGINT, 130),
        (libc::SIGHUP, 129),
    ];
    let threads = cases.map(|(signal, code)| {
        std::thread::spawn(move || {
            let (ended, words, commits) =
                signalled(signal, " 0 -> 10", &scenario("60m", "upgrade"));
            assert_eq!(ended, Some(code), "{words}");
            assert!(words.contains("10 -> 0"), "{words}");
            let last = commits.last().unwrap();
            assert!(last.contains("Flagger-Weight: 0\n"), "{last}");
            assert!(last.contains("Flagger-Result: rolled-back"), "{last}");
        })
    });
    for thread in threads {
        thread.join().unwrap();
    }
}

#[cfg(unix)]
#[test]
fn a_signal_during_the_promotion_holds_users_on_the_safe_side() {
    // the primary's new pods never become ready, so that the promotion is still on when the signal comes
    let scenario = scenario("10s", "upgrade9");
    let at = "phase Progressing -> Promoting";
    let (code, words, commits) = signalled(libc::SIGTERM, at, &scenario);
    assert_eq!(code, Some(21), "{words}");
    assert!(!commits.is_empty());
}
