//! Git's protocol over https: each request stands alone, and follows an advertisement of the server's branches.
//!
//! Redirects are followed on one server only. Request bodies are the record's few kilobytes and kept whole; answers
//! are streamed.

use crate::git::transport::failure::NetworkFailure;
use crate::git::transport::failure::said;
use crate::git::transport::http_client;
use crate::git::transport::login::Login;
use crate::git::transport::login::Logins;
use crate::git::transport::login::Remembered;
use crate::git::transport::login::authorization;
use crate::git::transport::login::is_private;
use crate::git::transport::login::same_server;
use crate::git::transport::session::Session;
use bytes::Buf as _;
use bytes::Bytes;
use git2::transport::Service;
use git2::transport::SmartSubtransportStream;
use reqwest::Client;
use reqwest::RequestBuilder;
use reqwest::Response;
use reqwest::StatusCode;
use reqwest::Url;
use reqwest::header::AUTHORIZATION;
use reqwest::header::CONTENT_TYPE;
use reqwest::header::HeaderName;
use reqwest::header::HeaderValue;
use reqwest::header::LOCATION;
use secrecy::ExposeSecret as _;
use std::io;
use std::io::Read;
use std::io::Write;
use std::sync::Arc;
use std::sync::Mutex;
use std::sync::PoisonError;

/// Redirects on one server that are followed: Git hosts send from `x` to `x.git`, or from an old name to the new one.
const REDIRECTS: usize = 3;
/// What is read of an error page, bytes.
const PAGE: usize = 1024;
const WAY_OUT: &str = "set KUBECTL_FLAGGER_GIT_TOKEN to a token that may write to the repository, or configure a \
                       credential helper; --remote . keeps the record in this repository";

/// One remote behind https.
pub(super) struct HttpRemote {
    session: Arc<Session>,
    connected: Mutex<Option<Connected>>,
}

/// What the first request found out.
#[derive(Clone)]
struct Connected {
    client: Client,
    /// Where the repository is, without a login.
    base: Url,
    login: Option<Login>,
}

impl HttpRemote {
    pub const fn new(session: Arc<Session>) -> Self {
        Self {
            session,
            connected: Mutex::new(None),
        }
    }

    pub fn action(
        &self,
        url: &str,
        action: Service,
    ) -> Result<Box<dyn SmartSubtransportStream>, git2::Error> {
        let session = &self.session;
        let stream = match action {
            Service::UploadPackLs => self.advertised(url, "git-upload-pack"),
            Service::ReceivePackLs => self.advertised(url, "git-receive-pack"),
            Service::UploadPack => self.exchange("git-upload-pack"),
            Service::ReceivePack => self.exchange("git-receive-pack"),
        };
        match stream {
            Ok(stream) => Ok(Box::new(stream)),
            Err(failure) => Err(session.fail(failure)),
        }
    }

    /// Asks for the branches, logging in and following redirects as needed.
    fn advertised(&self, url: &str, service: &'static str) -> Result<HttpStream, NetworkFailure> {
        let session = &*self.session;
        let url = Url::parse(url).map_err(|error| {
            NetworkFailure::unreachable(format!("its URL is unusable: {error}"))
        })?;
        let client = http_client::client(session, &url)?;
        let mut base = url.clone();
        // neither fails for a URL with a host
        let _ = base.set_username("");
        let _ = base.set_password(None);
        let mut logins = Logins::new(session, &url);
        let mut login = logins.known();
        let mut redirects = 0;
        loop {
            let mut asked = base.clone();
            asked.set_path(&format!("{}/info/refs", base.path().trim_end_matches('/')));
            asked.set_query(Some(&format!("service={service}")));
            let connected = Connected {
                client: client.clone(),
                base: base.clone(),
                login: login.clone(),
            };
            let request = connected.client.get(asked.clone());
            let response = send(session, self.with_headers(request, &connected), &asked)?;
            let status = response.status();
            if status.is_success() {
                let kind = format!("application/x-{service}-advertisement");
                if !is_of(&response, &kind) {
                    return Err(NetworkFailure::unreachable_but(
                        format!("{base} does not answer as a Git server does"),
                        "check the remote's URL: git remote -v",
                    ));
                }
                self.keep(&url, connected);
                return Ok(HttpStream::reading(&self.session, response));
            }
            if status.is_redirection() && redirects < REDIRECTS {
                redirects += 1;
                base = redirected(&asked, &base, &response)?;
                continue;
            }
            if matches!(status, StatusCode::UNAUTHORIZED | StatusCode::FORBIDDEN) {
                login = logins.next();
                if login.is_some() {
                    continue;
                }
                let words = words(session, response);
                return Err(refused(status, &words, &logins));
            }
            let words = words(session, response);
            return Err(no_use(status, &words, &base));
        }
    }

