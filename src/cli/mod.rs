//! The command line: what may be typed, and which adapters a verb is given.
//!
//! Decides nothing about a rollout.

use crate::cli::args::display::ColorChoice;
use crate::cli::args::promote::PromoteArgs;
use crate::cli::environment::Environment;
use crate::cli::globals::Globals;
use crate::error::Error;
use crate::error::ExitCode;
use crate::error::Look;
use clap::CommandFactory as _;
use clap::FromArgMatches as _;
use clap::Parser;
use clap::Subcommand;
use std::ffi::OsString;
use std::io::Write;
use std::path::Path;
use std::path::PathBuf;

pub mod args;
pub mod complete;
pub mod environment;
pub mod error;
pub mod generate;
pub mod globals;
pub mod man;
pub mod promote;
pub mod tables;

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
        return Err(complete::answer(args.get(1..).unwrap_or_default()));
    }
    if args.get(1).is_some_and(|word| word == "__complete") {
        return Err(complete::answer(args.get(2..).unwrap_or_default()));
    }
    let mut command = command();
    if !invoked.starts_with("kubectl-") && !invoked.is_empty() {
        command = command.bin_name(invoked);
    }
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

/// Does what was asked.
///
/// # Errors
/// What ended it before there was an outcome.
pub fn run(
    cli: &Cli,
    environment: &Environment,
    streams: &mut Streams<'_>,
) -> Result<ExitCode, Error> {
    match &cli.verb {
        Verb::Promote(args) => promote::run(args, &cli.globals, environment, streams),
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
            Verb::Version
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

#[cfg(test)]
mod tests {
    use super::*;

    fn parsed(line: &str) -> Result<Cli, Answer> {
        parse(
            line.split_whitespace().map(OsString::from),
            &Environment::default(),
        )
    }

    fn promote(line: &str) -> PromoteArgs {
        match parsed(line).unwrap().verb {
            Verb::Promote(args) => *args,
            other => unreachable!("{other:?}"),
        }
    }

    #[test]
    fn clap_accepts_the_whole_definition() {
        command().debug_assert();
    }

    #[test]
    fn every_long_flag_can_be_set_by_its_variable() {
        fn check(command: &clap::Command) {
            for arg in command.get_arguments() {
                let Some(long) = arg.get_long() else { continue };
                if long == "help" || long == "version" {
                    continue;
                }
                let wanted = format!("KUBECTL_FLAGGER_{}", long.to_uppercase().replace('-', "_"));
                assert_eq!(
                    arg.get_env().and_then(|name| name.to_str()),
                    Some(wanted.as_str()),
                    "--{long}"
                );
            }
            command.get_subcommands().for_each(check);
        }
        check(&command());
    }

    #[test]
    fn the_first_line_of_every_help_has_no_full_stop() {
        fn check(command: &clap::Command) {
            let about = command
                .get_about()
                .map(ToString::to_string)
                .unwrap_or_default();
            assert!(!about.is_empty(), "{}", command.get_name());
            assert!(
                !about.lines().next().unwrap_or_default().ends_with('.'),
                "{about}"
            );
            for arg in command.get_arguments() {
                let help = arg.get_help().map(ToString::to_string).unwrap_or_default();
                assert!(
                    !help.is_empty() && !help.ends_with('.'),
                    "{}: {help}",
                    arg.get_id()
                );
            }
            command.get_subcommands().for_each(check);
        }
        check(&command());
    }

    #[test]
    fn kubectls_flags_are_accepted_before_and_after_the_verb() {
        for line in [
            "kubectl-flagger -n shop promote podinfo",
            "kubectl-flagger promote -n shop podinfo",
            "kubectl-flagger promote podinfo --namespace=shop",
        ] {
            assert_eq!(
                parsed(line).unwrap().globals.namespace.as_deref(),
                Some("shop"),
                "{line}"
            );
        }
    }

    #[test]
    fn the_sandbox_takes_its_scenario_only_after_an_equals_sign() {
        let args = promote("kubectl-flagger promote --sandbox podinfo");
        assert_eq!(args.sandbox.sandbox, Some(None));
        assert_eq!(args.name.as_deref(), Some("podinfo"));
        let args = promote("kubectl-flagger promote --sandbox=slow.yaml");
        assert_eq!(args.sandbox.sandbox, Some(Some(PathBuf::from("slow.yaml"))));
    }

    #[test]
    fn speed_without_a_sandbox_is_a_usage_error() {
        let answer = parsed("kubectl-flagger promote --speed max").unwrap_err();
        assert_eq!(answer.code, ExitCode::USAGE);
        assert!(answer.text.contains("--sandbox"), "{}", answer.text);
    }

    #[test]
    fn lists_stand_for_themselves_and_names_follow_them() {
        let args =
            promote("kubectl-flagger promote --selector-labels app,name podinfo -f a.yaml -f -");
        assert_eq!(args.flagger.selector_labels, ["app", "name"]);
        assert_eq!(args.name.as_deref(), Some("podinfo"));
        assert_eq!(
            args.source.filename,
            [PathBuf::from("a.yaml"), PathBuf::from("-")]
        );
    }

    #[test]
    fn defaults_are_flaggers_and_ours() {
        let args = promote("kubectl-flagger promote");
        assert_eq!(args.name, None);
        assert_eq!(
            args.flagger.selector_labels,
            ["app", "name", "app.kubernetes.io/name"]
        );
        assert_eq!(args.drain, std::time::Duration::from_secs(5));
        assert_eq!(args.source.reference, "HEAD");
        assert_eq!(args.record.record_ref, "flagger-status");
        assert_eq!(args.display.quiet, 0);
        assert_eq!(promote("kubectl-flagger promote -qq").display.quiet, 2);
    }

    #[test]
    fn rendered_input_and_a_commit_exclude_each_other() {
        let answer = parsed("kubectl-flagger promote -f - --ref main").unwrap_err();
        assert_eq!(answer.code, ExitCode::USAGE);
    }

    #[test]
    fn the_usage_names_what_was_typed() {
        let answer = parsed("kubectl-flagger promote --nope").unwrap_err();
        assert!(
            answer.text.contains("Usage: kubectl flagger promote"),
            "{}",
            answer.text
        );
        let answer = parsed("/opt/kf promote --nope").unwrap_err();
        assert!(answer.text.contains("Usage: kf promote"), "{}", answer.text);
    }

    #[test]
    fn no_arguments_show_the_short_help_and_are_a_usage_error() {
        let answer = parsed("kubectl-flagger").unwrap_err();
        assert_eq!((answer.asked_for, answer.code), (false, ExitCode::USAGE));
        assert_eq!(
            answer.text.matches("\n  kubectl flagger ").count(),
            2,
            "{}",
            answer.text
        );
        assert!(!answer.text.contains("--tls-server-name"));
    }

    #[test]
    fn help_is_asked_for() {
        let answer = parsed("kubectl-flagger promote --help").unwrap_err();
        assert_eq!((answer.asked_for, answer.code), (true, ExitCode::OK));
        assert!(answer.text.contains("--tls-server-name"));
        assert!(
            answer.text.starts_with("Drive one rollout to its end\n"),
            "{}",
            answer.text
        );
    }
}
