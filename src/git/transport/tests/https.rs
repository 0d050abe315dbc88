//! Reading and pushing over HTTP, and what servers do to prevent it.

use super::*;
use crate::git::transport::Network;
use crate::git::transport::session::Limits;
use crate::git::transport::tests::backend::Page;
use crate::port::proxy::ProxySettings;
use std::net::TcpListener;

fn anonymous() -> GitEnvironment {
    GitEnvironment::default()
}

#[test]
fn the_record_is_pushed_and_read_back() {
    if no_git() {
        return;
    }
    let server = backend::start();
    let (a, b) = (clone_of(&server.url()), clone_of(&server.url()));
    record(&a, anonymous()).unwrap();
    let second = open(b.dir(), anonymous()).unwrap();
    record_with(&second, &[transition(2, 10, 20)]).unwrap();
    record_with(
        &open(a.dir(), anonymous()).unwrap(),
        &[transition(3, 20, 30)],
    )
    .unwrap();
    assert_eq!(commits(server.fixture.repository()), 3);
    assert_eq!(commits(a.repository()), 3);
}

#[test]
fn a_hook_that_declines_is_a_refusal_in_its_words() {
    if no_git() {
        return;
    }
    for hook in ["pre-receive", "update"] {
        let server = backend::start();
        server.hook(hook, "#!/bin/sh\necho protected branch >&2\nexit 1\n");
        let error = record(&clone_of(&server.url()), anonymous()).unwrap_err();
        assert!(
            matches!(&error, JournalError::Refused { why, .. } if why.contains("hook declined")),
            "{error:?}"
        );
        assert_eq!(commits(server.fixture.repository()), 0);
    }
}

#[test]
fn a_branch_that_may_not_be_created_is_a_refusal() {
    if no_git() {
        return;
    }
    let server = backend::start();
    let mut config = server.fixture.repository().config().unwrap();
    config
        .set_str("receive.hideRefs", "refs/heads/flagger-status")
        .unwrap();
    let error = record(&clone_of(&server.url()), anonymous()).unwrap_err();
    assert!(matches!(error, JournalError::Refused { .. }), "{error:?}");
}

#[test]
fn a_push_that_lost_the_race_is_rebuilt_on_the_new_tip() {
    if no_git() {
        return;
    }
    let server = backend::start_with_race();
    record(&clone_of(&server.url()), anonymous()).unwrap();
    assert_eq!(commits(server.fixture.repository()), 2);
}

#[test]
fn nobody_at_the_address_is_unreachable() {
    let address = {
        let listener = TcpListener::bind(("127.0.0.1", 0)).unwrap();
        listener.local_addr().unwrap()
    };
    let error = record(&clone_of(&format!("http://{address}/x.git")), anonymous()).unwrap_err();
    assert!(
        matches!(error, JournalError::Unreachable { .. }),
        "{error:?}"
    );
    assert!(error.is_retryable());
}

#[test]
fn a_server_in_trouble_is_unreachable() {
    let server = backend::start_with(|_, _| Some(Page::status("503 Service Unavailable")));
    let error = record(&clone_of(&server.url()), anonymous()).unwrap_err();
    assert!(
        matches!(&error, JournalError::Unreachable { why, .. } if why.contains("503")),
        "{error:?}"
    );
}

#[test]
fn a_repository_that_is_not_there_is_denied_with_the_url() {
    let server = backend::start_with(|_, _| Some(Page::status("404 Not Found")));
    let error = record(&clone_of(&server.url_with("me:hunter2")), anonymous()).unwrap_err();
    assert!(matches!(error, JournalError::Denied { .. }), "{error:?}");
    assert!(error.to_string().contains(&server.url()), "{error}");
    assert!(!error.to_string().contains("hunter2"), "{error}");
}

#[test]
fn a_login_page_is_not_taken_for_a_repository() {
    let server = backend::start_with(|_, _| {
        Some(
            Page::status("200 OK")
                .with("Content-Type", "text/html")
                .saying("<h1>Sign in</h1>"),
        )
    });
    let error = record(&clone_of(&server.url()), anonymous()).unwrap_err();
    assert!(error.to_string().contains("not answer as a Git"), "{error}");
}

