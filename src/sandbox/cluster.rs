//! The handle of an embedded cluster: what a scenario and a test do to it.

use crate::sandbox::api_server::ApiService;
use crate::sandbox::clock::SandboxClock;
use crate::sandbox::deletes;
use crate::sandbox::deletes::DeleteOptions;
use crate::sandbox::failure::Failure;
use crate::sandbox::faults::Fault;
use crate::sandbox::faults::Faults;
use crate::sandbox::faults::LoggedRequest;
use crate::sandbox::kinds::ApiKind;
use crate::sandbox::objects::Objects;
use crate::sandbox::options::SandboxError;
use crate::sandbox::options::SandboxOptions;
use crate::sandbox::patch::PatchType;
use crate::sandbox::proxy::ProxyHook;
use crate::sandbox::shared::Actor;
use crate::sandbox::shared::Shared;
use crate::sandbox::shared::State;
use crate::sandbox::shared::lock;
use crate::sandbox::store::ObjectKey;
use crate::sandbox::store::Store;
use crate::sandbox::tree;
use crate::sandbox::workloads::PodRule;
use crate::sandbox::workloads::PodTimes;
use crate::sandbox::workloads::Workloads;
use crate::sandbox::writes;
use crate::sandbox::writes::FieldValidation;
use crate::sandbox::writes::Part;
use crate::sandbox::writes::Write;
use crate::sandbox::writes::as_version;
use jiff::Timestamp;
use serde_json::Value;
use serde_json::json;
use std::sync::Arc;
use std::sync::Weak;
use tokio::sync::watch;

/// The field manager of what a user, or a scenario, does.
const USER: &str = "kubectl";

fn refused(what: String) -> impl FnOnce(Failure) -> SandboxError {
    move |failure| SandboxError::Refused {
        what,
        why: failure.message,
    }
}

/// A handle of an embedded cluster; clones are handles of the same one, and it ends with the last of them.
#[derive(Clone, Debug)]
pub struct SandboxCluster {
    shared: Arc<Shared>,
    actor: Arc<Actor>,
}

impl SandboxCluster {
    /// A cluster with its nodes and namespaces. Must be called inside a tokio runtime, which runs its one task.
    #[must_use]
    pub fn new(options: SandboxOptions) -> Self {
        let state = State {
            store: Store::new(options.seed),
            workloads: Workloads::new(options.pods),
            faults: Faults::default(),
            log: Vec::new(),
            keeps_log: true,
            watch_epoch: 0,
        };
        let shared = Arc::new(Shared::new(options.clock, state));
        let actor = Arc::new(Actor::start(&shared));
        let cluster = Self { shared, actor };
        let usual = ["default", "kube-system"].map(str::to_owned);
        for name in usual.iter().chain(&options.namespaces) {
            let namespace =
                json!({"apiVersion": "v1", "kind": "Namespace", "metadata": {"name": name}});
            cluster.seed(namespace);
        }
        for (name, labels) in &options.nodes {
            let mut node = json!({
                "apiVersion": "v1", "kind": "Node",
                "metadata": {"name": name, "labels": {"kubernetes.io/hostname": name, "kubernetes.io/os": "linux"}},
            });
            for (label, value) in labels {
                tree::set(&mut node, &["metadata", "labels", label], value.as_str());
            }
            cluster.seed(node);
        }
        cluster
    }

    /// Applies what cannot be refused: a name asked for twice is one object.
    fn seed(&self, object: Value) {
        let _ = self.apply_object(object);
    }

    /// The API server, for `kube::Client::new`.
    #[must_use]
    pub fn service(&self) -> ApiService {
        ApiService::new(Arc::clone(&self.shared), Arc::clone(&self.actor))
    }

    /// Creates or updates an object, as a user's `kubectl apply --server-side --force-conflicts` would.
    pub fn apply_object(&self, object: Value) -> Result<Value, SandboxError> {
        let name = tree::text(&object, "/metadata/name").to_owned();
        let what = format!("{}/{name}", tree::text(&object, "/kind"));
        let namespace = match tree::text(&object, "/metadata/namespace") {
            "" => "default".to_owned(),
            given => given.to_owned(),
        };
        let now = self.now();
        let result = self.shared.write(|state| {
            let (kind, version) = state.store.kind_of(&object)?;
            let write = user(&kind, &version, Part::Main, now);
            let body = object.to_string();
            let (stored, _) = writes::patch(
                &mut state.store,
                &write,
                &namespace,
                &name,
                PatchType::Apply,
                body.as_bytes(),
                true,
            )?;
            Ok(as_version(&stored, &kind, &version))
        });
        result.map_err(refused(what))
    }

    /// Merges a patch into an object, as a user's `kubectl patch --type=merge` would. `resource` is a plural,
    /// with its group where two groups have it, and with `/status` for that part.
    pub fn patch_object(
        &self,
        resource: &str,
        namespace: &str,
        name: &str,
        patch: &Value,
    ) -> Result<Value, SandboxError> {
        self.patch_as(PatchType::Merge, resource, namespace, name, patch)
    }

    /// The same with a strategic merge patch, as `kubectl set image` sends: lists such as containers are merged by
    /// their keys. Built-in kinds only.
    pub fn strategic_patch_object(
        &self,
        resource: &str,
        namespace: &str,
        name: &str,
        patch: &Value,
    ) -> Result<Value, SandboxError> {
        self.patch_as(PatchType::Strategic, resource, namespace, name, patch)
    }

