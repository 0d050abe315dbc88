//! The words for people: each event as one line, the verb it stands under, and how numbers and durations are
//! written. The event file, the plain log, alerts and commits say the same because they all take it from here.
//!
//! ASCII only, so that a log reads the same everywhere. Must not decide anything.

pub mod figures;

use crate::canary::phase::Phase;
use crate::canary::weight::Weight;
use crate::rollout::event::EventKind;
use crate::rollout::event::Level;
use crate::rollout::event::Miss;
use crate::rollout::event::Role;
use crate::rollout::event::Sample;
use crate::rollout::event::Signal;
use crate::rollout::words::figures::about;
use crate::rollout::words::figures::beside;
use crate::rollout::words::figures::duration;
use crate::rollout::words::figures::number;
use crate::rollout::words::figures::one_line;
use crate::rollout::words::figures::short_commit;
use crate::rollout::words::figures::short_ref;
use crate::rollout::words::figures::short_run;
use std::fmt;

/// The first word of a line in the plain log. There are twelve, so that `grep` on one of them is stable.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Verb {
    /// A run began.
    Start,
    /// What will be done.
    Plan,
    /// A workload is ready.
    Ready,
    /// Traffic moved, or an iteration began.
    Weight,
    /// All checks passed.
    Pass,
    /// The weight stays: a check failed, or a person asked for it.
    Hold,
    /// Nothing to do yet.
    Wait,
    /// A gate or a webhook has to open.
    Gate,
    /// A transition was committed, or could not be.
    Record,
    /// Traffic goes back to the old version.
    Rollback,
    /// The run's verdict.
    Finish,
    /// Something went wrong.
    Error,
}

impl Verb {
    /// As it is printed.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Start => "start",
            Self::Plan => "plan",
            Self::Ready => "ready",
            Self::Weight => "weight",
            Self::Pass => "pass",
            Self::Hold => "hold",
            Self::Wait => "wait",
            Self::Gate => "gate",
            Self::Record => "record",
            Self::Rollback => "rollback",
            Self::Finish => "finish",
            Self::Error => "error",
        }
    }
}

impl fmt::Display for Verb {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(self.as_str())
    }
}

/// What a line needs to know beside the event itself.
#[derive(Clone, Copy, Debug)]
pub struct WordsContext<'a> {
    /// The run's full ULID.
    pub run: &'a str,
    /// Namespace of the canary.
    pub namespace: &'a str,
    /// Name of the canary.
    pub canary: &'a str,
    /// What the primary served when the run began, such as an image tag.
    pub from: &'a str,
    /// What is being rolled out.
    pub to: &'a str,
    /// Share of the canary after the event, percent.
    pub weight: Weight,
    /// How urgent the event is.
    pub level: Level,
}

/// The verb an event stands under.
#[must_use]
pub fn verb(kind: &EventKind) -> Verb {
    match kind {
        EventKind::RunStarted { .. } => Verb::Start,
        EventKind::RunPlan { .. } => Verb::Plan,
        EventKind::PhaseChanged { to, .. } => match to {
            Phase::Waiting | Phase::WaitingPromotion => Verb::Gate,
            Phase::New
            | Phase::Initializing
            | Phase::Initialized
            | Phase::Progressing
            | Phase::Promoting
            | Phase::Finalising
            | Phase::Succeeded
            | Phase::Failed
            | Phase::Terminating
            | Phase::Terminated => Verb::Wait,
        },
        EventKind::WorkloadReady { .. } => Verb::Ready,
        EventKind::WorkloadProgress { .. } | EventKind::Heartbeat { .. } => Verb::Wait,
        EventKind::TrafficChanged { .. } | EventKind::IterationStarted { .. } => Verb::Weight,
        EventKind::GateWaiting { .. } | EventKind::GateOpened { .. } => Verb::Gate,
        EventKind::WebhookCalled { ok, .. } => {
            if *ok {
                Verb::Pass
            } else {
                Verb::Hold
            }
        }
        EventKind::MetricSampled(sample) => {
            if sample.ok {
                Verb::Pass
            } else {
                Verb::Hold
            }
        }
        EventKind::CheckPassed { .. } => Verb::Pass,
        EventKind::CheckHeld { .. } => Verb::Hold,
        EventKind::SignalReceived { action, .. } => match action.as_str() {
            "rollback" => Verb::Rollback,
            "hold" | "leave" => Verb::Hold,
            _ => Verb::Wait,
        },
        EventKind::IntentReceived { verb, .. } => match *verb {
            "abort" => Verb::Rollback,
            "pause" => Verb::Hold,
            "approve" => Verb::Gate,
            _ => Verb::Wait,
        },
        EventKind::RollbackStarted { .. } | EventKind::RollbackFinished { .. } => Verb::Rollback,
        EventKind::StatusRecorded { .. } | EventKind::StatusFailed { .. } => Verb::Record,
        EventKind::Diagnostic { .. } => Verb::Error,
        EventKind::RunFinished { .. } => Verb::Finish,
    }
}

