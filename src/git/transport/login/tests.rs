//! The order of logins, and what is asked to come by them.

use super::*;
use crate::git::transport::Network;
use crate::git::transport::environment::CiToken;
use crate::git::transport::environment::GitEnvironment;
use crate::git::transport::settings::Settings;

const URL: &str = "https://git.example/team/x.git";

fn session(environment: GitEnvironment) -> Session {
    let settings = Settings::read(&git2::Config::new().unwrap(), &environment).unwrap();
    Session::new(Network::new(environment), settings).unwrap()
}

fn with_settings(settings: &[(&str, &str)]) -> GitEnvironment {
    GitEnvironment {
        settings: settings
            .iter()
            .map(|(name, value)| ((*name).to_owned(), (*value).to_owned()))
            .collect(),
        ..GitEnvironment::default()
    }
}

/// All logins that are come by, as `name: user:password`.
fn all(environment: GitEnvironment, url: &str) -> Vec<String> {
    let session = session(environment);
    let url = Url::parse(url).unwrap();
    let mut logins = Logins::new(&session, &url);
    std::iter::from_fn(|| logins.next())
        .map(|login| {
            let header = login.header.expose_secret();
            let coded = header.strip_prefix("Basic ").unwrap();
            let plain = STANDARD.decode(coded).unwrap();
            format!("{}: {}", login.name, String::from_utf8(plain).unwrap())
        })
        .collect()
}

#[test]
fn logins_are_tried_most_explicit_first() {
    let mut environment = with_settings(&[
        ("http.extraHeader", "AUTHORIZATION: Basic YTpi"),
        (
            "credential.helper",
            "!f() { echo username=helped; echo password=h; }; f",
        ),
    ]);
    environment.token = Some(SecretString::from("t"));
    environment.ci_tokens = vec![CiToken {
        variable: "CI_JOB_TOKEN",
        server: String::from("https://git.example"),
        user: "gitlab-ci-token",
        token: SecretString::from("c"),
    }];
    assert_eq!(
        all(environment, "https://me:p%40ss@git.example/x.git"),
        [
            "the password in the URL: me:p@ss",
            "KUBECTL_FLAGGER_GIT_TOKEN: me:t",
            "http.extraHeader: a:b",
            "CI_JOB_TOKEN: gitlab-ci-token:c",
            "the credential helper in the shell: helped:h",
        ]
    );
}

#[test]
fn a_ci_systems_token_goes_to_its_own_server_only() {
    for server in [
        "https://github.com",
        "http://git.example",
        "https://git.example:8443",
    ] {
        let environment = GitEnvironment {
            ci_tokens: vec![CiToken {
                variable: "GITHUB_TOKEN",
                server: server.to_owned(),
                user: "x-access-token",
                token: SecretString::from("c"),
            }],
            ..GitEnvironment::default()
        };
        assert!(all(environment, URL).is_empty(), "{server}");
    }
}

#[test]
fn no_login_is_sent_over_plain_http_except_to_this_machine() {
    let environment = || GitEnvironment {
        token: Some(SecretString::from("t")),
        ..GitEnvironment::default()
    };
    assert!(all(environment(), "http://git.example/x.git").is_empty());
    assert_eq!(all(environment(), "http://127.0.0.1:80/x.git").len(), 1);
}

#[test]
fn askpass_is_asked_for_name_and_password() {
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join("askpass");
    std::fs::write(&path, "#!/bin/sh\necho \"[$1]\"\n").unwrap();
    make_executable(&path);
    let environment = GitEnvironment {
        askpass: Some(path.display().to_string()),
        ..GitEnvironment::default()
    };
    assert_eq!(
        all(environment, URL),
        ["GIT_ASKPASS: [Username for 'https://git.example': ]:\
          [Password for 'https://[Username for 'https://git.example': ]@git.example': ]"]
    );
}

#[cfg(unix)]
fn make_executable(path: &Path) {
    use std::os::unix::fs::PermissionsExt as _;
    std::fs::set_permissions(path, std::fs::Permissions::from_mode(0o700)).unwrap();
}

#[test]
fn no_more_than_five_logins_are_tried() {
    let helper = "!echo username=u; echo password=p; :";
    let helpers = [("credential.helper", helper); 9];
    assert_eq!(all(with_settings(&helpers), URL).len(), 5);
}

#[test]
fn a_helper_is_told_the_path_only_if_it_should_be() {
    let helper = "!f() { cat | tr '\\n' ' ' | sed 's/^/password=/'; echo; echo username=u; }; f";
    let told = |settings: &[(&str, &str)]| all(with_settings(settings), URL).concat();
    let plain = told(&[("credential.helper", helper)]);
    assert!(
        plain.contains("protocol=https host=git.example "),
        "{plain}"
    );
    assert!(!plain.contains("path="), "{plain}");
    let with_path = told(&[
        ("credential.helper", helper),
        ("credential.useHttpPath", "true"),
    ]);
    assert!(with_path.contains("path=team/x.git"), "{with_path}");
}

#[test]
fn a_helper_that_is_not_there_gives_nothing() {
    let settings = [("credential.helper", "/nowhere/at/all")];
    assert!(all(with_settings(&settings), URL).is_empty());
}

#[test]
fn our_token_is_not_handed_to_helpers() {
    let mut command = helper_command("!env");
    program::confine(&mut command);
    let removed = command
        .as_std()
        .get_envs()
        .any(|(name, value)| name == "KUBECTL_FLAGGER_GIT_TOKEN" && value.is_none());
    assert!(removed);
}
