//! What a metric backend said.

/// What a metric backend said.
#[derive(Clone, Debug, PartialEq)]
pub enum Answer {
    /// A number, for `request-duration` in milliseconds.
    Value(f64),
    /// The query matched nothing: no traffic.
    NoValues,
    /// No usable answer, and why.
    Error(String),
}
