use super::*;
use crate::canary::load::load;
use crate::canary::service::Metadata;
use crate::canary::source::SourceFile;
use crate::canary::weight::Weight;

/// What every provider brings: its folder under `testdata/providers/`.
const FIXTURES: &[Fixture] = &[
    Fixture {
        name: "appmesh",
        destinations: "/spec/routes/0/http/action/weightedTargets",
        canary: include_str!("../../testdata/providers/appmesh/canary.yaml"),
        before: include_str!("../../testdata/providers/appmesh/before.yaml"),
        weight_30: include_str!("../../testdata/providers/appmesh/weight-30.yaml"),
    },
    Fixture {
        name: "appmesh:v1beta2",
        destinations: "/spec/routes/0/httpRoute/action/weightedTargets",
        canary: include_str!("../../testdata/providers/appmesh-v1beta2/canary.yaml"),
        before: include_str!("../../testdata/providers/appmesh-v1beta2/before.yaml"),
        weight_30: include_str!("../../testdata/providers/appmesh-v1beta2/weight-30.yaml"),
    },
    Fixture {
        name: "gloo",
        destinations: "/spec/routes/0/routeAction/multi/destinations",
        canary: include_str!("../../testdata/providers/gloo/canary.yaml"),
        before: include_str!("../../testdata/providers/gloo/before.yaml"),
        weight_30: include_str!("../../testdata/providers/gloo/weight-30.yaml"),
    },
    Fixture {
        name: "kuma",
        destinations: "/spec/conf/split",
        canary: include_str!("../../testdata/providers/kuma/canary.yaml"),
        before: include_str!("../../testdata/providers/kuma/before.yaml"),
        weight_30: include_str!("../../testdata/providers/kuma/weight-30.yaml"),
    },
    Fixture {
        name: "linkerd",
        destinations: "/spec/backends",
        canary: include_str!("../../testdata/providers/linkerd/canary.yaml"),
        before: include_str!("../../testdata/providers/linkerd/before.yaml"),
        weight_30: include_str!("../../testdata/providers/linkerd/weight-30.yaml"),
    },
    Fixture {
        name: "osm",
        destinations: "/spec/backends",
        canary: include_str!("../../testdata/providers/osm/canary.yaml"),
        before: include_str!("../../testdata/providers/osm/before.yaml"),
        weight_30: include_str!("../../testdata/providers/osm/weight-30.yaml"),
    },
    Fixture {
        name: "smi:v1alpha1",
        destinations: "/spec/backends",
        canary: include_str!("../../testdata/providers/smi-v1alpha1/canary.yaml"),
        before: include_str!("../../testdata/providers/smi-v1alpha1/before.yaml"),
        weight_30: include_str!("../../testdata/providers/smi-v1alpha1/weight-30.yaml"),
    },
    Fixture {
        name: "smi:v1alpha2",
        destinations: "/spec/backends",
        canary: include_str!("../../testdata/providers/smi-v1alpha2/canary.yaml"),
        before: include_str!("../../testdata/providers/smi-v1alpha2/before.yaml"),
        weight_30: include_str!("../../testdata/providers/smi-v1alpha2/weight-30.yaml"),
    },
    Fixture {
        name: "smi:v1alpha3",
        destinations: "/spec/backends",
        canary: include_str!("../../testdata/providers/smi-v1alpha3/canary.yaml"),
        before: include_str!("../../testdata/providers/smi-v1alpha3/before.yaml"),
        weight_30: include_str!("../../testdata/providers/smi-v1alpha3/weight-30.yaml"),
    },
    Fixture {
        name: "gatewayapi:v1",
        destinations: "/spec/rules/0/backendRefs",
        canary: include_str!("../../testdata/providers/gatewayapi-v1/canary.yaml"),
        before: include_str!("../../testdata/providers/gatewayapi-v1/before.yaml"),
        weight_30: include_str!("../../testdata/providers/gatewayapi-v1/weight-30.yaml"),
    },
    Fixture {
        name: "istio",
        destinations: "/spec/http/0/route",
        canary: include_str!("../../testdata/providers/istio/canary.yaml"),
        before: include_str!("../../testdata/providers/istio/before.yaml"),
        weight_30: include_str!("../../testdata/providers/istio/weight-30.yaml"),
    },
    Fixture {
        name: "knative",
        destinations: "",
        canary: include_str!("../../testdata/providers/knative/canary.yaml"),
        before: include_str!("../../testdata/providers/knative/before.yaml"),
        weight_30: include_str!("../../testdata/providers/knative/weight-30.yaml"),
    },
    Fixture {
        name: "kubernetes",
        destinations: "",
        canary: include_str!("../../testdata/providers/kubernetes/canary.yaml"),
        before: include_str!("../../testdata/providers/kubernetes/before.yaml"),
        weight_30: "",
    },
    Fixture {
        name: "traefik",
        destinations: "/spec/weighted/services",
        canary: include_str!("../../testdata/providers/traefik/canary.yaml"),
        before: include_str!("../../testdata/providers/traefik/before.yaml"),
        weight_30: include_str!("../../testdata/providers/traefik/weight-30.yaml"),
    },
    Fixture {
        name: "apisix",
        destinations: "/spec/http/0/backends",
        canary: include_str!("../../testdata/providers/apisix/canary.yaml"),
        before: include_str!("../../testdata/providers/apisix/before.yaml"),
        weight_30: include_str!("../../testdata/providers/apisix/weight-30.yaml"),
    },
    Fixture {
        name: "contour",
        destinations: "/spec/routes/0/services",
        canary: include_str!("../../testdata/providers/contour/canary.yaml"),
        before: include_str!("../../testdata/providers/contour/before.yaml"),
        weight_30: include_str!("../../testdata/providers/contour/weight-30.yaml"),
    },
    Fixture {
        name: "gatewayapi:v1beta1",
        destinations: "/spec/rules/0/backendRefs",
        canary: include_str!("../../testdata/providers/gatewayapi-v1beta1/canary.yaml"),
        before: include_str!("../../testdata/providers/gatewayapi-v1beta1/before.yaml"),
        weight_30: include_str!("../../testdata/providers/gatewayapi-v1beta1/weight-30.yaml"),
    },
    Fixture {
        name: "nginx",
        destinations: "",
        canary: include_str!("../../testdata/providers/nginx/canary.yaml"),
        before: include_str!("../../testdata/providers/nginx/before.yaml"),
        weight_30: include_str!("../../testdata/providers/nginx/weight-30.yaml"),
    },
    Fixture {
        name: "skipper",
        destinations: "",
        canary: include_str!("../../testdata/providers/skipper/canary.yaml"),
        before: include_str!("../../testdata/providers/skipper/before.yaml"),
        weight_30: include_str!("../../testdata/providers/skipper/weight-30.yaml"),
    },
];

