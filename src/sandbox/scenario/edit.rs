//! What the words that change a workload or its configuration do to the objects.

use crate::sandbox::dataplane;
use crate::sandbox::scenario::action::MergePatch;
use crate::sandbox::scenario::words::Change;
use serde_json::Value;
use serde_json::json;

/// Pods of a template with this annotation never become ready.
pub const NEVER_READY: &str = "test/never-ready";

impl Change {
    /// The patch of the target, or of a ConfigMap or Secret beside it; `None` for words about other things.
    /// `first_image` is the one that the target began with.
    #[must_use]
    pub fn patch(&self, target: &Value, first_image: &str) -> Option<MergePatch> {
        let current = image(target)?;
        match self {
            Self::Upgrade => Some(set_image(target, &bumped(current, |last| last + 1)?, false)),
            Self::Break => Some(set_image(target, &bumped(current, |last| last + 1)?, true)),
            Self::UpgradeToNine => Some(set_image(target, &bumped(current, |_| 9)?, false)),
            Self::Downgrade => Some(set_image(target, first_image, false)),
            Self::Image(image) => Some(set_image(target, image, false)),
            Self::Config => Some(beside(
                target,
                "configmaps",
                "podinfo-config",
                json!({"data": {"color": "green"}}),
            )),
            Self::Secret => Some(beside(
                target,
                "secrets",
                "podinfo-secret",
                json!({"stringData": {"token": "n3w"}}),
            )),
            Self::Success(_)
            | Self::Duration(_)
            | Self::Custom(_)
            | Self::Hook { .. }
            | Self::Suspend
            | Self::Resume
            | Self::Skip
            | Self::Delete => None,
        }
    }
}

/// Image of the first container of a workload.
#[must_use]
pub fn image(target: &Value) -> Option<&str> {
    target
        .pointer("/spec/template/spec/containers/0/image")?
        .as_str()
}

/// The same image with another last number in its tag.
fn bumped(image: &str, next: fn(u64) -> u64) -> Option<String> {
    let tag = dataplane::tag(image);
    let (stem, last) = tag.rsplit_once('.')?;
    let repository = image.rsplit_once(&format!(":{tag}"))?.0;
    Some(format!("{repository}:{stem}.{}", next(last.parse().ok()?)))
}

fn set_image(target: &Value, image: &str, broken: bool) -> MergePatch {
    // A merge patch replaces lists, so the containers are written out.
    let mut containers = target["spec"]["template"]["spec"]["containers"].clone();
    if let Some(Value::Object(container)) = containers.get_mut(0) {
        container.insert("image".to_owned(), json!(image));
    }
    let never_ready = if broken { json!("yes") } else { Value::Null };
    let merge = json!({"spec": {"template": {
        "metadata": {"annotations": {NEVER_READY: never_ready}},
        "spec": {"containers": containers},
    }}});
    let name = target["metadata"]["name"].as_str().unwrap_or_default();
    let kind = target["kind"].as_str().unwrap_or("Deployment");
    let api_version = target["apiVersion"].as_str().unwrap_or_default();
    beside(target, &resource(api_version, kind), name, merge)
}

/// The resource of a target: its plural, with the group where a built-in kind has the same.
#[must_use]
pub fn resource(api_version: &str, kind: &str) -> String {
    let plural = format!("{}s", kind.to_lowercase());
    match api_version.split_once('/') {
        Some((group @ "serving.knative.dev", _)) => format!("{plural}.{group}"),
        Some(_) | None => plural,
    }
}

fn beside(target: &Value, resource: &str, name: &str, merge: Value) -> MergePatch {
    MergePatch {
        resource: resource.to_owned(),
        namespace: target["metadata"]["namespace"].as_str().map(str::to_owned),
        name: name.to_owned(),
        merge,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn target() -> Value {
        json!({"kind": "Deployment", "metadata": {"name": "podinfo", "namespace": "test"}, "spec": {"template":
            {"spec": {"containers": [{"name": "podinfod", "image": "podinfo:6.0.3"}, {"name": "log", "image": "log:1"}]}}}})
    }

    fn patched(change: &Change) -> MergePatch {
        change.patch(&target(), "podinfo:6.0.0").unwrap()
    }

    fn first_image(patch: &MergePatch) -> &Value {
        &patch.merge["spec"]["template"]["spec"]["containers"][0]["image"]
    }

    #[test]
    fn an_upgrade_sets_the_next_version_and_leaves_other_containers_alone() {
        let patch = patched(&Change::Upgrade);
        assert_eq!(
            (patch.resource.as_str(), patch.name.as_str()),
            ("deployments", "podinfo")
        );
        assert_eq!(patch.namespace.as_deref(), Some("test"));
        assert_eq!(first_image(&patch), "podinfo:6.0.4");
        assert_eq!(
            patch.merge["spec"]["template"]["spec"]["containers"][1],
            json!({"name": "log", "image": "log:1"})
        );
    }

    #[test]
    fn other_words_set_other_versions() {
        assert_eq!(first_image(&patched(&Change::Downgrade)), "podinfo:6.0.0");
        assert_eq!(
            first_image(&patched(&Change::UpgradeToNine)),
            "podinfo:6.0.9"
        );
        assert_eq!(
            first_image(&patched(&Change::Image("podinfo:7".to_owned()))),
            "podinfo:7"
        );
    }

    #[test]
    fn a_broken_version_is_marked_and_the_next_one_is_not() {
        let mark = |change| {
            patched(&change).merge["spec"]["template"]["metadata"]["annotations"][NEVER_READY]
                .clone()
        };
        assert_eq!(mark(Change::Break), json!("yes"));
        assert_eq!(mark(Change::Upgrade), Value::Null);
    }

    #[test]
    fn configuration_is_changed_beside_the_target() {
        assert_eq!(
            patched(&Change::Config).merge,
            json!({"data": {"color": "green"}})
        );
        assert_eq!(patched(&Change::Secret).resource, "secrets");
    }

    #[test]
    fn words_about_other_things_change_no_object() {
        assert_eq!(Change::Skip.patch(&target(), "podinfo:6.0.0"), None);
    }
}
