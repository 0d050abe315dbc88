//! The hash that tells one revision of a target from another. Only its equality says something.

use serde_json::Value;
use sha2::Digest as _;
use sha2::Sha256;
use std::collections::BTreeMap;

/// 10 hexadecimal digits over what is rolled out and the named contents that belong to it.
#[must_use]
pub fn hash(target: &Value, beside: impl Iterator<Item = (String, Value)>) -> String {
    let mut hash = Sha256::new();
    hash.update(canonical(target).to_string());
    for (name, content) in beside {
        hash.update(name);
        hash.update(canonical(&content).to_string());
    }
    hash.finalize()
        .iter()
        .take(5)
        .map(|byte| format!("{byte:02x}"))
        .collect()
}

/// The same value with sorted keys, so that the order in which a server writes them does not matter.
fn canonical(value: &Value) -> Value {
    match value {
        Value::Object(map) => {
            let sorted: BTreeMap<&String, Value> = map
                .iter()
                .map(|(key, value)| (key, canonical(value)))
                .collect();
            sorted
                .into_iter()
                .map(|(key, value)| (key.clone(), value))
                .collect()
        }
        Value::Array(items) => items.iter().map(canonical).collect(),
        Value::Null | Value::Bool(_) | Value::Number(_) | Value::String(_) => value.clone(),
    }
}
