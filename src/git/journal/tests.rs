//! The journal in one repository; `remote` has those of two.

use super::*;
use crate::canary::phase::Phase;
use crate::git::testing::Fixture;
use crate::git::testing::author;
use crate::git::testing::transition;
use std::cell::RefCell;

mod remote;

const BRANCH: &str = "refs/heads/flagger-status";
const FOLDER: &str = "v1/kind/test/podinfo";

/// Does not wait; remembers for how long it should have.
#[derive(Clone, Default)]
struct Waits(Rc<RefCell<Vec<Duration>>>);

impl Waits {
    fn sleeper(&self) -> Sleeper {
        let waits = self.clone();
        Rc::new(move |duration| {
            waits.0.borrow_mut().push(duration);
            Box::pin(async {})
        })
    }
}

fn options(fixture: &Fixture) -> JournalOptions {
    JournalOptions {
        dir: fixture.dir().to_path_buf(),
        reference: String::from(DEFAULT_REFERENCE),
        remote: None,
        spec_branch: Some(String::from("main")),
        cluster: String::from("kind"),
        cluster_uid: author().cluster_uid,
        namespace: author().namespace,
        name: author().name,
        host: String::from("mbp"),
        driver: author().driver,
        actor: None,
        environment: GitEnvironment::default(),
        sleeper: Waits::default().sleeper(),
    }
}

fn open(fixture: &Fixture) -> Journal {
    Journal::open(options(fixture)).unwrap()
}

/// Runs a future of the journal as the driver does: on one thread.
fn run<T>(future: impl Future<Output = T>) -> T {
    tokio::runtime::Builder::new_current_thread()
        .build()
        .unwrap()
        .block_on(future)
}

fn record(journal: &Journal, transitions: &[Transition]) -> Result<Vec<Recorded>, JournalError> {
    run(journal.record(transitions))
}

/// First lines of the branch's commits, oldest first.
fn story(fixture: &Fixture) -> Vec<String> {
    let mut walk = fixture.repository().revwalk().unwrap();
    walk.push_ref(BRANCH).unwrap();
    let mut story = walk
        .map(|id| {
            let commit = fixture.repository().find_commit(id.unwrap()).unwrap();
            String::from(commit.summary().unwrap().unwrap())
        })
        .collect::<Vec<_>>();
    story.reverse();
    story
}

fn tip(fixture: &Fixture) -> git2::Commit<'_> {
    let reference = fixture.repository().find_reference(BRANCH).unwrap();
    reference.peel_to_commit().unwrap()
}

fn has(fixture: &Fixture, path: &str) -> bool {
    let tree = tip(fixture).tree().unwrap();
    tree.get_path(path.as_ref()).is_ok()
}

#[test]
fn the_branch_reads_as_the_story_of_the_rollout() {
    let fixture = Fixture::new();
    fixture.commit(&[("deploy/canary.yaml", b"kind: Canary\n")]);
    let journal = open(&fixture);
    let mut end = transition(3, 20, 0);
    end.status.phase = Phase::Succeeded;
    end.result = Some(String::from("promoted"));
    record(&journal, &[transition(1, 0, 10)]).unwrap();
    record(&journal, &[transition(2, 10, 20), end]).unwrap();
    assert_eq!(
        story(&fixture),
        [
            "flagger(test/podinfo): Progressing 0% -> 10%",
            "flagger(test/podinfo): Progressing 10% -> 20%",
            "flagger(test/podinfo): Succeeded 20% -> 0%, promoted",
        ]
    );
}

#[test]
fn the_branch_is_an_orphan_with_a_page_and_the_canarys_files() {
    let fixture = Fixture::new();
    fixture.commit(&[("deploy/canary.yaml", b"kind: Canary\n")]);
    let mut end = transition(1, 20, 0);
    end.result = Some(String::from("promoted"));
    let recorded = record(&open(&fixture), &[end]).unwrap();
    assert_eq!(
        recorded,
        [Recorded {
            commit: tip(&fixture).id().to_string(),
            reference: String::from("flagger-status"),
            path: format!("{FOLDER}/status.yaml"),
        }]
    );
    assert_eq!(tip(&fixture).parent_count(), 0);
    assert!(has(&fixture, "README.md"));
    assert!(has(&fixture, &format!("{FOLDER}/status.yaml")));
    assert!(has(
        &fixture,
        &format!("{FOLDER}/runs/01J8ZQ4M6T0000000000000000.yaml")
    ));
    assert!(!has(&fixture, "deploy/canary.yaml"));
}

