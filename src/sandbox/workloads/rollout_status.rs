//! A Deployment's status, as its controller writes it.

use crate::sandbox::store::ObjectKey;
use crate::sandbox::store::Store;
use crate::sandbox::tree;
use crate::sandbox::workloads::Moment;
use crate::sandbox::workloads::count;
use crate::sandbox::workloads::edit;
use crate::sandbox::workloads::revisions::Sets;
use crate::sandbox::workloads::revisions::surge_and_unavailable;
use crate::sandbox::writes::seconds;
use jiff::SignedDuration;
use jiff::Timestamp;
use serde_json::Value;
use serde_json::json;
use std::time::Duration;

/// Reason of `Progressing` once everything is available.
const COMPLETE: &str = "NewReplicaSetAvailable";
const TIMED_OUT: &str = "ProgressDeadlineExceeded";

fn condition<'a>(status: &'a Value, kind: &str) -> Option<&'a Value> {
    tree::items(status, "/conditions")
        .iter()
        .find(|condition| tree::text(condition, "/type") == kind)
}

/// Sets a condition. The transition time moves with its status, the update time with status, reason or `touch`.
fn set_condition(
    status: &mut Value,
    kind: &str,
    value: bool,
    reason: &str,
    message: &str,
    now: &str,
    touch: bool,
) {
    let value = if value { "True" } else { "False" };
    let mut list = tree::items(status, "/conditions").to_vec();
    let before = list
        .iter()
        .position(|condition| tree::text(condition, "/type") == kind);
    let mut since = now.to_owned();
    if let Some(old) = before.and_then(|at| list.get(at)) {
        let same_status = tree::text(old, "/status") == value;
        if same_status && tree::text(old, "/reason") == reason && !touch {
            return;
        }
        if same_status {
            tree::text(old, "/lastTransitionTime").clone_into(&mut since);
        }
    }
    let new = json!({
        "type": kind, "status": value, "lastUpdateTime": now, "lastTransitionTime": since, "reason": reason,
        "message": message,
    });
    list.retain(|condition| tree::text(condition, "/type") != kind);
    list.push(new);
    tree::set(status, &["conditions"], list);
}

/// A replica set was created for the template as it is now.
pub(super) fn created(moment: &mut Moment<'_>, key: &ObjectKey, set: &str) {
    let now = seconds(moment.now);
    let message = format!("Created new replica set \"{set}\"");
    edit(moment.store, key, |deployment| {
        let status = tree::field(deployment, &["status"]);
        set_condition(
            status,
            "Progressing",
            true,
            "NewReplicaSetCreated",
            &message,
            &now,
            false,
        );
    });
}

/// Everything of this generation updated, available, and nothing of older ones left?
pub(super) fn is_complete(store: &Store, key: &ObjectKey) -> bool {
    store.get(key).is_some_and(|deployment| {
        let status = deployment.get("status").unwrap_or(&Value::Null);
        all_available(status, count(deployment, "/spec/replicas"))
            && count(status, "/observedGeneration") >= count(deployment, "/metadata/generation")
    })
}

fn all_available(status: &Value, wanted: i64) -> bool {
    count(status, "/updatedReplicas") == wanted
        && count(status, "/replicas") == wanted
        && count(status, "/availableReplicas") == wanted
}

fn counts(store: &Store, deployment: &Value, sets: &Sets) -> Value {
    let mut status = json!({"observedGeneration": count(deployment, "/metadata/generation")});
    let total = sets.sum(store, "/spec/replicas");
    let available = sets.sum(store, "/status/availableReplicas");
    let updated = sets.new.as_ref().and_then(|key| store.get(key));
    for (name, value) in [
        ("replicas", sets.sum(store, "/status/replicas")),
        (
            "updatedReplicas",
            updated.map_or(0, |set| count(set, "/status/replicas")),
        ),
        ("readyReplicas", sets.sum(store, "/status/readyReplicas")),
        ("availableReplicas", available),
        ("unavailableReplicas", (total - available).max(0)),
    ] {
        if value != 0 {
            tree::set(&mut status, &[name], value);
        }
    }
    status
}

