//! ingress-nginx: Ingresses of the class `nginx`, and a canary Ingress beside one of them.
//!
//! Only what a weighted split needs: nobody here has a header or a cookie by which a canary is chosen. A canary without
//! endpoints gets nothing, and everything goes where it went before.

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

const PREFIX: &str = "nginx.ingress.kubernetes.io/canary";

/// The Ingress that leads to the apex, and the canary with the same host and path.
pub fn read(apex: &Apex, objects: &dyn Objects) -> Option<View> {
    let (main, canaries): (Vec<Path>, Vec<Path>) = ingress::paths(objects, apex, "nginx")
        .into_iter()
        .partition(|path| path.annotation(PREFIX) != Some("true"));
    let main = main.iter().find(|path| path.service == apex.service)?;
    let canary = canaries.iter().find(|path| path.is_beside(main));
    let number = |path: &Path, key: &str, default: u64| {
        let written = path.annotation(&format!("{PREFIX}{key}"));
        written.map_or(default, |text| text.parse().unwrap_or(0))
    };
    let mut left = 100;
    let mut backends = Vec::new();
    if let Some(canary) = canary {
        let total = number(canary, "-weight-total", 100);
        let weight = number(canary, "-weight", 0).min(total);
        let backend = backend(canary, main, weight, apex, objects);
        if !backend.pods.is_empty() {
            left = total - weight;
            backends.push(backend);
        }
    }
    backends.insert(0, backend(main, main, left, apex, objects));
    Some(View::of(true, shares(backends)))
}

fn backend(path: &Path, main: &Path, weight: u64, apex: &Apex, objects: &dyn Objects) -> Backend {
    let port = Some(&path.port).filter(|port| **port != Value::Null);
    let mut backend = share(objects, &apex.namespace, &path.service, port, weight);
    let canary = if std::ptr::eq(path, main) {
        String::new()
    } else {
        format!("{}-{}-{}", apex.namespace, path.service, path.port)
    };
    backend.label = Some(Label::Nginx {
        namespace: apex.namespace.clone(),
        ingress: main.ingress.clone(),
        canary,
    });
    backend
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::sandbox::dataplane::fixtures::World;
    use crate::sandbox::dataplane::fixtures::weights;
    use serde_json::json;

    fn world(annotations: &[(&str, &str)]) -> World {
        let mut world = World::behind_ingress("nginx", json!({}));
        let mut written = json!({"kubernetes.io/ingress.class": "nginx", PREFIX: "true"});
        for (key, value) in annotations {
            written[format!("{PREFIX}{key}")] = json!(value);
        }
        world.ingress("podinfo-canary", written, &["podinfo-canary"]);
        world
    }

    #[test]
    fn the_canary_gets_its_share_of_the_total() {
        let read = |annotations| weights(&world(annotations));
        assert_eq!(read(&[("-weight", "30")]), Ok(vec![(70, 1), (30, 2)]));
        assert_eq!(
            read(&[("-weight", "1"), ("-weight-total", "4")]),
            Ok(vec![(3, 1), (1, 2)])
        );
        assert_eq!(read(&[("-weight", "0")]), Ok(vec![(100, 1)]));
    }

    #[test]
    fn an_ingress_without_the_mark_is_no_canary() {
        let mut world = world(&[("-weight", "30")]);
        let annotations = json!({"kubernetes.io/ingress.class": "nginx"});
        world.ingress("podinfo-canary", annotations, &["podinfo-canary"]);
        assert_eq!(weights(&world), Ok(vec![(100, 1)]));
    }

    #[test]
    fn a_canary_without_endpoints_leaves_everything_where_it_was() {
        let mut world = world(&[("-weight", "30")]);
        world.service("podinfo-canary", &[]);
        assert_eq!(weights(&world), Ok(vec![(100, 1)]));
    }
}
