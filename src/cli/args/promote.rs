//! Flags of `promote`.

use crate::canary::spec::IngressSettings;
use crate::cli::args::alerts::AlertArgs;
use crate::cli::args::display::Display;
use crate::cli::args::values;
use crate::cli::args::values::Speed;
use crate::cli::args::waiting::WaitingArgs;
use clap::Args;
use clap::ValueEnum;
use clap::builder::BoolishValueParser;
use clap::builder::NonEmptyStringValueParser;
use std::path::PathBuf;
use std::time::Duration;

/// What `promote` takes. Its help is on the verb.
#[derive(Args, Clone, Debug)]
#[command(before_help = EXAMPLES, next_help_heading = "Rollout")]
pub struct PromoteArgs {
    /// Name of the Canary [default: the only one there is]
    #[arg(value_name = "NAME", help_heading = None::<&str>)]
    pub name: Option<String>,

    /// When the next step is taken
    #[arg(
        long,
        value_name = "HOW",
        value_enum,
        default_value_t,
        env = "KUBECTL_FLAGGER_TIMING"
    )]
    pub timing: Timing,

    /// Time for the whole run, then roll back [default: twice what the plan needs]
    #[arg(long, value_name = "DURATION", value_parser = values::positive_duration, env = "KUBECTL_FLAGGER_TIMEOUT")]
    pub timeout: Option<Duration>,

    /// What Ctrl-C, TERM and a lost terminal do
    #[arg(
        long,
        value_name = "WHAT",
        value_enum,
        default_value_t,
        env = "KUBECTL_FLAGGER_ON_INTERRUPT"
    )]
    pub on_interrupt: OnInterrupt,

    /// Drive the revision again that was rolled back last
    #[arg(long, env = "KUBECTL_FLAGGER_RETRY", value_parser = BoolishValueParser::new())]
    pub retry: bool,

    /// Promote as soon as the canary is ready; a rollout that another driver drives is told so
    #[arg(long, env = "KUBECTL_FLAGGER_SKIP_ANALYSIS", value_parser = BoolishValueParser::new())]
    pub skip_analysis: bool,

    /// How long pods keep running after their last traffic
    #[arg(long, value_name = "DURATION", default_value = "5s", value_parser = values::duration, env = "KUBECTL_FLAGGER_DRAIN")]
    pub drain: Duration,

    /// What it waits for, and for how long.
    #[command(flatten)]
    pub waiting: WaitingArgs,

    /// Where specs come from.
    #[command(flatten)]
    pub source: Source,

    /// Flagger's controller flags.
    #[command(flatten)]
    pub flagger: FlaggerOptions,

    /// Who is told.
    #[command(flatten)]
    pub alerts: AlertArgs,

    /// Where it is recorded.
    #[command(flatten)]
    pub record: RecordOptions,

    /// The embedded cluster.
    #[command(flatten)]
    pub sandbox: SandboxOptions,

    /// What is shown.
    #[command(flatten)]
    pub display: Display,
}

const EXAMPLES: &str = "\
Examples:
  # Drive the rollout of podinfo, as the commit HEAD of this repository describes it
  kubectl flagger promote podinfo -n shop

  # Read rendered manifests instead of files in Git
  kustomize build deploy | kubectl flagger promote podinfo -n shop -f -

  # In a CI step: events as a file, and a limit below the job's own
  kubectl flagger promote podinfo -n shop --timeout 25m --events events.ndjson

  # Watch a rollout without any cluster
  kubectl flagger promote --sandbox";

/// Where the specs are read.
#[derive(Args, Clone, Debug)]
#[command(next_help_heading = "Specs")]
pub struct Source {
    /// Git repository with the specs [default: the one around the current folder]
    #[arg(short = 'C', long, value_name = "DIR", env = "KUBECTL_FLAGGER_REPO")]
    pub repo: Option<PathBuf>,

    /// Commit, branch or tag to read
    #[arg(
        long = "ref",
        value_name = "REF",
        default_value = "HEAD",
        env = "KUBECTL_FLAGGER_REF"
    )]
    pub reference: String,

    /// Read only files below this path of the repository
    #[arg(long, value_name = "PATH", env = "KUBECTL_FLAGGER_PATH")]
    pub path: Option<String>,

    /// Read this file instead, - for standard input; may be repeated
    #[arg(short, long, value_name = "FILE", env = "KUBECTL_FLAGGER_FILENAME", conflicts_with_all = ["reference", "path", "allow_dirty"])]
    pub filename: Vec<PathBuf>,

    /// Read a file that differs from its commit as it is, and mark the run
    #[arg(long, env = "KUBECTL_FLAGGER_ALLOW_DIRTY", value_parser = BoolishValueParser::new())]
    pub allow_dirty: bool,
}

