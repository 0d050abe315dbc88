//! Credential plugins (`exec` of a kubeconfig's user): run once to connect, and again when the server no longer takes
//! their token, which is what the protocol promises for tokens without an expiry.
//!
//! The client library would run a plugin three times to connect, and never again if its token has no expiry. What a
//! plugin prints is never shown, only what it says on its standard error, with credentials hidden.

use crate::kubernetes::error::redacted;
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use http::HeaderValue;
use http::Request;
use http::Response;
use http::StatusCode;
use http::header::AUTHORIZATION;
use jiff::Timestamp;
use kube::Client;
use kube::client::AuthError;
use kube::client::Body;
use kube::config::AuthInfo;
use kube::config::ExecAuthCluster;
use kube::config::ExecConfig;
use kube::config::ExecInteractiveMode;
use secrecy::ExposeSecret as _;
use secrecy::SecretString;
use serde::Deserialize;
use serde_json::json;
use std::process::Command;
use std::process::Stdio;
use std::sync::Arc;
use tokio::sync::Mutex;

/// A plugin and what it has to be told.
#[derive(Clone)]
pub struct Plugin {
    exec: ExecConfig,
    cluster: Option<ExecAuthCluster>,
}

/// What a plugin gave.
pub struct Credentials {
    /// Sent with each request.
    pub token: Option<SecretString>,
    /// Shown in the TLS handshake: certificate and key, PEM.
    pub identity: Option<(String, SecretString)>,
    /// When they end, if the plugin says.
    pub expires: Option<Timestamp>,
}

/// The plugin's answer, `client.authentication.k8s.io` ExecCredential; JSON or YAML.
#[derive(Deserialize)]
struct Answer {
    status: Option<Status>,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Status {
    expiration_timestamp: Option<Timestamp>,
    token: Option<String>,
    client_certificate_data: Option<String>,
    client_key_data: Option<String>,
}

impl Plugin {
    /// Takes the plugin out of the user's entry, if it has one and no credentials that come before it.
    #[must_use]
    pub fn take(user: &mut AuthInfo, cluster: ExecAuthCluster) -> Option<Self> {
        let exec = user.exec.take()?;
        if user.token.is_some() || user.token_file.is_some() || user.password.is_some() {
            return None;
        }
        let cluster = exec.provide_cluster_info.then_some(cluster);
        Some(Self { exec, cluster })
    }

    /// Runs it. `person`: somebody is at the terminal whom it may ask.
    ///
    /// # Errors
    /// Why there are no credentials, for people.
    pub fn run(&self, person: bool) -> Result<Credentials, String> {
        let mode = self
            .exec
            .interactive_mode
            .as_ref()
            .unwrap_or(&ExecInteractiveMode::IfAvailable);
        let ask = match mode {
            ExecInteractiveMode::Never => false,
            ExecInteractiveMode::IfAvailable => person,
            ExecInteractiveMode::Always if person => true,
            ExecInteractiveMode::Always => {
                return Err(
                    "its credential plugin must ask somebody, and nobody is at the terminal"
                        .to_owned(),
                );
            }
        };
        let command = self
            .exec
            .command
            .as_deref()
            .filter(|command| !command.is_empty())
            .ok_or("the credential plugin has no command")?;
        let program = command.rsplit(['/', '\\']).next().unwrap_or(command);
        let out = self
            .command(command, ask)
            .output()
            .map_err(|error| self.does_not_start(program, &error))?;
        if !out.status.success() {
            let said = redacted(&String::from_utf8_lossy(&out.stderr));
            let colon = if said.is_empty() { "" } else { ": " };
            return Err(format!(
                "the credential plugin {program} failed with {}{colon}{said}",
                out.status
            ));
        }
        credentials(&out.stdout).ok_or_else(|| {
            format!("the answer of the credential plugin {program} has no credentials")
        })
    }

    fn command(&self, program: &str, ask: bool) -> Command {
        let told = json!({
            "apiVersion": self.exec.api_version,
            "kind": "ExecCredential",
            "spec": {"interactive": ask, "cluster": self.cluster},
        });
        let mut command = Command::new(program);
        command
            .args(self.exec.args.iter().flatten())
            .env("KUBERNETES_EXEC_INFO", told.to_string())
            .stdout(Stdio::piped());
        for variable in self.exec.env.iter().flatten() {
            if let (Some(name), Some(value)) = (variable.get("name"), variable.get("value")) {
                command.env(name, value);
            }
        }
        if ask {
            command.stdin(Stdio::inherit()).stderr(Stdio::inherit());
        } else {
            command.stdin(Stdio::null()).stderr(Stdio::piped());
        }
        command
    }

