use super::*;
use crate::canary::load::load;
use crate::canary::source::SourceFile;
use crate::canary::weight::Weight;

/// What every provider brings: its folder under `testdata/providers/`.
const FIXTURES: &[(&str, [&str; 3])] = &[(
    "traefik",
    [
        include_str!("../../testdata/providers/traefik/canary.yaml"),
        include_str!("../../testdata/providers/traefik/before.yaml"),
        include_str!("../../testdata/providers/traefik/weight-30.yaml"),
    ],
)];

struct Bench {
    provider: &'static TrafficProvider,
    canary: Canary,
    facts: Facts,
    weight_30: Value,
}

fn benches() -> Vec<Bench> {
    PROVIDERS
        .iter()
        .map(|provider| {
            let fixture = FIXTURES.iter().find(|(name, _)| *name == provider.name);
            let (_, [canary, before, weight_30]) = fixture.expect("every provider has a fixture");
            let file = SourceFile {
                path: "canary.yaml".to_owned(),
                text: (*canary).into(),
            };
            let canary = load(&[file], None, None)
                .expect("the fixture is valid")
                .canary;
            let address = (provider.route)(&canary);
            let facts = Facts::from([(address, serde_yaml::from_str(before).unwrap())]);
            Bench {
                provider,
                canary,
                facts,
                weight_30: serde_yaml::from_str(weight_30).unwrap(),
            }
        })
        .collect()
}

impl Bench {
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
        bench.set(30);
        assert_eq!(*bench.route(), bench.weight_30, "{}", bench.provider.name);
    }
}

#[test]
fn providers_read_back_every_weight_they_write() {
    for mut bench in benches() {
        for percent in [0, 1, 10, 50, 99, 100, 37, 0] {
            bench.set(percent);
            assert_eq!(bench.read(), percent, "{}", bench.provider.name);
        }
    }
}

#[test]
fn providers_change_nothing_when_asked_twice() {
    for mut bench in benches() {
        for percent in [30, 100, 0] {
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
        for percent in [10, 50, 0] {
            bench.set(percent);
        }
        assert_eq!(*bench.route(), before, "{}", bench.provider.name);
    }
}

#[test]
fn a_missing_route_is_made_with_everything_on_the_primary() {
    for mut bench in benches() {
        bench.facts.clear();
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
    for mut bench in benches() {
        bench.set(30);
        let changes = (bench.provider.set_routes)(
            &bench.canary,
            &bench.facts,
            Routes::split(Weight::new(40).unwrap()),
        )
        .unwrap();
        let address = (bench.provider.route)(&bench.canary);
        let live = bench.facts.get_mut(&address).unwrap();
        live["spec"]["weighted"]["services"]
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

mod traefik_only {
    use super::*;
    use serde_json::json;

    fn bench() -> Bench {
        benches()
            .into_iter()
            .find(|bench| bench.provider.name == "traefik")
            .unwrap()
    }

    fn with_services(services: Value) -> Bench {
        let mut bench = bench();
        let address = (bench.provider.route)(&bench.canary);
        bench.facts.get_mut(&address).unwrap()["spec"]["weighted"]["services"] = services;
        bench
    }

    #[test]
    fn an_entry_without_a_weight_means_one() {
        let bench =
            with_services(json!([{"name": "checkout-primary"}, {"name": "checkout-canary"}]));
        assert_eq!(bench.read(), 50);
    }

    #[test]
    fn weights_in_another_scale_are_read_as_shares() {
        let services = json!([{"name": "checkout-primary", "weight": 3}, {"name": "checkout-canary", "weight": 1}]);
        assert_eq!(with_services(services).read(), 25);
    }

    #[test]
    fn a_route_to_the_apex_service_is_taken_over() {
        let mut bench = with_services(json!([{"name": "checkout", "port": 80, "nativeLB": true}]));
        let routes = (bench.provider.routes)(&bench.canary, &bench.facts);
        assert_eq!(routes, Ok(None), "it carries no weights yet");
        let changes = (bench.provider.prepare)(&bench.canary, &bench.facts).unwrap();
        bench.apply(changes);
        let original = &bench.route()["metadata"]["annotations"]["flagger-driver/original"];
        assert_eq!(
            original,
            "{\"name\":\"checkout\",\"port\":80,\"nativeLB\":true}"
        );
        let services = &bench.route()["spec"]["weighted"]["services"];
        assert_eq!(
            *services,
            json!([{"name": "checkout-primary", "port": 80, "nativeLB": true, "weight": 100}])
        );
    }

    #[test]
    fn a_third_destination_is_refused() {
        let services =
            json!([{"name": "checkout-primary", "weight": 90}, {"name": "legacy", "weight": 10}]);
        let bench = with_services(services);
        let refused = (bench.provider.routes)(&bench.canary, &bench.facts);
        assert!(
            matches!(refused, Err(RouteError::Foreign { destination, .. }) if destination == "legacy")
        );
    }

    #[test]
    fn a_mirroring_service_by_that_name_is_refused() {
        let mut bench = bench();
        let address = (bench.provider.route)(&bench.canary);
        bench.facts.get_mut(&address).unwrap()["spec"] = json!({"mirroring": {"name": "x"}});
        assert!(matches!(
            (bench.provider.routes)(&bench.canary, &bench.facts),
            Err(RouteError::Shape { .. })
        ));
    }

    #[test]
    fn built_in_queries_are_flaggers() {
        let site = QuerySite {
            namespace: "demo",
            target: "checkout",
            interval: "1m",
        };
        let queries = &bench().provider.queries;
        assert_eq!(
            (queries.success_rate)(&site),
            "sum(rate(traefik_service_request_duration_seconds_bucket{\
             service=~\"demo-checkout-canary-[0-9a-zA-Z-]+@kubernetescrd\",code!~\"5..\",le=\"+Inf\"}[1m])) / \
             sum(rate(traefik_service_request_duration_seconds_bucket{\
             service=~\"demo-checkout-canary-[0-9a-zA-Z-]+@kubernetescrd\",le=\"+Inf\"}[1m])) * 100"
        );
        assert_eq!(
            (queries.duration)(&site),
            "histogram_quantile(0.99, sum by (le) (rate(traefik_service_request_duration_seconds_bucket{\
             service=~\"demo-checkout-canary-[0-9a-zA-Z-]+@kubernetescrd\"}[1m]))) * 1000"
        );
    }
}
