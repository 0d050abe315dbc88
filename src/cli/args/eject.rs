//! Flags of `eject`.

use crate::cli::args::promote::Source;
use crate::cli::args::promote::TargetOptions;
use crate::cli::args::values;
use clap::Args;
use std::time::Duration;

/// What `eject` takes. Its help is on the verb.
#[derive(Args, Clone, Debug)]
#[command(before_help = EXAMPLES, next_help_heading = "Rollout")]
pub struct EjectArgs {
    /// Name of the Canary [default: the only one there is]
    #[arg(value_name = "NAME", help_heading = None::<&str>)]
    pub name: Option<String>,

    /// How long the primary's pods keep running after their last traffic
    #[arg(long, value_name = "DURATION", default_value = "5s", value_parser = values::duration, env = "KUBECTL_FLAGGER_DRAIN")]
    pub drain: Duration,

    /// Where specs come from.
    #[command(flatten)]
    pub source: Source,

    /// Which router and which pods.
    #[command(flatten)]
    pub target: TargetOptions,
}

const EXAMPLES: &str = "\
Examples:
  # Give podinfo back: its own pods serve again, and nothing of a rollout is left
  kubectl flagger eject podinfo -n shop";
