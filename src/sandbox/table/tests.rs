use super::TableFormat;
use super::words::duration;
use crate::sandbox::kinds;
use crate::sandbox::kinds::ApiKind;
use jiff::Timestamp;
use serde_json::Value;
use serde_json::json;

const ACCEPT: &str = "application/json;as=Table;v=v1;g=meta.k8s.io,application/json";

fn kind(plural: &str) -> ApiKind {
    kinds::known()
        .into_iter()
        .find(|kind| kind.plural == plural)
        .unwrap()
}

/// The cells that `get`, without `-o wide`, shows of one object.
fn cells(plural: &str, object: &Value) -> Vec<Value> {
    let now: Timestamp = "2026-01-05T09:05:03Z".parse().unwrap();
    let format = TableFormat::asked(ACCEPT, "None").unwrap();
    let table = format.table(&kind(plural), [object], "7", now);
    let columns = table["columnDefinitions"].as_array().unwrap();
    let cells = table["rows"][0]["cells"].as_array().unwrap();
    assert_eq!(columns.len(), cells.len());
    columns
        .iter()
        .zip(cells)
        .filter(|(column, _)| column["priority"] == 0)
        .map(|(_, cell)| cell.clone())
        .collect()
}

#[test]
fn a_table_is_made_only_where_it_was_asked_for() {
    assert!(TableFormat::asked(ACCEPT, "").is_some());
    assert!(TableFormat::asked("application/json", "").is_none());
    assert!(TableFormat::asked("application/json;as=PartialObjectMetadataList", "").is_none());
}

#[test]
fn a_deployment_shows_its_replicas() {
    let deployment = json!({
        "metadata": {"name": "podinfo", "creationTimestamp": "2026-01-05T09:00:00Z"},
        "spec": {"replicas": 2}, "status": {"readyReplicas": 1, "updatedReplicas": 2},
    });
    assert_eq!(
        cells("deployments", &deployment),
        [
            json!("podinfo"),
            json!("1/2"),
            json!(2),
            json!(0),
            json!("5m3s")
        ]
    );
}

#[test]
fn a_pod_shows_why_it_is_not_running() {
    let mut pod = json!({
        "metadata": {"name": "a", "creationTimestamp": "2026-01-05T09:05:00Z"},
        "spec": {"containers": [{"name": "podinfod"}]},
        "status": {"phase": "Pending", "containerStatuses": [
            {"ready": false, "restartCount": 0, "state": {"waiting": {"reason": "ContainerCreating"}}},
        ]},
    });
    assert_eq!(
        cells("pods", &pod),
        ["a", "0/1", "ContainerCreating", "0", "3s"]
    );
    pod["metadata"]["deletionTimestamp"] = json!("2026-01-05T09:05:02Z");
    assert_eq!(cells("pods", &pod)[2], "Terminating");
}

#[test]
fn a_canary_shows_phase_weight_and_time() {
    let canary = json!({
        "metadata": {"name": "podinfo"},
        "status": {"phase": "Progressing", "canaryWeight": 10, "lastTransitionTime": "2026-01-05T09:00:10Z"},
    });
    assert_eq!(
        cells("canaries", &canary),
        ["podinfo", "Progressing", "10", "2026-01-05T09:00:10Z"]
    );
}

#[test]
fn a_kind_without_columns_shows_name_and_age() {
    let route = json!({"metadata": {"name": "a", "creationTimestamp": "2026-01-05T09:05:00Z"}});
    assert_eq!(cells("ingressroutes", &route), ["a", "3s"]);
}

#[test]
fn a_row_carries_the_objects_metadata_unless_more_or_less_is_asked() {
    let object = json!({"metadata": {"name": "a"}, "data": {}});
    let row = |include: &str| {
        let format = TableFormat::asked(ACCEPT, include).unwrap();
        format.table(&kind("configmaps"), [&object], "7", Timestamp::UNIX_EPOCH)["rows"][0].clone()
    };
    assert_eq!(row("")["object"]["kind"], "PartialObjectMetadata");
    assert_eq!(row("Object")["object"], object);
    assert_eq!(row("None").get("object"), None);
}

#[test]
fn durations_are_worded_as_kubectl_does() {
    let worded = [
        -5, 0, 119, 120, 185, 599, 600, 10_799, 10_860, 28_800, 172_800, 176_400, 691_200,
        63_072_000, 63_158_400,
    ]
    .map(duration);
    assert_eq!(
        worded,
        [
            "<invalid>",
            "0s",
            "119s",
            "2m",
            "3m5s",
            "9m59s",
            "10m",
            "179m",
            "3h1m",
            "8h",
            "2d",
            "2d1h",
            "8d",
            "2y",
            "2y1d"
        ]
    );
}
