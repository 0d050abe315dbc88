//! What each verb takes, as types. The doc comments are the help text.

pub mod analyze;
pub mod display;
pub mod promote;
pub mod sandbox;
pub mod values;
