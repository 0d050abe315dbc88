//! The command line: what may be typed, and which adapters a verb is given.
//!
//! Decides nothing about a rollout.

use crate::cli::args::analyze::AnalyzeArgs;
use crate::cli::args::display::ColorChoice;
use crate::cli::args::eject::EjectArgs;
use crate::cli::args::notify::NotifyArgs;
use crate::cli::args::promote::PromoteArgs;
use crate::cli::args::remote::AbortArgs;
use crate::cli::args::remote::ApproveArgs;
use crate::cli::args::remote::AskArgs;
use crate::cli::args::remote::GetArgs;
use crate::cli::args::remote::StatusArgs;
use crate::cli::args::sandbox::SandboxArgs;
use crate::cli::args::sandbox::SandboxVerb;
use crate::cli::environment::Environment;
use crate::cli::globals::Globals;
use crate::error::Error;
use crate::error::ExitCode;
use crate::error::Look;
use crate::port::ask::AskVerb;
use clap::CommandFactory as _;
use clap::FromArgMatches as _;
use clap::Parser;
use clap::Subcommand;
use clap::builder::Resettable;
use std::ffi::OsString;
use std::io::Write;
use std::panic::AssertUnwindSafe;
use std::panic::catch_unwind;
use std::path::Path;
use std::path::PathBuf;

pub mod alerting;
pub mod analyze;
pub mod args;
pub mod ask;
pub mod asking;
pub mod candidates;
pub mod complete;
pub mod config;
pub mod drive;
pub mod eject;
pub mod environment;
pub mod error;
pub mod generate;
pub mod get;
pub mod globals;
pub mod hooks;
pub mod machine;
pub mod man;
pub mod metric_settings;
pub mod notify;
pub mod output;
pub mod promote;
pub mod questions;
pub mod remote;
pub mod sandbox;
pub mod serve;
pub mod signals;
pub mod skip;
pub mod source;
pub mod status;
pub mod tables;
pub mod terminal;
#[cfg(test)]
mod tests;

/// Name of the executable, the man page and the completions.
pub const BINARY: &str = "kubectl-flagger";
/// What people type.
pub const PLUGIN: &str = "kubectl flagger";
/// The name under which kubectl runs a plugin's completion.
pub const COMPLETER: &str = "kubectl_complete-flagger";

/// Progressive delivery from Git, without a controller
///
/// Reads Flagger's Canary, MetricTemplate and AlertProvider from a Git commit, drives one rollout to its end by
/// patching workloads and routes and asking metrics, and records what happened as Git commits.
#[derive(Parser, Clone, Debug)]
#[command(
    name = BINARY,
    version,
    before_help = EXAMPLES,
    after_help = FOOTER,
    help_template = TEMPLATE,
    arg_required_else_help = true,
    disable_help_subcommand = false,
    subcommand_help_heading = "Verbs",
    subcommand_value_name = "VERB",
    max_term_width = 100
)]
pub struct Cli {
    /// Which cluster, as whom, and how.
    #[command(flatten)]
    pub globals: Globals,
    /// What to do.
    #[command(subcommand)]
    pub verb: Verb,
}

/// What to do.
#[derive(Subcommand, Clone, Debug)]
pub enum Verb {
    /// Drive one rollout to its end
    ///
    /// Reads the Canary and what it refers to from a Git commit, compares the target in the cluster with the primary,
    /// and moves traffic step by step while the metrics stay within their limits. Ends with the new version on the
    /// primary, or with the old one still serving; the exit code says which. Running it again continues a run that
    /// was cut off, and does nothing where nothing is to be done.
    // Boxed because it has most of the flags.
    #[command(help_template = TEMPLATE)]
    Promote(Box<PromoteArgs>),

