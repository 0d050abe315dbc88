//! Tests over more than one module.

#![expect(clippy::unwrap_used, reason = "a helper of a test fails the test")]

mod specs;
mod support;
