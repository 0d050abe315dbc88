//! Traefik: IngressRoute and TraefikService of `traefik.io/v1alpha1`, as its Kubernetes CRD provider reads them.
//!
//! Only what a weighted split needs: rules are taken to match every request, and of a TraefikService only
//! `weighted.services` of kind Service is known. Whatever else stands there makes Traefik drop the route.

use crate::sandbox::dataplane::Apex;
use crate::sandbox::dataplane::Backend;
use crate::sandbox::dataplane::Label;
use crate::sandbox::dataplane::Lost;
use crate::sandbox::dataplane::View;
use crate::sandbox::dataplane::items;
use crate::sandbox::dataplane::ready_pods;
use crate::sandbox::dataplane::text;
use crate::sandbox::objects::Objects;
use serde_json::Value;

/// An IngressRoute that names the apex makes Traefik its proxy. So does a TraefikService of that name: its listener
/// may be an object that is not in this cluster.
pub fn read(apex: &Apex, objects: &dyn Objects) -> Option<View> {
    let weighted = objects.get("traefikservices", &apex.namespace, &apex.service);
    let backends = match (route(apex, objects), weighted) {
        (Some(Route::Service(entry)), _) => {
            backend(&entry, &apex.namespace, objects).map(|only| vec![only])
        }
        (Some(Route::Weighted), None) => Err(Lost::NoRoute),
        (Some(Route::Weighted) | None, Some(weighted)) => split(&weighted, apex, objects),
        (None, None) => return None,
    };
    Some(View::of(true, backends))
}

enum Route {
    /// To a Service at once.
    Service(Value),
    /// To the TraefikService.
    Weighted,
}

fn route(apex: &Apex, objects: &dyn Objects) -> Option<Route> {
    for ingress in objects.list("ingressroutes", "") {
        let own = text(&ingress, "/metadata/namespace").unwrap_or_default();
        for route in items(&ingress, "/spec/routes") {
            for entry in items(route, "/services") {
                let namespace = text(entry, "/namespace").unwrap_or(own);
                if text(entry, "/name") != Some(&apex.service) || namespace != apex.namespace {
                    continue;
                }
                return Some(match text(entry, "/kind") {
                    Some("TraefikService") => Route::Weighted,
                    Some(_) | None => Route::Service(entry.clone()),
                });
            }
        }
    }
    None
}

fn split(weighted: &Value, apex: &Apex, objects: &dyn Objects) -> Result<Vec<Backend>, Lost> {
    let mut backends = Vec::new();
    let mut listed = 0;
    for entry in items(weighted, "/spec/weighted/services") {
        listed += 1;
        // An entry of weight 0 gets nothing, but the route stands or falls with its endpoints all the same.
        let backend = backend(entry, &apex.namespace, objects)?;
        if backend.weight > 0 {
            backends.push(backend);
        }
    }
    match (listed, backends.is_empty()) {
        (0, _) => Err(Lost::NoRoute),
        (_, true) => Err(Lost::NoEndpoint),
        (_, false) => Ok(backends),
    }
}

fn backend(entry: &Value, own: &str, objects: &dyn Objects) -> Result<Backend, Lost> {
    let namespace = text(entry, "/namespace").unwrap_or(own);
    let name = text(entry, "/name").unwrap_or_default();
    if text(entry, "/kind").is_some_and(|kind| kind != "Service") {
        return Err(Lost::NoRoute);
    }
    let service = objects
        .get("services", namespace, name)
        .ok_or(Lost::NoRoute)?;
    let port = entry
        .get("port")
        .and_then(|wanted| port(&service, wanted))
        .ok_or(Lost::NoRoute)?;
    let pods = ready_pods(objects, namespace, name);
    if pods.is_empty() {
        return Err(Lost::Dropped);
    }
    let weight = match entry.get("weight") {
        None => 1,
        // Below 0 is taken as 0.
        Some(weight) => weight.as_u64().unwrap_or(0),
    };
    Ok(Backend {
        label: Some(Label::Traefik(format!(
            "{namespace}-{name}-{port}@kubernetescrd"
        ))),
        weight,
        namespace: namespace.to_owned(),
        pods,
        cookie: None,
    })
}

