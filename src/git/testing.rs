//! Repositories for tests: made in temporary folders, with names and times given, blind to the developer's own
//! configuration.

use crate::canary::phase::Phase;
use crate::canary::status::CanaryStatus;
use crate::canary::weight::Weight;
use crate::git::message::Author;
use crate::git::testing_server;
use crate::git::transport;
use crate::os;
use crate::port::journal::Measured;
use crate::port::journal::Transition;
use git2::transport::Transport;
use std::fs;
use std::path::Path;
use std::sync::Once;
use tempfile::TempDir;

/// A repository that goes away with the test.
pub struct Fixture {
    dir: TempDir,
    repository: git2::Repository,
}

impl Fixture {
    /// With a work tree, on `main`, `Alice` configured.
    pub fn new() -> Self {
        Self::create(false)
    }

    /// Without a work tree, on `main`, `Alice` configured.
    pub fn bare() -> Self {
        Self::create(true)
    }

    fn create(bare: bool) -> Self {
        os::forget_user_git_config();
        let dir = tempfile::tempdir().unwrap();
        let mut options = git2::RepositoryInitOptions::new();
        options
            .bare(bare)
            .external_template(false)
            .initial_head("main");
        let repository = git2::Repository::init_opts(dir.path(), &options).unwrap();
        let mut config = repository.config().unwrap();
        config.set_str("user.name", "Alice").unwrap();
        config.set_str("user.email", "alice@example.com").unwrap();
        Self { dir, repository }
    }

    pub fn dir(&self) -> &Path {
        self.dir.path()
    }

    pub fn repository(&self) -> &git2::Repository {
        &self.repository
    }

    pub fn unset_identity(&self) {
        let mut config = self.repository.config().unwrap();
        config.remove("user.name").unwrap();
        config.remove("user.email").unwrap();
    }

    /// Commits these files on top of `main`, keeping the others; the work tree is left alone.
    pub fn commit(&self, files: &[(&str, &[u8])]) -> git2::Oid {
        let entries = files
            .iter()
            .map(|(path, bytes)| {
                let blob = self.repository.blob(bytes).unwrap();
                (*path, blob, git2::FileMode::Blob)
            })
            .collect::<Vec<_>>();
        self.commit_entries(&entries)
    }

    /// The same with any kind of tree entry.
    pub fn commit_entries(&self, entries: &[(&str, git2::Oid, git2::FileMode)]) -> git2::Oid {
        let repository = &self.repository;
        let parent = repository
            .find_reference("refs/heads/main")
            .ok()
            .map(|main| main.peel_to_commit().unwrap());
        let base = match &parent {
            Some(parent) => parent.tree().unwrap(),
            None => {
                let empty = repository.treebuilder(None).unwrap().write().unwrap();
                repository.find_tree(empty).unwrap()
            }
        };
        let mut update = git2::build::TreeUpdateBuilder::new();
        for (path, id, mode) in entries {
            update.upsert(*path, *id, *mode);
        }
        let tree = update.create_updated(repository, &base).unwrap();
        let tree = repository.find_tree(tree).unwrap();
        let author = signature();
        let parents = parent.iter().collect::<Vec<_>>();
        repository
            .commit(
                Some("refs/heads/main"),
                &author,
                &author,
                "change\n\nbody\n",
                &tree,
                &parents,
            )
            .unwrap()
    }

    /// Makes work tree and index equal to `main`.
    pub fn check_out(&self) {
        let mut options = git2::build::CheckoutBuilder::new();
        options.force();
        self.repository.checkout_head(Some(&mut options)).unwrap();
    }

    /// Writes a file of the work tree.
    pub fn write(&self, path: &str, text: &str) {
        let path = self.dir().join(path);
        fs::create_dir_all(path.parent().unwrap()).unwrap();
        fs::write(path, text).unwrap();
    }
}

/// All ways to servers, at once: libgit2 must not be connecting while its list of them grows.
pub fn register_transports() {
    static DONE: Once = Once::new();
    DONE.call_once(|| {
        os::forget_user_git_config();
        os::register_git_transport(testing_server::SCHEME, |remote| {
            Transport::smart(remote, false, testing_server::Connection)
        })
        .unwrap();
        transport::register().unwrap();
    });
}

/// Alice at a fixed moment.
pub fn signature() -> git2::Signature<'static> {
    let time = git2::Time::new(1_785_000_000, 0);
    git2::Signature::new("Alice", "alice@example.com", &time).unwrap()
}

/// A journal's constants.
pub(in crate::git) fn author() -> Author {
    Author {
        namespace: String::from("test"),
        name: String::from("podinfo"),
        driver: String::from("kubectl-flagger/0.1.0"),
        actor: None,
        cluster_uid: Some(String::from("7d6b3c1e")),
    }
}

/// A step of a healthy rollout.
pub fn transition(seq: u64, from: i64, to: i64) -> Transition {
    let measured = |name: &str, value: f64, min: Option<f64>, max: Option<f64>| Measured {
        name: String::from(name),
        value: Some(value),
        min,
        max,
        ok: true,
        miss: None,
    };
    Transition {
        run: String::from("01J8ZQ4M6T0000000000000000"),
        seq,
        epoch: 1,
        at: "2026-08-22T14:04:05Z".parse().unwrap(),
        from: Weight::saturating(from),
        status: CanaryStatus {
            phase: Phase::Progressing,
            canary_weight: Weight::saturating(to),
            ..CanaryStatus::default()
        },
        threshold: 5,
        steps: [10, 20, 30].map(Weight::saturating).to_vec(),
        iterations: 0,
        mirrored: false,
        measured: vec![
            measured("request-success-rate", 99.4, Some(99.0), None),
            measured("request-duration", 244.0, None, Some(500.0)),
            measured("checkout-errors", 0.5, Some(0.0), Some(1.5)),
        ],
        reason: None,
        spec_commit: String::from("0123456789012345678901234567890123456789"),
        spec_path: String::from("deploy/canary.yaml"),
        revision: String::from("6f9d8c"),
        result: None,
        started_at: "2026-08-22T14:00:00Z".parse().unwrap(),
        holder: String::from("alice@mbp/4711/01J8"),
    }
}