    fn does_not_start(&self, program: &str, error: &std::io::Error) -> String {
        let hint = self.exec.install_hint.as_deref().unwrap_or_default();
        let gap = if hint.is_empty() { "" } else { "; " };
        format!(
            "the credential plugin {program} does not start: {error}{gap}{}",
            hint.trim()
        )
    }
}

fn credentials(answer: &[u8]) -> Option<Credentials> {
    let answer: Answer = serde_yaml::from_slice(answer).ok()?;
    let status = answer.status?;
    let identity = status.client_certificate_data.zip(status.client_key_data);
    if status.token.is_none() && identity.is_none() {
        return None;
    }
    Some(Credentials {
        token: status.token.map(SecretString::from),
        identity: identity.map(|(certificate, key)| (certificate, SecretString::from(key))),
        expires: status.expiration_timestamp,
    })
}

/// Puts a certificate that a plugin gave where the client looks for one.
pub fn with_identity(user: &mut AuthInfo, credentials: &Credentials) {
    if let Some((certificate, key)) = &credentials.identity {
        user.client_certificate_data = Some(STANDARD.encode(certificate));
        user.client_key_data = Some(SecretString::from(STANDARD.encode(key.expose_secret())));
    }
}

/// A token, and how often it was renewed.
struct Current {
    token: SecretString,
    renewals: u64,
}

/// A client that sends the plugin's token with each request, and runs the plugin again when it is refused.
#[must_use]
pub fn with_token(client: Client, namespace: &str, plugin: Plugin, token: SecretString) -> Client {
    let plugin = Arc::new(plugin);
    let current = Arc::new(Mutex::new(Current { token, renewals: 0 }));
    let service = tower::service_fn(move |request: Request<Body>| {
        exchange(
            client.clone(),
            Arc::clone(&plugin),
            Arc::clone(&current),
            request,
        )
    });
    Client::new(service, namespace)
}

async fn exchange(
    client: Client,
    plugin: Arc<Plugin>,
    current: Arc<Mutex<Current>>,
    mut request: Request<Body>,
) -> Result<Response<Body>, kube::Error> {
    let again = copy(&request);
    let (token, renewals) = {
        let current = current.lock().await;
        (bearer(&current.token)?, current.renewals)
    };
    request.headers_mut().insert(AUTHORIZATION, token);
    let answer = client.send(request).await?;
    let Some(mut again) = again.filter(|_| answer.status() == StatusCode::UNAUTHORIZED) else {
        return Ok(answer);
    };
    let token = {
        let mut current = current.lock().await;
        // Another request may have been faster.
        if current.renewals == renewals {
            current.token = renewed(plugin).await?;
            current.renewals += 1;
        }
        bearer(&current.token)?
    };
    again.headers_mut().insert(AUTHORIZATION, token);
    client.send(again).await
}

async fn renewed(plugin: Arc<Plugin>) -> Result<SecretString, kube::Error> {
    // Nobody is asked in the middle of a rollout.
    let ran = tokio::task::spawn_blocking(move || plugin.run(false))
        .await
        .map_err(|error| failed(error.to_string()))?;
    ran.map_err(failed)?
        .token
        .ok_or_else(|| failed("the credential plugin gives no token any more".to_owned()))
}

fn failed(why: String) -> kube::Error {
    kube::Error::Auth(AuthError::AuthExec(why))
}

fn bearer(token: &SecretString) -> Result<HeaderValue, kube::Error> {
    let mut value = HeaderValue::try_from(format!("Bearer {}", token.expose_secret()))
        .map_err(|error| kube::Error::Auth(AuthError::InvalidBearerToken(error)))?;
    value.set_sensitive(true);
    Ok(value)
}

fn copy(request: &Request<Body>) -> Option<Request<Body>> {
    let mut copy = Request::new(request.body().try_clone()?);
    *copy.method_mut() = request.method().clone();
    *copy.uri_mut() = request.uri().clone();
    *copy.headers_mut() = request.headers().clone();
    Some(copy)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::kubernetes::client::ensure_crypto;
    use http_body_util::Full;

    fn shell(script: &str) -> Plugin {
        Plugin {
            exec: ExecConfig {
                command: Some("sh".to_owned()),
                args: Some(vec!["-c".to_owned(), script.to_owned()]),
                interactive_mode: Some(ExecInteractiveMode::Never),
                ..ExecConfig::default()
            },
            cluster: None,
        }
    }

    fn token_of(plugin: &Plugin) -> String {
        let given = plugin.run(false).unwrap();
        given.token.unwrap().expose_secret().to_owned()
    }

    #[test]
    fn a_plugin_answers_in_json_or_yaml() {
        assert_eq!(
            token_of(&shell(
                r#"echo '{"status":{"token":"a","expirationTimestamp":"2030-01-01T00:00:00Z"}}'"#
            )),
            "a"
        );
        assert_eq!(token_of(&shell("printf 'status:\\n  token: b\\n'")), "b");
    }

    #[test]
    fn a_plugin_is_told_that_nobody_can_be_asked() {
        let script = r#"echo "$KUBERNETES_EXEC_INFO" | grep -q '"interactive":false' && echo 'status: {token: ok}'"#;
        assert_eq!(token_of(&shell(script)), "ok");
    }

    #[test]
    fn an_answer_without_credentials_is_not_shown() {
        let why = shell("echo hunter2").run(false).err().unwrap();
        assert_eq!(
            why,
            "the answer of the credential plugin sh has no credentials"
        );
    }

    #[test]
    fn a_missing_plugin_comes_with_its_hint() {
        let mut plugin = shell("");
        plugin.exec.command = Some("/nowhere/kubelogin".to_owned());
        plugin.exec.install_hint = Some("brew install kubelogin\n".to_owned());
        let why = plugin.run(false).err().unwrap();
        assert!(
            why.starts_with("the credential plugin kubelogin does not start"),
            "{why}"
        );
        assert!(why.ends_with("; brew install kubelogin"), "{why}");
    }

    #[test]
    fn a_certificate_goes_where_the_client_looks_for_it() {
        let given = shell("echo 'status: {clientCertificateData: C, clientKeyData: K}'")
            .run(false)
            .unwrap();
        let mut user = AuthInfo::default();
        with_identity(&mut user, &given);
        assert_eq!(user.client_certificate_data.as_deref(), Some("Qw=="));
        assert!(user.client_key_data.is_some());
    }

    /// Takes only that token.
    fn server(accepts: &'static str) -> Client {
        let service = tower::service_fn(move |request: Request<Body>| async move {
            let sent = request.headers().get(AUTHORIZATION).cloned();
            let mut answer = Response::new(Full::new(bytes::Bytes::new()));
            if sent.is_none_or(|sent| sent != accepts) {
                *answer.status_mut() = StatusCode::UNAUTHORIZED;
            }
            Ok::<_, kube::Error>(answer)
        });
        Client::new(service, "shop")
    }

    async fn status(client: &Client) -> StatusCode {
        let request = Request::new(Body::from(b"body".to_vec()));
        client.send(request).await.unwrap().status()
    }

    #[tokio::test]
    async fn a_refused_token_is_renewed_once_and_the_request_sent_again() {
        ensure_crypto();
        let plugin = shell("echo 'status: {token: new}'");
        let client = with_token(
            server("Bearer new"),
            "shop",
            plugin,
            "old".to_owned().into(),
        );
        assert_eq!(status(&client).await, StatusCode::OK);
        assert_eq!(status(&client).await, StatusCode::OK);
    }

    #[tokio::test]
    async fn a_renewed_token_that_is_refused_too_is_the_end() {
        let plugin = shell("echo 'status: {token: new}'");
        let client = with_token(
            server("Bearer other"),
            "shop",
            plugin,
            "old".to_owned().into(),
        );
        assert_eq!(status(&client).await, StatusCode::UNAUTHORIZED);
    }

    #[tokio::test]
    async fn a_plugin_that_fails_to_renew_is_a_login_failure() {
        let plugin = shell("echo 'session over' >&2; exit 1");
        let client = with_token(
            server("Bearer new"),
            "shop",
            plugin,
            "old".to_owned().into(),
        );
        let request = Request::new(Body::empty());
        let error = client.send(request).await.err().unwrap();
        assert!(matches!(error, kube::Error::Auth(_)), "{error:?}");
        assert!(error.to_string().contains("session over"), "{error}");
    }
}
