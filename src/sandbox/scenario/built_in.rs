//! The scenarios inside the binary, as their files are.

use crate::canary::source::SourceFile;
use crate::sandbox::scenario::Scenario;
use crate::sandbox::scenario::ScenarioError;

/// What is played when no scenario is named.
pub const DEFAULT: &str = "success";

/// Names of the scenarios.
pub const NAMES: &[&str] = &[
    "success",
    "error-spike",
    "slow",
    "never-ready",
    "istio",
    "gatewayapi",
    "ab",
    "bluegreen",
    "mirror",
    "affinity",
    "nginx",
    "contour",
    "skipper",
    "apisix",
    "knative",
];

const FILES: &[(&str, &str)] = &[
    (
        "success.yaml",
        include_str!("../../../testdata/scenarios/success.yaml"),
    ),
    (
        "error-spike.yaml",
        include_str!("../../../testdata/scenarios/error-spike.yaml"),
    ),
    (
        "slow.yaml",
        include_str!("../../../testdata/scenarios/slow.yaml"),
    ),
    (
        "never-ready.yaml",
        include_str!("../../../testdata/scenarios/never-ready.yaml"),
    ),
    (
        "istio.yaml",
        include_str!("../../../testdata/scenarios/istio.yaml"),
    ),
    (
        "gatewayapi.yaml",
        include_str!("../../../testdata/scenarios/gatewayapi.yaml"),
    ),
    (
        "ab.yaml",
        include_str!("../../../testdata/scenarios/ab.yaml"),
    ),
    (
        "bluegreen.yaml",
        include_str!("../../../testdata/scenarios/bluegreen.yaml"),
    ),
    (
        "mirror.yaml",
        include_str!("../../../testdata/scenarios/mirror.yaml"),
    ),
    (
        "affinity.yaml",
        include_str!("../../../testdata/scenarios/affinity.yaml"),
    ),
    (
        "podinfo/ab.yaml",
        include_str!("../../../testdata/scenarios/podinfo/ab.yaml"),
    ),
    (
        "podinfo/affinity.yaml",
        include_str!("../../../testdata/scenarios/podinfo/affinity.yaml"),
    ),
    (
        "podinfo/bluegreen.yaml",
        include_str!("../../../testdata/scenarios/podinfo/bluegreen.yaml"),
    ),
    (
        "nginx.yaml",
        include_str!("../../../testdata/scenarios/nginx.yaml"),
    ),
    (
        "contour.yaml",
        include_str!("../../../testdata/scenarios/contour.yaml"),
    ),
    (
        "skipper.yaml",
        include_str!("../../../testdata/scenarios/skipper.yaml"),
    ),
    (
        "apisix.yaml",
        include_str!("../../../testdata/scenarios/apisix.yaml"),
    ),
    (
        "podinfo/canary.yaml",
        include_str!("../../../testdata/scenarios/podinfo/canary.yaml"),
    ),
    (
        "podinfo/cluster.yaml",
        include_str!("../../../testdata/scenarios/podinfo/cluster.yaml"),
    ),
    (
        "podinfo/gatewayapi.yaml",
        include_str!("../../../testdata/scenarios/podinfo/gatewayapi.yaml"),
    ),
    (
        "podinfo/ingressroute.yaml",
        include_str!("../../../testdata/scenarios/podinfo/ingressroute.yaml"),
    ),
    (
        "podinfo/istio.yaml",
        include_str!("../../../testdata/scenarios/podinfo/istio.yaml"),
    ),
    (
        "podinfo/mirror.yaml",
        include_str!("../../../testdata/scenarios/podinfo/mirror.yaml"),
    ),
    (
        "podinfo/workload.yaml",
        include_str!("../../../testdata/scenarios/podinfo/workload.yaml"),
    ),
    (
        "podinfo/nginx.yaml",
        include_str!("../../../testdata/scenarios/podinfo/nginx.yaml"),
    ),
    (
        "podinfo/contour.yaml",
        include_str!("../../../testdata/scenarios/podinfo/contour.yaml"),
    ),
    (
        "podinfo/skipper.yaml",
        include_str!("../../../testdata/scenarios/podinfo/skipper.yaml"),
    ),
    (
        "podinfo/apisix.yaml",
        include_str!("../../../testdata/scenarios/podinfo/apisix.yaml"),
    ),
    (
        "podinfo/ingress-nginx.yaml",
        include_str!("../../../testdata/scenarios/podinfo/ingress-nginx.yaml"),
    ),
    (
        "podinfo/ingress-skipper.yaml",
        include_str!("../../../testdata/scenarios/podinfo/ingress-skipper.yaml"),
    ),
    (
        "podinfo/apisixroute.yaml",
        include_str!("../../../testdata/scenarios/podinfo/apisixroute.yaml"),
    ),
    (
        "knative.yaml",
        include_str!("../../../testdata/scenarios/knative.yaml"),
    ),
    (
        "podinfo/knative.yaml",
        include_str!("../../../testdata/scenarios/podinfo/knative.yaml"),
    ),
    (
        "podinfo/knative-service.yaml",
        include_str!("../../../testdata/scenarios/podinfo/knative-service.yaml"),
    ),
];

/// A file of a built-in scenario, by its path in `testdata/scenarios`.
#[must_use]
pub fn file(path: &str) -> Option<&'static str> {
    FILES
        .iter()
        .find(|(name, _)| *name == path)
        .map(|(_, text)| *text)
}

/// The built-in scenario of that name.
///
/// # Errors
///
/// When there is none of that name.
pub fn scenario(name: &str) -> Result<Scenario, ScenarioError> {
    let read = |path: &str| {
        file(path)
            .map(str::to_owned)
            .ok_or_else(|| format!("built-in scenarios are {}", NAMES.join(", ")))
    };
    let path = format!("{name}.yaml");
    let text = read(&path).map_err(|why| ScenarioError::File {
        path: path.clone(),
        why,
    })?;
    let source = SourceFile {
        path,
        text: text.into(),
    };
    Scenario::parse(&source, &read)
}
