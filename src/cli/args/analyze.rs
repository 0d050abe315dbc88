//! Flags of `analyze`.

use crate::cli::args::promote::MetricOptions;
use crate::cli::args::promote::Source;
use clap::Args;
use clap::ValueEnum;
use std::path::PathBuf;

/// What `analyze` takes. Its help is on the verb.
#[derive(Args, Clone, Debug)]
#[command(before_help = EXAMPLES, next_help_heading = "Analysis")]
pub struct AnalyzeArgs {
    /// Name of the Canary [default: the only one there is]
    #[arg(value_name = "NAME", help_heading = None::<&str>)]
    pub name: Option<String>,

    /// Ask only this metric; may be repeated
    #[arg(long, value_name = "METRIC", env = "KUBECTL_FLAGGER_METRIC")]
    pub metric: Vec<String>,

    /// Print one object instead of lines
    #[arg(
        short,
        long,
        value_name = "FORMAT",
        value_enum,
        env = "KUBECTL_FLAGGER_ANALYZE_OUTPUT"
    )]
    pub output: Option<ReportFormat>,

    /// Ask in an embedded cluster: the podinfo example, or a scenario file
    #[arg(long, value_name = "SCENARIO", num_args = 0..=1, require_equals = true, env = "KUBECTL_FLAGGER_SANDBOX", conflicts_with_all = ["repo", "reference", "path", "filename", "allow_dirty"])]
    pub sandbox: Option<Option<PathBuf>>,

    /// Where specs come from.
    #[command(flatten)]
    pub source: Source,

    /// Traffic provider of Canaries that name none
    #[arg(
        long,
        value_name = "NAME",
        env = "KUBECTL_FLAGGER_PROVIDER",
        help_heading = "Flagger's controller flags"
    )]
    pub provider: Option<String>,

    /// Whom metrics are asked of.
    #[command(flatten)]
    pub metrics: MetricOptions,
}

const EXAMPLES: &str = "\
Examples:
  # Ask every metric of podinfo once: query, value, limit, verdict
  kubectl flagger analyze podinfo -n shop

  # Only one of them, from a file that is not committed yet
  kubectl flagger analyze podinfo -n shop -f canary.yaml --metric error-rate

  # Without any cluster
  kubectl flagger analyze --sandbox";

/// Format of a report on standard output.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub enum ReportFormat {
    /// One JSON object
    Json,
    /// The same as YAML
    Yaml,
}
