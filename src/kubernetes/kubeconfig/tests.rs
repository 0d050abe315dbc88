//! Kubeconfig files and flags.

use super::*;
use secrecy::ExposeSecret as _;
use secrecy::SecretString;
use std::env;

fn fixture(name: &str) -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR"))
        .join("testdata/kubeconfig")
        .join(name)
}

fn options(name: &str) -> ConnectOptions {
    ConnectOptions {
        kubeconfig: Some(fixture(name)),
        ..ConnectOptions::default()
    }
}

fn resolved(options: &ConnectOptions) -> Resolved {
    let config = load(options).unwrap().unwrap();
    resolve(&config, options).unwrap().unwrap()
}

fn refused(options: &ConnectOptions) -> ConnectError {
    match load(options) {
        Ok(config) => match resolve(&config.unwrap_or_default(), options) {
            Ok(_) => panic!("accepted"),
            Err(error) => error,
        },
        Err(error) => error,
    }
}

#[test]
fn the_current_context_gives_cluster_user_and_namespace() {
    let resolved = resolved(&options("two-contexts.yaml"));
    assert_eq!(resolved.context, "staging");
    assert_eq!(resolved.namespace, "shop");
    assert_eq!(
        resolved.cluster.server.as_deref(),
        Some("https://staging.example:6443")
    );
    assert_eq!(
        resolved
            .user
            .token
            .as_ref()
            .map(|token| token.expose_secret()),
        Some("developers-token")
    );
}

#[test]
fn a_relative_path_counts_from_the_kubeconfig() {
    let resolved = resolved(&options("two-contexts.yaml"));
    assert_eq!(
        resolved.cluster.certificate_authority.as_deref(),
        fixture("ca.crt").to_str()
    );
}

#[test]
fn a_context_without_namespace_means_default() {
    let resolved = resolved(&ConnectOptions {
        context: Some("production".to_owned()),
        ..options("two-contexts.yaml")
    });
    assert_eq!(resolved.namespace, "default");
    assert_eq!(resolved.cluster_name, "production");
}

#[test]
fn an_unknown_context_is_corrected_from_the_file() {
    let error = refused(&ConnectOptions {
        context: Some("prodution".to_owned()),
        ..options("two-contexts.yaml")
    });
    let ConnectError::Unknown { what, help, .. } = error else {
        panic!("{error:?}");
    };
    assert_eq!(what, "context");
    assert_eq!(help, "did you mean production?");
}

#[test]
fn an_unknown_user_or_cluster_lists_what_there_is() {
    let error = refused(&ConnectOptions {
        user: Some("zzz".to_owned()),
        ..options("two-contexts.yaml")
    });
    let ConnectError::Unknown { help, .. } = error else {
        panic!("{error:?}");
    };
    assert_eq!(help, "it has: developer, operator");
}

#[test]
fn flags_win_over_the_file() {
    let resolved = resolved(&ConnectOptions {
        server: Some("https://other:6443".to_owned()),
        token: Some(SecretString::from("mine".to_owned())),
        insecure_skip_tls_verify: true,
        impersonate: Some("alice".to_owned()),
        impersonate_groups: vec!["ops".to_owned()],
        ..options("two-contexts.yaml")
    });
    assert_eq!(
        resolved.cluster.server.as_deref(),
        Some("https://other:6443")
    );
    assert_eq!(resolved.cluster.certificate_authority, None);
    assert_eq!(
        resolved
            .user
            .token
            .map(|token| token.expose_secret().to_owned()),
        Some("mine".to_owned())
    );
    assert_eq!(resolved.user.impersonate.as_deref(), Some("alice"));
    assert_eq!(
        resolved.user.impersonate_groups,
        Some(vec!["ops".to_owned()])
    );
}

#[test]
fn a_token_flag_replaces_the_credential_plugin() {
    let resolved = resolved(&ConnectOptions {
        context: Some("production".to_owned()),
        token: Some(SecretString::from("mine".to_owned())),
        ..options("two-contexts.yaml")
    });
    assert!(resolved.user.exec.is_none());
}

#[test]
fn the_first_file_of_a_list_wins_and_missing_ones_are_skipped() {
    let list = env::join_paths([
        fixture("not-there.yaml"),
        fixture("two-contexts.yaml"),
        fixture("second.yaml"),
    ])
    .unwrap();
    let options = ConnectOptions {
        environment: Environment {
            kubeconfig: Some(list),
            ..Environment::default()
        },
        ..ConnectOptions::default()
    };
    let first = resolved(&options);
    assert_eq!(
        (first.context.as_str(), first.namespace.as_str()),
        ("staging", "shop")
    );
    let other = resolved(&ConnectOptions {
        context: Some("laptop".to_owned()),
        ..options
    });
    assert_eq!(
        other.cluster.server.as_deref(),
        Some("http://127.0.0.1:8001")
    );
}

#[test]
fn a_named_file_must_exist() {
    let error = refused(&options("not-there.yaml"));
    assert!(
        matches!(error, ConnectError::Unreadable { .. }),
        "{error:?}"
    );
}

#[test]
fn a_broken_file_is_located_without_showing_its_text() {
    let error = refused(&options("broken.yaml"));
    let text = format!("{error} {error:?}");
    assert!(text.contains("line "), "{text}");
    assert!(!text.contains("hunter2"), "{text}");
}

#[test]
fn a_server_flag_needs_no_kubeconfig() {
    let options = ConnectOptions {
        server: Some("http://127.0.0.1:8001".to_owned()),
        ..ConnectOptions::default()
    };
    let resolved = resolve(&Kubeconfig::default(), &options).unwrap().unwrap();
    assert_eq!(resolved.cluster_name, "http://127.0.0.1:8001");
    assert_eq!(resolved.namespace, "default");
}

#[test]
fn nothing_that_names_a_server_is_no_cluster() {
    let options = ConnectOptions::default();
    assert!(load(&options).unwrap().is_none());
    assert!(resolve(&Kubeconfig::default(), &options).unwrap().is_none());
}
