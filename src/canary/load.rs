//! Finds one Canary among files, and what it names, so that a rollout has everything it needs before it starts.
//!
//! Must not open files: they come as text.

use crate::canary::alert::Alert;
use crate::canary::alert_provider::AlertProvider;
use crate::canary::metric::Metric;
use crate::canary::metric_template::MetricTemplate;
use crate::canary::name::nearest;
use crate::canary::problem::Finding;
use crate::canary::problem::ProblemKind;
use crate::canary::problem::SpecErrors;
use crate::canary::problem::SpecProblem;
use crate::canary::problem::Spot;
use crate::canary::problem::dotted;
use crate::canary::source::SourceFile;
use crate::canary::spec::Canary;
use crate::canary::spec::NamedRef;
use crate::canary::yaml;
use crate::canary::yaml::Document;
use crate::canary::yaml::YamlError;
use crate::canary::yaml::line_column;
use miette::Diagnostic;
use miette::Severity;
use serde_json::Value;
use std::ops::Range;

/// What the `apiVersion` of Flagger's objects begins with. Files without it are not even parsed.
const GROUP: &str = "flagger.app/";

/// Namespace of a Canary that has none and for which none was asked.
const DEFAULT_NAMESPACE: &str = "default";

/// One Canary and everything it names.
#[derive(Clone, Debug)]
pub struct Loaded {
    /// The Canary.
    pub canary: Canary,
    /// The MetricTemplates of its metrics, each once.
    pub templates: Vec<MetricTemplate>,
    /// The AlertProviders of its alerts, each once.
    pub alert_providers: Vec<AlertProvider>,
    /// What is odd, but no reason to refuse.
    pub warnings: Vec<SpecProblem>,
    /// The text of the Canary: its JSON, and where each part of it stands.
    pub document: Document,
}

impl Loaded {
    /// The file the Canary stands in.
    #[must_use]
    pub const fn source(&self) -> &SourceFile {
        &self.document.file
    }

    /// The Canary as JSON.
    #[must_use]
    pub const fn raw(&self) -> &Value {
        &self.document.value
    }

    /// Bytes of the value at a JSON pointer of the Canary, such as `/spec/analysis/threshold`.
    #[must_use]
    pub fn span(&self, pointer: &str) -> Option<Range<usize>> {
        self.document.span(pointer)
    }

    /// Line and column, from 1, of the value at a JSON pointer of the Canary.
    #[must_use]
    pub fn line_column(&self, pointer: &str) -> Option<(usize, usize)> {
        let span = self.span(pointer)?;
        Some(line_column(&self.document.file.text, span.start))
    }

    /// The template of a metric of this Canary.
    #[must_use]
    pub fn template(&self, metric: &Metric) -> Option<&MetricTemplate> {
        let wanted = metric.template.as_ref()?;
        let namespace = self.namespace_of(wanted);
        self.templates
            .iter()
            .find(|template| template.name == wanted.name && template.namespace == namespace)
    }

    /// The provider of an alert of this Canary.
    #[must_use]
    pub fn alert_provider(&self, alert: &Alert) -> Option<&AlertProvider> {
        let namespace = self.namespace_of(&alert.provider);
        self.alert_providers.iter().find(|provider| {
            provider.name == alert.provider.name && provider.namespace == namespace
        })
    }

    fn namespace_of<'a>(&'a self, named: &'a NamedRef) -> &'a str {
        named.namespace.as_deref().unwrap_or(&self.canary.namespace)
    }
}

