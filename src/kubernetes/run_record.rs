//! The run record as a ConfigMap. Everything else in the object, such as who owns it, is left as it is.
//!
//! Knows nothing of what the document says.

use crate::canary::object::ObjectRef;
use crate::canary::object::Resource;
use crate::canary::object::bounded_name;
use crate::kubernetes::follow::WatchItem;
use crate::kubernetes::lease::MANAGED_BY;
use crate::kubernetes::operation::FIELD_MANAGER;
use crate::kubernetes::operation::Patch;
use crate::kubernetes::operation::WriteOptions;
use crate::kubernetes::request::Requests;
use crate::kubernetes::request::text_at;
use crate::port::Job;
use crate::port::cluster_error::ClusterError;
use crate::port::run_record::Record;
use crate::port::run_record::RunRecord;
use crate::port::run_record::RunRecordError;
use crate::port::run_record::SCHEMA;
use futures::StreamExt as _;
use futures::future::ready;
use futures::stream::LocalBoxStream;
use serde_json::Value;
use serde_json::json;

/// Beginning of the names of all records.
pub const PREFIX: &str = "flagger-run-";
/// An object holds a mebibyte at most, names, labels and managed fields included.
const LIMIT: usize = 900_000;
/// Key of the document in the object's data.
const DOCUMENT: &str = "run.json";
/// Key of the version of its form.
const SCHEMA_KEY: &str = "schema";

/// The record of one canary.
pub struct KubernetesRunRecord {
    requests: Requests,
    object: ObjectRef,
}

impl KubernetesRunRecord {
    /// The record of that canary, whether it exists or not.
    #[must_use]
    pub fn new(requests: Requests, namespace: &str, canary: &str) -> Self {
        Self {
            requests,
            object: Resource::CONFIG_MAP.in_namespace(namespace, &bounded_name(PREFIX, canary)),
        }
    }

    fn name(&self) -> String {
        self.object.to_string()
    }

    async fn read(&self) -> Result<Option<Record>, RunRecordError> {
        let found = self.requests.get_opt(&self.object).await?;
        found.as_ref().map(record).transpose()
    }

    /// The record as it is and whenever it changes, `None` while there is none. Does not end.
    #[must_use]
    pub fn follow(&self) -> LocalBoxStream<'static, Result<Option<Record>, RunRecordError>> {
        self.requests
            .watch(&self.object)
            .filter_map(|item| {
                ready(match item {
                    Ok(WatchItem::Listed(items)) => Some(items.first().map(record).transpose()),
                    Ok(WatchItem::Applied(object)) => Some(record(&object).map(Some)),
                    Ok(WatchItem::Deleted(_)) => Some(Ok(None)),
                    Ok(WatchItem::Fresh) => None,
                    Err(error) => Some(Err(error.into())),
                })
            })
            .boxed_local()
    }

    async fn write(
        &self,
        document: &Value,
        expected: Option<&str>,
    ) -> Result<String, RunRecordError> {
        let text = document.to_string();
        if text.len() > LIMIT {
            return Err(RunRecordError::TooLarge {
                name: self.name(),
                bytes: text.len(),
                limit: LIMIT,
            });
        }
        match self.send(text, expected).await {
            Ok(stored) => Ok(text_at(&stored, "/metadata/resourceVersion")),
            Err(
                error @ (ClusterError::Conflict { .. }
                | ClusterError::AlreadyExists { .. }
                | ClusterError::Timeout { .. }),
            ) => self.landed_after_all(document, error).await,
            Err(error) => Err(error.into()),
        }
    }

    async fn send(&self, text: String, expected: Option<&str>) -> Result<Value, ClusterError> {
        let data = json!({SCHEMA_KEY: SCHEMA.to_string(), DOCUMENT: text});
        let labels = json!({MANAGED_BY: FIELD_MANAGER});
        let options = WriteOptions::default();
        match expected {
            Some(version) => {
                let change = json!({
                    "metadata": {"resourceVersion": version, "labels": labels},
                    "data": data,
                });
                self.requests
                    .patch(&self.object, &Patch::Merge(change), options)
                    .await
            }
            None => {
                let manifest = json!({
                    "apiVersion": self.object.api_version(),
                    "kind": self.object.kind,
                    "metadata": {
                        "name": self.object.name,
                        "namespace": self.object.namespace,
                        "labels": labels,
                    },
                    "data": data,
                });
                self.requests.create(&self.object, &manifest, options).await
            }
        }
    }

    /// A try whose answer was lost makes the next one conflict with it.
    async fn landed_after_all(
        &self,
        document: &Value,
        error: ClusterError,
    ) -> Result<String, RunRecordError> {
        if let Some(found) = self.read().await?
            && found.document == *document
        {
            return Ok(found.version);
        }
        if matches!(
            error,
            ClusterError::Conflict { .. } | ClusterError::AlreadyExists { .. }
        ) {
            Err(RunRecordError::Conflict { name: self.name() })
        } else {
            Err(error.into())
        }
    }
}

