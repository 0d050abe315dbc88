//! Watches that never end: after an error, an expired version or silence they list again and go on. They wake the
//! driver up; what it acts on it reads itself.
//!
//! Decides nothing and keeps no copies.

use crate::canary::object::ObjectRef;
use crate::kubernetes::error::from_client;
use crate::kubernetes::error::from_status;
use crate::kubernetes::operation::Selection;
use crate::kubernetes::operation::with_query;
use crate::kubernetes::request::Requests;
use crate::kubernetes::request::text_at;
use crate::kubernetes::request::timeout;
use crate::port::cluster_error::ClusterError;
use futures::StreamExt as _;
use futures::stream::BoxStream;
use futures::stream::LocalBoxStream;
use futures::stream::unfold;
use http::Request;
use kube::core::WatchEvent;
use serde_json::Value;
use std::time::Duration;

/// The server ends a watch after that long, seconds.
const SERVER_TIMEOUT: u64 = 290;
/// A watch that says nothing for longer, not even a bookmark (one a minute), is taken for dead: a network may lose a
/// connection without telling either end.
const SILENCE: Duration = Duration::from_secs(150);
/// First wait after an error, doubled up to [`LONGEST_WAIT`].
const FIRST_WAIT: Duration = Duration::from_millis(500);
/// Longest wait after an error.
const LONGEST_WAIT: Duration = Duration::from_secs(30);

/// What a watch saw.
#[derive(Clone, Debug, PartialEq)]
pub enum WatchItem {
    /// All objects there are; first of all, and again after each gap.
    Listed(Vec<Value>),
    /// An object was created or changed.
    Applied(Value),
    /// An object was deleted; as it was last.
    Deleted(Value),
    /// Nothing happened: what is known is fresh.
    Fresh,
}

type Events = BoxStream<'static, Result<WatchEvent<Value>, kube::Error>>;

enum Next {
    List,
    Watch,
    Read(Events),
}

struct Following {
    requests: Requests,
    kind: ObjectRef,
    selection: Selection,
    next: Next,
    version: String,
    failures: u32,
}

impl Requests {
    /// Follows one object, or all of its kind and namespace if it has no name. An error is passed on and the watch
    /// begins again after a wait. The stream does not end.
    #[must_use]
    pub fn watch(
        &self,
        object: &ObjectRef,
    ) -> LocalBoxStream<'static, Result<WatchItem, ClusterError>> {
        let fields = (!object.name.is_empty()).then(|| format!("metadata.name={}", object.name));
        let selection = Selection {
            labels: None,
            fields,
        };
        self.watch_selected(object, selection)
    }

    /// Follows the selected objects of a kind and namespace, as [`Requests::watch`].
    #[must_use]
    pub fn watch_selected(
        &self,
        kind: &ObjectRef,
        selection: Selection,
    ) -> LocalBoxStream<'static, Result<WatchItem, ClusterError>> {
        let following = Following {
            requests: self.clone(),
            kind: kind.clone(),
            selection,
            next: Next::List,
            version: String::new(),
            failures: 0,
        };
        unfold(following, |mut following| async move {
            let item = following.item().await;
            Some((item, following))
        })
        .boxed_local()
    }
}

impl Following {
    async fn item(&mut self) -> Result<WatchItem, ClusterError> {
        loop {
            match std::mem::replace(&mut self.next, Next::List) {
                Next::List => {
                    self.wait().await;
                    let list = self.requests.list(&self.kind, &self.selection).await;
                    return match list {
                        Ok(list) => {
                            self.version = list.resource_version;
                            self.next = Next::Watch;
                            Ok(WatchItem::Listed(list.items))
                        }
                        Err(error) => self.failed(error),
                    };
                }
                Next::Watch => {
                    self.wait().await;
                    match self.open().await {
                        Ok(events) => self.next = Next::Read(events),
                        Err(error) => return self.failed(error),
                    }
                }
                Next::Read(mut events) => {
                    match self.requests.within(SILENCE, events.next()).await {
                        Some(Some(Ok(event))) => {
                            if let Some(seen) = self.seen(event, events) {
                                return seen;
                            }
                        }
                        Some(Some(Err(error))) => {
                            let asked = self.requests.asked("watch", &self.kind, None);
                            let error = from_client(&asked, &error);
                            return self.failed(error);
                        }
                        // The server's timeout, or a connection that nobody ended.
                        Some(None) | None => {
                            self.failures = self.failures.max(1);
                            self.next = Next::Watch;
                        }
                    }
                }
            }
        }
    }

