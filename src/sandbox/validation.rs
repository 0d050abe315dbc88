//! The few rules of the API types that a driver can break.

use crate::sandbox::failure::Failure;
use crate::sandbox::kinds::ApiKind;
use crate::sandbox::tree;
use serde_json::Value;

/// Refuses what a real server would not store. `before` is what is stored, if it is an update.
pub fn validate(
    kind: &ApiKind,
    name: &str,
    object: &Value,
    before: Option<&Value>,
) -> Result<(), Failure> {
    if kind.group == "apps" {
        let selector = object.pointer("/spec/selector");
        if let Some(before) = before
            && before.pointer("/spec/selector") != selector
        {
            let why = format!(
                "Invalid value: {}: field is immutable",
                selector.unwrap_or(&Value::Null)
            );
            return Err(Failure::invalid(kind, name, &[("spec.selector", why)]));
        }
        let labels = object.pointer("/spec/template/metadata/labels");
        let wanted = object.pointer("/spec/selector/matchLabels");
        if wanted.is_none() && object.pointer("/spec/selector/matchExpressions").is_none() {
            let why = "Required value".to_owned();
            return Err(Failure::invalid(kind, name, &[("spec.selector", why)]));
        }
        let matches = wanted
            .and_then(Value::as_object)
            .into_iter()
            .flatten()
            .all(|(label, value)| labels.and_then(|labels| labels.get(label)) == Some(value));
        if !matches {
            let why = format!(
                "Invalid value: {}: `selector` does not match template `labels`",
                labels.unwrap_or(&Value::Null)
            );
            return Err(Failure::invalid(
                kind,
                name,
                &[("spec.template.metadata.labels", why)],
            ));
        }
        if tree::items(object, "/spec/template/spec/containers").is_empty() {
            let why = "Required value".to_owned();
            return Err(Failure::invalid(
                kind,
                name,
                &[("spec.template.spec.containers", why)],
            ));
        }
        if tree::int(object, "/spec/replicas").is_some_and(|replicas| replicas < 0) {
            let why = "Invalid value: must be greater than or equal to 0".to_owned();
            return Err(Failure::invalid(kind, name, &[("spec.replicas", why)]));
        }
    }
    Ok(())
}
