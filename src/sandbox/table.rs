//! Objects as the rows that `kubectl get` prints: `meta.k8s.io/v1` Table, with a real server's columns.
//!
//! Must not choose objects or look at the store: it is given them.

mod builtin;
mod custom;
mod words;

use crate::sandbox::kinds::ApiKind;
use crate::sandbox::tree;
use jiff::Timestamp;
use serde_json::Value;
use serde_json::json;

/// What a cell shows, from the object and the time it is looked at.
type Cell = fn(&Value, Timestamp) -> Value;

/// One column.
#[derive(Clone, Copy, Debug)]
pub(super) struct Column {
    name: &'static str,
    /// OpenAPI type of its cells.
    type_: &'static str,
    /// Is it only shown by `-o wide`?
    wide: bool,
    cell: Cell,
}

const fn text(name: &'static str, cell: Cell) -> Column {
    Column {
        name,
        type_: "string",
        wide: false,
        cell,
    }
}

const fn number(name: &'static str, cell: Cell) -> Column {
    Column {
        type_: "integer",
        ..text(name, cell)
    }
}

const fn wide(name: &'static str, cell: Cell) -> Column {
    Column {
        wide: true,
        ..text(name, cell)
    }
}

const NAME: Column = text("Name", |object, _| {
    tree::text(object, "/metadata/name").into()
});

const AGE: Column = text("Age", |object, now| {
    words::age(tree::text(object, "/metadata/creationTimestamp"), now).into()
});

/// What a row carries of its object.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Carries {
    Nothing,
    Metadata,
    Everything,
}

/// A table that a request asked for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct TableFormat(Carries);

impl TableFormat {
    /// Does a request want a table? From its `Accept` header and the parameter `includeObject`.
    #[must_use]
    pub fn asked(accept: &str, include_object: &str) -> Option<Self> {
        let wanted = accept
            .split(',')
            .any(|kind| kind.split(';').any(|part| part.trim() == "as=Table"));
        wanted.then_some(Self(match include_object {
            "None" => Carries::Nothing,
            "Object" => Carries::Everything,
            _ => Carries::Metadata,
        }))
    }

    /// The table of these objects. Later events of a watch leave the columns out, as a real server does.
    pub(super) fn table<'a>(
        self,
        kind: &ApiKind,
        objects: impl IntoIterator<Item = &'a Value>,
        resource_version: &str,
        now: Timestamp,
    ) -> Value {
        let columns = columns(kind);
        let rows: Vec<Value> = objects
            .into_iter()
            .map(|object| self.row(&columns, object, now))
            .collect();
        json!({
            "kind": "Table", "apiVersion": "meta.k8s.io/v1",
            "metadata": {"resourceVersion": resource_version},
            "columnDefinitions": definitions(&columns),
            "rows": rows,
        })
    }

    fn row(self, columns: &[Column], object: &Value, now: Timestamp) -> Value {
        let cells: Vec<Value> = columns
            .iter()
            .map(|column| (column.cell)(object, now))
            .collect();
        let mut row = json!({"cells": cells});
        match self.0 {
            Carries::Nothing => {}
            Carries::Everything => tree::set(&mut row, &["object"], object.clone()),
            Carries::Metadata => {
                let metadata = json!({
                    "kind": "PartialObjectMetadata", "apiVersion": "meta.k8s.io/v1",
                    "metadata": object.get("metadata"),
                });
                tree::set(&mut row, &["object"], metadata);
            }
        }
        row
    }
}

fn columns(kind: &ApiKind) -> Vec<Column> {
    let own = if kind.builtin {
        builtin::columns(&kind.plural)
    } else {
        custom::columns(&kind.plural)
    };
    let own = own.unwrap_or(&[AGE]);
    [NAME].iter().chain(own).copied().collect()
}

fn definitions(columns: &[Column]) -> Vec<Value> {
    columns
        .iter()
        .map(|column| {
            let format = if column.name == "Name" { "name" } else { "" };
            json!({
                "name": column.name, "type": column.type_, "format": format, "description": "",
                "priority": i32::from(column.wide),
            })
        })
        .collect()
}

#[cfg(test)]
mod tests;
