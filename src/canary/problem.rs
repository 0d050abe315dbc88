//! What is wrong with a spec, or odd about it, said at the place in the user's file.
//!
//! Must not decide what is wrong.

use crate::canary::yaml::Document;
use crate::canary::yaml::line_column;
use miette::Diagnostic;
use miette::LabeledSpan;
use miette::NamedSource;
use miette::Severity;
use miette::SourceCode;
use std::fmt;
use std::ops::Range;
use std::sync::Arc;

/// Classes of problems; each is one diagnostic code.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum ProblemKind {
    /// A field that the schema does not have.
    UnknownField,
    /// A required field is absent.
    MissingField,
    /// A key stands twice in one mapping.
    DuplicateKey,
    /// Text where a number belongs, and the like.
    WrongType,
    /// Outside of the allowed values.
    WrongValue,
    /// Fields that may not stand together.
    Conflict,
    /// Flagger takes it and never gets to an end.
    Stuck,
    /// It names an object that is not there, or there twice.
    Reference,
    /// The traffic provider cannot do it.
    Unsupported,
    /// The traffic provider ignores it.
    Ignored,
    /// Taken, but probably not what was meant.
    Odd,
    /// A file that may hold more of Flagger's objects is no YAML.
    Unreadable,
}

impl ProblemKind {
    /// All of them.
    pub const ALL: [Self; 12] = [
        Self::UnknownField,
        Self::MissingField,
        Self::DuplicateKey,
        Self::WrongType,
        Self::WrongValue,
        Self::Conflict,
        Self::Stuck,
        Self::Reference,
        Self::Unsupported,
        Self::Ignored,
        Self::Odd,
        Self::Unreadable,
    ];

    /// The diagnostic code.
    #[must_use]
    pub const fn code(self) -> &'static str {
        match self {
            Self::UnknownField => "flagger::spec::unknown_field",
            Self::MissingField => "flagger::spec::missing_field",
            Self::DuplicateKey => "flagger::spec::duplicate_key",
            Self::WrongType => "flagger::spec::wrong_type",
            Self::WrongValue => "flagger::spec::wrong_value",
            Self::Conflict => "flagger::spec::conflict",
            Self::Stuck => "flagger::spec::stuck",
            Self::Reference => "flagger::spec::reference",
            Self::Unsupported => "flagger::spec::unsupported",
            Self::Ignored => "flagger::spec::ignored",
            Self::Odd => "flagger::spec::odd",
            Self::Unreadable => "flagger::spec::unreadable",
        }
    }
}

/// One problem or warning. Its text names the field, its label stands under it in the file.
#[derive(Clone, Debug)]
pub struct SpecProblem {
    /// Its class.
    pub kind: ProblemKind,
    /// JSON pointer of the field in its document, such as `/spec/analysis/threshold`.
    pub pointer: String,
    /// What is wrong, beginning with the field's path as people write it.
    pub message: String,
    /// What would be right.
    pub help: Option<String>,
    /// File and line, or empty for values without text.
    pub place: String,
    severity: Severity,
    source: Option<NamedSource<Arc<str>>>,
    labels: Vec<LabeledSpan>,
}

impl SpecProblem {
    /// A part of the spec that has to wait for a later release.
    #[must_use]
    pub fn not_in_this_release(document: &Document, pointer: &str, feature: &str) -> Self {
        let message = format!("{}: {feature} is not in this release", dotted(pointer));
        Finding::at_key(
            ProblemKind::Unsupported,
            pointer,
            "not in this release",
            message,
        )
        .help("docs/roadmap.md says what comes next; until then Flagger itself drives this canary")
        .locate(document, Severity::Error)
    }

    /// An error under the value at the pointer.
    #[must_use]
    pub fn at(
        document: &Document,
        kind: ProblemKind,
        pointer: &str,
        label: &str,
        message: String,
        help: Option<&str>,
    ) -> Self {
        let mut finding = Finding::at_value(kind, pointer, label, message);
        finding.help = help.map(str::to_owned);
        finding.locate(document, Severity::Error)
    }

