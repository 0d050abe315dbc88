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
        Strategy::AbTesting | Strategy::BlueGreen => {}
    }
    if !analysis.matches.is_empty() && (tcp || capabilities.matches.is_none()) {
        // Without its conditions the route would send everybody to the canary.
        let what = match strategy {
            Strategy::AbTesting => "A/B testing",
            Strategy::Canary | Strategy::BlueGreen => "matching of requests",
        };
        refuse("/spec/analysis/match", what, &|other| {
            !other.matches.is_none()
        });
    } else {
        refuse_matches(&analysis.matches, capabilities, &mut refuse);
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

#[cfg(test)]
mod tests {
    use super::*;
    use crate::canary::capabilities::Matching;
    use crate::canary::load::load;
    use crate::canary::source::SourceFile;

    const NOTHING: Capabilities = Capabilities {
        weighted: false,
        mirror: Mirroring::No,
        matches: Matching::NONE,
        session_affinity: Affinity::No,
        tcp_weights_only: false,
        needs: &[],
        service: &[],
    };

    const EVERYTHING: Capabilities = Capabilities {
        weighted: true,
        mirror: Mirroring::Always,
        matches: Matching {
            headers: &[Comparison::Exact],
            query_params: &[],
            source_labels: false,
        },
        session_affinity: Affinity::Both,
        tcp_weights_only: true,
        needs: &[Need::GatewayRefs],
        service: ServiceField::ALL,
    };

    fn loaded(service: &str, analysis: &str) -> Loaded {
        let text = format!(
            "apiVersion: flagger.app/v1beta1\nkind: Canary\nmetadata: {{name: podinfo}}\nspec:\n  \
             targetRef: {{apiVersion: apps/v1, kind: Deployment, name: podinfo}}\n  \
             service: {{port: 80, {service}}}\n  analysis: {{interval: 1m, threshold: 5, {analysis}}}\n"
        );
        let file = SourceFile {
            path: "a.yaml".to_owned(),
            text: text.into(),
        };
        load(&[file], None, None).unwrap()
    }

    fn refused(loaded: &Loaded, capabilities: &Capabilities) -> Vec<String> {
        let all = [("none", NOTHING), ("full", EVERYTHING)];
        match validate_for(loaded, "it", capabilities, &all) {
            Ok(_) => Vec::new(),
            Err(errors) => errors
                .problems
                .iter()
                .map(|problem| problem.pointer.clone())
                .collect(),
        }
    }

    #[test]
    fn blue_green_needs_no_router() {
        assert!(refused(&loaded("", "iterations: 5"), &NOTHING).is_empty());
    }

    #[test]
    fn a_share_of_the_requests_needs_weights() {
        let weighted = loaded("", "stepWeights: [5, 10]");
        assert_eq!(refused(&weighted, &NOTHING), ["/spec/analysis/stepWeights"]);
        let weighted = loaded("gatewayRefs: [{name: gw}]", "stepWeight: 5");
        assert!(refused(&weighted, &EVERYTHING).is_empty());
    }

    #[test]
    fn nothing_is_asked_of_an_analysis_that_is_skipped() {
        let mut weighted = loaded("", "stepWeight: 5");
        weighted.canary.skip_analysis = true;
        assert!(refused(&weighted, &NOTHING).is_empty());
    }

    #[test]
    fn a_condition_the_router_cannot_express_is_refused() {
        let matched = loaded(
            "gatewayRefs: [{name: gw}]",
            "iterations: 5, match: [{headers: {a: {exact: x}, b: {regex: b.*}}, sourceLabels: {app: web}}]",
        );
        assert_eq!(
            refused(&matched, &EVERYTHING),
            [
                "/spec/analysis/match/0/headers/b",
                "/spec/analysis/match/0/sourceLabels",
            ]
        );
    }

    #[test]
    fn mirroring_by_weight_needs_more_than_mirroring_in_blue_green() {
        let some = Capabilities {
            weighted: true,
            mirror: Mirroring::BlueGreen,
            ..NOTHING
        };
        assert!(refused(&loaded("", "iterations: 5, mirror: true"), &some).is_empty());
        assert_eq!(
            refused(&loaded("", "stepWeight: 5, mirror: true"), &some),
            ["/spec/analysis/mirror"]
        );
    }

    #[test]
    fn a_primary_cookie_needs_more_than_affinity() {
        let some = Capabilities {
            weighted: true,
            session_affinity: Affinity::Canary,
            ..NOTHING
        };
        let one = loaded("", "stepWeight: 5, sessionAffinity: {cookieName: a}");
        assert!(refused(&one, &some).is_empty());
        let both = loaded(
            "",
            "stepWeight: 5, sessionAffinity: {cookieName: a, primaryCookieName: b}",
        );
        assert_eq!(
            refused(&both, &some),
            ["/spec/analysis/sessionAffinity/primaryCookieName"]
        );
    }

    #[test]
    fn tcp_takes_matches_and_affinity_away() {
        let tcp = loaded(
            "appProtocol: TCP, gatewayRefs: [{name: gw}]",
            "stepWeight: 5, mirror: true, sessionAffinity: {cookieName: a}",
        );
        assert_eq!(
            refused(&tcp, &EVERYTHING),
            ["/spec/analysis/mirror", "/spec/analysis/sessionAffinity"]
        );
    }

    #[test]
    fn what_the_router_cannot_do_without_is_asked_for() {
        assert_eq!(
            refused(&loaded("", "stepWeight: 5"), &EVERYTHING),
            ["/spec/service"]
        );
    }

    #[test]
    fn fields_the_router_ignores_are_warnings() {
        let some = Capabilities {
            weighted: true,
            service: &[ServiceField::Timeout],
            ..NOTHING
        };
        let spec = loaded("timeout: 5s, retries: {attempts: 3}", "stepWeight: 5");
        let warnings = validate_for(&spec, "it", &some, &[]).unwrap();
        assert_eq!(warnings.len(), 1);
        assert_eq!(warnings[0].pointer, "/spec/service/retries");
        assert!(warnings[0].is_warning());
    }

    #[test]
    fn routers_that_could_are_named() {
        let all = [("none", NOTHING), ("full", EVERYTHING)];
        let errors =
            validate_for(&loaded("", "stepWeight: 5"), "none", &NOTHING, &all).unwrap_err();
        assert_eq!(
            errors.problems[0].help.as_deref(),
            Some("providers that can: full")
        );
    }
}
