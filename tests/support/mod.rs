//! What tests share.

pub mod golden;
pub mod sandbox;