/// The line for people: what comes after time and verb. Always one line without control characters, whatever names
/// and reasons from outside contain.
#[must_use]
pub fn message(kind: &EventKind, context: &WordsContext<'_>) -> String {
    let who = format!("{}.{}", context.canary, context.namespace);
    one_line(&match kind {
        EventKind::RunStarted {
            from,
            to,
            git,
            context: cluster,
            resumed,
            ..
        } => {
            let run = short_run(context.run);
            let resumed = if *resumed { " resumed" } else { "" };
            let change = if from == to {
                to.clone()
            } else {
                format!("{from} -> {to}")
            };
            format!("{who} {change} run={run} context={cluster} git={git}{resumed}")
        }
        EventKind::RunPlan {
            strategy,
            weights,
            iterations,
            mirror,
            interval_ms,
            threshold,
            gates,
            estimate_ms,
            ..
        } => {
            let way = match (iterations, mirror) {
                (0, _) => {
                    let first = if *mirror { "mirror, " } else { "" };
                    let weights: Vec<String> = weights.iter().map(Weight::to_string).collect();
                    format!("{first}weights {}", weights.join(","))
                }
                (n, true) => format!("{strategy}, {n} iterations mirrored,"),
                (n, false) => format!("{strategy}, {n} iterations,"),
            };
            plan(&way, *interval_ms, *threshold, gates, *estimate_ms)
        }
        EventKind::PhaseChanged { from, to } => match from {
            Phase::New => format!("phase {to}"),
            Phase::Initializing
            | Phase::Initialized
            | Phase::Waiting
            | Phase::Progressing
            | Phase::WaitingPromotion
            | Phase::Promoting
            | Phase::Finalising
            | Phase::Succeeded
            | Phase::Failed
            | Phase::Terminating
            | Phase::Terminated => format!("phase {from} -> {to}"),
        },
        EventKind::WorkloadReady {
            role,
            ready,
            desired,
            took_ms,
        } => format!(
            "{} {ready}/{desired} pods in {}",
            role_name(*role),
            duration(*took_ms)
        ),
        EventKind::WorkloadProgress {
            role,
            ready,
            desired,
            reason,
        } => {
            let why = reason.as_ref().map(|why| format!(": {why}"));
            format!(
                "{} {ready}/{desired} pods{}",
                role_name(*role),
                why.unwrap_or_default()
            )
        }
        EventKind::TrafficChanged {
            from, to, mirror, ..
        } => {
            let mirror = if *mirror { " mirrored" } else { "" };
            format!("{from} -> {to}{mirror}")
        }
        EventKind::IterationStarted {
            iteration,
            iterations,
        } => format!("at {}: iteration {iteration}/{iterations}", context.weight),
        EventKind::WebhookCalled {
            name,
            hook,
            ok,
            status,
            error,
            took_ms,
        } => {
            let said = if *ok { "passed" } else { "did not pass" };
            let status = status.map_or_else(String::new, |status| format!(" ({status})"));
            let why = error.as_ref().filter(|why| !why.is_empty());
            let why = why.map_or_else(String::new, |why| format!(": {why}"));
            format!(
                "{hook} {name} {said}{status} in {}{why}",
                duration(*took_ms)
            )
        }
        EventKind::GateWaiting { name, gate } => {
            format!("at {}: {gate} waits for {name} to open", context.weight)
        }
        EventKind::GateOpened {
            name,
            waited_ms,
            by,
        } => {
            let by = by
                .as_ref()
                .map_or_else(String::new, |by| format!(" by {by}"));
            format!("{name} opened{by} after {}", duration(*waited_ms))
        }
        EventKind::MetricSampled(sample) => format!("at {}: {}", context.weight, measured(sample)),
        EventKind::CheckPassed { samples, .. } => {
            let list: Vec<String> = samples.iter().map(measured).collect();
            let list = if list.is_empty() {
                "no metrics to ask".to_owned()
            } else {
                list.join(", ")
            };
            format!("at {}: {list}", context.weight)
        }
        EventKind::CheckHeld {
            failed,
            threshold,
            misses,
            samples,
            why,
            counted,
        } => {
            let list: Vec<String> = misses
                .iter()
                .map(|name| {
                    samples
                        .iter()
                        .rev()
                        .find(|sample| sample.name == *name)
                        .map_or_else(|| name.clone(), measured)
                })
                .collect();
            let verdict = match (counted, why) {
                (true, _) => format!("failed {failed}/{threshold}"),
                (false, Miss::ProviderError) => "waiting for the backend".to_owned(),
                (false, Miss::NoData | Miss::Breach) => "waiting for data".to_owned(),
            };
            format!("at {}: {}; {verdict}", context.weight, list.join(", "))
        }
        EventKind::SignalReceived { signal, action } => {
            let signal = match signal {
                Signal::Hup => "HUP",
                Signal::Int => "INT",
                Signal::Term => "TERM",
            };
            let action = match action.as_str() {
                "rollback" => "rolling back".to_owned(),
                "hold" => format!("holding at {}", context.weight),
                "finish" => "finishing what has begun".to_owned(),
                "ask" => format!(
                    "r rolls back, h holds at {}, c carries on; Ctrl-C again rolls back",
                    context.weight
                ),
                "leave" => format!("leaving it at {}", context.weight),
                "continue" => "carrying on".to_owned(),
                other => other.to_owned(),
            };
            format!("{signal} received: {action}")
        }
        EventKind::IntentReceived { verb, by, via } => {
            let action = match *verb {
                "abort" => "rolling back".to_owned(),
                "pause" => format!("staying at {}, checks go on", context.weight),
                "resume" => "going on".to_owned(),
                "approve" => "opening the gate".to_owned(),
                "skip-analysis" => "promoting as soon as the canary is ready".to_owned(),
                other => other.to_owned(),
            };
            format!("{verb} asked by {by} ({via}): {action}")
        }
        EventKind::RollbackStarted { reason, .. } => reason.clone(),
        EventKind::RollbackFinished { took_ms, .. } => format!(
            "traffic 100% on primary {} after {}",
            context.from,
            duration(*took_ms)
        ),
        EventKind::StatusRecorded {
            commit, reference, ..
        } => format!("{} on {}", short_commit(commit), short_ref(reference)),
        EventKind::StatusFailed { reference, error } => {
            format!("not on {}: {error}", short_ref(reference))
        }
        EventKind::Heartbeat { next_look_ms, .. } => next_look(context.weight, *next_look_ms),
        EventKind::Diagnostic {
            code,
            message,
            causes,
            ..
        } => {
            let grade = match context.level {
                Level::Info => "note: ",
                Level::Warn => "warning: ",
                Level::Error => "",
            };
            let causes: String = causes.iter().map(|cause| format!(": {cause}")).collect();
            format!("{grade}{code}: {message}{causes}")
        }
        EventKind::RunFinished {
            outcome,
            exit_code,
            traffic,
            ..
        } => verdict(outcome, *exit_code, traffic.canary, &who, context),
    })
}

