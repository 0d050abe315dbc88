//! Tests over more than one module.

mod specs;
mod support;
