//! What each verb takes, as types. The doc comments are the help text.

pub mod alerts;
pub mod analyze;
pub mod display;
pub mod eject;
pub mod notify;
pub mod promote;
pub mod remote;
pub mod sandbox;
pub mod values;
pub mod waiting;
