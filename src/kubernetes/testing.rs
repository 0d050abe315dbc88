//! For tests of this folder: a few objects behind the client's own seam, with faults on demand, and a clock that
//! follows the paused time of the test.

use crate::kubernetes::client::Connection;
use crate::kubernetes::request::Requests;
use crate::port::Job;
use crate::port::clock::Clock;
use bytes::Bytes;
use futures::StreamExt as _;
use http::Method;
use http::Request;
use http::Response;
use http_body_util::BodyExt as _;
use http_body_util::Full;
use http_body_util::StreamBody;
use http_body_util::combinators::UnsyncBoxBody;
use jiff::Timestamp;
use kube::Client;
use kube::client::Body;
use serde_json::Value;
use serde_json::json;
use std::collections::BTreeMap;
use std::collections::VecDeque;
use std::convert::Infallible;
use std::future::pending;
use std::io::Error;
use std::io::ErrorKind;
use std::rc::Rc;
use std::sync::Arc;
use std::sync::Mutex;
use std::time::Duration;
use tokio::time::Instant;

/// What happens to the next request instead of an answer.
#[derive(Clone, Debug)]
pub enum Fault {
    /// This status, with `Retry-After` seconds.
    Status(u16, Option<u64>),
    /// The connection breaks before the request is carried out.
    ResetBefore,
    /// The connection breaks after it was carried out.
    ResetAfter,
    /// It is carried out, and no answer ever comes.
    HangAfter,
    /// Nothing happens at all.
    Hang,
    /// Passes.
    None,
}

#[derive(Default)]
struct State {
    objects: BTreeMap<String, Value>,
    version: u64,
    faults: VecDeque<Fault>,
    seen: Vec<String>,
    /// One text a watch, line by line; a watch beyond them stays open without a word.
    watches: VecDeque<String>,
}

/// The server; clones share their objects.
#[derive(Clone, Default)]
pub struct Server(Arc<Mutex<State>>);

type Answer = Response<UnsyncBoxBody<Bytes, Infallible>>;

impl Server {
    /// Requests to it.
    pub fn requests(&self) -> Requests {
        let server = self.clone();
        let service =
            tower::service_fn(move |request: Request<Body>| server.clone().answer(request));
        let connection = Connection {
            client: Client::new(service, "shop"),
            namespace: "shop".to_owned(),
            context: "test".to_owned(),
            cluster: "test".to_owned(),
            server: "https://test".to_owned(),
            request_timeout: None,
            mesh: None,
        };
        Requests::new(&connection, Rc::new(TestClock::default()), 7)
    }

    /// Adds faults for the next requests.
    pub fn fail(&self, faults: impl IntoIterator<Item = Fault>) {
        self.0.lock().unwrap().faults.extend(faults);
    }

    /// Adds what the next watches send.
    pub fn watch_sends(&self, lines: &[Value]) {
        let text: String = lines.iter().map(|line| format!("{line}\n")).collect();
        self.0.lock().unwrap().watches.push_back(text);
    }

    /// Method and path of all requests so far.
    pub fn seen(&self) -> Vec<String> {
        self.0.lock().unwrap().seen.clone()
    }

    /// The object at a path.
    pub fn object(&self, path: &str) -> Option<Value> {
        self.0.lock().unwrap().objects.get(path).cloned()
    }

    /// Puts an object there, with a new version.
    pub fn set(&self, path: &str, object: Value) {
        self.0.lock().unwrap().store(path, object);
    }

