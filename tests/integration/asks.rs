//! What other processes ask of a driver: heard within a second, done once, answered in the run record.

use crate::support::stage::Ended;
use crate::support::stage::Stage;
use crate::support::stage::scenario;
use crate::support::stage::served;
use crate::support::tap::Switch;
use jiff::SignedDuration;
use jiff::Timestamp;
use kubectl_flagger::kubernetes::mailbox::Mailbox;
use kubectl_flagger::port::ask::Ask;
use kubectl_flagger::port::ask::AskVerb;
use kubectl_flagger::port::clock::Clock as _;
use serde_json::Value;
use serde_json::json;
use std::future::Future;
use std::time::Duration;
use tokio::sync::mpsc::unbounded_channel;

/// Somebody with a terminal of their own.
struct Somebody<'a> {
    stage: &'a Stage,
    mailbox: Mailbox,
}

impl<'a> Somebody<'a> {
    fn beside(stage: &'a Stage) -> Self {
        let mailbox = Mailbox::new(stage.requests(Switch::new(None)), "test", "podinfo");
        Self { stage, mailbox }
    }

    fn record(&self) -> Value {
        let object = self.stage.object("configmaps", "flagger-run-podinfo");
        let text = object["data"]["run.json"].as_str().unwrap_or("null");
        serde_json::from_str(text).unwrap()
    }

    async fn asks(&self, verb: AskVerb, id: &str, run: &str) {
        let ask = Ask {
            id: id.to_owned(),
            verb,
            run: run.to_owned(),
            gate: None,
            revision: None,
            by: "bob@desk/7".to_owned(),
            at: Timestamp::UNIX_EPOCH,
        };
        self.mailbox.post(&ask).await.unwrap();
    }

    /// About the gate and the revision that the record tells of.
    async fn asks_about_what_is(&self, verb: AskVerb, id: &str) {
        let record = self.record();
        let ask = Ask {
            id: id.to_owned(),
            verb,
            run: record["run"].as_str().unwrap().to_owned(),
            gate: serde_json::from_value(record["status"]["gate"].clone()).unwrap(),
            revision: record["status"]["revision"].as_str().map(str::to_owned),
            by: "bob@desk/7".to_owned(),
            at: Timestamp::UNIX_EPOCH,
        };
        self.mailbox.post(&ask).await.unwrap();
    }

    async fn sees_a_closed_gate(&self) {
        while self.record()["status"]["gate"].is_null() {
            self.sleeps(100).await;
        }
    }

    async fn asks_this_run(&self, verb: AskVerb, id: &str) {
        let run = self.record()["run"].as_str().unwrap().to_owned();
        self.asks(verb, id, &run).await;
    }

    async fn sleeps(&self, millis: u64) {
        let clock = self.stage.world.clock();
        clock.sleep(Duration::from_millis(millis)).await;
    }

    async fn sees(&self, weight: u64) {
        while self.stage.routed() != Some(weight) {
            self.sleeps(100).await;
        }
    }

    fn requests(&self) -> Value {
        self.stage.object("configmaps", "flagger-requests-podinfo")["data"].clone()
    }
}

/// A rollout with somebody beside it; the driver's exit code.
async fn driven(stage: &Stage, beside: impl Future<Output = ()>) -> u8 {
    stage.bootstrap().await;
    let (words, heard) = unbounded_channel();
    *stage.asks.borrow_mut() = Some(words);
    let driving = stage.drive(Switch::new(None), heard);
    let (ended, ()) = futures::join!(driving, beside);
    match ended {
        Ended::Finished(finished) => finished.unwrap().exit_code(),
        Ended::Died => unreachable!("nobody let it die"),
    }
}

#[tokio::test(start_paused = true)]
async fn an_abort_from_elsewhere_brings_users_home_within_a_second() {
    let stage = Stage::open(served(scenario("success"))).serving().await;
    let somebody = Somebody::beside(&stage);
    let code = driven(&stage, async {
        somebody.sees(20).await;
        somebody.asks_this_run(AskVerb::Abort, "01ASK").await;
        somebody.sleeps(1000).await;
        assert_eq!(stage.routed(), Some(0));
        assert!(somebody.record()["answers"]["01ASK"].is_string());
    })
    .await;
    assert_eq!(code, 12);
    assert_eq!(stage.lost(), 0);
    let said = stage.said("intent.received");
    assert_eq!(said, ["abort asked by bob@desk/7 (request): rolling back"]);
    let ended = &somebody.record()["ended"];
    assert_eq!(
        (&ended["outcome"], &ended["exitCode"]),
        (&"rolled-back".into(), &12.into())
    );
}

#[tokio::test(start_paused = true)]
async fn a_pause_from_elsewhere_holds_until_somebody_lets_go() {
    let stage = Stage::named("success").serving().await;
    let somebody = Somebody::beside(&stage);
    let code = driven(&stage, async {
        somebody.sees(20).await;
        somebody.asks_this_run(AskVerb::Pause, "01ASK").await;
        somebody.sleeps(60_000).await;
        assert_eq!(stage.routed(), Some(20));
        somebody.asks_this_run(AskVerb::Resume, "02ASK").await;
        somebody.sleeps(1000).await;
        assert_eq!(stage.routed(), Some(30));
    })
    .await;
    assert_eq!(code, 0);
    assert_eq!(stage.weights(), [10, 20, 30, 40, 50, 0]);
}

#[tokio::test(start_paused = true)]
async fn a_request_for_another_run_is_taken_away_unread() {
    let stage = Stage::named("success").serving().await;
    let somebody = Somebody::beside(&stage);
    let code = driven(&stage, async {
        somebody.sees(20).await;
        somebody.asks(AskVerb::Abort, "01ASK", "01ANOTHERRUN").await;
        somebody.sleeps(1000).await;
        assert_eq!(somebody.requests(), Value::Null);
    })
    .await;
    assert_eq!(code, 0);
    assert!(stage.said("intent.received").is_empty());
    assert_eq!(somebody.record()["answers"], serde_json::json!({}));
}