impl RunRecord for KubernetesRunRecord {
    fn load(&self) -> Job<'_, Result<Option<Record>, RunRecordError>> {
        Box::pin(self.read())
    }

    fn store<'a>(
        &'a self,
        document: &'a Value,
        expected: Option<&'a str>,
    ) -> Job<'a, Result<String, RunRecordError>> {
        Box::pin(self.write(document, expected))
    }
}

/// The record in an object.
///
/// # Errors
/// A newer version wrote it, or it holds something else.
pub fn record(object: &Value) -> Result<Record, RunRecordError> {
    let name = || format!("configmap/{}", text_at(object, "/metadata/name"));
    let broken = |why: String| RunRecordError::Broken { name: name(), why };
    let schema: u64 = text_at(object, &format!("/data/{SCHEMA_KEY}"))
        .parse()
        .map_err(|_| broken("it says no schema".to_owned()))?;
    if schema > SCHEMA {
        return Err(RunRecordError::Newer {
            name: name(),
            found: schema,
        });
    }
    let text = text_at(object, &format!("/data/{DOCUMENT}"));
    let document = serde_json::from_str(&text).map_err(|error| broken(error.to_string()))?;
    Ok(Record {
        document,
        version: text_at(object, "/metadata/resourceVersion"),
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::kubernetes::testing::Fault;
    use crate::kubernetes::testing::Server;

    const PATH: &str = "/api/v1/namespaces/shop/configmaps/flagger-run-podinfo";

    fn record(server: &Server) -> KubernetesRunRecord {
        KubernetesRunRecord::new(server.requests(), "shop", "podinfo")
    }

    #[tokio::test(start_paused = true)]
    async fn a_canary_that_was_never_driven_has_no_record() {
        assert_eq!(record(&Server::default()).load().await, Ok(None));
    }

    #[tokio::test(start_paused = true)]
    async fn what_is_stored_is_loaded() {
        let server = Server::default();
        let record = record(&server);
        let version = record.store(&json!({"seq": 1}), None).await.unwrap();
        let found = record.load().await.unwrap().unwrap();
        assert_eq!(found.document, json!({"seq": 1}));
        assert_eq!(found.version, version);
        let object = server.object(PATH).unwrap();
        assert_eq!(object["metadata"]["labels"][MANAGED_BY], FIELD_MANAGER);
    }

    #[tokio::test(start_paused = true)]
    async fn an_old_version_is_refused() {
        let record = record(&Server::default());
        let first = record.store(&json!({"seq": 1}), None).await.unwrap();
        record
            .store(&json!({"seq": 2}), Some(&first))
            .await
            .unwrap();
        let late = record.store(&json!({"seq": 3}), Some(&first)).await;
        assert!(
            matches!(late, Err(RunRecordError::Conflict { .. })),
            "{late:?}"
        );
    }

    #[tokio::test(start_paused = true)]
    async fn two_first_documents_cannot_both_be_stored() {
        let record = record(&Server::default());
        record.store(&json!({"seq": 1}), None).await.unwrap();
        let second = record.store(&json!({"seq": 2}), None).await;
        assert!(
            matches!(second, Err(RunRecordError::Conflict { .. })),
            "{second:?}"
        );
    }

    #[tokio::test(start_paused = true)]
    async fn a_write_whose_answer_was_lost_counts() {
        let server = Server::default();
        let record = record(&server);
        record.store(&json!({"seq": 0}), None).await.unwrap();
        for (seq, fault) in [(1, Fault::ResetAfter), (2, Fault::HangAfter)] {
            let version = latest(&record).await;
            server.fail([fault]);
            let stored = record.store(&json!({"seq": seq}), Some(&version)).await;
            assert_eq!(stored, Ok(latest(&record).await));
        }
    }

    async fn latest(record: &KubernetesRunRecord) -> String {
        record.load().await.unwrap().unwrap().version
    }

    #[tokio::test(start_paused = true)]
    async fn owners_and_foreign_keys_survive_a_write() {
        let server = Server::default();
        let record = record(&server);
        record.store(&json!({"seq": 1}), None).await.unwrap();
        let mut object = server.object(PATH).unwrap();
        object["metadata"]["ownerReferences"] = json!([{"name": "podinfo"}]);
        server.set(PATH, object);
        let version = latest(&record).await;
        record
            .store(&json!({"seq": 2}), Some(&version))
            .await
            .unwrap();
        let object = server.object(PATH).unwrap();
        assert_eq!(object["metadata"]["ownerReferences"][0]["name"], "podinfo");
    }

    #[tokio::test(start_paused = true)]
    async fn a_record_of_a_newer_version_is_refused() {
        let server = Server::default();
        server.set(PATH, json!({"data": {"schema": "2", "run.json": "{}"}}));
        let found = record(&server).load().await;
        assert!(
            matches!(found, Err(RunRecordError::Newer { found: 2, .. })),
            "{found:?}"
        );
    }

    #[tokio::test(start_paused = true)]
    async fn a_document_beyond_the_limit_is_never_sent() {
        let server = Server::default();
        let document = json!("x".repeat(LIMIT));
        let stored = record(&server).store(&document, None).await;
        assert!(matches!(stored, Err(RunRecordError::TooLarge { .. })));
        assert!(server.seen().is_empty());
    }
}