#[test]
fn a_run_under_way_has_no_summary() {
    let fixture = Fixture::new();
    record(&open(&fixture), &[transition(1, 0, 10)]).unwrap();
    assert!(!has(&fixture, &format!("{FOLDER}/runs")));
}

#[test]
fn the_same_transitions_give_the_same_commit_ids() {
    let steps = [transition(1, 0, 10), transition(2, 10, 20)];
    let (one, two) = (Fixture::new(), Fixture::bare());
    let first = record(&open(&one), &steps).unwrap();
    assert_eq!(first, record(&open(&two), &steps).unwrap());
    assert_eq!(tip(&one).author().name().unwrap(), "Alice");
    assert_eq!(tip(&one).time().seconds(), steps[1].at.as_second());
    assert_eq!(tip(&one).time().offset_minutes(), 0);
}

#[test]
fn work_tree_index_and_checked_out_branch_stay_as_they_are() {
    let fixture = Fixture::new();
    let main = fixture.commit(&[("deploy/canary.yaml", b"kind: Canary\n")]);
    fixture.check_out();
    let index = fixture.repository().path().join("index");
    let before = std::fs::read(&index).unwrap();
    record(&open(&fixture), &[transition(1, 0, 10)]).unwrap();
    assert_eq!(std::fs::read(&index).unwrap(), before);
    assert!(!fixture.dir().join("v1").exists());
    let head = fixture.repository().head().unwrap();
    assert_eq!(head.target(), Some(main));
    assert_eq!(head.name().unwrap(), "refs/heads/main");
}

#[test]
fn a_transition_handed_over_twice_is_committed_once() {
    let fixture = Fixture::new();
    let journal = open(&fixture);
    let steps = [transition(1, 0, 10), transition(2, 10, 20)];
    let first = record(&journal, &steps).unwrap();
    assert_eq!(record(&journal, &steps).unwrap(), first);
    assert_eq!(record(&journal, &steps[..1]).unwrap(), first[..1]);
    assert_eq!(story(&fixture).len(), 2);
}

#[test]
fn a_transition_twice_in_one_batch_is_committed_once() {
    let fixture = Fixture::new();
    let step = transition(1, 0, 10);
    let recorded = record(&open(&fixture), &[step.clone(), step]).unwrap();
    assert_eq!(recorded[0], recorded[1]);
    assert_eq!(story(&fixture).len(), 1);
}

#[test]
fn the_end_of_a_replaced_run_is_known_after_the_next_run_wrote() {
    let fixture = Fixture::new();
    let journal = open(&fixture);
    let mut replaced = transition(2, 10, 0);
    replaced.result = Some(String::from("replaced"));
    let mut next = transition(1, 0, 10);
    next.run = String::from("01J8ZZZZZZ0000000000000000");
    let batch = [transition(1, 0, 10), replaced, next];
    let first = record(&journal, &batch).unwrap();
    assert_eq!(record(&journal, &batch).unwrap(), first);
    assert_eq!(story(&fixture).len(), 3);
}

#[test]
fn canaries_share_the_branch_without_touching_each_other() {
    let fixture = Fixture::new();
    let mut other = options(&fixture);
    other.name = String::from("frontend");
    let other = Journal::open(other).unwrap();
    record(&open(&fixture), &[transition(1, 0, 10)]).unwrap();
    record(&other, &[transition(1, 0, 50)]).unwrap();
    record(&open(&fixture), &[transition(2, 10, 20)]).unwrap();
    let status = run(other.read_status()).unwrap().unwrap();
    assert_eq!(status.weight.percent(), 50);
    assert_eq!(story(&fixture).len(), 3);
}

#[test]
fn a_higher_epoch_at_the_tip_supersedes_us() {
    let fixture = Fixture::new();
    let journal = open(&fixture);
    let mut theirs = transition(1, 0, 10);
    theirs.epoch = 4;
    theirs.run = String::from("01J8ZZZZZZ0000000000000000");
    record(&journal, &[theirs]).unwrap();
    let mut ours = transition(1, 0, 10);
    ours.epoch = 3;
    let error = record(&journal, &[ours]).unwrap_err();
    assert!(
        matches!(error, JournalError::Superseded { theirs: 4, ours: 3 }),
        "{error:?}"
    );
    assert_eq!(story(&fixture).len(), 1);
}

