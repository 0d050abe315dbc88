//! The objects of one canary on an API server: read, created with our marks, changed under our guard.
//!
//! Knows no kind of objects and decides nothing.

use crate::canary::metadata::CANARY;
use crate::canary::metadata::MANAGED_BY;
use crate::canary::metadata::MANAGER;
use crate::canary::metadata::OURS;
use crate::canary::metadata::entries;
use crate::canary::object::ObjectRef;
use crate::canary::object::Resource;
use crate::canary::spec::Canary;
use crate::canary::status::CanaryStatus;
use crate::kubernetes::fence;
use crate::kubernetes::operation::DeleteOptions;
use crate::kubernetes::operation::Patch;
use crate::kubernetes::operation::WriteOptions;
use crate::kubernetes::request::Requests;
use crate::kubernetes::wake::Wake;
use crate::port::cluster::Fence;
use crate::port::cluster::WorkloadError;
use crate::port::cluster_error::ClusterError;
use serde_json::Value;
use serde_json::json;
use std::future::Future;
use std::rc::Rc;

/// Tries of one effect that others keep getting in the way of.
const TRIES: u32 = 5;

/// Reads and writes them.
pub struct Objects {
    /// To the API server.
    pub requests: Requests,
    /// Whose they are.
    pub canary: Rc<Canary>,
    owner: Option<Value>,
    wake: Rc<Wake>,
}

impl Objects {
    /// `owner` is the controller reference of what is created, where the Canary is in the cluster.
    #[must_use]
    pub const fn new(
        requests: Requests,
        canary: Rc<Canary>,
        owner: Option<Value>,
        wake: Rc<Wake>,
    ) -> Self {
        Self {
            requests,
            canary,
            owner,
            wake,
        }
    }

    /// An object in the canary's namespace.
    #[must_use]
    pub fn at(&self, resource: Resource, name: &str) -> ObjectRef {
        resource.in_namespace(&self.canary.namespace, name)
    }

    /// `NAMESPACE/NAME` of the canary.
    #[must_use]
    pub fn key(&self) -> String {
        format!("{}/{}", self.canary.namespace, self.canary.name)
    }

    /// Reads one whose changes wake the driver up.
    ///
    /// # Errors
    /// Whatever keeps the server from answering.
    pub async fn watched_get(&self, address: &ObjectRef) -> Result<Option<Value>, WorkloadError> {
        let found = self.requests.get_opt(address).await?;
        self.wake.seen(address, found.as_ref());
        Ok(found)
    }

    /// Returns when one of those has changed.
    pub async fn changed(&self) {
        self.wake.changed().await;
    }

    /// Creates an object with our marks, by server-side apply.
    ///
    /// # Errors
    /// The API server refuses it.
    pub async fn create(
        &self,
        address: &ObjectRef,
        mut manifest: Value,
        fence: &Fence,
    ) -> Result<Value, WorkloadError> {
        if let Some(owner) = &self.owner {
            manifest["metadata"]["ownerReferences"] = json!([owner]);
        }
        fence::mark(&mut manifest, fence, &self.key());
        let patch = Patch::Apply {
            manifest,
            force: true,
        };
        Ok(self
            .requests
            .patch(address, &patch, WriteOptions::default())
            .await?)
    }

    /// Changes a live object by operations of a JSON Patch, guarded and marked.
    ///
    /// # Errors
    /// Another driver or canary has it, or the API server refuses.
    pub async fn patch(
        &self,
        address: &ObjectRef,
        live: &Value,
        operations: Vec<Value>,
        fence: &Fence,
    ) -> Result<Value, WorkloadError> {
        let patch = fence::guarded(
            live,
            &address.to_string(),
            fence,
            &self.key(),
            None,
            operations,
        )?;
        Ok(self
            .requests
            .patch(address, &Patch::Json(patch), WriteOptions::default())
            .await?)
    }

