//! Text of a manifest and where it came from, so that every error can point into it.

use std::sync::Arc;

/// One file as it was read: from a commit, from `-f FILE`, or from standard input (`-`).
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct SourceFile {
    /// Path from the top of the repository, or as it was given.
    pub path: String,
    /// The whole text.
    pub text: Arc<str>,
}
