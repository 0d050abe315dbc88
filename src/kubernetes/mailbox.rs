//! Requests to a driver as keys of a ConfigMap: whoever asks adds one, the driver hears it within a watch's latency and
//! answers in its run record, and whoever asked takes the key away again.
//!
//! Does nothing that is asked.

use crate::canary::object::ObjectRef;
use crate::canary::object::Resource;
use crate::canary::object::bounded_name;
use crate::kubernetes::follow::WatchItem;
use crate::kubernetes::lease::MANAGED_BY;
use crate::kubernetes::operation::FIELD_MANAGER;
use crate::kubernetes::operation::Patch;
use crate::kubernetes::operation::WriteOptions;
use crate::kubernetes::request::Requests;
use crate::kubernetes::run_record::KubernetesRunRecord;
use crate::port::ask::Ask;
use crate::port::cluster_error::ClusterError;
use crate::port::run_record::RunRecord as _;
use futures::StreamExt as _;
use serde_json::Value;
use serde_json::json;
use std::collections::BTreeSet;

/// The requests to the driver of one canary.
pub struct Mailbox {
    requests: Requests,
    object: ObjectRef,
    record: KubernetesRunRecord,
}

impl Mailbox {
    /// Those of that canary, whether there are any or not.
    #[must_use]
    pub fn new(requests: Requests, namespace: &str, canary: &str) -> Self {
        Self {
            record: KubernetesRunRecord::new(requests.clone(), namespace, canary),
            requests,
            object: Resource::CONFIG_MAP
                .in_namespace(namespace, &bounded_name("flagger-requests-", canary)),
        }
    }

    /// Leaves a request.
    ///
    /// # Errors
    /// The API server did not take it.
    pub async fn post(&self, ask: &Ask) -> Result<(), ClusterError> {
        let text = serde_json::to_string(ask).unwrap_or_default();
        match self.change(&ask.id, Value::from(text.as_str())).await {
            Err(ClusterError::NotFound { .. }) => {}
            other => return other,
        }
        let manifest = json!({
            "apiVersion": self.object.api_version(),
            "kind": self.object.kind,
            "metadata": {
                "name": self.object.name, "namespace": self.object.namespace, "labels": {MANAGED_BY: FIELD_MANAGER},
            },
            "data": {ask.id.as_str(): text},
        });
        let created = self
            .requests
            .create(&self.object, &manifest, WriteOptions::default())
            .await;
        match created {
            // Somebody else asked first: the object is there now.
            Err(ClusterError::AlreadyExists { .. }) => {
                self.change(&ask.id, manifest["data"][&ask.id].clone())
                    .await
            }
            other => other.map(|_| ()),
        }
    }

    /// Takes a request away, answered or not.
    ///
    /// # Errors
    /// The API server did not do it.
    pub async fn withdraw(&self, id: &str) -> Result<(), ClusterError> {
        match self.change(id, Value::Null).await {
            Err(ClusterError::NotFound { .. }) => Ok(()),
            other => other,
        }
    }

    async fn change(&self, id: &str, value: Value) -> Result<(), ClusterError> {
        let patch = Patch::Merge(json!({"data": {id: value}}));
        self.requests
            .patch(&self.object, &patch, WriteOptions::default())
            .await
            .map(|_| ())
    }

    /// Hands over what is asked of the run that the record tells of, each once; requests to other runs are taken away
    /// unread. Ends where requests may not be read: then nobody can ask.
    pub async fn listen(&self, mut hand_over: impl FnMut(Ask)) {
        let mut known = BTreeSet::new();
        let mut changes = self.requests.watch(&self.object);
        while let Some(change) = changes.next().await {
            let data = match change {
                Ok(WatchItem::Listed(items)) => items.first().map(|item| item["data"].clone()),
                Ok(WatchItem::Applied(object)) => Some(object["data"].clone()),
                Ok(WatchItem::Deleted(_) | WatchItem::Fresh) => None,
                Err(ClusterError::Denied { .. }) => return,
                Err(_) => None,
            };
            for (id, text) in data.iter().filter_map(Value::as_object).flatten() {
                if !known.insert(id.clone()) {
                    continue;
                }
                let ask: Option<Ask> = text
                    .as_str()
                    .and_then(|text| serde_json::from_str(text).ok());
                let run = self.run().await;
                match ask {
                    Some(Ask { run: of, .. }) if run.as_ref().is_some_and(|run| *run != of) => {
                        self.tidy(id).await;
                    }
                    Some(ask) => hand_over(Ask {
                        id: id.clone(),
                        ..ask
                    }),
                    None => self.tidy(id).await,
                }
            }
        }
    }

    /// What stays all the same is looked at by nobody.
    async fn tidy(&self, id: &str) {
        let _best_effort = self.withdraw(id).await;
    }

    async fn run(&self) -> Option<String> {
        let record = self.record.load().await.ok()??;
        record.document["run"].as_str().map(str::to_owned)
    }
}
