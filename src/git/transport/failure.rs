//! Why a server was of no use, in a sentence, and what the user can do about it.

/// One of them ends an operation.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(in crate::git) struct NetworkFailure {
    pub kind: Kind,
    /// A lower-case fragment.
    pub why: String,
    /// The way out.
    pub help: Option<String>,
}

/// What has to change for it to work.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(in crate::git) enum Kind {
    /// Login or rights.
    Denied,
    /// The server cannot prove who it is.
    Untrusted,
    /// Time may help.
    Unreachable,
}

/// Longest text of a server that is repeated, characters.
const REPEATED: usize = 300;

impl NetworkFailure {
    pub fn denied(why: impl Into<String>, help: impl Into<String>) -> Self {
        Self::new(Kind::Denied, why, Some(help.into()))
    }

    pub fn untrusted(why: impl Into<String>, help: impl Into<String>) -> Self {
        Self::new(Kind::Untrusted, why, Some(help.into()))
    }

    pub fn unreachable(why: impl Into<String>) -> Self {
        Self::new(Kind::Unreachable, why, None)
    }

    pub fn unreachable_but(why: impl Into<String>, help: impl Into<String>) -> Self {
        Self::new(Kind::Unreachable, why, Some(help.into()))
    }

    fn new(kind: Kind, why: impl Into<String>, help: Option<String>) -> Self {
        Self {
            kind,
            why: why.into(),
            help,
        }
    }
}

/// The protocol of a URL is none of ours.
pub(in crate::git) fn unsupported() -> NetworkFailure {
    NetworkFailure::unreachable_but(
        "the protocol of its URL is not supported",
        "https, ssh and folders are; --remote . keeps the record in this repository",
    )
}

/// A server's words on one line, without anything that a terminal would obey.
pub(in crate::git) fn said(text: &str) -> String {
    let visible: String = text
        .chars()
        .map(|c| if c.is_control() || is_bidi(c) { ' ' } else { c })
        .collect();
    let line = visible.split_whitespace().collect::<Vec<_>>().join(" ");
    line.chars().take(REPEATED).collect()
}

/// Characters that change the direction of the text around them.
const fn is_bidi(c: char) -> bool {
    matches!(c, '\u{200e}' | '\u{200f}' | '\u{202a}'..='\u{202e}' | '\u{2066}'..='\u{2069}')
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_servers_words_are_one_short_line_without_escapes() {
        assert_eq!(said("no\n\u{1b}[2J entry \u{202e}x\0"), "no [2J entry x");
        assert_eq!(said(&"x".repeat(5000)).len(), REPEATED);
    }
}