#[test]
fn a_taken_over_run_supersedes_its_old_driver_at_the_same_sequence() {
    let fixture = Fixture::new();
    let journal = open(&fixture);
    record(&journal, &[transition(1, 0, 10)]).unwrap();
    let mut taken_over = transition(2, 10, 0);
    taken_over.epoch = 2;
    record(&journal, &[taken_over]).unwrap();
    let error = record(&journal, &[transition(2, 10, 20)]).unwrap_err();
    assert!(
        matches!(error, JournalError::Superseded { theirs: 2, ours: 1 }),
        "{error:?}"
    );
    // what the old driver had recorded itself stays acknowledged
    record(&journal, &[transition(1, 0, 10)]).unwrap();
}

#[test]
fn the_tip_tells_the_epoch_the_next_driver_must_exceed() {
    let fixture = Fixture::new();
    let journal = open(&fixture);
    assert_eq!(run(journal.read_status()).unwrap(), None);
    let mut step = transition(7, 10, 20);
    step.epoch = 5;
    record(&journal, &[step]).unwrap();
    let status = run(journal.read_status()).unwrap().unwrap();
    assert_eq!((status.epoch, status.seq), (5, 7));
    assert_eq!(status.cluster_uid.as_deref(), Some("7d6b3c1e"));
}

#[test]
fn a_status_of_a_later_version_is_not_overwritten() {
    let fixture = Fixture::new();
    let journal = open(&fixture);
    record(&journal, &[transition(1, 0, 10)]).unwrap();
    let text = layout::status_file(&transition(1, 0, 10), &author())
        .unwrap()
        .replace("schema: 1", "schema: 2");
    let main = fixture.commit(&[(&format!("{FOLDER}/status.yaml"), text.as_bytes())]);
    fixture
        .repository()
        .reference(BRANCH, main, true, "")
        .unwrap();
    let error = record(&journal, &[transition(2, 10, 20)]).unwrap_err();
    assert!(error.to_string().contains("a later version"), "{error}");
}

#[test]
fn the_branch_of_the_spec_is_refused() {
    let fixture = Fixture::new();
    for reference in ["main", "refs/heads/main"] {
        let mut options = options(&fixture);
        options.reference = String::from(reference);
        let error = Journal::open(options).err().unwrap();
        assert!(matches!(error, GitError::RecordRef { .. }), "{error:?}");
    }
}

#[test]
fn a_checked_out_branch_is_refused_where_nothing_else_keeps_the_record() {
    let fixture = Fixture::new();
    fixture.commit(&[("a.yaml", b"a: 1\n")]);
    let beside = tempfile::tempdir().unwrap();
    let name = "flagger-status";
    fixture
        .repository()
        .worktree(name, &beside.path().join(name), None)
        .unwrap();
    let error = Journal::open(options(&fixture)).err().unwrap();
    assert_eq!(
        error.to_string(),
        "the record cannot go to flagger-status: it is checked out"
    );
}

#[test]
fn from_a_linked_work_tree_the_record_goes_to_the_shared_repository() {
    let fixture = Fixture::new();
    fixture.commit(&[("a.yaml", b"a: 1\n")]);
    let beside = tempfile::tempdir().unwrap();
    let path = beside.path().join("linked");
    fixture
        .repository()
        .worktree("linked", &path, None)
        .unwrap();
    let mut options = options(&fixture);
    options.dir = path;
    record(&Journal::open(options).unwrap(), &[transition(1, 0, 10)]).unwrap();
    assert_eq!(story(&fixture).len(), 1);
}

#[test]
fn a_lock_that_stays_is_an_error_after_ten_tries() {
    let fixture = Fixture::new();
    fixture.write(".git/refs/heads/flagger-status.lock", "");
    let waits = Waits::default();
    let mut options = options(&fixture);
    options.sleeper = waits.sleeper();
    let error = record(&Journal::open(options).unwrap(), &[transition(1, 0, 10)]).unwrap_err();
    assert!(error.is_retryable());
    assert!(
        error.to_string().contains("at 10 tries in a row"),
        "{error}"
    );
    assert_eq!(waits.0.borrow().len(), 9);
}
