//! The journal towards a remote: a folder, and a server in this process.

use super::*;
use crate::git::testing::register_transports;
use crate::git::testing_server;
use crate::git::testing_server::Answer;

/// A clone without work tree whose `origin` is at `url`.
fn with_origin(url: &str) -> Fixture {
    let fixture = Fixture::bare();
    fixture.commit(&[("deploy/canary.yaml", b"kind: Canary\n")]);
    fixture.repository().remote("origin", url).unwrap();
    fixture
}

fn clone_of(remote: &Fixture) -> Fixture {
    with_origin(remote.dir().to_str().unwrap())
}

fn seqs(fixture: &Fixture) -> Vec<String> {
    let mut walk = fixture.repository().revwalk().unwrap();
    walk.push_ref(BRANCH).unwrap();
    let mut seqs = walk
        .map(|id| {
            let commit = fixture.repository().find_commit(id.unwrap()).unwrap();
            let text = commit.message().unwrap();
            format!(
                "{}/{}",
                message::trailer(text, "Flagger-Run").unwrap(),
                message::trailer(text, "Flagger-Seq").unwrap()
            )
        })
        .collect::<Vec<_>>();
    seqs.sort();
    seqs
}

#[test]
fn a_remote_gets_the_record_and_the_branch_here_follows() {
    let remote = Fixture::bare();
    let clone = clone_of(&remote);
    let journal = open(&clone);
    assert_eq!(journal.remote(), Some("origin"));
    record(&journal, &[transition(1, 0, 10), transition(2, 10, 20)]).unwrap();
    record(&journal, &[transition(3, 20, 30)]).unwrap();
    assert_eq!(story(&remote).len(), 3);
    assert_eq!(story(&clone), story(&remote));
    assert_eq!(tip(&clone).id(), tip(&remote).id());
}

#[test]
fn a_file_url_is_a_folder_too() {
    let remote = Fixture::bare();
    let clone = with_origin(&format!("file://{}", remote.dir().display()));
    record(&open(&clone), &[transition(1, 0, 10)]).unwrap();
    assert_eq!(story(&remote).len(), 1);
}

#[test]
fn a_checked_out_branch_here_does_not_follow_the_push() {
    let remote = Fixture::bare();
    let clone = Fixture::new();
    let main = clone.commit(&[("a.yaml", b"a: 1\n")]);
    let url = remote.dir().to_str().unwrap();
    clone.repository().remote("origin", url).unwrap();
    let beside = tempfile::tempdir().unwrap();
    let name = "flagger-status";
    clone
        .repository()
        .worktree(name, &beside.path().join(name), None)
        .unwrap();
    remote.commit(&[("a.yaml", b"a: 1\n")]);
    record(&open(&clone), &[transition(1, 0, 10)]).unwrap();
    assert_eq!(tip(&clone).id(), main);
    assert_eq!(tip(&remote).parent_id(0).unwrap(), main);
}

#[test]
fn commits_from_before_there_was_a_remote_are_pushed_along() {
    let remote = Fixture::bare();
    let clone = Fixture::bare();
    record(&open(&clone), &[transition(1, 0, 10)]).unwrap();
    let url = remote.dir().to_str().unwrap();
    clone.repository().remote("origin", url).unwrap();
    record(&open(&clone), &[transition(2, 10, 20)]).unwrap();
    assert_eq!(story(&remote).len(), 2);
}

#[test]
fn two_clones_that_take_turns_lose_nothing() {
    let remote = Fixture::bare();
    let (a, b) = (clone_of(&remote), clone_of(&remote));
    let mut other = options(&b);
    other.name = String::from("frontend");
    let (first, second) = (open(&a), Journal::open(other).unwrap());
    for seq in 1..=3 {
        record(&first, &[transition(seq, 0, 10)]).unwrap();
        record(&second, &[transition(seq, 0, 10)]).unwrap();
    }
    assert_eq!(story(&remote).len(), 6);
}

#[test]
fn two_clones_that_push_at_once_lose_nothing() {
    let remote = Fixture::bare();
    std::thread::scope(|scope| {
        for name in ["podinfo", "frontend"] {
            let clone = clone_of(&remote);
            scope.spawn(move || {
                let mut options = options(&clone);
                options.name = String::from(name);
                let journal = Journal::open(options).unwrap();
                for seq in 1..=5 {
                    let mut step = transition(seq, 0, 10);
                    step.run = format!("{name:0>26}");
                    while record(&journal, std::slice::from_ref(&step)).is_err() {}
                }
            });
        }
    });
    let mut expected = ["podinfo", "frontend"]
        .iter()
        .flat_map(|name| (1..=5).map(move |seq| format!("{name:0>26}/{seq}")))
        .collect::<Vec<_>>();
    expected.sort();
    assert_eq!(seqs(&remote), expected);
}

#[test]
fn a_folder_that_is_gone_is_unreachable() {
    let clone = with_origin("/nowhere/at/all.git");
    let error = record(&open(&clone), &[transition(1, 0, 10)]).unwrap_err();
    assert!(
        matches!(&error, JournalError::Unreachable { remote, .. } if remote == "origin"),
        "{error:?}"
    );
}

