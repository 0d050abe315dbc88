//! Requests to the API server, on objects as JSON: typed structs would drop the fields they do not know.
//!
//! Every request has a deadline and a bounded number of tries. Decides nothing about what is written.

use crate::canary::object::ObjectRef;
use crate::kubernetes::client::Connection;
use crate::kubernetes::client::Peer;
use crate::kubernetes::error::Asked;
use crate::kubernetes::error::from_client;
use crate::kubernetes::error::from_status;
use crate::kubernetes::operation::DeleteOptions;
use crate::kubernetes::operation::ObjectList;
use crate::kubernetes::operation::Patch;
use crate::kubernetes::operation::Selection;
use crate::kubernetes::operation::WriteOptions;
use crate::kubernetes::operation::names_version;
use crate::kubernetes::operation::with_query;
use crate::kubernetes::retry::Jitter;
use crate::kubernetes::retry::Repeat;
use crate::kubernetes::retry::TOTAL;
use crate::kubernetes::retry::next_wait;
use crate::port::clock::Clock;
use crate::port::cluster_error::ClusterError;
use futures::future::Either;
use futures::future::select;
use http::Method;
use http::Request;
use http::header::ACCEPT;
use http::header::CONTENT_TYPE;
use http::header::RETRY_AFTER;
use http_body_util::BodyExt as _;
use kube::client::Body;
use kube::core::Status;
use serde_json::Value;
use std::future::Future;
use std::pin::pin;
use std::rc::Rc;
use std::time::Duration;

/// For one request, unless a flag says otherwise.
pub const DEADLINE: Duration = Duration::from_secs(10);
/// Objects a page of a list. What one target refers to, with the primary's copies, comes in one.
const PAGE: u32 = 2000;

/// Groups whose objects are where the target is, even if a mesh has a cluster of its own, as Flagger has it: everything
/// but the objects of meshes and gateways.
const HOME: &[&str] = &[
    "",
    "apps",
    "authorization.k8s.io",
    "autoscaling",
    "coordination.k8s.io",
    "flagger.app",
    "keda.sh",
    "networking.k8s.io",
    "serving.knative.dev",
];

/// Sends requests. Cheap to clone.
#[derive(Clone)]
pub struct Requests(pub(super) Rc<Inner>);

pub(super) struct Inner {
    home: Peer,
    mesh: Option<Peer>,
    pub(super) deadline: Duration,
    pub(super) clock: Rc<dyn Clock>,
    pub(super) jitter: Jitter,
}

struct Sending {
    method: Method,
    path: String,
    query: Vec<(&'static str, String)>,
    content_type: Option<&'static str>,
    body: Vec<u8>,
    repeat: Repeat,
}

struct Failure {
    error: ClusterError,
    retry_after: Option<Duration>,
}

impl Requests {
    /// Sends over that connection. The same seed gives the same waits between tries.
    #[must_use]
    pub fn new(connection: &Connection, clock: Rc<dyn Clock>, seed: u64) -> Self {
        Self(Rc::new(Inner {
            home: Peer {
                client: connection.client.clone(),
                server: connection.server.clone(),
            },
            mesh: connection.mesh.clone(),
            deadline: connection.request_timeout.unwrap_or(DEADLINE),
            clock,
            jitter: Jitter::new(seed),
        }))
    }

    /// URL of the API server, without credentials.
    #[must_use]
    pub fn server(&self) -> &str {
        &self.0.home.server
    }

    /// Is this object in another cluster than the target?
    #[must_use]
    pub fn is_elsewhere(&self, object: &ObjectRef) -> bool {
        self.0.mesh.is_some() && !HOME.contains(&object.group.as_str())
    }

    /// Where this object is.
    pub(super) fn peer(&self, object: &ObjectRef) -> &Peer {
        match &self.0.mesh {
            Some(mesh) if self.is_elsewhere(object) => mesh,
            Some(_) | None => &self.0.home,
        }
    }

    /// One object.
    ///
    /// # Errors
    /// [`ClusterError::NotFound`] among others.
    pub async fn get(&self, object: &ObjectRef) -> Result<Value, ClusterError> {
        let asked = self.asked("get", object, None);
        self.send(&asked, read(object.path(), Vec::new())).await
    }

    /// One object, or `None` where there is none.
    ///
    /// # Errors
    /// Everything else that keeps the server from answering.
    pub async fn get_opt(&self, object: &ObjectRef) -> Result<Option<Value>, ClusterError> {
        match self.get(object).await {
            Ok(found) => Ok(Some(found)),
            Err(error) if error.is_not_found() => Ok(None),
            Err(error) => Err(error),
        }
    }

