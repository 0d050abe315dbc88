//! What controllers and kubelets do in a real cluster: replica sets, pods, endpoints and garbage collection, as
//! tasks that are due at a moment of virtual time.
//!
//! Each task looks at the store and moves it one step, like a controller's reconciliation. Must not wait itself
//! and must not ask a clock: the moment is handed in.

mod daemon_set;
mod deployment;
mod endpoints;
mod events;
mod garbage;
mod knative;
mod pods;
mod replica_set;
mod revisions;
mod rollout_status;

use crate::sandbox::selectors::map_selects;
use crate::sandbox::store::Change;
use crate::sandbox::store::ChangeKind;
use crate::sandbox::store::ObjectKey;
use crate::sandbox::store::Store;
use crate::sandbox::tree;
use jiff::Timestamp;
use serde_json::Value;
use serde_json::json;
use std::collections::BTreeMap;
use std::fmt;
use std::time::Duration;

/// How long a controller takes to notice and act.
const REACTION: Duration = Duration::from_millis(50);

/// How pods behave where their template does not say.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct PodTimes {
    /// From creation to ready, milliseconds.
    pub start_ms: u64,
    /// From asking for deletion until the pod is gone, milliseconds.
    pub drain_ms: u64,
}

impl Default for PodTimes {
    fn default() -> Self {
        Self {
            start_ms: 3000,
            drain_ms: 5000,
        }
    }
}

/// What becomes of one pod.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum PodBehaviour {
    /// Ready after the usual time, unless its template carries the annotation `test/never-ready`.
    Usual,
    /// Ready that many milliseconds after its creation.
    ReadyAfterMs(u64),
    /// Runs and never becomes ready.
    NeverReady,
}

/// Decides about a pod when it is created. Called while the cluster is locked: it must not call back into it.
pub type PodRule = Box<dyn Fn(&Value) -> PodBehaviour + Send>;

/// Something to do at a moment.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
enum Task {
    Deployment(String, String),
    ReplicaSet(String, String),
    DaemonSet(String, String),
    PodStarts {
        namespace: String,
        name: String,
        uid: String,
    },
    PodReady {
        namespace: String,
        name: String,
        uid: String,
    },
    PodGone {
        namespace: String,
        name: String,
        uid: String,
    },
    Endpoints(String, String),
    Knative(String, String),
    /// The object with that uid is gone: what about those it owned?
    Orphans(String),
    /// Does the owner of that object still exist?
    Owners(ObjectKey),
    /// Is that owner, deleted in the foreground, rid of its dependents?
    Foreground(ObjectKey),
    Namespace(String),
    Report(events::Report),
}

/// A moment, and what stands in the store then.
pub(super) struct Moment<'a> {
    pub(super) store: &'a mut Store,
    /// Virtual time since the start.
    pub(super) elapsed: Duration,
    /// The same as time of day.
    pub(super) now: Timestamp,
}

/// The tasks that are due, and what pods' objects do not say.
pub struct Workloads {
    queue: BTreeMap<(Duration, u64), Task>,
    queued: BTreeMap<Task, (Duration, u64)>,
    seq: u64,
    /// The newest change that was looked at.
    seen: u64,
    times: PodTimes,
    rule: Option<PodRule>,
    /// Pods' uids and when they became ready: objects keep whole seconds only.
    ready_at: BTreeMap<String, Duration>,
    addresses: u64,
    tells_events: bool,
}

impl fmt::Debug for Workloads {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Workloads")
            .field("queue", &self.queue)
            .field("times", &self.times)
            .finish_non_exhaustive()
    }
}

impl Workloads {
    /// Nothing to do yet.
    #[must_use]
    pub fn new(times: PodTimes) -> Self {
        Self {
            queue: BTreeMap::new(),
            queued: BTreeMap::new(),
            seq: 0,
            seen: 0,
            times,
            rule: None,
            ready_at: BTreeMap::new(),
            addresses: 0,
            tells_events: false,
        }
    }

    /// Pods created from now on behave by this rule.
    pub fn set_rule(&mut self, rule: PodRule) {
        self.rule = Some(rule);
    }

    /// Pods created, or asked to end, from now on take these times.
    pub fn set_times(&mut self, times: PodTimes) {
        self.times = times;
    }

    /// Events are written from now on.
    pub fn tell_events(&mut self) {
        self.tells_events = true;
    }

