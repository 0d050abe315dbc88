//! What a comparison is about: five sequences, from a recording and from a replay, with all that may differ masked.

use crate::departures::set_apart;
use crate::recorded::Row;
use crate::recorded::Tape;
use crate::recorded::path_of;
use crate::replay::Played;
use kubectl_flagger::canary::duration;
use kubectl_flagger::canary::metadata::FLAGGER_ID;
use kubectl_flagger::canary::metadata::MANAGED_BY;
use kubectl_flagger::sandbox::faults::LoggedRequest;
use kubectl_flagger::sandbox::scripted::Asked;
use kubectl_flagger::sandbox::world::Heard;
use serde_json::Map;
use serde_json::Value;
use serde_json::json;
use std::collections::BTreeMap;
use std::time::Duration;

/// Prefix of our own annotations.
const OURS: &str = "flagger-driver/";

/// What was done.
#[derive(Default)]
pub struct Sequences {
    /// The distinct contents of every object, by resource and name; `null` where it was deleted.
    pub contents: BTreeMap<String, Vec<Value>>,
    /// Metrics asked and hooks called.
    pub asked: Vec<Value>,
    /// Phases that listeners were told, once there is a primary. What they hear about waiting and at repeats differs.
    pub told: Vec<Value>,
    /// Alerts posted.
    pub alerts: Vec<Value>,
    /// The distinct statuses of the canary.
    pub statuses: Vec<Value>,
    /// Are only the contents of the objects there that every router has?
    pub routes_left_out: bool,
}

/// Kinds that do not depend on the router.
const ROUTELESS: &[&str] = &[
    "configmaps",
    "daemonsets.apps",
    "deployments.apps",
    "horizontalpodautoscalers.autoscaling",
    "secrets",
    "services",
];

impl Sequences {
    /// Of a recording.
    pub fn recorded(tape: &Tape) -> Self {
        let mut all = Self::default();
        for row in &tape.rows {
            match row {
                Row::Write {
                    code: Some(code), ..
                } if *code >= 400 => {}
                Row::Write {
                    status: Some(status),
                    ..
                } => push(&mut all.statuses, masked_status(status)),
                Row::Write {
                    write,
                    resource,
                    name,
                    object,
                    ..
                } => {
                    let gone = write == "delete";
                    let object = object.as_ref().filter(|_| !gone);
                    all.wrote(resource, name, object);
                }
                Row::Ask {
                    ask,
                    window,
                    query,
                    value,
                } => all.asked.push(match query {
                    Some(query) => json!({"query": query, "value": value}),
                    None => {
                        let window = window.as_deref().map(|text| duration::parse(text).unwrap());
                        json!({"ask": ask, "window": seconds(window), "value": value})
                    }
                }),
                Row::Hook { hook, answer, body } => {
                    all.called(hook, *answer, &masked_body(body));
                }
                Row::Alert { alert, body } => {
                    let body = masked_body(body);
                    all.alerts.push(json!({"alert": alert, "body": body}));
                }
                Row::Event { .. } | Row::Operator { .. } => {}
            }
        }
        all.number_hashes();
        set_apart(&mut all, tape);
        all
    }

    /// Of a replay.
    pub fn played(tape: &Tape, played: &Played) -> Self {
        let mut all = Self::default();
        for request in written(&played.requests) {
            let resource = qualified(request);
            let object = request.object.as_ref();
            if resource == "canaries.flagger.app" {
                let status = object.map(|object| &object["status"]);
                push(
                    &mut all.statuses,
                    masked_status(status.unwrap_or(&Value::Null)),
                );
            } else {
                // A create names its object in the body alone.
                let name = object.and_then(|object| object["metadata"]["name"].as_str());
                let kept = object.filter(|_| request.verb != "delete");
                all.wrote(&resource, name.unwrap_or(&request.name), kept);
            }
        }
        let mut judged = played.judged.iter().peekable();
        for heard in &played.heard {
            // All are asked at once; those after one that failed are not heard to the end.
            if let Heard::Asked { query, .. } = heard
                && judged.next_if(|next| one_line(next) == *query).is_none()
            {
                continue;
            }
            match heard {
                Heard::Asked {
                    metric,
                    query,
                    window,
                    value,
                } => {
                    let name = match metric {
                        Asked::Success => "request-success-rate",
                        Asked::Duration => "request-duration",
                        Asked::Custom => {
                            all.asked.push(json!({"query": query, "value": value}));
                            continue;
                        }
                    };
                    let window = seconds(*window);
                    all.asked
                        .push(json!({"ask": name, "window": window, "value": value}));
                }
                Heard::Called { url, status, body } => {
                    let body: Value = serde_json::from_slice(body).unwrap_or_default();
                    let body = masked_body(&body);
                    let path = path_of(url);
                    let prefix = format!("/{}/", tape.name);
                    let name = path.strip_prefix(&prefix).unwrap_or(path);
                    if tape.is_alert(path) {
                        all.alerts.push(json!({"alert": name, "body": body}));
                    } else {
                        all.called(name, *status, &body);
                    }
                }
            }
        }
        all.number_hashes();
        all.mask_cookie();
        set_apart(&mut all, tape);
        all
    }

