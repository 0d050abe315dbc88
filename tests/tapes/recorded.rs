//! Reads a tape: one JSON object a line, the first of which is its head.

use kubectl_flagger::sandbox::scenario::Pods;
use kubectl_flagger::sandbox::scenario::Scenario;
use kubectl_flagger::sandbox::scenario::steps::Steps;
use kubectl_flagger::sandbox::scenario::trigger::Timeline;
use kubectl_flagger::sandbox::traffic::load::Load;
use serde::Deserialize;
use serde_json::Value;
use serde_json::json;
use std::time::Duration;

/// One recording.
#[derive(Clone)]
pub struct Tape {
    /// Its name, which is that of the namespace too.
    pub name: String,
    canary: Value,
    workload: Option<Value>,
    objects: Vec<Value>,
    steps: Vec<String>,
    /// What happened, up to the last thing that was done from outside.
    pub rows: Vec<Row>,
}

#[derive(Deserialize)]
struct Head {
    tape: String,
    canary: Value,
    workload: Option<Value>,
    objects: Vec<Value>,
    steps: Vec<String>,
}

/// One thing that happened.
#[derive(Clone, Debug, Deserialize)]
#[serde(untagged)]
pub enum Row {
    /// An object was written, and how it was then.
    Write {
        write: String,
        resource: String,
        name: String,
        /// Where it was refused.
        code: Option<u16>,
        object: Option<Value>,
        status: Option<Value>,
    },
    /// A metric was asked.
    Ask {
        ask: String,
        window: Option<String>,
        query: Option<String>,
        value: Option<f64>,
    },
    /// A webhook was called.
    Hook {
        hook: String,
        answer: u16,
        body: Value,
    },
    /// An alert was posted.
    Alert { alert: String, body: Value },
    /// A Kubernetes Event.
    Event {
        #[serde(rename = "event")]
        _kind: String,
    },
    /// Something was done from outside.
    Operator {
        #[serde(rename = "operator")]
        _done: String,
    },
}

impl Tape {
    /// Of the text of its file.
    pub fn read(text: &str) -> Self {
        let mut lines = text.lines();
        let head: Head = serde_json::from_str(lines.next().unwrap_or_default()).unwrap();
        let mut rows: Vec<Row> = lines
            .map(|line| serde_json::from_str(line).unwrap())
            .collect();
        let last = rows
            .iter()
            .rposition(|row| matches!(row, Row::Operator { .. }));
        rows.truncate(last.map_or(0, |last| last + 1));
        let mut canary = head.canary;
        canary["metadata"]["namespace"] = json!(head.tape);
        Self {
            name: head.tape,
            canary,
            workload: head.workload,
            objects: head.objects,
            steps: head.steps,
            rows,
        }
    }

    /// The same canary on another router, if it names one.
    pub fn on(&self, provider: &str) -> Option<Self> {
        let mut tape = self.clone();
        let named = tape.canary.pointer_mut("/spec/provider")?;
        if named == provider {
            return None;
        }
        *named = json!(provider);
        Some(tape)
    }

    /// Are its looks counted?
    pub fn has_iterations(&self) -> bool {
        let spec = &self.canary["spec"];
        spec["analysis"].get("iterations").is_some() || spec["provider"] == "kubernetes"
    }

    /// The world that it was recorded in. Nobody sends requests there.
    pub fn scenario(&self) -> Scenario {
        let mut objects = self.objects.clone();
        objects.extend(self.workload.clone().or_else(|| self.knative_service()));
        Scenario {
            description: self.name.clone(),
            canary: self.canary.clone(),
            canary_source: None,
            objects,
            pods: Pods::default(),
            traffic: serde_json::from_value::<Load>(json!({"rps": 0})).unwrap(),
            route_delay: Duration::ZERO,
            timeline: Timeline::default(),
            steps: Steps::parse(&self.steps).unwrap(),
        }
    }

    /// Heads of recordings of Knative have no workload: its Service had one container with the image.
    fn knative_service(&self) -> Option<Value> {
        let target = &self.canary["spec"]["targetRef"];
        let container = json!({"image": "podinfo:6.0.0"});
        (target["apiVersion"] == "serving.knative.dev/v1").then(|| {
            json!({
                "apiVersion": target["apiVersion"], "kind": target["kind"],
                "metadata": {"name": target["name"]},
                "spec": {"template": {"spec": {"containers": [container]}}},
            })
        })
    }

    /// The specs, as they would lie in a repository.
    pub fn manifests(&self) -> String {
        let documents: Vec<String> = std::iter::once(&self.canary)
            .chain(&self.objects)
            .map(|object| serde_json::to_string_pretty(object).unwrap())
            .collect();
        documents.join("\n---\n")
    }

    /// Is something posted there for a chat? Some kinds of chat have their own path below the address.
    pub fn is_alert(&self, path: &str) -> bool {
        self.objects
            .iter()
            .filter(|object| object["kind"] == "AlertProvider")
            .filter_map(|provider| provider["spec"]["address"].as_str())
            .any(|address| path.starts_with(path_of(address)))
    }
}

/// Path of an address.
pub fn path_of(url: &str) -> &str {
    let rest = url.split_once("://").map_or(url, |(_, rest)| rest);
    rest.find('/')
        .and_then(|slash| rest.get(slash..))
        .unwrap_or("/")
}