    fn keep(&self, url: &Url, connected: Connected) {
        *self
            .session
            .network
            .remembered
            .lock()
            .unwrap_or_else(PoisonError::into_inner) =
            connected.login.clone().map(|login| Remembered {
                url: String::from(url.as_str()),
                login,
            });
        *self
            .connected
            .lock()
            .unwrap_or_else(PoisonError::into_inner) = Some(connected);
    }

    fn exchange(&self, service: &'static str) -> Result<HttpStream, NetworkFailure> {
        let connected = self
            .connected
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
            .clone();
        let Some(connected) = connected else {
            return Err(NetworkFailure::unreachable("the connection was closed"));
        };
        let mut url = connected.base.clone();
        url.set_path(&format!("{}/{service}", url.path().trim_end_matches('/')));
        let request = connected
            .client
            .post(url.clone())
            .header(CONTENT_TYPE, format!("application/x-{service}-request"))
            .header("Accept", format!("application/x-{service}-result"));
        let request = self.with_headers(request, &connected);
        Ok(HttpStream {
            session: Arc::clone(&self.session),
            state: State::Writing {
                request: Some(Box::new(request)),
                url,
                body: Vec::new(),
                kind: format!("application/x-{service}-result"),
            },
        })
    }

    /// The configured headers, and one login at most.
    fn with_headers(&self, mut request: RequestBuilder, connected: &Connected) -> RequestBuilder {
        if !is_private(&connected.base) {
            return request;
        }
        let settings = &self.session.settings;
        for value in settings.by_fit("http", "extraheader", &connected.base) {
            let Some((name, text)) = value.text.split_once(':') else {
                continue;
            };
            let name = HeaderName::from_bytes(name.trim().as_bytes());
            let header = HeaderValue::from_str(text.trim());
            if let (None, Ok(name), Ok(header)) = (authorization(value.text), name, header) {
                request = request.header(name, header);
            }
        }
        if let Some(login) = &connected.login
            && let Ok(mut header) = HeaderValue::from_str(login.header.expose_secret())
        {
            header.set_sensitive(true);
            request = request.header(AUTHORIZATION, header);
        }
        request
    }
}

/// An answer that is read, or a request that grows until it is read from.
struct HttpStream {
    session: Arc<Session>,
    state: State,
}

enum State {
    Writing {
        request: Option<Box<RequestBuilder>>,
        url: Url,
        body: Vec<u8>,
        kind: String,
    },
    Reading {
        response: Box<Response>,
        rest: Bytes,
    },
}

impl HttpStream {
    fn reading(session: &Arc<Session>, response: Response) -> Self {
        Self {
            session: Arc::clone(session),
            state: State::Reading {
                response: Box::new(response),
                rest: Bytes::new(),
            },
        }
    }

    /// Sends what was written.
    fn turn(&mut self) -> Result<(), NetworkFailure> {
        let State::Writing {
            request,
            url,
            body,
            kind,
        } = &mut self.state
        else {
            return Ok(());
        };
        let Some(request) = request.take() else {
            return Err(NetworkFailure::unreachable("the connection was closed"));
        };
        let request = request.body(std::mem::take(body));
        let response = send(&self.session, request, url)?;
        let status = response.status();
        if !status.is_success() {
            let words = words(&self.session, response);
            return Err(match status {
                StatusCode::UNAUTHORIZED | StatusCode::FORBIDDEN => {
                    NetworkFailure::denied(format!("the server said {status}{words}"), WAY_OUT)
                }
                _ => no_use(status, &words, url),
            });
        }
        if !is_of(&response, kind) {
            return Err(NetworkFailure::unreachable(format!(
                "{url} does not answer as a Git server does"
            )));
        }
        self.state = State::Reading {
            response: Box::new(response),
            rest: Bytes::new(),
        };
        Ok(())
    }

