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
mod tests {
    use super::*;
    use secrecy::ExposeSecret as _;
    use secrecy::SecretString;
    use std::env;

    fn fixture(name: &str) -> PathBuf {
        Path::new(env!("CARGO_MANIFEST_DIR"))
            .join("testdata/kubeconfig")
            .join(name)
    }

    fn options(name: &str) -> ConnectOptions {
        ConnectOptions {
            kubeconfig: Some(fixture(name)),
            ..ConnectOptions::default()
        }
    }

    fn resolved(options: &ConnectOptions) -> Resolved {
        let config = load(options).unwrap().unwrap();
        resolve(&config, options).unwrap().unwrap()
    }

    fn refused(options: &ConnectOptions) -> ConnectError {
        match load(options) {
            Ok(config) => match resolve(&config.unwrap_or_default(), options) {
                Ok(_) => panic!("accepted"),
                Err(error) => error,
            },
            Err(error) => error,
        }
    }

    #[test]
    fn the_current_context_gives_cluster_user_and_namespace() {
        let resolved = resolved(&options("two-contexts.yaml"));
        assert_eq!(resolved.context, "staging");
        assert_eq!(resolved.namespace, "shop");
        assert_eq!(
            resolved.cluster.server.as_deref(),
            Some("https://staging.example:6443")
        );
        assert_eq!(
            resolved
                .user
                .token
                .as_ref()
                .map(|token| token.expose_secret()),
            Some("developers-token")
        );
    }

    #[test]
    fn a_relative_path_counts_from_the_kubeconfig() {
        let resolved = resolved(&options("two-contexts.yaml"));
        assert_eq!(
            resolved.cluster.certificate_authority.as_deref(),
            fixture("ca.crt").to_str()
        );
    }

    #[test]
    fn a_context_without_namespace_means_default() {
        let resolved = resolved(&ConnectOptions {
            context: Some("production".to_owned()),
            ..options("two-contexts.yaml")
        });
        assert_eq!(resolved.namespace, "default");
        assert_eq!(resolved.cluster_name, "production");
    }

    #[test]
    fn an_unknown_context_is_corrected_from_the_file() {
        let error = refused(&ConnectOptions {
            context: Some("prodution".to_owned()),
            ..options("two-contexts.yaml")
        });
        let ConnectError::Unknown { what, help, .. } = error else {
            panic!("{error:?}");
        };
        assert_eq!(what, "context");
        assert_eq!(help, "did you mean production?");
    }

    #[test]
    fn an_unknown_user_or_cluster_lists_what_there_is() {
        let error = refused(&ConnectOptions {
            user: Some("zzz".to_owned()),
            ..options("two-contexts.yaml")
        });
        let ConnectError::Unknown { help, .. } = error else {
            panic!("{error:?}");
        };
        assert_eq!(help, "it has: developer, operator");
    }

    #[test]
    fn flags_win_over_the_file() {
        let resolved = resolved(&ConnectOptions {
            server: Some("https://other:6443".to_owned()),
            token: Some(SecretString::from("mine".to_owned())),
            insecure_skip_tls_verify: true,
            impersonate: Some("alice".to_owned()),
            impersonate_groups: vec!["ops".to_owned()],
            ..options("two-contexts.yaml")
        });
        assert_eq!(
            resolved.cluster.server.as_deref(),
            Some("https://other:6443")
        );
        assert_eq!(resolved.cluster.certificate_authority, None);
        assert_eq!(
            resolved
                .user
                .token
                .map(|token| token.expose_secret().to_owned()),
            Some("mine".to_owned())
        );
        assert_eq!(resolved.user.impersonate.as_deref(), Some("alice"));
        assert_eq!(
            resolved.user.impersonate_groups,
            Some(vec!["ops".to_owned()])
        );
    }

    #[test]
    fn a_token_flag_replaces_the_credential_plugin() {
        let resolved = resolved(&ConnectOptions {
            context: Some("production".to_owned()),
            token: Some(SecretString::from("mine".to_owned())),
            ..options("two-contexts.yaml")
        });
        assert!(resolved.user.exec.is_none());
    }

    #[test]
    fn the_first_file_of_a_list_wins_and_missing_ones_are_skipped() {
        let list = env::join_paths([
            fixture("not-there.yaml"),
            fixture("two-contexts.yaml"),
            fixture("second.yaml"),
        ])
        .unwrap();
        let options = ConnectOptions {
            environment: Environment {
                kubeconfig: Some(list),
                ..Environment::default()
            },
            ..ConnectOptions::default()
        };
        let first = resolved(&options);
        assert_eq!(
            (first.context.as_str(), first.namespace.as_str()),
            ("staging", "shop")
        );
        let other = resolved(&ConnectOptions {
            context: Some("laptop".to_owned()),
            ..options
        });
        assert_eq!(
            other.cluster.server.as_deref(),
            Some("http://127.0.0.1:8001")
        );
    }

    #[test]
    fn a_named_file_must_exist() {
        let error = refused(&options("not-there.yaml"));
        assert!(
            matches!(error, ConnectError::Unreadable { .. }),
            "{error:?}"
        );
    }

    #[test]
    fn a_broken_file_is_located_without_showing_its_text() {
        let error = refused(&options("broken.yaml"));
        let text = format!("{error} {error:?}");
        assert!(text.contains("line "), "{text}");
        assert!(!text.contains("hunter2"), "{text}");
    }

    #[test]
    fn a_server_flag_needs_no_kubeconfig() {
        let options = ConnectOptions {
            server: Some("http://127.0.0.1:8001".to_owned()),
            ..ConnectOptions::default()
        };
        let resolved = resolve(&Kubeconfig::default(), &options).unwrap().unwrap();
        assert_eq!(resolved.cluster_name, "http://127.0.0.1:8001");
        assert_eq!(resolved.namespace, "default");
    }

    #[test]
    fn nothing_that_names_a_server_is_no_cluster() {
        let options = ConnectOptions::default();
        assert!(load(&options).unwrap().is_none());
        assert!(resolve(&Kubeconfig::default(), &options).unwrap().is_none());
    }
}