    /// Ask every metric of a canary once
    ///
    /// Prints query, value, limit and verdict of each metric that a rollout would ask for, and how long the answer
    /// took. Nothing moves. Exits with 0 if all passed and with 1 if one did not.
    #[command(help_template = TEMPLATE)]
    Analyze(Box<AnalyzeArgs>),
    /// Bring the users back to the old version and end the run
    ///
    /// Asks the driver, wherever it runs, and waits until the primary serves everybody. If the driver is dead, this
    /// process waits until its lock has expired and goes the way back itself; neither Git nor metrics are needed. Does
    /// nothing, and exits 0, where nothing runs.
    #[command(help_template = TEMPLATE, before_help = ABORT_EXAMPLES)]
    Abort(Box<AbortArgs>),

    /// Hold the weight where it is
    ///
    /// Checks go on meanwhile, and may roll back.
    #[command(help_template = TEMPLATE)]
    Pause(AskArgs),

    /// Let a paused run go on
    #[command(help_template = TEMPLATE)]
    Resume(AskArgs),

    /// Open the gate that holds a run
    ///
    /// A confirm-rollout, confirm-traffic-increase or confirm-promotion hook that has said no is not asked again, this
    /// time: the run goes on at once, if its checks pass. Refused where no gate is closed.
    #[command(help_template = TEMPLATE)]
    Approve(ApproveArgs),

    /// List the canaries that are or were driven
    #[command(help_template = TEMPLATE)]
    Get(GetArgs),

    /// Follow a run from another terminal, and exit with its code
    ///
    /// Exits with 8 where the run is not over: with --watch=false, or when nobody drives it any more.
    #[command(help_template = TEMPLATE)]
    Status(StatusArgs),
    /// Show an alert of a Canary, or send it
    ///
    /// Prints what the chat would be sent, without asking any cluster. With --send it is posted as a rollout would
    /// post it, so that nobody has to break one to learn whether its alerts arrive.
    #[command(help_template = TEMPLATE)]
    Notify(Box<NotifyArgs>),
    /// Give a target back, and leave nothing behind
    ///
    /// Scales the target up as far as its primary, waits until it is ready, gives the apex service and the route back
    /// as they were, and deletes what was created for the Canary. Users are served all the while. Refused while a
    /// rollout is under way, and where the target asks for something else than the primary runs.
    #[command(help_template = TEMPLATE)]
    Eject(Box<EjectArgs>),

    /// Serve an embedded cluster that kubectl can talk to
    #[command(help_template = TEMPLATE)]
    Sandbox(SandboxArgs),

    /// Print the version
    #[command(help_template = TEMPLATE)]
    Version,

    /// Print a completion script
    ///
    /// kubectl itself completes "kubectl flagger" by running kubectl_complete-flagger from the PATH; install.sh puts
    /// it there. This script completes the command "kubectl-flagger".
    #[command(help_template = TEMPLATE)]
    Completion {
        /// For which shell
        #[arg(value_enum, value_name = "SHELL")]
        shell: clap_complete::Shell,
    },

    /// Print the man page
    ///
    /// Try "kubectl flagger man | man -l -".
    #[command(help_template = TEMPLATE)]
    Man,

    /// Write completions, man pages and the tables of the documentation
    #[command(hide = true, help_template = TEMPLATE)]
    Generate {
        /// Top folder of the project
        #[arg(value_name = "DIR")]
        dir: PathBuf,
    },

    /// Explain the exit codes
    #[command(name = "exit-codes", hide = true, help_template = "{about}")]
    ExitCodes,
}

const TEMPLATE: &str = "\
{about-with-newline}
{before-help}{usage-heading} {usage}

{all-args}{after-help}";

const EXAMPLES: &str = "\
Examples:
  # Drive the rollout of podinfo to its end, watch it, get an exit code
  kubectl flagger promote podinfo -n shop

  # Watch a rollout without any cluster
  kubectl flagger promote --sandbox";

const ABORT_EXAMPLES: &str = "\
Examples:
  # From any terminal
  kubectl flagger abort podinfo -n shop

  # In a CI step that always runs: only what a killed step left behind
  kubectl flagger abort podinfo -n shop --orphaned";

const FOOTER: &str = "\
Exit code: 0 new version serving, 1x old version serving, 2x look now
(kubectl flagger help exit-codes)

Long flags can be set by variables too, such as KUBECTL_FLAGGER_TIMEOUT=25m.
All flags, also those that kubectl has: kubectl flagger VERB --help";

