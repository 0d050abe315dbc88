//! Connections to servers that are there and that are not.

use super::*;
use crate::canary::object::Resource;
use crate::kubernetes::operation::Patch;
use crate::kubernetes::operation::WriteOptions;
use crate::kubernetes::options::Environment;
use crate::kubernetes::request::Requests;
use crate::kubernetes::testing::TestClock;
use crate::port::cluster_error::ClusterError;
use secrecy::SecretString;
use std::path::Path;
use std::rc::Rc;
use tokio::io::AsyncReadExt as _;
use tokio::io::AsyncWriteExt as _;
use tokio::net::TcpListener;

fn options(file: &str) -> ConnectOptions {
    ConnectOptions {
        kubeconfig: Some(
            Path::new(env!("CARGO_MANIFEST_DIR"))
                .join("testdata/kubeconfig")
                .join(file),
        ),
        ..ConnectOptions::default()
    }
}

fn config_of(options: &ConnectOptions) -> Config {
    target(options).map(|target| target.config).unwrap()
}

#[tokio::test]
async fn plain_http_needs_no_certificate_bundle() {
    let connection = connect(&options("second.yaml")).await.unwrap();
    assert_eq!(connection.server, "http://127.0.0.1:8001");
    assert_eq!(connection.context, "laptop");
    assert_eq!(connection.cluster, "laptop");
    assert_eq!(connection.namespace, "default");
}

#[tokio::test]
async fn the_namespace_flag_wins_over_the_context() {
    let connection = connect(&ConnectOptions {
        namespace: Some("mine".to_owned()),
        ..options("second.yaml")
    })
    .await
    .unwrap();
    assert_eq!(connection.namespace, "mine");
}

#[tokio::test]
async fn a_failed_plugin_shows_its_error_but_no_credentials() {
    let Err(error) = connect(&options("plugins.yaml")).await else {
        panic!("connected");
    };
    let text = format!("{error} {error:?}");
    assert!(text.contains("sh failed with exit status: 7"), "{text}");
    assert!(text.contains("session over"), "{text}");
    assert!(!text.contains("hunter"), "{text}");
}

#[tokio::test]
async fn a_plugin_that_must_ask_is_refused_where_nobody_answers() {
    let asked = connect(&ConnectOptions {
        context: Some("asking".to_owned()),
        ..options("plugins.yaml")
    })
    .await;
    assert!(matches!(asked, Err(ConnectError::Credentials { .. })));
}

#[test]
fn a_proxy_of_the_environment_is_used_unless_the_server_is_exempt() {
    let through = |no_proxy: &str| {
        config_of(&ConnectOptions {
            context: Some("production".to_owned()),
            environment: Environment {
                proxy: ProxySettings {
                    https: Some("http://proxy:3128".to_owned()),
                    http: None,
                    no_proxy: Some(no_proxy.to_owned()),
                },
                ..Environment::default()
            },
            ..options("two-contexts.yaml")
        })
        .proxy_url
        .map(|url| url.to_string())
    };
    assert_eq!(through("other,").as_deref(), Some("http://proxy:3128/"));
    assert_eq!(through("example,"), None);
}

#[test]
fn a_server_without_scheme_is_https_only_where_tls_is_spoken_of() {
    let plain = Cluster {
        server: Some("host:8001".to_owned()),
        ..Cluster::default()
    };
    assert_eq!(server_url(&plain, &AuthInfo::default()), "http://host:8001");
    let tls = Cluster {
        insecure_skip_tls_verify: Some(true),
        ..plain
    };
    assert_eq!(server_url(&tls, &AuthInfo::default()), "https://host:8001");
}

#[tokio::test]
async fn what_goes_over_the_wire_names_user_program_and_path() {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let port = listener.local_addr().unwrap().port();
    let asked = tokio::spawn(async move {
        let (mut socket, _) = listener.accept().await.unwrap();
        let mut asked = vec![0; 4096];
        let count = socket.read(&mut asked).await.unwrap();
        let answer = b"HTTP/1.1 200 OK\r\ncontent-length: 2\r\n\r\n{}";
        socket.write_all(answer).await.unwrap();
        String::from_utf8_lossy(&asked[..count]).into_owned()
    });
    let connection = connect(&ConnectOptions {
        server: Some(format!("http://127.0.0.1:{port}/base/")),
        token: Some(SecretString::from("mine".to_owned())),
        impersonate: Some("bob".to_owned()),
        impersonate_groups: vec!["ops".to_owned(), "dev".to_owned()],
        ..ConnectOptions::default()
    })
    .await
    .unwrap();
    let requests = Requests::new(&connection, Rc::new(TestClock::default()), 1);
    let object = Resource::NAMESPACE.cluster_scoped("shop");
    requests.get(&object).await.unwrap();
    let asked = asked.await.unwrap().to_lowercase();
    for line in [
        "get /base/api/v1/namespaces/shop http/1.1",
        "authorization: bearer mine",
        "impersonate-user: bob",
        "impersonate-group: ops",
        "impersonate-group: dev",
        "user-agent: kubectl-flagger/",
    ] {
        assert!(asked.contains(line), "{line} in {asked}");
    }
}

#[tokio::test]
async fn a_server_that_is_not_there_is_unreachable() {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let port = listener.local_addr().unwrap().port();
    drop(listener);
    let connection = connect(&ConnectOptions {
        server: Some(format!("http://127.0.0.1:{port}")),
        ..ConnectOptions::default()
    })
    .await
    .unwrap();
    let requests = Requests::new(&connection, Rc::new(TestClock::default()), 1);
    let object = Resource::NAMESPACE.cluster_scoped("shop");
    let change = Patch::Merge(serde_json::json!({}));
    let error = requests
        .patch(&object, &change, WriteOptions::default())
        .await
        .unwrap_err();
    let text = error.to_string();
    assert!(matches!(error, ClusterError::Unreachable { .. }), "{text}");
    assert!(
        text.contains(&format!("http://127.0.0.1:{port}: ")),
        "{text}"
    );
    assert!(text.contains("refused"), "{text}");
}
