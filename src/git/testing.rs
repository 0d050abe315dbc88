//! Repositories for tests: made in temporary folders, with names and times given, blind to the developer's own
//! configuration.

use crate::os;
use std::fs;
use std::path::Path;
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

/// Alice at a fixed moment.
pub fn signature() -> git2::Signature<'static> {
    let time = git2::Time::new(1_785_000_000, 0);
    git2::Signature::new("Alice", "alice@example.com", &time).unwrap()
}
