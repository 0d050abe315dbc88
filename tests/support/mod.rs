//! What tests share.

pub mod golden;
#[cfg(unix)]
pub mod pty;