    /// When the next task is due.
    #[must_use]
    pub fn next_due(&self) -> Option<Duration> {
        self.queue.first_key_value().map(|((at, _), _)| *at)
    }

    /// Queues a task; one that is queued already keeps the earlier moment.
    fn schedule(&mut self, task: Task, at: Duration) {
        if let Some(queued) = self.queued.get(&task).copied() {
            if queued.0 <= at {
                return;
            }
            self.queue.remove(&queued);
        }
        self.seq += 1;
        self.queued.insert(task.clone(), (at, self.seq));
        self.queue.insert((at, self.seq), task);
    }

    /// Does the first due task; false if none is.
    pub(super) fn step(&mut self, moment: &mut Moment<'_>) -> bool {
        let Some(entry) = self.queue.first_entry() else {
            return false;
        };
        if entry.key().0 > moment.elapsed {
            return false;
        }
        let task = entry.remove();
        self.queued.remove(&task);
        match task {
            Task::Deployment(namespace, name) => self.sync_deployment(moment, &namespace, &name),
            Task::ReplicaSet(namespace, name) => self.sync_replica_set(moment, &namespace, &name),
            Task::DaemonSet(namespace, name) => self.sync_daemon_set(moment, &namespace, &name),
            Task::PodStarts {
                namespace,
                name,
                uid,
            } => self.start_pod(moment, &namespace, &name, &uid),
            Task::PodReady {
                namespace,
                name,
                uid,
            } => self.ready_pod(moment, &namespace, &name, &uid),
            Task::PodGone {
                namespace,
                name,
                uid,
            } => {
                self.ready_at.remove(&uid);
                pods::remove(moment, &namespace, &name, &uid);
            }
            Task::Endpoints(namespace, name) => endpoints::sync(moment, &namespace, &name),
            Task::Knative(namespace, name) => knative::sync(moment, &namespace, &name),
            Task::Orphans(uid) => garbage::collect_dependents(moment, &uid),
            Task::Owners(key) => garbage::check_owners(moment, &key),
            Task::Foreground(key) => garbage::finish_foreground(moment, &key),
            Task::Namespace(name) => self.empty_namespace(moment, &name),
            Task::Report(report) => events::write(moment, &report),
        }
        self.observe(moment.store, moment.elapsed);
        true
    }

    fn empty_namespace(&mut self, moment: &mut Moment<'_>, name: &str) {
        if !garbage::empty_namespace(moment, name) {
            self.schedule(Task::Namespace(name.to_owned()), moment.elapsed + REACTION);
        }
    }

    /// Looks at what changed since the last time and queues what it asks for.
    pub fn observe(&mut self, store: &Store, elapsed: Duration) {
        let changes: Vec<_> = match store.since(self.seen) {
            Ok(changes) => changes.cloned().collect(),
            Err(_) => Vec::new(),
        };
        self.seen = store.revision();
        for change in changes {
            self.react(store, &change, elapsed);
        }
    }

    fn react(&mut self, store: &Store, change: &Change, elapsed: Duration) {
        let soon = elapsed + REACTION;
        if self.tells_events {
            for report in events::reports(change) {
                self.schedule(Task::Report(report), elapsed);
            }
        }
        let namespace = &change.key.namespace;
        let name = &change.key.name;
        match (change.key.group.as_str(), change.key.plural.as_str()) {
            ("apps", "deployments") => {
                self.schedule(Task::Deployment(namespace.clone(), name.clone()), soon);
                let service = knative::service_of(&change.after);
                if !service.is_empty() && change.kind != ChangeKind::Deleted {
                    self.schedule(Task::Knative(namespace.clone(), service.to_owned()), soon);
                }
            }
            (knative::GROUP, "services") => {
                self.schedule(Task::Knative(namespace.clone(), name.clone()), soon);
            }
            ("apps", "replicasets") => {
                if change.kind != ChangeKind::Deleted {
                    self.schedule(Task::ReplicaSet(namespace.clone(), name.clone()), soon);
                }
                self.wake_controller(change, soon);
            }
            ("apps", "daemonsets") => {
                self.schedule(Task::DaemonSet(namespace.clone(), name.clone()), soon);
            }
            ("", "nodes") => {
                for (key, _) in store.list("apps", "daemonsets", "") {
                    self.schedule(
                        Task::DaemonSet(key.namespace.clone(), key.name.clone()),
                        soon,
                    );
                }
            }
            ("", "pods") => {
                self.react_to_pod(change, elapsed);
                self.wake_controller(change, soon);
                for (key, service) in store.list("", "services", namespace) {
                    let selector = service.pointer("/spec/selector");
                    let selected = [Some(&change.after), change.before.as_ref()]
                        .into_iter()
                        .flatten()
                        .any(|pod| map_selects(selector, pod.pointer("/metadata/labels")));
                    if selected {
                        self.schedule(Task::Endpoints(namespace.clone(), key.name.clone()), soon);
                    }
                }
            }
            ("", "services") => {
                self.schedule(Task::Endpoints(namespace.clone(), name.clone()), soon);
            }
            ("", "namespaces")
                if change.kind != ChangeKind::Deleted
                    && change
                        .after
                        .pointer("/metadata/deletionTimestamp")
                        .is_some() =>
            {
                self.schedule(Task::Namespace(name.clone()), soon);
            }
            _ => {}
        }
        self.react_to_owners(store, change, soon);
    }

