//! YAML text as JSON values that know where they stand, read the way kubectl reads it.
//!
//! Must not know what the documents mean.

use crate::canary::node::Node;
use crate::canary::source::SourceFile;
use crate::canary::yaml_error::YamlError;
use serde_json::Map;
use serde_json::Value;
use serde_saphyr::Location;
use serde_saphyr::Spanned;
use std::collections::HashMap;
use std::ops::Range;
use std::sync::Arc;

/// Largest document that is read, bytes: far beyond any manifest, small enough to be read at once.
pub const MAX_BYTES: usize = 1024 * 1024;

/// Levels that a document may nest. Flagger's kinds need 10; each level takes stack while it is read.
pub const MAX_DEPTH: usize = 32;

/// Values that the aliases of a document may unfold to.
pub const MAX_ALIASED: usize = 50_000;

/// One document of a file, or one item of a `kind: List`.
#[derive(Clone, Debug)]
pub struct Document {
    /// The file it stands in; empty for values that were never text.
    pub file: SourceFile,
    /// Its place among the file's documents, from 0; empty ones do not count.
    pub index: usize,
    /// As JSON, the way kubectl would send it.
    pub value: Value,
    /// Keys that stand twice in one mapping: the pointer, and both places.
    pub duplicates: Vec<(String, Range<usize>, Range<usize>)>,
    spans: HashMap<String, Place>,
}

/// Where a value stands.
#[derive(Clone, Debug)]
struct Place {
    key: Option<Range<usize>>,
    value: Range<usize>,
}

impl Document {
    /// A value without text, such as one from a run record.
    #[must_use]
    pub fn without_text(value: Value) -> Self {
        Self {
            file: SourceFile {
                path: String::new(),
                text: Arc::from(""),
            },
            index: 0,
            value,
            duplicates: Vec::new(),
            spans: HashMap::new(),
        }
    }

    /// Bytes of the value at a JSON pointer.
    #[must_use]
    pub fn span(&self, pointer: &str) -> Option<Range<usize>> {
        self.spans.get(pointer).map(|place| place.value.clone())
    }

    /// Bytes of the key that leads to a JSON pointer; list items and the document itself have none.
    #[must_use]
    pub fn key_span(&self, pointer: &str) -> Option<Range<usize>> {
        self.spans.get(pointer).and_then(|place| place.key.clone())
    }

    /// `kind` and the name, for people.
    #[must_use]
    pub fn subject(&self, kind: &str) -> String {
        match self.value.pointer("/metadata/name").and_then(Value::as_str) {
            Some(name) => format!("{kind} {name}"),
            None => format!("a {kind} without a name"),
        }
    }

    /// Line of the document's first value, from 1.
    #[must_use]
    pub fn line(&self) -> usize {
        let start = self.span("").map_or(0, |span| span.start);
        line_column(&self.file.text, start).0
    }
}

/// Line and column, both from 1, of a byte offset; columns count characters.
#[must_use]
pub fn line_column(text: &str, offset: usize) -> (usize, usize) {
    let mut end = offset.min(text.len());
    while !text.is_char_boundary(end) {
        end -= 1;
    }
    let before = &text[..end];
    let start = before.rfind('\n').map_or(0, |at| at + 1);
    let line = before.bytes().filter(|b| *b == b'\n').count() + 1;
    (line, before[start..].chars().count() + 1)
}

/// `~0` and `~1` of RFC 6901.
#[must_use]
pub fn escape(key: &str) -> String {
    key.replace('~', "~0").replace('/', "~1")
}

/// What a file holds: the objects whose `apiVersion` starts with `group`, items of lists included, and the documents
/// that could not be read. Documents that do not mention the group are not looked at, so whatever stands beside a
/// Canary in a rendered stream cannot break it.
#[must_use]
pub fn read(file: &SourceFile, group: &str) -> (Vec<Document>, Vec<YamlError>) {
    let mut found = Vec::new();
    let mut broken = Vec::new();
    for (index, part) in parts(&file.text).into_iter().enumerate() {
        if !file.text[part.clone()].contains(group) {
            continue;
        }
        match read_part(file, part.clone()) {
            Ok(roots) => {
                for root in roots {
                    let from = Part {
                        file,
                        index,
                        base: part.start,
                    };
                    from.collect(root, group, &mut found);
                }
            }
            Err(error) => broken.push(*error),
        }
    }
    (found, broken)
}

fn read_part(file: &SourceFile, part: Range<usize>) -> Result<Vec<Spanned<Node>>, Box<YamlError>> {
    if part.len() > MAX_BYTES {
        return Err(Box::new(YamlError::too_large(file, part)));
    }
    let options = serde_saphyr::options! {
        with_snippet: false,
        // A repeated key is reported by us, with both places.
        duplicate_keys: serde_saphyr::DuplicateKeyPolicy::PassThrough,
        // As the YAML of Go reads 0777.
        legacy_octal_numbers: true,
        budget: serde_saphyr::budget! {
            max_nodes: 500_000,
            max_depth: MAX_DEPTH,
        },
        alias_limits: serde_saphyr::alias_limits! {
            max_total_replayed_events: MAX_ALIASED,
        },
    };
    let text = &file.text[part.clone()];
    serde_saphyr::from_multiple_with_options(text, options)
        .map_err(|error| Box::new(YamlError::of(file, part, &error)))
}

