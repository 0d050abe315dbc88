//! What `notify` takes.

use crate::cli::args::promote::Source;
use clap::Args;
use clap::builder::BoolishValueParser;

/// A try of one alert provider.
#[derive(Args, Clone, Debug)]
#[command(allow_missing_positional = true, next_help_heading = "Alert")]
pub struct NotifyArgs {
    /// Name of the Canary [default: the only one there is]
    #[arg(value_name = "NAME", help_heading = None::<&str>)]
    pub name: Option<String>,

    /// An alert of the Canary, or the AlertProvider that it names
    #[arg(value_name = "PROVIDER", help_heading = None::<&str>)]
    pub provider: String,

    /// Post it
    #[arg(long, env = "KUBECTL_FLAGGER_SEND", value_parser = BoolishValueParser::new())]
    pub send: bool,

    /// Let it be posted to, or through, a loopback, link-local or private address; may be repeated
    #[arg(
        long,
        value_name = "HOST[:PORT]",
        env = "KUBECTL_FLAGGER_ALLOW_HOST",
        value_delimiter = ','
    )]
    pub allow_host: Vec<String>,

    /// What the alert calls the cluster
    #[arg(long, value_name = "NAME", env = "KUBECTL_FLAGGER_CLUSTER_NAME")]
    pub cluster_name: Option<String>,

    /// Where specs come from.
    #[command(flatten)]
    pub source: Source,
}