/// Why there is no Canary to work with.
#[derive(Clone, Debug, thiserror::Error, Diagnostic)]
pub enum LoadError {
    /// It is not there.
    #[error("no canary {wanted} in {looked}")]
    #[diagnostic(code(flagger::spec::not_found))]
    NotFound {
        /// As it was asked for.
        wanted: String,
        /// Where it was looked for.
        looked: String,
        /// What is there.
        #[help]
        help: String,
    },
    /// It is there more than once.
    #[error("canary {wanted} is there {} times: {}", .places.len(), .places.join(", "))]
    #[diagnostic(code(flagger::spec::ambiguous))]
    Ambiguous {
        /// As it was asked for.
        wanted: String,
        /// File and line of each.
        places: Vec<String>,
        /// How to choose.
        #[help]
        help: String,
    },
    /// None was named, and there are several.
    #[error("{} canaries, and none was named", .known.len())]
    #[diagnostic(code(flagger::spec::unnamed))]
    Unnamed {
        /// Their names and places.
        known: Vec<String>,
        /// The same, as a list.
        #[help]
        help: String,
    },
    /// It is not among what could be read.
    #[error("no canary {wanted} in what could be read")]
    #[diagnostic(code(flagger::spec::unread))]
    Unread {
        /// As it was asked for.
        wanted: String,
        /// The files that could not.
        #[related]
        errors: Vec<YamlError>,
    },
    /// It, or what it names, is not valid.
    #[error(transparent)]
    #[diagnostic(transparent)]
    Invalid(#[from] SpecErrors),
}

/// All of Flagger's objects among the files, and the files that could not be read.
struct Scan {
    documents: Vec<Document>,
    broken: Vec<(SourceFile, YamlError)>,
}

/// Finds the Canary `name` (the only one where it is `None`) and resolves what it names.
///
/// A document without a namespace fits any that is asked for.
///
/// # Errors
/// Where it is absent, there twice, or not valid.
pub fn load(
    files: &[SourceFile],
    name: Option<&str>,
    namespace: Option<&str>,
) -> Result<Loaded, LoadError> {
    let scan = scan(files);
    let document = choose(&scan, files, name, namespace)?.clone();
    let in_namespace = text(&document, "/metadata/namespace")
        .or(namespace)
        .unwrap_or(DEFAULT_NAMESPACE)
        .to_owned();
    let mut warnings = oddities(&scan);
    let mut problems = Vec::new();
    let read = keep(
        Canary::from_document(&document, &in_namespace),
        &mut problems,
        &mut warnings,
    );
    let mut lookup = Lookup {
        scan: &scan,
        canary: &document,
        namespace: &in_namespace,
        problems,
        warnings,
    };
    let templates = lookup.resolve(
        "/spec/analysis/metrics",
        "templateRef",
        "MetricTemplate",
        MetricTemplate::from_document,
    );
    let alert_providers = lookup.resolve(
        "/spec/analysis/alerts",
        "providerRef",
        "AlertProvider",
        AlertProvider::from_document,
    );
    let Lookup {
        problems, warnings, ..
    } = lookup;
    match read {
        Some(canary) if problems.is_empty() => Ok(Loaded {
            canary,
            templates,
            alert_providers,
            warnings,
            document,
        }),
        Some(_) | None => Err(SpecErrors {
            subject: format!("canary {}", text(&document, "/metadata/name").unwrap_or("")),
            problems,
        }
        .into()),
    }
}

fn scan(files: &[SourceFile]) -> Scan {
    let mut scan = Scan {
        documents: Vec::new(),
        broken: Vec::new(),
    };
    for file in files.iter().filter(|file| file.text.contains(GROUP)) {
        match yaml::read(file, GROUP) {
            Ok(documents) => scan.documents.extend(documents),
            Err(error) => scan.broken.push((file.clone(), error)),
        }
    }
    scan
}

fn text<'a>(document: &'a Document, pointer: &str) -> Option<&'a str> {
    document.value.pointer(pointer).and_then(Value::as_str)
}

fn is(document: &Document, kind: &str) -> bool {
    text(document, "/kind") == Some(kind)
}

fn place(document: &Document) -> String {
    format!("{}:{}", document.file.path, document.line())
}

/// `podinfo -n test`, as it is typed.
fn typed(name: &str, namespace: Option<&str>) -> String {
    namespace.map_or_else(
        || name.to_owned(),
        |namespace| format!("{name} -n {namespace}"),
    )
}

