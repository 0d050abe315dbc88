//! Logins for Amazon, in the order of its own tools, and signatures of version 4.
//! <https://docs.aws.amazon.com/sdkref/latest/guide/standardized-credentials.html>
//! <https://docs.aws.amazon.com/IAM/latest/UserGuide/reference_sigv-create-signed-request.html>

use crate::canary::http::HttpRequest;
use crate::canary::http::HttpResponse;
use crate::metrics::Ask;
use crate::metrics::Cloud;
use crate::metrics::Reply;
use crate::metrics::reading::json;
use crate::metrics::reading::success;
use crate::metrics::reading::tag;
use crate::metrics::writing::TIMEOUT;
use crate::metrics::writing::escaped;
use crate::metrics::writing::form;
use crate::metrics::writing::header;
use jiff::Timestamp;
use jiff::tz::TimeZone;
use ring::hmac;
use sha2::Digest as _;
use sha2::Sha256;
use std::fmt::Write as _;

/// Metadata of a virtual machine; asked only where the user allows its address.
const MACHINE: &str = "http://169.254.169.254/latest";
/// Host of a container's login.
const CONTAINER: &str = "http://169.254.170.2";

/// What this machine has for Amazon.
#[derive(Clone, PartialEq, Eq)]
pub struct Setup {
    /// How keys are got.
    pub login: Login,
    /// Of the environment, instead of the public address of CloudWatch.
    pub endpoint: Option<String>,
}

/// How keys are got.
#[derive(Clone, PartialEq, Eq)]
pub enum Login {
    /// They are there.
    Keys(Keys),
    /// For a token that somebody else has signed, such as Kubernetes or a CI host.
    WebIdentity {
        /// ARN of the role.
        role: String,
        /// The token.
        token: String,
        /// How the session is called in logs.
        session: String,
    },
    /// From the container's host.
    Container {
        /// Where.
        url: String,
        /// Header of that name.
        authorization: Option<String>,
    },
    /// From the metadata of the machine.
    Machine,
}

/// What requests are signed with.
#[derive(Clone, PartialEq, Eq)]
pub struct Keys {
    id: String,
    secret: String,
    session: Option<String>,
}

/// A request that these keys have signed.
pub(super) type Signed = fn(&Ask<'_>, &Keys) -> Result<HttpRequest, String>;
/// Reads what comes back.
pub(super) type Read = fn(&Ask<'_>, &HttpResponse) -> Reply;

impl Setup {
    /// Of this machine: `variable` is the environment, `read` reads a file.
    ///
    /// # Errors
    /// A file that is named cannot be read, or a profile wants what is not spoken.
    pub fn of_machine(
        variable: &dyn Fn(&str) -> Option<String>,
        read: &dyn Fn(&str) -> Result<String, String>,
    ) -> Result<Self, String> {
        let endpoint = variable("AWS_ENDPOINT_URL_CLOUDWATCH");
        Ok(Self {
            login: Login::of_machine(variable, read)?,
            endpoint: endpoint.or_else(|| variable("AWS_ENDPOINT_URL")),
        })
    }
}

impl Login {
    fn of_machine(
        variable: &dyn Fn(&str) -> Option<String>,
        read: &dyn Fn(&str) -> Result<String, String>,
    ) -> Result<Self, String> {
        if let (Some(id), Some(secret)) = (
            variable("AWS_ACCESS_KEY_ID"),
            variable("AWS_SECRET_ACCESS_KEY"),
        ) {
            let session = variable("AWS_SESSION_TOKEN");
            return Ok(Self::Keys(Keys {
                id,
                secret,
                session,
            }));
        }
        let session =
            || variable("AWS_ROLE_SESSION_NAME").unwrap_or_else(|| "kubectl-flagger".to_owned());
        let web_identity = |role: String, path: &str| {
            let token = read(path)?.trim().to_owned();
            let session = session();
            Ok(Self::WebIdentity {
                role,
                token,
                session,
            })
        };
        if let (Some(role), Some(path)) = (
            variable("AWS_ROLE_ARN"),
            variable("AWS_WEB_IDENTITY_TOKEN_FILE"),
        ) {
            return web_identity(role, &path);
        }
        let home = variable("HOME").unwrap_or_default();
        let file = |name: &str, usual: &str| {
            let path = variable(name).unwrap_or_else(|| format!("{home}/.aws/{usual}"));
            read(&path).unwrap_or_default()
        };
        let asked = variable("AWS_PROFILE");
        let profile = asked.clone().unwrap_or_else(|| "default".to_owned());
        let keys = file("AWS_SHARED_CREDENTIALS_FILE", "credentials");
        let settings = file("AWS_CONFIG_FILE", "config");
        let of_profile = |key: &str| {
            let named = format!("profile {profile}");
            setting(&keys, &profile, key)
                .or_else(|| setting(&settings, &named, key))
                .or_else(|| setting(&settings, &profile, key))
        };
        if let (Some(id), Some(secret)) = (
            of_profile("aws_access_key_id"),
            of_profile("aws_secret_access_key"),
        ) {
            let session = of_profile("aws_session_token");
            return Ok(Self::Keys(Keys {
                id,
                secret,
                session,
            }));
        }
        if let (Some(role), Some(path)) = (
            of_profile("role_arn"),
            of_profile("web_identity_token_file"),
        ) {
            return web_identity(role, &path);
        }
        let other = [
            "role_arn",
            "sso_session",
            "sso_start_url",
            "credential_process",
        ];
        if let Some(key) = other.iter().find(|key| of_profile(key).is_some()) {
            return Err(format!(
                "AWS profile {profile} has {key}, which is not spoken here: aws configure export-credentials --format env gives its keys"
            ));
        }
        if let Some(profile) = asked {
            return Err(format!("AWS profile {profile} has no keys"));
        }
        let relative = variable("AWS_CONTAINER_CREDENTIALS_RELATIVE_URI");
        let container = relative.map(|path| format!("{CONTAINER}{path}"));
        match container.or_else(|| variable("AWS_CONTAINER_CREDENTIALS_FULL_URI")) {
            Some(url) => {
                let file = variable("AWS_CONTAINER_AUTHORIZATION_TOKEN_FILE");
                let token = file.map(|path| read(&path)).transpose()?;
                let token = token.map(|token| token.trim().to_owned());
                let authorization = token.or_else(|| variable("AWS_CONTAINER_AUTHORIZATION_TOKEN"));
                Ok(Self::Container { url, authorization })
            }
            None => Ok(Self::Machine),
        }
    }
}

/// A value in a section of AWS's files.
fn setting(file: &str, section: &str, key: &str) -> Option<String> {
    let mut here = false;
    for line in file.lines().map(str::trim) {
        if let Some(name) = line
            .strip_prefix('[')
            .and_then(|rest| rest.strip_suffix(']'))
        {
            here = name.trim() == section;
        } else if let Some((name, value)) = line.split_once('=')
            && here
            && name.trim() == key
        {
            return Some(value.trim().to_owned());
        }
    }
    None
}

/// A region may come from a repository, and becomes part of a host name.
///
/// # Errors
/// It could not be one.
pub fn region(region: &str) -> Result<&str, String> {
    let fits = |byte: u8| byte.is_ascii_lowercase() || byte.is_ascii_digit() || byte == b'-';
    if !region.is_empty() && region.bytes().all(fits) {
        return Ok(region);
    }
    Err(format!("{region:?} is no region of AWS, such as eu-west-1"))
}

/// The region of the backend.
pub(super) fn region_of<'a>(ask: &Ask<'a>) -> Result<&'a str, String> {
    region(ask.backend.region.as_deref().unwrap_or_default())
}

