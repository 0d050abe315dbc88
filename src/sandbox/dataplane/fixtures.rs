//! A small cluster for the tests of data plane and traffic: services, their endpoints and pods.

use crate::sandbox::dataplane::Apex;
use crate::sandbox::dataplane::Backend;
use crate::sandbox::dataplane::Headers;
use crate::sandbox::dataplane::Lost;
use crate::sandbox::dataplane::view;
use crate::sandbox::objects::Objects;
use serde_json::Value;
use serde_json::json;
use std::collections::BTreeMap;
use std::sync::Arc;

#[derive(Default)]
pub(crate) struct World {
    objects: BTreeMap<(String, String, String), Value>,
}

impl World {
    pub(crate) fn apex() -> Apex {
        Apex {
            namespace: "test".to_owned(),
            service: "podinfo".to_owned(),
        }
    }

    pub(crate) fn put(&mut self, resource: &str, object: Value) {
        let part = |name: &str| {
            object["metadata"][name]
                .as_str()
                .unwrap_or_default()
                .to_owned()
        };
        let key = (resource.to_owned(), part("namespace"), part("name"));
        self.objects.insert(key, object);
    }

    pub(crate) fn remove(&mut self, resource: &str, name: &str) {
        self.objects
            .remove(&(resource.to_owned(), "test".to_owned(), name.to_owned()));
    }

    /// A Service on port 80 and its endpoints: pods and whether they are ready.
    pub(crate) fn service(&mut self, name: &str, pods: &[(&str, bool)]) {
        self.put(
            "services",
            json!({"metadata": {"name": name, "namespace": "test"},
                "spec": {"ports": [{"name": "http", "port": 80, "targetPort": 9898}]}}),
        );
        let endpoints: Vec<Value> = pods
            .iter()
            .map(|(pod, ready)| {
                json!({"conditions": {"ready": ready}, "targetRef": {"kind": "Pod", "name": pod}})
            })
            .collect();
        self.put(
            "endpointslices",
            json!({"metadata": {"name": format!("{name}-x"), "namespace": "test",
                "labels": {"kubernetes.io/service-name": name}}, "endpoints": endpoints}),
        );
    }

    pub(crate) fn pod(name: &str, image: &str, ready: bool) -> Value {
        let set = name.rsplit_once('-').map_or(name, |(stem, _)| stem);
        json!({"metadata": {"name": name, "namespace": "test", "ownerReferences":
                [{"kind": "ReplicaSet", "name": set, "controller": true}]},
            "spec": {"containers": [{"image": image}]},
            "status": {"conditions": [{"type": "Ready", "status": if ready { "True" } else { "False" }}]}})
    }

    /// Primary 6.0.0 with two pods and canary 6.0.1 with two pods, all ready, an IngressRoute and no weights yet.
    pub(crate) fn podinfo() -> Self {
        let mut world = Self::default();
        for (service, image) in [
            ("podinfo-primary", "podinfo:6.0.0"),
            ("podinfo-canary", "podinfo:6.0.1"),
        ] {
            let stem = service.trim_end_matches("-canary");
            let names: Vec<String> = ["aaaaa", "bbbbb"]
                .iter()
                .map(|end| format!("{stem}-6d4b-{end}"))
                .collect();
            let ready: Vec<(&str, bool)> = names.iter().map(|name| (name.as_str(), true)).collect();
            world.service(service, &ready);
            for name in &names {
                world.put("pods", Self::pod(name, image, true));
            }
        }
        world.put(
            "ingressroutes",
            json!({"metadata": {"name": "podinfo", "namespace": "test"}, "spec": {"routes": [
                {"match": "PathPrefix(`/`)", "services": [{"kind": "TraefikService", "name": "podinfo"}]}]}}),
        );
        world
    }

    /// The same behind an Ingress of a class instead, which leads to the apex service and one pod of the primary.
    pub(crate) fn behind_ingress(class: &str, mut annotations: Value) -> Self {
        let mut world = Self::podinfo();
        world.remove("ingressroutes", "podinfo");
        world.service("podinfo", &[("podinfo-primary-6d4b-aaaaa", true)]);
        annotations["kubernetes.io/ingress.class"] = json!(class);
        world.ingress("podinfo", annotations, &["podinfo"]);
        world
    }

    /// An Ingress of one host with a path to each of the services.
    pub(crate) fn ingress(&mut self, name: &str, annotations: Value, services: &[&str]) {
        let paths: Vec<Value> = services
            .iter()
            .map(|service| {
                json!({"path": "/", "backend": {"service": {"name": service, "port": {"number": 80}}}})
            })
            .collect();
        self.put(
            "ingresses",
            json!({"metadata": {"name": name, "namespace": "test", "annotations": annotations},
                "spec": {"rules": [{"host": "app.example.com", "http": {"paths": paths}}]}}),
        );
    }

    /// The TraefikService with these entries: name and weight, none for an entry without one.
    pub(crate) fn weights(&mut self, entries: &[(&str, Option<i64>)]) {
        let services: Vec<Value> = entries
            .iter()
            .map(|(name, weight)| {
                let mut entry = json!({"name": name, "namespace": "test", "port": 80});
                if let Some(weight) = weight {
                    entry["weight"] = json!(weight);
                }
                entry
            })
            .collect();
        self.put(
            "traefikservices",
            json!({"metadata": {"name": "podinfo", "namespace": "test"},
                "spec": {"weighted": {"services": services}}}),
        );
    }
}

impl Objects for World {
    fn get(&self, resource: &str, namespace: &str, name: &str) -> Option<Arc<Value>> {
        self.objects
            .get(&(resource.to_owned(), namespace.to_owned(), name.to_owned()))
            .map(|object| Arc::new(object.clone()))
    }

    fn list(&self, resource: &str, namespace: &str) -> Vec<Arc<Value>> {
        self.objects
            .iter()
            .filter(|((kind, place, _), _)| {
                kind == resource && (namespace.is_empty() || place == namespace)
            })
            .map(|(_, object)| Arc::new(object.clone()))
            .collect()
    }
}

/// Where requests with these headers go.
pub(crate) fn with(world: &World, headers: &[(&str, &str)]) -> Result<Vec<Backend>, Lost> {
    let owned = |(name, value): &(&str, &str)| ((*name).to_owned(), (*value).to_owned());
    let headers: Headers = headers.iter().map(owned).collect();
    let mut rules = view(&World::apex(), world).rules.into_iter();
    let rule = rules.find(|rule| rule.takes(&headers));
    rule.ok_or(Lost::NoRoute)?.backends
}

/// Weight and number of pods of every backend behind the proxy.
pub(crate) fn weights(world: &World) -> Result<Vec<(u64, usize)>, Lost> {
    let view = view(&World::apex(), world);
    assert!(view.proxied);
    // Those of whoever has no header.
    let rule = view
        .rules
        .into_iter()
        .find(|rule| rule.takes(&Headers::new()));
    let backends = rule.ok_or(Lost::NoRoute)?.backends?;
    Ok(backends.iter().map(|b| (b.weight, b.pods.len())).collect())
}
