//! What can go wrong in the command line itself.

use crate::canary::holder::Holder;
use crate::error::ExitCode;
use crate::port::lease::Held;
use crate::rollout::words::figures;
use std::io;
use std::time::Duration;

/// Errors of the command line.
#[derive(Debug, thiserror::Error, miette::Diagnostic)]
pub enum CliError {
    /// A file could not be written.
    #[error("cannot write {path}")]
    #[diagnostic(code(flagger::cli::write))]
    Write {
        /// Which.
        path: String,
        /// Why.
        #[source]
        source: io::Error,
    },
    /// A file could not be read.
    #[error("cannot read {path}")]
    #[diagnostic(code(flagger::cli::read))]
    Read {
        /// Which.
        path: String,
        /// Why.
        #[source]
        source: io::Error,
    },
    /// A page with generated tables lacks the end mark of one.
    #[error("{path}: the generated table {table:?} has no end mark")]
    #[diagnostic(
        code(flagger::cli::unended_table),
        help("add a line `<!-- end -->` after it")
    )]
    UnendedTable {
        /// The page.
        path: String,
        /// The table's name.
        table: String,
    },
    /// A page asks for a table that nobody makes.
    #[error("{path}: there is no generated table {table:?}")]
    #[diagnostic(code(flagger::cli::unknown_table))]
    UnknownTable {
        /// The page.
        path: String,
        /// The table's name.
        table: String,
    },
    /// A file differs from the commit that is promoted.
    #[error("{files} differs from {commit}")]
    #[diagnostic(
        code(flagger::git::dirty),
        help("commit it, or promote what is in the work tree with --allow-dirty")
    )]
    Dirty {
        /// The files.
        files: String,
        /// The commit.
        commit: String,
    },
    /// The canary has no such alert.
    #[error("canary {canary} has no alert {wanted}")]
    #[diagnostic(code(flagger::alerts::unknown), help("{help}"))]
    UnknownAlert {
        /// The canary.
        canary: String,
        /// What was asked for.
        wanted: String,
        /// Which alerts it has.
        help: String,
    },
    /// A chat did not take an alert.
    #[error("{chat} did not take it: {why}")]
    #[diagnostic(code(flagger::alerts::not_taken))]
    NotTaken {
        /// Which.
        chat: &'static str,
        /// Why.
        why: String,
    },
    /// The namespace is not there.
    #[error("there is no namespace {namespace} in {context}")]
    #[diagnostic(
        code(flagger::cluster::no_namespace),
        help("create it, or name another with --namespace")
    )]
    NoNamespace {
        /// Which.
        namespace: String,
        /// Context of the kubeconfig.
        context: String,
    },
    /// Nobody said which router carries the traffic.
    #[error("canary {canary} names no traffic provider")]
    #[diagnostic(
        code(flagger::router::no_provider),
        help("set spec.provider in the Canary, or give --provider; this release has {known}")
    )]
    NoProvider {
        /// Which.
        canary: String,
        /// What there is.
        known: String,
    },
    /// A provider that this release does not have.
    #[error("traffic provider {provider} is not in this release")]
    #[diagnostic(code(flagger::router::unknown_provider), help("{help}"))]
    UnknownProvider {
        /// As it was given.
        provider: String,
        /// What there is.
        help: String,
    },
    /// Nobody said where the built-in metrics are.
    #[error("canary {canary} names no metrics server")]
    #[diagnostic(
        code(flagger::metrics::no_server),
        help(
            "set spec.metricsServer in the Canary, or give --metrics-server, such as http://prometheus.monitoring:9090"
        )
    )]
    NoMetricsServer {
        /// Which.
        canary: String,
    },
    /// A metric that the canary does not have.
    #[error("canary {canary} has no metric {metric}")]
    #[diagnostic(code(flagger::metrics::unknown), help("{help}"))]
    UnknownMetric {
        /// Which.
        canary: String,
        /// As it was given.
        metric: String,
        /// What there is.
        help: String,
    },
    /// An entry of `--allow-host`.
    #[error("--allow-host {entry}: not a host")]
    #[diagnostic(code(flagger::cli::allow_host), help("write HOST or HOST:PORT"))]
    AllowHost {
        /// As it was given.
        entry: String,
    },
    /// Another driver holds the canary.
    #[error(transparent)]
    #[diagnostic(transparent)]
    Busy(#[from] Box<Busy>),
    /// The driver itself failed after something moved; the way back was taken.
    #[error("the driver failed")]
    #[diagnostic(
        code(flagger::run::bug),
        help("this is a bug of kubectl-flagger: please report what was printed above")
    )]
    Bug,
    /// A scenario that is neither built in nor a file.
    #[error("there is no scenario {name}")]
    #[diagnostic(
        code(flagger::sandbox::unknown_scenario),
        help("name a file, or one of these: {known}")
    )]
    UnknownScenario {
        /// As it was given.
        name: String,
        /// What is built in.
        known: String,
    },
    /// A target that is given back has no pods that could serve.
    #[error("the target did not become ready: {why}")]
    #[diagnostic(
        code(flagger::eject::not_ready),
        help("users are served by the primary as before: repair the target, and eject again")
    )]
    TargetNotReady {
        /// What is missing.
        why: String,
    },
    /// A canary that cannot be given back as it is.
    #[error("{canary} cannot be given back: {why}")]
    #[diagnostic(code(flagger::eject::refused), help("{help}"))]
    NotGivenBack {
        /// Which.
        canary: String,
        /// What is in the way.
        why: String,
        /// What to do.
        help: &'static str,
    },
    /// A sandbox needs a folder of its own.
    #[error("{path} is not empty")]
    #[diagnostic(code(flagger::sandbox::folder_in_use), help("{advice}"))]
    FolderInUse {
        /// The folder.
        path: String,
        /// What to do.
        advice: &'static str,
    },
    /// A canary without a record.
    #[error("{canary} was never driven in {namespace}")]
    #[diagnostic(
        code(flagger::run::never_driven),
        help("kubectl flagger get -A lists the canaries that were")
    )]
    NeverDriven {
        /// Its name.
        canary: String,
        /// Where it was looked for.
        namespace: String,
    },
    /// Nothing is driven that could be paused or resumed.
    #[error("nothing drives {canary}: {why}")]
    #[diagnostic(
        code(flagger::run::idle),
        help("kubectl flagger promote {name} begins a rollout, or goes on with one")
    )]
    Idle {
        /// `NAME.NAMESPACE`.
        canary: String,
        /// Its name.
        name: String,
        /// How it stands.
        why: String,
    },
    /// No gate is closed that could be opened, or another one.
    #[error("no gate of {canary} was opened: {why}")]
    #[diagnostic(
        code(flagger::run::nothing_waits),
        help("kubectl flagger status tells how a run stands")
    )]
    NothingWaits {
        /// `NAME.NAMESPACE`.
        canary: String,
        /// How it stands.
        why: String,
    },
    /// The driver that holds the lock does not answer.
    #[error("the driver of {canary}, {by}, did not answer within {seconds} s")]
    #[diagnostic(
        code(flagger::run::no_answer),
        help("kubectl flagger abort waits for its lock to expire and acts itself")
    )]
    NoAnswer {
        /// `NAME.NAMESPACE`.
        canary: String,
        /// The lock's holder.
        by: String,
        /// How long was waited.
        seconds: u64,
    },
    /// No HTTP client or runtime can be made.
    #[error("cannot start: {why}")]
    #[diagnostic(code(flagger::cli::start))]
    Start {
        /// The cause.
        why: String,
    },
}

