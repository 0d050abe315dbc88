//! Reading and pushing over ssh.

use super::*;
use crate::git::transport::tests::sandboxed_sshd::no_sshd;
use crate::git::transport::tests::sandboxed_sshd::start;

#[test]
fn the_record_is_pushed_and_read_back() {
    if no_git() || no_sshd() {
        return;
    }
    let server = start();
    let (a, b) = (clone_of(&server.url()), clone_of(&server.scp_like()));
    record(&a, server.trusted()).unwrap();
    let second = open(b.dir(), server.trusted()).unwrap();
    record_with(&second, &[transition(2, 10, 20)]).unwrap();
    assert_eq!(commits(server.fixture.repository()), 2);
    assert_eq!(commits(b.repository()), 2);
}

#[test]
fn a_hook_that_declines_is_a_refusal() {
    if no_git() || no_sshd() {
        return;
    }
    let server = start();
    let hooks = server.fixture.dir().join("hooks");
    std::fs::create_dir_all(&hooks).unwrap();
    script(&hooks.join("pre-receive"), "#!/bin/sh\nexit 1\n");
    let error = record(&clone_of(&server.url()), server.trusted()).unwrap_err();
    assert!(
        matches!(&error, JournalError::Refused { why, .. } if why.contains("hook declined")),
        "{error:?}"
    );
}

#[test]
fn an_unknown_host_key_is_untrusted_and_nobody_is_asked() {
    if no_git() || no_sshd() {
        return;
    }
    let server = start();
    let environment = server.environment("user", "nothing_known");
    let error = record(&clone_of(&server.url()), environment).unwrap_err();
    assert!(matches!(error, JournalError::Untrusted { .. }), "{error:?}");
    assert!(error.to_string().contains("not known here"), "{error}");
    assert!(help(&error).contains("known_hosts"), "{}", help(&error));
}

#[test]
fn a_host_key_that_changed_is_untrusted_and_called_so() {
    if no_git() || no_sshd() {
        return;
    }
    let server = start();
    let environment = server.environment("user", server.mistake_host());
    let error = record(&clone_of(&server.url()), environment).unwrap_err();
    assert!(matches!(error, JournalError::Untrusted { .. }), "{error:?}");
    assert!(error.to_string().contains("not the one"), "{error}");
}

#[test]
fn a_key_that_the_server_does_not_accept_is_denied() {
    if no_git() || no_sshd() {
        return;
    }
    let server = start();
    let environment = server.environment("stranger", "known_hosts");
    let error = record(&clone_of(&server.url()), environment).unwrap_err();
    assert!(matches!(error, JournalError::Denied { .. }), "{error:?}");
    assert!(error.to_string().contains("Permission denied"), "{error}");
    assert!(help(&error).contains("ssh-add"));
}

#[test]
fn a_repository_that_is_not_there_is_denied_in_gits_words() {
    if no_git() || no_sshd() {
        return;
    }
    let server = start();
    let url = format!("{}/nowhere", server.url());
    let error = record(&clone_of(&url), server.trusted()).unwrap_err();
    assert!(matches!(error, JournalError::Denied { .. }), "{error:?}");
    assert!(error.to_string().contains("does not appear"), "{error}");
}

#[test]
fn nobody_at_the_address_is_unreachable() {
    if no_sshd() {
        return;
    }
    let url = {
        let server = start();
        server.url()
    };
    let environment = GitEnvironment {
        ssh_command: Some(String::from("ssh -F /dev/null")),
        ..GitEnvironment::default()
    };
    let error = record(&clone_of(&url), environment).unwrap_err();
    assert!(
        matches!(error, JournalError::Unreachable { .. }),
        "{error:?}"
    );
}

#[test]
fn a_program_that_is_not_there_is_named() {
    let environment = GitEnvironment {
        ssh: Some(String::from("/nowhere/ssh")),
        ..GitEnvironment::default()
    };
    let error = record(&clone_of("ssh://h.invalid/x"), environment).unwrap_err();
    assert!(error.to_string().contains("no ssh program"), "{error}");
}
