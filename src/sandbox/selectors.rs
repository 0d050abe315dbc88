//! Label and field selectors.

use crate::sandbox::failure::Failure;
use crate::sandbox::tree;
use serde_json::Value;

/// One requirement on a label.
#[derive(Clone, Debug, PartialEq, Eq)]
enum Requirement {
    In(String, Vec<String>),
    NotIn(String, Vec<String>),
    Exists(String),
    Absent(String),
}

/// What a list or watch is restricted to.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Selector {
    labels: Vec<Requirement>,
    /// Dotted path, value, wanted equal?
    fields: Vec<(String, String, bool)>,
}

/// Fields that may be selected by: `metadata.*` for all, the rest as real servers have them.
const FIELDS: &[&str] = &[
    "metadata.name",
    "metadata.namespace",
    "involvedObject.kind",
    "involvedObject.namespace",
    "involvedObject.name",
    "involvedObject.uid",
    "involvedObject.apiVersion",
    "involvedObject.resourceVersion",
    "involvedObject.fieldPath",
    "reason",
    "type",
    "status.phase",
    "spec.nodeName",
];

impl Selector {
    /// Reads `labelSelector` and `fieldSelector`.
    pub fn parse(labels: &str, fields: &str) -> Result<Self, Failure> {
        let mut selector = Self::default();
        for term in split_terms(labels) {
            selector.labels.push(requirement(term)?);
        }
        for term in fields.split(',').filter(|term| !term.is_empty()) {
            let (path, value, equal) = if let Some((path, value)) = term.split_once("!=") {
                (path, value, false)
            } else if let Some((path, value)) = term.split_once("==") {
                (path, value, true)
            } else if let Some((path, value)) = term.split_once('=') {
                (path, value, true)
            } else {
                return Err(Failure::bad_request(format!(
                    "invalid selector: '{fields}'; can't understand '{term}'"
                )));
            };
            if !FIELDS.contains(&path) {
                return Err(Failure::bad_request(format!(
                    "field label not supported: {path}"
                )));
            }
            selector
                .fields
                .push((path.to_owned(), value.to_owned(), equal));
        }
        Ok(selector)
    }

    /// Is the object selected?
    #[must_use]
    pub fn matches(&self, object: &Value) -> bool {
        let label = |name: &str| {
            object
                .get("metadata")
                .and_then(|metadata| metadata.get("labels"))
                .and_then(|labels| labels.get(name))
                .and_then(Value::as_str)
        };
        let labels = self.labels.iter().all(|requirement| match requirement {
            Requirement::In(name, values) => {
                label(name).is_some_and(|value| values.iter().any(|v| v == value))
            }
            Requirement::NotIn(name, values) => {
                label(name).is_none_or(|value| values.iter().all(|v| v != value))
            }
            Requirement::Exists(name) => label(name).is_some(),
            Requirement::Absent(name) => label(name).is_none(),
        });
        labels
            && self.fields.iter().all(|(path, value, equal)| {
                let pointer = format!("/{}", path.replace('.', "/"));
                (tree::text(object, &pointer) == value) == *equal
            })
    }
}

/// Splits at commas outside parentheses.
fn split_terms(text: &str) -> Vec<&str> {
    let mut terms = Vec::new();
    let mut depth = 0;
    let mut start = 0;
    for (at, letter) in text.char_indices() {
        match letter {
            '(' => depth += 1,
            ')' => depth -= 1,
            ',' if depth == 0 => {
                terms.push(&text[start..at]);
                start = at + 1;
            }
            _ => {}
        }
    }
    terms.push(&text[start..]);
    terms.retain(|term| !term.trim().is_empty());
    terms
}

fn requirement(term: &str) -> Result<Requirement, Failure> {
    let term = term.trim();
    let listed = |values: &str| {
        values
            .trim()
            .trim_start_matches('(')
            .trim_end_matches(')')
            .split(',')
            .map(|value| value.trim().to_owned())
            .collect()
    };
    if let Some((name, value)) = term.split_once("!=") {
        return Ok(Requirement::NotIn(
            name.trim().to_owned(),
            vec![value.trim().to_owned()],
        ));
    }
    if let Some((name, value)) = term.split_once("==").or_else(|| term.split_once('=')) {
        return Ok(Requirement::In(
            name.trim().to_owned(),
            vec![value.trim().to_owned()],
        ));
    }
    if let Some((name, values)) = term.split_once(" notin ") {
        return Ok(Requirement::NotIn(name.trim().to_owned(), listed(values)));
    }
    if let Some((name, values)) = term.split_once(" in ") {
        return Ok(Requirement::In(name.trim().to_owned(), listed(values)));
    }
    if term.contains(char::is_whitespace) {
        return Err(Failure::bad_request(format!(
            "unable to parse requirement: found '{term}'"
        )));
    }
    Ok(match term.strip_prefix('!') {
        Some(name) => Requirement::Absent(name.to_owned()),
        None => Requirement::Exists(term.to_owned()),
    })
}

/// Does a `matchLabels`-like map select an object's labels? An empty or absent map selects nothing here, as for
/// a Service.
#[must_use]
pub fn map_selects(selector: Option<&Value>, labels: Option<&Value>) -> bool {
    let Some(selector) = selector.and_then(Value::as_object) else {
        return false;
    };
    !selector.is_empty()
        && selector
            .iter()
            .all(|(name, value)| labels.and_then(|labels| labels.get(name)) == Some(value))
}

#[cfg(test)]
mod tests {
    use super::Selector;
    use serde_json::json;

    fn selects(labels: &str) -> bool {
        let object =
            json!({"metadata": {"name": "a", "labels": {"app": "podinfo", "tier": "web"}}});
        Selector::parse(labels, "").unwrap().matches(&object)
    }

    #[test]
    fn labels_are_selected_by_equality_and_sets() {
        assert!(selects("app=podinfo,tier!=db"));
        assert!(selects("app in (podinfo, other),tier"));
        assert!(!selects("app notin (podinfo)"));
        assert!(selects("!team"));
        assert!(!selects("team"));
    }

    #[test]
    fn an_unknown_field_is_refused() {
        let failure = Selector::parse("", "spec.replicas=2").unwrap_err();
        assert_eq!(failure.message, "field label not supported: spec.replicas");
    }
}
