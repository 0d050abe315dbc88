use super::*;
use crate::canary::weight::Weight;
use crate::sandbox::scenario::action::ApiFault;
use crate::sandbox::scenario::action::Effect;
use crate::sandbox::scenario::action::Verb;
use crate::sandbox::scenario::words::Change;

mod played;

const WHOLE: &str = r#"
description: all fields
canary: {apiVersion: flagger.app/v1beta1, kind: Canary, metadata: {name: podinfo}}
objects:
- more/objects.yaml
- {apiVersion: v1, kind: Namespace, metadata: {name: test}}
pods: {startMs: 1, drainMs: 2}
traffic: {rps: 0.5, errorPercent: 1, latencyMs: 3, versions: {"6.0.1": {errorPercent: 30}}}
routeDelayMs: 250
at:
- when: start
  set: success=90 gate=403
- when: "weight>=30"
  set: {version: "6.0.1", errorPercent: 30}
  patch: {resource: deployments, name: podinfo, merge: {spec: {replicas: 3}}}
- when: "weight>=20"
  fault: {verb: patch, resource: traefikservices, code: 409, times: 1}
- when: 90s
  fault: {prometheus: down}
- when: phase=Promoting
  fault: {verb: get, delayMs: 100}
steps: [upgrade, "weight>=20 success=90", end]
"#;

fn parse(text: &str) -> Result<Scenario, ScenarioError> {
    let file = SourceFile {
        path: "scenarios/a.yaml".to_owned(),
        text: text.into(),
    };
    Scenario::parse(&file, &|path| match path {
        "scenarios/more/objects.yaml" => {
            Ok("---\nkind: A\n---\n# nothing\n---\nkind: B\n".to_owned())
        }
        "scenarios/bad.yaml" => Ok("kind: A\nspec: [\n".to_owned()),
        _ => Err("no such file".to_owned()),
    })
}

fn refused(text: &str) -> String {
    parse(text).unwrap_err().to_string()
}

fn with(line: &str) -> String {
    refused(&format!("canary: {{kind: Canary}}\n{line}\n"))
}

#[test]
fn every_field_is_read() {
    let scenario = parse(WHOLE).unwrap();
    assert_eq!(scenario.description, "all fields");
    assert_eq!(scenario.canary["metadata"]["name"], "podinfo");
    let kinds: Vec<&Value> = scenario.objects.iter().map(|o| &o["kind"]).collect();
    assert_eq!(kinds, vec!["A", "B", "Namespace"]);
    assert_eq!((scenario.pods.start_ms, scenario.pods.drain_ms), (1, 2));
    assert_eq!(scenario.traffic.latency_ms, 3);
    assert_eq!(scenario.traffic.versions.len(), 1);
    assert_eq!(scenario.route_delay, Duration::from_millis(250));
    assert!(!scenario.steps.is_over());
}

#[test]
fn what_is_due_is_handed_out_in_order() {
    let mut scenario = parse(WHOLE).unwrap();
    let hook = Change::Hook {
        name: "gate".to_owned(),
        status: 403,
    };
    let mut state = TriggerState::default();
    assert_eq!(
        scenario.due(&state),
        vec![
            Action::Change(Change::Success(Some(90.0))),
            Action::Change(hook)
        ]
    );
    state.initialized = true;
    assert_eq!(scenario.due(&state), vec![Action::Change(Change::Upgrade)]);
    state.weight = Weight::saturating(30);
    let due = scenario.due(&state);
    assert!(matches!(due[0], Action::Load(_)));
    assert!(matches!(due[1], Action::Patch(_)));
    assert_eq!(
        due[2],
        Action::Fault(Fault::Api(ApiFault {
            verb: Some(Verb::Patch),
            resource: Some("traefikservices".to_owned()),
            name: None,
            effect: Effect::Code(409),
            times: Some(1),
        }))
    );
    assert_eq!(due[3], Action::Change(Change::Success(Some(90.0))));
    state.since_start = Some(Duration::from_secs(60));
    assert_eq!(scenario.wake(&state), Some(Duration::from_secs(30)));
    state.since_start = Some(Duration::from_secs(90));
    assert_eq!(
        scenario.due(&state),
        vec![Action::Fault(Fault::Prometheus { up: false })]
    );
}

#[test]
fn what_is_absent_has_its_default() {
    let scenario = parse("canary: {kind: Canary}\n").unwrap();
    assert_eq!(scenario.pods, Pods::default());
    assert_eq!(scenario.traffic, Load::default());
    assert_eq!(scenario.route_delay, Duration::ZERO);
    assert!(scenario.steps.is_over());
}