/// Where text goes.
pub struct Streams<'a> {
    /// What was asked for, and nothing else.
    pub out: &'a mut dyn Write,
    /// What people read.
    pub err: &'a mut dyn Write,
}

impl<'a> Streams<'a> {
    /// Over any two writers.
    pub fn new(out: &'a mut dyn Write, err: &'a mut dyn Write) -> Self {
        Self { out, err }
    }

    /// Prints what was asked for. A reader that went away has read enough.
    fn print(&mut self, text: &str) -> Result<(), Error> {
        match self
            .out
            .write_all(text.as_bytes())
            .and_then(|()| self.out.flush())
        {
            Err(source) if source.kind() != std::io::ErrorKind::BrokenPipe => {
                Err(error::CliError::Write {
                    path: "standard output".to_owned(),
                    source,
                }
                .into())
            }
            Ok(()) | Err(_) => Ok(()),
        }
    }
}

/// Text that ends the command before it ran: help, the version, completion candidates, an error in the arguments.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Answer {
    /// What to print.
    pub text: String,
    /// Was it asked for? Then it goes to standard output.
    pub asked_for: bool,
    /// What the process returns.
    pub code: ExitCode,
}

impl Answer {
    /// Prints it.
    pub fn write(&self, streams: &mut Streams<'_>) -> ExitCode {
        let stream: &mut dyn Write = if self.asked_for {
            streams.out
        } else {
            streams.err
        };
        // A reader that went away has read enough.
        let _ = stream.write_all(self.text.as_bytes());
        let _ = stream.flush();
        self.code
    }
}

/// The whole command line, as clap sees it.
#[must_use]
pub fn command() -> clap::Command {
    let command = Cli::command()
        .bin_name(PLUGIN)
        .mut_subcommand("exit-codes", |exit_codes| {
            exit_codes.about(tables::exit_codes_as_text())
        });
    without_environment_values(command)
}

/// Help and generated files must not depend on the environment of whoever prints them, nor show a token.
fn without_environment_values(command: clap::Command) -> clap::Command {
    command
        .mut_args(|arg| arg.hide_env(true))
        .mut_subcommands(without_environment_values)
}

/// Reads the arguments, the executable's name first.
///
/// # Errors
/// The answer that ends the command at once.
pub fn parse(
    args: impl IntoIterator<Item = OsString>,
    environment: &Environment,
) -> Result<Cli, Answer> {
    let args: Vec<OsString> = args.into_iter().collect();
    let invoked = args
        .first()
        .and_then(|name| Path::new(name).file_stem())
        .map(|name| name.to_string_lossy().into_owned())
        .unwrap_or_default();
    // kubectl's words must not meet the parser: they may be half a flag.
    if invoked == COMPLETER {
        return Err(complete::answer(
            args.get(1..).unwrap_or_default(),
            environment,
        ));
    }
    if args.get(1).is_some_and(|word| word == "__complete") {
        return Err(complete::answer(
            args.get(2..).unwrap_or_default(),
            environment,
        ));
    }
    let mut command = command();
    if !invoked.starts_with("kubectl-") && !invoked.is_empty() {
        command = command.bin_name(invoked);
    }
    if !wants_sandbox(&args, environment) {
        command = command.mut_subcommand("promote", without_sandbox_variables);
    }
    let command = config::configured(command, environment).map_err(|why| Answer {
        text: format!("error: {why}\n"),
        asked_for: false,
        code: ExitCode::USAGE,
    })?;
    let parsed = command
        .try_get_matches_from(&args)
        .and_then(|matches| Cli::from_arg_matches(&matches));
    parsed.map_err(|error| {
        let asked_for = !error.use_stderr();
        let is_terminal = if asked_for {
            environment.stdout_is_terminal
        } else {
            environment.stderr_is_terminal
        };
        let text = error.render();
        Answer {
            text: if environment.color(ColorChoice::Auto, is_terminal) {
                text.ansi().to_string()
            } else {
                text.to_string()
            },
            asked_for,
            code: if asked_for {
                ExitCode::OK
            } else {
                ExitCode::USAGE
            },
        }
    })
}

