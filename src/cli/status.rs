//! `status`: tells how a run stands, follows it to its end, and exits with its code.
//!
//! Asks nothing of the driver and writes nothing.

use crate::canary::holder::Holder;
use crate::cli::Streams;
use crate::cli::args::remote::ObjectFormat;
use crate::cli::args::remote::StatusArgs;
use crate::cli::environment::Environment;
use crate::cli::globals::Globals;
use crate::cli::promote::place;
use crate::cli::remote;
use crate::cli::remote::Remote;
use crate::cli::remote::block_on;
use crate::controller::Document;
use crate::controller::RunError;
use crate::error::Error;
use crate::error::ExitCode;
use crate::port::lease::Held;
use crate::port::lease::Lease as _;
use crate::port::lease::LeaseTimes;
use crate::rollout::words::Verb;
use crate::rollout::words::figures;
use crate::ui::plain;
use futures::StreamExt as _;
use jiff::Timestamp;
use serde_json::json;
use std::time::Duration;

/// How often the driver's lock is looked at.
const LOOK: Duration = Duration::from_secs(10);

/// Tells how it stands.
///
/// # Errors
/// It was never driven, or the cluster cannot be reached.
pub fn run(
    args: &StatusArgs,
    globals: &Globals,
    environment: &Environment,
    streams: &mut Streams<'_>,
) -> Result<ExitCode, Error> {
    block_on(async {
        let remote = Remote::connect(globals, None, environment).await?;
        let document = remote.document(&args.name).await?;
        let lease = remote.lease(
            &args.name,
            Holder {
                run: String::new(),
                place: place(environment),
            },
        );
        let held = lease.observe().await.map_err(RunError::from)?;
        let canary = format!("{}.{}", args.name, remote.connection.namespace);
        let document = if args.watch && document.exit_code().is_none() {
            let now = remote.clock.now();
            say(
                streams,
                now,
                Verb::Start,
                &standing(&canary, &document, held.as_ref()),
            );
            follow(&remote, &lease, &args.name, document, streams).await?
        } else {
            document
        };
        let text = match args.output {
            Some(ObjectFormat::Json) => format!("{}\n", as_json(&remote, args, &document)),
            None => format!("{}\n", standing(&canary, &document, None)),
        };
        streams.print(&text)?;
        Ok(document
            .exit_code()
            .map_or(ExitCode::WAITING, ExitCode::from_outcome))
    })
}

/// One line a change, until the run is over or its driver is gone.
///
/// # Errors
/// The lock cannot be read, or another version wrote the record.
pub async fn follow(
    remote: &Remote,
    lease: &crate::kubernetes::lease::KubernetesLease,
    canary: &str,
    mut document: Document,
    streams: &mut Streams<'_>,
) -> Result<Document, Error> {
    let mut records = remote.record(canary).follow();
    let mut moved = (
        lease.observe().await.map_err(RunError::from)?,
        remote.clock.boot(),
    );
    while document.exit_code().is_none() {
        tokio::select! {
            found = records.next() => {
                // After an error the watch begins again by itself.
                if let Some(Ok(Some(record))) = found {
                    let now = remote::document(&record)?;
                    for (verb, text) in news(&document, &now) {
                        say(streams, remote.clock.now(), verb, &text);
                    }
                    document = now;
                }
            }
            () = remote.clock.sleep(LOOK) => {
                // The watch tells of the record; whether somebody still drives only the lock tells.
                let Ok(held) = lease.observe().await else {
                    continue;
                };
                if held != moved.0 {
                    moved = (held, remote.clock.boot());
                }
                let unmoved = remote.clock.boot().saturating_sub(moved.1);
                let holder = moved.0.as_ref().is_some_and(|held| !held.holder.is_empty());
                if !holder || unmoved >= LeaseTimes::default().duration {
                    let text = "nobody drives it any more: promote goes on, abort goes back";
                    say(streams, remote.clock.now(), Verb::Error, text);
                    return Ok(document);
                }
            }
        }
    }
    Ok(document)
}

