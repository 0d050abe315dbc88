//! Which requests a rule takes, by their headers, and what else it does with them. Other conditions are taken to hold:
//! all requests of the embedded cluster are alike in them.

use crate::sandbox::dataplane::Backend;
use crate::sandbox::dataplane::Lost;
use promql_parser::label::Matcher;
use promql_parser::parser::token::T_EQL_REGEX;
use serde_json::Value;
use std::collections::BTreeMap;

/// Headers of a request by lower-case name.
pub type Headers = BTreeMap<String, String>;

/// What a proxy does with some of the requests.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Rule {
    /// One of these must hold; without any it takes all.
    pub(super) when: Vec<Vec<Test>>,
    /// Backends with a weight above 0, or why there is none.
    pub backends: Result<Vec<Backend>, Lost>,
    /// Who gets a copy, and of how many percent.
    pub copy: Option<(Backend, u64)>,
    /// What all answers set, as `NAME=VALUE; ATTRIBUTES`.
    pub cookie: Option<String>,
}

impl Rule {
    /// One without conditions.
    pub(super) fn for_all(backends: Result<Vec<Backend>, Lost>) -> Self {
        Self {
            when: Vec::new(),
            backends,
            copy: None,
            cookie: None,
        }
    }

    /// Does it take such a request?
    #[must_use]
    pub fn takes(&self, headers: &Headers) -> bool {
        let holds = |tests: &Vec<Test>| tests.iter().all(|test| test.holds(headers));
        self.when.is_empty() || self.when.iter().any(holds)
    }
}

/// What one header must be like.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Test {
    header: String,
    wanted: Wanted,
}

#[derive(Clone, Debug, PartialEq, Eq)]
enum Wanted {
    Exact(String),
    Prefix(String),
    Suffix(String),
    Contains(String),
    /// From one end to the other, as Envoy compares.
    Regex(Box<Matcher>),
    Present,
    /// Nobody knows how to compare like that.
    Unknown,
}

impl Test {
    /// `kind` in the words of Istio, of Gateway API and of Contour.
    pub(super) fn new(header: &str, kind: &str, value: &Value) -> Self {
        let text = value.as_str().unwrap_or_default().to_owned();
        let wanted = match kind {
            "exact" | "Exact" => Wanted::Exact(text),
            "prefix" => Wanted::Prefix(text),
            "suffix" => Wanted::Suffix(text),
            "contains" => Wanted::Contains(text),
            "regex" | "RegularExpression" => {
                let matcher = Matcher::new_matcher(T_EQL_REGEX, header.to_owned(), text);
                matcher.map_or(Wanted::Unknown, |matcher| Wanted::Regex(Box::new(matcher)))
            }
            "present" => Wanted::Present,
            _ => Wanted::Unknown,
        };
        Self {
            header: header.to_lowercase(),
            wanted,
        }
    }

    fn holds(&self, headers: &Headers) -> bool {
        let Some(value) = headers.get(&self.header) else {
            return false;
        };
        match &self.wanted {
            Wanted::Exact(text) => value == text,
            Wanted::Prefix(text) => value.starts_with(text),
            Wanted::Suffix(text) => value.ends_with(text),
            Wanted::Contains(text) => value.contains(text),
            Wanted::Regex(matcher) => matcher.is_match(value),
            Wanted::Present => true,
            Wanted::Unknown => false,
        }
    }
}
