//! What is meant by the complaints of `ssh`, and by those of Git that come through it.

use crate::git::transport::failure::NetworkFailure;
use crate::git::transport::failure::said;
use crate::git::transport::ssh::address::Place;

/// What OpenSSH and Git servers mean by their words.
pub(super) fn meaning(complaints: &str, place: &Place) -> NetworkFailure {
    let Place { host, .. } = place;
    let has = |words: &[&str]| words.iter().any(|words| complaints.contains(words));
    let last = complaints
        .lines()
        .map(said)
        .rfind(|line| !line.is_empty())
        .unwrap_or_else(|| String::from("the connection was closed without a word"));
    if has(&["REMOTE HOST IDENTIFICATION HAS CHANGED"]) {
        return NetworkFailure::untrusted(
            format!("the host key of {host} is not the one that was known"),
            "somebody may be in between: ask the server's owner for the new fingerprint before you change known_hosts",
        );
    }
    if has(&["Host key verification failed", "host key is known for"]) {
        return NetworkFailure::untrusted(
            format!("the host key of {host} is not known here"),
            format!(
                "connect once by hand and compare the fingerprint (ssh {}), or put the key into ~/.ssh/known_hosts",
                address(place)
            ),
        );
    }
    if has(&["Permission denied (", "Too many authentication failures"]) {
        return NetworkFailure::denied(
            last,
            format!(
                "load a key that {host} accepts (ssh-add), or name it: GIT_SSH_COMMAND='ssh -i FILE'"
            ),
        );
    }
    if has(&[
        "Could not resolve",
        "Connection refused",
        "timed out",
        "No route to host",
        "Network is unreachable",
        "Connection reset",
        "Connection closed by",
        "kex_exchange_identification",
    ]) {
        return NetworkFailure::unreachable(last);
    }
    // what remains was said by the server after the login
    let line = complaints
        .lines()
        .find(|line| line.contains("ERROR:") || line.contains("fatal:"))
        .map_or(last, said);
    if has(&[
        "ERROR:",
        "fatal:",
        "not found",
        "denied",
        "read only",
        "not allowed",
    ]) {
        return NetworkFailure::denied(
            line,
            "check the remote's URL (git remote -v), and that the key may write to the repository",
        );
    }
    NetworkFailure::unreachable(line)
}

fn address(place: &Place) -> String {
    let port = place
        .port
        .map(|port| format!("-p {port} "))
        .unwrap_or_default();
    let user = place
        .user
        .as_deref()
        .map(|user| format!("{user}@"))
        .unwrap_or_default();
    format!("{port}{user}{}", place.host)
}