/// The user's own objects that routes are made beside.
const SOURCES: &[(&str, &str)] = &[
    (
        "apisix",
        include_str!("../../testdata/providers/apisix/source.yaml"),
    ),
    (
        "nginx",
        include_str!("../../testdata/providers/nginx/source.yaml"),
    ),
    (
        "skipper",
        include_str!("../../testdata/providers/skipper/source.yaml"),
    ),
];

struct Fixture {
    name: &'static str,
    /// Where the two sides stand in the route; empty where it is no list of them.
    destinations: &'static str,
    canary: &'static str,
    before: &'static str,
    /// Empty where there are no shares.
    weight_30: &'static str,
}

fn fixture(name: &str) -> &'static Fixture {
    let found = FIXTURES.iter().find(|one| one.name == name);
    found.expect("every provider has a fixture")
}

fn canary(text: &str) -> Canary {
    let file = SourceFile {
        path: "canary.yaml".to_owned(),
        text: text.into(),
    };
    load(&[file], None, None)
        .expect("the fixture is valid")
        .canary
}

struct Bench {
    destinations: &'static str,
    /// Is the route made of another object?
    is_copy: bool,
    provider: &'static TrafficProvider,
    canary: Canary,
    facts: Facts,
    weight_30: Value,
}

fn benches() -> Vec<Bench> {
    PROVIDERS
        .iter()
        .map(|provider| {
            let fixture = fixture(provider.name);
            let canary = canary(fixture.canary);
            let address = (provider.route)(&canary);
            let mut facts = Facts::from([(address, serde_yaml::from_str(fixture.before).unwrap())]);
            let source = SOURCES.iter().find(|(name, _)| *name == provider.name);
            facts.extend(source.map(|(_, text)| {
                let source = (provider.beside)(&canary).remove(0);
                (source, serde_yaml::from_str(text).unwrap())
            }));
            Bench {
                destinations: fixture.destinations,
                is_copy: source.is_some(),
                provider,
                canary,
                facts,
                weight_30: serde_yaml::from_str(fixture.weight_30).unwrap(),
            }
        })
        .collect()
}