    /// The value of the cookie is chance in a recording.
    fn mask_cookie(&mut self) {
        let mut cookies = self.statuses.iter().filter_map(|status| {
            let cookie = status["sessionAffinityCookie"].as_str()?;
            Some(cookie.split_once('=')?.1.to_owned())
        });
        let Some(value) = cookies.next() else { return };
        let mask = |one: &mut Value| {
            *one = serde_json::from_str(&one.to_string().replace(&value, "COOKIE")).unwrap();
        };
        self.statuses.iter_mut().for_each(mask);
        self.contents.values_mut().flatten().for_each(mask);
    }

    /// The same without the objects of the router.
    pub fn without_routes(mut self) -> Self {
        self.contents.retain(|object, _| {
            let resource = object.split('/').next().unwrap_or_default();
            ROUTELESS.contains(&resource)
        });
        self.routes_left_out = true;
        self
    }

    /// The same without a status that says nothing but that the decisive check failed: where nothing waits for a
    /// tick, the route goes first and the next status says so.
    pub fn without_last_failed_check(mut self) -> Self {
        let all = &self.statuses;
        let says_nothing_else = |at: usize| {
            let before = at.checked_sub(1).and_then(|before| all.get(before));
            let ends = all
                .get(at + 1)
                .is_some_and(|after| after["phase"] == "Failed");
            ends && before.map(uncounted) == all.get(at).map(uncounted)
        };
        self.statuses = (0..all.len())
            .filter(|at| !says_nothing_else(*at))
            .filter_map(|at| all.get(at).cloned())
            .collect();
        self
    }

    /// How much there is of each, for people.
    pub fn size(&self) -> String {
        let contents: usize = self.contents.values().map(Vec::len).sum();
        format!(
            "{contents} contents of {} objects, {} asked, {} alerts, {} statuses",
            self.contents.len(),
            self.asked.len(),
            self.alerts.len(),
            self.statuses.len()
        )
    }

    fn called(&mut self, hook: &str, answer: u16, body: &Value) {
        if body["metadata"]["eventType"].is_null() {
            self.asked
                .push(json!({"hook": hook, "answer": answer, "body": body}));
        } else if body["phase"] != "Initializing" {
            push(&mut self.told, body["phase"].clone());
        }
    }

    fn wrote(&mut self, resource: &str, name: &str, object: Option<&Value>) {
        if name.starts_with("flagger-") || resource == "events" {
            return;
        }
        let contents = self
            .contents
            .entry(format!("{resource}/{name}"))
            .or_default();
        push(contents, object.map_or(Value::Null, masked_object));
    }

    /// Hashes are compared by their equality alone: `#1` is the first that appears.
    fn number_hashes(&mut self) {
        let mut known = Vec::new();
        for status in &mut self.statuses {
            if let Some(Value::Object(configs)) = status.get_mut("trackedConfigs") {
                for hash in configs.values_mut() {
                    *hash = numbered(&mut known, hash);
                }
            }
        }
    }
}

/// Whatever is not a count of failed checks.
fn uncounted(status: &Value) -> Value {
    let mut status = status.clone();
    status["failedChecks"] = Value::Null;
    status
}

fn numbered(known: &mut Vec<Value>, hash: &Value) -> Value {
    let at = known.iter().position(|one| one == hash).unwrap_or_else(|| {
        known.push(hash.clone());
        known.len() - 1
    });
    json!(format!("#{}", at + 1))
}

fn seconds(window: Option<Duration>) -> Option<u64> {
    window.map(|window| window.as_secs())
}

/// Requests that wrote an object and were accepted.
fn written(requests: &[LoggedRequest]) -> impl Iterator<Item = &LoggedRequest> {
    requests.iter().filter(|request| {
        let writes = ["create", "update", "patch", "delete"].contains(&request.verb.as_str());
        writes && (200..300).contains(&request.code)
    })
}

fn qualified(request: &LoggedRequest) -> String {
    if request.group.is_empty() {
        request.resource.clone()
    } else {
        format!("{}.{}", request.resource, request.group)
    }
}

/// Equal repeats do not count.
fn push(sequence: &mut Vec<Value>, value: Value) {
    if sequence.last() != Some(&value) {
        sequence.push(value);
    }
}

