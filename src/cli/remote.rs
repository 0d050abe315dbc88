//! Runs of other processes, as their records in the cluster tell of them.
//!
//! Drives nothing and reads no specification.

use crate::canary::holder::Holder;
use crate::cli::environment::Environment;
use crate::cli::error::CliError;
use crate::cli::globals::Globals;
use crate::cli::promote::connect_options;
use crate::clock::SystemClock;
use crate::controller::Document;
use crate::controller::RunError;
use crate::error::Error;
use crate::kubernetes::client::Connection;
use crate::kubernetes::client::connect;
use crate::kubernetes::client::ensure_crypto;
use crate::kubernetes::lease::KubernetesLease;
use crate::kubernetes::options::ConnectOptions;
use crate::kubernetes::request::Requests;
use crate::kubernetes::run_record::KubernetesRunRecord;
use crate::os;
use crate::port::clock::Clock;
use crate::port::lease::LeaseTimes;
use crate::port::run_record::Record;
use crate::port::run_record::RunRecord as _;
use crate::port::run_record::RunRecordError;
use rand::Rng as _;
use std::future::Future;
use std::path::Path;
use std::rc::Rc;

/// The cluster, as this process reaches it.
#[derive(Clone)]
pub struct Remote {
    /// Where it is.
    pub connection: Connection,
    /// How it is asked.
    pub requests: Requests,
    /// Time.
    pub clock: Rc<dyn Clock>,
}

/// Runs a verb to its end on a runtime of its own.
///
/// # Errors
/// There is no runtime, or the verb's own.
pub fn block_on<T>(verb: impl Future<Output = Result<T, Error>>) -> Result<T, Error> {
    block_in(false, verb)
}

/// The same; where the clock is `paused`, it jumps from one due time to the next.
///
/// # Errors
/// There is no runtime, or the verb's own.
pub fn block_in<T>(paused: bool, verb: impl Future<Output = Result<T, Error>>) -> Result<T, Error> {
    ensure_crypto();
    let mut runtime = tokio::runtime::Builder::new_current_thread();
    runtime.enable_all().start_paused(paused);
    let runtime = runtime.build().map_err(|error| CliError::Start {
        why: error.to_string(),
    })?;
    runtime.block_on(verb)
}

impl Remote {
    /// Connects as the flags and the kubeconfig say. `mesh` is the kubeconfig of a mesh in another cluster; only those
    /// who change routes need it.
    ///
    /// # Errors
    /// A kubeconfig cannot be used.
    pub async fn connect(
        globals: &Globals,
        mesh: Option<&Path>,
        environment: &Environment,
    ) -> Result<Self, Error> {
        let options = ConnectOptions {
            mesh_kubeconfig: mesh.map(Path::to_owned),
            ..connect_options(globals, environment)
        };
        let connection = connect(&options).await?;
        Ok(Self::over(connection))
    }

    /// Over a connection that is there.
    #[must_use]
    pub fn over(connection: Connection) -> Self {
        let clock: Rc<dyn Clock> = Rc::new(SystemClock);
        let requests = Requests::new(&connection, Rc::clone(&clock), rand::rng().next_u64());
        Self {
            connection,
            requests,
            clock,
        }
    }

    /// The record of one canary.
    #[must_use]
    pub fn record(&self, canary: &str) -> KubernetesRunRecord {
        KubernetesRunRecord::new(self.requests.clone(), &self.connection.namespace, canary)
    }

    /// The lock of one canary, as somebody who may take it sees it.
    #[must_use]
    pub fn lease(&self, canary: &str, by: Holder) -> KubernetesLease {
        KubernetesLease::new(
            self.requests.clone(),
            &self.connection.namespace,
            canary,
            by,
            LeaseTimes::default(),
            os::is_gone,
        )
    }

    /// What the record says now.
    ///
    /// # Errors
    /// It cannot be read, or this canary was never driven.
    pub async fn document(&self, canary: &str) -> Result<Document, Error> {
        let found = self.record(canary).load().await?;
        match found {
            Some(record) => document(&record),
            None => Err(self.never_driven(canary)),
        }
    }

    /// There is no record.
    #[must_use]
    pub fn never_driven(&self, canary: &str) -> Error {
        CliError::NeverDriven {
            canary: canary.to_owned(),
            namespace: self.connection.namespace.clone(),
        }
        .into()
    }
}

/// The driver's document in a record.
///
/// # Errors
/// Another version wrote it.
pub fn document(record: &Record) -> Result<Document, Error> {
    Ok(Document::read(&record.document).map_err(RunError::Document)?)
}

impl From<RunRecordError> for Error {
    fn from(error: RunRecordError) -> Self {
        Self::Run(error.into())
    }
}