#[test]
fn an_unknown_field_is_named_with_its_place() {
    for (text, place, field) in [
        (
            "traffic: {rsp: 50}",
            "scenarios/a.yaml:2:11: ",
            "traffic: unknown field `rsp`",
        ),
        (
            "trafic: {}",
            "scenarios/a.yaml:2:1: ",
            "unknown field `trafic`",
        ),
        (
            "at:\n- when: start\n  fault: {cod: 409}",
            "scenarios/a.yaml:4:11: ",
            "at[0].fault: unknown field `cod`",
        ),
        (
            "at:\n- when: start\n  set: {errors: 3}",
            "scenarios/a.yaml:4:9: ",
            "at[0].set: unknown field `errors`",
        ),
    ] {
        let why = with(text);
        assert!(why.starts_with(place), "{why}");
        assert!(why.contains(field), "{why}");
    }
}

#[test]
fn a_value_that_is_not_understood_is_named_with_its_place() {
    for (text, place, reason) in [
        (
            "at:\n- when: weight>30\n  set: upgrade",
            "a.yaml:3:9: at[0].when",
            "unknown moment `weight>30`",
        ),
        (
            "at:\n- when: start\n  set: upgrad",
            "a.yaml:4:8: at[0].set",
            "unknown word `upgrad`",
        ),
        (
            "at:\n- when: start",
            "a.yaml:3:3: at[0]",
            "needs `set`, `patch` or `fault`",
        ),
        (
            "at:\n- when: start\n  set: {}",
            "a.yaml:4:8: at[0].set",
            "nothing is set",
        ),
        (
            "at:\n- when: start\n  fault: {times: 1}",
            "a.yaml:4:10: at[0].fault",
            "a fault needs",
        ),
        (
            "at:\n- when: start\n  fault: {code: 409, hang: true}",
            "a.yaml:4:10: at[0].fault",
            "has one of",
        ),
        (
            "at:\n- when: start\n  fault: {prometheus: down, times: 2}",
            "a.yaml:4:10: at[0].fault",
            "stands alone",
        ),
        (
            "traffic: {errorPercent: 101}",
            "a.yaml:2:25: traffic.errorPercent",
            "a percentage from 0 to 100",
        ),
        (
            "steps: [upgrade, forever]",
            "a.yaml:2:8: steps",
            "unknown word `forever`",
        ),
        (
            "objects: [3]",
            "a.yaml:2:11: objects[0]",
            "an object or the path of a file",
        ),
    ] {
        let why = with(text);
        assert!(why.contains(place), "{why}");
        assert!(why.contains(reason), "{why}");
    }
}

#[test]
fn a_scenario_needs_a_canary() {
    assert!(refused("description: none\n").contains("missing field `canary`"));
}

#[test]
fn a_file_that_is_missing_or_broken_is_named() {
    assert_eq!(
        with("objects: [gone.yaml]"),
        "cannot read scenarios/gone.yaml"
    );
    let broken = with("objects: [bad.yaml]");
    assert!(broken.starts_with("scenarios/bad.yaml:"), "{broken}");
    let several = refused("canary: more/objects.yaml\n");
    assert!(several.contains("expected one object, got 2"), "{several}");
}

#[test]
fn the_built_in_scenarios_are_complete() {
    for name in built_in::NAMES {
        let mut scenario = built_in::scenario(name).unwrap();
        let (provider, path) = match *name {
            "istio" | "ab" | "mirror" => ("istio", format!("podinfo/{name}.yaml")),
            "gatewayapi" | "bluegreen" | "affinity" => {
                ("gatewayapi:v1", format!("podinfo/{name}.yaml"))
            }
            "nginx" | "contour" | "skipper" | "apisix" | "knative" => {
                (*name, format!("podinfo/{name}.yaml"))
            }
            _ => ("traefik", "podinfo/canary.yaml".to_owned()),
        };
        assert_eq!(scenario.canary["spec"]["provider"], provider, "{name}");
        let source = scenario.canary_source.as_ref().unwrap();
        assert_eq!(source.path, path);
        let kinds: Vec<&str> = scenario
            .objects
            .iter()
            .filter_map(|object| object["kind"].as_str())
            // What users reach, of some routers alone.
            .filter(|kind| !["IngressRoute", "Ingress", "ApisixRoute"].contains(kind))
            .collect();
        let mut expected = vec!["Namespace", "Namespace", "Service", "Deployment"];
        match *name {
            "knative" => expected.push("Service"),
            _ => expected.extend(["ConfigMap", "Secret", "Deployment"]),
        }
        assert_eq!(kinds, expected, "{name}");
        let state = TriggerState {
            initialized: true,
            ..TriggerState::default()
        };
        let first = scenario.due(&state);
        let target = scenario.objects.last().unwrap();
        let Some(Action::Change(change)) = first.first() else {
            panic!("{name}: {first:?}");
        };
        let patch = change.patch(target, "podinfo:6.0.0").unwrap();
        assert_eq!(
            patch.merge["spec"]["template"]["spec"]["containers"][0]["image"],
            "podinfo:6.0.1"
        );
    }
    assert!(built_in::NAMES.contains(&built_in::DEFAULT));
    assert!(built_in::scenario("sucess").is_err());
}
