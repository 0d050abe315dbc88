//! ConfigMaps and Secrets that a pod template refers to: finding them, hashing them, and pointing a copy of the
//! template at their copies. Rules and checksums are Flagger's.
//!
//! Works on JSON values only; must not ask a cluster.

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use serde_json::Map;
use serde_json::Value;
use sha2::Digest as _;
use sha2::Sha256;
use std::collections::BTreeMap;

/// Annotation on a ConfigMap or Secret that keeps it out, with a value that starts with `disable`.
const OPT_OUT: &str = "flagger.app/config-tracking";
/// Types of Secrets that are tracked; others belong to the system.
const SECRET_TYPES: [&str; 4] = [
    "Opaque",
    "kubernetes.io/basic-auth",
    "kubernetes.io/ssh-auth",
    "kubernetes.io/tls",
];

/// Which of the two kinds.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum ConfigKind {
    /// `v1` ConfigMap.
    ConfigMap,
    /// `v1` Secret.
    Secret,
}

impl ConfigKind {
    /// The word in `trackedConfigs`.
    #[must_use]
    pub const fn word(self) -> &'static str {
        match self {
            Self::ConfigMap => "configmap",
            Self::Secret => "secret",
        }
    }
}

/// A reference of a pod template.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct ConfigRef {
    /// Which kind.
    pub kind: ConfigKind,
    /// Name in the canary's namespace.
    pub name: String,
}

impl ConfigRef {
    /// The key in `trackedConfigs`.
    #[must_use]
    pub fn key(&self) -> String {
        format!("{}/{}", self.kind.word(), self.name)
    }
}

/// Name of the primary's copy.
#[must_use]
pub fn copy_name(name: &str) -> String {
    format!("{name}-primary")
}

/// All references of a pod spec, each with whether it is optional. Where a name is referred to twice, the last one
/// decides: volumes, then containers, then init containers.
#[must_use]
pub fn references(pod_spec: &Value) -> BTreeMap<ConfigRef, bool> {
    let mut found = BTreeMap::new();
    // A walk that changes nothing: the one list of places serves finding and rewiring.
    let mut spec = pod_spec.clone();
    each_reference(&mut spec, &mut |kind, name, optional| {
        found.insert(
            ConfigRef {
                kind,
                name: name.clone(),
            },
            optional,
        );
    });
    found
}

/// Points the references that `tracked` names at their copies.
pub fn rewire(pod_spec: &mut Value, tracked: &dyn Fn(&ConfigRef) -> bool) {
    each_reference(pod_spec, &mut |kind, name, _| {
        let reference = ConfigRef {
            kind,
            name: name.clone(),
        };
        if tracked(&reference) {
            *name = copy_name(name);
        }
    });
}

type Visit<'a> = dyn FnMut(ConfigKind, &mut String, bool) + 'a;

fn each_reference(pod_spec: &mut Value, visit: &mut Visit<'_>) {
    for volume in items(pod_spec, "volumes") {
        visit_field(
            volume.get_mut("configMap"),
            ConfigKind::ConfigMap,
            "name",
            visit,
        );
        visit_field(
            volume.get_mut("secret"),
            ConfigKind::Secret,
            "secretName",
            visit,
        );
        for source in volume
            .get_mut("projected")
            .into_iter()
            .flat_map(|p| items(p, "sources"))
        {
            visit_field(
                source.get_mut("configMap"),
                ConfigKind::ConfigMap,
                "name",
                visit,
            );
            visit_field(source.get_mut("secret"), ConfigKind::Secret, "name", visit);
        }
    }
    for list in ["containers", "initContainers"] {
        for container in items(pod_spec, list) {
            for env in items(container, "env") {
                let Some(from) = env.get_mut("valueFrom") else {
                    continue;
                };
                visit_field(
                    from.get_mut("configMapKeyRef"),
                    ConfigKind::ConfigMap,
                    "name",
                    visit,
                );
                visit_field(
                    from.get_mut("secretKeyRef"),
                    ConfigKind::Secret,
                    "name",
                    visit,
                );
            }
            for from in items(container, "envFrom") {
                visit_field(
                    from.get_mut("configMapRef"),
                    ConfigKind::ConfigMap,
                    "name",
                    visit,
                );
                visit_field(from.get_mut("secretRef"), ConfigKind::Secret, "name", visit);
            }
        }
    }
}

fn items<'a>(value: &'a mut Value, list: &str) -> impl Iterator<Item = &'a mut Value> {
    value
        .get_mut(list)
        .and_then(Value::as_array_mut)
        .into_iter()
        .flatten()
}

fn visit_field(holder: Option<&mut Value>, kind: ConfigKind, field: &str, visit: &mut Visit<'_>) {
    let Some(holder) = holder else { return };
    let optional = holder
        .get("optional")
        .and_then(Value::as_bool)
        .unwrap_or(false);
    if let Some(Value::String(name)) = holder.get_mut(field) {
        visit(kind, name, optional);
    }
}

/// Is this object tracked, or does it opt out or belong to the system?
#[must_use]
pub fn is_tracked(kind: ConfigKind, object: &Value) -> bool {
    let opted_out = object
        .pointer("/metadata/annotations")
        .and_then(|annotations| annotations.get(OPT_OUT))
        .and_then(Value::as_str)
        .is_some_and(|value| value.starts_with("disable"));
    let known_type = match kind {
        ConfigKind::ConfigMap => true,
        ConfigKind::Secret => {
            let of_type = object
                .get("type")
                .and_then(Value::as_str)
                .unwrap_or("Opaque");
            SECRET_TYPES.contains(&of_type)
        }
    };
    known_type && !opted_out
}

