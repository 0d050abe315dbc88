//! Scenario files: a canary, the cluster it lives in, its users, and what happens to them when.
//!
//! Reads and checks; does nothing to the world itself.

use crate::canary::source::SourceFile;
use crate::sandbox::placed;
use crate::sandbox::scenario::action::Action;
use crate::sandbox::scenario::action::Fault;
use crate::sandbox::scenario::action::MergePatch;
use crate::sandbox::scenario::action::Set;
use crate::sandbox::scenario::steps::Steps;
use crate::sandbox::scenario::trigger::Timeline;
use crate::sandbox::scenario::trigger::Trigger;
use crate::sandbox::scenario::trigger::TriggerState;
use crate::sandbox::scenario::words::Change;
use crate::sandbox::traffic::load::Load;
use serde::Deserialize;
use serde::Deserializer;
use serde::de::MapAccess;
use serde::de::Visitor;
use serde::de::value::MapAccessDeserializer;
use serde_json::Value;
use std::fmt;
use std::time::Duration;

pub mod action;
pub mod built_in;
pub mod edit;
pub mod steps;
pub mod trigger;
pub mod words;

/// One scenario, ready to be played.
#[derive(Clone, Debug, PartialEq)]
pub struct Scenario {
    /// A sentence for people.
    pub description: String,
    /// The Canary object.
    pub canary: Value,
    /// Its text, where it has a file of its own.
    pub canary_source: Option<SourceFile>,
    /// What exists in the cluster at first, in this order.
    pub objects: Vec<Value>,
    /// How long pods take.
    pub pods: Pods,
    /// The users.
    pub traffic: Load,
    /// From the write of a route to its effect.
    pub route_delay: Duration,
    /// What happens when.
    pub timeline: Timeline,
    /// What happens one after another.
    pub steps: Steps,
}

/// How long pods take.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields, default)]
pub struct Pods {
    /// From creation to ready, milliseconds.
    pub start_ms: u64,
    /// From deletion to gone, milliseconds; they answer until then.
    pub drain_ms: u64,
}

impl Default for Pods {
    fn default() -> Self {
        Self {
            start_ms: 3000,
            drain_ms: 5000,
        }
    }
}

/// A scenario that cannot be played.
#[derive(Clone, Debug, thiserror::Error, miette::Diagnostic, PartialEq, Eq)]
pub enum ScenarioError {
    /// A file that a scenario names cannot be read.
    #[error("cannot read {path}")]
    #[diagnostic(
        code(flagger::sandbox::file),
        help("paths are relative to the scenario's file: {why}")
    )]
    File {
        /// As it was looked for.
        path: String,
        /// The reason.
        why: String,
    },
    /// The text is not a scenario.
    #[error("{path}:{line}:{column}: {why}")]
    #[diagnostic(
        code(flagger::sandbox::scenario),
        help("testdata/scenarios/ has examples of every field")
    )]
    Invalid {
        /// The file.
        path: String,
        /// From 1; 0 where it is not known.
        line: usize,
        /// From 1; 0 where it is not known.
        column: usize,
        /// The field and what is wrong with it.
        why: String,
    },
}

impl Scenario {
    /// The same canary, cluster and users, to whom nothing happens by itself.
    #[must_use]
    pub fn without_events(self) -> Self {
        Self {
            timeline: Timeline::default(),
            steps: Steps::default(),
            ..self
        }
    }

    /// Reads a scenario. `read` gives the text of another file, its path already relative to where `file.path` is.
    ///
    /// # Errors
    ///
    /// With file, line, column and field when anything is missing, unknown or not understood.
    pub fn parse(
        file: &SourceFile,
        read: &dyn Fn(&str) -> Result<String, String>,
    ) -> Result<Self, ScenarioError> {
        let fields: Fields =
            serde_yaml::from_str(&file.text).map_err(|error| invalid(&file.path, &error))?;
        let (canary, canary_source) = match fields.canary {
            Manifest::Inline(canary) => (canary, None),
            Manifest::Path(path) => {
                let source = beside(file, &path, read)?;
                let mut documents = documents(&source)?;
                if documents.len() != 1 {
                    return Err(ScenarioError::Invalid {
                        path: source.path,
                        line: 0,
                        column: 0,
                        why: format!("expected one object, got {}", documents.len()),
                    });
                }
                (documents.remove(0), Some(source))
            }
        };
        let mut objects = Vec::new();
        for manifest in fields.objects {
            match manifest {
                Manifest::Inline(object) => objects.push(object),
                Manifest::Path(path) => objects.extend(documents(&beside(file, &path, read)?)?),
            }
        }
        let mut timeline = Timeline::default();
        for entry in fields.at {
            let (trigger, actions) = entry.actions();
            timeline.push(trigger, actions);
        }
        Ok(Self {
            description: fields.description,
            canary,
            canary_source,
            objects,
            pods: fields.pods,
            traffic: fields.traffic,
            route_delay: Duration::from_millis(fields.route_delay_ms),
            timeline,
            steps: fields.steps.0,
        })
    }

