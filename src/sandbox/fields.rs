//! Sets of fields, as `metadata.managedFields` keeps them (`FieldsV1`).

use crate::sandbox::lists::ListKind;
use crate::sandbox::lists::is_atomic_map;
use crate::sandbox::lists::key_default;
use crate::sandbox::lists::list_kind;
use serde_json::Map;
use serde_json::Value;
use std::collections::BTreeMap;

/// A path of `f:NAME`, `k:{"name":"x"}` and `v:"x"` segments.
pub type Path = Vec<String>;

/// A tree of fields.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Fields {
    /// Is the field itself in the set?
    member: bool,
    children: BTreeMap<String, Self>,
}

/// Fields that the server sets and nobody owns.
const SERVER_SET: &[&str] = &[
    "name",
    "namespace",
    "uid",
    "resourceVersion",
    "generation",
    "creationTimestamp",
    "deletionTimestamp",
    "deletionGracePeriodSeconds",
    "selfLink",
    "managedFields",
    "generateName",
];

impl Fields {
    /// The fields an object sets.
    #[must_use]
    pub fn of(object: &Value, builtin: bool) -> Self {
        let mut fields = Self::default();
        if let Some(map) = object.as_object() {
            fields.add_map(map, builtin, &mut Vec::new());
        }
        fields
    }

    fn add(&mut self, value: &Value, builtin: bool, path: &mut Vec<String>) {
        let names: Vec<&str> = path.iter().map(String::as_str).collect();
        match value {
            Value::Object(map) if !map.is_empty() && !is_atomic_map(builtin, &names) => {
                self.add_map(map, builtin, path);
            }
            Value::Array(list) if !list.is_empty() => match list_kind(builtin, &names) {
                ListKind::Map(keys) => {
                    for entry in list {
                        let child = self.children.entry(key_segment(entry, keys)).or_default();
                        child.member = true;
                        child.add(entry, builtin, path);
                    }
                }
                ListKind::Set => {
                    for entry in list {
                        self.children
                            .entry(format!("v:{entry}"))
                            .or_default()
                            .member = true;
                    }
                }
                ListKind::Atomic => self.member = true,
            },
            Value::Object(_)
            | Value::Array(_)
            | Value::Null
            | Value::Bool(_)
            | Value::Number(_)
            | Value::String(_) => self.member = true,
        }
    }

    fn add_map(&mut self, map: &Map<String, Value>, builtin: bool, path: &mut Vec<String>) {
        for (name, value) in map {
            let server_set = match path.as_slice() {
                [] => name == "apiVersion" || name == "kind",
                [parent] => parent == "metadata" && SERVER_SET.contains(&name.as_str()),
                _ => false,
            };
            if server_set {
                continue;
            }
            path.push(name.clone());
            self.children
                .entry(format!("f:{name}"))
                .or_default()
                .add(value, builtin, path);
            path.pop();
        }
        self.drop_empty();
    }

    fn drop_empty(&mut self) {
        self.children
            .retain(|_, child| child.member || !child.children.is_empty());
    }

    /// Reads `fieldsV1`.
    #[must_use]
    pub fn parse(value: &Value) -> Self {
        let Some(map) = value.as_object() else {
            return Self::default();
        };
        Self {
            member: map.is_empty() || map.contains_key("."),
            children: map
                .iter()
                .filter(|(name, _)| *name != ".")
                .map(|(name, value)| (name.clone(), Self::parse(value)))
                .collect(),
        }
    }

    /// Writes `fieldsV1`.
    #[must_use]
    pub fn to_json(&self) -> Value {
        let mut map = Map::new();
        if self.member && !self.children.is_empty() {
            map.insert(".".to_owned(), Value::Object(Map::new()));
        }
        for (name, child) in &self.children {
            map.insert(name.clone(), child.to_json());
        }
        Value::Object(map)
    }

    /// Nothing in it?
    #[must_use]
    pub fn is_empty(&self) -> bool {
        !self.member && self.children.is_empty()
    }

    /// All members, parents before their children.
    #[must_use]
    pub fn paths(&self) -> Vec<Path> {
        let mut all = Vec::new();
        self.collect(&mut Vec::new(), &mut all);
        all
    }

    fn collect(&self, at: &mut Path, all: &mut Vec<Path>) {
        if self.member {
            all.push(at.clone());
        }
        for (name, child) in &self.children {
            at.push(name.clone());
            child.collect(at, all);
            at.pop();
        }
    }

