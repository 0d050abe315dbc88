//! Everything the driver says, as values: the screen, the plain log, the event file, the summary, alerts and
//! commits are renderers of this one stream. Nothing here is asked by the driver again.

use crate::canary::phase::Phase;
use crate::canary::weight::Weight;
use jiff::Timestamp;
use serde::Serialize;
use serde::Serializer;
use serde::ser::SerializeMap as _;

/// Version of the stream: minor versions only add.
pub const VERSION: &str = "1.0";

/// How urgent a line is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "lowercase")]
pub enum Level {
    /// As planned.
    Info,
    /// Needs a look.
    Warn,
    /// Went wrong.
    Error,
}

/// One line of the stream.
#[derive(Clone, Debug, PartialEq)]
pub struct Event {
    /// From 1, without gaps within a run.
    pub seq: u64,
    /// When it was decided; written with milliseconds.
    pub at: Timestamp,
    /// How urgent it is.
    pub level: Level,
    /// The run's full ULID.
    pub run: String,
    /// Namespace of the canary.
    pub namespace: String,
    /// Name of the canary.
    pub canary: String,
    /// Phase after this event.
    pub phase: Phase,
    /// Share of the canary after this event, percent.
    pub weight: Weight,
    /// What is being rolled out, as webhooks are told. Not in the stream: it means nothing elsewhere.
    pub checksum: String,
    /// The line for people, without time and verb.
    pub msg: String,
    /// What happened.
    pub kind: EventKind,
}

impl Event {
    /// The type's name in the stream, such as `traffic.changed`.
    #[must_use]
    pub fn type_name(&self) -> &'static str {
        self.kind.type_name()
    }
}

impl Serialize for Event {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let mut map = serializer.serialize_map(None)?;
        map.serialize_entry("v", VERSION)?;
        map.serialize_entry("seq", &self.seq)?;
        map.serialize_entry("ts", &format!("{:.3}", self.at))?;
        map.serialize_entry("type", self.type_name())?;
        map.serialize_entry("level", &self.level)?;
        map.serialize_entry("run", &self.run)?;
        map.serialize_entry("namespace", &self.namespace)?;
        map.serialize_entry("canary", &self.canary)?;
        map.serialize_entry("phase", &self.phase)?;
        map.serialize_entry("weight", &self.weight)?;
        map.serialize_entry("msg", &self.msg)?;
        map.serialize_entry("data", &self.kind)?;
        map.end()
    }
}

/// Which workload a line is about.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "lowercase")]
pub enum Role {
    /// The target, while a rollout runs.
    Canary,
    /// Our copy that serves users.
    Primary,
}

/// Which signal came.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, serde::Deserialize)]
pub enum Signal {
    /// The terminal went away.
    #[serde(rename = "HUP")]
    Hup,
    /// Ctrl-C.
    #[serde(rename = "INT")]
    Int,
    /// Asked to end.
    #[serde(rename = "TERM")]
    Term,
}

/// Why a measurement is no pass.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, serde::Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Miss {
    /// A value out of its limits, or a hook that said no.
    Breach,
    /// The backend answered, and had nothing.
    NoData,
    /// The backend did not answer, or with an error.
    ProviderError,
}

/// A measured value beside its limits. `value` is in the unit of the limits.
#[derive(Clone, Debug, PartialEq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct Sample {
    /// The metric's name in the spec.
    pub name: String,
    /// What was measured; absent where there was no value.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub value: Option<f64>,
    /// Inclusive lower limit.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub min: Option<f64>,
    /// Inclusive upper limit.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub max: Option<f64>,
    /// `%` or `ms` for the built-in metrics.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub unit: Option<&'static str>,
    /// Within its limits?
    pub ok: bool,
    /// Why not.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub miss: Option<Miss>,
    /// Length of the window asked for, milliseconds.
    pub window_ms: u64,
    /// The query as it was sent.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub query: Option<String>,
    /// Why there is no value.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub error: Option<String>,
}

/// Where the traffic is at the end, percent.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
pub struct Traffic {
    /// Share of the primary.
    pub primary: Weight,
    /// Share of the canary.
    pub canary: Weight,
}

