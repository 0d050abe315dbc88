//! Addresses, command lines and complaints; `crate::git::transport::tests::ssh` has a real server.

use super::*;
use crate::git::transport::Network;
use crate::git::transport::environment::GitEnvironment;
use crate::git::transport::failure::Kind;
use crate::git::transport::failure::unsupported;
use crate::git::transport::settings::Settings;

fn parsed(url: &str) -> Result<(Option<String>, String, Option<u16>, String), NetworkFailure> {
    place(url).map(|place| (place.user, place.host, place.port, place.path))
}

fn line(url: &str, environment: GitEnvironment) -> Result<String, NetworkFailure> {
    let settings = Settings::read(&git2::Config::new().unwrap(), &environment).unwrap();
    line_with(url, environment, settings)
}

fn line_with(
    url: &str,
    environment: GitEnvironment,
    settings: Settings,
) -> Result<String, NetworkFailure> {
    let session = Session::new(Network::new(environment), settings).unwrap();
    command(&session, &place(url)?, "git-upload-pack").map(|command| {
        let command = command.as_std();
        std::iter::once(command.get_program())
            .chain(command.get_args())
            .map(|word| word.to_str().unwrap())
            .collect::<Vec<_>>()
            .join("|")
    })
}

#[test]
fn both_ways_to_write_an_address_are_read() {
    let some = |user: Option<&str>, host: &str, port, path: &str| {
        Ok((
            user.map(str::to_owned),
            host.to_owned(),
            port,
            path.to_owned(),
        ))
    };
    for (url, expected) in [
        ("git@h:a/b.git", some(Some("git"), "h", None, "a/b.git")),
        ("h:/a b.git", some(None, "h", None, "/a b.git")),
        ("h:~me/b.git", some(None, "h", None, "~me/b.git")),
        ("[h:2222]:b.git", some(None, "h", Some(2222), "b.git")),
        ("git@[::1]:b.git", some(Some("git"), "::1", None, "b.git")),
        ("ssh://h/a%20b.git", some(None, "h", None, "/a b.git")),
        ("ssh://git@h:22/b", some(Some("git"), "h", Some(22), "/b")),
        ("ssh://[::1]:22/b", some(None, "::1", Some(22), "/b")),
        ("ssh://h/~me/b", some(None, "h", None, "~me/b")),
        ("git+ssh://h/b", some(None, "h", None, "/b")),
    ] {
        assert_eq!(parsed(url), expected, "{url}");
    }
}

#[test]
fn what_a_program_could_take_for_an_option_is_refused() {
    for url in [
        "ssh://-oProxyCommand=id/x",
        "ssh://-x@h/x",
        "ssh://%2doProxyCommand@h/x",
        "-oProxyCommand=id:x",
        "h:-x",
        "ssh://h/",
        "ssh:///x",
        "h:a\nb",
    ] {
        assert!(parsed(url).is_err(), "{url}");
    }
}

#[test]
fn addresses_of_other_protocols_are_not_taken_for_hosts() {
    for url in ["ext::sh -c id", "ftp://h/x", "unknown://h/x"] {
        assert_eq!(parsed(url), Err(unsupported()), "{url}");
    }
}

#[test]
fn openssh_gets_its_options_before_two_dashes() {
    assert_eq!(
        line("ssh://git@h:2222/it's.git", GitEnvironment::default()).unwrap(),
        "ssh|-o|ConnectTimeout=10|-o|BatchMode=yes|-p|2222|--|git@h|git-upload-pack '/it'\\''s.git'"
    );
}

#[test]
fn somebody_at_a_terminal_may_be_asked() {
    let environment = GitEnvironment {
        interactive: true,
        ..GitEnvironment::default()
    };
    assert!(!line("h:x", environment).unwrap().contains("BatchMode"));
}

#[test]
fn a_command_of_the_environment_comes_before_the_configurations() {
    let both = GitEnvironment {
        ssh_command: Some(String::from("ssh -i key")),
        ssh: Some(String::from("other")),
        settings: vec![(String::from("core.sshCommand"), String::from("third"))],
        ..GitEnvironment::default()
    };
    let line_of = |environment| line("h:x", environment).unwrap();
    assert!(line_of(both.clone()).starts_with("sh|-c|ssh -i key \"$@\"|ssh -i key|-o|"));
    let configured = GitEnvironment {
        ssh_command: None,
        ..both.clone()
    };
    assert!(line_of(configured).starts_with("sh|-c|third \"$@\"|third|"));
    let program = GitEnvironment {
        ssh_command: None,
        settings: Vec::new(),
        ..both
    };
    assert!(line_of(program).starts_with("other|-o|"));
}

#[test]
fn a_command_of_the_repositorys_own_configuration_is_run_only_if_it_is_trusted() {
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join("config");
    std::fs::write(&path, "[core]\n sshCommand = theirs\n").unwrap();
    let mut config = git2::Config::new().unwrap();
    config
        .add_file(&path, git2::ConfigLevel::Local, false)
        .unwrap();
    let line_of = |trust_repository| {
        let environment = GitEnvironment {
            trust_repository,
            ..GitEnvironment::default()
        };
        let settings = Settings::read(&config, &environment).unwrap();
        line_with("h:x", environment, settings)
    };
    let refused = line_of(false).unwrap_err();
    assert!(refused.why.contains("core.sshCommand"), "{refused:?}");
    assert!(refused.help.unwrap().contains("--trust-repo-config"));
    assert!(line_of(true).unwrap().starts_with("sh|-c|theirs"));
}

#[test]
fn other_programs_get_options_they_understand() {
    let with = |program: &str, variant: Option<&str>| GitEnvironment {
        ssh: Some(program.to_owned()),
        ssh_variant: variant.map(str::to_owned),
        ..GitEnvironment::default()
    };
    assert_eq!(
        line("ssh://h:22/x", with("plink.exe", None)).unwrap(),
        "plink.exe|-batch|-P|22|h|git-upload-pack '/x'"
    );
    assert_eq!(
        line("h:x", with("mine", Some("simple"))).unwrap(),
        "mine|h|git-upload-pack 'x'"
    );
    assert!(line("ssh://h:22/x", with("mine", Some("simple"))).is_err());
}

#[test]
fn complaints_are_told_apart() {
    let place = place("git@h:x").unwrap();
    for (complaint, kind) in [
        (
            "No ED25519 host key is known for h and you have requested strict checking.\nHost key verification failed.\n",
            Kind::Untrusted,
        ),
        (
            "@ WARNING: REMOTE HOST IDENTIFICATION HAS CHANGED! @\nHost key verification failed.\n",
            Kind::Untrusted,
        ),
        ("git@h: Permission denied (publickey).\n", Kind::Denied),
        (
            "ssh: Could not resolve hostname h: Name or service not known\n",
            Kind::Unreachable,
        ),
        (
            "ssh: connect to host h port 22: Connection refused\n",
            Kind::Unreachable,
        ),
        (
            "ERROR: Repository not found.\nfatal: Could not read from remote repository.\n",
            Kind::Denied,
        ),
        (
            "fatal: '/x' does not appear to be a git repository\n",
            Kind::Denied,
        ),
        ("", Kind::Unreachable),
    ] {
        assert_eq!(meaning(complaint, &place).kind, kind, "{complaint}");
    }
}

#[test]
fn a_changed_host_key_is_not_called_unknown() {
    let place = place("git@h:x").unwrap();
    let complaint = "REMOTE HOST IDENTIFICATION HAS CHANGED!\nHost key verification failed.";
    assert!(meaning(complaint, &place).why.contains("not the one"));
}