/// Those whose route is a list of weighted destinations.
fn lists() -> impl Iterator<Item = Bench> {
    benches()
        .into_iter()
        .filter(|bench| !bench.destinations.is_empty())
}

/// Those whose route is made of the Canary alone.
fn made() -> impl Iterator<Item = Bench> {
    lists().filter(|bench| !bench.is_copy)
}

/// What the expressions of the built-in checks are about.
fn site() -> QuerySite<'static> {
    QuerySite {
        namespace: "demo",
        target: "checkout",
        service: "web-shop",
        ingress: "edge",
        route: "gate",
        interval: "1m",
    }
}

impl Bench {
    /// Those of the weights that it can say.
    fn weights<'a>(&self, all: &'a [u8]) -> impl Iterator<Item = u8> + use<'a> {
        let weighted = self.provider.capabilities.weighted;
        all.iter()
            .copied()
            .filter(move |percent| weighted || [0, 100].contains(percent))
    }

    fn named(name: &str) -> Self {
        let mut benches = benches().into_iter();
        benches.find(|bench| bench.provider.name == name).unwrap()
    }

    fn prepare(&mut self) {
        let changes = (self.provider.prepare)(&self.canary, &self.facts).unwrap();
        self.apply(changes);
    }

    fn live(&mut self) -> &mut Value {
        let address = (self.provider.route)(&self.canary);
        self.facts.get_mut(&address).unwrap()
    }

    fn apply(&mut self, changes: Vec<Change>) {
        for change in changes {
            match change {
                Change::Create(address, manifest) => {
                    self.facts.insert(address, manifest);
                }
                Change::Patch(address, operations) => {
                    let patch: json_patch::Patch =
                        serde_json::from_value(operations.into()).unwrap();
                    json_patch::patch(self.facts.get_mut(&address).unwrap(), &patch).unwrap();
                }
            }
        }
    }

    fn set(&mut self, percent: u8) {
        let routes = Routes::split(Weight::new(percent).unwrap());
        let changes = (self.provider.set_routes)(&self.canary, &self.facts, routes).unwrap();
        self.apply(changes);
    }

    fn read(&self) -> u8 {
        (self.provider.routes)(&self.canary, &self.facts)
            .unwrap()
            .unwrap()
            .canary
            .percent()
    }

    fn forget(&mut self) {
        self.facts.remove(&(self.provider.route)(&self.canary));
    }

    fn route(&self) -> &Value {
        &self.facts[&(self.provider.route)(&self.canary)]
    }
}

#[test]
fn names_are_unique_and_sorted() {
    let names: Vec<&str> = PROVIDERS.iter().map(|provider| provider.name).collect();
    let mut sorted = names.clone();
    sorted.sort_unstable();
    sorted.dedup();
    assert_eq!(names, sorted);
}

#[test]
fn providers_write_what_their_golden_says() {
    for mut bench in benches() {
        if bench.provider.capabilities.weighted {
            bench.set(30);
            assert_eq!(*bench.route(), bench.weight_30, "{}", bench.provider.name);
        }
    }
}

#[test]
fn providers_read_back_every_weight_they_write() {
    for mut bench in benches() {
        for percent in bench.weights(&[0, 1, 10, 50, 99, 100, 37, 0]) {
            bench.set(percent);
            assert_eq!(bench.read(), percent, "{}", bench.provider.name);
        }
    }
}

#[test]
fn providers_change_nothing_when_asked_twice() {
    for mut bench in benches() {
        for percent in bench.weights(&[30, 100, 0]) {
            bench.set(percent);
            let again = Routes::split(Weight::new(percent).unwrap());
            let changes = (bench.provider.set_routes)(&bench.canary, &bench.facts, again).unwrap();
            assert_eq!(changes, [], "{}", bench.provider.name);
        }
    }
}

#[test]
fn what_people_wrote_survives_a_whole_rollout() {
    for mut bench in benches() {
        let before = bench.route().clone();
        for percent in bench.weights(&[10, 50, 100, 0]) {
            bench.set(percent);
        }
        assert_eq!(*bench.route(), before, "{}", bench.provider.name);
    }
}