/// A good version behind a gate that says no.
fn gated(kind: &str) -> Stage {
    let mut scenario = scenario("success");
    scenario.canary["spec"]["analysis"]["webhooks"] = json!([
        {"name": "ask-bob", "type": kind, "url": "http://flagger-loadtester.test/gate/halt"},
    ]);
    Stage::open(scenario)
}

#[tokio::test(start_paused = true)]
async fn a_gate_before_the_start_opens_within_a_second_of_the_word() {
    let stage = gated("confirm-rollout").serving().await;
    let somebody = Somebody::beside(&stage);
    let code = driven(&stage, async {
        somebody.sees_a_closed_gate().await;
        somebody.sleeps(3000).await;
        somebody.asks_about_what_is(AskVerb::Approve, "01ASK").await;
        somebody.sleeps(1000).await;
        assert_eq!(stage.phase(), "Progressing");
    })
    .await;
    assert_eq!(code, 0);
    let opened = stage.said("gate.opened");
    assert_eq!(opened.len(), 1, "{opened:?}");
    assert!(
        opened[0].starts_with("ask-bob opened by bob@desk/7 after "),
        "{opened:?}"
    );
}

#[tokio::test(start_paused = true)]
async fn who_opened_a_gate_is_in_the_record_and_in_git() {
    let stage = gated("confirm-promotion").serving().await;
    let somebody = Somebody::beside(&stage);
    let code = driven(&stage, async {
        somebody.sees_a_closed_gate().await;
        assert_eq!(stage.routed(), Some(50));
        somebody.asks_about_what_is(AskVerb::Approve, "01ASK").await;
    })
    .await;
    assert_eq!(code, 0);
    let kept = &somebody.record()["approvals"][0];
    assert_eq!(
        (&kept["request"], &kept["by"], &kept["gate"]["kind"]),
        (
            &"01ASK".into(),
            &"bob@desk/7".into(),
            &"confirm-promotion".into()
        )
    );
    assert!(kept["at"].is_string());
    let commits = stage.commits();
    let told = |commit: &String| commit.contains("ask-bob opened by bob@desk/7");
    assert!(commits.iter().any(told), "{commits:#?}");
}

#[tokio::test(start_paused = true)]
async fn an_approval_opens_this_closing_of_a_gate_and_no_other() {
    let stage = gated("confirm-traffic-increase").serving().await;
    let somebody = Somebody::beside(&stage);
    let code = driven(&stage, async {
        somebody.sees_a_closed_gate().await;
        let first = somebody.record();
        somebody.asks_about_what_is(AskVerb::Approve, "01ASK").await;
        somebody.sees(10).await;
        somebody.sees_a_closed_gate().await;
        // The same words once more: that gate is open, this one is not.
        let ask = Ask {
            id: "02ASK".to_owned(),
            verb: AskVerb::Approve,
            run: first["run"].as_str().unwrap().to_owned(),
            gate: serde_json::from_value(first["status"]["gate"].clone()).unwrap(),
            revision: None,
            by: "bob@desk/7".to_owned(),
            at: Timestamp::UNIX_EPOCH,
        };
        somebody.mailbox.post(&ask).await.unwrap();
        somebody.sleeps(30_000).await;
        assert_eq!(stage.routed(), Some(10));
        let record = somebody.record();
        assert!(record["answers"]["02ASK"].is_string());
        assert_eq!(record["approvals"].as_array().unwrap().len(), 1);
        somebody.asks_this_run(AskVerb::Abort, "03ASK").await;
    })
    .await;
    assert_eq!(code, 12);
}

#[tokio::test(start_paused = true)]
async fn a_driver_is_told_to_look_no_further_and_promotes() {
    let stage = Stage::named("success").serving().await;
    let somebody = Somebody::beside(&stage);
    let code = driven(&stage, async {
        somebody.sees(20).await;
        somebody
            .asks_about_what_is(AskVerb::SkipAnalysis, "01ASK")
            .await;
        somebody.sleeps(1000).await;
        assert_eq!(stage.phase(), "Promoting");
    })
    .await;
    assert_eq!((code, stage.weights()), (0, vec![10, 20, 0]));
    let commits = stage.commits();
    let told = |commit: &String| commit.contains("asked by bob@desk/7");
    assert!(commits.iter().any(told), "{commits:#?}");
}

#[tokio::test(start_paused = true)]
async fn a_pause_that_lasts_too_long_is_a_rollback() {
    let mut stage = Stage::named("success").serving().await;
    stage.options.plan.hold_for = SignedDuration::from_secs(30);
    let somebody = Somebody::beside(&stage);
    let code = driven(&stage, async {
        somebody.sees(20).await;
        somebody.asks_this_run(AskVerb::Pause, "01ASK").await;
        somebody.sleeps(29_000).await;
        assert_eq!(stage.routed(), Some(20));
        assert!(somebody.record()["status"]["pausedUntil"].is_string());
        somebody.sleeps(2000).await;
        assert_eq!(stage.routed(), Some(0));
    })
    .await;
    assert_eq!(code, 13);
}

#[tokio::test(start_paused = true)]
async fn a_gate_may_be_an_end_instead_of_a_wait() {
    let mut stage = gated("confirm-promotion").serving().await;
    stage.options.plan.gates_fail = true;
    assert_eq!(driven(&stage, async {}).await, 12);
    assert_eq!(stage.weights(), [10, 20, 30, 40, 50, 0]);
}