    /// All objects of the kind and namespace of `kind` (its name is not looked at), with `apiVersion` and `kind` filled
    /// in, which a server leaves out of lists.
    ///
    /// # Errors
    /// Whatever keeps the server from answering.
    pub async fn list(
        &self,
        kind: &ObjectRef,
        selection: &Selection,
    ) -> Result<ObjectList, ClusterError> {
        let asked = self.asked("list", kind, None);
        let mut items = Vec::new();
        let mut next = String::new();
        loop {
            let mut query = selection.query();
            query.push(("limit", PAGE.to_string()));
            if !next.is_empty() {
                query.push(("continue", next));
            }
            let mut page = self
                .send(&asked, read(kind.collection_path(), query))
                .await?;
            if let Some(Value::Array(found)) = page.get_mut("items").map(Value::take) {
                items.extend(found.into_iter().map(|item| with_type(item, kind)));
            }
            next = text_at(&page, "/metadata/continue");
            if next.is_empty() {
                return Ok(ObjectList {
                    items,
                    resource_version: text_at(&page, "/metadata/resourceVersion"),
                });
            }
        }
    }

    /// Does the server know this kind in this version?
    ///
    /// # Errors
    /// Whatever keeps the server from answering.
    pub async fn serves(&self, kind: &ObjectRef) -> Result<bool, ClusterError> {
        let asked = self.asked("get", kind, None);
        match self
            .send(&asked, read(kind.version_path(), Vec::new()))
            .await
        {
            Ok(known) => Ok(known["resources"]
                .as_array()
                .is_some_and(|kinds| kinds.iter().any(|one| one["name"] == *kind.plural))),
            Err(error) if error.is_not_found() => Ok(false),
            Err(error) => Err(error),
        }
    }

    /// A new object.
    ///
    /// # Errors
    /// [`ClusterError::AlreadyExists`] among others.
    pub async fn create(
        &self,
        object: &ObjectRef,
        manifest: &Value,
        options: WriteOptions,
    ) -> Result<Value, ClusterError> {
        let asked = self.asked("create", object, options.subresource);
        let sending = Sending {
            method: Method::POST,
            path: object.collection_path(),
            query: options.query(),
            content_type: Some("application/json"),
            body: manifest.to_string().into_bytes(),
            repeat: Repeat::GuardedWrite,
        };
        self.send(&asked, sending).await
    }

    /// A whole object in place of another. Only for objects that we own.
    ///
    /// # Errors
    /// [`ClusterError::Conflict`] if the manifest's `resourceVersion` is not the server's any more, among others.
    pub async fn put(
        &self,
        object: &ObjectRef,
        manifest: &Value,
        options: WriteOptions,
    ) -> Result<Value, ClusterError> {
        let asked = self.asked("update", object, options.subresource);
        let sending = Sending {
            method: Method::PUT,
            path: options.path(object),
            query: options.query(),
            content_type: Some("application/json"),
            body: manifest.to_string().into_bytes(),
            repeat: guarded(names_version(manifest)),
        };
        self.send(&asked, sending).await
    }

    /// A change of an object.
    ///
    /// # Errors
    /// [`ClusterError::Conflict`] and, for a failed `test`, [`ClusterError::Invalid`], among others.
    pub async fn patch(
        &self,
        object: &ObjectRef,
        patch: &Patch,
        options: WriteOptions,
    ) -> Result<Value, ClusterError> {
        let asked = self.asked("patch", object, options.subresource);
        let mut query = options.query();
        if let Patch::Apply { force: true, .. } = patch {
            query.push(("force", "true".to_owned()));
        }
        let sending = Sending {
            method: Method::PATCH,
            path: options.path(object),
            query,
            content_type: Some(patch.content_type()),
            body: patch.body().to_string().into_bytes(),
            repeat: guarded(patch.is_guarded()),
        };
        self.send(&asked, sending).await
    }

    /// Takes an object away; one that is gone already is no error.
    ///
    /// # Errors
    /// [`ClusterError::Conflict`] if a precondition does not hold, among others.
    pub async fn delete(
        &self,
        object: &ObjectRef,
        options: &DeleteOptions,
    ) -> Result<(), ClusterError> {
        let asked = self.asked("delete", object, None);
        let sending = Sending {
            method: Method::DELETE,
            path: object.path(),
            query: Vec::new(),
            content_type: Some("application/json"),
            body: options.body().to_string().into_bytes(),
            repeat: Repeat::GuardedWrite,
        };
        match self.send(&asked, sending).await {
            Ok(_) => Ok(()),
            Err(error) if error.is_not_found() => Ok(()),
            Err(error) => Err(error),
        }
    }