/// What happened. Field names are those of the stream; durations are milliseconds.
#[derive(Clone, Debug, PartialEq, Serialize)]
#[serde(untagged, rename_all_fields = "camelCase")]
pub enum EventKind {
    /// First line of a run.
    RunStarted {
        /// What the primary serves, such as an image tag.
        from: String,
        /// What the target asks for.
        to: String,
        /// Abbreviated commit of the spec.
        git: String,
        /// Context of the kubeconfig.
        context: String,
        /// Traffic provider.
        provider: String,
        /// The route object, such as `traefikservice/podinfo`.
        route: String,
        /// Does it continue an earlier process' run?
        resumed: bool,
        /// Our version.
        tool_version: String,
    },
    /// What will be done.
    RunPlan {
        /// `weighted canary`, `A/B testing` or `Blue/Green`.
        strategy: &'static str,
        /// Planned shares, percent.
        weights: Vec<Weight>,
        /// Looks of A/B testing and Blue/Green; 0 where the weights are the looks.
        iterations: u32,
        /// Does the canary get a copy of the traffic first?
        mirror: bool,
        /// Time between looks.
        interval_ms: u64,
        /// Failed checks that roll back.
        threshold: u32,
        /// Metrics asked at each look.
        metrics: Vec<String>,
        /// Gates on the way.
        gates: Vec<String>,
        /// About how long it takes.
        estimate_ms: u64,
    },
    /// The phase moved.
    PhaseChanged {
        /// Before.
        from: Phase,
        /// After.
        to: Phase,
    },
    /// A workload became ready.
    WorkloadReady {
        /// Which.
        role: Role,
        /// Pods available.
        ready: u32,
        /// Pods asked for.
        desired: u32,
        /// How long it took.
        took_ms: u64,
    },
    /// A workload is not ready yet.
    WorkloadProgress {
        /// Which.
        role: Role,
        /// Pods available.
        ready: u32,
        /// Pods asked for.
        desired: u32,
        /// What it waits for.
        #[serde(skip_serializing_if = "Option::is_none")]
        reason: Option<String>,
    },
    /// The route was written and read back.
    TrafficChanged {
        /// Share of the canary before, percent.
        from: Weight,
        /// Share of the canary now, percent.
        to: Weight,
        /// Is traffic mirrored now?
        mirror: bool,
        /// The route object, such as `traefikservice/podinfo`.
        object: String,
        /// Its version after the write.
        resource_version: String,
        /// From decision to acknowledgement.
        took_ms: u64,
    },
    /// An iteration of A/B testing or Blue/Green began.
    IterationStarted {
        /// From 1.
        iteration: u32,
        /// How many there are.
        iterations: u32,
    },
    /// A metric was asked.
    MetricSampled(Sample),
    /// All checks passed.
    CheckPassed {
        /// Failed checks so far.
        failed: u32,
        /// The limit.
        threshold: u32,
        /// What was measured at this look. Not in the stream: it has a `metric.sampled` for each.
        #[serde(skip)]
        samples: Vec<Sample>,
    },
    /// A check failed; the weight stays.
    CheckHeld {
        /// Failed checks so far.
        failed: u32,
        /// The limit.
        threshold: u32,
        /// Metrics out of their limits.
        misses: Vec<String>,
        /// Why: a breach, where there is one among others.
        why: Miss,
        /// Is it a failed check? Not where `--on-no-data` or `--on-provider-error` says to wait.
        counted: bool,
        /// What was measured at this look. Not in the stream: it has a `metric.sampled` for each.
        #[serde(skip)]
        samples: Vec<Sample>,
    },
    /// A webhook was called.
    WebhookCalled {
        /// Its name in the spec.
        name: String,
        /// Its type, such as `pre-rollout`.
        hook: &'static str,
        /// Did it say yes?
        ok: bool,
        /// The status it answered with; absent where nothing came back.
        #[serde(skip_serializing_if = "Option::is_none")]
        status: Option<u16>,
        /// What it said where it did not say yes.
        #[serde(skip_serializing_if = "Option::is_none")]
        error: Option<String>,
        /// With all attempts.
        took_ms: u64,
    },
    /// A gate is closed: nothing moves forward until it opens.
    GateWaiting {
        /// The hook's name in the spec.
        name: String,
        /// Its type, such as `confirm-promotion`.
        gate: &'static str,
    },
    /// A gate that was closed has opened.
    GateOpened {
        /// The hook's name in the spec.
        name: String,
        /// How long it was closed.
        waited_ms: u64,
        /// Who opened it with `approve`; absent where its hook said yes.
        #[serde(skip_serializing_if = "Option::is_none")]
        by: Option<String>,
    },
    /// A signal came.
    SignalReceived {
        /// Which.
        signal: Signal,
        /// What is done about it: `rollback`, `hold`, `finish`, `ask`, `leave`, or `continue` where a person who
        /// was asked said so.
        action: String,
    },
    /// Somebody asked the driver for something.
    IntentReceived {
        /// `abort`, `pause`, `resume`, `approve` or `skip-analysis`.
        verb: &'static str,
        /// Who, as far as it is known.
        by: String,
        /// How it came: `keys`, `request`.
        via: &'static str,
    },
    /// Traffic is going back to the old version.
    RollbackStarted {
        /// The exit code it will have.
        code: u8,
        /// Why.
        reason: String,
    },
    /// Users are on the old version.
    RollbackFinished {
        /// The exit code.
        code: u8,
        /// Why.
        reason: String,
        /// From decision to traffic on the primary.
        took_ms: u64,
    },
    /// A transition was committed.
    StatusRecorded {
        /// The commit's id.
        commit: String,
        /// The branch.
        #[serde(rename = "ref")]
        reference: String,
        /// The canary's file there.
        path: String,
    },
    /// A transition could not be committed or pushed.
    StatusFailed {
        /// The branch.
        #[serde(rename = "ref")]
        reference: String,
        /// Why.
        error: String,
    },
    /// Nothing to do until then.
    Heartbeat {
        /// Until the next look.
        next_look_ms: u64,
        /// Does the data plane use the weight as it is written? Absent where the router has no way to tell.
        #[serde(skip_serializing_if = "Option::is_none")]
        in_effect: Option<bool>,
        /// Why it does not.
        #[serde(skip_serializing_if = "Option::is_none")]
        reason: Option<String>,
    },
    /// An error or a warning.
    Diagnostic {
        /// Such as `flagger::run::busy`.
        code: String,
        /// What happened.
        message: String,
        /// The causes, outermost first.
        causes: Vec<String>,
        /// The user's file it is about.
        #[serde(skip_serializing_if = "Option::is_none")]
        file: Option<String>,
        /// Byte range in it: offset and length.
        #[serde(skip_serializing_if = "Option::is_none")]
        span: Option<(usize, usize)>,
        /// What to do.
        #[serde(skip_serializing_if = "Option::is_none")]
        help: Option<String>,
    },
    /// Last line of a run.
    RunFinished {
        /// `promoted`, `unchanged`, `bootstrapped`, `rolled-back`, `held`, `split`, …
        outcome: &'static str,
        /// The process' exit code.
        exit_code: u8,
        /// Where the traffic is.
        traffic: Traffic,
        /// From the first line.
        duration_ms: u64,
        /// The sample furthest towards its limit, one a metric.
        worst: Vec<Sample>,
    },
}

