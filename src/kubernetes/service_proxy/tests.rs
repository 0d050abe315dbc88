//! Services through a server with faults.

use super::*;
use crate::kubernetes::testing::Fault;
use crate::kubernetes::testing::Server;
use serde_json::json;
use std::time::Duration;

const PATH: &str = "/api/v1/namespaces/shop/services/http:web:8080/proxy/x";

fn get(url: &str) -> HttpRequest {
    HttpRequest {
        method: "GET",
        url: url.to_owned(),
        headers: vec![("x-test".to_owned(), "yes".to_owned())],
        body: Vec::new(),
        timeout: Duration::from_secs(5),
    }
}

#[tokio::test(start_paused = true)]
async fn a_service_is_asked_through_the_api_server() {
    let server = Server::default();
    server.set(PATH, json!({"answer": 42}));
    let proxy = ServiceProxy::new(server.requests());
    let answer = proxy
        .send(&get("http://web.shop.svc:8080/x?q=a%20b"))
        .await
        .unwrap();
    assert_eq!(answer.status, 200);
    assert!(String::from_utf8_lossy(&answer.body).contains("42"));
    assert_eq!(server.seen(), [format!("GET {PATH}?q=a%20b")]);
}

#[tokio::test(start_paused = true)]
async fn a_missing_right_is_named() {
    let server = Server::default();
    server.fail([Fault::Status(403, None)]);
    let proxy = ServiceProxy::new(server.requests());
    let error = proxy
        .send(&get("http://web.shop.svc:8080/x"))
        .await
        .unwrap_err();
    assert_eq!(
        error.to_string(),
        "not allowed to reach web.shop:8080: ask for: get services/proxy in shop (as ordered)"
    );
}

#[tokio::test(start_paused = true)]
async fn a_service_without_endpoints_is_unreachable() {
    let server = Server::default();
    server.fail([Fault::Status(503, None)]);
    let proxy = ServiceProxy::new(server.requests());
    let error = proxy
        .send(&get("http://web.shop.svc:8080/x"))
        .await
        .unwrap_err();
    assert!(
        matches!(error, TransportError::Unreachable { .. }),
        "{error:?}"
    );
}

#[tokio::test(start_paused = true)]
async fn a_silent_service_is_given_up_on() {
    let server = Server::default();
    server.fail([Fault::Hang]);
    let proxy = ServiceProxy::new(server.requests());
    let error = proxy
        .send(&get("http://web.shop.svc:8080/x"))
        .await
        .unwrap_err();
    assert!(error.to_string().contains("within 5 s"), "{error}");
}

#[tokio::test(start_paused = true)]
async fn headers_that_speak_to_the_api_server_are_refused() {
    let server = Server::default();
    let proxy = ServiceProxy::new(server.requests());
    for name in [
        "Authorization",
        "Impersonate-User",
        "X-Remote-Group",
        "Host",
    ] {
        let mut request = get("http://web.shop.svc:8080/x");
        request.headers.push((name.to_owned(), "admin".to_owned()));
        let error = proxy.send(&request).await.unwrap_err();
        assert!(
            matches!(error, TransportError::Refused { .. }),
            "{name}: {error:?}"
        );
    }
    assert!(server.seen().is_empty());
}

#[tokio::test(start_paused = true)]
async fn an_address_that_leaves_its_service_is_refused() {
    let server = Server::default();
    let proxy = ServiceProxy::new(server.requests());
    for url in [
        "http://web.shop.svc:8080/../../../secrets",
        "http://web.shop.svc:8080/%2e%2e/x",
        "http://web.shop.svc:8080/a/..%2fx",
        "http://web.shop.svc:8080/a/%252e%252e/x",
        "http://web:80.shop.svc:8080/x",
        "http://web.shop:8080/x",
        "http://web.shop.svc/x",
    ] {
        let error = proxy.send(&get(url)).await.unwrap_err();
        assert!(
            matches!(error, TransportError::Refused { .. }),
            "{url}: {error:?}"
        );
    }
    assert!(server.seen().is_empty());
}

#[test]
fn an_error_of_the_service_itself_is_an_answer() {
    assert!(own_words(403, b"{\"error\":\"no\"}").is_none());
    assert!(own_words(404, b"not found").is_none());
    assert!(own_words(200, b"{\"kind\":\"Status\",\"apiVersion\":\"v1\"}").is_none());
}

#[tokio::test(start_paused = true)]
async fn a_namespace_is_there_absent_or_hidden() {
    let server = Server::default();
    server.set("/api/v1/namespaces/shop", json!({}));
    let requests = server.requests();
    assert_eq!(requests.state("shop").await, Ok(NamespaceState::Exists));
    assert_eq!(requests.state("com").await, Ok(NamespaceState::Absent));
    server.fail([Fault::Status(403, None)]);
    assert_eq!(requests.state("shop").await, Ok(NamespaceState::Hidden));
}