fn choose<'a>(
    scan: &'a Scan,
    files: &[SourceFile],
    name: Option<&str>,
    namespace: Option<&str>,
) -> Result<&'a Document, LoadError> {
    let all: Vec<&Document> = scan
        .documents
        .iter()
        .filter(|document| is(document, "Canary"))
        .collect();
    let fitting: Vec<&Document> = all
        .iter()
        .copied()
        .filter(|document| name.is_none() || text(document, "/metadata/name") == name)
        .filter(
            |document| match (namespace, text(document, "/metadata/namespace")) {
                (Some(wanted), Some(own)) => wanted == own,
                (Some(_), None) | (None, Some(_) | None) => true,
            },
        )
        .collect();
    match (fitting.as_slice(), name) {
        ([one], _) => Ok(one),
        ([], _) => Err(not_found(scan, files, &all, name, namespace)),
        (several, Some(name)) => Err(LoadError::Ambiguous {
            wanted: typed(name, namespace),
            places: several.iter().map(|document| place(document)).collect(),
            help: "give -n NAMESPACE, or -f FILE to read one file alone".to_owned(),
        }),
        (several, None) => {
            let known: Vec<String> = several
                .iter()
                .map(|document| format!("{} ({})", known_as(document), place(document)))
                .collect();
            let help = format!("name one of: {}", known.join(", "));
            Err(LoadError::Unnamed { known, help })
        }
    }
}

fn known_as(document: &Document) -> String {
    typed(
        text(document, "/metadata/name").unwrap_or("?"),
        text(document, "/metadata/namespace"),
    )
}

fn not_found(
    scan: &Scan,
    files: &[SourceFile],
    all: &[&Document],
    name: Option<&str>,
    namespace: Option<&str>,
) -> LoadError {
    let wanted = typed(name.unwrap_or("at all"), namespace);
    if !scan.broken.is_empty() {
        return LoadError::Unread {
            wanted,
            errors: scan.broken.iter().map(|(_, error)| error.clone()).collect(),
        };
    }
    let names = all
        .iter()
        .filter_map(|document| text(document, "/metadata/name"));
    let meant = name
        .and_then(|name| nearest(name, names))
        .map_or_else(String::new, |meant| format!("did you mean {meant}? "));
    let known: Vec<String> = all.iter().map(|document| known_as(document)).collect();
    let help = if known.is_empty() {
        format!(
            "none of them holds a Canary of {GROUP}v1beta1; render Kustomize or Helm first and pass the result with -f -"
        )
    } else {
        format!("{meant}there are: {}", known.join(", "))
    };
    let looked = match files {
        [] => "no files".to_owned(),
        [one] => one.path.clone(),
        several => format!("{} files", several.len()),
    };
    LoadError::NotFound {
        wanted,
        looked,
        help,
    }
}

/// Files that could not be read, and kinds that Flagger does not have.
fn oddities(scan: &Scan) -> Vec<SpecProblem> {
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

fn keep<T>(
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
struct Lookup<'a> {
    scan: &'a Scan,
    canary: &'a Document,
    namespace: &'a str,
    problems: Vec<SpecProblem>,
    warnings: Vec<SpecProblem>,
}

impl<'a> Lookup<'a> {
    fn resolve<T>(
        &mut self,
        list: &str,
        field: &str,
        kind: &str,
        read: impl Fn(&Document, &str) -> Result<(T, Vec<SpecProblem>), SpecErrors>,
    ) -> Vec<T> {
        let items = self
            .canary
            .value
            .pointer(list)
            .and_then(Value::as_array)
            .map_or(0, Vec::len);
        let mut seen: Vec<(String, String)> = Vec::new();
        let mut found = Vec::new();
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
            let document = self.find(kind, name, namespace, &pointer);
            seen.push(wanted);
            if let Some(document) = document {
                found.extend(keep(
                    read(document, namespace),
                    &mut self.problems,
                    &mut self.warnings,
                ));
            }
        }
        found
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
                .filter(|document| text(document, "/metadata/namespace") == wanted)
                .collect()
        };
        let mut fitting = within(Some(namespace));
        if fitting.is_empty() {
            fitting = within(None);
        }
        let at = format!("{pointer}/name");
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
                    format!(
                        "{path} names {kind} {}, which is not among the files",
                        typed(name, Some(namespace))
                    ),
                    help,
                )
            }
            several => {
                let places: Vec<String> = several.iter().map(|document| place(document)).collect();
                (
                    "more than one",
                    format!(
                        "{path} names {kind} {}, which is there {} times",
                        typed(name, Some(namespace)),
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
