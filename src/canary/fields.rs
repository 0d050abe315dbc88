//! The fields of a mapping, asked for by name.
//!
//! Must not know any kind of object.

use crate::canary::name::nearest;
use crate::canary::problem::Finding;
use crate::canary::problem::ProblemKind;
use crate::canary::problem::dotted;
use crate::canary::reader::At;
use crate::canary::yaml::escape;
use serde_json::Map;
use serde_json::Value;

/// The fields of a mapping, asked for by name; what nobody asked for is unknown.
pub(super) struct Fields<'a> {
    pub at: At<'a>,
    pub object: &'a Map<String, Value>,
    pub asked: Vec<&'static str>,
}

impl<'a> Fields<'a> {
    /// A field that may be absent; `null` is absent, as for kubectl.
    pub fn optional<T>(
        &mut self,
        name: &'static str,
        read: impl FnOnce(At<'a>) -> Option<T>,
    ) -> Option<T> {
        let at = self.get(name)?;
        read(at)
    }

    /// A field that must be there.
    pub fn required<T>(
        &mut self,
        name: &'static str,
        read: impl FnOnce(At<'a>) -> Option<T>,
    ) -> Option<T> {
        match self.get(name) {
            Some(at) => read(at),
            None => {
                self.missing(name, "");
                None
            }
        }
    }

    /// Notes that a field is missing; `why` follows the sentence.
    pub fn missing(&self, name: &str, why: &str) {
        let parent = self.at.path();
        let field = if parent.is_empty() {
            name.to_owned()
        } else {
            format!("{parent}.{name}")
        };
        self.at.sink.error(Finding::at_key(
            ProblemKind::MissingField,
            &self.at.pointer,
            &format!("{name} is missing"),
            format!("{field} is missing{why}"),
        ));
    }

    /// A field's value, unless it is absent or `null`.
    pub fn get(&mut self, name: &'static str) -> Option<At<'a>> {
        self.asked.push(name);
        let value = self.object.get(name)?;
        (!value.is_null()).then(|| self.child(name, value))
    }

    /// Is it there and not `null`?
    pub fn has(&self, name: &str) -> bool {
        self.object.get(name).is_some_and(|value| !value.is_null())
    }

    fn child(&self, name: &str, value: &'a Value) -> At<'a> {
        At {
            value,
            pointer: format!("{}/{}", self.at.pointer, escape(name)),
            sink: self.at.sink,
        }
    }

    /// Pointer of a field.
    pub fn pointer(&self, name: &str) -> String {
        format!("{}/{}", self.at.pointer, escape(name))
    }

    /// Notes every field that nobody asked for.
    pub fn close(self) {
        for name in self.object.keys() {
            if self.asked.contains(&name.as_str()) {
                continue;
            }
            let pointer = self.pointer(name);
            let mut known = self.asked.clone();
            known.sort_unstable();
            let help = nearest(name, known.iter().copied()).map_or_else(
                || format!("known here: {}", known.join(", ")),
                |meant| format!("did you mean {meant}?"),
            );
            self.at.sink.error(
                Finding::at_key(
                    ProblemKind::UnknownField,
                    &pointer,
                    "unknown field",
                    format!("{} is not a field of Flagger's schema", dotted(&pointer)),
                )
                .help(help),
            );
        }
    }
}
