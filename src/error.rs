//! What a process ends with: the exit codes, as one table, and the error that carries one.
//!
//! A rollback is an outcome, not an error. Only `main` prints.

use crate::canary::load::LoadError;
use crate::canary::problem::SpecErrors;
use crate::cli::error::CliError;
use crate::controller::RunError;
use crate::git::error::GitError;
use crate::kubernetes::options::ConnectError;
use crate::port::cluster::WorkloadError;
use crate::port::cluster_error::ClusterError;
use crate::port::journal::JournalError;
use crate::port::lease::LeaseError;
use crate::port::run_record::RunRecordError;
use crate::port::transport::TransportError;
use crate::sandbox::scenario::ScenarioError;
use crate::sandbox::server::ServerError;
use crate::sandbox::world::WorldError;
use miette::GraphicalReportHandler;
use miette::GraphicalTheme;
use std::fmt;

/// What the process tells its caller. The tens digit says where the traffic is; the code depends on the outcome
/// alone, never on output format, terminal or flags.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct ExitCode(u8);

impl ExitCode {
    /// The new version serves, or the primary already ran it, or the canary was bootstrapped.
    pub const OK: Self = Self(0);
    /// Unexpected failure before anything moved.
    pub const BUG: Self = Self(1);
    /// Of `analyze`: a metric did not pass.
    pub const NOT_PASSED: Self = Self(1);
    /// Arguments, configuration, unreadable kubeconfig.
    pub const USAGE: Self = Self(2);
    /// The specification or the cluster does not allow it; the cluster is untouched.
    pub const REFUSED: Self = Self(3);
    /// Login or rights are missing, before anything moved.
    pub const DENIED: Self = Self(4);
    /// Another live driver holds this canary.
    pub const BUSY: Self = Self(5);
    /// Something cannot be reached, before anything moved.
    pub const UNREACHABLE: Self = Self(6);
    /// In progress, paused or at a gate when asked.
    pub const WAITING: Self = Self(8);
    /// Rolled back: failed checks reached the threshold.
    pub const ANALYSIS: Self = Self(10);
    /// Rolled back: a workload never became ready, or broke.
    pub const WORKLOAD: Self = Self(11);
    /// Rolled back: somebody asked for it.
    pub const ABORTED: Self = Self(12);
    /// Rolled back: a deadline was reached.
    pub const TIMEOUT: Self = Self(13);
    /// Traffic is on both versions, or on the target after a failed promotion.
    pub const SPLIT: Self = Self(20);
    /// Left at its weight on request.
    pub const HELD: Self = Self(21);
    /// The new version serves, but the record could not be pushed.
    pub const UNRECORDED: Self = Self(22);
    /// This driver lost its Lease.
    pub const SUPERSEDED: Self = Self(23);
    /// A newer revision than the promised one serves.
    pub const REPLACED: Self = Self(24);
    /// Ended by HUP and rolled back.
    pub const SIGHUP: Self = Self(129);
    /// Ended by INT and rolled back.
    pub const SIGINT: Self = Self(130);
    /// Ended by TERM and rolled back.
    pub const SIGTERM: Self = Self(143);

    /// The code of a run's outcome.
    #[must_use]
    pub const fn from_outcome(code: u8) -> Self {
        Self(code)
    }

    /// The number.
    #[must_use]
    pub const fn get(self) -> u8 {
        self.0
    }

    /// Its row in [`EXIT_CODES`].
    #[must_use]
    pub fn row(self) -> Option<&'static ExitCodeRow> {
        EXIT_CODES.iter().find(|row| row.code == self)
    }
}

impl fmt::Display for ExitCode {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.fmt(f)
    }
}

impl From<ExitCode> for std::process::ExitCode {
    fn from(code: ExitCode) -> Self {
        Self::from(code.0)
    }
}

/// One exit code as people read it.
#[derive(Clone, Copy, Debug)]
pub struct ExitCodeRow {
    /// The code.
    pub code: ExitCode,
    /// One word for it.
    pub name: &'static str,
    /// When it is used.
    pub meaning: &'static str,
}

const fn row(code: ExitCode, name: &'static str, meaning: &'static str) -> ExitCodeRow {
    ExitCodeRow {
        code,
        name,
        meaning,
    }
}

