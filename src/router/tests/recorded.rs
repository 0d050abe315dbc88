//! Route objects of recordings: from the same objects the providers make what the real Flagger made.

use super::*;
use crate::canary::name::Word as _;

/// Reads the head of a tape and every state of its route object.
fn tape(text: &str) -> (Bench, Vec<Value>) {
    let mut lines = text
        .lines()
        .map(|line| serde_json::from_str::<Value>(line).unwrap());
    let head = lines.next().unwrap();
    let mut spec = head["canary"].clone();
    spec["metadata"]["namespace"] = head["tape"].clone();
    let canary = canary(&spec.to_string());
    let mut bench = Bench::named(canary.provider.unwrap().as_str());
    let route = (bench.provider.route)(&canary);
    bench.facts.clear();
    for address in (bench.provider.beside)(&canary) {
        let mut objects = head["objects"].as_array().unwrap().iter();
        let own = objects.find(|object| {
            object["kind"] == *address.kind && object["metadata"]["name"] == *address.name
        });
        bench.facts.extend(own.map(|own| (address, own.clone())));
    }
    bench.canary = canary;
    let written =
        lines.filter(|row| row["resource"] == route.resource_name() && row["name"] == *route.name);
    (bench, written.map(|row| row["object"].clone()).collect())
}

/// As far as a provider makes it; what a typed client adds of its own is not compared.
fn compared(object: &Value) -> Value {
    let annotations = object["metadata"]["annotations"].clone();
    let mut spec = object["spec"].clone();
    if let Some(rule) = spec.pointer_mut("/http/0").and_then(Value::as_object_mut) {
        rule.remove("websocket");
        for plugin in rule["plugins"].as_array_mut().into_iter().flatten() {
            plugin
                .as_object_mut()
                .unwrap()
                .retain(|_, value| !value.is_null());
        }
    }
    let annotations = annotations.as_object().filter(|all| !all.is_empty());
    json!({"apiVersion": object["apiVersion"], "annotations": annotations, "spec": spec})
}

fn replay(mut bench: Bench, written: &[Value]) {
    let address = (bench.provider.route)(&bench.canary);
    assert!(written.len() > 2);
    bench.prepare();
    assert_eq!(compared(bench.route()), compared(&written[0]));
    for theirs in written {
        let facts = Facts::from([(address.clone(), theirs.clone())]);
        let wish = (bench.provider.routes)(&bench.canary, &facts).unwrap();
        let before = bench.read();
        let wish = wish.unwrap();
        if wish.canary.percent() != before {
            bench.set(wish.canary.percent());
        }
        assert_eq!(compared(bench.route()), compared(theirs));
    }
}

#[test]
fn every_state_of_a_recorded_route_is_written_as_flagger_wrote_it() {
    for text in [
        include_str!("../../../testdata/tapes/canary-nginx.jsonl"),
        include_str!("../../../testdata/tapes/ab-nginx.jsonl"),
        include_str!("../../../testdata/tapes/bluegreen-nginx.jsonl"),
        include_str!("../../../testdata/tapes/canary-contour.jsonl"),
        include_str!("../../../testdata/tapes/canary-gatewayapi-v1beta1.jsonl"),
        include_str!("../../../testdata/tapes/canary-skipper.jsonl"),
        include_str!("../../../testdata/tapes/canary-apisix.jsonl"),
    ] {
        let (bench, written) = tape(text);
        replay(bench, &written);
    }
}

#[test]
fn contour_tests_by_one_header_as_flagger_does() {
    // Flagger joins all headers with AND, and has no word for an expression.
    let (mut bench, mut written) = tape(include_str!("../../../testdata/tapes/ab-contour.jsonl"));
    bench.canary.analysis.matches.truncate(1);
    for object in &mut written {
        let conditions = object.pointer_mut("/spec/routes/0/conditions");
        conditions.unwrap().as_array_mut().unwrap().truncate(1);
    }
    replay(bench, &written);
}
