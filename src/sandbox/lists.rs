//! Which lists of built-in kinds are maps by a key and which maps are atomic, as the API types declare it.

/// How a list is merged.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum ListKind {
    /// By these fields of its entries.
    Map(&'static [&'static str]),
    /// By its values.
    Set,
    /// As a whole.
    Atomic,
}

/// The list at that path of field names (`spec`, `template`, …) for server-side apply. Custom resources have no
/// schema here, so only their metadata has keys.
#[must_use]
pub fn list_kind(builtin: bool, path: &[&str]) -> ListKind {
    let last = path.last().copied().unwrap_or_default();
    let parent = path
        .len()
        .checked_sub(2)
        .and_then(|at| path.get(at).copied())
        .unwrap_or_default();
    match (parent, last) {
        ("metadata", "ownerReferences") => return ListKind::Map(&["uid"]),
        ("metadata", "finalizers") => return ListKind::Set,
        _ => {}
    }
    if !builtin {
        return ListKind::Atomic;
    }
    match (parent, last) {
        ("containers" | "initContainers" | "ephemeralContainers", "ports") => {
            ListKind::Map(&["containerPort", "protocol"])
        }
        ("spec", "ports") => ListKind::Map(&["port", "protocol"]),
        (
            _,
            "containers"
            | "initContainers"
            | "ephemeralContainers"
            | "env"
            | "volumes"
            | "imagePullSecrets",
        ) => ListKind::Map(&["name"]),
        (_, "volumeMounts") => ListKind::Map(&["mountPath"]),
        (_, "volumeDevices") => ListKind::Map(&["devicePath"]),
        (_, "hostAliases") => ListKind::Map(&["ip"]),
        (_, "topologySpreadConstraints") => ListKind::Map(&["topologyKey", "whenUnsatisfiable"]),
        ("status", "conditions") => ListKind::Map(&["type"]),
        _ => ListKind::Atomic,
    }
}

/// The key of a list in a strategic merge patch: one field even where apply has two.
#[must_use]
pub fn strategic_key(path: &[&str]) -> Option<&'static str> {
    match list_kind(true, path) {
        ListKind::Map([key, ..]) => Some(key),
        ListKind::Map([]) | ListKind::Set | ListKind::Atomic => None,
    }
}

/// Is the map at that path owned and replaced as a whole by apply?
#[must_use]
pub fn is_atomic_map(builtin: bool, path: &[&str]) -> bool {
    let last = path.last().copied().unwrap_or_default();
    builtin
        && matches!(
            last,
            "selector"
                | "labelSelector"
                | "namespaceSelector"
                | "nodeSelector"
                | "secretKeyRef"
                | "configMapKeyRef"
                | "fieldRef"
                | "resourceFieldRef"
                | "scaleTargetRef"
                | "targetRef"
        )
}

/// What a key field of a list entry stands for where it is absent.
#[must_use]
pub fn key_default(key: &str) -> Option<&'static str> {
    (key == "protocol").then_some("TCP")
}
