//! What `sandbox` takes.

use clap::Args;
use clap::Subcommand;
use std::num::NonZeroU32;
use std::path::PathBuf;

/// The embedded cluster by itself.
#[derive(Args, Clone, Debug)]
pub struct SandboxArgs {
    /// What to do with it.
    #[command(subcommand)]
    pub verb: SandboxVerb,
}

/// What to do with the embedded cluster.
#[derive(Subcommand, Clone, Debug)]
pub enum SandboxVerb {
    /// Serve a cluster for kubectl on a port of this machine
    ///
    /// The folder gets a kubeconfig and a Git repository with the podinfo example, which runs in the cluster and has
    /// users and a Prometheus. Every kubectl command and every verb of this program works on it from a second
    /// terminal. It ends with Ctrl-C, and nothing of the cluster is kept.
    #[command(help_template = crate::cli::TEMPLATE)]
    Serve(ServeArgs),
}

/// What `sandbox serve` takes.
#[derive(Args, Clone, Debug)]
pub struct ServeArgs {
    /// Folder for the kubeconfig and the Git repository; it must be empty or not exist
    #[arg(long, value_name = "DIR", env = "KUBECTL_FLAGGER_DIR")]
    pub dir: PathBuf,

    /// How many times as fast as life the cluster runs
    #[arg(
        long,
        value_name = "N",
        default_value = "1",
        env = "KUBECTL_FLAGGER_SPEED"
    )]
    pub speed: NonZeroU32,

    /// Port on 127.0.0.1 [default: a free one]
    #[arg(long, value_name = "PORT", env = "KUBECTL_FLAGGER_PORT")]
    pub port: Option<u16>,

    /// Seed of everything that is random in the cluster
    #[arg(
        long,
        value_name = "N",
        default_value = "1",
        env = "KUBECTL_FLAGGER_SEED"
    )]
    pub seed: u64,

    /// What happens once the primary serves, by name or file [default: nothing]
    #[arg(long, value_name = "SCENARIO", env = "KUBECTL_FLAGGER_SCENARIO")]
    pub scenario: Option<PathBuf>,
}
