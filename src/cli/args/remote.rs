//! What verbs take that look at runs of other processes, or ask something of them.

use crate::cli::args::display::Display;
use crate::cli::args::promote::FlaggerOptions;
use clap::Args;
use clap::ValueEnum;
use clap::builder::BoolishValueParser;

/// What `pause` and `resume` take.
#[derive(Args, Clone, Debug)]
pub struct AskArgs {
    /// Name of the Canary
    #[arg(value_name = "NAME")]
    pub name: String,
}

/// What `approve` takes.
#[derive(Args, Clone, Debug)]
pub struct ApproveArgs {
    /// Name of the Canary
    #[arg(value_name = "NAME")]
    pub name: String,

    /// Name or type of the gate's hook, where it must be no other [default: the one that is closed]
    #[arg(value_name = "GATE")]
    pub gate: Option<String>,
}

/// What `abort` takes.
#[derive(Args, Clone, Debug)]
pub struct AbortArgs {
    /// Name of the Canary
    #[arg(value_name = "NAME")]
    pub name: String,

    /// Act only if its driver is dead: for a CI step that always runs
    #[arg(long, env = "KUBECTL_FLAGGER_ORPHANED", value_parser = BoolishValueParser::new())]
    pub orphaned: bool,

    /// Flagger's controller flags, as the run was started with.
    #[command(flatten)]
    pub flagger: FlaggerOptions,

    /// What is shown.
    #[command(flatten)]
    pub display: Display,
}

/// What `status` takes.
#[derive(Args, Clone, Debug)]
pub struct StatusArgs {
    /// Name of the Canary
    #[arg(value_name = "NAME")]
    pub name: String,

    /// Follow the run to its end
    #[arg(short, long, value_name = "BOOL", default_value_t = true, num_args = 0..=1, require_equals = true,
          default_missing_value = "true", action = clap::ArgAction::Set, env = "KUBECTL_FLAGGER_STATUS_WATCH")]
    pub watch: bool,

    /// What goes to standard output when it is told
    #[arg(
        short,
        long,
        value_name = "FORMAT",
        value_enum,
        env = "KUBECTL_FLAGGER_STATUS_OUTPUT"
    )]
    pub output: Option<ObjectFormat>,
}

/// What `get` takes.
#[derive(Args, Clone, Debug)]
pub struct GetArgs {
    /// Names of Canaries [default: all of the namespace]
    #[arg(value_name = "NAME")]
    pub names: Vec<String>,

    /// In all namespaces
    #[arg(short = 'A', long, env = "KUBECTL_FLAGGER_ALL_NAMESPACES", value_parser = BoolishValueParser::new())]
    pub all_namespaces: bool,

    /// Print changes as they come, until Ctrl-C
    #[arg(short, long, env = "KUBECTL_FLAGGER_GET_WATCH", value_parser = BoolishValueParser::new())]
    pub watch: bool,

    /// More columns, the records themselves, or only names
    #[arg(
        short,
        long,
        value_name = "FORMAT",
        value_enum,
        env = "KUBECTL_FLAGGER_GET_OUTPUT"
    )]
    pub output: Option<GetFormat>,
}

/// How one object is printed.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub enum ObjectFormat {
    /// As JSON
    Json,
}

/// How a list is printed.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub enum GetFormat {
    /// A table with more columns
    Wide,
    /// The records as one JSON list
    Json,
    /// Names alone
    Name,
}
