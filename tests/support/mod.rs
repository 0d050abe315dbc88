//! What tests share.

pub mod golden;
#[cfg(unix)]
pub mod pty;
pub mod sandbox;
pub mod stage;
pub mod tap;