    /// Gives an object up: what we made is deleted, from everything else our annotations are taken, after the
    /// operations that restore it. One of another canary is left alone.
    ///
    /// # Errors
    /// Another driver has it, or the API server refuses.
    pub async fn give_up(
        &self,
        address: &ObjectRef,
        restored: impl Fn(&Value) -> Vec<Value>,
        fence: &Fence,
    ) -> Result<(), WorkloadError> {
        let Some(live) = self.requests.get_opt(address).await? else {
            return Ok(());
        };
        let mut annotations = entries(&live, "annotations");
        let owner = annotations.get(CANARY).and_then(Value::as_str);
        if owner.is_some_and(|owner| owner != self.key()) {
            return Ok(());
        }
        if is_ours(&live) {
            let options = DeleteOptions {
                uid: live["metadata"]["uid"].as_str().map(str::to_owned),
                resource_version: live["metadata"]["resourceVersion"]
                    .as_str()
                    .map(str::to_owned),
                propagation: Some("Background"),
            };
            return Ok(self.requests.delete(address, &options).await?);
        }
        let before = annotations.len();
        annotations.retain(|key, _| !key.starts_with(OURS));
        if annotations.len() == before {
            return Ok(());
        }
        let mut operations = restored(&live);
        operations
            .push(json!({"op": "add", "path": "/metadata/annotations", "value": annotations}));
        let what = address.to_string();
        let mut patch = fence::guarded(&live, &what, fence, &self.key(), None, operations)?;
        // The last write leaves no marks.
        if let Some(operations) = patch.as_array_mut() {
            operations.retain(|operation| {
                let path = operation["path"].as_str().unwrap_or_default();
                operation["op"] == "test"
                    || !path.starts_with("/metadata/annotations/flagger-driver")
            });
        }
        let patch = Patch::Json(patch);
        self.requests
            .patch(address, &patch, WriteOptions::default())
            .await?;
        Ok(())
    }

    /// Writes `.status` of the Canary where that object exists, is ours to write, and differs.
    ///
    /// # Errors
    /// The API server does not answer.
    pub async fn publish(&self, status: &CanaryStatus) -> Result<(), WorkloadError> {
        match self.write_status(status).await {
            // Without the CRD, or without the right, there is nobody to tell.
            Err(WorkloadError::Cluster(
                ClusterError::NotFound { .. } | ClusterError::Denied { .. },
            )) => Ok(()),
            other => other,
        }
    }

    async fn write_status(&self, status: &CanaryStatus) -> Result<(), WorkloadError> {
        let address = self.at(Resource::CANARY, &self.canary.name);
        let Some(live) = self.requests.get_opt(&address).await? else {
            return Ok(());
        };
        let fields = serde_json::to_value(status).unwrap_or(Value::Null);
        let mut all = fields.as_object().into_iter().flatten();
        // A cookie that is taken back is no longer there.
        let gone = "sessionAffinityCookie";
        let gone =
            (fields.get(gone).is_none() && live["status"].get(gone).is_some()).then_some(gone);
        if gone.is_none() && all.all(|(field, value)| live["status"].get(field) == Some(value)) {
            return Ok(());
        }
        let mut patch =
            vec![json!({"op": "test", "path": "/metadata/uid", "value": live["metadata"]["uid"]})];
        if live.get("status").is_none() {
            patch.push(json!({"op": "add", "path": "/status", "value": {}}));
        }
        for (field, value) in fields.as_object().into_iter().flatten() {
            patch.push(json!({"op": "add", "path": format!("/status/{field}"), "value": value}));
        }
        patch.extend(gone.map(|field| json!({"op": "remove", "path": format!("/status/{field}")})));
        let options = WriteOptions {
            subresource: Some("status"),
            ..WriteOptions::default()
        };
        self.requests
            .patch(&address, &Patch::Json(patch.into()), options)
            .await?;
        Ok(())
    }
}

/// Did we make it?
#[must_use]
pub fn is_ours(object: &Value) -> bool {
    entries(object, "labels").get(MANAGED_BY) == Some(&json!(MANAGER))
}

/// Performs an effect again where somebody else came first, or the answer was lost: effects are absolute, and read
/// before they write.
///
/// # Errors
/// What the last try met.
pub async fn persistently<T, F: Future<Output = Result<T, WorkloadError>>>(
    mut once: impl FnMut() -> F,
) -> Result<T, WorkloadError> {
    let mut tries = 0;
    loop {
        tries += 1;
        match once().await {
            Err(WorkloadError::Cluster(
                ClusterError::Conflict { .. }
                | ClusterError::Invalid { .. }
                | ClusterError::Timeout { .. },
            )) if tries < TRIES => {}
            done => return done,
        }
    }
}
