//! What a canary asks, and what is refused.

use super::*;
use crate::canary::load::load;
use crate::canary::source::SourceFile;
use crate::kubernetes::testing::Server;
use crate::router;
use crate::transport::reach::AllowList;
use serde_json::json;

fn settings() -> MetricSettings {
    MetricSettings {
        server: Some("http://prometheus.monitoring:9090".to_owned()),
        ..MetricSettings::default()
    }
}

fn drafted(metric: &str, template: &str) -> (Result<Vec<Draft>, Error>, String) {
    drafted_with(metric, template, &settings())
}

fn drafted_with(
    metric: &str,
    template: &str,
    settings: &MetricSettings,
) -> (Result<Vec<Draft>, Error>, String) {
    let text = format!(
        "apiVersion: flagger.app/v1beta1\nkind: Canary\nmetadata: {{name: shop, namespace: demo}}\nspec:\n  \
         provider: gatewayapi:v1\n  targetRef: {{apiVersion: apps/v1, kind: Deployment, name: web}}\n  \
         service: {{port: 80, gatewayRefs: [{{name: edge}}]}}\n  \
         analysis:\n    interval: 1m\n    threshold: 5\n    stepWeight: 10\n    metrics:\n    - {metric}\n\
         ---\napiVersion: flagger.app/v1beta1\nkind: MetricTemplate\nmetadata: {{name: own, namespace: demo}}\n\
         spec:\n{template}"
    );
    let file = SourceFile {
        path: "a.yaml".to_owned(),
        text: text.clone().into(),
    };
    let loaded = load(&[file], None, None).unwrap();
    let router = router::provider("gatewayapi:v1").unwrap();
    (drafts(&loaded, router, settings), text)
}

const TEMPLATE: &str = "  provider: {type: prometheus, address: 'http://own.demo:9090', headers: {X-A: [a, b]}}\n  \
                        query: |\n    up{ns=\"{{ namespace }}\",\n    d=\"{{ variables.d }}\"}\n";

fn problem(metric: &str, template: &str) -> (String, String) {
    let (Err(Error::Spec(errors)), text) = drafted(metric, template) else {
        panic!("nothing is refused");
    };
    let problem = &errors.problems[0];
    (
        problem.message.clone(),
        text[problem.span().unwrap()].to_owned(),
    )
}

#[test]
fn durations_of_a_router_that_counts_seconds_become_milliseconds() {
    let drafts = drafted(
        "{name: request-duration, thresholdRange: {max: 500}}",
        TEMPLATE,
    )
    .0
    .unwrap();
    assert!((drafts[0].factor - 1000.0).abs() < f64::EPSILON);
    assert_eq!(
        drafts[0].backend.address,
        "http://prometheus.monitoring:9090"
    );
}

#[test]
fn a_query_in_the_canary_is_rendered_and_asked_of_its_own_server() {
    let metric = r#"{name: own, query: 'up{svc="{{ service }}",iv="{{ interval }}"}', interval: 30s, thresholdRange: {max: 5}}"#;
    let drafts = drafted(metric, TEMPLATE).0.unwrap();
    assert_eq!(drafts[0].query, r#"up{svc="web",iv="30s"}"#);
    assert_eq!(
        drafts[0].backend.address,
        "http://prometheus.monitoring:9090"
    );
}

#[test]
fn a_template_has_its_own_server_headers_and_variables() {
    let metric = "{name: own, templateRef: {name: own}, templateVariables: {d: in}, thresholdRange: {max: 5}}";
    let drafts = drafted(metric, TEMPLATE).0.unwrap();
    assert_eq!(drafts[0].query, "up{ns=\"demo\",\nd=\"in\"}\n");
    assert_eq!(drafts[0].backend.address, "http://own.demo:9090");
    let headers: Vec<&str> = drafts[0]
        .backend
        .headers
        .iter()
        .map(|(_, value)| value.as_str())
        .collect();
    assert_eq!(headers, ["a", "b"]);
}

#[test]
fn a_query_that_cannot_be_rendered_is_shown_at_the_word() {
    let metric = "{name: own, templateRef: {name: own}, thresholdRange: {max: 5}}";
    let (message, word) = problem(metric, TEMPLATE);
    assert_eq!(
        message,
        "the query of metric own: there is no \"d\"; there is nothing"
    );
    assert_eq!(word, "variables.d");
    let (_, word) = problem(
        "{name: own, query: 'up{{ nme }}', thresholdRange: {max: 5}}",
        TEMPLATE,
    );
    assert_eq!(word, "nme");
}

#[test]
fn what_a_provider_lacks_is_refused_by_name() {
    let metric = "{name: own, templateRef: {name: own}, thresholdRange: {max: 5}}";
    let of = |provider: &str| problem(metric, &format!("  provider: {provider}\n  query: up\n")).0;
    assert!(of("{type: datadog}").contains("secretRef is missing: datadog needs a login"));
    assert!(of("{type: prometheus}").contains("address is missing"));
    assert!(of("{type: cloudwatch, region: evil.example/}").contains("region is missing"));
    assert!(
        of("{type: cloudwatch, region: eu-west-1}")
            .contains("a JSON list of MetricDataQueries is expected")
    );
    assert!(of("{type: keptn}").contains("keptnmetric/NAMESPACE/NAME or analysis/"));
}

#[test]
fn a_certificate_that_nobody_verifies_needs_the_users_own_word() {
    let metric = "{name: own, templateRef: {name: own}, thresholdRange: {max: 5}}";
    let template = "  provider: {type: prometheus, address: 'https://a.example', insecureSkipVerify: true}\n  query: up\n";
    let (message, _) = problem(metric, template);
    assert!(
        message.contains("the certificate of a.example:443 would be verified by nobody"),
        "{message}"
    );
    let said = MetricSettings {
        skip_verify: AllowList::parse(&["a.example"]).unwrap(),
        ..settings()
    };
    assert!(drafted_with(metric, template, &said).0.is_ok());
}

#[tokio::test(start_paused = true)]
async fn the_secret_of_a_template_is_read_in_its_namespace_and_sent_along() {
    let metric = "{name: own, templateRef: {name: own}, thresholdRange: {max: 5}}";
    let template = "  provider: {type: prometheus, address: 'https://a.example', secretRef: {name: s}}\n  query: up\n";
    let server = Server::default();
    let asked = async || {
        let drafts = drafted(metric, template).0.unwrap();
        questions(drafts, &server.requests())
            .await
            .remove(0)
            .backend
    };
    let missing = asked().await.err().unwrap().to_string();
    assert!(
        missing.ends_with("Secret demo/s: it is not there"),
        "{missing}"
    );
    let path = "/api/v1/namespaces/demo/secrets/s";
    server.set(path, json!({"data": {"username": "cA=="}}));
    let useless = asked().await.err().unwrap().to_string();
    assert!(useless.ends_with("it has no password"), "{useless}");
    server.set(path, json!({"data": {"token": "dA=="}}));
    assert_eq!(asked().await.ok().unwrap().secret["token"], "t");
}
