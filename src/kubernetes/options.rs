//! What can be said about how a cluster is reached, and why it cannot be.
//!
//! Reads nothing: flags and environment are handed in.

use crate::kubernetes::wire_log::WireLog;
use crate::port::proxy::ProxySettings;
use secrecy::SecretString;
use std::ffi::OsString;
use std::path::PathBuf;
use std::time::Duration;

/// kubectl's global flags. `--cache-dir` is missing: nothing is cached.
#[derive(Clone, Default)]
pub struct ConnectOptions {
    /// `--kubeconfig`: the only file read.
    pub kubeconfig: Option<PathBuf>,
    /// `--context`.
    pub context: Option<String>,
    /// `--cluster`.
    pub cluster: Option<String>,
    /// `--user`.
    pub user: Option<String>,
    /// `--namespace`.
    pub namespace: Option<String>,
    /// `--server`.
    pub server: Option<String>,
    /// `--token`.
    pub token: Option<SecretString>,
    /// `--as`.
    pub impersonate: Option<String>,
    /// `--as-group`, any number.
    pub impersonate_groups: Vec<String>,
    /// `--as-uid`.
    pub impersonate_uid: Option<String>,
    /// `--certificate-authority`.
    pub certificate_authority: Option<PathBuf>,
    /// `--client-certificate`.
    pub client_certificate: Option<PathBuf>,
    /// `--client-key`.
    pub client_key: Option<PathBuf>,
    /// `--tls-server-name`.
    pub tls_server_name: Option<String>,
    /// `--insecure-skip-tls-verify`.
    pub insecure_skip_tls_verify: bool,
    /// `--disable-compression`.
    pub disable_compression: bool,
    /// `--request-timeout`: for each request, instead of the default of 10 s.
    pub request_timeout: Option<Duration>,
    /// `--kubeconfig-service-mesh`: of the cluster that a mesh's objects are in, if it is another one.
    pub mesh_kubeconfig: Option<PathBuf>,
    /// `-v`, where it asks for anything.
    pub wire_log: Option<WireLog>,
    /// What the environment says.
    pub environment: Environment,
}

/// The environment as far as it says how a cluster is reached.
#[derive(Clone, Debug, Default)]
pub struct Environment {
    /// `KUBECONFIG`: a list of files.
    pub kubeconfig: Option<OsString>,
    /// The user's home directory.
    pub home: Option<PathBuf>,
    /// Proxies.
    pub proxy: ProxySettings,
    /// Are `KUBERNETES_SERVICE_HOST` and `KUBERNETES_SERVICE_PORT` set?
    pub in_cluster: bool,
    /// Is a person at the terminal whom a credential plugin may ask?
    pub interactive: bool,
}

/// No connection could be set up.
#[derive(Debug, thiserror::Error, miette::Diagnostic)]
pub enum ConnectError {
    /// A kubeconfig cannot be read.
    #[error("cannot read the kubeconfig {path}: {why}")]
    #[diagnostic(
        code(flagger::kubeconfig::unreadable),
        help("name another with --kubeconfig or KUBECONFIG")
    )]
    Unreadable {
        /// The file.
        path: String,
        /// The cause, without the file's text.
        why: String,
    },
    /// No kubeconfig, no flags, and not in a cluster.
    #[error("no cluster is configured")]
    #[diagnostic(
        code(flagger::kubeconfig::missing),
        help("set KUBECONFIG, name a file with --kubeconfig, or an API server with --server")
    )]
    NoCluster,
    /// The kubeconfig has no such entry.
    #[error("there is no {what} {name:?} in the kubeconfig")]
    #[diagnostic(code(flagger::kubeconfig::unknown))]
    Unknown {
        /// `context`, `cluster` or `user`.
        what: &'static str,
        /// As it was given.
        name: String,
        /// The nearest, or what there is.
        #[help]
        help: String,
    },
    /// A value cannot be used.
    #[error("cannot use {what}: {why}")]
    #[diagnostic(code(flagger::kubeconfig::invalid))]
    Invalid {
        /// Such as `the server's URL`.
        what: &'static str,
        /// The cause.
        why: String,
    },
    /// The credential plugin or token file gives nothing.
    #[error("no credentials for {server}: {why}")]
    #[diagnostic(
        code(flagger::kubeconfig::credentials),
        help("log in again, or choose another user with --user or --context")
    )]
    Credentials {
        /// URL of the API server.
        server: String,
        /// The plugin's words.
        why: String,
    },
    /// TLS cannot be set up.
    #[error("cannot set up TLS for {server}: {why}")]
    #[diagnostic(
        code(flagger::kubeconfig::tls),
        help("name the cluster's certificate authority with --certificate-authority")
    )]
    Tls {
        /// URL of the API server.
        server: String,
        /// The cause.
        why: String,
    },
}
