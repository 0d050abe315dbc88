//! `promote`: builds the adapters and hands them to the controller.

use crate::cli::Streams;
use crate::cli::args::promote::PromoteArgs;
use crate::cli::environment::Environment;
use crate::cli::error::CliError;
use crate::cli::globals::Globals;
use crate::error::Error;
use crate::error::ExitCode;

/// Drives one rollout.
///
/// # Errors
/// Whatever ends it before anything moved.
pub fn run(
    _args: &PromoteArgs,
    _globals: &Globals,
    _environment: &Environment,
    _streams: &mut Streams<'_>,
) -> Result<ExitCode, Error> {
    Err(CliError::NotInThisBuild { verb: "promote" }.into())
}
