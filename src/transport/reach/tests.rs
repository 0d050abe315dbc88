//! Addresses, honest and otherwise.

use super::*;

fn to(url: &str) -> Reach {
    reach(
        url,
        false,
        Some(NamespaceState::Exists),
        &AllowList::default(),
    )
}

fn with_state(url: &str, state: NamespaceState) -> Reach {
    reach(url, false, Some(state), &AllowList::default())
}

fn allowed(entry: &str) -> AllowList {
    AllowList::parse(&[entry]).unwrap()
}

fn is_refused(reach: &Reach) -> bool {
    matches!(reach, Reach::Refused { .. })
}

fn help(reach: &Reach) -> &str {
    match reach {
        Reach::Refused { help, .. } => help,
        Reach::InCluster(_) | Reach::Direct { .. } => panic!("{reach:?}"),
    }
}

#[test]
fn all_forms_of_a_services_name_lead_to_the_same_service() {
    for host in [
        "prometheus.monitoring",
        "prometheus.monitoring.svc",
        "prometheus.monitoring.svc.cluster.local",
        "prometheus.monitoring.svc.cluster.local.",
        "PROMETHEUS.monitoring",
    ] {
        let Reach::InCluster(service) = to(&format!("http://{host}:9090/api/v1/query?query=a%2Bb"))
        else {
            panic!("{host}");
        };
        assert_eq!(
            service.url(),
            "http://prometheus.monitoring.svc:9090/api/v1/query?query=a%2Bb"
        );
    }
}

#[test]
fn the_port_of_a_service_is_the_schemes_if_none_is_written() {
    for (url, port) in [("http://a.b/", 80), ("https://a.b/", 443)] {
        let Reach::InCluster(service) = to(url) else {
            panic!("{url}");
        };
        assert_eq!(service.port, port);
    }
}

#[test]
fn dots_in_a_path_are_worked_out_before_it_leaves() {
    for path in ["/a/../../x", "/a/%2e%2e/%2E./x"] {
        let Reach::InCluster(service) = to(&format!("http://a.b{path}")) else {
            panic!("{path}");
        };
        assert_eq!(service.path, "/x");
    }
}

#[test]
fn a_name_without_namespace_asks_for_one() {
    assert_eq!(
        help(&to("http://prometheus:9090")),
        "write http://prometheus.NAMESPACE:9090"
    );
}

#[test]
fn a_public_https_host_is_dialled() {
    for url in [
        "https://hooks.slack.com/x",
        "https://1.1.1.1/",
        "https://discord.com/api",
    ] {
        assert_eq!(
            with_state(url, NamespaceState::Absent),
            Reach::Direct { trusted: false },
            "{url}"
        );
    }
}

#[test]
fn public_http_is_refused() {
    assert!(is_refused(&with_state(
        "http://example.com/",
        NamespaceState::Absent
    )));
    assert!(is_refused(&to("http://1.1.1.1/")));
}

#[test]
fn a_service_in_a_namespace_that_does_not_exist_is_refused() {
    assert!(is_refused(&with_state(
        "http://a.b.svc/",
        NamespaceState::Absent
    )));
}

#[test]
fn without_the_right_to_look_at_namespaces_http_is_taken_for_a_service() {
    let hidden = NamespaceState::Hidden;
    assert!(matches!(
        with_state("http://a.b/", hidden),
        Reach::InCluster(_)
    ));
    assert!(matches!(
        with_state("https://a.b.svc/", hidden),
        Reach::InCluster(_)
    ));
    assert_eq!(
        with_state("https://discord.com/", hidden),
        Reach::Direct { trusted: false }
    );
}

