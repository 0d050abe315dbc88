//! Flagger's objects among many files, by kind, name and namespace.
//!
//! Must not choose a Canary; `load` does.

use crate::canary::name::nearest;
use crate::canary::problem::Finding;
use crate::canary::problem::ProblemKind;
use crate::canary::problem::SpecErrors;
use crate::canary::problem::SpecProblem;
use crate::canary::problem::Spot;
use crate::canary::problem::dotted;
use crate::canary::source::SourceFile;
use crate::canary::yaml;
use crate::canary::yaml::Document;
use crate::canary::yaml_error::YamlError;
use miette::Diagnostic as _;
use miette::Severity;
use serde_json::Value;

/// What the `apiVersion` of Flagger's objects begins with. Files without it are not even parsed.
pub(super) const GROUP: &str = "flagger.app/";

/// All of Flagger's objects among the files, and the files that could not be read.
pub(super) struct Scan {
    pub documents: Vec<Document>,
    pub broken: Vec<(SourceFile, YamlError)>,
}

pub(super) fn scan(files: &[SourceFile]) -> Scan {
    let mut scan = Scan {
        documents: Vec::new(),
        broken: Vec::new(),
    };
    for file in files.iter().filter(|file| file.text.contains(GROUP)) {
        let (documents, broken) = yaml::read(file, GROUP);
        scan.documents.extend(documents);
        scan.broken
            .extend(broken.into_iter().map(|error| (file.clone(), error)));
    }
    scan
}

pub(super) fn text<'a>(document: &'a Document, pointer: &str) -> Option<&'a str> {
    document.value.pointer(pointer).and_then(Value::as_str)
}

/// The namespace a document names; an empty one is none, as for kubectl.
pub(super) fn own_namespace(document: &Document) -> Option<&str> {
    text(document, "/metadata/namespace").filter(|namespace| !namespace.is_empty())
}

pub(super) fn is(document: &Document, kind: &str) -> bool {
    text(document, "/kind") == Some(kind)
}

pub(super) fn place(document: &Document) -> String {
    format!("{}:{}", document.file.path, document.line())
}

/// `podinfo -n test`, as it is typed.
pub(super) fn typed(name: &str, namespace: Option<&str>) -> String {
    namespace.map_or_else(
        || name.to_owned(),
        |namespace| format!("{name} -n {namespace}"),
    )
}

pub(super) fn known_as(document: &Document) -> String {
    typed(
        text(document, "/metadata/name").unwrap_or("?"),
        own_namespace(document),
    )
}

/// Files that could not be read, and kinds that Flagger does not have.
pub(super) fn oddities(scan: &Scan) -> Vec<SpecProblem> {
    let mut warnings = Vec::new();
    for (file, error) in &scan.broken {
        let mut document = Document::without_text(Value::Null);
        document.file = file.clone();
        let mut finding = Finding::at_value(ProblemKind::Unreadable, "", "", error.to_string());
        finding.labels.clear();
        if let Some(offset) = error.offset() {
            finding = finding.label(Spot::Bytes(offset..offset), "here");
        }
        finding.help = error.help().map(|help| help.to_string());
        warnings.push(finding.locate(&document, Severity::Warning));
    }
    let kinds = ["Canary", "MetricTemplate", "AlertProvider"];
    for document in &scan.documents {
        let kind = text(document, "/kind").unwrap_or("");
        if !kinds.contains(&kind) {
            let finding = Finding::at_value(
                ProblemKind::Odd,
                "/kind",
                "unknown kind",
                format!("{kind:?} is not a kind of Flagger's API"),
            )
            .help(nearest(kind, kinds).map_or_else(
                || format!("known: {}", kinds.join(", ")),
                |meant| format!("did you mean {meant}?"),
            ));
            warnings.push(finding.locate(document, Severity::Warning));
        }
    }
    warnings
}

pub(super) fn keep<T>(
    read: Result<(T, Vec<SpecProblem>), SpecErrors>,
    problems: &mut Vec<SpecProblem>,
    warnings: &mut Vec<SpecProblem>,
) -> Option<T> {
    match read {
        Ok((value, odd)) => {
            warnings.extend(odd);
            Some(value)
        }
        Err(errors) => {
            problems.extend(errors.problems);
            None
        }
    }
}

