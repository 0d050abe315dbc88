//! Queries as Go templates: the part of `text/template` that queries are written in, by its own rules.
//!
//! Text, trim markers, comments, variables, pipelines, `if`, `with`, `range` and the functions below; a missing key is
//! an error, as in Flagger. Whatever is not known is an error too, with its place in the template, and never left out.
//! <https://pkg.go.dev/text/template>

use crate::canary::metric::Metric;
use crate::canary::reference::TargetKind;
use crate::canary::spec::Canary;
use std::collections::BTreeMap;
use std::ops::Range;

mod eval;
mod format;
mod lex;
mod parse;
mod value;

/// Stands in a query for the revision that is analysed, of which only a run knows.
pub const REVISION: &str = "<analysed-revision>";

/// What a query may ask of its canary.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Facts {
    /// Of the canary.
    pub name: String,
    /// Of the canary.
    pub namespace: String,
    /// Name of the target.
    pub target: String,
    /// Name of the apex service.
    pub service: String,
    /// Name of the Ingress, else of the target.
    pub ingress: String,
    /// Name of the route object, else of the target; of a Knative Service [`REVISION`].
    pub route: String,
    /// The metric's window.
    pub interval: String,
    /// `templateVariables` of the metric.
    pub variables: BTreeMap<String, String>,
}

impl Facts {
    /// Of one metric of a canary.
    #[must_use]
    pub fn of(canary: &Canary, metric: &Metric) -> Self {
        let target = canary.target_name();
        let or_target = |name: Option<&str>| name.unwrap_or(target).to_owned();
        let route = match canary.target.kind {
            TargetKind::KnativeService => REVISION.to_owned(),
            TargetKind::Deployment | TargetKind::DaemonSet | TargetKind::Service => {
                or_target(canary.route.as_ref().map(|named| named.name.as_str()))
            }
        };
        Self {
            name: canary.name.clone(),
            namespace: canary.namespace.clone(),
            target: target.to_owned(),
            service: canary.apex_name().to_owned(),
            ingress: or_target(canary.ingress.as_ref().map(|named| named.name.as_str())),
            route,
            interval: metric.window_text().to_owned(),
            variables: metric.template_variables.clone(),
        }
    }
}

/// A template that cannot be rendered.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{why}")]
pub struct TemplateError {
    /// Bytes of the template that it is about.
    pub at: Range<usize>,
    /// What is wrong there.
    pub why: String,
}

impl TemplateError {
    fn new(at: Range<usize>, why: impl Into<String>) -> Self {
        Self {
            at,
            why: why.into(),
        }
    }
}

/// The query of a template.
///
/// # Errors
/// The first thing that it cannot be read or rendered for.
pub fn render(template: &str, facts: &Facts) -> Result<String, TemplateError> {
    let nodes = parse::parse(template)?;
    eval::run(&nodes, facts)
}

#[cfg(test)]
mod tests;