#[test]
fn a_redirect_on_the_same_server_is_followed() {
    if no_git() {
        return;
    }
    let server = backend::start_with(|request, _| {
        let moved = request.path.strip_prefix("/old/")?;
        Some(Page::status("301 Moved Permanently").with("Location", format!("/x.git/{moved}")))
    });
    let url = format!("http://{}/old", server.address());
    record(&clone_of(&url), anonymous()).unwrap();
    assert_eq!(commits(server.fixture.repository()), 1);
}

#[test]
fn a_redirect_to_another_server_is_named_and_gets_no_login() {
    let other = backend::start();
    let to = format!("{}/info/refs?service=git-upload-pack", other.url());
    let server = backend::start_with(move |_, _| {
        Some(Page::status("302 Found").with("Location", to.clone()))
    });
    let error = record(&clone_of(&server.url_with("me:hunter2")), anonymous()).unwrap_err();
    assert!(matches!(error, JournalError::Denied { .. }), "{error:?}");
    assert!(help(&error).contains(&other.url()), "{}", help(&error));
    assert!(other.requests().is_empty());
}

#[test]
fn redirects_in_a_circle_end() {
    let server = backend::start_with(|request, _| {
        Some(Page::status("302 Found").with("Location", request.path.clone()))
    });
    let error = record(&clone_of(&server.url()), anonymous()).unwrap_err();
    assert!(error.to_string().contains("302"), "{error}");
    assert_eq!(server.requests().len(), 4);
}

#[test]
fn a_proxy_is_asked_for_whole_addresses() {
    if no_git() {
        return;
    }
    let server = backend::start();
    let clone = clone_of("http://git.example/x.git");
    let environment = GitEnvironment {
        proxies: ProxySettings {
            http: Some(format!("http://{}", server.address())),
            ..ProxySettings::default()
        },
        ..GitEnvironment::default()
    };
    record(&clone, environment).unwrap();
    assert!(server.requests()[0].path.starts_with("http://git.example/"));
}

#[test]
fn a_proxy_of_gits_configuration_wins_and_exemptions_hold_for_it() {
    if no_git() {
        return;
    }
    let server = backend::start();
    let proxy = format!("http://{}", server.address());
    let mut environment = with_settings(&[("http.http://git.example.proxy", &proxy)]);
    environment.proxies.http = Some(String::from("http://127.0.0.1:1"));
    record(&clone_of("http://git.example/x.git"), environment.clone()).unwrap();
    environment.proxies.no_proxy = Some(String::from("git.example"));
    record(&clone_of("http://git.example/x.git"), environment).unwrap_err();
    assert_eq!(commits(server.fixture.repository()), 1);
}

/// The tip of the record, asked for with limits of our own.
fn tip(clone: &Fixture, limits: Limits) -> NetworkFailure {
    use crate::git::transport::Session;
    let network = std::sync::Arc::new(Network {
        limits,
        ..Network::default()
    });
    let session = Session::of(&network, clone.repository()).unwrap();
    session.run(|| {
        let mut remote = clone.repository().find_remote("origin").unwrap();
        remote.connect(git2::Direction::Fetch).unwrap_err();
    });
    session.failure().unwrap()
}

use crate::git::transport::NetworkFailure;

#[test]
fn a_server_that_keeps_silent_is_given_up() {
    // listens, but never accepts
    let listener = TcpListener::bind(("127.0.0.1", 0)).unwrap();
    let clone = clone_of(&format!("http://{}/x.git", listener.local_addr().unwrap()));
    let limits = Limits {
        silence: std::time::Duration::from_millis(20),
        ..Limits::default()
    };
    let failure = tip(&clone, limits);
    assert!(failure.why.contains("nothing came within"), "{failure:?}");
}

#[test]
fn a_server_that_sends_without_end_is_stopped() {
    let server = backend::start_with(|_, _| {
        Some(
            Page::status("200 OK")
                .with(
                    "Content-Type",
                    "application/x-git-upload-pack-advertisement",
                )
                .saying(&"001e# service=git-upload-pack\n".repeat(100)),
        )
    });
    let limits = Limits {
        received: 1000,
        ..Limits::default()
    };
    let failure = tip(&clone_of(&server.url()), limits);
    assert!(failure.why.contains("sent more than"), "{failure:?}");
}
