//! The connection to an API server: from a kubeconfig and kubectl's flags to a client.
//!
//! Retries, deadlines and errors are not its matter, see `request.rs`.

use crate::kubernetes::credentials::Credentials;
use crate::kubernetes::credentials::Plugin;
use crate::kubernetes::credentials::with_identity;
use crate::kubernetes::credentials::with_token;
use crate::kubernetes::error::credential_failure;
use crate::kubernetes::error::root_cause;
use crate::kubernetes::error::without_userinfo;
use crate::kubernetes::kubeconfig::Resolved;
use crate::kubernetes::kubeconfig::load;
use crate::kubernetes::kubeconfig::resolve;
use crate::kubernetes::kubeconfig::with_user_flags;
use crate::kubernetes::options::ConnectError;
use crate::kubernetes::options::ConnectOptions;
use crate::kubernetes::wire_log::WireLog;
use crate::port::proxy::ProxySettings;
use http::HeaderValue;
use http::Uri;
use http::header::USER_AGENT;
use kube::Client;
use kube::Config;
use kube::config::AuthInfo;
use kube::config::Cluster;
use kube::config::ExecAuthCluster;
use kube::config::Kubeconfig;
use rustls::pki_types::CertificateDer;
use rustls::pki_types::pem::PemObject as _;
use std::time::Duration;

/// A TCP connection that takes longer will not come.
const CONNECT_TIMEOUT: Duration = Duration::from_secs(10);

/// Name of the context and cluster of a process that runs in a pod with its service account.
const IN_CLUSTER: &str = "in-cluster";

/// An API server, and how it is reached.
#[derive(Clone)]
pub struct Peer {
    /// Knows address, trust and credentials.
    pub client: Client,
    /// Its URL, without credentials.
    pub server: String,
}

/// A client and what it was made from. It belongs to the async runtime it was made in. Its `valid_until` is the end
/// of a credential plugin's credentials, where the plugin says.
#[derive(Clone)]
pub struct Connection {
    /// Knows address, trust and credentials.
    pub client: Client,
    /// Where objects are looked for that name no namespace.
    pub namespace: String,
    /// Name of the context; empty where the server was given by a flag alone.
    pub context: String,
    /// Name of the cluster in the kubeconfig.
    pub cluster: String,
    /// URL of the API server, without credentials.
    pub server: String,
    /// `--request-timeout`.
    pub request_timeout: Option<Duration>,
    /// Where the objects of a mesh are, if that is another cluster.
    pub mesh: Option<Peer>,
}

impl Connection {
    /// The same, its requests told.
    #[must_use]
    pub fn told(mut self, log: Option<WireLog>) -> Self {
        if let Some(log) = log {
            self.client = log.around(self.client, &self.namespace, &self.server);
        }
        self
    }
}

/// Chooses the TLS implementation of the process. Every constructor of a client calls it, since a client made before
/// would panic; a second call does nothing.
pub fn ensure_crypto() {
    let _already_installed = rustls::crypto::ring::default_provider().install_default();
}

/// Sets up the client; credential plugins run here, on a thread of their own. Sends no request.
///
/// # Errors
/// An unreadable kubeconfig, entries that do not exist, credentials that cannot be had.
pub async fn connect(options: &ConnectOptions) -> Result<Connection, ConnectError> {
    ensure_crypto();
    let options = options.clone();
    tokio::task::spawn_blocking(move || prepare(&options))
        .await
        .map_err(|error| ConnectError::Invalid {
            what: "the kubeconfig",
            why: error.to_string(),
        })?
}

fn prepare(options: &ConnectOptions) -> Result<Connection, ConnectError> {
    let Target {
        mut config,
        context,
        cluster,
        plugin,
    } = target(options)?;
    if let Some(namespace) = &options.namespace {
        config.default_namespace.clone_from(namespace);
    }
    config.default_retry = false;
    config.connect_timeout = Some(CONNECT_TIMEOUT);
    config.headers.push((
        USER_AGENT,
        HeaderValue::from_static(concat!("kubectl-flagger/", env!("CARGO_PKG_VERSION"))),
    ));
    let namespace = config.default_namespace.clone();
    let server = without_userinfo(config.cluster_url.to_string().trim_end_matches('/'));
    let client = client(config, plugin, options.environment.interactive, &server)?;
    let mesh = options.mesh_kubeconfig.as_ref().map(|file| {
        prepare(&ConnectOptions {
            kubeconfig: Some(file.clone()),
            request_timeout: options.request_timeout,
            wire_log: options.wire_log.clone(),
            environment: options.environment.clone(),
            ..ConnectOptions::default()
        })
    });
    let mesh = mesh.transpose()?.map(|mesh| Peer {
        client: mesh.client,
        server: mesh.server,
    });
    let connection = Connection {
        client,
        mesh: mesh.filter(|mesh| mesh.server != server),
        namespace,
        context,
        cluster,
        server,
        request_timeout: options.request_timeout,
    };
    Ok(connection.told(options.wire_log.clone()))
}

fn client(
    mut config: Config,
    plugin: Option<Plugin>,
    person: bool,
    server: &str,
) -> Result<Client, ConnectError> {
    let namespace = config.default_namespace.clone();
    let credentials = plugin
        .as_ref()
        .map(|plugin| plugin.run(person))
        .transpose()
        .map_err(|why| ConnectError::Credentials {
            server: server.to_owned(),
            why,
        })?;
    if let Some(credentials) = &credentials {
        with_identity(&mut config.auth_info, credentials);
    }
    let client = Client::try_from(config).map_err(|error| refused(server, &error))?;
    Ok(match (plugin, credentials) {
        (
            Some(plugin),
            Some(Credentials {
                token: Some(token),
                expires,
                ..
            }),
        ) => with_token(client, &namespace, plugin, token).with_valid_until(expires),
        (_, credentials) => client.with_valid_until(credentials.and_then(|given| given.expires)),
    })
}

