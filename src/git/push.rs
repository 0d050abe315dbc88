//! Getting a branch's tip from where the record lives and moving it there: compare-and-swap, never by force.
//!
//! Knows nothing of what the commits contain. A way to a remote that is not a folder (https, ssh) is whatever
//! libgit2 finds registered for its URL scheme.

use crate::git::error::sentence;
use crate::port::journal::JournalError;
use git2::Oid;
use git2::Repository;
use std::cell::Cell;
use std::cell::RefCell;
use std::path::PathBuf;
use std::time::Duration;

/// How often a branch that keeps moving is tried.
pub(in crate::git) const ATTEMPTS: u32 = 10;

/// Where the record lives.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(in crate::git) enum Target {
    /// In this repository alone.
    Here,
    /// In a repository that is a folder. Not through libgit2's own way there, which overwrites a branch that moved
    /// between looking and pushing.
    Folder {
        /// Name of the remote.
        remote: String,
        /// The repository.
        path: PathBuf,
    },
    /// Behind a URL.
    Server {
        /// Name of the remote.
        remote: String,
    },
}

/// Why a push came to nothing.
#[derive(Clone, Debug)]
pub(in crate::git) enum Failure {
    /// Somebody else moved the branch, or holds its lock: fetch, rebuild, try again.
    Moved(String),
    /// Trying again would not help.
    Final(JournalError),
}

impl From<git2::Error> for Failure {
    /// An error of our own repository.
    fn from(error: git2::Error) -> Self {
        if is_race(&error) {
            return Self::Moved(sentence(&error));
        }
        Self::Final(JournalError::Broken {
            why: sentence(&error),
        })
    }
}

impl Target {
    /// The branch's tip, `None` if it does not exist. All its objects are in `repository` afterwards; no reference
    /// of it moves.
    pub fn tip(&self, repository: &Repository, reference: &str) -> Result<Option<Oid>, Failure> {
        match self {
            Self::Here => optional(repository.refname_to_id(reference)).map_err(Failure::from),
            Self::Folder { remote, path } => {
                let theirs = open(remote, path)?;
                let tip = optional(theirs.refname_to_id(reference))
                    .map_err(|error| unreachable(remote, &error))?;
                if let Some(tip) = tip {
                    copy_history(&theirs, repository, tip)
                        .map_err(|error| unreachable(remote, &error))?;
                }
                Ok(tip)
            }
            Self::Server { remote } => fetch(repository, remote, reference),
        }
    }

    /// Moves the branch from `old` (`None`: it must not exist) to `new`, which is in `repository`.
    pub fn publish(
        &self,
        repository: &Repository,
        reference: &str,
        old: Option<Oid>,
        new: Oid,
    ) -> Result<(), Failure> {
        match self {
            Self::Here => compare_and_swap(repository, reference, old, new).map_err(Failure::from),
            Self::Folder { remote, path } => {
                let theirs = open(remote, path)?;
                if checked_out(&theirs, reference) {
                    return Err(Failure::Final(JournalError::Refused {
                        reference: short(reference),
                        why: String::from("the branch is checked out there"),
                    }));
                }
                copy_history(repository, &theirs, new)
                    .and_then(|()| compare_and_swap(&theirs, reference, old, new))
                    .map_err(|error| broken_connection(remote, &error))
            }
            Self::Server { remote } => push(repository, remote, reference, old, new),
        }
    }
}

/// Lets the branch of the same name here follow what was pushed, as far as that loses nothing.
pub(in crate::git) fn follow(repository: &Repository, reference: &str, new: Oid) {
    if checked_out(repository, reference) {
        return;
    }
    let old = repository.refname_to_id(reference).ok();
    let behind = match old {
        None => true,
        Some(old) => repository.graph_descendant_of(new, old).unwrap_or(false),
    };
    if behind {
        // the record is safe where it was pushed; a branch here that moved meanwhile stays as it is
        let _ = compare_and_swap(repository, reference, old, new);
    }
}

