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
mod tests {
    use super::*;
    use crate::canary::problem::ProblemKind;

    fn file(path: &str, text: &str) -> SourceFile {
        SourceFile {
            path: path.to_owned(),
            text: text.into(),
        }
    }

    fn canary(name: &str, namespace: &str, more: &str) -> String {
        format!(
            "apiVersion: flagger.app/v1beta1\nkind: Canary\nmetadata: {{name: {name}{namespace}}}\nspec:\n  \
             targetRef: {{apiVersion: apps/v1, kind: Deployment, name: {name}}}\n  service: {{port: 80}}\n  \
             analysis:\n    interval: 1m\n    threshold: 5\n    stepWeight: 10\n{more}"
        )
    }

    #[test]
    fn a_canary_without_namespace_takes_the_one_asked_for() {
        let files = [file("a.yaml", &canary("podinfo", "", ""))];
        let namespace = |asked| load(&files, None, asked).unwrap().canary.namespace;
        assert_eq!(namespace(Some("shop")), "shop");
        assert_eq!(namespace(None), "default");
    }

    #[test]
    fn a_canary_of_another_namespace_does_not_fit() {
        let files = [file("a.yaml", &canary("podinfo", ", namespace: test", ""))];
        assert_eq!(
            load(&files, Some("podinfo"), None)
                .unwrap()
                .canary
                .namespace,
            "test"
        );
        let error = load(&files, Some("podinfo"), Some("shop")).unwrap_err();
        assert!(matches!(error, LoadError::NotFound { .. }), "{error:?}");
    }

    #[test]
    fn the_only_canary_needs_no_name() {
        let files = [
            file("a.yaml", &canary("podinfo", "", "")),
            file(
                "b.yaml",
                "apiVersion: v1\nkind: ConfigMap\n# flagger.app/\n",
            ),
        ];
        assert_eq!(load(&files, None, None).unwrap().canary.name, "podinfo");
        let two = [
            file("a.yaml", &canary("podinfo", "", "")),
            file("b.yaml", &canary("backend", "", "")),
        ];
        let error = load(&two, None, None).unwrap_err();
        assert!(
            error
                .help()
                .unwrap()
                .to_string()
                .contains("backend (b.yaml:1)")
        );
    }

    #[test]
    fn a_broken_file_is_only_a_warning_where_the_canary_is_elsewhere() {
        let files = [
            file("broken.yaml", "apiVersion: flagger.app/v1beta1\nkind: [\n"),
            file("a.yaml", &canary("podinfo", "", "")),
        ];
        let loaded = load(&files, Some("podinfo"), None).unwrap();
        assert_eq!(loaded.warnings.len(), 1);
        assert_eq!(loaded.warnings[0].kind, ProblemKind::Unreadable);
        assert!(loaded.warnings[0].is_warning());
        let error = load(&files, Some("backend"), None).unwrap_err();
        assert!(matches!(error, LoadError::Unread { .. }), "{error:?}");
    }

    #[test]
    fn a_file_without_the_group_is_not_parsed() {
        let files = [
            file("chart.yaml", "{{ broken"),
            file("a.yaml", &canary("podinfo", "", "")),
        ];
        assert!(load(&files, None, None).unwrap().warnings.is_empty());
    }

    #[test]
    fn a_later_error_can_point_into_the_file() {
        let text = canary(
            "podinfo",
            "",
            "    metrics:\n    - name: request-success-rate\n      thresholdRange: {min: 99}\n",
        );
        let loaded = load(&[file("a.yaml", &text)], None, None).unwrap();
        assert_eq!(
            loaded.line_column("/spec/analysis/threshold"),
            Some((9, 16))
        );
        let span = loaded
            .span("/spec/analysis/metrics/0/thresholdRange")
            .unwrap();
        assert_eq!(&text[span], "{min: 99}");
        assert_eq!(loaded.raw()["spec"]["service"]["port"], 80);
    }

    const REFERRING: &str = "    metrics:\n    - {name: a, templateRef: {name: rate}}\n    - {name: b, templateRef: {name: rate, namespace: shop}}\n";

    fn template(namespace: &str) -> String {
        format!(
            "---\napiVersion: flagger.app/v1beta1\nkind: MetricTemplate\nmetadata: {{name: rate{namespace}}}\nspec: {{provider: {{type: prometheus}}, query: up}}\n"
        )
    }

    #[test]
    fn a_template_is_resolved_once_and_found_from_its_metric() {
        let files = [
            file("a.yaml", &canary("podinfo", ", namespace: shop", REFERRING)),
            file("b.yaml", &template("")),
        ];
        let loaded = load(&files, None, None).unwrap();
        assert_eq!(loaded.templates.len(), 1);
        for metric in &loaded.canary.analysis.metrics {
            assert_eq!(loaded.template(metric).unwrap().query, "up");
        }
    }

    #[test]
    fn a_template_of_the_right_namespace_goes_before_one_without() {
        let files = [
            file("a.yaml", &canary("podinfo", ", namespace: shop", REFERRING)),
            file("b.yaml", &(template("") + &template(", namespace: shop"))),
        ];
        assert_eq!(load(&files, None, None).unwrap().templates.len(), 1);
    }

    #[test]
    fn problems_of_the_spec_and_of_its_references_are_told_together() {
        let more = format!("    tresholds: 1\n{REFERRING}");
        let files = [file(
            "a.yaml",
            &canary("podinfo", ", namespace: shop", &more),
        )];
        let LoadError::Invalid(errors) = load(&files, None, None).unwrap_err() else {
            panic!("not valid");
        };
        let kinds: Vec<_> = errors.problems.iter().map(|problem| problem.kind).collect();
        assert_eq!(kinds, [ProblemKind::UnknownField, ProblemKind::Reference]);
        assert_eq!(errors.problems[1].place, "a.yaml:13");
    }
}
