//! Ingresses, as all their controllers read them: which hosts and paths lead to which service.

use crate::sandbox::dataplane::Apex;
use crate::sandbox::dataplane::items;
use crate::sandbox::dataplane::text;
use crate::sandbox::objects::Objects;
use serde_json::Value;

/// One path of an Ingress.
pub(super) struct Path {
    /// Name of the Ingress.
    pub ingress: String,
    pub host: String,
    pub path: String,
    pub service: String,
    /// Number or name.
    pub port: Value,
    annotations: Value,
}

impl Path {
    pub fn annotation(&self, key: &str) -> Option<&str> {
        self.annotations.get(key)?.as_str()
    }

    /// Is it for the same requests, in another Ingress?
    pub fn is_beside(&self, other: &Self) -> bool {
        self.ingress != other.ingress && self.host == other.host && self.path == other.path
    }
}

/// All paths of all Ingresses of a class in the namespace of the apex.
pub(super) fn paths(objects: &dyn Objects, apex: &Apex, class: &str) -> Vec<Path> {
    let mut paths = Vec::new();
    for ingress in objects.list("ingresses", &apex.namespace) {
        let annotations = ingress
            .pointer("/metadata/annotations")
            .cloned()
            .unwrap_or_default();
        let named = text(&ingress, "/spec/ingressClassName");
        let old = annotations["kubernetes.io/ingress.class"].as_str();
        if named.or(old) != Some(class) {
            continue;
        }
        for rule in items(&ingress, "/spec/rules") {
            for path in items(rule, "/http/paths") {
                let word = |value: Option<&str>| value.unwrap_or_default().to_owned();
                let port = path.pointer("/backend/service/port");
                let port = port.and_then(|port| port.get("number").or_else(|| port.get("name")));
                paths.push(Path {
                    ingress: word(text(&ingress, "/metadata/name")),
                    host: word(text(rule, "/host")),
                    path: word(text(path, "/path")),
                    service: word(text(path, "/backend/service/name")),
                    port: port.cloned().unwrap_or_default(),
                    annotations: annotations.clone(),
                });
            }
        }
    }
    paths
}