/// Does a work tree, main or linked, stand on that branch?
pub(in crate::git) fn checked_out(repository: &Repository, reference: &str) -> bool {
    let stands_on = |repository: &Repository| {
        !repository.is_bare()
            && repository.find_reference("HEAD").is_ok_and(|head| {
                head.symbolic_target()
                    .is_ok_and(|target| target == Some(reference))
            })
    };
    let linked = |name: &str| {
        repository
            .find_worktree(name)
            .and_then(|worktree| Repository::open_from_worktree(&worktree))
            .is_ok_and(|worktree| stands_on(&worktree))
    };
    stands_on(repository)
        || Repository::open(repository.commondir()).is_ok_and(|main| stands_on(&main))
        || repository.worktrees().is_ok_and(|names| {
            names
                .iter()
                .any(|name| matches!(name, Ok(Some(name)) if linked(name)))
        })
}

/// How long to wait after that many attempts: 1 s growing by half, give or take half, at most 30 s. The same seed
/// waits the same.
pub(in crate::git) fn backoff(attempts: u32, seed: u64) -> Duration {
    let grown = 1.5_f64.powi(i32::try_from(attempts).unwrap_or(i32::MAX));
    // SplitMix64's mixing step: drivers with different seeds drift apart
    let mut mixed = seed.wrapping_add(u64::from(attempts).wrapping_mul(0x9e37_79b9_7f4a_7c15));
    mixed = (mixed ^ (mixed >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
    mixed ^= mixed >> 27;
    let permille = u32::try_from(mixed % 1001).unwrap_or(500);
    let jitter = 0.5 + f64::from(permille) / 1000.0;
    Duration::from_secs_f64((grown * jitter).min(30.0))
}

/// Without `refs/heads/`.
pub(in crate::git) fn short(reference: &str) -> String {
    String::from(reference.strip_prefix("refs/heads/").unwrap_or(reference))
}

fn compare_and_swap(
    repository: &Repository,
    reference: &str,
    old: Option<Oid>,
    new: Oid,
) -> Result<(), git2::Error> {
    const LOG: &str = "kubectl-flagger: record";
    match old {
        None => repository.reference(reference, new, false, LOG),
        Some(old) => repository.reference_matching(reference, new, true, old, LOG),
    }
    .map(|_| ())
}

fn open(remote: &str, path: &PathBuf) -> Result<Repository, Failure> {
    Repository::open(path).map_err(|error| {
        Failure::Final(match error.code() {
            git2::ErrorCode::Owner => JournalError::Denied {
                remote: String::from(remote),
                why: String::from("the repository belongs to another user (see safe.directory)"),
            },
            _ => JournalError::Unreachable {
                remote: String::from(remote),
                why: sentence(&error),
            },
        })
    })
}

/// Copies the commit `tip` and all that it needs. What is there already is taken to be complete: objects are
/// written after those they name.
fn copy_history(from: &Repository, to: &Repository, tip: Oid) -> Result<(), git2::Error> {
    let (source, sink) = (from.odb()?, to.odb()?);
    let mut stack = vec![(tip, false)];
    while let Some((id, parents_done)) = stack.pop() {
        if sink.exists(id) {
            continue;
        }
        let commit = from.find_commit(id)?;
        if parents_done {
            copy_tree(from, &source, &sink, commit.tree_id())?;
            copy_object(&source, &sink, id)?;
        } else {
            stack.push((id, true));
            stack.extend(commit.parent_ids().map(|parent| (parent, false)));
        }
    }
    Ok(())
}

fn copy_tree(
    from: &Repository,
    source: &git2::Odb<'_>,
    sink: &git2::Odb<'_>,
    id: Oid,
) -> Result<(), git2::Error> {
    if sink.exists(id) {
        return Ok(());
    }
    for entry in &from.find_tree(id)? {
        match entry.kind() {
            Some(git2::ObjectType::Tree) => copy_tree(from, source, sink, entry.id())?,
            Some(git2::ObjectType::Blob) if !sink.exists(entry.id()) => {
                copy_object(source, sink, entry.id())?;
            }
            // a submodule's commit is in another repository
            _ => {}
        }
    }
    copy_object(source, sink, id)
}

fn copy_object(source: &git2::Odb<'_>, sink: &git2::Odb<'_>, id: Oid) -> Result<(), git2::Error> {
    let object = source.read(id)?;
    sink.write(object.kind(), object.data()).map(|_| ())
}

fn fetch(repository: &Repository, name: &str, reference: &str) -> Result<Option<Oid>, Failure> {
    let failed = |error: git2::Error| broken_connection(name, &error);
    let mut remote = repository.find_remote(name).map_err(failed)?;
    remote.connect(git2::Direction::Fetch).map_err(failed)?;
    let tip = remote
        .list()
        .map_err(failed)?
        .iter()
        .find(|head| head.name() == reference)
        .map(git2::RemoteHead::oid);
    if let Some(tip) = tip
        && !repository.odb()?.exists(tip)
    {
        let mut options = git2::FetchOptions::new();
        options
            .download_tags(git2::AutotagOption::None)
            .update_fetchhead(false)
            .follow_redirects(git2::RemoteRedirect::None);
        remote
            .download(&[reference], Some(&mut options))
            .map_err(failed)?;
    }
    remote.disconnect().map_err(failed)?;
    Ok(tip)
}

fn push(
    repository: &Repository,
    name: &str,
    reference: &str,
    old: Option<Oid>,
    new: Oid,
) -> Result<(), Failure> {
    let expected = old.unwrap_or(Oid::ZERO_SHA1);
    // outlive the callbacks, which libgit2 keeps until the remote is dropped
    let answer = RefCell::new(None::<Option<String>>);
    let negotiated = Cell::new(true);
    let mut callbacks = git2::RemoteCallbacks::new();
    callbacks.push_update_reference(|updated, status| {
        if updated == reference {
            *answer.borrow_mut() = Some(status.map(String::from));
        }
        Ok(())
    });
    // the server compares with what it advertised now, which may be newer than what was built upon
    callbacks.push_negotiation(|updates| {
        let as_built =
            matches!(updates, [update] if update.src() == expected && update.dst() == new);
        negotiated.set(as_built);
        if as_built {
            Ok(())
        } else {
            Err(git2::Error::from_str("the branch moved before the push"))
        }
    });
    let result = {
        let mut options = git2::PushOptions::new();
        options
            .remote_callbacks(callbacks)
            .follow_redirects(git2::RemoteRedirect::None);
        repository
            .find_remote(name)
            .and_then(|mut remote| remote.push(&[format!("{new}:{reference}")], Some(&mut options)))
    };
    if !negotiated.get() {
        return Err(Failure::Moved(String::from(
            "the branch moved before the push",
        )));
    }
    result.map_err(|error| broken_connection(name, &error))?;
    match answer.into_inner() {
        Some(None) => Ok(()),
        Some(Some(why)) => Err(refused(name, reference, &why)),
        None => Err(Failure::Final(JournalError::Unreachable {
            remote: String::from(name),
            why: String::from("it did not say whether it took the push"),
        })),
    }
}

/// What a server means by the words with which it refuses a reference.
fn refused(remote: &str, reference: &str, why: &str) -> Failure {
    let words = why.to_lowercase();
    let says = |texts: &[&str]| texts.iter().any(|text| words.contains(text));
    let refused = || JournalError::Refused {
        reference: short(reference),
        why: String::from(why),
    };
    if says(&["hook declined", "protected branch"]) {
        return Failure::Final(refused());
    }
    if says(&[
        "non-fast-forward",
        "fetch first",
        "stale info",
        "cannot lock ref",
        "failed to lock",
        "failed to update ref",
        "incorrect old value",
        "reference already exists",
    ]) {
        return Failure::Moved(String::from(why));
    }
    if says(&[
        "permission",
        "denied",
        "not authorized",
        "not allowed",
        "forbidden",
    ]) {
        return Failure::Final(JournalError::Denied {
            remote: String::from(remote),
            why: String::from(why),
        });
    }
    Failure::Final(refused())
}

/// What an error of a connection means.
fn broken_connection(remote: &str, error: &git2::Error) -> Failure {
    if is_race(error) {
        return Failure::Moved(sentence(error));
    }
    let why = without_password(&sentence(error));
    let says_no = ["401", "403"].iter().any(|status| {
        why.split(|c: char| !c.is_ascii_digit())
            .any(|word| word == *status)
    });
    if error.code() == git2::ErrorCode::Auth || (error.class() == git2::ErrorClass::Http && says_no)
    {
        return Failure::Final(JournalError::Denied {
            remote: String::from(remote),
            why,
        });
    }
    unreachable(remote, error)
}

fn unreachable(remote: &str, error: &git2::Error) -> Failure {
    Failure::Final(JournalError::Unreachable {
        remote: String::from(remote),
        why: without_password(&sentence(error)),
    })
}

/// Did somebody else get in between?
fn is_race(error: &git2::Error) -> bool {
    matches!(
        error.code(),
        git2::ErrorCode::NotFastForward
            | git2::ErrorCode::Locked
            | git2::ErrorCode::Modified
            | git2::ErrorCode::Exists
    )
}

/// Messages may quote the URL, and URLs may hold a password.
fn without_password(text: &str) -> String {
    text.split(' ')
        .map(|word| match (word.find("://"), word.rfind('@')) {
            (Some(scheme), Some(at)) if scheme < at => {
                format!("{}://…{}", &word[..scheme], &word[at..])
            }
            _ => String::from(word),
        })
        .collect::<Vec<_>>()
        .join(" ")
}

fn optional(found: Result<Oid, git2::Error>) -> Result<Option<Oid>, git2::Error> {
    match found {
        Ok(id) => Ok(Some(id)),
        Err(error) if error.code() == git2::ErrorCode::NotFound => Ok(None),
        Err(error) => Err(error),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn waits_grow_to_30_seconds_and_differ_between_drivers() {
        for seed in 0..50 {
            for attempts in 0..ATTEMPTS {
                let wait = backoff(attempts, seed).as_secs_f64();
                let middle = 1.5_f64.powi(i32::try_from(attempts).unwrap());
                assert!(wait >= (middle * 0.5).min(30.0) && wait <= (middle * 1.5).min(30.0));
            }
        }
        assert_eq!(backoff(2, 7), backoff(2, 7));
        assert_ne!(backoff(2, 7), backoff(2, 8));
    }

    #[test]
    fn a_lost_race_is_told_from_a_refusal_by_the_servers_words() {
        for why in [
            "failed to update ref",
            "fetch first",
            "non-fast-forward",
            "cannot lock ref 'refs/heads/flagger-status': is at 1 but expected 2",
            "incorrect old value provided",
            "reference already exists",
        ] {
            let failure = refused("origin", "refs/heads/flagger-status", why);
            assert!(matches!(failure, Failure::Moved(_)), "{why}");
        }
        for why in [
            "pre-receive hook declined",
            "protected branch hook declined",
            "push declined due to repository rule violations",
            "unpacker error",
        ] {
            let failure = refused("origin", "refs/heads/flagger-status", why);
            assert!(
                matches!(failure, Failure::Final(JournalError::Refused { .. })),
                "{why}"
            );
        }
        let failure = refused("origin", "refs/heads/flagger-status", "permission denied");
        assert!(matches!(
            failure,
            Failure::Final(JournalError::Denied { .. })
        ));
    }

    #[test]
    fn a_password_in_a_url_is_not_repeated() {
        assert_eq!(
            without_password("failed to resolve https://bot:hunter2@git.example/x.git today"),
            "failed to resolve https://…@git.example/x.git today"
        );
    }
}
