//! The state machine.
pub mod event;
