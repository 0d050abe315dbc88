//! The causes behind an error.
//!
//! Must not know the errors of any library: what they mean is said where they arise.

use std::error::Error;
use std::iter::from_fn;

/// The error, then what caused it, down to the first cause.
pub fn chain<'a>(
    error: &'a (dyn Error + 'static),
) -> impl Iterator<Item = &'a (dyn Error + 'static)> {
    let mut next = Some(error);
    from_fn(move || {
        let error = next?;
        next = error.source();
        Some(error)
    })
}

/// Their texts on one line, without what an outer one has said already. Empty only where all are.
#[must_use]
pub fn on_one_line<'a>(errors: impl Iterator<Item = &'a (dyn Error + 'static)>) -> String {
    let mut said: Vec<String> = Vec::new();
    for error in errors {
        let text = error.to_string();
        // The HTTP client's outermost text only says that it is one.
        let empty = text.starts_with("client error (") && error.source().is_some();
        if !empty && !said.iter().any(|outer| outer.contains(&text)) {
            said.push(text);
        }
    }
    said.join(": ")
}

/// The same of a request, whose own text only says that a request failed.
#[must_use]
pub fn of_request(error: &(dyn Error + 'static)) -> String {
    let mut behind = chain(error).skip(1).peekable();
    if behind.peek().is_none() {
        return error.to_string();
    }
    on_one_line(behind)
}