/// Whom metrics are asked of, and how hosts are reached.
#[derive(Args, Clone, Debug)]
#[command(next_help_heading = "Flagger's controller flags")]
pub struct MetricOptions {
    /// Prometheus for the built-in checks of Canaries that name none, with its namespace in the host
    #[arg(long, value_name = "URL", env = "KUBECTL_FLAGGER_METRICS_SERVER")]
    pub metrics_server: Option<String>,

    /// Let metrics and hooks be asked of a loopback, link-local or private address; may be repeated
    #[arg(
        long,
        value_name = "HOST[:PORT]",
        env = "KUBECTL_FLAGGER_ALLOW_HOST",
        value_delimiter = ','
    )]
    pub allow_host: Vec<String>,

    /// Believe any certificate of this host, where a template says insecureSkipVerify or a hook disableTLS; may be
    /// repeated
    #[arg(
        long,
        value_name = "HOST[:PORT]",
        env = "KUBECTL_FLAGGER_SKIP_VERIFY",
        value_delimiter = ','
    )]
    pub skip_verify: Vec<String>,

    /// Read Secrets of metrics here, DIR/NAME/KEY, or from variables, instead of the cluster
    #[arg(long, value_name = "DIR", env = "KUBECTL_FLAGGER_SECRETS")]
    pub secrets: Option<PathBuf>,
}

/// What Flagger's controller takes as flags.
#[derive(Args, Clone, Debug)]
#[command(next_help_heading = "Flagger's controller flags")]
pub struct FlaggerOptions {
    /// Whom metrics are asked of.
    #[command(flatten)]
    pub metrics: MetricOptions,

    /// Which router and which pods.
    #[command(flatten)]
    pub target: TargetOptions,

    /// Copy labels and annotations with this prefix to the primary, * for all
    #[arg(
        long,
        value_name = "PREFIXES",
        value_delimiter = ',',
        num_args = 1,
        env = "KUBECTL_FLAGGER_INCLUDE_LABEL_PREFIX"
    )]
    pub include_label_prefix: Vec<String>,

    /// Refuse Canaries that name templates, alert providers or upstreams of another namespace
    #[arg(long, env = "KUBECTL_FLAGGER_NO_CROSS_NAMESPACE_REFS", value_parser = BoolishValueParser::new())]
    pub no_cross_namespace_refs: bool,
}

/// What all verbs need to know that change routes and pods.
#[derive(Args, Clone, Debug)]
#[command(next_help_heading = "Flagger's controller flags")]
pub struct TargetOptions {
    /// Traffic provider of Canaries that name none
    #[arg(long, value_name = "NAME", env = "KUBECTL_FLAGGER_PROVIDER")]
    pub provider: Option<String>,

    /// Labels that may select a target's pods, in order of preference
    #[arg(
        long,
        value_name = "LABELS",
        default_value = "app,name,app.kubernetes.io/name",
        value_delimiter = ',',
        num_args = 1,
        env = "KUBECTL_FLAGGER_SELECTOR_LABELS"
    )]
    pub selector_labels: Vec<String>,

    /// Do not copy ConfigMaps and Secrets for the primary
    #[arg(long, env = "KUBECTL_FLAGGER_NO_CONFIG_TRACKING", value_parser = BoolishValueParser::new())]
    pub no_config_tracking: bool,

    /// Prefix of the annotations that ingress-nginx reads
    #[arg(
        long,
        value_name = "PREFIX",
        default_value = "nginx.ingress.kubernetes.io",
        value_parser = NonEmptyStringValueParser::new(),
        env = "KUBECTL_FLAGGER_INGRESS_ANNOTATIONS_PREFIX"
    )]
    pub ingress_annotations_prefix: String,

    /// Ingress class of the HTTPProxies of Contour
    #[arg(
        long,
        value_name = "CLASS",
        value_parser = NonEmptyStringValueParser::new(),
        env = "KUBECTL_FLAGGER_INGRESS_CLASS"
    )]
    pub ingress_class: Option<String>,

    /// Path to the kubeconfig of the cluster that the mesh's objects are in, if it is another one than the target's
    #[arg(
        long,
        value_name = "FILE",
        env = "KUBECTL_FLAGGER_KUBECONFIG_SERVICE_MESH"
    )]
    pub kubeconfig_service_mesh: Option<PathBuf>,
}

