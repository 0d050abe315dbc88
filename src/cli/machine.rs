//! What this machine has for metric backends: values of Secrets, so that none is read from the cluster, and logins
//! for clouds.

use crate::cli::environment::Environment;
use crate::metrics::Cloud;
use crate::metrics::CloudKind;
use crate::metrics::Credentials;
use crate::metrics::MetricProvider;
use crate::metrics::aws;
use crate::metrics::google;
use std::fs;
use std::path::Path;
use std::path::PathBuf;

/// Variables and files.
#[derive(Clone, Debug, Default)]
pub struct Machine {
    environment: Environment,
    secrets: Option<PathBuf>,
}

impl Machine {
    /// `secrets` is a folder with one folder a Secret and one file a key, as Kubernetes mounts them.
    #[must_use]
    pub fn new(environment: &Environment, secrets: Option<PathBuf>) -> Self {
        Self {
            environment: environment.clone(),
            secrets,
        }
    }

    /// What stands here for a Secret: its folder, else variables such as
    /// `KUBECTL_FLAGGER_SECRET_DATADOG_DATADOG_API_KEY`.
    #[must_use]
    pub fn secret(&self, name: &str, provider: &MetricProvider) -> Option<Credentials> {
        let folder = self.secrets.as_ref().map(|dir| dir.join(name));
        if let Some(found) = folder.as_deref().and_then(keys_in) {
            return Some(found);
        }
        let keys = provider.secret.logins().iter().copied().flatten();
        let keys = keys.chain(provider.more_keys);
        let found: Credentials = keys
            .filter_map(|key| {
                let value = self.environment.get(&variable(name, key))?;
                Some(((*key).to_owned(), value.to_owned()))
            })
            .collect();
        (!found.is_empty()).then_some(found)
    }

    /// The login for a cloud.
    ///
    /// # Errors
    /// Why there is none.
    pub fn cloud(&self, kind: CloudKind) -> Result<Cloud, String> {
        let variable = |name: &str| self.environment.get(name).map(str::to_owned);
        let read = |path: &str| {
            fs::read_to_string(path).map_err(|error| format!("{path} cannot be read: {error}"))
        };
        match kind {
            CloudKind::Aws => aws::Setup::of_machine(&variable, &read).map(Cloud::Aws),
            CloudKind::Google => google::Login::of_machine(&variable, &read).map(Cloud::Google),
        }
    }
}

/// The variable that stands for a key of a Secret.
fn variable(name: &str, key: &str) -> String {
    format!("KUBECTL_FLAGGER_SECRET_{name}_{key}")
        .to_uppercase()
        .replace(['-', '.'], "_")
}

/// The files of a folder, without the line feed that editors add.
fn keys_in(dir: &Path) -> Option<Credentials> {
    let files = fs::read_dir(dir).ok()?.flatten();
    let keys = files.filter_map(|file| {
        let key = file.file_name().into_string().ok()?;
        let text = fs::read_to_string(file.path()).ok()?;
        Some((key, text.trim_end_matches('\n').to_owned()))
    });
    Some(keys.collect())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::metrics::provider;

    #[test]
    fn a_secret_can_be_a_folder_or_variables() {
        let datadog = provider("datadog").unwrap();
        let dir = tempfile::tempdir().unwrap();
        fs::create_dir(dir.path().join("dd-keys")).unwrap();
        fs::write(dir.path().join("dd-keys/datadog_api_key"), "file\n").unwrap();
        let variables = [("KUBECTL_FLAGGER_SECRET_DD_KEYS_DATADOG_API_KEY", "variable")];
        let environment = Environment::from_variables(&variables);
        let value = |machine: &Machine, name: &str| {
            machine
                .secret(name, datadog)
                .map(|secret| secret["datadog_api_key"].clone())
        };
        let both = Machine::new(&environment, Some(dir.path().to_owned()));
        assert_eq!(value(&both, "dd-keys"), Some("file".to_owned()));
        let variables = Machine::new(&environment, None);
        assert_eq!(value(&variables, "dd-keys"), Some("variable".to_owned()));
        assert_eq!(value(&variables, "other"), None);
    }
}