impl EventKind {
    /// The type's name in the stream.
    #[must_use]
    pub const fn type_name(&self) -> &'static str {
        match self {
            Self::RunStarted { .. } => "run.started",
            Self::RunPlan { .. } => "run.plan",
            Self::PhaseChanged { .. } => "phase.changed",
            Self::WorkloadReady { .. } => "workload.ready",
            Self::WorkloadProgress { .. } => "workload.progress",
            Self::TrafficChanged { .. } => "traffic.changed",
            Self::IterationStarted { .. } => "iteration.started",
            Self::MetricSampled(_) => "metric.sampled",
            Self::CheckPassed { .. } => "check.passed",
            Self::CheckHeld { .. } => "check.held",
            Self::WebhookCalled { .. } => "webhook.called",
            Self::GateWaiting { .. } => "gate.waiting",
            Self::GateOpened { .. } => "gate.opened",
            Self::SignalReceived { .. } => "signal.received",
            Self::IntentReceived { .. } => "intent.received",
            Self::RollbackStarted { .. } => "rollback.started",
            Self::RollbackFinished { .. } => "rollback.finished",
            Self::StatusRecorded { .. } => "status.recorded",
            Self::StatusFailed { .. } => "status.failed",
            Self::Heartbeat { .. } => "heartbeat",
            Self::Diagnostic { .. } => "diagnostic",
            Self::RunFinished { .. } => "run.finished",
        }
    }
}
