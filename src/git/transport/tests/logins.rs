//! Logins at a server that wants one.

use super::*;
use crate::git::transport::tests::backend::Page;
use secrecy::SecretString;
use std::fs;

fn with_token(token: &str) -> GitEnvironment {
    GitEnvironment {
        token: Some(SecretString::from(token)),
        ..GitEnvironment::default()
    }
}

/// `bot:hunter2`, as a header line.
const HEADER: &str = "AUTHORIZATION: basic Ym90Omh1bnRlcjI=";

/// A server that takes that header in either spelling of its scheme.
fn server() -> backend::Backend {
    backend::start_with(|request, _| {
        let login = request.header("authorization").unwrap_or_default();
        (!login.eq_ignore_ascii_case("Basic Ym90Omh1bnRlcjI="))
            .then(|| Page::status("401 Unauthorized"))
    })
}

#[test]
fn a_token_of_the_environment_logs_in() {
    if no_git() {
        return;
    }
    let server = backend::start_with_login("x-access-token", "hunter2");
    record(&clone_of(&server.url()), with_token("hunter2")).unwrap();
    assert_eq!(commits(server.fixture.repository()), 1);
}

#[test]
fn the_login_in_the_url_is_used_and_never_printed() {
    if no_git() {
        return;
    }
    let server = backend::start_with_login("bot", "hunter2");
    record(
        &clone_of(&server.url_with("bot:hunter2")),
        GitEnvironment::default(),
    )
    .unwrap();
    let wrong = clone_of(&server.url_with("bot:hunter3"));
    let error = record(&wrong, GitEnvironment::default()).unwrap_err();
    let text = format!("{error} {}", help(&error));
    assert!(text.contains("the password in the URL"), "{text}");
    assert!(!text.contains("hunter"), "{text}");
}

#[test]
fn a_wrong_token_is_denied_with_the_way_out() {
    let server = backend::start_with_login("x-access-token", "hunter2");
    let error = record(&clone_of(&server.url()), with_token("hunter3")).unwrap_err();
    assert!(matches!(error, JournalError::Denied { .. }), "{error:?}");
    assert!(error.to_string().contains("KUBECTL_FLAGGER_GIT_TOKEN"));
    assert!(error.to_string().contains("401"), "{error}");
    assert!(help(&error).contains("credential helper"));
    assert!(!format!("{error:?}").contains("hunter3"));
    assert_eq!(server.requests().len(), 1);
}

#[test]
fn a_server_that_wants_a_login_where_none_is_known_says_so() {
    let server = server();
    let error = record(&clone_of(&server.url()), GitEnvironment::default()).unwrap_err();
    assert!(error.to_string().contains("none is known"), "{error}");
}

#[test]
fn a_token_without_rights_is_denied_in_the_servers_words() {
    let server = backend::start_with(|request, _| {
        request.path.contains("git-receive-pack").then(|| {
            Page::status("403 Forbidden")
                .with("Content-Type", "text/plain")
                .saying("Permission to team/x.git denied to bot.\u{1b}[2J\n")
        })
    });
    if no_git() {
        return;
    }
    let error = record(&clone_of(&server.url()), with_token("t")).unwrap_err();
    assert!(matches!(error, JournalError::Denied { .. }), "{error:?}");
    assert!(
        error
            .to_string()
            .contains("Permission to team/x.git denied to bot. [2J"),
        "{error}"
    );
}

#[test]
fn a_header_of_the_repositorys_configuration_logs_in_as_checkout_leaves_it() {
    if no_git() {
        return;
    }
    let server = server();
    let clone = clone_of(&server.url());
    let mut config = clone.repository().config().unwrap();
    let key = format!("http.http://{}/.extraheader", server.address());
    config.set_str(&key, HEADER).unwrap();
    record(&clone, GitEnvironment::default()).unwrap();
    assert_eq!(commits(server.fixture.repository()), 1);
}

#[test]
fn a_header_in_an_included_file_logs_in() {
    if no_git() {
        return;
    }
    for include in ["[include]", "[includeIf \"gitdir:GITDIR\"]"] {
        let server = server();
        let clone = clone_of(&server.url());
        let beside = tempfile::tempdir().unwrap();
        let file = beside.path().join("credentials.config");
        let text = format!(
            "[http \"http://{}/\"]\n\textraheader = {HEADER}\n",
            server.address()
        );
        fs::write(&file, text).unwrap();
        let gitdir = fs::canonicalize(clone.dir()).unwrap();
        let include = include.replace("GITDIR", gitdir.to_str().unwrap());
        let config = clone.dir().join("config");
        let mut text = fs::read_to_string(&config).unwrap();
        text.push_str(&format!("{include}\n\tpath = {}\n", file.display()));
        fs::write(&config, text).unwrap();
        record(&clone, GitEnvironment::default()).unwrap();
        assert_eq!(commits(server.fixture.repository()), 1, "{include}");
    }
}