impl TargetOptions {
    /// How Ingresses are written.
    #[must_use]
    pub fn ingress_settings(&self) -> IngressSettings {
        IngressSettings {
            annotations_prefix: self.ingress_annotations_prefix.clone(),
            class: self.ingress_class.clone(),
        }
    }
}

/// Where the story is kept.
#[derive(Args, Clone, Debug)]
#[command(next_help_heading = "Record")]
pub struct RecordOptions {
    /// Where transitions are recorded
    #[arg(
        long,
        value_name = "WHERE",
        value_enum,
        default_value_t,
        env = "KUBECTL_FLAGGER_RECORD"
    )]
    pub record: RecordMode,

    /// Branch of the record
    #[arg(
        long,
        value_name = "BRANCH",
        default_value = "flagger-status",
        env = "KUBECTL_FLAGGER_RECORD_REF"
    )]
    pub record_ref: String,

    /// Remote that the record is pushed to, . for none [default: the branch's, else origin, else the only one]
    #[arg(long, value_name = "NAME", env = "KUBECTL_FLAGGER_REMOTE")]
    pub remote: Option<String>,

    /// Run the ssh, askpass and credential programs that the repository's own configuration names
    #[arg(long, env = "KUBECTL_FLAGGER_TRUST_REPO_CONFIG", value_parser = BoolishValueParser::new())]
    pub trust_repo_config: bool,

    /// Name of the cluster in the record, chosen at the first bootstrap, and in alerts [default: the kubeconfig's]
    #[arg(long, value_name = "NAME", env = "KUBECTL_FLAGGER_CLUSTER_NAME")]
    pub cluster_name: Option<String>,
}

/// A rollout without a cluster.
#[derive(Args, Clone, Debug)]
#[command(next_help_heading = "Sandbox")]
pub struct SandboxOptions {
    /// Play the rollout in an embedded cluster: the podinfo example, or a scenario file
    #[arg(long, value_name = "SCENARIO", num_args = 0..=1, require_equals = true, env = "KUBECTL_FLAGGER_SANDBOX")]
    pub sandbox: Option<Option<PathBuf>>,

    /// Folder for the sandbox's Git repository and files [default: a fresh one, kept and printed]
    #[arg(
        long,
        value_name = "DIR",
        requires = "sandbox",
        env = "KUBECTL_FLAGGER_SANDBOX_DIR"
    )]
    pub sandbox_dir: Option<PathBuf>,

    /// How many times as fast as life the sandbox runs, or max [default: 20]
    #[arg(long, value_name = "N", value_parser = values::speed, requires = "sandbox", env = "KUBECTL_FLAGGER_SPEED")]
    pub speed: Option<Speed>,

    /// Seed of everything that is random in the sandbox [default: 1]
    #[arg(
        long,
        value_name = "N",
        requires = "sandbox",
        env = "KUBECTL_FLAGGER_SEED"
    )]
    pub seed: Option<u64>,
}

impl SandboxOptions {
    /// Speed of the sandbox's clock where none is given.
    pub const DEFAULT_SPEED: Speed = Speed::Times(20);
    /// Seed where none is given.
    pub const DEFAULT_SEED: u64 = 1;

    /// Is it a rollout without a cluster?
    #[must_use]
    pub const fn is_wanted(&self) -> bool {
        self.sandbox.is_some()
    }

    /// Speed of the sandbox's clock.
    #[must_use]
    pub fn speed(&self) -> Speed {
        self.speed.unwrap_or(Self::DEFAULT_SPEED)
    }

    /// Seed of the sandbox.
    #[must_use]
    pub fn seed(&self) -> u64 {
        self.seed.unwrap_or(Self::DEFAULT_SEED)
    }
}

/// When the next step is taken.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, ValueEnum)]
pub enum Timing {
    /// An interval after a weight is in effect; everything else as soon as it can
    #[default]
    Event,
    /// At Flagger's ticks, for comparison
    Grid,
}

/// What a signal does.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, ValueEnum)]
pub enum OnInterrupt {
    /// Traffic goes back to the old version
    #[default]
    Rollback,
    /// Traffic stays as it is
    Hold,
}

/// Where the story goes.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, ValueEnum)]
pub enum RecordMode {
    /// A commit a transition on a branch of its own
    #[default]
    Branch,
    /// Nowhere
    None,
}
