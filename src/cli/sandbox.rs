//! `promote --sandbox`.

use crate::cli::args::promote::PromoteArgs;
use crate::cli::environment::Environment;
use crate::cli::globals::Globals;
use crate::error::Error;
use crate::error::ExitCode;

/// Drives a scenario.
///
/// # Errors
/// None yet.
pub fn promote(_: &PromoteArgs, _: &Globals, _: &Environment) -> Result<ExitCode, Error> {
    Ok(ExitCode::BUG)
}
