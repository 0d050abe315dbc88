//! A repository to read specs from: finding it, naming commits, and whose name goes on ours.
//!
//! Reads commits only; the work tree is looked at in `git::worktree` and only when asked.

use crate::git::error::GitError;
use std::path::Path;

/// How many names an unknown one is answered with.
const SUGGESTIONS: usize = 3;
/// Jaro-Winkler similarity from which a name is worth suggesting.
const SIMILAR: f64 = 0.75;

/// An open repository. Blocks; reading is fast enough for that (milliseconds).
pub struct Repository {
    pub(in crate::git) inner: git2::Repository,
}

/// The commit that specs are read from.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct SpecCommit {
    /// Full id, 40 hexadecimal digits.
    pub id: String,
    /// Abbreviated as Git does, 7 digits or more.
    pub short: String,
    /// First line of its message.
    pub subject: String,
    /// The branch it was named by, without `refs/heads/` or the remote's name; `None` for tags, ids and a detached
    /// HEAD.
    pub branch: Option<String>,
}

/// Name and e-mail address of who commits.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Identity {
    /// Such as `Alice`.
    pub name: String,
    /// Such as `alice@example.com`.
    pub email: String,
}

impl Repository {
    /// Finds the repository of `dir` or of a folder above it; work trees, bare repositories and detached HEADs are
    /// all fine.
    ///
    /// # Errors
    /// There is none, it belongs to somebody else, or its format is not supported.
    pub fn open(dir: &Path) -> Result<Self, GitError> {
        let ceilings: [&Path; 0] = [];
        git2::Repository::open_ext(dir, git2::RepositoryOpenFlags::empty(), ceilings)
            .map(|inner| Self { inner })
            .map_err(|error| GitError::opening(dir, &error))
    }

    /// The commit that a branch, tag, id or expression such as `HEAD~1` names.
    ///
    /// # Errors
    /// Nothing goes by that name, or it is not a commit.
    pub fn commit(&self, reference: &str) -> Result<SpecCommit, GitError> {
        let (object, named) = self
            .inner
            .revparse_ext(reference)
            .map_err(|error| self.unresolved(reference, &error))?;
        let commit = object
            .peel_to_commit()
            .map_err(|error| self.unresolved(reference, &error))?;
        let short = commit
            .as_object()
            .short_id()
            .map_err(|error| GitError::broken(&error))?;
        Ok(SpecCommit {
            id: commit.id().to_string(),
            short: String::from_utf8_lossy(&short).into_owned(),
            subject: String::from_utf8_lossy(commit.summary_bytes().unwrap_or_default())
                .into_owned(),
            branch: named.as_ref().and_then(branch_name),
        })
    }

    /// Who commits: `user.name` and `user.email` of Git's configuration, else ourselves on `host`.
    #[must_use]
    pub fn identity(&self, host: &str) -> Identity {
        identity(&self.inner, host)
    }

    pub(in crate::git) fn find(&self, commit: &SpecCommit) -> Result<git2::Commit<'_>, GitError> {
        git2::Oid::from_str(&commit.id)
            .and_then(|id| self.inner.find_commit(id))
            .map_err(|error| GitError::broken(&error))
    }

    fn unresolved(&self, reference: &str, error: &git2::Error) -> GitError {
        if self.inner.is_empty().unwrap_or(false)
            || error.code() == git2::ErrorCode::UnbornBranch
            || (reference == "HEAD" && error.code() == git2::ErrorCode::NotFound)
        {
            return GitError::NoCommit;
        }
        let near = nearest(reference, &self.names());
        let is_history = reference.contains(['~', '^'])
            || reference.chars().all(|digit| digit.is_ascii_hexdigit());
        let help = if !near.is_empty() && (!is_history || !self.inner.is_shallow()) {
            Some(format!("did you mean {}?", near.join(", ")))
        } else if self.inner.is_shallow() {
            Some(String::from(
                "this clone is shallow: git fetch --unshallow brings the older commits",
            ))
        } else {
            None
        };
        GitError::UnknownRef {
            reference: String::from(reference),
            help,
        }
    }

    /// Branches, remote branches and tags by their short names.
    fn names(&self) -> Vec<String> {
        let Ok(references) = self.inner.references() else {
            return Vec::new();
        };
        let mut names = references
            .flatten()
            .filter_map(|reference| reference.shorthand().map(String::from).ok())
            .collect::<Vec<_>>();
        names.sort();
        names.dedup();
        names
    }
}

