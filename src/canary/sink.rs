//! Collects what was found while one document was read.
//!
//! Must not judge.

use crate::canary::problem::Finding;
use crate::canary::problem::SpecErrors;
use crate::canary::problem::SpecProblem;
use crate::canary::yaml::Document;
use miette::Severity;
use std::cell::RefCell;

/// What was found while reading one document.
#[derive(Default)]
pub(super) struct Sink {
    errors: RefCell<Vec<Finding>>,
    warnings: RefCell<Vec<Finding>>,
}

impl Sink {
    /// Notes a problem.
    pub fn error(&self, finding: Finding) {
        self.errors.borrow_mut().push(finding);
    }

    /// Notes something odd.
    pub fn warning(&self, finding: Finding) {
        self.warnings.borrow_mut().push(finding);
    }

    /// The value and the warnings if nothing was wrong, else all problems in the order of the file. `kind` is for
    /// people, such as `canary`.
    pub fn finish<T>(
        self,
        read: Option<T>,
        document: &Document,
        kind: &str,
    ) -> Result<(T, Vec<SpecProblem>), SpecErrors> {
        let errors = self.errors.into_inner();
        let mut warnings: Vec<SpecProblem> = self
            .warnings
            .into_inner()
            .into_iter()
            .map(|finding| finding.locate(document, Severity::Warning))
            .collect();
        warnings.sort_by_key(SpecProblem::offset);
        match read {
            Some(value) if errors.is_empty() => Ok((value, warnings)),
            Some(_) | None => {
                let mut problems: Vec<SpecProblem> = errors
                    .into_iter()
                    .map(|finding| finding.locate(document, Severity::Error))
                    .collect();
                problems.sort_by_key(SpecProblem::offset);
                Err(SpecErrors {
                    subject: document.subject(kind),
                    problems,
                })
            }
        }
    }
}