fn wants_sandbox(args: &[OsString], environment: &Environment) -> bool {
    environment.get("KUBECTL_FLAGGER_SANDBOX").is_some()
        || args.iter().any(|arg| {
            arg.to_str()
                .is_some_and(|arg| arg == "--sandbox" || arg.starts_with("--sandbox="))
        })
}

/// A variable is set once for all commands of a shell, so it asks for nothing where there is no sandbox; a flag does.
fn without_sandbox_variables(promote: clap::Command) -> clap::Command {
    ["sandbox_dir", "speed", "seed"]
        .into_iter()
        .fold(promote, |promote, name| {
            promote.mut_arg(name, |arg| arg.env(Resettable::Reset))
        })
}

/// Does what was asked.
///
/// # Errors
/// What ended it before there was an outcome.
pub fn run(
    cli: &Cli,
    environment: &Environment,
    streams: &mut Streams<'_>,
) -> Result<ExitCode, Error> {
    // Rust's own code for a panic would not be in our table; the panic itself has been printed by its hook.
    catch_unwind(AssertUnwindSafe(|| dispatch(cli, environment, streams)))
        .unwrap_or(Ok(ExitCode::BUG))
}

fn dispatch(
    cli: &Cli,
    environment: &Environment,
    streams: &mut Streams<'_>,
) -> Result<ExitCode, Error> {
    match &cli.verb {
        Verb::Promote(args) => promote::run(args, &cli.globals, environment, streams),
        Verb::Analyze(args) => analyze::run(args, &cli.globals, environment, streams),
        Verb::Abort(args) => ask::abort(args, &cli.globals, environment, streams),
        Verb::Pause(args) => ask::ask(AskVerb::Pause, args, &cli.globals, environment, streams),
        Verb::Resume(args) => ask::ask(AskVerb::Resume, args, &cli.globals, environment, streams),
        Verb::Approve(args) => ask::approve(args, &cli.globals, environment, streams),
        Verb::Get(args) => get::run(args, &cli.globals, environment, streams),
        Verb::Status(args) => status::run(args, &cli.globals, environment, streams),
        Verb::Notify(args) => notify::run(args, &cli.globals, environment, streams),
        Verb::Eject(args) => eject::run(args, &cli.globals, environment, streams),
        Verb::Sandbox(args) => match &args.verb {
            SandboxVerb::Serve(args) => serve::run(args, streams),
        },
        Verb::Version => {
            streams.print(&format!("{BINARY} {}\n", env!("CARGO_PKG_VERSION")))?;
            Ok(ExitCode::OK)
        }
        Verb::Completion { shell } => {
            streams.print(&generate::completion(*shell))?;
            Ok(ExitCode::OK)
        }
        Verb::Man => {
            streams.print(&man::page(&command()))?;
            Ok(ExitCode::OK)
        }
        Verb::Generate { dir } => {
            generate::write(dir)?;
            Ok(ExitCode::OK)
        }
        Verb::ExitCodes => {
            streams.print(&tables::exit_codes_as_text())?;
            Ok(ExitCode::OK)
        }
    }
}

impl Cli {
    /// How an error of this command may look.
    #[must_use]
    pub fn look(&self, environment: &Environment) -> Look {
        let (color, ascii) = match &self.verb {
            Verb::Promote(args) => (args.display.color, args.display.ascii),
            Verb::Abort(args) => (args.display.color, args.display.ascii),
            Verb::Analyze(_)
            | Verb::Pause(_)
            | Verb::Resume(_)
            | Verb::Approve(_)
            | Verb::Get(_)
            | Verb::Status(_)
            | Verb::Notify(_)
            | Verb::Eject(_)
            | Verb::Sandbox(_)
            | Verb::Version
            | Verb::Completion { .. }
            | Verb::Man
            | Verb::Generate { .. }
            | Verb::ExitCodes => (ColorChoice::Auto, false),
        };
        Look {
            color: environment.color(color, environment.stderr_is_terminal),
            ascii,
            width: environment.width().into(),
        }
    }
}
