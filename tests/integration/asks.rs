//! What other processes ask of a driver: heard within a second, done once, answered in the run record.

use crate::support::stage::Ended;
use crate::support::stage::Stage;
use crate::support::stage::scenario;
use crate::support::stage::served;
use crate::support::tap::Switch;
use jiff::Timestamp;
use kubectl_flagger::kubernetes::mailbox::Mailbox;
use kubectl_flagger::port::ask::Ask;
use kubectl_flagger::port::ask::AskVerb;
use kubectl_flagger::port::clock::Clock as _;
use serde_json::Value;
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
            by: "bob@desk/7".to_owned(),
            at: Timestamp::UNIX_EPOCH,
        };
        self.mailbox.post(&ask).await.unwrap();
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