    async fn answer(self, request: Request<Body>) -> Result<Answer, Error> {
        let (parts, body) = request.into_parts();
        let body = body.collect_bytes().await.unwrap();
        let body: Value = serde_json::from_slice(&body).unwrap_or(Value::Null);
        let path = parts.uri.path().to_owned();
        let query = parts.uri.query().unwrap_or_default().to_owned();
        let fault = {
            let mut state = self.0.lock().unwrap();
            state.seen.push(format!("{} {}", parts.method, parts.uri));
            state.faults.pop_front().unwrap_or(Fault::None)
        };
        let carry_out = || {
            let mut state = self.0.lock().unwrap();
            if query.contains("watch=true") {
                return match state.watches.pop_front() {
                    Some(text) => Response::new(Full::new(Bytes::from(text)).boxed_unsync()),
                    None => Response::new(
                        StreamBody::new(
                            futures::stream::pending::<Result<_, Infallible>>().boxed(),
                        )
                        .boxed_unsync(),
                    ),
                };
            }
            let content_type = parts
                .headers
                .get("content-type")
                .and_then(|value| value.to_str().ok())
                .unwrap_or_default();
            state.serve(&parts.method, &path, content_type, body.clone())
        };
        match fault {
            Fault::None => Ok(carry_out()),
            Fault::Status(code, wait) => {
                let mut answer = status(code, "");
                if let Some(wait) = wait {
                    answer.headers_mut().insert("retry-after", wait.into());
                }
                Ok(answer)
            }
            Fault::ResetBefore => Err(reset()),
            Fault::ResetAfter => {
                carry_out();
                Err(reset())
            }
            Fault::Hang => pending().await,
            Fault::HangAfter => {
                carry_out();
                pending().await
            }
        }
    }
}

impl State {
    fn store(&mut self, path: &str, mut object: Value) -> Value {
        self.version += 1;
        object["metadata"]["resourceVersion"] = self.version.to_string().into();
        self.objects.insert(path.to_owned(), object.clone());
        object
    }

    fn serve(&mut self, method: &Method, path: &str, content_type: &str, body: Value) -> Answer {
        let found = self.objects.get(path).cloned();
        if *method == Method::POST {
            let name = body.pointer("/metadata/name").and_then(Value::as_str);
            let path = format!("{path}/{}", name.unwrap_or_default());
            return if self.objects.contains_key(&path) {
                status(409, "AlreadyExists")
            } else {
                ok(&self.store(&path, body))
            };
        }
        let Some(found) = found else {
            let below: Vec<&Value> = self
                .objects
                .iter()
                .filter(|(key, _)| {
                    key.rsplit_once('/')
                        .is_some_and(|(parent, _)| parent == path)
                })
                .map(|(_, object)| object)
                .collect();
            return if *method == Method::GET && (!below.is_empty() || path.ends_with("maps")) {
                ok(&json!({
                    "metadata": {"resourceVersion": self.version.to_string()},
                    "items": below,
                }))
            } else {
                status(404, "NotFound")
            };
        };
        let stale = body
            .pointer("/metadata/resourceVersion")
            .is_some_and(|version| Some(version) != found.pointer("/metadata/resourceVersion"));
        match method.as_str() {
            _ if stale => status(409, "Conflict"),
            "GET" => ok(&found),
            "PUT" => ok(&self.store(path, body)),
            "DELETE" => {
                self.objects.remove(path);
                ok(&json!({"kind": "Status", "status": "Success"}))
            }
            "PATCH" => {
                let mut changed = found;
                if content_type.starts_with("application/json-patch") {
                    let operations: json_patch::Patch = serde_json::from_value(body).unwrap();
                    if json_patch::patch(&mut changed, &operations).is_err() {
                        return status(422, "Invalid");
                    }
                } else {
                    json_patch::merge(&mut changed, &body);
                }
                ok(&self.store(path, changed))
            }
            other => panic!("{other} is not served"),
        }
    }
}

fn ok(object: &Value) -> Answer {
    Response::new(Full::new(Bytes::from(object.to_string())).boxed_unsync())
}

fn status(code: u16, reason: &str) -> Answer {
    let body = json!({"kind": "Status", "apiVersion": "v1", "code": code, "reason": reason, "message": "as ordered"});
    let mut answer = ok(&body);
    *answer.status_mut() = code.try_into().unwrap();
    answer
}

fn reset() -> Error {
    Error::from(ErrorKind::ConnectionReset)
}

/// Follows tokio's paused time.
#[derive(Clone, Copy)]
pub struct TestClock(Instant);

impl Default for TestClock {
    fn default() -> Self {
        Self(Instant::now())
    }
}

impl Clock for TestClock {
    fn now(&self) -> Timestamp {
        Timestamp::constant(1_800_000_000, 0) + self.0.elapsed()
    }

    fn boot(&self) -> Duration {
        Duration::from_secs(1000) + self.0.elapsed()
    }

    fn sleep(&self, duration: Duration) -> Job<'_, ()> {
        Box::pin(tokio::time::sleep(duration))
    }
}
