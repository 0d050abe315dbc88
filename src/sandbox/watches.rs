//! Watches: the history from a version on, then what happens, until the time is over.

use crate::sandbox::failure::Failure;
use crate::sandbox::kinds::ApiKind;
use crate::sandbox::selectors::Selector;
use crate::sandbox::shared::Shared;
use crate::sandbox::store::Change;
use crate::sandbox::store::ChangeKind;
use crate::sandbox::table::TableFormat;
use crate::sandbox::tree;
use crate::sandbox::writes::as_version;
use bytes::Bytes;
use futures::Stream;
use futures::stream::unfold;
use jiff::Timestamp;
use serde_json::Value;
use serde_json::json;
use std::collections::VecDeque;
use std::sync::Arc;
use std::time::Duration;
use tokio::sync::watch::Receiver;
use tokio::time::Instant;

/// At least one event or bookmark in this time, of the cluster's clock.
const BOOKMARK_EVERY: Duration = Duration::from_secs(60);

/// What a watch asks for.
#[derive(Clone, Debug)]
pub struct WatchSpec {
    /// The kind.
    pub kind: Arc<ApiKind>,
    /// The version in the path.
    pub version: String,
    /// Empty for all.
    pub namespace: String,
    /// What it is restricted to.
    pub selector: Selector,
    /// `None` starts with what there is now.
    pub from: Option<u64>,
    /// Are bookmarks wanted?
    pub bookmarks: bool,
    /// Is the end of the first events marked by a bookmark?
    pub initial_events: bool,
    /// Of the cluster's clock.
    pub timeout: Option<Duration>,
    /// Are rows wanted instead of objects?
    pub table: Option<TableFormat>,
}

impl WatchSpec {
    fn selects(&self, object: &Value) -> bool {
        let namespace = tree::text(object, "/metadata/namespace");
        (self.namespace.is_empty() || self.namespace == namespace) && self.selector.matches(object)
    }

    fn line(&self, event: &str, object: &Value, now: Timestamp) -> Bytes {
        let object = as_version(object, &self.kind, &self.version);
        match self.table {
            Some(format) => {
                let version = tree::text(&object, "/metadata/resourceVersion");
                line(event, &format.table(&self.kind, [&object], version, now))
            }
            None => line(event, &object),
        }
    }

    /// What a change means to this watch: an object that leaves the selection is deleted for it.
    fn event(&self, change: &Change, now: Timestamp) -> Option<Bytes> {
        if change.key.group != self.kind.group || change.key.plural != self.kind.plural {
            return None;
        }
        let before = change
            .before
            .as_ref()
            .is_some_and(|object| self.selects(object));
        let after = change.kind != ChangeKind::Deleted && self.selects(&change.after);
        match (before, after) {
            (false, false) => None,
            (false, true) => Some(self.line("ADDED", &change.after, now)),
            (true, true) => Some(self.line("MODIFIED", &change.after, now)),
            (true, false) => Some(self.line("DELETED", &change.after, now)),
        }
    }

    fn bookmark(&self, revision: u64, end_of_initial: bool) -> Bytes {
        let mut object = json!({
            "kind": self.kind.kind, "apiVersion": self.kind.api_version(&self.version),
            "metadata": {"resourceVersion": revision.to_string(), "creationTimestamp": null},
        });
        if end_of_initial {
            let path = ["metadata", "annotations", "k8s.io/initial-events-end"];
            tree::set(&mut object, &path, "true");
        }
        line("BOOKMARK", &object)
    }
}

fn line(event: &str, object: &Value) -> Bytes {
    let mut text = json!({"type": event, "object": object}).to_string();
    text.push('\n');
    Bytes::from(text)
}

struct Open {
    shared: Arc<Shared>,
    spec: WatchSpec,
    position: u64,
    epoch: u64,
    ready: VecDeque<Bytes>,
    news: Receiver<u64>,
    next_bookmark: Instant,
    end: Option<Instant>,
    over: bool,
}

/// The lines of a watch's answer, or 410 at once.
pub(super) fn open(
    shared: Arc<Shared>,
    spec: WatchSpec,
) -> Result<impl Stream<Item = Bytes> + Send + 'static, Failure> {
    let news = shared.news();
    let now = Instant::now();
    let mut ready = VecDeque::new();
    let position = shared.read(|state| match spec.from {
        Some(from) => state.store.since(from).map(|_| from),
        None => {
            let revision = state.store.revision();
            for (_, object) in
                state
                    .store
                    .list(&spec.kind.group, &spec.kind.plural, &spec.namespace)
            {
                if spec.selects(object) {
                    ready.push_back(spec.line("ADDED", object, shared.now()));
                }
            }
            if spec.initial_events {
                ready.push_back(spec.bookmark(revision, true));
            }
            Ok(revision)
        }
    })?;
    let open = Open {
        next_bookmark: now + shared.clock().real(BOOKMARK_EVERY),
        end: spec
            .timeout
            .map(|timeout| now + shared.clock().real(timeout)),
        epoch: shared.read(|state| state.watch_epoch),
        shared,
        spec,
        position,
        ready,
        news,
        over: false,
    };
    Ok(unfold(open, |mut open| async move {
        let line = open.next().await?;
        Some((line, open))
    }))
}

impl Open {
    async fn next(&mut self) -> Option<Bytes> {
        loop {
            if let Some(line) = self.ready.pop_front() {
                return Some(line);
            }
            if self.over {
                return None;
            }
            self.news.borrow_and_update();
            self.catch_up();
            if self.ready.is_empty() && !self.over {
                self.wait().await;
            }
        }
    }

    fn catch_up(&mut self) {
        if self.shared.read(|state| state.watch_epoch) != self.epoch {
            self.over = true;
            return;
        }
        let now = self.shared.now();
        let (spec, ready, from) = (&self.spec, &mut self.ready, self.position);
        let position = self.shared.read(|state| {
            for change in state.store.since(from)? {
                ready.extend(spec.event(change, now));
            }
            Ok::<u64, Failure>(state.store.revision())
        });
        match position {
            Ok(position) => self.position = position,
            Err(gone) => {
                self.ready.push_back(line("ERROR", &gone.body()));
                self.over = true;
            }
        }
    }

    async fn wait(&mut self) {
        let far = self.next_bookmark + Duration::from_secs(86_400);
        tokio::select! {
            biased;
            changed = self.news.changed() => self.over = changed.is_err(),
            () = tokio::time::sleep_until(self.end.unwrap_or(far)), if self.end.is_some() => self.over = true,
            () = tokio::time::sleep_until(self.next_bookmark), if self.spec.bookmarks => {
                self.ready.push_back(self.spec.bookmark(self.position, false));
                self.next_bookmark += self.shared.clock().real(BOOKMARK_EVERY);
            }
        }
    }
}