/// Address of a service in a region.
#[must_use]
pub fn address(service: &str, region: &str) -> String {
    let land = if region.starts_with("cn-") { ".cn" } else { "" };
    format!("https://{service}.{region}.amazonaws.com{land}")
}

fn login<'a>(ask: &Ask<'a>) -> Result<&'a Login, String> {
    match &ask.backend.cloud {
        Some(Cloud::Aws(setup)) => Ok(&setup.login),
        Some(Cloud::Google(_)) | None => Err("there is no login for AWS".to_owned()),
    }
}

/// The first request on the way to a signed one in that region.
pub(super) fn first(ask: &Ask<'_>, region: &str, signed: Signed) -> Result<HttpRequest, String> {
    match login(ask)? {
        Login::Keys(keys) => signed(ask, keys),
        Login::WebIdentity {
            role,
            token,
            session,
        } => Ok(form(
            &format!("{}/", address("sts", region)),
            &[
                ("Action", "AssumeRoleWithWebIdentity"),
                ("Version", "2011-06-15"),
                ("RoleArn", role),
                ("RoleSessionName", session),
                ("WebIdentityToken", token),
            ],
        )),
        Login::Container { url, authorization } => {
            let authorization = authorization
                .as_deref()
                .map(|value| ("Authorization", value));
            Ok(asked("GET", url.clone(), authorization))
        }
        Login::Machine => {
            let lifetime = ("X-aws-ec2-metadata-token-ttl-seconds", "300");
            Ok(asked("PUT", format!("{MACHINE}/api/token"), Some(lifetime)))
        }
    }
}

/// What comes of the first response.
pub(super) fn then(ask: &Ask<'_>, response: &HttpResponse, signed: Signed, read: Read) -> Reply {
    match login(ask) {
        Ok(Login::Keys(_)) => read(ask, response),
        Ok(Login::WebIdentity { .. }) => with(ask, keys_in_xml(response), signed, read),
        Ok(Login::Container { .. }) => with(ask, keys_in_json(response), signed, read),
        Ok(Login::Machine) => of_machine(response, signed, read),
        Err(why) => Reply::error(why),
    }
}

fn with(ask: &Ask<'_>, keys: Result<Keys, String>, signed: Signed, read: Read) -> Reply {
    Reply::next(keys.and_then(|keys| signed(ask, &keys)), read)
}

