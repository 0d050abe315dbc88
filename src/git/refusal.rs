//! What it means when a push comes to nothing: somebody else was faster, or it will never work.

use crate::git::error::sentence;
use crate::git::push;
use crate::git::transport::Kind;
use crate::git::transport::NetworkFailure;
use crate::port::journal::JournalError;

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

/// What a server means by the words with which it refuses a reference.
pub(in crate::git) fn refused(remote: &str, reference: &str, why: &str) -> Failure {
    let words = why.to_lowercase();
    let says = |texts: &[&str]| texts.iter().any(|text| words.contains(text));
    let refused = || JournalError::Refused {
        reference: push::short(reference),
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
            help: None,
        });
    }
    Failure::Final(refused())
}

/// What an error of a connection means.
pub(in crate::git) fn broken_connection(remote: &str, error: &git2::Error) -> Failure {
    if is_race(error) {
        return Failure::Moved(sentence(error));
    }
    let why = without_password(&sentence(error));
    let says_no = ["401", "403"].iter().any(|status| {
        why.split(|c: char| !c.is_ascii_digit())
            .any(|word| word == *status)
    });
    // A repository by path has no server that says no: its references themselves do.
    let refused = error.class() == git2::ErrorClass::Reference;
    let unauthorised = error.code() == git2::ErrorCode::Auth;
    if refused || unauthorised || (error.class() == git2::ErrorClass::Http && says_no) {
        return Failure::Final(JournalError::Denied {
            remote: String::from(remote),
            why,
            help: None,
        });
    }
    unreachable(remote, error)
}

pub(in crate::git) fn unreachable(remote: &str, error: &git2::Error) -> Failure {
    Failure::Final(JournalError::Unreachable {
        remote: String::from(remote),
        why: without_password(&sentence(error)),
        help: None,
    })
}

/// What kept us from the remote.
pub(in crate::git) fn on_the_way(remote: &str, failure: NetworkFailure) -> Failure {
    let remote = String::from(remote);
    let NetworkFailure { kind, why, help } = failure;
    Failure::Final(match kind {
        Kind::Denied => JournalError::Denied { remote, why, help },
        Kind::Untrusted => JournalError::Untrusted { remote, why, help },
        Kind::Unreachable => JournalError::Unreachable { remote, why, help },
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

#[cfg(test)]
mod tests {
    use super::*;

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