/// Prints one line.
pub fn say(streams: &mut Streams<'_>, at: Timestamp, verb: Verb, text: &str) {
    // A terminal that went away must not change the exit code.
    let _ = writeln!(streams.err, "{}", plain::line(at, verb, text));
}

/// What the run's own log would say between two records.
fn news(before: &Document, after: &Document) -> Vec<(Verb, String)> {
    let (old, new) = (&before.status, &after.status);
    let mut lines = Vec::new();
    if before.run != after.run {
        let run = figures::short_run(&after.run);
        lines.push((
            Verb::Start,
            format!("run={run} replaces {}", figures::short_run(&before.run)),
        ));
    }
    if old.weight() != new.weight() {
        lines.push((
            Verb::Weight,
            format!("{} -> {}", old.weight(), new.weight()),
        ));
    }
    if new.canary.failed_checks > old.canary.failed_checks {
        let text = format!("at {}: failed {}", new.weight(), new.canary.failed_checks);
        lines.push((Verb::Hold, text));
    }
    if new.canary.iterations > old.canary.iterations {
        lines.push((Verb::Pass, format!("iteration {}", new.canary.iterations)));
    }
    if old.ending.is_none() && new.ending.is_some() {
        lines.push((Verb::Rollback, "users go back to the primary".to_owned()));
    } else if old.phase() != new.phase() {
        lines.push((
            Verb::Wait,
            format!("{} -> {}", old.phase().as_str(), new.phase().as_str()),
        ));
    }
    match (&old.gate, &new.gate) {
        (before, Some(gate)) if before.as_ref() != Some(gate) => {
            let text = format!("{} waits for {} to open", gate.kind, gate.name);
            lines.push((Verb::Gate, text));
        }
        (Some(gate), None) => lines.push((Verb::Gate, format!("{} holds no more", gate.name))),
        (Some(_) | None, Some(_)) | (None, None) => {}
    }
    match (old.paused_since, new.paused_since) {
        (None, Some(_)) => lines.push((Verb::Hold, format!("paused at {}", new.weight()))),
        (Some(_), None) => lines.push((Verb::Wait, format!("goes on from {}", new.weight()))),
        (None, None) | (Some(_), Some(_)) => {}
    }
    lines
}

/// One line: phase, weight, run, who drives.
fn standing(canary: &str, document: &Document, held: Option<&Held>) -> String {
    let status = &document.status;
    let mut text = format!(
        "{canary} is {} at {} %",
        status.phase().as_str(),
        status.weight()
    );
    if status.paused_since.is_some() {
        text.push_str(", paused");
        if let Some(until) = status.paused_until {
            text.push_str(&format!(" until {} at most", until.strftime("%H:%M:%SZ")));
        }
    }
    if let Some(gate) = &status.gate {
        text.push_str(&format!(", {} waits for {} to open", gate.kind, gate.name));
    }
    if status.canary.failed_checks > 0 {
        text.push_str(&format!(", {} failed checks", status.canary.failed_checks));
    }
    if let Some(ended) = &document.ended {
        text.push_str(&format!(
            ", {} at {}",
            ended.outcome,
            ended.at.strftime("%H:%M:%SZ")
        ));
    }
    text.push_str(&format!(", run={}", figures::short_run(&document.run)));
    let holder = held
        .map(|held| held.holder.as_str())
        .filter(|holder| !holder.is_empty());
    if let Some(holder) = holder {
        let by = Holder::parse(holder).map_or_else(|| holder.to_owned(), |holder| holder.short());
        text.push_str(&format!(" driven by {by}"));
    }
    text
}

fn as_json(remote: &Remote, args: &StatusArgs, document: &Document) -> String {
    let value = json!({
        "canary": args.name,
        "namespace": remote.connection.namespace,
        "run": document.run,
        "status": document.status.canary,
        "paused": document.status.paused_since.is_some(),
        "gate": document.status.gate.as_ref().map(|gate| &gate.name),
        "revision": document.status.revision,
        "outcome": document.ended.as_ref().map(|ended| &ended.outcome),
        "exitCode": document.exit_code(),
    });
    serde_json::to_string_pretty(&value).unwrap_or_default()
}
