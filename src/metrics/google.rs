//! Logins for Google: the key of a service account, or application default credentials.
//! <https://developers.google.com/identity/protocols/oauth2/service-account#httprest>
//! <https://cloud.google.com/docs/authentication/application-default-credentials>

use crate::canary::http::HttpRequest;
use crate::canary::http::HttpResponse;
use crate::metrics::reading::json;
use crate::metrics::writing::TIMEOUT;
use crate::metrics::writing::form;
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use jiff::Timestamp;
use ring::rand::SystemRandom;
use ring::signature::RSA_PKCS1_SHA256;
use ring::signature::RsaKeyPair;
use serde::Deserialize;
use serde_json::json;

/// Where tokens are given out, unless a key says otherwise.
const TOKENS: &str = "https://oauth2.googleapis.com/token";
/// Asked last, and only where the user allows its address.
const METADATA: &str =
    "http://metadata.google.internal/computeMetadata/v1/instance/service-accounts/default/token";
/// How long a token is asked for, seconds; the most that is given.
const LIFETIME: i64 = 3600;

/// How a token is got.
#[derive(Clone, PartialEq, Eq)]
pub enum Login {
    /// By signing with the key of a service account.
    Key(ServiceAccount),
    /// By a person's refresh token, as `gcloud auth application-default login` leaves it.
    Person(Person),
    /// From the machine, which belongs to Google.
    Machine {
        /// Of the environment.
        project: Option<String>,
    },
}

/// The key of a service account.
#[derive(Clone, PartialEq, Eq, Deserialize)]
pub struct ServiceAccount {
    client_email: String,
    private_key: String,
    private_key_id: Option<String>,
    project_id: Option<String>,
    token_uri: Option<String>,
}

/// A person's login.
#[derive(Clone, PartialEq, Eq, Deserialize)]
pub struct Person {
    client_id: String,
    client_secret: String,
    refresh_token: String,
    quota_project_id: Option<String>,
}

#[derive(Deserialize)]
#[serde(tag = "type", rename_all = "snake_case")]
enum Credentials {
    ServiceAccount(ServiceAccount),
    AuthorizedUser(Person),
}

impl Login {
    /// Of this machine: `variable` is the environment, `read` reads a file.
    ///
    /// # Errors
    /// A file that is named cannot be read or used.
    pub fn of_machine(
        variable: &dyn Fn(&str) -> Option<String>,
        read: &dyn Fn(&str) -> Result<String, String>,
    ) -> Result<Self, String> {
        if let Some(path) = variable("GOOGLE_APPLICATION_CREDENTIALS") {
            return Self::of_key(&read(&path)?);
        }
        let settings = variable("CLOUDSDK_CONFIG")
            .or_else(|| Some(format!("{}/.config/gcloud", variable("HOME")?)));
        let known = settings.map(|dir| format!("{dir}/application_default_credentials.json"));
        match known.and_then(|path| read(&path).ok()) {
            Some(text) => Self::of_key(&text),
            None => Ok(Self::Machine {
                project: variable("GOOGLE_CLOUD_PROJECT"),
            }),
        }
    }

    /// Of the text of a key or a person's login.
    ///
    /// # Errors
    /// It is neither. The text is not shown.
    pub fn of_key(text: &str) -> Result<Self, String> {
        match serde_json::from_str(text) {
            Ok(Credentials::ServiceAccount(key)) => Ok(Self::Key(key)),
            Ok(Credentials::AuthorizedUser(person)) => Ok(Self::Person(person)),
            Err(_) => Err(
                "the login for Google is no JSON of type service_account or authorized_user"
                    .to_owned(),
            ),
        }
    }

    /// The project it belongs to.
    #[must_use]
    pub fn project(&self) -> Option<String> {
        match self {
            Self::Key(key) => key.project_id.clone(),
            Self::Person(person) => person.quota_project_id.clone(),
            Self::Machine { project } => project.clone(),
        }
    }

    /// Asks for a token.
    pub(super) fn request(&self, scope: &str, now: Timestamp) -> Result<HttpRequest, String> {
        match self {
            Self::Key(key) => {
                let url = key.token_uri.as_deref().unwrap_or(TOKENS);
                let assertion = key.assertion(url, scope, now)?;
                let grant = "urn:ietf:params:oauth:grant-type:jwt-bearer";
                Ok(form(
                    url,
                    &[("grant_type", grant), ("assertion", &assertion)],
                ))
            }
            Self::Person(person) => Ok(form(
                TOKENS,
                &[
                    ("grant_type", "refresh_token"),
                    ("client_id", &person.client_id),
                    ("client_secret", &person.client_secret),
                    ("refresh_token", &person.refresh_token),
                ],
            )),
            Self::Machine { .. } => Ok(HttpRequest {
                method: "GET",
                url: METADATA.to_owned(),
                headers: vec![("Metadata-Flavor".to_owned(), "Google".to_owned())],
                body: Vec::new(),
                timeout: TIMEOUT,
            }),
        }
    }
}

impl ServiceAccount {
    /// A signed claim (RFC 7523).
    fn assertion(&self, url: &str, scope: &str, now: Timestamp) -> Result<String, String> {
        let now = now.as_second();
        let head = json!({"alg": "RS256", "typ": "JWT", "kid": self.private_key_id});
        let claims = json!({
            "iss": self.client_email, "scope": scope, "aud": url, "iat": now, "exp": now + LIFETIME,
        });
        let part = |value: serde_json::Value| URL_SAFE_NO_PAD.encode(value.to_string());
        let claim = format!("{}.{}", part(head), part(claims));
        let unusable = |_| "the private key of the service account cannot be used".to_owned();
        let key = RsaKeyPair::from_pkcs8(&der(&self.private_key)).map_err(unusable)?;
        let mut signature = vec![0; key.public().modulus_len()];
        key.sign(
            &RSA_PKCS1_SHA256,
            &SystemRandom::new(),
            claim.as_bytes(),
            &mut signature,
        )
        .map_err(|_| "the service account's key does not sign".to_owned())?;
        Ok(format!("{claim}.{}", URL_SAFE_NO_PAD.encode(signature)))
    }
}

/// The bytes of a PEM file; none where it is something else.
fn der(pem: &str) -> Vec<u8> {
    let lines = pem.lines().filter(|line| !line.starts_with("-----"));
    let text: String = lines.map(str::trim).collect();
    STANDARD.decode(text).unwrap_or_default()
}

/// The token that came.
pub(super) fn token(response: &HttpResponse) -> Result<String, String> {
    let body = json("Google's login", response)?;
    let token = body["access_token"].as_str();
    token
        .map(str::to_owned)
        .ok_or_else(|| "Google's login answers without access_token".to_owned())
}
