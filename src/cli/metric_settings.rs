//! Whom metrics are asked of, and over which ways. Asks nothing itself.

use crate::cli::args::promote::MetricOptions;
use crate::cli::drive::World;
use crate::cli::environment::Environment;
use crate::cli::error::CliError;
use crate::cli::machine::Machine;
use crate::cli::promote::hosts;
use crate::kubernetes::api_server::ApiServer;
use crate::transport::metrics::Ways;
use crate::transport::reach::AllowList;
use std::rc::Rc;

/// Whom metrics are asked of, and with which logins.
#[derive(Clone, Debug, Default)]
pub struct MetricSettings {
    /// Traffic provider, whose metrics are built in, of canaries that name none.
    pub provider: Option<String>,
    /// Prometheus of canaries that name none.
    pub server: Option<String>,
    /// Logins for metric backends.
    pub machine: Machine,
    /// Hosts whose certificates nobody verifies.
    pub skip_verify: AllowList,
}

/// What the flags say about metrics.
///
/// # Errors
/// A host that cannot be read.
pub(super) fn metric_settings(
    options: &MetricOptions,
    provider: &Option<String>,
    environment: &Environment,
) -> Result<MetricSettings, CliError> {
    Ok(MetricSettings {
        provider: provider.clone(),
        server: options.metrics_server.clone(),
        machine: Machine::new(environment, options.secrets.clone()),
        skip_verify: hosts(&options.skip_verify)?,
    })
}

impl World {
    /// To metric backends.
    #[must_use]
    pub fn ways(&self) -> Ways {
        Ways {
            transport: Rc::clone(&self.transport),
            api_server: Rc::new(ApiServer::new(self.requests.clone())),
            clock: Rc::clone(&self.clock),
        }
    }
}
