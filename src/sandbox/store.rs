//! The embedded cluster's memory: objects, their versions and the history that watches are served from.
//!
//! Must not know what any kind means, and must not ask the time.

use crate::sandbox::failure::Failure;
use crate::sandbox::kinds::ApiKind;
use crate::sandbox::kinds::known;
use crate::sandbox::tree;
use serde_json::Value;
use sha2::Digest as _;
use sha2::Sha256;
use std::collections::BTreeMap;
use std::collections::VecDeque;
use std::sync::Arc;

/// Changes that are remembered; a watch from before them is answered 410.
const HISTORY: usize = 20_000;

/// The letters Kubernetes builds generated names from: without vowels and lookalikes.
pub const NAME_LETTERS: &[u8; 27] = b"bcdfghjklmnpqrstvwxz2456789";

/// Where an object is kept. All versions of a group's resource are one object.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct ObjectKey {
    /// Empty for the core group.
    pub group: String,
    /// Such as `deployments`.
    pub plural: String,
    /// Empty for cluster-scoped kinds.
    pub namespace: String,
    /// The object's name.
    pub name: String,
}

impl ObjectKey {
    /// The key of a kind's object.
    #[must_use]
    pub fn new(kind: &ApiKind, namespace: &str, name: &str) -> Self {
        let namespace = if kind.namespaced { namespace } else { "" };
        Self::of(&kind.group, &kind.plural, namespace, name)
    }

    /// The key from its parts.
    #[must_use]
    pub fn of(group: &str, plural: &str, namespace: &str, name: &str) -> Self {
        Self {
            group: group.to_owned(),
            plural: plural.to_owned(),
            namespace: namespace.to_owned(),
            name: name.to_owned(),
        }
    }
}

/// What a change was.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum ChangeKind {
    /// Created.
    Added,
    /// Updated.
    Modified,
    /// Gone.
    Deleted,
}

/// One change.
#[derive(Clone, Debug)]
pub struct Change {
    /// Its resource version.
    pub revision: u64,
    /// Which object.
    pub key: ObjectKey,
    /// What happened.
    pub kind: ChangeKind,
    /// The object before it.
    pub before: Option<Arc<Value>>,
    /// The object after it; for a deletion the last state, with the deletion's version.
    pub after: Arc<Value>,
}

/// All objects.
#[derive(Debug)]
pub struct Store {
    kinds: Vec<Arc<ApiKind>>,
    objects: BTreeMap<ObjectKey, Arc<Value>>,
    revision: u64,
    history: VecDeque<Arc<Change>>,
    forgotten: u64,
    seed: u64,
    drawn: u64,
}

impl Store {
    /// An empty one; uids and generated names derive from `seed`.
    #[must_use]
    pub fn new(seed: u64) -> Self {
        Self {
            kinds: known().into_iter().map(Arc::new).collect(),
            objects: BTreeMap::new(),
            revision: 0,
            history: VecDeque::new(),
            forgotten: 0,
            seed,
            drawn: 0,
        }
    }

    /// Adds a kind, or replaces one of the same group and plural.
    pub fn register(&mut self, kind: ApiKind) {
        self.kinds
            .retain(|known| known.group != kind.group || known.plural != kind.plural);
        self.kinds.push(Arc::new(kind));
    }

    /// All kinds, in the order they were registered.
    #[must_use]
    pub fn kinds(&self) -> &[Arc<ApiKind>] {
        &self.kinds
    }

    /// The kind served at that path.
    #[must_use]
    pub fn kind_at(&self, group: &str, version: &str, plural: &str) -> Option<Arc<ApiKind>> {
        let found = self.kinds.iter().find(|kind| {
            kind.group == group
                && kind.plural == plural
                && kind.versions.iter().any(|v| v == version)
        });
        found.cloned()
    }

    /// The kind of a plural: with its group (`deployments.apps`) or alone, then the first registered.
    #[must_use]
    pub fn kind_named(&self, resource: &str) -> Option<Arc<ApiKind>> {
        let found = self
            .kinds
            .iter()
            .find(|kind| kind.plural == resource || kind.qualified() == resource);
        found.cloned()
    }

    /// The kind that a manifest's `apiVersion` and `kind` name, and the version.
    pub fn kind_of(&self, object: &Value) -> Result<(Arc<ApiKind>, String), Failure> {
        let api_version = tree::text(object, "/apiVersion");
        let (group, version) = api_version.split_once('/').unwrap_or(("", api_version));
        let name = tree::text(object, "/kind");
        let found = self.kinds.iter().find(|kind| {
            kind.group == group && kind.kind == name && kind.versions.iter().any(|v| v == version)
        });
        match found {
            Some(kind) => Ok((Arc::clone(kind), version.to_owned())),
            None => Err(Failure::bad_request(format!(
                "no matches for kind \"{name}\" in version \"{api_version}\""
            ))),
        }
    }