/// Every exit code, ascending. `help exit-codes`, the man page and the README are made from this table.
pub const EXIT_CODES: &[ExitCodeRow] = &[
    row(
        ExitCode::OK,
        "ok",
        "new version serving, or the primary already runs the target, or bootstrapped",
    ),
    row(
        ExitCode::BUG,
        "bug",
        "unexpected failure before anything moved; later the way back runs first and the code is 11, else 20",
    ),
    row(
        ExitCode::USAGE,
        "usage",
        "arguments, configuration, unreadable kubeconfig",
    ),
    row(
        ExitCode::REFUSED,
        "refused",
        "unknown canary, invalid or dirty spec, missing namespace, a strategy the router cannot do, other writers; cluster untouched",
    ),
    row(
        ExitCode::DENIED,
        "denied",
        "Kubernetes, Git or metrics login or rights, or a push refused at the start; before anything moved",
    ),
    row(
        ExitCode::BUSY,
        "busy",
        "another live driver holds this canary",
    ),
    row(
        ExitCode::UNREACHABLE,
        "unreachable",
        "API server, Git remote or metrics cannot be reached; before anything moved",
    ),
    row(
        ExitCode::WAITING,
        "waiting",
        "in progress, paused or at a gate when asked for the status",
    ),
    row(
        ExitCode::ANALYSIS,
        "analysis",
        "rolled back: failed checks reached the threshold",
    ),
    row(
        ExitCode::WORKLOAD,
        "workload",
        "rolled back: the canary, or before Promoting the primary, never became ready, or broke",
    ),
    row(
        ExitCode::ABORTED,
        "aborted",
        "rolled back: a person, a rollback hook or a gate said so",
    ),
    row(
        ExitCode::TIMEOUT,
        "timeout",
        "rolled back: --timeout or a deadline reached",
    ),
    row(
        ExitCode::SPLIT,
        "split",
        "traffic is on both versions, or on the target after a failed promotion; the exact repair command is printed",
    ),
    row(ExitCode::HELD, "held", "left at its weight on request"),
    row(
        ExitCode::UNRECORDED,
        "unrecorded",
        "new version serving, but the record could not be pushed (a rollback keeps 10 to 13 and says so)",
    ),
    row(
        ExitCode::SUPERSEDED,
        "superseded",
        "this driver lost its Lease: another one took over",
    ),
    row(
        ExitCode::REPLACED,
        "replaced",
        "a newer revision than the promised one is serving",
    ),
    row(
        ExitCode::SIGHUP,
        "signal HUP",
        "the terminal went away, and rolled back; else 20 or 21",
    ),
    row(
        ExitCode::SIGINT,
        "signal INT",
        "Ctrl-C, and rolled back; else 20 or 21",
    ),
    row(
        ExitCode::SIGTERM,
        "signal TERM",
        "asked to end, and rolled back; else 20 or 21",
    ),
];

