//! Why a file is no YAML, at the place where reading stopped.

use crate::canary::source::SourceFile;
use crate::canary::yaml::MAX_ALIASED;
use crate::canary::yaml::MAX_DEPTH;
use crate::canary::yaml::line_column;
use miette::Diagnostic;
use miette::NamedSource;
use miette::SourceSpan;
use std::ops::Range;
use std::sync::Arc;

/// A document that is no YAML, or too much of it.
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

    /// A document that is too large to be read.
    pub(super) fn too_large(file: &SourceFile, part: Range<usize>) -> Self {
        Self {
            path: file.path.clone(),
            why: format!("{} bytes are more than the 1 MiB of a document", part.len()),
            source_code: Some(NamedSource::new(&file.path, file.text.clone())),
            at: Some(SourceSpan::from((part.start, 0))),
            help: Some("split it, one object each".to_owned()),
        }
    }

    /// With the reader's place in a part of the file, and a hint where it is a template.
    pub(super) fn of(file: &SourceFile, part: Range<usize>, error: &serde_saphyr::Error) -> Self {
        let text = &file.text[part.clone()];
        let at = error.location().map(|location| {
            let bytes = location.span().byte_offset();
            let offset = bytes.and_then(|offset| usize::try_from(offset).ok());
            offset
                .unwrap_or_else(|| offset_of(text, location.line(), location.column()))
                .min(text.len())
        });
        let line = at.map_or("", |offset| {
            let (number, _) = line_column(text, offset);
            text.lines().nth(number - 1).unwrap_or("")
        });
        let help = (line.contains("{{") || is_template(text)).then(|| {
            "this looks like a Helm template: render it first and pass the result with -f -, \
             such as `helm template . | kubectl flagger … -f -`"
                .to_owned()
        });
        Self {
            path: file.path.clone(),
            why: plain_message(error),
            source_code: Some(NamedSource::new(&file.path, file.text.clone())),
            at: at.map(|offset| SourceSpan::from((part.start + offset, 0))),
            help,
        }
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

/// The reader's words without the place, which the label shows; in our own where its words are for programmers.
fn plain_message(error: &serde_saphyr::Error) -> String {
    let whole = error.without_snippet().to_string();
    let first = whole.lines().next().unwrap_or("").trim();
    if first.contains("recursion limit") || first.contains("Depth {") {
        return format!("it nests deeper than {MAX_DEPTH} levels");
    }
    if first.starts_with("alias replay") || first.starts_with("alias expansion") {
        return format!("its aliases unfold to more than {MAX_ALIASED} values");
    }
    if first.starts_with("budget breached") {
        return "it is larger than any manifest".to_owned();
    }
    let end = first.find(" at line ").unwrap_or(first.len());
    first[..end].trim_end_matches([':', ',', ' ']).to_owned()
}
