//! Clones as CI systems and people have them.

use super::*;
use crate::git::repository::Repository;

/// A server whose `main` has two commits.
fn server() -> backend::Backend {
    let server = backend::start();
    server.fixture.commit(&[("a.yaml", b"a: 1\n")]);
    server.fixture.commit(&[("a.yaml", b"a: 2\n")]);
    server
}

fn git(dir: &Path, words: &[&str]) {
    let output = Command::new("git")
        .current_dir(dir)
        .env("GIT_CONFIG_NOSYSTEM", "1")
        .env("GIT_CONFIG_GLOBAL", "/dev/null")
        .args(["-c", "user.name=A", "-c", "user.email=a@example.com"])
        .args(words)
        .output()
        .unwrap();
    let complaint = String::from_utf8_lossy(&output.stderr);
    assert!(output.status.success(), "{words:?}: {complaint}");
}

/// Records two transitions from a work tree.
fn record_two(dir: &Path) {
    let journal = open(dir, GitEnvironment::default()).unwrap();
    record_with(&journal, &[transition(1, 0, 10)]).unwrap();
    record_with(&journal, &[transition(2, 10, 20)]).unwrap();
}

#[test]
fn a_shallow_clone_records_and_stays_shallow() {
    if no_git() {
        return;
    }
    register_transports();
    let server = server();
    let dir = tempfile::tempdir().unwrap();
    git(
        dir.path(),
        &["clone", "-q", "--depth", "1", &server.url(), "x"],
    );
    record_two(&dir.path().join("x"));
    // one that has the record only from the server
    git(
        dir.path(),
        &["clone", "-q", "--depth", "1", &server.url(), "y"],
    );
    let clone = dir.path().join("y");
    let journal = open(&clone, GitEnvironment::default()).unwrap();
    record_with(&journal, &[transition(3, 20, 30)]).unwrap();
    assert_eq!(commits(server.fixture.repository()), 3);
    assert!(git2::Repository::open(&clone).unwrap().is_shallow());
}

#[test]
fn an_older_commit_that_a_shallow_clone_lacks_is_explained() {
    if no_git() {
        return;
    }
    register_transports();
    let server = server();
    let dir = tempfile::tempdir().unwrap();
    git(
        dir.path(),
        &["clone", "-q", "--depth", "1", &server.url(), "x"],
    );
    let repository = Repository::open(&dir.path().join("x")).unwrap();
    let error = repository.commit("HEAD~1").unwrap_err();
    let help = miette::Diagnostic::help(&error).unwrap().to_string();
    assert!(help.contains("--unshallow"), "{help}");
}

#[test]
fn a_linked_work_tree_on_a_detached_head_records() {
    if no_git() {
        return;
    }
    register_transports();
    let server = server();
    let dir = tempfile::tempdir().unwrap();
    git(dir.path(), &["clone", "-q", &server.url(), "x"]);
    let main = dir.path().join("x");
    git(&main, &["worktree", "add", "-q", "--detach", "../linked"]);
    record_two(&dir.path().join("linked"));
    assert_eq!(commits(server.fixture.repository()), 2);
}

#[test]
fn a_mirror_without_work_tree_records() {
    if no_git() {
        return;
    }
    register_transports();
    let server = server();
    let dir = tempfile::tempdir().unwrap();
    git(dir.path(), &["clone", "-q", "--bare", &server.url(), "x"]);
    record_two(&dir.path().join("x"));
    assert_eq!(commits(server.fixture.repository()), 2);
}

#[test]
fn packed_refs_and_packs_are_read() {
    if no_git() {
        return;
    }
    register_transports();
    let server = server();
    let dir = tempfile::tempdir().unwrap();
    git(dir.path(), &["clone", "-q", &server.url(), "x"]);
    let clone = dir.path().join("x");
    record_two(&clone);
    git(&clone, &["gc", "-q"]);
    let journal = open(&clone, GitEnvironment::default()).unwrap();
    record_with(&journal, &[transition(3, 20, 30)]).unwrap();
    assert_eq!(commits(server.fixture.repository()), 3);
}

fn refusal(dir: &Path) -> String {
    match Repository::open(dir) {
        Ok(_) => String::from("it opened"),
        Err(error) => error.to_string(),
    }
}

#[test]
fn a_sha256_repository_is_refused_with_the_reason() {
    if no_git() {
        return;
    }
    let dir = tempfile::tempdir().unwrap();
    git(dir.path(), &["init", "-q", "--object-format=sha256"]);
    let text = refusal(dir.path());
    assert!(text.contains("SHA-256"), "{text}");
}

#[test]
fn repositories_with_formats_of_newer_gits_are_refused_with_the_reason() {
    for (key, value, words) in [
        ("refStorage", "reftable", "reftable"),
        ("partialClone", "origin", "partial clone"),
        ("somethingNew", "true", "somethingnew"),
    ] {
        let fixture = Fixture::bare();
        let mut config = fixture.repository().config().unwrap();
        config.set_i32("core.repositoryformatversion", 1).unwrap();
        config.set_str(&format!("extensions.{key}"), value).unwrap();
        let text = refusal(fixture.dir());
        assert!(text.to_lowercase().contains(words), "{key}: {text}");
    }
}

#[test]
fn a_remote_with_sha256_is_refused() {
    if no_git() {
        return;
    }
    let server = backend::start();
    let dir = server.fixture.dir();
    for name in ["HEAD", "config", "objects", "refs"] {
        let path = dir.join(name);
        if path.is_dir() {
            std::fs::remove_dir_all(path).unwrap();
        } else {
            std::fs::remove_file(path).unwrap();
        }
    }
    git(dir, &["init", "-q", "--bare", "--object-format=sha256"]);
    git(dir, &["config", "http.receivepack", "true"]);
    record(&clone_of(&server.url()), GitEnvironment::default()).unwrap_err();
}