/// The port as the route spells it, if the Service has it.
fn port(service: &Value, wanted: &Value) -> Option<String> {
    let found = items(service, "/spec/ports")
        .any(|port| port.get("port") == Some(wanted) || port.get("name") == Some(wanted));
    let spelled = wanted
        .as_str()
        .map_or_else(|| wanted.to_string(), str::to_owned);
    found.then_some(spelled)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::sandbox::dataplane::fixtures::World;
    use crate::sandbox::dataplane::view;
    use serde_json::json;

    fn weights(world: &World) -> Result<Vec<u64>, Lost> {
        let mut view = view(&World::apex(), world);
        assert!(view.proxied);
        view.rules
            .remove(0)
            .backends
            .map(|backends| backends.iter().map(|b| b.weight).collect())
    }

    #[test]
    fn weights_are_read_with_the_labels_of_traefiks_metrics() {
        let mut world = World::podinfo();
        world.weights(&[("podinfo-primary", Some(90)), ("podinfo-canary", Some(10))]);
        let backends = view(&World::apex(), &world)
            .rules
            .remove(0)
            .backends
            .unwrap();
        assert_eq!(backends[1].weight, 10);
        assert_eq!(
            backends[1].label,
            Some(Label::Traefik(
                "test-podinfo-canary-80@kubernetescrd".to_owned()
            ))
        );
        assert_eq!(backends[1].pods.len(), 2);
    }

    #[test]
    fn an_entry_without_weight_means_1() {
        let mut world = World::podinfo();
        world.weights(&[("podinfo-primary", None), ("podinfo-canary", Some(10))]);
        assert_eq!(weights(&world), Ok(vec![1, 10]));
    }

    #[test]
    fn one_service_without_a_ready_endpoint_drops_the_route_for_everyone() {
        let mut world = World::podinfo();
        world.service("podinfo-canary", &[("podinfo-6d4b-aaaaa", false)]);
        world.weights(&[("podinfo-primary", Some(100)), ("podinfo-canary", Some(0))]);
        assert_eq!(weights(&world), Err(Lost::Dropped));
    }

    #[test]
    fn a_service_or_port_that_does_not_exist_drops_the_route_for_everyone() {
        let mut world = World::podinfo();
        world.weights(&[("podinfo-primary", Some(90)), ("podinfo-cannary", Some(10))]);
        assert_eq!(weights(&world), Err(Lost::NoRoute));
        world.put(
            "traefikservices",
            json!({"metadata": {"name": "podinfo", "namespace": "test"}, "spec": {"weighted": {"services":
                [{"name": "podinfo-primary", "port": 8080, "weight": 100}]}}}),
        );
        assert_eq!(weights(&world), Err(Lost::NoRoute));
    }

    #[test]
    fn an_ingress_route_to_a_service_that_does_not_exist_yet_answers_404() {
        assert_eq!(weights(&World::podinfo()), Err(Lost::NoRoute));
    }

    #[test]
    fn an_ingress_route_straight_to_the_apex_needs_no_weights() {
        let mut world = World::podinfo();
        world.service("podinfo", &[("podinfo-primary-6d4b-aaaaa", true)]);
        world.put(
            "ingressroutes",
            json!({"metadata": {"name": "podinfo", "namespace": "test"}, "spec": {"routes": [
                {"services": [{"name": "podinfo", "port": "http"}]}]}}),
        );
        let backends = view(&World::apex(), &world)
            .rules
            .remove(0)
            .backends
            .unwrap();
        assert_eq!(
            backends[0].label,
            Some(Label::Traefik("test-podinfo-http@kubernetescrd".to_owned()))
        );
    }

    #[test]
    fn weights_of_0_alone_leave_nobody() {
        let mut world = World::podinfo();
        world.weights(&[("podinfo-primary", Some(0))]);
        assert_eq!(weights(&world), Err(Lost::NoEndpoint));
    }
}
