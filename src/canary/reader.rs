//! Takes a JSON value apart field by field, and notes everything that does not fit instead of stopping at the first.
//!
//! Must not know any kind of object.

use crate::canary::duration;
use crate::canary::duration::GoDuration;
use crate::canary::fields::Fields;
use crate::canary::name::Word;
use crate::canary::name::is_dns_label;
use crate::canary::name::is_dns_subdomain;
use crate::canary::name::listed;
use crate::canary::name::nearest;
use crate::canary::problem::Finding;
use crate::canary::problem::ProblemKind;
use crate::canary::problem::Spot;
use crate::canary::problem::dotted;
use crate::canary::sink::Sink;
use crate::canary::weight::Weight;
use crate::canary::yaml::Document;
use crate::canary::yaml::escape;
use serde_json::Value;
use std::collections::BTreeMap;
use std::ops::RangeInclusive;
use std::time::Duration;

/// The range of Go's `int32`, which most of Flagger's numbers are.
const LEAST: i64 = i32::MIN as i64;
const MOST: i64 = i32::MAX as i64;

/// A value and where it stands.
#[derive(Clone)]
pub(super) struct At<'a> {
    pub value: &'a Value,
    pub pointer: String,
    pub sink: &'a Sink,
}

impl<'a> At<'a> {
    /// The whole document; repeated keys are noted at once.
    pub fn document(document: &'a Document, sink: &'a Sink) -> Self {
        for (pointer, first, second) in &document.duplicates {
            let key = dotted(pointer);
            sink.error(
                Finding {
                    kind: ProblemKind::DuplicateKey,
                    pointer: pointer.clone(),
                    message: format!("{key} is there twice"),
                    help: Some("remove one of them".to_owned()),
                    labels: vec![(Spot::Bytes(first.clone()), "first".to_owned())],
                }
                .label(Spot::Bytes(second.clone()), "again"),
            );
        }
        Self {
            value: &document.value,
            pointer: String::new(),
            sink,
        }
    }

    /// Its path as people write it.
    pub fn path(&self) -> String {
        dotted(&self.pointer)
    }

    /// Notes that the value is not among the allowed ones.
    pub fn refuse(&self, label: &str, message: &str, help: impl Into<String>) {
        self.sink.error(
            Finding::at_value(
                ProblemKind::WrongValue,
                &self.pointer,
                label,
                format!("{} {message}", self.path()),
            )
            .help(help),
        );
    }

    /// Notes that a word is not one of its set.
    pub fn unknown(&self, message: &str, help: Option<String>) {
        let message = format!("{} {message}", self.path());
        let mut finding =
            Finding::at_value(ProblemKind::WrongValue, &self.pointer, "unknown", message);
        finding.help = help;
        self.sink.error(finding);
    }

    fn wrong_type(&self, wanted: &str) {
        let got = match self.value {
            Value::Null => "nothing",
            Value::Bool(_) => "a boolean",
            Value::Number(_) => "a number",
            Value::String(_) => "text",
            Value::Array(_) => "a list",
            Value::Object(_) => "a mapping",
        };
        let mut finding = Finding::at_value(
            ProblemKind::WrongType,
            &self.pointer,
            got,
            format!("{} must be {wanted}, not {got}", self.path()),
        );
        finding.help = self.retyped(wanted);
        self.sink.error(finding);
    }

    /// How the same scalar is written as what was wanted.
    fn retyped(&self, wanted: &str) -> Option<String> {
        match self.value {
            Value::String(text)
                if wanted != "text" && serde_json::from_str::<Value>(text.trim()).is_ok() =>
            {
                Some(format!("write {} without quotes", text.trim()))
            }
            // Yes, no, on, off, y and n are booleans for kubectl.
            Value::Bool(_) | Value::Number(_) if wanted == "text" => {
                Some("put quotes around it".to_owned())
            }
            Value::Bool(_)
            | Value::Number(_)
            | Value::Null
            | Value::String(_)
            | Value::Array(_)
            | Value::Object(_) => None,
        }
    }

