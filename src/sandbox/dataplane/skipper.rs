//! Skipper: Ingresses of the class `skipper`, of which the one with the predicate `Weight(…)` comes first.
//!
//! Only what a weighted split needs: no predicate but `Weight` and `False` is known, and all others match.

use crate::sandbox::dataplane::Apex;
use crate::sandbox::dataplane::Backend;
use crate::sandbox::dataplane::Label;
use crate::sandbox::dataplane::View;
use crate::sandbox::dataplane::ingress;
use crate::sandbox::dataplane::ingress::Path;
use crate::sandbox::dataplane::share;
use crate::sandbox::dataplane::shares;
use crate::sandbox::objects::Objects;
use serde_json::Value;

/// The Ingress that leads to the apex, or the one that stands before it.
pub fn read(apex: &Apex, objects: &dyn Objects) -> Option<View> {
    let all = ingress::paths(objects, apex, "skipper");
    let main = all.iter().find(|path| path.service == apex.service)?;
    let before: Vec<&Path> = all
        .iter()
        .filter(|path| path.is_beside(main) && is_open(path))
        .collect();
    if before.is_empty() {
        return Some(View::of(
            true,
            shares(vec![backend(main, 1, apex, objects)]),
        ));
    }
    let backends = before.into_iter().map(|path| {
        let weights: Value = path
            .annotation("zalando.org/backend-weights")
            .and_then(|text| serde_json::from_str(text).ok())
            .unwrap_or_default();
        let weight = weights[path.service.as_str()].as_u64().unwrap_or(0);
        backend(path, weight, apex, objects)
    });
    Some(View::of(true, shares(backends.collect())))
}

fn is_open(path: &Path) -> bool {
    let predicate = path.annotation("zalando.org/skipper-predicate");
    predicate.is_some_and(|text| text.contains("Weight(") && !text.contains("False()"))
}

fn backend(path: &Path, weight: u64, apex: &Apex, objects: &dyn Objects) -> Backend {
    let port = Some(&path.port).filter(|port| **port != Value::Null);
    let mut backend = share(objects, &apex.namespace, &path.service, port, weight);
    let word = |text: &str| text.replace(|letter: char| !letter.is_ascii_alphanumeric(), "_");
    backend.label = Some(Label::Skipper(format!(
        "kube_{}__{}__{}__{}__{}",
        word(&apex.namespace),
        word(&path.ingress),
        word(&path.host),
        word(&path.path),
        word(&path.service)
    )));
    backend
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::sandbox::dataplane::fixtures::World;
    use crate::sandbox::dataplane::fixtures::weights;
    use crate::sandbox::dataplane::view;
    use serde_json::json;

    fn world(predicate: &str, written: &str) -> World {
        let mut world = World::behind_ingress("skipper", json!({}));
        let annotations = json!({"kubernetes.io/ingress.class": "skipper",
            "zalando.org/skipper-predicate": predicate, "zalando.org/backend-weights": written});
        let services = ["podinfo-primary", "podinfo-canary"];
        world.ingress("podinfo-canary", annotations, &services);
        world
    }

    const WEIGHTS: &str = r#"{"podinfo-canary":30,"podinfo-primary":70}"#;

    #[test]
    fn an_open_ingress_comes_first_with_its_weights() {
        let world = world("Weight(100) && True()", WEIGHTS);
        assert_eq!(weights(&world), Ok(vec![(70, 2), (30, 2)]));
        let backends = view(&World::apex(), &world)
            .rules
            .remove(0)
            .backends
            .unwrap();
        let route = "kube_test__podinfo_canary__app_example_com_____podinfo_canary";
        assert_eq!(backends[1].label, Some(Label::Skipper(route.to_owned())));
    }

    #[test]
    fn a_closed_one_leaves_everything_to_the_users_own() {
        assert_eq!(weights(&world("False()", WEIGHTS)), Ok(vec![(1, 1)]));
    }

    #[test]
    fn a_service_without_a_weight_gets_nothing() {
        let world = world("Weight(100)", r#"{"podinfo-primary":70}"#);
        assert_eq!(weights(&world), Ok(vec![(70, 2)]));
    }
}