/// Is one commit an ancestor of the other, as far as the repository there knows them? A commit that was changed in the
/// work tree counts as itself.
#[must_use]
pub fn precedes(dir: &Path, older: &str, newer: &str) -> bool {
    let id = |text: &str| git2::Oid::from_str(text.trim_end_matches("-dirty")).ok();
    let (Some(older), Some(newer)) = (id(older), id(newer)) else {
        return false;
    };
    let found = git2::Repository::open_ext(
        dir,
        git2::RepositoryOpenFlags::empty(),
        std::iter::empty::<&Path>(),
    );
    found.is_ok_and(|repository| {
        repository
            .graph_descendant_of(newer, older)
            .unwrap_or(false)
    })
}

/// See [`Repository::identity`].
pub(in crate::git) fn identity(repository: &git2::Repository, host: &str) -> Identity {
    let configured = |key: &str| repository.config().ok()?.get_string(key).ok();
    let ours = || Identity {
        name: String::from("kubectl-flagger"),
        email: format!("kubectl-flagger@{host}"),
    };
    let (Some(name), Some(email)) = (configured("user.name"), configured("user.email")) else {
        return ours();
    };
    // Git refuses names of nothing but punctuation
    let usable = git2::Signature::new(&name, &email, &git2::Time::new(0, 0)).is_ok();
    if usable {
        Identity { name, email }
    } else {
        ours()
    }
}

/// The branch behind a reference; a remote's branch goes by its own name.
fn branch_name(reference: &git2::Reference<'_>) -> Option<String> {
    let resolved = reference.resolve().ok()?;
    let name = resolved.name().ok()?;
    if let Some(branch) = name.strip_prefix("refs/heads/") {
        return Some(String::from(branch));
    }
    let (_remote, branch) = name.strip_prefix("refs/remotes/")?.split_once('/')?;
    Some(String::from(branch))
}

