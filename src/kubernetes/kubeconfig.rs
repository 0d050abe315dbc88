//! Which cluster, user and namespace are meant, read from kubeconfig files and flags as kubectl reads them.
//!
//! Makes no connection. Never shows text of a kubeconfig: it holds credentials.

use crate::kubernetes::options::ConnectError;
use crate::kubernetes::options::ConnectOptions;
use crate::kubernetes::options::Environment;
use kube::config::AuthInfo;
use kube::config::Cluster;
use kube::config::Kubeconfig;
use kube::config::KubeconfigError;
use std::io::ErrorKind;
use std::path::Path;
use std::path::PathBuf;

/// What the kubeconfig and the flags say together.
pub struct Resolved {
    /// Name of the context; empty where there is none.
    pub context: String,
    /// Name of the cluster; its server where it has none.
    pub cluster_name: String,
    /// Namespace of the context, else `default`.
    pub namespace: String,
    /// Address and trust, flags applied.
    pub cluster: Cluster,
    /// Credentials, flags applied.
    pub user: AuthInfo,
}

/// The kubeconfig that applies; `None` where there is no file at all.
///
/// # Errors
/// A file that cannot be read or is no kubeconfig, and `--kubeconfig` naming none.
pub fn load(options: &ConnectOptions) -> Result<Option<Kubeconfig>, ConnectError> {
    if let Some(path) = &options.kubeconfig {
        return match read(path)? {
            Some(config) => Ok(Some(config)),
            None => Err(ConnectError::Unreadable {
                path: path.display().to_string(),
                why: "there is no such file".to_owned(),
            }),
        };
    }
    let mut merged: Option<Kubeconfig> = None;
    for path in paths(&options.environment) {
        // As kubectl, a file of the list may be missing.
        let Some(config) = read(&path)? else {
            continue;
        };
        merged = Some(match merged {
            None => config,
            Some(before) => before
                .merge(config)
                .map_err(|error| unreadable(&path, &error))?,
        });
    }
    Ok(merged)
}

fn paths(environment: &Environment) -> Vec<PathBuf> {
    let listed: Vec<PathBuf> = environment
        .kubeconfig
        .iter()
        .flat_map(|list| std::env::split_paths(list).collect::<Vec<_>>())
        .filter(|path| !path.as_os_str().is_empty())
        .collect();
    if listed.is_empty() {
        environment
            .home
            .iter()
            .map(|home| home.join(".kube").join("config"))
            .collect()
    } else {
        listed
    }
}

fn read(path: &Path) -> Result<Option<Kubeconfig>, ConnectError> {
    match Kubeconfig::read_from(path) {
        Ok(config) => Ok(Some(config)),
        Err(KubeconfigError::ReadConfig(error, _)) if error.kind() == ErrorKind::NotFound => {
            Ok(None)
        }
        Err(error) => Err(unreadable(path, &error)),
    }
}

fn unreadable(path: &Path, error: &KubeconfigError) -> ConnectError {
    let why = match error {
        KubeconfigError::ReadConfig(error, _) => error.to_string(),
        KubeconfigError::Parse(error) => match error.location() {
            Some(location) => format!(
                "line {}, column {} is not what a kubeconfig has there",
                location.line(),
                location.column()
            ),
            None => "it is no kubeconfig".to_owned(),
        },
        other => other.to_string(),
    };
    ConnectError::Unreadable {
        path: path.display().to_string(),
        why,
    }
}