/// Writes the status; returns when the progress deadline has to be looked at.
pub(super) fn write(moment: &mut Moment<'_>, key: &ObjectKey, sets: &Sets) -> Option<Duration> {
    let deployment = moment.store.get(key).cloned()?;
    let wanted = count(&deployment, "/spec/replicas");
    let old = deployment.get("status").cloned().unwrap_or(Value::Null);
    let mut status = counts(moment.store, &deployment, sets);
    let now = seconds(moment.now);
    if let Some(conditions) = old.get("conditions") {
        tree::set(&mut status, &["conditions"], conditions.clone());
    }
    let (_, unavailable) = surge_and_unavailable(&deployment);
    let enough = count(&status, "/availableReplicas") >= wanted - unavailable;
    let (reason, message) = if enough {
        (
            "MinimumReplicasAvailable",
            "Deployment has minimum availability.",
        )
    } else {
        (
            "MinimumReplicasUnavailable",
            "Deployment does not have minimum availability.",
        )
    };
    set_condition(
        &mut status,
        "Available",
        enough,
        reason,
        message,
        &now,
        false,
    );
    let set = sets.new.as_ref().map_or_else(
        || format!("Deployment \"{}\"", key.name),
        |set| format!("ReplicaSet \"{}\"", set.name),
    );
    let progressing = condition(&status, "Progressing").cloned();
    let reason_now = progressing
        .as_ref()
        .map_or("", |condition| tree::text(condition, "/reason"));
    let settled =
        count(&status, "/replicas") == count(&status, "/updatedReplicas") && reason_now == COMPLETE;
    if !settled {
        if all_available(&status, wanted) {
            let message = format!("{set} has successfully progressed.");
            set_condition(
                &mut status,
                "Progressing",
                true,
                COMPLETE,
                &message,
                &now,
                false,
            );
        } else if progressed(&old, &status) {
            let message = format!("{set} is progressing.");
            set_condition(
                &mut status,
                "Progressing",
                true,
                "ReplicaSetUpdated",
                &message,
                &now,
                true,
            );
        } else if progressing
            .is_some_and(|condition| timed_out(&deployment, &condition, moment.now))
        {
            let message = format!("{set} has timed out progressing.");
            set_condition(
                &mut status,
                "Progressing",
                false,
                TIMED_OUT,
                &message,
                &now,
                false,
            );
        }
    }
    let deadline = deadline(&deployment, &status, moment);
    edit(moment.store, key, |deployment| {
        tree::set(deployment, &["status"], status);
    });
    deadline
}

fn progressed(old: &Value, new: &Value) -> bool {
    let grew = |pointer: &str| count(new, pointer) > count(old, pointer);
    let outdated = |status: &Value| count(status, "/replicas") - count(status, "/updatedReplicas");
    grew("/updatedReplicas")
        || outdated(new) < outdated(old)
        || grew("/readyReplicas")
        || grew("/availableReplicas")
}

fn deadline_of(deployment: &Value, condition: &Value) -> Option<Timestamp> {
    let limit = tree::int(deployment, "/spec/progressDeadlineSeconds")?;
    let since: Timestamp = tree::text(condition, "/lastUpdateTime").parse().ok()?;
    since.checked_add(SignedDuration::from_secs(limit)).ok()
}

fn timed_out(deployment: &Value, condition: &Value, now: Timestamp) -> bool {
    match tree::text(condition, "/reason") {
        TIMED_OUT => true,
        COMPLETE => false,
        _ => deadline_of(deployment, condition).is_some_and(|deadline| deadline < now),
    }
}

/// A second after the deadline, as the real controller looks again.
fn deadline(deployment: &Value, status: &Value, moment: &Moment<'_>) -> Option<Duration> {
    let progressing = condition(status, "Progressing")?;
    let wanted = count(deployment, "/spec/replicas");
    if matches!(tree::text(progressing, "/reason"), COMPLETE | TIMED_OUT)
        || all_available(status, wanted)
    {
        return None;
    }
    let at = deadline_of(deployment, progressing)?;
    let wait = Duration::try_from(at.duration_since(moment.now)).unwrap_or_default();
    Some(moment.elapsed + wait + Duration::from_secs(1))
}