/// The names most like `wanted`, best first.
fn nearest(wanted: &str, names: &[String]) -> Vec<String> {
    let mut scored = names
        .iter()
        .map(|name| {
            let bare = name.rsplit('/').next().unwrap_or(name);
            let score = strsim::jaro_winkler(wanted, name).max(strsim::jaro_winkler(wanted, bare));
            (score, name)
        })
        .filter(|(score, _)| *score >= SIMILAR)
        .collect::<Vec<_>>();
    scored.sort_by(|a, b| b.0.total_cmp(&a.0).then_with(|| a.1.cmp(b.1)));
    scored
        .into_iter()
        .take(SUGGESTIONS)
        .map(|(_, name)| name.clone())
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::git::testing::Fixture;
    use std::fs;

    #[test]
    fn a_folder_inside_a_work_tree_opens_its_repository() {
        let fixture = Fixture::new();
        fixture.commit(&[("deploy/podinfo/canary.yaml", b"kind: Canary\n")]);
        let inside = fixture.dir().join("deploy/podinfo");
        fs::create_dir_all(&inside).unwrap();
        let repository = Repository::open(&inside).unwrap();
        assert_eq!(repository.commit("HEAD").unwrap().subject, "change");
    }

    #[test]
    fn a_bare_repository_opens() {
        let fixture = Fixture::bare();
        fixture.commit(&[("a.yaml", b"a: 1\n")]);
        let commit = Repository::open(fixture.dir())
            .unwrap()
            .commit("main")
            .unwrap();
        assert_eq!(commit.branch.as_deref(), Some("main"));
    }

    #[test]
    fn a_linked_work_tree_opens() {
        let fixture = Fixture::new();
        let id = fixture.commit(&[("a.yaml", b"a: 1\n")]);
        let beside = tempfile::tempdir().unwrap();
        let path = beside.path().join("linked");
        fixture
            .repository()
            .worktree("linked", &path, None)
            .unwrap();
        let commit = Repository::open(&path).unwrap().commit("HEAD").unwrap();
        assert_eq!(commit.id, id.to_string());
        assert_eq!(commit.branch.as_deref(), Some("linked"));
    }

    #[test]
    fn a_detached_head_is_a_commit_without_a_branch() {
        let fixture = Fixture::new();
        let id = fixture.commit(&[("a.yaml", b"a: 1\n")]);
        fixture.repository().set_head_detached(id).unwrap();
        let commit = Repository::open(fixture.dir())
            .unwrap()
            .commit("HEAD")
            .unwrap();
        assert_eq!(commit.id, id.to_string());
        assert_eq!(commit.branch, None);
    }

    #[test]
    fn a_remote_branch_goes_by_its_own_name() {
        let fixture = Fixture::new();
        let id = fixture.commit(&[("a.yaml", b"a: 1\n")]);
        fixture
            .repository()
            .reference("refs/remotes/origin/live", id, false, "")
            .unwrap();
        let commit = Repository::open(fixture.dir())
            .unwrap()
            .commit("origin/live")
            .unwrap();
        assert_eq!(commit.branch.as_deref(), Some("live"));
    }

    #[test]
    fn an_unknown_ref_is_answered_with_near_names() {
        let fixture = Fixture::new();
        let id = fixture.commit(&[("a.yaml", b"a: 1\n")]);
        for name in ["refs/heads/production", "refs/tags/v1.0.0"] {
            fixture.repository().reference(name, id, false, "").unwrap();
        }
        let error = Repository::open(fixture.dir())
            .unwrap()
            .commit("prodution")
            .unwrap_err();
        assert_eq!(
            error,
            GitError::UnknownRef {
                reference: String::from("prodution"),
                help: Some(String::from("did you mean production?")),
            }
        );
    }

    #[test]
    fn a_repository_without_commits_says_so() {
        let fixture = Fixture::new();
        let error = Repository::open(fixture.dir())
            .unwrap()
            .commit("HEAD")
            .unwrap_err();
        assert_eq!(error, GitError::NoCommit);
    }

    #[test]
    fn a_folder_without_repository_says_so() {
        let dir = tempfile::tempdir().unwrap();
        let error = Repository::open(dir.path()).err().unwrap();
        assert!(matches!(error, GitError::NoRepository { .. }), "{error:?}");
    }

    #[test]
    fn storage_formats_that_cannot_be_read_are_named() {
        for (key, value, word) in [
            ("objectFormat", "sha256", "SHA-256"),
            ("refStorage", "reftable", "reftable"),
            ("partialClone", "origin", "partial clone"),
        ] {
            let fixture = Fixture::new();
            let config = fixture.repository().path().join("config");
            let text = fs::read_to_string(&config)
                .unwrap()
                .replace("repositoryformatversion = 0", "repositoryformatversion = 1");
            fs::write(&config, format!("{text}[extensions]\n\t{key} = {value}\n")).unwrap();
            let error = Repository::open(fixture.dir()).err().unwrap();
            let GitError::Unsupported { why, .. } = &error else {
                panic!("{key}: {error:?}");
            };
            assert!(why.contains(word), "{key}: {why}");
        }
    }

    #[test]
    fn the_configured_name_is_on_our_commits() {
        let fixture = Fixture::new();
        let repository = Repository::open(fixture.dir()).unwrap();
        assert_eq!(
            repository.identity("mbp"),
            Identity {
                name: String::from("Alice"),
                email: String::from("alice@example.com"),
            }
        );
    }

    #[test]
    fn a_configured_name_that_git_refuses_counts_as_none() {
        let fixture = Fixture::new();
        let mut config = fixture.repository().config().unwrap();
        config.set_str("user.name", " <> ").unwrap();
        let repository = Repository::open(fixture.dir()).unwrap();
        assert_eq!(repository.identity("ci-7").name, "kubectl-flagger");
    }

    #[test]
    fn without_a_configured_name_the_tool_and_its_host_are_on_our_commits() {
        let fixture = Fixture::new();
        fixture.unset_identity();
        let repository = Repository::open(fixture.dir()).unwrap();
        assert_eq!(
            repository.identity("ci-7"),
            Identity {
                name: String::from("kubectl-flagger"),
                email: String::from("kubectl-flagger@ci-7"),
            }
        );
    }
}
