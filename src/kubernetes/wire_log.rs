//! `-v`: what is sent to the API server, for people who look for a fault.
//!
//! The levels are kubectl's. Must not show credentials, what is in a Secret, or bodies of answers, which may hold both.

use http::HeaderMap;
use http::Request;
use http::Response;
use http::header::AUTHORIZATION;
use http::header::COOKIE;
use http::header::SET_COOKIE;
use http_body_util::BodyExt as _;
use kube::Client;
use kube::client::Body;
use std::fmt::Write as _;
use std::sync::Arc;
use tokio::time::Instant;

/// Requests are told from this level on.
pub const REQUESTS: u8 = 6;
const HEADERS: u8 = 7;
const BODIES: u8 = 8;
const WHOLE_BODIES: u8 = 9;

/// Characters of a body below [`WHOLE_BODIES`].
const EXCERPT: usize = 1024;

/// Where it is told, and how much: 6 a line for every request, 7 its headers too, 8 the answer's headers and the
/// beginning of what is sent, 9 all of that.
#[derive(Clone)]
pub struct WireLog {
    level: u8,
    say: Arc<dyn Fn(&str) + Send + Sync>,
}

impl WireLog {
    /// `None` where the level is too low for anything to be told. `say` is given one or more whole lines.
    pub fn new(level: u8, say: impl Fn(&str) + Send + Sync + 'static) -> Option<Self> {
        (level >= REQUESTS).then(|| Self {
            level,
            say: Arc::new(say),
        })
    }

    /// That client, with its requests told. `server` is its URL without credentials.
    #[must_use]
    pub fn around(self, client: Client, namespace: &str, server: &str) -> Client {
        let valid_until = *client.valid_until();
        let server = server.to_owned();
        let service = tower::service_fn(move |request: Request<Body>| {
            let (log, client, server) = (self.clone(), client.clone(), server.clone());
            async move { log.send(&client, &server, request).await }
        });
        Client::new(service, namespace).with_valid_until(valid_until)
    }

    async fn send(
        &self,
        client: &Client,
        server: &str,
        request: Request<Body>,
    ) -> Result<Response<Body>, kube::Error> {
        let what = format!("{} {server}{}", request.method(), request.uri());
        let mut details = String::new();
        if self.level >= HEADERS {
            headers(&mut details, "Request Headers", request.headers());
        }
        let request = if self.level >= BODIES {
            self.with_body(request, &mut details).await?
        } else {
            request
        };
        let began = Instant::now();
        let answer = client.send(request).await;
        let took = began.elapsed().as_millis();
        let line = match &answer {
            Ok(answer) => {
                if self.level >= BODIES {
                    headers(&mut details, "Response Headers", answer.headers());
                }
                format!("{what} {} in {took} milliseconds", answer.status())
            }
            Err(error) => format!("{what} failed after {took} milliseconds: {error}"),
        };
        (self.say)(&format!("{line}\n{details}"));
        answer
    }

    /// Adds the body to the details, and gives the request back with it.
    async fn with_body(
        &self,
        request: Request<Body>,
        details: &mut String,
    ) -> Result<Request<Body>, kube::Error> {
        let (head, body) = request.into_parts();
        let body = body.collect().await?.to_bytes();
        if !body.is_empty() {
            let shown = if is_secret(head.uri.path()) {
                format!("({} bytes of a Secret)", body.len())
            } else {
                excerpt(&String::from_utf8_lossy(&body), self.level)
            };
            // a String takes everything
            let _written = writeln!(details, "Request Body: {shown}");
        }
        Ok(Request::from_parts(head, Body::from(body.to_vec())))
    }
}

/// Is this a path of the resource `secrets`?
fn is_secret(path: &str) -> bool {
    path.split('/').any(|part| part == "secrets")
}

fn excerpt(body: &str, level: u8) -> String {
    match body.char_indices().nth(EXCERPT) {
        Some((end, _)) if level < WHOLE_BODIES => {
            let cut = body.get(end..).unwrap_or_default();
            let shown = body.get(..end).unwrap_or_default();
            format!("{shown} [{} more characters]", cut.chars().count())
        }
        Some(_) | None => body.to_owned(),
    }
}

