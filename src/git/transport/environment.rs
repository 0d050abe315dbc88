//! What the environment says about reaching Git servers: logins, programs, proxies and authorities, as values.
//!
//! Names the variables; reading them is the command line's.

use crate::port::proxy::ProxySettings;
use secrecy::SecretString;
use std::path::PathBuf;

/// Most `GIT_CONFIG_KEY_<n>` that are read.
const SETTINGS: usize = 256;

/// The environment, as far as Git servers are concerned. The default has nothing.
#[derive(Clone, Debug, Default)]
pub struct GitEnvironment {
    /// `KUBECTL_FLAGGER_GIT_TOKEN`, for the remote whichever it is.
    pub token: Option<SecretString>,
    /// Tokens that CI systems hand to their jobs.
    pub ci_tokens: Vec<CiToken>,
    /// The proxy variables.
    pub proxies: ProxySettings,
    /// `HOME`, which `~` stands for in paths of Git's configuration.
    pub home: Option<PathBuf>,
    /// `GIT_SSL_CAINFO`: a file of certificates in PEM.
    pub authorities: Option<PathBuf>,
    /// Is `GIT_SSL_NO_VERIFY` set?
    pub no_verify: bool,
    /// `GIT_ASKPASS`.
    pub askpass: Option<String>,
    /// `SSH_ASKPASS`.
    pub ssh_askpass: Option<String>,
    /// `GIT_SSH_COMMAND`, for a shell.
    pub ssh_command: Option<String>,
    /// `GIT_SSH`, a program.
    pub ssh: Option<String>,
    /// `GIT_SSH_VARIANT`.
    pub ssh_variant: Option<String>,
    /// `GIT_CONFIG_KEY_<n>` and `GIT_CONFIG_VALUE_<n>`.
    pub settings: Vec<(String, String)>,
    /// Is there somebody at a terminal whom `ssh` may ask?
    pub interactive: bool,
    /// May programs be run that the repository's own configuration names?
    pub trust_repository: bool,
}

/// A token that a CI system hands to its jobs, good for its own server only.
#[derive(Clone, Debug)]
pub struct CiToken {
    /// The variable it came from.
    pub variable: &'static str,
    /// URL of the server.
    pub server: String,
    /// The name that goes with it.
    pub user: &'static str,
    /// The token.
    pub token: SecretString,
}

impl GitEnvironment {
    /// From variables that are set and not empty. `proxies`, `interactive` and `trust_repository` are left to the
    /// caller.
    #[must_use]
    pub fn from_variables<'a>(get: impl Fn(&str) -> Option<&'a str>) -> Self {
        let text = |name: &str| get(name).map(str::to_owned);
        let secret = |name: &str| get(name).map(|value| SecretString::from(value.to_owned()));
        let ci = |variable, server: &str, user| {
            Some(CiToken {
                variable,
                server: text(server)?,
                user,
                token: secret(variable)?,
            })
        };
        let count = get("GIT_CONFIG_COUNT")
            .and_then(|count| count.parse::<usize>().ok())
            .unwrap_or(0)
            .min(SETTINGS);
        Self {
            token: secret("KUBECTL_FLAGGER_GIT_TOKEN"),
            ci_tokens: [
                ci("GITHUB_TOKEN", "GITHUB_SERVER_URL", "x-access-token"),
                ci("CI_JOB_TOKEN", "CI_SERVER_URL", "gitlab-ci-token"),
            ]
            .into_iter()
            .flatten()
            .collect(),
            proxies: ProxySettings::default(),
            home: get("HOME").map(PathBuf::from),
            authorities: get("GIT_SSL_CAINFO").map(PathBuf::from),
            no_verify: get("GIT_SSL_NO_VERIFY").is_some(),
            askpass: text("GIT_ASKPASS"),
            ssh_askpass: text("SSH_ASKPASS"),
            ssh_command: text("GIT_SSH_COMMAND"),
            ssh: text("GIT_SSH"),
            ssh_variant: text("GIT_SSH_VARIANT"),
            settings: (0..count)
                .filter_map(|at| {
                    let key = text(&format!("GIT_CONFIG_KEY_{at}"))?;
                    Some((
                        key,
                        text(&format!("GIT_CONFIG_VALUE_{at}")).unwrap_or_default(),
                    ))
                })
                .collect(),
            interactive: false,
            trust_repository: false,
        }
    }

    /// A path of Git's configuration, where `~/` is the user's folder.
    pub(super) fn path(&self, text: &str) -> PathBuf {
        match (text.strip_prefix("~/"), &self.home) {
            (Some(below), Some(home)) => home.join(below),
            (Some(_) | None, _) => PathBuf::from(text),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn from(variables: &[(&'static str, &'static str)]) -> GitEnvironment {
        GitEnvironment::from_variables(|name| {
            variables
                .iter()
                .find(|(known, _)| *known == name)
                .map(|(_, value)| *value)
        })
    }

    #[test]
    fn a_ci_token_needs_its_server() {
        assert!(from(&[("GITHUB_TOKEN", "t")]).ci_tokens.is_empty());
        let both = from(&[
            ("GITHUB_TOKEN", "t"),
            ("GITHUB_SERVER_URL", "https://github.com"),
        ]);
        assert_eq!(both.ci_tokens[0].server, "https://github.com");
    }

    #[test]
    fn settings_of_the_environment_are_counted() {
        let read = from(&[
            ("GIT_CONFIG_COUNT", "1"),
            ("GIT_CONFIG_KEY_0", "http.proxy"),
            ("GIT_CONFIG_VALUE_0", "http://proxy:3128"),
            ("GIT_CONFIG_KEY_1", "core.sshCommand"),
        ]);
        assert_eq!(
            read.settings,
            [(
                String::from("http.proxy"),
                String::from("http://proxy:3128")
            )]
        );
    }

    #[test]
    fn a_tilde_is_the_users_folder() {
        let read = from(&[("HOME", "/home/me")]);
        assert_eq!(read.path("~/ca.pem"), PathBuf::from("/home/me/ca.pem"));
        assert_eq!(read.path("/etc/~/x"), PathBuf::from("/etc/~/x"));
    }

    #[test]
    fn tokens_do_not_show_in_debug_output() {
        let read = from(&[("KUBECTL_FLAGGER_GIT_TOKEN", "hunter2")]);
        assert!(!format!("{read:?}").contains("hunter2"));
    }
}
