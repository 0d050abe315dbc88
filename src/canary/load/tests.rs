//! One Canary among many files.

use super::*;
use crate::canary::problem::ProblemKind;

fn file(path: &str, text: &str) -> SourceFile {
    SourceFile {
        path: path.to_owned(),
        text: text.into(),
    }
}

fn canary(name: &str, namespace: &str, more: &str) -> String {
    format!(
        "apiVersion: flagger.app/v1beta1\nkind: Canary\nmetadata: {{name: {name}{namespace}}}\nspec:\n  \
         targetRef: {{apiVersion: apps/v1, kind: Deployment, name: {name}}}\n  service: {{port: 80}}\n  \
         analysis:\n    interval: 1m\n    threshold: 5\n    stepWeight: 10\n{more}"
    )
}

#[test]
fn a_canary_without_namespace_takes_the_one_asked_for() {
    let files = [file("a.yaml", &canary("podinfo", "", ""))];
    let namespace = |asked| load(&files, None, asked).unwrap().canary.namespace;
    assert_eq!(namespace(Some("shop")), "shop");
    assert_eq!(namespace(None), "default");
}

#[test]
fn a_canary_of_another_namespace_does_not_fit() {
    let files = [file("a.yaml", &canary("podinfo", ", namespace: test", ""))];
    assert_eq!(
        load(&files, Some("podinfo"), None)
            .unwrap()
            .canary
            .namespace,
        "test"
    );
    let error = load(&files, Some("podinfo"), Some("shop")).unwrap_err();
    assert!(matches!(error, LoadError::NotFound { .. }), "{error:?}");
}

#[test]
fn the_only_canary_needs_no_name() {
    let files = [
        file("a.yaml", &canary("podinfo", "", "")),
        file(
            "b.yaml",
            "apiVersion: v1\nkind: ConfigMap\n# flagger.app/\n",
        ),
    ];
    assert_eq!(load(&files, None, None).unwrap().canary.name, "podinfo");
    let two = [
        file("a.yaml", &canary("podinfo", "", "")),
        file("b.yaml", &canary("backend", "", "")),
    ];
    let error = load(&two, None, None).unwrap_err();
    assert!(
        error
            .help()
            .unwrap()
            .to_string()
            .contains("backend (b.yaml:1)")
    );
}

#[test]
fn a_broken_file_is_only_a_warning_where_the_canary_is_elsewhere() {
    let files = [
        file("broken.yaml", "apiVersion: flagger.app/v1beta1\nkind: [\n"),
        file("a.yaml", &canary("podinfo", "", "")),
    ];
    let loaded = load(&files, Some("podinfo"), None).unwrap();
    assert_eq!(loaded.warnings.len(), 1);
    assert_eq!(loaded.warnings[0].kind, ProblemKind::Unreadable);
    assert!(loaded.warnings[0].is_warning());
    let error = load(&files, Some("backend"), None).unwrap_err();
    assert!(matches!(error, LoadError::Unread { .. }), "{error:?}");
}

#[test]
fn a_file_without_the_group_is_not_parsed() {
    let files = [
        file("chart.yaml", "{{ broken"),
        file("a.yaml", &canary("podinfo", "", "")),
    ];
    assert!(load(&files, None, None).unwrap().warnings.is_empty());
}

#[test]
fn a_later_error_can_point_into_the_file() {
    let text = canary(
        "podinfo",
        "",
        "    metrics:\n    - name: request-success-rate\n      thresholdRange: {min: 99}\n",
    );
    let loaded = load(&[file("a.yaml", &text)], None, None).unwrap();
    assert_eq!(
        loaded.line_column("/spec/analysis/threshold"),
        Some((9, 16))
    );
    let span = loaded
        .span("/spec/analysis/metrics/0/thresholdRange")
        .unwrap();
    assert_eq!(&text[span], "{min: 99}");
    assert_eq!(loaded.raw()["spec"]["service"]["port"], 80);
}

const REFERRING: &str = "    metrics:\n    - {name: a, templateRef: {name: rate}}\n    - {name: b, templateRef: {name: rate, namespace: shop}}\n";

fn template(namespace: &str) -> String {
    format!(
        "---\napiVersion: flagger.app/v1beta1\nkind: MetricTemplate\nmetadata: {{name: rate{namespace}}}\nspec: {{provider: {{type: prometheus}}, query: up}}\n"
    )
}

#[test]
fn a_template_is_resolved_once_and_found_from_its_metric() {
    let files = [
        file("a.yaml", &canary("podinfo", ", namespace: shop", REFERRING)),
        file("b.yaml", &template("")),
    ];
    let loaded = load(&files, None, None).unwrap();
    assert_eq!(loaded.templates.len(), 1);
    for metric in &loaded.canary.analysis.metrics {
        assert_eq!(loaded.template(metric).unwrap().query, "up");
    }
}

#[test]
fn a_bundle_loads_as_the_same_canary() {
    let text = include_str!("../../../testdata/canaries/weighted.yaml");
    let loaded = load(&[file("a.yaml", text)], None, None).unwrap();
    let record = file("-", &loaded.bundle().to_string());
    let again = load(&[record], Some("podinfo"), Some("test")).unwrap();
    assert_eq!(again.canary, loaded.canary);
    assert_eq!(again.templates, loaded.templates);
    assert_eq!(again.alert_providers, loaded.alert_providers);
    assert_eq!(again.bundle(), loaded.bundle());
    let template = loaded.template_document(&loaded.templates[0]).unwrap();
    assert!(template.span("/spec/query").is_some());
}

#[test]
fn a_template_of_the_right_namespace_goes_before_one_without() {
    let files = [
        file("a.yaml", &canary("podinfo", ", namespace: shop", REFERRING)),
        file("b.yaml", &(template("") + &template(", namespace: shop"))),
    ];
    assert_eq!(load(&files, None, None).unwrap().templates.len(), 1);
}

#[test]
fn problems_of_the_spec_and_of_its_references_are_told_together() {
    let more = format!("    tresholds: 1\n{REFERRING}");
    let files = [file(
        "a.yaml",
        &canary("podinfo", ", namespace: shop", &more),
    )];
    let LoadError::Invalid(errors) = load(&files, None, None).unwrap_err() else {
        panic!("not valid");
    };
    let kinds: Vec<_> = errors.problems.iter().map(|problem| problem.kind).collect();
    assert_eq!(
        kinds,
        [
            ProblemKind::UnknownField,
            ProblemKind::Reference,
            ProblemKind::Reference
        ]
    );
    assert_eq!(errors.problems[1].place, "a.yaml:13");
}
