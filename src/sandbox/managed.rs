//! Who owns which fields: `metadata.managedFields`, without what no client reads.

use crate::sandbox::fields::Fields;
use crate::sandbox::fields::Path;
use crate::sandbox::fields::value_at;
use crate::sandbox::tree;
use serde_json::Value;
use serde_json::json;

/// How a manager came to its fields.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Operation {
    /// By server-side apply: what it no longer sends goes away.
    Apply,
    /// By any other write.
    Update,
}

impl Operation {
    const fn as_str(self) -> &'static str {
        match self {
            Self::Apply => "Apply",
            Self::Update => "Update",
        }
    }
}

/// One entry.
#[derive(Clone, Debug, PartialEq)]
pub struct Manager {
    /// Its name.
    pub name: String,
    /// Applied or updated?
    pub operation: Operation,
    /// As the manager wrote.
    pub api_version: String,
    /// `status`, `scale` or empty.
    pub subresource: String,
    /// Of its last change, RFC 3339.
    pub time: String,
    /// What it owns.
    pub fields: Fields,
}

impl Manager {
    /// The same manager: same name, operation and subresource?
    #[must_use]
    pub fn is(&self, name: &str, operation: Operation, subresource: &str) -> bool {
        self.name == name && self.operation == operation && self.subresource == subresource
    }
}

/// An object's entries.
#[must_use]
pub fn read(object: &Value) -> Vec<Manager> {
    tree::items(object, "/metadata/managedFields")
        .iter()
        .map(|entry| Manager {
            name: tree::text(entry, "/manager").to_owned(),
            operation: if tree::text(entry, "/operation") == "Apply" {
                Operation::Apply
            } else {
                Operation::Update
            },
            api_version: tree::text(entry, "/apiVersion").to_owned(),
            subresource: tree::text(entry, "/subresource").to_owned(),
            time: tree::text(entry, "/time").to_owned(),
            fields: entry.get("fieldsV1").map(Fields::parse).unwrap_or_default(),
        })
        .collect()
}

/// Writes an object's entries; those that own nothing are left out.
pub fn write(object: &mut Value, managers: &[Manager]) {
    let entries: Vec<Value> = managers
        .iter()
        .filter(|manager| !manager.fields.is_empty())
        .map(|manager| {
            let mut entry = json!({
                "manager": manager.name,
                "operation": manager.operation.as_str(),
                "apiVersion": manager.api_version,
                "time": manager.time,
                "fieldsType": "FieldsV1",
                "fieldsV1": manager.fields.to_json(),
            });
            if !manager.subresource.is_empty() {
                tree::set(&mut entry, &["subresource"], manager.subresource.as_str());
            }
            entry
        })
        .collect();
    if entries.is_empty() {
        tree::take(object, &["metadata", "managedFields"]);
    } else {
        tree::set(object, &["metadata", "managedFields"], entries);
    }
}

/// Who writes, as an entry names it.
#[derive(Clone, Copy, Debug)]
pub struct Writer<'a> {
    /// The manager's name.
    pub name: &'a str,
    /// As it wrote.
    pub api_version: &'a str,
    /// `status`, `scale` or empty.
    pub subresource: &'a str,
    /// RFC 3339.
    pub time: &'a str,
}

/// Gives the fields that a plain write changed to its writer and takes them from all others.
pub fn track_update(current: Option<&Value>, next: &mut Value, builtin: bool, writer: Writer<'_>) {
    let mut managers = current.map(read).unwrap_or_default();
    let changed: Vec<Path> = Fields::of(next, builtin)
        .paths()
        .into_iter()
        .filter(|path| {
            let before = current.and_then(|current| value_at(current, path));
            if path.last().is_some_and(|last| last.starts_with("k:")) {
                before.is_none()
            } else {
                before != value_at(next, path)
            }
        })
        .collect();
    let ours = managers
        .iter()
        .position(|manager| manager.is(writer.name, Operation::Update, writer.subresource));
    for (at, manager) in managers.iter_mut().enumerate() {
        for path in manager.fields.paths() {
            let lost = Some(at) != ours && changed.contains(&path);
            if lost || value_at(next, &path).is_none() {
                manager.fields.remove(&path);
            }
        }
    }
    if !changed.is_empty() {
        let at = ours.unwrap_or_else(|| {
            managers.push(Manager {
                name: writer.name.to_owned(),
                operation: Operation::Update,
                api_version: writer.api_version.to_owned(),
                subresource: writer.subresource.to_owned(),
                time: String::new(),
                fields: Fields::default(),
            });
            managers.len() - 1
        });
        if let Some(manager) = managers.get_mut(at) {
            writer.time.clone_into(&mut manager.time);
            for path in &changed {
                manager.fields.insert(path);
            }
        }
    }
    write(next, &managers);
}
