//! Git: specs are read from a commit, and what happened is written back as commits on a branch of its own.
//!
//! Must not touch the work tree, the index or a checked-out branch, and must not let the library's own error type
//! out.

pub mod error;
pub mod example;
pub mod journal;
mod layout;
mod manifests;
mod message;
mod objects;
mod push;
pub mod recorded;
mod refusal;
mod remote;
pub mod repository;
pub mod transport;
mod worktree;

#[cfg(test)]
pub(crate) mod testing;
#[cfg(test)]
mod testing_server;
