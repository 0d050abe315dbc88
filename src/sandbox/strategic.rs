//! Strategic merge patches of built-in kinds.

use crate::sandbox::failure::Failure;
use crate::sandbox::lists::strategic_key;
use serde_json::Map;
use serde_json::Value;

/// Changes `live` as the patch asks, with its directives `$patch`, `$setElementOrder/…`,
/// `$deleteFromPrimitiveList/…` and `$retainKeys`.
pub fn merge(live: &mut Value, patch: &Value) -> Result<(), Failure> {
    merge_value(live, patch, &mut Vec::new())
}

fn merge_value(live: &mut Value, patch: &Value, path: &mut Vec<String>) -> Result<(), Failure> {
    let Value::Object(patch) = patch else {
        live.clone_from(patch);
        return Ok(());
    };
    match patch.get("$patch").and_then(Value::as_str) {
        Some("replace") => {
            let mut new = patch.clone();
            new.shift_remove("$patch");
            *live = Value::Object(new);
            return Ok(());
        }
        Some("delete") => {
            *live = Value::Object(Map::new());
            return Ok(());
        }
        Some("merge") | None => {}
        Some(other) => {
            return Err(Failure::bad_request(format!(
                "unknown patch type found: {other}"
            )));
        }
    }
    if !live.is_object() {
        *live = Value::Object(Map::new());
    }
    let Some(map) = live.as_object_mut() else {
        return Ok(());
    };
    if let Some(keys) = patch.get("$retainKeys").and_then(Value::as_array) {
        map.retain(|name, _| keys.iter().any(|key| key == name.as_str()));
    }
    for (name, value) in patch {
        if name == "$patch" || name == "$retainKeys" || name.starts_with("$setElementOrder/") {
            continue;
        }
        if let Some(list) = name.strip_prefix("$deleteFromPrimitiveList/") {
            if let (Some(found), Some(gone)) = (
                map.get_mut(list).and_then(Value::as_array_mut),
                value.as_array(),
            ) {
                found.retain(|entry| !gone.contains(entry));
            }
            continue;
        }
        if value.is_null() {
            map.shift_remove(name);
            continue;
        }
        path.push(name.clone());
        let found = map.entry(name.clone()).or_insert(Value::Null);
        let result = match value {
            Value::Array(entries) => merge_list(found, entries, path),
            Value::Object(_)
            | Value::Null
            | Value::Bool(_)
            | Value::Number(_)
            | Value::String(_) => merge_value(found, value, path),
        };
        path.pop();
        result?;
    }
    for (name, order) in patch {
        let Some(list) = name.strip_prefix("$setElementOrder/") else {
            continue;
        };
        path.push(list.to_owned());
        let key = key(path);
        path.pop();
        if let (Some(found), Some(order)) = (
            map.get_mut(list).and_then(Value::as_array_mut),
            order.as_array(),
        ) {
            sort(found, order, key);
        }
    }
    Ok(())
}

fn key(path: &[String]) -> Option<&'static str> {
    let names: Vec<&str> = path.iter().map(String::as_str).collect();
    strategic_key(&names)
}

fn merge_list(live: &mut Value, entries: &[Value], path: &mut Vec<String>) -> Result<(), Failure> {
    if !live.is_array() {
        *live = Value::Array(Vec::new());
    }
    let Some(list) = live.as_array_mut() else {
        return Ok(());
    };
    let Some(key) = key(path) else {
        if path.last().is_some_and(|last| last == "finalizers") {
            for entry in entries {
                if !list.contains(entry) {
                    list.push(entry.clone());
                }
            }
        } else {
            *list = entries.to_vec();
        }
        return Ok(());
    };
    if entries
        .iter()
        .any(|entry| entry.get("$patch") == Some(&Value::from("replace")))
    {
        list.clear();
    }
    for entry in entries {
        let directive = entry.get("$patch").and_then(Value::as_str);
        let Some(id) = entry.get(key) else {
            if directive == Some("replace") {
                continue;
            }
            return Err(Failure::bad_request(format!(
                "map: {entry} does not contain declared merge key: {key}"
            )));
        };
        let at = list.iter().position(|found| found.get(key) == Some(id));
        match (directive, at) {
            (Some("delete"), Some(at)) => {
                list.remove(at);
            }
            (Some("delete"), None) => {}
            (_, Some(at)) => {
                if let Some(found) = list.get_mut(at) {
                    merge_value(found, entry, path)?;
                }
            }
            (_, None) => {
                let mut new = Value::Object(Map::new());
                merge_value(&mut new, entry, path)?;
                list.push(new);
            }
        }
    }
    Ok(())
}

