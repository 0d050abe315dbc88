//! Servers on loopback.

use super::*;
use tokio::io::AsyncReadExt as _;
use tokio::io::AsyncWriteExt as _;
use tokio::net::TcpListener;

fn get(url: &str) -> HttpRequest {
    HttpRequest {
        method: "GET",
        url: url.to_owned(),
        headers: vec![("x-test".to_owned(), "yes".to_owned())],
        body: Vec::new(),
        timeout: Duration::from_secs(5),
    }
}

fn anywhere() -> DirectTransport {
    DirectTransport::new(Dialling::Anywhere, &ProxySettings::default()).unwrap()
}

/// Answers one connection with that text and gives back what was asked.
async fn serve(answer: Vec<u8>) -> (u16, tokio::task::JoinHandle<String>) {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let port = listener.local_addr().unwrap().port();
    let asked = tokio::spawn(async move {
        let (mut socket, _) = listener.accept().await.unwrap();
        let mut asked = Vec::new();
        let mut buffer = [0; 1024];
        while !asked.windows(4).any(|end| end == b"\r\n\r\n") {
            let count = socket.read(&mut buffer).await.unwrap();
            asked.extend_from_slice(&buffer[..count]);
        }
        // The other end may hang up first.
        let _cut_short = socket.write_all(&answer).await;
        String::from_utf8(asked).unwrap()
    });
    (port, asked)
}

#[tokio::test]
async fn an_answer_comes_back_whatever_its_status() {
    let (port, asked) = serve(b"HTTP/1.1 418 Teapot\r\ncontent-length: 2\r\n\r\nno".to_vec()).await;
    let answer = anywhere()
        .send(&get(&format!("http://127.0.0.1:{port}/x?q=1")))
        .await
        .unwrap();
    assert_eq!((answer.status, answer.body.as_slice()), (418, &b"no"[..]));
    let asked = asked.await.unwrap();
    assert!(asked.starts_with("GET /x?q=1 HTTP/1.1"), "{asked}");
    assert!(asked.contains("x-test: yes"), "{asked}");
    assert!(asked.contains("user-agent: kubectl-flagger/"), "{asked}");
}

#[tokio::test]
async fn a_redirect_is_an_answer() {
    let (port, _) = serve(
        b"HTTP/1.1 302 Found\r\nlocation: http://169.254.169.254/\r\ncontent-length: 0\r\n\r\n"
            .to_vec(),
    )
    .await;
    let answer = anywhere()
        .send(&get(&format!("http://127.0.0.1:{port}/")))
        .await
        .unwrap();
    assert_eq!(answer.status, 302);
}

#[tokio::test]
async fn an_endless_answer_is_cut_off() {
    let mut text = b"HTTP/1.1 200 OK\r\n\r\n".to_vec();
    text.resize(BODY_LIMIT + 100_000, b'x');
    let (port, _) = serve(text).await;
    let error = anywhere()
        .send(&get(&format!("http://127.0.0.1:{port}/")))
        .await
        .unwrap_err();
    assert!(error.to_string().contains("longer than"), "{error}");
}

#[tokio::test]
async fn a_failure_names_the_host_but_not_the_query() {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let port = listener.local_addr().unwrap().port();
    drop(listener);
    let url = format!("http://127.0.0.1:{port}/?token=hunter2");
    let error = anywhere().send(&get(&url)).await.unwrap_err();
    let text = format!("{error} {error:?}");
    assert!(text.contains(&format!("127.0.0.1:{port}")), "{text}");
    assert!(text.contains("refused"), "{text}");
    assert!(!text.contains("hunter2"), "{text}");
}

#[tokio::test]
async fn a_name_of_this_machine_is_refused_where_only_public_hosts_are_dialled() {
    let (port, _) = serve(b"HTTP/1.1 200 OK\r\ncontent-length: 0\r\n\r\n".to_vec()).await;
    let public = DirectTransport::new(Dialling::PublicOnly, &ProxySettings::default()).unwrap();
    let error = public
        .send(&get(&format!("http://localhost:{port}/")))
        .await
        .unwrap_err();
    assert!(matches!(error, TransportError::Refused { .. }), "{error:?}");
}

#[tokio::test]
async fn a_silent_server_is_given_up_on() {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let port = listener.local_addr().unwrap().port();
    let request = HttpRequest {
        timeout: Duration::from_millis(20),
        ..get(&format!("http://127.0.0.1:{port}/"))
    };
    let error = anywhere().send(&request).await.unwrap_err();
    assert!(error.to_string().contains("within 0.02 s"), "{error}");
}

#[test]
fn of_several_addresses_only_the_public_ones_are_dialled() {
    let public: SocketAddr = "1.1.1.1:0".parse().unwrap();
    let private: SocketAddr = "10.0.0.1:0".parse().unwrap();
    assert_eq!(
        public_of(vec![private, public], false).ok(),
        Some(vec![public])
    );
    assert!(public_of(vec![private], false).is_err());
    assert!(public_of(vec![private], true).is_ok());
}