impl CliError {
    /// What the process returns.
    #[must_use]
    pub const fn exit_code(&self) -> ExitCode {
        match self {
            Self::Write { .. }
            | Self::Read { .. }
            | Self::AllowHost { .. }
            | Self::UnknownScenario { .. } => ExitCode::USAGE,
            Self::UnendedTable { .. }
            | Self::UnknownTable { .. }
            | Self::Dirty { .. }
            | Self::NoNamespace { .. }
            | Self::UnknownAlert { .. }
            | Self::NoProvider { .. }
            | Self::UnknownProvider { .. }
            | Self::NoMetricsServer { .. }
            | Self::UnknownMetric { .. }
            | Self::NeverDriven { .. }
            | Self::Idle { .. }
            | Self::NothingWaits { .. }
            | Self::NotGivenBack { .. }
            | Self::FolderInUse { .. } => ExitCode::REFUSED,
            Self::NotTaken { .. } => ExitCode::UNREACHABLE,
            Self::TargetNotReady { .. } => ExitCode::WORKLOAD,
            Self::Busy(_) => ExitCode::BUSY,
            Self::NoAnswer { .. } => ExitCode::UNREACHABLE,
            Self::Bug | Self::Start { .. } => ExitCode::BUG,
        }
    }
}

/// Another driver holds the canary.
#[derive(Debug, thiserror::Error, miette::Diagnostic)]
#[error("{canary} is being driven by run {run}")]
#[diagnostic(
    code(flagger::run::busy),
    help(
        "by {by}, since {since}, last sign of life {seen} ago{at}; wait for it with --queue, or stop it with kubectl flagger abort"
    )
)]
pub struct Busy {
    /// `NAME.NAMESPACE`.
    pub canary: String,
    /// Short id of its run.
    pub run: String,
    /// Who drives.
    pub by: String,
    /// Since when.
    pub since: String,
    /// How long ago it was seen alive.
    pub seen: String,
    /// How far it is.
    pub at: String,
}

impl Busy {
    /// Of a lock that `held` has and that was seen moving `seen_ago`; `at` is the canary's share, where it is known.
    #[must_use]
    pub fn of(canary: &str, held: Held, seen_ago: Duration, at: Option<u64>) -> Self {
        let holder = Holder::parse(&held.holder);
        Self {
            canary: canary.to_owned(),
            run: holder.as_ref().map_or_else(
                || "?".to_owned(),
                |holder| figures::short_run(&holder.run).to_owned(),
            ),
            by: holder.map_or(held.holder, |holder| holder.short()),
            since: held.since.map_or_else(
                || "?".to_owned(),
                |since| since.strftime("%H:%M:%SZ").to_string(),
            ),
            seen: format!("{} s", seen_ago.as_secs()),
            at: at.map_or_else(String::new, |weight| format!(", now at {weight} %")),
        }
    }
}
