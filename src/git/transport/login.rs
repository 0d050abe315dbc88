//! Which logins are tried at an https server, and in which order: each once, and at most [`ATTEMPTS`].
//!
//! A login goes to the server it was meant for only, and never unencrypted over a network.

use crate::git::transport::program;
use crate::git::transport::program::through_shell;
use crate::git::transport::session::Session;
use crate::git::transport::settings::Value;
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use reqwest::Url;
use secrecy::ExposeSecret as _;
use secrecy::SecretString;
use std::collections::VecDeque;
use std::path::Path;
use std::sync::PoisonError;
use tokio::process::Command;

/// Logins that are tried before the server's no is believed.
const ATTEMPTS: usize = 5;
/// The name beside a token where the URL has none; servers that take tokens do not look at it.
const TOKEN_USER: &str = "x-access-token";

/// The value of one `Authorization` header.
#[derive(Clone, Debug)]
pub(in crate::git) struct Login {
    /// Where it came from, for people.
    pub name: String,
    pub header: SecretString,
}

/// A login that worked.
#[derive(Clone, Debug)]
pub(in crate::git) struct Remembered {
    /// The URL of the remote, as it is configured.
    pub url: String,
    pub login: Login,
}

/// How a login is come by.
#[derive(Debug)]
enum Method {
    Ready(Login),
    Helper(String),
    Askpass { program: String, name: &'static str },
}

/// The logins for one remote, most explicit first: the URL's own, our variable, `http.extraHeader`, the CI system's
/// token, credential helpers, askpass.
#[derive(Debug)]
pub(super) struct Logins<'a> {
    session: &'a Session,
    url: &'a Url,
    plan: VecDeque<Method>,
    tried: Vec<String>,
    /// Why something was left out.
    notes: Vec<&'static str>,
}

impl<'a> Logins<'a> {
    pub fn new(session: &'a Session, url: &'a Url) -> Self {
        let mut logins = Self {
            session,
            url,
            plan: VecDeque::new(),
            tried: Vec::new(),
            notes: Vec::new(),
        };
        if is_private(url) {
            logins.explicit();
            logins.asked_for();
        } else {
            logins
                .notes
                .push("no login is sent over plain http: use https");
        }
        logins
    }

    fn explicit(&mut self) {
        let environment = &self.session.network.environment;
        let remembered = self
            .session
            .network
            .remembered
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
            .clone()
            .filter(|remembered| remembered.url == self.url.as_str());
        let user = user(self.url);
        let password = self.url.password().map(decoded);
        let of_url = password.map(|password| {
            let user = user.as_deref().unwrap_or_default();
            basic("the password in the URL", user, &password)
        });
        let of_token = environment.token.as_ref().map(|token| {
            let user = user.as_deref().unwrap_or(TOKEN_USER);
            basic("KUBECTL_FLAGGER_GIT_TOKEN", user, token.expose_secret())
        });
        let of_header = self
            .session
            .settings
            .by_fit("http", "extraheader", self.url)
            .iter()
            .rev()
            .find_map(|value| authorization(value.text))
            .map(|header| Login {
                name: String::from("http.extraHeader"),
                header: SecretString::from(header.to_owned()),
            });
        let of_ci = environment
            .ci_tokens
            .iter()
            .filter(|ci| Url::parse(&ci.server).is_ok_and(|server| same_server(&server, self.url)))
            .map(|ci| basic(ci.variable, ci.user, ci.token.expose_secret()));
        self.plan = remembered
            .map(|remembered| remembered.login)
            .into_iter()
            .chain(of_url)
            .chain(of_token)
            .chain(of_header)
            .chain(of_ci)
            .map(Method::Ready)
            .collect();
    }

    fn asked_for(&mut self) {
        let environment = &self.session.network.environment;
        let settings = &self.session.settings;
        for helper in settings.all("credential", "helper", self.url) {
            if self.may_run(
                helper,
                "the repository's own credential.helper is not run without --trust-repo-config",
            ) {
                self.plan.push_back(Method::Helper(helper.text.to_owned()));
            }
        }
        let configured = settings
            .plain("core", "askpass")
            .filter(|value| {
                self.may_run(
                    *value,
                    "the repository's own core.askPass is not run without --trust-repo-config",
                )
            })
            .map(|value| environment.path(value.text).display().to_string());
        let askpass = environment
            .askpass
            .as_deref()
            .map(|program| (program, "GIT_ASKPASS"))
            .or_else(|| {
                configured
                    .as_deref()
                    .map(|program| (program, "core.askPass"))
            })
            .or_else(|| {
                environment
                    .ssh_askpass
                    .as_deref()
                    .map(|program| (program, "SSH_ASKPASS"))
            });
        if let Some((program, name)) = askpass {
            self.plan.push_back(Method::Askpass {
                program: program.to_owned(),
                name,
            });
        }
    }

    fn may_run(&mut self, value: Value<'_>, note: &'static str) -> bool {
        let may = value.ours || self.session.network.environment.trust_repository;
        if !may && !self.notes.contains(&note) {
            self.notes.push(note);
        }
        may
    }

    /// A login that can be sent before the server asks for one.
    pub fn known(&mut self) -> Option<Login> {
        match self.plan.front() {
            Some(Method::Ready(_)) => self.next(),
            Some(Method::Helper(_) | Method::Askpass { .. }) | None => None,
        }
    }