    /// An error about some bytes of a text value, such as a word of a query. They are looked for in the file as they
    /// are; where quotes or folding changed them, all of the value is meant.
    #[must_use]
    pub fn in_text(
        document: &Document,
        pointer: &str,
        value: &str,
        part: Range<usize>,
        message: String,
    ) -> Self {
        let place = || {
            let span = document.span(pointer)?;
            let word = value.get(part.clone()).filter(|word| !word.is_empty())?;
            let before = value.get(..part.start)?.matches(word).count();
            let (at, _) = document
                .file
                .text
                .get(span.clone())?
                .match_indices(word)
                .nth(before)?;
            let start = span.start + at;
            Some(start..start + word.len())
        };
        let mut finding = Finding::at_value(ProblemKind::WrongValue, pointer, "here", message);
        if let Some(bytes) = place() {
            finding.labels = vec![(Spot::Bytes(bytes), "here".to_owned())];
        }
        finding.locate(document, Severity::Error)
    }

    /// Is it only a warning?
    #[must_use]
    pub fn is_warning(&self) -> bool {
        self.severity == Severity::Warning
    }

    /// The file it is in; empty for values without text.
    #[must_use]
    pub fn file(&self) -> &str {
        self.source.as_ref().map_or("", NamedSource::name)
    }

    /// Where the first label begins in the file, for sorting.
    #[must_use]
    pub fn offset(&self) -> usize {
        self.labels.first().map_or(0, LabeledSpan::offset)
    }

    /// The first label's bytes in the file.
    #[must_use]
    pub fn span(&self) -> Option<Range<usize>> {
        self.labels
            .first()
            .map(|label| label.offset()..label.offset() + label.len())
    }
}

impl fmt::Display for SpecProblem {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.message)
    }
}

impl std::error::Error for SpecProblem {}

impl Diagnostic for SpecProblem {
    fn code<'a>(&'a self) -> Option<Box<dyn fmt::Display + 'a>> {
        Some(Box::new(self.kind.code()))
    }

    fn severity(&self) -> Option<Severity> {
        Some(self.severity)
    }

    fn help<'a>(&'a self) -> Option<Box<dyn fmt::Display + 'a>> {
        self.help
            .as_ref()
            .map(|help| Box::new(help) as Box<dyn fmt::Display>)
    }

    fn source_code(&self) -> Option<&dyn SourceCode> {
        self.source.as_ref().map(|source| source as &dyn SourceCode)
    }

    fn labels(&self) -> Option<Box<dyn Iterator<Item = LabeledSpan> + '_>> {
        Some(Box::new(self.labels.iter().cloned()))
    }
}

/// Everything that is wrong with the specs, at once.
#[derive(Clone, Debug, thiserror::Error, Diagnostic)]
#[error("{subject} cannot be used: {}", counted(.problems.len()))]
#[diagnostic(code(flagger::spec::invalid))]
pub struct SpecErrors {
    /// What was read, such as `canary podinfo`.
    pub subject: String,
    /// Never empty, in the order of the file.
    #[related]
    pub problems: Vec<SpecProblem>,
}

fn counted(problems: usize) -> String {
    match problems {
        1 => "1 problem".to_owned(),
        n => format!("{n} problems"),
    }
}

/// What a label stands under.
#[derive(Clone, Debug)]
pub(super) enum Spot {
    /// The value.
    Value(String),
    /// The key that leads to the value; the value where there is no key.
    Key(String),
    /// These bytes.
    Bytes(Range<usize>),
}

/// A problem that does not know its file yet.
#[derive(Clone, Debug)]
pub(super) struct Finding {
    pub kind: ProblemKind,
    pub pointer: String,
    pub message: String,
    pub help: Option<String>,
    pub labels: Vec<(Spot, String)>,
}

