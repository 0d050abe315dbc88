//! ingress-nginx: Ingresses of the class `nginx`, and a canary Ingress beside one of them.
//!
//! A canary is chosen by a header, else by a cookie, else by weight. One without endpoints gets nothing, and everything
//! goes where it went before.

use crate::sandbox::dataplane::Apex;
use crate::sandbox::dataplane::Backend;
use crate::sandbox::dataplane::Label;
use crate::sandbox::dataplane::Rule;
use crate::sandbox::dataplane::View;
use crate::sandbox::dataplane::ingress;
use crate::sandbox::dataplane::ingress::Path;
use crate::sandbox::dataplane::rules::Test;
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
    let mut rules = Vec::new();
    if let Some(canary) = canary {
        let total = number(canary, "-weight-total", 100);
        let weight = number(canary, "-weight", 0).min(total);
        let backend = backend(canary, main, weight, apex, objects);
        if !backend.pods.is_empty() {
            let all = Backend {
                weight: 1,
                ..backend.clone()
            };
            rules.extend(tests(canary).map(|test| Rule {
                when: vec![vec![test]],
                ..Rule::for_all(Ok(vec![all.clone()]))
            }));
            left = total - weight;
            backends.push(backend);
        }
    }
    backends.insert(0, backend(main, main, left, apex, objects));
    rules.push(Rule::for_all(shares(backends)));
    Some(View {
        proxied: true,
        rules,
    })
}

/// Who is on the canary whatever its weight: whoever has the header, or the cookie with the value `always`.
fn tests(canary: &Path) -> impl Iterator<Item = Test> {
    let said = |key: &str| canary.annotation(&format!("{PREFIX}{key}"));
    let header = said("-by-header").map(|name| {
        let value = said("-by-header-value");
        match (value, said("-by-header-pattern")) {
            (Some(value), _) => Test::new(name, "exact", &value.into()),
            // It may match anywhere.
            (None, Some(pattern)) => Test::new(name, "regex", &format!(".*(?:{pattern}).*").into()),
            (None, None) => Test::new(name, "exact", &"always".into()),
        }
    });
    let cookie = said("-by-cookie").map(|name| {
        let pattern = format!("(?:.*; *)?{name}=always(?:;.*)?");
        Test::new("cookie", "regex", &pattern.into())
    });
    header.into_iter().chain(cookie)
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
    use crate::sandbox::dataplane::fixtures::with;
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
    fn a_header_or_a_cookie_sends_its_users_to_the_canary() {
        let world = world(&[
            ("-by-header", "X-User"),
            ("-by-header-pattern", "^in"),
            ("-by-cookie", "beta"),
            ("-weight", "0"),
        ]);
        let canary = |headers| {
            let backends = with(&world, headers).unwrap();
            matches!(&backends[0].label, Some(Label::Nginx { canary, .. }) if !canary.is_empty())
        };
        assert!(canary(&[("x-user", "insider")]));
        assert!(!canary(&[("x-user", "main")]));
        assert!(canary(&[("cookie", "a=b; beta=always")]));
        assert!(!canary(&[("cookie", "beta=never")]));
        assert!(!canary(&[]));
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
