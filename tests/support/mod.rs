//! Helpers of the tests.

pub mod golden;