    /// The version of the newest change.
    #[must_use]
    pub const fn revision(&self) -> u64 {
        self.revision
    }

    /// One object.
    #[must_use]
    pub fn get(&self, key: &ObjectKey) -> Option<&Arc<Value>> {
        self.objects.get(key)
    }

    /// A resource's objects by namespace and name; an empty namespace stands for all.
    pub fn list<'a>(
        &'a self,
        group: &'a str,
        plural: &'a str,
        namespace: &'a str,
    ) -> impl Iterator<Item = (&'a ObjectKey, &'a Arc<Value>)> {
        self.objects
            .range(ObjectKey::of(group, plural, namespace, "")..)
            .take_while(move |(key, _)| {
                key.group == group
                    && key.plural == plural
                    && (namespace.is_empty() || key.namespace == namespace)
            })
    }

    /// All objects.
    pub fn all(&self) -> impl Iterator<Item = (&ObjectKey, &Arc<Value>)> {
        self.objects.iter()
    }

    /// Stores an object under the next version and returns it with that version.
    pub fn put(&mut self, key: ObjectKey, mut object: Value) -> Arc<Value> {
        self.revision += 1;
        tree::set(
            &mut object,
            &["metadata", "resourceVersion"],
            self.revision.to_string(),
        );
        let after = Arc::new(object);
        let before = self.objects.insert(key.clone(), Arc::clone(&after));
        let kind = if before.is_some() {
            ChangeKind::Modified
        } else {
            ChangeKind::Added
        };
        self.remember(key, kind, before, Arc::clone(&after));
        after
    }

    /// Takes an object out; returns its last state with the version of the deletion.
    pub fn remove(&mut self, key: &ObjectKey) -> Option<Arc<Value>> {
        let before = self.objects.remove(key)?;
        self.revision += 1;
        let mut last = (*before).clone();
        tree::set(
            &mut last,
            &["metadata", "resourceVersion"],
            self.revision.to_string(),
        );
        let last = Arc::new(last);
        self.remember(
            key.clone(),
            ChangeKind::Deleted,
            Some(before),
            Arc::clone(&last),
        );
        Some(last)
    }

    fn remember(
        &mut self,
        key: ObjectKey,
        kind: ChangeKind,
        before: Option<Arc<Value>>,
        after: Arc<Value>,
    ) {
        self.history.push_back(Arc::new(Change {
            revision: self.revision,
            key,
            kind,
            before,
            after,
        }));
        while self.history.len() > HISTORY {
            self.forget_one();
        }
    }

    fn forget_one(&mut self) {
        if let Some(change) = self.history.pop_front() {
            self.forgotten = change.revision;
        }
    }

    /// Forgets the history: watches from before this moment are answered 410, as after etcd's compaction.
    pub fn compact(&mut self) {
        while !self.history.is_empty() {
            self.forget_one();
        }
    }

    /// The changes after a version, or 410 where some of them are forgotten.
    pub fn since(&self, revision: u64) -> Result<impl Iterator<Item = &Arc<Change>>, Failure> {
        if revision < self.forgotten {
            return Err(Failure::gone(revision, self.forgotten));
        }
        let first = self
            .history
            .partition_point(|change| change.revision <= revision);
        Ok(self.history.range(first..))
    }

    /// A new uid; the same sequence for the same seed.
    pub fn next_uid(&mut self) -> String {
        let digest = self.draw();
        let hex: String = digest.iter().take(16).map(|b| format!("{b:02x}")).collect();
        let part = |from: usize, to: usize| hex.get(from..to).unwrap_or_default();
        format!(
            "{}-{}-4{}-8{}-{}",
            part(0, 8),
            part(8, 12),
            part(13, 16),
            part(17, 20),
            part(20, 32)
        )
    }

    /// Five letters for a generated name.
    pub fn next_suffix(&mut self) -> String {
        let digest = self.draw();
        digest
            .iter()
            .take(5)
            .filter_map(|byte| NAME_LETTERS.get(usize::from(*byte) % NAME_LETTERS.len()))
            .map(|letter| char::from(*letter))
            .collect()
    }

    fn draw(&mut self) -> Vec<u8> {
        self.drawn += 1;
        let text = format!("{}/{}", self.seed, self.drawn);
        Sha256::digest(text.as_bytes()).to_vec()
    }
}