#[test]
fn a_missing_route_is_made_with_everything_on_the_primary() {
    // Where the route is the target itself, its people make it.
    let others = |bench: &Bench| !["knative", "kubernetes"].contains(&bench.provider.name);
    for mut bench in benches().into_iter().filter(others) {
        bench.forget();
        assert_eq!(
            (bench.provider.routes)(&bench.canary, &bench.facts),
            Ok(None)
        );
        let changes = (bench.provider.prepare)(&bench.canary, &bench.facts).unwrap();
        bench.apply(changes);
        assert_eq!(bench.read(), 0, "{}", bench.provider.name);
        assert_eq!(
            (bench.provider.prepare)(&bench.canary, &bench.facts),
            Ok(vec![])
        );
    }
}

#[test]
fn a_patch_on_a_route_that_changed_its_order_fails_instead_of_hitting_the_wrong_side() {
    for mut bench in lists() {
        bench.set(30);
        let changes = (bench.provider.set_routes)(
            &bench.canary,
            &bench.facts,
            Routes::split(Weight::new(40).unwrap()),
        )
        .unwrap();
        let address = (bench.provider.route)(&bench.canary);
        let live = bench.facts.get_mut(&address).unwrap();
        live.pointer_mut(bench.destinations)
            .unwrap()
            .as_array_mut()
            .unwrap()
            .reverse();
        for change in changes {
            let Change::Patch(_, operations) = change else {
                panic!("an existing route is patched")
            };
            let patch: json_patch::Patch = serde_json::from_value(operations.into()).unwrap();
            assert!(json_patch::patch(&mut live.clone(), &patch).is_err());
        }
    }
}

#[test]
fn an_apex_with_metadata_lends_its_route_the_label_that_it_selects_by() {
    for mut bench in made() {
        bench.facts.clear();
        bench.canary.service.apex = Some(Metadata {
            labels: [("l".to_owned(), "apex".to_owned())].into(),
            ..Metadata::default()
        });
        let service = apex_service(&bench.canary).remove(0);
        let selects = json!({"spec": {"selector": {"app": "checkout-primary"}}});
        bench.facts.insert(service, selects);
        bench.prepare();
        let labels = &bench.route()["metadata"]["labels"];
        // Flagger gives the objects of App Mesh and SMI no metadata of the apex.
        if ["appmesh.k8s.aws", "split.smi-spec.io"].contains(&bench.provider.resource.group) {
            assert!(labels.is_null());
            continue;
        }
        assert_eq!(*labels, json!({"l": "apex", "app": "checkout"}));
    }
}

#[test]
fn a_route_that_was_there_keeps_its_spec_in_an_annotation_when_it_is_taken_over() {
    for mut bench in made() {
        let apex = bench.canary.apex_name().to_owned();
        let destinations = bench.destinations;
        let sides = bench.live().pointer_mut(destinations).unwrap();
        sides.as_array_mut().unwrap().truncate(1);
        // Gloo calls its own Upstream of a service by namespace, name and port.
        let text = sides[0].to_string().replace("primaryupstream", "primary");
        let text = text.replace("checkout-primary", &apex);
        sides[0] = serde_json::from_str(&text).unwrap();
        let before = bench.route()["spec"].clone();
        let untouched = (bench.provider.routes)(&bench.canary, &bench.facts);
        assert_eq!(untouched, Ok(None), "{}", bench.provider.name);
        bench.prepare();
        assert_eq!(bench.read(), 0, "{}", bench.provider.name);
        let kept = bench.route()["metadata"]["annotations"][ORIGINAL].as_str();
        let kept: Value = serde_json::from_str(kept.unwrap()).unwrap();
        assert_eq!(kept, before, "{}", bench.provider.name);
    }
}

#[test]
fn a_third_destination_beside_ours_is_refused() {
    for mut bench in lists() {
        let destinations = bench.destinations;
        let sides = bench.live().pointer_mut(destinations).unwrap();
        let text = sides[0].to_string().replace("checkout-primary", "legacy");
        sides
            .as_array_mut()
            .unwrap()
            .push(serde_json::from_str(&text).unwrap());
        let refused = (bench.provider.routes)(&bench.canary, &bench.facts);
        assert!(
            matches!(refused, Err(RouteError::Foreign { destination, .. }) if destination.contains("legacy"))
        );
    }
}

mod apisix_only;
mod appmesh_only;
mod contour_only;
mod copies;
mod gateway_api_only;
mod gloo_only;
mod istio_only;
mod knative_only;
mod kubernetes_only;
mod kuma_only;
mod nginx_only;
mod properties;
mod recorded;
mod skipper_only;
mod smi_only;
mod strategies;
mod traefik_only;
