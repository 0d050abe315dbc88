//! What a run shows, and where. Nothing here changes what it does.

use clap::Args;
use clap::ValueEnum;
use clap::builder::BoolishValueParser;
use std::path::PathBuf;

/// Rendering of the event stream.
#[derive(Args, Clone, Debug, Default)]
#[command(next_help_heading = "Output")]
pub struct Display {
    /// What goes to standard output: nothing, one object at the end, or one line an event
    #[arg(
        short,
        long,
        value_name = "FORMAT",
        value_enum,
        env = "KUBECTL_FLAGGER_OUTPUT"
    )]
    pub output: Option<OutputFormat>,

    /// Also write the event stream to this file, one JSON object a line
    #[arg(long, value_name = "FILE", env = "KUBECTL_FLAGGER_EVENTS")]
    pub events: Option<PathBuf>,

    /// How progress is shown on standard error
    #[arg(
        long,
        value_name = "HOW",
        value_enum,
        default_value_t,
        env = "KUBECTL_FLAGGER_PROGRESS"
    )]
    pub progress: ProgressStyle,

    /// When to use colours
    #[arg(
        long,
        value_name = "WHEN",
        value_enum,
        default_value_t,
        env = "KUBECTL_FLAGGER_COLOR"
    )]
    pub color: ColorChoice,

    /// Use no character beyond ASCII
    #[arg(long, env = "KUBECTL_FLAGGER_ASCII", value_parser = BoolishValueParser::new())]
    pub ascii: bool,

    /// Show less: -q only the summary, -qq only errors
    #[arg(short, long, action = clap::ArgAction::Count, env = "KUBECTL_FLAGGER_QUIET")]
    pub quiet: u8,
}

/// Format of standard output.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub enum OutputFormat {
    /// One object at the end
    Json,
    /// One object a line, as it happens
    Ndjson,
}

/// How progress is shown.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, ValueEnum)]
pub enum ProgressStyle {
    /// Live on a terminal, lines elsewhere
    #[default]
    Auto,
    /// A region that is redrawn in place
    Live,
    /// One line a fact
    Lines,
    /// Nothing
    None,
}

/// When colours are used.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, ValueEnum)]
pub enum ColorChoice {
    /// On a terminal, unless NO_COLOR is set
    #[default]
    Auto,
    /// Always
    Always,
    /// Never
    Never,
}