/// Entries the order names, in its order; the others keep their place behind the one they followed.
fn sort(list: &mut Vec<Value>, order: &[Value], key: Option<&str>) {
    let place = |entry: &Value| {
        order.iter().position(|wanted| match key {
            Some(key) => wanted.get(key).is_some() && wanted.get(key) == entry.get(key),
            None => wanted == entry,
        })
    };
    let mut last = 0;
    let mut ranked: Vec<(usize, bool, Value)> = Vec::new();
    for entry in list.drain(..) {
        match place(&entry) {
            Some(at) => {
                last = at;
                ranked.push((at, false, entry));
            }
            None => ranked.push((last, true, entry)),
        }
    }
    ranked.sort_by_key(|(at, unnamed, _)| (*at, *unnamed));
    list.extend(ranked.into_iter().map(|(_, _, entry)| entry));
}

#[cfg(test)]
mod tests {
    use super::merge;
    use serde_json::json;

    #[test]
    fn a_container_is_found_by_its_name_and_keeps_its_other_fields() {
        let mut live = json!({"spec": {"template": {"spec": {"containers": [
            {"name": "a", "image": "a:1", "ports": [{"containerPort": 80, "name": "http"}]},
            {"name": "b", "image": "b:1"}]}}}});
        let patch = json!({"spec": {"template": {"spec": {
            "$setElementOrder/containers": [{"name": "b"}, {"name": "a"}],
            "containers": [{"name": "a", "image": "a:2"}]}}}});
        merge(&mut live, &patch).unwrap();
        assert_eq!(
            live.pointer("/spec/template/spec/containers").unwrap(),
            &json!([{"name": "b", "image": "b:1"},
                {"name": "a", "image": "a:2", "ports": [{"containerPort": 80, "name": "http"}]}])
        );
    }

    #[test]
    fn an_entry_is_deleted_by_its_directive() {
        let mut live =
            json!({"spec": {"containers": [{"name": "a", "env": [{"name": "X"}, {"name": "Y"}]}]}});
        let patch = json!({"spec": {"containers": [{"name": "a", "env": [{"name": "X", "$patch": "delete"}]}]}});
        merge(&mut live, &patch).unwrap();
        assert_eq!(
            live.pointer("/spec/containers/0/env").unwrap(),
            &json!([{"name": "Y"}])
        );
    }

    #[test]
    fn retained_keys_drop_the_others() {
        let mut live = json!({"spec": {"strategy": {"type": "RollingUpdate", "rollingUpdate": {"maxSurge": 1}}}});
        let patch = json!({"spec": {"strategy": {"$retainKeys": ["type"], "type": "Recreate"}}});
        merge(&mut live, &patch).unwrap();
        assert_eq!(live, json!({"spec": {"strategy": {"type": "Recreate"}}}));
    }

    #[test]
    fn a_map_is_replaced_by_its_directive() {
        let mut live = json!({"spec": {"selector": {"app": "a", "tier": "web"}}});
        merge(
            &mut live,
            &json!({"spec": {"selector": {"$patch": "replace", "app": "b"}}}),
        )
        .unwrap();
        assert_eq!(live, json!({"spec": {"selector": {"app": "b"}}}));
    }
}