#[test]
fn every_spelling_of_a_private_address_is_refused() {
    for host in [
        "127.0.0.1",
        "127.1",
        "2130706433",
        "0x7f000001",
        "0177.0.0.1",
        "0x7f.1",
        "017700000001",
        "127.0.0.1.",
        "0",
        "0.0.0.0",
        "10.0.0.1",
        "172.16.0.1",
        "192.168.0.1",
        "169.254.169.254",
        "2852039166",
        "0xa9fea9fe",
        "100.64.0.1",
        "[::1]",
        "[::]",
        "[::ffff:127.0.0.1]",
        "[::ffff:7f00:1]",
        "[0:0:0:0:0:ffff:a9fe:a9fe]",
        "[fe80::1]",
        "[fd00::1]",
        "[64:ff9b::7f00:1]",
        "[2002:7f00:1::]",
        "localhost",
        "LOCALHOST",
        "localhost.",
        "a.localhost",
        "\u{ff11}27.0.0.1",
        "127\u{3002}0.0.1",
        "%31%32%37.0.0.1",
        "user@127.0.0.1",
        "example.com@127.0.0.1",
        "example.com:x@127.0.0.1",
    ] {
        for scheme in ["http", "https"] {
            let url = format!("{scheme}://{host}/");
            assert!(
                is_refused(&with_state(&url, NamespaceState::Absent)),
                "{url}"
            );
        }
    }
}

#[test]
fn a_backslash_does_not_hide_the_host() {
    assert!(is_refused(&with_state(
        "https://127.0.0.1\\@example.com/",
        NamespaceState::Absent
    )));
}

#[test]
fn other_schemes_and_broken_addresses_are_refused() {
    for url in [
        "file:///etc/passwd",
        "ftp://a.b/",
        "gopher://a.b/",
        "",
        "a.b",
        "http://",
        "http://a b/",
    ] {
        assert!(is_refused(&to(url)), "{url}");
    }
}

#[test]
fn credentials_never_go_through_the_api_server() {
    let state = Some(NamespaceState::Exists);
    let list = AllowList::default();
    assert!(is_refused(&reach("http://a.b:9090/", true, state, &list)));
    assert!(is_refused(&reach(
        "http://u:p@a.b:9090/",
        false,
        state,
        &list
    )));
    assert_eq!(
        reach("http://a.b:9090/", true, state, &allowed("a.b:9090")),
        Reach::Direct { trusted: true }
    );
}

#[test]
fn an_allowed_host_is_dialled_at_its_port_only() {
    let list = allowed("127.0.0.1:9090");
    assert_eq!(
        reach("http://127.0.0.1:9090/", false, None, &list),
        Reach::Direct { trusted: true }
    );
    assert!(is_refused(&reach(
        "http://127.0.0.1:9091/",
        false,
        None,
        &list
    )));
}

#[test]
fn an_entry_without_port_allows_all_ports() {
    for (entry, url) in [
        ("[::1]", "http://[::1]:9090/"),
        ("::1", "http://[::1]/"),
        ("prometheus", "http://prometheus:9090/"),
        ("Prometheus.Corp", "http://prometheus.corp/"),
        ("127.1", "http://127.0.0.1:1/"),
    ] {
        assert_eq!(
            reach(url, false, None, &allowed(entry)),
            Reach::Direct { trusted: true },
            "{entry}"
        );
    }
}

#[test]
fn a_default_port_in_an_entry_counts() {
    assert_eq!(
        reach(
            "http://example.com/",
            false,
            None,
            &allowed("example.com:80")
        ),
        Reach::Direct { trusted: true }
    );
    assert!(is_refused(&reach(
        "http://example.com:8080/",
        false,
        None,
        &allowed("example.com:80")
    )));
}

#[test]
fn an_entry_that_is_a_url_is_refused() {
    for entry in ["http://a.b", "a.b/x", "", "u@a.b", "a.b:x"] {
        assert!(AllowList::parse(&[entry]).is_err(), "{entry}");
    }
}

#[test]
fn only_names_that_could_be_services_are_looked_up() {
    let list = allowed("allowed.host");
    for (url, namespace) in [
        ("http://a.b/", Some("b")),
        ("http://a.b.svc/", Some("b")),
        ("https://hooks.slack.com/", None),
        ("http://10.0.0.1/", None),
        ("http://allowed.host/", None),
        ("http://a.localhost/", None),
    ] {
        assert_eq!(
            namespace_in_question(url, &list).as_deref(),
            namespace,
            "{url}"
        );
    }
}
