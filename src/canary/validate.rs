//! Whether a traffic provider can carry a Canary out: asked before anything moves.
//!
//! Must not know any provider.

use crate::canary::capabilities::Affinity;
use crate::canary::capabilities::Capabilities;
use crate::canary::capabilities::Comparison;
use crate::canary::capabilities::Mirroring;
use crate::canary::capabilities::Need;
use crate::canary::capabilities::ServiceField;
use crate::canary::http_match::HttpMatch;
use crate::canary::load::Loaded;
use crate::canary::name::Word as _;
use crate::canary::name::listed;
use crate::canary::problem::Finding;
use crate::canary::problem::ProblemKind;
use crate::canary::problem::SpecErrors;
use crate::canary::problem::SpecProblem;
use crate::canary::problem::dotted;
use crate::canary::spec::Canary;
use crate::canary::spec::Strategy;
use crate::canary::yaml::escape;
use miette::Severity;

/// Can the provider carry this Canary out? Answers what it ignores; `all` is every provider with what it can do, to
/// name those that could. Nothing of an analysis that is skipped is asked for.
///
/// # Errors
/// Everything the provider cannot do.
pub fn validate_for(
    loaded: &Loaded,
    provider: &str,
    capabilities: &Capabilities,
    all: &[(&str, Capabilities)],
) -> Result<Vec<SpecProblem>, SpecErrors> {
    let canary = &loaded.canary;
    let mut findings = missing(canary, provider, capabilities);
    if !canary.skip_analysis {
        refuse_analysis(canary, provider, capabilities, all, &mut findings);
    }
    if findings.is_empty() {
        return Ok(ignored(canary, provider, capabilities)
            .into_iter()
            .map(|finding| finding.locate(&loaded.document, Severity::Warning))
            .collect());
    }
    let mut problems: Vec<SpecProblem> = findings
        .into_iter()
        .map(|finding| finding.locate(&loaded.document, Severity::Error))
        .collect();
    problems.sort_by_key(SpecProblem::offset);
    Err(SpecErrors {
        subject: format!("canary {}", canary.name),
        problems,
    })
}

fn missing(canary: &Canary, provider: &str, capabilities: &Capabilities) -> Vec<Finding> {
    capabilities
        .needs
        .iter()
        .filter_map(|need| {
            let (absent, parent, field) = match need {
                Need::GatewayRefs => (
                    canary.service.gateway_refs.is_empty(),
                    "/spec/service",
                    "gatewayRefs",
                ),
                Need::IngressRef => (canary.ingress.is_none(), "/spec", "ingressRef"),
                Need::RouteRef => (canary.route.is_none(), "/spec", "routeRef"),
                Need::MeshName => (
                    canary.service.mesh_name.is_none(),
                    "/spec/service",
                    "meshName",
                ),
            };
            absent.then(|| {
                let path = dotted(parent);
                Finding::at_key(
                    ProblemKind::MissingField,
                    parent,
                    &format!("{field} is missing"),
                    format!("{path}.{field} is missing: provider {provider} cannot do without"),
                )
            })
        })
        .collect()
}

