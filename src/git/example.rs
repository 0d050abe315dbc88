//! A repository for rehearsals: files in one commit whose id depends on nothing but them and the time given.
//!
//! Must not read anybody's Git configuration.

use crate::git::error::GitError;
use git2::Repository;
use git2::RepositoryInitOptions;
use git2::Signature;
use git2::Time;
use jiff::Timestamp;
use std::path::Path;

/// Who commits there.
const NAME: &str = "Sandbox";
const EMAIL: &str = "sandbox@localhost";

/// Makes a repository in that folder and commits the files, given as path and text.
///
/// # Errors
/// The folder cannot be written.
pub fn create(dir: &Path, files: &[(&str, String)], at: Timestamp) -> Result<(), GitError> {
    let failed = |error: git2::Error| GitError::Unwritable {
        path: dir.display().to_string(),
        why: error.message().to_owned(),
    };
    let unwritten = |error: std::io::Error| GitError::Unwritable {
        path: dir.display().to_string(),
        why: error.to_string(),
    };
    let mut options = RepositoryInitOptions::new();
    options.initial_head("main").external_template(false);
    let repository = Repository::init_opts(dir, &options).map_err(failed)?;
    let mut config = repository
        .config()
        .and_then(|config| config.open_level(git2::ConfigLevel::Local))
        .map_err(failed)?;
    for (key, value) in [
        ("user.name", NAME),
        ("user.email", EMAIL),
        ("commit.gpgsign", "false"),
    ] {
        config.set_str(key, value).map_err(failed)?;
    }
    let mut index = repository.index().map_err(failed)?;
    for (path, text) in files {
        let whole = dir.join(path);
        if let Some(folder) = whole.parent() {
            std::fs::create_dir_all(folder).map_err(unwritten)?;
        }
        std::fs::write(&whole, text).map_err(unwritten)?;
        index.add_path(Path::new(path)).map_err(failed)?;
    }
    index.write().map_err(failed)?;
    let tree = index
        .write_tree()
        .and_then(|id| repository.find_tree(id))
        .map_err(failed)?;
    let who = Signature::new(NAME, EMAIL, &Time::new(at.as_second(), 0)).map_err(failed)?;
    repository
        .commit(
            Some("HEAD"),
            &who,
            &who,
            "Describe podinfo and its canary\n",
            &tree,
            &[],
        )
        .map_err(failed)?;
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_same_files_at_the_same_time_make_the_same_commit() {
        let id = || {
            let dir = tempfile::tempdir().unwrap();
            let at = Timestamp::from_second(1_767_603_600).unwrap();
            create(
                dir.path(),
                &[("deploy/canary.yaml", "kind: Canary\n".to_owned())],
                at,
            )
            .unwrap();
            let repository = Repository::open(dir.path()).unwrap();
            assert!(
                repository.statuses(None).unwrap().is_empty(),
                "the work tree is clean"
            );
            repository.head().unwrap().target().unwrap()
        };
        assert_eq!(id(), id());
    }
}
