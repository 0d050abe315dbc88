//! Webhooks of a canary.

use crate::port::Job;

// Who implements this port, and who asks it, take the words from here.
pub use crate::canary::hook::HookAnswer;
pub use crate::canary::hook::HookCall;

/// Calls webhooks.
pub trait Hooks {
    /// Calls that hook, with its own attempts and timeout. Failures are answers.
    fn call<'a>(&'a self, call: &'a HookCall) -> Job<'a, HookAnswer>;
}
