//! One operation on a remote: its settings, its deadline, and why it failed.
//!
//! libgit2 calls back from C and keeps nothing but a message of what we answered, so the reason of a failure is kept
//! here.

use crate::git::transport::environment::GitEnvironment;
use crate::git::transport::failure::NetworkFailure;
use crate::git::transport::login::Remembered;
use crate::git::transport::settings::Settings;
use std::future::Future;
use std::io;
use std::sync::Arc;
use std::sync::Mutex;
use std::sync::PoisonError;
use std::sync::atomic::AtomicU64;
use std::sync::atomic::Ordering;
use std::time::Duration;
use tokio::runtime::Runtime;
use tokio::time::Instant;

/// How long and how much an operation may take.
#[derive(Clone, Copy, Debug)]
pub(in crate::git) struct Limits {
    /// Until a connection stands.
    pub connect: Duration,
    /// Without a byte in either direction.
    pub silence: Duration,
    /// All of it.
    pub operation: Duration,
    /// What a server may send, bytes.
    pub received: u64,
    /// What is sent at once, bytes.
    pub sent: usize,
}

impl Default for Limits {
    fn default() -> Self {
        Self {
            connect: Duration::from_secs(10),
            silence: Duration::from_secs(30),
            operation: Duration::from_secs(60),
            received: 200 * 1024 * 1024,
            sent: 64 * 1024 * 1024,
        }
    }
}

/// What all operations of one journal share.
#[derive(Debug, Default)]
pub(in crate::git) struct Network {
    pub environment: GitEnvironment,
    pub limits: Limits,
    /// The login that worked last, so that nobody is asked again at each transition.
    pub remembered: Mutex<Option<Remembered>>,
}

/// One operation.
#[derive(Debug)]
pub(in crate::git) struct Session {
    pub network: Arc<Network>,
    pub settings: Settings,
    /// Absent only while it is taken down.
    runtime: Option<Runtime>,
    deadline: Instant,
    received: AtomicU64,
    failure: Mutex<Option<NetworkFailure>>,
}

impl Session {
    pub fn new(network: Arc<Network>, settings: Settings) -> io::Result<Self> {
        // its own: callers are threads that may block, or have no runtime at all
        let runtime = tokio::runtime::Builder::new_current_thread()
            .enable_all()
            .build()?;
        let operation = network.limits.operation;
        let deadline = runtime.block_on(async move { Instant::now() + operation });
        Ok(Self {
            network,
            settings,
            runtime: Some(runtime),
            deadline,
            received: AtomicU64::new(0),
            failure: Mutex::new(None),
        })
    }

    /// Waits for something that the other side does, within the limits for silence and for the operation.
    pub fn wait<T>(&self, future: impl Future<Output = T>) -> Result<T, NetworkFailure> {
        let limits = &self.network.limits;
        let late = || {
            NetworkFailure::unreachable(format!(
                "nothing came within {} s, or all of it took longer than {} s",
                limits.silence.as_secs_f64(),
                limits.operation.as_secs_f64()
            ))
        };
        let Some(runtime) = &self.runtime else {
            return Err(late());
        };
        runtime.block_on(async {
            let until = self.deadline.min(Instant::now() + limits.silence);
            tokio::time::timeout_at(until, future)
                .await
                .map_err(|_elapsed| late())
        })
    }

    /// The same with its own, shorter patience; `None` when it ran out.
    pub fn wait_briefly<T>(
        &self,
        patience: Duration,
        future: impl Future<Output = T>,
    ) -> Option<T> {
        self.runtime
            .as_ref()?
            .block_on(async { tokio::time::timeout(patience, future).await.ok() })
    }

    /// Counts what a server sent.
    pub fn count(&self, bytes: usize) -> Result<(), NetworkFailure> {
        let more = u64::try_from(bytes).unwrap_or(u64::MAX);
        let all = self.received.fetch_add(more, Ordering::Relaxed) + more;
        let limit = self.network.limits.received;
        if all <= limit {
            return Ok(());
        }
        Err(NetworkFailure::denied(
            format!("the server sent more than {} MiB", limit >> 20),
            "the branch of the record should hold nothing else: choose another with --record-ref",
        ))
    }

    /// Keeps the first failure, which is the cause of those after it.
    pub fn fail(&self, failure: NetworkFailure) -> git2::Error {
        let error = git2::Error::new(
            git2::ErrorCode::GenericError,
            git2::ErrorClass::Net,
            failure.why.replace('\0', " "),
        );
        self.failure
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
            .get_or_insert(failure);
        error
    }

    /// The same for reads and writes.
    pub fn fail_io(&self, failure: NetworkFailure) -> io::Error {
        io::Error::other(self.fail(failure).message().to_owned())
    }

    /// Why it failed, if that is known.
    pub fn failure(&self) -> Option<NetworkFailure> {
        self.failure
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
            .clone()
    }
}

impl Drop for Session {
    /// Does not wait for a name server that does not answer.
    fn drop(&mut self) {
        if let Some(runtime) = self.runtime.take() {
            runtime.shutdown_background();
        }
    }
}
