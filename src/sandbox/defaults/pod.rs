//! Defaults of pods and pod templates.

use crate::sandbox::defaults::list;
use crate::sandbox::tree;
use crate::sandbox::tree::default;
use serde_json::Map;
use serde_json::Value;

/// 0644.
const FILE_MODE: u32 = 420;

/// Fills in a pod template.
pub(super) fn template(template: &mut Value) {
    spec(tree::field(template, &["spec"]));
}

/// Fills in a pod's spec.
pub(super) fn spec(pod: &mut Value) {
    for source in ["secret", "configMap", "projected", "downwardAPI"] {
        for volume in list(pod, "/volumes") {
            if let Some(source) = volume.get_mut(source) {
                default(source, &["defaultMode"], FILE_MODE);
            }
        }
    }
    for volume in list(pod, "/volumes") {
        if let Some(host) = volume.get_mut("hostPath") {
            default(host, &["type"], "");
        }
        let sources = [
            "secret",
            "configMap",
            "projected",
            "downwardAPI",
            "emptyDir",
            "hostPath",
        ];
        let has_source = volume
            .as_object()
            .is_some_and(|map| map.len() > 1 || sources.iter().any(|name| map.contains_key(*name)));
        if !has_source {
            tree::set(volume, &["emptyDir"], Map::new());
        }
    }
    for name in ["/initContainers", "/containers"] {
        for container in list(pod, name) {
            fill_container(container);
        }
    }
    default(pod, &["restartPolicy"], "Always");
    default(pod, &["terminationGracePeriodSeconds"], 30);
    default(pod, &["dnsPolicy"], "ClusterFirst");
    default(pod, &["securityContext"], Map::new());
    default(pod, &["schedulerName"], "default-scheduler");
    // the deprecated alias is kept equal
    match pod
        .get("serviceAccountName")
        .and_then(Value::as_str)
        .map(str::to_owned)
    {
        Some(name) => tree::set(pod, &["serviceAccount"], name),
        None => {
            if let Some(name) = pod.get("serviceAccount").cloned() {
                tree::set(pod, &["serviceAccountName"], name);
            }
        }
    }
}

fn fill_container(container: &mut Value) {
    for port in list(container, "/ports") {
        default(port, &["protocol"], "TCP");
    }
    for variable in list(container, "/env") {
        if let Some(reference) = variable.pointer_mut("/valueFrom/fieldRef") {
            default(reference, &["apiVersion"], "v1");
        }
    }
    for name in ["livenessProbe", "readinessProbe", "startupProbe"] {
        if let Some(probe) = container.get_mut(name) {
            default(probe, &["timeoutSeconds"], 1);
            default(probe, &["periodSeconds"], 10);
            default(probe, &["successThreshold"], 1);
            default(probe, &["failureThreshold"], 3);
            http_get(probe.get_mut("httpGet"));
            if let Some(grpc) = probe.get_mut("grpc") {
                default(grpc, &["service"], "");
            }
        }
    }
    for hook in ["/lifecycle/preStop/httpGet", "/lifecycle/postStart/httpGet"] {
        http_get(container.pointer_mut(hook));
    }
    default(container, &["resources"], Map::new());
    default(
        container,
        &["terminationMessagePath"],
        "/dev/termination-log",
    );
    default(container, &["terminationMessagePolicy"], "File");
    let policy = if is_latest(tree::text(container, "/image")) {
        "Always"
    } else {
        "IfNotPresent"
    };
    default(container, &["imagePullPolicy"], policy);
}

fn http_get(action: Option<&mut Value>) {
    if let Some(action) = action {
        default(action, &["path"], "/");
        default(action, &["scheme"], "HTTP");
    }
}

/// Is the image's tag `latest`, or has it neither tag nor digest?
fn is_latest(image: &str) -> bool {
    if image.contains('@') {
        return false;
    }
    let name = image.rsplit('/').next().unwrap_or_default();
    name.split_once(':').is_none_or(|(_, tag)| tag == "latest")
}