/// Whatever ends a command without an outcome.
#[derive(Debug, thiserror::Error, miette::Diagnostic)]
pub enum Error {
    /// Of the command line itself.
    #[error(transparent)]
    #[diagnostic(transparent)]
    Cli(#[from] CliError),
    /// Of the connection to the cluster.
    #[error(transparent)]
    #[diagnostic(transparent)]
    Connect(#[from] ConnectError),
    /// Of Git, before anything moved.
    #[error(transparent)]
    #[diagnostic(transparent)]
    Git(#[from] GitError),
    /// Of the search for the canary.
    #[error(transparent)]
    #[diagnostic(transparent)]
    Load(#[from] LoadError),
    /// Of the spec.
    #[error(transparent)]
    #[diagnostic(transparent)]
    Spec(#[from] SpecErrors),
    /// Of the driver: nothing moved, or another one took over.
    #[error(transparent)]
    #[diagnostic(transparent)]
    Run(#[from] RunError),
    /// Of a scenario.
    #[error(transparent)]
    #[diagnostic(transparent)]
    Scenario(#[from] ScenarioError),
    /// Of the embedded world.
    #[error(transparent)]
    #[diagnostic(transparent)]
    World(#[from] WorldError),
    /// Of the embedded cluster's socket.
    #[error(transparent)]
    #[diagnostic(transparent)]
    Server(#[from] ServerError),
    /// Of the cluster, before anything moved.
    #[error(transparent)]
    #[diagnostic(transparent)]
    Cluster(#[from] ClusterError),
    /// Of the record, at the start: later it is an outcome (22).
    #[error(transparent)]
    #[diagnostic(transparent)]
    Journal(#[from] JournalError),
    /// Of a metric server or hook, at the start.
    #[error(transparent)]
    #[diagnostic(transparent)]
    Transport(#[from] TransportError),
}

impl Error {
    /// What the process returns.
    #[must_use]
    pub const fn exit_code(&self) -> ExitCode {
        match self {
            Self::Cli(error) => error.exit_code(),
            Self::Connect(error) => match error {
                ConnectError::Credentials { .. } => ExitCode::DENIED,
                ConnectError::Unreadable { .. }
                | ConnectError::NoCluster
                | ConnectError::Unknown { .. }
                | ConnectError::Invalid { .. }
                | ConnectError::Tls { .. } => ExitCode::USAGE,
            },
            Self::Server(_) | Self::Git(_) | Self::Load(_) | Self::Spec(_) | Self::World(_) => {
                ExitCode::REFUSED
            }
            Self::Scenario(_) => ExitCode::USAGE,
            Self::Run(error) => of_run(error),
            Self::Cluster(error) => of_cluster(error),
            Self::Journal(error) => of_journal(error),
            Self::Transport(error) => of_transport(error),
        }
    }

    /// The report that `main` prints: code, what, causes, the place in the user's file, help; the exit code last.
    #[must_use]
    pub fn report(&self, look: Look) -> String {
        let theme = match (look.ascii, look.color) {
            (true, true) => GraphicalTheme::ascii(),
            (true, false) => GraphicalTheme::none(),
            (false, true) => GraphicalTheme::unicode(),
            (false, false) => GraphicalTheme::unicode_nocolor(),
        };
        let mut text = String::from("Error: ");
        let rendered = GraphicalReportHandler::new_themed(theme)
            .with_width(look.width)
            .with_links(false)
            .render_report(&mut text, self);
        if rendered.is_err() {
            text.push_str(&self.to_string());
        }
        format!("{}\nexit {}\n", text.trim_end(), self.exit_code())
    }
}

const fn of_run(error: &RunError) -> ExitCode {
    match error {
        RunError::Workload(WorkloadError::Cluster(error))
        | RunError::Lease(LeaseError::Cluster(error))
        | RunError::Record(RunRecordError::Cluster(error)) => of_cluster(error),
        RunError::Workload(WorkloadError::Unusable { .. } | WorkloadError::RevisionChanged)
        | RunError::Record(
            RunRecordError::Newer { .. }
            | RunRecordError::Broken { .. }
            | RunRecordError::TooLarge { .. },
        )
        | RunError::Document(_)
        | RunError::Outdated { .. } => ExitCode::REFUSED,
        RunError::Workload(WorkloadError::Superseded { .. })
        | RunError::Lease(LeaseError::Superseded { .. } | LeaseError::NotHeld)
        | RunError::Record(RunRecordError::Conflict { .. }) => ExitCode::SUPERSEDED,
        RunError::Lease(LeaseError::Busy { .. }) => ExitCode::BUSY,
        RunError::Metrics(error) => of_transport(error),
        RunError::Journal(error) => of_journal(error),
    }
}

const fn of_cluster(error: &ClusterError) -> ExitCode {
    match error {
        ClusterError::Denied { .. } | ClusterError::Unauthenticated { .. } => ExitCode::DENIED,
        ClusterError::Unreachable { .. }
        | ClusterError::Timeout { .. }
        | ClusterError::Other { .. } => ExitCode::UNREACHABLE,
        ClusterError::NotFound { .. }
        | ClusterError::Conflict { .. }
        | ClusterError::Invalid { .. }
        | ClusterError::AlreadyExists { .. } => ExitCode::REFUSED,
    }
}

const fn of_journal(error: &JournalError) -> ExitCode {
    match error {
        JournalError::Refused { .. }
        | JournalError::Denied { .. }
        | JournalError::Untrusted { .. } => ExitCode::DENIED,
        JournalError::Unreachable { .. } => ExitCode::UNREACHABLE,
        JournalError::Superseded { .. } => ExitCode::SUPERSEDED,
        JournalError::Broken { .. } => ExitCode::BUG,
    }
}

const fn of_transport(error: &TransportError) -> ExitCode {
    match error {
        TransportError::Denied { .. } => ExitCode::DENIED,
        TransportError::Unreachable { .. } => ExitCode::UNREACHABLE,
        TransportError::Refused { .. } => ExitCode::REFUSED,
    }
}

/// How a report may look.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Look {
    /// Colours?
    pub color: bool,
    /// Nothing but ASCII?
    pub ascii: bool,
    /// Columns.
    pub width: usize,
}

#[cfg(test)]
mod tests {
    use super::*;

    const PLAIN: Look = Look {
        color: false,
        ascii: false,
        width: 80,
    };

    #[test]
    fn the_table_is_ascending_and_complete() {
        let codes: Vec<u8> = EXIT_CODES.iter().map(|row| row.code.get()).collect();
        assert_eq!(
            codes,
            [
                0, 1, 2, 3, 4, 5, 6, 8, 10, 11, 12, 13, 20, 21, 22, 23, 24, 129, 130, 143
            ]
        );
    }

    #[test]
    fn a_report_shows_code_text_help_and_exit_code() {
        let error = Error::from(JournalError::Refused {
            reference: "flagger-status".into(),
            why: "protected branch".into(),
        });
        let report = error.report(PLAIN);
        assert!(
            report.starts_with("Error: flagger::journal::refused\n"),
            "{report}"
        );
        assert!(report.contains("the remote refused flagger-status: protected branch"));
        assert!(report.contains("--record-ref"));
        assert!(report.ends_with("\nexit 4\n"), "{report}");
    }

    #[test]
    fn a_report_without_colour_has_no_escapes() {
        let error = Error::from(TransportError::Unreachable {
            host: "prometheus.monitoring".into(),
            why: "timed out".into(),
        });
        assert!(!error.report(PLAIN).contains('\u{1b}'));
        assert_eq!(error.exit_code(), ExitCode::UNREACHABLE);
    }

    #[test]
    fn an_ascii_report_is_ascii() {
        let error = Error::from(JournalError::Broken {
            why: "no space left".into(),
        });
        let look = Look {
            ascii: true,
            ..PLAIN
        };
        assert!(error.report(look).is_ascii());
    }
}
