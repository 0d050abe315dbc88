//! Finds one Canary among files, and what it names, so that a rollout has everything it needs before it starts.
//!
//! Must not open files: they come as text.

use crate::canary::alert::Alert;
use crate::canary::alert_provider::AlertProvider;
use crate::canary::lookup::GROUP;
use crate::canary::lookup::Lookup;
use crate::canary::lookup::Scan;
use crate::canary::lookup::is;
use crate::canary::lookup::keep;
use crate::canary::lookup::known_as;
use crate::canary::lookup::oddities;
use crate::canary::lookup::own_namespace;
use crate::canary::lookup::place;
use crate::canary::lookup::scan;
use crate::canary::lookup::text;
use crate::canary::lookup::typed;
use crate::canary::metric::Metric;
use crate::canary::metric_template::MetricTemplate;
use crate::canary::name::nearest;
use crate::canary::problem::SpecErrors;
use crate::canary::problem::SpecProblem;
use crate::canary::reference::NamedRef;
use crate::canary::source::SourceFile;
use crate::canary::spec::Canary;
use crate::canary::yaml::Document;
use crate::canary::yaml::line_column;
use crate::canary::yaml_error::YamlError;
use miette::Diagnostic;
use serde_json::Value;
use std::ops::Range;

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
    /// The same of the templates, then of the alert providers, in their order.
    pub named: Vec<Document>,
}

impl Loaded {
    /// The file the Canary stands in.
    #[must_use]
    pub const fn source(&self) -> &SourceFile {
        &self.document.file
    }

    /// Every file that something of it was read from, some perhaps twice.
    pub fn files(&self) -> impl Iterator<Item = &str> {
        std::iter::once(&self.document)
            .chain(&self.named)
            .map(|document| document.file.path.as_str())
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

    /// Everything that was read as one `v1` List, each object with its namespace: loading its text gives the same
    /// Canary again, which is how a run record keeps what it was started with.
    #[must_use]
    pub fn bundle(&self) -> Value {
        let own = std::iter::once((&self.document, &self.canary.namespace));
        let namespaces = self
            .templates
            .iter()
            .map(|template| &template.namespace)
            .chain(
                self.alert_providers
                    .iter()
                    .map(|provider| &provider.namespace),
            );
        let items: Vec<Value> = own
            .chain(self.named.iter().zip(namespaces))
            .map(|(document, namespace)| {
                let mut item = document.value.clone();
                if let Some(metadata) = item.pointer_mut("/metadata").and_then(Value::as_object_mut)
                {
                    metadata.insert("namespace".to_owned(), Value::from(namespace.as_str()));
                }
                item
            })
            .collect();
        serde_json::json!({"apiVersion": "v1", "kind": "List", "items": items})
    }

    /// Where a template of this Canary stands, for errors of its query.
    #[must_use]
    pub fn template_document(&self, template: &MetricTemplate) -> Option<&Document> {
        let at = self.templates.iter().position(|own| own == template)?;
        self.named.get(at)
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
    let in_namespace = own_namespace(&document)
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
    let (templates, mut named) = lookup.resolve(
        "/spec/analysis/metrics",
        "templateRef",
        "MetricTemplate",
        MetricTemplate::from_document,
    );
    let (alert_providers, more) = lookup.resolve(
        "/spec/analysis/alerts",
        "providerRef",
        "AlertProvider",
        AlertProvider::from_document,
    );
    named.extend(more);
    let Lookup {
        mut problems,
        warnings,
        ..
    } = lookup;
    let own = document.file.path.as_str();
    problems.sort_by(|a, b| {
        let key = |p: &SpecProblem| (p.file() != own, p.file().to_owned(), p.offset());
        key(a).cmp(&key(b))
    });
    match read {
        Some(canary) if problems.is_empty() => Ok(Loaded {
            canary,
            templates,
            alert_providers,
            warnings,
            document,
            named,
        }),
        Some(_) | None => Err(SpecErrors {
            subject: document.subject("canary"),
            problems,
        }
        .into()),
    }
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
        .filter(|document| match (namespace, own_namespace(document)) {
            (Some(wanted), Some(own)) => wanted == own,
            (Some(_), None) | (None, Some(_) | None) => true,
        })
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

#[cfg(test)]
mod tests;