/// Context, cluster and user by kubectl's rules, flags applied. `None` where nothing names a server.
///
/// # Errors
/// Entries that do not exist.
pub fn resolve(
    config: &Kubeconfig,
    options: &ConnectOptions,
) -> Result<Option<Resolved>, ConnectError> {
    let named = options
        .context
        .as_ref()
        .or(config.current_context.as_ref())
        .filter(|name| !name.is_empty());
    let context = match named {
        Some(name) => Some(
            config
                .contexts
                .iter()
                .find(|context| &context.name == name)
                .ok_or_else(|| unknown("context", name, config.contexts.iter().map(|c| &c.name)))?,
        ),
        None => None,
    };
    let inside = context.and_then(|context| context.context.as_ref());

    let cluster_name = options
        .cluster
        .clone()
        .or_else(|| inside.map(|context| context.cluster.clone()))
        .filter(|name| !name.is_empty());
    let cluster = match &cluster_name {
        Some(name) => config
            .clusters
            .iter()
            .find(|cluster| &cluster.name == name)
            .and_then(|cluster| cluster.cluster.clone())
            .ok_or_else(|| unknown("cluster", name, config.clusters.iter().map(|c| &c.name)))?,
        None => Cluster::default(),
    };
    let user = match &options.user {
        Some(name) => config
            .auth_infos
            .iter()
            .find(|user| &user.name == name)
            .map(|user| user.auth_info.clone().unwrap_or_default())
            .ok_or_else(|| unknown("user", name, config.auth_infos.iter().map(|u| &u.name)))?,
        // A user of the context that does not exist means no credentials, as for kubectl.
        None => inside
            .and_then(|context| context.user.as_ref())
            .and_then(|name| config.auth_infos.iter().find(|user| &user.name == name))
            .and_then(|user| user.auth_info.clone())
            .unwrap_or_default(),
    };

    let cluster = with_cluster_flags(cluster, options);
    let Some(server) = cluster.server.clone().filter(|server| !server.is_empty()) else {
        return Ok(None);
    };
    Ok(Some(Resolved {
        context: context
            .map(|context| context.name.clone())
            .unwrap_or_default(),
        cluster_name: cluster_name.unwrap_or(server),
        namespace: inside
            .and_then(|context| context.namespace.clone())
            .filter(|namespace| !namespace.is_empty())
            .unwrap_or_else(|| "default".to_owned()),
        user: with_user_flags(user, options),
        cluster,
    }))
}

fn with_cluster_flags(mut cluster: Cluster, options: &ConnectOptions) -> Cluster {
    if let Some(server) = &options.server {
        cluster.server = Some(server.clone());
    }
    if let Some(path) = &options.certificate_authority {
        cluster.certificate_authority = Some(path.to_string_lossy().into_owned());
        cluster.certificate_authority_data = None;
        cluster.insecure_skip_tls_verify = None;
    }
    if options.insecure_skip_tls_verify {
        cluster.insecure_skip_tls_verify = Some(true);
    }
    if cluster.insecure_skip_tls_verify == Some(true) {
        cluster.certificate_authority = None;
        cluster.certificate_authority_data = None;
    }
    if let Some(name) = &options.tls_server_name {
        cluster.tls_server_name = Some(name.clone());
    }
    if options.disable_compression {
        cluster.disable_compression = Some(true);
    }
    cluster
}

/// Flags about the user; also for the service account of a pod.
#[must_use]
pub fn with_user_flags(mut user: AuthInfo, options: &ConnectOptions) -> AuthInfo {
    if let Some(token) = &options.token {
        user.token = Some(token.clone());
        user.token_file = None;
        user.username = None;
        user.password = None;
        user.auth_provider = None;
        user.exec = None;
    }
    if let Some(path) = &options.client_certificate {
        user.client_certificate = Some(path.to_string_lossy().into_owned());
        user.client_certificate_data = None;
    }
    if let Some(path) = &options.client_key {
        user.client_key = Some(path.to_string_lossy().into_owned());
        user.client_key_data = None;
    }
    if let Some(name) = &options.impersonate {
        user.impersonate = Some(name.clone());
    }
    if let Some(uid) = &options.impersonate_uid {
        user.impersonate_uid = Some(uid.clone());
    }
    if !options.impersonate_groups.is_empty() {
        user.impersonate_groups = Some(options.impersonate_groups.clone());
    }
    user
}

fn unknown<'a>(
    what: &'static str,
    name: &str,
    known: impl Iterator<Item = &'a String>,
) -> ConnectError {
    let known: Vec<&str> = known.map(String::as_str).collect();
    let nearest = known
        .iter()
        .map(|candidate| (strsim::jaro_winkler(name, candidate), *candidate))
        .filter(|(likeness, _)| *likeness > 0.8)
        .max_by(|a, b| a.0.total_cmp(&b.0));
    let help = match nearest {
        Some((_, candidate)) => format!("did you mean {candidate}?"),
        None if known.is_empty() => format!("it has no {what}s"),
        None => format!("it has: {}", known.join(", ")),
    };
    ConnectError::Unknown {
        what,
        name: name.to_owned(),
        help,
    }
}

#[cfg(test)]
mod tests;
