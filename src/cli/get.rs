//! `get`: the canaries that are or were driven, from their records, in the columns Flagger's users know.
//!
//! Writes nothing.

use crate::canary::object::ObjectRef;
use crate::canary::object::Resource;
use crate::cli::Streams;
use crate::cli::args::remote::GetArgs;
use crate::cli::args::remote::GetFormat;
use crate::cli::environment::Environment;
use crate::cli::globals::Globals;
use crate::cli::remote;
use crate::cli::remote::Remote;
use crate::cli::remote::block_on;
use crate::controller::Document;
use crate::error::Error;
use crate::error::ExitCode;
use crate::kubernetes::follow::WatchItem;
use crate::kubernetes::lease::MANAGED_BY;
use crate::kubernetes::operation::FIELD_MANAGER;
use crate::kubernetes::operation::Selection;
use crate::kubernetes::run_record::PREFIX;
use crate::kubernetes::run_record::record;
use crate::rollout::words::figures;
use futures::StreamExt as _;
use serde_json::Value;
use serde_json::json;
use std::fmt::Write as _;

/// Between two columns.
const GAP: usize = 3;

/// One canary.
struct Row {
    namespace: String,
    name: String,
    document: Document,
}

/// Prints them.
///
/// # Errors
/// The cluster cannot be reached, or a name was never driven.
pub fn run(
    args: &GetArgs,
    globals: &Globals,
    environment: &Environment,
    streams: &mut Streams<'_>,
) -> Result<ExitCode, Error> {
    block_on(async {
        let remote = Remote::connect(globals, None, environment).await?;
        let namespace = (!args.all_namespaces).then(|| remote.connection.namespace.clone());
        let kind = ObjectRef {
            namespace,
            ..Resource::CONFIG_MAP.cluster_scoped("")
        };
        let selection = Selection {
            labels: Some(format!("{MANAGED_BY}={FIELD_MANAGER}")),
            fields: None,
        };
        let list = remote.requests.list(&kind, &selection).await?;
        let rows = rows(&list.items, &args.names)?;
        let missing = args
            .names
            .iter()
            .find(|name| !rows.iter().any(|row| row.name == **name));
        if let Some(name) = missing {
            return Err(remote.never_driven(name));
        }
        if rows.is_empty() && !args.watch {
            // A terminal that went away has read enough.
            let _ = writeln!(streams.err, "no canary was driven here");
            return Ok(ExitCode::OK);
        }
        streams.print(&printed(&rows, args, true))?;
        if !args.watch {
            return Ok(ExitCode::OK);
        }
        let mut changes = remote.requests.watch_selected(&kind, selection);
        // The first of all is the list that was printed.
        let mut first = true;
        while let Some(change) = changes.next().await {
            let items = match change {
                Ok(WatchItem::Listed(_)) if std::mem::take(&mut first) => Vec::new(),
                Ok(WatchItem::Listed(items)) => items,
                Ok(WatchItem::Applied(object)) => vec![object],
                Ok(WatchItem::Deleted(_) | WatchItem::Fresh) => Vec::new(),
                Err(error) => return Err(error.into()),
            };
            streams.print(&printed(&self::rows(&items, &args.names)?, args, false))?;
        }
        Ok(ExitCode::OK)
    })
}

fn rows(items: &[Value], names: &[String]) -> Result<Vec<Row>, Error> {
    let text = |item: &Value, key: &str| {
        item["metadata"][key]
            .as_str()
            .unwrap_or_default()
            .to_owned()
    };
    let mut rows = Vec::new();
    for item in items
        .iter()
        .filter(|item| text(item, "name").starts_with(PREFIX))
    {
        let document = remote::document(&record(item)?)?;
        let spec = document.spec.pointer("/items/0/metadata/name");
        let name = spec.and_then(Value::as_str).map_or_else(
            || text(item, "name")[PREFIX.len()..].to_owned(),
            str::to_owned,
        );
        if names.is_empty() || names.contains(&name) {
            rows.push(Row {
                namespace: text(item, "namespace"),
                name,
                document,
            });
        }
    }
    Ok(rows)
}

fn printed(rows: &[Row], args: &GetArgs, header: bool) -> String {
    match args.output {
        Some(GetFormat::Name) => rows
            .iter()
            .map(|row| format!("canary.flagger.app/{}\n", row.name))
            .collect(),
        Some(GetFormat::Json) => {
            let items: Vec<Value> = rows.iter().map(as_json).collect();
            let list = json!({"apiVersion": "v1", "kind": "List", "items": items});
            format!(
                "{}\n",
                serde_json::to_string_pretty(&list).unwrap_or_default()
            )
        }
        Some(GetFormat::Wide) | None => table(rows, args, header),
    }
}

fn as_json(row: &Row) -> Value {
    json!({
        "apiVersion": "flagger.app/v1beta1",
        "kind": "Canary",
        "metadata": {"name": row.name, "namespace": row.namespace},
        "status": row.document.status.canary,
    })
}

fn table(rows: &[Row], args: &GetArgs, header: bool) -> String {
    let wide = args.output == Some(GetFormat::Wide);
    let mut head = vec!["NAME", "STATUS", "WEIGHT", "LASTTRANSITIONTIME"];
    if args.all_namespaces {
        head.insert(0, "NAMESPACE");
    }
    if wide {
        head.extend(["FAILEDCHECKS", "RUN", "OUTCOME"]);
    }
    let mut lines: Vec<Vec<String>> = Vec::new();
    lines.extend(header.then(|| head.iter().map(|name| (*name).to_owned()).collect()));
    for row in rows {
        let status = &row.document.status.canary;
        let mut line = vec![
            row.name.clone(),
            status.phase.as_str().to_owned(),
            status.canary_weight.to_string(),
            status
                .last_transition_time
                .map_or_else(String::new, |time| {
                    time.strftime("%Y-%m-%dT%H:%M:%SZ").to_string()
                }),
        ];
        if args.all_namespaces {
            line.insert(0, row.namespace.clone());
        }
        if wide {
            let ended = row.document.ended.as_ref();
            line.extend([
                status.failed_checks.to_string(),
                figures::short_run(&row.document.run).to_owned(),
                ended.map_or_else(String::new, |ended| ended.outcome.clone()),
            ]);
        }
        lines.push(line);
    }
    aligned(&lines)
}

/// As kubectl prints a table.
fn aligned(lines: &[Vec<String>]) -> String {
    let mut text = String::new();
    for line in lines {
        let mut open = String::new();
        for (column, cell) in line.iter().enumerate() {
            let width = lines
                .iter()
                .map(|line| line[column].len())
                .max()
                .unwrap_or(0)
                + GAP;
            // A `String` takes everything.
            let _ = write!(open, "{cell:width$}");
        }
        text.push_str(open.trim_end());
        text.push('\n');
    }
    text
}
