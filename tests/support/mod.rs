//! What tests share.

pub mod golden;
pub mod sandbox;
pub mod stage;
pub mod tap;