fn headers(details: &mut String, title: &str, headers: &HeaderMap) {
    // a String takes everything
    let _written = writeln!(details, "{title}:");
    for (name, value) in headers {
        let hidden = value.is_sensitive() || [AUTHORIZATION, COOKIE, SET_COOKIE].contains(name);
        let value = if hidden {
            "<masked>".into()
        } else {
            String::from_utf8_lossy(value.as_bytes())
        };
        let _written = writeln!(details, "    {name}: {value}");
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::kubernetes::client::ensure_crypto;
    use http::Method;
    use http_body_util::Full;
    use std::sync::Mutex;

    /// What is told at a level of one request that is answered with 200.
    async fn told(level: u8, method: Method, path: &str, body: &str) -> String {
        ensure_crypto();
        let heard = Arc::new(Mutex::new(String::new()));
        let sink = Arc::clone(&heard);
        let server = tower::service_fn(async |request: Request<Body>| {
            let echoed = request.into_body().collect().await?.to_bytes();
            Ok::<_, kube::Error>(
                Response::builder()
                    .header("audit-id", "7")
                    .body(Full::new(echoed))
                    .unwrap(),
            )
        });
        let client = Client::new(server, "shop");
        let client = WireLog::new(level, move |line: &str| sink.lock().unwrap().push_str(line))
            .map_or(client.clone(), |log| {
                log.around(client, "shop", "https://cluster:6443")
            });
        let request = Request::builder()
            .method(method)
            .uri(path)
            .header("accept", "application/json")
            .header(AUTHORIZATION, "Bearer hunter2")
            .body(Body::from(body.as_bytes().to_vec()))
            .unwrap();
        let answer = client.send(request).await.unwrap();
        let echoed = answer.into_body().collect().await.unwrap().to_bytes();
        assert_eq!(echoed, body.as_bytes());
        let heard = heard.lock().unwrap().clone();
        assert!(!heard.contains("hunter2"), "{heard}");
        heard
    }

    const PATH: &str = "/api/v1/namespaces/shop/services/podinfo?timeout=10s";

    #[tokio::test(start_paused = true)]
    async fn every_request_is_one_line_with_its_answer() {
        assert_eq!(
            told(6, Method::GET, PATH, "").await,
            format!("GET https://cluster:6443{PATH} 200 OK in 0 milliseconds\n")
        );
        assert_eq!(told(5, Method::GET, PATH, "").await, "");
    }

    #[tokio::test(start_paused = true)]
    async fn headers_come_without_credentials_and_bodies_after_them() {
        let patch = r#"{"spec":{"replicas":3}}"#;
        assert_eq!(
            told(8, Method::PATCH, "/apis/apps/v1/deployments/podinfo", patch).await,
            format!(
                "PATCH https://cluster:6443/apis/apps/v1/deployments/podinfo 200 OK in 0 milliseconds\n\
                 Request Headers:\n    accept: application/json\n    authorization: <masked>\n\
                 Request Body: {patch}\n\
                 Response Headers:\n    audit-id: 7\n"
            )
        );
        assert!(
            !told(7, Method::PATCH, PATH, patch)
                .await
                .contains("replicas")
        );
    }

    #[tokio::test(start_paused = true)]
    async fn what_is_in_a_secret_is_never_told() {
        let path = "/api/v1/namespaces/shop/secrets/podinfo-primary";
        let text = told(9, Method::PUT, path, r#"{"data":{"key":"czNjcjN0"}}"#).await;
        assert!(text.contains("(27 bytes of a Secret)"), "{text}");
        assert!(!text.contains("czNjcjN0"), "{text}");
    }

    #[tokio::test(start_paused = true)]
    async fn a_long_body_is_whole_at_the_highest_level_alone() {
        let body = "ä".repeat(EXCERPT + 5);
        let text = told(8, Method::PUT, PATH, &body).await;
        assert!(text.contains("ä [5 more characters]"), "{text}");
        assert!(told(9, Method::PUT, PATH, &body).await.contains(&body));
    }
}