fn plan(way: &str, interval_ms: u64, threshold: u32, gates: &[String], estimate_ms: u64) -> String {
    let gates = if gates.is_empty() {
        String::new()
    } else {
        format!("gates {}; ", gates.join(","))
    };
    format!(
        "{way} then promote; {gates}look every {}; roll back at {threshold} failed checks; about {}",
        duration(interval_ms),
        about(estimate_ms)
    )
}

/// What is being waited for between two looks.
#[must_use]
pub fn next_look(weight: Weight, ms: u64) -> String {
    if ms == 0 {
        return format!("at {weight}: looking now");
    }
    // rounded up, so that a countdown does not end before its look
    let left = duration(ms.div_ceil(1000) * 1000);
    format!("at {weight}: next look in {left}")
}

fn verdict(
    outcome: &str,
    exit_code: u8,
    canary: Weight,
    who: &str,
    context: &WordsContext<'_>,
) -> String {
    let (from, to) = (context.from, context.to);
    let primary = canary.rest();
    let exit = if exit_code == 0 {
        String::new()
    } else {
        format!("; exit {exit_code}")
    };
    let said = match outcome {
        "promoted" => format!("{who} is on {to}"),
        "unchanged" => format!("{who} is already on {to}"),
        "bootstrapped" => format!("{who} is bootstrapped on {to}"),
        "rolled-back" => format!("{who} {to} rolled back, traffic {primary}% on primary {from}"),
        "held" => {
            format!("{who} held, traffic {canary}% on canary {to}, {primary}% on primary {from}")
        }
        other => format!("{who} {other}, traffic {canary}% on canary {to}, {primary}% on primary"),
    };
    said + &exit
}

const fn role_name(role: Role) -> &'static str {
    match role {
        Role::Canary => "canary",
        Role::Primary => "primary",
    }
}

/// A sample beside its limit: `request-success-rate 98.71% < 99`.
#[must_use]
pub fn measured(sample: &Sample) -> String {
    let unit = sample.unit.unwrap_or_default();
    let Some(value) = sample.value else {
        let (lacks, why) = match sample.miss {
            Some(Miss::ProviderError) => ("no answer", "no answer"),
            Some(Miss::NoData | Miss::Breach) | None => ("no value", "no data"),
        };
        let why = sample.error.as_deref().unwrap_or(why);
        return format!("{} {lacks} ({why})", sample.name);
    };
    let name = &sample.name;
    match (sample.min, sample.max) {
        (Some(min), _) if value < min => {
            format!(
                "{name} {}{unit} < {}",
                beside(value, min, unit),
                number(min, "")
            )
        }
        (_, Some(max)) if value > max => {
            format!(
                "{name} {}{unit} > {}",
                beside(value, max, unit),
                number(max, "")
            )
        }
        (Some(min), Some(max)) => format!(
            "{name} {}{unit} within {}..{}",
            number(value, unit),
            number(min, ""),
            number(max, "")
        ),
        (Some(min), None) => format!(
            "{name} {}{unit} >= {}",
            number(value, unit),
            number(min, "")
        ),
        (None, Some(max)) => format!(
            "{name} {}{unit} <= {}",
            number(value, unit),
            number(max, "")
        ),
        (None, None) => format!("{name} {}{unit}", number(value, unit)),
    }
}

#[cfg(test)]
mod tests;