/// Token, name of the role, its keys.
fn of_machine(response: &HttpResponse, signed: Signed, read: Read) -> Reply {
    let text = |response: &HttpResponse| {
        let body = success("the machine's metadata", response)?;
        Ok(String::from_utf8_lossy(body).trim().to_owned())
    };
    let look = |path: &str, token: &str| {
        let url = format!("{MACHINE}/meta-data/iam/security-credentials/{path}");
        asked("GET", url, Some(("X-aws-ec2-metadata-token", token)))
    };
    let token: Result<String, String> = text(response);
    let roles = token.clone().map(|token| look("", &token));
    Reply::next(roles, move |_, response| {
        let role = text(response);
        let keys = role.and_then(|role| Ok(look(&escaped(&role), &token?)));
        Reply::next(keys, move |ask, response| {
            with(ask, keys_in_json(response), signed, read)
        })
    })
}

fn asked(method: &'static str, url: String, one: Option<(&str, &str)>) -> HttpRequest {
    let owned = |(name, value): (&str, &str)| (name.to_owned(), value.to_owned());
    HttpRequest {
        method,
        url,
        headers: one.into_iter().map(owned).collect(),
        body: Vec::new(),
        timeout: TIMEOUT,
    }
}

fn keys_in_xml(response: &HttpResponse) -> Result<Keys, String> {
    let text = String::from_utf8_lossy(success("AWS's login", response)?);
    let value = |name: &str| {
        let found = tag(&text, name).map(str::to_owned);
        found.ok_or_else(|| format!("AWS's login answers without {name}"))
    };
    Ok(Keys {
        id: value("AccessKeyId")?,
        secret: value("SecretAccessKey")?,
        session: Some(value("SessionToken")?),
    })
}

fn keys_in_json(response: &HttpResponse) -> Result<Keys, String> {
    let body = json("AWS's login", response)?;
    let value = |name: &str| {
        let found = body[name].as_str().map(str::to_owned);
        found.ok_or_else(|| format!("AWS's login answers without {name}"))
    };
    Ok(Keys {
        id: value("AccessKeyId")?,
        secret: value("SecretAccessKey")?,
        session: Some(value("Token")?),
    })
}

/// Signs a request whose URL is escaped already.
pub(super) fn sign(
    request: &mut HttpRequest,
    keys: &Keys,
    service: &str,
    region: &str,
    now: Timestamp,
) {
    let utc = now.to_zoned(TimeZone::UTC);
    let at = utc.strftime("%Y%m%dT%H%M%SZ").to_string();
    let day = &at[..8];
    header(request, "X-Amz-Date", &at);
    if let Some(session) = &keys.session {
        header(request, "X-Amz-Security-Token", session);
    }
    let (host, path, query) = parts(&request.url);
    let mut parameters: Vec<&str> = query.split('&').collect();
    parameters.sort_unstable();
    let mut signed: Vec<(String, &str)> = request
        .headers
        .iter()
        .map(|(name, value)| (name.to_lowercase(), value.trim()))
        .collect();
    signed.push(("host".to_owned(), host));
    signed.sort();
    let names: Vec<&str> = signed.iter().map(|(name, _)| name.as_str()).collect();
    let names = names.join(";");
    let lines = signed
        .iter()
        .map(|(name, value)| format!("{name}:{value}\n"));
    let canonical = format!(
        "{}\n{}\n{}\n{}\n{names}\n{}",
        request.method,
        path.split('/').map(escaped).collect::<Vec<_>>().join("/"),
        parameters.join("&"),
        lines.collect::<String>(),
        hex(&Sha256::digest(&request.body)),
    );
    let scope = format!("{day}/{region}/{service}/aws4_request");
    let digest = hex(&Sha256::digest(canonical));
    let text = format!("AWS4-HMAC-SHA256\n{at}\n{scope}\n{digest}");
    let mut key = format!("AWS4{}", keys.secret).into_bytes();
    for part in [day, region, service, "aws4_request"] {
        key = keyed(&key, part);
    }
    let signature = hex(&keyed(&key, &text));
    let id = &keys.id;
    let authorization = format!(
        "AWS4-HMAC-SHA256 Credential={id}/{scope}, SignedHeaders={names}, Signature={signature}"
    );
    header(request, "Authorization", &authorization);
}

/// Host, path and query.
fn parts(url: &str) -> (&str, &str, &str) {
    let (_, rest) = url.split_once("://").unwrap_or(("", url));
    let (rest, query) = rest.split_once('?').unwrap_or((rest, ""));
    let at = rest.find('/').unwrap_or(rest.len());
    let (host, path) = rest.split_at(at);
    (host, if path.is_empty() { "/" } else { path }, query)
}

fn keyed(key: &[u8], text: &str) -> Vec<u8> {
    let key = hmac::Key::new(hmac::HMAC_SHA256, key);
    hmac::sign(&key, text.as_bytes()).as_ref().to_vec()
}

fn hex(bytes: &[u8]) -> String {
    let mut text = String::with_capacity(bytes.len() * 2);
    for byte in bytes {
        // Writing into a string cannot fail.
        let _infallible = write!(text, "{byte:02x}");
    }
    text
}

#[cfg(test)]
mod tests;