    /// The fields of a mapping.
    pub fn fields(self) -> Option<Fields<'a>> {
        match self.value {
            Value::Object(object) => Some(Fields {
                at: self,
                object,
                asked: Vec::new(),
            }),
            _ => {
                self.wrong_type("a mapping");
                None
            }
        }
    }

    /// Text.
    pub fn text(self) -> Option<String> {
        match self.value {
            Value::String(text) => Some(text.clone()),
            _ => {
                self.wrong_type("text");
                None
            }
        }
    }

    /// Text of at least one character.
    pub fn some_text(self) -> Option<String> {
        let text = self.clone().text()?;
        if text.is_empty() {
            self.refuse("empty", "is empty", "give it a value");
            return None;
        }
        Some(text)
    }

    /// The name of an object.
    pub fn object_name(self) -> Option<String> {
        let text = self.clone().text()?;
        if is_dns_subdomain(&text) {
            return Some(text);
        }
        self.not_a_name("letters a-z, digits, - and ., beginning and ending with a letter or digit, at most 253");
        None
    }

    /// The name of a namespace or service.
    pub fn label_name(self) -> Option<String> {
        let text = self.clone().text()?;
        if is_dns_label(&text) {
            return Some(text);
        }
        self.not_a_name(
            "letters a-z, digits and -, beginning and ending with a letter or digit, at most 63",
        );
        None
    }

    fn not_a_name(&self, rule: &str) {
        let help = match self.value {
            Value::String(text) if text.contains("{{") => {
                "this looks like a Helm template: render it first and pass the result with -f -"
                    .to_owned()
            }
            _ => format!("a name has {rule}"),
        };
        self.refuse("no name", "is not a name that Kubernetes takes", help);
    }

    /// True or false.
    pub fn flag(self) -> Option<bool> {
        match self.value {
            Value::Bool(flag) => Some(*flag),
            _ => {
                self.wrong_type("true or false");
                None
            }
        }
    }

    /// Any number.
    pub fn number(self) -> Option<f64> {
        match self.value {
            Value::Number(number) => number.as_f64(),
            _ => {
                self.wrong_type("a number");
                None
            }
        }
    }

    /// A whole number in a range. `5.0` is one, as it is for kubectl.
    pub fn whole(self, range: RangeInclusive<i64>) -> Option<i64> {
        let Value::Number(number) = self.value else {
            self.wrong_type("a whole number");
            return None;
        };
        let whole = number.as_i64().or_else(|| {
            let float = number.as_f64()?;
            #[expect(
                clippy::cast_possible_truncation,
                reason = "a float without fraction below 2^53 is exactly that integer"
            )]
            (float.fract() == 0.0 && float.abs() < 9e15).then_some(float as i64)
        });
        let wanted = match (*range.start(), *range.end()) {
            (i64::MIN | LEAST, i64::MAX | MOST) => "a whole number".to_owned(),
            (low, i64::MAX | MOST) => format!("a whole number from {low}"),
            (i64::MIN | LEAST, high) => format!("a whole number up to {high}"),
            (low, high) => format!("a whole number from {low} to {high}"),
        };
        let label = match whole {
            Some(whole) if range.contains(&whole) => return Some(whole),
            Some(whole) if whole < *range.start() => "too small",
            Some(_) => "too large",
            None => "not whole",
        };
        self.sink.error(Finding::at_value(
            ProblemKind::WrongValue,
            &self.pointer,
            label,
            format!("{} must be {wanted}", self.path()),
        ));
        None
    }

    /// A whole number as Go's `int32` holds it.
    pub fn int(self) -> Option<i64> {
        self.whole(LEAST..=MOST)
    }

    /// A count.
    pub fn count(self) -> Option<u32> {
        let whole = self.whole(0..=MOST)?;
        u32::try_from(whole).ok()
    }

    /// A port.
    pub fn port(self) -> Option<u16> {
        u16::try_from(self.whole(1..=65535)?).ok()
    }

    /// Percent.
    pub fn percent(self) -> Option<Weight> {
        Some(Weight::saturating(self.whole(0..=100)?))
    }

    /// A Go duration as the schema of Flagger takes it: it begins with whole minutes or seconds.
    pub fn go_duration(self) -> Option<GoDuration> {
        if let Value::Number(number) = self.value {
            self.refuse(
                "no unit",
                "has no unit",
                format!("such as {number}s or {number}m"),
            );
            return None;
        }
        let text = self.clone().text()?;
        let digits = text.bytes().take_while(u8::is_ascii_digit).count();
        let read = GoDuration::new(&text);
        match (read, text.as_bytes().get(digits)) {
            (Ok(read), Some(b'm' | b's')) if digits > 0 => Some(read),
            (Ok(read), _) => {
                let seconds = read.length().as_secs().max(1);
                let written = if seconds.is_multiple_of(60) {
                    format!("{}m", seconds / 60)
                } else {
                    format!("{seconds}s")
                };
                self.refuse(
                    "not minutes or seconds",
                    "must begin with whole minutes or seconds",
                    format!("Flagger's schema takes digits and then m or s, such as {written}"),
                );
                None
            }
            (Err(error), _) => {
                self.refuse(
                    "no duration",
                    &format!("is no duration: {error}"),
                    "write minutes or seconds, such as 30s, 1m or 1m30s",
                );
                None
            }
        }
    }

    /// As [`At::go_duration`], without its text.
    pub fn duration(self) -> Option<Duration> {
        Some(self.go_duration()?.length())
    }

    /// Text that some router takes as a duration; ours only checks that it is one where it looks like one.
    pub fn loose_duration(self) -> Option<String> {
        let text = self.clone().text()?;
        let looks = text.bytes().next().is_some_and(|b| b.is_ascii_digit());
        if looks && let Err(error) = duration::parse(&text) {
            self.refuse(
                "no duration",
                &format!("is no duration: {error}"),
                "write it as 500ms, 15s or 1m30s",
            );
            return None;
        }
        Some(text)
    }

    /// A word of a fixed set.
    pub fn word<T: Word>(self) -> Option<T> {
        let text = self.clone().text()?;
        if let Some(word) = T::from_word(&text) {
            return Some(word);
        }
        let words = T::words();
        let mut help: Vec<String> = nearest(&text, words.iter().copied())
            .map(|meant| format!("did you mean {meant}?"))
            .into_iter()
            .collect();
        let message = if words.len() <= 5 {
            format!("must be {}, not {text:?}", listed(&words, "or"))
        } else {
            help.push(format!("known: {}", words.join(", ")));
            format!("is {text:?}, which Flagger does not know")
        };
        self.unknown(&message, (!help.is_empty()).then(|| help.join(" ")));
        None
    }

    /// As [`At::word`]; empty text counts as absent, which is no problem.
    pub fn word_or_empty<T: Word>(self) -> Option<T> {
        match self.value {
            Value::String(text) if text.is_empty() => None,
            _ => self.word(),
        }
    }

    /// The items of a list.
    pub fn list<T>(self, read: impl Fn(At<'a>) -> Option<T>) -> Option<Vec<T>> {
        let Value::Array(items) = self.value else {
            self.wrong_type("a list");
            return None;
        };
        let mut list = Vec::with_capacity(items.len());
        for (index, value) in items.iter().enumerate() {
            let item = At {
                value,
                pointer: format!("{}/{index}", self.pointer),
                sink: self.sink,
            };
            list.push(read(item));
        }
        list.into_iter().collect()
    }

    /// The entries of a mapping with free keys.
    pub fn map<T>(self, read: impl Fn(At<'a>) -> Option<T>) -> Option<BTreeMap<String, T>> {
        let Value::Object(object) = self.value else {
            self.wrong_type("a mapping");
            return None;
        };
        let mut entries = Vec::with_capacity(object.len());
        for (key, value) in object {
            let entry = At {
                value,
                pointer: format!("{}/{}", self.pointer, escape(key)),
                sink: self.sink,
            };
            entries.push(read(entry).map(|value| (key.clone(), value)));
        }
        entries.into_iter().collect()
    }

    /// Texts in a list.
    pub fn texts(self) -> Option<Vec<String>> {
        self.list(At::text)
    }

    /// Texts by free keys.
    pub fn text_map(self) -> Option<BTreeMap<String, String>> {
        self.map(At::text)
    }
}
