//! Getting a branch's tip from where the record lives and moving it there: compare-and-swap, never by force.
//!
//! Knows nothing of what the commits contain. The ways to remotes that are not folders are
//! [`crate::git::transport`]'s.

use crate::git::error::sentence;
use crate::git::objects::copy_history;
use crate::git::refusal::Failure;
use crate::git::refusal::broken_connection;
use crate::git::refusal::on_the_way;
use crate::git::refusal::refused;
use crate::git::refusal::unreachable;
use crate::git::transport::Network;
use crate::git::transport::Session;
use crate::port::journal::JournalError;
use git2::Oid;
use git2::Repository;
use std::cell::Cell;
use std::cell::RefCell;
use std::path::PathBuf;
use std::sync::Arc;
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

impl Target {
    /// The branch's tip, `None` if it does not exist. All its objects are in `repository` afterwards; no reference
    /// of it moves.
    pub fn tip(
        &self,
        repository: &Repository,
        reference: &str,
        network: &Arc<Network>,
    ) -> Result<Option<Oid>, Failure> {
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
            Self::Server { remote } => over_network(network, repository, remote, || {
                fetch(repository, remote, reference)
            }),
        }
    }

    /// Moves the branch from `old` (`None`: it must not exist) to `new`, which is in `repository`.
    pub fn publish(
        &self,
        repository: &Repository,
        reference: &str,
        old: Option<Oid>,
        new: Oid,
        network: &Arc<Network>,
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
            Self::Server { remote } => over_network(network, repository, remote, || {
                push(repository, remote, reference, old, new)
            }),
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
                why: String::from("the repository belongs to another user"),
                help: Some(format!(
                    "if you trust it: git config --global --add safe.directory {}",
                    path.display()
                )),
            },
            _ => JournalError::Unreachable {
                remote: String::from(remote),
                why: sentence(&error),
                help: None,
            },
        })
    })
}

/// One operation on a remote. Where the way there knows why it failed, that is the reason.
fn over_network<T>(
    network: &Arc<Network>,
    repository: &Repository,
    remote: &str,
    work: impl FnOnce() -> Result<T, Failure>,
) -> Result<T, Failure> {
    let session = Session::of(network, repository)?;
    session.run(work).map_err(|failure| {
        session
            .failure()
            .map_or(failure, |cause| on_the_way(remote, cause))
    })
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
            help: None,
        })),
    }
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
}
