//! Two drivers of one canary: the second waits for the first to end, and does not undo what that one promoted.

use crate::support::stage::Ended;
use crate::support::stage::Stage;
use crate::support::tap::Switch;
use kubectl_flagger::error::ExitCode;
use kubectl_flagger::port::clock::Clock as _;
use std::path::Path;
use std::time::Duration;
use tokio::sync::mpsc::unbounded_channel;

/// A rollout, and somebody who queues behind it two seconds later; how both end.
async fn one_after_the_other(first: &str, second: &str, stage: &mut Stage) -> (u8, ExitCode) {
    stage.is_gone = |_, _| false;
    stage.bootstrap().await;
    stage.options.queue = Some(stage.dir.path().to_owned());
    let stage = &*stage;
    let drive = async |commit: &str, after: u64| {
        stage.world.clock().sleep(Duration::from_secs(after)).await;
        let (_words, heard) = unbounded_channel();
        let driven = stage.drive_from(commit.to_owned(), Switch::new(None), heard);
        match driven.await {
            Ended::Finished(finished) => finished,
            Ended::Died => unreachable!("nobody let it die"),
        }
    };
    let (first, second) = futures::join!(drive(first, 0), drive(second, 2));
    let second = second.map_or_else(
        |error| error.exit_code(),
        |finished| ExitCode::from_outcome(finished.exit_code()),
    );
    (first.unwrap().exit_code(), second)
}

/// A commit on top of the one there.
fn child(dir: &Path) -> String {
    let repository = git2::Repository::open(dir).unwrap();
    let head = repository.head().unwrap().peel_to_commit().unwrap();
    let (tree, by) = (head.tree().unwrap(), head.author().to_owned());
    let id = repository.commit(Some("HEAD"), &by, &by, "newer", &tree, &[&head]);
    id.unwrap().to_string()
}

#[tokio::test(start_paused = true)]
async fn who_queues_waits_for_the_other_driver_to_end() {
    let mut stage = Stage::named("success").serving().await;
    let commit = stage.spec.commit_id();
    let ended = one_after_the_other(&commit, &commit, &mut stage).await;
    assert_eq!(ended, (0, ExitCode::OK));
    assert_eq!(stage.weights(), [10, 20, 30, 40, 50, 0]);
    let waited = "is driving, and is waited for";
    let said = stage.said("diagnostic");
    assert!(said.iter().any(|line| line.contains(waited)), "{said:?}");
    assert_eq!(stage.said("run.finished").len(), 3);
}

#[tokio::test(start_paused = true)]
async fn a_commit_that_is_behind_what_was_promoted_meanwhile_is_refused() {
    let mut stage = Stage::named("success").serving().await;
    let older = stage.spec.commit_id();
    let newer = child(stage.dir.path());
    let ended = one_after_the_other(&newer, &older, &mut stage).await;
    assert_eq!(ended, (0, ExitCode::REFUSED));
}

#[tokio::test(start_paused = true)]
async fn a_newer_commit_is_driven_after_an_older_one() {
    let mut stage = Stage::named("success").serving().await;
    let older = stage.spec.commit_id();
    let newer = child(stage.dir.path());
    let ended = one_after_the_other(&older, &newer, &mut stage).await;
    assert_eq!(ended, (0, ExitCode::OK));
}