/// An object without what the server sets, owners, and what is our own.
fn masked_object(object: &Value) -> Value {
    let mut object = object.clone();
    let mut metadata = Map::new();
    for field in ["name", "labels", "annotations"] {
        if let Some(value) = object["metadata"].get(field) {
            metadata.insert(field.to_owned(), masked_metadata(value));
        }
    }
    metadata.retain(|_, value| !value.as_object().is_some_and(Map::is_empty));
    object["metadata"] = Value::Object(metadata);
    if let Some(annotations) = object.pointer_mut("/spec/template/metadata/annotations") {
        *annotations = masked_metadata(annotations);
    }
    if let Some(fields) = object.as_object_mut() {
        fields.remove("status");
    }
    if object["kind"] == "ApisixRoute" {
        unfilled(&mut object["spec"]);
    }
    if object["apiVersion"] == "serving.knative.dev/v1"
        && let Some(template) = object.pointer_mut("/spec/template")
    {
        unsaid(template);
    }
    if object["kind"] == "Service" {
        if let Some(spec) = object.get_mut("spec").and_then(Value::as_object_mut) {
            spec.remove("clusterIP");
            spec.remove("clusterIPs");
        }
        // Discovered ports come in any order.
        if let Some(Value::Array(ports)) = object.pointer_mut("/spec/ports")
            && let Some(discovered) = ports.get_mut(1..)
        {
            discovered.sort_by_key(|port| port["name"].to_string());
        }
    }
    sorted(&object)
}

/// A template without what Flagger's typed client fills in, and what a patch leaves empty.
fn unsaid(template: &mut Value) {
    match template {
        Value::Object(fields) => {
            fields.values_mut().for_each(unsaid);
            fields.retain(|_, value| *value != json!({}) && *value != json!(""));
        }
        Value::Array(items) => items.iter_mut().for_each(unsaid),
        Value::Null | Value::Bool(_) | Value::Number(_) | Value::String(_) => {}
    }
}

/// A route of APISIX without what Flagger's typed client fills in, which means the same as nothing.
fn unfilled(spec: &mut Value) {
    match spec {
        Value::Object(fields) => {
            fields
                .retain(|name, value| !value.is_null() && (name != "websocket" || *value != false));
            fields.values_mut().for_each(unfilled);
        }
        Value::Array(items) => items.iter_mut().for_each(unfilled),
        Value::Null | Value::Bool(_) | Value::Number(_) | Value::String(_) => {}
    }
}

fn masked_metadata(entries: &Value) -> Value {
    let Value::Object(entries) = entries else {
        return entries.clone();
    };
    let kept = entries.iter().filter(|(key, _)| {
        !key.starts_with(OURS) && *key != MANAGED_BY && *key != "deployment.kubernetes.io/revision"
    });
    kept.map(|(key, value)| {
        let value = if key == FLAGGER_ID {
            json!("ID")
        } else {
            value.clone()
        };
        (key.clone(), value)
    })
    .collect::<Map<String, Value>>()
    .into()
}

/// A status without Flagger's own hashes, times and sentences.
fn masked_status(status: &Value) -> Value {
    let mut status = status.clone();
    if let Some(fields) = status.as_object_mut() {
        for field in ["lastAppliedSpec", "lastPromotedSpec", "lastTransitionTime"] {
            fields.remove(field);
        }
        if let Some(Value::Array(conditions)) = fields.get_mut("conditions") {
            for condition in conditions.iter_mut().filter_map(Value::as_object_mut) {
                condition.retain(|field, _| ["type", "status", "reason"].contains(&field.as_str()));
            }
        }
    }
    sorted(&status)
}

/// A payload without hashes, times and sentences.
fn masked_body(body: &Value) -> Value {
    let mut body = body.clone();
    for (pointer, mask) in [
        ("/checksum", "#"),
        ("/metadata/timestamp", "MILLIS"),
        ("/metadata/eventMessage", "TEXT"),
        ("/attachments/0/text", "TEXT"),
        ("/sections/0/activityTitle", "TEXT"),
        (
            "/cards/0/sections/0/widgets/0/textParagraph/text",
            "<font color=#848484><strong>TEXT</strong></font>",
        ),
    ] {
        if let Some(value) = body.pointer_mut(pointer) {
            *value = json!(mask);
        }
    }
    sorted(&body)
}

/// The same with all fields by name, so that texts of equal values are equal.
fn sorted(value: &Value) -> Value {
    match value {
        Value::Object(fields) => {
            let fields: BTreeMap<&String, Value> = fields
                .iter()
                .map(|(key, value)| (key, sorted(value)))
                .collect();
            fields
                .into_iter()
                .map(|(key, value)| (key.clone(), value))
                .collect::<Map<String, Value>>()
                .into()
        }
        Value::Array(items) => items.iter().map(sorted).collect(),
        Value::Null | Value::Bool(_) | Value::Number(_) | Value::String(_) => value.clone(),
    }
}

/// A query as it is sent.
fn one_line(query: &str) -> String {
    query.split_whitespace().collect::<Vec<_>>().join(" ")
}
