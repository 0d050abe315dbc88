//! YAML text as JSON values that know where they stand, read the way kubectl reads it.
//!
//! Must not know what the documents mean.

use crate::canary::node::Node;
use crate::canary::source::SourceFile;
use miette::Diagnostic;
use miette::NamedSource;
use miette::SourceSpan;
use serde_json::Map;
use serde_json::Value;
use serde_saphyr::Location;
use serde_saphyr::Spanned;
use std::collections::HashMap;
use std::ops::Range;
use std::sync::Arc;

/// Largest file that is read, bytes: far beyond any manifest, small enough to be read at once.
pub const MAX_BYTES: usize = 1024 * 1024;

/// A file that is no YAML, or too much of it.
#[derive(Clone, Debug, thiserror::Error, Diagnostic)]
#[error("cannot read {path}: {why}")]
#[diagnostic(code(flagger::spec::yaml))]
pub struct YamlError {
    /// The file.
    pub path: String,
    /// What the reader says.
    pub why: String,
    #[source_code]
    source_code: Option<NamedSource<Arc<str>>>,
    #[label("here")]
    at: Option<SourceSpan>,
    #[help]
    help: Option<String>,
}

impl YamlError {
    /// Byte offset of the place, where it is known.
    #[must_use]
    pub fn offset(&self) -> Option<usize> {
        self.at.map(|span| span.offset())
    }
}

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

/// All objects of a file whose `apiVersion` starts with `group`, items of lists included.
///
/// # Errors
/// Where the file is no YAML, deeper than 64 levels, larger than [`MAX_BYTES`] or grows out of hand by its aliases.
pub fn read(file: &SourceFile, group: &str) -> Result<Vec<Document>, Box<YamlError>> {
    if file.text.len() > MAX_BYTES {
        return Err(Box::new(YamlError {
            path: file.path.clone(),
            why: format!(
                "{} bytes are more than the 1 MiB a file may have",
                file.text.len()
            ),
            source_code: None,
            at: None,
            help: Some("split the file, one object each".to_owned()),
        }));
    }
    let options = serde_saphyr::options! {
        with_snippet: false,
        // A repeated key is reported by us, with both places.
        duplicate_keys: serde_saphyr::DuplicateKeyPolicy::PassThrough,
        // As the YAML of Go reads 0777.
        legacy_octal_numbers: true,
        budget: serde_saphyr::budget! {
            max_documents: 10_000,
            max_nodes: 500_000,
            max_depth: 64,
        },
        alias_limits: serde_saphyr::alias_limits! {
            max_total_replayed_events: 100_000,
        },
    };
    let roots: Vec<Spanned<Node>> = serde_saphyr::from_multiple_with_options(&file.text, options)
        .map_err(|error| Box::new(yaml_error(file, &error)))?;
    let mut found = Vec::new();
    for (index, root) in roots.into_iter().enumerate() {
        collect(file, index, root, group, &mut found);
    }
    Ok(found)
}

fn collect(
    file: &SourceFile,
    index: usize,
    root: Spanned<Node>,
    group: &str,
    found: &mut Vec<Document>,
) {
    let Node::Map(entries) = &root.value else {
        return;
    };
    let text_of = |name: &str| {
        entries.iter().find_map(|(key, value)| match &value.value {
            Node::Leaf(Value::String(text)) if key.value == name => Some(text.as_str()),
            Node::Leaf(_) | Node::List(_) | Node::Map(_) => None,
        })
    };
    let is_list = text_of("kind").is_some_and(|kind| kind.ends_with("List"));
    if is_list {
        let Node::Map(entries) = root.value else {
            return;
        };
        for (key, value) in entries {
            if key.value == "items"
                && let Node::List(items) = value.value
            {
                for item in items {
                    collect(file, index, item, group, found);
                }
            }
        }
    } else if text_of("apiVersion").is_some_and(|version| version.starts_with(group)) {
        let mut document = Document {
            file: file.clone(),
            index,
            value: Value::Null,
            duplicates: Vec::new(),
            spans: HashMap::new(),
        };
        let mut pointer = String::new();
        document.value = place(&mut document, root, None, &mut pointer).0;
        found.push(document);
    }
}

/// Turns a node into JSON and writes down where its parts stand; returns where it ends.
fn place(
    document: &mut Document,
    node: Spanned<Node>,
    key: Option<Range<usize>>,
    pointer: &mut String,
) -> (Value, usize) {
    let own = bytes(&node.referenced, &document.file.text);
    let depth = pointer.len();
    let mut end = own.end;
    let value = match node.value {
        Node::Leaf(value) => value,
        Node::List(items) => {
            let mut list = Vec::with_capacity(items.len());
            for (index, item) in items.into_iter().enumerate() {
                pointer.push_str(&format!("/{index}"));
                let (value, after) = place(document, item, None, pointer);
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
                let at = bytes(&name.referenced, &document.file.text);
                if let Some(first) = document.key_span(pointer) {
                    document
                        .duplicates
                        .push((pointer.clone(), first, at.clone()));
                }
                end = end.max(at.end);
                let (value, after) = place(document, value, Some(at), pointer);
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
fn bytes(location: &Location, text: &str) -> Range<usize> {
    let span = location.span();
    let clamp = |offset: u64| {
        let mut at = usize::try_from(offset)
            .unwrap_or(usize::MAX)
            .min(text.len());
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

fn yaml_error(file: &SourceFile, error: &serde_saphyr::Error) -> YamlError {
    let at = error.location().map(|location| {
        let bytes = location.span().byte_offset();
        let offset = bytes.and_then(|offset| usize::try_from(offset).ok());
        offset
            .unwrap_or_else(|| offset_of(&file.text, location.line(), location.column()))
            .min(file.text.len())
    });
    let line = at.map_or("", |offset| {
        let (number, _) = line_column(&file.text, offset);
        file.text.lines().nth(number - 1).unwrap_or("")
    });
    let help = if line.contains("{{") || is_template(&file.text) {
        Some(
            "this looks like a Helm template: render it first and pass the result with -f -, \
             such as `helm template . | kubectl flagger … -f -`"
                .to_owned(),
        )
    } else {
        None
    };
    YamlError {
        path: file.path.clone(),
        why: plain_message(error),
        source_code: Some(NamedSource::new(&file.path, file.text.clone())),
        at: at.map(|offset| SourceSpan::from((offset, 0))),
        help,
    }
}

/// Errors of the scanner know their line and column only, both from 1.
fn offset_of(text: &str, line: u64, column: u64) -> usize {
    let nth = |number: u64| usize::try_from(number.saturating_sub(1)).unwrap_or(usize::MAX);
    let mut start = 0;
    for (index, part) in text.split_inclusive('\n').enumerate() {
        if index == nth(line) {
            let within = part.char_indices().nth(nth(column)).map(|(at, _)| at);
            return start + within.unwrap_or_else(|| part.trim_end().len());
        }
        start += part.len();
    }
    text.trim_end().len()
}

fn is_template(text: &str) -> bool {
    [
        "{{ .",
        "{{- .",
        "{{.",
        "{{ include",
        "{{- include",
        "{{ if",
        "{{- if",
        "{{- with",
    ]
    .iter()
    .any(|mark| text.contains(mark))
}

/// The reader's words without the place, which the label shows.
fn plain_message(error: &serde_saphyr::Error) -> String {
    let whole = error.without_snippet().to_string();
    let first = whole.lines().next().unwrap_or("").trim();
    let end = first.find(" at line ").unwrap_or(first.len());
    first[..end].trim_end_matches([':', ',', ' ']).to_owned()
}