    pub(super) fn asked<'a>(
        &'a self,
        verb: &'static str,
        object: &'a ObjectRef,
        subresource: Option<&'a str>,
    ) -> Asked<'a> {
        Asked {
            verb,
            object,
            subresource,
            server: &self.peer(object).server,
        }
    }

    async fn send(&self, asked: &Asked<'_>, sending: Sending) -> Result<Value, ClusterError> {
        let clock = &self.0.clock;
        let start = clock.boot();
        let mut tries = 0;
        loop {
            let elapsed = clock.boot().saturating_sub(start);
            // A deadline above the total is somebody's wish.
            let left = TOTAL.max(self.0.deadline).saturating_sub(elapsed);
            let deadline = self.0.deadline.min(left);
            let failure = match self.within(deadline, self.send_once(asked, &sending)).await {
                Some(Ok(answer)) => return Ok(answer),
                Some(Err(failure)) => failure,
                None => Failure {
                    error: timeout(asked, deadline),
                    retry_after: None,
                },
            };
            tries += 1;
            let wait = next_wait(
                &failure.error,
                sending.repeat,
                tries,
                clock.boot().saturating_sub(start),
                failure.retry_after,
                &self.0.jitter,
            );
            match wait {
                Some(wait) => clock.sleep(wait).await,
                None => return Err(failure.error),
            }
        }
    }

    async fn send_once(&self, asked: &Asked<'_>, sending: &Sending) -> Result<Value, Failure> {
        let plain = |error: ClusterError| Failure {
            error,
            retry_after: None,
        };
        let request = sending.request().map_err(|error| {
            plain(ClusterError::Other {
                code: None,
                message: error.to_string(),
            })
        })?;
        let response = self
            .peer(asked.object)
            .client
            .send(request)
            .await
            .map_err(|error| plain(from_client(asked, &error)))?;
        let status = response.status();
        let header: Option<Duration> = response
            .headers()
            .get(RETRY_AFTER)
            .and_then(|value| value.to_str().ok())
            .and_then(|seconds| seconds.trim().parse().ok())
            .map(Duration::from_secs);
        let body = response
            .into_body()
            .collect()
            .await
            .map_err(|error| plain(from_client(asked, &error)))?
            .to_bytes();
        if status.is_success() {
            return serde_json::from_slice(&body).map_err(|error| {
                plain(ClusterError::Other {
                    code: Some(status.as_u16()),
                    message: format!("the answer is no JSON: {error}"),
                })
            });
        }
        let answer = status_of(status.as_u16(), &body);
        let wished = answer
            .details
            .as_ref()
            .map(|details| details.retry_after_seconds)
            .filter(|seconds| *seconds > 0)
            .map(|seconds| Duration::from_secs(u64::from(seconds)));
        Err(Failure {
            error: from_status(asked, &answer),
            retry_after: header.or(wished),
        })
    }

    /// `None` if it takes longer.
    pub(super) async fn within<T>(
        &self,
        deadline: Duration,
        work: impl Future<Output = T>,
    ) -> Option<T> {
        match select(pin!(work), self.0.clock.sleep(deadline)).await {
            Either::Left((done, _)) => Some(done),
            Either::Right(((), _)) => None,
        }
    }
}

pub(super) fn timeout(asked: &Asked<'_>, after: Duration) -> ClusterError {
    ClusterError::Timeout {
        server: asked.server.to_owned(),
        after_ms: u64::try_from(after.as_millis()).unwrap_or(u64::MAX),
    }
}

fn read(path: String, query: Vec<(&'static str, String)>) -> Sending {
    Sending {
        method: Method::GET,
        path,
        query,
        content_type: None,
        body: Vec::new(),
        repeat: Repeat::Read,
    }
}

fn guarded(yes: bool) -> Repeat {
    if yes {
        Repeat::GuardedWrite
    } else {
        Repeat::UnguardedWrite
    }
}

fn with_type(mut item: Value, kind: &ObjectRef) -> Value {
    if let Value::Object(fields) = &mut item {
        fields
            .entry("apiVersion")
            .or_insert_with(|| kind.api_version().into());
        fields
            .entry("kind")
            .or_insert_with(|| kind.kind.clone().into());
    }
    item
}

/// The text there, or nothing.
pub(super) fn text_at(object: &Value, pointer: &str) -> String {
    object
        .pointer(pointer)
        .and_then(Value::as_str)
        .unwrap_or_default()
        .to_owned()
}

/// A gateway before the server answers with a page of its own.
fn status_of(code: u16, body: &[u8]) -> Status {
    let mut status: Status = serde_json::from_slice(body)
        .unwrap_or_else(|_| Status::failure(&String::from_utf8_lossy(body), ""));
    status.code = code;
    status
}

impl Sending {
    fn request(&self) -> Result<Request<Body>, http::Error> {
        let mut request = Request::builder()
            .method(self.method.clone())
            .uri(with_query(&self.path, &self.query))
            .header(ACCEPT, "application/json");
        if let Some(content_type) = self.content_type {
            request = request.header(CONTENT_TYPE, content_type);
        }
        request.body(Body::from(self.body.clone()))
    }
}

#[cfg(test)]
mod tests;