/// Documents as kubectl tells them apart: by lines that begin with `---`. Blank ones are left out.
fn parts(text: &str) -> Vec<Range<usize>> {
    let mut parts = Vec::new();
    let mut start = 0;
    let mut at = 0;
    let mut close = |from: usize, to: usize| {
        let blank = text[from..to].lines().all(|line| {
            let line = line.trim_start_matches(['\u{feff}', '-']).trim_start();
            line.is_empty() || line.starts_with('#')
        });
        if !blank {
            parts.push(from..to);
        }
    };
    for line in text.split_inclusive('\n') {
        let marks = line.strip_prefix("---");
        if marks.is_some_and(|rest| rest.is_empty() || rest.starts_with(char::is_whitespace)) {
            close(start, at);
            start = at;
        }
        at += line.len();
    }
    close(start, text.len());
    parts
}

/// A document of a file: where its parts' places are counted from.
struct Part<'a> {
    file: &'a SourceFile,
    index: usize,
    base: usize,
}

impl Part<'_> {
    fn collect(&self, root: Spanned<Node>, group: &str, found: &mut Vec<Document>) {
        let Node::Map(entries) = &root.value else {
            return;
        };
        let text_of = |name: &str| {
            entries.iter().find_map(|(key, value)| match &value.value {
                Node::Leaf(Value::String(text)) if key.value == name => Some(text.as_str()),
                Node::Leaf(_) | Node::List(_) | Node::Map(_) => None,
            })
        };
        if text_of("kind").is_some_and(|kind| kind.ends_with("List")) {
            let Node::Map(entries) = root.value else {
                return;
            };
            for (key, value) in entries {
                if key.value == "items"
                    && let Node::List(items) = value.value
                {
                    for item in items {
                        self.collect(item, group, found);
                    }
                }
            }
        } else if text_of("apiVersion").is_some_and(|version| version.starts_with(group)) {
            let mut document = Document {
                file: self.file.clone(),
                index: self.index,
                value: Value::Null,
                duplicates: Vec::new(),
                spans: HashMap::new(),
            };
            let mut pointer = String::new();
            document.value = place(&mut document, self.base, root, None, &mut pointer).0;
            found.push(document);
        }
    }
}

/// Turns a node into JSON and writes down where its parts stand; returns where it ends.
fn place(
    document: &mut Document,
    base: usize,
    node: Spanned<Node>,
    key: Option<Range<usize>>,
    pointer: &mut String,
) -> (Value, usize) {
    let own = bytes(&node.referenced, base, &document.file.text);
    let depth = pointer.len();
    let mut end = own.end;
    let value = match node.value {
        Node::Leaf(value) => value,
        Node::List(items) => {
            let mut list = Vec::with_capacity(items.len());
            for (index, item) in items.into_iter().enumerate() {
                pointer.push_str(&format!("/{index}"));
                let (value, after) = place(document, base, item, None, pointer);
                end = end.max(after);
                list.push(value);
                pointer.truncate(depth);
            }
            end = closed(&document.file.text, &own, end);
            Value::Array(list)
        }
        Node::Map(entries) => {
            let mut map = Map::with_capacity(entries.len());
            for (name, value) in entries {
                pointer.push('/');
                pointer.push_str(&escape(&name.value));
                let at = bytes(&name.referenced, base, &document.file.text);
                if let Some(first) = document.key_span(pointer) {
                    document
                        .duplicates
                        .push((pointer.clone(), first, at.clone()));
                }
                end = end.max(at.end);
                let (value, after) = place(document, base, value, Some(at), pointer);
                end = end.max(after);
                map.insert(name.value, value);
                pointer.truncate(depth);
            }
            end = closed(&document.file.text, &own, end);
            Value::Object(map)
        }
    };
    let value_span = own.start..end;
    document.spans.insert(
        pointer.clone(),
        Place {
            key,
            value: value_span,
        },
    );
    (value, end)
}

/// The end of a `{…}` or `[…]` whose last part ends at `end`; block collections end with their last part.
fn closed(text: &str, own: &Range<usize>, end: usize) -> usize {
    let close = match text.as_bytes().get(own.start) {
        Some(b'{') => '}',
        Some(b'[') => ']',
        Some(_) | None => return end,
    };
    text.get(end..)
        .and_then(|rest| rest.find(close))
        .map_or(end, |at| end + at + 1)
}

/// The range a location names, kept within the text and on character boundaries.
fn bytes(location: &Location, base: usize, text: &str) -> Range<usize> {
    let span = location.span();
    let clamp = |offset: u64| {
        let offset = usize::try_from(offset).unwrap_or(usize::MAX);
        let mut at = base.saturating_add(offset).min(text.len());
        while !text.is_char_boundary(at) {
            at -= 1;
        }
        at
    };
    let mut start = clamp(span.byte_offset().unwrap_or(0));
    let end = clamp(
        span.byte_offset()
            .unwrap_or(0)
            .saturating_add(span.byte_len().unwrap_or(0)),
    );
    if text[start..end].starts_with('\u{feff}') {
        start += '\u{feff}'.len_utf8();
    }
    // Block scalars and plain scalars may take the line break with them.
    let kept = text[start..end].trim_end().len();
    start..start + kept
}

#[cfg(test)]
mod tests;
