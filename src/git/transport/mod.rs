//! Ways to Git servers: https through our own HTTP client, ssh through the user's `ssh` program. libgit2 speaks
//! Git's protocol over them; it is built without a network stack.
//!
//! Decides nothing about branches.

pub mod environment;
mod failure;
mod http;
mod http_client;
mod login;
mod program;
mod session;
mod settings;
mod ssh;

#[cfg(test)]
pub(crate) mod tests;

use crate::git::error::GitError;
use crate::git::transport::environment::GitEnvironment;
pub(in crate::git) use crate::git::transport::failure::Kind;
pub(in crate::git) use crate::git::transport::failure::NetworkFailure;
use crate::git::transport::failure::unsupported;
use crate::git::transport::http::HttpRemote;
pub(in crate::git) use crate::git::transport::session::Network;
pub(in crate::git) use crate::git::transport::session::Session;
use crate::git::transport::settings::Settings;
use crate::os;
use git2::transport::Service;
use git2::transport::SmartSubtransport;
use git2::transport::SmartSubtransportStream;
use git2::transport::Transport;
use std::cell::RefCell;
use std::sync::Arc;
use std::sync::OnceLock;

/// Schemes that are taken over from libgit2, and whether each request stands alone. What is named without a scheme
/// (`user@host:path`) comes as ssh. `git` carries neither login nor encryption and is refused.
const SCHEMES: &[(&str, bool)] = &[
    ("https", true),
    ("http", true),
    ("ssh", false),
    ("git+ssh", false),
    ("ssh+git", false),
    ("git", false),
];

thread_local! {
    /// libgit2 hands a transport its remote, from which nothing leads to the repository or to us.
    static CURRENT: RefCell<Option<Arc<Session>>> = const { RefCell::new(None) };
}

/// Teaches libgit2 our ways, once a process; before the first thread that connects.
///
/// # Errors
/// libgit2 refuses.
pub fn register() -> Result<(), GitError> {
    static DONE: OnceLock<Result<(), GitError>> = OnceLock::new();
    DONE.get_or_init(|| {
        SCHEMES.iter().try_for_each(|(scheme, alone)| {
            os::register_git_transport(scheme, move |remote| {
                let session = CURRENT.with_borrow(Clone::clone);
                Transport::smart(remote, *alone, Way::new(session))
            })
            .map_err(|error| GitError::broken(&error))
        })
    })
    .clone()
}

impl Session {
    /// For an operation on a remote of that repository.
    pub fn of(
        network: &Arc<Network>,
        repository: &git2::Repository,
    ) -> Result<Arc<Self>, git2::Error> {
        let settings = Settings::read(&repository.config()?, &network.environment)?;
        Self::new(Arc::clone(network), settings)
            .map(Arc::new)
            .map_err(|error| git2::Error::from_str(&error.to_string()))
    }

    /// Runs `work`, whose connections belong to this session.
    pub fn run<T>(self: &Arc<Self>, work: impl FnOnce() -> T) -> T {
        let before = CURRENT.replace(Some(Arc::clone(self)));
        let answer = work();
        CURRENT.set(before);
        answer
    }
}

impl Network {
    pub fn new(environment: GitEnvironment) -> Arc<Self> {
        Arc::new(Self {
            environment,
            ..Self::default()
        })
    }
}

/// What libgit2 is given for one remote.
struct Way {
    session: Option<Arc<Session>>,
    http: Option<HttpRemote>,
}

impl Way {
    fn new(session: Option<Arc<Session>>) -> Self {
        let http = session
            .as_ref()
            .map(|session| HttpRemote::new(Arc::clone(session)));
        Self { session, http }
    }
}

impl SmartSubtransport for Way {
    fn action(
        &self,
        url: &str,
        action: Service,
    ) -> Result<Box<dyn SmartSubtransportStream>, git2::Error> {
        let (Some(session), Some(http)) = (&self.session, &self.http) else {
            return Err(git2::Error::from_str("no operation is going on"));
        };
        let scheme = url
            .split_once("://")
            .map(|(scheme, _)| scheme.to_ascii_lowercase());
        match scheme.as_deref() {
            Some("https" | "http") => http.action(url, action),
            Some("ssh" | "git+ssh" | "ssh+git") | None => ssh::connect(session, url, action),
            Some(_) => Err(session.fail(unsupported())),
        }
    }

    fn close(&self) -> Result<(), git2::Error> {
        Ok(())
    }
}
