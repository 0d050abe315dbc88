//! Bodies in Kubernetes' protobuf, which kubectl's typed clients send, as JSON.
//!
//! Knows the kinds that `kubectl create` and `kubectl auth` send, and their usual fields: numbers as in the
//! `generated.proto` of `k8s.io/api`. What it does not know is refused, never dropped.

mod fields;
mod wire;

use crate::sandbox::failure::Failure;
use crate::sandbox::protobuf::fields::Field;
use crate::sandbox::protobuf::fields::Form;
use crate::sandbox::protobuf::wire::Part;
use crate::sandbox::protobuf::wire::Wire;
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use serde_json::Map;
use serde_json::Value;

/// The media type.
pub const MEDIA_TYPE: &str = "application/vnd.kubernetes.protobuf";

/// What every body begins with.
const MAGIC: &[u8] = b"k8s\0";

/// The object in a body, as JSON.
///
/// # Errors
/// 415, as from a server that speaks JSON alone, where a kind or a field is not known.
pub fn decode(body: &[u8]) -> Result<Value, Failure> {
    let refused = || Failure::unsupported_media_type(&["application/json"]);
    object(body).ok_or_else(refused)
}

fn object(body: &[u8]) -> Option<Value> {
    // runtime.Unknown: typeMeta is field 1, raw field 2
    let (mut api_version, mut kind, mut raw) = (String::new(), String::new(), &[][..]);
    for part in Wire(body.strip_prefix(MAGIC)?) {
        match part? {
            Part::Bytes(1, type_meta) => {
                for part in Wire(type_meta) {
                    match part? {
                        Part::Bytes(1, text) => api_version = utf8(text)?,
                        Part::Bytes(2, text) => kind = utf8(text)?,
                        Part::Bytes(..) | Part::Number(..) => {}
                    }
                }
            }
            Part::Bytes(2, bytes) => raw = bytes,
            Part::Bytes(..) | Part::Number(..) => {}
        }
    }
    let mut all = Map::new();
    all.insert("apiVersion".to_owned(), api_version.into());
    let fields = fields::of(&kind)?;
    all.insert("kind".to_owned(), kind.into());
    message(raw, fields, &mut all)?;
    Some(Value::Object(all))
}

fn utf8(bytes: &[u8]) -> Option<String> {
    String::from_utf8(bytes.to_vec()).ok()
}

/// Fields that hold nothing are left out: Go writes them all.
fn message(bytes: &[u8], fields: &[Field], into: &mut Map<String, Value>) -> Option<()> {
    for part in Wire(bytes) {
        let part = part?;
        let Some(field) = fields.iter().find(|field| field.number == part.number()) else {
            if part.is_empty() {
                continue;
            }
            return None;
        };
        put(&part, field, into)?;
    }
    Some(())
}

fn put(part: &Part<'_>, field: &Field, into: &mut Map<String, Value>) -> Option<()> {
    let name = field.name;
    match (field.form, part) {
        (Form::Ignored, _) => {}
        (Form::Text | Form::Flag | Form::Count, part) if part.is_empty() => {}
        (Form::Text, Part::Bytes(_, bytes)) => {
            into.insert(name.to_owned(), utf8(bytes)?.into());
        }
        (Form::Texts, Part::Bytes(_, bytes)) => push(into, name, utf8(bytes)?.into()),
        (Form::Number | Form::Count, Part::Number(_, number)) => {
            // two's complement in 64 bits, whatever the width of the field
            into.insert(name.to_owned(), number.cast_signed().into());
        }
        (Form::Flag, Part::Number(_, number)) => {
            into.insert(name.to_owned(), (*number != 0).into());
        }
        (Form::Message(fields), Part::Bytes(_, bytes)) => {
            let mut inner = Map::new();
            message(bytes, fields, &mut inner)?;
            into.insert(name.to_owned(), Value::Object(inner));
        }
        (Form::Messages(fields), Part::Bytes(_, bytes)) => {
            let mut inner = Map::new();
            message(bytes, fields, &mut inner)?;
            push(into, name, Value::Object(inner));
        }
        (Form::TextMap, Part::Bytes(_, bytes)) => {
            let (key, value) = entry(bytes)?;
            insert(into, name, key, utf8(value)?);
        }
        (Form::BytesMap, Part::Bytes(_, bytes)) => {
            let (key, value) = entry(bytes)?;
            insert(into, name, key, STANDARD.encode(value));
        }
        (Form::IntOrString, Part::Bytes(_, bytes)) => {
            into.insert(name.to_owned(), int_or_string(bytes)?);
        }
        (
            Form::Text
            | Form::Texts
            | Form::Flag
            | Form::Message(_)
            | Form::Messages(_)
            | Form::TextMap
            | Form::BytesMap
            | Form::IntOrString
            | Form::Number
            | Form::Count,
            Part::Bytes(..) | Part::Number(..),
        ) => return None,
    }
    Some(())
}

fn push(into: &mut Map<String, Value>, name: &str, value: Value) {
    let list = into.entry(name).or_insert_with(|| Value::Array(Vec::new()));
    if let Value::Array(list) = list {
        list.push(value);
    }
}

fn insert(into: &mut Map<String, Value>, name: &str, key: String, value: String) {
    let map = into
        .entry(name)
        .or_insert_with(|| Value::Object(Map::new()));
    if let Value::Object(map) = map {
        map.insert(key, value.into());
    }
}

/// An entry of a map: key is field 1, value field 2.
fn entry(bytes: &[u8]) -> Option<(String, &[u8])> {
    let (mut key, mut value) = (String::new(), &[][..]);
    for part in Wire(bytes) {
        match part? {
            Part::Bytes(1, text) => key = utf8(text)?,
            Part::Bytes(2, bytes) => value = bytes,
            Part::Bytes(..) | Part::Number(..) => return None,
        }
    }
    Some((key, value))
}

/// `intstr.IntOrString`: type (1 is text) is field 1, the number field 2, the text field 3.
fn int_or_string(bytes: &[u8]) -> Option<Value> {
    let (mut is_text, mut number, mut text) = (false, 0, String::new());
    for part in Wire(bytes) {
        match part? {
            Part::Number(1, kind) => is_text = kind == 1,
            Part::Number(2, value) => number = value.cast_signed(),
            Part::Bytes(3, value) => text = utf8(value)?,
            Part::Bytes(..) | Part::Number(..) => return None,
        }
    }
    Some(if is_text { text.into() } else { number.into() })
}

#[cfg(test)]
mod tests;
