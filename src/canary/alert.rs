//! `spec.analysis.alerts`.

use crate::canary::name::Word;
use crate::canary::reader::At;
use crate::canary::reference::NamedRef;

/// Which alerts go to which provider.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Alert {
    /// Used in messages.
    pub name: String,
    /// The least severity that is sent. Info where absent (Flagger sends nothing then).
    pub severity: Severity,
    /// The AlertProvider.
    pub provider: NamedRef,
}

/// How bad it is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Severity {
    /// As planned.
    Info,
    /// Needs a look.
    Warn,
    /// Went wrong.
    Error,
}

impl Word for Severity {
    const ALL: &'static [Self] = &[Self::Info, Self::Warn, Self::Error];

    fn as_str(self) -> &'static str {
        match self {
            Self::Info => "info",
            Self::Warn => "warn",
            Self::Error => "error",
        }
    }
}

impl Alert {
    pub(super) fn read(at: At<'_>) -> Option<Self> {
        let mut fields = at.fields()?;
        let name = fields.required("name", At::some_text);
        let severity = fields
            .optional("severity", At::word_or_empty)
            .unwrap_or(Severity::Info);
        let provider = fields.required("providerRef", NamedRef::read);
        fields.close();
        Some(Self {
            name: name?,
            severity,
            provider: provider?,
        })
    }
}
