//! What tests share.

pub mod golden;