    fn patch_as(
        &self,
        patch_type: PatchType,
        resource: &str,
        namespace: &str,
        name: &str,
        patch: &Value,
    ) -> Result<Value, SandboxError> {
        let (plural, part) = match resource.strip_suffix("/status") {
            Some(plural) => (plural, Part::Status),
            None => (resource, Part::Main),
        };
        let kind = self.kind(plural)?;
        let now = self.now();
        let body = patch.to_string();
        let result = self.shared.write(|state| {
            let write = user(&kind, kind.storage_version(), part, now);
            writes::patch(
                &mut state.store,
                &write,
                namespace,
                name,
                patch_type,
                body.as_bytes(),
                false,
            )
        });
        let (object, _) = result.map_err(refused(format!("{resource}/{name}")))?;
        Ok((*object).clone())
    }

    /// Deletes an object, as a user's `kubectl delete` would.
    pub fn delete_object(
        &self,
        resource: &str,
        namespace: &str,
        name: &str,
    ) -> Result<(), SandboxError> {
        let kind = self.kind(resource)?;
        let key = ObjectKey::new(&kind, namespace, name);
        let now = self.now();
        let options = DeleteOptions::default();
        self.shared
            .write(|state| deletes::delete(&mut state.store, &kind, &key, &options, now))
            .map_err(refused(format!("{resource}/{name}")))?;
        Ok(())
    }

    fn kind(&self, resource: &str) -> Result<Arc<ApiKind>, SandboxError> {
        self.shared
            .read(|state| state.store.kind_named(resource))
            .ok_or_else(|| SandboxError::UnknownResource {
                resource: resource.to_owned(),
            })
    }

    /// Makes a kind known, as a CustomResourceDefinition would.
    pub fn register(&self, kind: ApiKind) {
        self.shared.write(|state| state.store.register(kind));
    }

    /// Its objects, for the other parts of the sandbox.
    #[must_use]
    pub fn objects(&self) -> impl Objects + Clone + Send + Sync + 'static {
        StoredObjects(Arc::downgrade(&self.shared))
    }

    /// All objects by kind, namespace and name.
    #[must_use]
    pub fn dump(&self) -> Vec<Value> {
        let mut all: Vec<Value> = self.shared.read(|state| {
            state
                .store
                .all()
                .map(|(_, object)| (**object).clone())
                .collect()
        });
        all.sort_by_key(|object| {
            ["/kind", "/metadata/namespace", "/metadata/name"]
                .map(|pointer| tree::text(object, pointer).to_owned())
        });
        all
    }

    /// Hears of every change: the newest resource version.
    #[must_use]
    pub fn changed(&self) -> watch::Receiver<u64> {
        self.shared.news()
    }

    /// Its time of day.
    #[must_use]
    pub fn now(&self) -> Timestamp {
        self.shared.now()
    }

    /// Its clock.
    #[must_use]
    pub fn clock(&self) -> SandboxClock {
        *self.shared.clock()
    }

    /// From now on, requests that the fault hits go wrong, as often as it says.
    pub fn fail_next(&self, fault: Fault) {
        self.shared.write(|state| state.faults.add(fault));
    }

    /// Forgets all faults.
    pub fn clear_faults(&self) {
        self.shared.write(|state| state.faults.clear());
    }

    /// All requests about objects so far, in the order of their answers.
    #[must_use]
    pub fn log(&self) -> Vec<LoggedRequest> {
        self.shared.read(|state| state.log.clone())
    }

    /// Remembers no request from now on: a cluster that serves for hours must not grow with them.
    pub fn stop_log(&self) {
        self.shared.write(|state| state.keeps_log = false);
    }

    /// Controllers and nodes report what they do as Events, which people read with kubectl.
    pub fn tell_events(&self) {
        self.shared.write(|state| state.workloads.tell_events());
    }

    /// Answers what comes through the API server's proxy to a Service with a ready endpoint.
    pub fn set_proxy(&self, hook: ProxyHook) {
        *lock(&self.shared.proxy) = Some(hook);
    }

    /// Decides how pods started from now on behave. The rule must not call back into the cluster.
    pub fn set_pod_rule(&self, rule: PodRule) {
        self.shared.write(|state| state.workloads.set_rule(rule));
    }

    /// Changes how long pods take from now on.
    pub fn set_pod_times(&self, times: PodTimes) {
        self.shared.write(|state| state.workloads.set_times(times));
    }

    /// Ends all watches that are open, as a restart of the API server would.
    pub fn break_watches(&self) {
        self.shared.break_watches();
    }

    /// Forgets the history: watches from before this moment get 410, as after a compaction of etcd.
    pub fn compact(&self) {
        self.shared.write(|state| state.store.compact());
    }
}

const fn user<'a>(kind: &'a ApiKind, version: &'a str, part: Part, now: Timestamp) -> Write<'a> {
    Write {
        kind,
        version,
        manager: USER,
        part,
        dry_run: false,
        validation: FieldValidation::Drop,
        now,
    }
}

/// The cluster's objects, without keeping it: a hook that looks at them may live inside it.
#[derive(Clone, Debug)]
struct StoredObjects(Weak<Shared>);

impl Objects for StoredObjects {
    fn get(&self, resource: &str, namespace: &str, name: &str) -> Option<Arc<Value>> {
        self.0.upgrade()?.read(|state| {
            let kind = state.store.kind_named(resource)?;
            let object = state.store.get(&ObjectKey::new(&kind, namespace, name))?;
            Some(Arc::clone(object))
        })
    }

    fn list(&self, resource: &str, namespace: &str) -> Vec<Arc<Value>> {
        let Some(shared) = self.0.upgrade() else {
            return Vec::new();
        };
        shared.read(|state| {
            let Some(kind) = state.store.kind_named(resource) else {
                return Vec::new();
            };
            let objects = state.store.list(&kind.group, &kind.plural, namespace);
            objects.map(|(_, object)| Arc::clone(object)).collect()
        })
    }
}