    fn react_to_owners(&mut self, store: &Store, change: &Change, soon: Duration) {
        let after = &change.after;
        let references = tree::items(after, "/metadata/ownerReferences");
        match change.kind {
            ChangeKind::Deleted => {
                self.schedule(
                    Task::Orphans(tree::text(after, "/metadata/uid").to_owned()),
                    soon,
                );
                for reference in references {
                    let uid = tree::text(reference, "/uid");
                    if let Some(owner) = garbage::foreground_owner(store, uid) {
                        self.schedule(Task::Foreground(owner), soon);
                    }
                }
            }
            ChangeKind::Added => {
                if !references.is_empty() {
                    self.schedule(Task::Owners(change.key.clone()), soon);
                }
            }
            ChangeKind::Modified => {
                if garbage::is_foreground(after) {
                    self.schedule(Task::Foreground(change.key.clone()), soon);
                }
            }
        }
    }

    fn wake_controller(&mut self, change: &Change, at: Duration) {
        let Some(owner) = controller(&change.after) else {
            return;
        };
        let namespace = change.key.namespace.clone();
        let name = tree::text(owner, "/name").to_owned();
        match tree::text(owner, "/kind") {
            "Deployment" => self.schedule(Task::Deployment(namespace, name), at),
            "ReplicaSet" => self.schedule(Task::ReplicaSet(namespace, name), at),
            "DaemonSet" => self.schedule(Task::DaemonSet(namespace, name), at),
            _ => {}
        }
    }
}

/// The owner that controls an object.
fn controller(object: &Value) -> Option<&Value> {
    tree::items(object, "/metadata/ownerReferences")
        .iter()
        .find(|reference| reference.get("controller") == Some(&Value::Bool(true)))
}

/// The keys of a resource's objects that an owner controls.
fn controlled(
    store: &Store,
    group: &str,
    plural: &str,
    namespace: &str,
    owner: &Value,
) -> Vec<ObjectKey> {
    let uid = tree::text(owner, "/metadata/uid");
    store
        .list(group, plural, namespace)
        .filter(|(_, object)| {
            controller(object).is_some_and(|owner| tree::text(owner, "/uid") == uid)
        })
        .map(|(key, _)| key.clone())
        .collect()
}

/// The reference of a controller's object.
fn owner_reference(owner: &Value) -> Value {
    json!({
        "apiVersion": tree::text(owner, "/apiVersion"),
        "kind": tree::text(owner, "/kind"),
        "name": tree::text(owner, "/metadata/name"),
        "uid": tree::text(owner, "/metadata/uid"),
        "controller": true,
        "blockOwnerDeletion": true,
    })
}

/// Changes an object as a controller would; nothing is written where nothing changed.
fn edit(store: &mut Store, key: &ObjectKey, change: impl FnOnce(&mut Value)) {
    let Some(current) = store.get(key).cloned() else {
        return;
    };
    let mut next = (*current).clone();
    change(&mut next);
    if next == *current {
        return;
    }
    if key.group == "apps" && next.get("spec") != current.get("spec") {
        let generation = tree::int(&current, "/metadata/generation").unwrap_or(1);
        tree::set(&mut next, &["metadata", "generation"], generation + 1);
    }
    store.put(key.clone(), next);
}

/// A count in an object, 0 where it is absent.
fn count(object: &Value, pointer: &str) -> i64 {
    tree::int(object, pointer).unwrap_or(0)
}
