//! The state machine.
pub mod event;
pub mod words;