/// Finds what a Canary names. Works on its JSON, so that bad references are told even of a Canary with other faults.
pub(super) struct Lookup<'a> {
    pub scan: &'a Scan,
    pub canary: &'a Document,
    pub namespace: &'a str,
    pub problems: Vec<SpecProblem>,
    pub warnings: Vec<SpecProblem>,
}

impl<'a> Lookup<'a> {
    /// What the items of a list name by `field`, each once, and where it stands.
    pub fn resolve<T>(
        &mut self,
        list: &str,
        field: &str,
        kind: &str,
        read: impl Fn(&Document, &str) -> Result<(T, Vec<SpecProblem>), SpecErrors>,
    ) -> (Vec<T>, Vec<Document>) {
        let items = self
            .canary
            .value
            .pointer(list)
            .and_then(Value::as_array)
            .map_or(0, Vec::len);
        let mut seen: Vec<(String, String)> = Vec::new();
        let mut found = Vec::new();
        let mut documents = Vec::new();
        for index in 0..items {
            let pointer = format!("{list}/{index}/{field}");
            let Some(name) = text(self.canary, &format!("{pointer}/name")) else {
                continue;
            };
            let namespace = text(self.canary, &format!("{pointer}/namespace"))
                .filter(|namespace| !namespace.is_empty())
                .unwrap_or(self.namespace);
            let wanted = (name.to_owned(), namespace.to_owned());
            if seen.contains(&wanted) {
                continue;
            }
            if let Some(document) = self.find(kind, name, namespace, &pointer) {
                seen.push(wanted);
                documents.push(document.clone());
                let mut told = Vec::new();
                found.extend(keep(
                    read(document, namespace),
                    &mut told,
                    &mut self.warnings,
                ));
                let who = known_as(document);
                for problem in &mut told {
                    problem.message = format!("{kind} {who}: {}", problem.message);
                }
                self.problems.append(&mut told);
            }
        }
        (found, documents)
    }

    /// The one object of that name. One without a namespace is taken where none has the right one.
    fn find(
        &mut self,
        kind: &str,
        name: &str,
        namespace: &str,
        pointer: &str,
    ) -> Option<&'a Document> {
        let named: Vec<&Document> = self
            .scan
            .documents
            .iter()
            .filter(|document| is(document, kind) && text(document, "/metadata/name") == Some(name))
            .collect();
        let within = |wanted: Option<&str>| -> Vec<&'a Document> {
            named
                .iter()
                .copied()
                .filter(|document| own_namespace(document) == wanted)
                .collect()
        };
        let mut fitting = within(Some(namespace));
        if fitting.is_empty() {
            fitting = within(None);
        }
        let at = format!("{pointer}/name");
        let wanted = format!("{kind} {namespace}/{name}");
        let path = dotted(pointer);
        let (label, message, help) = match fitting.as_slice() {
            [one] => return Some(one),
            [] => {
                let elsewhere: Vec<String> = named.iter().map(|d| known_as(d)).collect();
                let others = self
                    .scan
                    .documents
                    .iter()
                    .filter(|document| is(document, kind))
                    .filter_map(|document| text(document, "/metadata/name"));
                let help = if !elsewhere.is_empty() {
                    format!("it is in another namespace: {}", elsewhere.join(", "))
                } else if let Some(meant) = nearest(name, others) {
                    format!("did you mean {meant}?")
                } else {
                    format!("commit the {kind} beside the Canary, or pass both with -f")
                };
                (
                    "not found",
                    format!("{path} names {wanted}, which is not among the files"),
                    help,
                )
            }
            several => {
                let places: Vec<String> = several.iter().map(|document| place(document)).collect();
                (
                    "more than one",
                    format!(
                        "{path} names {wanted}, which is there {} times",
                        several.len()
                    ),
                    format!("remove all but one of {}", places.join(", ")),
                )
            }
        };
        let finding = Finding::at_value(ProblemKind::Reference, &at, label, message).help(help);
        self.problems
            .push(finding.locate(self.canary, Severity::Error));
        None
    }
}