    /// `None` where the watch goes on without a word.
    fn seen(
        &mut self,
        event: WatchEvent<Value>,
        events: Events,
    ) -> Option<Result<WatchItem, ClusterError>> {
        let item = match event {
            WatchEvent::Added(object) | WatchEvent::Modified(object) => {
                self.version = text_at(&object, "/metadata/resourceVersion");
                WatchItem::Applied(object)
            }
            WatchEvent::Deleted(object) => {
                self.version = text_at(&object, "/metadata/resourceVersion");
                WatchItem::Deleted(object)
            }
            WatchEvent::Bookmark(bookmark) => {
                self.version = bookmark.metadata.resource_version;
                WatchItem::Fresh
            }
            // The version is too old: an ordinary gap, closed by listing.
            WatchEvent::Error(status) if status.code == 410 => {
                self.failures = self.failures.saturating_add(1);
                self.next = Next::List;
                return None;
            }
            WatchEvent::Error(status) => {
                let asked = self.requests.asked("watch", &self.kind, None);
                let error = from_status(&asked, &status);
                return Some(self.failed(error));
            }
        };
        self.failures = 0;
        self.next = Next::Read(events);
        Some(Ok(item))
    }

    fn failed(&mut self, error: ClusterError) -> Result<WatchItem, ClusterError> {
        self.failures = self.failures.saturating_add(1);
        self.next = Next::List;
        Err(error)
    }

    async fn wait(&self) {
        if self.failures > 0 {
            let doubled = FIRST_WAIT.saturating_mul(2_u32.saturating_pow(self.failures - 1));
            let wait = self.requests.0.jitter.around(doubled.min(LONGEST_WAIT));
            self.requests.0.clock.sleep(wait).await;
        }
    }

