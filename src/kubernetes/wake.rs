//! Wakes the driver when an object it looked at has changed.
//!
//! What it acts on the driver reads itself: nothing of a watch is kept but which version was seen.

use crate::canary::object::ObjectRef;
use crate::kubernetes::follow::WatchItem;
use crate::kubernetes::request::Requests;
use crate::kubernetes::request::text_at;
use futures::StreamExt;
use futures::stream::LocalBoxStream;
use futures::stream::SelectAll;
use serde_json::Value;
use std::cell::RefCell;
use std::collections::BTreeMap;

/// Objects with the version that a watch saw; empty for one that is gone.
type Versions = LocalBoxStream<'static, Vec<(ObjectRef, String)>>;

/// Watches of a few objects, and the versions the driver has seen.
pub struct Wake {
    requests: Requests,
    objects: Vec<ObjectRef>,
    seen: RefCell<BTreeMap<ObjectRef, String>>,
    streams: RefCell<Option<SelectAll<Versions>>>,
}

impl Wake {
    /// Watches those objects once somebody waits.
    #[must_use]
    pub fn new(requests: Requests, objects: Vec<ObjectRef>) -> Self {
        Self {
            requests,
            objects,
            seen: RefCell::default(),
            streams: RefCell::default(),
        }
    }

    /// The driver has read this object; a version it knows does not wake it.
    pub fn seen(&self, object: &ObjectRef, value: Option<&Value>) {
        let version = value.map_or_else(String::new, |value| {
            text_at(value, "/metadata/resourceVersion")
        });
        self.seen.borrow_mut().insert(object.clone(), version);
    }

    /// Returns once one of them has a version that was not seen.
    pub async fn changed(&self) {
        let opened = self.streams.borrow_mut().take();
        let streams = opened.unwrap_or_else(|| {
            self.objects
                .iter()
                .map(|object| self.follow(object))
                .collect()
        });
        // Given back on every way out: whoever stops waiting must not lose the watches.
        let mut streams = scopeguard(streams, |streams| {
            *self.streams.borrow_mut() = Some(streams);
        });
        while let Some(versions) = streams.value.as_mut().map(StreamExt::next) {
            let Some(versions) = versions.await else {
                return futures::future::pending().await;
            };
            let seen = self.seen.borrow();
            let news = versions
                .iter()
                .any(|(object, version)| seen.get(object) != Some(version));
            if news {
                return;
            }
        }
    }

    fn follow(&self, object: &ObjectRef) -> Versions {
        let object = object.clone();
        let version = |value: &Value| text_at(value, "/metadata/resourceVersion");
        self.requests
            .watch(&object)
            .map(move |item| match item {
                Ok(WatchItem::Listed(items)) => {
                    vec![(
                        object.clone(),
                        items.first().map_or_else(String::new, version),
                    )]
                }
                Ok(WatchItem::Applied(value)) => vec![(object.clone(), version(&value))],
                Ok(WatchItem::Deleted(_)) => vec![(object.clone(), String::new())],
                // An error passes: the watch begins again by itself, and its list says what was missed.
                Ok(WatchItem::Fresh) | Err(_) => Vec::new(),
            })
            .boxed_local()
    }
}

struct Guard<T, F: FnMut(T)> {
    value: Option<T>,
    back: F,
}

impl<T, F: FnMut(T)> Drop for Guard<T, F> {
    fn drop(&mut self) {
        if let Some(value) = self.value.take() {
            (self.back)(value);
        }
    }
}

fn scopeguard<T, F: FnMut(T)>(value: T, back: F) -> Guard<T, F> {
    Guard {
        value: Some(value),
        back,
    }
}
