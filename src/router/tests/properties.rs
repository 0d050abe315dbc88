//! What holds for any object that people may have written.

use super::*;
use proptest::prelude::Strategy;
use proptest::test_runner::Config;
use proptest::test_runner::TestRunner;

/// Any JSON value, two levels deep.
fn json() -> impl Strategy<Value = Value> {
    let leaf = proptest::prop_oneof![
        proptest::prelude::any::<bool>().prop_map(Value::from),
        (-200_i64..200).prop_map(Value::from),
        "[a-z0-9:/.{}~ü -]{0,8}".prop_map(Value::from),
    ];
    leaf.prop_recursive(2, 6, 3, |inner| {
        proptest::prop_oneof![
            proptest::collection::vec(inner.clone(), 0..3).prop_map(Value::from),
            proptest::collection::vec(("[a-zA-Z/~]{0,5}", inner), 0..3)
                .prop_map(|entries| Value::Object(entries.into_iter().collect())),
        ]
    })
}

/// Every object of a value but those whose keys have a meaning of their own.
fn nodes<'a>(value: &'a mut Value, found: &mut Vec<&'a mut Map<String, Value>>, at: usize) {
    match value {
        Value::Object(fields) => {
            if at == 0 {
                found.push(fields);
                return;
            }
            let inner = fields
                .iter_mut()
                .filter(|(key, _)| !["selector", "annotations", "labels"].contains(&key.as_str()));
            for (_, value) in inner {
                nodes(value, found, at - 1);
            }
        }
        Value::Array(items) => items.iter_mut().for_each(|item| nodes(item, found, at)),
        Value::Null | Value::Bool(_) | Value::Number(_) | Value::String(_) => {}
    }
}

/// The object with more fields: how deep, which of the objects there, key and value.
fn decorated(object: &Value, more: &[(usize, usize, String, Value)]) -> Value {
    let mut object = object.clone();
    for (depth, which, key, value) in more {
        let mut found = Vec::new();
        nodes(&mut object, &mut found, *depth);
        let count = found.len().max(1);
        if let Some(fields) = found.into_iter().nth(which % count) {
            fields.insert(format!("x-{key}"), value.clone());
        }
    }
    object["metadata"]["annotations"]["x-note"] = json!("kept");
    object
}

/// A thousand objects of every kind that a provider writes.
#[test]
fn fields_that_the_canary_does_not_speak_of_survive_every_weight() {
    let benches = benches();
    let more =
        proptest::collection::vec((0..5_usize, 0..20_usize, "[a-zA-Z/~.]{1,6}", json()), 0..8);
    let weights = proptest::collection::vec(0..=100_u8, 1..4);
    let mut runner = TestRunner::new(Config {
        cases: 1000,
        failure_persistence: None,
        ..Config::default()
    });
    runner
        .run(&(more, weights), |(more, weights)| {
            for bench in &benches {
                let address = (bench.provider.route)(&bench.canary);
                let before = decorated(&bench.facts[&address], &more);
                let mut bench = Bench {
                    canary: bench.canary.clone(),
                    facts: Facts::from([(address, before.clone())]),
                    weight_30: Value::Null,
                    ..*bench
                };
                let name = bench.provider.name;
                for percent in weights.iter().copied() {
                    let percent = bench.weights(&[percent]).next().unwrap_or(100);
                    bench.set(percent);
                    proptest::prop_assert_eq!(bench.read(), percent, "{}", name);
                }
                bench.set(0);
                proptest::prop_assert_eq!(bench.route(), &before, "{}", name);
            }
            Ok(())
        })
        .unwrap();
}
