//! What holds for any spec, however broken.

use kubectl_flagger::canary::load::LoadError;
use kubectl_flagger::canary::load::load;
use kubectl_flagger::canary::source::SourceFile;
use kubectl_flagger::canary::yaml::escape;
use proptest::prelude::Strategy as _;
use serde_json::Value;

fn file(path: &str, text: &str) -> SourceFile {
    SourceFile {
        path: path.to_owned(),
        text: text.into(),
    }
}

#[test]
fn recorded_canaries_are_valid() {
    for (index, line) in include_str!("../../testdata/canaries/recorded.jsonl")
        .lines()
        .enumerate()
    {
        let files = [file(&format!("line {}", index + 1), line)];
        let loaded = load(&files, None, Some("test"));
        assert!(loaded.is_ok(), "{:?}", loaded.err());
    }
}

/// Any JSON value, a few levels deep.
fn json() -> impl proptest::strategy::Strategy<Value = Value> {
    let leaf = proptest::prop_oneof![
        proptest::strategy::Just(Value::Null),
        proptest::prelude::any::<bool>().prop_map(Value::from),
        proptest::prelude::any::<i64>().prop_map(Value::from),
        (-200_i64..200).prop_map(Value::from),
        (-1e9..1e9).prop_map(Value::from),
        "[a-z0-9:/.{}ü -]{0,12}".prop_map(Value::from),
    ];
    leaf.prop_recursive(3, 16, 4, |inner| {
        proptest::prop_oneof![
            proptest::collection::vec(inner.clone(), 0..4).prop_map(Value::from),
            proptest::collection::vec(("[a-zA-Z/~]{0,8}", inner), 0..4)
                .prop_map(|entries| Value::Object(entries.into_iter().collect())),
        ]
    })
}

/// All pointers of a value.
fn pointers(value: &Value, at: &str, all: &mut Vec<String>) {
    all.push(at.to_owned());
    match value {
        Value::Array(items) => {
            for (index, item) in items.iter().enumerate() {
                pointers(item, &format!("{at}/{index}"), all);
            }
        }
        Value::Object(map) => {
            for (key, item) in map {
                pointers(item, &format!("{at}/{}", escape(key)), all);
            }
        }
        Value::Null | Value::Bool(_) | Value::Number(_) | Value::String(_) => {}
    }
}

proptest::proptest! {
    #[test]
    fn no_change_of_a_spec_makes_it_panic_or_fail_silently(
        line in 0_usize..53,
        place in proptest::prelude::any::<proptest::sample::Index>(),
        new in json(),
    ) {
        let text = include_str!("../../testdata/canaries/recorded.jsonl");
        let mut value: Value = serde_json::from_str(text.lines().nth(line).unwrap()).unwrap();
        let mut all = Vec::new();
        pointers(&value, "", &mut all);
        *value.pointer_mut(place.get::<String>(&all).as_str()).unwrap() = new;
        let files = [file("a.json", &serde_json::to_string_pretty(&value).unwrap())];
        if let Err(LoadError::Invalid(errors)) = load(&files, None, None) {
            proptest::prop_assert!(!errors.problems.is_empty());
            for problem in &errors.problems {
                let span = problem.span();
                proptest::prop_assert!(span.is_some_and(|span| files[0].text.get(span).is_some()));
            }
        }
    }
}