    fn fill(&mut self, buffer: &mut [u8]) -> Result<usize, NetworkFailure> {
        self.turn()?;
        let State::Reading { response, rest } = &mut self.state else {
            return Ok(0);
        };
        while rest.is_empty() {
            let chunk = self
                .session
                .wait(response.chunk())?
                .map_err(|error| http_client::failure(error, response.url()))?;
            let Some(chunk) = chunk else {
                return Ok(0);
            };
            self.session.count(chunk.len())?;
            *rest = chunk;
        }
        let length = rest.len().min(buffer.len());
        rest.copy_to_slice(&mut buffer[..length]);
        Ok(length)
    }
}

impl Read for HttpStream {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        self.fill(buffer)
            .map_err(|failure| self.session.fail_io(failure))
    }
}

impl Write for HttpStream {
    fn write(&mut self, buffer: &[u8]) -> io::Result<usize> {
        let limit = self.session.network.limits.sent;
        let failure = match &mut self.state {
            State::Writing { body, .. } if body.len() + buffer.len() <= limit => {
                body.extend_from_slice(buffer);
                return Ok(buffer.len());
            }
            State::Writing { .. } => NetworkFailure::denied(
                format!("more than {} MiB would have to be pushed", limit >> 20),
                "push the record's branch with git first: git push REMOTE BRANCH",
            ),
            State::Reading { .. } => NetworkFailure::unreachable("the server answered too early"),
        };
        Err(self.session.fail_io(failure))
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

fn send(session: &Session, request: RequestBuilder, url: &Url) -> Result<Response, NetworkFailure> {
    session
        .wait(request.send())?
        .map_err(|error| http_client::failure(error, url))
}

fn is_of(response: &Response, kind: &str) -> bool {
    response
        .headers()
        .get(CONTENT_TYPE)
        .is_some_and(|found| found.as_bytes() == kind.as_bytes())
}

/// The repository's URL after a redirect of its advertisement.
fn redirected(asked: &Url, base: &Url, response: &Response) -> Result<Url, NetworkFailure> {
    let location = response
        .headers()
        .get(LOCATION)
        .and_then(|location| location.to_str().ok())
        .and_then(|location| asked.join(location).ok());
    let Some(mut to) = location else {
        return Err(NetworkFailure::unreachable(format!(
            "{base} redirects to nowhere"
        )));
    };
    let _ = to.set_username("");
    let _ = to.set_password(None);
    to.set_query(None);
    to.set_fragment(None);
    let path = to.path().strip_suffix("/info/refs").map(String::from);
    let fitting = path.is_some() && same_server(base, &to);
    if let Some(path) = &path {
        to.set_path(path);
    }
    if fitting {
        return Ok(to);
    }
    Err(NetworkFailure::denied(
        format!("{base} redirects to {to}, and logins do not follow to other servers"),
        format!("if that is right: git remote set-url REMOTE {to}"),
    ))
}

/// What a plain-text answer says, with a separator before it.
fn words(session: &Session, mut response: Response) -> String {
    let is_text = response
        .headers()
        .get(CONTENT_TYPE)
        .is_some_and(|kind| kind.as_bytes().starts_with(b"text/plain"));
    let mut page = Vec::new();
    while is_text && page.len() < PAGE {
        match session.wait(response.chunk()) {
            Ok(Ok(Some(chunk))) => page.extend_from_slice(&chunk),
            Ok(Ok(None) | Err(_)) | Err(_) => break,
        }
    }
    page.truncate(PAGE);
    let text = said(&String::from_utf8_lossy(&page));
    if text.is_empty() {
        text
    } else {
        format!(": {text}")
    }
}

fn refused(status: StatusCode, words: &str, logins: &Logins<'_>) -> NetworkFailure {
    let tried = logins.tried();
    let why = if tried.is_empty() {
        format!("the server wants a login ({status}), and none is known{words}")
    } else {
        format!("the server said {status} to the login from {tried}{words}")
    };
    NetworkFailure::denied(why, format!("{WAY_OUT}{}", logins.notes()))
}

/// An answer that is neither success nor about logins.
fn no_use(status: StatusCode, words: &str, url: &Url) -> NetworkFailure {
    let why = format!("the server said {status}{words}");
    match status {
        StatusCode::NOT_FOUND | StatusCode::GONE => NetworkFailure::denied(
            format!("{why} at {url}"),
            "the URL is wrong, or the account may not see the repository: git remote -v shows the URL",
        ),
        StatusCode::PROXY_AUTHENTICATION_REQUIRED => NetworkFailure::denied(
            why,
            "write the proxy's login into its URL: http://USER:PASSWORD@HOST:PORT",
        ),
        _ => NetworkFailure::unreachable(why),
    }
}