impl Finding {
    /// Under the value at the pointer.
    pub fn at_value(kind: ProblemKind, pointer: &str, label: &str, message: String) -> Self {
        Self {
            kind,
            pointer: pointer.to_owned(),
            message,
            help: None,
            labels: vec![(Spot::Value(pointer.to_owned()), label.to_owned())],
        }
    }

    /// Under the key at the pointer.
    pub fn at_key(kind: ProblemKind, pointer: &str, label: &str, message: String) -> Self {
        Self {
            kind,
            pointer: pointer.to_owned(),
            message,
            help: None,
            labels: vec![(Spot::Key(pointer.to_owned()), label.to_owned())],
        }
    }

    /// With a hint.
    pub fn help(mut self, help: impl Into<String>) -> Self {
        self.help = Some(help.into());
        self
    }

    /// With one more label.
    pub fn label(mut self, spot: Spot, text: &str) -> Self {
        self.labels.push((spot, text.to_owned()));
        self
    }

    /// Finds the places in the document.
    pub fn locate(self, document: &Document, severity: Severity) -> SpecProblem {
        let text = &document.file.text;
        let labels: Vec<LabeledSpan> = self
            .labels
            .into_iter()
            .filter_map(|(spot, label)| {
                let bytes = match spot {
                    Spot::Value(pointer) => nearest_span(document, &pointer),
                    Spot::Key(pointer) => document
                        .key_span(&pointer)
                        .or_else(|| nearest_span(document, &pointer)),
                    Spot::Bytes(bytes) => Some(bytes),
                }?;
                let bytes = first_line(text, bytes);
                let label = if label.is_empty() { None } else { Some(label) };
                Some(LabeledSpan::new(label, bytes.start, bytes.len()))
            })
            .collect();
        let place = labels.first().map_or_else(
            || document.file.path.clone(),
            |label| {
                let (line, _) = line_column(text, label.offset());
                format!("{}:{line}", document.file.path)
            },
        );
        SpecProblem {
            kind: self.kind,
            pointer: self.pointer,
            message: self.message,
            help: self.help,
            place,
            severity,
            source: (!text.is_empty()).then(|| NamedSource::new(&document.file.path, text.clone())),
            labels,
        }
    }
}

/// The span of the value, or of the closest parent that stands in the text.
fn nearest_span(document: &Document, pointer: &str) -> Option<Range<usize>> {
    let mut pointer = pointer;
    loop {
        if let Some(span) = document.span(pointer) {
            return Some(span);
        }
        pointer = &pointer[..pointer.rfind('/')?];
    }
}

/// Labels stay on one line: a block of twenty lines says less than its first.
fn first_line(text: &str, bytes: Range<usize>) -> Range<usize> {
    let end = text
        .get(bytes.clone())
        .and_then(|part| part.find(['\r', '\n']))
        .map_or(bytes.end, |at| bytes.start + at);
    bytes.start..end
}

/// `/spec/analysis/metrics/0/name` as `spec.analysis.metrics[0].name`.
#[must_use]
pub fn dotted(pointer: &str) -> String {
    let mut path = String::new();
    for part in pointer.split('/').skip(1) {
        if !part.is_empty() && part.bytes().all(|b| b.is_ascii_digit()) {
            path.push_str(&format!("[{part}]"));
        } else {
            if !path.is_empty() {
                path.push('.');
            }
            path.push_str(&part.replace("~1", "/").replace("~0", "~"));
        }
    }
    path
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn no_code_is_used_twice() {
        let mut codes: Vec<_> = ProblemKind::ALL.iter().map(|kind| kind.code()).collect();
        codes.sort_unstable();
        codes.dedup();
        assert_eq!(codes.len(), ProblemKind::ALL.len());
    }

    #[test]
    fn a_pointer_reads_as_a_path() {
        assert_eq!(
            dotted("/spec/analysis/metrics/0/name"),
            "spec.analysis.metrics[0].name"
        );
        assert_eq!(
            dotted("/metadata/annotations/a~1b"),
            "metadata.annotations.a/b"
        );
        assert_eq!(dotted(""), "");
    }
}