fn refuse_analysis(
    canary: &Canary,
    provider: &str,
    capabilities: &Capabilities,
    all: &[(&str, Capabilities)],
    findings: &mut Vec<Finding>,
) {
    let tcp = capabilities.tcp_weights_only && canary.service.is_tcp();
    let who = if tcp {
        format!("provider {provider} with appProtocol tcp")
    } else {
        format!("provider {provider}")
    };
    let mut refuse = |pointer: &str, what: &str, able: &dyn Fn(&Capabilities) -> bool| {
        findings.push(
            Finding::at_key(
                ProblemKind::Unsupported,
                pointer,
                &format!("not with {provider}"),
                format!("{who} cannot do {what}"),
            )
            .help(able_ones(all, able)),
        );
    };
    let analysis = &canary.analysis;
    let strategy = canary.strategy();
    match strategy {
        Strategy::Canary => {
            if !capabilities.weighted {
                let field = if analysis.step_weights.is_empty() {
                    "/spec/analysis/stepWeight"
                } else {
                    "/spec/analysis/stepWeights"
                };
                refuse(field, "a weighted canary", &|other| other.weighted);
            }
        }
        Strategy::AbTesting => {
            if tcp || capabilities.matches.is_none() {
                refuse("/spec/analysis/match", "A/B testing", &|other| {
                    !other.matches.is_none()
                });
            } else {
                refuse_matches(&analysis.matches, capabilities, &mut refuse);
            }
        }
        Strategy::BlueGreen => {}
    }
    // A/B testing has no use for mirroring in Flagger either; the analysis says so.
    let mirrors = match strategy {
        Strategy::AbTesting => false,
        Strategy::Canary | Strategy::BlueGreen => analysis.mirror,
    };
    if mirrors {
        let able = |mirror: Mirroring| match mirror {
            Mirroring::No => false,
            Mirroring::BlueGreen => strategy == Strategy::BlueGreen,
            Mirroring::Always => true,
        };
        let what = format!("mirroring in a {} rollout", strategy.as_str());
        if tcp || !able(capabilities.mirror) {
            refuse("/spec/analysis/mirror", &what, &|other| able(other.mirror));
        }
    }
    if let Some(affinity) = &analysis.session_affinity {
        let primary = affinity.primary_cookie_name.is_some();
        let able = |kept: Affinity| match kept {
            Affinity::No => false,
            Affinity::Canary => !primary,
            Affinity::Both => true,
        };
        if tcp || capabilities.session_affinity == Affinity::No {
            refuse(
                "/spec/analysis/sessionAffinity",
                "session affinity",
                &|other| able(other.session_affinity),
            );
        } else if !able(capabilities.session_affinity) {
            refuse(
                "/spec/analysis/sessionAffinity/primaryCookieName",
                "session affinity of the primary's users",
                &|other| able(other.session_affinity),
            );
        }
    }
}

/// A condition that is not expressed would let everybody, or nobody, through.
fn refuse_matches(
    matches: &[HttpMatch],
    capabilities: &Capabilities,
    refuse: &mut impl FnMut(&str, &str, &dyn Fn(&Capabilities) -> bool),
) {
    for (index, item) in matches.iter().enumerate() {
        let pointer = format!("/spec/analysis/match/{index}");
        for (name, wanted) in &item.headers {
            let wanted = Comparison::of(wanted);
            if !capabilities.matches.headers.contains(&wanted) {
                refuse(
                    &format!("{pointer}/headers/{}", escape(name)),
                    &format!("matching of headers by {}", wanted.as_str()),
                    &|other| other.matches.headers.contains(&wanted),
                );
            }
        }
        for (name, wanted) in &item.query_params {
            let wanted = Comparison::of(wanted);
            if !capabilities.matches.query_params.contains(&wanted) {
                refuse(
                    &format!("{pointer}/queryParams/{}", escape(name)),
                    &format!("matching of query parameters by {}", wanted.as_str()),
                    &|other| other.matches.query_params.contains(&wanted),
                );
            }
        }
        if !item.source_labels.is_empty() && !capabilities.matches.source_labels {
            refuse(
                &format!("{pointer}/sourceLabels"),
                "matching of source labels",
                &|other| other.matches.source_labels,
            );
        }
    }
}

fn able_ones(all: &[(&str, Capabilities)], able: &dyn Fn(&Capabilities) -> bool) -> String {
    let names: Vec<&str> = all
        .iter()
        .filter(|(_, capabilities)| able(capabilities))
        .map(|(name, _)| *name)
        .collect();
    if names.is_empty() {
        "no provider can".to_owned()
    } else {
        format!("providers that can: {}", listed(&names, "and"))
    }
}

fn ignored(canary: &Canary, provider: &str, capabilities: &Capabilities) -> Vec<Finding> {
    ServiceField::ALL
        .iter()
        .filter(|field| field.is_set(canary) && !capabilities.service.contains(field))
        .map(|field| {
            let name = field.as_str();
            Finding::at_key(
                ProblemKind::Ignored,
                &format!("/spec/service/{name}"),
                "ignored",
                format!("spec.service.{name} is ignored by provider {provider}"),
            )
        })
        .collect()
}
