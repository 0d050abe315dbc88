//! Columns of custom resources, as their CustomResourceDefinitions have them in `additionalPrinterColumns`.

use crate::sandbox::table::AGE;
use crate::sandbox::table::Column;
use crate::sandbox::table::text;
use crate::sandbox::table::wide;
use crate::sandbox::tree;
use serde_json::Value;

fn shown(object: &Value, pointer: &str) -> Value {
    match object.pointer(pointer) {
        None | Some(Value::Null) => Value::String(String::new()),
        Some(Value::String(text)) => text.as_str().into(),
        Some(other) => other.to_string().into(),
    }
}

/// Flagger 1.44's own columns.
const CANARIES: &[Column] = &[
    text("Status", |canary, _| shown(canary, "/status/phase")),
    text("Weight", |canary, _| shown(canary, "/status/canaryWeight")),
    text("LastTransitionTime", |canary, _| {
        shown(canary, "/status/lastTransitionTime")
    }),
    wide("FailedChecks", |canary, _| {
        shown(canary, "/status/failedChecks")
    }),
    wide("Interval", |canary, _| {
        shown(canary, "/spec/analysis/interval")
    }),
    wide("StepWeight", |canary, _| {
        shown(canary, "/spec/analysis/stepWeight")
    }),
    wide("MaxWeight", |canary, _| {
        shown(canary, "/spec/analysis/maxWeight")
    }),
];

const METRIC_TEMPLATES: &[Column] = &[text("Provider", |template, _| {
    shown(template, "/spec/provider/type")
})];

const ALERT_PROVIDERS: &[Column] = &[text("Type", |provider, _| shown(provider, "/spec/type"))];

/// The Gateway API's own columns.
const HTTP_ROUTES: &[Column] = &[
    text("Hostnames", |route, _| shown(route, "/spec/hostnames")),
    AGE,
];

const GATEWAYS: &[Column] = &[
    text("Class", |gateway, _| {
        shown(gateway, "/spec/gatewayClassName")
    }),
    text("Address", |gateway, _| {
        shown(gateway, "/status/addresses/0/value")
    }),
    text("Programmed", |gateway, _| {
        tree::items(gateway, "/status/conditions")
            .iter()
            .find(|condition| tree::text(condition, "/type") == "Programmed")
            .map(|condition| tree::text(condition, "/status"))
            .unwrap_or_default()
            .into()
    }),
    AGE,
];

/// What follows the name; `None` for the age alone.
pub(super) fn columns(plural: &str) -> Option<&'static [Column]> {
    match plural {
        "canaries" => Some(CANARIES),
        "metrictemplates" => Some(METRIC_TEMPLATES),
        "alertproviders" => Some(ALERT_PROVIDERS),
        "httproutes" => Some(HTTP_ROUTES),
        "gateways" => Some(GATEWAYS),
        _ => None,
    }
}
