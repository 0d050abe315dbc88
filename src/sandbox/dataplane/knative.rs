//! Knative Serving with Kourier: a Service whose status says which revisions get whom.
//!
//! Reads the status, which its controller writes, and not what was asked for.

use crate::sandbox::dataplane::Apex;
use crate::sandbox::dataplane::Label;
use crate::sandbox::dataplane::Lost;
use crate::sandbox::dataplane::View;
use crate::sandbox::dataplane::items;
use crate::sandbox::dataplane::share;
use crate::sandbox::dataplane::shares;
use crate::sandbox::dataplane::text;
use crate::sandbox::objects::Objects;
use serde_json::Value;

/// The Service of that name.
pub fn read(apex: &Apex, objects: &dyn Objects) -> Option<View> {
    let service = objects.get(
        "services.serving.knative.dev",
        &apex.namespace,
        &apex.service,
    )?;
    let backends = items(&service, "/status/traffic").map(|entry| {
        let revision = text(entry, "/revisionName").unwrap_or_default();
        let weight = entry.get("percent").and_then(Value::as_u64).unwrap_or(0);
        // A revision has a private Service of its name.
        let mut backend = share(objects, &apex.namespace, revision, None, weight);
        let cluster = format!("{}/{revision}", apex.namespace);
        backend.label = Some(Label::Envoy("envoy_cluster_name", cluster));
        backend
    });
    let backends: Vec<_> = backends.collect();
    let backends = if backends.is_empty() {
        Err(Lost::NoRoute)
    } else {
        shares(backends)
    };
    Some(View::of(true, backends))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::sandbox::dataplane::fixtures::World;
    use crate::sandbox::dataplane::fixtures::weights;
    use serde_json::json;

    fn world(traffic: Value) -> World {
        let mut world = World::podinfo();
        world.remove("ingressroutes", "podinfo");
        world.put(
            "services.serving.knative.dev",
            json!({"metadata": {"name": "podinfo", "namespace": "test"},
                "spec": {"traffic": [{"latestRevision": true, "percent": 100}]}, "status": {"traffic": traffic}}),
        );
        world.service("podinfo-00001", &[("podinfo-primary-6d4b-aaaaa", true)]);
        world.service("podinfo-00002", &[]);
        world
    }

    #[test]
    fn users_go_where_the_status_says() {
        let read = |traffic| weights(&world(traffic));
        let first = json!({"revisionName": "podinfo-00001", "percent": 70});
        let second = json!({"revisionName": "podinfo-00002", "percent": 30});
        assert_eq!(read(json!([second, first])), Ok(vec![(30, 0), (70, 1)]));
        assert_eq!(read(json!([])), Err(Lost::NoRoute));
    }
}
