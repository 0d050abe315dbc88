//! What tests share.

pub mod golden;
pub mod stage;
pub mod tap;