#[test]
fn a_header_for_another_server_stays_here() {
    let server = server();
    let key = "http.https://github.com/.extraheader";
    let environment = with_settings(&[(key, HEADER)]);
    record(&clone_of(&server.url()), environment).unwrap_err();
    assert_eq!(server.requests()[0].header("authorization"), None);
}

#[test]
fn two_logins_are_never_sent_at_once() {
    if no_git() {
        return;
    }
    let server = server();
    let mut environment = with_settings(&[("http.extraHeader", HEADER)]);
    environment.token = Some(SecretString::from("wrong"));
    record(&clone_of(&server.url()), environment).unwrap();
    for request in server.requests() {
        let logins = request
            .headers
            .iter()
            .filter(|(name, _)| name == "authorization");
        assert!(logins.count() <= 1, "{request:?}");
    }
    assert_eq!(commits(server.fixture.repository()), 1);
}

#[test]
fn other_headers_go_along() {
    let server = server();
    let environment = with_settings(&[("http.extraHeader", "X-Team: shop")]);
    record(&clone_of(&server.url()), environment).unwrap_err();
    assert_eq!(server.requests()[0].header("x-team"), Some("shop"));
}

#[test]
fn a_credential_helper_is_asked_once_a_run() {
    if no_git() {
        return;
    }
    let server = server();
    let dir = tempfile::tempdir().unwrap();
    let log = dir.path().join("log");
    let helper = format!(
        "!f() {{ echo x >> {}; echo username=bot; echo password=hunter2; }}; f",
        log.display()
    );
    let clone = clone_of(&server.url());
    let environment = with_settings(&[("credential.helper", &helper)]);
    let journal = open(clone.dir(), environment).unwrap();
    for seq in 1..=3 {
        record_with(&journal, &[transition(seq, 0, 10)]).unwrap();
    }
    assert_eq!(commits(server.fixture.repository()), 3);
    assert_eq!(fs::read_to_string(log).unwrap(), "x\n");
}

#[test]
fn a_helper_of_the_repositorys_own_configuration_is_run_only_if_it_is_trusted() {
    if no_git() {
        return;
    }
    let server = server();
    let clone = clone_of(&server.url());
    let dir = tempfile::tempdir().unwrap();
    let log = dir.path().join("log");
    let helper = format!(
        "!f() {{ echo x >> {}; echo username=bot; echo password=hunter2; }}; f",
        log.display()
    );
    let mut config = clone.repository().config().unwrap();
    config.set_str("credential.helper", &helper).unwrap();
    let error = record(&clone, GitEnvironment::default()).unwrap_err();
    assert!(
        help(&error).contains("--trust-repo-config"),
        "{}",
        help(&error)
    );
    assert!(!log.exists());
    let trusting = GitEnvironment {
        trust_repository: true,
        ..GitEnvironment::default()
    };
    record(&clone, trusting).unwrap();
}

#[test]
fn a_login_that_stopped_working_is_looked_for_again() {
    if no_git() {
        return;
    }
    // the password changes after the first push
    let server = backend::start_with(|request, repository| {
        let expected = if commits(repository) == 0 {
            "Basic YTp4"
        } else {
            "Basic YTp5"
        };
        let advertised = request.method == "GET";
        (advertised && request.header("authorization") != Some(expected))
            .then(|| Page::status("401 Unauthorized"))
    });
    let dir = tempfile::tempdir().unwrap();
    let password = dir.path().join("password");
    let helper = format!(
        "!f() {{ echo username=a; echo password=$(cat {}); }}; f",
        password.display()
    );
    let clone = clone_of(&server.url());
    let environment = with_settings(&[("credential.helper", &helper)]);
    let journal = open(clone.dir(), environment).unwrap();
    fs::write(&password, "x").unwrap();
    record_with(&journal, &[transition(1, 0, 10)]).unwrap();
    fs::write(&password, "y").unwrap();
    record_with(&journal, &[transition(2, 10, 20)]).unwrap();
    assert_eq!(commits(server.fixture.repository()), 2);
}

#[test]
fn a_remote_over_plain_http_elsewhere_gets_no_login() {
    let server = server();
    let mut environment = with_token("hunter2");
    environment.proxies.http = Some(format!("http://{}", server.address()));
    let error = record(&clone_of("http://git.example/x.git"), environment).unwrap_err();
    assert!(help(&error).contains("use https"), "{}", help(&error));
    assert_eq!(server.requests()[0].header("authorization"), None);
}
