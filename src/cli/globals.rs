//! kubectl's global flags: same names, same short forms, same meaning, accepted anywhere after the plugin's name.

use crate::cli::args::values::Secret;
use crate::cli::args::values::request_timeout;
use crate::kubernetes::wire_log::WireLog;
use clap::Args;
use clap::builder::BoolishValueParser;
use std::io::Write as _;
use std::path::PathBuf;
use std::time::Duration;

/// Which cluster, as whom, and how.
#[derive(Args, Clone, Debug, Default)]
#[command(next_help_heading = "Global flags, as kubectl has them")]
pub struct Globals {
    /// Path to the kubeconfig file
    #[arg(
        long,
        global = true,
        value_name = "FILE",
        env = "KUBECTL_FLAGGER_KUBECONFIG",
        hide_short_help = true
    )]
    pub kubeconfig: Option<PathBuf>,

    /// Context of the kubeconfig to use
    #[arg(
        long,
        global = true,
        value_name = "NAME",
        env = "KUBECTL_FLAGGER_CONTEXT"
    )]
    pub context: Option<String>,

    /// Cluster of the kubeconfig to use
    #[arg(
        long,
        global = true,
        value_name = "NAME",
        env = "KUBECTL_FLAGGER_CLUSTER",
        hide_short_help = true
    )]
    pub cluster: Option<String>,

    /// User of the kubeconfig to use
    #[arg(
        long,
        global = true,
        value_name = "NAME",
        env = "KUBECTL_FLAGGER_USER",
        hide_short_help = true
    )]
    pub user: Option<String>,

    /// Namespace of the canary [default: the context's, else default]
    #[arg(
        short,
        long,
        global = true,
        value_name = "NAME",
        env = "KUBECTL_FLAGGER_NAMESPACE"
    )]
    pub namespace: Option<String>,

    /// Address and port of the API server
    #[arg(
        short,
        long,
        global = true,
        value_name = "URL",
        env = "KUBECTL_FLAGGER_SERVER",
        hide_short_help = true
    )]
    pub server: Option<String>,

    /// Bearer token for the API server; prefer a kubeconfig, other processes can read arguments
    #[arg(
        long,
        global = true,
        value_name = "TOKEN",
        env = "KUBECTL_FLAGGER_TOKEN",
        hide_short_help = true
    )]
    pub token: Option<Secret>,

    /// User to impersonate
    #[arg(
        long = "as",
        global = true,
        value_name = "USER",
        env = "KUBECTL_FLAGGER_AS",
        hide_short_help = true
    )]
    pub impersonate: Option<String>,

    /// Group to impersonate; may be repeated
    #[arg(
        long = "as-group",
        global = true,
        value_name = "GROUP",
        env = "KUBECTL_FLAGGER_AS_GROUP",
        hide_short_help = true
    )]
    pub impersonate_groups: Vec<String>,

    /// UID to impersonate
    #[arg(
        long = "as-uid",
        global = true,
        value_name = "UID",
        env = "KUBECTL_FLAGGER_AS_UID",
        hide_short_help = true
    )]
    pub impersonate_uid: Option<String>,

    /// File with the certificates that sign the API server's
    #[arg(
        long,
        global = true,
        value_name = "FILE",
        env = "KUBECTL_FLAGGER_CERTIFICATE_AUTHORITY",
        hide_short_help = true
    )]
    pub certificate_authority: Option<PathBuf>,

    /// Client certificate for TLS
    #[arg(
        long,
        global = true,
        value_name = "FILE",
        env = "KUBECTL_FLAGGER_CLIENT_CERTIFICATE",
        hide_short_help = true
    )]
    pub client_certificate: Option<PathBuf>,

    /// Key of the client certificate
    #[arg(
        long,
        global = true,
        value_name = "FILE",
        env = "KUBECTL_FLAGGER_CLIENT_KEY",
        hide_short_help = true
    )]
    pub client_key: Option<PathBuf>,

    /// Name to check the API server's certificate against, where it is not the host's
    #[arg(
        long,
        global = true,
        value_name = "NAME",
        env = "KUBECTL_FLAGGER_TLS_SERVER_NAME",
        hide_short_help = true
    )]
    pub tls_server_name: Option<String>,

    /// Do not check the API server's certificate
    #[arg(
        long,
        global = true,
        env = "KUBECTL_FLAGGER_INSECURE_SKIP_TLS_VERIFY",
        value_parser = BoolishValueParser::new(),
        hide_short_help = true
    )]
    pub insecure_skip_tls_verify: bool,

    /// Do not ask the API server for compressed answers
    #[arg(
        long,
        global = true,
        env = "KUBECTL_FLAGGER_DISABLE_COMPRESSION",
        value_parser = BoolishValueParser::new(),
        hide_short_help = true
    )]
    pub disable_compression: bool,

    /// Time for one request to the API server, such as 30s; 0 is our default, 10s, since no request may wait for ever
    #[arg(
        long,
        global = true,
        value_name = "DURATION",
        env = "KUBECTL_FLAGGER_REQUEST_TIMEOUT",
        value_parser = request_timeout,
        hide_short_help = true
    )]
    pub request_timeout: Option<Duration>,

    /// Folder for what is cached; accepted as kubectl has it, but nothing is cached
    #[arg(
        long,
        global = true,
        value_name = "DIR",
        env = "KUBECTL_FLAGGER_CACHE_DIR",
        hide_short_help = true
    )]
    pub cache_dir: Option<PathBuf>,

    /// Show requests to the API server: 6 each of them, 7 headers, 8 what is sent, 9 all of it; never credentials
    #[arg(
        short,
        long = "v",
        global = true,
        value_name = "LEVEL",
        value_parser = clap::value_parser!(u8).range(0..=9),
        env = "KUBECTL_FLAGGER_V",
        hide_short_help = true
    )]
    pub verbosity: Option<u8>,
}

impl Globals {
    /// What `-v` asks for, told on standard error.
    #[must_use]
    pub fn wire_log(&self) -> Option<WireLog> {
        WireLog::new(self.verbosity?, |lines| {
            // Whoever closed it does not want to read it.
            let _read = std::io::stderr().lock().write_all(lines.as_bytes());
        })
    }

    /// The deadline of one request, where one was given. kubectl's 0 means none, which a rollout cannot have.
    #[must_use]
    pub fn request_timeout(&self) -> Option<Duration> {
        self.request_timeout.filter(|timeout| !timeout.is_zero())
    }
}
