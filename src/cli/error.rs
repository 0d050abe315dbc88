//! What can go wrong in the command line itself.

use crate::error::ExitCode;
use std::io;

/// Errors of the command line.
#[derive(Debug, thiserror::Error, miette::Diagnostic)]
pub enum CliError {
    /// A file could not be written.
    #[error("cannot write {path}")]
    #[diagnostic(code(flagger::cli::write))]
    Write {
        /// Which.
        path: String,
        /// Why.
        #[source]
        source: io::Error,
    },
    /// A file could not be read.
    #[error("cannot read {path}")]
    #[diagnostic(code(flagger::cli::read))]
    Read {
        /// Which.
        path: String,
        /// Why.
        #[source]
        source: io::Error,
    },
    /// A page with generated tables lacks the end mark of one.
    #[error("{path}: the generated table {table:?} has no end mark")]
    #[diagnostic(
        code(flagger::cli::unended_table),
        help("add a line `<!-- end -->` after it")
    )]
    UnendedTable {
        /// The page.
        path: String,
        /// The table's name.
        table: String,
    },
    /// A page asks for a table that nobody makes.
    #[error("{path}: there is no generated table {table:?}")]
    #[diagnostic(code(flagger::cli::unknown_table))]
    UnknownTable {
        /// The page.
        path: String,
        /// The table's name.
        table: String,
    },
    /// The verb's driver is not part of this build.
    #[error("{verb} is not part of this build")]
    #[diagnostic(code(flagger::cli::not_in_this_build))]
    NotInThisBuild {
        /// Which.
        verb: &'static str,
    },
}

impl CliError {
    /// What the process returns.
    #[must_use]
    pub const fn exit_code(&self) -> ExitCode {
        match self {
            Self::Write { .. } | Self::Read { .. } => ExitCode::USAGE,
            Self::UnendedTable { .. } | Self::UnknownTable { .. } => ExitCode::REFUSED,
            Self::NotInThisBuild { .. } => ExitCode::BUG,
        }
    }
}
