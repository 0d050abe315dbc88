//! The work tree beside the commit: whether it differs, and reading it for `--allow-dirty`.
//!
//! Never writes, not even the index' cache of file times.

use crate::canary::source::SourceFile;
use crate::git::error::GitError;
use crate::git::repository::Repository;
use crate::git::repository::SpecCommit;
use std::fs;
use std::sync::Arc;

/// Longest manifest that is read, bytes.
const MAX_SIZE: u64 = 1024 * 1024;

impl Repository {
    /// Which of `paths` differ in the index or the work tree from `commit`. Only HEAD's commit can be compared; with
    /// another one, or without a work tree, none differ. Untracked files do not count.
    ///
    /// # Errors
    /// The index cannot be read.
    pub fn dirty(&self, commit: &SpecCommit, paths: &[String]) -> Result<Vec<String>, GitError> {
        if self.inner.is_bare() || paths.is_empty() {
            return Ok(Vec::new());
        }
        let head = self.inner.head().ok().and_then(|head| head.target());
        if head.map(|id| id.to_string()).as_ref() != Some(&commit.id) {
            return Ok(Vec::new());
        }
        let mut options = git2::StatusOptions::new();
        options
            .show(git2::StatusShow::IndexAndWorkdir)
            .include_untracked(false)
            .include_ignored(false)
            .exclude_submodules(true)
            .disable_pathspec_match(true)
            .update_index(false);
        for path in paths {
            options.pathspec(path);
        }
        let statuses = self
            .inner
            .statuses(Some(&mut options))
            .map_err(|error| GitError::broken(&error))?;
        let mut dirty = statuses
            .iter()
            .filter(|entry| {
                !(entry.status() - git2::Status::WT_NEW - git2::Status::IGNORED).is_empty()
            })
            .map(|entry| String::from_utf8_lossy(entry.path_bytes()).into_owned())
            .filter(|path| paths.contains(path))
            .collect::<Vec<_>>();
        dirty.sort();
        dirty.dedup();
        Ok(dirty)
    }

    /// The file as it is in the work tree.
    ///
    /// # Errors
    /// There is no work tree, or the file is gone, outside of it, a link, no text, or longer than 1 MiB.
    pub fn read_worktree(&self, path: &str) -> Result<SourceFile, GitError> {
        let unreadable = |why: String| GitError::Unreadable {
            path: String::from(path),
            why,
        };
        let top = self
            .inner
            .workdir()
            .ok_or_else(|| unreadable(String::from("the repository has no work tree")))?;
        let absolute = top.join(path);
        // a link at any level would lead away from what the commit can ever contain
        let real = absolute
            .canonicalize()
            .map_err(|error| unreadable(error.to_string()))?;
        let expected = top
            .canonicalize()
            .map_err(|error| unreadable(error.to_string()))?
            .join(path);
        if real != expected {
            return Err(unreadable(String::from(
                "it is, or is reached by, a symbolic link or a path outside of the work tree",
            )));
        }
        let size = fs::metadata(&real)
            .map_err(|error| unreadable(error.to_string()))?
            .len();
        if size > MAX_SIZE {
            return Err(unreadable(format!("it has {size} bytes, more than 1 MiB")));
        }
        let text = fs::read_to_string(&real).map_err(|error| unreadable(error.to_string()))?;
        Ok(SourceFile {
            path: String::from(path),
            text: Arc::from(text),
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::git::testing::Fixture;

    fn fixture() -> Fixture {
        let fixture = Fixture::new();
        fixture.commit(&[
            ("a.yaml", b"a: 1\n"),
            ("deep/b.yaml", b"b: 1\n"),
            ("deep/[c].yaml", b"c: 1\n"),
        ]);
        fixture.check_out();
        fixture
    }

    fn dirty(fixture: &Fixture, reference: &str) -> Vec<String> {
        let repository = Repository::open(fixture.dir()).unwrap();
        let commit = repository.commit(reference).unwrap();
        let paths = ["a.yaml", "deep/b.yaml", "deep/[c].yaml"].map(String::from);
        repository.dirty(&commit, &paths).unwrap()
    }

    #[test]
    fn a_fresh_checkout_differs_nowhere() {
        assert!(dirty(&fixture(), "HEAD").is_empty());
    }

    #[test]
    fn edited_and_deleted_files_differ() {
        let fixture = fixture();
        fixture.write("deep/[c].yaml", "c: 2\n");
        fs::remove_file(fixture.dir().join("a.yaml")).unwrap();
        assert_eq!(dirty(&fixture, "HEAD"), ["a.yaml", "deep/[c].yaml"]);
    }

    #[test]
    fn a_staged_edit_differs_though_the_file_was_put_back() {
        let fixture = fixture();
        fixture.write("a.yaml", "a: 2\n");
        let mut index = fixture.repository().index().unwrap();
        index.add_path(std::path::Path::new("a.yaml")).unwrap();
        index.write().unwrap();
        fixture.write("a.yaml", "a: 1\n");
        assert_eq!(dirty(&fixture, "HEAD"), ["a.yaml"]);
    }

    #[test]
    fn untracked_and_other_files_do_not_count() {
        let fixture = fixture();
        fixture.write("new.yaml", "n: 1\n");
        fixture.write("deep/new.yaml", "n: 1\n");
        assert!(dirty(&fixture, "HEAD").is_empty());
    }

    #[test]
    fn looking_does_not_write_the_index() {
        let fixture = fixture();
        let index = fixture.repository().path().join("index");
        let before = fs::read(&index).unwrap();
        // same text, new time: what makes `git status` refresh its cache
        fixture.write("a.yaml", "a: 1\n");
        assert!(dirty(&fixture, "HEAD").is_empty());
        assert_eq!(fs::read(&index).unwrap(), before);
    }

    #[test]
    fn another_commit_than_head_is_not_compared() {
        let fixture = fixture();
        fixture.commit(&[("a.yaml", b"a: 2\n")]);
        fixture.check_out();
        fixture.write("a.yaml", "a: 3\n");
        assert!(dirty(&fixture, "HEAD~1").is_empty());
        assert_eq!(dirty(&fixture, "HEAD"), ["a.yaml"]);
    }

    #[test]
    fn the_work_tree_is_read_when_asked() {
        let fixture = fixture();
        fixture.write("deep/b.yaml", "b: 2\n");
        let repository = Repository::open(fixture.dir()).unwrap();
        let file = repository.read_worktree("deep/b.yaml").unwrap();
        assert_eq!(&*file.text, "b: 2\n");
        assert_eq!(file.path, "deep/b.yaml");
    }

    #[cfg(unix)]
    #[test]
    fn links_out_of_the_work_tree_are_refused() {
        let fixture = fixture();
        std::os::unix::fs::symlink("/etc", fixture.dir().join("out")).unwrap();
        let repository = Repository::open(fixture.dir()).unwrap();
        for path in ["out/hostname", "../x", "deep/../a.yaml"] {
            let error = repository.read_worktree(path).unwrap_err();
            assert!(matches!(error, GitError::Unreadable { .. }), "{path}");
        }
    }
}