#[test]
fn a_server_that_accepts_has_the_record() {
    let server = testing_server::start();
    let clone = with_origin(&server.url());
    let journal = open(&clone);
    record(&journal, &[transition(1, 0, 10)]).unwrap();
    record(&journal, &[transition(2, 10, 20)]).unwrap();
    assert_eq!(story(server.fixture()).len(), 2);
    assert_eq!(story(&clone), story(server.fixture()));
}

#[test]
fn a_new_clone_goes_on_from_what_the_server_has() {
    let server = testing_server::start();
    record(&open(&with_origin(&server.url())), &[transition(1, 0, 10)]).unwrap();
    let clone = with_origin(&server.url());
    let journal = open(&clone);
    assert_eq!(run(journal.read_status()).unwrap().unwrap().seq, 1);
    record(&journal, &[transition(2, 10, 20)]).unwrap();
    assert_eq!(story(server.fixture()).len(), 2);
}

#[test]
fn what_a_hook_or_a_protected_branch_declines_is_refused_at_once() {
    for words in [
        "pre-receive hook declined",
        "protected branch hook declined",
    ] {
        let server = testing_server::start();
        server.answer(Answer::Refuse(words));
        let clone = with_origin(&server.url());
        let waits = Waits::default();
        let mut options = options(&clone);
        options.sleeper = waits.sleeper();
        let error = record(&Journal::open(options).unwrap(), &[transition(1, 0, 10)]).unwrap_err();
        assert!(
            matches!(&error, JournalError::Refused { why, .. } if why == words),
            "{error:?}"
        );
        assert!(waits.0.borrow().is_empty());
        assert_eq!(server.pushes(), 1);
        assert!(clone.repository().find_reference(BRANCH).is_err());
    }
}

#[test]
fn a_server_that_wants_a_login_is_denied_at_once() {
    for status in ["401", "403"] {
        let server = testing_server::start();
        server.answer(Answer::Http(status));
        let error =
            record(&open(&with_origin(&server.url())), &[transition(1, 0, 10)]).unwrap_err();
        assert!(
            matches!(&error, JournalError::Denied { remote, .. } if remote == "origin"),
            "{error:?}"
        );
    }
}

#[test]
fn a_server_that_says_nothing_of_the_branch_did_not_take_it() {
    let server = testing_server::start();
    server.answer(Answer::Silence);
    let error = record(&open(&with_origin(&server.url())), &[transition(1, 0, 10)]).unwrap_err();
    assert!(error.is_retryable(), "{error:?}");
}

#[test]
fn a_push_that_lost_the_race_is_rebuilt_on_the_new_tip() {
    for moment in [Answer::MoveBeforePush, Answer::MoveDuringPush] {
        let server = testing_server::start();
        let clone = with_origin(&server.url());
        let journal = open(&clone);
        record(&journal, &[transition(1, 0, 10)]).unwrap();
        server.answer(moment);
        let waits = Waits::default();
        let mut options = options(&clone);
        options.sleeper = waits.sleeper();
        let journal = Journal::open(options).unwrap();
        record(&journal, &[transition(2, 10, 20)]).unwrap();
        let story = story(server.fixture());
        assert_eq!(story.len(), 3);
        assert_eq!(story[1], "somebody else");
        assert_eq!(waits.0.borrow().len(), 1);
    }
}

#[test]
fn a_branch_that_was_set_back_before_the_push_is_looked_at_again() {
    let server = testing_server::start();
    let clone = with_origin(&server.url());
    record(
        &open(&clone),
        &[transition(1, 0, 10), transition(2, 10, 20)],
    )
    .unwrap();
    server.answer(Answer::ResetBeforePush);
    let waits = Waits::default();
    let mut options = options(&clone);
    options.sleeper = waits.sleeper();
    let journal = Journal::open(options).unwrap();
    record(&journal, &[transition(3, 20, 30)]).unwrap();
    // a plain push would have been a fast-forward, and the server's change overlooked
    assert_eq!(waits.0.borrow().len(), 1);
    assert_eq!(story(server.fixture()).len(), 3);
}

#[test]
fn an_answer_that_got_lost_does_not_double_the_record() {
    let server = testing_server::start();
    server.answer(Answer::AcceptSilently);
    let clone = with_origin(&server.url());
    let journal = open(&clone);
    let steps = [transition(1, 0, 10), transition(2, 10, 20)];
    record(&journal, &steps).unwrap_err();
    record(&journal, &steps).unwrap();
    assert_eq!(story(server.fixture()).len(), 2);
}

#[test]
fn a_protocol_without_a_transport_is_named_with_the_way_out() {
    register_transports();
    for url in [
        "unknown://git.example/x.git",
        "git://git.example/x.git",
        "ext::sh -c id",
    ] {
        let error = record(&open(&with_origin(url)), &[transition(1, 0, 10)]).unwrap_err();
        assert_eq!(
            error.to_string(),
            "cannot reach origin: the protocol of its URL is not supported"
        );
        let help = miette::Diagnostic::help(&error).unwrap().to_string();
        assert!(help.contains("--remote ."), "{help}");
    }
}
