//! References of a Canary to objects of other namespaces, for clusters where a team may not use another team's.
//!
//! Must not look for what they name.

use crate::canary::load::Loaded;
use crate::canary::problem::ProblemKind;
use crate::canary::problem::SpecErrors;
use crate::canary::problem::SpecProblem;

/// Does the Canary name objects of its own namespace alone?
///
/// # Errors
/// Every reference that does not.
pub fn own_namespace_only(loaded: &Loaded) -> Result<(), SpecErrors> {
    let canary = &loaded.canary;
    let upstream = canary
        .upstream
        .iter()
        .map(|upstream| ("/spec/upstreamRef".to_owned(), &upstream.namespace));
    let metrics = canary.analysis.metrics.iter().enumerate();
    let metrics = metrics.filter_map(|(at, metric)| {
        let template = metric.template.as_ref()?;
        Some((
            format!("/spec/analysis/metrics/{at}/templateRef"),
            &template.namespace,
        ))
    });
    let alerts = canary.analysis.alerts.iter().enumerate();
    let alerts = alerts.map(|(at, alert)| {
        (
            format!("/spec/analysis/alerts/{at}/providerRef"),
            &alert.provider.namespace,
        )
    });
    let problems: Vec<SpecProblem> = upstream
        .chain(metrics)
        .chain(alerts)
        .filter_map(|(pointer, namespace)| {
            let other = namespace
                .as_ref()
                .filter(|other| **other != canary.namespace)?;
            Some(SpecProblem::at(
                &loaded.document,
                ProblemKind::Reference,
                &format!("{pointer}/namespace"),
                "another namespace",
                format!(
                    "the Canary is in {} and may not name objects of {other}",
                    canary.namespace
                ),
                Some("name one of its own namespace, or leave --no-cross-namespace-refs out"),
            ))
        })
        .collect();
    if problems.is_empty() {
        return Ok(());
    }
    Err(SpecErrors {
        subject: format!("canary {}", canary.name),
        problems,
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::canary::load::load;
    use crate::canary::source::SourceFile;

    fn loaded(namespace: &str) -> Loaded {
        let text = format!(
            "
apiVersion: flagger.app/v1beta1
kind: Canary
metadata: {{name: podinfo, namespace: shop}}
spec:
  targetRef: {{apiVersion: apps/v1, kind: Deployment, name: podinfo}}
  service: {{port: 80}}
  analysis:
    interval: 10s
    threshold: 1
    stepWeight: 10
    metrics:
    - {{name: mine, templateRef: {{name: mine, namespace: {namespace}}}, thresholdRange: {{min: 1}}}}
---
apiVersion: flagger.app/v1beta1
kind: MetricTemplate
metadata: {{name: mine, namespace: {namespace}}}
spec: {{provider: {{type: prometheus, address: http://prometheus.monitoring}}, query: up}}
"
        );
        let file = SourceFile {
            path: "canary.yaml".to_owned(),
            text: text.into(),
        };
        load(&[file], None, None).unwrap()
    }

    #[test]
    fn a_template_of_another_namespace_is_refused_at_its_place() {
        assert!(own_namespace_only(&loaded("shop")).is_ok());
        let refused = own_namespace_only(&loaded("other")).unwrap_err();
        let pointers: Vec<&str> = refused
            .problems
            .iter()
            .map(|one| one.pointer.as_str())
            .collect();
        assert_eq!(pointers, ["/spec/analysis/metrics/0/templateRef/namespace"]);
    }
}
