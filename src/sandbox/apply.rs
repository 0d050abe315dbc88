//! Server-side apply: merges what a manager sends, refuses what others own, removes what it no longer sends.

use crate::sandbox::failure::Failure;
use crate::sandbox::fields::Fields;
use crate::sandbox::fields::dotted;
use crate::sandbox::fields::is_entry;
use crate::sandbox::fields::key_segment;
use crate::sandbox::fields::remove_at;
use crate::sandbox::fields::value_at;
use crate::sandbox::lists::ListKind;
use crate::sandbox::lists::is_atomic_map;
use crate::sandbox::lists::list_kind;
use crate::sandbox::managed;
use crate::sandbox::managed::Manager;
use crate::sandbox::managed::Operation;
use crate::sandbox::managed::Writer;
use serde_json::Value;

/// The object after `config` was applied to `live`, with its owners.
pub fn apply(
    live: Option<&Value>,
    config: &Value,
    builtin: bool,
    writer: Writer<'_>,
    force: bool,
) -> Result<Value, Failure> {
    let wanted = Fields::of(config, builtin);
    let Some(live) = live else {
        let mut object = config.clone();
        managed::write(&mut object, &[entry(writer, wanted)]);
        return Ok(object);
    };
    let mut managers = managed::read(live);
    let is_ours = |manager: &Manager| manager.is(writer.name, Operation::Apply, writer.subresource);
    let mut conflicts = Vec::new();
    for path in wanted.paths() {
        let differs = value_at(live, &path).is_some_and(|found| {
            value_at(config, &path).is_some_and(|new| !same(found, new, &path))
        });
        if !differs {
            continue;
        }
        for manager in &mut managers {
            if !is_ours(manager) && manager.fields.contains(&path) {
                conflicts.push((described(manager), dotted(&path)));
                manager.fields.remove(&path);
            }
        }
    }
    if !force && !conflicts.is_empty() {
        conflicts.sort();
        return Err(Failure::apply_conflict(&conflicts));
    }
    let mut merged = live.clone();
    merge(&mut merged, config, builtin, &mut Vec::new());
    let before = managers
        .iter()
        .find(|manager| is_ours(manager))
        .map(|manager| manager.fields.clone())
        .unwrap_or_default();
    managers.retain(|manager| !is_ours(manager));
    for path in before.paths() {
        if !wanted.touches(&path) && !managers.iter().any(|other| other.fields.touches(&path)) {
            remove_at(&mut merged, &path);
        }
    }
    let mut ours = entry(writer, wanted);
    if before == ours.fields && live == &merged {
        // an apply that changes nothing keeps its time, so that nothing is written
        let old = managed::read(live)
            .into_iter()
            .find(|manager| is_ours(manager));
        ours.time = old.map(|manager| manager.time).unwrap_or_default();
    }
    let at = managed::read(live).iter().position(is_ours);
    managers.insert(at.unwrap_or(managers.len()).min(managers.len()), ours);
    managed::write(&mut merged, &managers);
    Ok(merged)
}

fn entry(writer: Writer<'_>, fields: Fields) -> Manager {
    Manager {
        name: writer.name.to_owned(),
        operation: Operation::Apply,
        api_version: writer.api_version.to_owned(),
        subresource: writer.subresource.to_owned(),
        time: writer.time.to_owned(),
        fields,
    }
}

/// A list entry differs only in its own fields, which have paths of their own.
fn same(found: &Value, new: &Value, path: &[String]) -> bool {
    path.last().is_some_and(|last| last.starts_with("k:")) || found == new
}

fn described(manager: &Manager) -> String {
    match manager.operation {
        Operation::Apply => format!("\"{}\"", manager.name),
        Operation::Update => {
            let subresource = if manager.subresource.is_empty() {
                String::new()
            } else {
                format!(" with subresource \"{}\"", manager.subresource)
            };
            format!(
                "\"{}\"{subresource} using {}",
                manager.name, manager.api_version
            )
        }
    }
}

fn merge(live: &mut Value, config: &Value, builtin: bool, path: &mut Vec<String>) {
    let names: Vec<&str> = path.iter().map(String::as_str).collect();
    match (live, config) {
        (Value::Object(live), Value::Object(config)) if !is_atomic_map(builtin, &names) => {
            for (name, value) in config {
                path.push(name.clone());
                match live.get_mut(name) {
                    Some(found) => merge(found, value, builtin, path),
                    None => {
                        live.insert(name.clone(), value.clone());
                    }
                }
                path.pop();
            }
        }
        (Value::Array(live), Value::Array(config)) => match list_kind(builtin, &names) {
            ListKind::Map(keys) => {
                for entry in config {
                    let segment = key_segment(entry, keys);
                    match live.iter_mut().find(|found| is_entry(found, &segment)) {
                        Some(found) => merge(found, entry, builtin, path),
                        None => live.push(entry.clone()),
                    }
                }
            }
            ListKind::Set => {
                for entry in config {
                    if !live.contains(entry) {
                        live.push(entry.clone());
                    }
                }
            }
            ListKind::Atomic => live.clone_from(config),
        },
        (live, config) => live.clone_from(config),
    }
}