    /// The next one, after a refusal.
    pub fn next(&mut self) -> Option<Login> {
        while self.tried.len() < ATTEMPTS {
            let method = self.plan.pop_front()?;
            let login = match method {
                Method::Ready(login) => Some(login),
                Method::Helper(helper) => self.of_helper(&helper),
                Method::Askpass { program, name } => self.of_askpass(&program, name),
            };
            if let Some(login) = login {
                self.tried.push(login.name.clone());
                return Some(login);
            }
        }
        None
    }

    /// What was tried, for people; empty if nothing was.
    pub fn tried(&self) -> String {
        self.tried.join(", ")
    }

    /// What was left out, for people, each with a separator before it.
    pub fn notes(&self) -> String {
        self.notes.iter().map(|note| format!("; {note}")).collect()
    }

    /// One exchange of git-credential(1).
    fn of_helper(&self, helper: &str) -> Option<Login> {
        let host = match self.url.port() {
            Some(port) => format!("{}:{port}", self.url.host_str()?),
            None => self.url.host_str()?.to_owned(),
        };
        let mut question = format!("protocol={}\nhost={host}\n", self.url.scheme());
        let settings = &self.session.settings;
        let with_path = settings
            .best("credential", "usehttppath", self.url)
            .is_some_and(|value| is_true(value.text));
        if with_path {
            let path = decoded(self.url.path().trim_start_matches('/'));
            question.push_str(&format!("path={path}\n"));
        }
        let user = self.user();
        if let Some(user) = &user {
            question.push_str(&format!("username={user}\n"));
        }
        // a line break would put words into the helper's mouth
        if question.contains('\r') || question.matches('\n').count() > 4 {
            return None;
        }
        question.push('\n');
        let mut command = helper_command(helper);
        command.arg("get");
        let answer = self
            .session
            .wait(program::ask(command, &question))
            .ok()?
            .ok()?;
        let field = |name: &str| {
            answer
                .lines()
                .find_map(|line| line.strip_prefix(name)?.strip_prefix('='))
                .map(str::to_owned)
        };
        let password = field("password")?;
        let user = field("username").or(user)?;
        let name = format!("the credential helper {}", short(helper));
        Some(basic(&name, &user, &password))
    }

    /// Asks for the name, where it is not known, and for the password.
    fn of_askpass(&self, program: &str, name: &str) -> Option<Login> {
        let mut place = self.url.clone();
        let _ = place.set_password(None);
        let _ = place.set_username("");
        let ask = |question: String| {
            let mut command = Command::new(program);
            command.arg(question);
            let answer = self.session.wait(program::ask(command, "")).ok()?.ok()?;
            answer.lines().next().map(str::to_owned)
        };
        let origin = place.origin().ascii_serialization();
        let user = match self.user() {
            Some(user) => user,
            None => ask(format!("Username for '{origin}': "))?,
        };
        let with_user = origin.replacen("://", &format!("://{user}@"), 1);
        let password = ask(format!("Password for '{with_user}': "))?;
        Some(basic(name, &user, &password))
    }

    fn user(&self) -> Option<String> {
        user(self.url).or_else(|| {
            let value = self
                .session
                .settings
                .best("credential", "username", self.url)?;
            Some(value.text.to_owned())
        })
    }
}

/// `!snippet`, a path, or the name after `git credential-`: gitcredentials(7).
fn helper_command(helper: &str) -> Command {
    if let Some(snippet) = helper.strip_prefix('!') {
        through_shell(snippet)
    } else if Path::new(helper).is_absolute() {
        through_shell(helper)
    } else {
        through_shell(&format!("git credential-{helper}"))
    }
}

/// The name of a helper without its arguments, which may hold anything.
fn short(helper: &str) -> &str {
    if helper.starts_with('!') {
        return "in the shell";
    }
    helper.split(' ').next().unwrap_or(helper)
}

/// May a login travel there?
pub(super) fn is_private(url: &Url) -> bool {
    let host = url.host_str().unwrap_or_default().trim_matches(['[', ']']);
    url.scheme() == "https"
        || host == "localhost"
        || host
            .parse::<std::net::IpAddr>()
            .is_ok_and(|address| address.is_loopback())
}

pub(super) fn same_server(a: &Url, b: &Url) -> bool {
    a.scheme() == b.scheme()
        && a.host_str() == b.host_str()
        && a.port_or_known_default() == b.port_or_known_default()
}

/// The value of a header line, if the header is `Authorization`.
pub(super) fn authorization(line: &str) -> Option<&str> {
    let (name, value) = line.split_once(':')?;
    name.trim()
        .eq_ignore_ascii_case("authorization")
        .then_some(value.trim())
}

fn basic(name: &str, user: &str, password: &str) -> Login {
    Login {
        name: name.to_owned(),
        header: SecretString::from(format!(
            "Basic {}",
            STANDARD.encode(format!("{user}:{password}"))
        )),
    }
}

fn user(url: &Url) -> Option<String> {
    (!url.username().is_empty()).then(|| decoded(url.username()))
}

fn decoded(text: &str) -> String {
    crate::git::remote::decoded(text)
}

/// A boolean of Git's configuration.
pub(super) fn is_true(text: &str) -> bool {
    matches!(
        text.to_ascii_lowercase().as_str(),
        "true" | "yes" | "on" | "1"
    )
}

#[cfg(test)]
mod tests;