    /// Takes out what is due: of `at:` first, then of `steps:`.
    pub fn due(&mut self, state: &TriggerState) -> Vec<Action> {
        let mut actions = self.timeline.due(state);
        actions.extend(self.steps.due(state));
        actions
    }

    /// Will anything still be done that can change what the target asks for?
    #[must_use]
    pub fn can_begin_rollout(&self) -> bool {
        self.steps.changes().any(Change::begins_rollout)
            || self.timeline.actions().any(|action| match action {
                Action::Change(change) => change.begins_rollout(),
                Action::Patch(_) => true,
                Action::Load(_) | Action::Fault(_) => false,
            })
    }

    /// The words that will still be said.
    pub fn words(&self) -> impl Iterator<Item = &Change> {
        let at = self.timeline.actions().filter_map(|action| match action {
            Action::Change(change) => Some(change),
            Action::Load(_) | Action::Patch(_) | Action::Fault(_) => None,
        });
        at.chain(self.steps.changes())
    }

    /// How long from now until time alone makes something due.
    #[must_use]
    pub fn wake(&self, state: &TriggerState) -> Option<Duration> {
        [self.timeline.wake(state), self.steps.wake(state)]
            .into_iter()
            .flatten()
            .min()
    }
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
struct Fields {
    #[serde(default)]
    description: String,
    canary: Manifest,
    #[serde(default)]
    objects: Vec<Manifest>,
    #[serde(default)]
    pods: Pods,
    #[serde(default)]
    traffic: Load,
    #[serde(default)]
    route_delay_ms: u64,
    #[serde(default)]
    at: Vec<Entry>,
    #[serde(default)]
    steps: Script,
}

/// An entry of `at:`; its fields are done in the order set, patch, fault.
struct Entry(EntryFields);

impl<'de> Deserialize<'de> for Entry {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        placed::map::<EntryFields, _, _>(deserializer)
    }
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct EntryFields {
    when: Trigger,
    set: Option<Set>,
    patch: Option<MergePatch>,
    fault: Option<Fault>,
}

impl TryFrom<EntryFields> for Entry {
    type Error = &'static str;

    fn try_from(fields: EntryFields) -> Result<Self, Self::Error> {
        if fields.set.is_none() && fields.patch.is_none() && fields.fault.is_none() {
            return Err("an entry needs `set`, `patch` or `fault`");
        }
        Ok(Self(fields))
    }
}

impl Entry {
    fn actions(self) -> (Trigger, Vec<Action>) {
        let mut actions = self.0.set.map_or_else(Vec::new, |set| set.0);
        actions.extend(self.0.patch.map(Action::Patch));
        actions.extend(self.0.fault.map(Action::Fault));
        (self.0.when, actions)
    }
}

#[derive(Default)]
struct Script(Steps);

impl<'de> Deserialize<'de> for Script {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        placed::list::<Vec<String>, _, _>(deserializer)
    }
}

impl TryFrom<Vec<String>> for Script {
    type Error = String;

    fn try_from(steps: Vec<String>) -> Result<Self, String> {
        Steps::parse(&steps).map(Self)
    }
}

enum Manifest {
    Path(String),
    Inline(Value),
}

impl<'de> Deserialize<'de> for Manifest {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct Either;

        impl<'de> Visitor<'de> for Either {
            type Value = Manifest;

            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("an object or the path of a file")
            }

            fn visit_str<E: serde::de::Error>(self, path: &str) -> Result<Manifest, E> {
                Ok(Manifest::Path(path.to_owned()))
            }

            fn visit_map<A: MapAccess<'de>>(self, map: A) -> Result<Manifest, A::Error> {
                Value::deserialize(MapAccessDeserializer::new(map)).map(Manifest::Inline)
            }
        }

        deserializer.deserialize_any(Either)
    }
}

fn beside(
    file: &SourceFile,
    path: &str,
    read: &dyn Fn(&str) -> Result<String, String>,
) -> Result<SourceFile, ScenarioError> {
    let path = match file.path.rsplit_once('/') {
        Some((folder, _)) if !path.starts_with('/') => format!("{folder}/{path}"),
        Some(_) | None => path.to_owned(),
    };
    match read(&path) {
        Ok(text) => Ok(SourceFile {
            path,
            text: text.into(),
        }),
        Err(why) => Err(ScenarioError::File { path, why }),
    }
}

/// The objects of a manifest; empty documents are left out.
fn documents(file: &SourceFile) -> Result<Vec<Value>, ScenarioError> {
    let mut objects = Vec::new();
    for document in serde_yaml::Deserializer::from_str(&file.text) {
        let object = Value::deserialize(document).map_err(|error| invalid(&file.path, &error))?;
        if !object.is_null() {
            objects.push(object);
        }
    }
    Ok(objects)
}

fn invalid(path: &str, error: &serde_yaml::Error) -> ScenarioError {
    let text = error.to_string();
    let (line, column) = error
        .location()
        .map_or((0, 0), |place| (place.line(), place.column()));
    let place = format!(" at line {line} column {column}");
    ScenarioError::Invalid {
        path: path.to_owned(),
        line,
        column,
        why: text.replacen(&place, "", 1),
    }
}

#[cfg(test)]
mod tests;
