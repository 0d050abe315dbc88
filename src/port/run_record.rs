//! What a run must not forget when its process dies: one document a canary, kept in the cluster.
//!
//! Its content is the driver's matter.

use crate::port::Job;
use crate::port::cluster_error::ClusterError;
use serde_json::Value;

/// Version of the form in which documents are kept. A reader refuses higher ones.
pub const SCHEMA: u64 = 1;

/// A document as it was found.
#[derive(Clone, Debug, PartialEq)]
pub struct Record {
    /// The driver's document.
    pub document: Value,
    /// For the next [`RunRecord::store`]; changes with every write of anybody.
    pub version: String,
}

/// The record cannot be read or written.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error, miette::Diagnostic)]
pub enum RunRecordError {
    /// Somebody wrote it since it was read.
    #[error("the run record {name} was changed by another driver")]
    #[diagnostic(code(flagger::run_record::conflict))]
    Conflict {
        /// The object.
        name: String,
    },
    /// A newer version of this program wrote it.
    #[error("the run record {name} has schema {found}, this version reads up to {SCHEMA}")]
    #[diagnostic(
        code(flagger::run_record::newer),
        help("use the version of kubectl-flagger that began this run, or a newer one")
    )]
    Newer {
        /// The object.
        name: String,
        /// Its schema.
        found: u64,
    },
    /// It does not hold a document.
    #[error("the run record {name} cannot be read: {why}")]
    #[diagnostic(code(flagger::run_record::broken))]
    Broken {
        /// The object.
        name: String,
        /// The cause.
        why: String,
    },
    /// It would not fit into an object.
    #[error("the run record {name} would have {bytes} bytes, more than {limit}")]
    #[diagnostic(code(flagger::run_record::too_large))]
    TooLarge {
        /// The object.
        name: String,
        /// Of the document.
        bytes: usize,
        /// At most.
        limit: usize,
    },
    /// The API server did not do it.
    #[error(transparent)]
    #[diagnostic(transparent)]
    Cluster(#[from] ClusterError),
}

/// The record of one canary.
pub trait RunRecord {
    /// The document, or `None` if there never was one.
    fn load(&self) -> Job<'_, Result<Option<Record>, RunRecordError>>;

    /// Writes the document in place of the expected version, or as the first one. Answers its version.
    fn store<'a>(
        &'a self,
        document: &'a Value,
        expected: Option<&'a str>,
    ) -> Job<'a, Result<String, RunRecordError>>;
}
