//! What can go wrong between us and a repository, in words of the person who runs the command.

use std::path::Path;
use std::path::PathBuf;

/// A repository could not be read, or cannot serve as the place of the record.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error, miette::Diagnostic)]
pub enum GitError {
    /// A repository cannot be made there.
    #[error("cannot make a repository in {path}: {why}")]
    #[diagnostic(code(flagger::git::unwritable))]
    Unwritable {
        /// The folder.
        path: String,
        /// The cause.
        why: String,
    },
    /// There is no repository there or above.
    #[error("{} is not in a Git repository", dir.display())]
    #[diagnostic(
        code(flagger::git::no_repository),
        help("name the repository with -C DIR, or read rendered manifests with -f FILE")
    )]
    NoRepository {
        /// Where the search began.
        dir: PathBuf,
    },
    /// The repository belongs to another user.
    #[error("the repository at {} belongs to another user", dir.display())]
    #[diagnostic(
        code(flagger::git::foreign_owner),
        help(
            "if you trust it: git config --global --add safe.directory {}",
            dir.display()
        )
    )]
    ForeignOwner {
        /// Its top folder.
        dir: PathBuf,
    },
    /// The repository uses a storage format that cannot be read.
    #[error("the repository at {} cannot be read: {why}", dir.display())]
    #[diagnostic(
        code(flagger::git::unsupported),
        help("read rendered manifests with -f FILE, and use --record none")
    )]
    Unsupported {
        /// Where the search began.
        dir: PathBuf,
        /// Which format, in a sentence.
        why: String,
    },
    /// No commit was made yet.
    #[error("the repository has no commit yet")]
    #[diagnostic(
        code(flagger::git::no_commit),
        help("specs are read from commits: commit them first, or read files with -f FILE")
    )]
    NoCommit,
    /// No commit goes by that name.
    #[error("no commit is called {reference}")]
    #[diagnostic(code(flagger::git::unknown_ref))]
    UnknownRef {
        /// As it was given.
        reference: String,
        /// Names that come near.
        #[help]
        help: Option<String>,
    },
    /// That path is not in the commit.
    #[error("{path} is not in commit {commit}")]
    #[diagnostic(
        code(flagger::git::no_such_path),
        help("paths count from the top of the repository; files must be committed")
    )]
    NoSuchPath {
        /// As it was given.
        path: String,
        /// Abbreviated commit.
        commit: String,
    },
    /// A file is there but its text is not.
    #[error("cannot read {path}: {why}")]
    #[diagnostic(code(flagger::git::unreadable))]
    Unreadable {
        /// From the top of the repository.
        path: String,
        /// Why, such as "it is a symbolic link".
        why: String,
    },
    /// No remote goes by that name.
    #[error("the repository has no remote {remote}")]
    #[diagnostic(code(flagger::git::unknown_remote))]
    UnknownRemote {
        /// As it was given.
        remote: String,
        /// Names that exist.
        #[help]
        help: Option<String>,
    },
    /// The record cannot go to that branch.
    #[error("the record cannot go to {reference}: {why}")]
    #[diagnostic(
        code(flagger::git::record_ref),
        help("choose a branch that nothing else uses with --record-ref")
    )]
    RecordRef {
        /// As it was given.
        reference: String,
        /// Why.
        why: String,
    },
    /// Anything else that the repository answers.
    #[error("the repository cannot be read: {why}")]
    #[diagnostic(code(flagger::git::broken))]
    Broken {
        /// The cause.
        why: String,
    },
}

impl GitError {
    /// An answer for which there is no better word.
    pub(in crate::git) fn broken(error: &git2::Error) -> Self {
        Self::Broken {
            why: sentence(error),
        }
    }

    /// Opening failed: libgit2 tells formats apart by its messages only.
    pub(in crate::git) fn opening(dir: &Path, error: &git2::Error) -> Self {
        let dir = dir.to_path_buf();
        match error.code() {
            git2::ErrorCode::NotFound => return Self::NoRepository { dir },
            git2::ErrorCode::Owner => {
                // Git wants the top folder, in full; libgit2 has it in quotes
                let named = error.message().split('\'').nth(1);
                let top = named.map_or(dir, |path| PathBuf::from(path.trim_end_matches('/')));
                return Self::ForeignOwner { dir: top };
            }
            _ => {}
        }
        let message = error.message().to_lowercase();
        let why = if message.contains("objectformat") || message.contains("object format") {
            String::from(
                "it names objects by SHA-256 (extensions.objectFormat), only SHA-1 is supported",
            )
        } else if message.contains("refstorage") || message.contains("ref storage") {
            String::from(
                "it keeps its refs in reftable (extensions.refStorage), only plain files are supported",
            )
        } else if message.contains("partialclone") {
            String::from(
                "it is a partial clone (extensions.partialClone), whose missing objects cannot be fetched",
            )
        } else {
            sentence(error)
        };
        Self::Unsupported { dir, why }
    }
}

/// libgit2's message without a final full stop or newlines.
pub(in crate::git) fn sentence(error: &git2::Error) -> String {
    let text = error
        .message()
        .split_whitespace()
        .collect::<Vec<_>>()
        .join(" ");
    String::from(text.trim_end_matches('.'))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_foreign_owner_is_named_with_the_way_out() {
        let answer = git2::Error::new(
            git2::ErrorCode::Owner,
            git2::ErrorClass::Config,
            "repository path '/srv/x/' is not owned by current user",
        );
        let error = GitError::opening(Path::new("deploy"), &answer);
        assert_eq!(
            error.to_string(),
            "the repository at /srv/x belongs to another user"
        );
        let help = miette::Diagnostic::help(&error).unwrap().to_string();
        assert!(help.ends_with("safe.directory /srv/x"), "{help}");
    }
}
