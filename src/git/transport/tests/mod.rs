//! The journal towards real servers on loopback: `git http-backend` behind a small HTTP server, and OpenSSH's sshd.

use crate::git::error::GitError;
use crate::git::journal::DEFAULT_REFERENCE;
use crate::git::journal::Journal;
use crate::git::journal::JournalOptions;
use crate::git::testing::Fixture;
use crate::git::testing::author;
use crate::git::testing::register_transports;
use crate::git::testing::transition;
use crate::git::transport::environment::GitEnvironment;
use crate::port::journal::JournalError;
use crate::port::journal::StatusJournal as _;
use crate::port::journal::Transition;
use std::path::Path;
use std::process::Command;
use std::rc::Rc;

pub mod backend;
mod https;
mod logins;
mod odd;
mod sandboxed_sshd;
mod ssh;
mod tls;

const BRANCH: &str = "refs/heads/flagger-status";

/// Says why a test cannot run here, which is a failure where CI says that it runs.
fn skip(why: &str) -> bool {
    #[expect(
        clippy::disallowed_methods,
        reason = "the one thing that a test wants of the environment"
    )]
    let ci = std::env::var("CI").is_ok_and(|value| value == "true");
    assert!(!ci, "{why}");
    println!("skipped: {why}");
    true
}

/// Is Git's own server here?
pub fn no_git() -> bool {
    let there = Command::new("git")
        .args(["http-backend"])
        .output()
        .is_ok_and(|output| !output.stdout.is_empty());
    !there && skip("git http-backend is not installed")
}

/// A bare clone whose `origin` is at `url`.
pub fn clone_of(url: &str) -> Fixture {
    register_transports();
    let fixture = Fixture::bare();
    fixture.repository().remote("origin", url).unwrap();
    fixture
}

fn options(dir: &Path, environment: GitEnvironment) -> JournalOptions {
    JournalOptions {
        dir: dir.to_path_buf(),
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
        environment,
        sleeper: Rc::new(|_| Box::pin(async {})),
    }
}

fn open(dir: &Path, environment: GitEnvironment) -> Result<Journal, GitError> {
    Journal::open(options(dir, environment))
}

/// Records as the driver does: one thread waits, another works.
fn record_with(journal: &Journal, transitions: &[Transition]) -> Result<(), JournalError> {
    tokio::runtime::Builder::new_current_thread()
        .enable_all()
        .build()
        .unwrap()
        .block_on(journal.record(transitions))
        .map(|_| ())
}

/// Records the first transition of a run.
fn record(clone: &Fixture, environment: GitEnvironment) -> Result<(), JournalError> {
    let journal = open(clone.dir(), environment).unwrap();
    record_with(&journal, &[transition(1, 0, 10)])
}

fn help(error: &JournalError) -> String {
    miette::Diagnostic::help(error).map_or_else(String::new, |help| help.to_string())
}

/// How many commits the branch has.
fn commits(repository: &git2::Repository) -> usize {
    let mut walk = repository.revwalk().unwrap();
    match walk.push_ref(BRANCH) {
        Ok(()) => walk.count(),
        Err(_) => 0,
    }
}

/// Settings as the environment gives them.
fn with_settings(settings: &[(&str, &str)]) -> GitEnvironment {
    GitEnvironment {
        settings: settings
            .iter()
            .map(|(name, value)| ((*name).to_owned(), (*value).to_owned()))
            .collect(),
        ..GitEnvironment::default()
    }
}

/// Writes a program.
#[cfg(unix)]
fn script(path: &Path, text: &str) {
    use std::os::unix::fs::PermissionsExt as _;
    std::fs::write(path, text).unwrap();
    std::fs::set_permissions(path, std::fs::Permissions::from_mode(0o700)).unwrap();
}