    /// Is that path, or anything below it, in the set?
    #[must_use]
    pub fn touches(&self, path: &[String]) -> bool {
        match path.split_first() {
            None => !self.is_empty(),
            Some((name, rest)) => self
                .children
                .get(name)
                .is_some_and(|child| child.touches(rest)),
        }
    }

    /// Is exactly that path in the set?
    #[must_use]
    pub fn contains(&self, path: &[String]) -> bool {
        match path.split_first() {
            None => self.member,
            Some((name, rest)) => self
                .children
                .get(name)
                .is_some_and(|child| child.contains(rest)),
        }
    }

    /// Adds a path.
    pub fn insert(&mut self, path: &[String]) {
        match path.split_first() {
            None => self.member = true,
            Some((name, rest)) => self.children.entry(name.clone()).or_default().insert(rest),
        }
    }

    /// Takes a path out, not what is below it.
    pub fn remove(&mut self, path: &[String]) {
        match path.split_first() {
            None => self.member = false,
            Some((name, rest)) => {
                if let Some(child) = self.children.get_mut(name) {
                    child.remove(rest);
                }
                self.drop_empty();
            }
        }
    }
}

/// `k:{"name":"x"}` of a list entry.
#[must_use]
pub fn key_segment(entry: &Value, keys: &[&str]) -> String {
    let mut map = Map::new();
    for key in keys {
        let value = entry
            .get(key)
            .cloned()
            .or_else(|| key_default(key).map(Value::from));
        map.insert((*key).to_owned(), value.unwrap_or(Value::Null));
    }
    format!("k:{}", Value::Object(map))
}

/// Does a list entry have that `k:` or `v:` segment?
#[must_use]
pub fn is_entry(entry: &Value, segment: &str) -> bool {
    if let Some(value) = segment.strip_prefix("v:") {
        return serde_json::from_str::<Value>(value).is_ok_and(|value| *entry == value);
    }
    let keys = segment.strip_prefix("k:").unwrap_or_default();
    let Ok(Value::Object(keys)) = serde_json::from_str::<Value>(keys) else {
        return false;
    };
    keys.iter().all(|(key, value)| match entry.get(key) {
        Some(found) => found == value,
        None => key_default(key).is_some_and(|default| value == default),
    })
}

/// The value at a path.
#[must_use]
pub fn value_at<'a>(object: &'a Value, path: &[String]) -> Option<&'a Value> {
    let mut at = object;
    for segment in path {
        at = match segment.strip_prefix("f:") {
            Some(name) => at.get(name)?,
            None => at
                .as_array()?
                .iter()
                .find(|entry| is_entry(entry, segment))?,
        };
    }
    Some(at)
}

/// Takes the value at a path away.
pub fn remove_at(object: &mut Value, path: &[String]) {
    let Some((last, parents)) = path.split_last() else {
        return;
    };
    let mut at = object;
    for segment in parents {
        let next = match segment.strip_prefix("f:") {
            Some(name) => at.get_mut(name),
            None => at
                .as_array_mut()
                .and_then(|list| list.iter_mut().find(|entry| is_entry(entry, segment))),
        };
        let Some(next) = next else {
            return;
        };
        at = next;
    }
    match last.strip_prefix("f:") {
        Some(name) => {
            if let Some(map) = at.as_object_mut() {
                map.shift_remove(name);
            }
        }
        None => {
            if let Some(list) = at.as_array_mut() {
                list.retain(|entry| !is_entry(entry, last));
            }
        }
    }
}

/// `.spec.containers[name="app"].image`, as conflicts name a field.
#[must_use]
pub fn dotted(path: &[String]) -> String {
    let mut text = String::new();
    for segment in path {
        if let Some(name) = segment.strip_prefix("f:") {
            text.push_str(&format!(".{name}"));
        } else if let Some(value) = segment.strip_prefix("v:") {
            text.push_str(&format!("[={value}]"));
        } else {
            let keys = segment.strip_prefix("k:").unwrap_or_default();
            let keys: Map<String, Value> = serde_json::from_str(keys).unwrap_or_default();
            let keys: Vec<String> = keys
                .iter()
                .map(|(key, value)| format!("{key}={value}"))
                .collect();
            text.push_str(&format!("[{}]", keys.join(",")));
        }
    }
    text
}