    async fn open(&self) -> Result<Events, ClusterError> {
        let asked = self.requests.asked("watch", &self.kind, None);
        let mut query = self.selection.query();
        query.push(("watch", "true".to_owned()));
        query.push(("allowWatchBookmarks", "true".to_owned()));
        query.push(("timeoutSeconds", SERVER_TIMEOUT.to_string()));
        query.push(("resourceVersion", self.version.clone()));
        let request = Request::get(with_query(&self.kind.collection_path(), &query))
            .body(Vec::new())
            .map_err(|error| ClusterError::Other {
                code: None,
                message: error.to_string(),
            })?;
        let deadline = self.requests.0.deadline;
        let opened = self
            .requests
            .within(
                deadline,
                self.requests
                    .peer(&self.kind)
                    .client
                    .request_events::<Value>(request),
            )
            .await
            .ok_or_else(|| timeout(&asked, deadline))?;
        match opened {
            Ok(events) => Ok(events.boxed()),
            Err(error) => Err(from_client(&asked, &error)),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::canary::object::Resource;
    use crate::kubernetes::testing::Fault;
    use crate::kubernetes::testing::Server;
    use serde_json::json;
    use tokio::time::Instant;

    fn object() -> ObjectRef {
        Resource::CONFIG_MAP.in_namespace("shop", "settings")
    }

    fn version(number: u32) -> Value {
        json!({"apiVersion": "v1", "kind": "ConfigMap",
               "metadata": {"name": "settings", "resourceVersion": number.to_string()}})
    }

    fn server() -> Server {
        let server = Server::default();
        server.set(&object().path(), version(1));
        server
    }

    async fn items(server: &Server, count: usize) -> Vec<Result<WatchItem, ClusterError>> {
        server
            .requests()
            .watch(&object())
            .take(count)
            .collect()
            .await
    }

    #[tokio::test(start_paused = true)]
    async fn what_there_is_comes_first_then_what_changes() {
        let server = server();
        server.watch_sends(&[
            json!({"type": "MODIFIED", "object": version(2)}),
            json!({"type": "BOOKMARK", "object": version(3)}),
            json!({"type": "DELETED", "object": version(4)}),
        ]);
        let seen = items(&server, 4).await;
        assert!(matches!(&seen[0], Ok(WatchItem::Listed(all)) if all.len() == 1));
        assert_eq!(seen[1], Ok(WatchItem::Applied(version(2))));
        assert_eq!(seen[2], Ok(WatchItem::Fresh));
        assert_eq!(seen[3], Ok(WatchItem::Deleted(version(4))));
    }

    #[tokio::test(start_paused = true)]
    async fn a_watch_that_ends_goes_on_from_the_last_version() {
        let server = server();
        server.watch_sends(&[json!({"type": "MODIFIED", "object": version(2)})]);
        server.watch_sends(&[json!({"type": "MODIFIED", "object": version(5)})]);
        let seen = items(&server, 3).await;
        assert_eq!(seen[2], Ok(WatchItem::Applied(version(5))));
        assert!(
            server.seen()[2].contains("resourceVersion=2"),
            "{:?}",
            server.seen()
        );
        assert!(server.seen()[2].contains("fieldSelector=metadata.name%3Dsettings"));
    }

    #[tokio::test(start_paused = true)]
    async fn an_expired_version_is_closed_by_listing() {
        let server = server();
        server.watch_sends(&[
            json!({"type": "ERROR", "object": {"code": 410, "reason": "Expired", "message": "old"}}),
        ]);
        let seen = items(&server, 2).await;
        assert!(matches!(seen[1], Ok(WatchItem::Listed(_))), "{seen:?}");
    }

    #[tokio::test(start_paused = true)]
    async fn a_silent_watch_is_opened_again() {
        let server = server();
        let before = Instant::now();
        server.watch_sends(&[json!({"type": "MODIFIED", "object": version(2)})]);
        let mut watch = server.requests().watch(&object());
        watch.next().await;
        watch.next().await;
        let silent = tokio::time::timeout(Duration::from_secs(400), watch.next()).await;
        assert!(silent.is_err());
        let opened = server
            .seen()
            .iter()
            .filter(|one| one.contains("watch=true"))
            .count();
        assert!(opened >= 3, "{opened} in {:?}", before.elapsed());
    }

    #[tokio::test(start_paused = true)]
    async fn an_error_is_passed_on_and_the_watch_begins_again() {
        let server = server();
        server.fail([Fault::None, Fault::Status(403, None)]);
        server.watch_sends(&[json!({"type": "MODIFIED", "object": version(2)})]);
        let seen = items(&server, 4).await;
        assert!(
            matches!(seen[1], Err(ClusterError::Denied { verb: "watch", .. })),
            "{seen:?}"
        );
        assert!(matches!(seen[2], Ok(WatchItem::Listed(_))), "{seen:?}");
        assert_eq!(seen[3], Ok(WatchItem::Applied(version(2))));
    }

    #[tokio::test(start_paused = true)]
    async fn waits_between_failures_grow_up_to_half_a_minute() {
        let server = server();
        server.fail(vec![Fault::Status(403, None); 20]);
        let before = Instant::now();
        items(&server, 20).await;
        let waited = before.elapsed().as_secs();
        assert!((200..=500).contains(&waited), "{waited}");
    }
}
