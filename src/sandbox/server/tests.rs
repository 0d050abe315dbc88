use super::Server;
use super::ServerError;
use crate::sandbox::SandboxCluster;
use crate::sandbox::SandboxOptions;
use crate::sandbox::clock::SandboxClock;
use serde_json::Value;
use std::net::SocketAddr;
use tokio::io::AsyncReadExt as _;
use tokio::io::AsyncWriteExt as _;
use tokio::net::TcpStream;
use tokio_rustls::TlsConnector;
use tokio_rustls::rustls::ClientConfig;
use tokio_rustls::rustls::RootCertStore;
use tokio_rustls::rustls::crypto::ring;
use tokio_rustls::rustls::pki_types::CertificateDer;
use tokio_rustls::rustls::pki_types::ServerName;
use tokio_rustls::rustls::pki_types::pem::PemObject as _;

struct Serving {
    address: SocketAddr,
    connector: TlsConnector,
}

async fn serving() -> Serving {
    let cluster = SandboxCluster::new(SandboxOptions::new(SandboxClock::at_speed(1.0)));
    let server = Server::bind(0).await.unwrap();
    let address = server.address();
    let mut roots = RootCertStore::empty();
    let certificate = CertificateDer::from_pem_slice(server.certificate_pem().as_bytes()).unwrap();
    roots.add(certificate).unwrap();
    let config = ClientConfig::builder_with_provider(ring::default_provider().into())
        .with_safe_default_protocol_versions()
        .unwrap()
        .with_root_certificates(roots)
        .with_no_client_auth();
    tokio::spawn(server.run(cluster.service(), "t0ken".to_owned()));
    Serving {
        address,
        connector: TlsConnector::from(std::sync::Arc::new(config)),
    }
}

/// Status line and body of one request over its own connection.
async fn ask(serving: &Serving, head: &str, body: &str) -> (String, String) {
    let stream = TcpStream::connect(serving.address).await.unwrap();
    let name = ServerName::try_from("127.0.0.1").unwrap();
    let mut stream = serving.connector.connect(name, stream).await.unwrap();
    let length = body.len();
    let text =
        format!("{head}\r\nHost: a\r\nConnection: close\r\nContent-Length: {length}\r\n\r\n{body}");
    stream.write_all(text.as_bytes()).await.unwrap();
    let mut answer = String::new();
    // A server that closes without saying so has still answered.
    let _ = stream.read_to_string(&mut answer).await;
    let (head, body) = answer.split_once("\r\n\r\n").unwrap();
    (head.lines().next().unwrap().to_owned(), body.to_owned())
}

#[tokio::test]
async fn whoever_brings_the_token_is_answered() {
    let serving = serving().await;
    let head = "GET /version HTTP/1.1\r\nAuthorization: Bearer t0ken";
    let (status, body) = ask(&serving, head, "").await;
    assert_eq!(status, "HTTP/1.1 200 OK");
    assert!(body.contains("gitVersion"), "{body}");
}

#[tokio::test]
async fn a_kubectl_that_is_too_old_is_told_so() {
    let serving = serving().await;
    for (agent, status) in [
        ("kubectl/v1.24.17 (linux/amd64) kubernetes/22a9682", 400),
        ("kubectl/v1.25.0 (linux/amd64) kubernetes/a866cbe", 200),
        ("kubectl/v1.32.4-dispatcher (linux/amd64)", 200),
        ("kubectl-flagger/0.1.0", 200),
    ] {
        let head =
            format!("GET /api HTTP/1.1\r\nAuthorization: Bearer t0ken\r\nUser-Agent: {agent}");
        let (line, body) = ask(&serving, &head, "").await;
        assert!(line.contains(&status.to_string()), "{agent}: {line}");
        let old = body.contains("kubectl 1.24 is too old for the embedded cluster");
        assert_eq!(old, status == 400, "{body}");
    }
}

#[tokio::test]
async fn a_wrong_or_missing_token_is_unauthorized() {
    let serving = serving().await;
    for head in [
        "GET /version HTTP/1.1",
        "GET /version HTTP/1.1\r\nAuthorization: Bearer other",
    ] {
        let (status, body) = ask(&serving, head, "").await;
        assert_eq!(status, "HTTP/1.1 401 Unauthorized");
        let body: Value = serde_json::from_str(&body).unwrap();
        assert_eq!(body["message"], "Unauthorized");
        assert_eq!(body["reason"], "Unauthorized");
    }
}

#[tokio::test]
async fn a_port_in_use_is_said() {
    let first = Server::bind(0).await.unwrap();
    let port = first.address().port();
    assert!(
        matches!(Server::bind(port).await, Err(ServerError::PortInUse { port: p }) if p == port)
    );
}