/// Flagger's checksum: the first 8 bytes of SHA-256, in hex, over the data as Go writes it.
#[must_use]
pub fn checksum(kind: ConfigKind, object: &Value) -> String {
    let digest = Sha256::digest(go_json(kind, object.get("data")));
    digest
        .iter()
        .take(8)
        .map(|byte| format!("{byte:02x}"))
        .collect()
}

/// Sorted keys, HTML-escaped strings; a Secret's values are byte strings, which Go writes in base64.
fn go_json(kind: ConfigKind, data: Option<&Value>) -> String {
    let Some(data) = data.and_then(Value::as_object) else {
        return "null".to_owned();
    };
    let sorted: BTreeMap<&String, &Value> = data.iter().collect();
    let fields: Vec<String> = sorted
        .into_iter()
        .map(|(key, value)| {
            let text = value.as_str().unwrap_or_default();
            let text = match kind {
                ConfigKind::ConfigMap => text.to_owned(),
                // Read and written again, so that any valid base64 of the same bytes is the same.
                ConfigKind::Secret => STANDARD
                    .decode(text)
                    .map_or_else(|_| text.to_owned(), |b| STANDARD.encode(b)),
            };
            format!("{}:{}", go_string(key), go_string(&text))
        })
        .collect();
    format!("{{{}}}", fields.join(","))
}

fn go_string(text: &str) -> String {
    let json = Value::String(text.to_owned()).to_string();
    json.replace('<', "\\u003c")
        .replace('>', "\\u003e")
        .replace('&', "\\u0026")
        .replace('\u{2028}', "\\u2028")
        .replace('\u{2029}', "\\u2029")
}

/// What of an object makes a copy: its data, of a Secret its type too.
#[must_use]
pub fn content(object: &Value) -> Map<String, Value> {
    ["data", "binaryData", "type"]
        .into_iter()
        .filter_map(|field| {
            object
                .get(field)
                .map(|value| (field.to_owned(), value.clone()))
        })
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    fn pod_spec() -> Value {
        json!({
            "volumes": [
                {"name": "a", "configMap": {"name": "cm-volume"}},
                {"name": "b", "secret": {"secretName": "secret-volume", "optional": true}},
                {"name": "c", "projected": {"sources": [
                    {"configMap": {"name": "cm-projected"}}, {"secret": {"name": "secret-projected"}},
                    {"serviceAccountToken": {"path": "token"}}]}}
            ],
            "containers": [{"name": "app",
                "env": [{"name": "A", "valueFrom": {"configMapKeyRef": {"name": "cm-env", "key": "a"}}},
                        {"name": "B", "value": "plain"}],
                "envFrom": [{"secretRef": {"name": "secret-env-from"}}]}],
            "initContainers": [{"name": "init",
                "env": [{"name": "C", "valueFrom": {"secretKeyRef": {"name": "secret-init", "key": "c"}}}]}],
            "imagePullSecrets": [{"name": "registry"}]
        })
    }

    #[test]
    fn every_place_of_a_reference_is_found() {
        let keys: Vec<String> = references(&pod_spec()).keys().map(ConfigRef::key).collect();
        assert_eq!(
            keys,
            [
                "configmap/cm-env",
                "configmap/cm-projected",
                "configmap/cm-volume",
                "secret/secret-env-from",
                "secret/secret-init",
                "secret/secret-projected",
                "secret/secret-volume",
            ]
        );
        let optional: Vec<bool> = references(&pod_spec()).into_values().collect();
        assert_eq!(optional.iter().filter(|o| **o).count(), 1);
    }

    #[test]
    fn only_tracked_references_are_rewired() {
        let mut spec = pod_spec();
        rewire(&mut spec, &|reference| reference.name == "cm-env");
        assert_eq!(
            spec["containers"][0]["env"][0]["valueFrom"]["configMapKeyRef"]["name"],
            "cm-env-primary"
        );
        assert_eq!(spec["volumes"][0]["configMap"]["name"], "cm-volume");
    }

    #[test]
    fn checksums_are_flaggers() {
        let checksum_of = |kind, object: Value| checksum(kind, &object);
        assert_eq!(
            checksum_of(ConfigKind::ConfigMap, json!({"data": {"color": "red"}})),
            "241889ca0604e333"
        );
        assert_eq!(
            checksum_of(ConfigKind::Secret, json!({"data": {"apiKey": "dGVzdA=="}})),
            "3930f0692c2295eb"
        );
        assert_eq!(
            checksum_of(ConfigKind::ConfigMap, json!({})),
            "74234e98afe7498f"
        );
    }

    #[test]
    fn go_escapes_what_html_cares_about() {
        assert_eq!(
            go_string("a<b>&\u{2028}"),
            "\"a\\u003cb\\u003e\\u0026\\u2028\""
        );
    }

    #[test]
    fn an_object_may_opt_out_and_system_secrets_are_left_alone() {
        let opted_out = json!({"metadata": {"annotations": {OPT_OUT: "disabled"}}});
        assert!(!is_tracked(ConfigKind::ConfigMap, &opted_out));
        assert!(!is_tracked(
            ConfigKind::Secret,
            &json!({"type": "kubernetes.io/service-account-token"})
        ));
        assert!(is_tracked(
            ConfigKind::Secret,
            &json!({"type": "kubernetes.io/tls"})
        ));
    }
}