fn refused(server: &str, error: &kube::Error) -> ConnectError {
    match error {
        kube::Error::Auth(error) => ConnectError::Credentials {
            server: server.to_owned(),
            why: credential_failure(error),
        },
        kube::Error::RustlsTls(error) => ConnectError::Tls {
            server: server.to_owned(),
            why: root_cause(error),
        },
        other => ConnectError::Invalid {
            what: "this cluster's entry in the kubeconfig",
            why: root_cause(other),
        },
    }
}

/// What is connected to, and how.
struct Target {
    config: Config,
    context: String,
    cluster: String,
    plugin: Option<Plugin>,
}

fn target(options: &ConnectOptions) -> Result<Target, ConnectError> {
    let kubeconfig = load(options)?;
    let resolved = resolve(
        kubeconfig.as_ref().unwrap_or(&Kubeconfig::default()),
        options,
    )?;
    match resolved {
        Some(resolved) => from_resolved(resolved, &options.environment.proxy),
        None if options.environment.in_cluster => {
            let mut config = Config::incluster_env().map_err(|error| ConnectError::Invalid {
                what: "the pod's service account",
                why: error.to_string(),
            })?;
            config.auth_info = with_user_flags(config.auth_info, options);
            Ok(Target {
                config,
                context: IN_CLUSTER.to_owned(),
                cluster: IN_CLUSTER.to_owned(),
                plugin: None,
            })
        }
        None => Err(ConnectError::NoCluster),
    }
}

/// kube's own loader is not used: it reads proxy variables from the environment, compares `NO_PROXY` with the proxy
/// instead of the server, and fails on a trailing comma there.
fn from_resolved(resolved: Resolved, proxies: &ProxySettings) -> Result<Target, ConnectError> {
    let cluster = &resolved.cluster;
    let mut user = resolved.user;
    let url = server_url(cluster, &user);
    let uri: Uri = url
        .parse()
        .map_err(|error: http::uri::InvalidUri| ConnectError::Invalid {
            what: "the server's URL",
            why: format!("{}: {error}", without_userinfo(&url)),
        })?;
    let for_plugins =
        ExecAuthCluster::try_from(cluster).map_err(|error| ConnectError::Invalid {
            what: "the cluster's certificate authority",
            why: error.to_string(),
        })?;
    let insecure = cluster.insecure_skip_tls_verify == Some(true);

    let mut config = Config::new(uri.clone());
    config.default_namespace.clone_from(&resolved.namespace);
    config.accept_invalid_certs = insecure;
    config.disable_compression = cluster.disable_compression == Some(true);
    config.tls_server_name.clone_from(&cluster.tls_server_name);
    config.root_cert = match &for_plugins.certificate_authority_data {
        Some(pem) => Some(certificates(pem)?),
        // Without a bundle the library looks for the system's and fails where there is none, even if it would not
        // be used.
        None if insecure || uri.scheme_str() == Some("http") => Some(Vec::new()),
        None => None,
    };
    config.proxy_url = proxy(cluster, &uri, proxies)?;
    let plugin = Plugin::take(&mut user, for_plugins);
    config.auth_info = user;
    Ok(Target {
        config,
        context: resolved.context,
        cluster: resolved.cluster_name,
        plugin,
    })
}

/// As kubectl completes a server without a scheme: `https` if anything speaks of TLS.
fn server_url(cluster: &Cluster, user: &AuthInfo) -> String {
    let server = cluster.server.clone().unwrap_or_default();
    if server.contains("://") {
        return server;
    }
    let tls = cluster.certificate_authority.is_some()
        || cluster.certificate_authority_data.is_some()
        || cluster.insecure_skip_tls_verify == Some(true)
        || user.client_certificate.is_some()
        || user.client_certificate_data.is_some();
    format!("{}://{server}", if tls { "https" } else { "http" })
}

fn certificates(pem: &[u8]) -> Result<Vec<Vec<u8>>, ConnectError> {
    let invalid = |why: String| ConnectError::Invalid {
        what: "the cluster's certificate authority",
        why,
    };
    let found = CertificateDer::pem_slice_iter(pem)
        .map(|certificate| certificate.map(|der| der.to_vec()))
        .collect::<Result<Vec<_>, _>>()
        .map_err(|error| invalid(error.to_string()))?;
    if found.is_empty() {
        return Err(invalid("it holds no certificate".to_owned()));
    }
    Ok(found)
}

fn proxy(
    cluster: &Cluster,
    server: &Uri,
    settings: &ProxySettings,
) -> Result<Option<Uri>, ConnectError> {
    let scheme = server.scheme_str().unwrap_or("https");
    let port = server
        .port_u16()
        .unwrap_or(if scheme == "http" { 80 } else { 443 });
    let host = server.host().unwrap_or_default().trim_matches(['[', ']']);
    // `proxy-url` of the cluster wins over the environment, NO_PROXY included, as for kubectl.
    cluster
        .proxy_url
        .clone()
        .filter(|url| !url.is_empty())
        .or_else(|| settings.for_address(scheme, host, port))
        .map(|url| {
            url.parse()
                .map_err(|error: http::uri::InvalidUri| ConnectError::Invalid {
                    what: "the proxy's URL",
                    why: format!("{}: {error}", without_userinfo(&url)),
                })
        })
        .transpose()
}

#[cfg(test)]
mod tests;
